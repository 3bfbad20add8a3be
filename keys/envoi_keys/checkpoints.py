"""Checkpoints: a log's signed size and root, and what members' cosignatures add (C2SP tlog-checkpoint).

A log signs each checkpoint twice under its origin: an Ed25519 note signature, which public tools ask for
(tlog-tiles, "Checkpoints"), and an ML-DSA-44 cosignature, which carries the time and outlives Ed25519. Both
are demanded, always. That a checkpoint extends the one before is for :mod:`envoi_keys.merkle` to show.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .errors import Malformed, Unverified
from .notes import Note
from .tree_head import Checkpoint, split_cosignature
from .vkeys import ED25519, ED25519_COSIGNATURE, ML_DSA_44_COSIGNATURE, VerifierKey, verified_keys

__all__ = [
    "Checkpoint",
    "LogKey",
    "SignedCheckpoint",
    "cosignatures",
    "parse_checkpoint",
    "verify_checkpoint",
]


@dataclass(frozen=True, slots=True)
class LogKey:
    """A log by its origin and its two keys, which both bear the origin as their name. Raises Malformed."""

    origin: str
    ed25519: VerifierKey
    ml_dsa_44: VerifierKey

    def __post_init__(self) -> None:
        # tlog-checkpoint, "Signatures": the key name SHOULD match the origin. Here it must: the name is what
        # the ML-DSA-44 signature commits to.
        if not self.ed25519.name == self.ml_dsa_44.name == self.origin:
            raise Malformed(f"the two keys do not bear the origin {self.origin[:64]!r}")
        if (self.ed25519.key_type, self.ml_dsa_44.key_type) != (ED25519, ML_DSA_44_COSIGNATURE):
            raise Malformed("the two keys are not of the types Ed25519 (0x01) and ML-DSA-44 (0x06)")

    @classmethod
    def parse(cls, origin: str, vkeys: Sequence[str], where: str = "log") -> LogKey:
        """The log of two vkeys, Ed25519 first. Raises Malformed in the field ``where``."""
        if len(vkeys) != 2:
            raise Malformed(f"{len(vkeys)} keys instead of two", field=where)
        ed25519, ml_dsa_44 = (VerifierKey.parse(text, f"{where}[{at}]") for at, text in enumerate(vkeys))
        try:
            return cls(origin, ed25519, ml_dsa_44)
        except Malformed as error:
            raise Malformed(error.message, field=where) from None

    def vkeys(self) -> list[str]:
        """The two vkeys in the order in which they are written."""
        return [str(self.ed25519), str(self.ml_dsa_44)]


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint that both keys of its log signed, the note it came in, and the log's own time in it.

    ``own`` is the note under these two signatures alone: what it came with besides is somebody else's word. ``time`` is
    in seconds since the epoch: what the log says, not what witnesses say (:func:`cosignatures`).
    """

    origin: str
    size: int
    root: bytes
    note: Note
    own: Note
    time: int

    @property
    def checkpoint(self) -> Checkpoint:
        """Origin, size and root alone."""
        return Checkpoint(self.origin, self.size, self.root)


def parse_checkpoint(raw: bytes) -> tuple[Checkpoint, Note]:
    """The checkpoint and the note around it, with nothing verified. Raises Malformed."""
    note = Note.parse(raw)
    return Checkpoint.parse(note.text), note


def verify_checkpoint(raw: bytes, key: LogKey) -> SignedCheckpoint:
    """The checkpoint in ``raw``, signed by both keys of the log. Raises Malformed or Unverified."""
    # 1. It is a checkpoint (tlog-checkpoint, "Note text").
    checkpoint, note = parse_checkpoint(raw)
    # 2. It is of this log (tlog-proof, "Verifying", 2). A checkpoint that our log signed for another origin
    # would pass 3, so this is no mere courtesy.
    if checkpoint.origin != key.origin:
        raise Unverified(f"the checkpoint is of the log {checkpoint.origin[:64]!r}, not of {key.origin!r}")
    # 3. Both keys signed. One alone is what a thief of one key, or a quantum computer, could make.
    signed = verified_keys(note, (key.ed25519, key.ml_dsa_44))
    for half in (key.ed25519, key.ml_dsa_44):
        if half not in signed:
            kind = "Ed25519" if half is key.ed25519 else "ML-DSA-44"
            raise Unverified(f"the checkpoint lacks the log's {kind} signature")
    time = _times(note, (key.ml_dsa_44,))[key.origin]
    ids = {(half.name, half.key_id) for half in (key.ed25519, key.ml_dsa_44)}
    own = Note(note.text, tuple(line for line in note.signatures if (line.name, line.key_id) in ids))
    return SignedCheckpoint(checkpoint.origin, checkpoint.size, checkpoint.root, note, own, time)


def cosignatures(note: Note, keys: Iterable[VerifierKey]) -> dict[str, int]:
    """Which cosigners among ``keys`` cosigned the checkpoint in ``note``, and each one's time in seconds.

    Unknown cosigners are ignored; a bad cosignature by a known one raises Unverified (signed-note,
    "Signatures"). A name that cosigned with two of its keys counts once, with the earlier time: it said so
    then. Keys of a type that carries no time are not looked at.
    """
    known = [key for key in keys if key.key_type in (ED25519_COSIGNATURE, ML_DSA_44_COSIGNATURE)]
    return _times(note, verified_keys(note, known))


def _times(note: Note, signed: Sequence[VerifierKey]) -> dict[str, int]:
    # The time is part of what verified_keys has verified.
    lines = {(line.name, line.key_id): line.signature for line in note.signatures}
    times: dict[str, int] = {}
    for key in signed:
        time, _ = split_cosignature(lines[key.name, key.key_id])
        times[key.name] = min(time, times.get(key.name, time))
    return times
