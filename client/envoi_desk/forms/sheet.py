"""A table of text: what a CSV and an XLSX file are read into, and written from, whatever their format.

A cell is text without white space around it; an empty one is left out. Rows are numbered as a spreadsheet numbers them,
the header being row 1, so that every complaint names a cell that its reader can find.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from envoi_client.documents.problems import did_you_mean
from envoi_client.documents.text import shown
from envoi_keys.errors import Malformed

from .. import limits

# Also full-width, small, raised and lowered: some programs take them for the plain ones, and pass over spaces.
_FORMULA: Final = "=+\\-@\t\r\n＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋﬩"
_DANGEROUS: Final = re.compile(rf"'*\s*[{_FORMULA}]")
_SPARED: Final = re.compile(rf"'+\s*[{_FORMULA}]")


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its ``number``, and its ``cells`` by the position of their column, from 0; empty cells are not there."""

    number: int
    cells: dict[int, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as it was read: the file's ``name``, the ``header``, and the ``rows`` that hold anything."""

    name: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]


def sheet_of(name: str, rows: Iterable[tuple[int, dict[int, str]]]) -> Sheet:
    """The sheet in numbered rows of raw cells; the first that holds anything is the header. Raises Malformed."""
    header: tuple[str, ...] | None = None
    found: list[Row] = []
    for number, raw in rows:
        if number > limits.MAX_SHEET_ROWS:
            raise Malformed(f"has more than {limits.MAX_SHEET_ROWS} rows", field=name)
        cells = {at: text for at, cell in raw.items() if (text := cell.strip())}
        if not cells:
            continue
        if header is None:
            header = _header(name, number, cells)
            continue
        beyond = next((at for at in cells if at >= len(header) or not header[at]), None)
        if beyond is not None:
            raise Malformed(
                f"{shown(cells[beyond])} stands in a column without a name",
                field=place(name, number, beyond),
                hint="is a quote missing around a text that holds the separator?",
            )
        found.append(Row(number, cells))
    if header is None:
        raise Malformed("is empty", field=name, hint="the first row names the columns")
    return Sheet(name, header, tuple(found))


def _header(name: str, number: int, cells: dict[int, str]) -> tuple[str, ...]:
    if max(cells) >= limits.MAX_SHEET_COLUMNS:
        raise Malformed(f"has more than {limits.MAX_SHEET_COLUMNS} columns", field=name)
    names = [cells.get(at, "").casefold().replace(" ", "_") for at in range(max(cells) + 1)]
    for at, column in enumerate(names):
        if column and column in names[:at]:
            where = place(name, number, at)
            raise Malformed(f"{shown(column)} stands twice", field=where, hint="remove one of the two columns")
    return tuple(names)


def check_columns(sheet: Sheet, known: Sequence[str]) -> None:
    """Refuse a column that the form does not have. Raises Malformed."""
    for at, column in enumerate(sheet.header):
        if column and column not in known:
            raise Malformed(
                f"{shown(column)} is not a column of this form",
                field=place(sheet.name, 1, at),
                hint=did_you_mean(column, known) or "remove it",
            )


def place(name: str, row: int, column: int | None = None, title: str | None = None) -> str:
    """Where something stands: "notices.csv, row 14, column control_entries (H)"."""
    if column is None:
        return f"{name}, row {row}"
    letters = column_letters(column)
    return f"{name}, row {row}, column {f'{title} ({letters})' if title else letters}"


def column_letters(position: int) -> str:
    """What a spreadsheet calls the column at ``position``, from 0: A, B, ... Z, AA."""
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def guarded(cell: str) -> str:
    """``cell`` with an apostrophe before it, where a spreadsheet would run it as a formula."""
    # Also where apostrophes stand before that already, so that taking one off always gives back what was written.
    return f"'{cell}" if _DANGEROUS.match(cell) else cell


def unguarded(cell: str) -> str:
    """``cell`` without the apostrophe that :func:`guarded` put before it."""
    return cell[1:] if _SPARED.match(cell) else cell


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet would run ``cell`` if it stood in a text file."""
    return cell[:1] != "'" and _DANGEROUS.match(cell) is not None
