"""What this member can read, in the order of the log: dispatches that were opened, and its own that were logged.

Whoever concludes something from them keeps how far it has read (:meth:`Arrivals.since`), and reads again from an
index (:meth:`Arrivals.readable`) when something came late below it. Both cost what is new, not what is held.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from .database import Database

_PAGE: Final = 500
_READABLE: Final = f"""
    SELECT idx, id, 0, note, body FROM dispatches WHERE verdict = 'ok' AND idx >= :start
    UNION ALL
    SELECT idx, id, 1, note, draft FROM sent INDEXED BY sent_logged WHERE state = 'accepted' AND idx >= :start
    ORDER BY 1 LIMIT {_PAGE}
"""  # noqa: S608 - constants only


class News(NamedTuple):
    """``seq`` of the last thing that became readable, and the ``lowest`` log index among those after the one asked."""

    seq: int
    lowest: int | None


@dataclass(frozen=True, slots=True)
class Readable:
    """One dispatch that can be read.

    ``note`` is the signed header; ``body`` the JSON text that was opened, or for an own dispatch the draft it was made
    from, empty if this store did not make it (:meth:`Outbox.recover`).
    """

    index: int
    id: str
    own: bool
    note: bytes
    body: bytes


class Arrivals:
    """The dispatches that can be read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, seq: int) -> News:
        """What became readable after ``seq``; 0 asks for everything."""
        row = self._database.one(
            "SELECT coalesce(max(seq), ?), min(idx) FROM arrivals WHERE seq > ?",
            (seq, seq),
        )
        assert row is not None  # an aggregate always has a row
        return News(int(row[0]), None if row[1] is None else int(row[1]))

    def readable(self, start: int) -> Iterator[Readable]:
        """Every dispatch that can be read from the log index ``start`` on, in the order of the log, a page at a time.

        The table may grow meanwhile: what is logged later comes last.
        """
        while True:
            rows = self._database.all(
                _READABLE,
                {"start": start},
            )
            for index, id_, own, note, body in rows:
                text = body.encode() if isinstance(body, str) else bytes(body or b"")
                yield Readable(int(index), str(id_), bool(own), bytes(note), text)
            if len(rows) < _PAGE:
                return
            start = int(rows[-1][0]) + 1
