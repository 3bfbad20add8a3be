"""The tables of the relay, as SQLAlchemy Core sees them; `migrations` makes them and a test holds the two
equal.

Notes, openings, bodies and entries are bytes that somebody else signed or hashed: they are stored as they
came and no statement here ever changes them. What is logged is only ever inserted; the relay's own
bookkeeping (numbers, newest receipts, enrolments, uploads) may be replaced.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# STRICT tables of SQLite know INTEGER, TEXT and BLOB, and refuse a value of another type. On other databases
# the numbers here need 64 bits.
_NUMBER: Final = BigInteger().with_variant(Integer(), "sqlite")
_STRICT: Final[dict[str, Any]] = {"sqlite_strict": True}
# Rows that are found by their whole key alone lie in the key's own tree.
_KEYED: Final[dict[str, Any]] = {"sqlite_strict": True, "sqlite_with_rowid": False}


def _logged(**options: Any) -> Column[int]:
    """The log index of an entry that stands in `entries`."""
    return Column("log_index", _NUMBER, ForeignKey("entries.log_index"), nullable=False, **options)


entries = Table(
    "entries",
    metadata,
    Column("log_index", _NUMBER, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    **_STRICT,
)
"""The log: for each index the statement's type, the SHA-256 of its note and the leaf hash.

The primary key is also the fence: of two writers that believe to be alone, only one commits an index.
"""

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", _NUMBER, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
    **_STRICT,
)
"""Every checkpoint that was signed, one for each batch: a retry is answered with the one it was answered
with.
"""

dispatches = Table(
    "dispatches",
    metadata,
    _logged(primary_key=True, autoincrement=False),
    Column("id", LargeBinary, nullable=False, unique=True),
    Column("sender", Text, nullable=False),
    Column("series", _NUMBER, nullable=False),
    Column("note", LargeBinary, nullable=False),
    Column("openings", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "sender", "log_index"),
    **_STRICT,
)

recipients = Table(
    "recipients",
    metadata,
    _logged(primary_key=True),
    Column("member", Text, primary_key=True),
    Column("position", _NUMBER, nullable=False),
    Column("number", _NUMBER, nullable=False),
    **_KEYED,
)
"""To whom a dispatch went, at which position of its header, under which number.

Clustered by dispatch and not by member: a notice to all then touches one page in place of one for each
member.
"""

numbers = Table(
    "numbers",
    metadata,
    Column("sender", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    Column("series", _NUMBER, primary_key=True),
    Column("last", _NUMBER, nullable=False),
    **_KEYED,
)
"""The last number of each sender for each recipient: what `recipients` says, at hand."""

rosters = Table(
    "rosters",
    metadata,
    Column("version", _NUMBER, primary_key=True, autoincrement=False),
    _logged(unique=True),
    Column("id", LargeBinary, nullable=False, unique=True),
    Column("note", LargeBinary, nullable=False),
    **_STRICT,
)

delegations = Table(
    "delegations",
    metadata,
    _logged(primary_key=True, autoincrement=False),
    Column("id", LargeBinary, nullable=False, unique=True),
    Column("authority", Text, nullable=False),
    Column("delegate", Text, nullable=False),
    Column("note", LargeBinary, nullable=False),
    **_STRICT,
)

cosignatures = Table(
    "cosignatures",
    metadata,
    Column("size", _NUMBER, ForeignKey("checkpoints.size"), primary_key=True),
    Column("member", Text, primary_key=True),
    Column("time", _NUMBER, nullable=False),
    Column("line", Text, nullable=False),
    **_KEYED,
)
"""Each member's first cosignature of a checkpoint, as the line that stands in a note."""

receipts = Table(
    "receipts",
    metadata,
    Column("sender", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    Column("received_series", _NUMBER, nullable=False),
    Column("received_through", _NUMBER, nullable=False),
    Column("opened_through", _NUMBER, nullable=False),
    Column("sent_series", _NUMBER, nullable=False),
    Column("sent_through", _NUMBER, nullable=False),
    Column("issued_at", _NUMBER, nullable=False),
    Column("stored_at", _NUMBER, nullable=False),
    Column("note", LargeBinary, nullable=False),
    Index(None, "recipient"),
    **_STRICT,
)
"""The newest receipt of each pair."""

enrolments = Table(
    "enrolments",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("member", Text, nullable=False),
    Column("stored_at", _NUMBER, nullable=False),
    Column("note", LargeBinary, nullable=False),
    **_STRICT,
)
"""Requests to be put into the roster, until a roster holds their keys; the id is that of the statement."""

blob_uploads = Table(
    "blob_uploads",
    metadata,
    Column("sha256", LargeBinary, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("size", _NUMBER, nullable=False),
    Column("uploaded_at", _NUMBER, nullable=False),
    Index(None, "owner"),
    **_STRICT,
)
"""Who has uploaded which blob, whole. What is unfinished is known to the store of the blobs alone."""

blob_references = Table(
    "blob_references",
    metadata,
    Column("sha256", LargeBinary, primary_key=True),
    _logged(primary_key=True),
    **_KEYED,
)
"""Which dispatch names which blob."""
