"""The table of the guided form: drafts, encrypted at rest as everything of a home is, one of each kind at a time."""

from __future__ import annotations

from typing import Final

from envoi_client.store.database import Step

TABLES: Final[Step] = (
    "CREATE TABLE desk_drafts (type TEXT PRIMARY KEY, answers TEXT NOT NULL, changed_at INTEGER NOT NULL) STRICT",
)
