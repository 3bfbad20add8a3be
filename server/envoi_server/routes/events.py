"""`GET /v1/events`: wake-ups as server-sent events. They say that there is news and never what it is.

Raw ASGI like the feed: one dispatch wakes every member at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from ..calls import Call
from ..front import HotRoute
from ..services import Services
from .common import SECURITY, content, refusals

PATH: Final = "/v1/events"
EVENTS_TYPE: Final = "text/event-stream"


def hot_routes(services: Services) -> list[HotRoute]:
    """The route for wake-ups."""

    async def events(call: Call) -> None:
        caller = call.authenticate()
        with services.gate.waiting(call, caller) as leave:
            await call.stream(
                200,
                [(b"content-type", EVENTS_TYPE.encode())],
                _events(services.relay.subscribe(caller, leave), lambda: services.relay.active(caller)),
            )

    return [HotRoute("GET", PATH, events, _OPERATION)]


async def _events(sizes: AsyncIterator[int | None], active: Callable[[], bool]) -> AsyncIterator[bytes]:
    """An event for each size, and a comment where there was none: it keeps the line open (WHATWG HTML, 9.2.7).

    It ends with the caller's membership: a roster that suspends it wakes everybody.
    """
    async for size in sizes:
        if not active():
            return
        yield b": ping\n\n" if size is None else b"event: wake\ndata: %d\n\n" % size


_OPERATION: Final[dict[str, Any]] = {
    "tags": ["events"],
    "operationId": "events",
    "summary": "An event `wake` with the size of the log when the feed has news; a comment while it has none.",
    "security": SECURITY,
    "responses": {"200": content(EVENTS_TYPE, "Server-sent events, until the caller leaves."), **refusals()},
}
