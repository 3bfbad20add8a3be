"""Screening again: what is news and what is not, what is no longer met, and what a decision outlasts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from envoi_desk.names import Name
from envoi_desk.names import weights as names_weights
from envoi_desk.screening import weights
from envoi_desk.screening.show import view
from envoi_keys.errors import Refused

from ...boundaries.isolation import python
from .cases import PARTY
from .desks import ENDED, RAVI, Bench, bench, references, text
from .notices import reference


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as found:
        yield found


def test_screening_again_shows_only_what_is_new(desk: Bench) -> None:
    desk.take(1)
    desk.screen()
    assert desk.again() == [None]
    desk.take(2)
    (run,) = desk.again()
    assert run is not None
    assert references(run.result["hits"], new=True) == [reference(2)]
    assert references(view(run.result, limit=25, new=True)["hits"]) == [reference(2)]
    assert desk.again() == [None]


def test_the_version_of_the_weights_is_that_of_every_process() -> None:
    code = "from envoi_desk.screening import weights; print(weights.version())"
    found = {python("-c", f"import random; {code}", cwd=Path.cwd()).strip() for _ in range(3)}
    assert found == {weights.version()}


def test_a_case_that_changed_is_screened_though_nothing_arrived(desk: Bench) -> None:
    desk.take(1)
    desk.screen()
    desk.screen(as_of=0, parties=[PARTY, {"name": "Argolis", "role": "broker", "country": "CY"}])
    (run,) = desk.again()
    assert run is not None
    assert desk.again() == [None]


def test_a_notice_that_was_shown_is_met_again_whoever_files_nearer_names(
    desk: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    party = {"name": "Sanjesh Mahtab Nur", "role": "end_user", "country": "IR"}
    ours = [{**party, "name": "Mahtab Sanjish"}]
    desk.take(1, parties=[party])
    assert references(desk.screen(parties=ours)["hits"]) == [RAVI]
    monkeypatch.setattr(names_weights, "COMPARED", 5)
    crowd = [{**party, "name": f"Mahtab Sanjish {word}"} for word in ("Alef", "Beh", "Jim", "Dal", "Heh", "Vav", "Zeh")]
    desk.take(2, "DE", parties=crowd)
    alone = desk.names.search([Name("Mahtab Sanjish", country="IR")], sources=("denials",))
    assert 1 not in {one.owner for one in alone}
    again = desk.screen(parties=ours)
    assert RAVI in references(again["hits"])
    assert again["lost"] == []


def test_a_notice_that_is_no_longer_on_file_is_told_once(desk: Bench) -> None:
    desk.take(1)
    desk.screen()
    desk.register.rewind(0)
    (lost,) = desk.screen()["lost"]
    assert (lost["reference"], lost["state"]) == (RAVI, "not on file")
    run = desk.records.run("2026-118")
    assert run is not None
    assert f"{RAVI} no longer meets this case: it is not on file any more." in text(run.result)
    assert desk.screen()["lost"] == []


def test_a_renewal_brings_no_old_hit_back(desk: Bench) -> None:
    desk.take(1)
    desk.screen()
    desk.decide(RAVI)
    desk.take(1, status="renewed", review_by="2029-03-02", remarks="Reviewed.")
    (run,) = desk.again()
    assert run is not None
    (hit,) = run.result["hits"]
    assert (hit["new"], hit["disposition"]["carried_over"]) == (False, True)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"parties": [PARTY, {"name": "Argolis Vathypedo", "role": "broker", "country": "CY"}]}, ["parties"]),
        ({"parties": [PARTY | {"aliases": ["KRW"]}]}, ["parties"]),
        ({"control_entries": ["9.A.6"]}, ["entries"]),
        ({"destination_country": "AE"}, ["destination"]),
    ],
)
def test_a_change_that_bears_on_it_brings_the_old_decision_back(
    desk: Bench, changes: dict[str, Any], what: list[str]
) -> None:
    desk.take(1)
    desk.screen()
    desk.decide(RAVI, reason="Another firm of that name.")
    desk.take(1, status="amended", **changes)
    (run,) = desk.again()
    assert run is not None
    (hit,) = view(run.result, limit=25, new=True)["hits"]
    assert hit["disposition"]["changed"] == what
    said = f"no match by anne on 2026-01-01: Another firm of that name. (decide again: {what[0]} changed)"
    assert said in " ".join(text(run.result).split())


def test_a_revocation_of_a_notice_that_was_shown_is_news_once(desk: Bench) -> None:
    desk.take(1)
    desk.screen()
    desk.take(1, **ENDED)
    (run,) = desk.again()
    assert run is not None
    assert references(view(run.result, limit=25, new=True)["ended"]) == [RAVI]
    desk.take(2, parties=[{"name": "Zlatarska Oprema", "role": "consignee", "country": "RS"}])
    (run,) = desk.again()
    assert run is not None
    assert references(run.result["ended"], new=True) == []


def test_a_notice_that_no_longer_meets_is_news_once(desk: Bench) -> None:
    desk.take(1)
    desk.screen()
    desk.take(1, status="amended", parties=[{"name": "Zlatarska Oprema", "role": "consignee", "country": "RS"}])
    (run,) = desk.again()
    assert run is not None
    assert [(one["reference"], one["changed"]) for one in run.result["lost"]] == [(RAVI, ["parties"])]
    assert f"{RAVI} no longer meets this case: FR changed its parties." in text(run.result)
    desk.take(2, parties=[{"name": "Argolis", "role": "consignee", "country": "CY"}])
    (run,) = desk.again()
    assert run is not None
    assert run.result["lost"] == []


def test_a_case_that_no_longer_meets_a_notice_says_so_once(desk: Bench) -> None:
    desk.take(1)
    assert references(desk.screen()["hits"]) == [RAVI]
    elsewhere = [{"name": "Zlatarska Oprema", "role": "consignee", "country": "RS"}]
    changed = desk.screen(parties=elsewhere)
    assert [(one["reference"], one["changed"]) for one in changed["lost"]] == [(RAVI, [])]
    said = " ".join(text(changed).split())
    assert f"{RAVI} no longer meets this case: the case has changed, or how names are compared." in said
    assert desk.screen(parties=elsewhere)["lost"] == []
    with pytest.raises(Refused, match="no longer meets case 2026-118") as caught:
        desk.decide(RAVI)
    assert caught.value.reason == "not-a-hit"
    # Met again, it is new again.
    assert references(desk.screen()["hits"], new=True) == [RAVI]


def test_a_party_under_another_name_is_found_by_its_number(desk: Bench) -> None:
    number = {"identifiers": [{"kind": "registration", "value": "EX 40-117"}]}
    other = {"name": "Zlatarska Oprema", "role": "consignee", "country": "RS", **number}
    ours = [
        {"name": "Argolis", "role": "end_user", "country": "CY", "identifiers": [{"kind": "HE", "value": "ex40117"}]}
    ]
    desk.take(1, parties=[other])
    desk.take(2, parties=[other], exercise=True)
    desk.take(3, parties=[{**other, "identifiers": []}])
    result = desk.screen(parties=ours)
    assert references(result["hits"]) == [RAVI]
    said = " ".join(text(result).split())
    assert "its name is not like the end user's of this case; same number" in said
    assert "same number EX 40-117 (registration)" in said
    desk.take(1, **ENDED, parties=[other])
    assert references(desk.screen(parties=ours)["ended"]) == [RAVI]
    assert references(desk.screen(parties=ours, as_of=1)["hits"]) == [RAVI]
    desk.register.rewind(0)
    assert desk.register.bearing(["ex40117"]) == []


def test_what_came_late_below_the_last_screening_is_new_all_the_same(desk: Bench) -> None:
    desk.head = 1
    desk.take(2)
    desk.screen()
    desk.head = 0
    desk.take(1)
    desk.head = 3
    (run,) = desk.again()
    assert run is not None
    assert references(run.result["hits"], new=True) == [RAVI]


def test_pending_and_recently_granted_cases_are_screened_again(desk: Bench) -> None:
    cases: dict[str, dict[str, Any]] = {
        "a": {},
        "b": {"status": "granted", "decided_on": "2026-12-01"},
        "c": {"status": "granted", "decided_on": "2026-01-01"},
        "d": {"status": "refused", "decided_on": "2026-12-01"},
        "e": {"status": "withdrawn"},
    }
    for id_, changes in cases.items():
        desk.screen(case=id_, **changes)
    desk.take(1)
    assert [run.result["case"] for run in desk.again() if run] == ["a", "b"]
    desk.take(2)
    assert [run.result["case"] for run in desk.again(days=365) if run] == ["a", "b", "c"]
    # What holds is how the case was read last.
    desk.screen(case="a", status="refused", decided_on="2026-12-30")
    desk.take(3)
    assert [run.result["case"] for run in desk.again() if run] == ["b"]


def test_other_weights_screen_again_what_nothing_new_came_for(desk: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.take(1)
    first = desk.screen()
    assert desk.again() == [None]
    monkeypatch.setattr(weights, "COUNTRY", 0.04)
    weights.version.cache_clear()
    try:
        (run,) = desk.again()
        assert run is not None
        assert run.weights != first["weights"]
    finally:
        weights.version.cache_clear()
