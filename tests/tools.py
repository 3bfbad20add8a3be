"""The tools that a test may need beyond PyPI, and the one place where a test is skipped for want of one.

On a user's machine a missing tool skips the test and the summary of the run names the tool. Under ENVOI_CI=1
a missing tool fails the test: .ci/run installs them all.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REASON = "needs the tool "


def on_ci() -> bool:
    """Whether this run must not skip anything."""
    return os.environ.get("ENVOI_CI", "") not in ("", "0")


def missing(tool: str, hint: str) -> None:
    """Skip the calling test for want of `tool`, or fail it where nothing may be missing."""
    if on_ci():
        pytest.fail(f"{REASON}{tool}: {hint}")
    pytest.skip(f"{REASON}{tool}: {hint}")


def program(name: str, hint: str = "install it with the system's package manager") -> str:
    """The path of a program, or a skip that names it."""
    found = shutil.which(name)
    if found is None:
        missing(name, hint)
    return found or name


def node_package(name: str) -> Path:
    """The folder of an npm package of tests/conformance, or a skip that says how to install it."""
    folder = ROOT / "tests" / "conformance" / "node_modules" / name
    if not folder.is_dir():
        missing(name, "npm ci --prefix tests/conformance")
    return folder
