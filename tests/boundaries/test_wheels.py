"""What a release consists of, proved on wheels built through sdists and installed where nothing else is."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from ..tools import ROOT
from .isolation import MEMBERS, build, closure, environment, python
from .test_imports import WEB

WHEELS = {"keys": "envoi-keys", "client": "envoi-client", "server": "envoi-server"}
PACKAGES = {"keys": {"envoi_keys"}, "client": {"envoi_client", "envoi_desk"}, "server": {"envoi_server"}}
# What the relay's own unit tests need beside the relay.
TEST_TOOLS = ("pytest", "pytest-timeout", "hypothesis", "anyio", "httpx")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The three wheels by member, built without the network."""
    return {member: build(member, tmp_path_factory.mktemp(member)) for member in MEMBERS}


@pytest.mark.parametrize("member", MEMBERS)
def test_a_wheel_installs_its_packages_and_nothing_else(wheels: dict[str, Path], member: str) -> None:
    with zipfile.ZipFile(wheels[member]) as wheel:
        top = {name.partition("/")[0] for name in wheel.namelist()}
    assert {name for name in top if not name.endswith(".dist-info")} == PACKAGES[member]


@pytest.mark.parametrize("member", MEMBERS)
def test_a_wheel_carries_every_file_of_its_package(wheels: dict[str, Path], member: str) -> None:
    """Profiles, exercises and migrations are data: forgetting one shows only when it is needed."""
    root = ROOT / member
    expected = {
        path.relative_to(root).as_posix()
        for package in PACKAGES[member]
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheels[member]) as wheel:
        carried = {name for name in wheel.namelist() if not name.partition("/")[0].endswith(".dist-info")}
    assert carried == expected


def test_the_client_needs_no_web_framework_and_no_sqlalchemy() -> None:
    """By metadata: whatever an installer would bring along with the client."""
    brought = closure("envoi-client")
    assert "envoi-keys" in brought
    assert brought.isdisjoint({name.replace("_", "-") for name in WEB} | {"envoi-server"})


def test_the_client_runs_where_only_its_requirements_are(wheels: dict[str, Path], tmp_path: Path) -> None:
    """By absence: the real wheels, in an environment that holds the closure of their metadata only."""
    third_party = closure("envoi-client") - set(WHEELS.values())
    executable = environment(tmp_path / "venv", third_party, [wheels["keys"], wheels["client"]])
    code = "import importlib.util as u, sys; print([name for name in sys.argv[1:] if u.find_spec(name)])"
    found = python("-c", code, *sorted(WEB), "envoi_server", "client", cwd=tmp_path, executable=executable)
    assert found.strip() == "[]"
    told = python(str(tmp_path / "venv" / "bin" / "envoi"), "--help", cwd=tmp_path, executable=executable)
    assert "envoi" in told


def test_the_relay_passes_its_tests_where_the_client_is_not(wheels: dict[str, Path], tmp_path: Path) -> None:
    """By absence: a dynamic import of the client, which no static contract sees, fails here."""
    third_party = closure("envoi-server", *TEST_TOOLS) - set(WHEELS.values())
    executable = environment(tmp_path / "venv", third_party, [wheels["keys"], wheels["server"]])
    code = "import importlib.util; print(importlib.util.find_spec('envoi_client'))"
    assert python("-c", code, cwd=tmp_path, executable=executable).strip() == "None"
    told = python(str(tmp_path / "venv" / "bin" / "envoi-poc"), "--help", cwd=tmp_path, executable=executable)
    assert "envoi-poc" in told
    options = ("-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'base'}")
    report = python("-m", "pytest", *options, "tests/unit/server", cwd=ROOT, executable=executable, timeout=240)
    assert " passed" in report


def test_the_relay_migrates_from_a_wheel(wheels: dict[str, Path], tmp_path: Path) -> None:
    """docs/decisions/0001: the schema's history travels with the code."""
    third_party = closure("envoi-server") - set(WHEELS.values())
    executable = environment(tmp_path / "venv", third_party, [wheels["keys"], wheels["server"]])
    code = """
import sys
from envoi_server import schema
print(schema.__file__)
print(schema.migrate(sys.argv[1]), schema.current(sys.argv[1]) == schema.HEAD)
"""
    url = f"sqlite:///{tmp_path / 'relay.db'}"
    place, outcome = python("-c", code, url, cwd=tmp_path, executable=executable).splitlines()
    assert Path(place).is_relative_to(tmp_path / "venv")
    assert outcome.startswith("(None, ")
    assert outcome.endswith(" True")
