"""The relay as ``envoi-poc serve`` runs it, in a process that kills itself, or fails to write, where a test says.

Run as a script: ``killable.py HOME ROSTER_ID PORT``. The file ``order.json`` in the home names a write point, and
whether to die there or to fail once; it can appear at any time. With ``waiting`` the next group is held back until so
many things wait behind it, so that they are in one batch, and the fate is that batch's.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

from envoi_server.app import create_app
from envoi_server.observability import configure_logging
from envoi_server.relay import Relay
from envoi_server.serve import Server, config
from envoi_server.settings import load
from envoi_server.storage import StorageError

ORDER = "order.json"
HELD = "held"
RUNNING = "running.json"
_HOLD_SECONDS = 30
_GATHERED = "sequencer: gathered"


class Fate:
    """A hook for every write point. ``waiting`` says how much waits for the sequencer."""

    def __init__(self, home: Path) -> None:
        self.waiting: Callable[[], int] = lambda: 0
        self._home = home
        self._held = False
        self._armed = False

    def __call__(self, point: str) -> None:
        try:
            order = json.loads((self._home / ORDER).read_text())
        except FileNotFoundError:
            return
        if point == _GATHERED and not self._armed:
            # The group that was held is to end well: what comes after it is what was ordered to fail.
            self._armed = self._held or not order["waiting"]
            self._hold(order["waiting"])
        if point != order["at"] or (order["waiting"] and not self._armed):
            return
        if order["die"]:
            os.kill(os.getpid(), signal.SIGKILL)
        self._armed = self._held = False
        (self._home / ORDER).unlink()
        raise StorageError("failed as ordered")

    def _hold(self, count: int) -> None:
        if self._held or not count:
            return
        self._held = True
        (self._home / HELD).touch()
        end = time.monotonic() + _HOLD_SECONDS
        while self.waiting() < count:
            if time.monotonic() > end:
                sys.stderr.write(f"only {self.waiting()} of {count} things wait\n")
                os._exit(9)
            time.sleep(0.002)


def _bound(host: str, port: int) -> socket.socket:
    """A socket on that port; somebody else's connection may have it for a moment while the relay is away."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    end = time.monotonic() + _HOLD_SECONDS
    while True:
        try:
            listening.bind((host, port))
            return listening
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def main(home: Path, roster_id: str, port: int) -> None:
    """Serve until told to stop, or killed."""
    settings = load(home, roster_id=roster_id, port=port)
    configure_logging(settings.log_level)
    fate = Fate(home)
    listening = _bound(settings.host, settings.port)
    url = f"http://{settings.host}:{listening.getsockname()[1]}"
    relay = Relay.open(settings, at=fate)
    fate.waiting = lambda: relay._sequencer.waiting
    front = create_app(relay, settings, url=url, at=fate)

    def ready() -> None:
        partial = home / f"{RUNNING}.partial"
        partial.write_text(json.dumps({"url": url, "port": listening.getsockname()[1], "pid": os.getpid()}))
        partial.replace(home / RUNNING)

    Server(config(front, settings), front, ready).run(sockets=[listening])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
