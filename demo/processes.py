"""The real programs of the demonstration: ``envoi`` and ``envoi-poc``, run as anybody would run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

PASSPHRASE = "an exercise passphrase, nothing more"
WORK_FACTOR = 10
"""scrypt's N is 2^10 here, so that forty vaults open in no time; a real vault takes 2^18."""
_START_SECONDS = 20


class Failed(Exception):
    """Something did not happen as it must; the message says what."""


def command(name: str) -> str:
    """The path of an installed program beside this interpreter."""
    return str(Path(sys.executable).with_name(name))


def run(name: str, *arguments: str | Path, home: Path, expect: int = 0) -> Any:
    """Run one command with ``--json`` and return what it printed. Raises Failed for another exit code."""
    environment = dict(os.environ, ENVOI_PASSPHRASE_FILE=str(passphrase_file(home.parent)))
    done = subprocess.run(
        [command(name), *map(str, arguments), "--home", str(home), "--json"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode != expect:
        said = done.stderr.strip() or done.stdout.strip()
        raise Failed(f"{name} {arguments[0]} ended with {done.returncode} instead of {expect}: {said}")
    return json.loads(done.stdout) if done.stdout.strip() else None


def passphrase_file(directory: Path) -> Path:
    """A private file with the passphrase of every vault in the demonstration."""
    path = directory / "passphrase"
    if not path.exists():
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(PASSPHRASE)
    return path


class RelayProcess:
    """``envoi-poc serve`` on a free port of the loopback. Started and stopped by its own process id."""

    def __init__(self, home: Path, roster_id: str) -> None:
        self.home = home
        self.roster_id = roster_id
        self.url = ""
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, on the same port as before if there was one, and wait until it says that it is ready."""
        running = self.home / "relay.json"
        log = (self.home / "relay.log").open("ab")
        self._process = subprocess.Popen(
            [
                command("envoi-poc"),
                "serve",
                *("--home", str(self.home)),
                *("--roster-id", self.roster_id),
                *("--port", str(self.port)),
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError, ValueError):
                said = json.loads(running.read_text())
                if said["pid"] == self._process.pid:
                    self.url, self.port = said["url"], said["port"]
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise Failed(f"the relay did not start; see {self.home / 'relay.log'}")

    def stop(self) -> None:
        """Stop it and wait for its end."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid if self._process else 0
