"""The clock of a consultation: working days of the denying Partner, and the moment from which its silence counts.

A day is a day in UTC. The day on which a request was logged does not count; the last day counts to its end, and the
profile's grace comes on top. Which days are worked is the country's own calendar, with its own weekend and its public
holidays; where that is not known it is Monday to Friday, and whoever shows a deadline says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final

_SATURDAY: Final = 5
_LAST: Final = date(2199, 12, 31)
"""No consultation falls due later; a clock that says so is wrong."""
_DAY: Final = timedelta(days=1)
HOUR: Final = 3600
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working days of one country. ``known`` is False where only the weekend is taken into account."""

    country: str
    known: bool
    _days: Any

    def works(self, day: date) -> bool:
        """Whether ``day`` is a working day."""
        return bool(self._days.is_working_day(day)) if self.known else day.weekday() < _SATURDAY

    def after(self, day: date, count: int) -> date:
        """The working day that is number ``count`` (1 or more) after ``day``, or the last day that this clock knows."""
        while count and day < _LAST:
            day += _DAY
            count -= self.works(day)
        return day

    def left(self, today: date, day: date) -> int:
        """How many working days there are after ``today`` up to and including ``day``; below 0 once it has passed."""
        if day < today:
            return -max(1, self._between(day, today))
        return self._between(today, day)

    def _between(self, day: date, other: date) -> int:
        return sum(self.works(day + timedelta(days=at)) for at in range(1, (other - day).days + 1))


@cache
def calendar(country: str) -> Calendar:
    """The calendar of a country by its ISO 3166 code."""
    # Here: it loads every country there is, and most commands ask for no day.
    import holidays

    try:
        return Calendar(country, known=True, _days=holidays.country_holidays(country))
    except NotImplementedError:
        return Calendar(country, known=False, _days=None)


def day_of(seconds: int | None) -> date | None:
    """The day in UTC of a time in seconds since the epoch; None for none, and for one that no clock would show."""
    if seconds is None or not 0 <= seconds < end_of(_LAST):
        return None
    return datetime.fromtimestamp(seconds, UTC).date()


def end_of(day: date) -> int:
    """The second, since the epoch, in which ``day`` has ended in UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + 24 * HOUR
