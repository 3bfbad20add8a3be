"""Many dispatches judged at once: inline when they are few, in worker processes when they are many.

Opening a body holds the interpreter's lock, so threads do not help; :func:`envoi_client.inbox.judge` is a
function of bytes, so processes do. Verdicts come back in the order in which the dispatches were served.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Final

from envoi_keys.errors import LocalError
from envoi_keys.limits import MIB
from envoi_keys.roster_chain import RosterChain

from ..age import HybridIdentity
from ..inbox import Served, Verdict, judge

MAX_AHEAD_BYTES: Final = 64 * MIB
"""Dispatches handed out and not yet taken, together: what is served may be large, and cores may be many."""
CHUNK: Final = 64
"""Dispatches handed to a worker at once: some 60 ms of work, and little to pass on."""
WORTH_A_POOL: Final = 400
"""Dispatches from which on starting workers, about half a second, pays."""

_worker: list[tuple[RosterChain, str, dict[str, HybridIdentity]]] = []


class Judges:
    """Judges for one member under one chain of rosters."""

    def __init__(
        self,
        chain: RosterChain,
        me: str,
        identities: Mapping[str, HybridIdentity],
        pool: ProcessPoolExecutor | None,
    ) -> None:
        self._chain = chain
        self._me = me
        self._identities = identities
        self._pool = pool
        self._ahead = 2 * (os.cpu_count() or 1)

    def judge(self, served: Iterable[Served]) -> Iterator[tuple[Served, Verdict]]:
        """Each dispatch with its verdict, in order. A few chunks are in work ahead of what is taken."""
        if self._pool is None:
            for one in served:
                yield one, judge(one, self._chain, self._me, self._identities)
            return
        source = iter(served)
        waiting: deque[tuple[list[Served], Future[list[Verdict]]]] = deque()
        ahead = 0
        try:
            while True:
                while (
                    len(waiting) < self._ahead
                    and (not waiting or ahead < MAX_AHEAD_BYTES)
                    and (chunk := list(islice(source, CHUNK)))
                ):
                    ahead += _size(chunk)
                    waiting.append((chunk, self._pool.submit(_judge_chunk, chunk)))
                if not waiting:
                    return
                chunk, future = waiting.popleft()
                yield from zip(chunk, future.result(), strict=True)
                ahead -= _size(chunk)
        except BrokenExecutor:
            raise LocalError(
                "a process that judges dispatches was ended by the system",
                hint="free some memory and run: envoi sync; it goes on where it stopped",
            ) from None


def _size(chunk: Iterable[Served]) -> int:
    return sum(len(one.note) + len(one.opening) + len(one.body) for one in chunk)


@contextmanager
def judges(chain: RosterChain, me: str, identities: Mapping[str, HybridIdentity], expected: int) -> Iterator[Judges]:
    """Judges for about ``expected`` dispatches; their processes end with the block."""
    if expected < WORTH_A_POOL or (os.cpu_count() or 1) < 2:
        yield Judges(chain, me, identities, None)
        return
    notes = [(link.note, link.index) for link in chain.links]
    secrets = {key: identity.encode() for key, identity in identities.items()}
    # spawn: a forked child would share the open store and the connection with its parent.
    with ProcessPoolExecutor(
        os.cpu_count(),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(notes, chain.exchange, me, secrets),
    ) as pool:
        yield Judges(chain, me, identities, pool)


def _start_worker(notes: list[tuple[bytes, int]], exchange: str, me: str, secrets: dict[str, str]) -> None:
    chain = RosterChain.begin(notes[0][0], exchange, notes[0][1])
    for note, index in notes[1:]:
        chain = chain.extended(note, index)
    identities = {key: HybridIdentity.parse(secret) for key, secret in secrets.items()}
    _worker[:] = [(chain, me, identities)]


def _judge_chunk(chunk: list[Served]) -> list[Verdict]:
    chain, me, identities = _worker[0]
    return [judge(served, chain, me, identities) for served in chunk]
