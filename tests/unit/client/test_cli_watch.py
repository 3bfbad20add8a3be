"""``envoi sync --watch`` with a node that does what a test says: what ends it, what does not, and what it says."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
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


REFUSED = SyncReport(log_size=9, refusals=["too large"])
Round = SyncReport | Exception | tuple[SyncReport, BaseException]


class Scripted:
    """A node whose rounds are given: a report, an error, or a report before an error; then somebody stops the watch."""

    def __init__(self, *rounds: Round, waits: tuple[Exception | None, ...] = ()) -> None:
        self.rounds = list(rounds)
        self.waits = list(waits)

    def sync(self, report: SyncReport) -> None:
        if not self.rounds:
            signal.raise_signal(signal.SIGTERM)
        found = self.rounds.pop(0)
        did, error = found if isinstance(found, tuple) else (found, None)
        if isinstance(did, Exception):
            raise did
        for field in fields(did):
            setattr(report, field.name, getattr(did, field.name))
        if error:
            raise error

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

    def play(node: Scripted, *words: str, once: bool = False) -> tuple[int, list[str], list[str]]:
        @contextmanager
        def opened(self: Common, *, relay: str | None = None) -> Iterator[Scripted]:
            yield node

        monkeypatch.setattr(Common, "open_node", opened)
        # What a desk has to say after a sync is asked of a real node.
        monkeypatch.setattr(syncing, "after_sync", lambda _: [])
        before = signal.getsignal(signal.SIGTERM)
        code = run(["sync", *(() if once else ("--watch",)), *words])
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


def test_what_a_round_received_is_told_although_it_broke_off(watch: Any) -> None:
    code, out, err = watch(Scripted((NEWS, AWAY), QUIET))
    assert code == DONE
    assert out == ["log verified to 8 entries; 1 received; roster 2 is in force"]
    assert err == ["nobody answers; trying again in 5 s"]
    code, out, err = watch(Scripted((NEWS, LocalError("full"))))
    assert (code, len(out), err) == (FAILED, 1, ["envoi: full"])


@pytest.mark.parametrize(
    "rounds", [((ALARM, AWAY), QUIET), (ALARM, LocalError("full")), ((ALARM, LocalError("full")),)], ids=str
)
def test_an_alarm_outweighs_whatever_else_ends_it(watch: Any, rounds: tuple[Round, ...]) -> None:
    code, out, _ = watch(Scripted(*rounds))
    assert (code, len(out)) == (CHEATING, 1)


def test_what_lasts_is_told_once_until_something_is_otherwise(watch: Any) -> None:
    _, out, _ = watch(Scripted(ALARM, (ALARM, AWAY), ALARM, QUIET, ALARM, REFUSED, REFUSED))
    assert [line.rpartition("; ")[2] for line in out] == [
        "alarm: something does not hold",
        "alarm: something does not hold",
        "refused by the relay: too large",
    ]


def test_who_interrupts_a_round_is_told_what_it_had_received(watch: Any) -> None:
    code, out, _ = watch(Scripted((ALARM, KeyboardInterrupt())))
    assert (code, len(out)) == (CHEATING, 1)


def test_a_single_sync_that_broke_off_says_what_it_had_received(watch: Any) -> None:
    code, out, err = watch(Scripted((NEWS, LocalError("full"))), once=True)
    assert (code, out) == (FAILED, [])
    assert err == [
        "before it broke off:",
        "log verified to 8 entries; 1 received",
        "roster 2 is in force",
        "envoi: full",
    ]
    assert watch(Scripted((QUIET, LocalError("full"))), once=True)[2] == ["envoi: full"]
    assert watch(Scripted((ALARM, AWAY)), once=True)[0] == CHEATING
    assert "before it broke off:" in watch(Scripted((NEWS, KeyboardInterrupt())), once=True)[2]
