"""Who waits for news, and waking exactly those: on the event loop only, and without any content.

A wake-up says that the log has grown by something that its receiver may see. What it is, the receiver reads
from the feed: so a wake-up that is lost, doubled or late costs time and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Final

_PATIENCE_SECONDS: Final = 15.0


class Wakeups:
    """The waiting callers. ``size`` is that of the log when the relay started."""

    def __init__(self, size: int) -> None:
        self._began_at = size
        self._size = size
        self._latest: dict[str, int] = {}
        self._latest_for_all = -1
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}

    def publish(self, size: int, news: Mapping[str, int], news_for_all: int | None) -> None:
        """The log has ``size`` entries now; ``news`` holds the newest index for each caller concerned."""
        self._size = size
        self._latest.update(news)
        woken: Iterable[str] = news
        if news_for_all is not None:
            self._latest_for_all = news_for_all
            woken = list(self._waiting)
        for name in woken:
            for waiter in self._waiting.get(name, ()):
                release(waiter)

    async def wait(
        self,
        caller: str,
        after: int,
        seconds: float,
        look: Callable[[], Awaitable[bool]],
        waiter: asyncio.Future[None] | None = None,
    ) -> None:
        """Return when there is something for ``caller`` above index ``after``, or after so many ``seconds``.

        ``look`` asks the records; only for what was logged before the start is it asked. Whoever completes
        ``waiter`` ends the wait.
        """
        loop = asyncio.get_running_loop()
        waiter = waiter or loop.create_future()
        waiters = self._waiting.setdefault(caller, set())
        # Registered before anything is looked at, so that nothing can come in between.
        waiters.add(waiter)
        timer = loop.call_later(seconds, release, waiter)
        try:
            if self._newest(caller) > after or (after + 1 < self._began_at and await look()):
                return
            await waiter
        finally:
            timer.cancel()
            waiters.discard(waiter)
            if not waiters and self._waiting.get(caller) is waiters:
                del self._waiting[caller]

    async def subscribe(
        self, caller: str, leave: asyncio.Future[None], patience: float = _PATIENCE_SECONDS
    ) -> AsyncIterator[int | None]:
        """The size of the log each time that there is news for ``caller``; several at once become one.

        None after ``patience`` seconds without any. Ends when ``leave`` is done.
        """
        seen = self._newest(caller)
        while not leave.done():
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            end = partial(_follow, waiter)
            leave.add_done_callback(end)
            try:
                await self.wait(caller, seen, patience, _nothing, waiter)
            finally:
                leave.remove_done_callback(end)
            if self._newest(caller) > seen:
                seen = self._newest(caller)
                yield self._size
            elif not leave.done():
                yield None

    def _newest(self, caller: str) -> int:
        return max(self._latest.get(caller, -1), self._latest_for_all)


def release(waiter: asyncio.Future[None]) -> None:
    """Complete a future that others may have completed already."""
    if not waiter.done():
        waiter.set_result(None)


def _follow(waiter: asyncio.Future[None], _leave: asyncio.Future[None]) -> None:
    release(waiter)


async def _nothing() -> bool:
    return False
