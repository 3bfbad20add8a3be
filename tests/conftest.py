"""Settings that every test shares: hypothesis profiles, the event loop, an honest account of what is skipped.

The default profile is derandomised, so that `make test` gives the same answer twice; `make fuzz` draws anew.
A run under ENVOI_CI=1 fails if anything at all was skipped.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

from .tools import REASON, on_ci

FUZZ_EXAMPLES = int(os.environ.get("ENVOI_FUZZ_EXAMPLES", "20000"))

# No deadlines: how long one example takes on a busy machine says nothing about the code.
settings.register_profile("default", derandomize=True, deadline=None, max_examples=100)
settings.register_profile("ci", parent=settings.get_profile("default"), max_examples=200, print_blob=True)
settings.register_profile(
    "fuzz",
    deadline=None,
    derandomize=False,
    max_examples=FUZZ_EXAMPLES,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if on_ci() else "default")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job ignores interrupts, and so would every program that a test starts and interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The relay and the client run on asyncio and on nothing else."""
    return "asyncio"


def _skipped(reporter: pytest.TerminalReporter) -> Counter[str]:
    reasons: Counter[str] = Counter()
    for report in reporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason.removeprefix("Skipped: ")] += 1
    return reasons


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where nothing may be skipped, a skip is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if on_ci() and reporter is not None and _skipped(reporter) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name each tool whose absence cost tests."""
    reasons = _skipped(terminalreporter)
    if not reasons:
        return
    terminalreporter.section("not tested here")
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} test{'s' if count > 1 else ''}: {reason.removeprefix(REASON)}")
    if on_ci():
        terminalreporter.write_line("error: under ENVOI_CI=1 no test may be skipped")
