"""Every benchmark runs, on little, and yields its figures. What they are is no test's business."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from ...tools import ROOT, program

FIGURES = {"sealing": 9, "publish": 8, "wakeup": 4, "catchup": 4, "register": 5, "screening_speed": 3}


@pytest.mark.parametrize("name", FIGURES)
def test_a_benchmark_yields_its_figures(name: str) -> None:
    if name == "sealing":
        program("age")
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--quick", "--json"],
        cwd=ROOT,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["name"] == name
    assert len(report["figures"]) == FIGURES[name]
    for figure in report["figures"]:
        assert figure["ours"] > 0
        assert figure["theirs"] > 0
        assert figure["ratio"] > 0
