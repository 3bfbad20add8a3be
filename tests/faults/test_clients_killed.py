"""A client killed, as a real process, between signing and sending, and between sending and storing the answer.

The next ``envoi sync`` ends in exactly one dispatch, whatever the relay had got of it, and the next number follows.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from envoi_keys.entries import parse_entry
from envoi_keys.limits import MIB
from envoi_keys.statements import DISPATCH

from ..exchange import Exchange, seed
from .homes import Member, ended
from .line import Line
from .parties import Caller
from .processes import SECONDS, RelayProcess
from .truth import fetch_entries


@dataclass
class Site:
    """A relay behind a line, a member that is killed, and one that waits for what it sends."""

    line: Line
    relay: RelayProcess
    exchange: Exchange
    sender: Member
    recipient: Member

    def logged(self) -> int:
        """How many dispatches are in the log."""
        with closing(Caller(self.line.url, self.exchange, "POC")) as poc:
            size = int(poc.get("/log/checkpoint").split(b"\n")[1])
            return sum(parse_entry(entry)[0] == DISPATCH for entry in fetch_entries(poc, size))

    def read(self) -> list[tuple[int | None, str]]:
        """What the recipient has once it has synced: numbers and verdicts, in order."""
        with self.recipient.node() as node:
            assert node.sync().clean
            return [(entry.number, entry.verdict) for entry in node.session.store.inbox.listing()]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("site")
    exchange = Exchange.make(4)
    with closing(Line()) as line, RelayProcess(root / "relay", exchange, url=line.url) as relay:
        line.port = relay.port
        with closing(Caller(line.url, exchange)) as stranger:
            stranger.send("POST", "/v1/roster", exchange.notes[0])
        sender, recipient = (Member(exchange, name, root / name, line.url).make() for name in ("FR", "AU"))
        assert sender.type("sync").code == 0
        yield Site(line, relay, exchange, sender, recipient)


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter.txt"
    path.write_text("An exercise.")
    return path


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    path = tmp_path / "paper.pdf"
    path.write_bytes(seed("paper", 3 * MIB))
    return path


LOGIN = b"POST /v1/token"
MOMENTS = {
    "it logs in": (LOGIN, False),
    "it sends": (b"POST /v1/dispatches", False),
    "the answer is under way": (b"POST /v1/dispatches", True),
}


def kill_when(site: Site, start: bytes, answer: bool, *command: str | Path) -> None:
    """Run a command of the sender's and kill it when the line holds this request, or its answer."""
    with site.line.trap(start, answer=answer) as trap:
        process = site.sender.begin(*command)
        assert trap.sprung.wait(SECONDS), "the request never came"
        os.kill(process.pid, signal.SIGKILL)
        assert ended(process).code == -signal.SIGKILL


@pytest.mark.parametrize("moment", MOMENTS)
def test_publish_killed_when(moment: str, site: Site, letter: Path) -> None:
    before, numbers = site.logged(), site.read()
    start, answer = MOMENTS[moment]
    # It logs in to read the log, before it signs anything.
    signed = start != LOGIN
    kill_when(site, start, answer, "publish", "note", letter, "--to", "AU", "--exercise")
    assert site.logged() - before == answer
    synced = site.sender.type("sync")
    # What is in the log already is found there, and not sent again.
    assert (synced.code, len(synced.json["sent"]), synced.json["alarms"]) == (0, int(signed and not answer), [])
    assert site.logged() - before == signed
    numbers += [(len(numbers) + 1, "ok")] * signed
    assert site.read() == numbers
    with site.sender.node() as node:
        assert {entry.state for entry in node.session.store.outbox.listing()} <= {"accepted"}
    again = site.sender.type("publish", "note", letter, "--to", "AU", "--exercise")
    assert again.json["numbers"] == {"AU": len(numbers) + 1}
    assert site.logged() - before == signed + 1


@pytest.mark.parametrize("moment", MOMENTS)
def test_sync_killed_when(moment: str, site: Site, letter: Path) -> None:
    """Killed a second time, while it sends again what it could not send the first time."""
    before, numbers = site.logged(), site.read()
    kill_when(site, b"POST /v1/dispatches", False, "publish", "note", letter, "--to", "AU", "--exercise")
    start, answer = MOMENTS[moment]
    kill_when(site, start, answer, "sync")
    assert site.logged() - before == answer
    assert site.sender.type("sync").json["alarms"] == []
    assert site.logged() - before == 1
    assert site.read() == [*numbers, (len(numbers) + 1, "ok")]


@pytest.mark.parametrize("answer", [False, True], ids=["the attachment leaves", "the attachment has arrived"])
def test_publish_killed_when_an_attachment(answer: bool, site: Site, letter: Path, paper: Path, tmp_path: Path) -> None:
    before, numbers = site.logged(), site.read()
    command = ("publish", "note", letter, "--to", "AU", "--attach", paper, "--exercise")
    kill_when(site, b"PUT /v1/blobs/", answer, *command)
    assert site.logged() == before
    assert site.sender.type("sync").code == 0
    assert site.logged() - before == 1
    assert site.read() == [*numbers, (len(numbers) + 1, "ok")]
    fetched = tmp_path / "fetched"
    fetched.mkdir()
    with site.recipient.node() as node:
        newest = list(node.session.store.inbox.listing())[-1]
        assert [path.read_bytes() for path in node.fetch(newest.index, fetched)] == [paper.read_bytes()]
