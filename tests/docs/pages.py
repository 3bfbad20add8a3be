"""Reading the repository's own pages: their sections, their code and what they point to."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from ..tools import ROOT

LEFT_OUT = {".git", ".venv", "node_modules", "build", "dist", "__pycache__", ".hypothesis", "results"}
SOURCE_ROOTS = ("keys", "client", "server")


@cache
def files() -> tuple[Path, ...]:
    """Every file of the repository, relative to its root, without what a build or a test run leaves behind."""
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return tuple(
        sorted(
            path
            for path in found
            if LEFT_OUT.isdisjoint(path.parts) and not any(part.endswith("_cache") for part in path.parts)
        )
    )


def pages() -> list[Path]:
    """Every page, relative to the root."""
    return [path for path in files() if path.suffix == ".md"]


def modules() -> list[Path]:
    """Every module of the three packages, relative to the root."""
    return [path for path in files() if path.suffix == ".py" and path.parts[0] in SOURCE_ROOTS]


@cache
def text(page: str) -> str:
    """The text of a page, given relative to the root."""
    return (ROOT / page).read_text("utf-8")


def section(page: str, number: str) -> str:
    """The section of PROTOCOL (or a page like it) whose heading begins with ``number``, subsections included."""
    found = re.search(rf"^(#+) {re.escape(number)}\.? .*\n", text(page), re.MULTILINE)
    assert found is not None, f"{page} has no section {number}"
    rest = text(page)[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def spans(markdown: str) -> list[str]:
    """The inline code of some Markdown, without its fenced blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", markdown, flags=re.MULTILINE | re.DOTALL))


def blocks(markdown: str, language: str = "") -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL)


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", text(str(page)), flags=re.MULTILINE | re.DOTALL)
