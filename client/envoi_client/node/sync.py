"""Reading everything that concerns this member, and believing it only after it was checked.

The order is what makes withholding visible: receipts first, then the log, then the feed up to that log,
then the receipts against what the feed brought (PROTOCOL §7.3, §10). Each step is durable before the next,
so a sync that is interrupted goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Final

from envoi_keys.checkpoints import SignedCheckpoint, verify_checkpoint
from envoi_keys.entries import parse_entry
from envoi_keys.errors import Fraud, LocalError, NetworkError, PeerError, Refused
from envoi_keys.fingerprints import fingerprint
from envoi_keys.limits import MAX_MEMBERS
from envoi_keys.tiles import TILE_WIDTH, Tile, unpack_entries

from ..log_view import LogView, Seen, advance, contradictions, log_note, missing
from ..store import OutboxEntry
from ..transport import RelayRefused
from . import outgoing, publish, receipts
from .feed import read_feed
from .joining import bootstrap, check_first, check_pinned
from .report import SyncReport
from .session import Session

_MAX_RECEIPTS: Final = 4 * MAX_MEMBERS
"""Receipts in one answer: two for each peer, and those of members who have left."""


def sync(session: Session, report: SyncReport) -> None:
    """One round: read, check, store, resend what waits, acknowledge.

    What it did stands in ``report``, also where it ends with an error. What is suspicious is kept as an alarm and
    reported; only a log that contradicts itself ends the round, with Fraud, because nothing read after that could be
    believed. Raises NetworkError and LocalError.
    """
    bootstrap(session)
    # Fetched before the log, so that what they say of it must be in it; judged after the rosters that it brings.
    served = _fetch_receipts(session, report)
    view = read_log(session)
    report.log_size = view.size
    whole = read_feed(session, view, report)
    check_pinned(session)
    _check_own_keys(session, report)
    _judge_receipts(session, report, served, whole=whole)
    failure = _resend(session, report)
    # Whatever became of what waits: a member that does not acknowledge looks as if it were gone.
    _acknowledge(session, report)
    if failure:
        raise failure
    session.store.log.last_sync = session.clock()


def _check_own_keys(session: Session, report: SyncReport) -> None:
    """That the roster seals to this member's own keys: whoever proposed it may have put in one of his."""
    own = session.roster.addressee(session.me)
    foreign = [key for key in own.keys.sealing if key not in session.keys.sealing] if own else []
    if foreign:
        error = Refused(
            f"roster {session.roster.version} has a sealing key for {session.me} that is not in this vault: "
            f"{fingerprint(foreign[0])}",
            reason="foreign-key",
            hint="what is sealed to it can be read by somebody else: tell the other members and the Point of Contact",
        )
        report.add(session, error)


def _fetch_receipts(session: Session, report: SyncReport) -> list[bytes]:
    served = list(islice(session.transport.receipts(), _MAX_RECEIPTS + 1))
    if len(served) > _MAX_RECEIPTS:
        error = Refused(f"the relay shows more than {_MAX_RECEIPTS} receipts; the rest is not read", reason="too-large")
        report.add(session, error)
    return served[:_MAX_RECEIPTS]


def _acknowledge(session: Session, report: SyncReport) -> None:
    for note in receipts.due(session):
        try:
            session.transport.post_receipt(note)
        except RelayRefused as refusal:
            # One that the relay will not have must not keep the others from those who wait for them.
            report.refusals.append(f"receipt: {refusal}")
            continue
        receipts.keep_own(session, note)


def read_log(session: Session) -> LogView:
    """Extend our view to the relay's newest checkpoint (PROTOCOL §7.3). Raises Fraud or Refused."""
    store = session.store
    view = store.log.view()
    head = _fetch_head(session, view)
    seen = store.log.unverified_seen(head.size)
    try:
        _raise_first(session, [one for one in seen if one.size < view.size])
        entries = _fetch_entries(session, missing(view, head))
        try:
            new = advance(view, head, entries, seen)
        except PeerError:
            # Bytes damaged on the way look like another history; what is still so the second time is an accusation.
            entries = _fetch_entries(session, missing(view, head))
            new = advance(view, head, entries, seen)
        parsed = [parse_entry(entry) for entry in entries]
        if view.size == 0:
            check_first(session, entries)
    except PeerError as error:
        session.alarm(error, kind="log-forked")
        raise
    with store.transaction():
        store.log.append(view.size, parsed)
        store.log.set_view(new)
        store.log.mark_verified(seen)
        store.log.note_seen(_seen(head, "the relay"), verified=True, at=session.clock())
    return new


def _fetch_head(session: Session, view: LogView) -> SignedCheckpoint:
    # Not only what this member has read: an acknowledgement or a receipt may have shown a larger log.
    largest = session.store.log.largest_seen()
    expected = max(view.size, largest.size if largest else 0)
    head = verify_checkpoint(session.transport.checkpoint(), session.roster.log)
    if head.size < expected:
        # Stale is not yet fraud: a cache, a replica behind. Once more, and then it is an alarm (PROTOCOL §7.3).
        head = verify_checkpoint(session.transport.checkpoint(), session.roster.log)
    try:
        if head.size < view.size:
            _raise_first(session, [_seen(head, "the relay")])
        missing(view, head, expected)
    except PeerError as error:
        session.alarm(error, kind="log-forked" if isinstance(error, Fraud) else "")
        raise
    return head


def _fetch_entries(session: Session, wanted: range) -> list[bytes]:
    entries: list[bytes] = []
    for index in range(wanted.start // TILE_WIDTH, -(-wanted.stop // TILE_WIDTH)):
        first = index * TILE_WIDTH
        width = min(TILE_WIDTH, wanted.stop - first)
        bundle = unpack_entries(session.transport.tile(Tile(None, index, width).path()), width)
        entries += bundle[max(0, wanted.start - first) :]
    return entries


def _raise_first(session: Session, seen: list[Seen]) -> None:
    for _, fraud in contradictions(stored_entries(session), seen) if seen else ():
        raise fraud


def stored_entries(session: Session) -> Iterator[bytes]:
    """Every log entry that this member holds, from the first on."""
    for type_, digest in session.store.log.entries():
        yield f"{type_} {digest}\n".encode()


def _seen(head: SignedCheckpoint, source: str) -> Seen:
    return Seen(head.size, head.root, log_note(head), source)


def _judge_receipts(session: Session, report: SyncReport, served: list[bytes], *, whole: bool) -> None:
    """Believe the receipts, and hold them against what was sent and received if the ``whole`` feed was read.

    Else a key, a number of ours or a dispatch that the relay has just kept from us would make a liar of whoever
    tells the truth about it.
    """
    genuine: list[receipts.Genuine] = []
    for raw in served:
        try:
            one = receipts.verify_receipt(session, raw)
        except PeerError as error:
            if whole:
                report.add(session, error, kind="bad-receipt")
            continue
        if one.receipt.to == session.me:
            genuine.append(one)
    forked = _place(session, report, [one.seen for one in genuine])
    if not whole:
        return
    for one in genuine:
        if one.seen not in forked:
            try:
                receipts.check(session, one)
            except PeerError as error:
                report.add(session, error)
    for held in session.store.receipts.addressed_to(session.me):
        try:
            receipts.check_received(session, held.note)
        except PeerError as error:
            report.add(session, error)


def _place(session: Session, report: SyncReport, shown: list[Seen]) -> set[Seen]:
    """Find what other members were shown on our own history (PROTOCOL §7.3, 4); what does not lie on it."""
    store = session.store
    view = store.log.view()
    for seen in shown:
        store.log.note_seen(seen, verified=False, at=session.clock())
        if seen.size > view.size:
            stale = Refused(
                f"{seen.source} shows a log of {seen.size} entries, and the relay shows us {view.size}",
                reason="stale-log",
                hint="sync again; if it stays so, the relay shows members different logs: tell the Point of Contact",
            )
            report.add(session, stale)
    forked = contradictions(stored_entries(session), shown) if shown else []
    for _, fraud in forked:
        report.add(session, fraud, kind="log-forked")
    bad = {seen for seen, _ in forked}
    store.log.mark_verified([seen for seen in shown if seen.size <= view.size and seen not in bad])
    return bad


def _resend(session: Session, report: SyncReport) -> LocalError | NetworkError | None:
    """Send what was signed and not yet acknowledged, in the order of signing; the first failure, if there was one.

    The same bytes as long as they can still be logged. Anew when the roster has moved on, or when what came before
    was given up and the numbers no longer come next. A file that is gone, or that no line carries, keeps back what it
    is attached to and what is numbered after that, and nothing else.
    """
    failure: LocalError | NetworkError | None = None
    left = outgoing.overtaken(session)
    if left:
        _sign_anew(session, report, left[0].key)
    for key in [entry.key for entry in session.store.outbox.listing("signed")]:
        waiting = session.store.outbox.listing("signed")
        late = next((at for at in range(len(waiting)) if outgoing.out_of_turn(session, waiting[: at + 1])), None)
        if late is not None:
            _sign_anew(session, report, waiting[late].key)
        found = session.store.outbox.get(key)
        if found is None or found.state != "signed":
            continue
        try:
            _reporting(session, report, found, partial(_send, session, report, key))
        except (LocalError, NetworkError) as error:
            failure = failure or error
            if isinstance(error, NetworkError) and not outgoing.has_files(found):
                break  # the relay itself is out of reach
    return failure


def _sign_anew(session: Session, report: SyncReport, first: int) -> None:
    if not session.own_read:
        return  # what is signed anew takes numbers, which may be taken: it waits as it is
    # All numbers from the first on are given back before one is taken again, and all of it happens or nothing.
    with session.store.transaction():
        for entry in session.store.outbox.listing("signed"):
            if entry.key >= first:
                session.store.outbox.refuse(entry.key, reason=outgoing.RENUMBERED, at=session.clock())
        for entry in outgoing.overtaken(session):
            _reporting(session, report, entry, partial(publish.sign_again, session, entry.key))


def _send(session: Session, report: SyncReport, key: int) -> None:
    try:
        report.sent.append(outgoing.send(session, key).id)
    except RelayRefused:
        if not session.own_read or all(entry.key != key for entry in outgoing.overtaken(session)):
            raise
        _sign_anew(session, report, key)
        report.sent.append(outgoing.send(session, key).id)


def _reporting(session: Session, report: SyncReport, entry: OutboxEntry, do: Callable[[], None]) -> None:
    try:
        do()
    except Refused as refusal:
        report.refusals.append(f"{(entry.id or '')[:16]}: {refusal}")
    except PeerError as error:
        report.add(session, error)
