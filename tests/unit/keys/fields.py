"""Damage for statements that still parse as JSON: a field gone, added, moved, of another type or value."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import strategies as st

from envoi_keys.encoding import dump_line
from envoi_keys.errors import EnvoiError, Malformed

S = TypeVar("S")
T = TypeVar("T")
Path = tuple[str | int, ...]

STRANGE: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**53 - 1, "", " ", "A", "FR", "POC/anne", "x" * 70, "0" * 64, "ff" * 32),
    *("2026-11-23T09:30:00Z", "0001-01-01T00:00:00Z", "AAAA", "A" * 43 + "=", "envoi/dispatch/v1", "é\u202e"),
    *([], {}, [[]], [{}], {"": {}}, ["FR", "FR"], {"FR": "AAAA"}),
)
"""Values that some field takes and others must not."""


def at(value: Any, path: Path) -> Any:
    """What stands at ``path``."""
    for step in path:
        value = value[step]
    return value


def paths(value: Any, start: Path = ()) -> list[Path]:
    """The path of every field and item inside ``value``."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found: list[Path] = []
    for name, inner in items:
        found += [(*start, name), *paths(inner, (*start, name))]
    return found


def changed(text: bytes, path: Path, new: Any) -> bytes:
    """The statement ``text`` with another value at ``path``, which may be new."""
    value = json.loads(text)
    at(value, path[:-1])[path[-1]] = new
    return dump_line(value)


def without(text: bytes, path: Path) -> bytes:
    """The statement ``text`` without what stands at ``path``."""
    value = json.loads(text)
    del at(value, path[:-1])[path[-1]]
    return dump_line(value)


@st.composite
def field_damage(draw: st.DrawFn, *valid: bytes) -> bytes:
    """One of ``valid`` with one to three fields damaged."""
    value = json.loads(draw(st.sampled_from(valid)))
    for _ in range(draw(st.integers(1, 3))):
        everywhere = paths(value)
        if not everywhere:
            break
        path = draw(st.sampled_from(everywhere))
        holder: Any = at(value, path[:-1])
        last: Any = path[-1]
        kind = draw(st.sampled_from(("change", "drop", "double", "borrow", "rename")))
        if kind == "change":
            holder[last] = draw(st.sampled_from(STRANGE))
        elif kind == "drop":
            del holder[last]
        elif kind == "borrow":
            holder[last] = json.loads(json.dumps(at(value, draw(st.sampled_from(everywhere)))))
        elif isinstance(holder, list):
            holder.insert(0, json.loads(json.dumps(holder[last])))
        else:
            holder[draw(st.sampled_from(("surprise", "type", "to", "DE", "")))] = holder[last]
            if kind == "rename":
                holder.pop(last)
    return dump_line(value)


def refuses_missing_and_unknown_fields(parse: Callable[[bytes], object], text: bytes) -> None:
    """Asserts for every object in ``text`` whose names are fields: none may lack, none may be added."""
    parse(text)
    for path in paths(json.loads(text)):
        if isinstance(path[-1], str) and (len(path) == 1 or path[0] != "to"):
            with pytest.raises(Malformed):
                parse(without(text, path))
    for path in ((), *paths(json.loads(text))):
        if isinstance(at(json.loads(text), path), dict):
            with pytest.raises(Malformed):
                parse(changed(text, (*path, "surprise"), 1))


def accepted(parse: Callable[[S], T], raw: S) -> T | None:
    """What ``parse`` makes of ``raw``, or None if it raised one of our errors; anything else is a failure."""
    try:
        return parse(raw)
    except EnvoiError:
        return None
