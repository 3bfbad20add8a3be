"""Verifier keys: one spelling each, an id that is computed, and no key under which everything verifies."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from envoi_keys import vkeys
from envoi_keys.encoding import b64
from envoi_keys.errors import LocalError, Malformed, Unverified
from envoi_keys.notes import Note, SignatureLine
from envoi_keys.vkeys import (
    ED25519,
    ED25519_COSIGNATURE,
    ML_DSA_44_COSIGNATURE,
    ML_DSA_65,
    VerifierKey,
    verified_keys,
)

from ...vectors import edwards
from ...vectors.edwards import L, P
from .mutations import damaged
from .signers import TEXT, cosigner, signer

# The example of C2SP signed-note, "Verifier keys".
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwH"
    "jG1Yu72IneyaQM=\n"
).encode()
FR = signer("FR").public


def vkey(name: str, data: bytes) -> str:
    """A vkey with the right id, whatever the data."""
    key_id = sha256(name.encode() + b"\n" + data).digest()[:4]
    return f"{name}+{key_id.hex()}+{b64(data)}"


def test_the_example_of_the_specification_verifies() -> None:
    key = VerifierKey.parse(EXAMPLE_KEY)
    assert (key.name, key.key_type, key.key_id.hex()) == ("example.com/foo", ED25519, "530d903a")
    assert str(key) == EXAMPLE_KEY
    assert verified_keys(Note.parse(EXAMPLE_NOTE), [key]) == (key,)


@pytest.mark.parametrize("key", [FR.ed25519, FR.ml_dsa_65, cosigner("FR").public], ids=["01", "ff", "06"])
def test_every_type_comes_back_from_its_text(key: VerifierKey) -> None:
    assert VerifierKey.parse(str(key)) == key
    assert VerifierKey.parse(str(key)).key_id == key.key_id


def test_the_key_id_of_ml_dsa_65_covers_our_whole_identifier() -> None:
    material = FR.ml_dsa_65.material
    assert len(material) == 1952
    expected = sha256(b"FR\n\xffenvoi/ml-dsa-65/v1" + material).digest()[:4]
    assert FR.ml_dsa_65.key_id == expected


def test_one_key_has_another_id_for_each_type() -> None:
    material = FR.ed25519.material
    assert VerifierKey("FR", ED25519, material).key_id != VerifierKey("FR", ED25519_COSIGNATURE, material).key_id


@given(
    damaged(str(FR.ed25519).encode(), str(FR.ml_dsa_65).encode(), str(cosigner("FR").public).encode()).map(
        lambda raw: raw.decode("utf-8", "surrogateescape")
    )
)
def test_any_text_parses_to_itself_or_is_refused(text: str) -> None:
    try:
        key = VerifierKey.parse(text)
    except Malformed:
        return
    assert str(key) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "form"),
        ("FR", "form"),
        ("FR+00000000", "form"),
        (EXAMPLE_KEY.replace("530d903a", "530D903A"), "form"),
        (EXAMPLE_KEY.replace("530d903a", "530d903"), "form"),
        (EXAMPLE_KEY.replace("530d903a", "530d903b"), "key id"),
        (EXAMPLE_KEY.replace("example.com/foo", "example.com/fop"), "key id"),
        (EXAMPLE_KEY.replace("example.com/foo", ""), "empty"),
        (EXAMPLE_KEY.replace("foo", "f o"), "space"),
        (EXAMPLE_KEY + "=", "base64"),
        (EXAMPLE_KEY[:-1] + "l", "key id"),
        ("x" * 5000, "characters"),
        (vkey("n" * 129, ED25519 + FR.ed25519.material), "exceeds 128"),
        (vkey("é" * 128, ED25519 + FR.ed25519.material), "255 bytes"),
        (vkey("FR", b""), "type 0x"),
        (vkey("FR", b"\x02" + bytes(32)), "type 0x02"),
        (vkey("FR", b"\xffenvoi/ml-dsa-65/v2" + FR.ml_dsa_65.material), "type 0xff"),
        (vkey("FR", b"\xff" + FR.ml_dsa_65.material), "type 0xff"),
        (vkey("FR", ED25519 + FR.ed25519.material + b"\x00"), "33 bytes"),
        (vkey("FR", ML_DSA_65 + FR.ml_dsa_65.material[:-1]), "1951 bytes"),
        (vkey("FR", ML_DSA_44_COSIGNATURE + FR.ml_dsa_65.material), "1952 bytes"),
    ],
)
def test_a_vkey_out_of_form_is_refused(text: str, message: str) -> None:
    with pytest.raises(Malformed, match=message) as caught:
        VerifierKey.parse(text, "members[3].signing[0]")
    assert caught.value.field == "members[3].signing[0]"


def encodings_of_small_order() -> list[bytes]:
    """Every 32-byte string whose y is that of a point of small order, with either sign, reduced or not."""
    values = {y for _, y in edwards.small_order()}
    assert len(values) == 5
    spelled = [y + extra for y in values for extra in (0, P) if y + extra < 2**255]
    return [(y | sign << 255).to_bytes(32, "little") for y in spelled for sign in (0, 1)]


def test_a_key_of_small_order_would_sign_everything_and_is_refused() -> None:
    identity = (1).to_bytes(32, "little")
    # The library accepts one signature of the neutral element over any text: this is why we look.
    for text in (b"what I signed", b"what I never signed"):
        Ed25519PublicKey.from_public_bytes(identity).verify(identity + bytes(32), text)
    spelled = encodings_of_small_order()
    assert len(spelled) == 14
    for material in spelled:
        for key_type in (ED25519, ED25519_COSIGNATURE):
            with pytest.raises(Malformed, match="small order"):
                VerifierKey("FR", key_type, material)


def test_a_second_spelling_of_a_key_is_refused() -> None:
    for y in range(P, 2**255):
        with pytest.raises(Malformed, match="one encoding"):
            VerifierKey("FR", ED25519, y.to_bytes(32, "little"))


def test_no_ed25519_signature_holds_for_some_readers_only() -> None:
    seed = bytes(range(32))
    key = VerifierKey("FR", ED25519, Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())
    made = {extra: edwards.sign_with_small_order(seed, TEXT, extra) for extra in edwards.small_order()}
    assert len(made) == 8
    # With the neutral element added to R this is the signature of RFC 8032, and holds.
    assert made.pop(edwards.NEUTRAL) == Ed25519PrivateKey.from_private_bytes(seed).sign(TEXT)
    # With any other it holds only where the equation is multiplied by the cofactor.
    for signature in made.values():
        with pytest.raises(Unverified):
            key.verify(TEXT, signature)


def test_an_ed25519_signature_has_one_form() -> None:
    # RFC 8032 §5.1.7: S at or above the group order is refused, else each signature would have a second form.
    signature = signer("FR").sign(TEXT)[0].signature
    s = int.from_bytes(signature[32:], "little") + L
    with pytest.raises(Unverified):
        FR.ed25519.verify(TEXT, signature[:32] + s.to_bytes(32, "little"))


def test_unknown_signatures_are_ignored_also_when_they_share_a_name_or_an_id() -> None:
    key = FR.ed25519
    good = signer("FR").sign(TEXT)[0]
    strangers = (
        SignatureLine(key.name, b"\x00\x00\x00\x00", b"nonsense"),
        SignatureLine("XX", key.key_id, b"nonsense"),
    )
    assert verified_keys(Note(TEXT, (*strangers, good)), [key]) == (key,)
    assert verified_keys(Note(TEXT, strangers), [key]) == ()
    assert verified_keys(Note(TEXT, (good,)), []) == ()


def test_a_bad_signature_of_a_known_key_refuses_the_note_whatever_else_signed() -> None:
    good = signer("DE").sign(TEXT)[0]
    bad = SignatureLine("FR", FR.ed25519.key_id, signer("FR").sign(b"another text\n")[0].signature)
    note = Note(TEXT, (good, bad))
    with pytest.raises(Unverified, match="FR"):
        verified_keys(note, [signer("DE").public.ed25519, FR.ed25519])
    # For who does not know FR's key it is an unknown signature, and DE's stands.
    assert len(verified_keys(note, [signer("DE").public.ed25519])) == 1


def test_each_key_is_named_once_in_the_order_asked() -> None:
    note = Note(TEXT, (*signer("FR").sign(TEXT), *signer("DE").sign(TEXT)))
    asked = [signer("DE").public.ed25519, FR.ml_dsa_65, signer("DE").public.ed25519]
    assert verified_keys(note, asked) == (asked[0], asked[1])


@pytest.mark.parametrize(
    "change",
    [lambda s: b"", lambda s: s[:-1], lambda s: s + b"\x00", lambda s: bytes(len(s)), lambda s: s[::-1]],
    ids=["empty", "short", "long", "zeros", "reversed"],
)
@pytest.mark.parametrize("half", [0, 1], ids=["ed25519", "ml-dsa-65"])
def test_a_signature_of_any_length_or_content_is_unverified_and_nothing_worse(
    half: int, change: Callable[[bytes], bytes]
) -> None:
    line = signer("FR").sign(TEXT)[half]
    key = (FR.ed25519, FR.ml_dsa_65)[half]
    key.verify(TEXT, line.signature)
    with pytest.raises(Unverified):
        key.verify(TEXT, change(line.signature))


@given(st.binary(max_size=80), st.sampled_from([FR.ed25519, FR.ml_dsa_65, cosigner("FR").public]))
def test_no_bytes_verify_by_chance_and_no_other_error_comes_out(signature: bytes, key: VerifierKey) -> None:
    with pytest.raises(Unverified):
        key.verify(TEXT, signature)


def test_a_key_that_the_library_takes_for_no_key_verifies_nothing() -> None:
    # The library takes any 1952 bytes for an ML-DSA-65 key, and a y that is on no curve for an Ed25519 key.
    for key in (
        VerifierKey("FR", ML_DSA_65, b"\xff" * 1952),
        VerifierKey("FR", ED25519, (2).to_bytes(32, "little")),
    ):
        with pytest.raises(Unverified):
            key.verify(TEXT, bytes(64))


def test_a_library_without_ml_dsa_is_our_fault_and_not_the_signers(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(material: bytes) -> Ed25519PublicKey:
        raise UnsupportedAlgorithm("no ML-DSA")

    key = signer("FR", "a key that no cache holds").public.ml_dsa_65
    monkeypatch.setitem(vkeys._LOADERS, ML_DSA_65, refuse)
    with pytest.raises(LocalError, match="ML-DSA"):
        key.verify(TEXT, bytes(3309))


def test_a_key_travels_to_another_process() -> None:
    FR.ml_dsa_65.verify(TEXT, signer("FR").sign(TEXT)[1].signature)  # so that there is a parsed key to leave behind
    assert pickle.loads(pickle.dumps(FR.ml_dsa_65)) == FR.ml_dsa_65


def test_many_threads_verify_with_one_key() -> None:
    fresh = signer("FR", "known to no thread yet")
    good, bad = fresh.sign(TEXT)[1].signature, fresh.sign(b"another text\n")[1].signature

    def holds(signature: bytes) -> bool:
        try:
            fresh.public.ml_dsa_65.verify(TEXT, signature)
        except Unverified:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(holds, [good, bad] * 100)) == [True, False] * 100
