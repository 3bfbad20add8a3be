"""Rosters and delegations as logged, each note kept whole.

One roster stands at each version: what contradicts it is an alarm with its evidence and never takes its
place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .database import Database, Row

_ROSTER: Final = "SELECT version, id, idx, note FROM rosters"


@dataclass(frozen=True, slots=True)
class StoredRoster:
    """A verified roster: its version and id, its place in the log if that is known, and its note."""

    version: int
    id: str
    index: int | None
    note: bytes


@dataclass(frozen=True, slots=True)
class StoredDelegation:
    """A verified delegation: its place in the log, who made it, for which name, and its note."""

    index: int
    authority: str
    name: str
    note: bytes


class Rosters:
    """The chain of rosters, and the delegations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, roster: StoredRoster) -> None:
        """Keep a roster. The same one again may bring its index; another of that version is a ValueError."""
        held = self.at(roster.version)
        if held is not None and held.note != roster.note:
            raise ValueError("another roster of this version is held")
        self._database.run(
            """INSERT INTO rosters (version, id, idx, note) VALUES (?, ?, ?, ?)
               ON CONFLICT (version) DO UPDATE SET idx = coalesce(idx, excluded.idx)""",
            (roster.version, roster.id, roster.index, roster.note),
        )

    def at(self, version: int) -> StoredRoster | None:
        """The roster of one version, or None."""
        return _roster(self._database.one(f"{_ROSTER} WHERE version = ?", (version,)))

    def newest(self) -> StoredRoster | None:
        """The roster of the highest version, or None before the first."""
        return _roster(self._database.one(f"{_ROSTER} ORDER BY version DESC LIMIT 1"))

    def all(self) -> list[StoredRoster]:
        """Every roster, oldest first."""
        rows = self._database.all(f"{_ROSTER} ORDER BY version")
        return [roster for row in rows if (roster := _roster(row)) is not None]

    def add_delegation(self, delegation: StoredDelegation) -> None:
        """Keep a delegation; the same index again changes nothing."""
        self._database.run(
            "INSERT INTO delegations (idx, authority, name, note) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (delegation.index, delegation.authority, delegation.name, delegation.note),
        )

    def delegations(self) -> list[StoredDelegation]:
        """Every delegation, in the order of the log."""
        rows = self._database.all("SELECT idx, authority, name, note FROM delegations ORDER BY idx")
        return [StoredDelegation(int(row[0]), str(row[1]), str(row[2]), bytes(row[3])) for row in rows]


def _roster(row: Row | None) -> StoredRoster | None:
    if row is None:
        return None
    return StoredRoster(int(row[0]), str(row[1]), None if row[2] is None else int(row[2]), bytes(row[3]))
