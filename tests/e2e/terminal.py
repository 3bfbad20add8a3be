"""A terminal of our own: a process that believes a person sits before it, and the person's part."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

SECONDS = 60
_TAKE = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


class Terminal:
    """One program on a terminal; a context manager. ``screen`` is all that it has shown so far."""

    def __init__(self, words: Sequence[str | Path], environment: dict[str, str], directory: Path) -> None:
        self._ours, theirs = pty.openpty()
        self.screen = ""
        # A session of its own with this terminal as the controlling one: /dev/tty is ours, and not the developer's.
        # Taken by a program in between, since no code of this process with its threads may run after a fork.
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-c", _TAKE, *map(str, words)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**environment, "TERM": "xterm-256color"},
            cwd=directory,
            start_new_session=True,
        )
        os.close(theirs)

    def expect(self, text: str) -> None:
        """Read on until ``text`` has been shown."""
        end = time.monotonic() + SECONDS
        while text not in self.screen:
            assert time.monotonic() < end, f"{text!r} was not shown:\n{self.screen}"
            if not self._read(0.1) and self.process.poll() is not None and not self._read(0.1):
                raise AssertionError(f"{text!r} was not shown before the end:\n{self.screen}")

    def enter(self, line: str) -> None:
        """Type a line."""
        os.write(self._ours, f"{line}\n".encode())

    def end(self) -> int:
        """Read on to the end; the exit code."""
        while self._read(0.1) or self.process.poll() is None:
            pass
        return self.process.wait(SECONDS)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._ours], [], [], seconds)[0]:
            return False
        # Linux says EIO when nobody has the other end open any more.
        with contextlib.suppress(OSError):
            piece = os.read(self._ours, 65536)
            self.screen += piece.decode("utf-8", "replace").replace("\r\n", "\n")
            return bool(piece)
        return False

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(SECONDS)
        os.close(self._ours)
