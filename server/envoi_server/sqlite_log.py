"""Reading the log, its statements and the feed from SQLite. Every method is safe in any thread.

A query is small and ends before its answer is used: an open one would keep the write-ahead log from beginning
anew. Large things are read in pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Select,
    Table,
    and_,
    bindparam,
    func,
    or_,
    select,
    union_all,
)

from envoi_keys.dispatches import OPENING_BYTES

from .models import (
    checkpoints,
    cosignatures,
    delegations,
    dispatches,
    entries,
    numbers,
    recipients,
    rosters,
)
from .sqlite_engine import SqliteEngine
from .storage import (
    CheckpointRow,
    CosignatureRow,
    DelegationRow,
    DispatchRow,
    EntryRow,
    FeedRow,
    NumberRow,
    RecipientRow,
    RosterRow,
)

_SMALL_ROWS: Final = 16_384
_LARGE_ROWS: Final = 32
_T = TypeVar("_T")


class SqliteReader:
    """What the readers of all tables share."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    def _all(self, kind: Callable[..., _T], query: Select[Any] | CompoundSelect[Any], **values: Any) -> list[_T]:
        with self._engine.read() as connection:
            return [kind(*row) for row in connection.execute(query, values)]

    def _first(self, kind: Callable[..., _T], query: Select[Any], **values: Any) -> _T | None:
        with self._engine.read() as connection:
            row = connection.execute(query, values).first()
        return None if row is None else kind(*row)

    def _pieces(
        self, kind: Callable[..., _T], table: Table, key: ColumnElement[int], start: int, rows: int
    ) -> Iterator[list[_T]]:
        """Rows of a table in the order of a key that is an integer, from ``start`` on."""
        query = select(table, key.label("key")).where(key >= bindparam("start")).order_by(key).limit(rows)
        while True:
            with self._engine.read() as connection:
                found = connection.execute(query, {"start": start}).all()
            yield [kind(*row[:-1]) for row in found]
            if len(found) < rows:
                return
            start = found[-1][-1] + 1


class SqliteLog(SqliteReader):
    """See :class:`storage.Records`."""

    # -- the log ---------------------------------------------------------------------------------------

    def size(self) -> int:
        """The number of log entries."""
        # Indexes have no gap: the sequencer gives them, and the audit looks.
        return self._first(int, select(func.coalesce(func.max(entries.c.log_index), -1) + 1)) or 0

    def leaves(self, start: int) -> Iterator[bytes]:
        """The leaf hashes from index ``start`` on."""
        query = (
            select(entries.c.leaf)
            .where(entries.c.log_index >= bindparam("start"))
            .order_by(entries.c.log_index)
            .limit(_SMALL_ROWS)
        )
        while True:
            found = self._all(bytes, query, start=start)
            yield from found
            if len(found) < _SMALL_ROWS:
                return
            start += len(found)

    def entries(self, start: int, end: int) -> list[EntryRow]:
        """The entries from ``start`` up to but not including ``end``."""
        key = entries.c.log_index
        query = select(entries).where(key >= bindparam("start"), key < bindparam("end")).order_by(key)
        return self._all(EntryRow, query, start=start, end=end)

    def checkpoint_of(self, size: int) -> CheckpointRow | None:
        """The checkpoint that was signed for exactly this size."""
        return self._first(
            CheckpointRow, select(checkpoints).where(checkpoints.c.size == bindparam("size_")), size_=size
        )

    def checkpoint_covering(self, log_index: int) -> CheckpointRow | None:
        """The first checkpoint that holds this entry."""
        size = checkpoints.c.size
        query = select(checkpoints).where(size > bindparam("log_index")).order_by(size).limit(1)
        return self._first(CheckpointRow, query, log_index=log_index)

    def last_checkpoint(self) -> CheckpointRow | None:
        """The largest checkpoint."""
        return self._first(CheckpointRow, select(checkpoints).order_by(checkpoints.c.size.desc()).limit(1))

    def checkpoints(self) -> Iterator[CheckpointRow]:
        """Every checkpoint, by size."""
        for rows in self._pieces(CheckpointRow, checkpoints, checkpoints.c.size, 0, _LARGE_ROWS):
            yield from rows

    def cosignatures(self, size: int) -> list[CosignatureRow]:
        """The cosignatures of the checkpoint of this size, by member."""
        query = select(cosignatures).where(cosignatures.c.size == bindparam("size_")).order_by(cosignatures.c.member)
        return self._all(CosignatureRow, query, size_=size)

    # -- statements ------------------------------------------------------------------------------------

    def rosters(self, after_version: int = 0) -> list[RosterRow]:
        """The rosters above a version, by version."""
        version = rosters.c.version
        query = select(rosters).where(version > bindparam("after")).order_by(version)
        return self._all(RosterRow, query, after=after_version)

    def delegations(self) -> list[DelegationRow]:
        """Every delegation, by log index."""
        return self._all(DelegationRow, select(delegations).order_by(delegations.c.log_index))

    def delegation(self, id_: bytes) -> DelegationRow | None:
        """The delegation with this id."""
        return self._first(DelegationRow, select(delegations).where(delegations.c.id == bindparam("id_")), id_=id_)

    def dispatch(self, id_: bytes) -> DispatchRow | None:
        """The dispatch with this id."""
        return self._first(DispatchRow, select(dispatches).where(dispatches.c.id == bindparam("id_")), id_=id_)

    def dispatch_numbered(self, sender: str, recipient: str, series: int, number: int) -> DispatchRow | None:
        """The dispatch that holds this number."""
        # Rare, so no index pays for it: the sender's own dispatches are looked through, the newest first.
        query = (
            select(dispatches)
            .join(recipients, recipients.c.log_index == dispatches.c.log_index)
            .where(
                dispatches.c.sender == bindparam("sender_"),
                dispatches.c.series == bindparam("series_"),
                recipients.c.member == bindparam("recipient"),
                recipients.c.number == bindparam("number_"),
            )
            .order_by(dispatches.c.log_index.desc())
            .limit(1)
        )
        return self._first(DispatchRow, query, sender_=sender, series_=series, recipient=recipient, number_=number)

    def dispatches(self, start: int, end: int) -> Iterator[DispatchRow]:
        """The dispatches with an index from ``start`` up to but not including ``end``, by index."""
        for rows in self._pieces(DispatchRow, dispatches, dispatches.c.log_index, start, _LARGE_ROWS):
            yield from (row for row in rows if row.log_index < end)
            if rows and rows[-1].log_index >= end:
                return

    def recipients(self, log_index: int) -> list[RecipientRow]:
        """The recipients of a dispatch, by position."""
        query = select(recipients).where(recipients.c.log_index == bindparam("index")).order_by(recipients.c.position)
        return self._all(RecipientRow, query, index=log_index)

    def numbers(self) -> list[NumberRow]:
        """The last numbers of every sender."""
        return self._all(NumberRow, select(numbers))

    # -- the feed --------------------------------------------------------------------------------------

    def visible(self, member: str, after: int, before: int, limit: int) -> list[int]:
        """The first ``limit`` log indexes between ``after`` and ``before`` that ``member`` may see."""
        return self._all(int, _VISIBLE, member_=member, after=after, before=before, limit_=limit)

    def feed(self, member: str, indexes: Sequence[int]) -> list[FeedRow]:
        """These entries, of which ``member`` may see each, by index."""
        if not indexes:
            return []
        wanted = {"wanted": list(indexes), "member_": member}
        with self._engine.read() as connection:
            found = [_feed_row(member, *row) for row in connection.execute(_FEED, wanted)]
            if len(found) < len(indexes):
                found += [FeedRow(index, note, b"", b"") for index, note in connection.execute(_PUBLIC, wanted)]
        return sorted(found, key=lambda row: row.log_index)


def _feed_row(
    member: str, log_index: int, sender: str, note: bytes, openings: bytes, body: bytes, position: int | None
) -> FeedRow:
    # The sender sees all openings of its own dispatch; a recipient sees the one that is its own.
    if sender != member and position is not None:
        openings = openings[position * OPENING_BYTES : (position + 1) * OPENING_BYTES]
    return FeedRow(log_index, note, openings, body)


def _between(key: ColumnElement[int]) -> ColumnElement[bool]:
    return and_(key > bindparam("after"), key < bindparam("before"))


_VISIBLE: Final = (
    union_all(
        select(dispatches.c.log_index).where(
            dispatches.c.sender == bindparam("member_"), _between(dispatches.c.log_index)
        ),
        select(recipients.c.log_index).where(
            _between(recipients.c.log_index), recipients.c.member == bindparam("member_")
        ),
        select(rosters.c.log_index).where(_between(rosters.c.log_index)),
        select(delegations.c.log_index).where(_between(delegations.c.log_index)),
    )
    .order_by("log_index")
    .limit(bindparam("limit_"))
)

_WANTED: Final[BindParameter[Any]] = bindparam("wanted", expanding=True)
_FEED: Final = (
    select(
        dispatches.c.log_index,
        dispatches.c.sender,
        dispatches.c.note,
        dispatches.c.openings,
        dispatches.c.body,
        recipients.c.position,
    )
    .outerjoin(
        recipients,
        and_(recipients.c.log_index == dispatches.c.log_index, recipients.c.member == bindparam("member_")),
    )
    .where(
        dispatches.c.log_index.in_(_WANTED),
        # Asked again here, so that no mistake of a caller can show what is not the member's.
        or_(dispatches.c.sender == bindparam("member_"), recipients.c.member.is_not(None)),
    )
)
_PUBLIC: Final = union_all(
    select(rosters.c.log_index, rosters.c.note).where(rosters.c.log_index.in_(_WANTED)),
    select(delegations.c.log_index, delegations.c.note).where(delegations.c.log_index.in_(_WANTED)),
)
