"""ISO 3166-1: the two-letter codes of countries, their plain English names, and what people write instead.

A code is one of the list or it is none: "UK" is refused, and the answer says GB. The list is data
(``countries.json``), so that a change of it is a change of a file.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from . import package_data
from .json_files import parse_file

_MAX_BYTES: Final = 64 * 1024
_CUTOFF: Final = 0.75


@dataclass(frozen=True, slots=True)
class _Table:
    names: Mapping[str, str]
    """Name by alpha-2 code."""
    meant: Mapping[str, str]
    """Alpha-2 code by what people write instead, casefolded: alpha-3 codes, other codes, names."""
    with_article: frozenset[str]


@cache
def _table() -> _Table:
    raw = parse_file(package_data.read("countries.json"), max_bytes=_MAX_BYTES)
    meant = {code.casefold(): code for code in raw["countries"]}
    for code, (alpha_3, name) in raw["countries"].items():
        meant[alpha_3.casefold()] = code
        meant[name.casefold()] = code
    for other in (raw["other_codes"], raw["other_names"]):
        meant.update({text.casefold(): code for text, code in other.items()})
    names = {code: name for code, (_, name) in raw["countries"].items()}
    return _Table(MappingProxyType(names), MappingProxyType(meant), frozenset(raw["with_article"]))


def is_country(code: str) -> bool:
    """Whether ``code`` is an alpha-2 code of ISO 3166-1."""
    return code in _table().names


def country_name(code: str) -> str | None:
    """The plain English name for an alpha-2 code, or None where there is no such code."""
    return _table().names.get(code)


def country_codes() -> tuple[str, ...]:
    """All alpha-2 codes, sorted."""
    return tuple(sorted(_table().names))


def country_meant(text: str) -> str | None:
    """What a wrong code or a name most likely means: "the United Kingdom is GB"; None where nothing is near.

    Alpha-3 codes, other codes in use and names are known; a name may hold a slip of the pen.
    """
    table = _table()
    written = " ".join(text.split()).casefold()
    code = table.meant.get(written)
    if code is None and len(written) > 3:
        near = difflib.get_close_matches(written, table.meant, n=1, cutoff=_CUTOFF)
        code = table.meant[near[0]] if near else None
    if code is None:
        return None
    return f"{'the ' if code in table.with_article else ''}{table.names[code]} is {code}"
