"""From dispatches to what the desk knows: everything readable, in the order of the log, each to where it belongs.

Costs what is new. If something became readable below what was read already (a dispatch that the relay first withheld,
a key that came later), everything from there is undone and read again, so that what is known depends on the log alone
and never on the order in which it came.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final

from envoi_client.node.session import Session
from envoi_client.store import Readable
from envoi_client.store.database import Database
from envoi_keys.dispatches import Dispatch
from envoi_keys.notes import Note

from . import consultation
from .clock import log_time
from .register import Refusal, Register
from .register.store import TYPES

_BATCH: Final = 500
"""Dispatches read in one transaction."""
_CONSULTATION: Final = ("consultation/v1", "undercut/v1")


@dataclass(slots=True)
class News:
    """What one reading found: the log indexes taken into the register, and what was refused."""

    versions: list[int] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def read_news(session: Session, database: Database, register: Register) -> News:
    """Read what became readable since the last time, all of a batch or none. Raises LocalError."""
    news = News()
    _note_arrivals(session, database, register)
    while True:
        batch = _batch(session, database)
        if not batch:
            return news
        with database.transaction():
            for one in batch:
                _take(session, database, register, one, news)
            database.run("UPDATE desk_reading SET next = ?", (batch[-1].index + 1,))
        session.progress("reading notices", batch[-1].index, session.store.log.count(), "entries")


def head(database: Database) -> int:
    """The log index up to which dispatches were read; -1 before the first."""
    row = database.one("SELECT next FROM desk_reading")
    assert row is not None  # made with the table
    return int(row[0]) - 1


def _note_arrivals(session: Session, database: Database, register: Register) -> None:
    with database.transaction():
        row = database.one("SELECT seq, next FROM desk_reading")
        assert row is not None  # made with the table
        seq, next_ = map(int, row)
        arrived = session.store.arrivals.since(seq)
        if arrived.lowest is not None and arrived.lowest < next_:
            register.rewind(arrived.lowest)
            next_ = arrived.lowest
        database.run("UPDATE desk_reading SET seq = ?, next = ?", (arrived.seq, next_))


def _batch(session: Session, database: Database) -> list[Readable]:
    found: list[Readable] = []
    for one in session.store.arrivals.readable(head(database) + 1):
        found.append(one)
        if len(found) == _BATCH:
            break
    return found


def _take(session: Session, database: Database, register: Register, one: Readable, news: News) -> None:
    if not one.body:
        # Our own, of before a restore: it was sealed to others, and this store did not make it.
        return
    body = json.loads(one.body)
    kind: str = body["type"]
    if kind not in (*TYPES, *_CONSULTATION):
        return
    header = Dispatch.parse(Note.parse(one.note).text)
    at = log_time(session, one.index)
    logged_at = at.seconds if at else None
    if kind in TYPES:
        refusal = register.take(one.index, one.id, header.sender, kind, body["content"], logged_at)
        if refusal:
            news.refused.append(refusal)
        else:
            news.versions.append(one.index)
        return
    consultation.apply(database, one.index, header.sender, header.recipients, body, logged_at)
