"""Cases of invented parties, and what a test changes of them."""

from __future__ import annotations

import json
from typing import Any

from envoi_desk.screening.case import Case, parse_case

from .notices import PROFILE

PARTY = {"name": "Kamalia Ravi Works 1", "role": "end_user", "country": "PK"}


def case_content(**changes: Any) -> dict[str, Any]:
    """The content of a case; ``None`` leaves a field out."""
    found: dict[str, Any] = {
        "case": "2026-118",
        "status": "pending",
        "exercise": False,
        "destination_country": "PK",
        "stated_end_use": "Test of pumps",
        "items": [{"control_entries": ["9.A.3"], "description": "Accelerometers"}],
        "parties": [PARTY],
    }
    return {name: value for name, value in (found | changes).items() if value is not None}


def case(**changes: Any) -> Case:
    return parse_case(case_content(**changes), PROFILE)


def case_file(**changes: Any) -> bytes:
    return json.dumps(case_content(**changes), ensure_ascii=False).encode()
