"""Days of the calendar in documents: one form, and a suggestion for what was written in another.

A day is YYYY-MM-DD. What could be two days, 03/04/2026, is answered with both; nobody guesses which was
meant.
"""

from __future__ import annotations

import calendar
import re
from datetime import date
from typing import Any, Final

from .problems import Problems
from .text import shown

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YEAR_FIRST: Final = re.compile(r"([0-9]{4})[-./ ]?([0-9]{1,2})[-./ ]?([0-9]{1,2})([T ][0-9:.Z+-]*)?")
_YEAR_LAST: Final = re.compile(r"([0-9]{1,2})[-./ ]+([0-9]{1,2})[-./ ]+([0-9]{4})")
_DAY_MONTH_NAME: Final = re.compile(r"([0-9]{1,2})\.?[- ]*([A-Za-z]{3,9})\.?,?[- ]*([0-9]{4})")
_MONTH_NAME_DAY: Final = re.compile(r"([A-Za-z]{3,9})\.? *([0-9]{1,2}),? *([0-9]{4})")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIRST_YEAR: Final = 1950
_LAST_YEAR: Final = 2199


def read_day(value: Any, path: str, problems: Problems) -> date:
    """The day that ``value`` writes; reports a problem at ``path`` if it is none."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        likely = [day.isoformat() for day in _meant(value.strip())] if isinstance(value, str) else []
        problems.add(
            path,
            f"{shown(value)} is not a date in the form YYYY-MM-DD",
            f"write {' or '.join(likely)}" if likely else "write the year, the month and the day, such as 2026-04-03",
        )
        return date.min
    year, month, day = (int(part) for part in value.split("-"))
    found = _day(year, month, day)
    if found is None:
        problems.add(path, f"{value} is not a day of the calendar")
    elif not _FIRST_YEAR <= year <= _LAST_YEAR:
        problems.add(path, f"{value} is not a likely date", "check the year")
    else:
        return found
    return date.min


def add_months(day: date, months: int) -> date:
    """The same day ``months`` later, or the last of that month where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _meant(written: str) -> list[date]:
    """The days that somebody may have meant, the day-first reading before the month-first one."""
    readings: list[tuple[int, int, int]] = []
    if match := _YEAR_FIRST.fullmatch(written):
        readings = [(int(match[1]), int(match[2]), int(match[3]))]
    elif match := _YEAR_LAST.fullmatch(written):
        one, other, year = (int(part) for part in match.groups())
        readings = [(year, other, one), (year, one, other)]
    elif match := _DAY_MONTH_NAME.fullmatch(written):
        readings = [(int(match[3]), _month(match[2]), int(match[1]))]
    elif match := _MONTH_NAME_DAY.fullmatch(written):
        readings = [(int(match[3]), _month(match[1]), int(match[2]))]
    days = [_day(*reading) for reading in readings]
    return list(dict.fromkeys(day for day in days if day is not None and day.year >= _FIRST_YEAR))


def _month(name: str) -> int:
    short = name[:3].lower()
    return _MONTHS.index(short) + 1 if short in _MONTHS else 0
