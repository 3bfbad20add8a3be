"""The relay's records in one SQLite file: what is written, in one transaction for each batch.

Rows go in as tuples under SQL that SQLAlchemy Core compiled once from the models: on this path an object for
each row would cost more than the row. What is read is in `sqlite_log` and `sqlite_bookkeeping`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import chain
from typing import Any, Final, Literal

from sqlalchemy import Connection, Table, bindparam, delete, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import insert as upsert

from . import models
from .sqlite_bookkeeping import SqliteBookkeeping
from .sqlite_engine import SqliteEngine
from .sqlite_log import SqliteLog
from .storage import Batch

Hook = Callable[[str], None]
WRITE_POINTS: Final = ("records: begun", "records: written", "records: committed")
"""Where a commit calls its hook: before the first row, before the commit itself, and once it is durable."""


def nothing(_point: str) -> None:
    """The hook of a relay that nobody kills on purpose."""


_TOGETHER: Final = 32
"""Rows written by one statement where they are small and many."""


class _Insert:
    """One statement that writes rows of a table, given as tuples of its columns.

    With ``together`` it writes so many at once. A dispatch has two small rows for each recipient, and at each
    statement the interpreter's lock is given up and has to be won again from the threads that verify.
    """

    def __init__(self, table: Table, clash: Literal["fail", "replace", "keep"] = "fail", together: int = 1) -> None:
        names = [column.name for column in table.columns]
        keys = table.primary_key.columns.keys()
        statement = upsert(table)
        if clash == "replace":
            rest = {name: statement.excluded[name] for name in names if name not in keys}
            statement = statement.on_conflict_do_update(index_elements=keys, set_=rest)
        elif clash == "keep":
            statement = statement.on_conflict_do_nothing(index_elements=keys)
        dialect = sqlite.dialect(paramstyle="qmark")
        self._sql = str(statement.compile(dialect=dialect, column_keys=names))
        row = f"({', '.join('?' * len(names))})"
        assert self._sql.count(row) == 1
        self._sql_together = self._sql.replace(row, ", ".join([row] * together))
        self._together = together

    def run(self, connection: Connection, rows: Collection[tuple[Any, ...]]) -> None:
        """Write the rows, if there are any."""
        left = list(rows)
        step = self._together
        whole = len(left) // step * step if step > 1 else 0
        if whole:
            groups = [tuple(chain.from_iterable(left[at : at + step])) for at in range(0, whole, step)]
            connection.exec_driver_sql(self._sql_together, groups)
        if left[whole:]:
            connection.exec_driver_sql(self._sql, left[whole:])


_ENTRIES: Final = _Insert(models.entries, together=_TOGETHER)
_DISPATCHES: Final = _Insert(models.dispatches)
_RECIPIENTS: Final = _Insert(models.recipients, together=_TOGETHER)
_REFERENCES: Final = _Insert(models.blob_references)
_ROSTERS: Final = _Insert(models.rosters)
_DELEGATIONS: Final = _Insert(models.delegations)
_CHECKPOINTS: Final = _Insert(models.checkpoints)
_COSIGNATURES: Final = _Insert(models.cosignatures, "keep")
_NUMBERS: Final = _Insert(models.numbers, "replace", _TOGETHER)
_RECEIPTS: Final = _Insert(models.receipts, "replace")
_ENROLMENTS: Final = _Insert(models.enrolments, "replace")
_UPLOADS: Final = _Insert(models.blob_uploads, "replace")
_ENROLLED: Final = delete(models.enrolments).where(models.enrolments.c.id == bindparam("gone"))
_DROPPED: Final = delete(models.blob_uploads).where(models.blob_uploads.c.sha256 == bindparam("gone"))

_PROBE_BYTES: Final = 256 * 1024


class SqliteRecords(SqliteLog, SqliteBookkeeping):
    """See :class:`storage.Records` for what is owed, and `sqlite_engine` for how it is kept.

    ``at`` is called with each of :data:`WRITE_POINTS` as a commit passes it.
    """

    def __init__(self, url: str, at: Hook = nothing) -> None:
        super().__init__(SqliteEngine(url))
        self._at = at

    def commit(self, batch: Batch) -> None:
        """See :class:`storage.Records`."""
        with self._engine.write() as connection:
            self._at("records: begun")
            _write_log(connection, batch)
            _write_bookkeeping(connection, batch)
            self._at("records: written")
        self._at("records: committed")

    def probe(self) -> None:
        """See :class:`storage.Records`."""
        # A table that is made and dropped again takes the room of some dispatches and leaves nothing behind.
        with self._engine.write() as connection:
            # One may be there already, if the relay was killed between the two steps.
            connection.execute(text("DROP TABLE IF EXISTS probe"))
            connection.execute(text("CREATE TABLE probe (filling BLOB) STRICT"))
            connection.execute(text("INSERT INTO probe VALUES (zeroblob(:size))"), {"size": _PROBE_BYTES})
        with self._engine.write() as connection:
            connection.execute(text("DROP TABLE probe"))

    def close(self) -> None:
        """See :class:`storage.Records`."""
        self._engine.close()


def _write_log(connection: Connection, batch: Batch) -> None:
    _ENTRIES.run(connection, batch.entries)
    _DISPATCHES.run(connection, batch.dispatches)
    _RECIPIENTS.run(connection, batch.recipients)
    _REFERENCES.run(connection, batch.references)
    _ROSTERS.run(connection, batch.rosters)
    _DELEGATIONS.run(connection, batch.delegations)
    if batch.checkpoint is not None:
        _CHECKPOINTS.run(connection, [batch.checkpoint])
    _NUMBERS.run(connection, batch.numbers)


def _write_bookkeeping(connection: Connection, batch: Batch) -> None:
    # What goes, goes first: a blob that is uploaded again in the same batch stays.
    for statement, gone in ((_ENROLLED, batch.enrolled), (_DROPPED, batch.dropped)):
        if gone:
            connection.execute(statement, [{"gone": id_} for id_ in gone])
    _RECEIPTS.run(connection, batch.receipts.values())
    _COSIGNATURES.run(connection, batch.cosignatures.values())
    _ENROLMENTS.run(connection, batch.enrolments.values())
    _UPLOADS.run(connection, batch.uploads.values())
