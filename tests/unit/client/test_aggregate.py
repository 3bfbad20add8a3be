"""The aggregate denial: read, refused with all that is wrong, shown."""

from __future__ import annotations

from typing import Any

import pytest

from envoi_client.documents import AggregateDenial, InvalidDocument, parse, parse_aggregate, show

from .aggregates import AGGREGATE, spoilt_aggregate
from .denials import PROFILE, Change

RENDERED = """\
EXERCISE EXERCISE EXERCISE
Aggregate denial  MTCR/DN/FR/2026/0900
Status            valid
Notified by       France (FR)
Period            2026-01-01 to 2026-06-30
Denials           4
Control entries   9.A.3  Linear accelerometers
                  9.A.6  Inertial measurement equipment or systems
Destination       Iran (IR)
Releasability     MTCR Partners only
Remarks           None of them
                  was appealed.
Note              An aggregate names no party: nobody is screened against it.

EXERCISE EXERCISE EXERCISE
"""


def problems(content: Any) -> list[str]:
    with pytest.raises(InvalidDocument) as caught:
        parse_aggregate(content, PROFILE)
    return [str(problem) for problem in caught.value.problems]


def test_it_is_written_back_as_it_was_read() -> None:
    aggregate = parse("aggregate/v1", AGGREGATE, PROFILE)
    assert isinstance(aggregate, AggregateDenial)
    assert aggregate.to_content() == AGGREGATE
    assert not aggregate.catch_all
    revoked = spoilt_aggregate(lambda c: c.update(status="revoked", revocation_reason="Counted twice."))
    assert parse_aggregate(revoked, PROFILE).to_content() == revoked


def test_it_is_shown_with_the_titles_of_its_entries() -> None:
    assert [line.split() for line in show("aggregate/v1", AGGREGATE, PROFILE).split("\n")] == [
        line.split() for line in RENDERED.split("\n")
    ]
    content = spoilt_aggregate(lambda c: c.update(control_entries=["catch-all"], exercise=False))
    text = show("aggregate/v1", content, PROFILE)
    assert "Not covered by no-undercut." in text
    assert "EXERCISE" not in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(count=0), "count: 0 is not between 1 and 1000000"),
        (lambda c: c.update(count=True), "count: true is not a whole number; write digits without quotes"),
        (lambda c: c.update(count="4"), "count: 4 is not a whole number; write digits without quotes"),
        (lambda c: c.update(status="renewed"), "status: renewed is not one of valid, amended, revoked"),
        (
            lambda c: c.update(status="revoked"),
            "revocation_reason: is missing; a revoked notice says why it was revoked",
        ),
        (
            lambda c: c["period"].update(to="2025-12-31"),
            "period.to: 2025-12-31 is before from, 2026-01-01; correct one of the two",
        ),
        (
            lambda c: c["period"].pop("to"),
            "period.to: is missing; write the last day of the period as YYYY-MM-DD",
        ),
        (
            lambda c: c["period"].update(to="30/06/2026"),
            "period.to: 30/06/2026 is not a date in the form YYYY-MM-DD; write 2026-06-30",
        ),
        (
            lambda c: c.update(control_entries=["9.Q.3"]),
            "control_entries[0]: 9.Q.3 is not an entry of the Annex; did you mean 9.A.3?",
        ),
        (
            lambda c: c.update(control_entries=["9.A.3", "catch-all"]),
            "control_entries: catch-all stands beside entries of the Annex; an item is on the list or it is not",
        ),
        (
            lambda c: c.update(notifying_government="DE"),
            "regime_reference: MTCR/DN/FR/2026/0900 belongs to FR, but notifying_government is DE",
        ),
        (lambda c: c.update(notifying_government="KZ"), "notifying_government: Kazakhstan (KZ) is an adherent"),
        (
            lambda c: c.update(regime_reference="900"),
            "regime_reference: 900 is not of the form MTCR/DN/{state}/{year}/{number}; write it like MTCR/DN/FR",
        ),
        (lambda c: c.update(parties=[]), "parties: is not a field of an aggregate denial"),
    ],
)
def test_each_breach_is_reported_once_and_says_what_would_be_right(change: Change, said: str) -> None:
    (problem,) = problems(spoilt_aggregate(change))
    assert problem.startswith(said)


@pytest.mark.parametrize("content", [None, [], "x", 4, {}])
def test_what_is_no_object_is_refused(content: Any) -> None:
    assert problems(content)


def test_its_authors_are_those_of_the_roster() -> None:
    with pytest.raises(InvalidDocument, match="France"):
        parse_aggregate(AGGREGATE, PROFILE, ["DE"])
