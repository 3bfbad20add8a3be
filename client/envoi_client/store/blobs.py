"""Attachments as they travel, sealed: where each file is and how far it has come.

The bytes are files beside the database, under their hash. ``wanted`` is to be fetched and perhaps in part
there, ``whole`` has been fetched and its hash held; ``outgoing`` is to be uploaded, ``uploaded`` the relay
has whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .database import Database, Row

BlobState = Literal["wanted", "whole", "outgoing", "uploaded"]


@dataclass(frozen=True, slots=True)
class Blob:
    """One sealed attachment; ``size`` in bytes, sealed."""

    sha256: str
    size: int
    path: Path
    state: BlobState


class Blobs:
    """Attachments by hash."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, blob: Blob) -> None:
        """Keep what is known of an attachment, in place of what was known before."""
        self._database.run(
            "INSERT OR REPLACE INTO blobs (sha256, size, path, state) VALUES (?, ?, ?, ?)",
            (blob.sha256, blob.size, str(blob.path), blob.state),
        )

    def get(self, sha256: str) -> Blob | None:
        """One attachment, or None."""
        row = self._database.one("SELECT sha256, size, path, state FROM blobs WHERE sha256 = ?", (sha256,))
        return _blob(row) if row else None


def _blob(row: Row) -> Blob:
    return Blob(str(row[0]), int(row[1]), Path(row[2]), row[3])
