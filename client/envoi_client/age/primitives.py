"""The keys that an age file derives from its file key, and how a key of 16 bytes is wrapped.

Every function is pure; fresh keys, salts and nonces come from the caller. Nothing of the library below
escapes: a tag that does not hold is None here, and the caller knows what that means.
"""

from __future__ import annotations

import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FILE_KEY_BYTES: Final = 16
NONCE_BYTES: Final = 16
KEY_BYTES: Final = 32

# A wrapping key encrypts one file key and is then forgotten: it is derived from a fresh ephemeral key or
# salt for each stanza, so the constant nonce never meets the same key twice (age.md, "X25519" and
# "scrypt").
_ZERO_NONCE: Final = bytes(12)


def derive(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA-256 to 32 bytes (age.md, "Conventions")."""
    return HKDF(SHA256(), KEY_BYTES, salt, info).derive(secret)


def header_mac(file_key: bytes, authenticated: bytes) -> bytes:
    """The MAC over the header's bytes up to and including ``---`` (age.md, "Header MAC")."""
    return hmac.digest(derive(file_key, b"", b"header"), authenticated, "sha256")


def payload_key(file_key: bytes, nonce: bytes) -> bytes:
    """The key of the payload's chunks (age.md, "Payload")."""
    return derive(file_key, nonce, b"payload")


def wrap(wrapping_key: bytes, file_key: bytes) -> bytes:
    """The body of an X25519 or scrypt stanza."""
    return ChaCha20Poly1305(wrapping_key).encrypt(_ZERO_NONCE, file_key, None)


def unwrap(wrapping_key: bytes, body: bytes) -> bytes | None:
    """The file key in a stanza's body, or None if the wrapping key is not the right one.

    The caller has checked that the body is of exactly 32 bytes: a longer one could be made to open under
    many keys (partitioning oracle).
    """
    try:
        return ChaCha20Poly1305(wrapping_key).decrypt(_ZERO_NONCE, body, None)
    except InvalidTag:
        return None
