"""A consultation as a value for ``--json`` and as lines for a terminal. What others wrote is made safe to print."""

from __future__ import annotations

from typing import Any, Final

from envoi_client.cli.common import moment
from envoi_client.documents.render_consultation import render_consultation
from envoi_client.documents.text import printable, safe
from envoi_keys.encoding import format_time
from envoi_keys.regimes import Profile

from .agenda import Task, meaning, timing
from .book import Consultation
from .clock import calendar
from .rules import Judged, State, silent_from

COLUMNS: Final = ("id", "with", "about", "case", "state", "due", "left", "next")


def row(one: Consultation, job: Task | None) -> tuple[str, ...]:
    """A consultation in :data:`COLUMNS`."""
    request = one.course.request
    drill = " (exercise)" if request and request.exercise else ""
    return (
        one.id[:12] if one.id else "-",
        one.peer,
        f"{request.regime_reference}{drill}" if request else "-",
        safe(request.case_reference, 30) if request else "-",
        _state(one),
        job.due.isoformat() if job and job.due else "-",
        timing(job) if job else "",
        job.what if job else printable(one.course.steps[0].message)[:60] if one.state is State.UNOPENED else "",
    )


def value(one: Consultation, job: Task | None, profile: Profile) -> dict[str, Any]:
    """A consultation as a value. Days are ISO 8601; times are RFC 3339 by the log."""
    course, request, undercut = one.course, one.course.request, one.undercut
    return {
        "consultation": one.id,
        "with": one.peer,
        "opened_by": course.opener or None,
        "regime_reference": request.regime_reference if request else None,
        "case_reference": request.case_reference if request else None,
        "exercise": request.exercise if request else None,
        "state": one.state.value,
        "answer": course.answer.value if course.answer else None,
        "outcome": course.outcome.value if course.outcome else None,
        "opened_at": _time(course.opened_at),
        "answered_at": _time(course.answered_at),
        "closed_at": _time(course.closed_at),
        "witnessed": False,
        "reply_due": course.due.isoformat() if course.due else None,
        "reply_latest": course.latest.isoformat() if course.latest else None,
        "silent_from": _time(silent_from(course, profile)),
        "silence": profile.silence,
        "calendar_known": calendar(course.denier).known if course.denier else None,
        "asked_until": course.asked.until.isoformat() if course.asked else None,
        "answered_late": course.late,
        "granted_early": course.early,
        "undercut_due": undercut.due.isoformat() if undercut and undercut.due else None,
        "undercut_latest": undercut.latest.isoformat() if undercut and undercut.latest else None,
        "undercut_index": undercut.index if undercut else None,
        "next": job.what if job else None,
        "mine": job.mine if job else False,
        "due": job.due.isoformat() if job and job.due else None,
        "left": job.left if job else None,
    }


def steps(one: Consultation) -> list[dict[str, Any]]:
    """Every step of a consultation as a value, also what was refused."""
    return [
        {
            "index": judged.sent.index,
            "from": judged.sent.sender,
            "to": list(judged.sent.recipients),
            "logged_at": _time(judged.sent.logged_at),
            "content": judged.sent.step.to_content() if judged.sent.step else None,
            "refused": judged.reason or None,
            "why": judged.message or None,
        }
        for judged in one.course.steps
    ]


def lines(one: Consultation, job: Task | None, profile: Profile) -> list[str]:
    """A consultation in full: where it stands, then every step."""
    course, undercut = one.course, one.undercut
    told = [f"id        {one.id}", f"with      {one.peer}", f"state     {_state(one)}"]
    if course.due:
        told.append(f"reply     due by {course.due}, {course.latest} at the latest; {_counted(course.denier)}")
        silent = moment(silent_from(course, profile))
        told.append(f"silence   counts from {silent} UTC and means {meaning(profile)}")
    if undercut:
        sent = f"sent, log index {undercut.index}" if undercut.index is not None else f"due by {undercut.due or '-'}"
        told.append(f"undercut  notice {sent}, {undercut.latest or '-'} at the latest")
    if job:
        left = timing(job)
        told.append(f"next      {job.what}{f' ({left})' if left else ''}")
    told.append("times     by the log, unwitnessed")
    for judged in course.steps:
        told += ["", *_step(judged, profile)]
    return told


def _step(judged: Judged, profile: Profile) -> list[str]:
    sent = judged.sent
    head = f"-- {moment(sent.logged_at)} UTC, log index {sent.index}: {sent.sender} to {', '.join(sent.recipients)}"
    refused = [f"REFUSED: {printable(judged.message)}"] if judged.reason else []
    shown = render_consultation(sent.step, profile).rstrip("\n").split("\n") if sent.step else []
    return [head, *refused, *shown]


def _state(one: Consultation) -> str:
    course = one.course
    said = {
        State.ANSWERED: f"answered: {course.answer}",
        State.CLOSED: f"closed: {course.outcome}",
        State.UNOPENED: "refused",
    }.get(one.state, one.state.value)
    marks = [", late"] if course.late else []
    marks += [", before the answer was due"] if course.early else []
    return said.replace("_", " ") + "".join(marks)


def _counted(country: str) -> str:
    known = calendar(country).known
    return f"working days of {country}" if known else f"Monday to Friday, as the holidays of {country} are not known"


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else format_time(seconds)
