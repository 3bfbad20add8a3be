"""Notes, keys and cosignatures against what independent Go implementations signed (see tests/vectors)."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from envoi_keys.checkpoints import Checkpoint, cosignatures, parse_checkpoint
from envoi_keys.errors import Unverified
from envoi_keys.notes import Note, SignatureLine
from envoi_keys.signing import Cosigner
from envoi_keys.tree_head import ed25519_message
from envoi_keys.vkeys import ED25519, ED25519_COSIGNATURE, ML_DSA_44_COSIGNATURE, VerifierKey, verified_keys

VECTORS: dict[str, str] = json.loads(
    (Path(__file__).resolve().parent.parent / "vectors" / "note-vectors.json").read_text(encoding="utf-8")
)
TREES: dict[str, dict[str, str]] = json.loads(
    (Path(__file__).resolve().parent.parent / "vectors" / "tlog-vectors.json").read_text(encoding="utf-8")
)
LOG = VerifierKey.parse(VECTORS["log_vkey"])
WITNESS = VerifierKey.parse(VECTORS["ed25519_cosigner_vkey"])
PQ_WITNESS = VerifierKey.parse(VECTORS["mldsa44_cosigner_vkey"])
MADE_AT = int(VECTORS["made_at"])
FULL = VECTORS["checkpoint_log_ed25519cosig_mldsa44cosig"].encode()
NAMES = ("checkpoint_log_only", "checkpoint_log_ed25519cosig", "checkpoint_log_ed25519cosig_mldsa44cosig")


def seed_of(name: str) -> bytes:
    """The private bytes of a signing key of Go's note package: PRIVATE+KEY+name+id+base64(type, seed)."""
    return b64decode(VECTORS[name].split("+", 4)[4])[1:]


def test_vkeys_come_back_and_have_the_types_and_ids_that_go_gave_them() -> None:
    expected = {
        "log_vkey": ED25519,
        "ed25519_note_vkey": ED25519,
        "ed25519_cosigner_vkey": ED25519_COSIGNATURE,
        "mldsa44_cosigner_vkey": ML_DSA_44_COSIGNATURE,
    }
    for name, key_type in expected.items():
        key = VerifierKey.parse(VECTORS[name])
        assert str(key) == VECTORS[name]
        assert key.key_type == key_type


@pytest.mark.parametrize("name", NAMES)
def test_checkpoints_parse_to_the_bytes_and_tree_of_the_vectors(name: str) -> None:
    checkpoint, note = parse_checkpoint(VECTORS[name].encode())
    assert note.serialise() == VECTORS[name].encode()
    assert checkpoint == Checkpoint("poc.example/log", 70_000, b64decode(TREES["roots"]["70000"]))
    assert checkpoint.text() == note.text


def test_each_signature_verifies_under_its_own_key() -> None:
    note = Note.parse(FULL)
    assert verified_keys(note, [LOG, WITNESS, PQ_WITNESS]) == (LOG, WITNESS, PQ_WITNESS)
    assert cosignatures(note, [LOG, WITNESS, PQ_WITNESS]) == {WITNESS.name: MADE_AT, PQ_WITNESS.name: MADE_AT}
    assert verified_keys(Note.parse(VECTORS["checkpoint_log_only"].encode()), [LOG, WITNESS]) == (LOG,)


def test_the_same_public_key_as_a_note_key_did_not_sign() -> None:
    # Same name and public key, another type: another id, so the cosignature does not pass for a signature.
    key = VerifierKey.parse(VECTORS["ed25519_note_vkey"])
    assert key.material == WITNESS.material
    assert verified_keys(Note.parse(FULL), [key]) == ()


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_changed_signature_or_time_refuses_the_note(position: int) -> None:
    note = Note.parse(FULL)
    line = note.signatures[position]
    for at in (
        7,
        8,
        40,
        len(line.signature) - 1,
    ):  # the last byte of the time, the first after it, and others
        changed = bytearray(line.signature)
        changed[at] ^= 1
        lines = list(note.signatures)
        lines[position] = SignatureLine(line.name, line.key_id, bytes(changed))
        with pytest.raises(Unverified):
            verified_keys(Note(note.text, tuple(lines)), [LOG, WITNESS, PQ_WITNESS])


def test_our_ed25519_signatures_are_those_of_go_bit_by_bit() -> None:
    # Ed25519 is deterministic, so the same seed, text and time give the bytes that are in the vectors.
    note = Note.parse(FULL)
    private = Ed25519PrivateKey.from_private_bytes(seed_of("log_skey"))
    assert private.sign(note.text) == note.signatures[0].signature
    private = Ed25519PrivateKey.from_private_bytes(seed_of("ed25519_cosigner_skey"))
    signature = private.sign(ed25519_message(note.text, MADE_AT))
    assert MADE_AT.to_bytes(8, "big") + signature == note.signatures[1].signature


def test_our_ml_dsa_44_key_is_that_of_go_and_so_is_what_it_signs() -> None:
    cosigner = Cosigner.from_seed(PQ_WITNESS.name, seed_of("mldsa44_cosigner_skey"))
    assert cosigner.public == PQ_WITNESS
    checkpoint, note = parse_checkpoint(VECTORS["checkpoint_log_only"].encode())
    again = note.signed(cosigner.cosign(checkpoint, MADE_AT))
    assert cosignatures(again, [PQ_WITNESS]) == {PQ_WITNESS.name: MADE_AT}
