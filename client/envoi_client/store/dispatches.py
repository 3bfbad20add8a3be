"""The inbox: each dispatch as it was received, the verdict on it, and what it says.

A row gives way to another one for its index only if it was refused; otherwise only its verdict may change,
when a key or a file key comes later. The sealed bytes are read apart from the rest, so that listing an inbox
does not load them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from .database import Database, Row

Verdict = Literal["ok", "refused", "unopened"]

_COLUMNS: Final = "idx, id, sender, series, number, verdict, reason, body, received_at, read_at"
_BYTES: Final = "note, opening, sealed"
_ENTRY: Final = f"SELECT {_COLUMNS} FROM dispatches"  # noqa: S608 - constants only
# Whether a person has read it is the person's to say: a better answer of the relay leaves it.
_PUT: Final = f"""
    INSERT INTO dispatches ({_COLUMNS}, {_BYTES}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (idx) DO UPDATE SET
        (id, sender, series, number, verdict, reason, body, received_at, {_BYTES}) =
        (excluded.id, excluded.sender, excluded.series, excluded.number, excluded.verdict, excluded.reason,
         excluded.body, excluded.received_at, excluded.note, excluded.opening, excluded.sealed)
    WHERE dispatches.verdict = 'refused'
"""  # noqa: S608 - constants only
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """What is known of one received dispatch.

    ``id`` is the statement's; ``number`` is None if its opening did not hold. ``reason`` says why the
    verdict is not ``ok``. ``body`` is the JSON text that was opened. Times are seconds since the epoch, by
    this machine's clock.
    """

    index: int
    id: str
    sender: str
    series: int
    number: int | None
    verdict: Verdict
    reason: str
    body: str | None
    received_at: int
    read_at: int | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """The bytes of one dispatch as the relay sent them."""

    note: bytes
    opening: bytes
    sealed: bytes


class Dispatches:
    """The received dispatches."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, entry: InboxEntry, received: Received) -> bool:
        """Keep a dispatch; False, and nothing changes, if its index holds one that was not refused."""
        head = (entry.index, entry.id, entry.sender, entry.series, entry.number, entry.verdict, entry.reason)
        tail = (
            entry.body,
            entry.received_at,
            entry.read_at,
            received.note,
            received.opening,
            received.sealed,
        )
        changed = self._database.run(_PUT, head + tail)
        return changed == 1

    def at(self, index: int) -> InboxEntry | None:
        """The dispatch at one index of the log, or None."""
        row = self._database.one(f"{_ENTRY} WHERE idx = ?", (index,))
        return _entry(row) if row else None

    def find(self, prefix: str) -> list[InboxEntry]:
        """The dispatches whose id begins with ``prefix``, which is hexadecimal, at most ten of them."""
        rows = self._database.all(
            f"{_ENTRY} WHERE substr(id, 1, ?) = ? ORDER BY idx LIMIT 10", (len(prefix), prefix.lower())
        )
        return [_entry(row) for row in rows]

    def numbered(self, sender: str, series: int, number: int) -> list[InboxEntry]:
        """The dispatches with this number of this sender; more than one convicts somebody."""
        sql = f"{_ENTRY} WHERE sender = ? AND series = ? AND number = ? ORDER BY idx"
        return [_entry(row) for row in self._database.all(sql, (sender, series, number))]

    def received(self, index: int) -> Received | None:
        """The bytes of the dispatch at one index, or None."""
        row = self._database.one("SELECT note, opening, sealed FROM dispatches WHERE idx = ?", (index,))
        return Received(bytes(row[0]), bytes(row[1]), bytes(row[2])) if row else None

    def listing(
        self, *, unread: bool = False, sender: str | None = None, verdict: Verdict | None = None
    ) -> Iterator[InboxEntry]:
        """The dispatches in the order of the log, with their bodies, a page at a time."""
        after = -1
        while True:
            rows = self._database.all(
                f"""{_ENTRY} WHERE idx > :after AND (:sender IS NULL OR sender = :sender)
                    AND (:verdict IS NULL OR verdict = :verdict) AND (NOT :unread OR read_at IS NULL)
                    ORDER BY idx LIMIT {_PAGE}""",
                {"after": after, "sender": sender, "verdict": verdict, "unread": unread},
            )
            yield from map(_entry, rows)
            if len(rows) < _PAGE:
                return
            after = int(rows[-1][0])

    def count(self, *, unread: bool = False) -> int:
        """How many dispatches are held, or how many of them nobody has read."""
        row = self._database.one("SELECT count(*) FROM dispatches WHERE NOT ? OR read_at IS NULL", (unread,))
        return int(row[0]) if row else 0

    def mark_read(self, index: int, at: int) -> None:
        """Somebody has read it; the first time counts."""
        self._database.run("UPDATE dispatches SET read_at = coalesce(read_at, ?) WHERE idx = ?", (at, index))

    def last_index(self, sender: str) -> int:
        """The index of the last dispatch of this sender that was not refused; -1 without one."""
        row = self._database.one(
            "SELECT coalesce(max(idx), -1) FROM dispatches WHERE sender = ? AND verdict <> 'refused'",
            (sender,),
        )
        return int(row[0]) if row else -1

    def newest_index(self) -> int:
        """The largest index of a dispatch that is held; -1 without one."""
        row = self._database.one("SELECT coalesce(max(idx), -1) FROM dispatches")
        return int(row[0]) if row else -1

    def not_opened(self, sender: str, series: int) -> list[int]:
        """The numbers of this sender that were received and not opened, in order: for the receipt."""
        rows = self._database.all(
            """SELECT DISTINCT number FROM dispatches WHERE sender = ? AND series = ? AND verdict = 'unopened'
               AND number IS NOT NULL ORDER BY number""",
            (sender, series),
        )
        return [int(row[0]) for row in rows]


def _entry(row: Row) -> InboxEntry:
    index, dispatch_id, sender, series, number, verdict, reason, body, received_at, read_at = row
    return InboxEntry(index, dispatch_id, sender, series, number, verdict, reason, body, received_at, read_at)
