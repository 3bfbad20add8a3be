"""The application around a fake relay, and callers for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Message

from envoi_server.app import create_app
from envoi_server.front import Front
from envoi_server.settings import Settings, load

from ...exchange import party
from .courier import URL, Courier
from .fakes import FakeRelay, relay

ORIGIN = "envoi.example/mtcr"


@dataclass
class Bench:
    """An application, its relay, and a client that reaches it in this process."""

    app: Front
    relay: FakeRelay
    settings: Settings
    http: httpx.AsyncClient

    async def courier(self, name: str = "FR", **fields: Any) -> Courier:
        """A caller with a token."""
        return await self.stranger(name, **fields).login()

    def stranger(self, name: str = "FR", **fields: Any) -> Courier:
        """A caller without a token."""
        return Courier(name, fields.pop("transport", None) or party(name).transport, self.http, **fields)


async def converse(
    app: ASGIApp,
    method: str,
    path: str,
    headers: Mapping[str, str],
    messages: Sequence[Message],
    query: bytes = b"",
) -> list[Message]:
    """One request message by message, for what no HTTP client does; what was answered."""
    waiting = list(messages)
    answers: list[Message] = []

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answers.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50000),
    }
    await app(scope, receive, send)
    return answers


Make = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """Makes benches; settings are given by name."""
    opened: list[httpx.AsyncClient] = []

    async def make(fake: FakeRelay | None = None, clock: Callable[[], float] = time, **flags: Any) -> Bench:
        settings = load(tmp_path, **{"origin": ORIGIN, "url": URL, **flags})
        fake = fake or relay()
        app = create_app(fake.real(), settings, clock=clock)
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), timeout=10)
        opened.append(http)
        return Bench(app, fake, settings, http)

    yield make
    for client in opened:
        await client.aclose()


@pytest.fixture
async def bench(make: Make) -> Bench:
    """An application with default settings."""
    return await make()
