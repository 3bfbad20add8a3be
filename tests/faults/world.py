"""A relay, everything that was ever sent to it, and readers that poll it all the while.

What is sent is remembered with the way to send the same bytes again and the way to keep its answer, so that a test
can lose any answer and ask for it later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from envoi_client.transport.calls import Reply
from envoi_client.transport.errors import Unreachable
from envoi_keys.statements import DELEGATION, DISPATCH, ROSTER

from ..exchange import EXPIRES, NOW, Exchange, seed
from .parties import Caller, Sender, cosignature, delegation, enrolment, receipt
from .processes import RelayProcess
from .readers import Reader
from .truth import Truth

SENDERS = ("FR", "AT", "DE")
KINDS = ("dispatch", "roster", "delegation", "receipt", "enrolment", "cosignature", "blob record")
LOGGED = ("dispatch", "roster", "delegation")
"""The kinds that are log entries."""


@dataclass
class Sent:
    """One thing that was sent once: how to send the same bytes again, and how its answer is kept."""

    kind: str
    send: Callable[[], Reply]
    keep: Callable[[Reply], object]
    answer: Future[Reply] | None = None

    def lost(self) -> bool:
        """Whether no answer came; one that came is kept."""
        assert self.answer is not None
        try:
            self.keep(self.answer.result())
        except Unreachable:
            return True
        return False


@dataclass
class World:
    """One relay and all that was ever sent to it."""

    relay: RelayProcess
    exchange: Exchange
    truth: Truth
    pool: ThreadPoolExecutor
    readers: list[Reader]
    senders: dict[str, Sender] = field(default_factory=dict)
    rounds: int = 0

    def caller(self, name: str) -> Caller:
        """The way of ``name``, which keeps the token of before a restart."""
        return self.truth.caller(self.relay, name)

    # -- what is sent ----------------------------------------------------------------------------------------------

    def dispatch(self, sender: str, *to: str, size: int = 3000) -> Sent:
        posted = self.senders.setdefault(sender, Sender(self.exchange, sender)).compose(*to, filler=b"x" * size)
        self.truth.submitted[posted.note] = posted
        return Sent(
            "dispatch",
            lambda: self.caller(sender).send("POST", "/v1/dispatches", posted.raw),
            lambda reply: self._kept(DISPATCH, posted.note, reply),
        )

    def roster(self) -> Sent:
        """The next roster, which changes nobody's key; dispatches under the one before stay good."""
        size = len(self.exchange.notes)
        note = self.exchange.succeed(self.exchange.propose(expires=EXPIRES + size), size).notes[-1]

        def send() -> Reply:
            with closing(Caller(self.relay.url, self.exchange)) as stranger:
                return stranger.send("POST", "/v1/roster", note)

        def keep(reply: Reply) -> None:
            index = self._kept(ROSTER, note, reply)
            self.exchange = Exchange((*self.exchange.notes, note), (*self.exchange.indexes, index))

        return Sent("roster", send, keep)

    def delegation(self) -> Sent:
        note = delegation(self.exchange, "FR", self.rounds)
        return Sent(
            "delegation",
            lambda: self.caller("FR").send("POST", "/v1/delegations", note),
            lambda reply: self._kept(DELEGATION, note, reply),
        )

    def receipt(self) -> Sent:
        through, checkpoint = self.truth.acknowledged_to("FR", "AU"), self.caller("POC").get("/log/checkpoint")
        note = receipt(self.exchange, "AU", "FR", through, checkpoint, NOW + self.rounds)
        self.truth.receipts.setdefault(("AU", "FR"), []).append(note)
        return Sent(
            "receipt",
            lambda: self.caller("AU").send("POST", "/v1/receipts", note),
            lambda _: self.truth.received.update({("AU", "FR"): note}),
        )

    def enrolment(self) -> Sent:
        note = enrolment(self.exchange, self.rounds)

        def send() -> Reply:
            with closing(Caller(self.relay.url, self.exchange)) as stranger:
                return stranger.send("POST", "/v1/enrolments", note)

        return Sent("enrolment", send, lambda _: self.truth.enrolments.add(note))

    def cosignature(self) -> Sent:
        raw = self.caller("POC").get("/log/checkpoint")
        size = self.truth.shown(raw).size
        note = cosignature(self.exchange, "JP", raw)
        return Sent(
            "cosignature",
            lambda: self.caller("JP").send("POST", "/log/cosignatures", note),
            lambda _: self.truth.cosignatures.add((size, "JP")),
        )

    def blob(self) -> Sent:
        data = seed(f"blob {self.rounds}", 5000)
        path = f"/v1/blobs/{sha256(data).hexdigest()}"

        def keep(_: Reply) -> None:
            assert self.caller("US").get(path) == data

        return Sent("blob record", lambda: self.caller("US").send("PUT", path, data), keep)

    def _kept(self, type_: str, note: bytes, reply: Reply) -> int:
        assert reply.status in (200, 201)
        return self.truth.proved(type_, note, reply.body)

    # -- one round -------------------------------------------------------------------------------------------------

    def one(self, kind: str) -> Sent:
        """One thing of this kind."""
        self.rounds += 1
        if kind == "dispatch":
            return self.dispatch("FR", "AU", "DE")
        make: dict[str, Callable[[], Sent]] = {
            "roster": self.roster,
            "delegation": self.delegation,
            "receipt": self.receipt,
            "enrolment": self.enrolment,
            "cosignature": self.cosignature,
            "blob record": self.blob,
        }
        return make[kind]()

    def everything(self) -> list[Sent]:
        """One of each kind of write, dispatches from several senders at once."""
        self.rounds += 1
        several = [self.dispatch(name, *(to for to in (*SENDERS, "AU") if to != name)) for name in SENDERS]
        return several + [self.one(kind) for kind in KINDS if kind != "dispatch"]

    def post(self, *sent: Sent) -> None:
        for one in sent:
            one.answer = self.pool.submit(one.send)

    def again(self, lost: list[Sent]) -> None:
        """Send the same bytes again; now each is answered."""
        for one in lost:
            one.keep(one.send())

    def check(self) -> list[bytes]:
        """The whole truth, and that every reader sees it; the log's entries."""
        entries = self.truth.check(self.relay)
        for reader in self.readers:
            reader.caught_up(entries)
        return entries


@contextmanager
def running_world(home: Path, *, log: Path | None = None, **settings: object) -> Iterator[World]:
    """A relay of six Partners in a process of its own, with the first roster in its log and three readers."""
    exchange = Exchange.make(6)
    truth = Truth(exchange)
    readers: list[Reader] = []
    try:
        with RelayProcess(home, exchange, log=log, **settings) as relay, ThreadPoolExecutor(16) as pool:
            with closing(Caller(relay.url, exchange)) as stranger:
                truth.proved(ROSTER, exchange.notes[0], stranger.send("POST", "/v1/roster", exchange.notes[0]).body)
            readers += [Reader(relay.url, exchange, name, truth) for name in ("DE", "AU", "CHAIR")]
            yield World(relay, exchange, truth, pool, readers)
            for reader in readers:
                reader.stop()
    finally:
        for reader in readers:
            reader.join()
        truth.close()
