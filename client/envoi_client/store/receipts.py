"""The newest receipt of each pair, sent or received, as its signed note.

Which of two is the newer is decided by the caller; what is put here replaces what was there.
"""

from __future__ import annotations

from dataclasses import dataclass

from .database import Database, Row


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """A verified receipt; ``issued_at`` is its signer's time, in seconds since the epoch."""

    sender: str
    recipient: str
    id: str
    issued_at: int
    note: bytes


class Receipts:
    """Receipts by pair."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, receipt: StoredReceipt) -> None:
        """Keep a receipt as the newest of its pair."""
        self._database.run(
            "INSERT OR REPLACE INTO receipts (sender, recipient, id, issued_at, note) VALUES (?, ?, ?, ?, ?)",
            (receipt.sender, receipt.recipient, receipt.id, receipt.issued_at, receipt.note),
        )

    def get(self, sender: str, recipient: str) -> StoredReceipt | None:
        """The newest receipt from one to the other, or None."""
        sql = "SELECT sender, recipient, id, issued_at, note FROM receipts WHERE sender = ? AND recipient = ?"
        row = self._database.one(sql, (sender, recipient))
        return _receipt(row) if row else None

    def addressed_to(self, recipient: str) -> list[StoredReceipt]:
        """The newest receipts addressed to ``recipient``, by sender."""
        sql = "SELECT sender, recipient, id, issued_at, note FROM receipts WHERE recipient = ? ORDER BY sender"
        return [_receipt(row) for row in self._database.all(sql, (recipient,))]


def _receipt(row: Row) -> StoredReceipt:
    return StoredReceipt(str(row[0]), str(row[1]), str(row[2]), int(row[3]), bytes(row[4]))
