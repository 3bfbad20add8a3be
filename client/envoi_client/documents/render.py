"""Documents as plain text for a terminal: labels on the left, values wrapped beside them.

Nothing here needs colour or a certain width to be read. Right-to-left names are isolated so that what
follows them keeps its place, and an exercise says so first and last. Text is safe to print whoever wrote
it: a document that was parsed holds nothing unsafe, and what was not parsed is written out
(:func:`render_unknown`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from envoi_keys.countries import country_name
from envoi_keys.regimes import WITHHELD, Profile

from .aggregate import AggregateDenial
from .denial import DenialNotice, Party
from .note import PlainNote
from .text import columns, isolated, printable, wrap

_WIDTH: Final = 100
_LABEL: Final = 18
EXERCISE: Final = "EXERCISE EXERCISE EXERCISE"
"""The first and the last line of a document that belongs to a drill."""
_MAX_UNKNOWN_LINES: Final = 2000


def render_denial(notice: DenialNotice, profile: Profile | None = None) -> str:
    """The notice as text. With a ``profile``, entries of the Annex and reasons carry their titles."""
    lines = [EXERCISE] if notice.exercise else []
    lines += row("Denial notice", notice.regime_reference)
    lines += row("Status", _status(notice))
    lines += row("Supersedes", notice.supersedes)
    lines += row("Notified by", country(notice.notifying_government))
    lines += row("Authority", f"{notice.competent_authority.name}\n{notice.competent_authority.contact}")
    lines += row("Their reference", notice.national_reference)
    lines += row("Decision", f"{words(notice.kind)} ({words(notice.transaction_type)})")
    lines += row(
        "Dates",
        f"denied {notice.date_of_denial}, notified {notice.date_of_notification}, review by {notice.review_by}",
    )
    lines += row("Control entries", "\n".join(_entries(notice, profile)))
    lines += row("List edition", notice.list_edition)
    lines += row("Item", notice.item_description)
    lines += row("Quantity", amount(notice.quantity, notice.unit))
    lines += row("Value", amount(notice.value, notice.currency))
    lines += row("HS code", notice.hs_code)
    lines += row("Destination", country(notice.destination_country))
    lines += row("Stated end-use", notice.stated_end_use)
    lines += row("Reason", _reason(notice, profile))
    lines += row("Releasability", notice.releasability)
    lines += row("Remarks", notice.remarks)
    for number, party in enumerate(notice.parties, start=1):
        lines += ["", *party_rows(number, party)]
    if notice.exercise:
        lines += ["", EXERCISE]
    return "\n".join(lines) + "\n"


def render_aggregate(aggregate: AggregateDenial, profile: Profile | None = None) -> str:
    """The aggregate denial as text, like :func:`render_denial`."""
    period = aggregate.period
    lines = [EXERCISE] if aggregate.exercise else []
    lines += row("Aggregate denial", aggregate.regime_reference)
    lines += row("Status", _status(aggregate))
    lines += row("Notified by", country(aggregate.notifying_government))
    lines += row("Period", f"{period.from_} to {period.to}")
    lines += row("Denials", str(aggregate.count))
    lines += row("Control entries", "\n".join(_entries(aggregate, profile)))
    lines += row("Destination", country(aggregate.destination_country))
    lines += row("Releasability", aggregate.releasability)
    lines += row("Remarks", aggregate.remarks)
    lines += row("Note", "An aggregate names no party: nobody is screened against it.")
    if aggregate.exercise:
        lines += ["", EXERCISE]
    return "\n".join(lines) + "\n"


def render_note(note: PlainNote, profile: Profile | None = None) -> str:
    """The note as text. A note has nothing of a regime in it; ``profile`` is that of every document."""
    return "\n".join([*row("Subject", note.subject), "", *wrap(note.text, _WIDTH)]) + "\n"


def render_unknown(content: Any) -> str:
    """The content of a document that this version cannot read, as indented JSON that is safe to print."""
    text = json.dumps(content, ensure_ascii=False, indent=2, default=repr)
    lines = printable(text, line_breaks=True).split("\n")
    if len(lines) > _MAX_UNKNOWN_LINES:
        lines = [*lines[:_MAX_UNKNOWN_LINES], f"... and {len(lines) - _MAX_UNKNOWN_LINES} more lines"]
    return "\n".join(isolated(line) for line in lines) + "\n"


def row(label: str, value: str | None, indent: int = 0) -> list[str]:
    """The value beside its label, further lines under its first; nothing where there is no value."""
    if not value:
        return []
    head = " " * indent + label
    first, *more = wrap(value, _WIDTH - _LABEL)
    return [
        f"{head}{' ' * max(1, _LABEL - columns(head))}{first}",
        *(f"{' ' * _LABEL}{line}" for line in more),
    ]


def party_rows(number: int, party: Party) -> Iterable[str]:
    """A party under its number."""
    yield from row(f"Party {number}", f"{party.name}")
    yield from row("role", words(party.role), 2)
    yield from row("original", party.name_original_script, 2)
    yield from row("also known as", "\n".join(party.aliases), 2)
    yield from row("address", party.address, 2)
    yield from row("country", country(party.country), 2)
    yield from row("identifiers", "\n".join(f"{one.kind}: {one.value}" for one in party.identifiers), 2)


def _status(notice: DenialNotice | AggregateDenial) -> str:
    because = f": {notice.revocation_reason}" if notice.revocation_reason else ""
    return f"{words(notice.status)}{because}"


def _entries(notice: DenialNotice | AggregateDenial, profile: Profile | None) -> Iterable[str]:
    if notice.catch_all:
        bars = profile is not None and profile.denials.catch_all_bars_undercut
        yield "catch-all: the item is not on the Annex"
        if profile is not None and not bars:
            yield "Not covered by no-undercut."
        return
    for code in notice.control_entries:
        entry = profile.annex.find(code) if profile else None
        yield f"{code}  {entry.title}" if entry else code
    if isinstance(notice, DenialNotice):
        yield f"Category {notice.annex_category}"


def _reason(notice: DenialNotice, profile: Profile | None) -> str:
    reason = notice.reason_for_refusal
    if reason.code == WITHHELD:
        return "withheld"
    sentence = profile.denials.reasons.get(reason.code) if profile else None
    return f"{sentence or words(reason.code)}\n{reason.text}"


def country(code: str) -> str:
    """A country by its name and its code."""
    return f"{country_name(code) or code} ({code})"


def amount(number: Decimal | None, unit: str | None) -> str | None:
    """A number and what it counts; None where there is none."""
    return None if number is None else f"{number:f} {unit}"


def words(term: str) -> str:
    """One of the profession's terms as words."""
    return term.replace("_", " ")
