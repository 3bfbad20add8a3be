"""What one run of a node works with: its keys, its store, its way to the relay, its clock and its randomness.

Nothing here decides anything. The clock and the randomness are given from outside, so that a test can bring
its own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from envoi_keys.errors import Fraud, LocalError, PeerError, Refused
from envoi_keys.regimes import Profile
from envoi_keys.roster_chain import RosterChain
from envoi_keys.rosters import Roster
from envoi_keys.signing import Cosigner, Signer

from ..age import HybridIdentity
from ..files import Home
from ..store import Store
from ..transport import Transport


class Progress(Protocol):
    """Called with what is going on, how much of it is done, and how much there is in all."""

    def __call__(self, what: str, done: int, size: int, unit: str = "bytes") -> None:
        """Take note of it; it must not fail."""


def silent(what: str, done: int, size: int, unit: str = "bytes") -> None:
    """The progress that nobody watches."""


REREAD: Final = "reread"
"""The name in the store under which the next reading of the feed begins, if that is below its cursor."""


@dataclass(frozen=True, slots=True)
class MemberKeys:
    """The secrets of one member at work, each kind for one purpose.

    ``sealing`` maps each own sealing key (``age1pq1...``) to its identity.
    """

    member: str
    signer: Signer
    cosigner: Cosigner
    sealing: Mapping[str, HybridIdentity]


@dataclass(slots=True)
class Session:
    """One open node. ``pinned`` is the id of the roster that admitted this member."""

    home: Home
    keys: MemberKeys
    store: Store
    transport: Transport
    profile: Profile
    pinned: str
    clock: Callable[[], int] = field(default=lambda: int(time.time()))
    random: Callable[[int], bytes] = os.urandom
    progress: Progress = silent
    own_read: bool = field(default=False, init=False)
    """Whether the feed was read to its end since this session began: numbers of this member's own can be given."""
    _chain: RosterChain | None = None

    @property
    def me(self) -> str:
        """This member's id."""
        return self.keys.member

    @property
    def chain(self) -> RosterChain:
        """The rosters verified so far. Raises LocalError before the first sync."""
        if self._chain is None:
            stored = self.store.rosters.all()
            if not stored:
                raise LocalError("no roster was read yet", hint="run: envoi sync")
            chain = RosterChain.begin(stored[0].note, stored[0].id, stored[0].index or 0)
            for roster in stored[1:]:
                assert roster.index is not None  # only the first is stored before the log was read
                chain = chain.extended(roster.note, roster.index)
            self._chain = chain
        return self._chain

    @chain.setter
    def chain(self, chain: RosterChain) -> None:
        self._chain = chain

    def forget(self) -> None:
        """Read the rosters from the store again: another process may have been at work in this home."""
        self._chain = None

    @property
    def roster(self) -> Roster:
        """The current roster."""
        return self.chain.current

    @property
    def series(self) -> int:
        """This member's numbering series. Raises Refused if the current roster does not have it."""
        own = self.roster.addressee(self.me)
        if own is None:
            raise Refused(f"roster {self.roster.version} has no member {self.me}", reason="unknown-sender")
        return own.series

    def series_of(self, peer: str) -> int:
        """The numbering series of ``peer``; 1 for one that the roster does not have."""
        found = self.roster.addressee(peer)
        return found.series if found else 1

    def read_again(self, after: int) -> None:
        """Something above the log index ``after`` is missing: the next sync reads the feed again from there."""
        held = self.store.log.value(REREAD)
        self.store.log.set_value(REREAD, b"%d" % (min(after, int(held)) if held else after))

    def alarm(self, error: PeerError, *, kind: str = "") -> bool:
        """Keep a finding with its evidence; False if it was known already."""
        evidence = error.evidence if isinstance(error, Fraud) else ()
        slug = kind or (error.reason if isinstance(error, Refused) else "unverified")
        error.suspicious = True
        return self.store.alarms.add(slug, str(error), evidence, self.clock())
