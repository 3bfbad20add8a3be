"""Remembering what was used once: token identifiers, for as long as they could be used again.

Two generations are kept and the older one is dropped whole, so each identifier is remembered for at least one
``window`` and at most two. When a generation is full, new identifiers are refused: forgetting an old one
instead would let it be replayed.
"""

from __future__ import annotations

import hashlib


class ReplayCache:
    """The identifiers used by each owner within the last ``window`` seconds.

    Each owner has room of its own, so that nobody can fill the room of another.
    """

    __slots__ = ("_capacity", "_owners", "_window")

    def __init__(self, window: float, capacity: int) -> None:
        self._window = window
        self._capacity = capacity
        self._owners: dict[str, _Generations] = {}

    def use(self, owner: str, identifier: str, now: float) -> bool | None:
        """True if ``identifier`` is new and now used; False if it was used before; None if there is no
        room.
        """
        generations = self._owners.get(owner)
        if generations is None:
            self._forget_idle(now)
            generations = self._owners[owner] = _Generations(now)
        generations.turn(now, self._window)
        # 16 bytes of a hash, whatever the caller chose: memory is bounded, and a collision within one owner's
        # window only refuses a proof that was good.
        digest = hashlib.blake2b(identifier.encode(), digest_size=16).digest()
        if digest in generations.present or digest in generations.past:
            return False
        if len(generations.present) >= self._capacity:
            return None
        generations.present.add(digest)
        return True

    def _forget_idle(self, now: float) -> None:
        for owner, generations in list(self._owners.items()):
            if now - generations.begun >= 2 * self._window:
                del self._owners[owner]


class _Generations:
    __slots__ = ("begun", "past", "present")

    def __init__(self, now: float) -> None:
        self.begun = now
        self.present: set[bytes] = set()
        self.past: set[bytes] = set()

    def turn(self, now: float, window: float) -> None:
        age = now - self.begun
        if age < window:
            return
        self.past = self.present if age < 2 * window else set()
        self.present = set()
        self.begun = now
