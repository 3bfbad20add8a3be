"""What to believe of a dispatch, decided from bytes alone: no network, no disk, no clock, no randomness.

:func:`judge` takes what the relay served and what this member already holds for true, and answers with a
value. A dispatch is *refused* when the relay or a forger is at fault: it does not count and the gap stays
visible. It is *received but not opened* when its sender or our key is at fault: it counts, and the receipt
says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from envoi_keys.dispatches import Dispatch, Opening
from envoi_keys.entries import log_entry
from envoi_keys.errors import EnvoiError, Malformed, PeerError, Refused, Unverified
from envoi_keys.limits import MAX_DISPATCH_NOTE_BYTES
from envoi_keys.notes import Note
from envoi_keys.roster_chain import RosterChain
from envoi_keys.rosters import Roster
from envoi_keys.signing import hybrid_signers
from envoi_keys.statements import DISPATCH, require_exchange, statement_id

from .age import HybridIdentity
from .body import Body, open_body

Kind = Literal["ok", "unopened", "refused"]


@dataclass(frozen=True, slots=True)
class Served:
    """One dispatch as the relay served it, with the log entry that this member verified at its index."""

    index: int
    entry: bytes
    note: bytes
    opening: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided. ``reason`` is "" or a slug; ``message`` is for people; ``body`` is set when opened.

    A refusal is ``final`` if the logged note itself is at fault: no other answer of the relay could cure it.
    """

    kind: Kind
    index: int
    id: str
    dispatch: Dispatch | None
    number: int
    body: Body | None
    reason: str = ""
    message: str = ""
    final: bool = False


def judge(served: Served, chain: RosterChain, me: str, identities: Mapping[str, HybridIdentity]) -> Verdict:
    """Decide one dispatch addressed to ``me``. Never raises for anything that was served.

    ``identities`` maps each of this member's sealing keys (``age1pq1...``) to its identity.

    1. The note parses and is the log entry at its index.
    2. It belongs to this exchange.
    3. The roster that it names took effect before it and knows sender and recipients as active.
    4. No roster in between changed a key or the status of any of them.
    5. Both halves of the sender's signature hold.
    6. The opening fits the commitment for this member.
    7. The sealed body is the one that the header names.
    8. The body has one stanza for each sealing key of each recipient, and ours opens.
    9. What the body is bound to is this header.

    1 to 7 refuse; 8 and 9 leave the dispatch received but not opened. Numbers are looked at in order,
    afterwards, by :func:`next_number`.
    """
    final = False
    try:
        _require_logged(served)
        final = True
        note = Note.parse(served.note, max_bytes=MAX_DISPATCH_NOTE_BYTES)
        dispatch, roster = _header(note, served.index, chain)
        final = False
        number = dispatch.opened(me, Opening.from_bytes(served.opening))  # 6.
        dispatch.body.check(served.body)  # 7.
    except PeerError as error:
        id_ = _id_of(served.note)
        return Verdict("refused", served.index, id_, None, 0, None, _reason(error), str(error), final)
    id_ = statement_id(note.text)
    try:
        body = _open(served.body, dispatch, roster, me, identities)
    except EnvoiError as error:
        return Verdict("unopened", served.index, id_, dispatch, number, None, _reason(error), str(error))
    return Verdict("ok", served.index, id_, dispatch, number, body)


def judge_own(served: Served, chain: RosterChain, me: str) -> tuple[Dispatch, dict[str, int]]:
    """A dispatch of this member's own that the log holds, and its number for each recipient.

    Raises PeerError if the relay serves as ours what we did not sign, or openings that do not fit.
    """
    _require_logged(served)
    note = Note.parse(served.note, max_bytes=MAX_DISPATCH_NOTE_BYTES)
    dispatch, _ = _header(note, served.index, chain)
    if dispatch.sender != me:
        raise Unverified(f"the dispatch at {served.index} was sent by {dispatch.sender}, not by {me}")
    size = len(Opening(bytes(32), 1).to_bytes())
    if len(served.opening) != size * len(dispatch.to):
        raise Malformed("the openings are not one for each recipient", field="opening")
    numbers = {}
    for position, name in enumerate(dispatch.recipients):
        opening = Opening.from_bytes(served.opening[position * size : (position + 1) * size])
        numbers[name] = dispatch.opened(name, opening)
    return dispatch, numbers


def void(served: Served, chain: RosterChain) -> bool:
    """Whether a logged note itself is at fault, so that no other answer of the relay could cure it."""
    try:
        _require_logged(served)
    except PeerError:
        return False
    try:
        _header(Note.parse(served.note, max_bytes=MAX_DISPATCH_NOTE_BYTES), served.index, chain)
    except PeerError:
        return True
    return False


def next_number(last: int, number: int, *, sender: str) -> None:
    """Raises Refused unless ``number`` follows ``last``.

    ``number-gap`` above it, ``number-reused`` at or below.
    """
    if number > last + 1:
        raise Refused(
            f"dispatches {last + 1} to {number - 1} of {sender} are missing before {number}",
            reason="number-gap",
            hint="the relay withholds them or has lost them; the sender's receipts show who else holds them",
        )
    if number <= last:
        raise Refused(f"{sender} already sent another dispatch numbered {number}", reason="number-reused")


def _require_logged(served: Served) -> None:
    # 1. What is not in the log was shown to us alone.
    if log_entry(DISPATCH, served.note) != served.entry:
        raise Refused(f"the log holds something else at {served.index}", reason="not-logged")


def _header(note: Note, index: int, chain: RosterChain) -> tuple[Dispatch, Roster]:
    dispatch = Dispatch.parse(note.text)
    # 2.
    require_exchange(dispatch.exchange, chain.exchange)
    # 3.
    link = chain.version(dispatch.roster)
    if link is None or link.index >= index:
        raise Refused(f"roster {dispatch.roster} was not in force at {index}", reason="roster-unknown")
    sender = link.roster.addressee(dispatch.sender)
    if sender is None or not sender.active:
        raise Refused(f"{dispatch.sender} was not an active member", reason="unknown-sender")
    if dispatch.series != sender.series:
        raise Refused(
            f"{dispatch.sender} numbers in series {sender.series}, not {dispatch.series}",
            reason="wrong-series",
        )
    for name in dispatch.recipients:
        recipient = link.roster.addressee(name)
        if recipient is None or not recipient.active:
            raise Refused(f"recipient {name} was not an active member", reason="inactive-recipient")
    # 4.
    changed = chain.changed_since(dispatch.roster, (dispatch.sender, *dispatch.recipients), index)
    if changed is not None:
        raise Refused(f"the keys of {changed} had changed before it was logged", reason="roster-outdated")
    # 5.
    if not hybrid_signers(note, [sender.keys.signing]):
        raise Unverified(f"the dispatch is not signed by {dispatch.sender}")
    return dispatch, link.roster


def _open(sealed: bytes, dispatch: Dispatch, roster: Roster, me: str, identities: Mapping[str, HybridIdentity]) -> Body:
    # 8. The relay counts too; we do not take its word, for a stanza too many is a reader too many.
    positions = roster.stanzas(dispatch.recipients)
    stanzas = max(position.stop for position in positions.values())
    own = roster.addressee(me)
    assert own is not None  # _header found every recipient in this roster, and opened() found us among them
    candidates: Sequence[tuple[int, HybridIdentity]] = [
        (position, identities[key])
        for position, key in zip(positions[me], own.keys.sealing, strict=True)
        if key in identities
    ]
    if not candidates:
        raise Refused("none of our sealing keys in that roster is in this vault", reason="no-key")
    position, identity = candidates[0]
    # 9. open_body compares the binding.
    return open_body(sealed, identity, position, stanzas, dispatch)


def _reason(error: EnvoiError) -> str:
    if isinstance(error, Refused):
        return error.reason
    return "malformed" if isinstance(error, Malformed) else "unverified"


def _id_of(note: bytes) -> str:
    try:
        return statement_id(Note.parse(note).text)
    except PeerError:
        return ""
