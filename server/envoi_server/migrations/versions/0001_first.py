"""The first schema.

Safety: a migration runs while the relay is stopped and carries every row both up and down. It never rewrites
the stored bytes of a statement, a body or a log entry: these are signed or hashed by somebody else. There is
nothing below the first schema, so going down from it is allowed only while the log is empty.

Revision: 0001, after nothing, 2026-11-23
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STRICT: dict[str, Any] = {"sqlite_strict": True}
_KEYED: dict[str, Any] = {"sqlite_strict": True, "sqlite_with_rowid": False}


def _number(name: str, *rest: Any, **options: Any) -> sa.Column[int]:
    return sa.Column(name, _NUMBER, *rest, nullable=False, **options)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _blob(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def _logged(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["log_index"], ["entries.log_index"], name=f"fk_{table}_log_index")


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def upgrade() -> None:
    """Make the tables."""
    _log()
    _statements()
    _bookkeeping()


def _log() -> None:
    op.create_table(
        "entries",
        _number("log_index", autoincrement=False),
        _text("type"),
        _blob("digest"),
        _blob("leaf"),
        _key("entries", "log_index"),
        **_STRICT,
    )
    op.create_table(
        "checkpoints",
        _number("size", autoincrement=False),
        _blob("note"),
        _key("checkpoints", "size"),
        **_STRICT,
    )
    op.create_table(
        "cosignatures",
        _number("size"),
        _text("member"),
        _number("time"),
        _text("line"),
        sa.ForeignKeyConstraint(["size"], ["checkpoints.size"], name="fk_cosignatures_size"),
        _key("cosignatures", "size", "member"),
        **_KEYED,
    )


def _statements() -> None:
    op.create_table(
        "dispatches",
        _number("log_index", autoincrement=False),
        _blob("id"),
        _text("sender"),
        _number("series"),
        _blob("note"),
        _blob("openings"),
        _blob("body"),
        _logged("dispatches"),
        _key("dispatches", "log_index"),
        sa.UniqueConstraint("id", name="uq_dispatches_id"),
        **_STRICT,
    )
    op.create_index("ix_dispatches_sender_log_index", "dispatches", ["sender", "log_index"])
    op.create_table(
        "recipients",
        _number("log_index"),
        _text("member"),
        _number("position"),
        _number("number"),
        _logged("recipients"),
        _key("recipients", "log_index", "member"),
        **_KEYED,
    )
    op.create_table(
        "rosters",
        _number("version", autoincrement=False),
        _number("log_index"),
        _blob("id"),
        _blob("note"),
        _logged("rosters"),
        _key("rosters", "version"),
        sa.UniqueConstraint("log_index", name="uq_rosters_log_index"),
        sa.UniqueConstraint("id", name="uq_rosters_id"),
        **_STRICT,
    )
    op.create_table(
        "delegations",
        _number("log_index", autoincrement=False),
        _blob("id"),
        _text("authority"),
        _text("delegate"),
        _blob("note"),
        _logged("delegations"),
        _key("delegations", "log_index"),
        sa.UniqueConstraint("id", name="uq_delegations_id"),
        **_STRICT,
    )


def _bookkeeping() -> None:
    op.create_table(
        "numbers",
        _text("sender"),
        _text("recipient"),
        _number("series"),
        _number("last"),
        _key("numbers", "sender", "recipient", "series"),
        **_KEYED,
    )
    op.create_table(
        "receipts",
        _text("sender"),
        _text("recipient"),
        _number("received_series"),
        _number("received_through"),
        _number("opened_through"),
        _number("sent_series"),
        _number("sent_through"),
        _number("issued_at"),
        _number("stored_at"),
        _blob("note"),
        _key("receipts", "sender", "recipient"),
        **_STRICT,
    )
    op.create_index("ix_receipts_recipient", "receipts", ["recipient"])
    op.create_table(
        "enrolments",
        _blob("id"),
        _text("member"),
        _number("stored_at"),
        _blob("note"),
        _key("enrolments", "id"),
        **_STRICT,
    )
    op.create_table(
        "blob_uploads",
        _blob("sha256"),
        _text("owner"),
        _number("size"),
        _number("uploaded_at"),
        _key("blob_uploads", "sha256", "owner"),
        **_STRICT,
    )
    op.create_index("ix_blob_uploads_owner", "blob_uploads", ["owner"])
    op.create_table(
        "blob_references",
        _blob("sha256"),
        _number("log_index"),
        _logged("blob_references"),
        _key("blob_references", "sha256", "log_index"),
        **_KEYED,
    )


def downgrade() -> None:
    """Drop the tables, which nothing below could hold. Raises RuntimeError unless the log is empty."""
    if op.get_bind().execute(sa.text("SELECT 1 FROM entries LIMIT 1")).first() is not None:
        raise RuntimeError("the log is not empty: there is no schema below the first to carry it down to")
    for table in (
        "blob_references",
        "blob_uploads",
        "enrolments",
        "receipts",
        "numbers",
        "delegations",
        "rosters",
        "recipients",
        "dispatches",
        "cosignatures",
        "checkpoints",
        "entries",
    ):
        op.drop_table(table)
