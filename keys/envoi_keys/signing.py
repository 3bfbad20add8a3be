"""Signing: each signer signs a note twice under one name, Ed25519 and ML-DSA-65; both halves are required.

Half a hybrid refuses the whole note: it is what is left when somebody strips the other half, or can forge
only one. Private keys live in the three signer classes and are never shown; a statement key, a cosigning key
and a log's key are separate classes so that none signs what another is for. ML-DSA signing is hedged (FIPS
204 §3.4): its randomness is the library's own, and no two signatures are alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA65PrivateKey

from .checkpoints import Checkpoint, LogKey
from .errors import LocalError, Malformed, Unverified
from .notes import Note, SignatureLine
from .tree_head import join_cosignature, ml_dsa_44_message
from .vkeys import ED25519, ML_DSA_44_COSIGNATURE, ML_DSA_65, VerifierKey, no_ml_dsa

__all__ = [
    "Cosigner",
    "HybridKey",
    "HybridSigner",
    "LogKey",
    "LogSigner",
    "Signer",
    "hybrid_signers",
    "sign_note",
]

SEED_BYTES: Final = 32
"""Bytes of the seed of one private key, for Ed25519 (RFC 8032 §5.1.5) and ML-DSA (FIPS 204 §6.1) alike."""


@dataclass(frozen=True, slots=True)
class HybridKey:
    """Whom a pair of signatures makes responsible: a name and its two public keys. Raises Malformed."""

    name: str
    ed25519: VerifierKey
    ml_dsa_65: VerifierKey

    def __post_init__(self) -> None:
        if not self.ed25519.name == self.ml_dsa_65.name == self.name:
            raise Malformed(f"the two keys do not bear the name {self.name[:64]!r}")
        if (self.ed25519.key_type, self.ml_dsa_65.key_type) != (ED25519, ML_DSA_65):
            raise Malformed("the two keys are not of the types Ed25519 (0x01) and ML-DSA-65 (0xff)")

    @classmethod
    def parse(cls, vkeys: Sequence[str], where: str = "signing") -> HybridKey:
        """The key of two vkeys of one name, Ed25519 first. Raises Malformed in the field ``where``."""
        if len(vkeys) != 2:
            raise Malformed(f"{len(vkeys)} keys instead of two", field=where)
        ed25519, ml_dsa_65 = (VerifierKey.parse(text, f"{where}[{at}]") for at, text in enumerate(vkeys))
        try:
            return cls(ed25519.name, ed25519, ml_dsa_65)
        except Malformed as error:
            raise Malformed(error.message, field=where) from None

    def vkeys(self) -> list[str]:
        """The two vkeys in the order in which they are written."""
        return [str(self.ed25519), str(self.ml_dsa_65)]


def hybrid_signers(note: Note, keys: Iterable[HybridKey]) -> frozenset[str]:
    """The names among ``keys`` both of whose halves signed ``note``. Raises Unverified.

    Signatures by unknown keys are ignored. One half without the other, and a signature by a known key that
    does not hold, refuse the note for everybody. The answer may be empty: who must have signed is the
    caller's question.
    """
    lines = {(line.name, line.key_id): line.signature for line in note.signatures}
    names = set()
    for key in keys:
        halves = [
            (half, lines[half.name, half.key_id])
            for half in (key.ed25519, key.ml_dsa_65)
            if (half.name, half.key_id) in lines
        ]
        if len(halves) == 1:
            raise Unverified(f"half a hybrid signature: {key.name} signed with one of two keys")
        for half, signature in halves:
            half.verify(note.text, signature)
        if halves:
            names.add(key.name)
    return frozenset(names)


class Signer(Protocol):
    """Whoever can sign statements under one name: a seed in memory, or later a token that keeps its keys.

    ``sign`` returns two signature lines over exactly ``text``, the Ed25519 half first, that verify under
    ``public``.
    """

    @property
    def public(self) -> HybridKey:
        """The key under which the signatures verify."""
        ...

    def sign(self, text: bytes) -> tuple[SignatureLine, SignatureLine]:
        """Both halves over ``text``."""
        ...


class HybridSigner:
    """A :class:`Signer` whose two private keys are in this process's memory."""

    __slots__ = ("_ed25519", "_ml_dsa_65", "public")

    def __init__(self, name: str, ed25519: Ed25519PrivateKey, ml_dsa_65: MLDSA65PrivateKey) -> None:
        self._ed25519 = ed25519
        self._ml_dsa_65 = ml_dsa_65
        self.public = HybridKey(
            name,
            VerifierKey(name, ED25519, ed25519.public_key().public_bytes_raw()),
            VerifierKey(name, ML_DSA_65, ml_dsa_65.public_key().public_bytes_raw()),
        )

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> HybridSigner:
        """The signer of 64 random bytes: 32 for Ed25519, then 32 for ML-DSA-65.

        Raises LocalError for another length, Malformed for a name that cannot sign.
        """
        ed25519, ml_dsa_65 = _seeds(seed, 2)
        try:
            return cls(
                name,
                Ed25519PrivateKey.from_private_bytes(ed25519),
                MLDSA65PrivateKey.from_seed_bytes(ml_dsa_65),
            )
        except UnsupportedAlgorithm:
            raise no_ml_dsa() from None

    def sign(self, text: bytes) -> tuple[SignatureLine, SignatureLine]:
        """Both halves over ``text``; why ML-DSA has no context, :data:`envoi_keys.vkeys.ML_DSA_65` says."""
        ed25519, ml_dsa_65 = self.public.ed25519, self.public.ml_dsa_65
        return (
            SignatureLine(ed25519.name, ed25519.key_id, self._ed25519.sign(text)),
            SignatureLine(ml_dsa_65.name, ml_dsa_65.key_id, self._ml_dsa_65.sign(text)),
        )

    def __repr__(self) -> str:
        return f"HybridSigner({self.public.name!r})"


def sign_note(text: bytes, *signers: Signer) -> Note:
    """The note of ``text`` under the halves of each signer, in the order given. Raises Malformed."""
    return Note(text, tuple(line for signer in signers for line in signer.sign(text)))


class Cosigner:
    """A member's cosigning key (tlog-cosignature, ML-DSA-44). It signs checkpoints and nothing else.

    To cosign states that no other history of this log was seen. Who calls :meth:`cosign` has verified
    consistency with the last checkpoint it cosigned, and has made the new one durable first (tlog-witness,
    the race in six steps).
    """

    __slots__ = ("_ml_dsa_44", "public")

    def __init__(self, name: str, ml_dsa_44: MLDSA44PrivateKey) -> None:
        self._ml_dsa_44 = ml_dsa_44
        self.public = VerifierKey(name, ML_DSA_44_COSIGNATURE, ml_dsa_44.public_key().public_bytes_raw())

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Cosigner:
        """The cosigner of 32 random bytes. Raises LocalError for another length, Malformed for a bad name."""
        (ml_dsa_44,) = _seeds(seed, 1)
        try:
            return cls(name, MLDSA44PrivateKey.from_seed_bytes(ml_dsa_44))
        except UnsupportedAlgorithm:
            raise no_ml_dsa() from None

    def cosign(self, checkpoint: Checkpoint, timestamp: int) -> SignatureLine:
        """The line over ``checkpoint`` at ``timestamp``, in seconds. Raises Malformed where that is zero."""
        message = ml_dsa_44_message(self.public.name, timestamp, checkpoint)
        signature = join_cosignature(timestamp, self._ml_dsa_44.sign(message))
        return SignatureLine(self.public.name, self.public.key_id, signature)

    def __repr__(self) -> str:
        return f"Cosigner({self.public.name!r})"


class LogSigner:
    """A log's two private keys.

    tlog-checkpoint, "Signatures": a log signs nothing inconsistent with what it signed before. That is for
    who calls :meth:`sign`, who holds the tree.
    """

    __slots__ = ("_cosigner", "_ed25519", "public")

    def __init__(self, origin: str, ed25519: Ed25519PrivateKey, cosigner: Cosigner) -> None:
        self._ed25519 = ed25519
        self._cosigner = cosigner
        ed25519_key = VerifierKey(origin, ED25519, ed25519.public_key().public_bytes_raw())
        self.public = LogKey(origin, ed25519_key, cosigner.public)

    @classmethod
    def from_seed(cls, origin: str, seed: bytes) -> LogSigner:
        """The log of 64 random bytes: 32 for Ed25519, then 32 for ML-DSA-44.

        Raises LocalError for another length, Malformed for an origin that cannot sign.
        """
        ed25519, ml_dsa_44 = _seeds(seed, 2)
        return cls(origin, Ed25519PrivateKey.from_private_bytes(ed25519), Cosigner.from_seed(origin, ml_dsa_44))

    def sign(self, size: int, root: bytes, timestamp: int) -> bytes:
        """The checkpoint note of a tree, at ``timestamp`` in seconds. Raises Malformed."""
        checkpoint = Checkpoint(self.public.origin, size, root)
        text = checkpoint.text()
        ed25519 = self.public.ed25519
        return Note(
            text,
            (
                SignatureLine(ed25519.name, ed25519.key_id, self._ed25519.sign(text)),
                self._cosigner.cosign(checkpoint, timestamp),
            ),
        ).serialise()

    def __repr__(self) -> str:
        return f"LogSigner({self.public.origin!r})"


def _seeds(seed: bytes, count: int) -> list[bytes]:
    # One seed a key, cut and not derived: a state can hand either half to other people's tools as it stands.
    if len(seed) != count * SEED_BYTES:
        raise LocalError(f"a seed has {len(seed)} bytes instead of {count * SEED_BYTES}")
    return [seed[at : at + SEED_BYTES] for at in range(0, len(seed), SEED_BYTES)]
