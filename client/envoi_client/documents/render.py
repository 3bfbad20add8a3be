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

from .denial import DenialNotice, Party
from .note import PlainNote
from .text import columns, isolated, printable, wrap

_WIDTH: Final = 100
_LABEL: Final = 18
_EXERCISE: Final = "EXERCISE EXERCISE EXERCISE"
_MAX_UNKNOWN_LINES: Final = 2000


def render_denial(notice: DenialNotice, profile: Profile | None = None) -> str:
    """The notice as text. With a ``profile``, entries of the Annex and reasons carry their titles."""
    lines = [_EXERCISE] if notice.exercise else []
    lines += _row("Denial notice", notice.regime_reference)
    lines += _row("Status", _status(notice))
    lines += _row("Supersedes", notice.supersedes)
    lines += _row("Notified by", _country(notice.notifying_government))
    lines += _row("Authority", f"{notice.competent_authority.name}\n{notice.competent_authority.contact}")
    lines += _row("Their reference", notice.national_reference)
    lines += _row("Decision", f"{_words(notice.kind)} ({_words(notice.transaction_type)})")
    lines += _row(
        "Dates",
        f"denied {notice.date_of_denial}, notified {notice.date_of_notification}, review by {notice.review_by}",
    )
    lines += _row("Control entries", "\n".join(_entries(notice, profile)))
    lines += _row("List edition", notice.list_edition)
    lines += _row("Item", notice.item_description)
    lines += _row("Quantity", _amount(notice.quantity, notice.unit))
    lines += _row("Value", _amount(notice.value, notice.currency))
    lines += _row("HS code", notice.hs_code)
    lines += _row("Destination", _country(notice.destination_country))
    lines += _row("Stated end-use", notice.stated_end_use)
    lines += _row("Reason", _reason(notice, profile))
    lines += _row("Releasability", notice.releasability)
    lines += _row("Remarks", notice.remarks)
    for number, party in enumerate(notice.parties, start=1):
        lines += ["", *_party(number, party)]
    if notice.exercise:
        lines += ["", _EXERCISE]
    return "\n".join(lines) + "\n"


def render_note(note: PlainNote, profile: Profile | None = None) -> str:
    """The note as text. A note has nothing of a regime in it; ``profile`` is that of every document."""
    return "\n".join([*_row("Subject", note.subject), "", *wrap(note.text, _WIDTH)]) + "\n"


def render_unknown(content: Any) -> str:
    """The content of a document that this version cannot read, as indented JSON that is safe to print."""
    text = json.dumps(content, ensure_ascii=False, indent=2, default=repr)
    lines = printable(text, line_breaks=True).split("\n")
    if len(lines) > _MAX_UNKNOWN_LINES:
        lines = [*lines[:_MAX_UNKNOWN_LINES], f"... and {len(lines) - _MAX_UNKNOWN_LINES} more lines"]
    return "\n".join(isolated(line) for line in lines) + "\n"


def _row(label: str, value: str | None, indent: int = 0) -> list[str]:
    """The value beside its label, further lines under its first; nothing where there is no value."""
    if not value:
        return []
    head = " " * indent + label
    first, *more = wrap(value, _WIDTH - _LABEL)
    return [
        f"{head}{' ' * max(1, _LABEL - columns(head))}{first}",
        *(f"{' ' * _LABEL}{line}" for line in more),
    ]


def _party(number: int, party: Party) -> Iterable[str]:
    yield from _row(f"Party {number}", f"{party.name}")
    yield from _row("role", _words(party.role), 2)
    yield from _row("original", party.name_original_script, 2)
    yield from _row("also known as", "\n".join(party.aliases), 2)
    yield from _row("address", party.address, 2)
    yield from _row("country", _country(party.country), 2)
    yield from _row("identifiers", "\n".join(f"{one.kind}: {one.value}" for one in party.identifiers), 2)


def _status(notice: DenialNotice) -> str:
    because = f": {notice.revocation_reason}" if notice.revocation_reason else ""
    return f"{_words(notice.status)}{because}"


def _entries(notice: DenialNotice, profile: Profile | None) -> Iterable[str]:
    if notice.catch_all:
        bars = profile is not None and profile.denials.catch_all_bars_undercut
        yield "catch-all: the item is not on the Annex"
        if profile is not None and not bars:
            yield "Not covered by no-undercut."
        return
    for code in notice.control_entries:
        entry = profile.annex.find(code) if profile else None
        yield f"{code}  {entry.title}" if entry else code
    yield f"Category {notice.annex_category}"


def _reason(notice: DenialNotice, profile: Profile | None) -> str:
    reason = notice.reason_for_refusal
    if reason.code == WITHHELD:
        return "withheld"
    sentence = profile.denials.reasons.get(reason.code) if profile else None
    return f"{sentence or _words(reason.code)}\n{reason.text}"


def _country(code: str) -> str:
    return f"{country_name(code) or code} ({code})"


def _amount(number: Decimal | None, unit: str | None) -> str | None:
    return None if number is None else f"{number:f} {unit}"


def _words(term: str) -> str:
    return term.replace("_", " ")
