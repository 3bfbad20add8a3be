"""Every benchmark runs, on little, and yields its figures. What they are is no test's business."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from ...tools import ROOT, program

FIGURES = {"sealing": 9, "publish": 8, "wakeup": 4, "catchup": 4, "register": 5, "screening_speed": 3}


FAMILY = ("Arvand", "Zarrin", "Tarsan", "Kolvar", "Pyolsan", "Chongmu", "Haeran", "Myongsan", "Voltrask", "Nemiros")
TRADE = ("Optics", "Shipping", "Gauges", "Metals", "Valves", "Electronics", "Machines", "Chemicals")
COLUMNS = ("name1", "name2", "schema", "country1", "country2", "is_match", "tier")


def run(name: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--quick", "--json"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def report_of(name: str, **environment: str) -> dict[str, Any]:
    done = run(name, **environment)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["name"] == name
    return report


def test_the_matcher_is_measured_on_the_pairs_that_are_named(tmp_path: Path) -> None:
    rows = []
    for at, (family, trade) in enumerate(product(FAMILY, TRADE)):
        name, other = f"{family} {trade} Co., Ltd.", FAMILY[(at // len(TRADE) + 1) % len(FAMILY)]
        schema = "Person" if at % 3 == 0 else "Organization"
        rows += [
            (name, f"{trade} {family[:-1]}", schema, "IR", "IR", "true", "ABC"[at % 3]),
            (name, f"{other} {trade} Company", schema, "IR", "CN", "false", ("easy", "medium", "hard")[at % 3]),
        ]
    pairs = tmp_path / "pairs.csv"
    with pairs.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])

    figures = report_of("screening", ENVOI_SCREENING_PAIRS=str(pairs))["figures"]
    held_out = [one for one in figures if one["case"].endswith("held out")]
    assert {one["case"].partition(",")[0] for one in held_out} == {"F1", "recall", "false alarms"}
    assert all((one["met"] is None) == (one not in held_out) for one in figures)
    assert all(0 <= one[side] <= 1 for one in figures for side in ("ours", "theirs"))


def test_without_pairs_it_says_so() -> None:
    done = run("screening", ENVOI_SCREENING_PAIRS="")
    assert (done.returncode, done.stdout) == (0, "")
    assert "ENVOI_SCREENING_PAIRS" in done.stderr


@pytest.mark.parametrize("name", FIGURES)
def test_a_benchmark_yields_its_figures(name: str) -> None:
    if name == "sealing":
        program("age")
    report = report_of(name)
    assert len(report["figures"]) == FIGURES[name]
    for figure in report["figures"]:
        assert figure["ours"] > 0
        assert figure["theirs"] > 0
        assert figure["ratio"] > 0
