"""The two gap-free sequences with each peer, what we sent it and what it sent us, with the transcript's hash.

A link is added only as the next of its sequence. Numbers of dispatches that are signed and not yet accepted
are taken, though not yet in the sequence: :meth:`Numbers.next_to_sign` counts them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from envoi_keys.receipts import EMPTY_TRANSCRIPT, extend_transcript

from .database import Database

Direction = Literal["sent", "received"]


@dataclass(frozen=True, slots=True)
class Link:
    """The end of a sequence: the last number, the id of its dispatch, and the transcript's hash after it."""

    number: int
    id: str
    transcript: bytes

    def then(self, dispatch_id: str) -> Link:
        """The link of the next dispatch."""
        return Link(self.number + 1, dispatch_id, bytes.fromhex(extend_transcript(self.transcript.hex(), dispatch_id)))


START: Final = Link(0, "", bytes.fromhex(EMPTY_TRANSCRIPT))
"""The end of a sequence that has no dispatch yet."""


class Numbers:
    """Sequences by direction, peer and series."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self, direction: Direction, peer: str, series: int) -> Link:
        """The end of a sequence; number 0 and 32 zero bytes before its first dispatch."""
        row = self._database.one(
            """SELECT number, id, transcript FROM numbers WHERE direction = ? AND peer = ? AND series = ?
               ORDER BY number DESC LIMIT 1""",
            (direction, peer, series),
        )
        return Link(int(row[0]), str(row[1]), bytes(row[2])) if row else START

    def at(self, direction: Direction, peer: str, series: int, number: int) -> Link | None:
        """One link of a sequence, or None; number 0 is the empty start."""
        if number == 0:
            return START
        row = self._database.one(
            """SELECT id, transcript FROM numbers
               WHERE direction = ? AND peer = ? AND series = ? AND number = ?""",
            (direction, peer, series, number),
        )
        return Link(number, str(row[0]), bytes(row[1])) if row else None

    def append(self, direction: Direction, peer: str, series: int, link: Link) -> None:
        """Add the next link of a sequence. Another number than the next is a ValueError."""
        # One statement, and not a look before it: a member that was away for a year adds thousands.
        added = self._database.run(
            """INSERT INTO numbers (direction, peer, series, number, id, transcript)
               SELECT :direction, :peer, :series, :number, :id, :transcript WHERE :number = 1 + (
                   SELECT coalesce(max(number), 0) FROM numbers
                   WHERE direction = :direction AND peer = :peer AND series = :series
               )""",
            {
                "direction": direction,
                "peer": peer,
                "series": series,
                "number": link.number,
                "id": link.id,
                "transcript": link.transcript,
            },
        )
        if added != 1:
            raise ValueError("a sequence has no gaps and no repetitions")

    def next_to_sign(self, recipient: str, series: int) -> int:
        """The number for the next dispatch to ``recipient``: after the accepted ones and the signed ones."""
        row = self._database.one(
            """SELECT max(number) FROM sent_numbers JOIN sent USING (key)
               WHERE recipient = ? AND series = ? AND state = 'signed'""",
            (recipient, series),
        )
        waiting = int(row[0]) if row and row[0] is not None else 0
        return max(self.last("sent", recipient, series).number, waiting) + 1

    def peers(self, direction: Direction) -> dict[tuple[str, int], Link]:
        """The end of every sequence of one direction, by peer and series."""
        rows = self._database.all(
            """SELECT peer, series, max(number), id, transcript FROM numbers WHERE direction = ?
               GROUP BY peer, series ORDER BY peer, series""",
            (direction,),
        )
        return {(str(row[0]), int(row[1])): Link(int(row[2]), str(row[3]), bytes(row[4])) for row in rows}
