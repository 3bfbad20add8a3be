"""What the relay holds in memory of its log: the tree, the roster chain, the last numbers, the last
checkpoint.

Only the sequencer changes it, and only to what the records hold: a batch is prepared in a :class:`Draft`, and
the ledger advances when the draft is durable. Readers see :attr:`Ledger.published`, one immutable value, so
none of them sees an entry before those below it.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from envoi_keys.checkpoints import Checkpoint, verify_checkpoint
from envoi_keys.entries import log_entry
from envoi_keys.errors import PeerError
from envoi_keys.merkle import Frontier, MerkleTree, leaf_hash, verify_consistency
from envoi_keys.receipts import Progress
from envoi_keys.roster_chain import Link, RosterChain
from envoi_keys.signing import LogSigner
from envoi_keys.tlog_proof import TlogProof

from .recent import Recent
from .storage import Batch, CheckpointRow, DispatchRow, EntryRow, NumberRow, Records, StorageError

REFRESH_SECONDS: Final = 3600
"""How old the time of a served checkpoint may be."""

_NO_NUMBERS: Final[dict[str, int]] = {}


@dataclass(frozen=True, slots=True)
class Published:
    """What readers may see: entries below ``size``, proved by ``checkpoint``, under the rosters in ``chain``."""

    size: int
    checkpoint: bytes | None
    chain: RosterChain | None
    recent: Recent


class Draft:
    """A batch in the making: what has been accepted into it, seen by what comes after it in the same batch."""

    def __init__(self, ledger: Ledger, records: Records) -> None:
        self.records = records
        self.batch = Batch()
        self.chain = ledger.published.chain
        self.base = ledger.published.size
        self.news: dict[str, int] = {}
        self.news_for_all: int | None = None
        self.numbers: dict[tuple[str, int], dict[str, int]] = {}
        self._ledger = ledger

    @property
    def size(self) -> int:
        """Entries of the log, those of this batch included."""
        return self.base + len(self.batch.entries)

    def log(self, statement_type: str, note: bytes) -> int:
        """Append an entry for a note and return its index."""
        entry = log_entry(statement_type, note)
        index = self.size
        self.batch.entries.append(EntryRow(index, statement_type, sha256(note).digest(), leaf_hash(entry)))
        return index

    def last_numbers(self, sender: str, series: int) -> Mapping[str, int]:
        """The last number of ``sender`` for each recipient so far, this batch included."""
        before = self._ledger.numbers.get((sender, series), _NO_NUMBERS)
        taken = self.numbers.get((sender, series))
        return before if taken is None else ChainMap(taken, before)

    def take_numbers(self, sender: str, series: int, numbers: Mapping[str, int]) -> None:
        """Note the numbers that a dispatch in this batch has, by recipient."""
        self.numbers.setdefault((sender, series), {}).update(numbers)

    def holder(self, sender: str, recipient: str, series: int, number: int) -> DispatchRow | None:
        """The dispatch that holds this number, in this batch or logged before."""
        for row in self.batch.recipients:
            if (row.member, row.number) == (recipient, number):
                dispatch = next(one for one in self.batch.dispatches if one.log_index == row.log_index)
                if (dispatch.sender, dispatch.series) == (sender, series):
                    return dispatch
        return self.records.dispatch_numbered(sender, recipient, series, number)

    def progress(self, sender: str, recipient: str) -> Progress | None:
        """What the newest receipt of a pair says, this batch included."""
        row = self.batch.receipts.get((sender, recipient)) or self.records.receipt(sender, recipient)
        return None if row is None else Progress.of_note(row.note)


class Ledger:
    """The relay's memory. The sequencer's thread alone calls what changes it; any thread reads.

    ``clock`` gives seconds since the epoch.
    """

    def __init__(self, records: Records, signer: LogSigner, clock: Callable[[], float]) -> None:
        self.tree = MerkleTree()
        self.published = Published(0, None, None, Recent(0))
        self.numbers: dict[tuple[str, int], dict[str, int]] = {}
        self._records = records
        self._signer = signer
        self._clock = clock
        self._frontier = Frontier()
        self._last: Checkpoint | None = None
        self._shown: tuple[int, int, bytes] = (-1, 0, b"")

    def reload(self) -> None:
        """Take over what the records hold: at the start, and after a commit of which nobody knows how it
        ended.

        Nothing that was published may be gone or changed. Raises StorageError if it is, or if the records
        contradict themselves; the ledger is then as it was.
        """
        size = self._records.size()
        known = self.published.size
        if size < known:
            raise StorageError(f"the records hold {size} entries of {known} that were published")
        frontier = self._copy_frontier()
        added = list(self._records.leaves(known))
        for leaf in added:
            frontier.append(leaf)
        last = self._verified_last(frontier)
        chain = self._reloaded_chain()
        numbers: dict[tuple[str, int], dict[str, int]] = {}
        for row in self._records.numbers():
            numbers.setdefault((row.sender, row.series), {})[row.recipient] = row.last
        for leaf in added:
            self.tree.append(leaf)
        self.numbers = numbers
        self._frontier = frontier
        self._last = None if last is None else verify_checkpoint(last.note, self._signer.public).checkpoint
        self.published = Published(frontier.size, None if last is None else last.note, chain, Recent(frontier.size))

    def head(self) -> CheckpointRow | None:
        """The newest checkpoint, signed anew when it is :data:`REFRESH_SECONDS` old. Any thread.

        A log in which nothing happens still shows that it is alive, and so do the receipts that carry its
        checkpoint. The size and root are those that were published: nothing is signed that was not before.
        """
        published = self.published
        if published.checkpoint is None:
            return None
        size, signed_at, note = self._shown
        if size != published.size:
            signed_at, note = verify_checkpoint(published.checkpoint, self._signer.public).time, published.checkpoint
        now = int(self._clock())
        if now - signed_at >= REFRESH_SECONDS:
            signed_at, note = now, self._signer.sign(published.size, self.tree.root(published.size), now)
        # Two threads at once sign two that say the same; either may be kept.
        self._shown = (published.size, signed_at, note)
        return CheckpointRow(published.size, note)

    def draft(self) -> Draft:
        """A batch that begins where the published log ends."""
        return Draft(self, self._records)

    def seal(self, draft: Draft) -> None:
        """Complete a batch with its numbers and its one checkpoint (tlog-checkpoint: never inconsistent with the last).

        The new tree is the last signed one extended: its compact range has to hash to exactly the root that
        was signed last before a leaf is added to it. A checkpoint whose commit fails has left this thread
        nowhere, so it is not one that the next must extend.
        """
        frontier = self._copy_frontier()
        if self._last is not None and (frontier.size, frontier.root()) != (self._last.size, self._last.root):
            raise StorageError("the tree in memory is not the one that was signed last; nothing is signed")
        for entry in draft.batch.entries:
            frontier.append(entry.leaf)
        note = self._signer.sign(frontier.size, frontier.root(), int(self._clock()))
        draft.batch.checkpoint = CheckpointRow(frontier.size, note)
        draft.batch.numbers = [
            NumberRow(sender, recipient, series, last)
            for (sender, series), taken in draft.numbers.items()
            for recipient, last in taken.items()
        ]

    def advance(self, draft: Draft) -> None:
        """Publish a batch that is durable."""
        batch = draft.batch
        for entry in batch.entries:
            self._frontier.append(entry.leaf)
            self.tree.append(entry.leaf)
        for key, taken in draft.numbers.items():
            self.numbers.setdefault(key, {}).update(taken)
        if batch.checkpoint is None:
            return
        size, root = self._frontier.size, self._frontier.root()
        # The tree that proves and the range that signs are two computations of one root.
        assert root == self.tree.root(size)
        self._last = Checkpoint(self._signer.public.origin, size, root)
        self.published = Published(size, batch.checkpoint.note, draft.chain, self.published.recent.extended(batch))

    def prove(self, index: int, checkpoint: CheckpointRow) -> bytes:
        """The proof that an entry is in the log of this checkpoint. Any thread."""
        path = self.tree.inclusion_proof(index, checkpoint.size)
        return TlogProof(index, tuple(path), checkpoint.note).serialise()

    def prove_again(self, index: int) -> bytes:
        """The proof with which the publisher of a logged entry was answered. Any thread."""
        checkpoint = self._records.checkpoint_covering(index)
        if checkpoint is None or checkpoint.size > self.tree.size:
            raise StorageError(f"no checkpoint holds entry {index}")
        return self.prove(index, checkpoint)

    def _copy_frontier(self) -> Frontier:
        return Frontier.from_bytes(self._frontier.to_bytes())

    def _verified_last(self, frontier: Frontier) -> CheckpointRow | None:
        row = self._records.last_checkpoint()
        if row is None:
            if frontier.size:
                raise StorageError("the log has entries and no checkpoint")
            return None
        try:
            signed = verify_checkpoint(row.note, self._signer.public)
            verify_consistency(signed.size, frontier.size, signed.root, frontier.root(), [])
        except PeerError as error:
            raise StorageError(
                f"the log is not what was signed last: {error.message}", hint="run envoi-poc check"
            ) from error
        return row

    def _reloaded_chain(self) -> RosterChain | None:
        chain = self.published.chain
        for row in self._records.rosters(0 if chain is None else chain.current.version):
            try:
                if chain is None:
                    chain = RosterChain.begin(row.note, row.id.hex(), row.log_index)
                else:
                    chain = chain.extended(row.note, row.log_index)
            except PeerError as error:
                raise StorageError(
                    f"roster {row.version} does not hold: {error.message}", hint="run envoi-poc check"
                ) from error
        return chain


def extended(chain: RosterChain | None, link: Link) -> RosterChain:
    """A chain with one more version, which the rules have accepted for exactly this chain."""
    return RosterChain((*(chain.links if chain else ()), link))
