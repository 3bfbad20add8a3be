"""``envoi statistics``: the tables that a plenary asks for, on the terminal or as CSV."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from cyclopts import Parameter

from envoi_client.cli.common import DEFAULT, Common, Flag, Several, table
from envoi_client.files import write_whole
from envoi_keys.errors import LocalError

from .. import statistics
from ..consultation.agenda import book_of
from ..desk import Desk
from ..forms.csv_files import write_csv
from ..register import Query
from ..statistics import COLUMNS, CONSULTATION, CONSULTATION_COLUMNS, GROUPS, Consulted
from .common import open_desk

_MAX_TITLE: Final = 48
"""Characters of a title in a table; CSV has all of it."""
_Group = Literal["partner", "item", "destination", "year", "review", "kind", "consultation"]


def show(
    *,
    by: Annotated[tuple[_Group, ...], Several] = (),
    from_: Annotated[int | None, Parameter(name="--from")] = None,
    to: int | None = None,
    as_of: str | None = None,
    exercise: Annotated[bool, Flag] = False,
    csv: Annotated[bool, Flag] = False,
    out: Path | None = None,
    common: Common = DEFAULT,
) -> None:
    """Count the denials on file, and the consultations of this Partner.

    Parameters
    ----------
    by
        What to count by; everything unless some are named.
    from_
        Only denials of this year and later.
    to
        Only denials of this year and earlier.
    as_of
        As it stood at this log index, or at the end of this day.
    exercise
        Count exercises, which are never among real ones.
    csv
        Print CSV instead of tables.
    out
        Write CSV to this file.
    """
    if from_ is not None and to is not None and from_ > to:
        raise LocalError(f"--from {from_} is after --to {to}", hint="write the earlier year first")
    groups = by or GROUPS
    with open_desk(common) as desk:
        at = desk.as_of(as_of)
        listed = desk.register.listing(Query(exercise=exercise), as_of=at)
        counts = statistics.count(listed, groups, desk.today, first=from_, last=to)
        consulted = statistics.count_consultations(_consulted(desk, exercise)) if CONSULTATION in groups else None
        rows = list(statistics.rows(counts, desk.profile.annex))
    value: dict[str, Any] = {
        group: [{"value": name, **asdict(one)} for name, one in found.items()] for group, found in counts.items()
    }
    consultation_rows = list(statistics.consultation_rows(consulted or {}))
    if consulted is not None:
        value[CONSULTATION] = [
            {
                "value": outcome,
                "consultations": one.count,
                "answered": one.answered,
                "median_days": one.median_days,
                "longest_days": one.longest_days,
            }
            for outcome, one in consulted.items()
        ]
    if out is not None:
        write_whole(out, _csv(rows, consultation_rows))
        common.answer({"file": str(out)}, [str(out)])
    elif csv:
        common.answer(value, _csv(rows, consultation_rows).decode().splitlines())
    else:
        common.answer(value, _tables(groups, rows, consultation_rows))


def _consulted(desk: Desk, exercise: bool) -> Iterator[Consulted]:
    for one in book_of(desk).listing():
        course = one.course
        if course.request is None or course.request.exercise is not exercise:
            continue
        outcome = (course.outcome.value if course.outcome else one.state.value).replace("_", " ")
        yield Consulted(outcome, course.opened_at, course.answered_at)


def _csv(rows: list[tuple[str, ...]], consultations: list[tuple[str, ...]]) -> bytes:
    file = io.BytesIO()
    wide = [(*row, *("" for _ in CONSULTATION_COLUMNS)) for row in rows]
    gap = tuple("" for _ in COLUMNS[2:])
    wide += [(CONSULTATION, row[0], *gap, *row[1:]) for row in consultations]
    write_csv(file, (*COLUMNS, *CONSULTATION_COLUMNS), wide)
    return file.getvalue()


def _tables(
    groups: tuple[str, ...], rows: list[tuple[str, ...]], consultations: list[tuple[str, ...]]
) -> Iterator[str]:
    headings = ("", *(name.replace("_", " ") for name in COLUMNS[3:]))
    for number, group in enumerate(groups):
        if number:
            yield ""
        if group == CONSULTATION:
            yield from table(("by outcome", *(name.replace("_", " ") for name in CONSULTATION_COLUMNS)), consultations)
            continue
        found = [(_shortened(f"{row[1]}  {row[2]}".rstrip()), *row[3:]) for row in rows if row[0] == group]
        yield from table((f"by {group}", *headings[1:]), found)


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_TITLE else f"{text[: _MAX_TITLE - 3]}..."
