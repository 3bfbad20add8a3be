"""Receipts: believing those of others, and writing our own.

A receipt of another member is the only word on what the relay withholds, so it is held against everything
this member knows: the numbers it signed, the transcripts, and the history of the log (PROTOCOL §5). An
older receipt than the one held says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from envoi_keys.checkpoints import SignedCheckpoint, verify_checkpoint
from envoi_keys.errors import Fraud, PeerError, Refused, Unverified
from envoi_keys.limits import MAX_RECEIPT_NOTE_BYTES
from envoi_keys.notes import Note
from envoi_keys.receipts import Direction, Progress, Receipt
from envoi_keys.signing import hybrid_signers, sign_note
from envoi_keys.statements import require_exchange, statement_id

from ..log_view import Seen, log_note
from ..store import StoredReceipt
from . import claims
from .session import Session


@dataclass(frozen=True, slots=True)
class Genuine:
    """A receipt whose signature and checkpoint hold, with the note that carries it."""

    receipt: Receipt
    head: SignedCheckpoint
    note: bytes

    @property
    def seen(self) -> Seen:
        """Its checkpoint, to be found on our own history."""
        return Seen(self.head.size, self.head.root, log_note(self.head), f"a receipt of {self.receipt.sender}")


def verify_receipt(session: Session, raw: bytes) -> Genuine:
    """A receipt between this member and another, checked by itself.

    Raises Malformed; Refused ``other-exchange``, ``not-ours`` or ``wrong-series``; Unverified if the signature or
    the checkpoint in it does not hold.
    """
    note = Note.parse(raw, max_bytes=MAX_RECEIPT_NOTE_BYTES)
    receipt = Receipt.parse(note.text)
    require_exchange(receipt.exchange, session.chain.exchange)
    if session.me not in (receipt.sender, receipt.to):
        raise Refused(f"a receipt of {receipt.sender} for {receipt.to}", reason="not-ours")
    head = verify_checkpoint(receipt.checkpoint, session.roster.log)
    # Who verified this checkpoint had read the rosters below it: what changed later is no reproach to an old receipt.
    roster = session.chain.at(head.size)
    signer = roster.addressee(receipt.sender) if roster else None
    if signer is None or not signer.active or not hybrid_signers(note, [signer.keys.signing]):
        raise Unverified(f"the receipt is not signed by {receipt.sender}")
    assert roster is not None  # it has the signer
    for name, series in ((receipt.to, receipt.received.series), (receipt.sender, receipt.sent.series)):
        owner = roster.addressee(name)
        if series > (owner.series if owner else 1):
            # Whoever once had the signer's key would silence it for good: no true receipt comes after such a one.
            raise Refused(f"{name} does not number in series {series} yet", reason="wrong-series")
    return Genuine(receipt, head, raw)


def check(session: Session, genuine: Genuine) -> None:
    """Hold a receipt for us against what we sent, after the feed has been read up to its checkpoint.

    1. It is not older than the one we hold, else it is ignored: a replay is no heartbeat.
    2. It acknowledges nothing that waits in our outbox, else Refused ``withheld``: the relay passed it on and kept
       its acknowledgement from us.
    3. It acknowledges only what we sent, with our transcript, else Fraud, and :func:`claims.refuse_unread`.

    Then it is kept as the newest of its pair, for :func:`check_received`.
    """
    receipt = genuine.receipt
    held = session.store.receipts.get(receipt.sender, receipt.to)
    if held is not None and not newer(receipt, Receipt.parse(Note.parse(held.note).text)):
        return
    peer, series, through = receipt.sender, receipt.received.series, receipt.received.through
    known = session.store.numbers.last("sent", peer, series).number
    if known < through < session.store.numbers.next_to_sign(peer, series):
        raise Refused(
            f"{peer} has received dispatch {through}, which the relay has not acknowledged",
            reason="withheld",
            hint="sync again; if it stays so, tell the Point of Contact",
        )
    if through > known:
        claims.acknowledged(session, peer, series, through, genuine.head.size, known)
        sent = (entry.index for entry in session.store.outbox.listing("accepted") if peer in entry.numbers)
        last = max((index for index in sent if index is not None), default=-1)
        claims.read_again(session, peer, "sent", (series, through, known), last)
    _same_transcript(session, "sent", receipt.sender, receipt.received, genuine.note)
    claims.acknowledged(session, peer, series, through, genuine.head.size, known)
    # Kept whatever it says that it sent: what it says of our own dispatches is true whatever the relay withholds.
    session.store.receipts.put(
        StoredReceipt(
            receipt.sender,
            receipt.to,
            statement_id(Note.parse(genuine.note).text),
            receipt.issued_at,
            genuine.note,
        )
    )


def check_received(session: Session, note: bytes) -> None:
    """Hold what the newest receipt of a peer says that it sent against what we received; at every sync.

    At every sync and from our own store, so that a relay does not silence it by showing it once. Raises Refused
    ``withheld``, after which the feed is read again from the last dispatch of that peer now and then, or Fraud.
    """
    receipt = Receipt.parse(Note.parse(note).text)
    last = session.store.numbers.last("received", receipt.sender, receipt.sent.series)
    if receipt.sent.through > last.number:
        claim = (receipt.sent.series, receipt.sent.through, last.number)
        claims.read_again(session, receipt.sender, "received", claim, session.store.inbox.last_index(receipt.sender))
        raise Refused(
            f"{receipt.sender} has sent {receipt.sent.through} dispatches and the relay shows {last.number}",
            reason="withheld",
            hint=f"sync again; if it stays so, ask {receipt.sender} and tell the Point of Contact",
        )
    _same_transcript(session, "received", receipt.sender, receipt.sent, note)


def newer(receipt: Receipt, held: Receipt) -> bool:
    """Whether ``receipt`` says more than ``held`` and nothing less.

    Numbers and the log decide; its signer's clock does only where they are equal (a clock that once ran ahead must
    not silence a member until the year has come). What was acknowledged stays so. What a member says that it sent
    it may take back over a larger log: who once had its key may have said it.
    """
    new, old = Progress.of(receipt), Progress.of(held)
    forward = new.received >= old.received and new.log >= old.log and (new.sent >= old.sent or new.log > old.log)
    return forward and (new != old or receipt.issued_at > held.issued_at)


def _same_transcript(
    session: Session, way: Literal["sent", "received"], peer: str, claimed: Direction, note: bytes
) -> None:
    link = session.store.numbers.at(way, peer, claimed.series, claimed.through)
    if link is None:
        raise Fraud(
            f"{peer} acknowledges dispatch {claimed.through}, which this member never sent",
            evidence=(note,),
            hint="was this node restored from an old copy? then run: envoi sync",
        )
    if link.transcript.hex() != claimed.transcript:
        raise Fraud(
            f"{peer} holds other dispatches than this member up to number {claimed.through} ({way})",
            evidence=(note,),
            hint=f"compare the dispatches with {peer} by another way; the receipt is kept as evidence",
        )


def due(session: Session) -> list[bytes]:
    """The receipts that are to be sent now: one for each peer for whom there is news, signed.

    News is a dispatch received or sent since the last receipt, or a last one older than half the profile's
    interval, by the log's time.
    """
    checkpoint = session.store.log.view().checkpoint
    numbers = session.store.numbers
    peers = {peer for peer, _ in (*numbers.peers("received"), *numbers.peers("sent"))}
    notes = []
    for peer in sorted(peers):
        addressee = session.roster.addressee(peer)
        if addressee is None or not addressee.active:
            continue
        receipt = _current(session, peer, checkpoint)
        stored = session.store.receipts.get(session.me, peer)
        if stored is not None:
            held = Receipt.parse(Note.parse(stored.note).text)
            if not _is_news(session, receipt, held):
                continue
            # Two of one second, or of a clock that was set back, must still be told apart.
            receipt = replace(receipt, issued_at=max(receipt.issued_at, held.issued_at + 1))
        notes.append(sign_note(receipt.text(), session.keys.signer).serialise())
    return notes


def keep_own(session: Session, raw: bytes) -> None:
    """Remember a receipt of our own that the relay has taken."""
    receipt = Receipt.parse(Note.parse(raw).text)
    session.store.receipts.put(
        StoredReceipt(receipt.sender, receipt.to, statement_id(Note.parse(raw).text), receipt.issued_at, raw)
    )


def _current(session: Session, peer: str, checkpoint: bytes) -> Receipt:
    series = session.series_of(peer)
    received = session.store.numbers.last("received", peer, series)
    sent = session.store.numbers.last("sent", peer, session.series)
    return Receipt(
        exchange=session.chain.exchange,
        sender=session.me,
        to=peer,
        received=Direction(series, received.number, received.transcript.hex()),
        # Everything received was tried: what did not open is listed.
        opened_through=received.number,
        could_not_open=tuple(session.store.inbox.not_opened(peer, series)),
        sent=Direction(session.series, sent.number, sent.transcript.hex()),
        checkpoint=checkpoint,
        issued_at=session.clock(),
    )


def _is_news(session: Session, receipt: Receipt, held: Receipt) -> bool:
    said = (held.received, held.sent, held.could_not_open)
    if said != (receipt.received, receipt.sent, receipt.could_not_open):
        return True
    # Heartbeats count by the log's time, so they are due by it: our own clock may have jumped.
    now, then = _log_time(session, receipt), _log_time(session, held)
    interval = session.profile.clocks.heartbeat_hours * 3600 // 2
    # Also where the log's clock went back: one time far ahead must not end all heartbeats.
    return now is not None and (then is None or not 0 <= now - then < interval)


def heartbeat(session: Session, peer: str) -> int | None:
    """When ``peer`` was last alive by the log's time (seconds since the epoch), or None if that is not known.

    The time is that of the checkpoint in its newest receipt: by the relay's own cosignature until witnesses
    sign, and never the signer's own clock, which an old receipt could lend. A time ahead of this machine's clock by
    more than the profile's grace says nothing: with it, a relay could make a member look alive for years.
    """
    held = session.store.receipts.get(peer, session.me)
    time = _log_time(session, Receipt.parse(Note.parse(held.note).text)) if held else None
    latest = session.clock() + session.profile.clocks.grace_hours * 3600
    return time if time is None or time <= latest else None


def silent(session: Session) -> tuple[str, ...]:
    """The active peers, among those with whom this member exchanges dispatches, without a recent sign of life.

    A receipt is one only if the time of its checkpoint is within the profile's window (PROTOCOL §5).
    """
    numbers = session.store.numbers
    peers = {peer for peer, _ in (*numbers.peers("received"), *numbers.peers("sent"))}
    since = session.clock() - session.profile.clocks.heartbeat_hours * 3600
    return tuple(
        one.id
        for one in session.roster.addressees
        if one.id in peers and one.active and ((beat := heartbeat(session, one.id)) is None or beat < since)
    )


def _log_time(session: Session, receipt: Receipt) -> int | None:
    try:
        return verify_checkpoint(receipt.checkpoint, session.roster.log).time
    except PeerError:
        return None
