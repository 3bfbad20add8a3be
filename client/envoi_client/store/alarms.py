"""What may be somebody cheating, with the signed bytes that show it; kept until a person has looked.

The same finding again is one alarm, so that a sync every minute does not bury the first. Of one kind so many are kept
while nobody looks; what comes after them is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..limits import MAX_OPEN_ALARMS
from .database import Database, Row

_ALARM: Final = "SELECT key, kind, detail, at, acknowledged_at, more FROM alarms"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One finding. ``kind`` is a stable slug, ``detail`` a sentence; times are seconds since the epoch.

    ``more`` findings of the kind came after it, when there was no room for them any more, and were counted here.
    """

    key: int
    kind: str
    detail: str
    at: int
    acknowledged_at: int | None
    more: int = 0

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}" + (f"; and {self.more} more of this kind" if self.more else "")


class Alarms:
    """Findings and their evidence."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, kind: str, detail: str, evidence: tuple[bytes, ...], at: int) -> bool:
        """Keep a finding, or count it if so many of its kind are open; False if the same one is held already."""
        with self._database.transaction():
            if self._database.one("SELECT 1 FROM alarms WHERE kind = ? AND detail = ?", (kind, detail)):
                return False
            count, last = self._open(kind)
            if count >= MAX_OPEN_ALARMS:
                # A hostile relay makes as many as it likes. The first ones say what is wrong.
                self._database.run("UPDATE alarms SET more = more + 1 WHERE key = ?", (last,))
                return True
            key = self._database.insert("INSERT INTO alarms (kind, detail, at) VALUES (?, ?, ?)", (kind, detail, at))
            self._database.many(
                "INSERT INTO alarm_evidence (alarm, position, evidence) VALUES (?, ?, ?)",
                [(key, position, part) for position, part in enumerate(evidence)],
            )
        return True

    def _open(self, kind: str) -> tuple[int, int]:
        """How many of a kind nobody has acknowledged, and the key of the last of them; 0 without one."""
        sql = "SELECT count(*), coalesce(max(key), 0) FROM alarms WHERE kind = ? AND acknowledged_at IS NULL"
        row = self._database.one(sql, (kind,))
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def listing(self, *, open_only: bool = False) -> list[Alarm]:
        """The findings, oldest first; only those that nobody has acknowledged, if so asked."""
        rows = self._database.all(f"{_ALARM} WHERE NOT ? OR acknowledged_at IS NULL ORDER BY key", (open_only,))
        return [_alarm(row) for row in rows]

    def evidence(self, key: int) -> tuple[bytes, ...]:
        """The signed bytes behind one finding."""
        sql = "SELECT evidence FROM alarm_evidence WHERE alarm = ? ORDER BY position"
        return tuple(bytes(row[0]) for row in self._database.all(sql, (key,)))

    def acknowledge(self, key: int, at: int) -> None:
        """A person has looked at it."""
        sql = "UPDATE alarms SET acknowledged_at = coalesce(acknowledged_at, ?) WHERE key = ?"
        self._database.run(sql, (at, key))


def _alarm(row: Row) -> Alarm:
    return Alarm(*row)
