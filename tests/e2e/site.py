"""A small exchange on this machine, made with the two programs themselves: five Partners, two offices, three officers.

The relay is a process of its own on a free port. The commands of ``envoi`` run in this process, which is what
:func:`envoi_client.cli.main` does with them; where a process of its own matters a test starts one.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

from envoi_client.cli import run

from ..faults.processes import script, until

PASSPHRASE = "correct horse battery staple"
MEMBERS = ("AR", "AU", "BE", "DE", "FR")
OFFICES = ("CHAIR", "POC")
OFFICERS = ("anne", "bruno", "claire")
SIGNERS = ("anne", "bruno", "CHAIR", "AR", "AU", "BE")
"""Two of three officers, the Chair and three Partners: the profile's quorum."""
EXPIRES = "2036-01-01T00:00:00Z"
WORK_FACTOR = ("--work-factor", "10")


@dataclass(frozen=True)
class Typed:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(**variables: str) -> dict[str, str]:
    """This environment without anything of ours in it, and with ``variables``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ENVOI_")}
    return kept | {"PYTHONSAFEPATH": "1", "COLUMNS": "80"} | variables


class Relay:
    """``envoi-poc serve`` in a process of its own; it keeps its port over restarts."""

    def __init__(self, home: Path, roster_id: str) -> None:
        self.home = home
        self.url = ""
        self._roster_id = roster_id
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.home.with_name("relay.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(script("envoi-poc"), "serve", "--home", str(self.home)),
                    *("--roster-id", self._roster_id, "--port", str(self._port)),
                ],
                stdout=log,
                stderr=log,
                env=environment(),
                start_new_session=True,
            )
        until(self._serves, "the relay to serve", every=0.02)

    def _serves(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.home.with_name("relay.log").read_text()[-2000:]
        with contextlib.suppress(OSError, ValueError):
            said = json.loads((self.home / "relay.json").read_text())
            if said["pid"] == self._process.pid:
                self.url, self._port = said["url"], said["port"]
                return True
        return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None


class Site:
    """The homes in ``root``, each under its owner's name; commands run in that directory."""

    def __init__(self, root: Path, roster_id: str = "") -> None:
        self.root = root
        self.roster_id = roster_id
        self.relay = Relay(root / "relay", roster_id)

    @property
    def passphrase(self) -> Path:
        return self.root / "passphrase"

    def variables(self, home: str | None = None) -> dict[str, str]:
        """The environment of somebody at work in ``home``."""
        named = {"ENVOI_HOME": str(self.root / home)} if home else {}
        return environment(ENVOI_PASSPHRASE_FILE=str(self.passphrase), **named)

    def envoi(self, home: str | None, *words: str | Path, stdin: bytes = b"", **variables: str) -> Typed:
        """Run one command as the owner of ``home``, in this process."""
        return typed([str(word) for word in words], self.variables(home) | variables, directory=self.root, stdin=stdin)

    def ok(self, home: str | None, *words: str | Path) -> Any:
        """What a command answers with ``--json``; it must end with 0."""
        done = self.envoi(home, *words, "--json")
        assert done.code == 0, f"{words}: {done.out}{done.err}"
        return done.json

    def process(self, home: str | None, *words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run one command in a process of its own."""
        return subprocess.run(
            [script("envoi"), *map(str, words)],
            env=self.variables(home) | options.pop("variables", {}),
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            **options,
        )

    def found(self) -> None:
        """Make everybody's keys, sign the first roster, publish it, and let everybody pin and read it."""
        self.passphrase.touch(mode=0o600)
        self.passphrase.write_text(f"{PASSPHRASE}\n")
        made = subprocess.run(
            [script("envoi-poc"), "init", "--origin", "poc.example/mtcr", "--home", str(self.root / "relay"), "--json"],
            env=environment(),
            capture_output=True,
            check=True,
        )
        keys = [word for key in json.loads(made.stdout)["keys"] for word in ("--log-key", key)]
        enrolments = [self.ok(name, "init", "--member", name, *WORK_FACTOR)["enrolment"] for name in MEMBERS + OFFICES]
        officers = [
            self.ok(name, "officer", "init", f"POC/{name}", "--state", "FR", *WORK_FACTOR)["enrolment"]
            for name in OFFICERS
        ]
        proposal = ("--enrolment", *enrolments, "--officer", *officers, *keys, "--expires", EXPIRES)
        self.ok("anne", "roster", "propose", "roster-1.note", "--holds", "CHAIR=DE", *proposal)
        for name in SIGNERS[1:]:
            signed = self.ok(name, "roster", "sign", "roster-1.note", "--yes")
        assert signed["quorum_met"]
        self.roster_id = signed["id"]
        self.relay = Relay(self.root / "relay", self.roster_id)
        self.relay.start()
        self.ok("anne", "roster", "publish", "roster-1.note", "--relay", self.relay.url)
        for name in MEMBERS + OFFICES:
            self.ok(name, "init", "--relay", self.relay.url, "--roster-id", self.roster_id)
            self.ok(name, "sync")

    def sync(self, *names: str) -> None:
        """One round of each of ``names``, which must find nothing wrong."""
        for name in names:
            self.ok(name, "sync")

    def alter(self, statement: str) -> int:
        """What an operator can do: change the relay's database behind its back. How many rows it changed."""
        self.relay.stop()
        with contextlib.closing(sqlite3.connect(self.root / "relay" / "relay.db")) as database, database:
            changed = database.execute(statement).rowcount
        self.relay.start()
        return changed

    def cloned(self, root: Path) -> Site:
        """A copy of this exchange in ``root``, at rest."""
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        return Site(root, self.roster_id)

    @contextlib.contextmanager
    def copied(self, root: Path) -> Iterator[Site]:
        """A copy of this exchange in ``root``, with a relay of its own that runs while the block does."""
        copy = self.cloned(root)
        copy.relay.start()
        try:
            for name in MEMBERS + OFFICES:
                config = root / name / "config.toml"
                config.write_text(config.read_text().replace(self.relay.url, copy.relay.url))
            yield copy
        finally:
            copy.relay.stop()


def typed(
    words: list[str],
    variables: dict[str, str],
    *,
    directory: Path,
    stdin: bytes = b"",
    program: Callable[[Sequence[str]], int] = run,
) -> Typed:
    """Run one command of ``program`` in this process as if it were one of its own."""
    streams = [TextIOWrapper(BytesIO(raw), "utf-8", write_through=True) for raw in (stdin, b"", b"")]
    before = (dict(os.environ), Path.cwd(), (sys.stdin, sys.stdout, sys.stderr))
    try:
        os.environ.clear()
        os.environ.update(variables)
        os.chdir(directory)
        sys.stdin, sys.stdout, sys.stderr = streams
        code = program(words)
    finally:
        sys.stdin, sys.stdout, sys.stderr = before[2]
        os.chdir(before[1])
        os.environ.clear()
        os.environ.update(before[0])
    out, err = (stream.buffer.getvalue().decode("utf-8", "backslashreplace") for stream in streams[1:])
    return Typed(code, out, err)
