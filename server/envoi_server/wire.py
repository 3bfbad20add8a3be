"""The server's HTTP protocol with an end to everything a connection can make us wait for.

A request's head has to arrive within a deadline and a size; an answer has to be taken within a deadline; a
body is bounded where it is read (`calls`). A connection that breaks one of these is dropped, whatever it has
sent so far.
"""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from contextlib import ExitStack
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from .settings import Settings
from .throttle import Places


class _TooManyAtOnce(Exception):
    pass


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's httptools protocol, which by itself waits for a head or a reader for ever, takes any head, any
    number of requests at once and any number of connections from one address.
    """

    head_deadline: float
    head_bytes: int
    send_stall: float
    per_address: Places
    proxies: frozenset[str]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head_timer: TimerHandle | None = None
        self._send_timer: TimerHandle | None = None
        self._head_size = 0
        self._in_head = True
        self._places = ExitStack()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock of the first head; a connection too many from one address is closed at once."""
        super().connection_made(transport)
        address = str(self.client[0]) if self.client else ""
        if address not in self.proxies and not self._places.enter_context(self.per_address.hold(address)):
            self._drop()
            return
        self._start_head_timer()

    def data_received(self, data: bytes) -> None:
        """Count a head while it arrives; a piece that ends one head is the most by which it can go over."""
        if self._in_head:
            self._head_size += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head and self._head_size > self.head_bytes:
            self._drop()
        elif self._head_timer is None and (self.cycle is None or self.cycle.response_complete):
            # Bytes between two requests (empty lines are allowed there) have put off uvicorn's keep-alive
            # timer.
            self._start_head_timer()

    def on_message_begin(self) -> None:
        """A new head begins."""
        if self.pipeline:
            # Each waiting request costs a thousand times its bytes, and nobody sends a third before the first is
            # answered. The parser stops here and calls send_400_response.
            raise _TooManyAtOnce
        super().on_message_begin()
        self._in_head = True
        self._head_size = 0
        if self._head_timer is None:
            self._start_head_timer()

    def on_headers_complete(self) -> None:
        """A head is complete."""
        self._in_head = False
        self._stop_head_timer()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP; what came behind requests that still wait ends the connection."""
        if self.pipeline:
            self._drop()
        else:
            super().send_400_response(msg)

    def pause_writing(self) -> None:
        """The reader does not keep up: it has a while to take what is waiting."""
        super().pause_writing()
        if self._send_timer is None:
            self._send_timer = self.loop.call_later(self.send_stall, self._drop)

    def resume_writing(self) -> None:
        """The reader has caught up."""
        super().resume_writing()
        self._stop_send_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        self._stop_head_timer()
        self._stop_send_timer()
        self._places.close()
        super().connection_lost(exc)

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(self.head_deadline, self._drop)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_send_timer(self) -> None:
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None

    def _drop(self) -> None:
        # abort(), not close(): close() first sends what is waiting, which a reader that reads nothing
        # prevents.
        self.transport.abort()


def guarded(settings: Settings) -> type[GuardedProtocol]:
    """The protocol with the limits of ``settings``; uvicorn makes one per connection from the class alone."""

    class Bounded(GuardedProtocol):
        head_deadline = settings.header_deadline_seconds
        head_bytes = settings.max_header_bytes
        send_stall = settings.send_stall_seconds
        per_address = Places(settings.connections_per_address)
        # Behind a proxy all connections come from it, and whose they are is known only once a head has come.
        proxies = settings.proxies

    return Bounded
