"""Alembic's entry point, for `envoi-poc migrate` and for the alembic command alike.

The caller hands over an open connection in `config.attributes["connection"]`, or a URL in `sqlalchemy.url`;
nothing here reads settings or the environment, so a migration runs against exactly the database it was given.
There is no offline mode: a migration carries rows, which a printed script cannot.
"""

from __future__ import annotations

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine

from envoi_server.models import metadata


def run(connection: Connection) -> None:
    """Bring the given database to the requested revision, all of it in one transaction."""
    # SQLite cannot alter most constraints in place: batch mode rebuilds the table instead.
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    """Take the caller's connection, or open one from `sqlalchemy.url`."""
    if context.is_offline_mode():
        raise CommandError("offline migrations are not supported: they would leave the rows behind")
    given = context.config.attributes.get("connection")
    if given is not None:
        run(given)
        return
    url = context.config.get_main_option("sqlalchemy.url")
    if not url:
        raise CommandError("no database: set sqlalchemy.url, or use `envoi-poc migrate`")
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            run(connection)
    finally:
        engine.dispose()


main()
