"""Drafts of the guided form in the store: what was answered so far, one draft of each document type.

Every answer is durable before the next question is asked. ``changed_at`` is in seconds since the epoch, by this
machine's clock.
"""

from __future__ import annotations

import json

from envoi_client.store.database import Database


class Drafts:
    """The drafts of one home. Every method raises LocalError if the store fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, type_: str) -> tuple[dict[str, str], int] | None:
        """The answers of the draft of a document type and when it was last changed, or None."""
        row = self._database.one("SELECT answers, changed_at FROM desk_drafts WHERE type = ?", (type_,))
        return (json.loads(row[0]), int(row[1])) if row else None

    def save(self, type_: str, answers: dict[str, str], at: int) -> None:
        """Keep the answers."""
        text = json.dumps(answers, ensure_ascii=False)
        self._database.run("INSERT OR REPLACE INTO desk_drafts VALUES (?, ?, ?)", (type_, text, at))

    def discard(self, type_: str) -> None:
        """Forget the draft."""
        self._database.run("DELETE FROM desk_drafts WHERE type = ?", (type_,))
