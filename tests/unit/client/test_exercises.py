"""The exercise notices that are shipped: sound, invented, marked, and the same in both forms."""

from __future__ import annotations

import json
import unicodedata

from envoi_client import exercises
from envoi_client.documents import parse_draft, render
from envoi_client.documents.denial import Kind, Role, Status, TransactionType
from envoi_client.documents.tabular import to_csv
from envoi_keys.regimes import WITHHELD, load

PROFILE = load("mtcr")
NOTICES = exercises.notices(PROFILE)


def test_there_are_twenty_sound_notices_and_each_says_that_it_is_an_exercise() -> None:
    assert len(NOTICES) == 20
    for content, notice in zip(exercises.contents(), NOTICES, strict=True):
        assert notice.exercise
        assert notice.to_content() == content
        assert notice.competent_authority.contact.endswith("@exercise.example")
        assert parse_draft("denial/v1", json.dumps(content).encode(), PROFILE) == notice
        assert render(notice, PROFILE).startswith("EXERCISE")
    assert len({notice.regime_reference for notice in NOTICES}) == 20


def test_the_csv_is_the_json_in_the_tabular_form() -> None:
    assert exercises.read(exercises.NOTICES_CSV) == to_csv(NOTICES)


def test_they_are_as_varied_as_the_form() -> None:
    assert len({notice.notifying_government for notice in NOTICES}) >= 8
    assert {notice.kind for notice in NOTICES} == set(Kind)
    assert {notice.transaction_type for notice in NOTICES} == set(TransactionType)
    assert {notice.status for notice in NOTICES} == set(Status)
    assert {party.role for notice in NOTICES for party in notice.parties} == set(Role)
    assert {notice.annex_category for notice in NOTICES} == {"I", "II", "not_listed"}
    assert sum(notice.catch_all for notice in NOTICES) == 2
    assert any(notice.reason_for_refusal.code == WITHHELD for notice in NOTICES)


def test_the_amended_notice_replaces_one_that_is_there() -> None:
    references = {notice.regime_reference for notice in NOTICES}
    (amended,) = (notice for notice in NOTICES if notice.status is Status.AMENDED)
    assert amended.supersedes in references


def test_names_stand_in_many_scripts() -> None:
    letters = {letter for notice in NOTICES for party in notice.parties for letter in "".join(party.names)}
    scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in letters if letter.isalpha()}
    assert {
        "LATIN",
        "CYRILLIC",
        "ARABIC",
        "CJK",
        "HANGUL",
        "DEVANAGARI",
        "GREEK",
        "THAI",
        "ARMENIAN",
    } <= scripts


def test_one_party_comes_back_under_other_spellings() -> None:
    known = [
        notice.notifying_government
        for notice in NOTICES
        if any("مهتاب سنجش اروند" in name for party in notice.parties for name in party.names)
    ]
    assert known == ["FR", "UA", "CH"]
