"""From handing in a dispatch until the last of 38 waiting members has been woken, beside a bare long-poll.

The clock starts when the publisher begins to send. A member that waits in the feed then has the dispatch itself; one
that listens to the event stream knows that there is news. The bare long-poll hands on the same bytes from memory.
Whoever has been answered asks again when all have been: a member first judges what it got.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from statistics import median, quantiles
from typing import Protocol

from .common import ROOT, arguments, machine, progress, publish, scratch
from .load import Caller, Connection
from .relay_process import RelayHome, RelayProcess
from .report import Figure, Report

AT_MOST_P50 = 2
AT_MOST_P99 = 3
_PAUSE_SECONDS = 0.08
"""Before each publication: long enough for all requests to be waiting in the server."""
_LEAST_BYTES = 1000

Latencies = list[float]
"""Of each publication, the seconds until the last member was woken."""


class Waiter(Protocol):
    """A member that waits."""

    def ask(self) -> None:
        """Begin to wait for the next publication."""

    async def woken(self) -> None:
        """Return when news of it has come."""


class Poller:
    """Asks with a request for each publication, all made beforehand."""

    def __init__(self, connection: Connection, requests: Sequence[bytes]) -> None:
        self._connection = connection
        self._requests = iter(requests)

    def ask(self) -> None:
        """See :class:`Waiter`."""
        self._connection.send(next(self._requests))

    async def woken(self) -> None:
        """See :class:`Waiter`."""
        status, _, body = await self._connection.answer()
        if status != 200 or len(body) < _LEAST_BYTES:
            raise RuntimeError(f"a wait was answered {status} with {len(body)} bytes")


class Listener:
    """Listens to the stream of events."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    async def listening(cls, caller: Caller) -> Listener:
        """On the caller's connection."""
        caller.connection.send(caller.head("GET", "/v1/events"))
        status, _ = await caller.connection.head()
        if status != 200:
            raise RuntimeError(f"the stream of events was answered {status}")
        return cls(caller.connection)

    def ask(self) -> None:
        """See :class:`Waiter`: the stream goes on by itself."""

    async def woken(self) -> None:
        """See :class:`Waiter`."""
        while not (await self._connection.reader.readuntil(b"\n")).startswith(b"event: wake"):
            pass


async def timed(publisher: Connection, requests: Sequence[Sequence[bytes]], waiters: Sequence[Waiter]) -> Latencies:
    """Publish one after the other and take the time until all have been woken."""
    taken = []
    for parts in requests:
        for waiter in waiters:
            waiter.ask()
        woken = [asyncio.ensure_future(_woken(waiter)) for waiter in waiters]
        await asyncio.sleep(_PAUSE_SECONDS)
        start = time.perf_counter()
        status, _, body = await publisher.ask(*parts)
        if status not in (200, 201):
            raise RuntimeError(f"the publication was answered {status}: {body.decode()}")
        taken.append(max(await asyncio.gather(*woken)) - start)
    return taken


async def _woken(waiter: Waiter) -> float:
    await waiter.woken()
    return time.perf_counter()


class Relay:
    """The variants with a relay: an office publishes to all 38 members, who wait."""

    def __init__(self, home: RelayHome, relay: RelayProcess) -> None:
        self._url = relay.url
        self._exchange = home.exchange
        submissions = home.exchange.sender("POC", to=home.exchange.members).submissions()
        first = next(submissions)
        self._submissions = chain([first], submissions)
        self._size = 1  # the first roster
        self.bytes = len(first)

    async def feed(self, count: int) -> Latencies:
        """Members that wait in the feed."""
        callers = await self._callers()
        waiters = [
            Poller(
                caller.connection,
                [
                    caller.head("GET", "/v1/dispatches", query=f"?after={self._size - 1 + at}&wait=60")
                    for at in range(count)
                ],
            )
            for caller in callers
        ]
        return await self._timed(callers, waiters, count)

    async def events(self, count: int) -> Latencies:
        """Members that listen to events."""
        callers = await self._callers()
        return await self._timed(callers, [await Listener.listening(caller) for caller in callers], count)

    async def _callers(self) -> list[Caller]:
        return [await Caller.login(self._exchange.seeds(name), self._url) for name in self._exchange.members]

    async def _timed(self, callers: Sequence[Caller], waiters: Sequence[Waiter], count: int) -> Latencies:
        publisher = await Caller.login(self._exchange.seeds("POC"), self._url)
        requests = [
            (publisher.head("POST", "/v1/dispatches", {"content-length": str(len(raw))}), raw)
            for raw in islice(self._submissions, count)
        ]
        self._size += count
        taken = await timed(publisher.connection, requests, waiters)
        for caller in (*callers, publisher):
            caller.connection.close()
        return taken


class Bare:
    """The bare long-poll; its items have the size of a submission."""

    def __init__(self, port: int, members: int, size: int) -> None:
        self._port = port
        self._members = members
        self._item = os.urandom(size)
        self._number = 0

    async def poll(self, count: int) -> Latencies:
        """As many connections that poll as there are members."""
        connections = [await Connection.open(self._port) for _ in range(self._members)]
        asked = [f"GET /poll/{self._number + at} HTTP/1.1\r\nhost: bare\r\n\r\n".encode() for at in range(count)]
        publisher = await Connection.open(self._port)
        head = f"POST /publish HTTP/1.1\r\nhost: bare\r\ncontent-length: {len(self._item)}\r\n\r\n".encode()
        self._number += count
        taken = await timed(publisher, [(head, self._item)] * count, [Poller(one, asked) for one in connections])
        for connection in (*connections, publisher):
            connection.close()
        return taken


@contextmanager
def bare_server() -> Iterator[int]:
    """The bare long-poll in a process of its own; its port."""
    command = [sys.executable, "-m", "benchmarks.bare"]
    process = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ, PYTHONPATH=str(ROOT)), stdout=subprocess.PIPE)
    assert process.stdout is not None  # it was asked for
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def figures_of(rounds: dict[str, list[Latencies]]) -> list[Figure]:
    """The lines of the table: for each kind of waiting p50 and p99, the medians over the rounds and of their ratios."""
    figures = []
    for name, what in (("feed", "long-poll of the feed"), ("events", "event stream")):
        for quantile, at_most in ((50, AT_MOST_P50), (99, AT_MOST_P99)):
            ours, theirs = ([_quantile(taken, quantile) for taken in rounds[key]] for key in (name, "bare"))
            ratio = median(our / their for our, their in zip(ours, theirs, strict=True))
            figures.append(
                Figure(
                    case=f"{what}, last of 38, p{quantile}",
                    ours=median(ours) * 1000,
                    alternative="bare long-poll, the same bytes",
                    theirs=median(theirs) * 1000,
                    unit="ms",
                    ratio=ratio,
                    aim=f"at most {at_most}",
                    met=ratio <= at_most,
                )
            )
    return figures


def _quantile(taken: Latencies, percent: int) -> float:
    return quantiles(taken, n=100, method="inclusive")[percent - 1]


def main() -> int:
    """Measure and print; the exit code."""
    options = arguments(__doc__, rounds=7)
    count = 5 if options.quick else 150
    rounds: dict[str, list[Latencies]] = {}
    with scratch() as folder:
        home = RelayHome(folder / "relay")
        with home.serving() as relay, bare_server() as port, asyncio.Runner() as runner:
            ours = Relay(home, relay)
            bare = Bare(port, len(home.exchange.members), ours.bytes)
            variants: dict[str, Callable[[int], Coroutine[None, None, Latencies]]]
            variants = {"feed": ours.feed, "events": ours.events, "bare": bare.poll}
            for turn in range(options.rounds + 1):
                progress(f"round {turn} of {options.rounds} ...")
                for name in list(variants) if turn % 2 else reversed(list(variants)):
                    taken = runner.run(variants[name](count if turn else 3))
                    if turn:
                        rounds.setdefault(name, []).append(taken)
    report = Report(
        name="wakeup",
        title="Waking 38 members",
        bound=(
            "First the publication: nobody is woken before it is verified, logged and flushed, and alone in "
            "flight that takes as long as the bare long-poll takes for everything. Then 38 answers, one after the "
            "other on one event loop: their bytes are at hand in memory, and each is counted and logged."
        ),
        figures=tuple(figures_of(rounds)),
        machine=machine("cryptography", "uvicorn"),
        notes=(
            f"One dispatch of {ours.bytes / 1000:.0f} KB at a time, {count} in each of {options.rounds} rounds.",
            "Ours is authenticated, verified, logged and on the disk before anybody is woken; the bare one is not.",
            "One load generator plays all 38 members and shares the two cores with the server.",
        ),
    )
    publish(report, as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
