"""The tables of the register: every version of every notice, what ended it, and what was refused.

``until`` is the log index of the next version under the same reference, ``superseded_at`` that of the notice that
replaced it; both only ever go from nothing to a number, and back when the log is read again from below them.
"""

from __future__ import annotations

from typing import Final

from envoi_client.store.database import Step

TABLES: Final[Step] = (
    """CREATE TABLE desk_versions (
        idx INTEGER PRIMARY KEY, id TEXT NOT NULL, author TEXT NOT NULL, reference TEXT NOT NULL, type TEXT NOT NULL,
        status TEXT NOT NULL, exercise INTEGER NOT NULL CHECK (exercise IN (0, 1)),
        catch_all INTEGER NOT NULL CHECK (catch_all IN (0, 1)), destination TEXT NOT NULL, decided_on TEXT NOT NULL,
        review_by TEXT, title TEXT NOT NULL, content TEXT NOT NULL, logged_at INTEGER,
        until INTEGER, superseded_at INTEGER
    ) STRICT""",
    "CREATE INDEX desk_versions_reference ON desk_versions (reference, idx)",
    "CREATE INDEX desk_versions_review ON desk_versions (author, review_by) WHERE until IS NULL",
    "CREATE INDEX desk_versions_time ON desk_versions (logged_at, idx)",
    "CREATE INDEX desk_versions_until ON desk_versions (until) WHERE until IS NOT NULL",
    "CREATE INDEX desk_versions_superseded ON desk_versions (superseded_at) WHERE superseded_at IS NOT NULL",
    """CREATE TABLE desk_entries (
        entry TEXT NOT NULL, idx INTEGER NOT NULL REFERENCES desk_versions (idx) ON DELETE CASCADE,
        PRIMARY KEY (entry, idx)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX desk_entries_idx ON desk_entries (idx)",
    # Of every party, as :func:`envoi_desk.register.identifiers.plain` makes them.
    """CREATE TABLE desk_identifiers (
        value TEXT NOT NULL, idx INTEGER NOT NULL REFERENCES desk_versions (idx) ON DELETE CASCADE,
        PRIMARY KEY (value, idx)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX desk_identifiers_idx ON desk_identifiers (idx)",
    """CREATE TABLE desk_refused (
        idx INTEGER PRIMARY KEY, id TEXT NOT NULL, author TEXT NOT NULL, type TEXT NOT NULL, reference TEXT NOT NULL,
        reason TEXT NOT NULL, message TEXT NOT NULL
    ) STRICT""",
)
