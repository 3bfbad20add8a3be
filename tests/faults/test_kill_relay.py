"""kill -9 of the relay at every write point: after the restart each acknowledged dispatch is there exactly once."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from envoi_keys import frames
from envoi_server import log_key, sequencer, sqlite_records
from envoi_server.relay import Acceptance, Relay
from envoi_server.settings import Settings, load

from ..exchange import ORIGIN, Exchange, seed
from ..tools import ROOT
from ..unit.server.core.harness import Feed
from .doomed_relay import EACH, SENDERS

pytestmark = pytest.mark.anyio
POINTS = (*sequencer.WRITE_POINTS, *sqlite_records.WRITE_POINTS)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home whose log key is the one that the exchange's roster names."""
    Relay.initialise(tmp_path, ORIGIN)
    (tmp_path / log_key.FILE_NAME).write_bytes(seed(f"{ORIGIN} 0 log", 64))
    (tmp_path / "relay.toml").write_text(f'origin = "{ORIGIN}"\nroster_id = "{Exchange.make(4).id}"\n')
    (tmp_path / "posted").mkdir()
    return load(tmp_path)


def doom(home: Path, point: str, nth: int) -> dict[str, int]:
    """Run a relay to its death; what it acknowledged before, with the indexes."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.doomed_relay", str(home), point, str(nth)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    # A line that the kill cut short was not heard by anybody.
    heard = [line.split() for line in done.stdout.splitlines(keepends=True) if line.endswith("\n")]
    return {name: int(index) for name, index in heard}


@pytest.mark.parametrize("nth", [1, 4])
@pytest.mark.parametrize("point", POINTS)
async def test_what_was_acknowledged_is_there_exactly_once(settings: Settings, point: str, nth: int) -> None:
    exchange = Exchange.make(4)
    acknowledged = await asyncio.to_thread(doom, settings.home, point, nth)
    relay = Relay.open(settings)
    assert relay.check() == []
    relay.start(asyncio.get_running_loop())
    try:
        # ML-DSA signatures differ each time: the same roster again means the same bytes again.
        first = await relay.accept_roster(relay.roster_note(1) or exchange.notes[0])
        assert isinstance(first, Acceptance)
        assert not ("roster" in acknowledged and first.created)
        size = relay.size
        # What was acknowledged is in the log where its publisher was told, before anybody sends it again.
        for name, index in acknowledged.items():
            if name != "roster":
                note = frames.unpack((settings.home / "posted" / name).read_bytes())[0]
                assert index < size
                assert [one[0] for one in Feed.read(relay, name[:2]).entries if one[1] == note] == [index]
        indexes = await everything_again(relay, settings.home, acknowledged)
        assert len(set(indexes.values())) == len(indexes)
        assert sorted(indexes.values()) == list(range(1, relay.size))
        for name in (*SENDERS, "AT"):
            assert Feed.read(relay, name).indexes == list(range(relay.size))
        assert relay.check() == []
    finally:
        relay.close()


async def everything_again(relay: Relay, home: Path, acknowledged: dict[str, int]) -> dict[str, int]:
    """Every member sends again, in order, what it had written down; where it is now."""
    indexes = {}
    for name in SENDERS:
        for number in range(1, EACH + 1):
            posted = home / "posted" / f"{name}-{number}"
            if not posted.exists():
                break
            answer = await relay.accept_dispatch(name, posted.read_bytes())
            assert isinstance(answer, Acceptance), answer
            told = acknowledged.get(posted.name)
            assert told is None or (answer.index, answer.created) == (told, False)
            indexes[posted.name] = answer.index
    return indexes
