"""A relay on a database of its own, and hands to feed it: dispatches that no client made.

Bodies are age headers of the right shape over nothing that opens: the relay cannot tell, which is the point.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from envoi_keys import frames
from envoi_keys.age_header import HYBRID, HYBRID_ENC_BYTES, Header, Stanza, encode
from envoi_keys.checkpoints import SignedCheckpoint, verify_checkpoint
from envoi_keys.dispatches import Dispatch, Opening, Sealed
from envoi_keys.entries import log_entry
from envoi_keys.statements import DISPATCH, statement_id
from envoi_keys.tlog_proof import verify
from envoi_server import schema
from envoi_server.relay import Acceptance, Relay
from envoi_server.rules import Refusal
from envoi_server.sqlite_records import SqliteRecords, nothing
from envoi_server.storage import Batch, Records

from ....exchange import NOW, Exchange, seed


def stanza(label: str) -> Stanza:
    """A hybrid stanza that opens for nobody."""
    return Stanza((HYBRID, encode(seed(f"enc {label}", HYBRID_ENC_BYTES))), seed(f"wrapped {label}"))


def sealed_body(count: int, filler: bytes = b"payload") -> bytes:
    """An age file with so many hybrid stanzas."""
    stanzas = tuple(stanza(str(position)) for position in range(count))
    return Header(stanzas, seed("mac")).marshal() + filler


@dataclass(frozen=True)
class Posted:
    """A submission and what went into it."""

    dispatch: Dispatch
    openings: tuple[Opening, ...]
    note: bytes
    body: bytes

    @property
    def id(self) -> str:
        return statement_id(self.dispatch.text())

    @property
    def raw(self) -> bytes:
        return frames.pack(self.note, b"".join(one.to_bytes() for one in self.openings), self.body)


@dataclass
class Member:
    """A sender who keeps its numbers."""

    exchange: Exchange
    name: str
    numbers: dict[str, int] = field(default_factory=dict)

    def compose(
        self,
        *to: str,
        body: bytes | None = None,
        numbers: Mapping[str, int] | None = None,
        attachments: tuple[Sealed, ...] = (),
        filler: bytes = b"payload",
        **changes: Any,
    ) -> Posted:
        """A dispatch with the next numbers, or with the ``numbers`` given; ``changes`` replace fields."""
        if numbers is None:
            numbers = {name: self.numbers.get(name, 0) + 1 for name in to}
            self.numbers.update(numbers)
        roster = self.exchange.roster
        found = [roster.addressee(name) for name in sorted(numbers)]
        if body is None:
            body = sealed_body(sum(len(one.keys.sealing) if one else 1 for one in found), filler)
        dispatch, openings = self.exchange.dispatch(
            self.name, numbers, body, attachments=attachments, sent_at=changes.pop("sent_at", NOW)
        )
        dispatch = replace(dispatch, **changes)
        return Posted(dispatch, openings, self.exchange.signed(dispatch), body)


class Unreliable:
    """Records that fail as a test wants: ``lose`` before a commit, ``keep`` after it was made."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.failures: list[tuple[bool, Exception]] = []
        self.commits: list[Batch] = []
        self.hold: Callable[[], None] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.records, name)

    def lose(self, error: Exception) -> None:
        self.failures.append((False, error))

    def keep(self, error: Exception) -> None:
        self.failures.append((True, error))

    def commit(self, batch: Batch) -> None:
        if self.hold is not None:
            self.hold()
        kept, error = self.failures.pop(0) if self.failures else (True, None)
        if kept:
            self.records.commit(batch)
            self.commits.append(batch)
        if error is not None:
            raise error


@dataclass
class Bench:
    """A running relay with its exchange's first roster in the log."""

    relay: Relay
    exchange: Exchange
    records: Unreliable

    @property
    def home(self) -> Path:
        return Path(self.records.records._engine._wal).parent  # type: ignore[attr-defined]

    def member(self, name: str) -> Member:
        return Member(self.exchange, name)

    async def post(self, posted: Posted, caller: str | None = None) -> Acceptance | Refusal:
        return await self.relay.accept_dispatch(caller or posted.dispatch.sender, posted.raw)

    async def accepted(self, posted: Posted) -> Acceptance:
        answer = await self.post(posted)
        assert isinstance(answer, Acceptance), answer
        self.verified(answer, posted)
        return answer

    def verified(self, answer: Acceptance, posted: Posted) -> SignedCheckpoint:
        """The proof in an answer, checked as a client checks it."""
        index, signed = verify(answer.proof, log_entry(DISPATCH, posted.note), self.exchange.log.public)
        assert index == answer.index
        return signed

    async def refused(self, posted: Posted, caller: str | None = None) -> Refusal:
        answer = await self.post(posted, caller)
        assert isinstance(answer, Refusal), answer
        return answer

    def seen(self, caller: str, after: int = -1, limit: int = 1000) -> Feed:
        return Feed.read(self.relay, caller, after, limit)

    def sizes(self) -> list[int]:
        """The sizes of all checkpoints that are stored, each verified."""
        public = self.exchange.log.public
        return [verify_checkpoint(row.note, public).size for row in self.records.checkpoints()]


@dataclass(frozen=True)
class Feed:
    """A page of the feed as a client reads it."""

    entries: list[tuple[int, bytes, bytes, bytes]]
    cursor: int
    checkpoint: bytes

    @classmethod
    def read(cls, relay: Relay, caller: str, after: int = -1, limit: int = 1000) -> Feed:
        published = relay._ledger.published
        page = relay.feed(caller, after, limit)
        raw = b"".join(page.frames)
        at_hand = relay.feed_at_hand(caller, after, limit)
        if at_hand is not None and relay._ledger.published is published:
            # What is in memory and what is in the records are one feed.
            assert (b"".join(at_hand.frames), at_hand.cursor, at_hand.empty) == (raw, page.cursor, page.empty)
        parts = frames.unpack(raw)
        groups = [parts[at : at + 4] for at in range(0, len(parts), 4)]
        first, cursor, checkpoint, last = groups.pop()
        assert (first, last) == (b"", b"")
        entries = [(int.from_bytes(index, "big"), note, opening, body) for index, note, opening, body in groups]
        assert page.empty == (not entries)
        assert page.cursor == int.from_bytes(cursor, "big", signed=True)
        return cls(entries, page.cursor, checkpoint)

    @property
    def indexes(self) -> list[int]:
        return [entry[0] for entry in self.entries]


def database(home: Path) -> str:
    """The URL of a new database at the head."""
    url = f"sqlite:///{home / 'relay.db'}"
    schema.migrate(url)
    return url


def reopened(url: str, exchange: Exchange, at: Callable[[str], None] = nothing, **options: Any) -> Relay:
    """A relay of that exchange on an existing database."""
    return Relay(
        Unreliable(SqliteRecords(url, at)), exchange.log, roster_id=exchange.id, clock=lambda: NOW, at=at, **options
    )


@asynccontextmanager
async def running(home: Path, exchange: Exchange, **options: Any) -> AsyncIterator[Bench]:
    """A relay on a new database in ``home``, with the exchange's rosters in its log."""
    relay = reopened(database(home), exchange, **options)
    async with started(relay, exchange) as bench:
        for note in exchange.notes:
            assert isinstance(await relay.accept_roster(note), Acceptance)
        yield bench


@asynccontextmanager
async def started(relay: Relay, exchange: Exchange) -> AsyncIterator[Bench]:
    """That relay, running until the block ends."""
    relay.start(asyncio.get_running_loop())
    try:
        yield Bench(relay, exchange, relay._records)  # type: ignore[arg-type]
    finally:
        relay.close()


def slug(answer: object) -> str:
    """The slug of a refusal, or ``accepted``."""
    return answer.slug if isinstance(answer, Refusal) else "accepted"


def all_of(answers: Iterable[object]) -> list[str]:
    """The slugs of answers."""
    return [slug(one) for one in answers]


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait for something that another thread brings about."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - nothing tells the loop of it
            await asyncio.sleep(0.002)
