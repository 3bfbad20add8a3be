"""What a checkpoint says, and the exact bytes its cosigners sign (tlog-checkpoint, tlog-cosignature of C2SP).

Pure grammar: a :class:`Checkpoint` writes and parses as one text and no other, and each signed message is
built from its parts. No key is used here; verification is in :mod:`envoi_keys.vkeys` and
:mod:`envoi_keys.checkpoints`.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Final

from .encoding import b64, unb64
from .errors import Malformed
from .merkle import EMPTY_ROOT, HASH_BYTES, MAX_SIZE

MAX_NAME_BYTES: Final = 255
"""UTF-8 bytes of a cosigner's name and of an origin: one byte of length precedes each when it is signed."""

# What a note can hold in one line: no control character, no surrogate.
_ORIGIN: Final = re.compile("[^\x00-\x1f\ud800-\udfff]+")
_SIZE: Final = re.compile("0|[1-9][0-9]{0,18}")
_TIMESTAMP_BYTES: Final = 8
_MAX_TIMESTAMP: Final = 2**63 - 1
_SUBTREE_LABEL: Final = b"subtree/v1\n\x00"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log by its origin, the number of its entries, and the root of the RFC 6962 tree over them.

    Raises Malformed when the parts could not stand in a checkpoint.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        # tlog-checkpoint, "Note text", 1: the origin is one non-empty line; clients MUST NOT assume more
        # about it. Its length is bounded because the ML-DSA-44 message holds it behind one byte of length.
        if not _ORIGIN.fullmatch(self.origin) or len(self.origin.encode()) > MAX_NAME_BYTES:
            raise Malformed(f"is not one line of 1 to {MAX_NAME_BYTES} bytes", field="origin")
        if not 0 <= self.size <= MAX_SIZE:
            raise Malformed("is not a number of entries", field="size")
        if len(self.root) != HASH_BYTES:
            raise Malformed(f"has {len(self.root)} bytes instead of {HASH_BYTES}", field="root")
        # tlog-witness, add-checkpoint: a checkpoint of size zero MUST have the root of the empty tree.
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise Malformed("is not the root of the empty tree", field="root")

    def text(self) -> bytes:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{b64(self.root)}\n".encode()

    @classmethod
    def parse(cls, text: bytes) -> Checkpoint:
        """The checkpoint in a note's text (tlog-checkpoint, "Note text"). Raises Malformed.

        Extension lines (4) are refused. The spec allows them, but the ML-DSA-44 message leaves them out: they
        would be text of a note that its post-quantum signature does not cover. Our logs write none.
        """
        try:
            lines = text.decode("utf-8").split("\n")
        except UnicodeDecodeError:
            raise Malformed("is not UTF-8", field="checkpoint") from None
        if len(lines) != 4 or lines[3]:
            raise Malformed("is not three lines: origin, size and root", field="checkpoint")
        origin, size, root, _ = lines
        return cls(origin, parse_decimal(size, "size"), unb64(root, "root", HASH_BYTES))


def parse_decimal(text: str, where: str) -> int:
    """A size or index below 2^63, in decimal without leading zeroes. Raises Malformed in ``where``."""
    # 19 digits hold every allowed number, so int() never meets a long string.
    if not _SIZE.fullmatch(text) or int(text) > MAX_SIZE:
        raise Malformed("is not a plain decimal below 2^63", field=where)
    return int(text)


def ed25519_message(text: bytes, timestamp: int) -> bytes:
    """What a cosigner of type 0x04 signs at ``timestamp`` (tlog-cosignature, "Ed25519 signed message").

    The message does not name the cosigner. That is one reason why members cosign with ML-DSA-44, which does.
    Raises Malformed without a time.
    """
    _check_timestamp(timestamp)
    return b"cosignature/v1\ntime %d\n" % timestamp + text


def ml_dsa_44_message(cosigner: str, timestamp: int, checkpoint: Checkpoint) -> bytes:
    """What a cosigner of type 0x06 signs at ``timestamp`` (tlog-cosignature, "ML-DSA-44 signed message").

    For a checkpoint ``start`` is zero and ``end`` its size. Raises Malformed without a time, or when the name
    exceeds 255 bytes.
    """
    _check_timestamp(timestamp)
    return b"".join(
        (
            _SUBTREE_LABEL,
            _short(cosigner, "cosigner"),
            struct.pack(">Q", timestamp),
            _short(checkpoint.origin, "origin"),
            struct.pack(">QQ", 0, checkpoint.size),
            checkpoint.root,
        )
    )


def join_cosignature(timestamp: int, signature: bytes) -> bytes:
    """The ``timestamped_signature`` of a signature over such a message (tlog-cosignature, "Format")."""
    return struct.pack(">Q", timestamp) + signature


def split_cosignature(signature: bytes) -> tuple[int, bytes]:
    """The seconds since the epoch and the bare signature of such a structure. Raises Malformed."""
    if len(signature) <= _TIMESTAMP_BYTES:
        raise Malformed("is too short to hold a time and a signature", field="cosignature")
    timestamp = int.from_bytes(signature[:_TIMESTAMP_BYTES], "big")
    _check_timestamp(timestamp)
    return timestamp, signature[_TIMESTAMP_BYTES:]


def _check_timestamp(timestamp: int) -> None:
    # tlog-cosignature, "Format": it MUST NOT exceed 2^63-1. Zero means "no statement about the time", which
    # tlog-witness forbids for a checkpoint; counted as a time it would drag a median to 1970. "Verifiers MAY
    # reject cosignatures with timestamps in the future": this package has no clock, its callers do.
    if not 0 < timestamp <= _MAX_TIMESTAMP:
        raise Malformed("carries no time", field="cosignature")


def _short(text: str, where: str) -> bytes:
    # opaque <1..2^8-1> of RFC 8446 §3.4: one byte of length, then the bytes.
    data = text.encode()
    if not 1 <= len(data) <= MAX_NAME_BYTES:
        raise Malformed(f"has {len(data)} bytes; 1 to {MAX_NAME_BYTES} are allowed", field=where)
    return bytes((len(data),)) + data
