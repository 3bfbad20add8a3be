"""The register: a pure function of the dispatches in the order of the log, as of any index of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_client.store.database import Database
from envoi_desk.names import Name, NameIndex
from envoi_desk.names.tables import TABLES as NAMES
from envoi_desk.register import Query, Register, Version
from envoi_desk.register.tables import TABLES
from envoi_keys.errors import LocalError

from .notices import PROFILE, content, reference

DAY = 86_400


class Desk:
    """A register on its own database, and hands to fill it."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path, bytes(32), [(*NAMES, *TABLES)])
        self.names = NameIndex(self.database)
        self.register = Register(self.database, self.names, PROFILE)
        self.index = 0

    def take(self, author: str = "FR", *, index: int | None = None, **changes: Any) -> str:
        """Take one notice; the reason for which it was refused, or nothing."""
        self.index = self.index + 1 if index is None else index
        type_ = "aggregate/v1" if "count" in changes else "denial/v1"
        found = changes if type_ == "aggregate/v1" else content(**changes)
        refusal = self.register.take(self.index, f"{self.index:064x}", author, type_, found, DAY * self.index)
        return refusal.reason if refusal else ""

    def state(self, as_of: int | None = None) -> dict[str, tuple[int, str]]:
        return {one.reference[-4:]: (one.index, one.state) for one in self.register.listing(as_of=as_of)}

    def everything(self) -> list[tuple[Any, ...]]:
        tables = ("desk_versions", "desk_entries", "desk_refused")
        return [row for table in tables for row in self.database.all(f"SELECT * FROM {table} ORDER BY 1, 2")]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "desk.db")
    yield made
    made.database.close()


REVOKED: dict[str, Any] = {"status": "revoked", "revocation_reason": "Licensed since."}
AGGREGATE: dict[str, Any] = {
    "regime_reference": reference(50),
    "notifying_government": "FR",
    "period": {"from": "2026-01-01", "to": "2026-06-30"},
    "destination_country": "PK",
    "control_entries": ["6.C.3"],
    "count": 3,
    "status": "valid",
    "releasability": "MTCR Partners only",
    "exercise": False,
}


def test_a_notice_lives_and_the_register_tells_it_as_of_every_index(desk: Desk) -> None:
    assert desk.take() == ""
    assert desk.take(number=2) == ""
    assert desk.take(status="amended", remarks="See LEEM.") == ""
    assert desk.take(number=3, supersedes=reference(2)) == ""
    assert desk.take(**REVOKED) == ""
    assert [desk.state(at) for at in range(6)] == [
        {},
        {"0001": (1, "in_force")},
        {"0001": (1, "in_force"), "0002": (2, "in_force")},
        {"0002": (2, "in_force"), "0001": (3, "in_force")},
        {"0002": (2, "superseded"), "0001": (3, "in_force"), "0003": (4, "in_force")},
        {"0002": (2, "superseded"), "0003": (4, "in_force"), "0001": (5, "revoked")},
    ]
    assert desk.state() == desk.state(5)
    assert [(one.index, one.status, one.until) for one in desk.register.history(reference(1))] == [
        (1, "valid", 3),
        (3, "amended", 5),
        (5, "revoked", None),
    ]
    assert [one.index for one in desk.register.changes(2)] == [3, 4, 5]


def test_only_its_author_changes_a_notice_and_whatever_else_was_tried_is_shown(desk: Desk) -> None:
    desk.take()
    assert desk.take("DE", status="amended") == "not-the-author"
    assert desk.take("DE", **REVOKED) == "not-the-author"
    assert desk.take(item_description="Another.") == "reference-taken"
    assert desk.take(number=9, control_entries=["9.Q.3"]) == "invalid-document"
    assert desk.state() == {"0001": (1, "in_force")}
    assert [(one.author, one.reason, one.reference[-4:]) for one in desk.register.refused()] == [
        ("DE", "not-the-author", "0001"),
        ("DE", "not-the-author", "0001"),
        ("FR", "reference-taken", "0001"),
        ("FR", "invalid-document", "0009"),
    ]


def test_an_exercise_never_ends_a_real_denial(desk: Desk) -> None:
    desk.take()
    assert desk.take(number=2, exercise=True, supersedes=reference(1)) == "exercise-mismatch"
    assert desk.take(status="amended", exercise=True) == "exercise-mismatch"
    assert desk.state() == {"0001": (1, "in_force")}


def test_an_aggregate_denial_stands_in_the_register_and_in_no_index_of_names(desk: Desk) -> None:
    assert desk.take(**AGGREGATE) == ""
    (found,) = desk.register.listing()
    assert (found.type, found.title, found.review_by) == ("aggregate/v1", "3 denials", None)
    assert desk.take(number=50, status="amended") == "other-form"
    assert desk.names.search([Name("3 denials")], sources=("denials",)) == []


def test_what_is_filtered(desk: Desk) -> None:
    desk.take()
    desk.take("DE", number=2, state="DE", destination_country="IR", control_entries=["9.A.6"])
    desk.take(number=3, control_entries=["catch-all"], annex_category="not_listed", remarks="Öltank")
    desk.take(number=4, exercise=True)
    desk.take(number=5, **REVOKED)

    def found(**query: Any) -> list[int]:
        return [one.index for one in desk.register.listing(Query(**query))]

    assert found(author="DE") == found(destination="IR") == [2]
    assert found(control_entry="9") == found(control_entry="9.A") == [1, 2, 4, 5]
    assert found(control_entry="9.A.3") == [1, 4, 5]
    assert found(control_entry="9.A.") == found(control_entry="%") == []
    assert found(control_entry="catch-all") == found(catch_all=True) == [3]
    assert found(exercise=True) == [4]
    assert found(state="revoked") == [5]
    assert found(state="in_force", exercise=False) == [1, 2, 3]
    assert found(text="öltank NONE") == []
    assert found(text="ÖLTANK") == [3]
    assert found(year=2025) == []
    with pytest.raises(LocalError, match="is no state of a notice"):
        found(state="standing")


def test_names_are_found_by_the_version_that_bears_them(desk: Desk) -> None:
    party = {"name": "Mahtab Sanjesh Arvand", "role": "end_user", "country": "IR", "aliases": ["Arvand Gauges"]}
    desk.take()
    desk.take(status="amended", parties=[party])
    found = desk.names.search([Name("Arvand Gauges Co.")], sources=("denials",))
    assert [(one.owner, one.party, one.position) for one in found[:1]] == [(2, 0, 1)]
    desk.register.rewind(2)
    assert desk.names.search([Name("Arvand Gauges Co.")], sources=("denials",)) == []


def test_what_is_due_for_review(desk: Desk) -> None:
    desk.take(review_by="2027-01-31")
    desk.take(number=2, review_by="2026-12-31")
    desk.take(number=3, review_by="2028-01-01")
    desk.take("DE", number=4, state="DE", review_by="2026-12-01")
    desk.take(number=5, review_by="2026-12-01", **REVOKED)
    assert [one.index for one in desk.register.due("FR", "2027-01-31")] == [2, 1]


def test_a_day_is_the_last_index_that_was_logged_by_its_end(desk: Desk) -> None:
    desk.take()
    desk.take(number=2)
    register = desk.register
    assert [register.index_of_day(second) for second in (DAY - 1, DAY, 2 * DAY - 1, 2 * DAY)] == [-1, 1, 1, 2]


Event = tuple[str, dict[str, Any]]


def events() -> st.SearchStrategy[list[Event]]:
    def event(number: int, author: str, status: str, supersedes: int | None, exercise: bool) -> Event:
        changes: dict[str, Any] = {"number": number, "status": status, "exercise": exercise}
        if status == "revoked":
            changes |= REVOKED
        if status == "renewed":
            changes |= {"date_of_notification": "2027-03-09", "review_by": "2030-03-01"}
        if supersedes is not None and supersedes != number:
            changes["supersedes"] = reference(supersedes)
        return author, changes

    drawn = st.builds(
        event,
        st.integers(1, 3),
        st.sampled_from(["FR", "FR", "FR", "DE"]),
        st.sampled_from(["valid", "amended", "renewed", "revoked"]),
        st.none() | st.integers(1, 3),
        st.sampled_from([False, False, True]),
    )
    return st.lists(drawn, min_size=1, max_size=8)


@given(events(), st.randoms(use_true_random=False))
def test_the_state_depends_on_the_log_and_not_on_the_order_of_arrival(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[Event], chance: random.Random
) -> None:
    """Whatever came late is taken at its place: everything above it is undone and taken again."""
    folder = tmp_path_factory.mktemp("registers")
    straight, late = Desk(folder / "straight.db"), Desk(folder / "late.db")
    for index, (author, changes) in enumerate(drawn):
        straight.take(author, index=index, **changes)
    order = list(range(len(drawn)))
    chance.shuffle(order)
    known: list[int] = []
    for index in order:
        late.register.rewind(index)
        known = sorted([*known, index])
        for one in known:
            if one >= index:
                late.take(drawn[one][0], index=one, **drawn[one][1])
    assert late.everything() == straight.everything()
    for as_of in range(len(drawn)):
        assert late.state(as_of) == straight.state(as_of)
    straight.database.close()
    late.database.close()


def test_reading_a_version_gives_the_notice_that_was_sent(desk: Desk) -> None:
    desk.take()
    (found,) = desk.register.listing()
    assert isinstance(found, Version)
    assert found.notice.to_content() == content()
    assert desk.register.at(1) == found
