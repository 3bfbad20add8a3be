"""Errors and hints read alike wherever they are made: one sentence that begins in lower case and ends without a stop.

A message stands behind ``envoi: `` or ``hint: ``, or behind the name of the field or file at fault.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..tools import ROOT
from .pages import modules

# What may begin a message in capitals: a name, a code, an abbreviation.
NAME = re.compile(r"[A-Z][A-Z0-9]+\b|[A-Z][\w-]*-[A-Z]|Ed25519|Python\b|Envoi\b")
ROOTS = {"EnvoiError"}


def classes() -> set[str]:
    """The names of all our errors, by following the bases through every module."""
    bases: dict[str, set[str]] = {}
    for path in modules():
        for node in ast.walk(ast.parse((ROOT / path).read_bytes())):
            if isinstance(node, ast.ClassDef):
                bases[node.name] = {base.id for base in node.bases if isinstance(base, ast.Name)}
    found = set(ROOTS)
    while more := {name for name, of in bases.items() if of & found} - found:
        found |= more
    return found


def beginning(node: ast.expr) -> tuple[str, str] | None:
    """How a message begins and ends, with an empty string for what is computed."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value, node.value
    if isinstance(node, ast.JoinedStr) and node.values:
        first, last = node.values[0], node.values[-1]
        return (
            str(first.value) if isinstance(first, ast.Constant) else "",
            str(last.value) if isinstance(last, ast.Constant) else "",
        )
    return None


def messages(path: Path, errors: set[str]) -> Iterator[tuple[int, str, str]]:
    """Line, beginning and end of every message and hint that a module gives to an error or a refusal."""
    for node in ast.walk(ast.parse((ROOT / path).read_bytes())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        name = node.func.id
        said: list[ast.expr] = []
        if name in errors:
            said += node.args[1:2] if name == "RelayRefused" else node.args[:1]
        elif name == "Refusal":
            said += node.args[1:2]
        said += [keyword.value for keyword in node.keywords if keyword.arg == "hint" and (said or name in errors)]
        for one in said:
            for part in (one.body, one.orelse) if isinstance(one, ast.IfExp) else (one,):
                ends = beginning(part)
                if ends is not None:
                    yield node.lineno, *ends


ERRORS = classes()


def test_all_errors_are_found() -> None:
    assert {"Malformed", "Unverified", "Refused", "Fraud", "LocalError", "NetworkError", "Denied"} <= ERRORS
    assert sum(1 for path in modules() for _ in messages(path, ERRORS)) > 300


@pytest.mark.parametrize("path", modules(), ids=str)
def test_a_message_begins_in_lower_case_and_ends_without_a_stop(path: Path) -> None:
    wrong = [
        f"{path}:{line}: {start or end}"
        for line, start, end in messages(path, ERRORS)
        if (start[:1].isupper() and not NAME.match(start)) or re.search(r"[^.]\.$", end)
    ]
    assert wrong == []
