"""Merkle trees of RFC 6962 over SHA-256: roots, inclusion proofs and consistency proofs, built and verified.

The tree holds hashes only and only ever grows. A proof is a list of 32-byte hashes; verifying one takes
nothing but its arguments, returns None, and raises Unverified for anything that does not hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

from .errors import Malformed, Unverified

HASH_BYTES: Final = 32
MAX_SIZE: Final = 2**63 - 1
"""The largest size of a tree and, less one, the largest index: what Go's implementations hold in an int64."""
MAX_PATH: Final = 64
"""Hashes in one proof: a path in a tree of fewer than 2^63 leaves, and one for the node it starts from."""
EMPTY_ROOT: Final = sha256().digest()
"""The root of the tree without leaves: the hash of the empty string (RFC 6962 §2.1)."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf (RFC 6962 §2.1). The prefixes 0x00 and 0x01 keep a leaf from passing for a node."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children (RFC 6962 §2.1)."""
    return sha256(b"\x01" + left + right).digest()


class MerkleTree:
    """A growing tree in memory with every complete node, 64 bytes a leaf: proofs for any size it has had.

    One thread appends while any number read: nodes are never changed, a node is written after its children,
    and ``size`` is raised last, so a reader sees a whole tree of the size that it read. Asking for a size,
    index or node that the tree does not have is a mistake of the caller: ValueError.
    """

    __slots__ = ("_levels", "_size")

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        # _levels[l] is the concatenation of the roots of all complete subtrees of 2^l leaves, left to right.
        self._levels: list[bytearray] = [bytearray()]
        self._size = 0
        for leaf in leaves:
            self.append(leaf)

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    def append(self, leaf: bytes) -> int:
        """Add a leaf by its hash and return its index. One more hash on average, log2(size) at most."""
        if len(leaf) != HASH_BYTES:
            raise ValueError("a leaf hash has 32 bytes")
        levels = self._levels
        nodes = levels[0]
        nodes += leaf
        count = self._size + 1
        level = 0
        while count & 1 == 0:  # the last two nodes of this level are a complete pair
            parent = sha256(b"\x01" + nodes[-2 * HASH_BYTES :]).digest()
            count >>= 1
            level += 1
            if level == len(levels):
                levels.append(bytearray())
            nodes = levels[level]
            nodes += parent
        self._size += 1
        return self._size - 1

    def node(self, level: int, index: int) -> bytes:
        """The root of the complete subtree over the ``2^level`` leaves from ``index * 2^level`` on."""
        return self.nodes(level, index, 1)

    def nodes(self, level: int, index: int, count: int) -> bytes:
        """``count`` neighbouring nodes from :meth:`node` on, concatenated."""
        if level < 0 or index < 0 or count < 0 or (index + count) << level > self._size:
            raise ValueError("the tree does not hold these nodes")
        if count == 0:
            return b""
        return bytes(self._levels[level][index * HASH_BYTES : (index + count) * HASH_BYTES])

    def root(self, size: int | None = None) -> bytes:
        """The root of the tree over the first ``size`` leaves, all by default: MTH of RFC 6962 §2.1."""
        size = self._size if size is None else size
        self._check_size(size)
        return self._span(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """The path from the sibling of leaf ``index`` to the root of ``size``: PATH of RFC 6962 §2.1.1."""
        self._check_size(size)
        if not 0 <= index < size:
            raise ValueError("the tree of this size does not hold this leaf")
        path = []
        start, end = 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._span(middle, end))
                end = middle
            else:
                path.append(self._span(start, middle))
                start = middle
        path.reverse()
        return path

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """That the tree of ``new`` begins with the tree of ``old``: PROOF of RFC 6962 §2.1.2.

        RFC 6962 asks for ``0 < old``; the empty tree is consistent with every tree and needs no hashes
        (tlog-witness).
        """
        self._check_size(new)
        if not 0 <= old <= new:
            raise ValueError("a tree extends only a smaller one")
        path: list[bytes] = []
        if old == 0:
            return path
        # SUBPROOF(m, D[start:end], b) as a loop: m is old - start, and b holds exactly while start is 0.
        start, end = 0, new
        while end != old:
            middle = start + _split(end - start)
            if old <= middle:
                path.append(self._span(middle, end))
                end = middle
            else:
                path.append(self._span(start, middle))
                start = middle
        if start:
            path.append(self._span(start, end))
        path.reverse()
        return path

    def _check_size(self, size: int) -> None:
        if not 0 <= size <= self._size:
            raise ValueError("the tree has not this size")

    def _span(self, start: int, end: int) -> bytes:
        # MTH(D[start:end]) where start is a multiple of the largest power of two in the span, as it is for
        # every subtree that RFC 6962 §2.1 splits off: complete subtrees from large to small, folded from the
        # right.
        peaks = []
        width = end - start
        while start < end:
            level = width.bit_length() - 1
            peaks.append(self.node(level, start >> level))
            start += 1 << level
            width -= 1 << level
        return _fold(peaks)


class Frontier:
    """What to remember of a tree that one only extends: the roots of its complete subtrees, large to small.

    At most 63 hashes for any size; it hashes the same roots as :class:`MerkleTree` and proves nothing.
    """

    __slots__ = ("_peaks", "_size")

    def __init__(self) -> None:
        self._peaks: list[bytes] = []
        self._size = 0

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    def append(self, leaf: bytes) -> int:
        """Add a leaf by its hash and return its index."""
        if len(leaf) != HASH_BYTES:
            raise ValueError("a leaf hash has 32 bytes")
        node = leaf
        # As in binary addition: each trailing one bit of the size is a subtree that the new one completes.
        count = self._size
        while count & 1:
            node = node_hash(self._peaks.pop(), node)
            count >>= 1
        self._peaks.append(node)
        self._size += 1
        return self._size - 1

    def root(self) -> bytes:
        """The root of the tree (RFC 6962 §2.1)."""
        return _fold(self._peaks) if self._peaks else EMPTY_ROOT

    def to_bytes(self) -> bytes:
        """The size in 8 bytes, big-endian, and the hashes, large subtree first."""
        return self._size.to_bytes(8, "big") + b"".join(self._peaks)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Frontier:
        """What :meth:`to_bytes` wrote, whose hashes are believed as they stand. Raises Malformed."""
        size = int.from_bytes(raw[:8], "big")
        # One hash for each one bit of the size, so a short or long input never fits.
        if len(raw) < 8 or size > MAX_SIZE or len(raw) != 8 + HASH_BYTES * size.bit_count():
            raise Malformed("is not a size and its hashes", field="frontier")
        frontier = cls()
        frontier._size = size
        frontier._peaks = [raw[at : at + HASH_BYTES] for at in range(8, len(raw), HASH_BYTES)]
        return frontier


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """That the leaf hash ``leaf`` is at ``index`` in the tree of ``size`` and ``root``. Raises Unverified.

    RFC 9162 §2.1.3.2, whose proofs are those of RFC 6962 §2.1.1; the numbers are its steps.
    """
    _check_hashes(proof)
    # 1. The index is inside the tree.
    if not 0 <= index < size <= MAX_SIZE:
        raise Unverified(f"there is no entry {index} in a log of {size}")
    # 2. and 3.
    fn, sn, computed = index, size - 1, leaf
    # 4. One sibling after the other, from the leaf up.
    for sibling in proof:
        if sn == 0:
            raise Unverified("the inclusion proof is too long")
        if fn & 1 or fn == sn:
            computed = node_hash(sibling, computed)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            computed = node_hash(computed, sibling)
        fn >>= 1
        sn >>= 1
    # 5. The path ended at the root, and it is this root.
    if sn or computed != root:
        raise Unverified(f"entry {index} is not in the log of {size} entries with this root")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """That the tree of ``new`` begins with all of the tree of ``old``. Raises Unverified.

    RFC 9162 §2.1.4.2, whose proofs are those of RFC 6962 §2.1.2; the numbers are its steps. The two cases
    that it leaves out, the empty old tree and equal sizes, have empty proofs (tlog-witness, add-checkpoint).
    """
    _check_hashes(proof)
    if not 0 <= old <= new <= MAX_SIZE:
        raise Unverified(f"a log of {new} entries does not extend one of {old}")
    if old == 0 or old == new:
        if proof or (old == 0 and old_root != EMPTY_ROOT) or (old == new and old_root != new_root):
            raise Unverified(f"the logs of {old} and {new} entries are not the same history")
        return
    # 1. An empty proof shows nothing between two sizes.
    if not proof:
        raise Unverified("the consistency proof is empty")
    # 2. When old is a power of two its tree is a node of the new one, and the proof begins from it.
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    # 3. and 4.
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    # 5. and 6. Both roots are computed from one path: fr with what the old tree knew, sr with everything.
    fr = sr = path[0]
    for sibling in path[1:]:
        if sn == 0:
            raise Unverified("the consistency proof is too long")
        if fn & 1 or fn == sn:
            fr = node_hash(sibling, fr)
            sr = node_hash(sibling, sr)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            sr = node_hash(sr, sibling)
        fn >>= 1
        sn >>= 1
    # 7. Both are the roots we were given, and the path ended there.
    if sn or fr != old_root or sr != new_root:
        raise Unverified(f"the log of {new} entries does not begin with the log of {old}")


def _check_hashes(proof: Sequence[bytes]) -> None:
    # Before any work: a bounded number of hashes, each of one size, else two parts could pass for one.
    if len(proof) > MAX_PATH or any(len(one) != HASH_BYTES for one in proof):
        raise Unverified(f"a proof is at most {MAX_PATH} hashes of {HASH_BYTES} bytes")


def _split(width: int) -> int:
    # k of RFC 6962 §2.1: the largest power of two smaller than the width.
    return 1 << ((width - 1).bit_length() - 1)


def _fold(peaks: Sequence[bytes]) -> bytes:
    computed = peaks[-1]
    for peak in reversed(peaks[:-1]):
        computed = node_hash(peak, computed)
    return computed
