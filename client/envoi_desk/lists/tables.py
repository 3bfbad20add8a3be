"""The tables of reference lists: which are loaded, and their entries. The names are in the index, under
``list:NAME``."""

from __future__ import annotations

from typing import Final

from envoi_client.store.database import Step

TABLES: Final[Step] = (
    """CREATE TABLE desk_lists (
        name TEXT PRIMARY KEY, format TEXT NOT NULL, loaded_at INTEGER NOT NULL, sha256 TEXT NOT NULL,
        entries INTEGER NOT NULL, names INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE desk_list_entries (
        key INTEGER PRIMARY KEY AUTOINCREMENT, list TEXT NOT NULL REFERENCES desk_lists (name),
        reference TEXT NOT NULL, schema TEXT NOT NULL, country TEXT NOT NULL, program TEXT NOT NULL, name TEXT NOT NULL,
        fingerprint TEXT NOT NULL, UNIQUE (list, reference)
    ) STRICT""",
)
