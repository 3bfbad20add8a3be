"""Real processes: started by a test, waited for on conditions, and stopped by their own process id."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from envoi_server import schema

from ..exchange import ORIGIN, Exchange, seed
from . import killable

SECONDS = 60
"""How long a condition may take to come true on a busy machine; nothing waits this long when all is well."""


def until(condition: Callable[[], object], what: str, seconds: float = SECONDS, every: float = 0.01) -> None:
    """Return when ``condition`` holds; fail with ``what`` was waited for after so many ``seconds``."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain: {what}"
        time.sleep(every)


class RelayProcess:
    """A relay of an exchange in a process of its own; a context manager. It keeps its port over restarts.

    ``log`` is where it logs, beside its home by default; the rest are settings by name.
    """

    def __init__(self, home: Path, exchange: Exchange, *, log: Path | None = None, **settings: object) -> None:
        self.home = home
        self.log = log or home.with_name(f"{home.name}.log")
        self.exchange = exchange
        self.url = ""
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = _variables(settings)
        home.mkdir(mode=0o700, exist_ok=True)
        key = home / "log.key"
        key.touch(mode=0o600)
        key.write_bytes(seed(f"{ORIGIN} 0 log", 64))
        schema.migrate(f"sqlite:///{home / 'relay.db'}")

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def start(self, **settings: object) -> RelayProcess:
        """Start it, with some settings changed, and wait until it serves."""
        self.launch(**settings)
        until(self._serves, "the relay to serve")
        return self

    def launch(self, **settings: object) -> None:
        """As :meth:`start`, without waiting: it may die before it serves."""
        environment = {**self._environment, **_variables(settings)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, killable.__file__, str(self.home), self.exchange.id, str(self.port)],
                stdout=log,
                stderr=log,
                env={**os.environ, "ENVOI_POC_ORIGIN": ORIGIN, **environment},
                start_new_session=True,
            )

    def _serves(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the relay did not start: {self.log.read_text()[-2000:]}"
        with contextlib.suppress(FileNotFoundError):
            said = json.loads((self.home / killable.RUNNING).read_text())
            if said["pid"] == self._process.pid:
                self.url, self.port = said["url"], said["port"]
                return True
        return False

    def order(self, point: str, waiting: int = 0, *, die: bool = True) -> None:
        """Let it die at a write point, or fail there once; with ``waiting``, in a batch of so many things."""
        (self.home / killable.HELD).unlink(missing_ok=True)
        partial = self.home / f"{killable.ORDER}.partial"
        partial.write_text(json.dumps({"at": point, "die": die, "waiting": waiting}))
        partial.replace(self.home / killable.ORDER)

    def obeyed(self) -> bool:
        """Whether a failure that was ordered has happened."""
        return not (self.home / killable.ORDER).exists()

    def held(self) -> bool:
        """Whether it holds a group back, as ordered."""
        return (self.home / killable.HELD).exists()

    def countermand(self) -> None:
        """Take the order back."""
        (self.home / killable.ORDER).unlink(missing_ok=True)
        (self.home / killable.HELD).unlink(missing_ok=True)

    def died(self) -> None:
        """Wait for the death that was ordered; nothing else counts."""
        assert self._process is not None
        assert self._process.wait(SECONDS) == -signal.SIGKILL, self.log.read_text()[-2000:]
        self.countermand()

    def alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """kill -9, now."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(SECONDS)

    def stop(self) -> None:
        """Ask it to stop, and wait."""
        if self._process is not None and self.alive():
            self._process.terminate()
            self._process.wait(SECONDS)

    def __enter__(self) -> RelayProcess:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.alive():
            self.kill()


def _variables(settings: Mapping[str, object]) -> dict[str, str]:
    return {f"ENVOI_POC_{name.upper()}": str(value) for name, value in settings.items()}


def script(name: str) -> str:
    """The path of an installed command."""
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    assert found is not None, f"{name} is not installed beside this interpreter"
    return found
