"""One version of one notice, as the register keeps it.

What a list shows stands in columns; the notice itself is read from its content when it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Final, cast

from envoi_client.documents import DenialNotice, parse
from envoi_keys.regimes import Profile

from .rules import IN_FORCE, REVOKED, SUPERSEDED, Notice, State

COLUMNS: Final = (
    "idx, id, author, reference, type, status, exercise, catch_all, destination, decided_on, review_by, title, "
    "content, logged_at, until, superseded_at"
)


@dataclass(frozen=True)
class Version:
    """A notice as the dispatch at the log ``index`` left it.

    ``state`` is as of the point of the log that was asked for. ``decided_on`` is the day of the denial, or the last one
    of an aggregate's period; ``title`` names the first party. ``logged_at`` is in seconds since the epoch by the log's
    time, None where that is not known. ``until`` is the index of the version that followed, or of the notice that
    superseded it; None while nothing has.
    """

    index: int
    id: str
    author: str
    reference: str
    type: str
    status: str
    state: State
    exercise: bool
    catch_all: bool
    destination: str
    decided_on: date
    review_by: date | None
    title: str
    content: dict[str, Any]
    logged_at: int | None
    until: int | None
    _profile: Profile = field(repr=False, compare=False)

    @cached_property
    def notice(self) -> Notice:
        """The document itself. It obeyed its form when it was taken into the register."""
        return cast("Notice", parse(self.type, self.content, self._profile, (self.author,)))

    @property
    def entries(self) -> tuple[str, ...]:
        """The control entries."""
        return tuple(self.content["control_entries"])


def read(row: Sequence[Any], as_of: int, profile: Profile) -> Version:
    """The version in a row of :data:`COLUMNS`, with its state as of a log index."""
    (index, id_, author, reference, type_, status, exercise, catch_all, destination, decided_on, review_by) = row[:11]
    title, content, logged_at, until, superseded_at = row[11:]
    ended = [one for one in (until, superseded_at) if one is not None]
    return Version(
        index=index,
        id=id_,
        author=author,
        reference=reference,
        type=type_,
        status=status,
        state=state(status, superseded_at, as_of),
        exercise=bool(exercise),
        catch_all=bool(catch_all),
        destination=destination,
        decided_on=date.fromisoformat(decided_on),
        review_by=date.fromisoformat(review_by) if review_by else None,
        title=title,
        content=json.loads(content),
        logged_at=logged_at,
        until=min(ended, default=None),
        _profile=profile,
    )


def state(status: str, superseded_at: int | None, as_of: int) -> State:
    """Where a version stands as of a log index, if no later one of its reference came before that."""
    if status == REVOKED:
        return REVOKED
    return SUPERSEDED if superseded_at is not None and superseded_at <= as_of else IN_FORCE


def row_of(index: int, id_: str, author: str, notice: Notice, logged_at: int | None) -> tuple[Any, ...]:
    """The row of a new version, in the order of :data:`COLUMNS`."""
    content = json.dumps(notice.to_content(), ensure_ascii=False, separators=(",", ":"))
    if isinstance(notice, DenialNotice):
        decided, review, title = notice.date_of_denial, notice.review_by.isoformat(), notice.parties[0].name
    else:
        decided, review, title = notice.period.to, None, f"{notice.count} denials"
    return (
        index,
        id_,
        author,
        notice.regime_reference,
        notice.type,
        notice.status.value,
        int(notice.exercise),
        int(notice.catch_all),
        notice.destination_country,
        decided.isoformat(),
        review,
        title,
        content,
        logged_at,
        None,
        None,
    )
