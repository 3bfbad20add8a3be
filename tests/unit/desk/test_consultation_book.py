"""What is kept of consultations: the same whatever comes first or twice, and nothing of anybody else's."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envoi_client.store.database import Database
from envoi_desk.consultation.book import Book, Consultation, apply
from envoi_desk.consultation.rules import State
from envoi_desk.consultation.tables import TABLES
from envoi_keys.errors import LocalError, Refused

from .consultations import CLOSE, DENIER, ID, OPENER, PROFILE, REFERENCE, REPLY, REQUEST, UNDERCUT, at, content

LONG_AGO, LATER = at("2026-03-10"), at("2026-06-01")
OTHER = "aa" * 16
Row = tuple[int, str, tuple[str, ...], dict[str, Any], int | None]


def row(index: int, base: dict[str, Any], sender: str = "", to: tuple[str, ...] = (), **changes: Any) -> Row:
    """One dispatch as the desk reads it, a day after the one before."""
    sender = sender or (DENIER if base.get("step") in ("reply", "extension_grant") else OPENER)
    to = to or ((OPENER if sender == DENIER else DENIER),)
    type_ = "consultation/v1" if "step" in base else "undercut/v1"
    body = {"type": type_, "content": content(base, **changes), "attachments": []}
    return (index, sender, to, body, at("2026-03-02") + index * 86_400)


WHOLE = [row(1, REQUEST), row(4, REPLY), row(6, CLOSE), row(8, UNDERCUT, to=("AU", "FR", "JP"))]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    # The client's own tables are not needed, but the table of schema versions is.
    made = Database(tmp_path / "store.db", bytes(32), [TABLES])
    yield made
    made.close()


def put(database: Database, *rows: Row) -> None:
    for one in rows:
        apply(database, *one)


def book(database: Database, me: str = OPENER, now: int | None = LONG_AGO) -> Book:
    return Book(database, PROFILE, me, now)


def one(database: Database, me: str = OPENER, now: int | None = LONG_AGO) -> Consultation:
    return book(database, me, now).find(ID)


def forget(database: Database) -> None:
    for table in ("desk_consultations", "desk_consultation_steps", "desk_undercuts"):
        database.run(f"DELETE FROM {table}")


def test_both_sides_see_the_same_course(database: Database) -> None:
    put(database, *WHOLE[:2])
    mine, theirs = one(database), one(database, DENIER)
    assert mine.course == theirs.course
    assert (mine.peer, mine.own, theirs.peer, theirs.own) == (DENIER, True, OPENER, False)
    assert mine.state is theirs.state is State.ANSWERED


def test_what_is_read_again_stays_as_it_was(database: Database) -> None:
    put(database, *WHOLE)
    before = one(database)
    assert book(database).pending() == []
    put(database, *WHOLE[:2], *WHOLE)
    assert one(database) == before


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**16))
def test_whatever_comes_first_it_comes_to_the_same(database: Database, seed: int) -> None:
    rows = [*WHOLE, row(2, REPLY, outcome="more_information"), row(3, REQUEST, text=None), row(5, CLOSE, sender=DENIER)]
    # One transaction, because nothing here is about what survives a crash.
    with database.transaction():
        forget(database)
        put(database, *rows)
        ordered = one(database)
        forget(database)
        random.Random(seed).shuffle(rows)
        for arrived in rows:
            put(database, arrived)
            book(database).pending()
        assert one(database) == ordered
        assert book(database).pending() == []


def test_a_third_party_takes_no_part_even_with_the_id(database: Database) -> None:
    put(database, WHOLE[0], row(2, REPLY, sender="AU", to=(OPENER,)))
    mine = one(database)
    assert (mine.state, len(mine.course.steps)) == (State.OPEN, 1)
    stray = [each for each in book(database).listing() if each.peer == "AU"]
    assert [(each.state, each.course.steps[0].reason) for each in stray] == [(State.UNOPENED, "not-open")]
    assert [each.peer for each in book(database).pending()] == [DENIER]


def test_a_step_that_went_to_several_counts_for_nobody(database: Database) -> None:
    put(database, WHOLE[0], row(2, REPLY, to=("AU", OPENER)))
    mine = one(database)
    assert (mine.state, mine.course.steps[1].reason) == (State.OPEN, "not-bilateral")
    assert [each.peer for each in book(database).listing()] == [DENIER]
    assert [each.peer for each in book(database, "AU").listing()] == [DENIER]


def test_the_same_id_with_another_partner_is_another_consultation(database: Database) -> None:
    other = row(2, REQUEST, to=("AU",), regime_reference="MTCR/DN/AU/2026/0001")
    put(database, WHOLE[0], other)
    with pytest.raises(LocalError, match="begins 2 consultations") as caught:
        one(database)
    assert caught.value.hint == f"write {ID}/AU or {ID}/FR"
    assert book(database).find(f"{ID[:8]}/AU").peer == "AU"


def test_an_id_is_found_by_its_beginning(database: Database) -> None:
    put(database, WHOLE[0], row(2, REQUEST, consultation=ID[:4] + "0" * 28, case_reference="2026-119"))
    assert book(database).find(ID[:8].upper()).id == ID
    with pytest.raises(LocalError, match="begins 2 consultations") as ambiguous:
        book(database).find(ID[:4])
    assert ambiguous.value.hint == "give more digits"
    for wrong in ("", "xyz", "/FR", "7d%"):
        with pytest.raises(LocalError, match="hexadecimal digits only"):
            book(database).find(wrong)
    for unknown in ("ffff", f"{ID}/AU"):
        with pytest.raises(Refused) as caught:
            book(database).find(unknown)
        assert caught.value.reason == "unknown-consultation"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"consultation": 7},
        {"consultation": ["x"], "step": "reply"},
        {"consultation": "\u202e" * 500},
        {"step": None},
    ],
)
def test_whatever_a_step_holds_it_is_kept_and_shown_as_refused(database: Database, body: dict[str, Any]) -> None:
    apply(database, 3, "AU", (OPENER,), {"type": "consultation/v1", "content": body, "attachments": []}, None)
    (found,) = book(database).listing()
    assert (found.state, found.course.steps[0].reason) == (State.UNOPENED, "unreadable")
    assert book(database).pending() == []


# What follows a grant


def test_a_grant_waits_for_its_undercut_notice(database: Database) -> None:
    put(database, *WHOLE[:3])
    found = one(database)
    assert found.undercut is not None
    assert (found.undercut.due, found.undercut.latest) == (date(2026, 4, 7), date(2026, 5, 7))
    assert (found.undercut.index, found.settled) == (None, False)
    assert book(database).pending() == [found]
    put(database, WHOLE[3])
    assert one(database).undercut is not None
    assert book(database).pending() == []
    assert [each.undercut.index for each in book(database, DENIER).listing() if each.undercut] == [8]


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": "AU"},
        {"case_reference": "2026-119"},
        {"regime_reference": "MTCR/DN/FR/2026/0013"},
        {"exercise": False},
        {"granting_government": "AU"},
        {"reasons": None},
    ],
)
def test_another_undercut_notice_is_not_the_one_it_waits_for(database: Database, changes: dict[str, Any]) -> None:
    put(database, *WHOLE[:3], row(8, UNDERCUT, to=("FR",), **changes))
    found = one(database)
    assert found.undercut is not None
    assert found.undercut.index is None


@pytest.mark.parametrize("outcome", ["refused", "withdrawn", "denial_revoked"])
def test_nothing_is_due_after_any_other_outcome(database: Database, outcome: str) -> None:
    put(database, *WHOLE[:2], row(6, CLOSE, outcome=outcome))
    assert one(database).undercut is None
    assert book(database).pending() == []


def test_what_was_settled_is_looked_at_again_when_something_comes(database: Database) -> None:
    put(database, row(6, CLOSE))
    assert book(database).pending() == []
    put(database, WHOLE[0])
    assert [each.state for each in book(database).pending()] == [State.CLOSED]


def test_silence_is_told_by_the_logs_time_alone(database: Database) -> None:
    put(database, WHOLE[0])
    for now, state in ((None, State.OPEN), (LONG_AGO, State.OPEN), (LATER, State.SILENT)):
        assert one(database, now=now).state is state
        assert [each.state for each in book(database, now=now).pending()] == [state]


def test_an_earlier_time_of_a_step_is_taken_over_and_a_later_one_is_not(database: Database) -> None:
    put(database, WHOLE[0], (4, *WHOLE[1][1:4], None))
    times = {1: at("2026-03-01"), 4: at("2026-03-09")}
    book(database).correct(times.get)
    book(database).correct({1: at("2026-03-05")}.get)
    assert [step.sent.logged_at for step in one(database).course.steps] == list(times.values())
    put(database, row(6, CLOSE, outcome="withdrawn"))
    book(database).pending()
    book(database).correct(lambda _: 0)
    assert one(database).course.opened_at == times[1]


def test_a_long_list_comes_in_pages_and_in_order(database: Database) -> None:
    with database.transaction():
        put(database, *(row(index, REQUEST, consultation=f"{index:032x}") for index in range(450, 0, -1)))
    found = [each.course.steps[0].sent.index for each in book(database).listing()]
    assert found == list(range(1, 451))
    assert REFERENCE in {
        each.course.request.regime_reference for each in book(database).listing() if each.course.request
    }


def test_pairs_of_others_under_its_id_do_not_hide_a_consultation(database: Database) -> None:
    put(database, WHOLE[0], row(2, REQUEST, sender=DENIER, to=(*(f"A{letter}" for letter in "BCDEGHIJKLMN"), OPENER)))
    assert one(database).peer == DENIER
