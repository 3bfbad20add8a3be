"""age v1, the format in which everything of Envoi is sealed (C2SP age.md, https://c2sp.org/age).

Every native type but the tagged ones, which are for hardware keys: hybrid, X25519 and passphrase; armor;
streams of any size. Files made here open with any implementation of age, and theirs open here.

    >>> identity = HybridIdentity.generate()
    >>> unseal(seal(b"attack at dawn", [identity.recipient]), [identity])
    b'attack at dawn'

The modules are named for the parts of the format; the grammar of the header, which the relay needs too, is
:mod:`envoi_keys.age_header`. All errors are of :mod:`envoi_keys.errors`.
"""

from __future__ import annotations

from .errors import HeaderForged, NoMatch, PayloadDamaged
from .files import decrypt, encrypt, seal, seal_hybrid, unseal, unseal_at, unseal_with_key
from .identities import (
    HybridIdentity,
    Identity,
    ScryptIdentity,
    X25519Identity,
    parse_identities,
    parse_identity,
)
from .recipients import HybridRecipient, Recipient, ScryptRecipient, X25519Recipient, parse_recipient

__all__ = [
    "HeaderForged",
    "HybridIdentity",
    "HybridRecipient",
    "Identity",
    "NoMatch",
    "PayloadDamaged",
    "Recipient",
    "ScryptIdentity",
    "ScryptRecipient",
    "X25519Identity",
    "X25519Recipient",
    "decrypt",
    "encrypt",
    "parse_identities",
    "parse_identity",
    "parse_recipient",
    "seal",
    "seal_hybrid",
    "unseal",
    "unseal_at",
    "unseal_with_key",
]
