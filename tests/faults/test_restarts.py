"""The relay goes away and comes back in the middle of what a client does: the client goes on by itself.

Each test uses one `Transport` throughout: it has a token of before, a nonce of before and connections of before, and
nobody tells it that there was a restart.
"""

from __future__ import annotations

import json
import queue
import select
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest

from envoi_client.transport import Transport
from envoi_keys.errors import NetworkError
from envoi_keys.limits import MIB

from ..exchange import seed
from .homes import Member, ended
from .processes import SECONDS, until
from .world import World

STOPS = ["killed", "stopped"]
LARGE = 20 * MIB


@pytest.fixture
def transport(world: World) -> Iterator[Callable[[str], Transport]]:
    """The way of a member, as its node has it."""
    made: list[Transport] = []

    def make(name: str) -> Transport:
        made.append(Transport(world.relay.url, name, world.exchange.party(name).transport.private_bytes_raw()))
        return made[-1]

    yield make
    for one in made:
        one.close()


def restart(world: World, how: str) -> None:
    if how == "killed":
        world.relay.kill()
    else:
        # Nobody who waits keeps it from stopping: three readers wait for a minute each.
        world.relay.stop()
    world.relay.start()


def publish(world: World, sender: str, to: str) -> None:
    sent = world.dispatch(sender, to)
    sent.keep(sent.send())


@pytest.mark.parametrize("how", STOPS)
def test_readers_that_wait_go_on_waiting(how: str, world: World) -> None:
    """The long polls of three members, through a restart with nothing new, and one with something new after it."""
    publish(world, "FR", "AU")
    world.check()
    breaks = [reader.breaks for reader in world.readers]
    restart(world, how)
    restart(world, how)
    publish(world, "FR", "DE")
    publish(world, "FR", "AU")
    world.check()
    if how == "killed":
        assert all(reader.breaks > before for reader, before in zip(world.readers, breaks, strict=True))


@pytest.mark.parametrize("how", STOPS)
def test_a_token_of_before_is_renewed_without_anybody(
    how: str, world: World, transport: Callable[[str], Transport]
) -> None:
    way = transport("JP")
    before = way.checkpoint()
    restart(world, how)
    assert way.checkpoint() == before
    assert [entry.index for entry in way.feed(after=-1, limit=1)] == [0]


@pytest.mark.parametrize("how", STOPS)
def test_an_upload_goes_on_from_what_is_durable(how: str, world: World, transport: Callable[[str], Transport]) -> None:
    data = seed(f"upload {how}", LARGE)
    digest = sha256(data).hexdigest()
    begun, back = threading.Event(), threading.Event()
    offsets = []

    def progress(done: int, size: int) -> None:
        offsets.append(done)
        if done and not begun.is_set():
            begun.set()
            assert back.wait(SECONDS)

    with ThreadPoolExecutor(1) as pool:
        way = transport("US")
        upload = pool.submit(way.upload, BytesIO(data), digest, len(data), progress)
        assert begun.wait(SECONDS)
        restart(world, how)
        back.set()
        upload.result(SECONDS)
    assert offsets[-1] == len(data)
    # Never back to the beginning: what was reported as received was not sent again.
    assert offsets == sorted(offsets)
    assert world.caller("US").get(f"/v1/blobs/{digest}") == data


def test_an_upload_that_is_cut_in_the_middle_of_a_piece_ends_whole(
    world: World, transport: Callable[[str], Transport]
) -> None:
    """kill -9 while bytes stream in, at whatever byte that is."""
    data = seed("cut", LARGE)
    digest = sha256(data).hexdigest()
    partial = world.relay.home / "partial"
    with ThreadPoolExecutor(1) as pool:
        upload = pool.submit(transport("US").upload, BytesIO(data), digest, len(data))
        until(
            lambda: any(path.stat().st_size for path in partial.glob(f"*/{digest}.*")), "bytes to arrive", every=0.001
        )
        world.relay.kill()
        world.relay.start()
        upload.result(SECONDS)
    assert world.caller("US").get(f"/v1/blobs/{digest}") == data


def test_a_download_goes_on_where_it_broke(world: World, transport: Callable[[str], Transport], tmp_path: Path) -> None:
    data = seed("download", LARGE)
    digest = sha256(data).hexdigest()
    world.caller("US").send("PUT", f"/v1/blobs/{digest}", data)
    broken = threading.Event()
    fetched = []

    def progress(done: int, size: int) -> None:
        fetched.append(done)
        if done > LARGE // 4 and not broken.is_set():
            broken.set()
            world.relay.kill()
            world.relay.start()

    transport("US").download(digest, len(data), tmp_path / "blob", progress)
    assert broken.is_set()
    assert fetched == sorted(set(fetched))
    assert (tmp_path / "blob").read_bytes() == data


@pytest.mark.parametrize("how", STOPS)
def test_wake_ups_come_again(how: str, world: World, transport: Callable[[str], Transport]) -> None:
    """The event stream ends with the relay; asked again it wakes again, and nothing is missed by who asks the feed."""
    woken: queue.Queue[str] = queue.Queue()
    stop, ended_once = threading.Event(), threading.Event()
    way = transport("JP")

    def listen() -> None:
        while not stop.is_set():
            try:
                for name in way.events():
                    woken.put(name)
            except NetworkError:
                ended_once.set()
            else:
                ended_once.set()

    def wakes() -> bool:
        # It may be on its way to listen; what it was not woken for it would find in the feed.
        publish(world, "FR", "JP")
        try:
            return woken.get(timeout=1) == "wake"
        except queue.Empty:
            return False

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        until(wakes, "a first wake-up")
        restart(world, how)
        assert ended_once.wait(SECONDS)
        until(wakes, "a wake-up after the restart")
        stop.set()
        world.relay.kill()
    finally:
        stop.set()
        thread.join(SECONDS)
        world.relay.start()
    world.check()


def test_a_watching_envoi_needs_nobody(world: World, tmp_path: Path) -> None:
    """`envoi sync --watch`, a real process, through kill -9 and restart of the relay."""
    member = Member(world.exchange, "US", tmp_path / "US", world.relay.url).make()
    publish(world, "FR", "US")
    process = member.begin("sync", "--watch")
    try:
        # What comes opens for nobody, so it is received and not opened: it is seen, and that is what matters here.
        assert len(told(process)["unopened"]) == 1
        for _ in range(2):
            restart(world, "killed")
            publish(world, "FR", "US")
            assert len(told(process)["unopened"]) == 1
        process.terminate()
        assert ended(process).code == 0
    finally:
        process.kill()
        ended(process)


def told(process: subprocess.Popen[str]) -> dict[str, list[str]]:
    """The next line that a process prints, in time."""
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], SECONDS)[0], "it says nothing"
    line: dict[str, list[str]] = json.loads(process.stdout.readline())
    return line
