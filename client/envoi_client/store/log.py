"""The log as this member holds it: every entry, every signed head it was shown, and what it has verified.

The view's three parts are written together, so the frontier never runs ahead of the entries behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ..log_view import LogView, Seen
from .database import Database, Row

_PAGE: Final = 1000
_SEEN: Final = "SELECT size, root, note, source FROM checkpoints"


class Log:
    """Entries, heads, the verified view, the feed's cursor, and small named values."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def value(self, name: str) -> bytes | None:
        """A small value kept under a name, or None."""
        row = self._database.one("SELECT value FROM meta WHERE name = ?", (name,))
        return bytes(row[0]) if row else None

    def set_value(self, name: str, value: bytes) -> None:
        """Keep a small value under a name."""
        self._database.run("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, value))

    @property
    def cursor(self) -> int:
        """The ``after`` of the next call to the feed; -1 before the first."""
        return int((self.value("cursor") or b"-1").decode())

    @cursor.setter
    def cursor(self, index: int) -> None:
        self.set_value("cursor", str(index).encode())

    def view(self) -> LogView:
        """What was verified up to now; the empty view before anything was."""
        size, frontier, checkpoint = (self.value(name) for name in ("size", "frontier", "checkpoint"))
        if size is None or frontier is None or checkpoint is None:
            return LogView.empty()
        return LogView(int(size.decode()), frontier, checkpoint)

    def set_view(self, view: LogView) -> None:
        """Replace what was verified."""
        with self._database.transaction():
            self.set_value("size", str(view.size).encode())
            self.set_value("frontier", view.frontier)
            self.set_value("checkpoint", view.checkpoint)

    def append(self, first: int, entries: Sequence[tuple[str, str]]) -> None:
        """Add entries, each a type and a hexadecimal digest, from ``first`` on, which is the next index."""
        if first != self.count():
            raise ValueError("log entries are appended in order")
        self._database.many(
            "INSERT INTO log_entries (idx, type, digest) VALUES (?, ?, ?)",
            [(first + offset, kind, digest) for offset, (kind, digest) in enumerate(entries)],
        )

    def count(self) -> int:
        """How many entries are held, from the first on."""
        row = self._database.one("SELECT coalesce(max(idx) + 1, 0) FROM log_entries")
        return int(row[0]) if row else 0

    def entry(self, index: int) -> tuple[str, str] | None:
        """Type and digest of one entry, or None."""
        row = self._database.one("SELECT type, digest FROM log_entries WHERE idx = ?", (index,))
        return (str(row[0]), str(row[1])) if row else None

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[tuple[str, str]]:
        """Type and digest of each entry from ``start`` up to, not including, ``end``."""
        last = self.count() if end is None else end
        for page in range(start, last, _PAGE):
            yield from self._database.all(
                "SELECT type, digest FROM log_entries WHERE idx >= ? AND idx < ? ORDER BY idx",
                (page, min(page + _PAGE, last)),
            )

    def indexes_of(self, statement_type: str) -> list[int]:
        """The indexes of all entries of one type, in order."""
        sql = "SELECT idx FROM log_entries WHERE type = ? ORDER BY idx"
        return [int(row[0]) for row in self._database.all(sql, (statement_type,))]

    def note_seen(self, seen: Seen, *, verified: bool, at: int) -> None:
        """Keep a signed head that somebody showed; ``verified`` once it lies on the history we hold."""
        self._database.run(
            """INSERT INTO checkpoints (size, root, source, note, verified, seen_at) VALUES (?, ?, ?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET verified = max(verified, excluded.verified)""",
            (seen.size, seen.root, seen.source, seen.note, int(verified), at),
        )

    def unverified_seen(self, up_to: int) -> list[Seen]:
        """Heads of at most ``up_to`` entries not yet found on the history we hold, smallest first."""
        rows = self._database.all(f"{_SEEN} WHERE verified = 0 AND size <= ? ORDER BY size", (up_to,))
        return [_seen(row) for row in rows]

    def mark_verified(self, seen: Sequence[Seen]) -> None:
        """These heads lie on the history we hold."""
        self._database.many(
            "UPDATE checkpoints SET verified = 1 WHERE size = ? AND root = ? AND source = ?",
            [(one.size, one.root, one.source) for one in seen],
        )

    def all_seen(self) -> list[Seen]:
        """Every head that anybody showed us, smallest first."""
        return [_seen(row) for row in self._database.all(f"{_SEEN} ORDER BY size")]

    def first_covering(self, index: int) -> list[Seen]:
        """The smallest heads that anybody showed us over the entry at ``index``, all of one size."""
        rows = self._database.all(
            f"{_SEEN} WHERE size = (SELECT min(size) FROM checkpoints WHERE size > ?)",  # noqa: S608 - constants only
            (index,),
        )
        return [_seen(row) for row in rows]

    @property
    def last_sync(self) -> int | None:
        """When a sync last came to its end, by this machine's clock."""
        found = self.value("last-sync")
        return int(found) if found else None

    @last_sync.setter
    def last_sync(self, at: int) -> None:
        self.set_value("last-sync", b"%d" % at)

    def largest_seen(self) -> Seen | None:
        """The largest head that anybody showed us, verified or not."""
        row = self._database.one(f"{_SEEN} ORDER BY size DESC LIMIT 1")
        return _seen(row) if row else None


def _seen(row: Row) -> Seen:
    return Seen(int(row[0]), bytes(row[1]), bytes(row[2]), str(row[3]))
