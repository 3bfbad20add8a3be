"""Notices to put into a register: valid ones of invented parties, with what a test changes."""

from __future__ import annotations

from typing import Any

from envoi_client.documents import DenialNotice, parse_denial
from envoi_keys import regimes

PROFILE = regimes.load("mtcr")


def reference(number: int, state: str = "FR", year: int = 2026) -> str:
    return f"MTCR/DN/{state}/{year}/{number:04}"


def content(number: int = 1, state: str = "FR", **changes: Any) -> dict[str, Any]:
    """The content of a notice; ``None`` leaves a field out."""
    found: dict[str, Any] = {
        "regime_reference": reference(number, state),
        "notifying_government": state,
        "competent_authority": {"name": "Bureau des exercices", "contact": "desk@exercise.example"},
        "kind": "refusal",
        "transaction_type": "export",
        "date_of_denial": "2026-03-02",
        "date_of_notification": "2026-03-09",
        "control_entries": ["9.A.3"],
        "annex_category": "II",
        "item_description": "Linear accelerometers.",
        "destination_country": "PK",
        "reason_for_refusal": {"code": "withheld"},
        "review_by": "2029-03-01",
        "status": "valid",
        "releasability": "MTCR Partners only",
        "exercise": False,
        "parties": [{"name": f"Kamalia Ravi Works {number}", "role": "end_user", "country": "PK"}],
    }
    return {name: value for name, value in (found | changes).items() if value is not None}


def notice(number: int = 1, state: str = "FR", **changes: Any) -> DenialNotice:
    return parse_denial(content(number, state, **changes), PROFILE)
