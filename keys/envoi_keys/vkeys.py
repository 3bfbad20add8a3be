"""Verifier keys (C2SP signed-note, "Verifier keys"): who may sign, with what, and whether a signature holds.

A key is a name, a type and public bytes; its id is computed, never believed. A signature by an unknown key is
ignored; a bad one by a known key refuses the whole note. Everything here is immutable and safe in threads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey, MLDSA65PublicKey

from .encoding import b64, unb64
from .errors import LocalError, Malformed, Unverified
from .limits import MAX_NAME_CHARS
from .notes import Note, check_key_name
from .tree_head import MAX_NAME_BYTES, Checkpoint, ed25519_message, ml_dsa_44_message, split_cosignature

ED25519: Final = b"\x01"
"""Ed25519 over the note's text (signed-note, "Ed25519 signatures")."""
ED25519_COSIGNATURE: Final = b"\x04"
"""Ed25519 with a time, over a checkpoint (tlog-cosignature). For outside witnesses; members do not use it."""
ML_DSA_44_COSIGNATURE: Final = b"\x06"
"""ML-DSA-44 with a time, over a checkpoint (tlog-cosignature): what members and the log itself sign with."""
ML_DSA_65: Final = b"\xffenvoi/ml-dsa-65/v1"
"""ML-DSA-65 over the note's text: 0xff, then the identifier that PROTOCOL registers.

In a vkey the 1952 bytes of the key follow. The signature is pure ML-DSA (FIPS 204 §5.2) with the empty
context over the text as it stands. The text needs no prefix of ours: signed-note defines a signature as one
over the note text, every statement's text begins with its own type and exchange, and a signing key signs
nothing but statements. A context string would separate nothing further, and would shut out the tokens and
libraries that offer no argument for it.
"""

_MATERIAL_BYTES: Final = {ED25519: 32, ED25519_COSIGNATURE: 32, ML_DSA_44_COSIGNATURE: 1312, ML_DSA_65: 1952}
_COSIGNATURES: Final = (ED25519_COSIGNATURE, ML_DSA_44_COSIGNATURE)
_PublicKey = Ed25519PublicKey | MLDSA44PublicKey | MLDSA65PublicKey
_LOADERS: Final[dict[bytes, Callable[[bytes], _PublicKey]]] = {
    ED25519: Ed25519PublicKey.from_public_bytes,
    ED25519_COSIGNATURE: Ed25519PublicKey.from_public_bytes,
    ML_DSA_44_COSIGNATURE: MLDSA44PublicKey.from_public_bytes,
    ML_DSA_65: MLDSA65PublicKey.from_public_bytes,
}
_KEY_ID: Final = re.compile("[0-9a-f]{8}")
MAX_VKEY_CHARS: Final = 4096

# The field of edwards25519 (RFC 8032 §5.1) and the y coordinates of its points of order 1, 2, 4 and 8.
_P: Final = 2**255 - 19
_Y8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER_Y: Final = frozenset((0, 1, _P - 1, _Y8, _P - _Y8))


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A name, a key type (one of the constants above) and the public key's bytes.

    ``key_id`` is four bytes: the start of SHA-256(name, newline, type, material). Two keys are equal when
    name, type and material are. Raises Malformed for a type we do not verify, a wrong length or a name that
    cannot sign.
    """

    name: str
    key_type: bytes
    material: bytes = field(repr=False)
    key_id: bytes = field(init=False, compare=False)

    def __post_init__(self) -> None:
        check_key_name(self.name, "")
        if len(self.name) > MAX_NAME_CHARS or len(self.name.encode()) > MAX_NAME_BYTES:
            raise Malformed(f"the name exceeds {MAX_NAME_CHARS} characters or {MAX_NAME_BYTES} bytes")
        size = _MATERIAL_BYTES.get(self.key_type)
        if size is None:
            # signed-note, "Signature types": select only the types that the design requires.
            raise Malformed(f"the key is of type 0x{self.key_type[:24].hex()}, which is not verified here")
        if len(self.material) != size:
            raise Malformed(f"the key has {len(self.material)} bytes instead of {size}")
        if size == 32:
            _check_ed25519(self.material)
        # signed-note, "Signatures": key ID = SHA-256(key name || 0x0A || signature type || public key)[:4]
        digest = sha256(self.name.encode() + b"\n" + self.key_type + self.material).digest()
        object.__setattr__(self, "key_id", digest[:4])

    @classmethod
    def parse(cls, text: str, where: str = "key") -> VerifierKey:
        """The key in ``name+hex+base64`` (signed-note, "Verifier keys"). Raises Malformed in ``where``."""
        if len(text) > MAX_VKEY_CHARS:
            raise Malformed(f"has more than {MAX_VKEY_CHARS} characters", field=where)
        # A name holds no plus; base64 may, so it is the third part with whatever it holds.
        parts = text.split("+", 2)
        if len(parts) != 3 or not _KEY_ID.fullmatch(parts[1]):
            raise Malformed("is not of the form name+8 hexadecimal digits+base64", field=where)
        name, key_id, encoded = parts
        data = unb64(encoded, where)
        # Types are told apart by their first byte; 0xff is followed by its whole identifier.
        key_type = next((one for one in _MATERIAL_BYTES if data.startswith(one)), data[:1])
        try:
            key = cls(name, key_type, data[len(key_type) :])
        except Malformed as error:
            raise Malformed(error.message, field=where) from None
        if key.key_id.hex() != key_id:
            raise Malformed(f"the key id is {key_id} but the key's own is {key.key_id.hex()}", field=where)
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{b64(self.key_type + self.material)}"

    def verify(self, text: bytes, signature: bytes) -> None:
        """That ``signature``, without its key id, is this key's over the note's ``text``. Raises Unverified.

        Cosignature types also ask that the text be a checkpoint and the signature carry a time. Ed25519 is
        verified as RFC 8032 §5.1.7 allows, without the cofactor and with S below the group order, so that no
        text has two verdicts: another reader MUST NOT multiply by the cofactor (PROTOCOL §3.1).
        """
        message = text
        if self.key_type in _COSIGNATURES:
            message, signature = self._cosigned(text, signature)
        try:
            _public_key(self.key_type, self.material).verify(signature, message)
        except (InvalidSignature, ValueError):
            raise Unverified(f"the signature by {self.name} does not hold") from None

    def _cosigned(self, text: bytes, signature: bytes) -> tuple[bytes, bytes]:
        try:
            timestamp, bare = split_cosignature(signature)
            checkpoint = Checkpoint.parse(text)
        except Malformed as error:
            raise Unverified(f"{self.name} cosigns checkpoints with a time: {error.message}") from None
        if self.key_type == ED25519_COSIGNATURE:
            return ed25519_message(text, timestamp), bare
        return ml_dsa_44_message(self.name, timestamp, checkpoint), bare


def verified_keys(note: Note, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Those of ``keys`` that signed ``note``, each once, in the order given (signed-note, "Signatures").

    Signatures by unknown keys are ignored, also where they share a name or an id, but not both, with a known
    key. A signature that does not hold under a known key of its name and id raises Unverified. The spec: "If
    no signature from a known key verifies successfully, clients MUST reject the note", so the caller refuses
    an empty answer.
    """
    lines = {(line.name, line.key_id): line.signature for line in note.signatures}
    signed: dict[VerifierKey, None] = {}
    for key in keys:
        signature = lines.get((key.name, key.key_id))
        if signature is not None and key not in signed:
            key.verify(note.text, signature)
            signed[key] = None
    return tuple(signed)


def no_ml_dsa() -> LocalError:
    """What to raise where the library lacks ML-DSA: not the signer's fault, and it must not read like it."""
    return LocalError(
        "this build of the cryptography library has no ML-DSA",
        hint="install the wheel of cryptography 50 or later, or build it on OpenSSL 3.5 or later",
    )


# Verification is the relay's hot path: a parsed key is kept, 8 KiB for one of ML-DSA-65. The bound is twice
# the keys of a full roster. A stranger's keys can push ours out, which costs 10 microseconds each.
@lru_cache(maxsize=4096)
def _public_key(key_type: bytes, material: bytes) -> _PublicKey:
    try:
        return _LOADERS[key_type](material)
    except UnsupportedAlgorithm:
        raise no_ml_dsa() from None


def _check_ed25519(material: bytes) -> None:
    # RFC 8032 §5.1.7 does not ask for this check. Without it an owner could enrol a key of small order, for
    # which one signature holds over every text, and then disown what he signed. An encoding of y >= p would
    # be a second spelling of another key.
    y = int.from_bytes(material, "little") & (2**255 - 1)
    if y >= _P or y in _SMALL_ORDER_Y:
        raise Malformed("the key is not the one encoding of its point, or is of small order")
