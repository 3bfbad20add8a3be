"""Imports to judge: files as bytes, and what the register holds as a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envoi_client.documents import Problem
from envoi_desk.forms.importing import Import, check, read_items
from envoi_desk.register.rules import Held, Notice

from .notices import PROFILE, content
from .sheets import HEADER, csv_of, rows

PARTNERS = [state.id for state in PROFILE.partners]


def importing(
    *files: bytes,
    held: Mapping[str, Notice] | None = None,
    defaults: Mapping[str, Any] | None = None,
    waiting: Mapping[str, Any] | None = None,
    me: str = "FR",
    name: str = "n.csv",
) -> Import:
    found = {key: Held(one, "in_force") for key, one in (held or {}).items()}
    problems: list[Problem] = []
    items = [item for raw in files for item in read_items(raw, name, PROFILE, defaults or {}, problems)]
    result = check(items, PROFILE, PARTNERS, me, found.get, waiting or {})
    result.problems = [*problems, *result.problems]
    return result


def said(*files: bytes, **more: Any) -> list[str]:
    return [str(problem) for problem in importing(*files, **more).problems]


def spoilt(**cells: str) -> bytes:
    """The template with one notice in row 2, some of its cells written over."""
    (row,) = rows(content())
    return csv_of(HEADER, [cells.get(name, cell) for name, cell in zip(HEADER, row, strict=True)])
