"""What the relay accepts as a dispatch: pure rules over bytes, in the order of PROTOCOL §8.

Everything a rule needs to know is handed to it in a small frozen view. A refusal is a value with a stable
slug; an exception that leaves this module is a mistake in it. No rule looks into a body beyond its age
header.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from envoi_keys import frames
from envoi_keys.age_header import hybrid_header, is_hybrid
from envoi_keys.age_header import parse as parse_age_header
from envoi_keys.dispatches import OPENING_BYTES, Dispatch, Opening
from envoi_keys.errors import Malformed, PeerError, Refused, Unverified
from envoi_keys.limits import MAX_BODY_BYTES, MAX_DISPATCH_NOTE_BYTES, MAX_RECIPIENTS
from envoi_keys.notes import Note
from envoi_keys.roster_chain import RosterChain
from envoi_keys.signing import hybrid_signers
from envoi_keys.statements import statement_id

MAX_OPENINGS_BYTES: Final = MAX_RECIPIENTS * OPENING_BYTES
MAX_SUBMISSION_BYTES: Final = MAX_DISPATCH_NOTE_BYTES + MAX_OPENINGS_BYTES + MAX_BODY_BYTES + 12
"""A dispatch as it is posted: three frames, each behind four bytes of length."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is not accepted.

    ``slug`` is stable, ``detail`` is for people, ``extra`` becomes members of the problem document.
    """

    slug: str
    detail: str
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Submission:
    """A dispatch as it was posted, parsed once. ``raw`` is the whole note; ``id`` is in hexadecimal."""

    raw: bytes
    note: Note
    id: str
    dispatch: Dispatch
    openings: tuple[Opening, ...]
    openings_raw: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class BlobFact:
    """What is known of a blob that the sender has uploaded or was sent; of any other, nothing is.

    ``size`` is that of the whole blob, or None; ``unfinished`` says that the sender's upload has not ended.
    """

    size: int | None = None
    unfinished: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """What the rules of a dispatch look at besides its bytes."""

    chain: RosterChain | None
    blobs: Mapping[str, BlobFact]


@dataclass(frozen=True, slots=True)
class Taken:
    """The number that a submission carries for a recipient belongs to a dispatch that is logged already."""

    recipient: str
    number: int


def refusal(error: PeerError) -> Refusal:
    """An error of the keys room as a refusal."""
    if isinstance(error, Malformed):
        return Refusal("malformed", error.message, {"field": error.field} if error.field else {})
    if isinstance(error, Unverified):
        return Refusal("bad-signature", error.message)
    if isinstance(error, Refused):
        return Refusal(error.reason, error.message)
    return Refusal("roster-conflict", error.message)


def read_submission(raw: bytes) -> Submission | Refusal:
    """Rules 1 and 2: it is within the limits, and it parses."""
    # 1. Sizes, before anything is looked at.
    if len(raw) > MAX_SUBMISSION_BYTES:
        return _too_large("the submission", len(raw), MAX_SUBMISSION_BYTES)
    try:
        note_raw, openings_raw, body = frames.unpack(raw, 3)
        for what, part, limit in (
            ("the note", note_raw, MAX_DISPATCH_NOTE_BYTES),
            ("the list of openings", openings_raw, MAX_OPENINGS_BYTES),
            ("the sealed body", body, MAX_BODY_BYTES),
        ):
            if len(part) > limit:
                return _too_large(what, len(part), limit)
        # 2. Note, header, openings.
        note = Note.parse(note_raw, max_bytes=MAX_DISPATCH_NOTE_BYTES)
        dispatch = Dispatch.parse(note.text)
        openings = Opening.split(openings_raw, len(dispatch.to))
    except PeerError as error:
        return refusal(error)
    return Submission(note_raw, note, statement_id(note.text), dispatch, openings, openings_raw, body)


def check_dispatch(caller: str, submission: Submission, view: View) -> Refusal | None:
    """Rules 3 to 8, and of rule 9 that each opening fits its commitment; None where all hold."""
    dispatch = submission.dispatch
    if view.chain is None:
        return Refusal("no-roster", "this relay has no roster yet")
    # 3. The exchange.
    if dispatch.exchange != view.chain.exchange:
        return Refusal("other-exchange", f"the dispatch belongs to exchange {dispatch.exchange[:16]}")
    # 4. The sender is the caller.
    if dispatch.sender != caller:
        return Refusal("not-yours", f"{caller} cannot submit a dispatch of {dispatch.sender}")
    return (
        check_sender(dispatch, view.chain)
        or _check_signatures(submission, view.chain)
        or check_roster(dispatch, view.chain)
        or _check_body(submission, view.chain)
        or check_blobs(dispatch, view.blobs)
        or _check_openings(submission)
    )


def check_sender(dispatch: Dispatch, chain: RosterChain) -> Refusal | None:
    """Rule 4: the sender is in the roster in force, active, and numbers in the series that it gives."""
    sender = chain.current.addressee(dispatch.sender)
    if sender is None or not sender.active:
        return Refusal("unknown-sender", f"{dispatch.sender} is not an active member of the roster")
    if sender.series != dispatch.series:
        return Refusal(
            "wrong-series",
            f"{dispatch.sender} numbers in series {sender.series}, not {dispatch.series}",
            {"series": sender.series},
        )
    return None


def check_roster(dispatch: Dispatch, chain: RosterChain) -> Refusal | None:
    """Rule 6: the recipients are active, and nothing of sender or recipients changed since the roster named."""
    for name in dispatch.recipients:
        recipient = chain.current.addressee(name)
        if recipient is None:
            return Refusal("unknown-recipient", f"{name} is not in the roster", {"recipient": name})
        if not recipient.active:
            # Nobody is skipped silently: the sender learns whom the dispatch would not reach.
            return Refusal("inactive-recipient", f"{name} is {recipient.status}", {"recipient": name})
    current = {"current": chain.current.version}
    if chain.version(dispatch.roster) is None:
        return Refusal("roster-unknown", f"there is no roster {dispatch.roster}", current)
    # A dispatch sealed before an unrelated change still counts (PROTOCOL §8), so "recent enough" asks about
    # these names alone.
    changed = chain.changed_since(dispatch.roster, (dispatch.sender, *dispatch.recipients))
    if changed is not None:
        return Refusal(
            "roster-outdated",
            f"the keys or status of {changed} changed after roster {dispatch.roster}",
            {**current, "changed": changed},
        )
    return None


def check_blobs(dispatch: Dispatch, blobs: Mapping[str, BlobFact]) -> Refusal | None:
    """Rule 8: each attachment is there, whole, of its size, and the sender uploaded it or was sent it.

    A blob of somebody else is missing like one that does not exist: a header must not be a way to ask.
    """
    for sealed in dispatch.attachments:
        fact = blobs.get(sealed.sha256, BlobFact())
        named = {"sha256": sealed.sha256}
        if fact.size is None and fact.unfinished:
            return Refusal("blob-incomplete", f"the upload of {sealed.sha256[:16]} has not ended", named)
        if fact.size is None:
            return Refusal(
                "blob-missing",
                f"{dispatch.sender} has not uploaded {sealed.sha256[:16]}, nor was sent it",
                named,
            )
        if fact.size != sealed.size:
            return Refusal(
                "body-mismatch",
                f"blob {sealed.sha256[:16]} has {fact.size} bytes, not {sealed.size}",
                {**named, "size": fact.size},
            )
    return None


def check_numbers(submission: Submission, last: Mapping[str, int]) -> Refusal | Taken | None:
    """Rule 9: each number follows the ``last`` one of this sender and series for that recipient.

    The one rule that only the sequencer can decide, as it depends on what is committed first.
    """
    for name, opening in zip(submission.dispatch.recipients, submission.openings, strict=True):
        expected = last.get(name, 0) + 1
        if opening.number < expected:
            return Taken(name, opening.number)
        if opening.number > expected:
            return Refusal(
                "number-gap",
                f"the next dispatch of {submission.dispatch.sender} to {name} is number {expected}, "
                f"not {opening.number}",
                {"recipient": name, "expected": expected, "number": opening.number},
            )
    return None


def _check_signatures(submission: Submission, chain: RosterChain) -> Refusal | None:
    # 5. Under the keys in force now. A dispatch sealed under an older roster passes if its sender's keys have
    # not changed since, which rule 6 asks.
    sender = chain.current.addressee(submission.dispatch.sender)
    assert sender is not None  # rule 4
    try:
        if hybrid_signers(submission.note, (sender.keys.signing,)):
            return None
    except Unverified as error:
        return refusal(error)
    return Refusal("bad-signature", f"the dispatch is not signed with the keys of {sender.id}")


def _check_body(submission: Submission, chain: RosterChain) -> Refusal | None:
    # 7. The sealed bytes are those of the header, with one stanza for each sealing key of each recipient.
    dispatch = submission.dispatch
    try:
        dispatch.body.check(submission.body)
    except Unverified as error:
        return Refusal("body-mismatch", error.message)
    link = chain.version(dispatch.roster)
    assert link is not None  # rule 6
    good = hybrid_header(submission.body)
    try:
        expected = sum(len(positions) for positions in link.roster.stanzas(dispatch.recipients).values())
        if good is not None and good.count == expected:
            return None
        header, _ = parse_age_header(submission.body)
    except PeerError as error:
        return Refusal("stanza-count", f"the body is not a sealed age file: {error.message}")
    # A stanza of another type would be a reader too many, or a recipient left out: it is counted and refused.
    hybrid = sum(map(is_hybrid, header.stanzas))
    if not hybrid == len(header.stanzas) == expected:
        return Refusal(
            "stanza-count",
            f"{hybrid} hybrid stanzas of {len(header.stanzas)}; the recipients have {expected} sealing keys",
            {"expected": expected, "found": len(header.stanzas)},
        )
    return None


def _check_openings(submission: Submission) -> Refusal | None:
    # 9, first half.
    for (name, commitment), opening in zip(submission.dispatch.to, submission.openings, strict=True):
        if opening.commitment() != commitment:
            return Refusal("bad-opening", f"the opening does not fit the commitment for {name}", {"recipient": name})
    return None


def _too_large(what: str, size: int, limit: int) -> Refusal:
    return Refusal("too-large", f"{what} has {size} bytes; at most {limit} are allowed", {"limit_bytes": limit})
