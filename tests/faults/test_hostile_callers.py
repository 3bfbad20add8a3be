"""Callers that stall, or send garbage, while honest members publish: the former are dropped, the latter not starved.

The callers sit on plain sockets, since no HTTP client is as slow or as wrong as they are, and come from another address
than the members. The relay's deadlines are a second each here.
"""

from __future__ import annotations

import random
import select
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest

from ..exchange import seed
from .processes import SECONDS, until
from .world import SENDERS, World, running_world

DEADLINE = 1.0
"""Seconds that the relay gives a head, a body and a reader."""
DROPPED_SECONDS = 15
"""By when a staller is gone, on a busy machine."""
SLOWEST = 10.0
"""Seconds within which an honest dispatch is acknowledged, on a busy machine under attack."""
PAUSE = 0.2
"""Seconds between two dispatches of an honest member, so that the machine is not busy with them alone."""
STRANGER = "127.0.0.2"
MANY = 50


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(
        tmp_path_factory.mktemp("relay") / "home",
        header_deadline_seconds=DEADLINE,
        body_deadline_seconds=DEADLINE,
        upload_stall_seconds=DEADLINE,
        send_stall_seconds=DEADLINE,
    ) as made:
        yield made


@contextmanager
def honest(world: World) -> Iterator[None]:
    """Members publish all the while; afterwards everything they sent is there, and none of it took long."""
    stop, failures = threading.Event(), list[BaseException]()
    took: dict[str, list[float]] = {name: [] for name in SENDERS}

    def publish(name: str) -> None:
        try:
            while not stop.is_set():
                sent = world.dispatch(name, *(to for to in (*SENDERS, "CHAIR") if to != name))
                begun = time.monotonic()
                sent.keep(sent.send())
                took[name].append(time.monotonic() - begun)
                stop.wait(PAUSE)
        except BaseException as error:  # noqa: BLE001 - told below, in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=publish, args=(name,)) for name in SENDERS]
    for thread in threads:
        thread.start()
    try:
        yield
        until(lambda: failures or min(len(times) for times in took.values()) >= 3, "honest members to publish", SLOWEST)
    finally:
        stop.set()
        for thread in threads:
            thread.join(SECONDS)
    assert failures == []
    assert max(max(times) for times in took.values()) < SLOWEST
    world.check()


class Hostile:
    """One connection from another address than the members'."""

    def __init__(self, world: World, first: bytes = b"", *, receive: int = 0) -> None:
        self.socket = socket.socket()
        if receive:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self.socket.bind((STRANGER, 0))
        self.socket.settimeout(SECONDS)
        self.socket.connect(("127.0.0.1", world.relay.port))
        self.send(first)

    def send(self, data: bytes) -> None:
        """Send; that the relay has closed shows elsewhere."""
        with suppress(OSError):
            self.socket.sendall(data)

    def dropped(self) -> bool:
        """Whether the relay has closed the connection, whatever still waits to be read."""
        polled = select.poll()
        polled.register(self.socket, select.POLLRDHUP)
        return bool(polled.poll(0))

    def answer(self) -> bytes:
        """All that the relay has to say, once it has closed the connection."""
        said = b""
        with suppress(ConnectionResetError):
            while data := self.socket.recv(65536):
                said += data
        return said

    def close(self) -> None:
        self.socket.close()


@contextmanager
def hostile(callers: Iterable[Hostile]) -> Iterator[list[Hostile]]:
    with ExitStack() as stack:
        made = []
        for one in callers:
            stack.callback(one.close)
            made.append(one)
        yield made


def trickle(callers: Sequence[Hostile], piece: bytes) -> None:
    """Send a little now and then, to show that one is alive, until every one of them is dropped."""

    def all_dropped() -> bool:
        left = [one for one in callers if not one.dropped()]
        for one in left:
            one.send(piece)
        return not left

    until(all_dropped, "the stallers to be dropped", DROPPED_SECONDS, every=0.1)


def head(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: relay", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def connections(world: World) -> int:
    """How many sockets the relay has open."""
    held = 0
    for descriptor in Path(f"/proc/{world.relay.pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            held += str(descriptor.readlink()).startswith("socket:")
    return held


def test_fifty_that_never_end_their_headers(world: World) -> None:
    before = connections(world)
    begin = b"POST /v1/dispatches HTTP/1.1\r\nhost: relay\r\nx-slow: "
    with honest(world), hostile(Hostile(world, begin) for _ in range(MANY)) as callers:
        trickle(callers, b"s")
    # Senders have a connection each that they did not have before.
    until(lambda: connections(world) < before + MANY // 2, "the relay to close what it dropped")


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/dispatches"), ("POST", "/v1/receipts"), ("PATCH", "/v1/blobs/")]
)
def test_members_that_never_end_a_body(method: str, path: str, world: World) -> None:
    """They have tokens, so the relay begins to read: a member can be hostile too."""
    caller = world.caller("JP")

    def stalled(number: int) -> Hostile:
        where = path
        if method == "PATCH":
            where += sha256(b"%d" % number).hexdigest()
            caller.send("PUT", where, b"", {"upload-length": "5000"})
        fields = {**caller.headers(method, where), "content-length": "5000", "upload-offset": "0"}
        return Hostile(world, head(method, where, fields) + b"begin")

    caller.get("/log/checkpoint")
    with honest(world), hostile(stalled(number) for number in range(MANY // 5)) as callers:
        trickle(callers, b"s")
        assert {one.answer().split(b" ")[1] for one in callers} == {b"408"}


def test_strangers_that_never_end_a_body(world: World) -> None:
    begin = [
        head("POST", path, {"content-length": "5000", "content-type": kind}) + b"begin"
        for path, kind in (
            ("/v1/token", "application/x-www-form-urlencoded"),
            ("/v1/enrolments", "text/plain"),
            ("/v1/roster", "text/plain"),
            ("/nowhere", "text/plain"),
        )
    ]
    chunked = [head("POST", "/v1/enrolments", {"transfer-encoding": "chunked"}) + b"1\r\n"]
    with honest(world), hostile(Hostile(world, one) for one in (begin + chunked) * 4) as callers:
        trickle(callers, b"s")


def test_readers_that_never_read(world: World) -> None:
    """Megabytes are on their way to each of them, and the relay does not keep any of it for them."""
    for _ in range(8):
        sent = world.dispatch("AT", "JP", size=900_000)
        sent.keep(sent.send())
    caller, path = world.caller("JP"), "/v1/dispatches"
    whole = len(caller.get(path, after=-1))
    with honest(world):
        before = connections(world)
        requests = (head("GET", path, caller.headers("GET", path)) for _ in range(MANY // 5))
        with hostile(Hostile(world, one, receive=4096) for one in requests) as callers:
            until(lambda: connections(world) >= before + len(callers), "the relay to begin its answers")
            # What the kernel still holds for them keeps their ends open; the relay's have to go.
            until(lambda: connections(world) < before + 3, "the readers to be dropped", DROPPED_SECONDS)
            assert all(1000 < len(one.answer()) < whole for one in callers)


TOKEN = b"POST /v1/token HTTP/1.1\r\nhost: r\r\n"
GARBAGE = {
    "nothing at all": b"",
    "random bytes": random.Random(7).randbytes(20_000),
    "random lines": b"\r\n".join(random.Random(8).randbytes(40).replace(b"\r", b"") for _ in range(200)) + b"\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP/2 without asking": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    "a header without end": b"GET / HTTP/1.1\r\nx: " + b"a" * 100_000,
    "thousands of headers": b"GET / HTTP/1.1\r\nconnection: close\r\n"
    + b"".join(b"x-%d: y\r\n" % at for at in range(5000))
    + b"\r\n",
    "a path without end": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    "two lengths": TOKEN + b"content-length: 5\r\ncontent-length: 6\r\n\r\nabcde",
    "length and chunks": (TOKEN + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    "a length below zero": TOKEN + b"content-length: -1\r\n\r\n",
    "a length beyond all": TOKEN + b"content-length: 99999999999999999999\r\n\r\n",
    "a chunk of no size": TOKEN + b"transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "a chunk beyond all": TOKEN + b"transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nab",
    "no form": TOKEN + b"connection: close\r\ncontent-length: 8\r\n\r\n" + b"\xff" * 8,
    "a null in a header": b"GET /livez HTTP/1.1\r\nhost: r\r\nx: a\x00b\r\n\r\n",
    "a body that is cut off": TOKEN + b"content-length: 100\r\n\r\nabc",
}


def test_garbage_of_every_kind(world: World) -> None:
    """Every connection ends, none with a success, and the relay has not failed at any of it."""
    logged = len(world.relay.log.read_text())
    with honest(world), hostile(Hostile(world, one) for one in GARBAGE.values()) as callers:
        until(lambda: all(one.dropped() for one in callers), "garbage to be dropped", DROPPED_SECONDS)
        said = {name: one.answer().split(b"\r\n")[0] for name, one in zip(GARBAGE, callers, strict=True)}
    statuses = {name: int(line.split(b" ")[1]) if line else 0 for name, line in said.items()}
    assert all(status == 0 or 400 <= status < 500 for status in statuses.values()), statuses
    errors = [line for line in world.relay.log.read_text()[logged:].splitlines() if '"level":"error"' in line]
    assert errors == []


def test_a_member_that_sends_garbage_as_submissions(world: World) -> None:
    """With a token that is good: what it posts is refused one by one, and nobody else notices."""
    caller = world.caller("US")
    caller.get("/log/checkpoint")
    drawn = random.Random(9)
    with honest(world):
        for number in count(1):
            body = drawn.randbytes(drawn.randrange(2000)) if number % 2 else seed(f"{number}", 300)
            fields = {
                **caller.headers("POST", "/v1/dispatches"),
                "content-length": str(len(body)),
                "connection": "close",
            }
            with hostile([Hostile(world, head("POST", "/v1/dispatches", fields) + body)]) as (one,):
                assert one.answer().split(b" ")[1] in (b"400", b"413")
            if number == 2 * MANY:
                break
