"""Proofs of logging that need no network (C2SP tlog-proof): an index, a path and the checkpoint it leads to.

A proof parses in one way or not at all. It says nothing until :func:`verify` has checked it against the
entry's own bytes and a log key that the reader already trusts; ``extra`` is never authenticated and never
used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .checkpoints import LogKey, SignedCheckpoint, verify_checkpoint
from .encoding import b64, unb64
from .errors import Malformed
from .limits import MAX_NOTE_BYTES
from .merkle import HASH_BYTES, MAX_PATH, MAX_SIZE, leaf_hash, verify_inclusion
from .tree_head import parse_decimal

_FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
_MAX_HEAD_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class TlogProof:
    """Where an entry stands, the hashes from its sibling up, and the checkpoint note, as they were given.

    Raises Malformed when the parts could not be written as a proof.
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.index < MAX_SIZE:
            raise Malformed("is not an index", field="index")
        if len(self.proof) > MAX_PATH or any(len(one) != HASH_BYTES for one in self.proof):
            raise Malformed(f"is not at most {MAX_PATH} hashes of {HASH_BYTES} bytes", field="proof")

    @classmethod
    def parse(cls, raw: bytes) -> TlogProof:
        """The proof in ``raw`` (tlog-proof, "Format"), whose checkpoint is not read yet. Raises Malformed."""
        if len(raw) > _MAX_HEAD_BYTES + MAX_NOTE_BYTES:
            raise Malformed(f"has {len(raw)} bytes; a proof is smaller", field="proof")
        # The lines above the checkpoint are not empty, so the first empty line ends them.
        head, blank, checkpoint = raw.partition(b"\n\n")
        if not blank or len(head) > _MAX_HEAD_BYTES:
            raise Malformed("has no empty line after the hashes", field="proof")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise Malformed("is not ASCII above the checkpoint", field="proof") from None
        if lines.pop(0) != _FIRST_LINE:
            raise Malformed(f"does not begin with {_FIRST_LINE}", field="proof")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = unb64(lines.pop(0).removeprefix("extra "), "extra")
        if not lines or not lines[0].startswith("index "):
            raise Malformed("has no index line", field="proof")
        index = parse_decimal(lines.pop(0).removeprefix("index "), "index")
        if len(lines) > MAX_PATH:
            raise Malformed(f"has more than {MAX_PATH} hashes", field="proof")
        hashes = tuple(unb64(line, f"proof[{at}]", HASH_BYTES) for at, line in enumerate(lines))
        return cls(index, hashes, checkpoint, extra)

    def serialise(self) -> bytes:
        """The text of the proof. For a parsed proof these are the bytes that were parsed."""
        lines = [_FIRST_LINE]
        if self.extra is not None:
            lines.append(f"extra {b64(self.extra)}")
        lines.append(f"index {self.index}")
        lines += [b64(one) for one in self.proof]
        return "\n".join(lines).encode() + b"\n\n" + self.checkpoint


def verify(raw: bytes, entry: bytes, key: LogKey) -> tuple[int, SignedCheckpoint]:
    """The index of the ``entry`` and the checkpoint that says so. Raises Malformed or Unverified.

    The steps are those of tlog-proof, "Verifying a tlog proof". Step 3, witnesses, is the policy of the
    caller: :func:`envoi_keys.checkpoints.cosignatures` of the note that is returned.
    """
    proof = TlogProof.parse(raw)
    # 1. The leaf is the hash of the entry that we were given, not of one that the proof brings.
    leaf = leaf_hash(entry)
    # 2. The checkpoint is of the log we ask about, and signed by it.
    signed = verify_checkpoint(proof.checkpoint, key)
    # 4. The path leads from the leaf to the checkpoint's root.
    verify_inclusion(proof.index, signed.size, leaf, proof.proof, signed.root)
    return proof.index, signed
