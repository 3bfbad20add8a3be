"""Signers: what they sign verifies under what they show, and they show nothing else."""

from __future__ import annotations

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA65PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from envoi_keys import signing
from envoi_keys.checkpoints import Checkpoint
from envoi_keys.errors import LocalError, Malformed
from envoi_keys.merkle import EMPTY_ROOT, leaf_hash
from envoi_keys.notes import Note
from envoi_keys.signing import Cosigner, HybridKey, HybridSigner, LogKey, LogSigner, hybrid_signers, sign_note

from .signers import NOW, ORIGIN, TEXT, cosigner, log, signer

FR, DE = signer("FR"), signer("DE")


def test_a_signed_note_verifies_for_each_signer() -> None:
    note = Note.parse(sign_note(TEXT, FR, DE).serialise())
    assert [line.name for line in note.signatures] == ["FR", "FR", "DE", "DE"]
    assert hybrid_signers(note, [FR.public, DE.public]) == {"FR", "DE"}
    assert hybrid_signers(note, [DE.public]) == {"DE"}
    assert hybrid_signers(note, []) == frozenset()


def test_signatures_gathered_one_by_one_make_the_same_signers() -> None:
    note = sign_note(TEXT, FR)
    note = Note.parse(note.signed(*DE.sign(note.text)).serialise())
    assert hybrid_signers(note, [FR.public, DE.public]) == {"FR", "DE"}


def test_the_same_seed_makes_the_same_keys_and_each_half_is_its_own() -> None:
    seed = bytes(range(64))
    first, again = HybridSigner.from_seed("FR", seed), HybridSigner.from_seed("FR", seed)
    assert first.public == again.public
    assert (
        first.public.ml_dsa_65.material == MLDSA65PrivateKey.from_seed_bytes(seed[32:]).public_key().public_bytes_raw()
    )
    other = HybridSigner.from_seed("FR", seed[:63] + b"\x00").public
    assert other.ed25519 == first.public.ed25519
    assert other.ml_dsa_65 != first.public.ml_dsa_65


def test_a_hybrid_key_comes_back_from_its_vkeys() -> None:
    assert HybridKey.parse(FR.public.vkeys()) == FR.public
    assert LogKey.parse(ORIGIN, log().public.vkeys()) == log().public


@pytest.mark.parametrize(
    "vkeys",
    [
        [],
        FR.public.vkeys()[:1],
        [*FR.public.vkeys(), str(cosigner("FR").public)],
        FR.public.vkeys()[::-1],  # one order, so that one key has one spelling
        [FR.public.vkeys()[0], FR.public.vkeys()[0]],
        [FR.public.vkeys()[0], DE.public.vkeys()[1]],
        [FR.public.vkeys()[0], "nonsense"],
    ],
)
def test_two_keys_that_are_no_pair_are_refused(vkeys: list[str]) -> None:
    with pytest.raises(Malformed):
        HybridKey.parse(vkeys)
    with pytest.raises(Malformed):
        LogKey.parse("FR", vkeys)


def test_a_members_keys_are_not_a_logs_and_a_logs_are_not_a_members() -> None:
    with pytest.raises(Malformed, match="ML-DSA-65"):
        HybridKey.parse([FR.public.vkeys()[0], str(cosigner("FR").public)])
    with pytest.raises(Malformed, match="ML-DSA-44"):
        LogKey.parse("FR", FR.public.vkeys())


def test_a_log_key_bears_the_origin() -> None:
    with pytest.raises(Malformed, match="origin"):
        LogKey.parse("another.example/log", log().public.vkeys())


@given(st.lists(st.one_of(st.text(max_size=30), st.sampled_from(FR.public.vkeys())), max_size=3))
def test_any_list_of_texts_is_a_key_or_refused(vkeys: list[str]) -> None:
    try:
        key = HybridKey.parse(vkeys)
    except Malformed:
        return
    assert key.vkeys() == vkeys


def test_a_cosignature_verifies_over_its_checkpoint() -> None:
    checkpoint = Checkpoint(ORIGIN, 1, leaf_hash(b"entry"))
    line = cosigner("FR").cosign(checkpoint, NOW)
    cosigner("FR").public.verify(checkpoint.text(), line.signature)
    assert int.from_bytes(line.signature[:8], "big") == NOW


@pytest.mark.parametrize("timestamp", [0, -1, 2**63])
def test_nothing_is_cosigned_without_a_time(timestamp: int) -> None:
    with pytest.raises(Malformed):
        cosigner("FR").cosign(Checkpoint(ORIGIN, 0, EMPTY_ROOT), timestamp)
    with pytest.raises(Malformed):
        log().sign(0, EMPTY_ROOT, timestamp)


def test_a_seed_of_another_length_is_our_own_mistake() -> None:
    for length in (0, 31, 33, 63, 65):
        seed = bytes(length)
        with pytest.raises(LocalError, match="seed"):
            HybridSigner.from_seed("FR", seed)
        with pytest.raises(LocalError, match="seed"):
            LogSigner.from_seed(ORIGIN, seed)
        with pytest.raises(LocalError, match="seed"):
            Cosigner.from_seed("FR", seed)


def test_a_name_that_no_note_can_hold_makes_no_signer() -> None:
    for name in ("", "F R", "F+R"):
        with pytest.raises(Malformed):
            HybridSigner.from_seed(name, bytes(64))
        with pytest.raises(Malformed):
            Cosigner.from_seed(name, bytes(32))
        with pytest.raises(Malformed):
            LogSigner.from_seed(name, bytes(64))


def test_a_signer_shows_its_name_and_nothing_of_its_seed() -> None:
    assert repr(HybridSigner.from_seed("FR", b"s" * 64)) == "HybridSigner('FR')"
    assert repr(Cosigner.from_seed("FR", b"s" * 32)) == "Cosigner('FR')"
    assert repr(LogSigner.from_seed(ORIGIN, b"s" * 64)) == f"LogSigner({ORIGIN!r})"


def test_without_ml_dsa_in_the_library_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing:
        @staticmethod
        def from_seed_bytes(seed: bytes) -> MLDSA44PrivateKey:
            raise UnsupportedAlgorithm("no ML-DSA")

    monkeypatch.setattr(signing, "MLDSA65PrivateKey", Missing)
    monkeypatch.setattr(signing, "MLDSA44PrivateKey", Missing)
    with pytest.raises(LocalError, match="ML-DSA"):
        HybridSigner.from_seed("FR", bytes(64))
    with pytest.raises(LocalError, match="ML-DSA"):
        LogSigner.from_seed(ORIGIN, bytes(64))
