"""Who is let in, and how often: authentication and the rates, for every route alike.

A caller is charged to its own bucket. What cannot be charged to a caller (a route without authentication, a
failed one) is charged to the address, and an address without tokens is turned away before any signature is
checked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

from .auth import Authenticator
from .calls import Call, Headers
from .observability import Metrics
from .problems import Denied, Problem
from .settings import Settings
from .throttle import Places, TokenBuckets
from .wakeups import release

_LARGE_AT_ONCE: Final = 64
_LARGE_PER_ADDRESS: Final = 4
_BODIES_AT_ONCE: Final = 64


class Gate:
    """The one way in. Used on the event loop only."""

    def __init__(self, settings: Settings, authenticator: Authenticator, metrics: Metrics) -> None:
        self.authenticator = authenticator
        self.body_deadline = settings.body_deadline_seconds
        self.upload_stall = settings.upload_stall_seconds
        self._metrics = metrics
        self._callers = TokenBuckets(settings.caller_rate_per_second, settings.caller_burst)
        self._addresses = TokenBuckets(settings.address_rate_per_second, settings.address_burst)
        self._waits = Places(settings.waits_per_caller)
        self._large = Places(_LARGE_AT_ONCE)
        self._large_of_one = Places(_LARGE_PER_ADDRESS)
        self._bodies = Places(_BODIES_AT_ONCE)
        self._leave: set[asyncio.Future[None]] = set()
        self._stopping = False

    def caller(self, call: Call) -> str:
        """Who calls. Raises Denied: ``unauthorised``, ``use-dpop-nonce``, ``no-roster`` or
        ``rate-limited``.
        """
        # Whoever holds a token is charged to its own bucket: strangers at its address must not keep a member out.
        if not self.authenticator.knows(call.headers(b"authorization")) and (
            wait := self._addresses.wait(call.address)
        ):
            raise _too_often("this address", wait)
        try:
            name = self.authenticator.caller(
                call.method, call.path, call.headers(b"authorization"), call.headers(b"dpop")
            )
        except Denied:
            self._addresses.take(call.address)
            raise
        if wait := self._callers.take(name):
            raise _too_often(name, wait)
        return name

    def stranger(self, call: Call, cost: float = 1.0) -> None:
        """Let in a request that nobody signed, at a ``cost`` in tokens. Raises Denied (``rate-limited``)."""
        if wait := self._addresses.take(call.address, cost):
            raise _too_often("this address", wait)

    @contextmanager
    def body(self, call: Call) -> Iterator[None]:
        """Hold one of a caller's, or an address's, places for a body that is still arriving. Raises Denied."""
        with self._bodies.hold(call.caller or f"address {call.address}") as held:
            if not held:
                raise Denied("too many bodies of one caller at once", slug="rate-limited", retry_after=1)
            yield

    @contextmanager
    def large_body(self, call: Call) -> Iterator[None]:
        """Hold one of the few places for large bodies of strangers, which bound memory. Raises Denied."""
        with self._large.hold("strangers") as held, self._large_of_one.hold(call.address) as own:
            if not (held and own):
                raise Denied("too many large requests at once", slug="rate-limited", retry_after=1)
            yield

    @contextmanager
    def waiting(self, call: Call, caller: str) -> Iterator[asyncio.Future[None]]:
        """Hold one of the caller's places for a request that is kept open. Raises Denied (``rate-limited``).

        The future is done as soon as waiting is of no more use: the relay is about to stop, or the caller has gone.
        """
        with self._waits.hold(caller) as held:
            if not held:
                raise Denied(f"{caller} holds as many waits open as one may", slug="rate-limited", retry_after=1)
            leave: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            if self._stopping:
                release(leave)
            self._leave.add(leave)
            going = asyncio.ensure_future(call.gone())
            going.add_done_callback(lambda _: release(leave))
            self._metrics.waits.inc()
            try:
                yield leave
            finally:
                going.cancel()
                self._leave.discard(leave)
                self._metrics.waits.dec()

    def stop(self) -> None:
        """The relay is about to stop: whoever is kept waiting is let go."""
        self._stopping = True
        for leave in self._leave:
            release(leave)

    def refusal_headers(self, problem: Problem) -> Headers:
        """What goes with a problem beside its own headers: the nonce that the next proof needs (RFC 9449
        §8).
        """
        if problem.status == HTTPStatus.UNAUTHORIZED:
            return [(b"dpop-nonce", self.authenticator.nonce.encode())]
        return []


def _too_often(who: str, wait: float) -> Denied:
    return Denied(f"{who} sends more requests than one may", slug="rate-limited", retry_after=wait)
