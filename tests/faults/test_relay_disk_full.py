"""The relay's disk is full: it says so, keeps what it has, serves what it holds, and recovers by itself.

Once with a real file system of a few MiB, and once with the kernel's limit on the size of files, which needs no
privilege and fails another way (EFBIG instead of ENOSPC, in the middle of a write instead of before it).
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from envoi_client.transport import RelayRefused
from envoi_client.transport.errors import Busy
from envoi_keys.limits import MIB
from envoi_server.sqlite_engine import IDLE_SECONDS

from ..exchange import ORIGIN, Exchange, seed
from .disks import files_limited, small_disk
from .processes import SECONDS, RelayProcess, script, until
from .world import KINDS, LOGGED, Sent, World, running_world

DISK = 12 * MIB
Full = Callable[[], AbstractContextManager[None]]


@pytest.fixture(scope="module", params=["a file system", "a limit"])
def full(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Full]]:
    """A relay, and a block inside which it cannot store anything more."""
    root = tmp_path_factory.mktemp("full")
    if request.param == "a limit":
        with running_world(root / "home", min_free_bytes=0, sweep_every_seconds=3600) as world:
            yield world, lambda: files_limited(world.relay.pid, 0)
        return
    with (
        small_disk(root / "disk", DISK) as disk,
        running_world(root / "disk" / "home", min_free_bytes=0, sweep_every_seconds=3600, log=root / "log") as world,
    ):

        @contextmanager
        def filled() -> Iterator[None]:
            disk.fill()
            try:
                yield
            finally:
                disk.empty()

        yield world, filled


LARGE = 900_000
"""Bytes of a body."""


def wrong(world: World) -> list[str]:
    """What the relay says is wrong with it; nothing if it says that it is ready."""
    answer = httpx.get(f"{world.relay.url}/readyz")
    said = json.loads(answer.content)
    assert said["ready"] == (answer.status_code == HTTPStatus.OK)
    return [str(one) for one in said.get("wrong", ())]


def refused_for_room(world: World, sender: str) -> Sent:
    """The first of large dispatches that is refused: the write-ahead log has room left over from before."""
    for _ in range(32):
        sent = world.dispatch(sender, "CHAIR", size=LARGE)
        try:
            sent.keep(sent.send())
        except Busy as busy:
            if "cannot store this now" not in str(busy):
                raise
            return sent
    raise AssertionError("32 dispatches of 900 kB were stored on a full disk")


def test_nothing_is_acknowledged_that_is_not_kept_and_everything_recovers(full: tuple[World, Full]) -> None:
    world, filled = full
    before = world.check()
    sent, lost = world.everything(), []
    with filled():
        large = refused_for_room(world, "AU")
        for one in sent:
            try:
                one.keep(one.send())
            except Busy:
                lost.append(one)
        until(lambda: wrong(world), "the relay to say that it is not ready")
        assert any("full" in one or "I/O error" in one for one in wrong(world))
        assert httpx.get(f"{world.relay.url}/livez").status_code == HTTPStatus.OK
        # What it holds it serves, all of it and nothing else: small things may have found room.
        during = world.check()
        assert during[: len(before)] == before
    until(lambda: not wrong(world), "the relay to be ready again, by itself")
    world.again([large, *lost])
    assert {one.kind for one in sent} == set(KINDS)
    assert len(world.check()) == len(during) + 1 + sum(one.kind in LOGGED for one in lost)


def test_an_upload_is_refused_or_kept_as_far_as_it_came(full: tuple[World, Full]) -> None:
    world, filled = full
    data = seed("upload", 2 * MIB)
    path = f"/v1/blobs/{sha256(data).hexdigest()}"
    caller = world.caller("US")
    headers = {"upload-length": str(len(data))}
    caller.send("PUT", path, b"", headers)
    offset = caller.send("PATCH", path, data[:MIB], {"upload-offset": "0"}).numbers["upload-offset"]
    assert offset == MIB
    with filled(), pytest.raises(Busy, match=r"cannot do this now|no room"):
        caller.send("PATCH", path, data[MIB:], {"upload-offset": str(MIB)})
    blobs = sorted((world.relay.home / "blobs").rglob("*"))
    assert not any(sha256(data).hexdigest().endswith(one.name) for one in blobs if one.is_file())
    # Whatever is left of it, the sender is told how much, goes on from there, and ends with the whole.
    try:
        offset = caller.send("HEAD", path).numbers["upload-offset"]
    except RelayRefused:
        offset = None
    if offset is None:
        offset = caller.send("PUT", path, b"", headers).numbers["upload-offset"]
    assert offset is not None
    caller.send("PATCH", path, data[offset:], {"upload-offset": str(offset)})
    assert caller.get(path) == data
    assert list((world.relay.home / "partial").glob("*/*")) == []


def test_the_write_ahead_log_is_copied_back_afterwards(full: tuple[World, Full]) -> None:
    """The thread that copies it outlives what it meets on a full disk; else the log would grow until a restart."""
    world, filled = full
    with filled():
        large = refused_for_room(world, "AT")
        # Nothing can be waited for: where nothing can be written, what fails is not logged either.
        time.sleep(5 * IDLE_SECONDS)
    until(lambda: not wrong(world), "the relay to be ready again, by itself")
    world.again([large])
    sent = world.dispatch("DE", "CHAIR")
    sent.keep(sent.send())
    note = list(world.truth.submitted)[-1]
    # A note may be cut by the end of a page; most of one is not.
    until(lambda: note[-1000:-500] in (world.relay.home / "relay.db").read_bytes(), "the log to be copied back")


def test_killed_while_full(full: tuple[World, Full]) -> None:
    """kill -9 in the middle of what a full disk does; the relay starts when there is room, with nothing lost."""
    world, filled = full
    with filled():
        lost = [refused_for_room(world, name) for name in ("FR", "DE")]
        before = world.check()
        world.relay.kill()
    world.relay.start()
    assert world.check() == before
    world.again(lost)
    assert len(world.check()) == len(before) + 2


@pytest.mark.parametrize("clean", [True, False], ids=["stopped", "killed"])
def test_a_relay_that_cannot_start_says_why_in_a_sentence(clean: bool, tmp_path: Path) -> None:
    """`envoi-poc serve` itself, on a disk without a byte left; with room it starts as if nothing had been."""
    exchange = Exchange.make(3)
    with small_disk(tmp_path / "disk", 4 * MIB) as disk:
        relay = RelayProcess(disk.path / "home", exchange, log=tmp_path / "log")
        with relay:
            if clean:
                relay.stop()
        disk.fill()
        command = [script("envoi-poc"), "serve", "--home", str(relay.home), "--port", "0", "--roster-id", exchange.id]
        environment = {**os.environ, "ENVOI_POC_ORIGIN": ORIGIN}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS)
        assert done.returncode == 1
        said = [line for line in done.stderr.splitlines() if not line.startswith("{")]
        assert len(said) == 2, done.stderr
        assert said[0].startswith("envoi-poc: ")
        assert said[1].startswith("hint: free some disk space")
        disk.empty()
        with relay:
            assert httpx.get(f"{relay.url}/readyz").status_code == HTTPStatus.OK


def test_room_that_is_kept_free_is_not_for_blobs(tmp_path: Path) -> None:
    """A blob that would not fit is refused before a byte of it is taken, and the log goes on."""
    with (
        small_disk(tmp_path / "disk", DISK) as disk,
        running_world(disk.path / "home", min_free_bytes=DISK - 4 * MIB, log=tmp_path / "log") as world,
    ):
        data = bytes(6 * MIB)
        with pytest.raises(Busy, match="no room for this blob"):
            world.caller("US").send("PUT", f"/v1/blobs/{sha256(data).hexdigest()}", data)
        assert list((world.relay.home / "partial").glob("*/*")) == []
        assert not wrong(world)
        sent = world.dispatch("FR", "AU")
        sent.keep(sent.send())
        world.check()
