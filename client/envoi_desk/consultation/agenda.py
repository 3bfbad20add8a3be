"""What is to be done in a consultation next, by whom and by when; and what a sync reminds of.

Days are counted in the calendar of the Partner that has to reply, those of an undercut notice as they are. How many are
left is told by this machine's day; that somebody was silent is told by the log's time alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from envoi_client.documents.text import printable
from envoi_keys.regimes import Profile

from .. import limits
from ..clock import log_now, log_time
from .book import Book, Consultation
from .clock import HOUR, calendar
from .rules import State

if TYPE_CHECKING:
    from ..desk import Desk

_NEVER: Final = date.max


@dataclass(frozen=True, slots=True)
class Task:
    """The next step in a consultation: ``what`` in words, whether it is ``mine``, the last day for it.

    ``left`` counts working days for a reply and days for an undercut notice, below 0 after the last day. ``pressing``
    says that a sync reminds of it.
    """

    what: str
    mine: bool
    due: date | None = None
    left: int | None = None
    pressing: bool = False


def book_of(desk: Desk) -> Book:
    """The consultations of an open desk.

    A log's time ahead of this machine's clock by more than the profile's grace says nothing: with it, a relay could
    make a Partner look silent that has still time to reply.
    """
    session = desk.session
    now, latest = log_now(session), desk.now + desk.profile.clocks.grace_hours * HOUR
    book = Book(desk.database, desk.profile, desk.me, now.seconds if now and now.seconds <= latest else None)
    book.correct(lambda index: found.seconds if (found := log_time(session, index)) else None)
    return book


def task(one: Consultation, profile: Profile, today: date) -> Task | None:
    """What is to be done next; None where nothing is."""
    if one.settled:
        return None
    if one.state in (State.OPEN, State.SILENT):
        return _reply(one, profile, today)
    if one.state is State.CLOSED:
        return _undercut(one, today)
    if one.state is State.MORE_INFORMATION:
        return Task("complete the request, or close it" if one.own else f"wait for {one.peer} to tell more", one.own)
    answer = one.course.answer or ""
    said = answer.replace("_", " ")
    return Task(f"decide and close: {one.peer} says {said}" if one.own else f"wait for {one.peer} to close", one.own)


def by_due(found: list[tuple[Consultation, Task | None]]) -> list[tuple[Consultation, Task | None]]:
    """What is due first comes first; what is not due follows in the order in which it began."""
    return sorted(found, key=lambda each: (each[1] is None, (each[1].due if each[1] else None) or _NEVER))


def reminders(desk: Desk) -> list[str]:
    """The lines that a sync ends with: replies due soon or overdue, silence, and undercut notices to be sent."""
    tasks = [(one, task(one, desk.profile, desk.today)) for one in book_of(desk).pending()]
    return [_line(one, job) for one, job in by_due(tasks) if job is not None and job.pressing]


def timing(job: Task) -> str:
    """How much time is left, in words."""
    if job.due is None or job.left is None:
        return ""
    if job.left < 0:
        return "overdue"
    return "today" if job.left == 0 else f"{job.left} day{'' if job.left == 1 else 's'} left"


def meaning(profile: Profile) -> str:
    """What silence means in this regime, in words."""
    return profile.silence.replace("_", " ")


def _line(one: Consultation, job: Task) -> str:
    assert one.course.request is not None  # what nobody opened is never pressing
    reference = printable(one.course.request.regime_reference)
    drill = " (exercise)" if one.course.request.exercise else ""
    when = f" by {job.due} ({timing(job)})" if job.due else ""
    return f"consultation {one.id[:12]} with {one.peer} about {reference}{drill}: {job.what}{when}"


def _reply(one: Consultation, profile: Profile, today: date) -> Task:
    course = one.course
    left = calendar(course.denier).left(today, course.due) if course.due else None
    overdue = left is not None and left < 0
    if one.state is State.SILENT:
        silence = f"silence means {meaning(profile)}"
        what = f"decide and close: {one.peer} was silent; {silence}" if one.own else f"reply at last; {silence}"
        return Task(what, True, course.due, left, pressing=True)
    if one.own:
        return Task(f"wait for the reply of {one.peer}", False, course.due, left, pressing=overdue)
    soon = left is not None and left <= limits.REMIND_WORKING_DAYS
    asked = f"reply, or agree to more time until {course.asked.until}" if course.asked else "reply"
    return Task(asked, True, course.due, left, pressing=soon or course.asked is not None)


def _undercut(one: Consultation, today: date) -> Task:
    undercut = one.undercut
    assert undercut is not None  # a closed consultation that is not settled waits for one
    left = (undercut.due - today).days if undercut.due else None
    what = "send the undercut notice" if one.own else f"wait for the undercut notice of {one.peer}"
    return Task(what, one.own, undercut.due, left, pressing=one.own or (left is not None and left < 0))
