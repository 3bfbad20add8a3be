"""An exchange of 38 members with fresh keys, and dispatches that they seal and sign, for the benchmarks.

Everything here is made with the parts that a node uses, before anything is timed. A sealed body is used under
many headers: its binding holds whatever the numbers are, and nobody keeps what was opened once.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from itertools import cycle

from envoi_client import exercises
from envoi_client.body import Body, Envelope, seal_body
from envoi_client.enrol import member_keys
from envoi_client.seeds import MemberSeeds, Secrets
from envoi_keys import regimes
from envoi_keys.dispatches import Dispatch, Opening, Sealed
from envoi_keys.enrolments import Enrolment, OfficerEnrolment
from envoi_keys.frames import pack
from envoi_keys.roster_changes import propose_first
from envoi_keys.rosters import Roster
from envoi_keys.signing import HybridSigner, LogKey, sign_note
from envoi_keys.statements import statement_id

REGIME = "mtcr"
_YEAR = 365 * 24 * 3600
_OFFICERS = ("POC/anne", "POC/bruno", "POC/claire")


@dataclass(frozen=True)
class Exchange:
    """The first roster and everybody's secrets."""

    roster: Roster
    note: bytes
    secrets: dict[str, Secrets]
    numbers: Counter[tuple[str, str]] = field(default_factory=Counter)
    """The last number of each sender for each recipient."""

    @classmethod
    def make(cls, log: LogKey) -> Exchange:
        """All states of the regime and its offices, under a roster that two thirds of the Partners signed."""
        profile, now = regimes.load(REGIME), int(time.time())
        states = [state.id for state in profile.states]
        names = [*states, "POC", "CHAIR"]
        made = {name: Secrets.generate(secrets.token_bytes, member=name) for name in names}
        enrolments = [Enrolment("", name, name, member_keys(_member(made[name])), now) for name in names]
        officers = [HybridSigner.from_seed(name, secrets.token_bytes(64)) for name in _OFFICERS]
        asking = [OfficerEnrolment("", one.public.name, states[0], one.public, now) for one in officers]
        held_by = {"POC": (states[0],), "CHAIR": (states[1],)}
        roster = propose_first(profile, enrolments, asking, held_by, log, now + _YEAR)
        partners = [member.id for member in roster.members if member.role == "partner"]
        signing = [_member(made[name]).signer() for name in partners[: -(-2 * len(partners) // 3)]]
        return cls(roster, sign_note(roster.text(), *signing).serialise(), made)

    @cached_property
    def id(self) -> str:
        """The id of the first roster, which is the exchange."""
        return statement_id(self.roster.text())

    @cached_property
    def members(self) -> tuple[str, ...]:
        """The states, sorted."""
        return tuple(member.id for member in self.roster.members)

    def seeds(self, name: str) -> MemberSeeds:
        """The secrets of one member."""
        return _member(self.secrets[name])

    def sender(self, name: str, bodies: int = 1, *, to: Sequence[str] = ()) -> Sender:
        """Somebody who publishes denial notices, ``bodies`` different ones in turn, to all other members or ``to``."""
        return Sender(self, name, to or [one for one in self.members if one != name], bodies)


class Sender:
    """One member that seals, numbers and signs."""

    def __init__(self, exchange: Exchange, name: str, to: Sequence[str], bodies: int) -> None:
        self.name = name
        self.to = tuple(to)
        self._exchange = exchange
        self._signer = exchange.seeds(name).signer()
        self._envelope = Envelope(
            exchange.id, name, self.to, roster=1, series=1, sent_at=int(time.time()), attachments=(), exercise=True
        )
        found = [exchange.roster.addressee(one) for one in self.to]
        keys = [key for one in found if one is not None for key in one.keys.sealing]
        notices = exercises.contents()
        self._sealed = [
            seal_body(Body("denial/v1", notices[at % len(notices)], ()), self._envelope, keys)[0]
            for at in range(bodies)
        ]

    def submissions(self) -> Iterator[bytes]:
        """Submissions without end, each with the next numbers and a signature of its own."""
        bodies = cycle(self._sealed)
        while True:
            sealed = next(bodies)
            openings = {name: Opening(secrets.token_bytes(32), self._next_number(name)) for name in self.to}
            dispatch = Dispatch(
                exchange=self._envelope.exchange,
                sender=self.name,
                to=tuple((name, opening.commitment()) for name, opening in openings.items()),
                roster=1,
                series=1,
                sent_at=self._envelope.sent_at,
                body=Sealed(sha256(sealed).hexdigest(), len(sealed)),
                attachments=(),
                exercise=True,
            )
            note = sign_note(dispatch.text(), self._signer).serialise()
            yield pack(note, b"".join(opening.to_bytes() for opening in openings.values()), sealed)

    def _next_number(self, recipient: str) -> int:
        numbers = self._exchange.numbers
        numbers[self.name, recipient] += 1
        return numbers[self.name, recipient]


def _member(found: Secrets) -> MemberSeeds:
    assert found.member is not None  # Exchange.make asked for it
    return found.member
