"""The commands of screening, lists and statistics, on a real node whose line to the relay is watched."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from envoi_client.body import Body
from envoi_client.cli.common import Common
from envoi_client.node import Node
from envoi_desk.cli import lists, screen, statistics
from envoi_desk.screening.dispositions import Decision
from envoi_keys.errors import LocalError, Malformed, Refused

from ...exchange import Exchange
from ...simulator.world import World
from .cases import PARTY, case_file
from .notices import content, reference
from .test_lists_files import CSV, UN

RAVI = reference(1, "DE")
Run = Callable[..., Any]


class Desk:
    """FR's home, with what DE has denied; whatever it does next is done without the relay."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: list[str] = []
        world.sync("FR", "DE")
        self.publish()
        world["FR"].line.before = lambda request: self.asked.append(str(request.url))

    def publish(self, number: int = 1, **changes: Any) -> None:
        body = Body("denial/v1", content(number, "DE", **changes), ())
        self.world["DE"].node.publish(body, ["FR"], exercise=False)
        self.world["FR"].sync()
        self.asked = []


@pytest.fixture(scope="module")
def exchange() -> Exchange:
    return Exchange.make(3)


@pytest.fixture
def desk(tmp_path: Path, exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    world = World(tmp_path, exchange)

    @contextmanager
    def open_node(_: Common, *, relay: str | None = None) -> Iterator[Node]:
        yield world["FR"].node

    monkeypatch.setattr(Common, "open_node", open_node)
    monkeypatch.chdir(tmp_path)
    Path("case.json").write_bytes(case_file())
    try:
        yield Desk(world)
    finally:
        world.close()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """What a command prints, as JSON or as text."""

    def typed(command: Callable[..., None], *words: Any, text: bool = False, **options: Any) -> Any:
        command(*words, **options, common=Common(json=not text))
        out = capsys.readouterr().out
        return out if text else json.loads(out)

    return typed


def test_a_screening_asks_nobody(desk: Desk, run: Run) -> None:
    Path("list.xml").write_text(UN)
    run(lists.load, Path("list.xml"), as_="un")
    (found,) = run(screen.screen, Path("case.json"), lists=True)
    assert [hit["reference"] for hit in found["hits"]] == [RAVI]
    run(screen.decide, "2026-118", RAVI, as_=Decision.NO_MATCH, reason="Another firm.", officer="anne")
    run(screen.screen, all_=True)
    run(screen.show, "2026-118")
    run(statistics.show)
    assert desk.asked == []


def test_a_screening_is_read_in_plain_words(desk: Desk, run: Run) -> None:
    said = run(screen.screen, Path("case.json"), text=True)
    assert "1 notice in force meets it" in said
    assert "DE denied 9.A.3 to Kamalia Ravi Works 1 (end user) on 2026-03-02" in " ".join(said.split())


def test_several_cases_of_one_file_or_of_several(desk: Desk, run: Run) -> None:
    Path("other.json").write_bytes(case_file(case="2026-119"))
    found = run(screen.screen, Path("case.json"), Path("other.json"))
    assert [one["case"] for one in found] == ["2026-118", "2026-119"]


def test_one_wrong_file_and_no_case_is_screened(desk: Desk, run: Run) -> None:
    Path("wrong.json").write_bytes(case_file(status="open"))
    with pytest.raises(Malformed, match="status: open is not one of"):
        run(screen.screen, Path("case.json"), Path("wrong.json"))
    with pytest.raises(Refused, match="no case 2026-118 is on file"):
        run(screen.show, "2026-118")


@pytest.mark.parametrize("options", [{}, {"all_": True, "as_of": "3"}, {"all_": True, "lists": True}])
def test_files_or_all_of_them(desk: Desk, run: Run, options: dict[str, Any]) -> None:
    with pytest.raises(LocalError, match="name files of cases, or --all"):
        run(screen.screen, **options)


@pytest.mark.parametrize("options", [{"limit": 0}, {"limit": -1}, {"days": 10**12}, {"days": -1}])
def test_numbers_have_bounds(desk: Desk, run: Run, options: dict[str, int]) -> None:
    with pytest.raises(LocalError, match="is not between"):
        run(screen.screen, Path("case.json"), **options)


def test_a_run_is_shown_again_with_what_was_decided_since(desk: Desk, run: Run) -> None:
    first = run(screen.screen, Path("case.json"), text=True)
    run(screen.decide, "2026-118", RAVI, as_=Decision.FULL_MATCH, reason="The same street.", officer="anne")
    again = run(screen.show, "2026-118", text=True)
    assert again.startswith(first)
    assert f"decided since\n{RAVI}: full match by anne" in again
    with pytest.raises(Refused, match="has no run 7"):
        run(screen.show, "2026-118", run=7)


def test_what_arrives_by_sync_is_new_once(desk: Desk, run: Run) -> None:
    run(screen.screen, Path("case.json"))
    assert run(screen.screen, all_=True) == []
    desk.publish(2)
    (found,) = run(screen.screen, all_=True)
    assert [hit["reference"] for hit in found["hits"]] == [reference(2, "DE")]
    assert run(screen.screen, all_=True) == []


def test_what_was_not_told_is_news_again(desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for case_ in ("a", "b", "c"):
        Path("case.json").write_bytes(case_file(case=case_))
        run(screen.screen, Path("case.json"))
    desk.publish(2)
    asked = []

    def broken(*_: Any) -> bool:
        asked.append(1)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return True

    with monkeypatch.context() as patch:
        patch.setattr(screen, "_has_news", broken)
        with pytest.raises(KeyboardInterrupt):
            run(screen.screen, all_=True)
    assert [found["case"] for found in run(screen.screen, all_=True)] == ["a", "b", "c"]


def test_new_hits_beyond_the_limit_are_shown_by_the_command_that_is_named(desk: Desk, run: Run) -> None:
    Path("case.json").write_bytes(case_file())
    run(screen.screen, Path("case.json"))
    desk.publish(2)
    desk.publish(3)
    said = run(screen.screen, all_=True, limit=1, text=True)
    assert "1 more: envoi screen show 2026-118 --limit 2" in said
    assert run(screen.screen, all_=True) == []


def test_as_of_an_index(desk: Desk, run: Run) -> None:
    assert [len(one["hits"]) for one in run(screen.screen, Path("case.json"), as_of="0")] == [0]
    with pytest.raises(LocalError, match="neither an index of the log nor a day"):
        run(screen.screen, Path("case.json"), as_of="yesterday")


def test_decisions_are_exported_and_imported(desk: Desk, run: Run) -> None:
    run(screen.screen, Path("case.json"))
    run(screen.decide, "2026-118", RAVI, as_=Decision.NO_MATCH, reason="Another firm.", officer="anne")
    assert run(screen.export_dispositions, Path("decisions.notes"))["dispositions"] == 1
    assert run(screen.import_dispositions, Path("decisions.notes")) == {"taken": 0, "known": 1}
    raw = Path("decisions.notes").read_bytes()
    assert raw.startswith(b'{"type":"envoi/disposition/v1"')
    Path("forged.notes").write_bytes(raw.replace(b"Another", b"Another2"))
    with pytest.raises(Exception, match="does not hold"):
        run(screen.import_dispositions, Path("forged.notes"))


def test_lists_are_loaded_shown_and_removed(desk: Desk, run: Run) -> None:
    Path("list.csv").write_text(CSV)
    loaded = run(lists.load, Path("list.csv"), as_="own")
    assert (loaded["format"], loaded["entries"], loaded["names"]) == ("csv", 2, 4)
    assert run(lists.show) == [loaded]
    assert "own   csv" in run(lists.show, text=True)
    assert run(lists.remove, "own") == loaded
    assert run(lists.show) == []


def test_statistics_as_tables_and_as_csv(desk: Desk, run: Run, tmp_path: Path) -> None:
    desk.publish(2, destination_country="AE")
    assert run(statistics.show, by=("partner",)) == {
        "partner": [{"value": "DE", "notices": 2, "in_force": 2, "revoked": 0, "superseded": 0, "aggregated": 0}]
    }
    assert "by partner   notices  in force" in run(statistics.show, text=True)
    run(statistics.show, out=Path("counts.csv"))
    printed = run(statistics.show, csv=True, text=True)
    assert printed.encode() == Path("counts.csv").read_bytes()
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert {row["value"]: row["notices"] for row in rows if row["by"] == "destination"} == {"AE": "1", "PK": "1"}
    with pytest.raises(LocalError, match="is after"):
        run(statistics.show, from_=2026, to=2025)


def test_an_unknown_case_or_notice(desk: Desk, run: Run) -> None:
    for words in (("2026-118", RAVI), ("nothing", RAVI)):
        with pytest.raises(Refused, match="no case"):
            run(screen.decide, *words, as_=Decision.NO_MATCH, reason="Another firm.")


def test_the_party_of_a_case_is_not_in_any_message_of_an_error(desk: Desk, run: Run) -> None:
    # What is wrong is told by its place: a name stands in logs for ever.
    Path("wrong.json").write_bytes(case_file(parties=[PARTY | {"country": "XX"}]))
    with pytest.raises(Malformed) as caught:
        run(screen.screen, Path("wrong.json"))
    assert "Kamalia" not in str(caught.value)
