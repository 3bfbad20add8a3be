"""A sound aggregate denial to spoil."""

from __future__ import annotations

import copy
from typing import Any

from .denials import Change

AGGREGATE: dict[str, Any] = {
    "regime_reference": "MTCR/DN/FR/2026/0900",
    "notifying_government": "FR",
    "period": {"from": "2026-01-01", "to": "2026-06-30"},
    "destination_country": "IR",
    "control_entries": ["9.A.3", "9.A.6"],
    "count": 4,
    "status": "valid",
    "releasability": "MTCR Partners only",
    "exercise": True,
    "remarks": "None of them\nwas appealed.",
}


def spoilt_aggregate(change: Change) -> dict[str, Any]:
    """The sound aggregate with a change."""
    content = copy.deepcopy(AGGREGATE)
    change(content)
    return content
