"""Proofs of logging: exact bytes, and every one of them counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_keys.encoding import b64
from envoi_keys.entries import log_entry
from envoi_keys.errors import Malformed, Unverified
from envoi_keys.merkle import MAX_PATH, MAX_SIZE, MerkleTree, leaf_hash
from envoi_keys.tlog_proof import TlogProof, verify

from .mutations import damaged, flips
from .signers import NOW, log

LOG = log()
ENTRIES = [log_entry("envoi/dispatch/v1", b"note %d" % n) for n in range(13)]
TREE = MerkleTree(leaf_hash(entry) for entry in ENTRIES)
CHECKPOINT = LOG.sign(TREE.size, TREE.root(), NOW)


def proof_of(index: int, size: int = 13) -> TlogProof:
    return TlogProof(index, tuple(TREE.inclusion_proof(index, size)), CHECKPOINT)


RAW = proof_of(5).serialise()
HASH = b64(bytes(32)).encode()


@pytest.mark.parametrize("index", range(13))
def test_a_proof_shows_where_an_entry_stands_and_by_which_checkpoint(index: int) -> None:
    found, signed = verify(proof_of(index).serialise(), ENTRIES[index], LOG.public)
    assert found == index
    assert signed.note.serialise() == CHECKPOINT


def test_the_text_is_that_of_the_specification() -> None:
    head, checkpoint = RAW.split(b"\n\n", 1)
    assert head.split(b"\n") == [
        b"c2sp.org/tlog-proof@v1",
        b"index 5",
        *(b64(one).encode() for one in TREE.inclusion_proof(5, 13)),
    ]
    assert checkpoint == CHECKPOINT


def test_the_proof_of_the_only_entry_has_no_hashes() -> None:
    tree = MerkleTree([leaf_hash(ENTRIES[0])])
    raw = TlogProof(0, (), LOG.sign(1, tree.root(), NOW)).serialise()
    assert raw.startswith(b"c2sp.org/tlog-proof@v1\nindex 0\n\n")
    assert verify(raw, ENTRIES[0], LOG.public)[0] == 0


@given(
    st.integers(0, MAX_SIZE - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=5),
    st.none() | st.binary(max_size=20),
)
def test_a_proof_comes_back_from_its_text(index: int, hashes: list[bytes], extra: bytes | None) -> None:
    proof = TlogProof(index, tuple(hashes), CHECKPOINT, extra)
    assert TlogProof.parse(proof.serialise()) == proof


@given(damaged(RAW, TlogProof(5, (), CHECKPOINT, b"extra").serialise()))
def test_any_bytes_parse_to_themselves_or_are_refused(raw: bytes) -> None:
    try:
        proof = TlogProof.parse(raw)
    except Malformed:
        return
    assert proof.serialise() == raw


@given(damaged(RAW))
def test_any_bytes_prove_the_truth_or_are_refused(raw: bytes) -> None:
    try:
        index, signed = verify(raw, ENTRIES[5], LOG.public)
    except (Malformed, Unverified):
        return
    assert (index, signed.size, signed.root) == (5, 13, TREE.root())


def test_every_bit_above_the_checkpoint_counts() -> None:
    head = RAW.index(b"\n\n")
    for changed in flips(RAW[:head]):
        with pytest.raises((Malformed, Unverified)):
            verify(changed + RAW[head:], ENTRIES[5], LOG.public)


def test_a_proof_of_another_entry_index_size_or_log_proves_nothing() -> None:
    with pytest.raises(Unverified, match="not in the log"):
        verify(RAW, ENTRIES[4], LOG.public)
    with pytest.raises(Unverified, match="not in the log"):
        verify(TlogProof(4, proof_of(5).proof, CHECKPOINT).serialise(), ENTRIES[5], LOG.public)
    with pytest.raises(Unverified):
        verify(proof_of(5, 7).serialise(), ENTRIES[5], LOG.public)
    with pytest.raises(Unverified, match="no entry 13"):
        verify(TlogProof(13, (), CHECKPOINT).serialise(), ENTRIES[5], LOG.public)
    with pytest.raises(Unverified, match="lacks"):
        verify(RAW, ENTRIES[5], log(seed="thief").public)


def test_a_proof_against_an_unsigned_root_proves_nothing() -> None:
    forged = MerkleTree([leaf_hash(b"forged")])
    text, _, signatures = CHECKPOINT.partition(b"\n\n")
    origin = text.split(b"\n")[0]
    checkpoint = origin + b"\n1\n" + b64(forged.root()).encode() + b"\n\n" + signatures
    with pytest.raises(Unverified, match="does not hold"):
        verify(TlogProof(0, (), checkpoint).serialise(), b"forged", LOG.public)


def test_extra_data_changes_nothing() -> None:
    proof = proof_of(5)
    raw = TlogProof(5, proof.proof, CHECKPOINT, b"whatever").serialise()
    assert verify(raw, ENTRIES[5], LOG.public)[0] == 5
    assert TlogProof.parse(raw).extra == b"whatever"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"c2sp.org/tlog-proof@v1",
        b"c2sp.org/tlog-proof@v2\nindex 5",
        b"c2sp.org/tlog-proof@v1\nindex",
        b"c2sp.org/tlog-proof@v1\nindex ",
        b"c2sp.org/tlog-proof@v1\nindex 05",
        b"c2sp.org/tlog-proof@v1\nindex -5",
        b"c2sp.org/tlog-proof@v1\nindex 5 ",
        b"c2sp.org/tlog-proof@v1\nindex  5",
        b"c2sp.org/tlog-proof@v1\nindex 9223372036854775807",
        b"c2sp.org/tlog-proof@v1\nindex " + b"9" * 5000,
        b"c2sp.org/tlog-proof@v1\nindex 5\nindex 5",
        b"c2sp.org/tlog-proof@v1\nindex 5\nextra eA==",
        b"c2sp.org/tlog-proof@v1\nextra eA==\nextra eA==\nindex 5",
        b"c2sp.org/tlog-proof@v1\nextra eB==\nindex 5",
        b"c2sp.org/tlog-proof@v1\nextra\nindex 5",
        b"c2sp.org/tlog-proof@v1\nEXTRA eA==\nindex 5",
        b"c2sp.org/tlog-proof@v1\r\nindex 5",
        b"c2sp.org/tlog-proof@v1\nindex 5\n" + HASH[:-4],
        b"c2sp.org/tlog-proof@v1\nindex 5\n" + HASH + b" ",
        b"c2sp.org/tlog-proof@v1\nindex 5" + (b"\n" + HASH) * (MAX_PATH + 1),
        b"c2sp.org/tlog-proof@v1\nindex 5\n\xff",
        b"c2sp.org/tlog-proof@v1\nextra " + b"A" * 20_000 + b"\nindex 5",
    ],
)
def test_a_proof_out_of_form_is_refused(head: bytes) -> None:
    with pytest.raises(Malformed):
        TlogProof.parse(head + b"\n\n" + CHECKPOINT)


def test_a_proof_without_a_checkpoint_or_beyond_any_size_is_refused() -> None:
    with pytest.raises(Malformed, match="empty line"):
        TlogProof.parse(b"c2sp.org/tlog-proof@v1\nindex 5\n")
    with pytest.raises(Malformed, match="smaller"):
        TlogProof.parse(RAW + bytes(5 * 1024 * 1024))


@pytest.mark.parametrize(
    ("index", "hashes"), [(-1, ()), (MAX_SIZE, ()), (0, (b"short",)), (0, (bytes(32),) * (MAX_PATH + 1))]
)
def test_a_proof_that_could_not_be_written_is_not_built(index: int, hashes: tuple[bytes, ...]) -> None:
    with pytest.raises(Malformed):
        TlogProof(index, hashes, CHECKPOINT)
