"""Publishing: sign once, store, then send (see outgoing.py).

The order of writes is that of PROTOCOL §4.2: the signed bytes and the numbers they use are durable before
the first byte leaves, so that a crash at any point ends in the same one dispatch. An acknowledgement counts
only when its proof holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from envoi_keys.dispatches import Dispatch, Opening, Sealed
from envoi_keys.encoding import dump_line, parse_object
from envoi_keys.errors import LocalError, NetworkError, Refused
from envoi_keys.frames import pack
from envoi_keys.limits import MAX_NOTE_BYTES
from envoi_keys.notes import Note
from envoi_keys.signing import sign_note
from envoi_keys.statements import statement_id

from ..body import Body, Envelope, read_attachments, seal_body
from ..store import OutboxEntry
from ..transport import RelayRefused
from . import claims
from .attachments import FileToAttach, check_names, seal_file
from .joining import check_pinned
from .outgoing import Published, send
from .session import Session


@dataclass(frozen=True, slots=True)
class Plan:
    """What a publication would do: recipients with their next numbers, and the sealed body's size."""

    recipients: dict[str, int]
    roster: int
    body_bytes: int
    attachments: tuple[str, ...]
    exercise: bool


NOTICES: Final = ("denial/v1", "aggregate/v1", "undercut/v1")
"""Documents that go to everybody whom the profile tells of denials, unless somebody is named."""


def default_recipients(session: Session, document_type: str) -> tuple[str, ...]:
    """Who gets a document that names nobody: for a notice, every other active member that the profile says.

    Raises Refused for any other type: an empty list of recipients is never "everybody".
    """
    if document_type not in NOTICES:
        raise Refused("no recipients were named", reason="no-recipients", hint="name them with --to")
    return tuple(
        member.id
        for member in session.roster.members
        if member.role in session.profile.denials.sent_to and member.active and member.id != session.me
    )


def check_recipients(session: Session, to: Sequence[str]) -> tuple[str, ...]:
    """The recipients sorted, each one active. Raises Refused that names whoever cannot be sent to."""
    if not to:
        raise Refused("no recipients were named", reason="no-recipients", hint="name them with --to")
    for name in to:
        found = session.roster.addressee(name)
        if found is None:
            known = ", ".join(one.id for one in session.roster.addressees)
            raise Refused(f"{name} is not in the roster", reason="unknown-recipient", hint=f"it has: {known}")
        if not found.active:
            raise Refused(
                f"{name} is {found.status} and cannot be sent to",
                reason="inactive-recipient",
                hint=f"leave {name} out by naming the others with --to, and tell the Point of Contact",
            )
        if name == session.me:
            raise Refused("a dispatch is not addressed to its own sender", reason="own-recipient")
    return tuple(sorted(set(to)))


def plan(session: Session, body: Body, to: Sequence[str], files: Sequence[FileToAttach], exercise: bool) -> Plan:
    """What :func:`publish` would do, without writing or sending anything."""
    recipients = check_recipients(session, to)
    check_names(files)
    series = session.series
    envelope = _envelope(session, recipients, (), exercise)
    sealed, _ = seal_body(body, envelope, _sealing_keys(session, recipients))
    return Plan(
        recipients={name: session.store.numbers.next_to_sign(name, series) for name in recipients},
        roster=session.roster.version,
        body_bytes=len(sealed),
        attachments=tuple(file.name for file in files),
        exercise=exercise,
    )


def publish(
    session: Session,
    body: Body,
    to: Sequence[str],
    *,
    files: Sequence[FileToAttach] = (),
    exercise: bool = False,
) -> Published:
    """Sign, store and send one dispatch; it is logged when this returns.

    Raises Refused, Fraud for an acknowledgement that proves nothing, NetworkError when nobody answered: the
    dispatch then waits in the outbox and the next sync sends it.
    """
    key = prepare(session, body, to, files=files, exercise=exercise)
    for entry in session.store.outbox.listing("signed"):
        # What waits has the numbers before ours. What cannot be sent of it is for the next sync to sort out.
        if entry.key < key:
            with suppress(RelayRefused, LocalError, NetworkError):
                send(session, entry.key)
    return send(session, key)


def prepare(
    session: Session,
    body: Body,
    to: Sequence[str],
    *,
    files: Sequence[FileToAttach] = (),
    exercise: bool = False,
) -> int:
    """Seal and sign one dispatch and store it, ready to send; its key in the outbox."""
    _refuse_unsynced(session)
    recipients = check_recipients(session, to)
    for name in recipients:
        claims.refuse_unread(session, name)
    check_names(files)
    attachments = [seal_file(session, file) for file in files]
    header_files = tuple(sealed for _, sealed in attachments)
    body = Body(body.type, body.content, tuple(attachment for attachment, _ in attachments))
    draft = dump_line({**body.to_json(), "to": list(recipients), "exercise": exercise})
    with session.store.transaction():
        key = session.store.outbox.add_draft(draft, session.clock())
        _sign(session, key, body, recipients, header_files, exercise)
    return key


def sign_again(session: Session, key: int) -> None:
    """Seal and sign a refused dispatch anew, under the roster and the numbers of now.

    Raises Refused if one of its recipients cannot be sent to any more.
    """
    entry = session.store.outbox.get(key)
    if entry is None or entry.note is None or not entry.draft:
        raise LocalError(f"the outbox has no dispatch {key} to sign again")
    draft = draft_of(entry)
    recipients = check_recipients(session, draft["to"])
    body = Body(draft["type"], draft["content"], read_attachments(draft["attachments"]))
    files = Dispatch.parse(Note.parse(entry.note).text).attachments
    with session.store.transaction():
        session.store.outbox.reopen(key, session.clock())
        _sign(session, key, body, recipients, files, draft["exercise"])


def _sign(
    session: Session,
    key: int,
    body: Body,
    recipients: tuple[str, ...],
    files: tuple[Sealed, ...],
    exercise: bool,
) -> None:
    """Seal, number and sign the draft ``key``, inside the transaction that makes all of it durable."""
    envelope = _envelope(session, recipients, files, exercise)
    sealed, _ = seal_body(body, envelope, _sealing_keys(session, recipients))
    openings = {
        name: Opening(session.random(32), session.store.numbers.next_to_sign(name, envelope.series))
        for name in recipients
    }
    dispatch = Dispatch(
        exchange=envelope.exchange,
        sender=envelope.sender,
        to=tuple((name, opening.commitment()) for name, opening in openings.items()),
        roster=envelope.roster,
        series=envelope.series,
        sent_at=envelope.sent_at,
        body=Sealed(sha256(sealed).hexdigest(), len(sealed)),
        attachments=files,
        exercise=exercise,
    )
    note = sign_note(dispatch.text(), session.keys.signer)
    session.store.outbox.sign(
        key,
        id=statement_id(note.text),
        note=note.serialise(),
        submission=pack(note.serialise(), b"".join(opening.to_bytes() for opening in openings.values()), sealed),
        series=dispatch.series,
        numbers={name: opening.number for name, opening in openings.items()},
        at=session.clock(),
    )


def _refuse_unsynced(session: Session) -> None:
    check_pinned(session)
    # A restored or new store does not know which numbers are taken; the log does (PROTOCOL §4.2). What a store said of
    # itself would be restored with it, so it is asked of this run.
    if not session.own_read:
        raise LocalError("this node has not read its own dispatches from the log yet", hint="run: envoi sync")
    if session.clock() >= session.roster.expires:
        raise Refused(
            f"roster {session.roster.version} has expired",
            reason="roster-expired",
            hint="run: envoi sync; if that does not help, the Point of Contact has to publish a new roster",
        )


def _envelope(session: Session, recipients: tuple[str, ...], files: tuple[Sealed, ...], exercise: bool) -> Envelope:
    return Envelope(
        exchange=session.chain.exchange,
        sender=session.me,
        recipients=recipients,
        roster=session.roster.version,
        series=session.series,
        sent_at=session.clock(),
        attachments=files,
        exercise=exercise,
    )


def _sealing_keys(session: Session, recipients: Sequence[str]) -> list[str]:
    keys: list[str] = []
    for name in recipients:
        found = session.roster.addressee(name)
        assert found is not None  # check_recipients has found each
        keys += found.keys.sealing
    return keys


def draft_of(entry: OutboxEntry) -> dict[str, Any]:
    """What a dispatch of the outbox says: document type, content, recipients."""
    return parse_object(entry.draft.rstrip(b"\n"), max_bytes=MAX_NOTE_BYTES, multiline=True) if entry.draft else {}
