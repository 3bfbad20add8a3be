"""Fingerprints of public keys, for two people to compare by voice.

A fingerprint is the first 160 bits of the SHA-256 of the key as it stands in the roster, in groups of four
hexadecimal digits: enough that nobody can make another key with the same one.
"""

from __future__ import annotations

from hashlib import sha256

from .addressees import Keys
from .encoding import b64
from .signing import HybridKey

_SHOWN_DIGITS = 40


def fingerprint(text: str) -> str:
    """The first 160 bits of SHA-256 in ten groups of four digits."""
    digits = sha256(text.encode()).hexdigest()[:_SHOWN_DIGITS]
    return " ".join(digits[at : at + 4] for at in range(0, _SHOWN_DIGITS, 4))


def signing_fingerprint(key: HybridKey) -> str:
    """The fingerprint of both halves of a signing key together."""
    return fingerprint("\n".join(key.vkeys()))


def key_rows(keys: Keys) -> list[tuple[str, str]]:
    """Kind and fingerprint of each of an addressee's keys."""
    sealing = [
        (f"sealing {at + 1}" if len(keys.sealing) > 1 else "sealing", fingerprint(key))
        for at, key in enumerate(keys.sealing)
    ]
    return [
        ("signing", signing_fingerprint(keys.signing)),
        *sealing,
        ("transport", fingerprint(b64(keys.transport))),
        ("cosigning", fingerprint(str(keys.cosigning))),
    ]
