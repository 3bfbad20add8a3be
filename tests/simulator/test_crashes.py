"""A client that is killed, or whose store fails, at any point: one dispatch, no number lost, nothing half-believed."""

from __future__ import annotations

import os
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from envoi_client.files import Home
from envoi_client.store.database import Database
from envoi_keys.errors import LocalError

from ..exchange import EXPIRES
from .relay import URL
from .world import Killed, Member, State, World

SUBMIT = ("POST", "/v1/dispatches")


def on_submit(act: Callable[[httpx.Request], None]) -> Callable[[httpx.Request], None]:
    def hook(request: httpx.Request) -> None:
        if (request.method, request.url.path) == SUBMIT:
            act(request)

    return hook


def killed(_: httpx.Request) -> None:
    raise Killed


def said_once(world: World) -> None:
    """After any end of a process: its home is opened again, and one sync leaves one dispatch of the number 2."""
    world["FR"].line.mend()
    world["FR"].restart()
    assert world["FR"].sync().clean
    found = world["FR"].state()
    assert [state for state, _ in found.outbox] == ["accepted", "accepted"]
    assert (found.sent, found.alarms) == ({"AU": 2, "DE": 1}, ())
    assert list(world.relay.numbered("FR", "AU", 1)) == [1, 2]
    world.sync("AU", "FR")
    assert world["AU"].texts() == [("FR", "one"), ("FR", "two")]
    assert world["FR"].say("three", "AU").numbers == {"AU": 3}


def test_a_client_killed_between_signing_and_sending_sends_it_once(pair: World) -> None:
    pair["FR"].line.before = on_submit(killed)
    with pytest.raises(Killed):
        pair["FR"].say("two", "AU")
    assert len(pair.relay.entries) == 2
    said_once(pair)


def test_a_client_killed_after_sending_does_not_send_another(pair: World) -> None:
    pair["FR"].line.after = on_submit(killed)
    with pytest.raises(Killed):
        pair["FR"].say("two", "AU")
    assert len(pair.relay.entries) == 3
    said_once(pair)
    # One that was killed, and the "three" of said_once: the log was proof enough.
    assert pair.relay.requests.count(("FR", *SUBMIT)) == 2


def test_a_client_killed_while_it_sends_again_does_not_send_another(pair: World) -> None:
    pair["FR"].line.before = on_submit(killed)
    with pytest.raises(Killed):
        pair["FR"].say("two", "AU")
    pair["FR"].line.mend()
    pair["FR"].line.after = on_submit(killed)
    pair["FR"].restart()
    with pytest.raises(Killed):
        pair["FR"].sync()
    said_once(pair)


@pytest.mark.parametrize("delivered", [False, True], ids=["before it left", "after it arrived"])
def test_a_process_that_is_really_killed_at_the_moment_of_sending_ends_in_one_dispatch(
    pair: World, delivered: bool
) -> None:
    """SIGKILL: no handler, no rollback, no close; what the disk has is what there is."""
    sent = pair.root / "sent"
    pair.spoken.add(("FR", "AU", "two"))

    def die(request: httpx.Request) -> None:
        sent.write_bytes(request.content)
        os.kill(os.getpid(), signal.SIGKILL)

    pair["FR"].close()
    pair["FR"].line.before = on_submit(die)
    with warnings.catch_warnings():
        # A test runner may have threads of its own; the child needs none of them and never returns from here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            pair["FR"].say("two", "AU")
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    if delivered:
        # The child's relay was a copy: what it was given reaches the true one now.
        headers = {"authorization": "DPoP token-of-FR"}
        request = httpx.Request("POST", URL + SUBMIT[1], headers=headers, content=sent.read_bytes())
        assert pair.relay.handle_request(request).status_code == 201
    said_once(pair)


# The store fails at each of its commits, twice: not persisted, and persisted although it said that it failed


@dataclass
class Fault:
    """The commit at which the store fails, counted down; ``persisted`` tells on which side of it."""

    left: int
    persisted: bool
    error: BaseException

    def run(self, original: Callable[..., int], database: Database, sql: str, values: object = ()) -> int:
        durable = sql == "COMMIT" or (database._depth == 0 and not sql.startswith(("BEGIN", "PRAGMA")))
        if not durable:
            return original(database, sql, values)
        self.left -= 1
        if self.left == 0 and not self.persisted:
            raise self.error
        changed = original(database, sql, values)
        if self.left == 0:
            raise self.error
        return changed


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fault]:
    """A store that works until ``left`` is set."""
    original = Database.run
    found = Fault(0, False, Killed())
    monkeypatch.setattr(Database, "run", lambda self, sql, values=(): found.run(original, self, sql, values))
    yield found
    found.left = 0


class Rerun:
    """AU with everything before it: a new roster, two dispatches, one of its own to send; as often as wanted."""

    def __init__(self, world: World) -> None:
        self.world = world
        world["FR"].say("two", "AU")
        world.follow(world.exchange.succeed(world.exchange.propose(expires=EXPIRES + 1), len(world.relay.entries)))
        world.sync("DE", "FR")
        world["DE"].say("hello", "AU")
        world["AU"].close()
        self.relay = world.relay
        self.home = world["AU"].home
        self.count = 0

    def fresh(self) -> Member:
        self.count += 1
        target = self.world.root / f"AU {self.count}"
        shutil.copytree(self.home.root, target)
        self.world.relay = self.relay.fork()
        return Member(self.world, "AU", Home(target))

    def work(self, member: Member) -> None:
        """What is to come out in the end, begun wherever the last try left it."""
        assert member.sync().clean
        if not member.store.outbox.listing():
            member.say("reply", "FR", "DE")
        assert member.sync().clean

    def outcome(self, member: Member) -> tuple[State, list[tuple[str, str]], list[int], bool]:
        relay = self.world.relay
        agreed = member.receipt_for("FR").received.through == 2
        found = (member.state(), member.texts(), list(relay.numbered("AU", "FR", 1)), agreed)
        member.close()
        return found


@pytest.mark.parametrize("persisted", [False, True], ids=["not persisted", "persisted all the same"])
@pytest.mark.parametrize("restarted", [False, True], ids=["and goes on", "and is killed"])
def test_a_store_that_fails_at_any_commit_comes_to_the_same_end(
    pair: World, fault: Fault, persisted: bool, restarted: bool
) -> None:
    rerun = Rerun(pair)
    member = rerun.fresh()
    fault.left = 10**6
    rerun.work(member)
    commits = 10**6 - fault.left
    expected = rerun.outcome(member)
    state, texts, replies, agreed = expected
    assert texts == [("FR", "one"), ("FR", "two"), ("DE", "hello")]
    assert (replies, agreed, state.rosters, state.outbox) == ([1], True, 2, (("accepted", 5),))
    assert commits > 10
    for at in range(1, commits + 1):
        member = rerun.fresh()
        assert member.node.me == "AU"
        fault.left, fault.persisted = at, persisted
        fault.error = Killed() if restarted else LocalError("the disk is full")
        with pytest.raises(type(fault.error)):
            rerun.work(member)
        if restarted:
            member.restart()
        rerun.work(member)
        assert rerun.outcome(member) == expected, f"after a failure at commit {at}"


def test_a_first_sync_that_fails_at_any_commit_can_be_begun_again(pair: World, fault: Fault) -> None:
    pair.spoken |= {("FR", "JP", "to a newcomer")}
    pair["FR"].say("to a newcomer", "JP")
    pair["FR"].sync()
    at = 0
    while True:
        at += 1
        jp = Member(pair, "JP", Home(pair.root / f"JP {at}"))
        assert jp.node.me == "JP"
        fault.left, fault.persisted = at, at % 2 == 0
        try:
            jp.sync()
            break
        except Killed:
            jp.restart()
        assert jp.sync().clean
        assert jp.texts() == [("FR", "to a newcomer")]
        assert (jp.state().rosters, jp.state().received, jp.state().alarms) == (1, {"FR": 1}, ())
        jp.close()
    jp.close()
    assert at > 8


def test_nothing_of_a_failed_try_is_left_in_the_home(pair: World, fault: Fault) -> None:
    pair["FR"].close()
    before = sorted(path.name for path in Path(pair["FR"].home.root).iterdir())
    assert pair["FR"].node.me == "FR"
    fault.left = 1
    with pytest.raises(Killed):
        pair["FR"].say("two", "AU")
    pair.spoken.discard(("FR", "AU", "two"))
    pair["FR"].close()
    assert sorted(path.name for path in Path(pair["FR"].home.root).iterdir()) == before
    assert pair["FR"].state().outbox == (("accepted", 1),)
