"""A migration carries rows, whole or not at all; the models are the newest revision."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from envoi_keys.errors import LocalError
from envoi_server import models, schema

# One row of each table, as the relay writes them.
ROWS = {
    "entries": (0, "envoi/roster/v1", b"d" * 32, b"l" * 32),
    "checkpoints": (1, b"note"),
    "dispatches": (0, b"i" * 32, "FR", 1, b"note", b"o" * 40, b"body"),
    "recipients": (0, "AU", 0, 1),
    "numbers": ("FR", "AU", 1, 1),
    "rosters": (1, 0, b"r" * 32, b"note"),
    "delegations": (0, b"g" * 32, "FR", "FR/iem-1", b"note"),
    "cosignatures": (1, "FR", 1_700_000_000, "line\n"),
    "receipts": ("AU", "FR", 1, 1, 1, 1, 0, 1_700_000_000, 1_700_000_001, b"note"),
    "enrolments": (b"e" * 32, "SE", 1_700_000_000, b"note"),
    "blob_uploads": (b"b" * 32, "FR", 2**40, 1_700_000_000),
    "blob_references": (b"b" * 32, 0),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "relay.db"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite:///{file}"


def revisions() -> list[str]:
    """Every revision, the oldest first."""
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    return [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()][::-1]


def fill(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        for table, row in ROWS.items():
            connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)


def rows(file: Path) -> dict[str, tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return {table: connection.execute(f"SELECT * FROM {table}").fetchone() for table in ROWS}


def tables(file: Path) -> dict[str, str]:
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: sql for name, sql in found if name != "alembic_version"}


def test_the_head_is_the_newest_revision() -> None:
    found = revisions()
    assert found[-1] == schema.HEAD
    assert found == sorted(found)


def test_the_models_are_the_head(url: str, file: Path, tmp_path: Path) -> None:
    assert schema.migrate(url) == (None, schema.HEAD)
    engine = create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), models.metadata) == []
    engine.dispose()
    other = tmp_path / "models.db"
    engine = create_engine(f"sqlite:///{other}")
    models.metadata.create_all(engine)
    engine.dispose()
    # What comparing does not see: STRICT, WITHOUT ROWID, and the names of constraints. Their order is free.
    assert {name: sorted(sql.split()) for name, sql in tables(file).items() if name in ROWS} == {
        name: sorted(sql.split()) for name, sql in tables(other).items() if name in ROWS
    }
    assert tables(file).keys() == tables(other).keys()


def test_every_table_is_strict(url: str, file: Path) -> None:
    schema.migrate(url)
    assert all(sql.rstrip().endswith("STRICT") for name, sql in tables(file).items() if name in ROWS)
    with closing(sqlite3.connect(file)) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO checkpoints VALUES ('one', x'00')")


def test_rows_are_carried_down_and_up_through_every_revision(url: str, file: Path) -> None:
    schema.migrate(url)
    assert ROWS.keys() == models.metadata.tables.keys()
    fill(file)
    before = rows(file)
    assert before == ROWS
    for revision in reversed(revisions()):
        schema.migrate(url, revision)
        assert schema.current(url) == revision
    assert schema.migrate(url) == (revisions()[0], schema.HEAD)
    assert rows(file) == before


def test_a_log_is_never_dropped(url: str, file: Path) -> None:
    schema.migrate(url)
    fill(file)
    with pytest.raises(LocalError, match="log is not empty"):
        schema.migrate(url, "base")
    assert (schema.current(url), rows(file)) == (schema.HEAD, ROWS)


def test_an_empty_database_goes_down_to_nothing_and_up_again(url: str, file: Path) -> None:
    schema.migrate(url)
    assert schema.migrate(url, "base") == (schema.HEAD, None)
    assert tables(file) == {}
    assert schema.migrate(url) == (None, schema.HEAD)


def test_a_migration_that_fails_leaves_nothing_behind(url: str, file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        # The last table that the first revision makes is there already.
        connection.execute("CREATE TABLE blob_references (x)")
    with pytest.raises(LocalError, match="already exists"):
        schema.migrate(url)
    assert tables(file).keys() == {"blob_references"}
    assert schema.current(url) is None


def test_migrating_again_changes_nothing(url: str, file: Path) -> None:
    schema.migrate(url)
    fill(file)
    assert schema.migrate(url) == (schema.HEAD, schema.HEAD)
    assert rows(file) == ROWS


@pytest.mark.parametrize("revision", ["", "9999", "nonsense"])
def test_an_unknown_revision_is_an_error_of_ours(url: str, revision: str) -> None:
    schema.migrate(url)
    with pytest.raises(LocalError):
        schema.migrate(url, revision)


def test_a_database_of_another_version_is_refused(url: str, file: Path) -> None:
    with pytest.raises(LocalError, match="database is empty"):
        schema.require_head(url)
    schema.migrate(url)
    schema.require_head(url)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(LocalError, match="revision 0000"):
        schema.require_head(url)


def test_a_file_that_is_no_database_is_an_error_of_ours(url: str, file: Path) -> None:
    file.write_bytes(b"not a database" * 1000)
    for function in (schema.current, schema.require_head, schema.migrate):
        with pytest.raises(LocalError, match="cannot be used"):
            function(url)
