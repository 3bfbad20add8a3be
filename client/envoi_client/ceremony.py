"""The roster's ceremony on files: reading enrolments, drawing the roster up, adding signatures.

What makes a roster valid is decided in envoi_keys; here files are read, each enrolment's own signature is
checked, and a person is asked.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from envoi_keys.enrolments import Enrolment, OfficerEnrolment, verify_enrolment, verify_officer
from envoi_keys.errors import LocalError, PeerError, Refused
from envoi_keys.limits import MAX_DISPATCH_NOTE_BYTES, MAX_NOTE_BYTES
from envoi_keys.notes import Note
from envoi_keys.regimes import Profile
from envoi_keys.roster_chain import Link
from envoi_keys.roster_changes import Change, propose_first, propose_next
from envoi_keys.rosters import Roster
from envoi_keys.signing import HybridKey, LogKey, Signer, sign_note
from envoi_keys.statements import statement_id

from .age import HybridRecipient
from .files import read_bounded

Kind = TypeVar("Kind", Enrolment, OfficerEnrolment)


def read_enrolments(paths: Iterable[Path]) -> list[Enrolment]:
    """The enrolments in these files and directories, each signed by its own key. Errors name the file."""
    return [_read(path, verify_enrolment) for path in _files(paths)]


def read_officers(paths: Iterable[Path]) -> list[OfficerEnrolment]:
    """The officers' enrolments in these files and directories, likewise."""
    return [_read(path, verify_officer) for path in _files(paths)]


def _read(path: Path, verify: Callable[[bytes], Kind]) -> Kind:
    try:
        return verify(read_bounded(path, MAX_DISPATCH_NOTE_BYTES))
    except PeerError as error:
        raise LocalError(f"{path}: {error}", hint="ask for the enrolment again") from error


def read_note(path: Path) -> Note:
    """The signed note in a file. Raises LocalError, which names the file."""
    try:
        return Note.parse(read_bounded(path, MAX_NOTE_BYTES))
    except PeerError as error:
        raise LocalError(f"{path} is not a signed note: {error}", hint="is it the right file?") from error


def read_lines(path: Path) -> list[str]:
    """The lines of a small text file. Raises LocalError."""
    try:
        return read_bounded(path, MAX_DISPATCH_NOTE_BYTES).decode("utf-8").splitlines()
    except UnicodeDecodeError:
        raise LocalError(f"{path} is not UTF-8 text", hint="is it the right file?") from None


def _files(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        found += sorted(path.glob("*.note")) if path.is_dir() else [path]
    return found


def first(
    profile: Profile,
    enrolments: Sequence[Enrolment],
    officers: Sequence[OfficerEnrolment],
    holds: Iterable[str],
    log: LogKey,
    expires: int,
    quorum: Sequence[str],
) -> Roster:
    """The first roster; ``holds`` are words such as ``CHAIR=AT,CH``."""
    _check_exchange(enrolments, "")
    _check_exchange(officers, "")
    held_by = {}
    for word in holds:
        office, found, states = word.partition("=")
        if not found or not states:
            raise LocalError(f"{word!r} does not say who holds an office", hint="write: --holds CHAIR=AT")
        held_by[office] = states.split(",")
    return propose_first(profile, enrolments, officers, held_by, log, expires, quorum)


def following(
    before: Note,
    profile: Profile,
    enrolments: Sequence[Enrolment],
    status: Mapping[str, str],
    expires: int | None,
) -> Roster:
    """The roster after the signed one ``before``."""
    roster = Roster.parse(before.text)
    id_ = statement_id(before.text)
    link = Link(roster, id_, before.serialise(), 0)
    exchange = roster.exchange or id_
    _check_exchange(enrolments, exchange)
    return propose_next(link, profile, exchange=exchange, admit=enrolments, status=status, expires=expires)


def _check_exchange(enrolments: Iterable[Enrolment | OfficerEnrolment], exchange: str) -> None:
    # Keys that a state made for a trial, or for another regime, are not those that it wants to be reached by here.
    for one in enrolments:
        if one.exchange not in ("", exchange):
            name = one.member if isinstance(one, Enrolment) else one.id
            raise Refused(
                f"the enrolment of {name} is for the exchange {one.exchange[:16]}",
                reason="other-exchange",
                hint=f"ask {name} for an enrolment for this one",
            )


def check_sealing_keys(roster: Roster) -> None:
    """Raise Refused that names whoever could not be sealed to: from then on nobody could write to it, nor to all.

    The grammar of a roster cannot tell, and who reads a roster must not depend on it: here is where it is found.
    """
    for one in roster.addressees:
        for key in one.keys.sealing:
            try:
                HybridRecipient.parse(key)
            except PeerError as error:
                raise Refused(
                    f"a sealing key of {one.id} is none: {error}",
                    reason="bad-sealing-key",
                    hint=f"ask {one.id} for its enrolment again; nothing was signed",
                ) from error


def signed(text: bytes, note: Note | None, signer: Signer) -> Note:
    """The note over ``text`` with one more signer. Signing twice is refused."""
    if note is None:
        return sign_note(text, signer)
    if any(line.name == signer.public.name for line in note.signatures):
        raise Refused(f"{signer.public.name} has signed it already", reason="signed-already")
    return note.signed(*signer.sign(text))


def check_follows(roster: Roster, before: Note | None) -> None:
    """Raise LocalError unless ``before`` is what ``roster`` changes: other differences would mislead who signs."""
    previous = statement_id(before.text) if before else ""
    if roster.previous == previous:
        return
    if before is None:
        hint = "name the roster that it follows with --after, to see what changes"
        raise LocalError(f"this is roster {roster.version}, not a first one", hint=hint)
    raise LocalError(
        f"this roster does not follow the one named with --after, whose id is {previous[:16]}",
        hint=f"it follows {roster.previous[:16]}" if roster.previous else "it is a first roster: leave --after out",
    )


def check_signer(key: HybridKey, roster: Roster, old: Roster | None) -> None:
    """Raise LocalError if ``key`` counts neither in ``roster`` nor in the one before: nobody would heed it."""
    for one in (roster, old):
        if one and key in (*(found.keys.signing for found in one.addressees), *(o.signing for o in one.officers)):
            return
    raise LocalError(
        f"this home's key of {key.name} stands in no roster that it could sign",
        hint="is it the right --home? otherwise its enrolment has to go into the roster first",
    )


def ask(roster: Roster, changes: Sequence[Change], name: str) -> None:
    """Show the changes on the terminal and ask. Raises LocalError unless the person types the signer's name."""
    for change in changes:
        sys.stderr.write(f"{change.what:<9} {change.subject:<12} {change.detail}\n")
    sys.stderr.write(f"sign roster {roster.version} as {name}? type {name} to sign: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != name:
        raise LocalError("not signed", hint="to sign without being asked, pass --yes")
