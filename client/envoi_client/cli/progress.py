"""How far a long piece of work is: one line on a terminal that is written over, and nothing in a pipe.

It appears after a second and is gone before the answer, so that what is short and what is redirected stay clean.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Final, TextIO

_PATIENCE: Final = 1.0
_PAUSE: Final = 0.2
_CELLS: Final = 24
_CLEAR: Final = "\r\x1b[K"
_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB")


class Line:
    """The line; call it as :class:`envoi_client.node.session.Progress` says."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._what = ""
        self._begun = self._drawn = 0.0
        self._shown = False

    def __call__(self, what: str, done: int, size: int, unit: str = "bytes") -> None:
        """Draw the line, if it is time."""
        now = self._clock()
        if what != self._what:
            self._what, self._begun = what, now
        if done >= size:
            self.clear()
        elif now - self._begun >= _PATIENCE and now - self._drawn >= _PAUSE:
            self._drawn, self._shown = now, True
            self._stream.write(f"{_CLEAR}{what}  {_bar(done, size)}  {_of(done, size, unit)}")
            self._stream.flush()

    def clear(self) -> None:
        """Take the line away, if there is one."""
        if self._shown:
            self._shown = False
            self._stream.write(_CLEAR)
            self._stream.flush()


def _bar(done: int, size: int) -> str:
    filled = done * _CELLS // size
    return f"[{'#' * filled}{'.' * (_CELLS - filled)}] {100 * done // size:3d} %"


def _of(done: int, size: int, unit: str) -> str:
    if unit != _UNITS[0]:
        return f"{done} of {size} {unit}"
    step = 0
    while size >= 1024 ** (step + 1) and step + 1 < len(_UNITS):
        step += 1
    return f"{done // 1024**step} of {size // 1024**step} {_UNITS[step]}"
