"""What a caller may take: token buckets per name, and places for waits held open.

Memory is bounded: at most ``capacity`` names are remembered, and a name forgotten starts with a full bucket,
which is why only names that cost something to have (a member, an address) are used. Nothing here knows about
HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic


class TokenBuckets:
    """One bucket per name: ``burst`` tokens, refilled at ``rate`` a second."""

    __slots__ = ("_buckets", "_burst", "_capacity", "_clock", "_rate")

    def __init__(
        self, rate: float, burst: int, *, capacity: int = 16_384, clock: Callable[[], float] = monotonic
    ) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._capacity = capacity
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, name: str) -> float:
        """Seconds until there is a token to take; 0.0 if there is one. Takes none."""
        level = self._level(name, self._clock())
        return 0.0 if level >= 1.0 else (1.0 - level) / self._rate

    def _level(self, name: str, now: float) -> float:
        level, seen = self._buckets.get(name, (self._burst, now))
        return min(self._burst, level + (now - seen) * self._rate)

    def take(self, name: str, cost: float = 1.0) -> float:
        """Take ``cost`` tokens. 0.0 if they were there, else the seconds until they will be; then none is taken."""
        now = self._clock()
        level = self._level(name, now)
        cost = min(cost, self._burst)  # else what costs more than a burst could never be had
        self._buckets.pop(name, None)
        # Popped and put back, so that the dictionary stands in order of last use and its first is the idlest.
        if len(self._buckets) >= self._capacity:
            del self._buckets[next(iter(self._buckets))]
        if level >= cost:
            self._buckets[name] = (level - cost, now)
            return 0.0
        self._buckets[name] = (level, now)
        return (cost - level) / self._rate


class Places:
    """At most ``limit`` places held at once by each name."""

    __slots__ = ("_held", "_limit")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[str, int] = {}

    @contextmanager
    def hold(self, name: str) -> Iterator[bool]:
        """Hold a place inside the block; yields False, and holds nothing, if all are taken."""
        held = self._held.get(name, 0)
        if held >= self._limit:
            yield False
            return
        self._held[name] = held + 1
        try:
            yield True
        finally:
            left = self._held[name] - 1
            if left:
                self._held[name] = left
            else:
                del self._held[name]

    @property
    def total(self) -> int:
        """Places held now, by all names."""
        return sum(self._held.values())
