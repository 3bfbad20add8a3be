"""The secrets of one identity, as seeds from which every key follows; what a vault holds.

Each kind of key has a seed of its own, and a vault in which one seed serves two kinds is refused. Seeds are
made from randomness that the caller brings. No secret stands in a ``repr``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from envoi_keys.encoding import Reader, b64, dump_line, parse_line
from envoi_keys.errors import LocalError, Malformed
from envoi_keys.limits import MAX_KEYS_PER_KIND, MAX_NAME_CHARS, MAX_OFFICERS
from envoi_keys.signing import SEED_BYTES, Cosigner, HybridSigner

from .age import HybridIdentity
from .limits import MAX_RETIRED_SEALING_KEYS, MAX_VAULT_BYTES

Random = Callable[[int], bytes]

TYPE: Final = "envoi/vault/v1"
SIGNING_BYTES: Final = 64
"""32 for Ed25519, then 32 for ML-DSA-65."""


@dataclass(frozen=True, slots=True)
class MemberSeeds:
    """The seeds of an addressee of the roster: a member or an office.

    ``signing`` has 64 bytes; ``sealing`` are age identities, the newest first; ``transport`` (Ed25519) and
    ``cosigning`` (ML-DSA-44) have 32 bytes each.
    """

    name: str
    signing: bytes = field(repr=False)
    sealing: tuple[str, ...] = field(repr=False)
    transport: bytes = field(repr=False)
    cosigning: bytes = field(repr=False)

    @classmethod
    def generate(cls, name: str, random: Random) -> MemberSeeds:
        """Fresh seeds for ``name``."""
        return cls(
            name,
            signing=random(SIGNING_BYTES),
            sealing=(HybridIdentity(random(SEED_BYTES)).encode(),),
            transport=random(SEED_BYTES),
            cosigning=random(SEED_BYTES),
        )

    def signer(self) -> HybridSigner:
        """Who signs dispatches and receipts."""
        return HybridSigner.from_seed(self.name, self.signing)

    def cosigner(self) -> Cosigner:
        """Who cosigns checkpoints."""
        return Cosigner.from_seed(self.name, self.cosigning)

    def transport_public(self) -> bytes:
        """The raw Ed25519 public key by which the relay knows who is calling."""
        return Ed25519PrivateKey.from_private_bytes(self.transport).public_key().public_bytes_raw()

    def identities(self) -> dict[str, HybridIdentity]:
        """Who opens bodies, by the public key in the roster (``age1pq1...``), the newest first."""
        identities = (HybridIdentity.parse(text) for text in self.sealing)
        return {str(identity.recipient): identity for identity in identities}


@dataclass(frozen=True, slots=True)
class Secrets:
    """All that a vault holds.

    ``store`` is the 32-byte key of the local database; ``member`` the keys of the addressee whose home this
    is, if any; ``officers`` the 64-byte signing seeds of officers, by their names such as ``POC/anne``.
    """

    store: bytes = field(repr=False)
    member: MemberSeeds | None = None
    officers: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        parts = list(_parts(self))
        if len(set(parts)) != len(parts):
            raise LocalError("the vault uses one secret for two purposes", hint="make new keys; each kind has its own")

    @classmethod
    def generate(cls, random: Random, *, member: str | None = None, officer: str | None = None) -> Secrets:
        """Fresh secrets: a store key, and the keys of a member, an officer or both."""
        return cls(
            store=random(SEED_BYTES),
            member=MemberSeeds.generate(member, random) if member else None,
            officers={officer: random(SIGNING_BYTES)} if officer else {},
        )

    def officer(self, name: str) -> HybridSigner:
        """The signer of one officer. Raises LocalError if this vault has no such officer."""
        if name not in self.officers:
            raise LocalError(f"this vault has no key of {name}", hint="make one with: envoi officer init")
        return HybridSigner.from_seed(name, self.officers[name])

    def dump(self) -> bytes:
        """The line of JSON that lies inside the vault, readable with common tools in thirty years."""
        value: dict[str, Any] = {"type": TYPE, "store": b64(self.store)}
        if self.member is not None:
            value["member"] = {
                "name": self.member.name,
                "signing": b64(self.member.signing),
                "sealing": list(self.member.sealing),
                "transport": b64(self.member.transport),
                "cosigning": b64(self.member.cosigning),
            }
        value["officers"] = {name: b64(seed) for name, seed in sorted(self.officers.items())}
        return dump_line(value)

    @classmethod
    def parse(cls, raw: bytes) -> Secrets:
        """What :meth:`dump` wrote. Raises Malformed, or LocalError for a secret with two purposes."""
        value = parse_line(raw, max_bytes=MAX_VAULT_BYTES)
        has_member = "member" in value
        reader = Reader(value)
        reader.choice("type", (TYPE,))
        store = reader.base64("store", SEED_BYTES)
        member = _read_member(reader.reader("member")) if has_member else None
        officers = reader.mapping("officers", at_most=MAX_OFFICERS)
        reader.done()
        names = Reader(officers, "officers")
        return cls(store, member, {name: names.base64(name, SIGNING_BYTES) for name in officers})


def _read_member(reader: Reader) -> MemberSeeds:
    name = reader.text("name", max_chars=MAX_NAME_CHARS)
    signing = reader.base64("signing", SIGNING_BYTES)
    at_most = MAX_KEYS_PER_KIND + MAX_RETIRED_SEALING_KEYS
    sealing = reader.texts("sealing", at_least=1, at_most=at_most)
    for position, text in enumerate(sealing):
        try:
            HybridIdentity.parse(text)
        except Malformed as error:
            raise Malformed(error.message, field=f"{reader.path('sealing')}[{position}]") from None
    transport = reader.base64("transport", SEED_BYTES)
    cosigning = reader.base64("cosigning", SEED_BYTES)
    reader.done()
    return MemberSeeds(name, signing, sealing, transport, cosigning)


def _parts(secrets: Secrets) -> Iterator[bytes]:
    """Every 32 bytes that stand for one key, so that no two are the same."""
    yield secrets.store
    if secrets.member is not None:
        yield from _halves(secrets.member.signing)
        yield from (HybridIdentity.parse(text).seed for text in secrets.member.sealing)
        yield secrets.member.transport
        yield secrets.member.cosigning
    for seed in secrets.officers.values():
        yield from _halves(seed)


def _halves(seed: bytes) -> tuple[bytes, bytes]:
    return seed[:SEED_BYTES], seed[SEED_BYTES:]
