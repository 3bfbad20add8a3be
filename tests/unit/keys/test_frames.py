"""Frames: what goes in comes out whole, in any chunks; what is cut or too large is refused."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_keys import frames
from envoi_keys.errors import Malformed
from envoi_keys.frames import FrameReader, pack, unpack
from envoi_keys.limits import MAX_FRAME_BYTES

from .mutations import damaged

parts = st.lists(st.binary(max_size=30), max_size=8)
TOO_LONG = (MAX_FRAME_BYTES + 1).to_bytes(4, "big")


def test_a_frame_is_its_length_and_its_bytes() -> None:
    assert pack(b"ab", b"") == b"\x00\x00\x00\x02ab\x00\x00\x00\x00"
    assert pack() == b""


@given(parts)
def test_parts_come_back(items: list[bytes]) -> None:
    assert unpack(pack(*items)) == items
    assert unpack(pack(*items), len(items)) == items


@given(parts, st.lists(st.integers(0, 300)))
def test_parts_come_back_from_chunks_of_any_size(items: list[bytes], cuts: list[int]) -> None:
    raw = pack(*items)
    reader = FrameReader()
    found: list[bytes] = []
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    for start, end in pairwise(edges):
        found += reader.feed(raw[start:end])
    reader.finish()
    assert found == items


@given(damaged(pack(b"one", b"", b"three")), st.none() | st.integers(0, 4))
def test_any_bytes_unpack_to_themselves_or_are_refused(raw: bytes, count: int | None) -> None:
    try:
        items = unpack(raw, count)
    except Malformed:
        return
    assert pack(*items) == raw
    assert count is None or len(items) == count


@given(damaged(pack(b"one", b"", b"three")))
def test_a_stream_gives_what_the_whole_gives_or_is_refused_as_well(raw: bytes) -> None:
    reader = FrameReader()
    try:
        found = [item for at in range(len(raw)) for item in reader.feed(raw[at : at + 1])]
        reader.finish()
    except Malformed:
        with pytest.raises(Malformed):
            unpack(raw)
    else:
        assert found == unpack(raw)


@pytest.mark.parametrize(
    "raw", [b"\x00", b"\x00\x00\x00", b"\x00\x00\x00\x01", pack(b"ab")[:-1], pack(b"ab") + b"\x00"]
)
def test_what_is_cut_short_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed, match="cut short"):
        unpack(raw)
    reader = FrameReader()
    reader.feed(raw)
    with pytest.raises(Malformed, match="into a frame"):
        reader.finish()


def test_another_number_of_frames_is_refused() -> None:
    raw = pack(b"a", b"b")
    for count in (0, 1, 3):
        with pytest.raises(Malformed, match="frames"):
            unpack(raw, count)
    with pytest.raises(Malformed, match="more than 1"):
        unpack(raw, at_most=1)
    assert unpack(raw, at_most=2) == [b"a", b"b"]


def test_too_many_frames_are_refused_before_they_are_kept() -> None:
    # 4 MiB of nothing would be a million frames.
    with pytest.raises(Malformed, match="more than 514"):
        unpack(bytes(4 * 1024 * 1024), at_most=514)


def test_a_frame_over_the_limit_is_refused_at_its_length() -> None:
    with pytest.raises(Malformed, match="at most"):
        unpack(TOO_LONG)
    reader = FrameReader()
    with pytest.raises(Malformed, match="at most"):
        reader.feed(TOO_LONG)
    with pytest.raises(Malformed, match="at most"):  # the stream is lost for good
        reader.feed(pack(b"good"))


def test_a_part_over_the_limit_is_the_callers_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_FRAME_BYTES", 3)
    assert pack(b"abc")
    with pytest.raises(ValueError, match="at most 3"):
        pack(b"abcd")
