"""Defaults: what a table of fewer columns does not say of a notice, given once for all of its rows.

They are named as the columns of the template are, in a TOML or JSON file or as NAME=VALUE, and never stand against a
cell that is filled. A name that the template does not have is refused. What a value may be is the validator's to say.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final

from envoi_client.documents.problems import did_you_mean
from envoi_client.documents.text import shown
from envoi_keys.errors import LocalError, Malformed
from envoi_keys.json_files import parse_file

from .. import limits
from .columns import AGGREGATE, FULL, Column
from .csv_files import decode

_COLUMNS: Final[Mapping[str, Column]] = {
    name: column
    for form in (AGGREGATE, FULL)
    for name, column in form.columns.items()
    if not column.of_party and name != form.key
}


def read_defaults(raw: bytes, name: str) -> dict[str, Any]:
    """The defaults in a file, TOML or JSON: values by the path of their field. Raises Malformed."""
    if len(raw) > limits.MAX_DEFAULTS_BYTES:
        raise Malformed(f"has more than {limits.MAX_DEFAULTS_BYTES} bytes", field=name, hint="is it the right file?")
    text = decode(raw, name)
    if text.lstrip().startswith("{"):
        try:
            content = parse_file(raw, max_bytes=limits.MAX_DEFAULTS_BYTES)
        except Malformed as error:
            raise Malformed(error.message, field=name, hint=error.hint) from None
    else:
        try:
            content = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            where = re.sub(r"\n.*", "", str(error), flags=re.DOTALL)[:200]
            raise Malformed(f"is not TOML: {where}", field=name, hint='write lines such as kind = "refusal"') from None
    found: dict[str, Any] = {}
    for key, value in content.items():
        column = _column(key, f"{name}, {shown(key)}")
        found[".".join(column.path)] = _value(column, value)
    return found


def read_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """The defaults in words of the form NAME=VALUE. Raises LocalError or Malformed."""
    found: dict[str, Any] = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals:
            raise LocalError(f"{shown(text)} gives no default", hint="write NAME=VALUE, such as kind=refusal")
        column = _column(key.strip(), "--default")
        found[".".join(column.path)] = column.read(value.strip())
    return found


def _column(name: str, where: str) -> Column:
    column = _COLUMNS.get(name)
    if column is None:
        hint = (
            did_you_mean(name, _COLUMNS)
            or f"the names are those of the template, such as {', '.join(list(_COLUMNS)[:5])}"
        )
        raise Malformed(f"{shown(name)} can have no default", field=where, hint=hint)
    return column


def _value(column: Column, value: Any) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return column.read(value) if isinstance(value, str) else value
