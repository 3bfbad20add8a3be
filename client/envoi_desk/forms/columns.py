"""The columns of the forms: how a notice lies flat in a table, and how a table's cells make up a notice again.

Each column has a path into the notice and a way to read and write its cell; nothing else here knows a field. In a cell
of several values these are separated by semicolons, and a semicolon within a value stands behind a backslash, so that
what was written is read back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from envoi_client.documents import AggregateDenial, DenialNotice, tabular

_TRUE: Final = ("true", "vrai", "wahr")
_FALSE: Final = ("false", "faux", "falsch")
_DIGITS: Final = re.compile(r"[0-9]{1,9}")
_SPLIT: Final = re.compile(r"(?:[^;\\]|\\.?)+", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\([\\;:])")
_PUBLIC_ENTRIES: Final = re.compile(r"[,;\n]")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its ``name``, the ``path`` of its field, and what a cell is as a value and back."""

    name: str
    path: tuple[str, ...]
    read: Callable[[str], Any] = str
    write: Callable[[Any], str] = str
    of_party: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A form of notices as a table: its ``name``, the document ``type`` of its rows, its ``columns``.

    ``key`` is the column that the rows of one notice share.
    """

    name: str
    type: str
    key: str
    columns: Mapping[str, Column]


def join_values(values: list[str]) -> str:
    """Several values as one cell."""
    return "; ".join(_escape(value, ";") for value in values)


def split_values(cell: str) -> list[str]:
    """The values of one cell; a line break separates as well."""
    parts = [part.strip() for line in cell.split("\n") for part in _SPLIT.findall(line)]
    return [_plain(part) for part in parts if part]


def _escape(text: str, special: str) -> str:
    return re.sub(f"([\\\\{special}])", r"\\\1", text)


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _flag(cell: str) -> Any:
    # A spreadsheet writes the words of its own language for what it keeps as a truth value.
    word = cell.casefold()
    return True if word in _TRUE else False if word in _FALSE else cell


def _write_flag(value: Any) -> str:
    return "true" if value else "false"


def _number(cell: str) -> Any:
    return int(cell) if _DIGITS.fullmatch(cell) else cell


def split_identifiers(cell: str) -> list[Any]:
    """The identifiers in a cell, ``kind: value`` apart by semicolons, as the objects that a notice holds."""
    found: list[Any] = []
    for line in cell.split("\n"):
        for part in _SPLIT.findall(line):
            if not part.strip():
                continue
            kind, colon, value = re.match(r"((?:[^:\\]|\\.?)*)(:?)(.*)", part.strip(), re.DOTALL).groups()  # type: ignore[union-attr]
            found.append(
                {"kind": _plain(kind.strip()), "value": _plain(value.strip())} if colon else _plain(part.strip())
            )
    return found


def _write_identifiers(value: Any) -> str:
    return "; ".join(f"{_escape(one['kind'], ';:')}: {_escape(one['value'], ';')}" for one in value)


def _public_reason(cell: str) -> dict[str, str]:
    """The reason of the public form: a code and a text, or text alone, whose code the defaults then give."""
    code, colon, text = cell.partition(":")
    if re.fullmatch(r"[a-z_]+", code.strip()):
        return {"code": code.strip(), "text": text.strip()} if colon else {"code": code.strip()}
    return {"text": cell}


def _public_entries(cell: str) -> list[str]:
    return [code for part in _PUBLIC_ENTRIES.split(cell) if (code := part.strip())]


def _columns(*columns: Column) -> Mapping[str, Column]:
    return MappingProxyType({column.name: column for column in columns})


def _of_party(name: str, read: Callable[[str], Any] = str, write: Callable[[Any], str] = str) -> Column:
    return Column(f"party_{name}", (name,), read, write, of_party=True)


FULL: Final = Form(
    "full",
    DenialNotice.type,
    "regime_reference",
    _columns(
        Column("regime_reference", ("regime_reference",)),
        Column("national_reference", ("national_reference",)),
        Column("notifying_government", ("notifying_government",)),
        Column("authority_name", ("competent_authority", "name")),
        Column("authority_contact", ("competent_authority", "contact")),
        Column("kind", ("kind",)),
        Column("transaction_type", ("transaction_type",)),
        Column("date_of_denial", ("date_of_denial",)),
        Column("date_of_notification", ("date_of_notification",)),
        Column("control_entries", ("control_entries",), split_values, join_values),
        Column("list_edition", ("list_edition",)),
        Column("annex_category", ("annex_category",)),
        Column("item_description", ("item_description",)),
        Column("quantity", ("quantity",)),
        Column("unit", ("unit",)),
        Column("value", ("value",)),
        Column("currency", ("currency",)),
        Column("hs_code", ("hs_code",)),
        Column("destination_country", ("destination_country",)),
        Column("stated_end_use", ("stated_end_use",)),
        Column("reason_code", ("reason_for_refusal", "code")),
        Column("reason_text", ("reason_for_refusal", "text")),
        Column("review_by", ("review_by",)),
        Column("status", ("status",)),
        Column("supersedes", ("supersedes",)),
        Column("revocation_reason", ("revocation_reason",)),
        Column("releasability", ("releasability",)),
        Column("exercise", ("exercise",), _flag, _write_flag),
        Column("remarks", ("remarks",)),
        _of_party("name"),
        _of_party("role"),
        _of_party("address"),
        _of_party("country"),
        _of_party("aliases", split_values, join_values),
        _of_party("name_original_script"),
        _of_party("identifiers", split_identifiers, _write_identifiers),
    ),
)
"""The template: one column for each field, one row for each party."""

AGGREGATE: Final = Form(
    "aggregate",
    AggregateDenial.type,
    "regime_reference",
    _columns(
        Column("regime_reference", ("regime_reference",)),
        Column("notifying_government", ("notifying_government",)),
        Column("period_from", ("period", "from")),
        Column("period_to", ("period", "to")),
        Column("destination_country", ("destination_country",)),
        Column("control_entries", ("control_entries",), split_values, join_values),
        Column("count", ("count",), _number),
        Column("status", ("status",)),
        Column("revocation_reason", ("revocation_reason",)),
        Column("releasability", ("releasability",)),
        Column("exercise", ("exercise",), _flag, _write_flag),
        Column("remarks", ("remarks",)),
    ),
)
"""The template of aggregate denials: one row for each."""

PUBLIC: Final = Form(
    "public",
    DenialNotice.type,
    "regime_reg_ref",
    _columns(
        Column("reference", ("national_reference",)),
        Column("regime_reg_ref", ("regime_reference",)),
        Column("notifying_government", ("notifying_government",)),
        Column("denial_cle", ("control_entries",), _public_entries),
        Column("item_description", ("item_description",)),
        Column("end_use", ("stated_end_use",)),
        Column("reason_for_refusal", ("reason_for_refusal",), _public_reason),
        Column("entity_type", ("role",), of_party=True),
        Column("name", ("name",), of_party=True),
        Column("address", ("address",), of_party=True),
        Column("country", ("country",), of_party=True),
    ),
)
"""The public tabular form (:mod:`envoi_client.documents.tabular`), which has fewer fields than a notice."""

assert tuple(PUBLIC.columns) == tabular.COLUMNS

PROVENANCE: Final = ("log_index", "dispatch_id", "state", "logged_at")
"""Columns that an export puts after those of a template; an import passes over them."""


def form_of(header: tuple[str, ...]) -> Form:
    """The form whose columns these are most likely meant to be."""
    if "period_from" in header or "period_to" in header:
        return AGGREGATE
    return PUBLIC if "regime_reg_ref" in header or "denial_cle" in header else FULL


def flat(form: Form, content: Mapping[str, Any], party: Mapping[str, Any] | None = None) -> list[str]:
    """The cells of one row: of a notice's content, and of one of its parties."""
    return [_cell(column, (party or {}) if column.of_party else content) for column in form.columns.values()]


def _cell(column: Column, content: Mapping[str, Any]) -> str:
    value: Any = content
    for step in column.path:
        if step not in value:
            return ""
        value = value[step]
    return column.write(value)


def put(content: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Set the field at ``path``; what is there already stays."""
    for step in path[:-1]:
        content = content.setdefault(step, {})
    content.setdefault(path[-1], value)
