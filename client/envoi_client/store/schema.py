"""The tables of the local store, as numbered steps that only ever go forward.

A step that has been released is never edited: a change is a new step at the end. Every table keeps bytes as
they were received beside what was concluded from them. Times are seconds since the epoch, by this machine's
clock.
"""

from __future__ import annotations

from typing import Final

from .database import Step

_FIRST: Final[Step] = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
    # The log as every member holds it: what kind of statement stands where, and the hash of its note.
    "CREATE TABLE log_entries (idx INTEGER PRIMARY KEY, type TEXT NOT NULL, digest TEXT NOT NULL) STRICT",
    "CREATE INDEX log_entries_type ON log_entries (type, idx)",
    # Every signed head anybody showed us: two that contradict each other are the evidence of a fork.
    """CREATE TABLE checkpoints (
        size INTEGER NOT NULL, root BLOB NOT NULL, source TEXT NOT NULL, note BLOB NOT NULL,
        verified INTEGER NOT NULL CHECK (verified IN (0, 1)), seen_at INTEGER NOT NULL,
        PRIMARY KEY (size, root, source)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE rosters (
        version INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, idx INTEGER UNIQUE, note BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE delegations (
        idx INTEGER PRIMARY KEY, authority TEXT NOT NULL, name TEXT NOT NULL, note BLOB NOT NULL
    ) STRICT""",
    # Neither the id nor the number is unique here: a relay that logs one twice is kept as evidence, not
    # hidden.
    """CREATE TABLE dispatches (
        idx INTEGER PRIMARY KEY, id TEXT NOT NULL, sender TEXT NOT NULL, series INTEGER NOT NULL, number
        INTEGER, verdict TEXT NOT NULL CHECK (verdict IN ('ok', 'refused', 'unopened')), reason TEXT NOT
        NULL, body TEXT, received_at INTEGER NOT NULL, read_at INTEGER, note BLOB NOT NULL, opening BLOB NOT
        NULL, sealed BLOB NOT NULL
    ) STRICT""",
    "CREATE INDEX dispatches_id ON dispatches (id)",
    "CREATE INDEX dispatches_number ON dispatches (sender, series, number)",
    "CREATE INDEX dispatches_verdict ON dispatches (verdict, idx)",
    "CREATE INDEX dispatches_unread ON dispatches (idx) WHERE read_at IS NULL",
    """CREATE TABLE sent (
        key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE,
        state TEXT NOT NULL CHECK (state IN ('draft', 'signed', 'accepted', 'refused')), reason TEXT NOT NULL,
        series INTEGER, idx INTEGER, created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL,
        draft BLOB NOT NULL, note BLOB, submission BLOB, proof BLOB,
        CHECK (state NOT IN ('signed', 'accepted') OR (id IS NOT NULL AND note IS NOT NULL)),
        CHECK (state <> 'signed' OR submission IS NOT NULL)
    ) STRICT""",
    "CREATE INDEX sent_state ON sent (state, key)",
    """CREATE TABLE sent_numbers (
        key INTEGER NOT NULL REFERENCES sent (key) ON DELETE CASCADE, recipient TEXT NOT NULL,
        number INTEGER NOT NULL, PRIMARY KEY (key, recipient)
    ) STRICT, WITHOUT ROWID""",
    # Both gap-free sequences with each peer, and the transcript's hash after each number (PROTOCOL,
    # receipts).
    """CREATE TABLE numbers (
        direction TEXT NOT NULL CHECK (direction IN ('sent', 'received')), peer TEXT NOT NULL,
        series INTEGER NOT NULL, number INTEGER NOT NULL, id TEXT NOT NULL, transcript BLOB NOT NULL,
        PRIMARY KEY (direction, peer, series, number)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE receipts (
        sender TEXT NOT NULL, recipient TEXT NOT NULL, id TEXT NOT NULL, issued_at INTEGER NOT NULL,
        note BLOB NOT NULL, PRIMARY KEY (sender, recipient)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE blobs (
        sha256 TEXT PRIMARY KEY, size INTEGER NOT NULL, path TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('wanted', 'whole', 'outgoing', 'uploaded'))
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE alarms (
        key INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, detail TEXT NOT NULL, at INTEGER NOT NULL,
        acknowledged_at INTEGER, UNIQUE (kind, detail)
    ) STRICT""",
    """CREATE TABLE alarm_evidence (
        alarm INTEGER NOT NULL REFERENCES alarms (key) ON DELETE CASCADE, position INTEGER NOT NULL,
        evidence BLOB NOT NULL, PRIMARY KEY (alarm, position)
    ) STRICT, WITHOUT ROWID""",
)

# Findings of a kind that were counted and not kept, at the last one that was.
_COUNTED_ALARMS: Final[Step] = ("ALTER TABLE alarms ADD COLUMN more INTEGER NOT NULL DEFAULT 0",)

# What became readable, in the order in which it did: a dispatch that was opened, or one of our own that was logged.
# Whoever concludes something from dispatches reads on from where it was, also when an old one comes late.
_ARRIVALS: Final[Step] = (
    """CREATE TABLE arrivals (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, idx INTEGER NOT NULL, own INTEGER NOT NULL CHECK (own IN (0, 1))
    ) STRICT""",
    "INSERT INTO arrivals (idx, own) SELECT idx, 0 FROM dispatches WHERE verdict = 'ok' ORDER BY idx",
    "INSERT INTO arrivals (idx, own) SELECT idx, 1 FROM sent WHERE state = 'accepted' ORDER BY idx",
    """CREATE TRIGGER received_arrives AFTER INSERT ON dispatches WHEN new.verdict = 'ok' BEGIN
        INSERT INTO arrivals (idx, own) VALUES (new.idx, 0); END""",
    """CREATE TRIGGER opened_arrives AFTER UPDATE OF verdict ON dispatches
        WHEN new.verdict = 'ok' AND old.verdict <> 'ok' BEGIN
        INSERT INTO arrivals (idx, own) VALUES (new.idx, 0); END""",
    """CREATE TRIGGER recovered_arrives AFTER INSERT ON sent WHEN new.state = 'accepted' BEGIN
        INSERT INTO arrivals (idx, own) VALUES (new.idx, 1); END""",
    """CREATE TRIGGER logged_arrives AFTER UPDATE OF state ON sent
        WHEN new.state = 'accepted' AND old.state <> 'accepted' BEGIN
        INSERT INTO arrivals (idx, own) VALUES (new.idx, 1); END""",
    "CREATE INDEX sent_logged ON sent (idx) WHERE state = 'accepted'",
)

STEPS: Final[tuple[Step, ...]] = (_FIRST, _COUNTED_ALARMS, _ARRIVALS)
"""Step n makes schema n+1 out of schema n; ``PRAGMA user_version`` counts those taken."""
