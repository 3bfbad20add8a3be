"""Consultations and undercut notices as plain text for a terminal, in the manner of :mod:`.render`."""

from __future__ import annotations

from collections.abc import Iterable

from envoi_keys.regimes import Profile

from .consultation import (
    ConsultationClose,
    ConsultationReply,
    ConsultationRequest,
    ConsultationStep,
    ExtensionRequest,
)
from .denial import CATCH_ALL
from .items import Item
from .render import EXERCISE, amount, country, party_rows, row, words
from .undercut import UndercutNotice


def render_consultation(step: ConsultationStep, profile: Profile | None = None) -> str:
    """A step of a consultation as text. With a ``profile``, entries of the Annex carry their titles."""
    lines = [EXERCISE] if step.exercise else []
    lines += row("Consultation", f"{words(step.step)}, between two Partners and confidential")
    lines += row("Id", step.consultation)
    if isinstance(step, ConsultationRequest):
        lines += _request(step, profile)
    elif isinstance(step, ConsultationReply):
        lines += row("Reply", words(step.outcome)) + row("Text", step.text)
    elif isinstance(step, ConsultationClose):
        lines += row("Outcome", words(step.outcome)) + row("Text", step.text)
    else:
        label = "Asks for time" if isinstance(step, ExtensionRequest) else "Agrees to time"
        lines += row(label, f"until {step.until}") + row("Reason", step.reason)
    if step.exercise:
        lines += ["", EXERCISE]
    return "\n".join(lines) + "\n"


def render_undercut(undercut: UndercutNotice, profile: Profile | None = None) -> str:
    """The undercut notice as text. With a ``profile``, entries of the Annex carry their titles."""
    lines = [EXERCISE] if undercut.exercise else []
    lines += row("Undercut notice", f"of {undercut.regime_reference}")
    lines += row("Version", undercut.notice)
    lines += row("Granted by", country(undercut.granting_government))
    lines += row("Case", undercut.case_reference)
    lines += row("Dates", f"granted {undercut.date_of_grant}, to be notified by {undercut.deadline}")
    lines += row("Destination", country(undercut.destination_country))
    lines += row("Reasons", undercut.reasons)
    lines += row("Remarks", undercut.remarks)
    lines += _items(undercut.items, profile)
    if undercut.exercise:
        lines += ["", EXERCISE]
    return "\n".join(lines) + "\n"


def _request(request: ConsultationRequest, profile: Profile | None) -> Iterable[str]:
    yield from row("Denial notice", request.regime_reference)
    yield from row("Version", request.notice)
    yield from row("Case", request.case_reference)
    yield from row("Reply by", request.reply_by.isoformat())
    yield from row("Destination", country(request.destination_country))
    yield from row("Stated end-use", request.stated_end_use)
    yield from row("Why not identical", request.why_not_identical)
    yield from _items(request.items, profile)
    for number, party in enumerate(request.parties, start=1):
        yield ""
        yield from party_rows(number, party)


def _items(items: tuple[Item, ...], profile: Profile | None) -> Iterable[str]:
    for number, item in enumerate(items, start=1):
        yield ""
        yield from row(f"Item {number}", item.description)
        yield from row("entries", "\n".join(_titled(item, profile)), 2)
        yield from row("quantity", amount(item.quantity, item.unit), 2)


def _titled(item: Item, profile: Profile | None) -> Iterable[str]:
    for code in item.control_entries:
        entry = profile.annex.find(code) if profile else None
        yield f"{code} {entry.title}" if entry else "catch-all: not on the Annex" if code == CATCH_ALL else code
