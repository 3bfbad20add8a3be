"""A commit that fails, for each kind of write: once not persisted, and once persisted although it reported failure.

The sender is told the truth, that it is not known to be stored. Afterwards the relay knows which it was: readers are
woken for what was kept, the same bytes sent again end in one entry, and no index is skipped or given twice.
"""

from __future__ import annotations

from http import HTTPStatus

import pytest

from envoi_client.transport.errors import Busy
from envoi_keys.entries import log_entry
from envoi_keys.statements import DISPATCH

from .processes import until
from .world import KINDS, LOGGED, SENDERS, World

OUTCOMES = {"records: written": False, "records: committed": True}
"""Where a commit fails, and whether what it wrote was kept."""


@pytest.mark.parametrize("point", OUTCOMES)
@pytest.mark.parametrize("kind", KINDS)
def test_failed(kind: str, point: str, world: World) -> None:
    """A commit of one thing alone."""
    before, sent, kept = world.check(), world.one(kind), OUTCOMES[point]
    world.relay.order(point, die=False)
    with pytest.raises(Busy):
        sent.send()
    assert world.relay.obeyed()
    # Before it is sent again: what was kept is in the log, and the readers have been woken for it.
    after = world.check()
    logged = kind in LOGGED
    assert len(after) - len(before) == (kept and logged)
    reply = sent.send()
    if logged:
        assert reply.status == (HTTPStatus.OK if kept else HTTPStatus.CREATED)
    sent.keep(reply)
    assert sent.send().body == reply.body
    assert len(world.check()) - len(before) == logged


@pytest.mark.parametrize("point", OUTCOMES)
def test_failed_in_one_batch(point: str, world: World) -> None:
    """A commit of one of each kind together: all of them are kept, or none."""
    before, held, sent = world.check(), world.dispatch("FR", "AU"), world.everything()
    world.relay.order(point, waiting=len(sent), die=False)
    world.post(held)
    until(world.relay.held, "the relay to hold a batch back")
    world.post(*sent)
    lost = [one for one in sent if one.lost()]
    assert lost == sent, "acknowledged although it failed"
    assert not held.lost()
    assert world.relay.obeyed()
    kept = len(SENDERS) + 2 if OUTCOMES[point] else 0
    assert len(world.check()) - len(before) == 1 + kept
    world.again(sent)
    assert len(world.check()) - len(before) == 1 + len(SENDERS) + 2


def test_failing_again_and_again(world: World) -> None:
    """Every retry fails another way; in the end there is one entry."""
    before, sent = world.check(), world.dispatch("AT", "FR", "DE")
    for point in ("records: begun", "sequencer: signed", "records: written", "sequencer: joined"):
        world.relay.order(point, die=False)
        with pytest.raises(Busy):
            sent.send()
    assert world.check() == before
    world.relay.order("sequencer: durable", die=False)
    with pytest.raises(Busy):
        sent.send()
    assert len(world.check()) == len(before) + 1
    # Nothing is committed now, so nothing can fail.
    assert sent.send().status == HTTPStatus.OK
    sent.keep(sent.send())
    assert len(world.check()) == len(before) + 1


def test_an_acknowledgement_is_of_what_the_log_holds(world: World) -> None:
    """Two senders in turn, every other commit failing: each answer's proof is for the entry that its sender made."""
    posted = []
    for turn, name in enumerate(("FR", "DE") * 4):
        sent = world.dispatch(name, "AT")
        posted.append(sent)
        if turn % 2:
            world.relay.order("records: committed" if turn % 4 == 1 else "records: written", die=False)
            with pytest.raises(Busy):
                sent.send()
        sent.keep(sent.send())
    entries = world.check()
    last = [log_entry(DISPATCH, note) for note in world.truth.submitted][-len(posted) :]
    assert entries[-len(posted) :] == last
