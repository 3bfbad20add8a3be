"""``envoi consult``: ask the Partner that denied, answer those who ask us, and keep every deadline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import Parameter

from envoi_client.body import Body
from envoi_client.cli.common import DEFAULT, Common, Flag, table
from envoi_client.cli.publishing import send
from envoi_client.documents import (
    ConsultationStep,
    InvalidDocument,
    parse_consultation,
    parse_draft,
    render,
)
from envoi_client.documents.consultation import TYPE
from envoi_client.documents.undercut import UndercutNotice
from envoi_client.files import read_bounded, write_whole
from envoi_client.limits import MAX_DRAFT_BYTES
from envoi_client.node import Published
from envoi_keys.errors import LocalError, Malformed, NetworkError, Refused

from .. import limits
from ..consultation import drafts, process, views
from ..consultation.agenda import book_of, by_due, task
from ..consultation.book import Consultation
from ..consultation.clock import day_of
from ..consultation.rules import Course, State
from ..desk import Desk
from ..screening.case import Case
from ..screening.cases import read_case
from .common import find, open_desk

_Id = Annotated[str, Parameter(name="ID")]
_OVERRULE: Final = "if that is meant, say so with --anyway"


def open_(
    *,
    case: Path,
    denial: str,
    why: str | None = None,
    reply_by: str | None = None,
    completes: str | None = None,
    anyway: Annotated[bool, Flag] = False,
    dry_run: Annotated[bool, Flag] = False,
    common: Common = DEFAULT,
) -> None:
    """Ask the Partner that denied whether a case is essentially identical.

    Parameters
    ----------
    case
        The case as JSON.
    denial
        The regime reference of the denial notice.
    why
        Why it may not be identical; by default the differences found.
    reply_by
        The day by which you ask for a reply, if later than the regime's.
    completes
        The consultation in which more information was asked for.
    anyway
        Open it although there is a doubt.
    dry_run
        Show the request and what would be sent, and send nothing.
    """
    raw = read_bounded(case, limits.MAX_CASE_FILE_BYTES)
    with open_desk(common) as desk:
        desk = desk if dry_run else _up_to_date(common, desk)
        asked = _case(case, raw, desk)
        version = find(desk, denial)
        notice = process.notice_of(desk, version, asked)
        begun = book_of(desk).find(completes) if completes else None
        if begun is None and not anyway:
            for doubt in process.doubts(desk, version, asked, notice):
                raise Refused(doubt, reason="doubtful", hint=_OVERRULE)
        id_ = begun.id if begun else desk.session.random(process.ID_BYTES).hex()
        draft = drafts.request_draft(id_, asked, notice, version.id, desk.profile, desk.today, why)
        if reply_by:
            draft["reply_by"] = reply_by
        step = parse_consultation(draft, desk.profile)
        process.check_step(desk, begun.course if begun else Course(id_), version.author, step)
        _send_step(common, desk, version.author, step, dry_run)


def reply(
    id_: _Id, /, *, outcome: str, text: str, dry_run: Annotated[bool, Flag] = False, common: Common = DEFAULT
) -> None:
    """Reply to a Partner that asked about one of our denials.

    Parameters
    ----------
    id_
        The consultation's id, or enough of its first digits.
    outcome
        identical_object, identical_no_objection, not_identical, more_information or since_revoked.
    text
        The reply in words.
    dry_run
        Say what would be sent, and send nothing.
    """
    with open_desk(common) as desk:
        desk = desk if dry_run else _up_to_date(common, desk)
        one = book_of(desk).find(id_)
        step = _step(desk, one, step="reply", outcome=outcome, text=text)
        process.check_step(desk, one.course, one.peer, step)
        _send_step(common, desk, one.peer, step, dry_run)


def extend(
    id_: _Id,
    /,
    *,
    until: str,
    reason: str | None = None,
    dry_run: Annotated[bool, Flag] = False,
    common: Common = DEFAULT,
) -> None:
    """Ask for more time for the reply, or agree to it where the other side has asked.

    Parameters
    ----------
    id_
        The consultation's id, or enough of its first digits.
    until
        The new last day, YYYY-MM-DD.
    reason
        Why; mandatory when you ask.
    dry_run
        Say what would be sent, and send nothing.
    """
    with open_desk(common) as desk:
        desk = desk if dry_run else _up_to_date(common, desk)
        one = book_of(desk).find(id_)
        name = "extension_request" if one.own else "extension_grant"
        step = _step(desk, one, step=name, until=until, reason=reason)
        process.check_step(desk, one.course, one.peer, step)
        _send_step(common, desk, one.peer, step, dry_run)


def close(
    id_: _Id,
    /,
    *,
    outcome: str,
    text: str,
    anyway: Annotated[bool, Flag] = False,
    dry_run: Annotated[bool, Flag] = False,
    common: Common = DEFAULT,
) -> None:
    """Tell the Partner that denied what came of it, and draft the notice that follows.

    Parameters
    ----------
    id_
        The consultation's id, or enough of its first digits.
    outcome
        refused, granted, withdrawn or denial_revoked.
    text
        What to tell the other side.
    anyway
        Grant before there is an answer or its time is over.
    dry_run
        Say what would be sent, and send nothing.
    """
    with open_desk(common) as desk:
        desk = desk if dry_run else _up_to_date(common, desk)
        one = book_of(desk).find(id_)
        step = _step(desk, one, step="close", outcome=outcome, text=text)
        after = process.check_step(desk, one.course, one.peer, step)
        if after.early and not anyway:
            due = f", and its time runs until {one.course.due}" if one.course.due else ""
            raise Refused(f"{one.peer} has not answered{due}", reason="too-early", hint=_OVERRULE)
        draft = drafts.follow_up(after, desk.me, desk.today, desk.profile)
        if dry_run or draft is None:
            _send_step(common, desk, one.peer, step, dry_run)
            return
        _refuse_existing(Path(draft.name))
        try:
            done = _publish(common, desk, one.peer, step)
        except NetworkError:
            # It is signed and will be sent: what follows from it is to be done all the same.
            common.talk("\n".join(_write(draft, Path(draft.name))))
            raise
        told = _write(draft, Path(draft.name))
        _answer(common, one.id, done, {"draft": draft.name, "missing": draft.missing}, told)


def undercut(
    id_: _Id,
    /,
    *,
    file: Path | None = None,
    draft: Annotated[bool, Flag] = False,
    dry_run: Annotated[bool, Flag] = False,
    common: Common = DEFAULT,
) -> None:
    """Send the undercut notice of a grant to every other Partner.

    Parameters
    ----------
    id_
        The consultation's id, or enough of its first digits.
    file
        The notice; by default the draft that envoi consult close has written.
    draft
        Write that draft again, and send nothing.
    dry_run
        Say what would be sent, and send nothing.
    """
    with open_desk(common) as desk:
        one = book_of(desk).find(id_)
        if not one.own or one.undercut is None:
            raise Refused("no undercut notice of ours is due in it", reason="not-granted")
        made = drafts.follow_up(one.course, desk.me, day_of(one.course.closed_at) or desk.today, desk.profile)
        assert made is not None  # what has an undercut notice due was granted
        path = file or Path(made.name)
        if draft:
            _refuse_existing(path)
            common.answer({"draft": str(path), "missing": made.missing}, _write(made, path))
            return
        if one.undercut.index is not None:
            raise Refused(f"it was sent: log index {one.undercut.index}", reason="already-sent")
        notice = parse_draft(UndercutNotice.type, read_bounded(path, MAX_DRAFT_BYTES), desk.profile)
        assert isinstance(notice, UndercutNotice)  # its type was asked for
        request = one.course.request
        assert request is not None  # a grant was asked for
        same = (request.regime_reference, request.case_reference, request.exercise, desk.me)
        if (notice.regime_reference, notice.case_reference, notice.exercise, notice.granting_government) != same:
            raise LocalError(f"{path} is not the notice of this case", hint="write the draft again with --draft")
        process.refuse_waiting_notice(desk, notice)
        send(common, desk.node, Body(notice.type, notice.to_content(), ()), (), (), notice.exercise, dry_run)


def list_(
    *, due: Annotated[bool, Flag] = False, open_: Annotated[bool, Flag] = False, common: Common = DEFAULT
) -> None:
    """List consultations, what is due first.

    Parameters
    ----------
    due
        Only what a sync reminds of: due soon, overdue, silent, to be notified.
    open_
        Only those in which something is still to be done.
    """
    with open_desk(common) as desk:
        book, profile = book_of(desk), desk.profile
        found = [(one, task(one, profile, desk.today)) for one in (book.pending() if due or open_ else book.listing())]
        shown = by_due([(one, job) for one, job in found if not due or (job and job.pressing)])
        common.answer(
            [views.value(one, job, profile) for one, job in shown],
            table(views.COLUMNS, [views.row(one, job) for one, job in shown]),
        )


def show(id_: _Id, /, *, common: Common = DEFAULT) -> None:
    """Show one consultation: where it stands, and every step, also what was refused.

    Parameters
    ----------
    id_
        The consultation's id, or enough of its first digits.
    """
    with open_desk(common) as desk:
        one = book_of(desk).find(id_)
        job = task(one, desk.profile, desk.today)
        value = {**views.value(one, job, desk.profile), "steps": views.steps(one)}
        common.answer(value, views.lines(one, job, desk.profile))


def _case(path: Path, raw: bytes, desk: Desk) -> Case:
    try:
        return read_case(raw, desk.profile)
    except InvalidDocument:
        raise
    except Malformed as error:
        raise Malformed(
            error.message, field=str(path), hint="a case is a JSON object; envoi screen takes the same"
        ) from None


def _up_to_date(common: Common, desk: Desk) -> Desk:
    """The desk after everything that the relay has was read: a step is judged by all that came before it."""
    report = desk.node.catch_up()
    for alarm in report.alarms if report else ():
        common.talk(f"alarm: {alarm}")
    return Desk.open(desk.node)


def _step(desk: Desk, one: Consultation, **fields: Any) -> ConsultationStep:
    if one.state is State.UNOPENED or one.course.request is None:
        raise Refused("nobody has opened this consultation", reason="not-open")
    content = {"consultation": one.id, "exercise": one.course.request.exercise, **fields}
    return parse_consultation({name: value for name, value in content.items() if value is not None}, desk.profile)


def _send_step(common: Common, desk: Desk, peer: str, step: ConsultationStep, dry_run: bool) -> None:
    if dry_run:
        common.talk(render(step, desk.profile).rstrip())
        send(common, desk.node, Body(TYPE, step.to_content(), ()), (peer,), (), step.exercise, dry_run)
        return
    _answer(common, step.consultation, _publish(common, desk, peer, step), {}, [])


def _publish(common: Common, desk: Desk, peer: str, step: ConsultationStep) -> Published:
    try:
        return desk.node.publish(Body(TYPE, step.to_content(), ()), (peer,), exercise=step.exercise)
    except NetworkError:
        common.talk("signed and stored: the next envoi sync sends it")
        raise


def _answer(common: Common, id_: str, done: Published, more: dict[str, Any], lines: list[str]) -> None:
    value = {"consultation": id_, "id": done.id, "index": done.index, "numbers": done.numbers, **more}
    logged = f"logged        {done.id} at index {done.index}"
    common.answer(value, [f"consultation  {id_}", logged, f"to            {', '.join(done.numbers)}", *lines])


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise LocalError(f"{path} exists already", hint="move it away; nothing was sent")


def _write(draft: drafts.Draft, path: Path) -> list[str]:
    """Write a draft; what to say of it."""
    write_whole(path, json.dumps(draft.content, ensure_ascii=False, indent=2).encode() + b"\n")
    told = [f"draft         {path}, in which is still to be filled in:", *(f"  {line}" for line in draft.missing)]
    return [*told, f"then          {draft.then}"]
