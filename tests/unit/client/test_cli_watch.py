"""``envoi sync --watch`` with a node that does what a test says: what ends it, what does not, and what it says."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from envoi_client.cli import CHEATING, DONE, FAILED, run, syncing
from envoi_client.cli.common import Common
from envoi_client.node import SyncReport
from envoi_keys.errors import Fraud, LocalError, NetworkError

AWAY = NetworkError("nobody answers")
QUIET = SyncReport(log_size=7)
NEWS = SyncReport(log_size=8, received=["a" * 64], rosters=[2])
ALARM = SyncReport(log_size=9, alarms=["something does not hold"])


class Scripted:
    """A node whose rounds are given: a report or an error each; then somebody stops the watch."""

    def __init__(self, *rounds: SyncReport | Exception, waits: tuple[Exception | None, ...] = ()) -> None:
        self.rounds = list(rounds)
        self.waits = list(waits)

    def sync(self) -> SyncReport:
        if not self.rounds:
            signal.raise_signal(signal.SIGTERM)
        found = self.rounds.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def wait(self, seconds: int) -> bool:
        assert 0 < seconds < 60
        found = self.waits.pop(0) if self.waits else None
        if found:
            raise found
        return True


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Watch with a scripted node; the code, the lines on stdout, and those on stderr."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)

    def play(node: Scripted, *words: str) -> tuple[int, list[str], list[str]]:
        @contextmanager
        def opened(self: Common, *, relay: str | None = None) -> Iterator[Scripted]:
            yield node

        monkeypatch.setattr(Common, "open_node", opened)
        # What a desk has to say after a sync is asked of a real node.
        monkeypatch.setattr(syncing, "after_sync", lambda _: [])
        before = signal.getsignal(signal.SIGTERM)
        code = run(["sync", "--watch", *words])
        assert signal.getsignal(signal.SIGTERM) is before
        printed = capsys.readouterr()
        return code, printed.out.splitlines(), printed.err.splitlines()

    return play


def test_only_rounds_with_news_say_a_line(watch: Any) -> None:
    code, out, err = watch(Scripted(QUIET, NEWS, QUIET))
    assert code == DONE
    assert out == ["log verified to 8 entries; 1 received; roster 2 is in force"]
    assert err == []


def test_an_alarm_is_not_forgotten_in_a_quiet_round(watch: Any) -> None:
    code, out, _ = watch(Scripted(ALARM, QUIET))
    assert code == CHEATING
    assert out == ["log verified to 9 entries; 0 received; alarm: something does not hold"]


def test_a_relay_that_is_away_is_tried_again(watch: Any) -> None:
    code, out, err = watch(Scripted(AWAY, NEWS, AWAY, QUIET, waits=(AWAY, None)))
    assert code == DONE
    assert len(out) == 1
    assert err == ["nobody answers; trying again in 5 s"] * 3
    assert watch(Scripted(AWAY, QUIET), "--quiet")[2] == []


@pytest.mark.parametrize(("error", "expected"), [(Fraud("two histories"), CHEATING), (LocalError("full"), FAILED)])
def test_what_no_waiting_mends_ends_it(watch: Any, error: Exception, expected: int) -> None:
    code, out, err = watch(Scripted(QUIET, error, NEWS))
    assert code == expected
    assert (out, err) == ([], [f"envoi: {error}"])
