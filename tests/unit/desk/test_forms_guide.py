"""The guided form: every answer is judged at once, any is taken back, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from envoi_client.documents import parse
from envoi_client.store.database import Database
from envoi_desk.forms.asking import fill_in
from envoi_desk.forms.drafts import Drafts
from envoi_desk.forms.guide import Guide, next_reference
from envoi_desk.forms.tables import TABLES
from envoi_desk.forms.words import words

from .notices import PROFILE

PARTNERS = [state.id for state in PROFILE.partners]
TODAY = date(2026, 3, 9)
ANSWERS = {
    "exercise": "yes",
    "authority_name": "Bureau des exercices",
    "authority_contact": "desk@exercise.example\\nRoom 4",
    "kind": "1",
    "transaction_type": "Export",
    "date_of_denial": "2026-03-02",
    "control_entries": "9.A.3; 9.A.6",
    "item_description": "Accelerometers",
    "destination_country": "PK",
    "reason_for_refusal": "end_use",
    "reason_text": "Doubtful.",
    "releasability": "MTCR Partners only",
    "party.0.name": "Kamalia Ravi Works",
    "party.0.role": "end",
    "party.0.country": "PK",
    "party.0.aliases": "KRW; Ravi Works",
}


def guide(language: str = "en", type_: str = "denial/v1", answers: dict[str, str] | None = None) -> Guide:
    first = "MTCR/DN/FR/2026/0001"
    return Guide(type_, "FR", PROFILE, PARTNERS, words(language), first, TODAY, dict(answers or {}))


class Person:
    """Somebody at the terminal: answers by key, lines that come first, and what was said to them."""

    def __init__(self, form: Guide, answers: dict[str, str], *first: str, stop: int | None = None) -> None:
        self.form, self.answers, self.first, self.stop = form, answers, list(first), stop
        self.asked: list[str] = []
        self.told: list[str] = []
        self.saved: dict[str, str] = {}

    def ask(self, question: str) -> str:
        if self.stop is not None and len(self.asked) == self.stop:
            raise KeyboardInterrupt
        self.asked.append(question)
        if self.first:
            return self.first.pop(0)
        waiting = self.form.question()
        assert waiting
        return self.answers.get(waiting.key, "")

    def fill_in(self) -> Any:
        return fill_in(self.form, self.ask, self.told.append, lambda answers: self.saved.update(answers)).to_content()


EXPECTED = {
    "regime_reference": "MTCR/DN/FR/2026/0001",
    "notifying_government": "FR",
    "competent_authority": {"name": "Bureau des exercices", "contact": "desk@exercise.example\nRoom 4"},
    "kind": "refusal",
    "transaction_type": "export",
    "date_of_denial": "2026-03-02",
    "date_of_notification": "2026-03-09",
    "control_entries": ["9.A.3", "9.A.6"],
    "annex_category": "II",
    "item_description": "Accelerometers",
    "destination_country": "PK",
    "reason_for_refusal": {"code": "end_use", "text": "Doubtful."},
    "review_by": "2029-03-09",
    "status": "valid",
    "releasability": "MTCR Partners only",
    "exercise": True,
    "parties": [
        {"name": "Kamalia Ravi Works", "role": "end_user", "country": "PK", "aliases": ["KRW", "Ravi Works"]},
    ],
}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_form_is_filled_in(language: str) -> None:
    changes = {"exercise": "oui", "transaction_type": "exportation"} if language == "fr" else {}
    person = Person(guide(language), ANSWERS | changes)
    assert person.fill_in() == EXPECTED
    assert parse("denial/v1", EXPECTED, PROFILE)
    heading = {"en": "Regime reference [MTCR/DN/FR/2026/0001]", "fr": "Référence du régime [MTCR/DN/FR/2026/0001]"}
    assert person.asked[0] == heading[language]
    assert not any(line.startswith(("  not taken", "  refusé")) for line in person.told)


@pytest.mark.parametrize(
    ("key", "typed", "said"),
    [
        (
            "date_of_denial",
            "02/03/2026",
            "02/03/2026 is not a date in the form YYYY-MM-DD; write 2026-03-02",
        ),
        ("control_entries", "9.Q.3", "9.Q.3 is not an entry of the Annex; did you mean 9.A.3?"),
        ("control_entries", "9.A.3; catch-all", "catch-all stands beside entries of the Annex; an item is"),
        ("destination_country", "Pakistan", "Pakistan is not an ISO 3166 code; Pakistan is PK"),
        ("kind", "9", "9 is not one of refusal, "),
        ("kind", "", "is missing; say what was done: refusal, or another of the terms"),
        ("exercise", "maybe", "maybe is not true or false"),
        ("review_by", "2039-01-01", "2039-01-01 is more than 36 months after date_of_notification, 2026-03-09"),
        ("date_of_notification", "2026-03-01", "2026-03-01 is before date_of_denial, 2026-03-02"),
        ("regime_reference", "MTCR/DN/DE/2026/0001", "MTCR/DN/DE/2026/0001 belongs to DE, but"),
        ("party.0.name", "A\u202eB", "holds a hidden mark that changes the reading direction (U+202E)"),
        ("party.0.aliases", "krw; KRW", "KRW stands among the names already"),
        ("party.0.role", "i", None),
        ("releasability", "a\\nb", "holds a line break at character 2"),
    ],
)
def test_an_answer_is_judged_at_once_with_the_validators_words(key: str, typed: str, said: str | None) -> None:
    form = guide()
    while (question := form.question()) and question.key != key:
        assert form.answer(question, ANSWERS.get(question.key, "")) == [], question
    assert question
    problems = form.answer(question, typed)
    if said is None:
        assert (problems, form.answers[key]) == ([], "intermediary")
        return
    (problem,) = problems
    assert f"{problem.message}; {problem.hint}".startswith(said)
    assert key not in form.answers
    assert form.question() == question


def test_an_answer_can_be_taken_back_and_help_is_there() -> None:
    person = Person(guide(), ANSWERS, "MTCR/DN/FR/2026/0007", "no", "<", "?", "yes")
    content = person.fill_in()
    assert (content["regime_reference"], content["exercise"]) == ("MTCR/DN/FR/2026/0007", True)
    assert "  yes for a drill and no for a real denial" in person.told


def test_another_party_is_asked_for_until_there_is_none() -> None:
    more = {"party.0.more": "yes", "party.1.name": "Bolan Traders", "party.1.role": "3", "party.1.country": "PK"}
    content = Person(guide(), ANSWERS | more).fill_in()
    assert content["parties"][1] == {"name": "Bolan Traders", "role": "ultimate_end_user", "country": "PK"}


def test_what_goes_together_is_asked_together() -> None:
    person = Person(guide(), ANSWERS | {"quantity": "12", "unit": "pieces"})
    content = person.fill_in()
    assert (content["quantity"], content["unit"]) == ("12", "pieces")
    assert not any(question.startswith("Currency") for question in person.asked)
    withheld = Person(guide(), ANSWERS | {"reason_for_refusal": "withheld"})
    assert withheld.fill_in()["reason_for_refusal"] == {"code": "withheld"}
    assert not any(question.startswith("Reason in words") for question in withheld.asked)


def test_whoever_stops_goes_on_where_it_was_left() -> None:
    person = Person(guide(), ANSWERS, stop=9)
    with pytest.raises(KeyboardInterrupt):
        person.fill_in()
    assert len(person.saved) == 9
    again = Person(guide(answers=person.saved), ANSWERS)
    assert again.fill_in() == EXPECTED
    assert not set(person.asked) & set(again.asked)


def test_one_party_twice_is_found_when_the_whole_is_there() -> None:
    twice = {"party.0.aliases": "", "party.0.more": "yes", "party.1.more": "no"}
    twice |= {f"party.1.{name}": ANSWERS[f"party.0.{name}"] for name in ("name", "role", "country")}
    form = guide()
    person = Person(form, ANSWERS | twice)

    def ask(question: str) -> str:
        if person.told and "is the same as parties[0]" in person.told[-1]:
            person.told.append("")
            return "Bolan Traders"
        return person.ask(question)

    document: Any = fill_in(form, ask, person.told.append, lambda _: None)
    assert [party.name for party in document.parties] == ["Kamalia Ravi Works", "Bolan Traders"]


def test_an_aggregate_has_its_own_questions() -> None:
    answers = {
        "exercise": "n",
        "period_from": "2026-01-01",
        "period_to": "2026-06-30",
        "destination_country": "IR",
        "control_entries": "catch-all",
        "count": "4",
        "releasability": "MTCR Partners only",
    }
    person = Person(guide(type_="aggregate/v1"), answers)
    content = person.fill_in()
    assert (content["count"], content["exercise"]) == (4, False)
    assert content["period"] == {"from": "2026-01-01", "to": "2026-06-30"}
    assert not any("Party" in question for question in person.asked)
    form = guide(type_="aggregate/v1")
    while (question := form.question()) and question.key != "count":
        form.answer(question, answers.get(question.key, ""))
    assert question
    assert form.answer(question, "four")[0].message == "four is not a whole number"


def test_the_next_reference_follows_the_last_of_the_year() -> None:
    taken = ["MTCR/DN/FR/2026/0009", "MTCR/DN/FR/2025/0044", "MTCR/DN/FR/2026/0010"]
    assert next_reference(PROFILE, "FR", 2026, taken) == "MTCR/DN/FR/2026/0011"
    assert next_reference(PROFILE, "FR", 2027, taken) == "MTCR/DN/FR/2027/0001"


@pytest.fixture
def drafts(tmp_path: Path) -> Iterator[Drafts]:
    database = Database(tmp_path / "desk.db", bytes(32), [TABLES])
    yield Drafts(database)
    database.close()


def test_a_draft_is_kept_for_each_kind_and_forgotten(drafts: Drafts, tmp_path: Path) -> None:
    assert drafts.load("denial/v1") is None
    drafts.save("denial/v1", {"kind": "refusal"}, 1)
    drafts.save("denial/v1", {"kind": "suspension", "party.0.name": "Kamalia Ravi Works"}, 2)
    drafts.save("aggregate/v1", {}, 3)
    assert drafts.load("denial/v1") == ({"kind": "suspension", "party.0.name": "Kamalia Ravi Works"}, 2)
    for file in tmp_path.iterdir():
        assert b"Kamalia" not in file.read_bytes()
    drafts.discard("denial/v1")
    assert drafts.load("denial/v1") is None
    assert drafts.load("aggregate/v1") == ({}, 3)
