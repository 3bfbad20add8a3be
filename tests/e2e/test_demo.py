"""``make demo``: the whole story is told, every step happened, and nothing is left behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from ..tools import ROOT

STEPS = (
    "the Point of Contact makes a relay",
    "38 members and 2 offices each make their own keys",
    "three officers of the Point of Contact make theirs",
    "sign the first roster",
    "the relay serves it at http://127.0.0.1:",
    "all 40 pin it by its words",
    "17 Partners seal, sign and publish 20 notices",
    "fetches, checks and opens them: 680 times",
    "their authors hold 680 signed receipts",
    "40 members and offices cosign the log",
    "(a) changes one byte of a stored dispatch",
    "caught by DE: the sealed bytes are not those that the header names",
    "(b) hides the newest dispatch from one member",
    "caught by JP: FR has sent 4 dispatches and the relay shows 3",
    "(c) serves the old roster after a member was suspended",
    "caught by IT: the relay withholds the envoi/roster/v1 at index 23 of its log",
)


def test_the_readme_shows_what_the_demonstration_tells() -> None:
    shown = (ROOT / "README.md").read_text("utf-8").partition("<!-- demo -->")[2].partition("<!-- /demo -->")[0]
    at = [shown.find(step) for step in STEPS]
    assert -1 not in at
    assert at == sorted(at)


def test_the_demonstration_tells_its_story_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo.run"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    at = [done.stdout.find(step) for step in STEPS]
    assert [step for step, found in zip(STEPS, at, strict=True) if found < 0] == []
    assert at == sorted(at)
    assert re.search(r"\neverything happened, in \d+ s\n$", done.stdout)
    assert list(tmp_path.iterdir()) == []
