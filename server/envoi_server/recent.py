"""The newest entries of the log, kept in memory: whoever was just woken is answered from here, all 38 of them.

It holds every entry from ``start`` to the end of the published log and is replaced with it, never changed. Who sees
what is decided as in the records: the sender all openings, a recipient its own, everybody rosters and delegations.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from envoi_keys.dispatches import OPENING_BYTES
from envoi_keys.limits import MIB

from .storage import Batch, FeedRow

MAX_BYTES: Final = 4 * MIB
"""Of notes and bodies; the newest batch alone may be larger, and is then not kept."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry as the sender sees it; ``positions`` are those of its recipients, None where everybody sees it."""

    row: FeedRow
    sender: str
    positions: Mapping[str, int] | None

    @property
    def weight(self) -> int:
        return len(self.row.note) + len(self.row.body)

    def seen_by(self, member: str) -> FeedRow | None:
        """The entry as ``member`` may see it."""
        if self.positions is None or self.sender == member:
            return self.row
        position = self.positions.get(member)
        if position is None:
            return None
        opening = self.row.openings[position * OPENING_BYTES : (position + 1) * OPENING_BYTES]
        return self.row._replace(openings=opening)


@dataclass(frozen=True, slots=True)
class Recent:
    """The entries from ``start`` on, by index."""

    start: int
    _entries: tuple[_Entry, ...] = ()

    def extended(self, batch: Batch) -> Recent:
        """With the entries of a batch that was committed; the oldest go where they would be too many bytes."""
        kept = deque((*self._entries, *_entries(batch)))
        size = sum(entry.weight for entry in kept)
        end = self.start + len(kept)
        while size > MAX_BYTES:
            size -= kept.popleft().weight
        return Recent(end - len(kept), tuple(kept))

    def rows(self, member: str, after: int, limit: int) -> list[FeedRow] | None:
        """The first ``limit`` entries above the index ``after`` that ``member`` may see; None if some are not here."""
        if after + 1 < self.start:
            return None
        found: list[FeedRow] = []
        for entry in self._entries[after + 1 - self.start :]:
            row = entry.seen_by(member)
            if row is not None:
                found.append(row)
                if len(found) == limit:
                    break
        return found


def _entries(batch: Batch) -> list[_Entry]:
    positions: dict[int, dict[str, int]] = {}
    for recipient in batch.recipients:
        positions.setdefault(recipient.log_index, {})[recipient.member] = recipient.position
    entries = [
        _Entry(FeedRow(row.log_index, row.note, row.openings, row.body), row.sender, positions[row.log_index])
        for row in batch.dispatches
    ]
    entries += [_Entry(FeedRow(row.log_index, row.note, b"", b""), "", None) for row in batch.rosters]
    entries += [_Entry(FeedRow(row.log_index, row.note, b"", b""), "", None) for row in batch.delegations]
    return sorted(entries, key=lambda entry: entry.row.log_index)
