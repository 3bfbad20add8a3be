"""Who can be addressed, and with which keys: members, offices, and the officers who administer the roster.

Each kind of key has one purpose: signing, sealing, transport, cosigning. A key that stands twice anywhere
in a roster is refused there, so that nothing signed for one purpose can be taken for another (PROTOCOL
§6.2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from .encoding import Reader, b64
from .errors import Malformed
from .limits import MAX_KEYS_PER_KIND
from .signing import HybridKey
from .statements import ADDRESSEE, SUB_ADDRESS
from .vkeys import MAX_VKEY_CHARS, ML_DSA_44_COSIGNATURE, VerifierKey

ROLES: Final = ("partner", "adherent", "observer")
STATUSES: Final = ("active", "suspended", "left")

# 1,216 bytes of ML-KEM-768 and X25519 keys in Bech32. The checksum is checked where the key is used to seal.
SEALING_KEY: Final = re.compile(r"age1pq1[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{1952}")
_MAX_NAME: Final = 128


@dataclass(frozen=True, slots=True)
class Keys:
    """The public keys of one addressee.

    ``sealing`` holds age recipients (``age1pq1...``), each of which gets a stanza; ``transport`` is a raw
    Ed25519 public key; ``cosigning`` is an ML-DSA-44 cosigner's key.
    """

    signing: HybridKey
    sealing: tuple[str, ...]
    transport: bytes
    cosigning: VerifierKey

    def to_json(self) -> dict[str, Any]:
        """The fields as they stand in a roster or enrolment."""
        return {
            "signing": self.signing.vkeys(),
            "sealing": list(self.sealing),
            "transport": b64(self.transport),
            "cosigning": str(self.cosigning),
        }

    @classmethod
    def read(cls, reader: Reader, owner: str) -> Keys:
        """The keys of ``owner`` from the four fields. Raises Malformed."""
        sealing = reader.texts("sealing", at_least=1, at_most=MAX_KEYS_PER_KIND)
        for position, key in enumerate(sealing):
            if not SEALING_KEY.fullmatch(key):
                raise Malformed(
                    "is not a hybrid age recipient (age1pq1...)",
                    field=f"{reader.path('sealing')}[{position}]",
                )
        cosigning = VerifierKey.parse(reader.text("cosigning", max_chars=MAX_VKEY_CHARS), reader.path("cosigning"))
        if cosigning.key_type != ML_DSA_44_COSIGNATURE or cosigning.name != owner:
            raise Malformed(f"is not an ML-DSA-44 cosigner's key of {owner}", field=reader.path("cosigning"))
        return cls(read_signing(reader, owner), sealing, reader.base64("transport", 32), cosigning)

    def material(self) -> list[bytes]:
        """Each public key as bytes, to see that none stands twice."""
        return [
            self.signing.ed25519.material,
            self.signing.ml_dsa_65.material,
            *(key.encode() for key in self.sealing),
            self.transport,
            self.cosigning.material,
        ]


def read_signing(reader: Reader, owner: str) -> HybridKey:
    """The hybrid key in the field ``signing``, under the name ``owner``. Raises Malformed."""
    vkeys = reader.texts("signing", at_least=2, at_most=2, max_chars=MAX_VKEY_CHARS)
    key = HybridKey.parse(list(vkeys), reader.path("signing"))
    if key.name != owner:
        raise Malformed(f"is a key of {key.name[:64]}, not of {owner}", field=reader.path("signing"))
    return key


@dataclass(frozen=True, slots=True)
class Addressee:
    """What members and offices share.

    ``series`` counts how often the numbering of its dispatches was begun anew; only a roster can begin it
    anew.
    """

    id: str
    name: str
    status: str
    series: int
    keys: Keys

    @property
    def active(self) -> bool:
        """Whether it may send and be sent to."""
        return self.status == "active"


@dataclass(frozen=True, slots=True)
class Member(Addressee):
    """A state, with its ``role`` in the regime: partner, adherent or observer."""

    role: str

    def to_json(self) -> dict[str, Any]:
        """The object as it stands in a roster."""
        return {
            "id": self.id,
            "name": self.name,
            "role": self.role,
            "status": self.status,
            "series": self.series,
            **self.keys.to_json(),
        }

    @classmethod
    def read(cls, reader: Reader) -> Member:
        """Raises Malformed."""
        id_ = reader.text("id", ADDRESSEE)
        member = cls(
            id=id_,
            name=reader.text("name", max_chars=_MAX_NAME),
            role=reader.choice("role", ROLES),
            status=reader.choice("status", STATUSES),
            series=reader.integer("series", 1),
            keys=Keys.read(reader, id_),
        )
        reader.done()
        return member


@dataclass(frozen=True, slots=True)
class Office(Addressee):
    """The Point of Contact or the Chair, an addressee of its own, held by the states in ``held_by``."""

    held_by: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The object as it stands in a roster."""
        return {
            "id": self.id,
            "name": self.name,
            "held_by": list(self.held_by),
            "status": self.status,
            "series": self.series,
            **self.keys.to_json(),
        }

    @classmethod
    def read(cls, reader: Reader) -> Office:
        """Raises Malformed."""
        id_ = reader.text("id", ADDRESSEE)
        held_by = reader.texts("held_by", at_least=1, at_most=4, max_chars=16)
        for position, state in enumerate(held_by):
            if not ADDRESSEE.fullmatch(state) or state in held_by[:position]:
                raise Malformed("is not a state named once", field=f"{reader.path('held_by')}[{position}]")
        office = cls(
            id=id_,
            name=reader.text("name", max_chars=_MAX_NAME),
            status=reader.choice("status", STATUSES),
            series=reader.integer("series", 1),
            keys=Keys.read(reader, id_),
            held_by=held_by,
        )
        reader.done()
        return office


@dataclass(frozen=True, slots=True)
class Officer:
    """A person who signs rosters for the Point of Contact: ``id`` (``POC/anne``), ``state``, signing key."""

    id: str
    state: str
    signing: HybridKey

    def to_json(self) -> dict[str, Any]:
        """The object as it stands in a roster."""
        return {"id": self.id, "state": self.state, "signing": self.signing.vkeys()}

    @classmethod
    def read(cls, reader: Reader) -> Officer:
        """Raises Malformed."""
        id_ = reader.text("id", SUB_ADDRESS)
        officer = cls(id_, reader.text("state", ADDRESSEE), read_signing(reader, id_))
        reader.done()
        return officer
