"""Attacks on notes under two signatures: each is refused, or changes nothing; none makes a signer."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from envoi_keys.errors import Malformed, Unverified
from envoi_keys.notes import Note, SignatureLine
from envoi_keys.signing import HybridKey, hybrid_signers, sign_note
from envoi_keys.vkeys import ED25519, ML_DSA_65, VerifierKey

from .signers import TEXT, cosigner, log, signer

FR, DE = signer("FR"), signer("DE")
KEYS = [FR.public, DE.public]
OTHER = b'{"type":"envoi/note/v1","exchange":"","text":"another"}\n'


def received(text: bytes, *lines: SignatureLine) -> Note:
    """The note as it comes over the wire."""
    return Note.parse(Note(text, lines).serialise())


@pytest.mark.parametrize("kept", [0, 1], ids=["ed25519 kept", "ml-dsa-65 kept"])
def test_one_who_can_forge_only_one_half_signs_nothing(kept: int) -> None:
    with pytest.raises(Unverified, match="half a hybrid"):
        hybrid_signers(received(TEXT, FR.sign(TEXT)[kept]), KEYS)


@pytest.mark.parametrize("stripped", range(4))
def test_a_stripped_half_refuses_the_whole_note_and_not_only_that_signer(stripped: int) -> None:
    lines = [*FR.sign(TEXT), *DE.sign(TEXT)]
    del lines[stripped]
    with pytest.raises(Unverified, match="half a hybrid"):
        hybrid_signers(received(TEXT, *lines), KEYS)


def test_both_halves_stripped_leave_a_note_that_one_signer_fewer_signed() -> None:
    # No attack on a signature: who must have signed is the caller's question, and the log entry covers the
    # lines.
    assert hybrid_signers(received(TEXT, *DE.sign(TEXT)), KEYS) == {"DE"}


@pytest.mark.parametrize("text", [TEXT, OTHER])
def test_halves_taken_from_two_notes_of_one_signer_do_not_make_a_third(text: bytes) -> None:
    ed25519, _ = FR.sign(TEXT)
    _, ml_dsa_65 = FR.sign(OTHER)
    with pytest.raises(Unverified, match="does not hold"):
        hybrid_signers(received(text, ed25519, ml_dsa_65), KEYS)


def test_halves_of_two_signers_do_not_make_one() -> None:
    with pytest.raises(Unverified, match="half a hybrid"):
        hybrid_signers(received(TEXT, FR.sign(TEXT)[0], DE.sign(TEXT)[1]), KEYS)


def test_a_half_given_another_signers_name_does_not_hold() -> None:
    ed25519, _ = FR.sign(TEXT)
    _, stolen = DE.sign(TEXT)
    renamed = SignatureLine("FR", FR.public.ml_dsa_65.key_id, stolen.signature)
    with pytest.raises(Unverified, match="does not hold"):
        hybrid_signers(received(TEXT, ed25519, renamed), KEYS)


def test_an_unknown_key_with_the_name_or_the_id_of_a_known_one_is_ignored() -> None:
    same_name = signer("FR", "thief").sign(TEXT)
    same_id = tuple(SignatureLine("XX", line.key_id, line.signature) for line in FR.sign(TEXT))
    assert hybrid_signers(received(TEXT, *same_name, *same_id), KEYS) == frozenset()
    assert hybrid_signers(received(TEXT, *same_name, *FR.sign(TEXT)), KEYS) == {"FR"}


def test_an_unknown_key_with_both_the_name_and_the_id_refuses_the_note() -> None:
    # 32 bits are quickly collided, but the verification is by the key that we hold, not by the id.
    thief = signer("FR", "thief").sign(TEXT)
    ids = (FR.public.ed25519.key_id, FR.public.ml_dsa_65.key_id)
    lines = [SignatureLine("FR", key_id, line.signature) for key_id, line in zip(ids, thief, strict=True)]
    with pytest.raises(Unverified, match="does not hold"):
        hybrid_signers(received(TEXT, *lines), KEYS)


@pytest.mark.parametrize("half", [0, 1], ids=["ed25519", "ml-dsa-65"])
def test_a_bad_signature_by_a_known_key_refuses_the_note_though_others_signed_it(half: int) -> None:
    lines = [*FR.sign(TEXT), *DE.sign(TEXT)]
    bad = bytearray(lines[half].signature)
    bad[20] ^= 1
    lines[half] = SignatureLine("FR", lines[half].key_id, bytes(bad))
    with pytest.raises(Unverified, match="FR"):
        hybrid_signers(received(TEXT, *lines), KEYS)


def test_a_changed_text_refuses_the_note() -> None:
    lines = FR.sign(TEXT)
    for at in range(len(TEXT) - 1):
        changed = TEXT[:at] + bytes((TEXT[at] ^ 0x10 or 0x20,)) + TEXT[at + 1 :]
        try:
            note = received(changed, *lines)
        except Malformed:
            continue
        with pytest.raises(Unverified):
            hybrid_signers(note, KEYS)


def test_two_keys_of_one_name_do_not_lend_each_other_a_half() -> None:
    old, new = signer("FR"), signer("FR", "new")
    crossed = received(TEXT, old.sign(TEXT)[0], new.sign(TEXT)[1])
    for keys in ([old.public, new.public], [old.public], [new.public]):
        with pytest.raises(Unverified, match="half a hybrid"):
            hybrid_signers(crossed, keys)
    # A pair glued together from both is a key like any other: only a roster could introduce it.
    glued = HybridKey("FR", old.public.ed25519, new.public.ml_dsa_65)
    assert hybrid_signers(crossed, [glued]) == {"FR"}


def test_two_keys_of_one_name_that_both_signed_are_one_signer() -> None:
    old, new = signer("FR"), signer("FR", "new")
    note = received(TEXT, *old.sign(TEXT), *new.sign(TEXT))
    assert hybrid_signers(note, [old.public, new.public]) == {"FR"}


def test_the_same_half_twice_is_not_two_halves() -> None:
    ed25519, _ = FR.sign(TEXT)
    with pytest.raises(Malformed, match="sign twice"):
        received(TEXT, ed25519, ed25519)


def test_an_ed25519_signature_under_the_id_of_the_ml_dsa_key_does_not_hold() -> None:
    ed25519, _ = FR.sign(TEXT)
    moved = SignatureLine("FR", FR.public.ml_dsa_65.key_id, ed25519.signature)
    with pytest.raises(Unverified, match="does not hold"):
        hybrid_signers(received(TEXT, ed25519, moved), KEYS)


def test_an_ml_dsa_signature_with_a_context_is_a_signature_of_something_else() -> None:
    private = MLDSA65PrivateKey.from_seed_bytes(bytes(32))
    key = VerifierKey("FR", ML_DSA_65, private.public_key().public_bytes_raw())
    key.verify(TEXT, private.sign(TEXT))
    key.verify(TEXT, private.sign(TEXT, context=b""))
    with pytest.raises(Unverified):
        key.verify(TEXT, private.sign(TEXT, context=b"envoi"))


def test_a_cosigning_key_or_a_log_cannot_stand_in_for_a_signing_key() -> None:
    cosigning = cosigner("FR").public
    with pytest.raises(Malformed):
        HybridKey("FR", FR.public.ed25519, cosigning)
    with pytest.raises(Malformed):
        HybridKey("FR", VerifierKey("FR", ED25519, FR.public.ed25519.material), log("FR").public.ml_dsa_44)


def test_the_order_of_lines_means_nothing() -> None:
    lines = [*FR.sign(TEXT), *DE.sign(TEXT)]
    assert hybrid_signers(received(TEXT, *reversed(lines)), KEYS) == {"FR", "DE"}


def test_what_sign_note_makes_passes_all_of_this() -> None:
    assert hybrid_signers(Note.parse(sign_note(TEXT, FR, DE).serialise()), KEYS) == {"FR", "DE"}
