"""Pairs of names in a table, and what the matcher says of each.

Every row and column of the file is kept, in its order; ``score``, ``match`` and ``reasons`` are added. A file that is
malformed anywhere is refused whole, with the row and the column at fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from envoi_client.documents.problems import did_you_mean
from envoi_client.documents.text import shown
from envoi_keys.errors import Malformed

from .. import limits
from ..forms.csv_files import csv_rows
from ..forms.sheet import place
from . import vocabulary
from .compare import compare
from .model import ORGANIZATION, PERSON, Comparison, Name

NEEDED: Final = ("name1", "name2")
ADDED: Final = ("score", "match", "reasons")
_COLUMNS_HINT: Final = "the first row names the columns: name1,name2 and, if known, schema,country1,country2"


@dataclass(frozen=True, slots=True)
class Judged:
    """A row of the file, its cells by column, and what the matcher says."""

    cells: Mapping[str, str]
    comparison: Comparison

    def row(self) -> list[str]:
        """The row as text, the added columns last."""
        said = self.comparison
        return [*self.cells.values(), f"{said.score:.4f}", str(said.match).lower(), "; ".join(said.reasons)]

    def value(self) -> dict[str, Any]:
        """The row as a value."""
        said = self.comparison
        return {**self.cells, "score": said.score, "match": said.match, "reasons": list(said.reasons)}


def judge(raw: bytes, name: str) -> tuple[tuple[str, ...], list[Judged]]:
    """The columns of a file of pairs, and each of its rows judged. Raises Malformed."""
    header, rows = _read(raw, name)
    return (*header, *ADDED), [_judged(name, header, number, row) for number, row in rows]


def _read(raw: bytes, name: str) -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
    rows: list[tuple[int, list[str]]] = []
    for number, row in enumerate(csv_rows(raw, name), 1):
        if number > limits.MAX_PAIRS + 1:
            raise Malformed(f"has more than {limits.MAX_PAIRS} pairs", field=name)
        if any(row):
            rows.append((number, row))
    if not rows:
        raise Malformed("is empty", field=name, hint=_COLUMNS_HINT)
    header = tuple(cell.strip() for cell in rows[0][1])
    _check_header(header, name)
    return header, rows[1:]


def _check_header(header: Sequence[str], name: str) -> None:
    for at, column in enumerate(header):
        if column in header[:at]:
            raise Malformed(f"{shown(column)} stands twice", field=place(name, 1, at), hint="rename one of the two")
        if column in ADDED:
            raise Malformed(
                f"{shown(column)} is a column that is added", field=place(name, 1, at), hint="rename or remove it"
            )
    for column in NEEDED:
        if column not in header:
            near = next((hint for one in header if (hint := did_you_mean(one, (column,)))), None)
            raise Malformed(f"has no column {column}", field=name, hint=near or _COLUMNS_HINT)


def _judged(name: str, header: Sequence[str], number: int, row: Sequence[str]) -> Judged:
    if len(row) != len(header):
        raise Malformed(
            f"has {len(row)} cells, and the first row has {len(header)}",
            field=place(name, number),
            hint="is a quote missing around a text that holds the separator?",
        )
    cells = dict(zip(header, row, strict=True))
    for at, column in enumerate(header):
        if column in NEEDED:
            _check_name(cells[column], place(name, number, at, column))
    schema = cells.get("schema", "").strip()
    if schema not in ("", ORGANIZATION, PERSON):
        raise Malformed(
            f"{shown(schema)} is not a schema",
            field=place(name, number, header.index("schema"), "schema"),
            hint=f"write {ORGANIZATION}, {PERSON}, or nothing",
        )
    one, other = (
        Name(cells[f"name{side}"], schema, vocabulary.country_code(cells.get(f"country{side}", ""))) for side in (1, 2)
    )
    return Judged(cells, compare(one, other))


def _check_name(text: str, where: str) -> None:
    if not text.strip():
        raise Malformed("is empty", field=where, hint="write a name")
    if len(text) > limits.MAX_PAIR_NAME_CHARS:
        raise Malformed(
            f"has {len(text)} characters; at most {limits.MAX_PAIR_NAME_CHARS} are allowed",
            field=where,
            hint="is a closing quote missing?",
        )
