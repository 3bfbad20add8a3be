"""Acknowledgements and refusals (PROTOCOL §4.2, §7.4): a dispatch is logged once, or not believed to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from envoi_client.transport import RelayRefused
from envoi_keys.errors import Fraud, NetworkError, PeerError
from envoi_keys.notes import Note
from envoi_keys.tlog_proof import TlogProof

from ..exchange import log_signer
from .publishing import delivered_once, on_publish, waiting
from .relay import Relay, problem
from .world import World

# Acknowledgements


def another_entry(world: World) -> bytes:
    return world.relay.proof(1)


def another_index(world: World) -> bytes:
    return TlogProof(1, TlogProof.parse(world.relay.proof(2)).proof, world.relay.checkpoint()).serialise()


def another_log(world: World) -> bytes:
    other = Relay(log_signer(generation=1), world.relay.entries[0].note, world.relay.clock)
    other.entries = list(world.relay.entries)
    return other.proof(2)


def half_signed(world: World) -> bytes:
    proof = TlogProof.parse(world.relay.proof(2))
    head = Note.parse(proof.checkpoint)
    return replace(proof, checkpoint=Note(head.text, head.signatures[:1]).serialise()).serialise()


def cut(world: World) -> bytes:
    return world.relay.proof(2)[:-40]


def empty(_: World) -> bytes:
    return b""


def page(_: World) -> bytes:
    return b"<!doctype html><title>Thank you</title>"


@pytest.mark.parametrize("lie", [another_entry, another_index, another_log, half_signed, cut, empty, page])
def test_an_acknowledgement_with_a_wrong_proof_is_none_and_the_proof_is_kept(
    pair: World, lie: Callable[[World], bytes]
) -> None:
    shown: list[bytes] = []

    def false(_: bytes) -> bytes:
        shown.append(lie(pair))
        return shown[-1]

    pair.relay.show_proof = false
    with pytest.raises(Fraud, match="with a proof that does not hold"):
        pair["FR"].say("two", "AU")
    waiting(pair, "false-proof")
    note, proof = pair["FR"].evidence("false-proof")
    assert (note, proof) == (pair.relay.entries[2].note, shown[0])
    delivered_once(pair)


def test_an_acknowledgement_that_was_never_logged_is_found_out_by_its_own_checkpoint(pair: World) -> None:
    side = pair.relay.fork()
    pair["FR"].line.relay = side
    pair["FR"].say("two", "AU")
    assert pair["FR"].state().sent == {"AU": 2, "DE": 1}
    # The relay goes on without it. While its log is shorter than what it signed, that alone is an alarm.
    pair["FR"].line.relay = pair.relay
    with pytest.raises(PeerError, match="has signed 3 before"):
        pair["FR"].sync()
    pair["DE"].say("something else", "JP")
    with pytest.raises(
        Fraud, match=r"the acknowledgement of .* shows another history of the first 3 entries"
    ) as caught:
        pair["FR"].sync()
    (head,) = caught.value.evidence
    assert head == TlogProof.parse(side.answers[next(reversed(side.answers))]).checkpoint
    assert pair["FR"].evidence("log-forked") == (head,)
    found = pair["FR"].state()
    assert (found.log, found.alarms) == (2, ("stale-log", "log-forked"))
    # It does not go away by itself, nor by a restart.
    pair["FR"].restart()
    with pytest.raises(Fraud):
        pair["FR"].sync()


def test_a_relay_that_takes_a_dispatch_and_says_nothing_is_given_the_same_bytes_again(pair: World) -> None:
    pair.relay.answer = on_publish(lambda: httpx.Response(503), swallow=False)
    with pytest.raises(NetworkError):
        pair["FR"].say("two", "AU")
    waiting(pair, None)
    delivered_once(pair)


# Refusals


def test_a_relay_that_refuses_everything_costs_nothing(pair: World) -> None:
    pair.sync("FR", "AU")
    before = {name: pair[name].state() for name in ("FR", "AU")}
    pair.relay.answer = lambda _, __: problem(403, "unauthorised", "no")
    for name, state in before.items():
        with pytest.raises(RelayRefused) as caught:
            pair[name].sync()
        assert caught.value.reason == "unauthorised"
        assert pair[name].state() == state
    with pytest.raises(RelayRefused):
        pair["FR"].say("two", "AU")
    waiting(pair, None)
    delivered_once(pair)


def test_a_relay_that_answers_html_is_nobody(pair: World) -> None:
    html = b"<html><body>Please accept our terms of use</body></html>"
    before = pair["AU"].state()
    for status in (200, 302, 403, 404, 500):
        pair.relay.answer = lambda _, __, status=status: httpx.Response(  # type: ignore[misc]
            status, headers={"content-type": "text/html", "location": "/login"}, content=html
        )
        pair["AU"].restart()
        with pytest.raises(NetworkError):
            pair["AU"].sync()
        assert pair["AU"].state() == before
    pair.relay.be_honest()
    pair.sync("FR")
    pair.relay.answer = lambda _, __: httpx.Response(500, headers={"content-type": "text/html"}, content=html)
    with pytest.raises(NetworkError):
        pair["FR"].say("two", "AU")
    waiting(pair, None)
    delivered_once(pair)


def test_a_gap_that_the_relay_makes_up_leaves_the_dispatch_waiting(pair: World) -> None:
    pair.relay.answer = on_publish(lambda: problem(409, "number-gap"))
    with pytest.raises(RelayRefused):
        pair["FR"].say("two", "AU")
    waiting(pair, None)
    delivered_once(pair)


def test_a_roster_change_that_the_relay_makes_up_delivers_no_dispatch_twice(pair: World) -> None:
    """It takes the dispatch, says that the roster has moved on, and hopes for a second one."""
    pair.relay.answer = on_publish(lambda: problem(409, "roster-outdated"), swallow=False)
    with pytest.raises(RelayRefused):
        pair["FR"].say("two", "AU")
    pair.relay.be_honest()
    for _ in range(3):
        pair["FR"].sync()
    assert list(pair.relay.numbered("FR", "AU", 1)) == [1, 2]
    pair["FR"].say("three", "AU")
    pair.sync("AU", "FR")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two"), ("FR", "three")]
    assert pair["FR"].state().sent == {"AU": 3, "DE": 1}
    assert pair["FR"].state().outbox == (("accepted", 1), ("accepted", 2), ("accepted", 3))


def test_what_waits_goes_before_what_is_published_next(pair: World) -> None:
    """Else the relay would find a gap, and refuse the second for the sake of the first."""
    pair.relay.answer = on_publish(lambda: httpx.Response(503))
    with pytest.raises(NetworkError):
        pair["FR"].say("two", "AU")
    pair["FR"].restart()
    pair.relay.be_honest()
    assert pair["FR"].say("three", "AU").numbers == {"AU": 3}
    assert pair["FR"].state().outbox == (("accepted", 1), ("accepted", 2), ("accepted", 3))
    pair.sync("AU", "FR")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two"), ("FR", "three")]
