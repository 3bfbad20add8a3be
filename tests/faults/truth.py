"""What must be true of a relay whatever happened to it, held against everything it ever handed out.

One :class:`Truth` lives as long as the relay's home: it remembers every submission that was made, every
acknowledgement and every checkpoint, and :meth:`Truth.check` asks the running relay for all of it again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from threading import Lock

from envoi_keys import frames, tlog_proof
from envoi_keys.checkpoints import SignedCheckpoint, verify_checkpoint
from envoi_keys.entries import log_entry
from envoi_keys.merkle import EMPTY_ROOT, MerkleTree, leaf_hash, verify_consistency
from envoi_keys.statements import DELEGATION, DISPATCH, ROSTER
from envoi_keys.tiles import TILE_WIDTH, Tile, unpack_entries
from envoi_server.audit import audit
from envoi_server.sqlite_records import SqliteRecords

from ..exchange import Exchange
from .parties import Caller, Posted
from .processes import RelayProcess

Entry = tuple[int, bytes, bytes, bytes]
"""One entry of the feed: index, note, openings and body."""


@dataclass(frozen=True)
class Page:
    """A page of the feed as it came."""

    entries: list[Entry]
    cursor: int
    checkpoint: bytes

    @classmethod
    def read(cls, raw: bytes) -> Page:
        parts = frames.unpack(raw)
        *groups, (first, cursor, checkpoint, last) = [parts[at : at + 4] for at in range(0, len(parts), 4)]
        assert (first, last) == (b"", b""), "the feed was cut off"
        entries = [(int.from_bytes(index, "big"), note, openings, body) for index, note, openings, body in groups]
        return cls(entries, int.from_bytes(cursor, "big", signed=True), checkpoint)


@dataclass
class Truth:
    """``submitted`` holds every dispatch by its note; ``acknowledged`` the index of every logged statement, by entry;
    ``receipts`` those sent for a pair, in order, and ``received`` the last that was acknowledged.
    """

    exchange: Exchange
    submitted: dict[bytes, Posted] = field(default_factory=dict)
    acknowledged: dict[bytes, int] = field(default_factory=dict)
    receipts: dict[tuple[str, str], list[bytes]] = field(default_factory=dict)
    received: dict[tuple[str, str], bytes] = field(default_factory=dict)
    enrolments: set[bytes] = field(default_factory=set)
    cosignatures: set[tuple[int, str]] = field(default_factory=set)
    roots: dict[int, bytes] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _callers: dict[str, Caller] = field(default_factory=dict)

    # -- what the relay said ---------------------------------------------------------------------------------------

    def shown(self, raw: bytes) -> SignedCheckpoint:
        """The relay has handed out this checkpoint: nothing it hands out may ever contradict it."""
        signed = verify_checkpoint(raw, self.exchange.log.public)
        with self._lock:
            root = self.roots.setdefault(signed.size, signed.root)
        assert root == signed.root, f"two histories of {signed.size} entries"
        return signed

    def proved(self, type_: str, note: bytes, proof: bytes) -> int:
        """The relay has acknowledged a statement with this proof; its index."""
        entry = log_entry(type_, note)
        index, signed = tlog_proof.verify(proof, entry, self.exchange.log.public)
        self.shown(signed.note.serialise())
        with self._lock:
            assert self.acknowledged.setdefault(entry, index) == index, "acknowledged at two indexes"
        return index

    def acknowledged_to(self, sender: str, to: str) -> int:
        """How many dispatches of one to the other have been acknowledged."""
        with self._lock:
            return sum(
                log_entry(DISPATCH, note) in self.acknowledged
                for note, posted in list(self.submitted.items())
                if posted.dispatch.sender == sender and to in posted.dispatch.recipients
            )

    def caller(self, relay: RelayProcess, name: str) -> Caller:
        """The way of ``name``, which keeps the token of before a restart."""
        if name not in self._callers:
            self._callers[name] = Caller(relay.url, self.exchange, name)
        return self._callers[name]

    def close(self) -> None:
        """Close all connections."""
        for caller in self._callers.values():
            caller.close()

    # -- what has to be there --------------------------------------------------------------------------------------

    def check(self, relay: RelayProcess) -> list[bytes]:
        """Ask for everything again. Returns the log's entries."""
        poc = self.caller(relay, "POC")
        head = self.shown(poc.get("/log/checkpoint"))
        entries = fetch_entries(poc, head.size)
        self._check_history(entries, head)
        self._check_proofs(relay, entries, head)
        self._check_numbers(entries)
        self._check_feeds(relay, entries)
        waiting = frames.unpack(poc.get("/v1/enrolments"))
        assert self.enrolments <= set(waiting)
        assert len(waiting) == len(set(waiting))
        self._check_receipts(relay)
        self._check_records(relay)
        return entries

    def _check_history(self, entries: list[bytes], head: SignedCheckpoint) -> None:
        assert len(set(entries)) == len(entries), "a statement is in the log twice"
        tree = MerkleTree(leaf_hash(entry) for entry in entries)
        assert tree.root() == head.root
        for size, root in sorted(self.roots.items()):
            assert size <= head.size, f"a checkpoint of {size} entries was handed out, and {head.size} are left"
            assert tree.root(size) == root if size else root == EMPTY_ROOT
            verify_consistency(size, head.size, root, head.root, tree.consistency_proof(size, head.size))
        for entry, index in self.acknowledged.items():
            assert entries[index] == entry, f"what was acknowledged at {index} is not there"

    def _check_proofs(self, relay: RelayProcess, entries: list[bytes], head: SignedCheckpoint) -> None:
        for posted in list(self.submitted.values()):
            entry = log_entry(DISPATCH, posted.note)
            if entry not in self.acknowledged:
                continue
            caller = self.caller(relay, posted.dispatch.sender)
            proof = caller.get(f"/v1/dispatches/{posted.id}/proof")
            index, signed = tlog_proof.verify(proof, entry, self.exchange.log.public)
            assert index == self.acknowledged[entry] == entries.index(entry)
            assert signed.size >= head.size, "proved against an old checkpoint"
            self.shown(signed.note.serialise())

    def _check_numbers(self, entries: list[bytes]) -> None:
        """Every pair's numbers are 1, 2, 3 in the order of the log, whatever they were when they were made."""
        made = {log_entry(DISPATCH, note): posted for note, posted in list(self.submitted.items())}
        last: dict[tuple[str, str], int] = {}
        for entry in entries:
            posted = made.get(entry)
            if posted is None:
                assert not entry.startswith(DISPATCH.encode()), "the log holds a dispatch that nobody made"
                continue
            sender = posted.dispatch.sender
            for name, opening in zip(posted.dispatch.recipients, posted.openings, strict=True):
                number = posted.dispatch.opened(name, opening)
                assert number == last.get((sender, name), 0) + 1, f"{number} of {sender} to {name} is out of order"
                last[sender, name] = number

    def _check_feeds(self, relay: RelayProcess, entries: list[bytes]) -> None:
        for one in self.exchange.roster.addressees:
            shown = self._feed(self.caller(relay, one.id))
            assert [entry[0] for entry in shown] == self.visible_to(one.id, entries)
            for index, note, openings, body in shown:
                posted = self.submitted.get(note)
                if posted is not None:
                    assert entries[index] == log_entry(DISPATCH, note)
                    assert (openings, body) == (posted.openings_for(one.id), posted.body)
                else:
                    assert entries[index] in (log_entry(ROSTER, note), log_entry(DELEGATION, note))

    def _feed(self, caller: Caller) -> list[Entry]:
        """All that a member can read, page by page."""
        entries: list[Entry] = []
        cursor = -1
        while True:
            page = Page.read(caller.get("/v1/dispatches", after=cursor))
            self.shown(page.checkpoint)
            entries += page.entries
            if not page.entries:
                return entries
            cursor = page.cursor

    def visible_to(self, name: str, entries: Iterable[bytes]) -> list[int]:
        """The indexes that ``name`` has to see: what is public, and the dispatches that it sent or was sent."""
        parties = {log_entry(DISPATCH, note): posted.parties for note, posted in list(self.submitted.items())}
        return [index for index, entry in enumerate(entries) if name in parties.get(entry, (name,))]

    def _check_receipts(self, relay: RelayProcess) -> None:
        for (sender, to), note in self.received.items():
            # One that was sent later and not acknowledged may have taken its place; an earlier one never does.
            later = self.receipts[sender, to]
            later = later[later.index(note) :]
            for name in (sender, to):
                served = frames.unpack(self.caller(relay, name).get("/v1/receipts"))
                assert len([one for one in served if one in later]) == 1

    def _check_records(self, relay: RelayProcess) -> None:
        path = relay.home / "relay.db"
        with closing(sqlite3.connect(path)) as database:
            kept = {(size, name) for size, name in database.execute("SELECT size, member FROM cosignatures")}
        assert self.cosignatures <= kept
        records = SqliteRecords(f"sqlite:///{path}")
        try:
            assert audit(records, self.exchange.log.public) == []
        finally:
            records.close()


def fetch_entries(caller: Caller, size: int) -> list[bytes]:
    """The first ``size`` entries of the log, from its bundles."""
    entries: list[bytes] = []
    for index in range(-(-size // TILE_WIDTH)):
        width = min(TILE_WIDTH, size - index * TILE_WIDTH)
        entries += unpack_entries(caller.get("/log/" + Tile(None, index, width).path()), width)
    return entries
