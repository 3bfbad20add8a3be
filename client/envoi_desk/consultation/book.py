"""The consultations of one member: kept dispatch by dispatch, and read back as they stand.

:func:`apply` only keeps what was sent; it may be called again for the same dispatch and in any order. What stands is
computed from all steps when it is asked for, which for what nothing can fall due in any more is seldom.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from envoi_client.documents import InvalidDocument, UndercutNotice, parse_consultation, parse_undercut
from envoi_client.documents.consultation import Outcome
from envoi_client.store.database import Database, Row
from envoi_keys.errors import LocalError, Refused
from envoi_keys.regimes import Profile

from .clock import day_of
from .rules import Course, Sent, State, course, standing

_PAGE: Final = 200
_MOST_MEANT: Final = 100
"""Consultations that one beginning of an id may mean; a whole id means at most one with each Partner."""
_MAX_ID_CHARS: Final = 64
"""Of an id that obeys no form: what is kept of it to show it."""


def apply(
    database: Database,
    index: int,
    sender: str,
    recipients: Sequence[str],
    body: Mapping[str, Any],
    logged_at: int | None,
) -> None:
    """Keep one dispatch of a consultation or one undercut notice, received or own. Raises LocalError.

    ``body`` is the JSON object that was sealed, ``logged_at`` the log's time in seconds since the epoch.
    """
    content = body["content"]
    text = json.dumps(content, ensure_ascii=False)
    with database.transaction():
        if body["type"] == UndercutNotice.type:
            reference = str(content.get("regime_reference", ""))
            database.run(
                "INSERT OR REPLACE INTO desk_undercuts VALUES (?, ?, ?, ?, ?)",
                (index, sender, reference, text, logged_at),
            )
            return
        id_ = str(content.get("consultation", ""))[:_MAX_ID_CHARS]
        for recipient in recipients:
            pair = _pair(sender, recipient)
            database.run(
                "INSERT OR REPLACE INTO desk_consultation_steps VALUES (?, ?, ?, ?, ?, ?, ?)",
                (index, pair, id_, sender, json.dumps(list(recipients)), text, logged_at),
            )
            database.run(
                """INSERT INTO desk_consultations VALUES (?, ?, ?, 0)
                   ON CONFLICT DO UPDATE SET first = min(first, excluded.first), settled = 0""",
                (id_, pair, index),
            )


@dataclass(frozen=True, slots=True)
class Undercut:
    """The undercut notice that a grant calls for: due by ``due``, at most ``latest``; ``index`` once it was sent."""

    due: date | None
    latest: date | None
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Consultation:
    """One consultation as it stands for this member: its ``course``, and what follows from the log's time."""

    course: Course
    peer: str
    state: State
    undercut: Undercut | None = None

    @property
    def id(self) -> str:
        """The consultation's id."""
        return self.course.id

    @property
    def own(self) -> bool:
        """Whether this member opened it."""
        return self.course.opener not in ("", self.peer)

    @property
    def settled(self) -> bool:
        """Whether nothing can fall due in it any more."""
        if self.state is State.UNOPENED:
            return True
        return self.state is State.CLOSED and (self.undercut is None or self.undercut.index is not None)


class Book:
    """The consultations of the member ``me``. ``log_now`` is the time that the log showed when it was last read."""

    def __init__(self, database: Database, profile: Profile, me: str, log_now: int | None) -> None:
        self._database = database
        self._profile = profile
        self._me = me
        self._log_now = log_now

    def correct(self, log_time: Callable[[int], int | None]) -> None:
        """Take over earlier times of the steps of what is not settled: ``log_time`` gives the log's time of an index.

        The time of an entry is an upper bound, which comes down when an older checkpoint over it turns up. Both sides
        come closer to the same days that way.
        """
        rows = self._database.all(
            """SELECT DISTINCT idx, logged_at FROM desk_consultations JOIN desk_consultation_steps
               USING (consultation, pair) WHERE settled = 0"""
        )
        for index, held in rows:
            found = log_time(index)
            if found is not None and (held is None or found < held):
                self._database.run("UPDATE desk_consultation_steps SET logged_at = ? WHERE idx = ?", (found, index))

    def pending(self) -> list[Consultation]:
        """Those in which something can fall due, in the order in which they began."""
        rows = self._database.all("SELECT consultation, pair FROM desk_consultations WHERE settled = 0 ORDER BY first")
        found, settled = [], []
        for id_, pair in rows:
            one = self._read(id_, pair)
            if one is None or one.settled:
                settled.append((id_, pair))
            else:
                found.append(one)
        if settled:
            self._database.many(
                "UPDATE desk_consultations SET settled = 1 WHERE consultation = ? AND pair = ?", settled
            )
        return found

    def listing(self) -> Iterator[Consultation]:
        """All of them in the order in which they began, a page at a time."""
        after = (-1, "", "")
        while True:
            rows = self._database.all(
                """SELECT first, consultation, pair FROM desk_consultations
                   WHERE (first, consultation, pair) > (?, ?, ?) ORDER BY first, consultation, pair LIMIT ?""",
                (*after, _PAGE),
            )
            for _, id_, pair in rows:
                one = self._read(id_, pair)
                if one is not None:
                    yield one
            if len(rows) < _PAGE:
                return
            after = rows[-1]

    def find(self, text: str) -> Consultation:
        """The one that an officer means by its id or the beginning of it, with ``/DE`` where two Partners share it.

        Raises Refused ``unknown-consultation`` and LocalError.
        """
        prefix, _, peer = text.partition("/")
        prefix = prefix.lower()
        if not prefix or prefix.strip("0123456789abcdef"):
            raise LocalError("an id has hexadecimal digits only", hint="envoi consult list shows the ids")
        rows = self._database.all(
            """SELECT consultation, pair FROM desk_consultations WHERE consultation >= ?1 AND consultation < ?2
               AND (pair LIKE ?3 || ' %' OR pair LIKE '% ' || ?3) ORDER BY consultation LIMIT ?4""",
            (prefix, f"{prefix}g", self._me, _MOST_MEANT),
        )
        read = [one for id_, pair in rows if (one := self._read(id_, pair)) is not None]
        found = [one for one in read if not peer or one.peer == peer]
        # What nobody opened does not make the id of one that was opened ambiguous.
        found = [one for one in found if one.state is not State.UNOPENED] or found
        if not found:
            raise Refused(
                f"no consultation begins with {prefix[:32]}",
                reason="unknown-consultation",
                hint="envoi consult list shows the ids; envoi sync fetches what is new",
            )
        if len(found) > 1:
            named = " or ".join(f"{prefix[:32]}/{one.peer}" for one in found)
            hint = f"write {named}" if len({one.id for one in found}) == 1 else "give more digits"
            raise LocalError(f"{prefix[:32]} begins {len(found)} consultations", hint=hint)
        return found[0]

    def _read(self, id_: str, pair: str) -> Consultation | None:
        peers = pair.split(" ")
        if self._me not in peers:
            # A step that went to several stands under each of them.
            return None
        rows = self._database.all(
            """SELECT idx, sender, recipients, content, logged_at FROM desk_consultation_steps
               WHERE consultation = ? AND pair = ?""",
            (id_, pair),
        )
        found = course(id_, [_sent(row, self._profile) for row in rows], self._profile)
        peer = peers[1] if peers[0] == self._me else peers[0]
        state = standing(found, self._profile, self._log_now)
        return Consultation(found, peer, state, self._undercut(found))

    def _undercut(self, found: Course) -> Undercut | None:
        if found.outcome is not Outcome.GRANTED or found.request is None:
            return None
        clocks, day = self._profile.clocks, day_of(found.closed_at)
        rows = self._database.all(
            "SELECT idx, content FROM desk_undercuts WHERE sender = ? AND reference = ? ORDER BY idx",
            (found.opener, found.request.regime_reference),
        )
        return Undercut(
            day + timedelta(days=clocks.undercut_notice_days) if day else None,
            day + timedelta(days=clocks.undercut_notice_days_max) if day else None,
            next((int(index) for index, content in rows if _about(found, content, self._profile)), None),
        )


def _about(found: Course, content: str, profile: Profile) -> bool:
    """Whether an undercut notice of the opener about the notice is the one of this case."""
    try:
        notice = parse_undercut(json.loads(content), profile, (found.opener,))
    except InvalidDocument:
        return False
    assert found.request is not None  # the caller has asked
    case = (found.request.case_reference, found.request.exercise, found.opener)
    return (notice.case_reference, notice.exercise, notice.granting_government) == case


def _sent(row: Row, profile: Profile) -> Sent:
    index, sender, recipients, content, logged_at = row
    try:
        step, fault = parse_consultation(json.loads(content), profile), ""
    except InvalidDocument as error:
        step, fault = None, f"it breaks its form: {error.problems[0]}"
    return Sent(int(index), sender, tuple(json.loads(recipients)), logged_at, step, fault)


def _pair(one: str, other: str) -> str:
    """The two Partners as one key, whoever of them is asked."""
    return " ".join(sorted((one, other)))
