"""Merkle trees: the definitions of RFC 6962 written out as they stand there, against the quick code."""

from __future__ import annotations

import threading
from hashlib import sha256
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_keys.errors import Malformed, Unverified
from envoi_keys.merkle import (
    EMPTY_ROOT,
    MAX_PATH,
    MAX_SIZE,
    Frontier,
    MerkleTree,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)

from .mutations import damaged, flips

ENTRIES = [b"entry %d" % n for n in range(130)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
TREE = MerkleTree(LEAVES)
sizes = st.integers(1, len(ENTRIES))


def k(n: int) -> int:
    """The largest power of two smaller than n."""
    power = 1
    while power * 2 < n:
        power *= 2
    return power


def mth(entries: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    split = k(len(entries))
    return sha256(b"\x01" + mth(entries[:split]) + mth(entries[split:])).digest()


def path(m: int, entries: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962 §2.1.1."""
    if len(entries) == 1:
        return []
    split = k(len(entries))
    if m < split:
        return [*path(m, entries[:split]), mth(entries[split:])]
    return [*path(m - split, entries[split:]), mth(entries[:split])]


def subproof(m: int, entries: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962 §2.1.2."""
    if m == len(entries):
        return [] if whole else [mth(entries)]
    split = k(len(entries))
    if m <= split:
        return [*subproof(m, entries[:split], whole), mth(entries[split:])]
    return [*subproof(m - split, entries[split:], False), mth(entries[:split])]


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert MerkleTree().root() == Frontier().root() == EMPTY_ROOT


def test_roots_of_every_size_are_those_of_the_definition() -> None:
    frontier = Frontier()
    for size in range(len(ENTRIES) + 1):
        assert TREE.root(size) == mth(ENTRIES[:size]) == frontier.root()
        if size < len(ENTRIES):
            assert frontier.append(LEAVES[size]) == size
    assert TREE.size == frontier.size == len(ENTRIES)


def test_inclusion_proofs_of_every_entry_are_those_of_the_definition_and_verify() -> None:
    for size in (1, 2, 3, 7, 8, 9, 31, 64, 100, 130):
        for index in range(size):
            proof = TREE.inclusion_proof(index, size)
            assert proof == path(index, ENTRIES[:size])
            verify_inclusion(index, size, LEAVES[index], proof, TREE.root(size))


def test_consistency_proofs_of_every_pair_are_those_of_the_definition_and_verify() -> None:
    for new in (1, 2, 3, 7, 8, 9, 31, 64, 100, 130):
        for old in range(new + 1):
            proof = TREE.consistency_proof(old, new)
            assert proof == (subproof(old, ENTRIES[:new], True) if old else [])
            verify_consistency(old, new, TREE.root(old), TREE.root(new), proof)


@given(sizes, st.data())
def test_no_bit_of_an_inclusion_proof_can_change(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof, root = TREE.inclusion_proof(index, size), TREE.root(size)
    for at, one in enumerate(proof):
        changed = flips(one)[data.draw(st.integers(0, 255))]
        with pytest.raises(Unverified):
            verify_inclusion(index, size, LEAVES[index], [*proof[:at], changed, *proof[at + 1 :]], root)


def test_each_bit_of_the_proofs_of_a_small_tree_is_looked_at() -> None:
    for index in range(7):
        proof = TREE.inclusion_proof(index, 7)
        for at, one in enumerate(proof):
            for changed in flips(one):
                with pytest.raises(Unverified):
                    verify_inclusion(index, 7, LEAVES[index], [*proof[:at], changed, *proof[at + 1 :]], TREE.root(7))
    for old in range(1, 7):
        proof = TREE.consistency_proof(old, 7)
        for at, one in enumerate(proof):
            for changed in flips(one):
                with pytest.raises(Unverified):
                    verify_consistency(old, 7, TREE.root(old), TREE.root(7), [*proof[:at], changed, *proof[at + 1 :]])


@given(sizes, st.data())
def test_an_inclusion_proof_holds_for_its_own_index_size_leaf_and_root_only(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, len(ENTRIES) - 1))
    proof, root = TREE.inclusion_proof(index, size), TREE.root(size)
    wrong: list[tuple[int, int, bytes, list[bytes], bytes]] = [
        (-1, size, LEAVES[index], proof, root),
        (index + size, size, LEAVES[index], proof, root),
        (index, size, node_hash(LEAVES[index], LEAVES[index]), proof, root),
        (index, size, LEAVES[index], proof, flips(root)[3]),
        (index, size, LEAVES[index], [*proof, root], root),
        (index, size, LEAVES[index], [*proof, b""], root),
        (index, size, LEAVES[index], [one + b"\x00" for one in proof] or [b"\x00"], root),
    ]
    if proof:
        wrong += [
            (index, size, LEAVES[index], proof[:-1], root),
            (index, size, LEAVES[index], proof[1:], root),
        ]
    if other != index:
        wrong += [(other, size, LEAVES[index], proof, root), (index, size, LEAVES[other], proof, root)]
    for one in wrong:
        with pytest.raises(Unverified):
            verify_inclusion(*one)


@given(sizes, st.data())
def test_a_consistency_proof_holds_for_its_own_sizes_and_roots_only(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    other = data.draw(sizes)
    proof, old_root, new_root = TREE.consistency_proof(old, new), TREE.root(old), TREE.root(new)
    wrong = [
        (old, new, flips(old_root)[9], new_root, proof),
        (old, new, old_root, flips(new_root)[9], proof),
        (old, new, old_root, new_root, [*proof, new_root]),
        (old, new, old_root, new_root, [*proof, b"short"]),
        (new + 1, new, new_root, new_root, proof),
        (-1, new, old_root, new_root, proof),
        (0, new, old_root, new_root, []),
        (0, new, EMPTY_ROOT, new_root, [old_root]),
    ]
    if proof:
        wrong += [(old, new, old_root, new_root, proof[:-1]), (old, new, old_root, new_root, [])]
    if other != old:
        wrong += [(old, new, TREE.root(other), new_root, proof)]
    for one in wrong:
        with pytest.raises(Unverified):
            verify_consistency(*one)


@given(
    st.integers(-2, 70), st.integers(-2, 70), st.lists(st.binary(min_size=31, max_size=33), max_size=8),
    st.binary(max_size=33), st.binary(max_size=33),
)  # fmt: skip
def test_any_arguments_are_unverified_and_nothing_worse(
    small: int, large: int, proof: list[bytes], one: bytes, other: bytes
) -> None:
    with pytest.raises(Unverified):
        verify_inclusion(small, large, one, proof, other + b"x" * (one == other))
    if not (proof == [] and (small, large, one) == (0, 0, other)):
        with pytest.raises(Unverified):
            verify_consistency(small, large, one + b"x", other, proof)


def test_two_histories_that_part_are_not_consistent() -> None:
    fork = MerkleTree([*LEAVES[:60], leaf_hash(b"another"), *LEAVES[61:]])
    with pytest.raises(Unverified, match="does not begin"):
        verify_consistency(100, 130, TREE.root(100), fork.root(130), fork.consistency_proof(100, 130))
    with pytest.raises(Unverified, match="does not begin"):
        verify_consistency(100, 130, TREE.root(100), fork.root(130), TREE.consistency_proof(100, 130))
    with pytest.raises(Unverified, match="same history"):
        verify_consistency(130, 130, TREE.root(130), fork.root(130), [])
    verify_consistency(60, 130, TREE.root(60), fork.root(130), fork.consistency_proof(60, 130))


def test_a_node_cannot_pass_for_a_leaf() -> None:
    # An entry that is two leaf hashes is hashed with another prefix than the node above those leaves.
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != node_hash(LEAVES[0], LEAVES[1]) == TREE.root(2)


def test_a_proof_is_bounded_before_it_is_hashed() -> None:
    with pytest.raises(Unverified, match="at most"):
        verify_inclusion(0, MAX_SIZE, LEAVES[0], [LEAVES[0]] * (MAX_PATH + 1), LEAVES[0])
    with pytest.raises(Unverified, match="at most"):
        verify_consistency(3, MAX_SIZE, LEAVES[0], LEAVES[0], [LEAVES[0]] * (MAX_PATH + 1))
    with pytest.raises(Unverified, match="no entry"):
        verify_inclusion(0, MAX_SIZE + 1, LEAVES[0], [], LEAVES[0])
    with pytest.raises(Unverified, match="not extend"):
        verify_consistency(1, MAX_SIZE + 1, LEAVES[0], LEAVES[0], [])


def inclusion_length(m: int, n: int) -> int:
    """The length of PATH(m, D[n]), by its definition."""
    if n == 1:
        return 0
    return 1 + (inclusion_length(m, k(n)) if m < k(n) else inclusion_length(m - k(n), n - k(n)))


def consistency_length(m: int, n: int, whole: bool) -> int:
    """The length of SUBPROOF(m, D[n], whole), by its definition."""
    if m == n:
        return 0 if whole else 1
    if m <= k(n):
        return 1 + consistency_length(m, k(n), whole)
    return 1 + consistency_length(m - k(n), n - k(n), False)


def root_of_path(m: int, n: int, leaf: bytes, proof: list[bytes]) -> bytes:
    """The root that PATH(m, D[n]) = proof leads to, from the root down as RFC 6962 §2.1.1 writes it."""
    if n == 1:
        return leaf
    *below, last = proof
    if m < k(n):
        return node_hash(root_of_path(m, k(n), leaf, below), last)
    return node_hash(last, root_of_path(m - k(n), n - k(n), leaf, below))


def roots_of_proof(m: int, n: int, whole: bool, old_root: bytes, proof: list[bytes]) -> tuple[bytes, bytes]:
    """Both roots that SUBPROOF(m, D[n], whole) = proof leads to, as RFC 6962 §2.1.2 writes it."""
    if m == n:
        return (old_root, old_root) if whole else (proof[0], proof[0])
    *below, last = proof
    if m <= k(n):
        old, new = roots_of_proof(m, k(n), whole, old_root, below)
        return old, node_hash(new, last)
    old, new = roots_of_proof(m - k(n), n - k(n), False, old_root, below)
    return node_hash(last, old), node_hash(last, new)


huge = st.integers(1, MAX_SIZE)


@given(huge, huge)
def test_the_iterative_algorithms_agree_with_the_recursive_definitions_up_to_the_largest_tree(
    one: int, other: int
) -> None:
    # No such tree can be built. Its hashes are made up, and the definitions say what its root would be.
    small, large = sorted((one, other))
    hashes = [leaf_hash(b"%d" % n) for n in range(MAX_PATH)]
    proof = hashes[: inclusion_length(small - 1, large)]
    verify_inclusion(small - 1, large, LEAVES[0], proof, root_of_path(small - 1, large, LEAVES[0], proof))
    proof = hashes[: consistency_length(small, large, True)]
    old_root, new_root = roots_of_proof(small, large, True, LEAVES[0], proof)
    verify_consistency(small, large, old_root, new_root, proof)
    if proof:
        with pytest.raises(Unverified):
            verify_consistency(small, large, old_root, new_root, proof[:-1])


def test_the_longest_proofs_fit_the_bound() -> None:
    assert inclusion_length(0, MAX_SIZE) == 63
    assert consistency_length(1, MAX_SIZE, True) == 63
    assert consistency_length(2**62 - 1, MAX_SIZE, True) == MAX_PATH


def test_nodes_are_roots_of_complete_subtrees() -> None:
    assert TREE.node(0, 5) == LEAVES[5]
    assert TREE.node(3, 2) == mth(ENTRIES[16:24])
    assert TREE.nodes(1, 3, 2) == mth(ENTRIES[6:8]) + mth(ENTRIES[8:10])
    assert TREE.nodes(9, 0, 0) == b""


def test_asking_for_what_the_tree_has_not_is_the_callers_mistake() -> None:
    size = TREE.size
    for wrong in (
        lambda: TREE.root(size + 1),
        lambda: TREE.root(-1),
        lambda: TREE.inclusion_proof(5, 5),
        lambda: TREE.inclusion_proof(-1, 5),
        lambda: TREE.inclusion_proof(0, size + 1),
        lambda: TREE.consistency_proof(6, 5),
        lambda: TREE.consistency_proof(-1, 5),
        lambda: TREE.consistency_proof(5, size + 1),
        lambda: TREE.node(0, size),
        lambda: TREE.node(7, 1),
        lambda: TREE.nodes(-1, 0, 1),
        lambda: TREE.nodes(0, -1, 1),
        lambda: MerkleTree([b"short"]),
        lambda: Frontier().append(b"short"),
    ):
        with pytest.raises(ValueError, match=r"tree|leaf"):
            wrong()


@given(st.integers(0, len(ENTRIES)))
def test_a_frontier_goes_on_from_its_bytes(size: int) -> None:
    frontier = Frontier()
    for leaf in LEAVES[:size]:
        frontier.append(leaf)
    again = Frontier.from_bytes(frontier.to_bytes())
    for leaf in LEAVES[size:]:
        again.append(leaf)
    assert again.root() == TREE.root()


@given(damaged(Frontier().to_bytes(), bytes(7) + b"\x05" + bytes(64)))
def test_any_bytes_are_a_frontier_or_refused(raw: bytes) -> None:
    try:
        frontier = Frontier.from_bytes(raw)
    except Malformed:
        return
    assert frontier.to_bytes() == raw


def test_a_frontier_of_an_impossible_size_is_refused() -> None:
    with pytest.raises(Malformed):
        Frontier.from_bytes((2**63).to_bytes(8, "big") + bytes(32))


def test_readers_see_whole_trees_while_one_thread_appends() -> None:
    tree = MerkleTree(LEAVES[:1])
    leaves = [leaf_hash(b"%d" % n) for n in range(4000)]
    frontier, roots = Frontier(), {}
    for leaf in (LEAVES[0], *leaves):
        frontier.append(leaf)
        roots[frontier.size] = frontier.root()
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                size = tree.size
                assert tree.root(size) == roots[size]
                proof = tree.inclusion_proof(size - 1, size)
                verify_inclusion(size - 1, size, tree.node(0, size - 1), proof, roots[size])
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for leaf in leaves:
        tree.append(leaf)
    done.set()
    for reader in readers:
        reader.join()
    assert not failures
    assert tree.root() == roots[4001]


def test_ten_thousand_leaves_are_appended_in_a_tenth_of_a_second() -> None:
    leaves = [leaf_hash(b"%d" % n) for n in range(10_000)]
    fastest = 1.0
    for _ in range(5):
        start = process_time()
        MerkleTree(leaves)
        fastest = min(fastest, process_time() - start)
    assert fastest < 0.1
