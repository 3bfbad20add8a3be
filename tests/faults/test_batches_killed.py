"""kill -9 of the relay at every point at which it writes, with every kind of write under way.

After each death the relay starts again on the same home, and everything that it ever acknowledged is asked for again:
there exactly once, in a log that every checkpoint it ever handed out is a part of. Readers poll through all of it.
What was not acknowledged is sent again, byte for byte, and ends in one entry.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import envoi_server
from envoi_keys.entries import log_entry
from envoi_keys.statements import DISPATCH
from envoi_server import file_blobs, sequencer, sqlite_records

from .points import BEFORE_COMMIT, OF_A_BATCH, OF_A_SWEEP, OF_AN_UPLOAD
from .processes import until
from .world import KINDS, SENDERS, World


def test_the_list_of_write_points_is_complete() -> None:
    """A point that is added anywhere fails here until a test below stops the relay at it."""
    named = sequencer.WRITE_POINTS + sqlite_records.WRITE_POINTS + file_blobs.WRITE_POINTS
    assert sorted(named) == sorted(OF_A_BATCH + OF_AN_UPLOAD + OF_A_SWEEP)
    assert sorted(_called()) == sorted(named)


def _called() -> list[str]:
    """Every point that the relay's source passes to a hook, written out where it is passed."""
    points = []
    for path in Path(envoi_server.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("at", "_at"):
                argument = node.args[0]
                if isinstance(argument, ast.Constant):
                    points.append(str(argument.value))
                else:
                    # RosterChain.at(index) is no hook; a hook whose point is computed could not be found here.
                    assert ast.unparse(node.func.value).endswith("chain"), f"{path.name}:{node.lineno}"
    return points


@pytest.mark.parametrize("point", OF_A_BATCH)
def test_killed_at(point: str, world: World) -> None:
    """A batch that holds every kind of write dies with the relay at this point."""
    relay = world.relay
    before = world.dispatch("FR", "AU", "DE")
    before.keep(before.send())
    held, sent = world.dispatch("FR", "AU"), world.everything()
    assert {one.kind for one in sent} == set(KINDS)
    relay.order(point, waiting=len(sent))
    world.post(held)
    until(relay.held, "the relay to hold a batch back")
    world.post(*sent)
    relay.died()
    relay.start()
    # The group before it was committed, and answered unless the death was quicker than the answer.
    world.again([held] if held.lost() else [])
    lost = [one for one in sent if one.lost()]
    if point != "sequencer: answered":
        assert lost == sent, "answered before everybody could see it"
    entries = world.check()
    kept = [posted.note for posted in world.truth.submitted.values() if log_entry(DISPATCH, posted.note) in entries]
    missing = [note for note in world.truth.submitted if note not in kept]
    assert len(missing) == (len(SENDERS) if point in BEFORE_COMMIT else 0), "half a batch, or none where all was due"
    world.again(lost)
    after = world.check()
    assert after[: len(entries)] == entries
    assert len(after) - len(entries) == (5 if point in BEFORE_COMMIT else 0), "not one entry for each"
