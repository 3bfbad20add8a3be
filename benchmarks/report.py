"""What a benchmark reports, and how it becomes a table of docs/PERFORMANCE.md.

A benchmark prints one JSON document, :class:`Report`; every figure stands beside an alternative measured in
the same run, as a ratio. Each report owns one marked section, so that one benchmark leaves the others alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

BEGIN = "<!-- measured by make bench: everything to the end mark is generated -->"
END = "<!-- end of what make bench generates -->"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: ours, the alternative's, and ours over the alternative's, all from one run."""

    case: str
    ours: float
    alternative: str
    theirs: float
    unit: str
    """Of both figures, such as "MiB/s" or "ms"."""
    ratio: float | None
    """None where theirs is 0."""
    aim: str = ""
    """In words, such as "at most 1.3"; empty where none was set."""
    met: bool | None = None
    """Whether the aim was met; None where none was set."""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one benchmark."""

    name: str
    """Of the module: benchmarks/<name>.py."""
    title: str
    bound: str
    """One or two sentences: what bounds our figure."""
    figures: tuple[Figure, ...]
    machine: str
    """Cores, Python and library versions that matter, in one line. Never a host's name."""
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The document that `--json` prints."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Report:
        """The report in a document. Raises TypeError if fields are missing or unknown."""
        figures = tuple(Figure(**figure) for figure in document["figures"])
        return cls(**{**document, "figures": figures, "notes": tuple(document.get("notes", ()))})


def number(value: float) -> str:
    """Three significant digits, and no fraction from a hundred on."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _aim(figure: Figure) -> str:
    if figure.met is None:
        return figure.aim or "none"
    return f"{figure.aim}: {'met' if figure.met else '**missed**'}"


def render(report: Report) -> str:
    """The section of one report, without its marks."""
    lines = [
        f"## {report.title}",
        "",
        "| | Envoi | beside it | | ratio | aim |",
        "|---|---:|---|---:|---:|---|",
    ]
    for figure in report.figures:
        ours, theirs = (f"{number(value)} {figure.unit}" for value in (figure.ours, figure.theirs))
        ratio = "-" if figure.ratio is None else f"{figure.ratio:.2f}"
        cells = (figure.case, ours.rstrip(), figure.alternative, theirs.rstrip(), ratio, _aim(figure))
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", f"What bounds it: {report.bound}", ""]
    lines += [f"- {note}" for note in report.notes] + ([""] if report.notes else [])
    lines.append(f"Measured with {report.machine}.")
    return "\n".join(lines)


def replaced(page: str, reports: Mapping[str, Report], order: list[str]) -> str:
    """The page with the sections of these reports renewed and all others kept, in the given order of names.

    Raises ValueError if the page lacks the marks: it then is not a page that we may rewrite.
    """
    head, begin, rest = page.partition(BEGIN)
    middle, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page lacks the marks between which make bench writes")
    found = re.findall(r"<!-- bench:(\w+) -->\n(.*?)\n<!-- /bench -->", middle, re.DOTALL)
    sections = {name: text for name, text in found if name in order}
    sections |= {name: render(report) for name, report in reports.items()}
    marked = [f"<!-- bench:{name} -->\n{sections[name]}\n<!-- /bench -->\n" for name in order if name in sections]
    return head + BEGIN + "\n\n" + "\n".join(marked) + "\n" + END + tail
