"""A whole exchange of n members made from seeds: the same names always have the same keys.

Everything that can sign is here, and nothing of the client: sealing keys are written out as a foreign client
would write them. Keys are made once in a process. `Exchange.make(4)` has four Partners, the offices POC and
CHAIR, three officers of the Point of Contact, a log key and a first roster under its own quorum.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from envoi_keys.addressees import Keys, Member, Office, Officer
from envoi_keys.dispatches import Dispatch, Opening, Sealed
from envoi_keys.encoding import parse_time
from envoi_keys.roster_chain import RosterChain
from envoi_keys.rosters import Roster
from envoi_keys.signing import Cosigner, HybridSigner, LogSigner, Signer, sign_note
from envoi_keys.statements import statement_id

PARTNERS = (
    *(
        "FR",
        "AT",
        "DE",
        "AU",
        "JP",
        "US",
        "CH",
        "IT",
        "AR",
        "BE",
        "BR",
        "BG",
        "CA",
        "CZ",
        "DK",
        "FI",
        "GR",
        "HU",
    ),
    *("IS", "IN", "IE", "LU", "NL", "NZ", "NO", "PL", "PT", "KR", "RU", "ZA", "ES", "SE", "TR", "UA", "GB"),
)
"""The 35 Partners, those first that hold an office or make a small exchange."""
ADHERENTS = ("EE", "KZ", "LV")
OFFICERS = ("POC/anne", "POC/bruno", "POC/claire")
NOW = parse_time("2026-11-23T09:30:00Z", "now")
EXPIRES = parse_time("2028-11-23T00:00:00Z", "expires")
ORIGIN = "envoi.example/mtcr"

_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def seed(label: str, size: int = 32) -> bytes:
    """The same bytes for the same label."""
    return hashlib.shake_256(b"envoi test exchange: " + label.encode()).digest(size)


def bech32(prefix: str, data: bytes) -> str:
    """Bech32 of BIP-173 without its limit of length, as age writes keys."""
    bits = int.from_bytes(data, "big") << (-8 * len(data) % 5)
    count = -(-8 * len(data) // 5)
    values = [(bits >> 5 * at) & 31 for at in range(count - 1, -1, -1)]
    expanded = [ord(one) >> 5 for one in prefix] + [0] + [ord(one) & 31 for one in prefix]
    check = 1
    for value in expanded + values + [0] * 6:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for at, word in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= word if (top >> at) & 1 else 0
    check ^= 1
    values += [(check >> 5 * at) & 31 for at in range(5, -1, -1)]
    return prefix + "1" + "".join(_BECH32[value] for value in values)


@cache
def sealing_key(secret: bytes) -> str:
    """The ``age1pq1...`` recipient of the identity with this seed of 32 bytes."""
    stretched = hashlib.shake_256(secret).digest(96)
    mlkem = MLKEM768PrivateKey.from_seed_bytes(stretched[:64]).public_key().public_bytes_raw()
    x25519 = X25519PrivateKey.from_private_bytes(stretched[64:]).public_key().public_bytes_raw()
    return bech32("age1pq", mlkem + x25519)


@dataclass(frozen=True)
class Party:
    """One addressee or officer with all its secrets; another ``generation`` has other keys."""

    name: str
    generation: int = 0
    sealing_count: int = 1

    @property
    def _label(self) -> str:
        return f"{self.name} {self.generation}"

    @cached_property
    def signer(self) -> HybridSigner:
        return HybridSigner.from_seed(self.name, seed(f"{self._label} signing", 64))

    @cached_property
    def cosigner(self) -> Cosigner:
        return Cosigner.from_seed(self.name, seed(f"{self._label} cosigning"))

    @cached_property
    def transport(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(seed(f"{self._label} transport"))

    @property
    def transport_public(self) -> bytes:
        return self.transport.public_key().public_bytes_raw()

    @property
    def sealing_seeds(self) -> tuple[bytes, ...]:
        """The seeds of its age identities, in the order of its sealing keys."""
        return tuple(seed(f"{self._label} sealing {position}") for position in range(self.sealing_count))

    @property
    def sealing(self) -> tuple[str, ...]:
        return tuple(sealing_key(one) for one in self.sealing_seeds)

    @cached_property
    def keys(self) -> Keys:
        return Keys(self.signer.public, self.sealing, self.transport_public, self.cosigner.public)


@cache
def party(name: str, generation: int = 0, sealing_count: int = 1) -> Party:
    """The party of that name; one object in a process, so that its keys are made once."""
    return Party(name, generation, sealing_count)


@cache
def log_signer(origin: str = ORIGIN, generation: int = 0) -> LogSigner:
    """The log of that origin."""
    return LogSigner.from_seed(origin, seed(f"{origin} {generation} log", 64))


def sign(text: bytes, *signers: Signer) -> bytes:
    """The note of ``text`` under these signers, as bytes."""
    return sign_note(text, *signers).serialise()


def member(
    name: str,
    *,
    role: str = "partner",
    status: str = "active",
    series: int = 1,
    generation: int = 0,
    sealing_count: int = 1,
) -> Member:
    """A member as it stands in a roster."""
    return Member(name, f"State {name}", status, series, party(name, generation, sealing_count).keys, role)


def office(
    name: str,
    *held_by: str,
    status: str = "active",
    series: int = 1,
    generation: int = 0,
    sealing_count: int = 1,
) -> Office:
    """An office as it stands in a roster."""
    return Office(name, f"Office {name}", status, series, party(name, generation, sealing_count).keys, held_by)


def officer(name: str, state: str = "FR", *, generation: int = 0) -> Officer:
    """An officer as it stands in a roster."""
    return Officer(name, state, party(name, generation).signer.public)


def mtcr_quorum(partners: Sequence[str], officers: Sequence[str] = OFFICERS) -> tuple[str, ...]:
    """The default quorum.

    2 of 3 officers with the Chair and 3 Partners, or two thirds of the Partners.
    """
    names = " ".join(sorted(partners))
    return (
        f"group officers {min(2, len(officers))} {' '.join(officers)}",
        f"group three {min(3, len(partners))} {names}",
        "group leadership all officers CHAIR three",
        f"group two-thirds {-(-2 * len(partners) // 3)} {names}",
        "group either any leadership two-thirds",
        "quorum either",
    )


@dataclass(frozen=True)
class Exchange:
    """A chain of rosters and everybody's keys, immutable: what changes it gives another.

    ``generations`` and ``sealing_counts`` say which keys a name has in the newest roster; ``indexes`` where
    in the log each version stands.
    """

    notes: tuple[bytes, ...]
    indexes: tuple[int, ...] = (0,)
    generations: Mapping[str, int] = field(default_factory=dict)
    sealing_counts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def make(
        cls,
        size: int = 4,
        *,
        adherents: int = 0,
        chair: Sequence[str] = ("AT",),
        sealing_counts: Mapping[str, int] | None = None,
        origin: str = ORIGIN,
    ) -> Exchange:
        """An exchange of ``size`` Partners (at least 2 for a Chair of its own) and some adherents."""
        counts = dict(sealing_counts or {})
        partners = PARTNERS[:size]
        members = [member(name, sealing_count=counts.get(name, 1)) for name in partners]
        members += [member(name, role="adherent", sealing_count=counts.get(name, 1)) for name in ADHERENTS[:adherents]]
        roster = Roster(
            exchange="",
            version=1,
            previous="",
            quorum=mtcr_quorum(partners),
            witnesses=(),
            members=tuple(sorted(members, key=lambda one: one.id)),
            officers=tuple(officer(name) for name in OFFICERS),
            offices=(
                office("CHAIR", *chair, sealing_count=counts.get("CHAIR", 1)),
                office("POC", "FR", sealing_count=counts.get("POC", 1)),
            ),
            log=log_signer(origin).public,
            expires=EXPIRES,
        )
        return cls((sign(roster.text(), *_leaders(roster, {})),), sealing_counts=counts)

    @cached_property
    def chain(self) -> RosterChain:
        """The verified chain, as a member has it."""
        found = RosterChain.begin(self.notes[0], self.id, self.indexes[0])
        for note, index in zip(self.notes[1:], self.indexes[1:], strict=True):
            found = found.extended(note, index)
        return found

    @cached_property
    def id(self) -> str:
        """The id of the first roster, which is the exchange."""
        return statement_id(self.notes[0].partition(b"\n\n")[0] + b"\n")

    @cached_property
    def roster(self) -> Roster:
        """The newest roster."""
        return Roster.parse(self.notes[-1].partition(b"\n\n")[0] + b"\n")

    @property
    def log(self) -> LogSigner:
        return log_signer(self.roster.log.origin)

    def party(self, name: str) -> Party:
        """The party with the keys that it has in the newest roster."""
        return party(name, self.generations.get(name, 0), self.sealing_counts.get(name, 1))

    def leaders(self) -> list[HybridSigner]:
        """Signers who meet the newest roster's quorum: officers, Chair and three Partners."""
        return _leaders(self.roster, self.generations)

    def propose(self, **changes: object) -> Roster:
        """The next version with these fields changed, unsigned."""
        current = self.roster
        fields: dict[str, object] = {
            "exchange": self.id,
            "version": current.version + 1,
            "previous": statement_id(self.notes[-1].partition(b"\n\n")[0] + b"\n"),
            **changes,
        }
        return replace(current, **fields)  # type: ignore[arg-type]

    def succeed(
        self,
        roster: Roster,
        index: int,
        *,
        generations: Mapping[str, int] | None = None,
        sealing_counts: Mapping[str, int] | None = None,
        signers: Iterable[Signer] | None = None,
    ) -> Exchange:
        """The exchange after ``roster`` was logged at ``index``, signed by the old and the new quorum."""
        renewed = {**self.generations, **(generations or {})}
        by = list(signers) if signers is not None else _both(self.leaders(), _leaders(roster, renewed))
        return Exchange(
            (*self.notes, sign(roster.text(), *by)),
            (*self.indexes, index),
            renewed,
            {**self.sealing_counts, **(sealing_counts or {})},
        )

    def rotated(self, name: str, index: int) -> Exchange:
        """The exchange after the member or office ``name`` got new keys at ``index``."""
        generation = self.generations.get(name, 0) + 1
        keys = party(name, generation, self.sealing_counts.get(name, 1)).keys
        return self.succeed(self.propose(**self.changed(name, keys=keys)), index, generations={name: generation})

    def changed(self, name: str, **fields: object) -> dict[str, object]:
        """The lists ``members`` and ``offices`` with some fields of one addressee changed."""
        roster = self.roster
        return {
            "members": tuple(replace(m, **fields) if m.id == name else m for m in roster.members),  # type: ignore[arg-type]
            "offices": tuple(replace(o, **fields) if o.id == name else o for o in roster.offices),  # type: ignore[arg-type]
        }

    def dispatch(
        self,
        sender: str,
        numbers: Mapping[str, int],
        body: bytes = b"sealed",
        *,
        attachments: tuple[Sealed, ...] = (),
        exercise: bool = True,
        sent_at: int = NOW,
    ) -> tuple[Dispatch, tuple[Opening, ...]]:
        """A header of ``sender`` to the names in ``numbers``, under the newest roster, and its openings."""
        openings = {
            name: Opening(seed(f"nonce {sender} {name} {number}"), number) for name, number in sorted(numbers.items())
        }
        found = self.roster.addressee(sender)
        dispatch = Dispatch(
            exchange=self.id,
            sender=sender,
            to=tuple((name, opening.commitment()) for name, opening in openings.items()),
            roster=self.roster.version,
            series=found.series if found else 1,
            sent_at=sent_at,
            body=Sealed(hashlib.sha256(body).hexdigest(), len(body)),
            attachments=attachments,
            exercise=exercise,
        )
        return dispatch, tuple(openings.values())

    def signed(self, dispatch: Dispatch) -> bytes:
        """The note of ``dispatch`` under its sender's newest keys."""
        return sign(dispatch.text(), self.party(dispatch.sender).signer)


def _leaders(roster: Roster, generations: Mapping[str, int]) -> list[HybridSigner]:
    active = {one.id for one in roster.members if one.active}
    partners = [one.id for one in roster.members if one.role == "partner" and one.active]
    chair = roster.addressee("CHAIR")
    busy = {one.state for one in roster.officers[:2]}
    busy |= set(chair.held_by) if isinstance(chair, Office) else set()
    free = [name for name in partners if name not in busy]
    three = int(next(line for line in roster.quorum if line.startswith("group three ")).split(" ")[2])
    if len(free) < three or not busy <= active:
        # The first way is not open: two thirds of the Partners sign alone, and here all of them do.
        names = partners
    else:
        names = [*(one.id for one in roster.officers[:2]), "CHAIR", *free[:three]]
    return [party(name, generations.get(name, 0)).signer for name in names]


def _both(*groups: Iterable[HybridSigner]) -> list[HybridSigner]:
    found = {signer.public: signer for group in groups for signer in group}
    return list(found.values())
