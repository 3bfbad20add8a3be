"""Whether this member may take a step in a consultation now, asked before anything is signed.

The rules are those by which the other side will judge the step (:mod:`.rules`). On top come warnings that an officer
may overrule with ``--anyway``: nobody else would refuse such a step, but few would mean it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from envoi_client.documents import ConsultationRequest, ConsultationStep, DenialNotice, UndercutNotice
from envoi_client.documents.consultation import TYPE
from envoi_client.node.publish import draft_of
from envoi_keys.errors import LocalError, Refused
from envoi_keys.limits import MAX_INTEGER

from ..register import IN_FORCE, Version
from ..screening.case import Case
from .agenda import book_of
from .rules import Course, Sent, take

if TYPE_CHECKING:
    from ..desk import Desk

ID_BYTES: Final = 16
"""Of a consultation's id."""
_SYNC: Final = "run: envoi sync"


def notice_of(desk: Desk, version: Version, case: Case) -> DenialNotice:
    """The denial in ``version``, about which ``case`` can be consulted. Raises Refused."""
    notice = version.notice
    if not isinstance(notice, DenialNotice):
        raise Refused(
            f"{version.reference} is an aggregate, which is about no one export",
            reason="aggregate",
            hint=f"write to {version.author} instead: envoi publish note",
        )
    if version.author == desk.me:
        raise Refused(
            f"{version.reference} is our own denial",
            reason="own-denial",
            hint=f"review it instead: envoi denials revoke {version.reference}",
        )
    if case.exercise is not notice.exercise:
        drill, real = ("the case", "the notice") if case.exercise else ("the notice", "the case")
        raise Refused(f"{drill} is an exercise and {real} is not", reason="exercise-mismatch")
    return notice


def doubts(desk: Desk, version: Version, case: Case, notice: DenialNotice) -> Iterator[str]:
    """Why one may not want to open a consultation about ``version`` for ``case``."""
    if notice.catch_all and not desk.profile.denials.catch_all_bars_undercut:
        yield f"{version.reference} is a catch-all denial, which no-undercut does not cover"
    if version.state != IN_FORCE:
        yield f"{version.reference} is {version.state} and no longer in force"
    for one in book_of(desk).pending():
        request = one.course.request
        if one.own and request is not None and _key(request.to_content()) == (version.reference, case.id):
            yield f"consultation {one.id[:12]} about the same case and notice is not over"


def check_step(desk: Desk, course: Course, peer: str, step: ConsultationStep) -> Course:
    """The course as it would be after our ``step``. Raises Refused if the other side would refuse it."""
    refuse_waiting(desk, step)
    # It will be logged after everything that is, now or a little later.
    return take(course, Sent(MAX_INTEGER, desk.me, (peer,), desk.now, step), desk.profile)


def refuse_waiting(desk: Desk, step: ConsultationStep) -> None:
    """Raises LocalError if a step of the same consultation was signed and waits to be sent."""
    asked = _key(step.to_content()) if isinstance(step, ConsultationRequest) else None
    for content in _waiting(desk, TYPE):
        if step.consultation == content.get("consultation") or asked == _key(content):
            raise LocalError("a step of this consultation waits in the outbox", hint=_SYNC)


def refuse_waiting_notice(desk: Desk, notice: UndercutNotice) -> None:
    """Raises LocalError if the undercut notice was signed and waits to be sent."""
    if _key(notice.to_content()) in map(_key, _waiting(desk, notice.type)):
        raise LocalError("the undercut notice waits in the outbox", hint=_SYNC)


def _waiting(desk: Desk, type_: str) -> Iterator[dict[str, Any]]:
    for entry in desk.session.store.outbox.listing("signed"):
        draft = draft_of(entry)
        if draft.get("type") == type_:
            yield draft["content"]


def _key(content: Mapping[str, Any]) -> tuple[Any, Any]:
    return content.get("regime_reference"), content.get("case_reference")
