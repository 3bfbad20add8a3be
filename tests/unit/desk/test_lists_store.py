"""Lists in the store: loaded whole or not at all, replaced, searched apart from the denials, removed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from envoi_desk.screening.dispositions import ListSeen
from envoi_desk.screening.listed import list_hits
from envoi_desk.screening.show import run_lines, view
from envoi_keys.errors import LocalError, Malformed, Refused

from .cases import case
from .desks import NOW, Bench, bench
from .test_lists_files import CSV, UN

OURS = {"parties": [{"name": "Zarrinkuh Trading House", "role": "consignee", "country": "AE"}]}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as found:
        yield found


def test_a_list_is_loaded_with_its_day_hash_and_count(desk: Bench) -> None:
    loaded = desk.lists.load("un", UN.encode(), "un-xml", NOW)
    assert (loaded.entries, loaded.names, loaded.loaded_at, len(loaded.sha256)) == (2, 6, NOW, 64)
    assert desk.lists.loaded() == [loaded]


def test_loading_again_replaces_the_list(desk: Bench) -> None:
    desk.lists.load("un", UN.encode(), "un-xml", NOW)
    shorter = "\n".join(CSV.splitlines()[:1] + CSV.splitlines()[2:]) + "\n"
    desk.lists.load("un", shorter.encode(), "csv", NOW + 1)
    assert [(one.name, one.entries, one.format) for one in desk.lists.loaded()] == [("un", 1, "csv")]
    assert list_hits(case(**OURS), desk.names, desk.lists) == []


def test_a_list_that_is_malformed_anywhere_changes_nothing(desk: Bench) -> None:
    desk.lists.load("un", UN.encode(), "un-xml", NOW)
    before = list_hits(case(**OURS), desk.names, desk.lists)
    doubled = UN.replace("EXe.001", "EXi.001")
    for raw, format_ in (
        (UN[:-30], "un-xml"),
        (doubled, "un-xml"),
        (CSV + "X-1,Twice,,,,\n", "csv"),
        ("id,name\n", "csv"),
    ):
        with pytest.raises(Malformed):
            desk.lists.load("un", raw.encode(), format_, NOW + 1)
    assert [one.loaded_at for one in desk.lists.loaded()] == [NOW]
    assert list_hits(case(**OURS), desk.names, desk.lists) == before != []


def test_a_removed_list_is_searched_no_more(desk: Bench) -> None:
    desk.lists.load("un", UN.encode(), "un-xml", NOW)
    assert desk.lists.remove("un").entries == 2
    assert desk.lists.loaded() == []
    assert list_hits(case(**OURS), desk.names, desk.lists) == []
    with pytest.raises(Refused) as caught:
        desk.lists.remove("un")
    assert caught.value.reason == "unknown-list"


@pytest.mark.parametrize("name", ["", "UN", "a b", "denials:x", "x" * 41, "\u202e"])
def test_a_name_for_a_list_is_plain(desk: Bench, name: str) -> None:
    with pytest.raises(LocalError, match="no name for a list"):
        desk.lists.load(name, UN.encode(), "un-xml", NOW)


def test_lists_are_shown_apart_from_denials_and_when_asked_for(desk: Bench) -> None:
    desk.take(1, parties=OURS["parties"])
    desk.lists.load("un", UN.encode(), "un-xml", NOW)
    quiet = desk.process.screen(case(**OURS), desk.moment()).result
    assert quiet["lists"] is None
    result = desk.process.screen(case(**OURS), desk.moment(), lists=True).result
    assert [hit["reference"] for hit in result["hits"]] == ["MTCR/DN/FR/2026/0001"]
    (listed,) = result["lists"]
    assert (listed["list"], listed["entry"], listed["program"]) == ("un", "EXe.001", "Exercise list")
    denials, _, lists = "\n".join(run_lines(view(result, limit=25))).partition(
        "Reference lists, which are not denials:"
    )
    assert "EXe.001" not in denials
    assert "EXe.001" in lists
    assert "its name is the consignee's of this case" in " ".join(lists.split())


def test_an_exercise_meets_no_list(desk: Bench) -> None:
    desk.lists.load("un", UN.encode(), "un-xml", NOW)
    result = desk.process.screen(case(exercise=True, case="X-1", **OURS), desk.moment(), lists=True).result
    assert result["lists"] is None


def test_a_hidden_mark_in_a_list_is_written_out(desk: Bench) -> None:
    desk.lists.load("odd", "id,name\n1,Zarrinkuh Trading House\u202e\n".encode(), "csv", NOW)
    result = desk.process.screen(case(**OURS), desk.moment(), lists=True).result
    text = "\n".join(run_lines(view(result, limit=25)))
    assert "\u202e" not in text
    assert "\\u{202e}" in text


def test_a_hit_on_a_list_is_decided_about_and_carried_over_until_its_entry_changes(desk: Bench) -> None:
    def listed(**changes: Any) -> dict[str, Any]:
        found = desk.process.screen(case(**{**OURS, **changes}), desk.moment(), lists=True).result
        (hit,) = found["lists"]
        return {**hit, "text": " ".join("\n".join(run_lines(view(found, limit=25))).split())}

    desk.lists.load("un", UN.encode(), "un-xml", NOW)
    with pytest.raises(Refused, match="no screening of case 2026-118 has shown"):
        desk.process.screen(case(**OURS), desk.moment())
        desk.decide("list:un:EXe.001")
    hit = listed()
    assert (hit["reference"], hit["new"], hit["disposition"]) == ("list:un:EXe.001", True, None)
    assert "list:un:EXe.001 names 1.00, new" in hit["text"]
    id_ = desk.decide("list:un:EXe.001", "full-match", "Same house.")
    (kept,) = desk.records.dispositions("2026-118")
    assert (kept.id, kept.seen) == (id_, ListSeen(hit["sha256"]))
    again = listed()
    assert (again["new"], again["disposition"]["carried_over"]) == (False, True)
    assert "decided full match by anne on 2026-01-01: Same house. (carried over)" in again["text"]
    # A list that was loaded again with the same entry changes nothing; another alias does.
    desk.lists.load("un", UN.replace("Exercise list", "Other list").encode(), "un-xml", NOW + 1)
    assert listed()["disposition"]["carried_over"]
    moved = listed(destination_country="AE")
    assert moved["disposition"]["changed"] == ["the case"]
    desk.lists.load("un", UN.replace("Zarin Kooh Trading", "Zarin Kooh Houses").encode(), "un-xml", NOW + 2)
    with pytest.raises(Refused, match="has changed since") as caught:
        desk.decide("list:un:EXe.001")
    assert caught.value.reason == "changed-since"
    changed = listed()
    assert (changed["new"], changed["disposition"]["changed"]) == (True, ["the entry"])
    assert "decide again: the entry changed" in changed["text"]
    desk.lists.remove("un")
    with pytest.raises(Refused, match="no longer meets case"):
        desk.decide("list:un:EXe.001")


def test_as_of_a_day_nothing_of_a_list_is_new(desk: Bench) -> None:
    desk.lists.load("un", UN.encode(), "un-xml", NOW)
    (hit,) = desk.process.screen(case(**OURS), desk.moment(), as_of=0, lists=True).result["lists"]
    assert not hit["new"]


def test_a_list_that_was_loaded_again_is_searched_again_for_the_cases_that_asked(desk: Bench) -> None:
    desk.lists.load("un", CSV.encode(), "csv", NOW - 9)
    desk.process.screen(case(**OURS), desk.moment(), lists=True)
    desk.process.screen(case(**{**OURS, "case": "B"}), desk.moment())
    assert desk.again() == [None, None]
    desk.lists.load("more", CSV.replace("X-1", "Y-1").encode(), "csv", NOW + 9)
    (run, other) = list(desk.process.rescreen(desk.moment(10), date(2026, 12, 31)))
    assert run is not None
    assert other is None
    shown = view(run.result, limit=25, new=True)
    assert [hit["reference"] for hit in shown["lists"]] == ["list:more:Y-1"]
    assert list(desk.process.rescreen(desk.moment(10), date(2026, 12, 31))) == [None, None]


def test_the_limit_holds_for_lists_too(desk: Bench) -> None:
    rows = "".join(f"Z-{at},Zarrinkuh Trading House,,AE,Organization,\n" for at in range(3))
    desk.lists.load("own", f"{CSV.splitlines()[0]}\n{rows}".encode(), "csv", NOW)
    result = desk.process.screen(case(**OURS), desk.moment(), lists=True).result
    shown = view(result, limit=1)
    assert (len(shown["lists"]), shown["lists_more"]) == (1, 2)
    assert "2 more entries: --limit shows them" in "\n".join(run_lines(shown))


@pytest.mark.parametrize(
    ("reference", "said"),
    [("X\u202e1", "which holds a hidden mark"), ("x" * 201, "of 201 characters; at most 200 are allowed")],
)
def test_an_entry_that_nobody_could_decide_about_is_refused(desk: Bench, reference: str, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        desk.lists.load("own", CSV.replace("X-1", reference).encode(), "csv", NOW)
    assert desk.lists.loaded() == []
