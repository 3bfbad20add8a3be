"""The encrypted database file: opening, transactions, migrations, and no exception of SQLCipher beyond here.

The file is SQLCipher under a raw 32-byte key from the vault; write-ahead log, temporary tables in memory, so
that no plaintext reaches the disk. One connection in each process. A transaction is durable when its block
has ended, and nothing of it happened if the block raised; ``synchronous=FULL`` is what makes the first half
true.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlcipher3 import dbapi2 as sqlcipher  # type: ignore[import-untyped]

from envoi_keys.errors import LocalError

from ..files import PRIVATE_FILE, local_error, require_private

Row = tuple[Any, ...]
Values = Sequence[Any] | Mapping[str, Any]
Step = Sequence[str]

KEY_BYTES: Final = 32
_BUSY_SECONDS: Final = 5.0
# Each page has a MAC and a vector of its own: a sealed body of 60 KB on pages of 4 KB took half as long again. Part of
# the file's format: another size does not open it.
PAGE_BYTES: Final = 16 * 1024
_PRAGMAS: Final = ("journal_mode = WAL", "synchronous = FULL", "temp_store = MEMORY", "foreign_keys = ON")


class Database:
    """One open database. Every method raises LocalError if the machine fails it."""

    def __init__(self, path: Path, key: bytes, steps: Sequence[Step]) -> None:
        """Open ``path``, making it if it is missing, and bring its schema to the end of ``steps``."""
        if len(key) != KEY_BYTES:
            raise ValueError("the store's key has 32 bytes")
        self._path = path
        self._translated = _Translated(path)
        self._depth = 0
        _make_private(path)
        with self._translated:
            # isolation_level=None: the module begins no transaction on its own; they are explicit, here.
            self._connection = sqlcipher.connect(str(path), isolation_level=None, timeout=_BUSY_SECONDS)
        try:
            self._prepare(key)
            self._migrate(steps)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file. Twice is once."""
        with suppress(sqlcipher.Error):
            self._connection.close()

    def _prepare(self, key: bytes) -> None:
        with self._translated:
            # SQLCipher reports on stderr whatever it also raises; the error we raise is the one report.
            self._connection.execute("PRAGMA cipher_log_level = NONE").fetchall()
            # A raw key in this notation is used as it is, without a key derivation. Hexadecimal needs no
            # quoting.
            self._connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"").fetchall()
            self._connection.execute(f"PRAGMA cipher_page_size = {PAGE_BYTES}").fetchall()
            # The first page is decrypted here, so a wrong key ends here.
            self._connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
            for pragma in _PRAGMAS:
                self._connection.execute(f"PRAGMA {pragma}").fetchall()

    def _migrate(self, steps: Sequence[Step]) -> None:
        self._advance(steps, self.version, lambda taken: self.run(f"PRAGMA user_version = {taken}"))

    def extend(self, package: str, steps: Sequence[Step]) -> None:
        """Bring the tables of a ``package`` that builds on the client to the end of its own ``steps``."""
        name = f"schema/{package}"

        def version() -> int:
            row = self.one("SELECT value FROM meta WHERE name = ?", (name,))
            return int(row[0]) if row else 0

        self._advance(
            steps, version, lambda taken: self.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, b"%d" % taken))
        )

    def _advance(self, steps: Sequence[Step], version: Callable[[], int], keep: Callable[[int], int]) -> None:
        for position in range(version(), len(steps)):
            with self.transaction():
                # Asked again inside the transaction: another process may have taken this step meanwhile.
                if version() != position:
                    continue
                for statement in steps[position]:
                    self.run(statement)
                keep(position + 1)
        if version() > len(steps):
            raise LocalError(
                f"{self._path} has schema {version()}, of a newer envoi; this one knows {len(steps)}",
                hint="use the newer version; an old one never writes into it",
            )

    def version(self) -> int:
        """The number of migration steps that this file has seen."""
        row = self.one("PRAGMA user_version")
        return int(row[0]) if row else 0

    def check(self) -> list[str]:
        """What is wrong with the file, page by page; nothing if it is whole. For ``envoi doctor``."""
        found = [str(row[0]) for row in self.all("PRAGMA cipher_integrity_check")]
        # A page that does not decrypt would only make the second check raise.
        return found or [str(row[0]) for row in self.all("PRAGMA quick_check") if row[0] != "ok"]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block or nothing of it, durable at its end. Inside another one, part of that one."""
        if self._depth:
            yield
            return
        # IMMEDIATE: a writer waits for its turn here and not in the middle, where waiting would not help it.
        self.run("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            # SQLite has already rolled back after some failures; asking twice would hide the first error.
            if self._connection.in_transaction:
                with suppress(sqlcipher.Error):
                    self._connection.execute("ROLLBACK")
            raise
        finally:
            self._depth = 0

    def run(self, sql: str, values: Values = ()) -> int:
        """Run one statement; the number of rows it changed."""
        with self._translated:
            return int(self._connection.execute(sql, values).rowcount)

    def insert(self, sql: str, values: Values = ()) -> int:
        """Run one INSERT; the row's integer key."""
        with self._translated:
            return int(self._connection.execute(sql, values).lastrowid)

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each of ``rows``, in one transaction."""
        with self.transaction(), self._translated:
            self._connection.executemany(sql, rows)

    def one(self, sql: str, values: Values = ()) -> Row | None:
        """The first row, or None."""
        with self._translated:
            row: Row | None = self._connection.execute(sql, values).fetchone()
            return row

    def all(self, sql: str, values: Values = ()) -> list[Row]:
        """Every row."""
        with self._translated:
            rows: list[Row] = self._connection.execute(sql, values).fetchall()
            return rows


class _Translated:
    """A block in which an exception of SQLCipher becomes one of ours. Around every statement, so it costs little."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, sqlcipher.Error):
            raise _local(error, self._path) from error


def _make_private(path: Path) -> None:
    # Made here and not by SQLite, which would follow the umask; the log beside it takes the file's own mode.
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE))
    except OSError as error:
        raise local_error(error, "open", path) from error
    require_private(path)


def _damaged(path: Path) -> LocalError:
    return LocalError(
        f"{path} is damaged or the key is wrong",
        hint="check that vault and home belong together; else restore it, or move it away and sync anew",
    )


def _full(path: Path) -> LocalError:
    return LocalError(f"the disk of {path} is full", hint="free some space and try again; nothing is lost")


def _busy(path: Path) -> LocalError:
    return LocalError(f"{path} is in use by another process", hint="wait until it has finished and try again")


def _unwritable(path: Path) -> LocalError:
    return LocalError(f"{path} cannot be written", hint=f"check the modes of {path} and {path.parent}")


_KINDS: Final[dict[str, Callable[[Path], LocalError]]] = {
    "SQLITE_NOTADB": _damaged,
    "SQLITE_CORRUPT": _damaged,
    "SQLITE_FULL": _full,
    "SQLITE_BUSY": _busy,
    "SQLITE_LOCKED": _busy,
    "SQLITE_READONLY": _unwritable,
    "SQLITE_CANTOPEN": _unwritable,
    "SQLITE_PERM": _unwritable,
}


_ROOMLESS: Final = frozenset({"SQLITE_IOERR", "SQLITE_CANTOPEN"})
"""What SQLite also says on a full disk: where a file beside the database cannot be made or made longer."""
_ROOM: Final = 64 * 1024
"""Bytes without which no transaction can begin: the shared index of the log takes half of it."""


def _no_room(path: Path) -> bool:
    try:
        found = os.statvfs(path.parent)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize < _ROOM


def _local(error: Exception, path: Path) -> LocalError:
    # Extended codes such as SQLITE_BUSY_SNAPSHOT begin with the name of their kind.
    name = "_".join(str(getattr(error, "sqlite_errorname", "") or "").split("_")[:2])
    kind = _KINDS.get(name)
    if name in _ROOMLESS and _no_room(path):
        kind = _full
    if kind is not None:
        return kind(path)
    return LocalError(f"the database {path} failed: {error}", hint="run: envoi doctor")
