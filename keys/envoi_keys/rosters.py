"""The roster: who is a member with which keys, who may change that, and which log counts.

A roster is a statement that a quorum signs. Its first version has an empty ``exchange``, and its id is the
exchange for ever after. Members and offices stand sorted by id in their lists (PROTOCOL §6).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from .addressees import Addressee, Member, Office, Officer
from .encoding import dump_line, format_time
from .errors import Malformed, Unverified
from .limits import MAX_MEMBERS, MAX_NAME_CHARS, MAX_NOTE_BYTES, MAX_OFFICERS, MAX_QUORUM_LINES
from .notes import Note
from .quorum import MAX_CHOICES, Capacities, Policy, choices, parse_policy, satisfied
from .signing import HybridKey, LogKey, hybrid_signers
from .statements import ROSTER, open_statement

MAX_STATEMENT_BYTES = MAX_NOTE_BYTES


@dataclass(frozen=True)
class Roster:
    """One version of the membership (PROTOCOL §6).

    ``previous`` is the id of the version before ("" in the first); ``quorum`` and ``witnesses`` are policy
    lines; ``expires`` is in seconds since the epoch.
    """

    exchange: str
    version: int
    previous: str
    quorum: tuple[str, ...]
    witnesses: tuple[str, ...]
    members: tuple[Member, ...]
    officers: tuple[Officer, ...]
    offices: tuple[Office, ...]
    log: LogKey
    expires: int
    _by_id: dict[str, Addressee] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._by_id.update({one.id: one for one in (*self.members, *self.offices)})

    def addressee(self, name: str) -> Addressee | None:
        """The member or office with this id, whatever its status."""
        return self._by_id.get(name)

    @property
    def addressees(self) -> tuple[Addressee, ...]:
        """All members and offices, sorted by id: the roster order in which stanzas stand."""
        return tuple(sorted(self._by_id.values(), key=lambda one: one.id))

    def stanzas(self, recipients: Iterable[str]) -> dict[str, range]:
        """For each recipient, the positions of its stanzas in a body sealed under this roster.

        Recipients are given sorted, as in a dispatch. Raises Unverified for one that the roster does not
        have.
        """
        positions: dict[str, range] = {}
        start = 0
        for name in recipients:
            addressee = self.addressee(name)
            if addressee is None:
                raise Unverified(f"roster {self.version} has no member or office {name}")
            end = start + len(addressee.keys.sealing)
            positions[name] = range(start, end)
            start = end
        return positions

    @cached_property
    def policy(self) -> Policy:
        """The parsed quorum. Raises Malformed if the lines are not a policy over this roster's names."""
        return parse_policy(self.quorum, frozenset(self.capacities))

    @cached_property
    def capacities(self) -> Capacities:
        """In which capacity each name's signature counts, and for which states."""
        found: dict[str, frozenset[tuple[str, str]]] = {}
        for officer in self.officers:
            found[officer.id] = frozenset({(officer.state, officer.id.partition("/")[0] + " officer")})
        for office in self.offices:
            found[office.id] = frozenset((state, office.id) for state in office.held_by)
        for member in self.members:
            found[member.id] = frozenset({(member.id, "member")})
        return found

    def signers(self, note: Note) -> frozenset[str]:
        """The names of this roster under whose full hybrid keys ``note`` is signed. Raises Unverified.

        Only active members and offices count, and nobody counts for a state that is not active: neither its
        officers nor an office that it holds.
        """
        idle = {member.id for member in self.members if not member.active}
        keys: list[HybridKey] = [one.keys.signing for one in self._by_id.values() if one.active]
        keys += [officer.signing for officer in self.officers]
        return hybrid_signers(
            note, [key for key in keys if not any(state in idle for state, _ in self.capacities[key.name])]
        )

    def approves(self, note: Note) -> bool:
        """Whether this roster's quorum signed ``note``.

        Raises Unverified for a false signature of a known key.
        """
        return satisfied(self.policy, self.signers(note), self.capacities)

    def text(self) -> bytes:
        """The exact bytes to sign."""
        return dump_line(
            {
                "type": ROSTER,
                "exchange": self.exchange,
                "version": self.version,
                "previous": self.previous,
                "quorum": list(self.quorum),
                "witnesses": list(self.witnesses),
                "members": [member.to_json() for member in self.members],
                "officers": [officer.to_json() for officer in self.officers],
                "offices": [office.to_json() for office in self.offices],
                "log": {"origin": self.log.origin, "keys": self.log.vkeys()},
                "expires": format_time(self.expires),
            }
        )

    @classmethod
    def parse(cls, text: bytes) -> Roster:
        """The roster that ``text`` states. Raises Malformed. Says nothing about who signed it."""
        reader = open_statement(text, ROSTER, MAX_STATEMENT_BYTES)
        exchange = reader.hex32("exchange", or_empty=True)
        version = reader.integer("version", 1)
        previous = reader.hex32("previous", or_empty=True)
        if (version == 1) != (exchange == "") or (version == 1) != (previous == ""):
            raise Malformed("exchange and previous are empty in version 1 and only there", field="version")
        quorum = reader.texts("quorum", at_least=1, at_most=MAX_QUORUM_LINES, max_chars=65536)
        witnesses = reader.texts("witnesses", at_most=MAX_QUORUM_LINES, max_chars=65536)
        members = tuple(Member.read(item) for item in reader.readers("members", at_least=1, at_most=MAX_MEMBERS))
        officers = tuple(Officer.read(item) for item in reader.readers("officers", at_most=MAX_OFFICERS))
        offices = tuple(Office.read(item) for item in reader.readers("offices", at_most=MAX_OFFICERS))
        log_reader = reader.reader("log")
        origin = log_reader.text("origin", max_chars=MAX_NAME_CHARS)
        log = LogKey.parse(origin, list(log_reader.texts("keys", at_least=2, at_most=2)))
        log_reader.done()
        roster = cls(
            exchange=exchange,
            version=version,
            previous=previous,
            quorum=quorum,
            witnesses=witnesses,
            members=members,
            officers=officers,
            offices=offices,
            log=log,
            expires=reader.time("expires"),
        )
        reader.done()
        roster.check()
        return roster

    def check(self) -> None:
        """What must hold among the fields. Raises Malformed."""
        for name, ids in (
            ("members", [member.id for member in self.members]),
            ("officers", [officer.id for officer in self.officers]),
            ("offices", [office.id for office in self.offices]),
        ):
            if ids != sorted(set(ids)):
                raise Malformed("are not sorted by id, each id once", field=name)
        if len(self._by_id) != len(self.members) + len(self.offices):
            raise Malformed("an office has the id of a member", field="offices")
        states = {member.id for member in self.members}
        for officer in self.officers:
            if officer.state not in states:
                raise Malformed(f"{officer.state} is not a member", field=f"officers.{officer.id}.state")
        for office in self.offices:
            if not states.issuperset(office.held_by):
                raise Malformed("names a state that is not a member", field=f"offices.{office.id}.held_by")
        self.owners()
        if choices(self.capacities) > MAX_CHOICES:
            raise Malformed("too many states hold several capacities", field="officers")
        if self.policy.quorum == "none":
            raise Malformed("a roster needs a quorum", field="quorum")
        if self.witnesses:
            parse_policy(self.witnesses, frozenset(self._by_id), "witnesses")

    def owners(self) -> dict[bytes, str]:
        """Whose each public key is. Raises Malformed if one stands twice, whatever for (PROTOCOL §6.2)."""
        return self._owners

    @cached_property
    def _owners(self) -> dict[bytes, str]:
        owned = [(one.id, one.keys.material()) for one in self._by_id.values()]
        owned += [(one.id, [one.signing.ed25519.material, one.signing.ml_dsa_65.material]) for one in self.officers]
        owned.append((self.log.origin, [self.log.ed25519.material, self.log.ml_dsa_44.material]))
        seen: dict[bytes, str] = {}
        for owner, materials in owned:
            for material in materials:
                if material in seen:
                    raise Malformed(f"{owner} and {seen[material]} share a key", field="members")
                seen[material] = owner
        return seen
