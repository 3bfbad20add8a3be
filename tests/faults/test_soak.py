"""kill -9 of the relay at random moments under load, over and over: a few times here, for minutes in `make soak`.

No hook says where it dies, so this finds what nobody has named. ENVOI_SOAK_SECONDS says for how long; the seed of
every run is in the report of a failure, and ENVOI_SOAK_SEED repeats its moments, though never quite its interleaving.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from envoi_client.transport.errors import Unreachable
from envoi_keys.entries import log_entry
from envoi_keys.statements import DISPATCH

from .processes import SECONDS
from .world import SENDERS, Sent, World

T = TypeVar("T")
SOAK_SECONDS = float(os.environ.get("ENVOI_SOAK_SECONDS", "6"))
SOAK_SEED = int(os.environ.get("ENVOI_SOAK_SEED", "0")) or random.SystemRandom().randrange(1 << 32)
LONGEST = 0.8
"""Seconds of load before a kill: some groups are committed, and the write-ahead log is copied back now and then."""


class Load:
    """Members that send all kinds of things, and send again what was not acknowledged, until they are stopped."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stop = threading.Event()
        self._failures: list[BaseException] = []
        self.repeated = 0
        others = {name: tuple(to for to in (*SENDERS, "AU", "CHAIR") if to != name) for name in SENDERS}
        work: list[Callable[[], Sent]] = [partial(world.dispatch, name, *others[name]) for name in SENDERS]
        # One thread for what counts its rounds: rosters follow each other, and so do receipts.
        kinds = ("receipt", "blob record", "delegation", "cosignature", "enrolment", "roster")
        self._turn = 0
        work.append(lambda: self._next(kinds))
        self._threads = [threading.Thread(target=self._run, args=(make,)) for make in work]
        for thread in self._threads:
            thread.start()

    def _next(self, kinds: tuple[str, ...]) -> Sent:
        self._turn += 1
        return self._again(lambda: self._world.one(kinds[self._turn % len(kinds)]))

    def _run(self, make: Callable[[], Sent]) -> None:
        try:
            while not self._stop.is_set():
                sent = make()
                self._again(lambda sent=sent: sent.keep(sent.send()))  # type: ignore[misc]
        except BaseException as error:  # noqa: BLE001 - told by end(), in the test's own thread
            self._failures.append(error)

    def _again(self, do: Callable[[], T]) -> T:
        end = time.monotonic() + SECONDS
        while True:
            try:
                return do()
            except Unreachable:
                self.repeated += 1
                if time.monotonic() > end:
                    raise
                self._stop.wait(0.05)

    def end(self) -> None:
        """Let each have its last acknowledgement."""
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * SECONDS)
        assert self._failures == []


def test_killed_at_random_moments_under_load(world: World) -> None:
    drawn = random.Random(SOAK_SEED)
    end = time.monotonic() + SOAK_SECONDS
    kills = repeated = 0
    try:
        while time.monotonic() < end or kills < 2:
            load = Load(world)
            time.sleep(drawn.uniform(0, LONGEST))
            world.relay.kill()
            world.relay.start()
            kills += 1
            load.end()
            repeated += load.repeated
            entries = world.check()
            assert {log_entry(DISPATCH, note) for note in world.truth.submitted} <= set(entries)
    except BaseException as error:
        error.add_note(f"ENVOI_SOAK_SEED={SOAK_SEED}, kill {kills}")
        raise
    print(f"{kills} kills, {repeated} failed sendings, {len(entries)} entries, seed {SOAK_SEED}")
    assert repeated >= kills, "no kill ever met a request"
