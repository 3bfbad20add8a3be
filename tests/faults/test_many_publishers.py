"""35 publishers at once, each with a token of its own, each to all others, while readers poll: one order for all."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http import HTTPStatus
from itertools import pairwise
from threading import Barrier

import pytest

from envoi_keys.entries import log_entry
from envoi_keys.statements import DISPATCH, ROSTER

from ..exchange import PARTNERS, Exchange
from .parties import Caller, Sender
from .processes import RelayProcess
from .readers import Reader
from .truth import Truth

EACH = 2
READERS = ("FR", "GB", "CHAIR", "POC")


@pytest.fixture
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RelayProcess]:
    with RelayProcess(tmp_path_factory.mktemp("many") / "home", Exchange.make(len(PARTNERS))) as made:
        yield made


def test_35_publishers_at_once(relay: RelayProcess) -> None:
    exchange = relay.exchange
    truth = Truth(exchange)
    with closing(Caller(relay.url, exchange)) as stranger:
        truth.proved(ROSTER, exchange.notes[0], stranger.send("POST", "/v1/roster", exchange.notes[0]).body)
    made = {}
    for name in PARTNERS:
        sender = Sender(exchange, name)
        # Made before anybody begins: it is the relay that is to be busy.
        made[name] = [sender.compose(*(to for to in PARTNERS if to != name)) for _ in range(EACH)]
    truth.submitted = {posted.note: posted for several in made.values() for posted in several}
    readers = [Reader(relay.url, exchange, name, truth) for name in READERS]
    together = Barrier(len(PARTNERS))

    def publish(name: str) -> list[int]:
        with closing(Caller(relay.url, exchange, name)) as caller:
            caller.get("/log/checkpoint")
            together.wait()
            replies = [caller.send("POST", "/v1/dispatches", posted.raw) for posted in made[name]]
        assert {reply.status for reply in replies} == {HTTPStatus.CREATED}
        found = [truth.proved(DISPATCH, one.note, reply.body) for one, reply in zip(made[name], replies, strict=True)]
        assert all(earlier < later for earlier, later in pairwise(found))
        return found

    with ThreadPoolExecutor(len(PARTNERS)) as pool:
        indexes = [index for found in pool.map(publish, PARTNERS) for index in found]
    assert sorted(indexes) == list(range(1, len(PARTNERS) * EACH + 1))
    # Numbers without a gap for every pair, every proof, every member's whole feed, every checkpoint on one history.
    entries = truth.check(relay)
    assert set(entries[1:]) == {log_entry(DISPATCH, note) for note in truth.submitted}
    for reader in readers:
        reader.caught_up(entries)
        assert reader.breaks == 0
        reader.stop()
    # They committed in groups: fewer checkpoints were signed than dispatches acknowledged.
    assert len(truth.roots) < len(entries)
    relay.stop()
    for reader in readers:
        reader.join()
    truth.close()
