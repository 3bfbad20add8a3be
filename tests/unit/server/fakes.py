"""A relay that says what a test tells it, and blob records in memory: HTTP tested without the core."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast

from envoi_keys.frames import pack
from envoi_keys.rosters import Roster
from envoi_server.relay import Acceptance, FeedPage, Relay
from envoi_server.rules import Refusal

from ...exchange import Exchange

CHECKPOINT = b"envoi.example/mtcr\n1\nAAAA\n\n"


@dataclass
class FakeRecords:
    """Blob records as the database would keep them; ``readable`` holds who was sent what."""

    rows: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    readable: set[tuple[str, str]] = field(default_factory=set)

    def blob_finished(self, owner: str, digest: str, size: int, now: int) -> None:
        self.rows[owner, digest] = (size, now)

    def blob_held(self, owner: str) -> int:
        return sum(size for (name, _), (size, _) in self.rows.items() if name == owner)

    def blob_size(self, caller: str, digest: str) -> int | None:
        if (caller, digest) in self.rows:
            return self.rows[caller, digest][0]
        if (caller, digest) in self.readable:
            return next(size for (_, name), (size, _) in self.rows.items() if name == digest)
        return None

    def blob_owned(self, owner: str, digest: str) -> bool:
        return (owner, digest) in self.rows

    def blob_known(self, digest: str) -> bool:
        return any(name == digest for _, name in self.rows)

    def blobs_unreferenced(self, before: int) -> list[str]:
        referenced = {digest for _, digest in self.readable}
        young = {digest for (_, digest), (_, at) in self.rows.items() if at >= before}
        return sorted({digest for _, digest in self.rows} - referenced - young)

    def blob_dropped(self, digest: str, before: int) -> bool:
        if digest not in self.blobs_unreferenced(before):
            return False
        self.rows = {key: row for key, row in self.rows.items() if key[1] != digest}
        return True


@dataclass
class FakeRelay:
    """Stands for `envoi_server.relay.Relay`: each answer is an attribute that a test may set."""

    roster: Roster | None
    blobs: FakeRecords = field(default_factory=FakeRecords)
    outcome: Acceptance | Refusal = field(default_factory=lambda: Acceptance(7, b"proof\n", created=True))
    failure: Exception | None = None
    entries: list[bytes] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    submissions: list[tuple[str, bytes]] = field(default_factory=list)
    size: int = 0
    last_commit: float = 0.0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def start(self, loop: asyncio.AbstractEventLoop) -> None: ...

    def close(self) -> None: ...

    def active(self, name: str) -> bool:
        found = self.roster.addressee(name) if self.roster else None
        return found is not None and found.active

    def roster_note(self, version: int | None) -> bytes | None:
        return b"roster\n\n" if version in (None, 1) else None

    async def accept_dispatch(self, caller: str, submission: bytes) -> Acceptance | Refusal:
        self.submissions.append((caller, submission))
        if self.failure is not None:
            raise self.failure
        return self.outcome

    async def accept_roster(self, note: bytes) -> Acceptance | Refusal:
        return self.outcome

    async def accept_delegation(self, caller: str, note: bytes) -> Acceptance | Refusal:
        return self.outcome

    async def accept_receipt(self, caller: str, note: bytes) -> Refusal | None:
        return None

    async def accept_enrolment(self, note: bytes) -> Refusal | None:
        return None

    async def accept_cosignature(self, caller: str, note: bytes) -> Refusal | None:
        return None

    def receipts_for(self, caller: str) -> list[bytes]:
        return [b"receipt for " + caller.encode()]

    def enrolments(self) -> list[bytes]:
        return [b"enrolment"]

    def delegations(self) -> list[bytes]:
        return []

    def feed(self, caller: str, after: int, limit: int) -> FeedPage:
        found = self.entries[after + 1 :][:limit]
        cursor = after + len(found)
        frames = [pack(entry) for entry in found]
        frames.append(pack(b"", cursor.to_bytes(8, "big", signed=True), CHECKPOINT, b""))
        return FeedPage(iter(frames), cursor, not found)

    def feed_at_hand(self, caller: str, after: int, limit: int) -> FeedPage | None:
        return None

    async def wait(
        self,
        caller: str,
        after: int,
        timeout: float,  # noqa: ASYNC109
        waiter: asyncio.Future[None] | None = None,
    ) -> None:
        if after + 1 >= len(self.entries):
            news = asyncio.ensure_future(self.news.wait())
            ends: list[asyncio.Future[Any]] = [news, *([waiter] if waiter else [])]
            await asyncio.wait(ends, timeout=timeout, return_when="FIRST_COMPLETED")
            news.cancel()

    async def subscribe(self, caller: str, leave: asyncio.Future[None]) -> AsyncIterator[int | None]:
        while not leave.done():
            news = asyncio.ensure_future(self.news.wait())
            ends: list[asyncio.Future[Any]] = [news, leave]
            await asyncio.wait(ends, return_when="FIRST_COMPLETED")
            if self.news.is_set():
                self.news.clear()
                yield len(self.entries)
            news.cancel()

    def dispatch(self, caller: str, id_: str) -> bytes | None:
        return None

    def proof(self, caller: str, id_: str) -> bytes | None:
        return None

    def checkpoint(self) -> bytes | None:
        return CHECKPOINT

    def tile(self, path: str) -> bytes | None:
        return b"\0" * 32 if path == "tile/0/000.p/1" else None

    def ready(self) -> list[str]:
        return self.wrong

    def real(self) -> Relay:
        """This, where a Relay is asked for."""
        return cast(Relay, self)


def relay(size: int = 3) -> FakeRelay:
    """A fake relay with a roster of ``size`` Partners and the two offices."""
    return FakeRelay(Exchange.make(size).roster)
