"""Statistics: one pass over the register, by each thing that a plenary asks for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from envoi_desk.register import Query
from envoi_desk.statistics import (
    GROUPS,
    Consulted,
    consultation_rows,
    count,
    count_consultations,
    review_state,
    rows,
)

from .desks import Bench, bench
from .notices import PROFILE, reference

TODAY = date(2026, 11, 27)
DAY = 86_400


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as found:
        found.take(1)
        found.take(1, status="revoked", revocation_reason="Known now.")
        found.take(2, control_entries=["9.A.6", "12.A.3"], destination_country="AE", kind="suspension")
        found.take(1, "DE", control_entries=["catch-all"], annex_category="not_listed")
        found.take(3, "FR", exercise=True)
        found.take(2, "DE", date_of_denial="2024-03-02", date_of_notification="2024-03-09", review_by="2027-01-01")
        aggregate = {
            "regime_reference": reference(9, "DE"),
            "notifying_government": "DE",
            "period": {"from": "2025-01-01", "to": "2025-12-31"},
            "destination_country": "AE",
            "control_entries": ["9.A.3"],
            "count": 12,
            "status": "valid",
            "releasability": "MTCR Partners only",
            "exercise": False,
        }
        assert found.register.take(90, "ab" * 32, "DE", "aggregate/v1", aggregate, None) is None
        yield found


def counted(
    desk: Bench, *groups: str, as_of: int | None = None, exercise: bool = False, **years: int
) -> dict[str, Any]:
    found = count(desk.register.listing(Query(exercise=exercise), as_of=as_of), groups, TODAY, **years)
    return {
        group: {
            value: (one.notices, one.in_force, one.revoked, one.superseded, one.aggregated)
            for value, one in values.items()
        }
        for group, values in found.items()
    }


def test_by_partner_item_destination_year_review_and_kind(desk: Bench) -> None:
    assert counted(desk, *GROUPS) == {
        "partner": {"DE": (2, 2, 0, 0, 12), "FR": (2, 1, 1, 0, 0)},
        "item": {
            "9": (3, 2, 1, 0, 12),
            "12": (1, 1, 0, 0, 0),
            "catch-all": (1, 1, 0, 0, 0),
        },
        "destination": {"AE": (1, 1, 0, 0, 12), "PK": (3, 2, 1, 0, 0)},
        "year": {"2024": (1, 1, 0, 0, 0), "2025": (0, 0, 0, 0, 12), "2026": (3, 2, 1, 0, 0)},
        "review": {"due in 90 days": (1, 1, 0, 0, 0), "in time": (2, 2, 0, 0, 0)},
        "kind": {"refusal": (3, 2, 1, 0, 0), "suspension": (1, 1, 0, 0, 0)},
    }


def test_as_it_stood_and_for_some_years(desk: Bench) -> None:
    assert counted(desk, "partner", as_of=1) == {"partner": {"FR": (1, 1, 0, 0, 0)}}
    assert counted(desk, "year", first=2025) == {"year": {"2025": (0, 0, 0, 0, 12), "2026": (3, 2, 1, 0, 0)}}
    assert counted(desk, "year", last=2024) == {"year": {"2024": (1, 1, 0, 0, 0)}}


def test_exercises_are_counted_apart(desk: Bench) -> None:
    assert counted(desk, "partner", exercise=True) == {"partner": {"FR": (1, 1, 0, 0, 0)}}


@pytest.mark.parametrize(
    ("today", "state"),
    [
        (date(2026, 1, 1), "in time"),
        (date(2026, 10, 2), "in time"),
        (date(2026, 10, 3), "due in 90 days"),
        (date(2027, 1, 1), "due in 90 days"),
        (date(2027, 1, 2), "overdue"),
    ],
)
def test_the_review_turns_on_its_day(desk: Bench, today: date, state: str) -> None:
    version = desk.register.get(reference(2, "DE"))
    assert version is not None
    assert review_state(version, today) == state


def test_rows_say_what_a_code_is(desk: Bench) -> None:
    counts = count(desk.register.listing(Query(exercise=False)), ("partner", "item"), TODAY)
    found = {row[1]: row[2] for row in rows(counts, PROFILE.annex)}
    assert (found["FR"], found["catch-all"]) == ("France", "on no list")
    assert found["9"]


def test_consultations_by_outcome_with_the_time_until_the_answer() -> None:
    found = count_consultations(
        [
            Consulted("refused", 0, 2 * DAY),
            Consulted("refused", 0, 5 * DAY),
            Consulted("refused", DAY, None),
            Consulted("granted", None, 9 * DAY),
            Consulted("silent", 0, None),
        ]
    )
    assert list(consultation_rows(found)) == [
        ("granted", "1", "1", "", ""),
        ("refused", "3", "2", "3.5", "5.0"),
        ("silent", "1", "0", "", ""),
    ]
