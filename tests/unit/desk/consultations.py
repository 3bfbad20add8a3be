"""A sound step of each kind to spoil, a course to send steps in, and the days on which it all happens."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from envoi_client.documents import parse_consultation
from envoi_desk.consultation.rules import Sent
from envoi_keys.regimes import load

PROFILE = load("mtcr")
ID = "7d2f0c5e9b1a48d3a6e0f4c8b2915d37"
REFERENCE = "MTCR/DN/FR/2026/0012"
NOTICE = "0f" * 32
OPENER, DENIER = "DE", "FR"

REQUEST: dict[str, Any] = {
    "step": "request",
    "consultation": ID,
    "exercise": True,
    "case_reference": "2026-118",
    "regime_reference": REFERENCE,
    "notice": NOTICE,
    "items": [
        {"control_entries": ["9.A.3"], "description": "Accelerometers\nof steel", "quantity": "4", "unit": "pieces"}
    ],
    "parties": [{"name": "Serra Azul Ltda.", "role": "end_user", "country": "BR"}],
    "destination_country": "BR",
    "stated_end_use": "Drilling",
    "why_not_identical": "Another scale factor.",
    "reply_by": "2026-03-01",
}
REPLY: dict[str, Any] = {
    "step": "reply",
    "consultation": ID,
    "exercise": True,
    "outcome": "not_identical",
    "text": "No objection of ours.",
}
ASK: dict[str, Any] = {
    "step": "extension_request",
    "consultation": ID,
    "exercise": True,
    "until": "2026-04-01",
    "reason": "The laboratory is slow.",
}
GRANT: dict[str, Any] = {
    "step": "extension_grant",
    "consultation": ID,
    "exercise": True,
    "until": "2026-04-01",
    "reason": "Agreed.",
}
CLOSE: dict[str, Any] = {
    "step": "close",
    "consultation": ID,
    "exercise": True,
    "outcome": "granted",
    "text": "Granted under conditions.",
}
STEPS: Mapping[str, dict[str, Any]] = {one["step"]: one for one in (REQUEST, REPLY, ASK, GRANT, CLOSE)}
UNDERCUT: dict[str, Any] = {
    "regime_reference": REFERENCE,
    "notice": NOTICE,
    "granting_government": OPENER,
    "case_reference": "2026-118",
    "items": REQUEST["items"],
    "destination_country": "BR",
    "reasons": "The end-use was verified.",
    "date_of_grant": "2026-03-20",
    "deadline": "2026-04-19",
    "exercise": True,
    "remarks": "None.",
}

MONDAY = date(2026, 3, 2)
"""The day of the request; no public holiday of France follows before Easter Monday, 6 April."""


def at(day: date | str, hour: int = 12) -> int:
    """An hour of a day in UTC, in seconds since the epoch."""
    day = date.fromisoformat(day) if isinstance(day, str) else day
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp())


def content(base: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy of a step with changes; what is set to None is left out."""
    changed = copy.deepcopy(dict(base)) | changes
    return {name: value for name, value in changed.items() if value is not None}


def sent(index: int, base: Mapping[str, Any], *, when: int | None, sender: str = "", **changes: Any) -> Sent:
    """A step as it was logged at ``index``, by whoever may take it unless a ``sender`` is named."""
    sender = sender or (DENIER if base["step"] in ("reply", "extension_grant") else OPENER)
    to = changes.pop("to", (OPENER if sender == DENIER else DENIER,))
    return Sent(index, sender, tuple(to), when, parse_consultation(content(base, **changes), PROFILE))
