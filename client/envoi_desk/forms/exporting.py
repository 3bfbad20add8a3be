"""What leaves the register for another system: as JSON, or as rows of a form.

A cursor says how far somebody has read. It counts by the index of the log and by what became readable here, never by
time, so that a dispatch that came late is not passed over; what is told again is told with the same dispatch id.
Nothing is held in memory: a hundred thousand notices are written as they are read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from envoi_client.documents import AggregateDenial, DenialNotice, tabular
from envoi_client.documents.denial import CATCH_ALL
from envoi_client.documents.text import shown
from envoi_client.store.arrivals import Arrivals
from envoi_keys.encoding import format_time
from envoi_keys.errors import LocalError, Malformed

from ..register import Query, Register, Version
from .columns import AGGREGATE, FULL, PROVENANCE, Form, flat

FORMAT: Final = "envoi-denials/1"
_CURSOR: Final = re.compile(r"([0-9a-f]{16})\.([0-9]{1,15})\.(-1|[0-9]{1,15})")
_ORIGIN: Final = 16


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far somebody has read: of which exchange (the beginning of its id), of what became readable here, of its log.

    ``str()`` is the form that is written and read.
    """

    exchange: str
    seq: int
    head: int

    def __str__(self) -> str:
        return f"{self.exchange[:_ORIGIN]}.{self.seq}.{self.head}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """The cursor that ``text`` writes. Raises Malformed."""
        match = _CURSOR.fullmatch(text.strip())
        if match is None:
            raise Malformed(f"{shown(text)} is not a cursor", field="--since", hint="give what the last export said")
        return cls(match[1], int(match[2]), int(match[3]))


def cursor_now(exchange: str, arrivals: Arrivals, head: int) -> Cursor:
    """The cursor of somebody who has everything up to the log index ``head``."""
    return Cursor(exchange[:_ORIGIN], arrivals.since(0).seq, head)


def changes_since(register: Register, arrivals: Arrivals, cursor: Cursor, now: Cursor) -> Iterator[Version]:
    """Every version that the holder of ``cursor`` may lack, in the order of the log.

    Raises LocalError for a cursor of another exchange, or of a store that had more than this one.
    """
    if cursor.exchange != now.exchange or cursor.seq > now.seq or cursor.head > now.head:
        what = "another exchange" if cursor.exchange != now.exchange else "a store that had read more than this one"
        raise LocalError(f"the cursor {cursor} is of {what}", hint="export everything once, without --since")
    late = arrivals.since(cursor.seq).lowest
    # What came late stands below the cursor, and may have changed what followed it.
    return register.changes(cursor.head if late is None else min(cursor.head, late - 1))


def matches(query: Query, version: Version) -> bool:
    """Whether a version is one that ``query`` asks for, as it stands now."""
    entry = query.control_entry
    wanted: tuple[tuple[Any, Any], ...] = (
        (query.author, version.author),
        (query.state, version.state),
        (query.destination, version.destination),
        (query.exercise, version.exercise),
        (query.catch_all, version.catch_all),
        (query.year, version.decided_on.year),
    )
    return (
        all(asked is None or asked == found for asked, found in wanted)
        and (entry is None or any(one == entry or one.startswith(f"{entry}.") for one in version.entries))
        and (entry != CATCH_ALL or version.catch_all)
        and query.says(json.dumps(version.content, ensure_ascii=False).casefold())
    )


def write_json(
    file: BinaryIO,
    head: Mapping[str, Any],
    versions: Iterable[Version],
    record: Callable[[Version], Mapping[str, Any]],
) -> int:
    """Write ``head`` and under it the list ``notices``, one record a line; how many there are."""
    opening = json.dumps({"format": FORMAT, **head}, ensure_ascii=False)[:-1]
    file.write(f'{opening}, "notices": ['.encode())
    count = 0
    for version in versions:
        file.write(b"\n" if count == 0 else b",\n")
        file.write(json.dumps(record(version), ensure_ascii=False).encode())
        count += 1
    file.write(b"\n]}\n")
    return count


@dataclass(slots=True)
class Tally:
    """How many notices were written as rows, and how many have no place in the form."""

    written: int = 0
    passed_over: int = 0


def public_rows(versions: Iterable[Version], tally: Tally) -> Iterator[list[str]]:
    """The rows of the public tabular form, which has no aggregates."""
    for version in versions:
        notice = version.notice
        if not isinstance(notice, DenialNotice):
            tally.passed_over += 1
            continue
        tally.written += 1
        for row in tabular.rows(notice):
            yield [row[column] for column in tabular.COLUMNS]


def template_header(form: Form) -> list[str]:
    """The columns of a template in an export: its own, then where each row comes from."""
    return [*form.columns, *PROVENANCE]


def template_rows(form: Form, versions: Iterable[Version], tally: Tally) -> Iterator[list[str]]:
    """The rows of a template: those of FULL have one for each party, those of AGGREGATE one for each document."""
    assert form in (FULL, AGGREGATE)
    for version in versions:
        if version.type != form.type:
            tally.passed_over += 1
            continue
        tally.written += 1
        logged = "" if version.logged_at is None else format_time(version.logged_at)
        provenance = [str(version.index), version.id, version.state, logged]
        for party in version.content["parties"] if form.type != AggregateDenial.type else (None,):
            yield [*flat(form, version.content, party), *provenance]
