"""What the benchmarks share: rounds in turn, medians of ratios, scratch space on a real disk, printing.

Only a ratio from one run says anything, so the variants of a comparison take turns, round by round, and a
ratio is the median over the rounds of ours by theirs: what slows the machine down for a while slows both.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median

from .report import Figure, Report, render

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"

Timings = dict[str, list[float]]


def in_turn(variants: Mapping[str, Callable[[], object]], rounds: int, *, warm_up: int = 1) -> Timings:
    """Seconds of each variant in each round: A B, then B A, and so on. Rounds of ``warm_up`` do not count."""
    seconds: Timings = {name: [] for name in variants}
    for turn in range(warm_up + rounds):
        names = list(variants) if turn % 2 == 0 else list(reversed(list(variants)))
        for name in names:
            start = time.perf_counter()
            variants[name]()
            taken = time.perf_counter() - start
            if turn >= warm_up:
                seconds[name].append(taken)
    return seconds


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median over the rounds of ours by theirs."""
    return median(our / their for our, their in zip(ours, theirs, strict=True))


def compared(
    case: str,
    timings: Timings,
    ours: str,
    theirs: str,
    *,
    alternative: str,
    unit: str,
    scale: float,
    at_most: float | None = None,
    at_least: float | None = None,
) -> Figure:
    """A line of the table from measured times: medians times ``scale``, the ratio held against its aim."""
    ratio = median_ratio(timings[ours], timings[theirs])
    aim, met = "", None
    if at_most is not None:
        aim, met = f"at most {at_most:g}", ratio <= at_most
    elif at_least is not None:
        aim, met = f"at least {at_least:g}", ratio >= at_least
    return Figure(
        case=case,
        ours=median(timings[ours]) * scale,
        alternative=alternative,
        theirs=median(timings[theirs]) * scale,
        unit=unit,
        ratio=ratio,
        aim=aim,
        met=met,
    )


@contextmanager
def scratch() -> Iterator[Path]:
    """An empty directory on the disk of the repository, which is a real one where ``/tmp`` may be memory."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=RESULTS, prefix="scratch-") as name:
        yield Path(name)


def machine(*packages: str) -> str:
    """Cores, Python and the versions of ``packages``, in one line."""
    parts = [f"{os.cpu_count()} cores", f"Python {platform.python_version()}"]
    return ", ".join(parts + [f"{package} {version(package)}" for package in packages])


def progress(text: str) -> None:
    """A line on stderr; stdout is for the report."""
    print(text, file=sys.stderr, flush=True)


def arguments(description: str | None, *, rounds: int, **sizes: int) -> argparse.Namespace:
    """The arguments that every benchmark takes: ``rounds``, ``quick`` and ``json``; and its ``sizes``, by name."""
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("--rounds", type=int, help=f"rounds that count (default: {rounds}, or 1 with --quick)")
    parser.add_argument("--quick", action="store_true", help="as little as shows that it runs; no figure means much")
    for name, size in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=size, help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON document")
    found = parser.parse_args()
    found.rounds = found.rounds or (1 if found.quick else rounds)
    return found


def publish(report: Report, *, as_json: bool) -> None:
    """Print a report: its table, or the JSON that ``make bench`` reads."""
    print(json.dumps(report.to_json(), indent=1) if as_json else render(report))
