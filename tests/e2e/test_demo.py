"""``make demo``: the whole story is told, every step happened, and nothing is left behind but what is to be kept."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..tools import ROOT
from .site import MEMBERS, OFFICES, PASSPHRASE, Site, environment

with pytest.MonkeyPatch.context() as patch:
    # The demonstration is a script of the repository, in no wheel: nothing else is to see the root.
    patch.syspath_prepend(ROOT)
    from demo import run as story
    from demo.cast import Cast
    from demo.processes import Failed, RelayProcess

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


# The same story in an exchange that is small and founded already, without its twenty notices.


@pytest.fixture
def relays(founded: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[RelayProcess]]:
    """The relay that the demonstration starts in this test, in a list; it does not outlive the test."""
    started: list[RelayProcess] = []

    def found(_: story.Story, directory: Path, relay: RelayProcess, cast: Cast) -> None:
        founded.cloned(directory)
        # Whose home is looked at is nobody of this small exchange.
        shutil.copytree(directory / "AU", directory / "JP")
        relay.roster_id = founded.roster_id
        relay.start()
        started.append(relay)
        cast.names = {name: cast.names[name] for name in (*MEMBERS, *OFFICES, "JP")}
        cast.pin(founded.roster_id, relay.url)
        cast.open()

    monkeypatch.setattr(story, "_found", found)
    monkeypatch.setattr(story, "_exchange", lambda *_: None)
    monkeypatch.setattr("demo.cast.PASSPHRASE", PASSPHRASE)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    yield started
    for relay in started:
        relay.stop()


def test_a_cheat_that_nobody_notices_is_a_failure(
    relays: list[RelayProcess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # As if it were not seen: it was not played.
    monkeypatch.setattr(story, "tampered", lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr(sys, "argv", ["demo", "--keep"])
    assert story.main() == 1
    told = capsys.readouterr().out
    assert "\nFAILED: envoi sync ended with 0 instead of 3: " in told
    assert "caught by" not in told
    assert "everything happened" not in told
    # What failed is not kept, whatever was asked for.
    assert [relay.pid for relay in relays] == [0]
    assert list(tmp_path.iterdir()) == []


def test_an_answer_without_an_alarm_is_nobody_noticing() -> None:
    with pytest.raises(Failed, match="hides the newest dispatch: nobody noticed"):
        story._tell_caught(story.Story(), "hides the newest dispatch", "JP", {"alarms": []})


def test_what_is_kept_can_be_used_as_it_says(
    relays: list[RelayProcess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(story, "_cheat", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["demo", "--keep"])
    assert story.main() == 0
    told = capsys.readouterr().out
    (relay,) = relays
    said = re.search(
        r"the relay is still running at (http://127.0.0.1:\d+), process (\d+). Try:\n\n(.*?)\n\n", told, re.DOTALL
    )
    assert said
    assert int(said[2]) == relay.pid
    with urllib.request.urlopen(f"{said[1]}/readyz", timeout=10) as answer:
        assert json.load(answer)["ready"] is True
    commands = said[3].replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    assert [line.split()[1] for line in commands.splitlines()[1:]] == ["inbox", "status", "doctor", "deliveries"]
    tried = subprocess.run(
        ["sh", "-ec", commands], env=environment(), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (tried.returncode, tried.stderr) == (0, ""), tried.stdout + tried.stderr
    end = re.search(r"when you have seen enough: kill (\d+); rm -r (.*)\n$", told)
    assert end
    assert int(end[1]) == relay.pid
    os.kill(int(end[1]), signal.SIGTERM)
    relay.stop()
    assert [str(path) for path in tmp_path.iterdir()] == [end[2]]
