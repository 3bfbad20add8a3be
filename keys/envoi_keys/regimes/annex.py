"""A regime's list of controlled items: what each code says, and which code somebody probably meant.

A code is exact: ``9.a.3`` is not ``9.A.3``. Codes are dotted; what stands between the listed ones
(``11.A.3.b`` between ``11.A.3`` and ``11.A.3.b.1``) is part of the list too. A suggestion always comes with
the rule that found it, so that nobody has to trust a score.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from envoi_keys.encoding import Reader
from envoi_keys.errors import Malformed
from envoi_keys.json_files import parse_file

LEVELS: Final = ("item", "section", "entry", "sub-entry")
_CODE: Final = re.compile(r"[0-9A-Za-z]+(\.[0-9A-Za-z]+)*")
_MAX_BYTES: Final = 1024 * 1024
_MAX_ENTRIES: Final = 10_000
_CUTOFF: Final = 0.6
_MAX_SHOWN: Final = 64
# Cyrillic and Greek capitals that look like the Latin letters of sections: typed, they cannot be seen.
_LOOK_ALIKES: Final = str.maketrans("АВСЕаЅΑΒΕ", "ABCEaSABE")


@dataclass(frozen=True, slots=True)
class Entry:
    """One code of the list.

    ``level`` says what it is: an item, a section of it, an entry, or a paragraph below one. ``inherited``
    marks a title that is only its parent's.
    """

    code: str
    category: str
    level: str
    title: str
    inherited: bool = False
    reserved: bool = False

    @property
    def controls(self) -> bool:
        """Whether it names something that is controlled: items and sections are only headings."""
        return self.level in ("entry", "sub-entry")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The code that somebody probably meant, and ``why`` this one."""

    code: str
    why: str


class Annex:
    """The list. Look up with :meth:`find`, walk with :meth:`parent` and :meth:`children`."""

    __slots__ = ("_children", "_entries", "_folded", "categories", "edition")

    def __init__(self, edition: str, categories: tuple[str, ...], entries: Iterable[Entry]) -> None:
        self.edition = edition
        self.categories = categories
        """The categories, the strictest first."""
        self._entries: Mapping[str, Entry] = MappingProxyType(_complete(entries))
        self._folded: Mapping[str, str] = {code.casefold(): code for code in self._entries}
        children: dict[str, list[Entry]] = {}
        for entry in self._entries.values():
            children.setdefault(_above(entry.code), []).append(entry)
        self._children: Mapping[str, tuple[Entry, ...]] = {code: tuple(below) for code, below in children.items()}

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, code: str) -> Entry | None:
        """The entry with exactly this code, or None."""
        return self._entries.get(code)

    def parent(self, code: str) -> Entry | None:
        """The entry right above ``code``; None for an item and for what is not in the list."""
        return self._entries.get(_above(code)) if code in self._entries else None

    def children(self, code: str) -> tuple[Entry, ...]:
        """The entries right below ``code``, in the order of the list; the items for the empty code."""
        return self._children.get(code, ())

    def entries(self) -> tuple[Entry, ...]:
        """Everything in the list, in its order."""
        return tuple(self._entries.values())

    def category(self, codes: Iterable[str]) -> str | None:
        """The strictest category among ``codes``: one Category I item makes the whole export Category I.

        None if none of them is in the list.
        """
        found = {entry.category for entry in map(self._entries.get, codes) if entry is not None}
        return next((category for category in self.categories if category in found), None)

    def nearest(self, code: str) -> Suggestion | None:
        """The code that was probably meant by ``code``, which is not in the list; None where nothing is near.

        The rules, in this order: the same code in another spelling; the entry it would be a paragraph of;
        the nearest in the same section; the same place in another section of the item; the nearest in the
        item; and where there is no such item, the nearest of all.
        """
        parts = re.findall(r"[0-9]+|[a-z]+", _plain(code[:_MAX_SHOWN]))
        for start in range(len(parts)):
            same = self._folded.get(".".join(parts[start:]))
            if same is not None and self._entries[same].controls:
                return Suggestion(same, "the same code in another spelling")
        if not parts:
            return None
        near = self._paragraph(parts) or self._in_section(parts) or self._in_item(parts)
        # Where the item is one of the list, an entry of another would be a wrong guess on a legal form.
        return near if near or parts[0] in self._folded else self._anywhere(parts)

    def _paragraph(self, parts: list[str]) -> Suggestion | None:
        for length in range(len(parts) - 1, 0, -1):
            above = self._folded.get(".".join(parts[:length]))
            if above is not None and self._entries[above].controls:
                return Suggestion(above, f"{above} has no paragraph {'.'.join(parts[length:])}")
        return None

    def _in_section(self, parts: list[str]) -> Suggestion | None:
        section = self._folded.get(".".join(parts[:2]))
        if section is None or self._entries[section].level != "section":
            return None
        near = _closest(".".join(parts), (entry.code for entry in self.children(section)))
        return Suggestion(near, f"the nearest entry in section {section}") if near else None

    def _in_item(self, parts: list[str]) -> Suggestion | None:
        item = self._folded.get(parts[0])
        if item is None:
            return None
        codes = [code for code, entry in self._entries.items() if entry.controls and code.startswith(f"{item}.")]
        tail = ".".join(parts[2:])
        for code in codes:
            if tail and code.split(".", 2)[2:] == [tail]:
                return Suggestion(code, f"the same place in another section of item {item}")
        near = _closest(".".join(parts), codes)
        return Suggestion(near, f"the nearest entry in item {item}") if near else None

    def _anywhere(self, parts: list[str]) -> Suggestion | None:
        codes = (code for code, entry in self._entries.items() if entry.controls)
        near = _closest(".".join(parts), codes)
        return Suggestion(near, "the nearest entry of the list") if near else None


def _above(code: str) -> str:
    return code.rpartition(".")[0]


def _plain(code: str) -> str:
    return unicodedata.normalize("NFKC", code).translate(_LOOK_ALIKES).casefold()


def _complete(entries: Iterable[Entry]) -> dict[str, Entry]:
    """The entries by code, with the codes between listed ones filled in."""
    found: dict[str, Entry] = {}
    for entry in entries:
        steps = entry.code.split(".")
        for length in range(1, len(steps)):
            code = ".".join(steps[:length])
            if code not in found:
                above = found.get(_above(code))
                if above is None or not above.controls:
                    raise Malformed(f"{entry.code} stands under {code}, which is not listed", field="entries")
                found[code] = replace(above, code=code, level="sub-entry", inherited=True)
        if entry.code in found:
            raise Malformed(f"{entry.code} is listed twice, or after what stands under it", field="entries")
        found[entry.code] = entry
    return found


def _closest(written: str, codes: Iterable[str]) -> str | None:
    # Most alike first; among equals the nearest number (9.A.8 for 9.A.9), then the order of the list.
    scored = [
        (
            -round(difflib.SequenceMatcher(None, written, code.casefold()).ratio(), 6),
            _gap(written, code),
            position,
            code,
        )
        for position, code in enumerate(codes)
    ]
    best = min(scored, default=None)
    return best[3] if best is not None and -best[0] >= _CUTOFF else None


def _gap(written: str, code: str) -> int:
    ours, theirs = re.findall(r"[0-9]{1,6}", written), re.findall(r"[0-9]{1,6}", code)
    return sum(abs(int(one) - int(other)) for one, other in zip(ours, theirs, strict=False))


def parse_annex(raw: bytes) -> Annex:
    """The list in the bytes of an annex file. Raises Malformed, which names the entry at fault."""
    reader = Reader(parse_file(raw, max_bytes=_MAX_BYTES))
    reader.text("note")
    edition = reader.text("edition", max_chars=64)
    categories = reader.texts("categories", at_least=1, at_most=16, max_chars=16)
    rows = reader.listing("entries", at_least=1, at_most=_MAX_ENTRIES)
    entries = [_read_entry(row, f"entries[{position}]", categories) for position, row in enumerate(rows)]
    reader.done()
    return Annex(edition, categories, entries)


def _read_entry(row: Any, where: str, categories: tuple[str, ...]) -> Entry:
    # The two marks are left out of the file where they do not apply.
    marks = {"title_inherited": False, "reserved": False}
    reader = Reader(marks | row if isinstance(row, dict) else row, where)
    entry = Entry(
        code=reader.text("code", _CODE, max_chars=_MAX_SHOWN),
        category=reader.choice("category", categories),
        level=reader.choice("level", LEVELS),
        title=reader.text("title", max_chars=200),
        inherited=reader.flag("title_inherited"),
        reserved=reader.flag("reserved"),
    )
    reader.done()
    return entry
