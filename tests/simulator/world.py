"""A small exchange with real nodes on it: homes, one relay, one clock, and the truth about who said what.

Every member's node is the real one, with its vault and its store on disk; only the network is the simulator.
:class:`State` is what a test compares before and after an attack, and :meth:`World.check` holds every member's
beliefs to the truth at the end of every test.
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from envoi_client import config
from envoi_client.age import HybridIdentity
from envoi_client.body import Body
from envoi_client.enrol import pin
from envoi_client.files import Home
from envoi_client.node import FileToAttach, Node, Published, SyncReport
from envoi_client.node.audit import audit
from envoi_client.seeds import MemberSeeds, Secrets
from envoi_client.store import Alarm, InboxEntry, Store
from envoi_client.transport import Transport
from envoi_client.vault import Vault
from envoi_keys.addressees import Keys
from envoi_keys.dispatches import Dispatch
from envoi_keys.entries import log_entry
from envoi_keys.notes import Note
from envoi_keys.receipts import Receipt
from envoi_keys.signing import hybrid_signers
from envoi_keys.statements import DISPATCH

from ..exchange import NOW, Exchange, Party, seed
from ..unit.client.served import Case
from .relay import URL, Relay

PASSPHRASE: Final = "correct horse battery staple"
WORK_FACTOR: Final = 10


class Killed(BaseException):
    """The process ends here: no handler of the code under test may see another day."""


@dataclass(frozen=True)
class State:
    """What one member believes, in plain values."""

    log: int
    cursor: int
    rosters: int
    inbox: tuple[tuple[int, str, int | None, str], ...]
    received: Mapping[str, int]
    sent: Mapping[str, int]
    outbox: tuple[tuple[str, int | None], ...]
    alarms: tuple[str, ...]


class Line(httpx.BaseTransport):
    """The line from one member to whichever relay it is shown; a place to be killed."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.before: Callable[[httpx.Request], None] = lambda _: None
        self.after: Callable[[httpx.Request], None] = lambda _: None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.before(request)
        answer = self.relay.handle_request(request)
        self.after(request)
        return answer

    def mend(self) -> None:
        """Nobody is killed here any more."""
        self.before = self.after = lambda _: None


class Member:
    """One authority and its node, which is opened when it is first needed and can be restarted."""

    def __init__(self, world: World, name: str, home: Home, *, pinned: str = "") -> None:
        self.world = world
        self.name = name
        self.home = home
        self.line = Line(world.relay)
        self._node: Node | None = None
        if not home.vault.exists():
            _make_home(home, world.exchange.party(name), pinned or world.exchange.id)

    @property
    def node(self) -> Node:
        if self._node is None:
            self._node = Node.open(
                self.home,
                PASSPHRASE,
                settings=config.Settings(member=self.name, relay=URL),
                transport=self._transport,
                clock=self.world.tick,
                random=self.world.random,
            )
        return self._node

    def _transport(self, seeds: MemberSeeds, _: config.Settings) -> Transport:
        return Transport(
            URL,
            seeds.name,
            seeds.transport,
            clock=lambda: float(self.world.now),
            sleep=lambda _: None,
            random=self.world.random,
            network=self.line,
        )

    @property
    def store(self) -> Store:
        return self.node.session.store

    def close(self) -> None:
        """Close the node; the home stays."""
        if self._node is not None:
            self._node.close()
            self._node = None

    def restart(self) -> None:
        """Close the node and open it again from its home."""
        self.close()
        assert self.node.me == self.name

    # What it does

    def sync(self) -> SyncReport:
        return self.node.sync()

    def say(self, text: str, *to: str, files: Sequence[FileToAttach] = ()) -> Published:
        """Publish a note; what was said is the truth from then on, whatever becomes of it."""
        self.world.spoken |= {(self.name, recipient, text) for recipient in to}
        return self.node.publish(note(text), list(to), files=files, exercise=True)

    # What it believes

    def texts(self) -> list[tuple[str, str]]:
        """Who says what, of all that was opened, in the order of the log."""
        return [(entry.sender, _text(entry)) for entry in self.store.inbox.listing(verdict="ok")]

    def entry(self, index: int) -> InboxEntry:
        found = self.store.inbox.at(index)
        assert found is not None
        return found

    def state(self) -> State:
        store, chain = self.store, self.store.rosters.all()
        inbox = tuple((one.index, one.sender, one.number, one.verdict) for one in store.inbox.listing())
        return State(
            log=store.log.view().size,
            cursor=store.log.cursor,
            rosters=len(chain),
            inbox=inbox,
            received={peer: link.number for (peer, _), link in store.numbers.peers("received").items()},
            sent={peer: link.number for (peer, _), link in store.numbers.peers("sent").items()},
            outbox=tuple((one.state, one.index) for one in store.outbox.listing()),
            alarms=tuple(alarm.kind for alarm in store.alarms.listing()),
        )

    def alarm(self, kind: str) -> Alarm:
        """The one alarm of that kind."""
        (found,) = (alarm for alarm in self.store.alarms.listing() if alarm.kind == kind)
        return found

    def evidence(self, kind: str) -> tuple[bytes, ...]:
        """The bytes kept with the one alarm of that kind."""
        return self.store.alarms.evidence(self.alarm(kind).key)

    def receipt_for(self, peer: str) -> Receipt:
        """The receipt that the relay holds of this member for ``peer``."""
        return Receipt.parse(Note.parse(self.world.relay.receipts[self.name, peer]).text)


@dataclass
class World:
    """An exchange of AT, AU, DE, FR and JP, the offices CHAIR and POC, and one relay."""

    root: Path
    exchange: Exchange
    now: int = NOW
    spoken: set[tuple[str, str, str]] = field(default_factory=set)
    members: dict[str, Member] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._drawn = itertools.count()
        self.relay = Relay(self.exchange.log, self.exchange.notes[0], lambda: self.now)

    def go_on_from(self, other: World) -> None:
        """Begin where a closed world ended, with copies of its homes."""
        self.now, self.spoken = other.now, set(other.spoken)
        self._drawn = itertools.count(next(other._drawn))
        self.relay = other.relay.fork(clock=lambda: self.now)
        for name in other.members:
            shutil.copytree(other.root / name, self.root / name)
            assert self[name].name == name

    def tick(self) -> int:
        """The time; every look at the clock takes a second."""
        self.now += 1
        return self.now

    def random(self, size: int) -> bytes:
        return seed(f"world {next(self._drawn)}", size)

    def __getitem__(self, name: str) -> Member:
        if name not in self.members:
            self.members[name] = Member(self, name, Home(self.root / name))
        return self.members[name]

    def sync(self, *names: str) -> None:
        """These members sync, in this order, and find nothing suspicious."""
        for name in names:
            report = self[name].sync()
            assert report.clean, (name, report.alarms)

    def forge(self, sender: str, numbers: Mapping[str, int], text: str = "", **spoiled: Any) -> Case:
        """A dispatch made outside any node, under ``sender``'s true keys unless it is spoiled."""
        return Case.make(self.exchange, sender, numbers, note(text), **spoiled)

    def log(self, case: Case, note: bytes | None = None) -> int:
        """The relay logs a forged dispatch without a look at it."""
        return self.relay.log_dispatch(case.note if note is None else note, case.openings, case.sealed)

    def follow(self, exchange: Exchange) -> int:
        """The relay logs the newest roster of ``exchange``, in which this world goes on."""
        self.exchange = exchange
        return self.relay.log_roster(exchange.notes[-1])

    def check(self) -> None:
        """Nobody believes what was not said to him, signed by its sender, and logged where he thinks it is."""
        for name, member in self.members.items():
            if member._node is None and not member.home.store.exists():
                continue
            store = member.store
            for entry in store.inbox.listing(verdict="ok"):
                assert (entry.sender, name, _text(entry)) in self.spoken, f"{name} believes {_text(entry)!r}"
                received = store.inbox.received(entry.index)
                assert received is not None
                held = store.log.entry(entry.index)
                assert held is not None
                assert log_entry(DISPATCH, received.note) == f"{held[0]} {held[1]}\n".encode()
                signed = Note.parse(received.note)
                header = Dispatch.parse(signed.text)
                link = member.node.session.chain.version(header.roster)
                assert link is not None
                sender = link.roster.addressee(entry.sender)
                assert sender is not None
                assert hybrid_signers(signed, [sender.keys.signing])
            if store.log.view().size:
                # What an audit finds is at most what the member has been told already.
                told = {alarm.detail for alarm in store.alarms.listing()}
                assert set(audit(member.node.session).findings) <= told

    def close(self) -> None:
        for member in self.members.values():
            with suppress(Exception):
                member.close()


def note(text: str) -> Body:
    """The body that says ``text``."""
    return Body("note/v1", {"subject": "a note", "text": text}, ())


def _text(entry: InboxEntry) -> str:
    assert entry.body is not None
    return str(json.loads(entry.body)["content"]["text"])


def _make_home(home: Home, party: Party, pinned: str) -> None:
    home.create()
    label = f"{party.name} {party.generation}"
    seeds = MemberSeeds(
        party.name,
        signing=seed(f"{label} signing", 64),
        sealing=tuple(HybridIdentity(one).encode() for one in party.sealing_seeds),
        transport=seed(f"{label} transport"),
        cosigning=seed(f"{label} cosigning"),
    )
    secrets = Secrets(store=seed(f"{label} store"), member=seeds)
    Vault.create(home.vault, PASSPHRASE, secrets, work_factor=WORK_FACTOR)
    pin(home, pinned)


def keys_agree(node: Node, keys: Keys) -> bool:
    """Whether a home has the keys that the roster gives it."""
    return node.public_keys() == keys
