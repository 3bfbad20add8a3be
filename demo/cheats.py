"""What an operator could do with the relay's own database: each cheat is undone again, and each must be caught.

They are done to the files behind the running relay's back, while it is stopped: the operator holds the machine and
all of its keys, and writes whatever it likes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from .processes import Failed, RelayProcess


@contextmanager
def tampered(relay: RelayProcess, do: str, undo: str, **values: object) -> Iterator[None]:
    """The relay with ``do`` done to its database; afterwards with ``undo`` done to it."""
    _execute(relay, do, values)
    yield
    _execute(relay, undo, values)


def _execute(relay: RelayProcess, sql: str, values: dict[str, object]) -> None:
    relay.stop()
    with closing(sqlite3.connect(_database(relay.home))) as database, database:
        changed = database.execute(sql, values).rowcount
    if changed != 1:
        raise Failed(f"the cheat changed {changed} rows instead of one")
    relay.start()


def _database(home: Path) -> Path:
    return home / "relay.db"


def read(relay: RelayProcess, sql: str, **values: object) -> tuple[object, ...]:
    """One row of the relay's database."""
    with closing(sqlite3.connect(_database(relay.home))) as database:
        row: tuple[object, ...] | None = database.execute(sql, values).fetchone()
    if row is None:
        raise Failed("the relay's database does not hold what was just stored")
    return row
