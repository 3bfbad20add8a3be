"""Notices in JSON: one object, a list, one object a line, or what ``envoi denials export`` wrote.

The text obeys the strict rules of every file here: no duplicate keys, no fractions, bounded depth. Nothing is judged:
each content goes to the validator as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from envoi_client.documents import AggregateDenial, DenialNotice
from envoi_keys.errors import Malformed
from envoi_keys.json_files import parse_file

from .. import limits
from .csv_files import decode
from .rows import Item

_WRAPPED: Final = "notices"
"""The field of an export that lists what it exports, and the key under which a bare list is read."""
_RECORD: Final = "notice"
"""The field of an exported record that holds the notice itself."""


def read_json(raw: bytes, name: str) -> list[Item]:
    """The notices in the bytes of a JSON file. Raises Malformed, with the line at fault."""
    text = decode(raw, name).strip()
    if not text:
        raise Malformed("is empty", field=name)
    if text.startswith("["):
        return list(_listed(_parse(f'{{"{_WRAPPED}":{text}}}', name)[_WRAPPED], name))
    first, _, rest = text.partition("\n")
    if rest.strip() and first.rstrip().endswith("}") and _is_object(first):
        lines = enumerate(text.split("\n"), 1)
        return [_item(_parse(line, f"{name}, line {at}"), f"{name}, line {at}") for at, line in lines if line.strip()]
    content = _parse(text, name)
    if isinstance(content.get(_WRAPPED), list):
        return list(_listed(content[_WRAPPED], name))
    return [_item(content, name)]


def _listed(contents: Any, name: str) -> Iterator[Item]:
    if not isinstance(contents, list):
        raise Malformed("is not a list of notices", field=name)
    for number, content in enumerate(contents, 1):
        yield _item(content, f"{name}, notice {number}")


def _item(content: Any, source: str) -> Item:
    type_ = None
    if isinstance(content, dict) and _RECORD in content:
        type_, content = content.get("type"), content[_RECORD]
    if type_ not in (DenialNotice.type, AggregateDenial.type):
        aggregate = (
            isinstance(content, dict) and "parties" not in content and ("period" in content or "count" in content)
        )
        type_ = AggregateDenial.type if aggregate else DenialNotice.type
    return Item(type_, content, source)


def _is_object(text: str) -> bool:
    try:
        _parse(text, "")
    except Malformed:
        return False
    return True


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        return parse_file(text.encode(), max_bytes=limits.MAX_IMPORT_BYTES + 64)
    except Malformed as error:
        raise Malformed(error.message, field=name, hint=error.hint) from None
