"""An exchange of real nodes in which FR has denied, and officers who type the commands of consultations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from envoi_client import exercises
from envoi_client.body import Body
from envoi_client.cli.common import Common
from envoi_client.node.publish import default_recipients
from envoi_desk.cli import consult
from envoi_desk.desk import Desk
from envoi_keys.errors import NetworkError, Refused

from ...exchange import Exchange
from ...simulator.world import World
from .consultations import at, content

EXCHANGE = Exchange.make(5)
DENIAL = exercises.contents()[0]
REFERENCE = DENIAL["regime_reference"]
CASE: dict[str, Any] = {
    "case": "2026-118",
    "status": "pending",
    "exercise": True,
    "destination_country": "IR",
    "stated_end_use": "Monitoring of a dam",
    "items": [{"control_entries": ["9.A.3"], "description": "Linear accelerometers"}],
    "parties": [{"name": "Mahtab Sanjesh Arvand Co.", "role": "end_user", "country": "IR"}],
}
JSON = Common(json=True)


class Office:
    """FR, which has denied, and the others with their cases, each typing commands in a directory of its own."""

    def __init__(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        self.world = world
        self._capsys = capsys
        self._at_work = ""

    def desk(self, name: str) -> Desk:
        return Desk.open(self.world[name].node)

    @contextmanager
    def opened(self, _: Common) -> Iterator[Desk]:
        yield self.desk(self._at_work)

    def types(self, name: str, command: Callable[..., None], *words: str, **options: Any) -> Any:
        """What the command answers with --json when ``name`` types it."""
        self._at_work = name
        self._capsys.readouterr()
        command(*words, **options, common=JSON)
        return json.loads(self._capsys.readouterr().out)

    def opens(self, name: str = "DE", **options: Any) -> str:
        """The id of the consultation that ``name`` opens about the denial."""
        answer = self.types(name, consult.open_, **{"case": Path("case.json"), "denial": REFERENCE} | options)
        return str(answer["consultation"])

    def sees(self, name: str, id_: str) -> Any:
        return self.types(name, consult.show, id_)

    def wait_until(self, day: str) -> None:
        """The clocks of all go on to noon of a day."""
        assert at(day) > self.world.now
        self.world.now = at(day)

    def cut_off(self) -> None:
        """The relay takes no dispatch any more."""

        def away(request: httpx.Request, honest: Callable[[], httpx.Response]) -> httpx.Response:
            if (request.method, request.url.path) == ("POST", "/v1/dispatches"):
                raise NetworkError("nobody answers")
            return honest()

        self.world.relay.answer = away

    def publish(self, sender: str, notice: dict[str, Any]) -> None:
        node = self.world[sender].node
        node.catch_up()
        to = default_recipients(node.session, "denial/v1")
        node.publish(Body("denial/v1", notice, ()), to, exercise=notice["exercise"])


@pytest.fixture(scope="session")
def denied(tmp_path_factory: pytest.TempPathFactory) -> World:
    """FR has denied, and all have read it; closed, to be copied."""
    made = World(tmp_path_factory.mktemp("denied"), EXCHANGE)
    made.sync("FR", "DE", "AU")
    node = made["FR"].node
    node.publish(Body("denial/v1", DENIAL, ()), default_recipients(node.session, "denial/v1"), exercise=True)
    made.sync("DE", "AU", "FR")
    made.close()
    return made


@pytest.fixture
def office(
    denied: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    (tmp_path / "case.json").write_text(json.dumps(CASE))
    monkeypatch.chdir(tmp_path)
    world = World(tmp_path / "world", EXCHANGE)
    world.go_on_from(denied)
    made = Office(world, capsys)
    monkeypatch.setattr(consult, "open_desk", made.opened)
    try:
        yield made
    finally:
        world.close()


def untimed(found: Any) -> list[Any]:
    """The steps without the log's time of each: a member knows it by the checkpoints that it was shown."""
    return [content(step, logged_at=None) for step in found["steps"]]


def refused(command: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        command()
    return caught.value.reason
