"""Who can open a file: the secret half of each native type (age.md, "Native recipient types").

``unwrap`` takes one stanza: None if it is not for this identity, the file key if it is, Malformed if it
claims the identity's type and breaks its form. A body's length is checked before any key is tried, and a
shared secret of zeros is refused. Secrets never stand in a ``repr``.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import ClassVar, Final, Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

from envoi_client.limits import MAX_IDENTITY_FILE_BYTES, MAX_SCRYPT_WORK_FACTOR
from envoi_keys.age_header import HYBRID, HYBRID_ENC_BYTES, WRAPPED_FILE_KEY_BYTES, Stanza, decode
from envoi_keys.errors import Malformed

from . import bech32
from .primitives import KEY_BYTES, derive, unwrap
from .recipients import (
    HYBRID_INFO,
    HYBRID_SUITE,
    SALT_BYTES,
    SCRYPT,
    X25519,
    X25519_INFO,
    HybridRecipient,
    X25519Recipient,
    scrypt_key,
)

_FIELD: Final = "age header"
_MLKEM_SEED_BYTES: Final = 64
_WORK_FACTOR: Final = re.compile(r"[1-9][0-9]*")


class Identity(Protocol):
    """Whoever may be able to open a stanza."""

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """The file key, or None if the stanza is for somebody else. Raises Malformed or LocalError."""


@dataclass(frozen=True, slots=True)
class HybridIdentity:
    """An ``AGE-SECRET-KEY-PQ-1...`` identity. ``seed`` has 32 bytes, and everything follows from them."""

    prefix: ClassVar[str] = "AGE-SECRET-KEY-PQ-"

    seed: bytes = field(repr=False)
    _mlkem: MLKEM768PrivateKey = field(init=False, repr=False, compare=False)
    _x25519: X25519PrivateKey = field(init=False, repr=False, compare=False)
    _key: MLKEM768X25519PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_seed(self.seed)
        # filippo.io/hpke-pq, "MLKEM768-X25519": one seed, stretched into the two private keys.
        stretched = hashlib.shake_256(self.seed).digest(_MLKEM_SEED_BYTES + KEY_BYTES)
        mlkem = MLKEM768PrivateKey.from_seed_bytes(stretched[:_MLKEM_SEED_BYTES])
        x25519 = X25519PrivateKey.from_private_bytes(stretched[_MLKEM_SEED_BYTES:])
        object.__setattr__(self, "_mlkem", mlkem)
        object.__setattr__(self, "_x25519", x25519)
        object.__setattr__(self, "_key", MLKEM768X25519PrivateKey(mlkem, x25519))

    @classmethod
    def generate(cls) -> Self:
        """A fresh identity."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The identity written ``AGE-SECRET-KEY-PQ-1...``. Raises Malformed, which never quotes the text."""
        return cls(_decode(text, cls.prefix))

    def encode(self) -> str:
        """The identity as text. It is secret; that is why there is no ``str()``."""
        return bech32.encode(self.prefix, self.seed)

    @property
    def recipient(self) -> HybridRecipient:
        """The public half."""
        return HybridRecipient(
            self._mlkem.public_key().public_bytes_raw() + self._x25519.public_key().public_bytes_raw()
        )

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """See :class:`Identity`."""
        if stanza.args[0] != HYBRID:
            return None
        (enc,) = _arguments(stanza, HYBRID_ENC_BYTES)
        try:
            return HYBRID_SUITE.decrypt(enc + stanza.body, self._key, HYBRID_INFO)
        except InvalidTag:
            # The library reports a point of low order like a wrong key, but such a stanza must be refused by
            # name. The exchange is repeated only here, where nothing was opened.
            _exchange(self._x25519, enc[-KEY_BYTES:])
            return None


@dataclass(frozen=True, slots=True)
class X25519Identity:
    """An ``AGE-SECRET-KEY-1...`` identity. ``secret`` has 32 bytes."""

    prefix: ClassVar[str] = "AGE-SECRET-KEY-"

    secret: bytes = field(repr=False)
    _key: X25519PrivateKey = field(init=False, repr=False, compare=False)
    _public: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_seed(self.secret)
        key = X25519PrivateKey.from_private_bytes(self.secret)
        object.__setattr__(self, "_key", key)
        object.__setattr__(self, "_public", key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> Self:
        """A fresh identity."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The identity written ``AGE-SECRET-KEY-1...``. Raises Malformed, which never quotes the text."""
        return cls(_decode(text, cls.prefix))

    def encode(self) -> str:
        """The identity as text. It is secret; that is why there is no ``str()``."""
        return bech32.encode(self.prefix, self.secret)

    @property
    def recipient(self) -> X25519Recipient:
        """The public half."""
        return X25519Recipient(self._public)

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """See :class:`Identity`."""
        if stanza.args[0] != X25519:
            return None
        (share,) = _arguments(stanza, KEY_BYTES)
        shared = _exchange(self._key, share)
        return unwrap(derive(shared, share + self._public, X25519_INFO), stanza.body)


@dataclass(frozen=True, slots=True)
class ScryptIdentity:
    """Whoever knows ``passphrase``. A file that asks for more than ``max_work_factor`` is refused untried."""

    passphrase: str = field(repr=False)
    max_work_factor: int = MAX_SCRYPT_WORK_FACTOR

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """See :class:`Identity`. That it is the only stanza is checked where the whole header is in view."""
        if stanza.args[0] != SCRYPT:
            return None
        salt, _ = _arguments(stanza, SALT_BYTES, None)
        written = stanza.args[2]
        # No limit has three digits, and int() never sees more than two of a stranger's.
        if not _WORK_FACTOR.fullmatch(written) or len(written) > 2 or int(written) > self.max_work_factor:
            raise Malformed(f"the scrypt work factor is not between 1 and {self.max_work_factor}", field=_FIELD)
        return unwrap(scrypt_key(self.passphrase, salt, int(written)), stanza.body)


def parse_identity(text: str) -> HybridIdentity | X25519Identity:
    """An identity as text. Raises Malformed, which never quotes it."""
    if text.startswith(HybridIdentity.prefix + "1"):
        return HybridIdentity.parse(text)
    return X25519Identity.parse(text)


def parse_identities(raw: bytes) -> tuple[HybridIdentity | X25519Identity, ...]:
    """The identities of a key file: one a line; empty lines and lines that begin with ``#`` are skipped.

    Raises Malformed, naming the line.
    """
    if len(raw) > MAX_IDENTITY_FILE_BYTES:
        raise Malformed(f"has more than {MAX_IDENTITY_FILE_BYTES} bytes", field="identity file")
    try:
        lines = raw.decode("utf-8").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        raise Malformed("is not UTF-8", field="identity file") from None
    found: list[HybridIdentity | X25519Identity] = []
    for number, line in enumerate(lines, 1):
        if line.strip() == "" or line.startswith("#"):
            continue
        try:
            found.append(parse_identity(line))
        except Malformed as error:
            raise Malformed(error.message, field=f"identity file, line {number}") from None
    if not found:
        raise Malformed("holds no identity", field="identity file")
    return tuple(found)


def _arguments(stanza: Stanza, *sizes: int | None) -> list[bytes]:
    """The arguments after the type, each of its size; the body's size is checked too. Raises Malformed."""
    kind = stanza.args[0]
    if len(stanza.args) != 1 + len(sizes):
        raise Malformed(f"a stanza of type {kind} has {len(stanza.args)} arguments", field=_FIELD)
    if len(stanza.body) != WRAPPED_FILE_KEY_BYTES:
        raise Malformed(f"a stanza of type {kind} has a body of {len(stanza.body)} bytes", field=_FIELD)
    return [
        b"" if size is None else decode(argument, size) for argument, size in zip(stanza.args[1:], sizes, strict=True)
    ]


def _exchange(key: X25519PrivateKey, share: bytes) -> bytes:
    """X25519, refusing the shared secret of zeros that a point of low order gives. Raises Malformed."""
    try:
        return key.exchange(X25519PublicKey.from_public_bytes(share))
    except ValueError:
        raise Malformed("a stanza's X25519 share is a point of low order", field=_FIELD) from None


def _check_seed(seed: bytes) -> None:
    if len(seed) != KEY_BYTES:
        raise Malformed(f"has {len(seed)} bytes instead of {KEY_BYTES}", field="identity")


def _decode(text: str, prefix: str) -> bytes:
    found, data = bech32.decode(text, "identity")
    if found != prefix:
        raise Malformed(f"does not begin with {prefix}1", field="identity")
    return data
