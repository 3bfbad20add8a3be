"""The parts of a workbook (ECMA-376, SpreadsheetML): the rows of its first visible sheet as text.

A cell is what its reader sees, or it is refused by name: formulas, errors, merged cells and times of the day have no
place in a notice. A true date is a date. XML that declares a document type, which is where entities come from, is
refused before it means anything.

Not openpyxl: it builds an object for every cell, which took four times as long for 10,000 rows, and it believes the
sheet about its own size.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from xml.parsers import expat

from envoi_keys.errors import Malformed

from .. import limits
from .sheet import place

_BOOK: Final = "xl/workbook.xml"
_LETTERS: Final = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
_ESCAPE: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
"""A character that XML cannot hold, or an underscore that would begin one (22.9.2.19)."""
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?(E[+-]?[0-9]{1,3})?", re.IGNORECASE)
_DIGITS: Final = 15
"""Significant digits that a spreadsheet keeps of a number."""
_BUILT_IN_DATES: Final = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""Formats of dates and times that have a number and no code (ECMA-376 part 1, 18.8.30)."""
_LITERAL: Final = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_FROM_1900: Final = date(1899, 12, 30)
_FROM_1904: Final = date(1904, 1, 1)
_LAST_DAY: Final = 2_958_465
"""9999-12-31 as a spreadsheet counts days."""

Attributes = Mapping[str, str]


class _Reader:
    """Calls ``start``, ``end`` and ``text`` with the local names of one part's elements."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._names: dict[str, str] = {}

    def parse(self, raw: bytes) -> None:
        """Parse one part. Raises Malformed."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.StartElementHandler = lambda name, attributes: self.start(self._local(name), attributes)
        parser.EndElementHandler = lambda name: self.end(self._local(name))
        parser.CharacterDataHandler = self.text
        try:
            parser.Parse(raw, True)
        except expat.ExpatError as error:
            raise Malformed(f"holds XML that is broken: {expat.ErrorString(error.code)}", field=self._name) from None

    def _local(self, name: str) -> str:
        # One lookup for each of millions of elements; there are few names.
        found = self._names.get(name)
        return found if found is not None else self._names.setdefault(name, name.rpartition(" ")[2])

    def _refuse(self, *_: Any) -> None:
        raise Malformed("declares an XML document type, as no spreadsheet does", field=self._name)

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def text(self, data: str) -> None:
        """Text within an element."""


class _Elements(_Reader):
    """The names and attributes of all elements of a small part."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.found: list[tuple[str, Attributes]] = []

    def start(self, name: str, attributes: Attributes) -> None:
        self.found.append((name, {key.rpartition(" ")[2]: value for key, value in attributes.items()}))


class _Strings(_Reader):
    """The strings that cells share. What says how to pronounce them is no part of them."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.found: list[str] = []
        self._pieces: list[str] = []
        self._taking = self._phonetic = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "si":
            self._pieces = []
        elif name == "rPh":
            self._phonetic = True
        elif name == "t":
            self._taking = not self._phonetic

    def end(self, name: str) -> None:
        if name == "t":
            self._taking = False
        elif name == "rPh":
            self._phonetic = False
        elif name == "si":
            self.found.append("".join(self._pieces))

    def text(self, data: str) -> None:
        if self._taking:
            self._pieces.append(data)


class _Cells(_Reader):
    """The rows of a sheet: ``show`` makes the text of a cell from its type, its style and what it holds."""

    def __init__(self, name: str, show: Callable[[str, str, str], str]) -> None:
        super().__init__(name)
        self.rows: list[tuple[int, dict[int, str]]] = []
        self._show = show
        self._number = self._count = 0
        self._column = -1
        self._cells: dict[int, str] = {}
        self._type = self._style = ""
        self._pieces: list[str] = []
        self._taking = self._phonetic = self._formula = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "c":
            self._column = self._position(attributes.get("r"))
            self._type, self._style = attributes.get("t", "n"), attributes.get("s", "0")
            self._pieces, self._formula = [], False
        elif name == "v":
            self._taking = True
        elif name == "t":
            self._taking = not self._phonetic
        elif name == "rPh":
            self._phonetic = True
        elif name == "f":
            self._formula = True
        elif name == "row":
            self._begin_row(attributes.get("r"))
        elif name == "mergeCell":
            hint = "unmerge them: each row of a notice has its own cells"
            raise Malformed(f"the cells {attributes.get('ref', '')[:20]} are merged", field=self._name, hint=hint)

    def end(self, name: str) -> None:
        if name in ("v", "t"):
            self._taking = False
        elif name == "rPh":
            self._phonetic = False
        elif name == "c":
            self._end_cell()

    def text(self, data: str) -> None:
        if self._taking:
            self._pieces.append(data)

    def _begin_row(self, number: str | None) -> None:
        given = (
            int(number) if number and number.isascii() and number.isdigit() and len(number) < 9 else self._number + 1
        )
        if given <= self._number:
            raise Malformed(f"row {given} comes after row {self._number}", field=self._name)
        self._number, self._column, self._cells = given, -1, {}

    def _position(self, reference: str | None) -> int:
        match = _LETTERS.fullmatch(reference) if reference else None
        if match is None:
            return self._column + 1
        position = 0
        for letter in match[1]:
            position = position * 26 + ord(letter) - ord("A") + 1
        return position - 1

    def _end_cell(self) -> None:
        where = self._number, self._column
        if self._formula:
            raise Malformed("holds a formula", field=place(self._name, *where), hint="paste its value instead")
        if not self._pieces:
            return
        if self._column >= limits.MAX_SHEET_COLUMNS or self._number > limits.MAX_SHEET_ROWS:
            most = f"{limits.MAX_SHEET_ROWS} rows and {limits.MAX_SHEET_COLUMNS} columns are read"
            raise Malformed(f"is too far out; at most {most}", field=place(self._name, *where))
        self._count += 1
        if self._count > limits.MAX_SHEET_CELLS:
            raise Malformed(f"has more than {limits.MAX_SHEET_CELLS} filled cells", field=self._name, hint="split it")
        try:
            text = self._show(self._type, self._style, "".join(self._pieces))
        except Malformed as error:
            raise Malformed(error.message, field=place(self._name, *where), hint=error.hint) from None
        if not self._cells:
            # Rows of nothing are not kept, so that a sheet that claims a million of them costs nothing.
            self.rows.append((self._number, self._cells))
        self._cells[self._column] = _ESCAPE.sub(_unescaped, text).replace("\r\n", "\n")


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


def rows_of(parts: Mapping[str, bytes], name: str) -> Iterator[tuple[int, dict[int, str]]]:
    """The rows of the first visible sheet: their numbers, and the cells that are filled. Raises Malformed."""
    book = _elements(parts, _BOOK, name)
    sheet = next(
        (found for kind, found in book if kind == "sheet" and found.get("state", "visible") == "visible"), None
    )
    links = {found.get("Id"): found for kind, found in _elements(parts, "xl/_rels/workbook.xml.rels", name)}
    link = links.get(sheet.get("id")) if sheet else None
    target = posixpath.normpath(posixpath.join("/xl", link.get("Target", ""))).lstrip("/") if link else ""
    if target not in parts:
        raise Malformed("has no sheet that can be seen", field=name, hint="is it a workbook?")
    from_1904 = any(kind == "workbookPr" and found.get("date1904") in ("1", "true") for kind, found in book)
    strings = _Strings(name)
    if "xl/sharedStrings.xml" in parts:
        strings.parse(parts["xl/sharedStrings.xml"])
    cells = _Cells(name, _shower(strings.found, _date_styles(parts, name), from_1904))
    cells.parse(parts[target])
    return iter(cells.rows)


def _elements(parts: Mapping[str, bytes], part: str, name: str) -> list[tuple[str, Attributes]]:
    if part not in parts:
        raise Malformed(f"has no part {part}", field=name, hint="is it a workbook? save it as XLSX")
    reader = _Elements(name)
    reader.parse(parts[part])
    return reader.found


def _date_styles(parts: Mapping[str, bytes], name: str) -> frozenset[str]:
    """The styles of cells (their positions, as text) that show a number as a date."""
    if "xl/styles.xml" not in parts:
        return frozenset()
    formats: set[str] = {str(number) for number in _BUILT_IN_DATES}
    styles: list[str] = []
    within = ""
    for kind, found in _elements(parts, "xl/styles.xml", name):
        if kind in ("cellXfs", "cellStyleXfs", "cellStyles", "dxfs"):
            within = kind
        elif kind == "numFmt" and re.search("[ymdhs]", _LITERAL.sub("", found.get("formatCode", "")), re.IGNORECASE):
            formats.add(found.get("numFmtId", ""))
        elif kind == "xf" and within == "cellXfs":
            styles.append(found.get("numFmtId", "0"))
    return frozenset(str(at) for at, format_ in enumerate(styles) if format_ in formats)


def _shower(strings: list[str], dates: frozenset[str], from_1904: bool) -> Callable[[str, str, str], str]:
    """How to show a cell. The function raises Malformed without a place."""

    def show(kind: str, style: str, text: str) -> str:
        if kind == "s":
            if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) >= len(strings):
                raise Malformed("holds a string that the workbook does not have")
            return strings[int(text)]
        if kind in ("inlineStr", "str"):
            return text
        if kind == "b":
            return "true" if text == "1" else "false"
        if kind == "e":
            raise Malformed(f"holds the error {text[:20]}", hint="write what belongs there, or clear the cell")
        if kind == "d":
            return text.removesuffix("T00:00:00")
        if not _NUMBER.fullmatch(text):
            raise Malformed("holds neither text nor a number", hint="type it anew")
        return _day(float(text), from_1904) if style in dates else _decimal(text)

    return show


def _day(number: float, from_1904: bool) -> str:
    if number != int(number):
        raise Malformed("holds a time of day", hint="write the date alone")
    # Spreadsheets believe that 1900 was a leap year, so days before its March are one off; notices are younger.
    if not 61 <= number <= _LAST_DAY - (_FROM_1904 - _FROM_1900).days:
        raise Malformed("holds a number that is formatted as a date, and is no likely one", hint="type it as text")
    return ((_FROM_1904 if from_1904 else _FROM_1900) + timedelta(days=int(number))).isoformat()


def _decimal(text: str) -> str:
    # The shortest decimal that gives this number back is what was typed, as long as the sheet could hold that.
    written = Decimal(text) if text.isdigit() else Decimal(repr(float(text)))
    if not written.is_finite() or len(written.normalize().as_tuple().digits) > _DIGITS or abs(written.adjusted()) > 20:
        raise Malformed("holds a number with more digits than a spreadsheet keeps", hint="format the cell as text")
    return format(written if text.isdigit() else written.normalize(), "f")
