"""What the pages point to exists: links, files, tests, targets of make, sections of the protocol."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from ..tools import ROOT
from . import pages
from .pages import SOURCE_ROOTS, files, modules, prose, spans, text

PAGES = pages.pages()
NAMES = [str(page) for page in PAGES]
# Files that a reader of a page makes or has, and the repository does not.
USERS_OWN = {
    "blobs/",
    "config.toml",
    "enrolment.note",
    "log.key",
    "notice.json",
    "pylock.toml",
    "relay.db",
    "relay.toml",
    "requirements.txt",
    "roster-1.note",
    "uv.lock",
    "vault.age",
}
FILE = re.compile(r"[\w.-]+(?:/[\w.-]+)*\.(?:py|md|json|toml|mjs|csv|txt|in|lock|mako|note|age)")
TEST = re.compile(r"((?:[\w/]+/)?test_\w+\.py)::(\w+)")
TARGETS = set(re.findall(r"^([a-z]+):.*## ", text("Makefile"), re.MULTILINE))


def slugs(page: Path) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        plain = re.sub(r"[^\w\s-]", "", heading.lower())
        found.add(re.sub(r"\s", "-", plain.strip()))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_relative_link_leads_somewhere(name: str) -> None:
    page = Path(name)
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" in link or link.startswith("mailto:"):
            continue
        target, _, anchor = link.partition("#")
        path = (ROOT / page.parent / target).resolve() if target else ROOT / page
        if not path.exists() or (anchor and anchor not in slugs(path.relative_to(ROOT))):
            broken.append(link)
    assert broken == []


def exists(name: str, page: Path) -> bool:
    """Whether a file that a page names in code is in the repository."""
    if name in USERS_OWN:
        return True
    if "/" not in name:
        return any(path.name == name for path in files())
    near = [ROOT, ROOT / page.parent, *(ROOT / root for root in SOURCE_ROOTS)]
    inside = [package for root in SOURCE_ROOTS for package in (ROOT / root).glob("envoi_*")]
    return any((folder / name).exists() for folder in (*near, *inside))


@pytest.mark.parametrize("name", NAMES)
def test_every_file_that_is_named_exists(name: str) -> None:
    page = Path(name)
    named = {span.partition("::")[0] for span in spans(text(name))}
    assert {span for span in named if FILE.fullmatch(span) and not exists(span, page)} == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_folder_that_is_named_exists(name: str) -> None:
    named = {span for span in spans(text(name)) if re.fullmatch(r"[\w.-]+(?:/[\w.-]+)*/", span)}
    assert {span for span in named if not exists(span, Path(name))} == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_test_that_is_named_exists(name: str) -> None:
    missing = []
    for path, test in TEST.findall(text(name)):
        found = [one for one in files() if str(one) == path or (one.name == path and one.parts[0] == "tests")]
        if not any(re.search(rf"def {test}\(", text(str(one))) for one in found):
            missing.append(f"{path}::{test}")
    assert missing == []


@pytest.mark.parametrize("name", NAMES)
def test_every_target_of_make_that_is_named_exists(name: str) -> None:
    named = re.findall(r"(?:`|^(?: {4,}|\$ )?)make ([a-z]+)\b", text(name), re.MULTILINE)
    assert set(named) <= TARGETS


def test_every_section_of_the_protocol_that_the_code_cites_exists() -> None:
    numbers = set(re.findall(r"^##+ ([0-9.]+?)\.? ", text("docs/PROTOCOL.md"), re.MULTILINE))
    cited: dict[str, str] = {}
    for path in (one for one in files() if one.suffix in {".py", ".md", ".mjs"}):
        for number in re.findall(r"PROTOCOL §([0-9]+(?:\.[0-9]+)*)", text(str(path))):
            cited[number] = str(path)
    assert {number: path for number, path in cited.items() if number not in numbers} == {}


def test_no_module_cites_a_page_that_is_not_here() -> None:
    """A reader of the code can follow every reference: what is in capitals with a section is a page in docs/."""
    known = {path.stem for path in PAGES}
    standards = {"RFC", "FIPS", "SP", "BIP", "ISO"}
    cited = {
        f"{path}: {name}"
        for path in modules()
        for name in re.findall(r"\b([A-Z][A-Z-]{3,}) §", text(str(path)))
        if name not in known | standards
    }
    assert cited == set()


def test_every_decision_says_its_number_date_and_outcome() -> None:
    found = [page for page in PAGES if page.parent == Path("docs/decisions") and page.name != "0000-template.md"]
    for at, page in enumerate(found, 1):
        lines = text(str(page)).splitlines()
        assert page.name.startswith(f"{at:04}-")
        assert lines[0].startswith(f"# {at:04}: ")
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}\. Status: (proposed|accepted|replaced by \d{4})\.", lines[2])
        assert [line for line in lines if line.startswith("## ")] == ["## Forces", "## Options", "## Outcome"]


def defined(module: Path) -> set[str]:
    """What a module defines, with what its classes define behind a dot."""
    found = set()
    for node in ast.parse((ROOT / module).read_bytes()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
        if isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}.{inner.name}"
                for inner in node.body
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return found


DATA = {"db", "age"}
"""Endings of files of a home, such as `store.db`."""


@pytest.mark.parametrize("name", NAMES)
def test_every_function_that_is_named_exists(name: str) -> None:
    """A page may write `inbox.judge` for a function or class of a module of ours."""
    stems: dict[str, list[Path]] = {}
    for module in modules():
        stems.setdefault(module.stem, []).append(module)
    missing = []
    for span in set(spans(text(name))) - USERS_OWN:
        stem, _, rest = span.partition(".")
        if (
            stem not in stems
            or rest in DATA
            or FILE.fullmatch(span)
            or not re.fullmatch(r"[A-Za-z_]\w*(?:\.[a-z_]\w*)?", rest)
        ):
            continue
        if not any(rest in defined(module) for module in stems[stem]):
            missing.append(span)
    assert missing == []
