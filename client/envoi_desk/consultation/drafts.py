"""Documents that a consultation leads to, filled in from what is on file; what only a person can say is left out.

A draft is a document with gaps, which it names. Nothing that was said between the two Partners goes into a draft for
all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from envoi_client.documents import (
    ConsultationRequest,
    DenialNotice,
    InvalidDocument,
    parse_denial,
    parse_undercut,
)
from envoi_client.documents.consultation import Outcome
from envoi_client.documents.dates import add_months
from envoi_client.documents.denial import CATCH_ALL, NOT_LISTED, Kind, Party, Status
from envoi_keys.regimes import Profile

from ..screening.case import Case
from .clock import calendar
from .rules import Course

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9.-]+")
_MAX_NAME_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class Draft:
    """A notice to be completed: the ``name`` of its file, what is ``missing`` in it, and the command that sends it."""

    name: str
    content: dict[str, Any]
    missing: list[str]
    then: str


def request_draft(
    id_: str, case: Case, notice: DenialNotice, dispatch: str, profile: Profile, today: date, why: str | None
) -> dict[str, Any]:
    """The request for a consultation about ``notice``, of which ``dispatch`` brought the version that is meant.

    ``today`` starts the days for the reply. Without ``why`` the differences between case and notice are listed.
    """
    days = profile.clocks.consultation_working_days
    draft: dict[str, Any] = {
        "step": "request",
        "consultation": id_,
        "exercise": case.exercise,
        "case_reference": case.id,
        "regime_reference": notice.regime_reference,
        "notice": dispatch,
        "items": [
            {"control_entries": list(item.control_entries) or [CATCH_ALL], "description": item.description}
            for item in case.items
        ],
        "parties": [party.to_content() for party in case.parties],
        "destination_country": case.destination_country,
        "stated_end_use": case.stated_end_use,
        "why_not_identical": why or "\n".join(differences(case, notice)),
        "reply_by": calendar(notice.notifying_government).after(today, days).isoformat(),
    }
    for item in draft["items"]:
        if item["description"] is None:
            del item["description"]
    return {name: value for name, value in draft.items() if value not in (None, "")}


def differences(case: Case, notice: DenialNotice) -> list[str]:
    """In what a case and a notice differ, one sentence each."""
    found = []
    ours, denied = set(case.control_entries) or {CATCH_ALL}, set(notice.control_entries)
    if ours != denied:
        found.append(f"The control entries differ: {_listed(ours)} here, {_listed(denied)} in the notice.")
    if case.destination_country != notice.destination_country:
        found.append(
            f"The destination differs: {case.destination_country} here, {notice.destination_country} in the notice."
        )
    if case.stated_end_use and notice.stated_end_use and case.stated_end_use != notice.stated_end_use:
        found.append("The stated end-use differs from that in the notice.")
    if not _names(case.parties) & _names(notice.parties):
        found.append("No party bears a name of a party in the notice.")
    return found


def follow_up(closed: Course, me: str, day: date, profile: Profile) -> Draft | None:
    """The notice to all that our closing of a consultation on ``day`` calls for; None where it calls for none."""
    request = closed.request
    if request is None or closed.outcome not in (Outcome.GRANTED, Outcome.REFUSED):
        return None
    case = _UNSAFE.sub("-", request.case_reference).strip("-.")[:_MAX_NAME_CHARS] or closed.id[:12]
    if closed.outcome is Outcome.GRANTED:
        content = undercut_draft(request, me, day, profile)
        missing, then = _gaps(content, parse_undercut, profile), f"envoi consult undercut {closed.id[:12]}"
        return Draft(f"undercut-{case}.json", content, missing, then)
    content = denial_draft(request, me, day, profile)
    name = f"denial-{case}.json"
    return Draft(name, content, _gaps(content, parse_denial, profile), f"envoi publish denial {name}")


def undercut_draft(request: ConsultationRequest, granting: str, granted: date, profile: Profile) -> dict[str, Any]:
    """The undercut notice after a grant on the day ``granted``, without the reasons, which only a person can give."""
    return {
        "regime_reference": request.regime_reference,
        "notice": request.notice,
        "granting_government": granting,
        "case_reference": request.case_reference,
        "items": [item.to_content() for item in request.items],
        "destination_country": request.destination_country,
        "date_of_grant": granted.isoformat(),
        "deadline": (granted + timedelta(days=profile.clocks.undercut_notice_days)).isoformat(),
        "exercise": request.exercise,
    }


def denial_draft(request: ConsultationRequest, denying: str, refused: date, profile: Profile) -> dict[str, Any]:
    """The own denial notice after a refusal on the day ``refused``.

    Not on file, and so left out, are its reference, the authority, the type of transaction, the reason and the
    releasability.
    """
    entries = list(dict.fromkeys(code for item in request.items for code in item.control_entries))
    category = NOT_LISTED if entries == [CATCH_ALL] else profile.annex.category(entries)
    draft: dict[str, Any] = {
        "national_reference": request.case_reference,
        "notifying_government": denying,
        "kind": Kind.REFUSAL.value,
        "date_of_denial": refused.isoformat(),
        "date_of_notification": refused.isoformat(),
        "control_entries": entries,
        "list_edition": profile.annex.edition,
        "annex_category": category,
        "item_description": "\n\n".join(item.description for item in request.items),
        "destination_country": request.destination_country,
        "stated_end_use": request.stated_end_use,
        "review_by": add_months(refused, profile.clocks.review_months).isoformat(),
        "status": Status.VALID.value,
        "exercise": request.exercise,
        "parties": [party.to_content() for party in request.parties],
    }
    if len(request.items) == 1 and request.items[0].quantity is not None:
        draft |= {"quantity": format(request.items[0].quantity, "f"), "unit": request.items[0].unit}
    return {name: value for name, value in draft.items() if value is not None}


def _gaps(content: dict[str, Any], parse: Callable[[Any, Profile], object], profile: Profile) -> list[str]:
    """What still has to be filled in or corrected, one line for each field."""
    try:
        parse(content, profile)
    except InvalidDocument as error:
        return [str(problem) for problem in error.problems]
    return []


def _listed(codes: Collection[str]) -> str:
    return ", ".join(sorted(codes))


def _names(parties: Sequence[Party]) -> set[str]:
    return {" ".join(name.casefold().split()) for party in parties for name in party.names}
