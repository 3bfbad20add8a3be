"""Cases from files: JSON with one case, or CSV with one row a party, where rows of one case share ``case``.

In CSV, what belongs to the case as a whole stands in its first row; in its other rows it is the same or left empty.
Each row may name one item, and several values in a cell stand apart by semicolons. It is then read as the JSON of a
case is, and problems are told by row and column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from envoi_client.documents.problems import InvalidDocument, Problem
from envoi_client.documents.text import shown
from envoi_keys.errors import Malformed
from envoi_keys.json_files import parse_file
from envoi_keys.regimes import Profile

from .. import limits
from ..forms.columns import split_identifiers, split_values
from ..forms.csv_files import read_csv
from ..forms.sheet import Sheet, check_columns, place
from .case import Case, parse_case

_OF_CASE: Final = ("status", "decided_on", "exercise", "destination_country", "stated_end_use")
_OF_ITEM: Final = ("control_entries", "item_description")
_OF_PARTY: Final = ("name", "role", "country", "address", "aliases", "name_original_script", "identifiers")
COLUMNS: Final = ("case", *_OF_CASE, *_OF_ITEM, *_OF_PARTY)
"""The columns, in the order in which we write them."""
_PLACE: Final = re.compile(r"(parties|items)\[(\d+)\]\.?(\w*)")
_CELLS: Final[Mapping[str, Callable[[str], list[Any]]]] = {"aliases": split_values, "identifiers": split_identifiers}
_FLAGS: Final = {"true": True, "false": False}


def read_case(raw: bytes, profile: Profile, name: str = "the case") -> Case:
    """The one case in a JSON file, which errors call ``name``. Raises Malformed."""
    try:
        content = parse_file(raw, max_bytes=limits.MAX_CASE_FILE_BYTES)
    except Malformed as error:
        raise Malformed(str(error), field=name, hint=error.hint) from None
    return parse_case(content, profile, name)


def read_cases(raw: bytes, profile: Profile, name: str = "the file") -> tuple[Case, ...]:
    """The cases in the bytes of the file ``name``: JSON if it begins with a brace, CSV if not. Raises Malformed.

    Those of a table come in the order in which each begins; all its problems are told at once.
    """
    if len(raw) > limits.MAX_CASE_FILE_BYTES:
        raise Malformed(f"has {len(raw)} bytes; at most {limits.MAX_CASE_FILE_BYTES} are allowed", field=name)
    if raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return (read_case(raw, profile, name),)
    return _read_table(read_csv(raw, name), profile)


class _Row:
    """A row of the table with its cells by the names of their columns."""

    def __init__(self, sheet: Sheet, number: int, cells: dict[int, str]) -> None:
        self._sheet = sheet
        self._number = number
        self.cells = {sheet.header[at]: cell for at, cell in cells.items()}

    def place(self, column: str) -> str:
        """Where a cell stands, or the row for a column that the table does not have."""
        at = self._sheet.header.index(column) if column in self._sheet.header else None
        return place(self._sheet.name, self._number, at, column) if at is not None else self._row(column)

    def _row(self, column: str) -> str:
        where = place(self._sheet.name, self._number)
        return f"{where}, {column}" if column else where


def _read_table(sheet: Sheet, profile: Profile) -> tuple[Case, ...]:
    check_columns(sheet, COLUMNS)
    cases: dict[str, list[_Row]] = {}
    problems: list[Problem] = []
    for one in sheet.rows:
        row = _Row(sheet, one.number, one.cells)
        if "case" in row.cells:
            cases.setdefault(row.cells["case"], []).append(row)
        else:
            problems.append(Problem(row.place("case"), "is empty", "every row names its case"))
    if not sheet.rows:
        raise Malformed("holds no case", field=sheet.name, hint="write one row for each party under the header")
    read = []
    for rows in cases.values():
        if len(problems) >= limits.MAX_IMPORT_PROBLEMS:
            break
        problems += _disagreements(rows)
        content, items = _content(rows)
        try:
            read.append(parse_case(content, profile))
        except InvalidDocument as error:
            problems += [_placed(problem, rows, items) for problem in error.problems]
    if problems:
        raise InvalidDocument(sheet.name, tuple(problems))
    return tuple(read)


def _disagreements(rows: list[_Row]) -> Iterator[Problem]:
    first = rows[0]
    for column in _OF_CASE:
        for row in rows[1:]:
            if column in row.cells and row.cells[column] != first.cells.get(column):
                said = first.cells.get(column)
                told = (
                    f"the first row of the case has {shown(said)}" if said else "the first row of the case has nothing"
                )
                message = f"{shown(row.cells[column])} differs within one case: {told}"
                yield Problem(row.place(column), message, "write it in the first row alone")


def _content(rows: list[_Row]) -> tuple[dict[str, Any], list[_Row]]:
    """The case in its rows as the JSON would have it, and for each item the row that names it first."""
    first = rows[0]
    content: dict[str, Any] = {column: first.cells[column] for column in ("case", *_OF_CASE) if column in first.cells}
    if "exercise" in content:
        # A spreadsheet writes TRUE and FALSE.
        content["exercise"] = _FLAGS.get(content["exercise"].casefold(), content["exercise"])
    items: dict[tuple[Any, ...], _Row] = {}
    for row in rows:
        entries, description = (
            tuple(split_values(row.cells.get("control_entries", ""))),
            row.cells.get("item_description"),
        )
        if entries or description:
            items.setdefault((entries, description), row)
    content["items"] = [
        {"control_entries": list(entries)} | ({"description": description} if description else {})
        for entries, description in items
    ]
    content["parties"] = [
        {
            column: _CELLS[column](row.cells[column]) if column in _CELLS else row.cells[column]
            for column in _OF_PARTY
            if column in row.cells
        }
        for row in rows
    ]
    return content, list(items.values())


def _placed(problem: Problem, rows: list[_Row], items: list[_Row]) -> Problem:
    """The problem with its row and column in place of its path."""
    match = _PLACE.match(problem.path)
    if match is None:
        return Problem(rows[0].place(problem.path), problem.message, problem.hint)
    row = (rows if match[1] == "parties" else items)[int(match[2])]
    column = "item_description" if match[3] == "description" else match[3]
    return Problem(row.place(column), problem.message, problem.hint)
