"""Publishing to a real relay, 1 and 38 in flight, beside storing the same bytes with nothing verified.

The relay authenticates each request, verifies both signatures and every rule, logs, commits and answers with
a proof. What stands beside it only makes the same bytes durable: a file that is appended to and flushed
(fdatasync) one by one or in groups, and SQLite (WAL, synchronous=FULL) whose one writer commits what waits.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path

from .common import Timings, arguments, compared, machine, progress, publish, scratch
from .load import Caller
from .relay_process import RelayHome, RelayProcess
from .report import Figure, Report

AT_LEAST = 0.36
"""Of the raw append, one by one: PARTS of the design; a prototype of 20 KB dispatches reached it."""
_BODIES = 4
_GROUP = 38
_SETTLE_SECONDS = 0.25
_MAX_BATCH = 128

Submissions = list[list[bytes]]
"""For each sender what it sends, in order."""


@dataclass(frozen=True, slots=True)
class Case:
    """So many senders at once, each with so many dispatches in a round, to all other members or to one."""

    senders: int
    each: int
    to_all: bool

    @property
    def name(self) -> str:
        """As the table shows it."""
        return f"{self.senders} in flight, to {self.recipients}"

    @property
    def recipients(self) -> int:
        """Of each dispatch."""
        return 37 if self.to_all else 1


class RelayVariant:
    """What the relay is sent: each sender on a connection of its own, the next when the last is answered."""

    def __init__(self, callers: Sequence[Caller]) -> None:
        self.callers = callers

    async def publish(self, submissions: Submissions) -> float:
        """Seconds until all are acknowledged. The proofs of possession are signed before the clock starts."""
        made = [
            [(caller.head("POST", "/v1/dispatches", {"content-length": str(len(raw))}), raw) for raw in mine]
            for caller, mine in zip(self.callers, submissions, strict=False)
        ]
        start = time.perf_counter()
        await asyncio.gather(*(self._send(caller, mine) for caller, mine in zip(self.callers, made, strict=False)))
        return time.perf_counter() - start

    @staticmethod
    async def _send(caller: Caller, requests: Sequence[tuple[bytes, bytes]]) -> None:
        for head, raw in requests:
            status, _, body = await caller.connection.ask(head, raw)
            if status != 201:
                raise RuntimeError(f"the relay answered {status}: {body.decode()}")


def append(path: Path, submissions: Submissions, group: int) -> float:
    """Seconds to append all to a new file, flushed to the disk after each ``group`` of them."""
    flat = [raw for mine in submissions for raw in mine]
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        start = time.perf_counter()
        for at in range(0, len(flat), group):
            for raw in flat[at : at + group]:
                os.write(file, raw)
            os.fdatasync(file)
        return time.perf_counter() - start
    finally:
        os.close(file)


async def sqlite(path: Path, submissions: Submissions) -> float:
    """Seconds until one writer has committed all into a new database, in groups of what waits."""
    waiting: queue.SimpleQueue[tuple[bytes, asyncio.Future[None]] | None] = queue.SimpleQueue()
    loop = asyncio.get_running_loop()
    writer = threading.Thread(target=_write, args=(path, waiting, loop))

    async def submit(mine: Sequence[bytes]) -> None:
        for raw in mine:
            done: asyncio.Future[None] = loop.create_future()
            waiting.put((raw, done))
            await done

    writer.start()
    await submit([b"the table is made before the clock starts"])
    start = time.perf_counter()
    await asyncio.gather(*map(submit, submissions))
    taken = time.perf_counter() - start
    waiting.put(None)
    writer.join()
    return taken


def _write(
    path: Path,
    waiting: queue.SimpleQueue[tuple[bytes, asyncio.Future[None]] | None],
    loop: asyncio.AbstractEventLoop,
) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE dispatches (seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, raw BLOB NOT NULL)")
    item = waiting.get()
    while item is not None:
        group = [item]
        while len(group) < _MAX_BATCH:
            try:
                item = waiting.get_nowait()
            except queue.Empty:
                break
            if item is None:
                break
            group.append(item)
        database.execute("BEGIN IMMEDIATE")
        database.executemany(
            "INSERT INTO dispatches (id, raw) VALUES (?, ?)", [(sha256(raw).digest(), raw) for raw, _ in group]
        )
        database.execute("COMMIT")
        loop.call_soon_threadsafe(_resolve, [done for _, done in group])
        item = waiting.get() if item is not None else None
    database.close()


def _resolve(futures: Sequence[asyncio.Future[None]]) -> None:
    for future in futures:
        future.set_result(None)


def rounds_of(
    folder: Path,
    relay: RelayVariant,
    case: Case,
    take: Callable[[], Submissions],
    rounds: int,
    runner: asyncio.Runner,
) -> tuple[Timings, int]:
    """Seconds of every variant in each round, in turn, the same bytes for all; and how many bytes one has.

    One round is not counted.
    """
    timings: Timings = {}
    size = 0
    for turn in range(rounds + 1):
        submissions = take()
        size = len(submissions[0][0])
        variants: dict[str, Callable[[], float]] = {
            "relay": partial(_run, runner, relay.publish, submissions),
            "append": partial(append, folder / "append", submissions, 1),
            "grouped": partial(append, folder / "grouped", submissions, _GROUP),
            "sqlite": partial(_run, runner, partial(sqlite, folder / "rows.db"), submissions),
        }
        for name in list(variants) if turn % 2 else reversed(list(variants)):
            _settle()
            seconds = variants[name]() / sum(map(len, submissions))
            if turn:
                timings.setdefault(name, []).append(seconds)
            for path in (*folder.glob("append"), *folder.glob("grouped"), *folder.glob("rows.db*")):
                path.unlink()
    return timings, size


def _run(
    runner: asyncio.Runner, variant: Callable[[Submissions], Coroutine[None, None, float]], submissions: Submissions
) -> float:
    return runner.run(variant(submissions))


def _settle() -> None:
    """Let the disk finish what was written before: the relay copies back in its own time, and not at our cost."""
    time.sleep(_SETTLE_SECONDS)
    os.sync()


def figures_of(timings: Timings, case: Case) -> list[Figure]:
    """The lines of one case: dispatches a second, ours over the alternative's."""
    rates = {name: [1 / value for value in seconds] for name, seconds in timings.items()}
    lines = [("append", "raw append, fdatasync each"), ("sqlite", "SQLite WAL FULL, group commit")]
    if case.senders > 1:
        lines.insert(1, ("grouped", f"raw append, fdatasync every {_GROUP}"))
    return [
        compared(
            case.name,
            rates,
            "relay",
            name,
            alternative=alternative,
            unit="/s",
            scale=1,
            at_least=AT_LEAST if name == "append" and case.senders > 1 else None,
        )
        for name, alternative in lines
    ]


def measure(
    folder: Path, relay: RelayProcess, home: RelayHome, rounds: int, each: int
) -> tuple[list[Figure], list[str]]:
    """The figures, and the size of a submission in words, for each case."""
    exchange, members = home.exchange, home.exchange.members
    figures, sizes = [], []
    with asyncio.Runner() as runner:

        async def login() -> list[Caller]:
            return [await Caller.login(exchange.seeds(name), relay.url) for name in members]

        progress("logging in ...")
        variant = RelayVariant(runner.run(login()))
        for case in (Case(1, each * 8, True), Case(len(members), each, True), Case(len(members), each * 2, False)):
            progress(f"{case.name} ...")
            names = members[: case.senders]
            to = [() if case.to_all else (members[at - 1],) for at in range(case.senders)]
            senders = [
                exchange.sender(name, _BODIES, to=some).submissions() for name, some in zip(names, to, strict=True)
            ]

            def take(senders: Sequence[Iterator[bytes]] = senders, count: int = case.each) -> Submissions:
                return [list(islice(sender, count)) for sender in senders]

            timings, size = rounds_of(folder, variant, case, take, rounds, runner)
            figures += figures_of(timings, case)
            sizes.append(f"{size / 1000:.0f} KB to {case.recipients}")
    return figures, sizes


def main() -> int:
    """Measure and print; the exit code."""
    options = arguments(__doc__, rounds=9)
    each = 2 if options.quick else 16
    with scratch() as folder:
        home = RelayHome(folder / "relay")
        with home.serving() as relay:
            figures, sizes = measure(folder, relay, home, options.rounds, each)
    report = Report(
        name="publish",
        title="Publishing, with both signatures verified",
        bound=(
            "Processor time under the interpreter's lock, not the disk. A dispatch to 37 costs the relay about 2 "
            "ms on both cores together: two fifths to parse it and to verify its signatures and rules, a quarter "
            "for HTTP and the proof of who calls, a quarter to order and store it with its 37 numbers. Alone in "
            "flight each also waits for a checkpoint's two signatures and a flush of its own."
        ),
        figures=tuple(figures),
        machine=machine("cryptography", "uvicorn", "SQLAlchemy") + f", SQLite {sqlite3.sqlite_version}",
        notes=(
            f"A submission is header, two signatures, openings and a sealed body: {sizes[1]}, {sizes[2]}.",
            "The load generator is one process beside the relay's; both share the two cores.",
            "Submissions and the proofs of who calls are made before the clock starts.",
            "The alternatives verify nothing, authenticate nobody and keep no log.",
        ),
    )
    publish(report, as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
