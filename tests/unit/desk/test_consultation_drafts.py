"""What is filled in from the records, what is left to a person, and what an agenda says of it."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from typing import Any

import pytest

from envoi_client.documents import DenialNotice, parse_consultation, parse_denial
from envoi_desk.consultation import views
from envoi_desk.consultation.agenda import Task, by_due, task, timing
from envoi_desk.consultation.book import Consultation, Undercut
from envoi_desk.consultation.drafts import differences, follow_up, request_draft
from envoi_desk.consultation.rules import Course, State, course
from envoi_desk.screening.case import Case, parse_case

from ..client.denials import SOUND
from .consultations import CLOSE, ID, MONDAY, NOTICE, PROFILE, REPLY, REQUEST, at, content, sent

CASE: dict[str, Any] = {
    "case": "2026/118 b",
    "status": "pending",
    "exercise": True,
    "destination_country": "BR",
    "stated_end_use": "Drilling",
    "items": [{"control_entries": ["9.A.3", "9.A.6"], "description": "Accelerometers"}],
    "parties": [{"name": "SERRA  AZUL", "role": "consignee", "country": "BR"}],
}
TODAY = date(2026, 3, 2)
OPENED = sent(1, REQUEST, when=at(MONDAY))


def case(**changes: Any) -> Case:
    return parse_case(content(CASE, **changes), PROFILE)


def notice() -> DenialNotice:
    return parse_denial(SOUND, PROFILE)


def draft(of: Case, why: str | None = None) -> dict[str, Any]:
    return request_draft(ID, of, notice(), NOTICE, PROFILE, TODAY, why)


def test_a_request_is_filled_in_from_both_records() -> None:
    made = draft(case(), "It differs.")
    assert parse_consultation(made, PROFILE).to_content() == made
    assert (made["case_reference"], made["regime_reference"], made["reply_by"]) == (
        *("2026/118 b", "MTCR/DN/FR/2026/0001", "2026-03-16"),
    )
    assert made["items"] == CASE["items"]


def test_an_item_that_is_on_no_list_is_asked_about_as_such() -> None:
    made = draft(case(items=[{"control_entries": [], "description": "Pumps"}, {"control_entries": ["9.A.3"]}]))
    assert made["items"] == [{"control_entries": ["catch-all"], "description": "Pumps"}, {"control_entries": ["9.A.3"]}]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        (
            {"items": [{"control_entries": ["9.A.3"], "description": "x"}]},
            ["The control entries differ: 9.A.3 here, 9.A.3, 9.A.6 in the notice."],
        ),
        ({"items": []}, ["The control entries differ: catch-all here, 9.A.3, 9.A.6 in the notice."]),
        ({"destination_country": "AR"}, ["The destination differs: AR here, BR in the notice."]),
        ({"stated_end_use": "Mining"}, ["The stated end-use differs from that in the notice."]),
        (
            {"parties": [{"name": "Another", "role": "end_user", "country": "BR"}]},
            ["No party bears a name of a party in the notice."],
        ),
    ],
)
def test_the_differences_are_those_that_the_records_show(changes: dict[str, Any], found: list[str]) -> None:
    assert differences(case(**changes), notice()) == found
    assert draft(case(**changes)).get("why_not_identical") == ("\n".join(found) or None)


def closed(outcome: str, **changes: Any) -> Course:
    request = sent(1, REQUEST, when=at(MONDAY), **changes)
    return course(ID, [request, sent(2, CLOSE, when=at("2026-03-20"), outcome=outcome)], PROFILE)


def test_the_undercut_notice_lacks_the_reasons_alone() -> None:
    made = follow_up(closed("granted"), "DE", date(2026, 3, 20), PROFILE)
    assert made is not None
    assert made.missing == ["reasons: is missing; say why it was granted all the same"]
    assert (made.name, made.then) == ("undercut-2026-118.json", "envoi consult undercut 7d2f0c5e9b1a")
    assert (made.content["date_of_grant"], made.content["deadline"]) == ("2026-03-20", "2026-04-19")
    # What was said to the other side stays with it.
    assert CLOSE["text"] not in json.dumps(made.content)


def test_the_own_denial_has_all_that_is_on_file() -> None:
    made = follow_up(closed("refused"), "DE", date(2026, 3, 20), PROFILE)
    assert made is not None
    assert made.then == "envoi publish denial denial-2026-118.json"
    missing = {line.partition(":")[0] for line in made.missing}
    assert missing == {
        *("regime_reference", "competent_authority", "transaction_type", "reason_for_refusal", "releasability")
    }
    assert (made.content["quantity"], made.content["unit"], made.content["annex_category"]) == ("4", "pieces", "II")
    off = follow_up(
        closed("refused", items=[{"control_entries": ["catch-all"], "description": "Pumps"}]), "DE", TODAY, PROFILE
    )
    assert off is not None
    assert (off.content["annex_category"], "quantity" in off.content) == ("not_listed", False)


@pytest.mark.parametrize("outcome", ["withdrawn", "denial_revoked"])
def test_nothing_follows_any_other_outcome(outcome: str) -> None:
    assert follow_up(closed(outcome), "DE", TODAY, PROFILE) is None
    assert follow_up(Course(ID), "DE", TODAY, PROFILE) is None


@pytest.mark.parametrize(
    ("reference", "name"), [("../../etc", "undercut-etc.json"), ("§§", "undercut-7d2f0c5e9b1a.json")]
)
def test_the_name_of_a_draft_leads_nowhere_else(reference: str, name: str) -> None:
    made = follow_up(closed("granted", case_reference=reference), "DE", TODAY, PROFILE)
    assert made is not None
    assert made.name == name


# The agenda


def test_what_is_due_first_comes_first() -> None:
    mine = Consultation(course(ID, [OPENED], PROFILE), "FR", State.OPEN)
    jobs = [None, Task("b", True), Task("c", True, date(2026, 4, 1)), Task("d", False, date(2026, 3, 1))]
    assert [job.what if job else "" for _, job in by_due([(mine, job) for job in jobs])] == ["d", "c", "b", ""]


@pytest.mark.parametrize(
    ("today", "left", "pressing"),
    [
        ("2026-03-10", "4 days left", False),
        ("2026-03-11", "3 days left", True),
        ("2026-03-13", "1 day left", True),
        ("2026-03-16", "today", True),
        ("2026-03-17", "overdue", True),
    ],
)
def test_a_reply_is_pressing_three_working_days_before_it_is_due(today: str, left: str, pressing: bool) -> None:
    for peer, mine in (("DE", True), ("FR", False)):
        found = Consultation(course(ID, [OPENED], PROFILE), peer, State.OPEN)
        job = task(found, PROFILE, date.fromisoformat(today))
        assert job is not None
        assert (job.mine, timing(job), job.due) == (mine, left, date(2026, 3, 16))
        assert job.pressing is (pressing if mine else left == "overdue")


@pytest.mark.parametrize(
    ("outcome", "ours", "theirs"),
    [
        ("not_identical", "decide and close: FR says not identical", "wait for DE to close"),
        ("more_information", "complete the request, or close it", "wait for DE to tell more"),
    ],
)
def test_after_a_reply_it_is_the_openers_turn(outcome: str, ours: str, theirs: str) -> None:
    found = course(ID, [OPENED, sent(2, REPLY, when=at("2026-03-10"), outcome=outcome)], PROFILE)
    said = [task(Consultation(found, peer, found.state), PROFILE, TODAY) for peer in ("FR", "DE")]
    assert [(job.what, job.mine) for job in said if job] == [(ours, True), (theirs, False)]


def test_where_the_logs_time_is_not_known_nothing_is_said_of_days() -> None:
    found = Consultation(course(ID, [sent(1, REQUEST, when=None)], PROFILE), "DE", State.OPEN)
    job = task(found, PROFILE, TODAY)
    assert job is not None
    assert (job.what, job.due, timing(job), job.pressing) == ("reply", None, "", False)
    unknown = course(ID, [sent(1, REQUEST, when=None), sent(2, CLOSE, when=None)], PROFILE)
    waiting = Consultation(unknown, "FR", State.CLOSED, Undercut(None, None))
    job = task(waiting, PROFILE, TODAY)
    assert job is not None
    assert (job.what, timing(job), job.pressing) == ("send the undercut notice", "", True)
    assert "undercut  notice due by -, - at the latest" in views.lines(waiting, job, PROFILE)


def test_a_calendar_that_is_not_known_is_named_with_the_deadline() -> None:
    strange = dataclasses.replace(course(ID, [OPENED], PROFILE), denier="XX")
    lines = views.lines(Consultation(strange, "XX", State.OPEN), None, PROFILE)
    assert lines[3] == (
        "reply     due by 2026-03-16, 2026-04-14 at the latest; Monday to Friday, as the holidays of XX are not known"
    )
    value = views.value(Consultation(strange, "XX", State.OPEN), None, PROFILE)
    assert (value["calendar_known"], value["reply_due"]) == (False, "2026-03-16")


def test_what_was_refused_is_shown_with_its_reason() -> None:
    forged = sent(2, CLOSE, when=at("2026-03-10"), sender="FR")
    found = Consultation(course(ID, [OPENED, forged], PROFILE), "FR", State.OPEN)
    assert "REFUSED: only the Partner that opened it may close it" in views.lines(found, None, PROFILE)
    assert [(one["refused"], one["why"]) for one in views.steps(found)] == [
        (None, None),
        ("not-your-step", "only the Partner that opened it may close it"),
    ]
    nobodys = Consultation(course("", [dataclasses.replace(forged, index=1)], PROFILE), "FR", State.UNOPENED)
    assert views.row(nobodys, None) == (
        *("-", "FR", "-", "-", "refused", "-", ""),
        "nobody has opened this consultation",
    )


def test_marks_stand_with_the_state() -> None:
    late = course(ID, [OPENED, sent(2, REPLY, when=at("2026-05-10"))], PROFILE)
    early = course(ID, [OPENED, sent(2, CLOSE, when=at("2026-03-10"))], PROFILE)
    assert views.row(Consultation(late, "FR", late.state), None)[4] == "answered: not identical, late"
    assert views.row(Consultation(early, "FR", early.state), None)[4] == "closed: granted, before the answer was due"
