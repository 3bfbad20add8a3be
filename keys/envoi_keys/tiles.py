"""The log as static files (C2SP tlog-tiles): paths, hash tiles and entry bundles.

A path has one spelling and every other is refused. A tile holds up to 256 nodes of one level of eight; a
partial one names its width, and what a path names is the same bytes for ever.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .errors import Malformed
from .merkle import MAX_SIZE, MerkleTree

TILE_WIDTH: Final = 256
"""Hashes in a full tile, entries in a full bundle."""
TILE_HEIGHT: Final = 8
"""Levels of the tree that one level of tiles spans: 2^8 = 256."""
MAX_LEVEL: Final = 63
MAX_ENTRY_BYTES: Final = 65_535
"""One log entry in a bundle: its length takes two bytes."""

# tlog-tiles, "Merkle Tree": N in elements of three digits, all but the last with an x.
_PATH: Final = re.compile(
    r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Tile:
    """Which tile: its level (None for a bundle of entries), its number there, its width (256 when full).

    Raises Malformed when no log of fewer than 2^63 entries could hold it.
    """

    level: int | None
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if self.level is not None and not 0 <= self.level <= MAX_LEVEL:
            raise Malformed(f"level {self.level} is not between 0 and {MAX_LEVEL}", field="tile")
        if not 1 <= self.width <= TILE_WIDTH:
            raise Malformed(f"width {self.width} is not between 1 and {TILE_WIDTH}", field="tile")
        shift = TILE_HEIGHT * (self.level or 0)
        if self.index < 0 or (self.index * TILE_WIDTH + self.width) << shift > MAX_SIZE:
            raise Malformed("lies beyond the end of any log", field="tile")

    @classmethod
    def parse(cls, path: str) -> Tile:
        """The tile of a path such as ``tile/0/x001/x234/067.p/12``. Raises Malformed."""
        match = _PATH.fullmatch(path)
        if not match:
            raise Malformed("is not the path of a tile", field="path")
        level, index, width = match.groups()
        tile = cls(
            None if level == "entries" else int(level),
            int(index.replace("x", "").replace("/", "")),
            int(width) if width else TILE_WIDTH,
        )
        # Catches what the pattern lets through: leading zeroes, "x000/" in front, ".p/256" for a full tile.
        if tile.path() != path:
            raise Malformed(f"is another spelling of {tile.path()}", field="path")
        return tile

    def path(self) -> str:
        """The path, without a leading slash."""
        digits = f"{self.index % 1000:03}"
        rest = self.index // 1000
        while rest:
            digits = f"x{rest % 1000:03}/{digits}"
            rest //= 1000
        level = "entries" if self.level is None else self.level
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{digits}{partial}"

    def within(self, size: int) -> bool:
        """Whether a log of ``size`` entries has come to hold this tile at this width."""
        return (self.index * TILE_WIDTH + self.width) << (TILE_HEIGHT * (self.level or 0)) <= size


def tile_hashes(tree: MerkleTree, level: int, index: int, width: int = TILE_WIDTH) -> bytes:
    """The ``width`` hashes of a tile, concatenated (tlog-tiles, "Merkle Tree").

    Hash i is the root of the complete subtree over ``256^level`` leaves. Raises ValueError when the tree is
    too small: ask :meth:`Tile.within` first.
    """
    return tree.nodes(TILE_HEIGHT * level, index * TILE_WIDTH, width)


def pack_entries(entries: Sequence[bytes]) -> bytes:
    """A bundle: each entry behind its length in two bytes, big-endian (tlog-tiles, "Log entries").

    Entries over 65,535 bytes and more than 256 of them are a mistake of the caller: ValueError.
    """
    if len(entries) > TILE_WIDTH or any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise ValueError(f"a bundle holds {TILE_WIDTH} entries of at most {MAX_ENTRY_BYTES} bytes")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unpack_entries(raw: bytes, width: int) -> list[bytes]:
    """The ``width`` entries of a bundle as it was served. Raises Malformed."""
    entries: list[bytes] = []
    at = 0
    while at < len(raw):
        start = at + 2
        at = start + int.from_bytes(raw[at:start], "big")
        # A cut length or entry ends beyond the bytes; a surplus one is caught before it is kept.
        if start > len(raw) or at > len(raw) or len(entries) == width:
            raise Malformed(f"is not {width} entries", field="bundle")
        entries.append(raw[start:at])
    if len(entries) != width:
        raise Malformed(f"has {len(entries)} entries instead of {width}", field="bundle")
    return entries
