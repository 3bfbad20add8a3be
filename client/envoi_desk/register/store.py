"""The register in the store: versions are taken in the order of the log, and read back as of any index of it.

:meth:`Register.take` decides by :mod:`.rules` and writes; nothing else does. If something comes late, below what was
taken already, :meth:`Register.rewind` undoes everything from there, exactly, and it is taken again. Every method raises
LocalError if the store fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from envoi_client.documents import InvalidDocument, parse
from envoi_client.documents.denial import DenialNotice
from envoi_client.store.database import Database
from envoi_keys.errors import PeerError, Refused
from envoi_keys.limits import MAX_INTEGER
from envoi_keys.regimes import Profile

from ..names import IndexedName, Name, NameIndex
from . import identifiers
from .query import Query
from .rules import Held, Notice, check_author, check_change, check_superseded
from .versions import COLUMNS, Version, read, row_of, state

TYPES: Final = ("denial/v1", "aggregate/v1")
"""The documents that make the register."""

_PAGE: Final = 200
_ROW: Final = f"SELECT {COLUMNS} FROM desk_versions"  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True)
class Refusal:
    """A dispatch that was to change the register and broke a rule: who sent it, about what, and why it did nothing."""

    index: int
    id: str
    author: str
    type: str
    reference: str
    reason: str
    message: str


class Register:
    """The register of one home. ``profile`` is the regime's."""

    def __init__(self, database: Database, names: NameIndex, profile: Profile) -> None:
        self._database = database
        self._names = names
        self._profile = profile

    # -- writing, in the order of the log ---------------------------------------------------------------

    def take(
        self, index: int, id_: str, author: str, type_: str, content: object, logged_at: int | None
    ) -> Refusal | None:
        """Take the document of one dispatch; why it changes nothing, or None where it did. Raises LocalError."""
        reference = ""
        try:
            if isinstance(content, dict):
                reference = str(content.get("regime_reference", ""))[:200]
            # Whether the sender may notify is asked below: to take another's name is worse than a form that is wrong.
            notice = parse(type_, content, self._profile, {author, *(state.id for state in self._profile.partners)})
            assert isinstance(notice, Notice)
            check_author(notice, author, self._profile)
            check_change(self._held(notice.regime_reference), notice)
            superseded = self._superseded(notice)
        except PeerError as error:
            reason = error.reason if isinstance(error, Refused) else "invalid-document"
            message = str(error) if not isinstance(error, InvalidDocument) else error.message
            refusal = Refusal(index, id_, author, type_, reference, reason, message)
            self._database.run(
                "INSERT OR REPLACE INTO desk_refused VALUES (?, ?, ?, ?, ?, ?, ?)",
                (index, id_, author, type_, reference, reason, message),
            )
            return refusal
        self._put(index, id_, author, notice, logged_at, superseded)
        return None

    def rewind(self, start: int) -> None:
        """Undo everything that dispatches from the log index ``start`` on have done."""
        database = self._database
        with database.transaction():
            for index, exercise in database.all("SELECT idx, exercise FROM desk_versions WHERE idx >= ?", (start,)):
                self._names.remove(_source(bool(exercise)), int(index))
            database.run("DELETE FROM desk_entries WHERE idx >= ?", (start,))
            database.run("DELETE FROM desk_identifiers WHERE idx >= ?", (start,))
            database.run("DELETE FROM desk_versions WHERE idx >= ?", (start,))
            database.run("DELETE FROM desk_refused WHERE idx >= ?", (start,))
            database.run("UPDATE desk_versions SET until = NULL WHERE until >= ?", (start,))
            database.run("UPDATE desk_versions SET superseded_at = NULL WHERE superseded_at >= ?", (start,))

    def _put(
        self, index: int, id_: str, author: str, notice: Notice, logged_at: int | None, superseded: str | None
    ) -> None:
        database, reference = self._database, notice.regime_reference
        with database.transaction():
            database.run("UPDATE desk_versions SET until = ? WHERE reference = ? AND until IS NULL", (index, reference))
            if superseded is not None:
                database.run(
                    "UPDATE desk_versions SET superseded_at = ? WHERE reference = ? AND until IS NULL",
                    (index, superseded),
                )
            row = row_of(index, id_, author, notice, logged_at)
            database.run(
                f"INSERT INTO desk_versions ({COLUMNS}) VALUES ({', '.join('?' * len(row))})",  # noqa: S608
                row,
            )
            database.many(
                "INSERT INTO desk_entries (entry, idx) VALUES (?, ?)",
                [(entry, index) for entry in notice.control_entries],
            )
            if isinstance(notice, DenialNotice):
                database.many(
                    "INSERT INTO desk_identifiers (value, idx) VALUES (?, ?)",
                    [(value, index) for value in sorted(identifiers.values(notice.parties))],
                )
                self._names.put(_source(notice.exercise), index, _names(notice))

    def _held(self, reference: str) -> Held | None:
        found = self.get(reference)
        return Held(found.notice, found.state) if found else None

    def _superseded(self, notice: Notice) -> str | None:
        reference = notice.supersedes if isinstance(notice, DenialNotice) else None
        return reference if reference and check_superseded(self._held(reference), notice) else None

    # -- reading ---------------------------------------------------------------------------------------

    def get(self, reference: str, *, as_of: int | None = None) -> Version | None:
        """The version of a notice that was the last one as of a log index, by default of all; None if there is none."""
        at = _at(as_of)
        row = self._database.one(
            f"{_ROW} WHERE reference = ? AND idx <= ? AND (until IS NULL OR until > ?)", (reference, at, at)
        )
        return read(row, at, self._profile) if row else None

    def at(self, index: int) -> Version | None:
        """The version that the dispatch at one log index brought, with its state as of now; or None."""
        row = self._database.one(f"{_ROW} WHERE idx = ?", (index,))
        return read(row, MAX_INTEGER, self._profile) if row else None

    def history(self, reference: str) -> list[Version]:
        """Every version of a notice, oldest first."""
        rows = self._database.all(f"{_ROW} WHERE reference = ? ORDER BY idx", (reference,))
        return [read(row, MAX_INTEGER, self._profile) for row in rows]

    def listing(self, query: Query = Query(), *, as_of: int | None = None) -> Iterator[Version]:  # noqa: B008 - frozen
        """The notices that ``query`` asks for as they stood at a log index, in the order of the log.

        Raises LocalError for a query that cannot be asked.
        """
        at = _at(as_of)
        where, values = query.conditions()
        return self._pages(query, where, {**values, "as_of": at}, at, -1)

    def changes(self, after: int) -> Iterator[Version]:
        """Every version above the log index ``after``, in the order of the log: what a reader of the last one lacks."""
        return self._pages(Query(), "1", {}, MAX_INTEGER, after)

    def _pages(self, query: Query, where: str, values: dict[str, object], at: int, after: int) -> Iterator[Version]:
        while True:
            rows = self._database.all(
                f"{_ROW} WHERE idx > :after AND {where} ORDER BY idx LIMIT {_PAGE}", {**values, "after": after}
            )
            for row in rows:
                if query.says(row[12]):
                    yield read(row, at, self._profile)
            if len(rows) < _PAGE:
                return
            after = int(rows[-1][0])

    def due(self, author: str, by: str) -> list[Version]:
        """Notices of ``author`` in force whose review is due by a day (``YYYY-MM-DD``), the most urgent first."""
        rows = self._database.all(
            f"""{_ROW} WHERE author = ? AND until IS NULL AND superseded_at IS NULL AND status <> 'revoked'
                AND review_by <= ? ORDER BY review_by, idx""",
            (author, by),
        )
        return [read(row, MAX_INTEGER, self._profile) for row in rows]

    def refused(self) -> list[Refusal]:
        """What was refused, in the order of the log."""
        rows = self._database.all(
            "SELECT idx, id, author, type, reference, reason, message FROM desk_refused ORDER BY idx"
        )
        return [Refusal(*row) for row in rows]

    def state_at(self, index: int, as_of: int) -> str | None:
        """The state as of ``as_of`` of the version at ``index``; None if another version stood then, or none."""
        row = self._database.one(
            """SELECT status, superseded_at FROM desk_versions
               WHERE idx = ? AND idx <= ? AND (until IS NULL OR until > ?)""",
            (index, as_of, as_of),
        )
        return state(row[0], row[1], as_of) if row else None

    def bearing(self, values: Iterable[str]) -> list[int]:
        """The log index of every version with a party that bears one of these numbers, which are plain."""
        found = {
            int(index)
            for value in values
            for (index,) in self._database.all("SELECT idx FROM desk_identifiers WHERE value = ?", (value,))
        }
        return sorted(found)

    def index_of_day(self, last_second: int) -> int:
        """The log index of the last version that was logged by then (seconds since the epoch); -1 if none was."""
        row = self._database.one(
            "SELECT coalesce(max(idx), -1) FROM desk_versions WHERE logged_at <= ?", (last_second,)
        )
        return int(row[0]) if row else -1

    def count(self) -> int:
        """How many versions are held."""
        row = self._database.one("SELECT count(*) FROM desk_versions")
        return int(row[0]) if row else 0


def _at(as_of: int | None) -> int:
    return MAX_INTEGER if as_of is None else as_of


def _source(exercise: bool) -> str:
    return "exercise" if exercise else "denials"


def _names(notice: DenialNotice) -> list[IndexedName]:
    return [
        IndexedName(Name(name, country=party.country), number, position)
        for number, party in enumerate(notice.parties)
        for position, name in enumerate(party.names)
    ]
