"""The working days of real calendars on fixed dates, and when the log's time says that a day is over."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_desk.consultation.clock import calendar, day_of, end_of
from envoi_keys.regimes import load

from .consultations import at

PARTNERS = [state.id for state in load("mtcr").partners]


@pytest.mark.parametrize(
    ("country", "day", "count", "falls"),
    [
        ("FR", "2026-03-02", 1, "2026-03-03"),
        ("FR", "2026-03-02", 10, "2026-03-16"),  # two weekends
        ("FR", "2026-12-18", 10, "2027-01-05"),  # Christmas Day and New Year's Day, both Fridays
        ("FR", "2026-04-30", 5, "2026-05-11"),  # 1 and 8 May, both Fridays
        ("DE", "2026-12-18", 10, "2027-01-05"),  # the Second Day of Christmas is a Saturday
        ("GB", "2026-12-18", 10, "2027-01-06"),  # Boxing Day, a Saturday, is made up for on the Monday
        ("US", "2026-11-20", 10, "2026-12-07"),  # Thanksgiving
        ("JP", "2026-04-28", 5, "2026-05-11"),  # Golden Week
        ("HU", "2026-01-05", 5, "2026-01-10"),  # a Saturday that was worked, as Friday 2 January was not
        ("RU", "2026-12-30", 1, "2027-01-11"),  # the first days of January
        ("BR", "2026-02-13", 5, "2026-02-20"),  # Carnival is no public holiday
        ("IL", "2026-07-02", 5, "2026-07-09"),  # Friday and Saturday are the weekend, Sunday is worked
        ("AE", "2026-07-02", 5, "2026-07-09"),
    ],
)
def test_the_nth_working_day_of_a_country(country: str, day: str, count: int, falls: str) -> None:
    assert calendar(country).after(date.fromisoformat(day), count) == date.fromisoformat(falls)


def test_weekends_are_the_countrys_own() -> None:
    friday, saturday, sunday = (date(2026, 7, day) for day in (3, 4, 5))
    assert [calendar("IL").works(day) for day in (friday, saturday, sunday)] == [False, False, True]
    assert [calendar("FR").works(day) for day in (friday, saturday, sunday)] == [True, False, False]
    assert [calendar("IR").works(day) for day in (friday, saturday, sunday)] == [False, True, True]


def test_every_partner_has_a_calendar() -> None:
    assert [country for country in PARTNERS if not calendar(country).known] == []


def test_a_country_without_a_calendar_works_monday_to_friday_and_says_so() -> None:
    unknown = calendar("XX")
    assert not unknown.known
    assert unknown.after(date(2026, 12, 24), 2) == date(2026, 12, 28)
    assert unknown.works(date(2026, 12, 25))


def test_days_left_count_from_tomorrow_and_below_nothing() -> None:
    days = calendar("FR")
    assert days.left(date(2026, 3, 2), date(2026, 3, 16)) == 10
    assert days.left(date(2026, 3, 13), date(2026, 3, 16)) == 1
    assert days.left(date(2026, 3, 16), date(2026, 3, 16)) == 0
    assert days.left(date(2026, 3, 17), date(2026, 3, 16)) == -1
    assert days.left(date(2026, 3, 21), date(2026, 3, 20)) == -1  # on a Saturday, Friday has passed


def test_a_day_is_one_in_utc_and_lasts_to_its_end() -> None:
    assert day_of(at("2026-03-02", 0)) == day_of(at("2026-03-02", 23)) == date(2026, 3, 2)
    assert end_of(date(2026, 3, 2)) == at("2026-03-03", 0)
    assert day_of(end_of(date(2026, 3, 2)) - 1) == date(2026, 3, 2)


@pytest.mark.parametrize("seconds", [None, -1, 2**62, end_of(date(2199, 12, 31))])
def test_a_time_that_no_clock_shows_is_no_day(seconds: int | None) -> None:
    assert day_of(seconds) is None


def test_the_clock_ends_somewhere() -> None:
    assert calendar("FR").after(date(2199, 12, 30), 30) == date(2199, 12, 31)


@given(st.sampled_from(PARTNERS), st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(1, 30))
def test_counting_and_what_is_left_agree(country: str, day: date, count: int) -> None:
    days = calendar(country)
    falls = days.after(day, count)
    assert days.works(falls)
    assert days.left(day, falls) == count
    assert days.left(day, falls - timedelta(days=1)) == count - 1
