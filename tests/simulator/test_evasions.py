"""Lies and accidents that once went past an alarm, or stopped more than they touched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from envoi_client.log_view import log_note
from envoi_client.node import FileToAttach
from envoi_keys.checkpoints import verify_checkpoint
from envoi_keys.encoding import b64
from envoi_keys.errors import Fraud, LocalError, NetworkError, Refused
from envoi_keys.fingerprints import fingerprint
from envoi_keys.notes import Note, SignatureLine

from ..exchange import Exchange, sealing_key, seed, sign
from .publishing import on_publish, waiting
from .relay import Group, problem
from .world import World

SURROGATE = "\ud800"
Answer = Callable[[httpx.Request, Callable[[], httpx.Response]], httpx.Response]


@pytest.mark.parametrize("field", ["proof", "recipient"])
def test_a_lone_surrogate_in_a_false_409_does_not_lose_the_alarm(pair: World, field: str) -> None:
    own = pair.relay.entries[1]
    logged = {"index": 1, "note": b64(own.note), "opening": b64(bytes(39) + b"\1"), "recipient": "AU", "proof": "x"}
    pair.relay.answer = on_publish(lambda: problem(409, "number-taken", logged={**logged, field: SURROGATE}))
    with pytest.raises(Fraud):
        pair["FR"].say("two", "AU")
    waiting(pair, "false-number-taken")


def test_a_lone_surrogate_in_a_refusal_is_kept_as_an_alarm(pair: World) -> None:
    pair.relay.answer = lambda request, honest: (
        problem(403, "not-yours", SURROGATE) if request.url.path == "/v1/dispatches" else honest()
    )
    report = pair["AU"].sync()
    assert len(report.alarms) == 1
    assert pair["AU"].state().alarms == ("not-yours",)


@pytest.fixture
def paper(pair: World) -> FileToAttach:
    path = pair.root / "paper.txt"
    path.write_bytes(b"x" * 1000)
    return FileToAttach(path, "paper.txt", "text/plain")


def blobs_fail(answer: Callable[[], httpx.Response]) -> Answer:
    return lambda request, honest: answer() if request.url.path.startswith("/v1/blobs") else honest()


def test_a_file_that_is_gone_stops_what_it_is_attached_to_and_nothing_else(pair: World, paper: FileToAttach) -> None:
    fr = pair["FR"]
    pair.relay.answer = blobs_fail(lambda: httpx.Response(503))
    with pytest.raises(NetworkError):
        fr.say("two", "AU", files=[paper])
    pair.relay.be_honest()
    (blob,) = fr.home.blobs.iterdir()
    blob.unlink()
    pair["DE"].say("hello", "FR")
    with pytest.raises(LocalError, match="cannot read"):
        fr.sync()
    assert pair["FR"].receipt_for("DE").received.through == 1
    assert fr.say("urgent", "DE").numbers == {"DE": 2}
    assert fr.state().outbox == (("accepted", 1), ("signed", None), ("accepted", 3))


def test_a_line_that_carries_no_files_carries_what_has_none(pair: World, paper: FileToAttach) -> None:
    """A proxy that ends every upload, say."""

    def ended() -> httpx.Response:
        raise httpx.ReadError("reset by a proxy")

    fr = pair["FR"]
    pair.relay.answer = blobs_fail(ended)
    with pytest.raises(NetworkError):
        fr.say("two", "AU", files=[paper])
    pair["DE"].say("hello", "FR")
    with pytest.raises(NetworkError):
        fr.sync()
    assert fr.receipt_for("DE").received.through == 1
    assert fr.say("urgent", "DE").numbers == {"DE": 2}


def test_what_waits_when_our_own_series_changes_is_signed_anew(pair: World) -> None:
    fr = pair["FR"]
    pair.relay.answer = on_publish(lambda: httpx.Response(503))
    with pytest.raises(NetworkError):
        fr.say("two", "AU")
    pair.follow(
        pair.exchange.succeed(pair.exchange.propose(**pair.exchange.changed("FR", series=2)), len(pair.relay.entries))
    )
    pair.relay.answer = on_publish(lambda: problem(409, "wrong-series"))
    assert fr.sync().refusals != []
    pair.relay.be_honest()
    fr.sync()
    assert [(entry.state, entry.series, dict(entry.numbers)) for entry in fr.store.outbox.listing()][1:] == [
        ("accepted", 2, {"AU": 1})
    ]


def test_a_genuine_notice_served_again_elsewhere_stays_readable(pair: World) -> None:
    genuine = pair["AU"].entry(1)
    pair["DE"].say("to another", "JP")
    index = len(pair.relay.entries) - 1

    def again(_: str, groups: list[Group]) -> list[Group]:
        served = next(group for group in pair.relay.groups("AU", -1) if group.index == 1)
        return [*groups, replace(served, index=index)]

    pair.relay.show_feed = again
    assert not pair["AU"].sync().clean
    pair.relay.be_honest()
    pair["AU"].sync()
    from envoi_client.cli.reading import _find

    assert _find(pair["AU"].node, genuine.id) == genuine


def test_a_relay_does_not_choose_what_stands_in_our_receipts(pair: World) -> None:
    """Lines under the log's name, by keys that nobody knows, are ignored, and neither kept nor signed."""
    honest = pair.relay.checkpoint()
    junk = SignatureLine(pair.relay.signer.public.origin, b"junk", b"x" * 3000)
    head = verify_checkpoint(Note.parse(honest).signed(junk).serialise(), pair.exchange.log.public)
    assert log_note(head) == honest


def test_a_sealing_key_that_is_not_ours_in_the_roster_is_an_alarm(tmp_path: Any) -> None:
    """Who proposed it can read what is sealed to us; our true signing key stands beside it."""
    exchange = Exchange.make(5)
    evil = sealing_key(seed("mallory"))
    roster = exchange.roster
    members = tuple(
        replace(one, keys=replace(one.keys, sealing=(evil,))) if one.id == "FR" else one for one in roster.members
    )
    spoilt = Exchange((sign(replace(roster, members=members).text(), *exchange.leaders()),))
    world = World(tmp_path, spoilt)
    report = world["FR"].sync()
    assert fingerprint(evil) in report.alarms[0]
    assert world["FR"].state().alarms == ("foreign-key",)
    assert world["AU"].sync().clean
    world.close()


def test_a_file_that_grows_while_it_is_sealed_can_be_opened(pair: World, paper: FileToAttach) -> None:
    source = paper.path.open("ab")

    def grow(size: int) -> bytes:
        source.write(b"more")
        source.flush()
        return pair.random(size)

    fr = pair["FR"]
    fr.node.catch_up()
    fr.node.session.random = grow
    fr.say("two", "AU", files=[paper])
    source.close()
    pair["AU"].sync()
    (pair.root / "got").mkdir()
    (got,) = pair["AU"].node.fetch(2, pair.root / "got")
    assert got.read_bytes().startswith(b"x" * 1000)


def test_a_stale_log_is_told_as_suspicious(pair: World) -> None:
    pair.sync("AU")
    old = pair.relay.checkpoint(1)
    pair.relay.show_checkpoint = lambda _: old
    with pytest.raises(Refused) as caught:
        pair["AU"].sync()
    assert caught.value.suspicious
    assert pair["AU"].state().alarms == ("stale-log",)
