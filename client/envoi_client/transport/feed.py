"""The feed as it comes over the wire: groups of four frames, and a last group that says it is complete.

PROTOCOL §9.2. A stream that ends without the last group was cut off, whatever the connection says. Nothing
is checked but the framing: order, number and content are judged by the node.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from envoi_keys.errors import Malformed
from envoi_keys.frames import FrameReader

from .errors import Unreachable

_INDEX_BYTES: Final = 8
_GROUP: Final = 4


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One entry as served: log index, note, the openings we may see (40 bytes each), sealed body."""

    index: int
    note: bytes
    openings: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class FeedEnd:
    """The last group: the ``after`` of the next call, and the log's signed checkpoint."""

    cursor: int
    checkpoint: bytes


class Feed(Iterator[FeedEntry]):
    """The entries of one answer, read as they come. ``end`` is set when the iteration has ended.

    Raises Malformed for frames out of form and Unreachable for a stream that was cut off.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.end: FeedEnd | None = None
        self._entries = self._read(chunks)

    def __next__(self) -> FeedEntry:
        return next(self._entries)

    def _read(self, chunks: Iterator[bytes]) -> Iterator[FeedEntry]:
        reader = FrameReader()
        group: list[bytes] = []
        for chunk in chunks:
            for frame in reader.feed(chunk):
                if self.end is not None:
                    raise Malformed("something follows the last group", field="feed")
                group.append(frame)
                if len(group) == _GROUP:
                    entry = self._group(group)
                    group = []
                    if entry is not None:
                        yield entry
        if self.end is None:
            raise Unreachable("the feed was cut off", hint="run it again; it goes on from there")
        reader.finish()

    def _group(self, group: list[bytes]) -> FeedEntry | None:
        first, second, third, fourth = group
        if first == b"":
            if len(second) != _INDEX_BYTES or fourth:
                raise Malformed("the last group is out of form", field="feed")
            self.end = FeedEnd(int.from_bytes(second, "big", signed=True), third)
            return None
        if len(first) != _INDEX_BYTES:
            raise Malformed(f"an index has {len(first)} bytes instead of {_INDEX_BYTES}", field="feed")
        return FeedEntry(int.from_bytes(first, "big"), second, third, fourth)
