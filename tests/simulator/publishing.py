"""What the tests of publishing share: a relay that answers a submission falsely, and what must be left of it."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from .world import World

Answer = Callable[[httpx.Request, Callable[[], httpx.Response]], httpx.Response]


def on_publish(answer: Callable[[], httpx.Response], *, swallow: bool = True) -> Answer:
    """A relay that answers a submission with ``answer``; unless ``swallow``, it takes it all the same."""

    def lie(request: httpx.Request, honest: Callable[[], httpx.Response]) -> httpx.Response:
        if (request.method, request.url.path) != ("POST", "/v1/dispatches"):
            return honest()
        if not swallow:
            honest()
        return answer()

    return lie


def waiting(world: World, kind: str | None) -> None:
    """FR's second dispatch waits in the outbox, unacknowledged, and its number is taken by nothing else."""
    found = world["FR"].state()
    assert found.outbox == (("accepted", 1), ("signed", None))
    assert found.sent == {"AU": 1, "DE": 1}
    assert found.alarms == ((kind,) if kind else ())


def delivered_once(world: World) -> None:
    """An honest relay gets what waits by one sync, and AU reads it once."""
    world.relay.be_honest()
    for _ in range(2):
        world["FR"].restart()
        assert world["FR"].sync().clean
    found = world["FR"].state()
    assert [state for state, _ in found.outbox] == ["accepted", "accepted"]
    assert found.sent == {"AU": 2, "DE": 1}
    assert list(world.relay.numbered("FR", "AU", 1)) == [1, 2]
    assert [entry.sender for entry in world.relay.entries].count("FR") == 2
    world.sync("AU", "FR")
    assert world["AU"].texts() == [("FR", "one"), ("FR", "two")]
