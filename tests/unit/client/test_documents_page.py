"""docs/DOCUMENTS.md and the code say the same."""

from __future__ import annotations

import re

import pytest

from envoi_client.documents import InvalidDocument, parse_aggregate, parse_denial, parse_draft, parse_note
from envoi_client.documents.aggregate import STATUSES
from envoi_client.documents.denial import Kind, Role, Status, TransactionType

from ...tools import ROOT
from .aggregates import AGGREGATE, spoilt_aggregate
from .denials import PROFILE, SOUND, spoilt

PAGE = (ROOT / "docs" / "DOCUMENTS.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([a-z_]+)` \| ([MO]) \| (.*) \|$", PAGE, re.MULTILINE)
NOTICE_FIELDS = ROWS[:28]
PARTY_FIELDS = ROWS[28:35]
AGGREGATE_FIELDS = ROWS[35:]


def test_the_examples_are_sound() -> None:
    examples = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    types = ("denial/v1", "aggregate/v1", "consultation/v1", "undercut/v1")
    for type_, example in zip(types, examples, strict=True):
        assert parse_draft(type_, example.encode(), PROFILE)


def test_every_field_is_described_and_only_those() -> None:
    assert {name for name, _, _ in NOTICE_FIELDS} == {*SOUND, "supersedes", "revocation_reason"}
    assert {name for name, _, _ in PARTY_FIELDS} == set(SOUND["parties"][0])
    assert {name for name, _, _ in AGGREGATE_FIELDS} == {*AGGREGATE, "revocation_reason"}


@pytest.mark.parametrize(("name", "mark"), [(name, mark) for name, mark, _ in NOTICE_FIELDS])
def test_a_field_of_a_notice_is_as_mandatory_as_the_page_says(name: str, mark: str) -> None:
    together = {"quantity": "unit", "unit": "quantity", "value": "currency", "currency": "value"}

    def change(content: dict[str, object]) -> None:
        content.pop(name, None)
        content.pop(together.get(name, name), None)

    if mark == "O":
        assert parse_denial(spoilt(change), PROFILE)
    else:
        with pytest.raises(InvalidDocument, match=f"{name}: is missing"):
            parse_denial(spoilt(change), PROFILE)


@pytest.mark.parametrize(("name", "mark"), [(name, mark) for name, mark, _ in PARTY_FIELDS])
def test_a_field_of_a_party_is_as_mandatory_as_the_page_says(name: str, mark: str) -> None:
    content = spoilt(lambda c: c["parties"][0].pop(name))
    if mark == "O":
        assert parse_denial(content, PROFILE)
    else:
        with pytest.raises(InvalidDocument, match=f"{name}: is missing"):
            parse_denial(content, PROFILE)


@pytest.mark.parametrize(("name", "mark"), [(name, mark) for name, mark, _ in AGGREGATE_FIELDS])
def test_a_field_of_an_aggregate_is_as_mandatory_as_the_page_says(name: str, mark: str) -> None:
    content = spoilt_aggregate(lambda c: c.pop(name, None))
    if mark == "O":
        assert parse_aggregate(content, PROFILE)
    else:
        with pytest.raises(InvalidDocument, match=f"{name}: is missing"):
            parse_aggregate(content, PROFILE)


@pytest.mark.parametrize(
    ("name", "terms"),
    [("kind", Kind), ("transaction_type", TransactionType), ("status", Status), ("role", Role)],
)
def test_the_terms_are_all_there(name: str, terms: type[Kind | TransactionType | Status | Role]) -> None:
    (text,) = (text for field, _, text in [*NOTICE_FIELDS, *PARTY_FIELDS] if field == name)
    assert re.findall(r"`([a-z_]+)`", text) == [term.value for term in terms]


def test_an_aggregate_has_fewer_terms_for_its_status() -> None:
    (text,) = (text for field, _, text in AGGREGATE_FIELDS if field == "status")
    assert re.findall(r"`([a-z_]+)`", text) == [term.value for term in STATUSES]


def test_the_note_is_as_the_page_says() -> None:
    assert parse_note({"subject": "...", "text": "..."}, PROFILE)
    assert '`{"subject": "...", "text": "..."}`, both mandatory' in PAGE
