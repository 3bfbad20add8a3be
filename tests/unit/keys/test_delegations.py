"""The delegation: only the authority makes one, for what is its own, with both halves of its signature."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from envoi_keys.delegations import Delegation, verify_delegation
from envoi_keys.errors import Malformed, Unverified
from envoi_keys.limits import MAX_DISPATCH_NOTE_BYTES
from envoi_keys.notes import Note

from ...budget import at_most
from ...exchange import Party, party, sign
from .fields import Path, accepted, changed, field_damage, refuses_missing_and_unknown_fields
from .mutations import damaged
from .samples import DELEGATION, DELEGATION_TEXT

FRANCE = party("FR").signer
NOTE = sign(DELEGATION_TEXT, FRANCE)
JSON = json.loads(DELEGATION_TEXT)


def test_what_is_written_is_read_back_and_verified() -> None:
    assert Delegation.parse(DELEGATION_TEXT) == DELEGATION
    assert verify_delegation(NOTE, FRANCE.public) == DELEGATION


def test_no_field_may_lack_and_none_be_added() -> None:
    refuses_missing_and_unknown_fields(Delegation.parse, DELEGATION_TEXT)


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("from",), "DE", "delegate"),
        (("from",), "FR/iem-1", "from"),
        (("delegate",), "DE/iem-1", "delegate"),
        (("delegate",), "FR", "delegate"),
        (("delegate",), "FR/iem-2", "signing"),
        (("signing",), party("FR").signer.public.vkeys(), "signing"),
        (("signing",), JSON["signing"][:1], "signing"),
        (("sealing",), [], "sealing"),
        (("sealing",), ["age1pq1"], "sealing[0]"),
        (("transport",), "AAAA", "transport"),
        (("scope",), [], "scope"),
        (("scope",), ["read"] * 17, "scope"),
        (("scope",), ["read", "READ"], "scope[1]"),
        (("scope",), ["meeting:"], "scope[0]"),
        (("scope",), ["meeting:a b"], "scope[0]"),
        (("until",), "for ever", "until"),
        (("issued_at",), None, "issued_at"),
    ],
)
def test_each_rule_of_a_field(path: Path, value: Any, field: str) -> None:
    with pytest.raises(Malformed) as caught:
        Delegation.parse(changed(DELEGATION_TEXT, path, value))
    assert caught.value.field == field


@pytest.mark.parametrize(
    "signer",
    [party("POC"), party("POC/anne"), party("DE"), party("FR/iem-1"), party("FR", 1)],
    ids=lambda one: one.name,
)
def test_nobody_but_the_authority_can_make_one(signer: Party) -> None:
    note = sign(DELEGATION_TEXT, signer.signer)
    for key in (FRANCE.public, signer.signer.public):
        if key != party("FR", 1).signer.public:
            with pytest.raises(Unverified, match="not signed by FR"):
                verify_delegation(note, key)


def test_the_key_that_the_authority_dropped_does_not_verify() -> None:
    with pytest.raises(Unverified, match="not signed by FR"):
        verify_delegation(NOTE, party("FR", 1).signer.public)


@pytest.mark.parametrize("half", [0, 1])
def test_half_a_signature_is_refused(half: int) -> None:
    note = Note.parse(NOTE)
    with pytest.raises(Unverified, match="half"):
        verify_delegation(Note(note.text, note.signatures[half : half + 1]).serialise(), FRANCE.public)


def test_a_delegation_that_was_changed_after_signing_is_refused() -> None:
    for change in (
        {"scope": ("read", "publish")},
        {"until": DELEGATION.until + 1},
        {"sealing": party("FR", 1).sealing},
    ):
        other = replace(DELEGATION, **change)
        with pytest.raises(Unverified, match="does not hold"):
            verify_delegation(Note(other.text(), Note.parse(NOTE).signatures).serialise(), FRANCE.public)


def test_a_larger_note_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(Malformed, match="at most"):
        verify_delegation(b"[" * (MAX_DISPATCH_NOTE_BYTES + 1), FRANCE.public)


@at_most(60)
@given(damaged(NOTE))
def test_any_bytes_are_this_delegation_or_one_of_our_errors(raw: bytes) -> None:
    assert accepted(lambda data: verify_delegation(data, FRANCE.public), raw) in (None, DELEGATION)


@at_most(60)
@given(damaged(DELEGATION_TEXT) | field_damage(DELEGATION_TEXT))
def test_any_text_is_a_delegation_or_one_of_our_errors(raw: bytes) -> None:
    delegation = accepted(Delegation.parse, raw)
    assert delegation is None or Delegation.parse(delegation.text()) == delegation
