"""A page of the feed: what one caller may see of the log, as frames (PROTOCOL §9.2).

The page is fixed when it is made: it ends at the checkpoint that was published then, and its cursor says up
to which index it is complete. The bodies are read while the frames are taken, some at a time, so a page costs
no more memory than some bodies. Reading blocks and belongs in a thread; what is at hand does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from envoi_keys.frames import pack

from .ledger import Published
from .storage import FeedRow, Records

_AT_ONCE: Final = 16
"""Entries read together: at most so many bodies of 1 MiB are in memory for one reader."""


@dataclass(frozen=True, slots=True)
class FeedPage:
    """``frames`` gives bytes to send, the closing group included; ``cursor`` is the next call's ``after``."""

    frames: Iterator[bytes]
    cursor: int
    empty: bool


def stored(records: Records, published: Published, caller: str, after: int, limit: int) -> FeedPage:
    """At most ``limit`` entries above the index ``after``. Raises StorageError, also while frames are taken."""
    indexes = records.visible(caller, after, published.size, limit)
    # A full page is complete up to its last entry; any other up to the end of the log. A caller that is ahead
    # of this log keeps its place: the checkpoint shows it that the log is shorter.
    cursor = indexes[-1] if len(indexes) == limit else max(after, published.size - 1)
    frames = _frames(_read(records, caller, indexes), cursor, published.checkpoint)
    return FeedPage(frames, cursor, not indexes)


def at_hand(published: Published, caller: str, after: int, limit: int) -> FeedPage | None:
    """The same page, if all of it is in memory; else None. Does not block."""
    rows = published.recent.rows(caller, after, limit)
    if rows is None:
        return None
    cursor = rows[-1].log_index if len(rows) == limit else max(after, published.size - 1)
    return FeedPage(_frames(rows, cursor, published.checkpoint), cursor, not rows)


def entry_frames(row: FeedRow) -> bytes:
    """The four frames of one entry."""
    return pack(row.log_index.to_bytes(8, "big"), row.note, row.openings, row.body)


def _read(records: Records, caller: str, indexes: list[int]) -> Iterator[FeedRow]:
    for start in range(0, len(indexes), _AT_ONCE):
        yield from records.feed(caller, indexes[start : start + _AT_ONCE])


def _frames(rows: Iterable[FeedRow], cursor: int, checkpoint: bytes | None) -> Iterator[bytes]:
    for row in rows:
        yield entry_frames(row)
    yield pack(b"", cursor.to_bytes(8, "big", signed=True), checkpoint or b"", b"")
