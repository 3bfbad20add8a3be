"""The feed over the wire: whole groups only, and a stream without its last group was cut off."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_client import limits
from envoi_client.transport import Feed, FeedEnd, FeedEntry, Unreachable
from envoi_keys.errors import Malformed
from envoi_keys.frames import pack

from .relay_stub import Bench, Broken, RelayStub, answering


def u64(number: int) -> bytes:
    return number.to_bytes(8, "big", signed=number < 0)


def group(entry: FeedEntry) -> bytes:
    return pack(u64(entry.index), entry.note, entry.openings, entry.body)


def end(cursor: int, checkpoint: bytes = b"checkpoint") -> bytes:
    return pack(b"", u64(cursor), checkpoint, b"")


ENTRIES = [FeedEntry(3, b"roster", b"", b""), FeedEntry(7, b"dispatch", bytes(40), b"sealed")]
WHOLE = b"".join(map(group, ENTRIES)) + end(7)


def cut(raw: bytes, *places: int) -> Iterator[bytes]:
    bounds = [0, *sorted(places), len(raw)]
    return (raw[start:stop] for start, stop in pairwise(bounds))


def bench(raw: bytes | httpx.SyncByteStream) -> Bench:
    if isinstance(raw, bytes):
        return Bench(RelayStub(lambda request: httpx.Response(200, content=raw)))
    return Bench(RelayStub(lambda request: httpx.Response(200, stream=raw)))


@given(st.lists(st.integers(0, len(WHOLE)), max_size=6))
def test_however_it_is_cut_into_chunks_it_is_the_same(places: list[int]) -> None:
    feed = Feed(cut(WHOLE, *places))
    assert list(feed) == ENTRIES
    assert feed.end == FeedEnd(7, b"checkpoint")


@given(st.integers(0, len(WHOLE) - 1))
def test_a_stream_that_ends_early_is_never_complete(length: int) -> None:
    feed = Feed(iter([WHOLE[:length]]))
    taken: list[FeedEntry] = []
    with pytest.raises(Unreachable, match="cut off"):
        taken.extend(feed)
    assert feed.end is None


def test_entries_come_before_the_stream_ends() -> None:
    here = bench(Broken(group(ENTRIES[0]), group(ENTRIES[1])[:10]))
    feed = here.transport.feed()
    assert next(feed) == ENTRIES[0]
    with pytest.raises(Unreachable, match="connection broke"):
        next(feed)
    # What was taken was taken: the stream itself is not begun again behind the caller's back.
    assert len(here.stub.asked("GET", "/v1/dispatches")) == 1


def test_a_feed_that_fails_before_it_begins_is_asked_for_again() -> None:
    answers = answering(httpx.ReadTimeout("slow"), httpx.Response(200, content=WHOLE))
    here = Bench(RelayStub(answers))
    assert list(here.transport.feed()) == ENTRIES
    assert len(here.slept) == 1


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (pack(b"short", b"", b"", b"") + end(0), "an index has 5 bytes"),
        (pack(b"", b"short", b"", b""), "last group is out of form"),
        (pack(b"", u64(0), b"", b"more"), "last group is out of form"),
        (end(0) + pack(b""), "follows the last group"),
        (end(0) + b"\x00", "into a frame"),
        (b"\xff\xff\xff\xff", "at most"),
    ],
)
def test_frames_out_of_form_are_malformed(raw: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        list(Feed(iter([raw])))


@given(st.binary(max_size=200) | st.lists(st.binary(max_size=9), max_size=9).map(lambda parts: pack(*parts)))
def test_any_bytes_are_a_feed_or_one_of_our_errors(raw: bytes) -> None:
    feed = Feed(iter([raw]))
    try:
        entries = list(feed)
    except (Malformed, Unreachable):
        return
    assert feed.end is not None
    assert b"".join(map(group, entries)) + end(feed.end.cursor, feed.end.checkpoint) == raw


def test_what_is_asked_for_stands_in_the_query() -> None:
    here = bench(WHOLE)
    list(here.transport.feed())
    list(here.transport.feed(after=5, limit=10, wait=600))
    first, second = here.stub.asked("GET", "/v1/dispatches")
    assert dict(first.url.params) == {"after": "-1"}
    assert dict(second.url.params) == {"after": "5", "limit": "10", "wait": str(limits.MAX_FEED_WAIT)}
    # A long wait is not a silent relay.
    assert second.extensions["timeout"]["read"] >= limits.MAX_FEED_WAIT + limits.ANSWER_TIMEOUT
    assert first.extensions["timeout"]["connect"] == limits.CONNECT_TIMEOUT


def test_waiting_says_whether_there_is_news() -> None:
    assert bench(WHOLE).transport.wait(2, 30)
    assert not bench(end(2)).transport.wait(2, 30)


def test_an_empty_feed_has_an_end() -> None:
    feed = bench(end(-1)).transport.open_feed()
    assert list(feed) == []
    assert feed.end == FeedEnd(-1, b"checkpoint")
