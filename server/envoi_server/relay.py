"""The relay behind its HTTP side: one object that accepts, orders, logs, stores and serves, and knows no
HTTP.

Coroutines belong on the event loop given to :meth:`Relay.start`; everything else blocks and belongs in a
thread. What does not exist and what is not the caller's look the same: None.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import TYPE_CHECKING

from envoi_keys.checkpoints import LogKey, verify_checkpoint
from envoi_keys.errors import EnvoiError, LocalError, Malformed
from envoi_keys.merkle import EMPTY_ROOT
from envoi_keys.rosters import Roster
from envoi_keys.signing import LogSigner
from envoi_keys.tiles import Tile, pack_entries, tile_hashes

from . import log_key, schema
from .audit import Finding, audit
from .blob_records import BlobRecords
from .feed import FeedPage, at_hand, entry_frames, stored
from .file_blobs import FileBlobStore
from .files import make_directory
from .home_lock import HomeLock
from .intake import Intake, deliver
from .ledger import Ledger
from .rules import Refusal
from .sequencer import Outcome, Sequencer
from .sqlite_records import SqliteRecords, nothing
from .storage import CheckpointRow, FeedRow, Records
from .wakeups import Wakeups
from .work import Acceptance

if TYPE_CHECKING:
    from .settings import Settings

__all__ = ["Acceptance", "Delivery", "FeedPage", "Finding", "Refusal", "Relay"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a recipient's receipts have come of what a sender has sent it; 0 and None without a receipt."""

    sender: str
    recipient: str
    series: int
    sent_through: int
    received_through: int
    opened_through: int
    receipt_at: int | None


class Relay:
    """An open relay. :meth:`open` is for processes; tests hand in records and a signer of their own.

    ``unfinished`` gives the digests of an owner's unfinished uploads, ``clock`` seconds since the epoch;
    ``at`` is called at every write point, by name. Raises LocalError if the records are not this log's.
    """

    def __init__(
        self,
        records: Records,
        signer: LogSigner,
        *,
        home: Path | None = None,
        roster_id: str = "",
        unfinished: Callable[[str], Collection[str]] = lambda _: (),
        clock: Callable[[], float] = time,
        at: Callable[[str], None] = nothing,
    ) -> None:
        self._records = records
        self._signer = signer
        self._home = home
        self._clock = clock
        self._ledger = Ledger(records, signer, clock)
        self._ledger.reload()
        self._wakeups = Wakeups(self._ledger.published.size)
        self._sequencer = Sequencer(self._ledger, records, self._done, at)
        self.blobs = BlobRecords(records, self._sequencer, unfinished)
        self._intake = Intake(self._ledger, records, self._sequencer, self.blobs, signer, roster_id, clock)
        self._lock: HomeLock | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.last_commit = 0.0
        """When a batch was last committed, in seconds since the epoch; 0: not since the start."""

    @classmethod
    def initialise(cls, home: Path, origin: str, database: str | None = None) -> LogKey:
        """Make a new relay's log key and database in ``home``; the log's public keys. Raises LocalError."""
        log_key.require_new(home, origin)
        make_directory(home)
        schema.migrate(database or f"sqlite:///{home / 'relay.db'}")
        # The key last: what a killed call leaves has none, and the same call makes the relay after all.
        return log_key.create(home, origin).public

    @classmethod
    def open(cls, settings: Settings, *, at: Callable[[str], None] = nothing) -> Relay:
        """The relay of these settings. Raises LocalError."""
        if not settings.origin:
            raise LocalError("no origin is set", hint="set origin in relay.toml, as envoi-poc init does")
        signer = log_key.load(settings.home, settings.origin)
        schema.require_head(settings.database)
        records = SqliteRecords(settings.database, at)
        try:
            unfinished = FileBlobStore(settings.home).unfinished
            return cls(records, signer, home=settings.home, roster_id=settings.roster_id, unfinished=unfinished, at=at)
        except BaseException:
            records.close()
            raise

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to accept. Raises LocalError if another process serves this home."""
        if self._home is not None:
            self._lock = HomeLock(self._home)
            # Another relay may have written between our opening and our lock.
            self._ledger.reload()
        self._loop = loop
        self._sequencer.start()

    def close(self) -> None:
        """Finish what was accepted, and let go of everything."""
        self._intake.close()
        self._sequencer.close()
        self._records.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    # -- accepting -------------------------------------------------------------------------------------

    async def accept_dispatch(self, caller: str, submission: bytes) -> Acceptance | Refusal:
        """A dispatch as it was posted: frames of note, openings and body (PROTOCOL §8)."""
        answer: Acceptance | Refusal = await self._intake.submit(self._intake.dispatch, caller, submission)
        return answer

    async def accept_roster(self, note: bytes) -> Acceptance | Refusal:
        """The next roster; the first one only if its id is the one in the settings and its log is ours."""
        answer: Acceptance | Refusal = await self._intake.submit_stranger(self._intake.roster, note)
        return answer

    async def accept_delegation(self, caller: str, note: bytes) -> Acceptance | Refusal:
        """A delegation by its authority."""
        answer: Acceptance | Refusal = await self._intake.submit(self._intake.delegation, caller, note)
        return answer

    async def accept_receipt(self, caller: str, note: bytes) -> Refusal | None:
        """A receipt; it replaces the one of the same pair unless that one says more."""
        answer: Refusal | None = await self._intake.submit(self._intake.receipt, caller, note)
        return answer

    async def accept_enrolment(self, note: bytes) -> Refusal | None:
        """An enrolment, from anybody."""
        answer: Refusal | None = await self._intake.submit_stranger(self._intake.enrolment, note)
        return answer

    async def accept_cosignature(self, caller: str, note: bytes) -> Refusal | None:
        """A checkpoint note with the caller's cosignature; the first one counts."""
        answer: Refusal | None = await self._intake.submit(self._intake.cosignature, caller, note)
        return answer

    def _done(self, outcome: Outcome) -> None:
        if outcome.committed:
            self.last_commit = self._clock()
        if self._loop is not None:
            deliver(self._loop, outcome, self._wake)

    def _wake(self, outcome: Outcome) -> None:
        self._wakeups.publish(outcome.size, outcome.news, outcome.news_for_all)

    # -- waiting ---------------------------------------------------------------------------------------

    async def wait(
        self,
        caller: str,
        after: int,
        timeout: float,  # noqa: ASYNC109 - it is the wait
        waiter: asyncio.Future[None] | None = None,
    ) -> None:
        """Return when there is something for ``caller`` above index ``after``, or the time (s) is up.

        Whoever completes ``waiter`` ends the wait.
        """

        async def look() -> bool:
            visible, size = self._records.visible, self._ledger.published.size
            return bool(await asyncio.to_thread(visible, caller, after, size, 1))

        await self._wakeups.wait(caller, after, timeout, look, waiter)

    def subscribe(self, caller: str, leave: asyncio.Future[None]) -> AsyncIterator[int | None]:
        """The size of the log each time that it has grown by something for ``caller``, until ``leave`` is done.

        None now and then while it has not.
        """
        return self._wakeups.subscribe(caller, leave)

    # -- serving ---------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """The number of log entries."""
        return self._ledger.published.size

    @property
    def log(self) -> LogKey:
        """The log's public keys."""
        return self._signer.public

    @property
    def roster(self) -> Roster | None:
        """The roster in force."""
        chain = self._ledger.published.chain
        return chain.current if chain else None

    def active(self, name: str) -> bool:
        """Whether the roster in force has this member or office as active."""
        found = self.roster.addressee(name) if self.roster else None
        return found is not None and found.active

    def roster_note(self, version: int | None = None) -> bytes | None:
        """The note of a version, of the newest by default."""
        chain = self._ledger.published.chain
        if chain is None:
            return None
        link = chain.links[-1] if version is None else chain.version(version)
        return link.note if link else None

    def delegations(self) -> list[bytes]:
        """The notes of all delegations, by log index."""
        size = self.size
        return [row.note for row in self._records.delegations() if row.log_index < size]

    def receipts_for(self, caller: str) -> list[bytes]:
        """The notes of the newest receipts that the caller signed or was sent."""
        return [row.note for row in self._records.receipts(caller)]

    def enrolments(self) -> list[bytes]:
        """The notes of the enrolments that wait, the oldest first."""
        return [row.note for row in self._records.enrolments()]

    def feed(self, caller: str, after: int, limit: int) -> FeedPage:
        """A page of what the caller may see above the index ``after``, read from the records."""
        return stored(self._records, self._ledger.published, caller, after, limit)

    def feed_at_hand(self, caller: str, after: int, limit: int) -> FeedPage | None:
        """The same page if it is in memory, which it is for whoever was just woken; else None. Does not block."""
        return at_hand(self._ledger.published, caller, after, limit)

    def dispatch(self, caller: str, id_: str) -> bytes | None:
        """The four frames of a dispatch that the caller sent or was sent, as in the feed."""
        row = self._visible(caller, id_)
        return None if row is None else entry_frames(row)

    def proof(self, caller: str, id_: str) -> bytes | None:
        """The proof that such a dispatch is in the log, against the newest checkpoint."""
        row = self._visible(caller, id_)
        published = self._ledger.published
        if row is None or published.checkpoint is None:
            return None
        return self._ledger.prove(row.log_index, CheckpointRow(published.size, published.checkpoint))

    def _visible(self, caller: str, id_: str) -> FeedRow | None:
        size = self.size
        row = self._records.dispatch(bytes.fromhex(id_))
        if row is None or row.log_index >= size:
            return None
        return next(iter(self._records.feed(caller, [row.log_index])), None)

    def checkpoint(self) -> bytes | None:
        """The newest checkpoint, with the cosignatures it has got."""
        head = self._ledger.head()
        if head is None:
            return None
        lines = [row.line for row in self._records.cosignatures(head.size)]
        return head.note + "".join(lines).encode()

    def tile(self, path: str) -> bytes | None:
        """A hash tile or entry bundle by its path, ``tile/...`` (C2SP tlog-tiles)."""
        try:
            tile = Tile.parse(path)
        except Malformed:
            return None
        if not tile.within(self.size):
            return None
        if tile.level is not None:
            return tile_hashes(self._ledger.tree, tile.level, tile.index, tile.width)
        start = tile.index * 256
        rows = self._records.entries(start, start + tile.width)
        return pack_entries([f"{row.type} {row.digest.hex()}\n".encode() for row in rows])

    # -- operating -------------------------------------------------------------------------------------

    def deliveries(self) -> list[Delivery]:
        """For each pair that has a dispatch, what was sent and what the recipient has acknowledged."""
        receipts = {(row.recipient, row.sender): row for row in self._records.receipts()}
        rows = []
        for number in self._records.numbers():
            receipt = receipts.get((number.sender, number.recipient))
            # A receipt of another series says nothing about this one.
            if receipt is not None and receipt.received_series != number.series:
                receipt = None
            rows.append(
                Delivery(
                    number.sender,
                    number.recipient,
                    number.series,
                    number.last,
                    receipt.received_through if receipt else 0,
                    receipt.opened_through if receipt else 0,
                    receipt.stored_at if receipt else None,
                )
            )
        return rows

    def check(self) -> list[Finding]:
        """Everything in the records that contradicts what was signed."""
        return audit(self._records, self._signer.public)

    def ready(self) -> list[str]:
        """Why the relay cannot do its work; empty if it can. It signs and verifies something, and reads."""
        wrong = []
        if (trouble := self._sequencer.trouble) is not None:
            wrong.append(trouble)
        try:
            # The empty tree: consistent with every history of this log, and worth nothing to a thief.
            verify_checkpoint(self._signer.sign(0, EMPTY_ROOT, max(1, int(self._clock()))), self._signer.public)
            if self._records.size() < self.size:
                wrong.append("the records hold less than was published")
        except EnvoiError as error:
            wrong.append(error.message)
        return wrong
