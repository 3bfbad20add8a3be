"""The enrolment proves that its maker holds the signing key in it, with both halves."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from envoi_keys.enrolments import Enrolment, verify_enrolment
from envoi_keys.errors import Malformed, Unverified
from envoi_keys.limits import MAX_DISPATCH_NOTE_BYTES
from envoi_keys.notes import Note

from ...budget import at_most
from ...exchange import party, sign
from .fields import Path, accepted, changed, field_damage, refuses_missing_and_unknown_fields
from .mutations import damaged
from .samples import ENROLMENT, ENROLMENT_TEXT

NOTE = sign(ENROLMENT_TEXT, party("IT").signer)
JSON = json.loads(ENROLMENT_TEXT)


def test_what_is_written_is_read_back_and_verified() -> None:
    assert Enrolment.parse(ENROLMENT_TEXT) == ENROLMENT
    assert verify_enrolment(NOTE) == ENROLMENT


def test_before_the_first_roster_there_is_no_exchange_to_name() -> None:
    early = replace(ENROLMENT, exchange="")
    assert verify_enrolment(sign(early.text(), party("IT").signer)) == early


def test_no_field_may_lack_and_none_be_added() -> None:
    refuses_missing_and_unknown_fields(Enrolment.parse, ENROLMENT_TEXT)


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("exchange",), "ab", "exchange"),
        (("member",), "ES", "cosigning"),
        (("member",), "IT/rome", "member"),
        (("name",), "x" * 129, "name"),
        (("signing",), JSON["signing"][:1], "signing"),
        (("sealing",), [], "sealing"),
        (("sealing",), JSON["sealing"] * 5, "sealing"),
        (("sealing",), ["age1" + "q" * 58], "sealing[0]"),
        (("transport",), "AAAA", "transport"),
        (("cosigning",), JSON["signing"][0], "cosigning"),
        (("made_at",), 0, "made_at"),
    ],
)
def test_each_rule_of_a_field(path: Path, value: Any, field: str) -> None:
    with pytest.raises(Malformed) as caught:
        Enrolment.parse(changed(ENROLMENT_TEXT, path, value))
    assert caught.value.field == field


@pytest.mark.parametrize("signer", [party("ES"), party("IT", 1)], ids=["another-name", "another-key"])
def test_an_enrolment_that_somebody_else_signed_is_refused(signer: Any) -> None:
    with pytest.raises(Unverified, match="not signed by the key it names"):
        verify_enrolment(sign(ENROLMENT_TEXT, signer.signer))


@pytest.mark.parametrize("half", [0, 1])
def test_half_a_signature_is_refused(half: int) -> None:
    note = Note.parse(NOTE)
    with pytest.raises(Unverified, match="half"):
        verify_enrolment(Note(note.text, note.signatures[half : half + 1]).serialise())


def test_keys_that_were_exchanged_after_signing_are_refused() -> None:
    # A relay that puts its own sealing key into an enrolment that it passes on.
    for name in ("sealing", "transport", "cosigning"):
        mine = replace(ENROLMENT, keys=replace(ENROLMENT.keys, **{name: getattr(party("IT", 1).keys, name)}))
        with pytest.raises(Unverified, match="does not hold"):
            verify_enrolment(Note(mine.text(), Note.parse(NOTE).signatures).serialise())


def test_a_stranger_cannot_make_us_parse_more_than_a_small_note() -> None:
    with pytest.raises(Malformed, match="at most"):
        verify_enrolment(b"[" * (MAX_DISPATCH_NOTE_BYTES + 1))


@at_most(60)
@given(damaged(NOTE))
def test_any_bytes_are_this_enrolment_or_one_of_our_errors(raw: bytes) -> None:
    assert accepted(verify_enrolment, raw) in (None, ENROLMENT)


@at_most(60)
@given(damaged(ENROLMENT_TEXT) | field_damage(ENROLMENT_TEXT))
def test_any_text_is_an_enrolment_or_one_of_our_errors(raw: bytes) -> None:
    enrolment = accepted(Enrolment.parse, raw)
    assert enrolment is None or Enrolment.parse(enrolment.text()) == enrolment
