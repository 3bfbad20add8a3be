"""What waits in the outbox is sent once, whatever happened to rosters and numbers while it waited."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from envoi_keys.dispatches import Dispatch
from envoi_keys.errors import NetworkError
from envoi_keys.frames import unpack
from envoi_keys.notes import Note

from ..exchange import EXPIRES
from .relay import problem
from .world import World

Answer = Callable[[httpx.Request, Callable[[], httpx.Response]], httpx.Response]


def posted(request: httpx.Request) -> Dispatch | None:
    """The header of a dispatch that is handed in."""
    if (request.method, request.url.path) != ("POST", "/v1/dispatches"):
        return None
    return Dispatch.parse(Note.parse(unpack(request.content, 3)[0]).text)


def away(request: httpx.Request, honest: Callable[[], httpx.Response]) -> httpx.Response:
    """A relay that takes no dispatch because it cannot be reached for that."""
    if posted(request):
        raise httpx.ConnectError("away")
    return honest()


def refusing(slug: str, which: Callable[[Dispatch], bool]) -> Answer:
    """A relay that refuses some dispatches for good."""

    def answer(request: httpx.Request, honest: Callable[[], httpx.Response]) -> httpx.Response:
        header = posted(request)
        return problem(409, slug) if header and which(header) else honest()

    return answer


def wait_in_line(world: World, *said: tuple[str, tuple[str, ...]]) -> None:
    """FR says these while the relay is away: they are signed, stored and not sent."""
    world.relay.answer = away
    for text, to in said:
        with pytest.raises(NetworkError):
            world["FR"].say(text, *to)
    assert [state for state, _ in world["FR"].state().outbox[1:]] == ["signed"] * len(said)
    world.relay.be_honest()


def test_what_waits_is_sent_in_order_with_the_same_bytes(pair: World) -> None:
    wait_in_line(pair, ("two", ("AU",)), ("three", ("AU", "DE")))
    signed = [entry.id for entry in pair["FR"].store.outbox.listing("signed")]
    assert pair["FR"].sync().sent == signed
    pair.sync("AU", "DE")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two"), ("FR", "three")]
    assert pair["DE"].texts() == [("FR", "one"), ("FR", "three")]


def test_what_a_new_roster_has_overtaken_is_sealed_and_signed_anew(pair: World) -> None:
    wait_in_line(pair, ("two", ("AU",)), ("three", ("AU", "DE")))
    signed = [entry.id for entry in pair["FR"].store.outbox.listing("signed")]
    pair.follow(pair.exchange.succeed(pair.exchange.propose(expires=EXPIRES + 1), pair.relay.tree().size))
    pair.relay.answer = refusing("roster-outdated", lambda header: header.roster == 1)
    report = pair["FR"].sync()
    assert (report.alarms, report.refusals, len(report.sent)) == ([], [], 2)
    assert not set(report.sent) & set(signed)
    pair.sync("AU", "DE")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two"), ("FR", "three")]
    assert pair["DE"].texts() == [("FR", "one"), ("FR", "three")]
    assert pair["FR"].state().sent == {"AU": 3, "DE": 2}


def test_what_waited_behind_a_dispatch_given_up_takes_its_numbers(pair: World) -> None:
    wait_in_line(pair, ("two", ("AU", "DE")), ("three", ("AU",)), ("four", ("AU", "DE")))
    pair.spoken -= {("FR", "AU", "two"), ("FR", "DE", "two")}
    entry = pair["FR"].store.outbox.listing("signed")[0]
    assert entry.note is not None
    given_up = Dispatch.parse(Note.parse(entry.note).text)
    pair.relay.answer = refusing("inactive-recipient", lambda header: header == given_up)
    report = pair["FR"].sync()
    assert (report.alarms, len(report.sent), len(report.refusals)) == ([], 2, 1)
    assert [state for state, _ in pair["FR"].state().outbox] == ["accepted", "refused", "accepted", "accepted"]
    assert pair["FR"].state().sent == {"AU": 3, "DE": 2}
    pair.sync("AU", "DE", "FR")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "three"), ("FR", "four")]
    assert pair["DE"].texts() == [("FR", "one"), ("FR", "four")]
