"""To whom a file is sealed: the public half of each native type (age.md, "Native recipient types").

``wrap`` makes one stanza with a fresh ephemeral key or salt each time. Constructing a recipient checks the
key, so that a bad one is found when it is read and not when a dispatch is due. A hybrid file has hybrid
recipients only, and a passphrase stands alone; :func:`check_together` holds both rules.
"""

from __future__ import annotations

import functools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, Protocol, Self

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PublicKey, Suite
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from envoi_client.limits import MAX_SCRYPT_WORK_FACTOR, SCRYPT_WORK_FACTOR
from envoi_keys.age_header import HYBRID, HYBRID_ENC_BYTES, Stanza, encode
from envoi_keys.errors import LocalError, Malformed
from envoi_keys.limits import MAX_MEMBERS

from . import bech32
from .primitives import KEY_BYTES, derive, wrap

X25519: Final = "X25519"
SCRYPT: Final = "scrypt"
HYBRID_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
HYBRID_INFO: Final = b"age-encryption.org/mlkem768x25519"
X25519_INFO: Final = b"age-encryption.org/v1/X25519"
SCRYPT_LABEL: Final = b"age-encryption.org/v1/scrypt"
SALT_BYTES: Final = 16

_MLKEM_BYTES: Final = 1184
_FIELD: Final = "recipient"


class Recipient(Protocol):
    """Whoever can be given a file key."""

    @property
    def kind(self) -> str:
        """The first argument of the stanzas it makes."""

    def wrap(self, file_key: bytes) -> Stanza:
        """A stanza that hands ``file_key`` to this recipient; another one at each call."""


@dataclass(frozen=True, slots=True)
class HybridRecipient:
    """An ``age1pq1...`` recipient: ML-KEM-768 and X25519, safe if either is. ``public`` has 1,216 bytes."""

    kind: ClassVar[str] = HYBRID
    prefix: ClassVar[str] = "age1pq"

    public: bytes
    _key: MLKEM768X25519PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_size(self.public, _MLKEM_BYTES + KEY_BYTES)
        try:
            mlkem = MLKEM768PublicKey.from_public_bytes(self.public[:_MLKEM_BYTES])
        except ValueError:
            raise Malformed("the ML-KEM-768 half is not a public key", field=_FIELD) from None
        x25519 = X25519PublicKey.from_public_bytes(self.public[_MLKEM_BYTES:])
        _check_order(x25519)
        object.__setattr__(self, "_key", MLKEM768X25519PublicKey(mlkem, x25519))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The recipient written ``age1pq1...``. Raises Malformed."""
        return cls(_decode(text, cls.prefix))

    def __str__(self) -> str:
        return bech32.encode(self.prefix, self.public)

    def wrap(self, file_key: bytes) -> Stanza:
        """HPKE SealBase with empty ``aad``; ``enc`` and the ciphertext stand apart in the stanza."""
        sealed = HYBRID_SUITE.encrypt(file_key, self._key, HYBRID_INFO)
        return Stanza((HYBRID, encode(sealed[:HYBRID_ENC_BYTES])), sealed[HYBRID_ENC_BYTES:])


@dataclass(frozen=True, slots=True)
class X25519Recipient:
    """An ``age1...`` recipient, not safe from a quantum computer. ``public`` has 32 bytes."""

    kind: ClassVar[str] = X25519
    prefix: ClassVar[str] = "age"

    public: bytes
    _key: X25519PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_size(self.public, KEY_BYTES)
        key = X25519PublicKey.from_public_bytes(self.public)
        _check_order(key)
        object.__setattr__(self, "_key", key)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The recipient written ``age1...``. Raises Malformed."""
        return cls(_decode(text, cls.prefix))

    def __str__(self) -> str:
        return bech32.encode(self.prefix, self.public)

    def wrap(self, file_key: bytes) -> Stanza:
        """An ephemeral key agreement, its share in the stanza's argument."""
        ephemeral = X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        wrapping_key = derive(ephemeral.exchange(self._key), share + self.public, X25519_INFO)
        return Stanza((X25519, encode(share)), wrap(wrapping_key, file_key))


@dataclass(frozen=True, slots=True)
class ScryptRecipient:
    """Whoever knows ``passphrase``, used in UTF-8 as given. ``work_factor`` is log2 of scrypt's N."""

    kind: ClassVar[str] = SCRYPT

    passphrase: str = field(repr=False)
    work_factor: int = SCRYPT_WORK_FACTOR

    def wrap(self, file_key: bytes) -> Stanza:
        """A stanza under a fresh salt. Raises LocalError for a work factor out of range or short memory."""
        if not 1 <= self.work_factor <= MAX_SCRYPT_WORK_FACTOR:
            raise LocalError(f"the scrypt work factor is not between 1 and {MAX_SCRYPT_WORK_FACTOR}")
        salt = secrets.token_bytes(SALT_BYTES)
        wrapping_key = scrypt_key(self.passphrase, salt, self.work_factor)
        return Stanza((SCRYPT, encode(salt), str(self.work_factor)), wrap(wrapping_key, file_key))


def scrypt_key(passphrase: str, salt: bytes, work_factor: int) -> bytes:
    """The wrapping key of a passphrase; N = 2^work_factor, r = 8, p = 1. Takes 2^work_factor KiB of memory.

    Raises LocalError if the passphrase is empty or not Unicode, or memory is short.
    """
    try:
        secret = passphrase.encode()
    except UnicodeEncodeError:
        raise LocalError("the passphrase is not Unicode text") from None
    if not secret:
        raise LocalError("the passphrase is empty")
    try:
        return Scrypt(SCRYPT_LABEL + salt, KEY_BYTES, 1 << work_factor, 8, 1).derive(secret)
    except MemoryError:
        raise LocalError(
            f"there is no memory for scrypt: work factor {work_factor} takes {(1 << work_factor) // 1024} MiB"
        ) from None


def parse_recipient(text: str) -> HybridRecipient | X25519Recipient:
    """A recipient as text, ``age1pq1...`` or ``age1...``. Raises Malformed."""
    # No X25519 recipient begins with age1pq1: "1" is not of Bech32's alphabet, so the last "1" ends the
    # prefix.
    if text.startswith(HybridRecipient.prefix + "1"):
        return HybridRecipient.parse(text)
    return X25519Recipient.parse(text)


def check_together(recipients: Sequence[Recipient]) -> None:
    """Refuse a list of recipients that age does not allow in one file. Raises LocalError."""
    kinds = {recipient.kind for recipient in recipients}
    if not kinds:
        raise LocalError("there is no recipient")
    if SCRYPT in kinds and len(recipients) > 1:
        # Whoever else could open the file could also make another that the passphrase opens (age.md,
        # "scrypt").
        raise LocalError("a passphrase must be the only recipient")
    if HYBRID in kinds and len(kinds) > 1:
        raise LocalError(
            "hybrid and other recipients do not go into one file",
            hint="one that a quantum computer can break would give the file away; use age1pq1... keys only",
        )


# A sender meets the same few hundred recipients at each dispatch, and the checksum of 1,959 characters takes
# longer than sealing to the key. What is kept is public.
@functools.lru_cache(maxsize=4 * MAX_MEMBERS)
def _decode(text: str, prefix: str) -> bytes:
    found, data = bech32.decode(text, _FIELD)
    if found != prefix:
        raise Malformed(f"begins with {found[:32]!r} instead of {prefix!r}", field=_FIELD)
    return data


def _check_size(public: bytes, size: int) -> None:
    if len(public) != size:
        raise Malformed(f"a public key has {len(public)} bytes instead of {size}", field=_FIELD)


def _check_order(key: X25519PublicKey) -> None:
    """Refuse a point of low order, with which every exchange gives zeros. Any private key shows it."""
    try:
        _PROBE.exchange(key)
    except ValueError:
        raise Malformed("the X25519 key is a point of low order", field=_FIELD) from None


_PROBE: Final = X25519PrivateKey.from_private_bytes(b"\x09" + bytes(31))
