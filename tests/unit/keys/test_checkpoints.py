"""Checkpoints: three lines, two signatures of the log, and what cosigners add."""

from __future__ import annotations

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from envoi_keys.checkpoints import Checkpoint, LogKey, cosignatures, parse_checkpoint, verify_checkpoint
from envoi_keys.encoding import b64
from envoi_keys.errors import Malformed, Unverified
from envoi_keys.merkle import EMPTY_ROOT, MAX_SIZE
from envoi_keys.notes import Note, SignatureLine
from envoi_keys.signing import Cosigner
from envoi_keys.tree_head import ed25519_message, ml_dsa_44_message, split_cosignature
from envoi_keys.vkeys import ED25519, ED25519_COSIGNATURE, ML_DSA_44_COSIGNATURE, VerifierKey

from .mutations import damaged, flips
from .signers import NOW, ORIGIN, TEXT, cosigner, log, signer

ROOT = sha256(b"root").digest()
LOG = log()
RAW = LOG.sign(5, ROOT, NOW)
NOTE = Note.parse(RAW)


def with_lines(*lines: SignatureLine) -> bytes:
    return Note(NOTE.text, lines).serialise()


def test_a_signed_checkpoint_says_origin_size_root_and_time() -> None:
    signed = verify_checkpoint(RAW, LOG.public)
    assert (signed.origin, signed.size, signed.root, signed.time) == (ORIGIN, 5, ROOT, NOW)
    assert signed.note.serialise() == RAW
    assert signed.checkpoint == Checkpoint(ORIGIN, 5, ROOT)
    assert RAW.startswith(f"{ORIGIN}\n5\n{b64(ROOT)}\n\n— {ORIGIN} ".encode())


def test_the_example_of_the_specification_parses() -> None:
    text = b"example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    checkpoint = Checkpoint.parse(text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text() == text


@given(damaged(NOTE.text))
def test_any_text_parses_to_itself_or_is_refused(text: bytes) -> None:
    try:
        checkpoint = Checkpoint.parse(text)
    except Malformed:
        return
    assert checkpoint.text() == text


@given(damaged(RAW))
def test_any_bytes_are_a_checkpoint_of_this_log_or_refused(raw: bytes) -> None:
    try:
        signed = verify_checkpoint(raw, LOG.public)
    except (Malformed, Unverified):
        return
    assert (signed.size, signed.root) == (5, ROOT)


@given(st.integers(1, MAX_SIZE), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_comes_back_from_its_text(size: int, root: bytes) -> None:
    assert Checkpoint.parse(Checkpoint(ORIGIN, size, root).text()) == Checkpoint(ORIGIN, size, root)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"log\n5\n",
        b"log\n5\n" + b64(ROOT).encode(),
        b"\n5\n" + b64(ROOT).encode() + b"\n",
        b"log\n05\n" + b64(ROOT).encode() + b"\n",
        b"log\n-5\n" + b64(ROOT).encode() + b"\n",
        b"log\n+5\n" + b64(ROOT).encode() + b"\n",
        b"log\n5 \n" + b64(ROOT).encode() + b"\n",
        b"log\n\n" + b64(ROOT).encode() + b"\n",
        b"log\n9223372036854775808\n" + b64(ROOT).encode() + b"\n",
        "log\n٥\n".encode() + b64(ROOT).encode() + b"\n",  # an Arabic-Indic five
        b"log\n5\n" + b64(ROOT[:31]).encode() + b"\n",
        b"log\n5\n" + b64(ROOT + b"x").encode() + b"\n",
        b"log\n0\n" + b64(ROOT).encode() + b"\n",  # the empty tree has one root
        b"log\n5\n" + b64(ROOT).encode() + b"\nextension\n",
        b"log\n5\n" + b64(ROOT).encode() + b"\n\n",
        b"l\xffg\n5\n" + b64(ROOT).encode() + b"\n",
        b"l\x01g\n5\n" + b64(ROOT).encode() + b"\n",
        b"l" * 256 + b"\n5\n" + b64(ROOT).encode() + b"\n",
    ],
)
def test_a_checkpoint_out_of_form_is_refused(text: bytes) -> None:
    with pytest.raises(Malformed):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    ("origin", "size", "root"),
    [("", 1, ROOT), ("a\nb", 1, ROOT), ("\ud800", 1, ROOT), ("é" * 128, 1, ROOT), ("log", -1, ROOT),
     ("log", MAX_SIZE + 1, ROOT), ("log", 1, b""), ("log", 0, ROOT)],
)  # fmt: skip
def test_a_checkpoint_that_could_not_be_written_is_not_built(origin: str, size: int, root: bytes) -> None:
    with pytest.raises(Malformed):
        Checkpoint(origin, size, root)


def test_the_empty_log_has_a_checkpoint() -> None:
    assert verify_checkpoint(LOG.sign(0, EMPTY_ROOT, NOW), LOG.public).size == 0


@pytest.mark.parametrize(("kept", "lost"), [(0, "ML-DSA-44"), (1, "Ed25519")])
def test_half_of_the_logs_signatures_is_not_enough(kept: int, lost: str) -> None:
    with pytest.raises(Unverified, match=f"lacks the log's {lost}"):
        verify_checkpoint(with_lines(NOTE.signatures[kept]), LOG.public)


def test_signatures_of_two_checkpoints_do_not_make_one() -> None:
    other = Note.parse(LOG.sign(6, ROOT, NOW))
    for lines in ((NOTE.signatures[0], other.signatures[1]), (other.signatures[0], NOTE.signatures[1])):
        with pytest.raises(Unverified, match="does not hold"):
            verify_checkpoint(with_lines(*lines), LOG.public)


def test_another_log_of_the_same_origin_is_not_this_log() -> None:
    with pytest.raises(Unverified, match="lacks"):
        verify_checkpoint(log(ORIGIN, "thief").sign(5, ROOT, NOW), LOG.public)


def test_a_checkpoint_of_another_origin_says_so() -> None:
    with pytest.raises(Unverified, match=r"of the log 'other\.example/log'"):
        verify_checkpoint(log("other.example/log").sign(5, ROOT, NOW), LOG.public)


def test_a_checkpoint_that_the_log_signed_for_another_origin_is_not_its_own() -> None:
    # Both signatures hold under the log's keys and name: only the origin in the text tells.
    private, pq = Ed25519PrivateKey.from_private_bytes(bytes(32)), Cosigner.from_seed(ORIGIN, bytes(32))
    ed25519 = VerifierKey(ORIGIN, ED25519, private.public_key().public_bytes_raw())
    other = Checkpoint("other.example/log", 5, ROOT)
    lines = (
        SignatureLine(ORIGIN, ed25519.key_id, private.sign(other.text())),
        pq.cosign(other, NOW),
    )
    with pytest.raises(Unverified, match="of the log 'other"):
        verify_checkpoint(Note(other.text(), lines).serialise(), LogKey(ORIGIN, ed25519, pq.public))


def test_every_bit_of_both_signatures_of_the_log_counts() -> None:
    ed25519, ml_dsa_44 = NOTE.signatures
    # All of the Ed25519 signature; of the ML-DSA-44 cosignature the time, whole, and each 97th bit after it.
    changed = [(SignatureLine(ORIGIN, ed25519.key_id, one), ml_dsa_44) for one in flips(ed25519.signature)]
    bits = flips(ml_dsa_44.signature)
    changed += [(ed25519, SignatureLine(ORIGIN, ml_dsa_44.key_id, one)) for one in bits[:64] + bits[64::97]]
    for lines in changed:
        with pytest.raises(Unverified):
            verify_checkpoint(with_lines(*lines), LOG.public)


def test_the_messages_that_are_signed_are_those_of_the_specification() -> None:
    checkpoint = Checkpoint("log", 258, ROOT)
    assert ed25519_message(checkpoint.text(), 1679315147) == b"cosignature/v1\ntime 1679315147\n" + checkpoint.text()
    assert ml_dsa_44_message("FR", 1, checkpoint) == (
        b"subtree/v1\n\x00\x02FR\0\0\0\0\0\0\0\x01\x03log\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x02" + ROOT
    )
    with pytest.raises(Malformed):
        ml_dsa_44_message("é" * 128, 1, checkpoint)


def cosigned(*names: str, at: int = NOW) -> Note:
    checkpoint = Checkpoint(ORIGIN, 5, ROOT)
    return NOTE.signed(*(cosigner(name).cosign(checkpoint, at + n) for n, name in enumerate(names)))


def test_cosignatures_are_counted_by_name_with_their_times() -> None:
    note = Note.parse(cosigned("FR", "DE", "XX").serialise())
    keys = [cosigner(name).public for name in ("DE", "FR", "JP")]
    assert cosignatures(note, keys) == {"FR": NOW, "DE": NOW + 1}
    assert cosignatures(note, []) == {}
    # The log's own two signatures still verify among them.
    assert verify_checkpoint(note.serialise(), LOG.public).time == NOW


def test_a_bad_cosignature_of_a_known_member_refuses_the_note() -> None:
    good = cosigner("FR").cosign(Checkpoint(ORIGIN, 5, ROOT), NOW)
    later = (NOW + 1).to_bytes(8, "big") + good.signature[8:]  # the time is signed
    forged = SignatureLine("FR", good.key_id, later)
    with pytest.raises(Unverified, match="FR"):
        cosignatures(NOTE.signed(forged), [cosigner("FR").public])


def test_a_cosignature_of_another_size_root_or_origin_does_not_hold() -> None:
    for other in (
        Checkpoint(ORIGIN, 6, ROOT),
        Checkpoint(ORIGIN, 5, EMPTY_ROOT),
        Checkpoint("other", 5, ROOT),
    ):
        with pytest.raises(Unverified):
            cosignatures(NOTE.signed(cosigner("FR").cosign(other, NOW)), [cosigner("FR").public])


def test_a_cosignature_does_not_pass_under_another_name() -> None:
    # ML-DSA-44 cosignatures commit to the name: the same key under two names is two cosigners.
    private = MLDSA44PrivateKey.from_seed_bytes(bytes(32))
    material = private.public_key().public_bytes_raw()
    checkpoint = Checkpoint(ORIGIN, 5, ROOT)
    signature = NOW.to_bytes(8, "big") + private.sign(ml_dsa_44_message("FR", NOW, checkpoint))
    VerifierKey("FR", ML_DSA_44_COSIGNATURE, material).verify(checkpoint.text(), signature)
    with pytest.raises(Unverified):
        VerifierKey("DE", ML_DSA_44_COSIGNATURE, material).verify(checkpoint.text(), signature)


def test_a_name_that_cosigned_with_two_keys_counts_once_with_the_earlier_time() -> None:
    checkpoint = Checkpoint(ORIGIN, 5, ROOT)
    old, new = cosigner("FR"), cosigner("FR", "new")
    note = NOTE.signed(new.cosign(checkpoint, NOW + 9), old.cosign(checkpoint, NOW + 2))
    assert cosignatures(note, [new.public, old.public]) == {"FR": NOW + 2}


def test_keys_that_carry_no_time_are_not_cosigners() -> None:
    note = NOTE.signed(signer("FR").sign(NOTE.text)[0])
    assert cosignatures(note, [signer("FR").public.ed25519]) == {}


def test_an_ed25519_cosignature_of_an_outside_witness_is_understood() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    key = VerifierKey("w.example", ED25519_COSIGNATURE, private.public_key().public_bytes_raw())
    signature = private.sign(ed25519_message(NOTE.text, NOW))
    note = NOTE.signed(SignatureLine(key.name, key.key_id, NOW.to_bytes(8, "big") + signature))
    assert cosignatures(note, [key]) == {"w.example": NOW}
    with pytest.raises(Unverified):
        key.verify(NOTE.text, (NOW + 1).to_bytes(8, "big") + signature)


def test_a_cosigning_key_signs_no_other_text() -> None:
    with pytest.raises(Unverified, match="cosigns checkpoints"):
        cosigner("FR").public.verify(TEXT, bytes(8 + 2420))


@pytest.mark.parametrize("time", [0, 2**63, 2**64 - 1])
def test_a_cosignature_without_a_time_counts_for_nothing(time: int) -> None:
    private = MLDSA44PrivateKey.from_seed_bytes(bytes(32))
    key = VerifierKey("FR", ML_DSA_44_COSIGNATURE, private.public_key().public_bytes_raw())
    # Rightly signed: only the time is at fault.
    message = ml_dsa_44_message("FR", 1, Checkpoint(ORIGIN, 5, ROOT))
    message = message.replace(b"\x02FR" + (1).to_bytes(8, "big"), b"\x02FR" + time.to_bytes(8, "big"))
    signature = time.to_bytes(8, "big") + private.sign(message)
    with pytest.raises(Unverified, match="time"):
        key.verify(NOTE.text, signature)


@given(st.binary(max_size=20))
def test_any_cosignature_splits_or_is_refused(raw: bytes) -> None:
    try:
        time, signature = split_cosignature(raw)
    except Malformed:
        return
    assert time.to_bytes(8, "big") + signature == raw


def test_parse_checkpoint_verifies_nothing() -> None:
    checkpoint, note = parse_checkpoint(with_lines(SignatureLine("XX", b"1234", b"nonsense")))
    assert checkpoint == Checkpoint(ORIGIN, 5, ROOT)
    assert len(note.signatures) == 1


def test_a_log_key_is_two_keys_of_the_right_types() -> None:
    key = LOG.public
    for pair in ((key.ml_dsa_44, key.ed25519), (key.ed25519, key.ed25519), (key.ml_dsa_44, key.ml_dsa_44)):
        with pytest.raises(Malformed):
            LogKey(ORIGIN, *pair)
