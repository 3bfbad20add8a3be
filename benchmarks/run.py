"""Runs the named benchmarks one after another (all of them by default) and renews docs/PERFORMANCE.md.

Each runs in a process of its own, so that no allocation or import of one shows in the figures of another.
A benchmark that fails keeps its old section, and the run as a whole then fails.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from .report import Report, render, replaced

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "PERFORMANCE.md"
HELPERS = {
    *("bare", "catching_up", "common", "exchange", "load", "logistic", "made_up_names", "relay_process", "report"),
    "run",
}


def available() -> list[str]:
    """Names of the benchmarks: every module here that is neither a helper nor private."""
    modules = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    return [name for name in modules if name not in HELPERS and not name.startswith("_")]


def measure(name: str) -> Report | bool:
    """Run one benchmark; its report, or whether it was skipped: no data, or no tool. Its progress goes to stderr."""
    command = [sys.executable, "-m", f"benchmarks.{name}", "--json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        print(f"error: benchmark {name} ended with code {done.returncode}", file=sys.stderr)
        return False
    # What has nothing to measure on has said so.
    return Report.from_json(json.loads(done.stdout)) if done.stdout.strip() else True


def main() -> int:
    """Measure, print and write; the exit code."""
    names = available()
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__, allow_abbrev=False)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(names)}")
    chosen = parser.parse_args().names or names
    unknown = sorted(set(chosen) - set(names))
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(names)}")
    reports: dict[str, Report] = {}
    failed = 0
    for name in chosen:
        print(f"measuring {name} ...", file=sys.stderr)
        report = measure(name)
        if isinstance(report, Report):
            reports[name] = report
            print(render(report), end="\n\n", flush=True)
            PAGE.write_text(replaced(PAGE.read_text("utf-8"), reports, names), "utf-8")
        else:
            failed += not report
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
