"""Which characters the shipped fonts can draw, and what is put in place of those that they cannot.

Nothing is dropped silently: a run of letters without glyphs is transliterated in square brackets, and the scripts that
were replaced are reported, so that paper says so and the caller can warn.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Final

from anyascii import anyascii

from envoi_keys.errors import LocalError

_PACKAGES: Final = ("fontpkg_noto_sans", "fontpkg_noto_sans_arabic")
FAMILIES: Final = ("Noto Sans", "Noto Sans Arabic")
"""The families of the fonts in :data:`_PACKAGES`, in the order in which they are asked for a glyph."""
_INVISIBLE: Final = ("Cf", "Zs", "Cc")


def directories() -> list[str]:
    """Where the shipped fonts lie. Raises LocalError if they are not installed."""
    try:
        return [str(import_module(name).ROOT / "files") for name in _PACKAGES]
    except (ImportError, AttributeError):
        raise LocalError("the fonts for print are not installed", hint="install envoi-client[desk]") from None


@cache
def coverage() -> frozenset[int]:
    """Every character, by its number, that one of the shipped fonts can draw."""
    covered: set[int] = set()
    for directory in directories():
        for path in sorted(Path(directory).glob("*.ttf")):
            covered.update(_mapped(path.read_bytes()))
    return frozenset(covered)


def replaced(text: str) -> tuple[str, tuple[str, ...]]:
    """``text`` as it can be drawn, and the scripts whose letters were transliterated in it, sorted."""
    if text.isascii():
        return text, ()
    covered = coverage()
    pieces: list[str] = []
    scripts: set[str] = set()
    for drawn, run in groupby(text, lambda one: ord(one) in covered or unicodedata.category(one) in _INVISIBLE):
        written = "".join(run)
        if drawn:
            pieces.append(written)
            continue
        scripts.update(map(_script, written))
        plain = anyascii(written).strip() or " ".join(f"U+{ord(one):04X}" for one in written)
        pieces.append(f"[{plain}]")
    return "".join(pieces), tuple(sorted(scripts))


def _script(character: str) -> str:
    """The first word of the character's name, which for a letter is its script."""
    name = unicodedata.name(character, "unnamed")
    return "Han" if name.startswith("CJK") else name.split(" ")[0].split("-")[0].capitalize()


def _mapped(font: bytes) -> Iterator[int]:
    """The characters in the ``cmap`` of a TrueType font (OpenType 1.9, formats 4 and 12) that have a glyph.

    The fonts are our own packages, so what cannot be read is a fault of the installation and no attack.
    """
    (count,) = struct.unpack_from(">H", font, 4)
    tables = {font[at : at + 4]: struct.unpack_from(">II", font, at + 8) for at in range(12, 12 + 16 * count, 16)}
    start, _ = tables[b"cmap"]
    (encodings,) = struct.unpack_from(">H", font, start + 2)
    offsets = {struct.unpack_from(">HHI", font, start + 4 + 8 * at)[2] for at in range(encodings)}
    for offset in offsets:
        table = start + offset
        (format_,) = struct.unpack_from(">H", font, table)
        if format_ == 12:
            (groups,) = struct.unpack_from(">I", font, table + 12)
            for at in range(groups):
                first, last, glyph = struct.unpack_from(">III", font, table + 16 + 12 * at)
                yield from range(first + (glyph == 0), last + 1)
        elif format_ == 4:
            yield from _format_4(font, table)


def _format_4(font: bytes, table: int) -> Iterator[int]:
    (double,) = struct.unpack_from(">H", font, table + 6)
    segments = double // 2
    ends = struct.unpack_from(f">{segments}H", font, table + 14)
    starts = struct.unpack_from(f">{segments}H", font, table + 16 + double)
    deltas = struct.unpack_from(f">{segments}H", font, table + 16 + 2 * double)
    at_offsets = table + 16 + 3 * double
    offsets = struct.unpack_from(f">{segments}H", font, at_offsets)
    for segment, (first, last, delta, offset) in enumerate(zip(starts, ends, deltas, offsets, strict=True)):
        for character in range(first, last + 1):
            glyph = character
            if offset:
                place = at_offsets + 2 * segment + offset + 2 * (character - first)
                (glyph,) = struct.unpack_from(">H", font, place)
            if (glyph or not offset) and (glyph + delta) & 0xFFFF:
                yield character
