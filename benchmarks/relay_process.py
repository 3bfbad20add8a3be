"""A real relay for a benchmark: `envoi-poc serve` in a process of its own, on a free port, its home on a disk.

What it costs is asked of the kernel: the processor time of that process, all its threads together.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from envoi_keys.dispatches import Dispatch
from envoi_keys.frames import unpack
from envoi_keys.notes import Note
from envoi_server.relay import Acceptance, Relay
from envoi_server.settings import Settings, load

from .exchange import Exchange

ORIGIN = "benchmark.example/log"
_START_SECONDS = 30
_AT_ONCE = 64


class RelayHome:
    """A relay's home with the first roster of a fresh exchange in its log."""

    def __init__(self, home: Path) -> None:
        home.mkdir(mode=0o700)
        self.home = home
        self.exchange = Exchange.make(Relay.initialise(home, ORIGIN))
        self.fill([])

    @property
    def _settings(self) -> Settings:
        return load(self.home, origin=ORIGIN, roster_id=self.exchange.id)

    def fill(self, submissions: Iterable[bytes]) -> None:
        """Let the relay accept these in this process, without HTTP; the roster first, if it is not there."""
        asyncio.run(self._fill(submissions))

    async def _fill(self, submissions: Iterable[bytes]) -> None:
        relay = Relay.open(self._settings)
        relay.start(asyncio.get_running_loop())
        try:
            _accepted(await relay.accept_roster(self.exchange.note))
            group: list[asyncio.Future[object]] = []
            for submission in submissions:
                sender = Dispatch.parse(Note.parse(unpack(submission, 3)[0]).text).sender
                group.append(asyncio.ensure_future(relay.accept_dispatch(sender, submission)))
                if len(group) == _AT_ONCE:
                    for answer in await asyncio.gather(*group):
                        _accepted(answer)
                    group = []
            for answer in await asyncio.gather(*group):
                _accepted(answer)
        finally:
            relay.close()

    @contextmanager
    def serving(self) -> Iterator[RelayProcess]:
        """The relay in a process of its own until the block ends."""
        command = [str(Path(sys.executable).with_name("envoi-poc")), "serve", "--home", str(self.home)]
        command += ["--roster-id", self.exchange.id, "--port", "0"]
        with (self.home / "relay.log").open("ab") as log:
            environment = dict(os.environ, ENVOI_POC_ORIGIN=ORIGIN)
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            yield RelayProcess(process.pid, wait_for(lambda: self._url(process)))
        finally:
            process.terminate()
            process.wait(30)

    def _url(self, process: subprocess.Popen[bytes]) -> str | None:
        if process.poll() is not None:
            raise RuntimeError("the relay did not start: " + (self.home / "relay.log").read_text()[-1000:])
        with suppress(OSError, ValueError):
            said = json.loads((self.home / "relay.json").read_text())
            if said["pid"] == process.pid:
                return str(said["url"])
        return None


class RelayProcess:
    """A relay that serves at ``url``."""

    def __init__(self, pid: int, url: str) -> None:
        self.pid = pid
        self.url = url

    @property
    def port(self) -> int:
        """Where it listens on the loopback."""
        return int(self.url.rpartition(":")[2])

    def cpu_seconds(self) -> float:
        """Processor time that it has used until now, in user and kernel."""
        # proc(5): after the name in brackets, fields 14 and 15 of the line are utime and stime.
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_for(ready: Callable[[], str | None]) -> str:
    """What ``ready`` says once it says something. Raises TimeoutError."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if said := ready():
            return said
        time.sleep(0.02)
    raise TimeoutError("a server did not start")


def _accepted(answer: object) -> None:
    if not isinstance(answer, Acceptance):
        raise TypeError(f"the relay did not accept: {answer}")
