"""Who takes part: 35 Partners, 3 adherents, the Point of Contact and the Chair, each with a home of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from envoi_client import config
from envoi_client.enrol import enrol_member, pin
from envoi_client.files import Home
from envoi_client.node import Node
from envoi_keys.regimes import Profile

from .processes import PASSPHRASE, WORK_FACTOR

Result = TypeVar("Result")


class Cast:
    """The homes of everybody, and the nodes that are open."""

    def __init__(self, directory: Path, profile: Profile) -> None:
        self.directory = directory
        self.names = {state.id: state.name for state in profile.states}
        self.names |= {office.id: office.name for office in profile.offices}
        self.partners = [state.id for state in profile.partners]
        self.nodes: dict[str, Node] = {}
        self._stack = ExitStack()

    def home(self, name: str) -> Path:
        """The directory of one home."""
        return self.directory / name

    def enrol(self) -> None:
        """Make a home with fresh keys for everybody."""
        for name, title in self.names.items():
            enrol_member(
                Home(self.home(name)),
                name,
                title,
                PASSPHRASE,
                now=int(time.time()),
                random=os.urandom,
                work_factor=WORK_FACTOR,
            )

    def pin(self, roster_id: str, relay: str) -> None:
        """Tell every home the relay's address and pin the roster that was read aloud."""
        for name in self.names:
            home = Home(self.home(name))
            config.save(home, config.Settings(member=name, relay=relay))
            pin(home, roster_id)

    def open(self, names: Iterable[str] | None = None) -> None:
        """Open the nodes of ``names``, or of everybody."""
        for name in names or self.names:
            self.nodes[name] = self._stack.enter_context(Node.open(Home(self.home(name)), PASSPHRASE))

    def close(self) -> None:
        """Close every node, so that commands can open the homes."""
        self._stack.close()
        self.nodes = {}

    def everybody(self, do: Callable[[Node], Result]) -> dict[str, Result]:
        """What each open node answers, one after the other."""
        return {name: do(node) for name, node in self.nodes.items()}
