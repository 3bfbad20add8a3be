"""What a consultation comes to: in every order of arrival, with every forged step, with both meanings of silence."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_desk.consultation.rules import Course, Sent, State, course, silent_from, standing
from envoi_keys.regimes import Profile

from .consultations import ASK, CLOSE, DENIER, GRANT, ID, MONDAY, OPENER, PROFILE, REPLY, REQUEST, STEPS, at, sent

DUE = date(2026, 3, 16)
"""The tenth working day of France after Monday 2 March."""
LATEST = date(2026, 4, 14)
"""The thirtieth, with Easter Monday in between."""
GRACE = PROFILE.clocks.grace_hours
OPENED = sent(1, REQUEST, when=at(MONDAY))


def after(*steps: Sent, profile: Profile = PROFILE) -> Course:
    return course(ID, [OPENED, *steps], profile)


def refused(found: Course) -> list[tuple[int, str]]:
    return [(one.sent.index, one.reason) for one in found.steps if one.reason]


def test_a_request_opens_it_and_starts_the_clock() -> None:
    found = after()
    assert (found.opener, found.denier, found.state) == (OPENER, DENIER, State.OPEN)
    assert (found.due, found.latest) == (DUE, LATEST)
    assert (found.opened_at, refused(found)) == (at(MONDAY), [])


@pytest.mark.parametrize(
    ("reply_by", "due"),
    [("2026-03-03", DUE), ("2026-03-20", date(2026, 3, 20)), ("2027-03-20", LATEST)],
)
def test_the_opener_can_give_more_time_than_the_profile_but_never_less(reply_by: str, due: date) -> None:
    assert course(ID, [sent(1, REQUEST, when=at(MONDAY), reply_by=reply_by)], PROFILE).due == due


@pytest.mark.parametrize("hour", [0, 23])
def test_the_day_of_the_request_does_not_count_whatever_the_hour(hour: int) -> None:
    assert course(ID, [sent(1, REQUEST, when=at(MONDAY, hour))], PROFILE).due == DUE


def test_without_the_logs_time_nothing_is_due_and_nobody_is_silent() -> None:
    found = course(ID, [sent(1, REQUEST, when=None)], PROFILE)
    assert (found.state, found.due, found.latest) == (State.OPEN, None, None)
    assert standing(found, PROFILE, at("2030-01-01")) is State.OPEN


@pytest.mark.parametrize("outcome", ["identical_object", "identical_no_objection", "not_identical", "since_revoked"])
def test_a_reply_answers_it_and_stops_the_clock(outcome: str) -> None:
    found = after(sent(2, REPLY, when=at("2026-03-10"), outcome=outcome))
    assert (found.state, found.answer, found.due) == (State.ANSWERED, outcome, None)
    assert (found.answered_at, found.late) == (at("2026-03-10"), False)
    assert standing(found, PROFILE, at("2030-01-01")) is State.ANSWERED


def test_the_denier_may_change_its_reply_until_it_is_closed() -> None:
    found = after(
        sent(2, REPLY, when=at("2026-03-10")),
        sent(3, REPLY, when=at("2026-03-12"), outcome="since_revoked"),
        sent(4, CLOSE, when=at("2026-03-13"), outcome="denial_revoked"),
        sent(5, REPLY, when=at("2026-03-14"), outcome="identical_object"),
    )
    assert (found.state, found.answer, found.outcome) == (State.CLOSED, "since_revoked", "denial_revoked")
    assert refused(found) == [(5, "closed")]


def test_more_information_stops_the_clock_until_the_request_is_completed() -> None:
    asked = sent(2, REPLY, when=at("2026-03-10"), outcome="more_information")
    found = after(asked)
    assert (found.state, found.due) == (State.MORE_INFORMATION, None)
    assert standing(found, PROFILE, at("2030-01-01")) is State.MORE_INFORMATION
    found = after(asked, sent(3, REQUEST, when=at("2026-03-16"), why_not_identical="Here is the data sheet."))
    assert (found.state, found.answer, found.due) == (State.OPEN, None, date(2026, 3, 30))
    assert found.opened_at == at(MONDAY)
    assert found.request is not None
    assert found.request.why_not_identical == "Here is the data sheet."


@pytest.mark.parametrize("outcome", ["refused", "granted", "withdrawn", "denial_revoked"])
def test_only_the_opener_closes_it_with_what_came_of_it(outcome: str) -> None:
    reply = sent(2, REPLY, when=at("2026-03-10"))
    found = after(reply, sent(3, CLOSE, when=at("2026-03-12"), outcome=outcome))
    assert (found.state, found.outcome, found.closed_at) == (State.CLOSED, outcome, at("2026-03-12"))
    assert not found.early
    found = after(reply, sent(3, CLOSE, when=at("2026-03-12"), outcome=outcome, sender=DENIER))
    assert (found.state, refused(found)) == (State.ANSWERED, [(3, "not-your-step")])


# Silence


@pytest.mark.parametrize("meaning", ["no_objection", "not_identical"])
def test_silence_counts_after_the_last_day_and_the_grace_whatever_it_means(meaning: str) -> None:
    profile = dataclasses.replace(PROFILE, silence=meaning)
    found = after(profile=profile)
    since = at("2026-03-17", 0) + GRACE * 3600
    assert silent_from(found, profile) == since
    assert standing(found, profile, since - 1) is State.OPEN
    assert standing(found, profile, since) is State.SILENT
    assert standing(found, profile, None) is State.OPEN


def test_without_grace_silence_counts_from_midnight() -> None:
    clocks = dataclasses.replace(PROFILE.clocks, grace_hours=0)
    profile = dataclasses.replace(PROFILE, clocks=clocks)
    assert silent_from(after(profile=profile), profile) == at("2026-03-17", 0)


def test_a_reply_after_silence_is_late_and_still_an_answer() -> None:
    in_grace = after(sent(2, REPLY, when=at("2026-03-17", 23)))
    late = after(sent(2, REPLY, when=at("2026-03-18", 0)))
    assert [(one.state, one.late) for one in (in_grace, late)] == [(State.ANSWERED, False), (State.ANSWERED, True)]


def test_a_grant_before_the_time_is_over_is_marked_and_counts() -> None:
    early = after(sent(2, CLOSE, when=at("2026-03-10")))
    in_grace = after(sent(2, CLOSE, when=at("2026-03-17", 12)))
    silent = after(sent(2, CLOSE, when=at("2026-03-18", 0)))
    withdrawn = after(sent(2, CLOSE, when=at("2026-03-10"), outcome="withdrawn"))
    asked = sent(2, REPLY, when=at("2026-03-10"), outcome="more_information")
    ignored = after(asked, sent(3, CLOSE, when=at("2026-03-11")))
    marks = [one.early for one in (early, in_grace, silent, withdrawn, ignored)]
    assert marks == [True, True, False, False, True]
    assert early.state is State.CLOSED


# More time


def test_more_time_needs_both_sides() -> None:
    ask = sent(2, ASK, when=at("2026-03-10"))
    found = after(ask)
    assert (found.due, found.asked) == (DUE, ask.step)
    found = after(ask, sent(3, GRANT, when=at("2026-03-11")))
    assert (found.due, found.asked) == (date(2026, 4, 1), None)
    assert silent_from(found, PROFILE) == at("2026-04-02", 0) + GRACE * 3600


def test_the_other_side_may_agree_to_less_and_not_to_more() -> None:
    ask = sent(2, ASK, when=at("2026-03-10"))
    assert after(ask, sent(3, GRANT, when=at("2026-03-11"), until="2026-03-20")).due == date(2026, 3, 20)
    found = after(ask, sent(3, GRANT, when=at("2026-03-11"), until="2026-04-02"))
    assert (found.due, refused(found)) == (DUE, [(3, "more-than-asked")])


@pytest.mark.parametrize(
    ("until", "reason"),
    [("2026-04-14", None), ("2026-04-15", "too-late"), ("2026-03-16", "not-later"), ("2026-03-17", None)],
)
def test_more_time_ends_thirty_working_days_from_the_request(until: str, reason: str | None) -> None:
    found = after(sent(2, ASK, when=at("2026-03-10"), until=until), sent(3, GRANT, when=at("2026-03-11"), until=until))
    assert [one.reason for one in found.steps[1:]] == ([reason, "not-asked"] if reason else ["", ""])
    assert found.due == (DUE if reason else date.fromisoformat(until))


def test_more_time_may_be_agreed_on_twice_up_to_the_same_end() -> None:
    found = after(
        sent(2, ASK, when=at("2026-03-10"), until="2026-03-20"),
        sent(3, GRANT, when=at("2026-03-10"), until="2026-03-20"),
        sent(4, ASK, when=at("2026-03-19"), until="2026-04-14"),
        sent(5, GRANT, when=at("2026-03-19"), until="2026-04-14"),
        sent(6, ASK, when=at("2026-03-20"), until="2026-04-15"),
    )
    assert (found.due, refused(found)) == (LATEST, [(6, "too-late")])


def test_time_that_was_asked_for_is_no_time_yet() -> None:
    found = after(sent(2, ASK, when=at("2026-03-10")))
    assert standing(found, PROFILE, at("2026-03-18", 0)) is State.SILENT


# Forged steps and steps out of order


@pytest.mark.parametrize(
    ("base", "sender", "changes", "reason"),
    [
        (REPLY, OPENER, {}, "not-your-step"),
        (CLOSE, DENIER, {}, "not-your-step"),
        (ASK, DENIER, {}, "not-your-step"),
        (GRANT, OPENER, {}, "not-your-step"),
        (GRANT, DENIER, {}, "not-asked"),
        (REQUEST, OPENER, {}, "already-open"),
        (REQUEST, DENIER, {"regime_reference": "MTCR/DN/DE/2026/0001"}, "not-your-step"),
        (REQUEST, DENIER, {}, "not-the-author"),
        (REPLY, DENIER, {"exercise": False}, "exercise-mismatch"),
        (REPLY, DENIER, {"to": ("AU", OPENER)}, "not-bilateral"),
    ],
)
def test_a_step_by_the_wrong_side_or_at_the_wrong_time_changes_nothing(
    base: dict[str, Any], sender: str, changes: dict[str, Any], reason: str
) -> None:
    before = after()
    found = after(sent(2, base, when=at("2026-03-10"), sender=sender, **changes))
    assert refused(found) == [(2, reason)]
    assert found.steps[1].message
    assert dataclasses.replace(found, steps=()) == dataclasses.replace(before, steps=())


@pytest.mark.parametrize("name", [name for name in STEPS if name != "request"])
def test_nothing_comes_before_the_request(name: str) -> None:
    found = course(ID, [sent(1, STEPS[name], when=at(MONDAY))], PROFILE)
    assert (found.state, found.request, refused(found)) == (State.UNOPENED, None, [(1, "not-open")])


@pytest.mark.parametrize("name", STEPS)
def test_nothing_comes_after_the_close(name: str) -> None:
    closed = (sent(2, REPLY, when=at("2026-03-10")), sent(3, CLOSE, when=at("2026-03-11")))
    found = after(*closed, sent(4, STEPS[name], when=at("2026-03-12")))
    assert refused(found) == [(4, "closed")]
    assert found.outcome == "granted"


def test_only_the_author_of_the_notice_can_be_asked() -> None:
    found = course(ID, [sent(1, REQUEST, when=at(MONDAY), to=("AU",))], PROFILE)
    assert (found.state, refused(found)) == (State.UNOPENED, [(1, "not-the-author")])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"case_reference": "2026-119"}, "other-case"),
        ({"regime_reference": "MTCR/DN/FR/2026/0013"}, "other-case"),
        ({"exercise": False}, "exercise-mismatch"),
    ],
)
def test_a_completed_request_is_about_the_same(changes: dict[str, Any], reason: str) -> None:
    more = sent(2, REPLY, when=at("2026-03-10"), outcome="more_information")
    found = after(more, sent(3, REQUEST, when=at("2026-03-11"), **changes))
    assert (found.state, refused(found)) == (State.MORE_INFORMATION, [(3, reason)])


def test_what_cannot_be_read_changes_nothing_and_is_shown() -> None:
    found = after(Sent(2, DENIER, (OPENER,), at("2026-03-10"), None, "it breaks its form: step: is missing"))
    assert refused(found) == [(2, "unreadable")]
    assert found.steps[1].message == "it breaks its form: step: is missing"


@pytest.mark.parametrize("when", [-5, 2**62])
def test_a_time_that_no_clock_shows_sets_no_deadline(when: int) -> None:
    assert course(ID, [sent(1, REQUEST, when=when)], PROFILE).due is None


# Any order of arrival


@st.composite
def histories(draw: st.DrawFn) -> list[Sent]:
    """Steps of both sides in the order of the log, forged and out of order ones among them."""
    steps = []
    when = at(MONDAY)
    for index in range(draw(st.integers(1, 9))):
        base = draw(st.sampled_from(list(STEPS.values()))) if index else REQUEST
        when += draw(st.integers(0, 5)) * 86_400
        changes: dict[str, Any] = {}
        if base is REPLY:
            changes["outcome"] = draw(st.sampled_from(["more_information", "not_identical", "identical_object"]))
        if base in (ASK, GRANT):
            changes["until"] = draw(st.dates(DUE, date(2026, 4, 20))).isoformat()
        known = draw(st.integers(0, 9)) > 0
        sender = draw(st.sampled_from(["", "", "", OPENER, DENIER]))
        steps.append(sent(index * 3, base, when=when if known else None, sender=sender, **changes))
    return steps


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_makes_no_difference(history: list[Sent], random: Any) -> None:
    shuffled = list(history)
    random.shuffle(shuffled)
    assert course(ID, shuffled, PROFILE) == course(ID, history, PROFILE)


@given(histories())
def test_whatever_is_sent_the_rules_hold(history: list[Sent]) -> None:
    found = course(ID, history, PROFILE)
    taken = [one.sent for one in found.steps if not one.reason]
    assert len(found.steps) == len(history)
    assert all(one.message for one in found.steps if one.reason)
    if not taken:
        assert found == Course(ID, steps=found.steps)
        return
    # What was refused has left no trace.
    alone = course(ID, taken, PROFILE)
    assert dataclasses.replace(alone, steps=()) == dataclasses.replace(found, steps=())
    roles = {one.step.step.value: one.sender for one in taken if one.step}
    assert {roles.get(name, OPENER) for name in ("request", "close", "extension_request")} == {OPENER}
    assert {roles.get(name, DENIER) for name in ("reply", "extension_grant")} == {DENIER}
    assert next(one.step.step.value for one in taken if one.step) == "request"
    assert found.due is None or found.latest is None or found.due <= found.latest
    assert (found.outcome is not None) == (found.state is State.CLOSED)
