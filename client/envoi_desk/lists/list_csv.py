"""A reference list as CSV: one row an entry, several aliases in a cell apart by semicolons.

The columns are those that public lists can be brought into by hand: name and id are needed, the others may be left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from envoi_client.documents.problems import did_you_mean
from envoi_client.documents.text import shown
from envoi_keys.countries import is_country
from envoi_keys.errors import Malformed

from .. import limits
from ..forms.columns import split_values
from ..forms.csv_files import read_csv
from ..forms.sheet import check_columns, place
from .entry import ORGANIZATION, PERSON, Entry, check_names

COLUMNS: Final = ("id", "name", "aliases", "country", "schema", "program")
_REQUIRED: Final = ("id", "name")
_SCHEMAS: Final = (ORGANIZATION, PERSON)


def read_list_csv(raw: bytes, name: str) -> Iterator[Entry]:
    """The entries of the list, in its order. Raises Malformed, which names row and column."""
    sheet = read_csv(raw, name)
    check_columns(sheet, COLUMNS)
    missing = [column for column in _REQUIRED if column not in sheet.header]
    if missing:
        raise Malformed(
            f"has no column {' and no column '.join(missing)}",
            field=place(name, 1),
            hint=f"there are {', '.join(COLUMNS)}",
        )
    if len(sheet.rows) > limits.MAX_LIST_ENTRIES:
        raise Malformed(f"has more than {limits.MAX_LIST_ENTRIES} entries", field=name)
    seen: dict[str, int] = {}
    for row in sheet.rows:
        cells = {sheet.header[at]: cell for at, cell in row.cells.items()}

        def where(column: str, number: int = row.number) -> str:
            return place(name, number, sheet.header.index(column), column)

        for column in _REQUIRED:
            if column not in cells:
                raise Malformed("is empty", field=where(column), hint="every entry has an id and a name")
        reference, schema, country = cells["id"], cells.get("schema", ""), cells.get("country", "")
        if reference in seen:
            raise Malformed(f"{shown(reference)} stands in row {seen[reference]} already", field=where("id"))
        seen[reference] = row.number
        if schema and schema not in _SCHEMAS:
            told = f"{shown(schema)} is not one of {', '.join(_SCHEMAS)}"
            raise Malformed(told, field=where("schema"), hint=did_you_mean(schema, _SCHEMAS))
        if country and not is_country(country):
            raise Malformed(
                f"{shown(country)} is not an ISO 3166 code", field=where("country"), hint="write two capital letters"
            )
        names = check_names((cells["name"], *split_values(cells.get("aliases", ""))), where("name"))
        yield Entry(reference, names, schema, country, cells.get("program", ""))
