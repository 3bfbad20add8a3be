"""What the relay accepts besides dispatches: rosters, delegations, receipts, enrolments, cosignatures.

Pure like `rules`: bytes and a view in, a decision out. The relay administers nobody: a roster is accepted for
its quorum's signatures alone, a delegation for its authority's, and what is refused leaves no trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from envoi_keys.checkpoints import Checkpoint, LogKey, cosignatures, parse_checkpoint
from envoi_keys.delegations import Delegation
from envoi_keys.enrolments import Enrolment, verify_enrolment
from envoi_keys.errors import PeerError, Refused
from envoi_keys.limits import MAX_DISPATCH_NOTE_BYTES, MAX_NOTE_BYTES, MAX_RECEIPT_NOTE_BYTES
from envoi_keys.notes import Note, SignatureLine
from envoi_keys.receipts import Progress, Receipt
from envoi_keys.roster_chain import RosterChain
from envoi_keys.rosters import Roster
from envoi_keys.signing import HybridKey, hybrid_signers
from envoi_keys.statements import statement_id

from .rules import Refusal, refusal

MAX_ENROLMENTS: Final = 512
"""Enrolments that wait at one time. Nobody signs for the sender, so there is an end, and the oldest goes."""
MAX_ENROLMENT_NOTE_BYTES: Final = 32 * 1024
"""An enrolment with four sealing keys and its two signatures has 18 KiB."""
MAX_ENROLMENTS_PER_MEMBER: Final = 8
"""Enrolments that wait under one member's name."""
MAX_COSIGNED_CHECKPOINT_BYTES: Final = 64 * 1024
"""A checkpoint with the log's two signatures and some cosignatures."""


@dataclass(frozen=True, slots=True)
class NextRoster:
    """A roster that may be logged next. ``id`` is in hexadecimal."""

    roster: Roster
    id: str
    note: bytes


@dataclass(frozen=True, slots=True)
class GoodDelegation:
    """A delegation that may be logged. ``id`` is in hexadecimal."""

    delegation: Delegation
    id: str
    note: bytes


@dataclass(frozen=True, slots=True)
class GoodReceipt:
    """A receipt whose signatures hold; whether it replaces the one that is kept is :func:`replaces`'s."""

    receipt: Receipt
    note: bytes


@dataclass(frozen=True, slots=True)
class GoodEnrolment:
    """An enrolment signed by its own key. ``id`` is in hexadecimal."""

    enrolment: Enrolment
    id: str
    note: bytes


@dataclass(frozen=True, slots=True)
class GoodCosignature:
    """A member's line under a checkpoint, and its time in seconds since the epoch."""

    checkpoint: Checkpoint
    member: str
    time: int
    line: SignatureLine


def check_roster_note(raw: bytes, chain: RosterChain | None, pinned: str, log: LogKey) -> NextRoster | Refusal:
    """A roster that follows the chain, or begins it if its id is ``pinned`` (PROTOCOL §6.4).

    It has to name this relay's own log keys, or nothing after it could be proved to be logged.
    """
    if chain is None and not pinned:
        return Refusal("no-roster", "the operator has not set roster_id, the id of the first roster")
    if len(raw) > MAX_NOTE_BYTES:
        return _too_large("the roster", MAX_NOTE_BYTES)
    try:
        if chain is not None and _is_logged(raw, chain):
            return Refusal("roster-conflict", "this roster is logged already, under other signatures")
        after = RosterChain.begin(raw, pinned) if chain is None else chain.extended(raw, chain.links[-1].index + 1)
    except Refused as error:
        # Only the relay itself has an opinion on where its log is: for a caller that is a conflict.
        slug = "roster-conflict" if error.reason == "other-log" else error.reason
        return Refusal(slug, error.message)
    except PeerError as error:
        return refusal(error)
    link = after.links[-1]
    if link.roster.log != log:
        return Refusal("roster-conflict", f"the roster names other log keys than those of {log.origin}")
    return NextRoster(link.roster, link.id, raw)


def _is_logged(raw: bytes, chain: RosterChain) -> bool:
    # The note that is logged byte for byte was answered before the rules were asked. One with the same text and
    # other signatures is no successor and no fork: two officers who publish at once each send their own.
    id_ = statement_id(Note.parse(raw).text)
    return any(link.id == id_ for link in chain.links)


def check_delegation(caller: str, raw: bytes, chain: RosterChain | None) -> GoodDelegation | Refusal:
    """A delegation that its authority made and sends itself (PROTOCOL §6.7)."""
    if len(raw) > MAX_DISPATCH_NOTE_BYTES:
        return _too_large("the delegation", MAX_DISPATCH_NOTE_BYTES)
    try:
        note = Note.parse(raw, max_bytes=MAX_DISPATCH_NOTE_BYTES)
        delegation = Delegation.parse(note.text)
    except PeerError as error:
        return refusal(error)
    refused = _check_author(caller, note, delegation.authority, delegation.exchange, chain)
    return refused or GoodDelegation(delegation, statement_id(note.text), raw)


def check_receipt(caller: str, raw: bytes, chain: RosterChain | None) -> GoodReceipt | Refusal:
    """A receipt that its signer sends itself, for somebody in the roster (PROTOCOL §5).

    The checkpoint in it is for the other member to judge, not for the relay, whose own honesty it tests; here it has to
    be one, because its size orders receipts.
    """
    if len(raw) > MAX_RECEIPT_NOTE_BYTES:
        return _too_large("the receipt", MAX_RECEIPT_NOTE_BYTES)
    try:
        note = Note.parse(raw, max_bytes=MAX_RECEIPT_NOTE_BYTES)
        receipt = Receipt.parse(note.text)
        Progress.of(receipt)
    except PeerError as error:
        return refusal(error)
    refused = _check_author(caller, note, receipt.sender, receipt.exchange, chain)
    if refused is not None:
        return refused
    assert chain is not None  # _check_author
    if chain.current.addressee(receipt.to) is None:
        return Refusal("unknown-recipient", f"{receipt.to} is not in the roster", {"recipient": receipt.to})
    for name, series in ((receipt.to, receipt.received.series), (receipt.sender, receipt.sent.series)):
        owner = chain.current.addressee(name)
        if owner is not None and series > owner.series:
            # It would be the newest for good, and no true receipt of its signer could replace it.
            return Refusal("wrong-series", f"{name} numbers in series {owner.series}, not {series}")
    return GoodReceipt(receipt, raw)


def check_progress(new: Progress, kept: Progress | None) -> Refusal | None:
    """A receipt does not replace one with higher numbers, nor at equal numbers one over a larger log (PROTOCOL §5).

    Its signer's clock decides nothing: one that once ran ahead would silence every true receipt after it.

    What was opened is not compared: a member whose key is found out to be wrong may take it back.
    """
    if kept is None:
        return None
    back = new.received < kept.received or new.sent < kept.sent
    same = (new.received, new.sent) == (kept.received, kept.sent)
    if back or (same and new.log < kept.log):
        return Refusal(
            "receipt-outdated",
            "a later receipt of the same pair is kept",
            {"received_through": kept.received[1], "sent_through": kept.sent[1]},
        )
    return None


def check_reach(receipt: Receipt, received: int, sent: int, log: int) -> Refusal | None:
    """Nobody has received, sent or verified more than was logged (PROTOCOL §5).

    ``received`` is the last number of the other towards the signer, ``sent`` the signer's towards the other, each in
    the series that the receipt names; ``log`` is the number of entries.
    """
    size = Progress.of(receipt).log
    if size > log:
        return Refusal("receipt-beyond", f"the log has {log} entries, less than the {size} of the receipt's checkpoint")
    if receipt.received.through <= received and receipt.sent.through <= sent:
        return None
    # It would be the newest for good: who once had the signer's key would silence its true ones.
    return Refusal(
        "receipt-beyond",
        f"{receipt.to} has sent {receipt.sender} {received} dispatches and was sent {sent}, less than the receipt says",
        {"received_through": received, "sent_through": sent},
    )


def check_enrolment(raw: bytes, exchanges: Sequence[str]) -> GoodEnrolment | Refusal:
    """An enrolment signed by the key in it, for one of the ``exchanges`` (PROTOCOL §6.6)."""
    if len(raw) > MAX_ENROLMENT_NOTE_BYTES:
        return _too_large("the enrolment", MAX_ENROLMENT_NOTE_BYTES)
    try:
        note = Note.parse(raw)
        if len(note.signatures) != 2:
            # Lines of keys that nobody knows would be ignored, and kept.
            return Refusal("malformed", "an enrolment has the two signatures of its own key", {"field": "signatures"})
        enrolment = verify_enrolment(raw)
    except PeerError as error:
        return refusal(error)
    if enrolment.exchange not in exchanges:
        return Refusal("other-exchange", f"the enrolment is for exchange {enrolment.exchange[:16] or '(none)'}")
    return GoodEnrolment(enrolment, statement_id(note.text), raw)


def check_cosignature(caller: str, raw: bytes, chain: RosterChain | None) -> GoodCosignature | Refusal:
    """A checkpoint note that carries the caller's cosignature; whether it is of our log is not decided here."""
    if chain is None:
        return _no_roster()
    if len(raw) > MAX_COSIGNED_CHECKPOINT_BYTES:
        return _too_large("the checkpoint", MAX_COSIGNED_CHECKPOINT_BYTES)
    member = chain.current.addressee(caller)
    if member is None or not member.active:
        return Refusal("unknown-sender", f"{caller} is not an active member of the roster")
    key = member.keys.cosigning
    try:
        checkpoint, note = parse_checkpoint(raw)
        time = cosignatures(note, (key,)).get(caller)
    except PeerError as error:
        return refusal(error)
    line = next((one for one in note.signatures if (one.name, one.key_id) == (caller, key.key_id)), None)
    if time is None or line is None:
        return Refusal("bad-signature", f"the checkpoint does not carry a cosignature of {caller}")
    return GoodCosignature(checkpoint, caller, time, line)


def _check_author(caller: str, note: Note, author: str, exchange: str, chain: RosterChain | None) -> Refusal | None:
    """The order of PROTOCOL §8 for what a member signs itself: exchange, caller, standing, signatures."""
    if chain is None:
        return _no_roster()
    if exchange != chain.exchange:
        return Refusal("other-exchange", f"the statement belongs to exchange {exchange[:16] or '(none)'}")
    if author != caller:
        return Refusal("not-yours", f"{caller} cannot submit a statement of {author}")
    member = chain.current.addressee(author)
    if member is None or not member.active:
        return Refusal("unknown-sender", f"{author} is not an active member of the roster")
    return _check_signed(note, member.keys.signing)


def _check_signed(note: Note, key: HybridKey) -> Refusal | None:
    try:
        if hybrid_signers(note, (key,)):
            return None
    except PeerError as error:
        return refusal(error)
    return Refusal("bad-signature", f"the statement is not signed with the keys of {key.name}")


def _no_roster() -> Refusal:
    return Refusal("no-roster", "this relay has no roster yet")


def _too_large(what: str, limit: int) -> Refusal:
    return Refusal("too-large", f"{what} is larger than the {limit} bytes that are allowed", {"limit_bytes": limit})
