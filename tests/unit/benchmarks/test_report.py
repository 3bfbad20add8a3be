"""The page of measurements: a run renews its own sections, keeps the others and hides no missed aim."""

from __future__ import annotations

import sys
from importlib import util
from typing import Any

import pytest

from ...tools import ROOT

DOCUMENT = {
    "name": "sealing",
    "title": "Sealing",
    "bound": "the cipher.",
    "machine": "2 cores, Python 3.11",
    "notes": ["one thread"],
    "figures": [
        {
            "case": "256 MiB to 38",
            "ours": 1234.5,
            "alternative": "age 1.1",
            "theirs": 999.0,
            "unit": "MiB/s",
            "ratio": 0.8092,
            "aim": "at least 0.9",
            "met": False,
        }
    ],
}


@pytest.fixture(scope="module")
def report() -> Any:
    """benchmarks/report.py, which is on nobody's module path: benchmarks are scripts of the repository."""
    spec = util.spec_from_file_location("performance_report", ROOT / "benchmarks" / "report.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_a_missed_aim_is_shown(report: Any) -> None:
    text = report.render(report.Report.from_json(DOCUMENT))
    assert "| 256 MiB to 38 | 1,234 MiB/s | age 1.1 | 999 MiB/s | 0.81 | at least 0.9: **missed** |" in text
    assert "What bounds it: the cipher." in text


def test_one_benchmark_renews_its_own_section_alone(report: Any) -> None:
    sealing = report.Report.from_json(DOCUMENT)
    feed = report.Report.from_json(DOCUMENT | {"name": "feed", "title": "The feed"})
    page = f"# Head\n\n{report.BEGIN}\n{report.END}\ntail\n"
    order = ["feed", "sealing"]
    both = report.replaced(page, {"sealing": sealing, "feed": feed}, order)
    assert both.index("## The feed") < both.index("## Sealing")
    renewed = report.replaced(both, {"feed": report.Report.from_json(DOCUMENT | {"title": "Anew"})}, order)
    assert "## The feed" not in renewed
    assert renewed.count("## Anew") == renewed.count("## Sealing") == 1
    assert renewed.startswith("# Head\n")
    assert renewed.endswith(f"{report.END}\ntail\n")


def test_the_section_of_a_benchmark_that_is_gone_goes_too(report: Any) -> None:
    page = f"{report.BEGIN}\n{report.END}\n"
    both = report.replaced(page, {"sealing": report.Report.from_json(DOCUMENT)}, ["sealing"])
    assert "## Sealing" not in report.replaced(both, {}, ["feed"])


def test_a_page_without_marks_is_left_alone(report: Any) -> None:
    with pytest.raises(ValueError, match="lacks the marks"):
        report.replaced("# Mine\n", {}, [])


def test_a_document_survives_its_journey_as_json(report: Any) -> None:
    there = report.Report.from_json(DOCUMENT)
    assert report.Report.from_json(there.to_json()) == there
    with pytest.raises(TypeError):
        report.Report.from_json(DOCUMENT | {"host": "example"})


def test_the_page_in_the_repository_has_its_marks(report: Any) -> None:
    page = (ROOT / "docs" / "PERFORMANCE.md").read_text("utf-8")
    assert page.count(report.BEGIN) == page.count(report.END) == 1
