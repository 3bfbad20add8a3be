"""SQLite as the relay uses it: WAL, synchronous=FULL, one writing connection, and checkpoints kept off it.

A commit costs one fsync of the WAL and never the copying of pages back into the database: automatic
checkpoints are off, and a thread of its own makes passive ones, which block nobody, when the writer is idle
or the WAL has grown.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from envoi_keys.errors import LocalError
from envoi_keys.limits import MIB

from .storage import StorageError

_log: Final = logging.getLogger("envoi_server.records")

READERS: Final = 8
"""Reading connections kept open."""
BUSY_SECONDS: Final = 10
"""How long the writer waits for another process (a migration, the sqlite3 shell) that holds the lock."""
IDLE_SECONDS: Final = 0.2
"""Without a commit for this long, the writer is idle."""
TIDY_BYTES: Final = 64 * MIB
"""Size of the WAL at which pages are copied back although the writer is busy."""
MAX_WAL_BYTES: Final = 512 * MIB
"""Size of the WAL at which the writer itself waits for the rest to be copied back, so that it starts anew."""


class SqliteEngine:
    """The connections to one database file. ``write`` is for one thread; ``read`` is for any."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite" or not parsed.database:
            raise LocalError("this relay keeps its records in a SQLite file", hint="leave database_url empty")
        self._wal = Path(f"{parsed.database}-wal")
        options = {"timeout": BUSY_SECONDS, "check_same_thread": False}
        self._readers = create_engine(
            url, poolclass=QueuePool, pool_size=READERS, max_overflow=64, connect_args=options
        )
        self._writers = create_engine(url, poolclass=QueuePool, pool_size=1, connect_args=options)
        _prepare(self._readers, "BEGIN", ("query_only=ON", "mmap_size=268435456"))
        _prepare(
            self._writers,
            "BEGIN IMMEDIATE",
            # FULL: each commit is fsynced. With NORMAL a power cut could take back what was acknowledged.
            (
                "journal_mode=WAL",
                "synchronous=FULL",
                "wal_autocheckpoint=0",
                "foreign_keys=ON",
                "cache_size=-65536",
            ),
        )
        self._last_write = monotonic()
        self._tidy_first = False
        self._stop = threading.Event()
        self._tidier = threading.Thread(target=self._tidy, name="wal-checkpoints", daemon=True)
        self._tidier.start()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction, committed and durable when the block ends. Raises StorageError."""
        try:
            if self._tidy_first:
                self._tidy_first = False
                with self._writers.connect() as connection:
                    _checkpoint(connection)
            with self._writers.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            # Begin anew with a fresh connection: after an I/O error the old one's idea of the file may be
            # wrong.
            self._writers.dispose()
            raise storage_error(error) from error
        finally:
            self._last_write = monotonic()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees whole transactions only. Raises StorageError."""
        try:
            with self._readers.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise storage_error(error) from error

    def close(self) -> None:
        """Copy everything back into the database file and close."""
        self._stop.set()
        self._tidier.join()
        self._readers.dispose()
        try:
            with self._writers.connect() as connection:
                _checkpoint(connection)
        except SQLAlchemyError as error:
            _log.warning("last checkpoint failed", extra={"fields": {"reason": storage_error(error).message}})
        self._writers.dispose()

    def _tidy(self) -> None:
        tidied_at = 0.0
        while not self._stop.wait(IDLE_SECONDS):
            last = self._last_write
            size = self._wal_bytes()
            idle = monotonic() - last >= IDLE_SECONDS and tidied_at < last
            if not idle and size < TIDY_BYTES:
                continue
            try:
                with self._readers.connect() as connection:
                    _checkpoint(connection)
                tidied_at = last
            except SQLAlchemyError as error:
                # Nothing is lost: the WAL only stays longer. The next round tries again.
                _log.warning("checkpoint failed", extra={"fields": {"reason": storage_error(error).message}})
            # While commits keep coming there is always a frame that was not copied yet, and the WAL can begin
            # anew only when there is none: past this size the writer copies the last few itself.
            self._tidy_first = size >= MAX_WAL_BYTES

    def _wal_bytes(self) -> int:
        try:
            return self._wal.stat().st_size
        except OSError:
            return 0


def storage_error(error: SQLAlchemyError) -> StorageError:
    """The error of the database, in our tree and without the statement, whose parameters are not ours to
    show.
    """
    reason = str(getattr(error, "orig", None) or type(error).__name__)
    hint = "free some disk space" if "full" in reason or "disk I/O" in reason else None
    return StorageError(f"the records cannot be used: {reason}", hint=hint)


def _checkpoint(connection: Connection) -> None:
    # The driver's own cursor, since within a transaction nothing is copied; so its errors are translated here.
    cursor = connection.connection.cursor()
    try:
        # A connection that has read nothing yet does not know of the write-ahead log, and would copy nothing.
        cursor.execute("PRAGMA schema_version").fetchall()
        cursor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    except sqlite3.Error as error:
        raise OperationalError("PRAGMA wal_checkpoint", None, error) from error
    finally:
        cursor.close()


def _prepare(engine: Engine, begin: str, pragmas: tuple[str, ...]) -> None:
    def connected(connection: Any, _record: Any) -> None:
        # The driver is to begin no transaction of its own accord: `begun` does, with the right lock.
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    listeners: tuple[tuple[str, Callable[..., None]], ...] = (("connect", connected), ("begin", begun))
    for name, listener in listeners:
        event.listen(engine, name, listener)
