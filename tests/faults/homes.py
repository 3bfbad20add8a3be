"""Members with homes of their own, and the real ``envoi`` in processes of its own."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envoi_client import config
from envoi_client.age import HybridIdentity
from envoi_client.enrol import pin
from envoi_client.files import Home
from envoi_client.node import Node
from envoi_client.seeds import MemberSeeds, Secrets
from envoi_client.vault import Vault

from ..exchange import Exchange, seed
from .processes import SECONDS, script

PASSPHRASE = "correct horse battery staple"
WORK_FACTOR = 10


@dataclass(frozen=True)
class Typed:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Member:
    """One member's home in ``root``, which reaches the relay at ``relay``."""

    exchange: Exchange
    name: str
    root: Path
    relay: str

    def make(self) -> Member:
        """Make the home, with the keys that the roster has."""
        home = Home(self.root)
        home.create()
        party = self.exchange.party(self.name)
        seeds = MemberSeeds(
            self.name,
            signing=seed(f"{self.name} 0 signing", 64),
            sealing=tuple(HybridIdentity(one).encode() for one in party.sealing_seeds),
            transport=party.transport.private_bytes_raw(),
            cosigning=seed(f"{self.name} 0 cosigning"),
        )
        secrets = Secrets(store=seed(f"{self.name} store"), member=seeds)
        Vault.create(home.vault, PASSPHRASE, secrets, work_factor=WORK_FACTOR)
        config.save(home, config.Settings(member=self.name, relay=self.relay))
        pin(home, self.exchange.id)
        self._passphrase().touch(mode=0o600)
        self._passphrase().write_text(PASSPHRASE)
        return self

    def _passphrase(self) -> Path:
        return self.root / "passphrase"

    def node(self) -> Node:
        """Its node, open in this process; a context manager."""
        return Node.open(Home(self.root), PASSPHRASE)

    def begin(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Begin a command of ``envoi``."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ENVOI_")}
        return subprocess.Popen(
            [script("envoi"), *map(str, arguments), "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**kept, "ENVOI_HOME": str(self.root), "ENVOI_PASSPHRASE_FILE": str(self._passphrase())},
            start_new_session=True,
        )

    def type(self, *arguments: str | Path) -> Typed:
        """Run a command of ``envoi`` to its end."""
        return ended(self.begin(*arguments))


def ended(process: subprocess.Popen[str]) -> Typed:
    """What a process has printed when it has ended; it is killed if it does not end."""
    if process.stdout is not None and process.stdout.closed:
        return Typed(process.returncode, "", "")
    with process:
        try:
            out, err = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return Typed(process.returncode, out, err)
