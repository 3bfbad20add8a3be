"""Screening as it is done: what is found, kept, new, decided, carried over, and shown again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from envoi_client.documents.text import columns
from envoi_keys.errors import LocalError, Malformed, Refused

from ...boundaries.isolation import python
from .cases import PARTY, case
from .desks import ENDED, NOW, RAVI, Bench, bench, references, text
from .notices import reference


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as found:
        yield found


def test_a_case_meets_the_notice_and_the_run_is_kept(desk: Bench) -> None:
    desk.take(1)
    desk.take(2, parties=[{"name": "Zlatarska Oprema Javorina", "role": "consignee", "country": "RS"}])
    result = desk.screen()
    assert references(result["hits"]) == [RAVI]
    kept = desk.records.run("2026-118")
    assert kept is not None
    assert (kept.number, kept.head, kept.result) == (1, 2, result)


def test_all_names_of_a_notice_count_not_the_first(desk: Bench) -> None:
    desk.take(1, parties=[PARTY | {"name": "Quite Another Name", "aliases": ["Kamalia Ravi Works 1"]}])
    (hit,) = desk.screen()["hits"]
    assert hit["pairs"][0]["notice"]["which"] == "alias"


def test_what_was_on_file_on_a_day_is_shown_again_after_it_changed(desk: Bench) -> None:
    desk.take(1)
    before = desk.screen()
    desk.take(1, **ENDED)
    after = desk.screen()
    assert references(after["hits"]) == []
    first = desk.records.run("2026-118", 1)
    assert first is not None
    assert text(first.result) == text(before)
    as_of = desk.screen(as_of=1)
    assert references(as_of["hits"]) == [RAVI]
    assert references(desk.screen(as_of=0)["hits"]) == []


def test_revoked_notices_are_left_out_and_counted(desk: Bench) -> None:
    desk.take(1)
    desk.take(1, **ENDED)
    desk.take(2)
    result = desk.screen()
    assert references(result["hits"]) == [reference(2)]
    assert references(result["ended"], state="revoked") == [RAVI]
    hidden = "1 notice that was revoked or superseded would also match: --revoked shows it"
    assert hidden in text(result)
    assert RAVI not in text(result)
    assert RAVI in text(result, ended=True)
    assert hidden not in text(result, ended=True)


def test_a_superseded_notice_gives_way_to_the_one_that_replaced_it(desk: Bench) -> None:
    desk.take(1)
    desk.take(3, supersedes=RAVI)
    result = desk.screen()
    assert references(result["hits"]) == [reference(3)]
    assert references(result["ended"], state="superseded") == [RAVI]


def test_an_exercise_case_meets_exercise_notices_alone(desk: Bench) -> None:
    desk.take(1)
    desk.take(2, exercise=True)
    assert references(desk.screen()["hits"]) == [RAVI]
    drill = desk.screen(case="X-1", exercise=True)
    assert references(drill["hits"]) == [reference(2)]
    assert text(drill).splitlines()[0] == text(drill).splitlines()[-1] == "EXERCISE EXERCISE EXERCISE"


def test_a_case_does_not_turn_from_real_to_exercise(desk: Bench) -> None:
    desk.screen()
    with pytest.raises(Refused, match="is on file as a real case") as caught:
        desk.screen(exercise=True)
    assert caught.value.reason == "exercise-mismatch"
    assert desk.records.next_number("2026-118") == 2


def test_a_decision_is_carried_over_until_the_case_changes(desk: Bench) -> None:
    desk.take(1)
    desk.screen()
    desk.decide(RAVI)
    (hit,) = desk.screen()["hits"]
    assert (hit["disposition"]["decision"], hit["disposition"]["carried_over"]) == ("no-match", True)
    (hit,) = desk.screen(destination_country="AE")["hits"]
    assert (hit["disposition"]["decision"], hit["disposition"]["changed"]) == ("no-match", ["the case"])


def test_only_the_newest_decision_counts_and_all_are_kept(desk: Bench) -> None:
    desk.take(1)
    desk.screen()
    first = desk.decide(RAVI)
    second = desk.decide(RAVI, "full-match", "The same firm after all.")
    (hit,) = desk.screen()["hits"]
    assert hit["disposition"]["id"] == second
    assert {one.id for one in desk.records.dispositions("2026-118", RAVI)} == {first, second}


@pytest.mark.parametrize("statement", ["DELETE FROM desk_dispositions", "UPDATE desk_dispositions SET case_id = 'x'"])
def test_a_decision_can_neither_be_changed_nor_deleted(desk: Bench, statement: str) -> None:
    desk.take(1)
    desk.screen()
    desk.decide(RAVI)
    with pytest.raises(LocalError, match="a disposition is kept"):
        desk.database.run(statement)
    assert len(desk.records.dispositions("2026-118")) == 1


def test_one_decides_about_what_was_shown_and_stands_unchanged(desk: Bench) -> None:
    desk.take(1)
    with pytest.raises(Refused, match="no case 2026-118 is on file"):
        desk.decide(RAVI)
    desk.screen()
    with pytest.raises(Refused, match="no screening of case 2026-118 has shown") as caught:
        desk.decide(reference(9))
    assert caught.value.reason == "not-a-hit"
    desk.take(1, status="amended", control_entries=["9.A.6"])
    with pytest.raises(Refused, match="has changed since") as caught:
        desk.decide(RAVI)
    assert caught.value.reason == "changed-since"
    assert desk.records.dispositions("2026-118") == []


@pytest.mark.parametrize("reason", ["", "  ", "Another\nfirm.", "An\u202eother", "An\udcffother", "x" * 3000])
def test_a_reason_that_could_not_be_shown_in_court_is_refused(desk: Bench, reason: str) -> None:
    desk.take(1)
    desk.screen()
    with pytest.raises(Malformed):
        desk.decide(RAVI, reason=reason)
    assert desk.records.dispositions("2026-118") == []


def test_a_case_that_is_read_again_unchanged_is_no_second_case(desk: Bench) -> None:
    first = desk.records.put_case(case(), NOW)
    assert desk.records.put_case(case(), NOW + 9).key == first.key
    changed = desk.records.put_case(case(destination_country="AE"), NOW)
    assert changed.key != first.key
    found = desk.records.case("2026-118")
    assert found is not None
    assert found.case == changed.case


def test_many_hits_are_counted_and_limited(desk: Bench) -> None:
    for number in range(1, 8):
        desk.take(number, parties=[PARTY])
    result = desk.screen()
    assert len(result["hits"]) == 7
    shown = text(result, limit=2)
    assert "7 notices in force meet it, 5 more: --limit shows them" in shown
    assert "\n3  " not in shown


def test_lines_fit_a_terminal_of_100_columns(desk: Bench) -> None:
    party = PARTY | {
        "name_original_script": "کمالیہ راوی پریشر ویسلز پرائیویٹ لمیٹڈ",
        "address": "Canal Road " * 20 + "9",
    }
    desk.take(1, parties=[party])
    shown = text(desk.screen(parties=[party | {"role": "consignee", "name": "Mehran Darya House"}]))
    assert max(columns(line) for line in shown.splitlines()) <= 100
    assert "\u2068" in shown


def test_a_name_of_look_alike_letters_is_said_to_be_one(desk: Bench) -> None:
    desk.take(1)
    shown = text(desk.screen(parties=[PARTY | {"name": "Kamalia Ravi W\u043erks 1"}]))
    assert "beware  Wоrks mixes Latin letters with Cyrillic ones that look alike: о (U+043E)" in shown


def test_the_stated_end_uses_stand_side_by_side(desk: Bench) -> None:
    desk.take(1, stated_end_use="Directional drilling\nof oil wells")
    assert "end-use Test of pumps (case); Directional drilling of oil wells (notice)" in text(desk.screen())


def test_screening_loads_nothing_that_could_ask_somebody(tmp_path: Path) -> None:
    loaded = python(
        "-c",
        "import sys, envoi_desk.screening.process, envoi_desk.screening.show, envoi_desk.lists, envoi_desk.statistics\n"
        "print(' '.join(sys.modules))",
        cwd=tmp_path,
    ).split()
    asks = ("envoi_client.transport", "envoi_client.node", "httpx", "http.client", "socket", "ssl", "urllib.request")
    assert [name for name in loaded if name in asks] == []


@pytest.mark.parametrize("how", ["versions", "notices", "parties"])
def test_no_number_of_others_of_one_name_hides_a_notice(tmp_path: Path, how: str) -> None:
    party = {"name": "Kamalia Ravi Works", "role": "end_user", "country": "PK"}
    with bench(tmp_path) as made:
        for at in range(1 if how == "parties" else 65):
            parties = [party | {"address": f"Road {each}"} for each in range(65 if how == "parties" else 1)]
            changes = {"status": "amended"} if how == "versions" and at else {}
            made.take(at + 1 if how == "notices" else 1, "DE", parties=parties, **changes)
        made.take(99, "FR", parties=[party])

        found = [hit["reference"] for hit in made.screen(parties=[party])["hits"]]
        assert "MTCR/DN/FR/2026/0099" in found
        assert len(found) == (66 if how == "notices" else 2)
