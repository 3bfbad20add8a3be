"""The desk of one home: its node, its register, its names, and what day it is.

::

    with Node.open(home, passphrase) as node:
        desk = Desk.open(node)
        desk.register.get("MTCR/DN/FR/2026/0012")

Opening reads what became readable since the last time, so that every answer is about everything that was received.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from envoi_client.node import Node
from envoi_client.node.session import Session
from envoi_client.store.database import Database
from envoi_keys.errors import LocalError
from envoi_keys.regimes import Profile

from .names import NameIndex
from .reading import News, head, read_news
from .register import Register
from .schema import STEPS


@dataclass(frozen=True, slots=True)
class Desk:
    """An open desk. ``news`` is what opening it has read."""

    node: Node
    database: Database
    register: Register
    names: NameIndex
    news: News

    @classmethod
    def open(cls, node: Node) -> Desk:
        """The desk over an open node. Raises LocalError if the store fails."""
        session = node.session
        database = session.store.extended("desk", STEPS)
        names = NameIndex(database)
        register = Register(database, names, session.profile)
        return cls(node, database, register, names, read_news(session, database, register))

    @property
    def session(self) -> Session:
        """The node's session: its store, its keys, its clock."""
        return self.node.session

    @property
    def profile(self) -> Profile:
        """The regime's profile."""
        return self.node.session.profile

    @property
    def me(self) -> str:
        """This member's id."""
        return self.node.me

    @property
    def now(self) -> int:
        """The time, in seconds since the epoch."""
        return self.node.session.clock()

    @property
    def today(self) -> date:
        """The day, in UTC."""
        return datetime.fromtimestamp(self.now, UTC).date()

    @property
    def head(self) -> int:
        """The log index up to which this desk has read; -1 before the first dispatch."""
        return head(self.database)

    def as_of(self, text: str | None) -> int | None:
        """The log index that an officer means by an index or a day (``YYYY-MM-DD``, to its end in UTC); None for now.

        Raises LocalError for anything else.
        """
        if text is None:
            return None
        if text.isascii() and text.isdigit() and len(text) < 16:
            return int(text)
        try:
            day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            raise LocalError(
                f"{text[:40]} is neither an index of the log nor a day", hint="write an index, or a day as YYYY-MM-DD"
            ) from None
        return self.register.index_of_day(int(day.timestamp()) + 86_399)
