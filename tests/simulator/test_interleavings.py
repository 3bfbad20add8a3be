"""Any order of publishing, reading, restarting and lying: nobody ever believes what was not signed and logged.

And when the relay is honest again, everybody has everything, once, in order.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from envoi_client.age import HybridIdentity, unseal
from envoi_client.node.publish import draft_of
from envoi_keys.errors import EnvoiError
from envoi_keys.notes import Note

from ..exchange import EXPIRES, Exchange, party, sign
from .relay import Group, Relay, problem
from .world import Killed, World

NAMES: Final = ("AU", "DE", "FR")
EXCHANGE: Final = Exchange.make(5)
Lie = Callable[[Relay, int], None]


def pick(groups: list[Group], at: int, spoil: Callable[[Group], Group]) -> list[Group]:
    return [spoil(one) if number == at % max(1, len(groups)) else one for number, one in enumerate(groups)]


def flipped(data: bytes, at: int) -> bytes:
    return (
        data[: at % max(1, len(data))] + bytes([data[at % len(data)] ^ 1]) + data[at % len(data) + 1 :]
        if data
        else data
    )


def resigned(group: Group) -> Group:
    with suppress(EnvoiError):
        return replace(group, note=sign(Note.parse(group.note).text, party("JP").signer))
    return group


def on_submit(answer: Callable[[], httpx.Response], *, taken: bool) -> Callable[..., httpx.Response]:
    def lie(request: httpx.Request, honest: Callable[[], httpx.Response]) -> httpx.Response:
        if (request.method, request.url.path) != ("POST", "/v1/dispatches"):
            return honest()
        if taken:
            honest()
        return answer()

    return lie


def lie(**shown: Callable[..., object]) -> Lie:
    """A lie that sets one of the relay's ``show_*`` functions; each takes the position of what is spoiled first."""

    def tell(relay: Relay, at: int) -> None:
        for name, function in shown.items():
            setattr(relay, name, partial(function, at))

    return tell


def stale(relay: Relay, at: int) -> None:
    old = relay.checkpoint(at % (len(relay.entries) + 1))
    relay.show_checkpoint = lambda _: old


def replayed_receipts(relay: Relay, _: int) -> None:
    old = dict(relay.receipts)
    relay.show_receipts = lambda caller, _: [note for pair, note in old.items() if caller in pair]


LIES: Final[dict[str, Lie]] = {
    "drop": lie(
        show_feed=lambda at, _, groups: [one for number, one in enumerate(groups) if number != at % max(1, len(groups))]
    ),
    "empty feed": lie(show_feed=lambda *_: []),
    "one at a time": lie(show_feed=lambda _, __, groups: groups[:1]),
    "duplicate": lie(show_feed=lambda _, __, groups: [one for group in groups for one in (group, group)]),
    "reorder": lie(show_feed=lambda _, __, groups: groups[::-1]),
    "alter note": lie(
        show_feed=lambda at, _, groups: pick(groups, at, lambda one: replace(one, note=flipped(one.note, 7 * at)))
    ),
    "alter body": lie(
        show_feed=lambda at, _, groups: pick(groups, at, lambda one: replace(one, body=flipped(one.body, 7 * at)))
    ),
    "alter opening": lie(
        show_feed=lambda at, _, groups: pick(groups, at, lambda one: replace(one, openings=flipped(one.openings, at)))
    ),
    "sign again": lie(show_feed=lambda at, _, groups: pick(groups, at, resigned)),
    "shift": lie(show_feed=lambda at, _, groups: [replace(one, index=one.index + 1 + at % 2) for one in groups]),
    "cut": lie(show_feed_bytes=lambda at, raw: raw[: len(raw) * (at % 10) // 10]),
    "garbage": lie(show_feed_bytes=lambda _, raw: raw[::-1]),
    "stale log": stale,
    "half a checkpoint": lie(show_checkpoint=lambda _, raw: raw[: raw.rindex(b"\n", 0, -1) + 1]),
    "alter entries": lie(show_bundle=lambda _, entries: entries[::-1]),
    "hide receipts": lie(show_receipts=lambda *_: []),
    "garbage receipts": lie(show_receipts=lambda _, __, notes: [b"garbage", *notes]),
    "old receipts": replayed_receipts,
    "wrong proof": lie(show_proof=lambda at, proof: flipped(proof, 7 * at)),
    "no answer": lambda relay, _: setattr(relay, "answer", on_submit(lambda: httpx.Response(503), taken=False)),
    "lost answer": lambda relay, _: setattr(relay, "answer", on_submit(lambda: httpx.Response(503), taken=True)),
    "false 409": lambda relay, _: setattr(
        relay, "answer", on_submit(lambda: relay.taken(1, next(iter(relay.entries[1].openings))), taken=True)
    ),
    "false gap": lambda relay, _: setattr(relay, "answer", on_submit(lambda: problem(409, "number-gap"), taken=False)),
    "refuse all": lambda relay, _: setattr(relay, "answer", lambda *_: problem(403, "unauthorised")),
    "html": lambda relay, _: setattr(relay, "answer", lambda *_: httpx.Response(200, content=b"<html>")),
}

members = st.sampled_from(NAMES)
recipients = st.sets(members, min_size=2, max_size=3)
lies = st.sampled_from(sorted(LIES))
places = st.integers(0, 40)


class Interleavings(RuleBasedStateMachine):
    """Three members and one relay. Only errors of ours ever come out of a node."""

    @initialize()
    def begin(self) -> None:
        self.place = TemporaryDirectory()
        self.world = World(Path(self.place.name), EXCHANGE)
        self.count = 0
        self.world.sync(*NAMES)
        self.world["FR"].say("first", "AU", "DE")
        self.backups = {name: self.copied(name) for name in NAMES}

    @rule(sender=members, to=recipients)
    def say(self, sender: str, to: set[str]) -> None:
        self.count += 1
        text = f"{self.count} of {sender}"
        with suppress(EnvoiError, Killed):
            self.world[sender].say(text, *sorted(to - {sender}))

    @rule(name=members)
    def sync(self, name: str) -> None:
        with suppress(EnvoiError):
            self.world[name].sync()

    @rule(name=members)
    def restart(self, name: str) -> None:
        self.world[name].restart()

    def copied(self, name: str) -> Path:
        self.world[name].close()
        self.count += 1
        target = Path(self.place.name) / f"backup {self.count}"
        shutil.copytree(self.world[name].home.root, target)
        return target

    @rule(name=members)
    def is_backed_up(self, name: str) -> None:
        self.backups[name] = self.copied(name)

    @rule(name=members)
    def is_restored(self, name: str) -> None:
        member = self.world[name]
        # What was signed and never sent goes with the store that had it: nobody was told that it was published.
        member.close()
        shutil.rmtree(member.home.root)
        shutil.copytree(self.backups[name], member.home.root)

    @rule(sender=members, to=recipients, after=st.booleans())
    def is_killed_while_sending(self, sender: str, to: set[str], *, after: bool) -> None:
        def die(request: httpx.Request) -> None:
            if (request.method, request.url.path) == ("POST", "/v1/dispatches"):
                raise Killed

        line = self.world[sender].line
        line.before, line.after = (line.before, die) if after else (die, line.after)
        self.say(sender, to)
        line.mend()
        self.world[sender].restart()

    @rule(name=members, lie=lies, at=places)
    def is_lied_to_while_reading(self, name: str, lie: str, at: int) -> None:
        LIES[lie](self.world.relay, at)
        self.sync(name)
        self.world.relay.be_honest()

    @rule(sender=members, to=recipients, lie=lies, at=places)
    def is_lied_to_while_sending(self, sender: str, to: set[str], lie: str, at: int) -> None:
        LIES[lie](self.world.relay, at)
        self.say(sender, to)
        self.world.relay.be_honest()

    @rule(lie=lies, at=places)
    def lies_from_now_on(self, lie: str, at: int) -> None:
        LIES[lie](self.world.relay, at)

    @rule()
    def is_honest_from_now_on(self) -> None:
        self.world.relay.be_honest()

    @precondition(lambda self: len(self.world.relay.rosters) < 3)
    @rule()
    def change_the_roster(self) -> None:
        exchange, index = self.world.exchange, len(self.world.relay.entries)
        self.world.follow(exchange.succeed(exchange.propose(expires=EXPIRES + index), index))

    @invariant()
    def nobody_believes_what_was_not_signed_and_logged(self) -> None:
        self.world.check()
        for member in self.world.members.values():
            texts = member.texts()
            assert len(set(texts)) == len(texts)

    def teardown(self) -> None:
        try:
            self.comes_to_a_good_end()
        finally:
            self.world.close()
            self.place.cleanup()

    def comes_to_a_good_end(self) -> None:
        world = self.world
        world.relay.be_honest()
        for _ in range(3):
            for name in NAMES:
                world[name].sync()
        truth = self.logged()
        assert len(truth) == len({text for _, _, text in truth})
        for name in NAMES:
            report = world[name].sync()
            assert report.clean, (name, report.alarms)
            state = world[name].state()
            assert {one for one, _ in state.outbox} <= {"accepted", "refused"}
            assert world[name].texts() == [(sender, text) for sender, to, text in truth if name in to]
            for peer in NAMES:
                assert state.sent.get(peer, 0) == len(world.relay.numbered(name, peer, 1))
                assert state.received.get(peer, 0) == len(world.relay.numbered(peer, name, 1))
            for entry in world[name].store.outbox.listing("refused"):
                assert draft_of(entry)["content"]["text"] not in {text for _, _, text in truth}
        self.nobody_believes_what_was_not_signed_and_logged()

    def logged(self) -> list[tuple[str, set[str], str]]:
        """Who says what to whom in the log, opened without any node."""
        found = []
        for entry in self.world.relay.entries:
            if entry.openings:
                one = next(iter(entry.openings))
                plain = unseal(entry.body, [HybridIdentity(party(one).sealing_seeds[0])])
                found.append((entry.sender, set(entry.openings), str(json.loads(plain)["content"]["text"])))
        return found


Interleavings.TestCase.settings = settings(max_examples=10, stateful_step_count=50, deadline=None)
TestInterleavings = Interleavings.TestCase
