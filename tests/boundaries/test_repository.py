"""Facts about the repository itself that a reviewer would otherwise check by hand at each release."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..tools import ROOT
from .isolation import MEMBERS

MAX_MODULE_LINES = 400
LEFT_OUT = {
    ".git",
    ".hypothesis",
    ".import_linter_cache",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
    "__pycache__",
    "build",
    "dist",
    "node_modules",
    "results",
}
# Spelled in pieces, so that this file passes its own test.
NOT_OURS = re.compile(
    "|".join(
        [
            r"(?<![\w.~}$])/(?:" + "root|work|mnt|srv|opt|Users" + r")/",
            r"(?<![\w.~}$])/" + r"home/\w",
            "--(?:extra-)?" + "index-url",
            "--find" + "-links",
            '"' + 'resolved"' + ":",
            "pypi" + r"\.org",
            "pythonhosted" + r"\.org",
            "registry" + r"\.npmjs",
        ]
    )
)


def repository_files() -> list[Path]:
    """Every text file that belongs to the repository, without what a build or a test run leaves behind."""
    return [
        path
        for path in sorted(ROOT.rglob("*"))
        if path.is_file() and not path.is_symlink() and LEFT_OUT.isdisjoint(path.relative_to(ROOT).parts)
    ]


def test_no_property_test_fixes_its_number_of_examples() -> None:
    """It would be the number of `make fuzz` too; tests/budget.py says how to draw fewer."""
    spelled = "settings(max" + "_examples="
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests").rglob("*.py")
        if spelled in path.read_text("utf-8")
    }
    # A state machine of fifty steps each, and requests to a whole relay: their own numbers, in `make test` and beyond.
    assert found - {"tests/budget.py", "tests/simulator/test_interleavings.py"} == set()


def manifest(member: str) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / member / "pyproject.toml").read_text("utf-8"))["project"]
    return project


def locked() -> dict[str, tuple[str, int]]:
    """Version and number of hashes of each package in the lock file."""
    found: dict[str, tuple[str, int]] = {}
    text = (ROOT / "requirements.lock").read_text("utf-8")
    for entry in re.sub(r"\\\n\s*", " ", text).splitlines():
        head, *hashes = entry.split(" --hash=")
        requirement = Requirement(head.strip())
        (pin,) = requirement.specifier
        assert pin.operator == "==", entry[:80]
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value.strip()) for value in hashes), entry[:80]
        found[canonicalize_name(requirement.name)] = (pin.version, len(hashes))
    return found


def direct_requirements() -> list[Requirement]:
    """What the three manifests and the development list ask for by name."""
    lines = [line for member in MEMBERS for line in manifest(member)["dependencies"]]
    lines += [line for line in (ROOT / "requirements-dev.in").read_text("utf-8").splitlines() if line[:1].isalpha()]
    return [requirement for requirement in map(Requirement, lines) if not requirement.name.startswith("envoi-")]


def test_the_three_wheels_have_one_version_and_pin_it() -> None:
    """uv ignores such pins between members of a workspace; pip does not, and a user has pip."""
    (version,) = {manifest(member)["version"] for member in MEMBERS}
    for member in MEMBERS:
        pins = [line for line in manifest(member)["dependencies"] if line.startswith("envoi-")]
        assert pins == ([] if member == "keys" else [f"envoi-keys=={version}"])


def test_every_locked_package_has_hashes() -> None:
    packages = locked()
    assert len(packages) > len(direct_requirements()) // 2
    assert {name for name, (_, hashes) in packages.items() if hashes == 0} == set()


def test_the_lock_file_names_no_host_and_no_path() -> None:
    text = (ROOT / "requirements.lock").read_text("utf-8")
    assert not re.search(r"://|/|@|^-|#", text, re.MULTILINE)


def test_the_lock_file_satisfies_what_the_manifests_ask_for() -> None:
    packages = locked()
    for requirement in direct_requirements():
        version, _ = packages[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} is locked at {version}: run make lock"


def test_no_file_names_a_machine_or_a_registry() -> None:
    found = []
    for path in repository_files():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in NOT_OURS.finditer(text)]
    assert found == []


def test_no_module_is_longer_than_its_idea() -> None:
    lengths = {path: len(path.read_bytes().splitlines()) for path in repository_files() if path.suffix == ".py"}
    names = {str(path.relative_to(ROOT)): lines for path, lines in lengths.items()}
    assert {name: lines for name, lines in names.items() if lines > MAX_MODULE_LINES} == {}


@pytest.mark.parametrize("folder", [*MEMBERS, "migrations", "server/envoi_server/migrations"])
def test_a_source_root_is_not_a_package(folder: str) -> None:
    assert not (ROOT / folder / "__init__.py").exists()


def test_there_is_no_second_lock_file() -> None:
    assert [path.name for path in ROOT.glob("*.lock")] == ["requirements.lock"]
    assert list(ROOT.glob("pylock*.toml")) == []
