"""Answers that are cut, out of form or too large: nothing half-read is believed, and the next sync goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from envoi_client.limits import MAX_CHECKPOINT_BYTES, MAX_PROOF_BYTES
from envoi_keys.errors import EnvoiError, NetworkError, PeerError
from envoi_keys.frames import pack
from envoi_keys.limits import MAX_FRAME_BYTES, MAX_NOTE_BYTES

from .relay import Group
from .world import World

Honest = Callable[[], httpx.Response]


class Endless(httpx.SyncByteStream):
    """An answer that does not end, and what was read of it."""

    def __init__(self, piece: bytes) -> None:
        self.piece = piece
        self.given = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.given += len(self.piece)
            yield self.piece


def only(path: str, answer: Callable[[], httpx.Response]) -> Callable[[httpx.Request, Honest], httpx.Response]:
    return lambda request, honest: answer() if request.url.path == path and request.method == "GET" else honest()


@pytest.mark.parametrize(
    ("path", "limit"),
    [("/log/checkpoint", MAX_CHECKPOINT_BYTES), ("/v1/roster/1", MAX_NOTE_BYTES), ("/log/tile/entries/000.p/1", 2**16)],
)
def test_an_answer_larger_than_any_genuine_one_is_not_read_to_its_end(world: World, path: str, limit: int) -> None:
    stream = Endless(b"x" * 65_536)
    world.relay.answer = only(path, lambda: httpx.Response(200, stream=stream))
    with pytest.raises(PeerError, match="more than"):
        world["AU"].sync()
    assert stream.given <= limit + 2 * 65_536
    assert (world["AU"].state().log, world["AU"].state().inbox) == (0, ())
    world.relay.be_honest()
    world.sync("AU")


def test_an_answer_that_announces_too_much_is_not_read_at_all(world: World) -> None:
    stream = Endless(b"x")
    huge = {"content-length": str(10**12)}
    world.relay.answer = only("/log/checkpoint", lambda: httpx.Response(200, headers=huge, stream=stream))
    with pytest.raises(PeerError, match="at most"):
        world["AU"].sync()
    assert stream.given == 0


def test_a_frame_that_announces_too_much_is_not_waited_for(pair: World) -> None:
    pair["FR"].say("two", "AU")
    pair.relay.show_feed_bytes = lambda _: (MAX_FRAME_BYTES + 1).to_bytes(4, "big")
    assert not pair["AU"].sync().clean
    assert pair["AU"].state().received == {"FR": 1}
    pair.relay.be_honest()
    pair.sync("AU")
    assert pair["AU"].state().received == {"FR": 2}


def test_a_proof_larger_than_any_genuine_one_is_no_acknowledgement(pair: World) -> None:
    pair.relay.show_proof = lambda proof: proof + b"x" * MAX_PROOF_BYTES
    with pytest.raises(EnvoiError):
        pair["FR"].say("two", "AU")
    assert pair["FR"].state().outbox == (("accepted", 1), ("signed", None))
    pair.relay.be_honest()
    pair.sync("FR")
    assert pair["FR"].state().outbox == (("accepted", 1), ("accepted", 2))


@pytest.mark.parametrize(("kept", "whole"), [(0.0, 1), (0.2, 1), (0.6, 2), (0.9, 3), (0.999, 3)])
def test_a_feed_that_is_cut_off_is_not_a_shorter_feed(pair: World, kept: float, whole: int) -> None:
    pair["FR"].say("two", "AU")
    pair["FR"].say("three", "AU")
    pair.relay.show_feed_bytes = lambda raw: raw[: int(len(raw) * kept)]
    with pytest.raises(NetworkError, match="cut off"):
        pair["AU"].sync()
    # What came whole is kept, in order, and nothing of the rest.
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two"), ("FR", "three")][:whole]
    assert pair["AU"].state().received == {"FR": whole}
    assert pair["AU"].state().cursor == whole
    pair.relay.be_honest()
    pair["AU"].restart()
    pair.sync("AU")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two"), ("FR", "three")]


def test_a_gap_is_not_forgotten_because_the_feed_broke_off_after_it(pair: World) -> None:
    for text in ("two", "three", "four"):
        pair["FR"].say(text, "AU")
    pair.relay.show_feed = lambda _, groups: [one for one in groups if one.index != 2]
    pair.relay.show_feed_bytes = lambda raw: raw[:-8]
    with pytest.raises(NetworkError):
        pair["AU"].sync()
    assert pair["AU"].state().alarms[0] == "number-gap"
    pair["AU"].restart()
    pair.relay.be_honest()
    pair.sync("AU")
    assert pair["AU"].state().received == {"FR": 4}


def test_a_feed_without_its_last_group_is_incomplete(pair: World) -> None:
    pair.relay.show_feed_bytes = lambda _: b""
    with pytest.raises(NetworkError, match="cut off"):
        pair["AU"].sync()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw + raw,
        lambda raw: raw + pack(b"x"),
        lambda raw: pack(b"\x01") + raw,
        lambda raw: pack(bytes(8), b"", b"") + raw,
        lambda _: b"<html>" * 9,
    ],
    ids=["twice", "something after the end", "an index of one byte", "three frames", "a page"],
)
def test_a_feed_out_of_form_is_an_alarm_and_nothing_is_lost(pair: World, spoil: Callable[[bytes], bytes]) -> None:
    pair["FR"].say("two", "AU")
    pair.relay.show_feed_bytes = spoil
    assert not pair["AU"].sync().clean
    assert pair["AU"].state().received in ({"FR": 1}, {"FR": 2})
    pair.relay.be_honest()
    pair.sync("AU")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two")]
    assert pair["AU"].state().received == {"FR": 2}


def test_a_relay_that_answers_with_fewer_entries_than_asked_for_has_not_said_that_it_is_done(pair: World) -> None:
    for number in range(5):
        pair["FR"].say(str(number), "AU")
    pair.relay.show_feed = lambda _, groups: groups[:1]
    pair.sync("AU")
    assert pair["AU"].state().received == {"FR": 6}


def test_entries_far_beyond_the_log_are_no_entries(pair: World) -> None:
    pair["FR"].say("two", "AU")
    entry = pair.relay.entries[2]
    far = Group(2**63, entry.note, entry.openings["AU"], entry.body)
    pair.relay.show_feed = lambda _, groups: [*groups, far]
    pair.sync("AU")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two")]
    assert pair["AU"].state().cursor == 2


def test_a_relay_that_breaks_off_at_any_request_loses_nothing(world: World) -> None:
    """Each request of a first sync fails once for good, one after the other."""
    world.sync("FR")
    world["FR"].sync()
    world["FR"].say("one", "AU")
    count, finished = 0, False
    while not finished:
        left = count

        def broken(_: httpx.Request, honest: Honest) -> httpx.Response:
            nonlocal left
            left -= 1
            if left < 0:
                raise httpx.ReadError("gone")
            return honest()

        world.relay.answer = broken
        try:
            world["AU"].sync()
            finished = True
        except NetworkError:
            count += 1
            world["AU"].restart()
    assert 5 < count < 40
    world.relay.be_honest()
    world.sync("AU")
    assert world["AU"].texts() == [("FR", "one")]
    assert world["AU"].state().alarms == ()
