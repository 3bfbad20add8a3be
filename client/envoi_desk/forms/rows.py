"""From the rows of a sheet to the contents of notices, each of which knows where in the sheet its fields stand.

Rows that share a reference are one notice, and each of them is a party. What concerns the whole notice stands in its
first row; in the others it is repeated or left empty, and where it differs the row is refused. Nothing is judged here:
a cell that is wrong goes to the validator as it is, and what that says is told of the cell (:meth:`Item.place`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from envoi_client.documents import Problem
from envoi_client.documents.text import shown
from envoi_keys.errors import Malformed
from envoi_keys.regimes import WITHHELD, Profile

from .columns import AGGREGATE, FULL, PROVENANCE, PUBLIC, Column, Form, form_of, put
from .sheet import Row, Sheet, check_columns, place

_PARTY: Final = re.compile(r"parties\[([0-9]+)\]")


@dataclass(slots=True)
class Item:
    """The content of one notice as a file writes it, and where in the file that is."""

    type: str
    content: Any
    source: str
    """The file, and for JSON the place in it."""
    form: Form | None = None
    rows: list[Row] = field(default_factory=list)
    header: tuple[str, ...] = ()
    defaults: frozenset[str] = frozenset()

    def place(self, path: str) -> str:
        """Where the field at ``path`` of the notice stands, or should stand."""
        if self.form is None:
            return f"{self.source}, {path}" if path else self.source
        party = _PARTY.match(path)
        row = self.rows[min(int(party[1]), len(self.rows) - 1)] if party else self.rows[0]
        inner = path[party.end() :].lstrip(".") if party else path
        columns = self._columns(inner, of_party=bool(party) or path == "parties")
        if not columns:
            return f"{self.source}, row {row.number}" + (f", {path}" if path else "")
        column = columns[0]
        if column.name in self.header:
            return place(self.source, row.number, self.header.index(column.name), column.name)
        if ".".join(column.path) in self.defaults:
            return f"the default of {column.name}, for row {row.number} of {self.source}"
        names = " and ".join(one.name for one in columns)
        return f"{self.source}, row {row.number}, column {names}, which the file does not have"

    def _columns(self, path: str, *, of_party: bool) -> list[Column]:
        """The columns of the field at ``path``, which may lead into one of them; those of the template if need be."""
        assert self.form is not None
        steps = tuple(re.sub(r"\[[0-9]+\]", "", path).split(".")) if path else ()
        if of_party and steps in ((), ("parties",)):
            steps = ("name",)
        for form in (self.form, FULL):
            columns = [column for column in form.columns.values() if column.of_party is of_party]
            for length in range(len(steps), 0, -1):
                found = [column for column in columns if column.path[:length] == steps[:length]]
                if found:
                    return found
        return []


def items_of(sheet: Sheet, profile: Profile, defaults: Mapping[str, Any], problems: list[Problem]) -> list[Item]:
    """The notices in a sheet; rows that cannot belong to one become ``problems``.

    ``defaults`` are fields for notices that lack them. Raises Malformed for a table of other columns.
    """
    form = form_of(sheet.header)
    check_columns(sheet, (*form.columns, *PROVENANCE))
    if form.key not in sheet.header:
        raise Malformed(f"has no column {form.key}", field=place(sheet.name, 1), hint="rows of one notice share it")
    key = sheet.header.index(form.key)
    columns = [(at, form.columns[name]) for at, name in enumerate(sheet.header) if name in form.columns]
    items: dict[str, Item] = {}
    for row in sheet.rows:
        reference = row.cells.get(key)
        if reference is None:
            where = place(sheet.name, row.number, key, form.key)
            problems.append(Problem(where, "is empty", "every row has the reference of its notice"))
            continue
        item = items.get(reference)
        if item is None:
            item = items[reference] = Item(form.type, {}, sheet.name, form, [], sheet.header, frozenset(defaults))
        elif form is AGGREGATE:
            where = place(sheet.name, row.number, key, form.key)
            problems.append(Problem(where, f"stands in row {item.rows[0].number} as well", "an aggregate has one row"))
            continue
        _add_row(item, row, columns, problems)
    for item in items.values():
        _complete(item, profile, defaults)
    return list(items.values())


def _add_row(item: Item, row: Row, columns: list[tuple[int, Column]], problems: list[Problem]) -> None:
    party: dict[str, Any] = {}
    first = item.rows[0] if item.rows else None
    for at, column in columns:
        cell = row.cells.get(at)
        if cell is None:
            continue
        if column.of_party:
            put(party, column.path, column.read(cell))
        elif first is None:
            put(item.content, column.path, column.read(cell))
        elif cell != first.cells.get(at):
            where = place(item.source, row.number, at, column.name)
            said = first.cells.get(at)
            other = f"row {first.number} has {shown(said)}" if said else f"row {first.number} has nothing there"
            problems.append(
                Problem(where, f"{shown(cell)} differs within one notice: {other}", "write it in the first row alone")
            )
    item.rows.append(row)
    if item.form is not AGGREGATE:
        # A row without any cell of a party adds none: a notice may need a second row for nothing else.
        if party or first is None:
            item.content.setdefault("parties", []).append(party)
        else:
            item.rows.pop()


def _complete(item: Item, profile: Profile, defaults: Mapping[str, Any]) -> None:
    """Fill in the defaults, and what follows from the rest."""
    content = item.content
    for path, value in defaults.items():
        if _takes(item.form, path):
            put(content, tuple(path.split(".")), value)
    if item.form is not PUBLIC:
        return
    if content.get("national_reference") == content.get("regime_reference"):
        # The form fills this column with the regime's reference where there is no national one.
        content.pop("national_reference", None)
    reason = content.get("reason_for_refusal")
    if isinstance(reason, dict) and reason.get("code") == WITHHELD:
        reason.pop("text", None)
    entries = content.get("control_entries")
    if entries and "annex_category" not in content:
        category = "not_listed" if entries == ["catch-all"] else profile.annex.category(entries)
        if category is not None:
            content["annex_category"] = category


def _takes(form: Form | None, path: str) -> bool:
    return form is not AGGREGATE or any(".".join(column.path) == path for column in AGGREGATE.columns.values())
