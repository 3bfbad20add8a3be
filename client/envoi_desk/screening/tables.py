"""The tables of screening: cases as they were read, what each screening found, and what officers decided.

All of it is evidence, so rows are added and never changed or deleted; triggers see to the decisions. Times are seconds
since the epoch by this machine's clock.
"""

from __future__ import annotations

from typing import Final

from envoi_client.store.database import Step

TABLES: Final[Step] = (
    # A case that was read again and had changed is another row; the newest one holds.
    """CREATE TABLE desk_cases (
        key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, exercise INTEGER NOT NULL CHECK (exercise IN (0, 1)),
        status TEXT NOT NULL, decided_on TEXT, content TEXT NOT NULL, read_at INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX desk_cases_id ON desk_cases (id, key)",
    # head: the log index up to which the register had read. seq: what had become readable by then.
    """CREATE TABLE desk_screenings (
        run INTEGER PRIMARY KEY AUTOINCREMENT, case_key INTEGER NOT NULL REFERENCES desk_cases (key),
        number INTEGER NOT NULL, head INTEGER NOT NULL, seq INTEGER NOT NULL, as_of INTEGER, weights TEXT NOT NULL,
        screened_at INTEGER NOT NULL, result TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX desk_screenings_case ON desk_screenings (case_key, run)",
    # What a screening has shown, so that a later one can tell what is new.
    """CREATE TABLE desk_hits (
        run INTEGER NOT NULL REFERENCES desk_screenings (run), reference TEXT NOT NULL, idx INTEGER NOT NULL,
        fingerprint TEXT NOT NULL, PRIMARY KEY (run, reference)
    ) STRICT, WITHOUT ROWID""",
    # The columns repeat what the note says; the note is the evidence.
    """CREATE TABLE desk_dispositions (
        key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, case_id TEXT NOT NULL, reference TEXT NOT NULL,
        decided_at INTEGER NOT NULL, note BLOB NOT NULL
    ) STRICT""",
    "CREATE INDEX desk_dispositions_case ON desk_dispositions (case_id, reference)",
    """CREATE TRIGGER desk_dispositions_stay BEFORE DELETE ON desk_dispositions BEGIN
        SELECT RAISE(ABORT, 'a disposition is kept'); END""",
    """CREATE TRIGGER desk_dispositions_hold BEFORE UPDATE ON desk_dispositions BEGIN
        SELECT RAISE(ABORT, 'a disposition is kept as it is'); END""",
)
