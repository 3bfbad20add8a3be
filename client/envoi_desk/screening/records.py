"""What screening keeps: cases, runs and dispositions, as rows. Nothing here decides anything.

Every method raises LocalError if the store fails. Rows are only ever added.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from envoi_client.store.database import Database
from envoi_keys.notes import Note
from envoi_keys.regimes import Profile

from .case import Case, CaseStatus, parse_case
from .dispositions import Disposition, Signed

_NEWEST: Final = "key = (SELECT max(key) FROM desk_cases AS other WHERE other.id = desk_cases.id)"
_RUN: Final = """SELECT run, number, head, seq, as_of, weights, screened_at, result
                 FROM desk_screenings JOIN desk_cases ON key = case_key WHERE id = ?"""


@dataclass(frozen=True, slots=True)
class KeptCase:
    """A case as it was read last, and the ``key`` of its row."""

    key: int
    case: Case


@dataclass(frozen=True, slots=True)
class Run:
    """One screening: its ``number`` among those of the case, from 1, and what it showed.

    ``head`` is the log index up to which the register had read, ``seq`` the last arrival by then, ``as_of`` the index
    that was asked for or None, ``screened_at`` in seconds since the epoch.
    """

    run: int
    number: int
    head: int
    seq: int
    as_of: int | None
    weights: str
    screened_at: int
    result: dict[str, Any]


class Records:
    """The rows of one home."""

    def __init__(self, database: Database, profile: Profile) -> None:
        self._database = database
        self._profile = profile

    # -- cases -----------------------------------------------------------------------------------------

    def put_case(self, case: Case, now: int) -> KeptCase:
        """Keep a case as it was read; the same again is no new row."""
        content = json.dumps(case.to_content(), ensure_ascii=False, separators=(",", ":"))
        row = self._database.one(
            "SELECT key, content FROM desk_cases WHERE id = ? ORDER BY key DESC LIMIT 1", (case.id,)
        )
        if row is not None and row[1] == content:
            return KeptCase(int(row[0]), case)
        decided_on = case.decided_on.isoformat() if case.decided_on else None
        key = self._database.insert(
            "INSERT INTO desk_cases (id, exercise, status, decided_on, content, read_at) VALUES (?, ?, ?, ?, ?, ?)",
            (case.id, int(case.exercise), case.status.value, decided_on, content, now),
        )
        return KeptCase(key, case)

    def case(self, id_: str) -> KeptCase | None:
        """The case with this reference as it was read last, or None."""
        row = self._database.one("SELECT key, content FROM desk_cases WHERE id = ? ORDER BY key DESC LIMIT 1", (id_,))
        return self._case(row) if row else None

    def open_cases(self, granted_since: date) -> Iterator[KeptCase]:
        """The cases to screen again, by reference: pending ones, and those granted on that day or later."""
        after = ""
        while True:
            row = self._database.one(
                f"""SELECT key, content, id FROM desk_cases WHERE id > ? AND {_NEWEST}
                    AND (status = ? OR (status = ? AND decided_on >= ?)) ORDER BY id LIMIT 1""",  # noqa: S608
                (after, CaseStatus.PENDING.value, CaseStatus.GRANTED.value, granted_since.isoformat()),
            )
            if row is None:
                return
            after = str(row[2])
            yield self._case(row)

    def _case(self, row: tuple[Any, ...]) -> KeptCase:
        return KeptCase(int(row[0]), parse_case(json.loads(row[1]), self._profile))

    # -- runs ------------------------------------------------------------------------------------------

    def next_number(self, id_: str) -> int:
        """The number of the next run of a case."""
        row = self._database.one(
            "SELECT coalesce(max(number), 0) + 1 FROM desk_screenings JOIN desk_cases ON key = case_key WHERE id = ?",
            (id_,),
        )
        assert row is not None  # an aggregate always has a row
        return int(row[0])

    def add_run(self, case_key: int, run: Run, hits: Iterable[tuple[str, int, str]]) -> None:
        """Keep a run, and of each hit its reference, the log index of its version and its fingerprint."""
        with self._database.transaction():
            key = self._database.insert(
                """INSERT INTO desk_screenings (case_key, number, head, seq, as_of, weights, screened_at, result)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
                (
                    *(case_key, run.number, run.head, run.seq, run.as_of, run.weights, run.screened_at),
                    json.dumps(run.result, ensure_ascii=False, separators=(",", ":")),
                ),
            )
            self._database.many("INSERT INTO desk_hits VALUES (?, ?, ?, ?)", [(key, *hit) for hit in hits])

    def run(self, id_: str, number: int | None = None) -> Run | None:
        """A run of a case, by default the last; None if there is none."""
        if number is None:
            row = self._database.one(f"{_RUN} ORDER BY run DESC LIMIT 1", (id_,))
        else:
            row = self._database.one(f"{_RUN} AND number = ?", (id_, number))
        return _run(row) if row else None

    def last_now(self, kept: KeptCase) -> Run | None:
        """The last run of a case as it was read last that asked what is on file now, and not what was."""
        row = self._database.one(
            f"{_RUN} AND key = ? AND as_of IS NULL ORDER BY run DESC LIMIT 1", (kept.case.id, kept.key)
        )
        return _run(row) if row else None

    def shown(self, id_: str) -> dict[str, tuple[int, str]]:
        """For each notice that runs about now have shown for a case, the index and fingerprint it had then, last."""
        rows = self._database.all(
            """SELECT reference, idx, fingerprint FROM desk_hits JOIN desk_screenings USING (run)
               JOIN desk_cases ON key = case_key WHERE id = ? AND as_of IS NULL ORDER BY run""",
            (id_,),
        )
        return {str(row[0]): (int(row[1]), str(row[2])) for row in rows}

    # -- dispositions ----------------------------------------------------------------------------------

    def add_disposition(self, signed: Signed) -> bool:
        """Keep a disposition; False if it was kept already."""
        found = signed.disposition
        changed = self._database.run(
            """INSERT INTO desk_dispositions (id, case_id, reference, decided_at, note) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT DO NOTHING""",
            (found.id, found.case, found.reference, found.decided_at, signed.note),
        )
        return changed == 1

    def dispositions(self, case_id: str, reference: str | None = None) -> list[Disposition]:
        """What was decided about a case, or about one notice for it, oldest first."""
        rows = self._database.all(
            """SELECT note FROM desk_dispositions WHERE case_id = ? AND (? IS NULL OR reference = ?)
               ORDER BY decided_at, key""",
            (case_id, reference, reference),
        )
        return [Disposition.parse(Note.parse(bytes(row[0])).text) for row in rows]

    def notes(self) -> Iterator[bytes]:
        """The note of every disposition, oldest first."""
        for (key,) in self._database.all("SELECT key FROM desk_dispositions ORDER BY decided_at, key"):
            row = self._database.one("SELECT note FROM desk_dispositions WHERE key = ?", (key,))
            assert row is not None  # nothing is ever deleted
            yield bytes(row[0])


def _run(row: tuple[Any, ...]) -> Run:
    run, number, head, seq, as_of, weights, screened_at, result = row
    return Run(run, number, head, seq, as_of, weights, screened_at, json.loads(result))
