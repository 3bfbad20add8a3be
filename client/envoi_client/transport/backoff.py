"""How long to wait before the next try: doubling from half a second, capped, and never in step with others.

Any answer resets it, so an outage of an hour does not keep a member away for another. ``Retry-After`` counts
where it asks for more, up to a limit.
"""

from __future__ import annotations

from collections.abc import Callable

from ..limits import FIRST_BACKOFF, MAX_BACKOFF


class Backoff:
    """The failures in a row of one connection, and the wait that follows from them."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self.failures = 0

    def reset(self) -> None:
        """Somebody answered."""
        self.failures = 0

    def failed(self) -> float:
        """Count a failure; the seconds to wait: between half the bound and the bound, at random."""
        # The exponent is bounded too: after a week of failures 2.0**n would overflow.
        bound = min(MAX_BACKOFF, FIRST_BACKOFF * 2.0 ** min(self.failures, 16))
        self.failures += 1
        jitter = int.from_bytes(self._random(4), "big") / 2**32
        return bound * (0.5 + jitter / 2)
