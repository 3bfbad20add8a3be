"""The outbox: what this member sends, from the draft to the relay's proof.

draft -> signed -> accepted | refused, and refused -> draft again, or accepted after all if the log turns out to have
it. The bytes of a submission are in the store before they are sent, so a retry after a crash sends the same bytes and
cannot become a second dispatch. A refused one gives its numbers back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from .database import Database, Row

State = Literal["draft", "signed", "accepted", "refused"]

_ENTRY: Final = "SELECT key, id, state, reason, series, idx, created_at, changed_at, draft, note FROM sent"


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One dispatch of our own. ``key`` is local; ``id`` and ``note`` are None in a draft.

    ``draft`` is what the caller wanted to send, in the caller's own form; ``numbers`` are those of the
    recipients; ``index`` is the place in the log. Times are seconds since the epoch, by this machine's clock.
    """

    key: int
    id: str | None
    state: State
    reason: str
    series: int | None
    index: int | None
    created_at: int
    changed_at: int
    draft: bytes
    note: bytes | None
    numbers: Mapping[str, int]


class Outbox:
    """Our own dispatches. A change of state that the rules above do not allow is a ValueError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_draft(self, draft: bytes, at: int) -> int:
        """Keep a draft; its local key."""
        return self._database.insert(
            "INSERT INTO sent (state, reason, created_at, changed_at, draft) VALUES ('draft', '', ?, ?, ?)",
            (at, at, draft),
        )

    def discard(self, key: int) -> None:
        """Forget a draft."""
        self._changed(self._database.run("DELETE FROM sent WHERE key = ? AND state = 'draft'", (key,)))

    def sign(
        self,
        key: int,
        *,
        id: str,  # noqa: A002 - it is the statement's id, as in every record
        note: bytes,
        submission: bytes,
        series: int,
        numbers: Mapping[str, int],
        at: int,
    ) -> None:
        """A draft became a signed submission. Send it only when the transaction around it has ended."""
        with self._database.transaction():
            self._changed(
                self._database.run(
                    """UPDATE sent SET state = 'signed', reason = '', id = ?, note = ?, submission = ?,
                       series = ?, changed_at = ? WHERE key = ? AND state = 'draft'""",
                    (id, note, submission, series, at, key),
                )
            )
            self._set_numbers(key, numbers)

    def accept(self, key: int, *, index: int, proof: bytes, at: int) -> None:
        """The relay has logged it at ``index`` and proved it; though it may have refused it before."""
        self._changed(
            self._database.run(
                """UPDATE sent SET state = 'accepted', reason = '', idx = ?, proof = ?, changed_at = ?
                   WHERE key = ? AND state IN ('signed', 'refused') AND id IS NOT NULL""",
                (index, proof, at, key),
            )
        )

    def refuse(self, key: int, *, reason: str, at: int) -> None:
        """The relay refused it for good; its numbers are free again."""
        self._changed(
            self._database.run(
                """UPDATE sent SET state = 'refused', reason = ?, changed_at = ?
                   WHERE key = ? AND state = 'signed'""",
                (reason, at, key),
            )
        )

    def reopen(self, key: int, at: int) -> None:
        """Make a refused dispatch a draft again, to be signed anew under new numbers."""
        with self._database.transaction():
            self._changed(
                self._database.run(
                    """UPDATE sent SET state = 'draft', id = NULL, note = NULL, submission = NULL,
                       series = NULL, changed_at = ? WHERE key = ? AND state = 'refused'""",
                    (at, key),
                )
            )
            self._set_numbers(key, {})

    def recover(
        self,
        *,
        id: str,  # noqa: A002 - as above
        note: bytes,
        series: int,
        numbers: Mapping[str, int],
        index: int,
        at: int,
    ) -> int:
        """A dispatch of our own that the log holds and this store did not; its local key. After a restore."""
        with self._database.transaction():
            key = self._database.insert(
                """INSERT INTO sent (id, state, reason, series, idx, created_at, changed_at, draft, note)
                   VALUES (?, 'accepted', 'recovered', ?, ?, ?, ?, x'', ?)""",
                (id, series, index, at, at, note),
            )
            self._set_numbers(key, numbers)
        return key

    def get(self, key: int) -> OutboxEntry | None:
        """One dispatch by its local key, or None."""
        row = self._database.one(f"{_ENTRY} WHERE key = ?", (key,))
        return self._entry(row) if row else None

    def find(self, prefix: str) -> list[OutboxEntry]:
        """The dispatches whose id begins with ``prefix``, which is hexadecimal, at most ten of them."""
        rows = self._database.all(
            f"{_ENTRY} WHERE substr(id, 1, ?) = ? ORDER BY key LIMIT 10", (len(prefix), prefix.lower())
        )
        return [self._entry(row) for row in rows]

    def listing(self, state: State | None = None) -> list[OutboxEntry]:
        """The dispatches, oldest first; of one state, if given. Those ``signed`` are sent in this order."""
        rows = self._database.all(f"{_ENTRY} WHERE :state IS NULL OR state = :state ORDER BY key", {"state": state})
        return [self._entry(row) for row in rows]

    def submission(self, key: int) -> bytes | None:
        """The bytes to send, exactly as they were signed, or None."""
        return self._blob("submission", key)

    def proof(self, key: int) -> bytes | None:
        """The relay's proof that it logged the dispatch, or None."""
        return self._blob("proof", key)

    def _blob(self, column: Literal["submission", "proof"], key: int) -> bytes | None:
        row = self._database.one(f"SELECT {column} FROM sent WHERE key = ?", (key,))  # noqa: S608 (no input)
        return bytes(row[0]) if row and row[0] is not None else None

    def _set_numbers(self, key: int, numbers: Mapping[str, int]) -> None:
        self._database.run("DELETE FROM sent_numbers WHERE key = ?", (key,))
        self._database.many(
            "INSERT INTO sent_numbers (key, recipient, number) VALUES (?, ?, ?)",
            [(key, recipient, number) for recipient, number in numbers.items()],
        )

    def _entry(self, row: Row) -> OutboxEntry:
        numbers = self._database.all(
            "SELECT recipient, number FROM sent_numbers WHERE key = ? ORDER BY recipient", (row[0],)
        )
        key, dispatch_id, state, reason, series, index, created_at, changed_at, draft, note = row
        return OutboxEntry(
            key, dispatch_id, state, reason, series, index, created_at, changed_at, draft, note, dict(numbers)
        )

    @staticmethod
    def _changed(rows: int) -> None:
        if rows != 1:
            raise ValueError("this dispatch is not in the state for that")
