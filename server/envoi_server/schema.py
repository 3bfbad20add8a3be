"""Which revision a database is at, and bringing it to another; the schema itself is Alembic's (`migrations`).

The relay starts only on a database at :data:`HEAD` and never migrates by itself: that is an operator's
decision, taken while the relay is stopped. Alembic is imported only where a migration runs.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from envoi_keys.errors import LocalError

HEAD: Final = "0001"
"""The newest revision; a test holds it equal to that of `migrations/versions`."""
_REVISION: Final = re.compile(r"head|base|[0-9]{4}")
_SCRIPTS: Final = Path(__file__).parent / "migrations"


def current(url: str) -> str | None:
    """The revision of the database, or None where there is none yet. Raises LocalError."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except SQLAlchemyError as error:
        raise _unusable(error) from error
    finally:
        engine.dispose()


def require_head(url: str) -> None:
    """Raises LocalError unless the database is at :data:`HEAD`."""
    found = current(url)
    if found is None:
        raise LocalError("the database is empty", hint="run envoi-poc init, or envoi-poc migrate")
    if found != HEAD:
        raise LocalError(
            f"the database is at revision {found}; this relay needs {HEAD}",
            hint="stop the relay, make a backup, then run envoi-poc migrate",
        )


def migrate(url: str, revision: str = "head") -> tuple[str | None, str | None]:
    """Bring the database to ``revision``, whole or not at all; from which revision to which.

    Raises LocalError.
    """
    if not _REVISION.fullmatch(revision):
        raise LocalError(f"{revision!r} is not a revision", hint=f"such as head, base or {HEAD}")
    # Imported here: 80 ms that only a migration should cost.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    before = current(url)
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    engine = _migrating_engine(url)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            if _is_below(before, revision):
                command.downgrade(config, revision)
            else:
                command.upgrade(config, revision)
    except (SQLAlchemyError, CommandError, RuntimeError) as error:
        raise _unusable(error) from error
    finally:
        engine.dispose()
    return before, current(url)


def _is_below(before: str | None, revision: str) -> bool:
    # Revisions are numbered in order (0001, 0002, ...), so that "older" can be read off.
    return revision == "base" or (revision != "head" and before is not None and revision < before)


def _migrating_engine(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        # Left to itself the driver begins a transaction only before INSERT, and CREATE TABLE would commit one
        # by one: a migration that fails half-way has to leave nothing behind.
        @event.listens_for(engine, "connect")
        def _manual(connection: object, _record: object) -> None:
            connection.isolation_level = None  # type: ignore[attr-defined]

        @event.listens_for(engine, "begin")
        def _begin(connection: object) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined]

    return engine


def _unusable(error: Exception) -> LocalError:
    reason = str(getattr(error, "orig", None) or error)
    hint = "free some disk space" if "full" in reason or "disk I/O" in reason else None
    return LocalError(f"the database cannot be used: {reason}", hint=hint)
