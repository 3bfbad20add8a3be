"""What one member keeps: everything as it was received and what was concluded from it, encrypted at rest.

All SQL of the client is in this package, one module for each topic. Nothing here decides what to believe,
nor looks at the clock: callers bring verdicts and times. Several writes that belong together stand in one
``with store.transaction():``, which is durable when it ends and has not happened if it raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from .alarms import Alarm, Alarms
from .arrivals import Arrivals, News, Readable
from .blobs import Blob, Blobs
from .database import Database, Step
from .dispatches import Dispatches, InboxEntry, Received
from .log import Log
from .numbers import Link, Numbers
from .receipts import Receipts, StoredReceipt
from .rosters import Rosters, StoredDelegation, StoredRoster
from .schema import STEPS
from .sent import Outbox, OutboxEntry

__all__ = [
    "Alarm",
    "Blob",
    "InboxEntry",
    "Link",
    "News",
    "OutboxEntry",
    "Readable",
    "Received",
    "Store",
    "StoredDelegation",
    "StoredReceipt",
    "StoredRoster",
]


class Store:
    """The open store of one home. Close it, or use it as a context manager; one in each process.

    Its parts hold the queries: ``log``, ``rosters``, ``inbox``, ``outbox``, ``numbers``, ``receipts``,
    ``blobs``, ``alarms``, ``arrivals``. Every method of every part raises LocalError if the file is damaged, locked, or
    the disk full.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        """Open or make the database at ``path`` under the 32-byte ``key`` from the vault."""
        self._database = Database(path, key, STEPS)
        self.log = Log(self._database)
        self.rosters = Rosters(self._database)
        self.inbox = Dispatches(self._database)
        self.outbox = Outbox(self._database)
        self.numbers = Numbers(self._database)
        self.receipts = Receipts(self._database)
        self.blobs = Blobs(self._database)
        self.alarms = Alarms(self._database)
        self.arrivals = Arrivals(self._database)

    def transaction(self) -> AbstractContextManager[None]:
        """All of the block or nothing of it, durable at its end. Inside another one, part of that one."""
        return self._database.transaction()

    def extended(self, package: str, steps: Sequence[Step]) -> Database:
        """The database, with the tables that ``package`` keeps beside ours brought to the end of its ``steps``.

        What a package concludes from the inbox is then written in one transaction with it. It reads our tables
        through our parts alone.
        """
        self._database.extend(package, steps)
        return self._database

    def check(self) -> list[str]:
        """What is wrong with the file, in words; nothing if it is whole. Reads every page."""
        return self._database.check()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
