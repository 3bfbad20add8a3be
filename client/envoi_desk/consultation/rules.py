"""What a consultation has come to: a pure function of its dispatches in the order of the log, and of the log's times.

The Partner that asked opens it, asks for more time and closes it; the Partner that denied replies and agrees to more
time; nobody else takes part. A step by anybody else, or out of order, is refused with a reason, changes nothing and is
shown. Nobody has a veto: the one that asked may close at any time, and where it did so before the other side's time
was over, both sides see that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final

from envoi_client.documents import (
    ConsultationClose,
    ConsultationReply,
    ConsultationRequest,
    ConsultationStep,
    ExtensionGrant,
    ExtensionRequest,
)
from envoi_client.documents.consultation import Answer, Outcome
from envoi_keys.errors import Refused
from envoi_keys.regimes import Profile

from .clock import HOUR, calendar, day_of, end_of


class State(StrEnum):
    """Where a consultation stands. Only ``silent`` depends on the time that the log shows (:func:`standing`)."""

    UNOPENED = "unopened"
    OPEN = "open"
    MORE_INFORMATION = "more_information"
    ANSWERED = "answered"
    SILENT = "silent"
    CLOSED = "closed"


_RUNNING: Final = (State.OPEN, State.MORE_INFORMATION, State.ANSWERED)


@dataclass(frozen=True, slots=True)
class Sent:
    """One dispatch of a consultation, as it was logged.

    ``logged_at`` is the log's time in seconds since the epoch, None if it is not known. ``step`` is None if the content
    is no step, and ``fault`` says why.
    """

    index: int
    sender: str
    recipients: tuple[str, ...]
    logged_at: int | None
    step: ConsultationStep | None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A dispatch and, if it changed nothing, the reason as a slug and as a sentence."""

    sent: Sent
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """A consultation as its steps have left it; ``opener`` and ``denier`` are empty until a request counts.

    ``due`` is the last day for the reply and ``latest`` the last to which it can be extended, both in the calendar of
    the denier; None where the log's time is not known or the denier has nothing to reply to. Times are the log's, in
    seconds since the epoch. ``early`` marks a grant before there was an answer or the time for it was over; ``late`` an
    answer after that.
    """

    id: str
    opener: str = ""
    denier: str = ""
    request: ConsultationRequest | None = None
    state: State = State.UNOPENED
    answer: Answer | None = None
    outcome: Outcome | None = None
    due: date | None = None
    latest: date | None = None
    asked: ExtensionRequest | None = None
    opened_at: int | None = None
    answered_at: int | None = None
    closed_at: int | None = None
    late: bool = False
    early: bool = False
    steps: tuple[Judged, ...] = ()


def course(id_: str, sent: Iterable[Sent], profile: Profile) -> Course:
    """The consultation ``id_`` between two Partners after all that they ``sent``, in whatever order it comes here."""
    now = Course(id_)
    for one in sorted(sent, key=lambda each: each.index):
        try:
            after = take(now, one, profile)
            judged = Judged(one)
        except Refused as refusal:
            after = now
            judged = Judged(one, refusal.reason, str(refusal))
        now = replace(after, steps=(*now.steps, judged))
    return now


def silent_from(course: Course, profile: Profile) -> int | None:
    """When silence begins to count, in seconds since the epoch by the log; None while no reply is due."""
    if course.state is not State.OPEN or course.due is None:
        return None
    return end_of(course.due) + profile.clocks.grace_hours * HOUR


def standing(course: Course, profile: Profile, log_now: int | None) -> State:
    """Where it stands when the log shows the time ``log_now``: silent if a reply is due and the grace is over.

    All that was logged by ``log_now`` must have been read: a reply that is still to be fetched is no silence.
    """
    since = silent_from(course, profile)
    return State.SILENT if since is not None and log_now is not None and log_now >= since else course.state


def take(now: Course, sent: Sent, profile: Profile) -> Course:
    """The course after one more step, which is not yet among its ``steps``. Raises Refused if it does not count."""
    step = sent.step
    if step is None:
        raise Refused(sent.fault, reason="unreadable")
    if len(sent.recipients) != 1:
        raise Refused("a consultation is between two Partners; this went to several", reason="not-bilateral")
    if isinstance(step, ConsultationRequest):
        return _request(now, sent, step, profile)
    if now.request is None:
        raise Refused("nobody has opened this consultation", reason="not-open")
    if step.exercise is not now.request.exercise:
        raise Refused("an exercise and a real consultation do not mix", reason="exercise-mismatch")
    if now.state not in _RUNNING:
        raise Refused("the consultation is closed", reason="closed")
    if isinstance(step, ConsultationReply):
        _require(sent, now.denier, "only the Partner that denied may reply")
        return _reply(now, sent, step, profile)
    if isinstance(step, ExtensionRequest):
        _require(sent, now.opener, "only the Partner that opened it may ask for more time")
        _check_until(now, step.until, profile)
        return replace(now, asked=step)
    if isinstance(step, ExtensionGrant):
        _require(sent, now.denier, "only the other side may agree to more time")
        return _granted_time(now, step, profile)
    _require(sent, now.opener, "only the Partner that opened it may close it")
    return _close(now, sent, step, profile)


def _require(sent: Sent, who: str, rule: str) -> None:
    if sent.sender != who:
        raise Refused(rule, reason="not-your-step")


def _request(now: Course, sent: Sent, step: ConsultationRequest, profile: Profile) -> Course:
    (denier,) = sent.recipients
    if profile.denials.reference.state(step.regime_reference) != denier:
        raise Refused(f"{step.regime_reference} is no notice of {denier}", reason="not-the-author")
    if now.request is not None:
        _check_completes(now, sent, step)
    day = day_of(sent.logged_at)
    due = latest = None
    if day is not None:
        clocks, working = profile.clocks, calendar(denier)
        latest = working.after(day, clocks.consultation_working_days_max)
        # What the opener writes may give the other side more time than the profile, never less.
        due = max(working.after(day, clocks.consultation_working_days), min(step.reply_by, latest))
    return replace(
        now,
        opener=sent.sender,
        denier=denier,
        request=step,
        state=State.OPEN,
        answer=None,
        due=due,
        latest=latest,
        asked=None,
        opened_at=now.opened_at if now.request else sent.logged_at,
        answered_at=None,
        late=False,
    )


def _check_completes(now: Course, sent: Sent, step: ConsultationRequest) -> None:
    """A second request may complete the first, if the other side asked for that."""
    assert now.request is not None  # the caller has asked
    _require(sent, now.opener, "only the Partner that opened it may complete the request")
    if now.state is State.CLOSED:
        raise Refused("the consultation is closed", reason="closed")
    if now.state is not State.MORE_INFORMATION:
        raise Refused("the consultation is open already, and nothing more was asked for", reason="already-open")
    if step.exercise is not now.request.exercise:
        raise Refused("an exercise and a real consultation do not mix", reason="exercise-mismatch")
    if (step.regime_reference, step.case_reference) != (now.request.regime_reference, now.request.case_reference):
        raise Refused("the request is about another case or another notice", reason="other-case")


def _reply(now: Course, sent: Sent, step: ConsultationReply, profile: Profile) -> Course:
    since = silent_from(now, profile)
    late = now.late or (since is not None and sent.logged_at is not None and sent.logged_at >= since)
    more = step.outcome is Answer.MORE_INFORMATION
    return replace(
        now,
        state=State.MORE_INFORMATION if more else State.ANSWERED,
        answer=step.outcome,
        # The clock stops with any reply, and a completed request starts it anew.
        due=None,
        latest=None,
        asked=None,
        answered_at=sent.logged_at,
        late=late,
    )


def _check_until(now: Course, until: date, profile: Profile) -> None:
    if now.state is not State.OPEN:
        raise Refused("no reply is due that could have more time", reason="not-due")
    if now.due is not None and until <= now.due:
        raise Refused(f"{until} is not after {now.due}, the day that stands", reason="not-later")
    if now.latest is not None and until > now.latest:
        days = profile.clocks.consultation_working_days_max
        raise Refused(f"{until} is after {now.latest}, {days} working days from the request", reason="too-late")


def _granted_time(now: Course, step: ExtensionGrant, profile: Profile) -> Course:
    if now.asked is None:
        raise Refused("nobody has asked for more time", reason="not-asked")
    _check_until(now, step.until, profile)
    if step.until > now.asked.until:
        raise Refused(f"{step.until} is after {now.asked.until}, the day that was asked for", reason="more-than-asked")
    return replace(now, due=step.until, asked=None)


def _close(now: Course, sent: Sent, step: ConsultationClose, profile: Profile) -> Course:
    since = silent_from(now, profile)
    waited = since is not None and sent.logged_at is not None and sent.logged_at >= since
    return replace(
        now,
        state=State.CLOSED,
        outcome=step.outcome,
        due=None,
        latest=None,
        asked=None,
        closed_at=sent.logged_at,
        early=step.outcome is Outcome.GRANTED and now.state is not State.ANSWERED and not waited,
    )
