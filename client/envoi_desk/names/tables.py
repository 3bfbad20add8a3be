"""The tables of the name index.

A name keeps the keys under which it was filed, so that it is taken out exactly, whatever the rules have become since.
New entries go to a small table first and are moved into the large one in bulk: keys are spread evenly, so that each
entry would dirty a page of its own.
"""

from __future__ import annotations

from typing import Final

from envoi_client.store.database import Step

TABLES: Final[Step] = (
    (
        "CREATE TABLE desk_names (id INTEGER PRIMARY KEY, source INTEGER NOT NULL, owner INTEGER NOT NULL,"
        " party INTEGER NOT NULL, position INTEGER NOT NULL, text TEXT NOT NULL, schema TEXT NOT NULL,"
        " country TEXT NOT NULL, keys BLOB NOT NULL) STRICT"
    ),
    "CREATE INDEX desk_names_owner ON desk_names (source, owner)",
    "CREATE TABLE desk_name_sources (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    # No foreign keys from here on: an entry goes with its name, in the same transaction.
    (
        "CREATE TABLE desk_name_keys (key INTEGER NOT NULL, name INTEGER NOT NULL, PRIMARY KEY (key, name))"
        " STRICT, WITHOUT ROWID"
    ),
    (
        "CREATE TABLE desk_name_new_keys (key INTEGER NOT NULL, name INTEGER NOT NULL, PRIMARY KEY (key, name))"
        " STRICT, WITHOUT ROWID"
    ),
    "CREATE TABLE desk_name_words (word TEXT PRIMARY KEY, names INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    (
        "CREATE TABLE desk_name_state (one INTEGER PRIMARY KEY CHECK (one = 1), rules INTEGER NOT NULL,"
        " names INTEGER NOT NULL, next INTEGER NOT NULL, new_keys INTEGER NOT NULL, changes INTEGER NOT NULL) STRICT"
    ),
    "INSERT INTO desk_name_state VALUES (1, 0, 0, 1, 0, 0)",
)
