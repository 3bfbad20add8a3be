"""Applying the feed: rosters as they come, dispatches judged in order, a page of verdicts in one transaction.

The relay chooses what to serve, not what to believe: every entry must be the one that this member's own
view of the log holds at its index, every roster and delegation of the log must come before what follows it,
and numbers have no gap. A gap does not stop the others: it is kept as an alarm, and the feed is read again
from before it until it closes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from envoi_keys.delegations import Delegation, verify_delegation
from envoi_keys.dispatches import OPENING_BYTES, Dispatch
from envoi_keys.encoding import dump_line
from envoi_keys.entries import log_entry
from envoi_keys.errors import Fraud, Malformed, PeerError, Refused
from envoi_keys.limits import MAX_BODY_BYTES, MAX_DISPATCH_NOTE_BYTES, MAX_RECIPIENTS
from envoi_keys.notes import Note
from envoi_keys.statements import DISPATCH, PUBLIC_TYPES, ROSTER, require_exchange, statement_id

from ..inbox import Served, Verdict, judge_own, next_number, void
from ..log_view import LogView
from ..store import InboxEntry, Link, Received, StoredDelegation, StoredRoster
from ..transport import FeedEntry
from . import outgoing
from .joining import OtherLine, require_line
from .judging import judges
from .own_numbers import check_own
from .report import SyncReport
from .session import REREAD, Session

PAGE: Final = 200
"""Entries asked for, and verdicts stored, at once."""

_LISTS: Final = {"ok": "received", "unopened": "unopened", "refused": "refused"}
_VOID: Final = "void"


def read_feed(session: Session, view: LogView, report: SyncReport) -> bool:
    """Read and apply everything for us in the first ``view.size`` entries; whether it was read to its end.

    What the relay withholds or falsifies becomes an alarm in ``report``. Raises NetworkError or LocalError.
    """
    reader = _FeedReader(session, view, report)
    try:
        reader.run()
        reader.require_public(view.size)
        reader.finish()
    except PeerError as error:
        report.add(session, error)
        return False
    if reader.own_whole:
        session.own_read = True
    return True


class _FeedReader:
    def __init__(self, session: Session, view: LogView, report: SyncReport) -> None:
        self.session = session
        self.view = view
        self.report = report
        self.start = _start(session)
        self.held_to = session.store.inbox.newest_index()
        self.public = self._public_to_come()
        self.held_back: FeedEntry | None = None
        self.again: int | None = None
        self.last_own = -1
        self.own_whole = True
        self.own_id = re.compile(rb':[ ]*"' + re.escape(session.me.encode()) + rb'"')
        self.logged: dict[int, tuple[str, str]] = {}

    def run(self) -> None:
        """Segments of dispatches, judged under the rosters before them, and the public entry after each."""
        source = self._served_in_view()
        while True:
            remaining = self.view.size - 1 - self.session.store.log.cursor
            with judges(self.session.chain, self.session.me, self.session.keys.sealing, remaining) as panel:
                self._store_pages(panel.judge(self._segment(source)))
            if self.held_back is None:
                return
            entry, self.held_back = self.held_back, None
            # Judged without the one that it follows, a genuine roster would be void here and good everywhere else.
            self.require_public(entry.index)
            self._apply_public(entry)

    def _served_in_view(self) -> Iterator[FeedEntry]:
        after = self.start
        while True:
            count = 0
            for entry in self.session.transport.feed(after=after, limit=PAGE * 5):
                # What was logged after our checkpoint is read when our view has reached it.
                if entry.index >= self.view.size:
                    return
                if entry.index <= after:
                    raise Malformed(f"the feed shows entry {entry.index} after {after}", field="index")
                after = entry.index
                count += 1
                yield entry
            if count == 0:
                return

    def _segment(self, source: Iterable[FeedEntry]) -> Iterator[Served]:
        for entry in source:
            type_ = self._log_type(entry.index)
            if type_ in PUBLIC_TYPES:
                self.held_back = entry
                return
            self.require_public(entry.index)
            if self._held(entry.index):
                continue
            served = self._served(entry)
            if not self._is_own(served):
                yield served
                continue
            try:
                self._apply_own(served)
            except PeerError as error:
                # It claims to be ours and is not: it counts for nobody, and the others go on.
                self.report.add(self.session, error, kind="false-own")
                if not void(served, self.session.chain):
                    self.own_whole = False
                    self._read_again(served.index - 1)

    def _held(self, index: int) -> bool:
        # Read again because of somebody's gap: what is held is not opened a second time.
        if index > self.held_to:
            return False
        held = self.session.store.inbox.at(index)
        return held is not None and held.verdict != "refused"

    def _served(self, entry: FeedEntry) -> Served:
        logged = self._log_entry(entry.index)
        if (
            len(entry.note) > MAX_DISPATCH_NOTE_BYTES
            or len(entry.openings) > MAX_RECIPIENTS * OPENING_BYTES
            or len(entry.body) > MAX_BODY_BYTES
        ):
            # No genuine dispatch has such parts. What is refused is kept, and its size is not for the relay to choose.
            return Served(entry.index, logged, b"", b"", b"")
        return Served(entry.index, logged, entry.note, entry.openings, entry.body)

    # Public entries

    def _public_to_come(self) -> list[int]:
        store = self.session.store
        held = {roster.index for roster in store.rosters.all()}
        held |= {delegation.index for delegation in store.rosters.delegations()}
        held |= {int(index) for index in (store.log.value(_VOID) or b"").split()}
        found = {index for type_ in PUBLIC_TYPES for index in store.log.indexes_of(type_)}
        return sorted(found - held, reverse=True)

    def require_public(self, before: int) -> None:
        """Raises Refused if a roster or delegation below ``before`` was not served (PROTOCOL §7.3, 5)."""
        if self.public and self.public[-1] < before:
            index = self.public[-1]
            raise Refused(
                f"the relay withholds the {self._log_type(index)} at index {index} of its log",
                reason="withheld-roster",
                hint="nothing after it is believed; tell the Point of Contact",
            )

    def _apply_public(self, entry: FeedEntry) -> None:
        session = self.session
        type_ = self._log_type(entry.index)
        if log_entry(type_, entry.note) != self._log_entry(entry.index):
            raise Refused(f"the log holds another {type_} at {entry.index}", reason="not-logged")
        try:
            with session.store.transaction():
                try:
                    if type_ == ROSTER:
                        self._apply_roster(entry)
                    else:
                        self._apply_delegation(entry)
                except OtherLine:
                    raise
                except PeerError as error:
                    # Logged and void: the same for every reader, and something to ask the relay about.
                    self.report.add(session, error, kind="void-entry" if not isinstance(error, Fraud) else "")
                    known = session.store.log.value(_VOID) or b""
                    session.store.log.set_value(_VOID, known + b" %d" % entry.index)
                session.store.log.cursor = max(entry.index, session.store.log.cursor)
        except BaseException:
            # What the store has is what this node knows: neither a roster more, nor one less if the commit only
            # seemed to fail.
            session.forget()
            raise
        if self.public and self.public[-1] == entry.index:
            self.public.pop()

    def _apply_roster(self, entry: FeedEntry) -> None:
        session = self.session
        if session.chain.has(statement_id(Note.parse(entry.note).text)):
            return
        chain = session.chain.extended(entry.note, entry.index)
        link = chain.links[-1]
        require_line(session, link.roster.version, link.id)
        session.chain = chain
        session.store.rosters.add(StoredRoster(link.roster.version, link.id, entry.index, entry.note))
        self.report.rosters.append(link.roster.version)

    def _apply_delegation(self, entry: FeedEntry) -> None:
        session = self.session
        # Who made it stands in its text; a stray signature line of somebody else says nothing.
        claimed = Delegation.parse(Note.parse(entry.note).text).authority
        roster = session.chain.at(entry.index)
        authority = roster.addressee(claimed) if roster else None
        if authority is None or not authority.active:
            raise Refused(f"{claimed} was no active member at {entry.index}", reason="unknown-sender")
        delegation = verify_delegation(entry.note, authority.keys.signing)
        require_exchange(delegation.exchange, session.chain.exchange)
        session.store.rosters.add_delegation(
            StoredDelegation(entry.index, delegation.authority, delegation.delegate, entry.note)
        )

    # Dispatches

    def _is_own(self, served: Served) -> bool:
        # Without an escape, a text in which our id is no value does not name us as its sender: nearly every text.
        if b"\\" not in served.note and not self.own_id.search(served.note):
            return False
        try:
            return Dispatch.parse(Note.parse(served.note).text).sender == self.session.me
        except PeerError:
            return False

    def _apply_own(self, served: Served) -> None:
        session, store = self.session, self.session.store
        dispatch, numbers = judge_own(served, session.chain, session.me)
        id_ = statement_id(Note.parse(served.note).text)
        now = session.clock()
        with store.transaction():
            known = store.outbox.find(id_)
            if not known:
                store.outbox.recover(
                    id=id_,
                    note=served.note,
                    series=dispatch.series,
                    numbers=numbers,
                    index=served.index,
                    at=now,
                )
            elif known[0].state != "accepted":
                # Logged, but the answer was lost, or was a refusal: the log is the proof.
                store.outbox.accept(known[0].key, index=served.index, proof=b"", at=now)
            self._check_own_numbers(served, dispatch.series, numbers, id_)
            outgoing.extend_sent(session, dispatch.series, numbers, id_)
        self.last_own = served.index

    def _check_own_numbers(self, served: Served, series: int, numbers: Mapping[str, int], id_: str) -> None:
        for found in check_own(self.session, served.note, series, numbers, id_):
            self.report.add(self.session, found.error, kind=found.kind)
            if found.after is not None:
                self.own_whole = self.session.own_read = False
                self._read_again(found.after)

    def _store_pages(self, verdicts: Iterator[tuple[Served, Verdict]]) -> None:
        page: list[tuple[Served, Verdict]] = []
        try:
            for one in verdicts:
                page.append(one)
                if len(page) == PAGE:
                    self._store_page(page)
                    page = []
        finally:
            # Also when the feed broke off or turned out false: what came before is judged and need not come again.
            if page:
                self._store_page(page)
        if self.last_own >= 0:
            self.session.store.log.cursor = max(self.last_own, self.session.store.log.cursor)

    def _store_page(self, page: list[tuple[Served, Verdict]]) -> None:
        store = self.session.store
        with store.transaction():
            for served, verdict in page:
                self._store(served, verdict)
            store.log.cursor = max(page[-1][0].index, store.log.cursor)
        self.session.progress("reading the log", page[-1][0].index + 1, self.view.size, "entries")

    def _store(self, served: Served, verdict: Verdict) -> None:
        session, store = self.session, self.session.store
        if self._held(served.index):
            return  # read again because of somebody's gap
        dispatch, number = verdict.dispatch, verdict.number
        kind, reason, message = verdict.kind, verdict.reason, verdict.message
        if dispatch is not None:
            last = store.numbers.last("received", dispatch.sender, dispatch.series)
            try:
                self._check_number(last, verdict, served)
                store.numbers.append("received", dispatch.sender, dispatch.series, last.then(verdict.id))
            except PeerError as error:
                kind, number = "refused", 0
                reason = error.reason if isinstance(error, Refused) else "number-reused"
                message = str(error)
                self.report.add(session, error, kind=reason)
                if reason == "number-gap":
                    # What is missing was logged after the last dispatch that we have of this sender.
                    self._read_again(store.inbox.last_index(dispatch.sender))
        elif kind == "refused":
            self.report.add(session, Refused(message, reason=reason))
            if not verdict.final:
                self._read_again(served.index - 1)
        body = dump_line(verdict.body.to_json()).decode() if verdict.body and kind == "ok" else None
        entry = InboxEntry(
            index=served.index,
            id=verdict.id,
            sender=dispatch.sender if dispatch else "",
            series=dispatch.series if dispatch else 0,
            number=number or None,
            verdict=kind,
            reason=f"{reason}: {message}" if reason else "",
            body=body,
            received_at=session.clock(),
        )
        store.inbox.put(entry, Received(served.note, served.opening, served.body))
        getattr(self.report, _LISTS[kind]).append(verdict.id)

    def _check_number(self, last: Link, verdict: Verdict, served: Served) -> None:
        assert verdict.dispatch is not None
        sender, series = verdict.dispatch.sender, verdict.dispatch.series
        if verdict.number <= last.number:
            first = self.session.store.numbers.at("received", sender, series, verdict.number)
            if first is not None and first.id == verdict.id:
                raise Refused(f"dispatch {verdict.number} of {sender} was logged twice", reason="replayed")
            others = self.session.store.inbox.numbered(sender, series, verdict.number)
            raise Fraud(
                f"the relay logged two dispatches numbered {verdict.number} of {sender}",
                evidence=(
                    *(got.note for one in others if (got := self.session.store.inbox.received(one.index))),
                    served.note,
                ),
                hint="the first one counts; both are kept as evidence",
            )
        next_number(last.number, verdict.number, sender=sender)

    def _read_again(self, after: int) -> None:
        # Durable with the page it belongs to: a reading that is cut off must not forget what was missing.
        self.again = after if self.again is None else min(self.again, after)
        self.session.read_again(after)

    def finish(self) -> None:
        """The whole feed was read: what is still missing is where the next reading begins."""
        self.session.store.log.set_value(REREAD, b"" if self.again is None else b"%d" % self.again)

    def _log_type(self, index: int) -> str:
        found = self._logged(index)
        return found[0] if found else DISPATCH

    def _log_entry(self, index: int) -> bytes:
        found = self._logged(index)
        return f"{found[0]} {found[1]}\n".encode() if found else b""

    def _logged(self, index: int) -> tuple[str, str] | None:
        # What the feed brings stands close together in the log, so it is read some hundred at a time.
        if index not in self.logged:
            self.logged = dict(enumerate(self.session.store.log.entries(index, index + PAGE), index))
        return self.logged.get(index)


def _start(session: Session) -> int:
    reread = session.store.log.value(REREAD)
    cursor = session.store.log.cursor
    return min(cursor, int(reread)) if reread else cursor
