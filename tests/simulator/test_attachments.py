"""Attachments that are damaged, cut or do not fit on the disk: no file has its name before it is whole and true."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from envoi_client.node import FileToAttach
from envoi_keys.errors import LocalError, NetworkError, PeerError

from ..exchange import seed
from .world import Member, World

PAPER = seed("a paper", 300_000)


class FullDisk:
    """Files that take so many bytes in all, and then none."""

    def __init__(self, room: int) -> None:
        self.room = room

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        original = os.fdopen

        def fdopen(descriptor: int, *args: Any, **more: Any) -> Any:
            file = original(descriptor, *args, **more)
            return Limited(file, self)

        monkeypatch.setattr(os, "fdopen", fdopen)


class Limited:
    def __init__(self, file: Any, disk: FullDisk) -> None:
        self._file = file
        self._disk = disk

    def __enter__(self) -> Limited:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, data: bytes) -> int:
        self._disk.room -= len(data)
        if self._disk.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return int(self._file.write(data))


@pytest.fixture
def paper(tmp_path: Path) -> FileToAttach:
    path = tmp_path / "paper.pdf"
    path.write_bytes(PAPER)
    return FileToAttach(path, "paper.pdf", "application/pdf")


@pytest.fixture
def sent(pair: World, paper: FileToAttach) -> World:
    """FR has sent the paper to AU, who knows of it and has not fetched it."""
    pair["FR"].say("with a paper", "AU", files=[paper])
    pair.sync("AU")
    return pair


def blobs(member: Member) -> list[str]:
    return sorted(path.name for path in member.home.blobs.iterdir())


def fetched(world: World) -> list[Path]:
    target = world.root / "papers"
    target.mkdir(exist_ok=True)
    return world["AU"].node.fetch(2, target)


def kept(world: World) -> list[str]:
    """What lies in the directory of the papers."""
    return sorted(path.name for path in (world.root / "papers").iterdir())


def test_an_attachment_crosses_whole(sent: World) -> None:
    (path,) = fetched(sent)
    assert path.read_bytes() == PAPER
    assert kept(sent) == ["paper.pdf"]
    assert blobs(sent["AU"]) == list(sent.relay.blobs)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_while_sealing_leaves_no_file_no_number_and_no_dispatch(
    pair: World, paper: FileToAttach, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pair["FR"].state()
    with monkeypatch.context() as patch:
        FullDisk(100_000).install(patch)
        with pytest.raises(LocalError, match="no space left") as caught:
            pair["FR"].say("with a paper", "AU", files=[paper])
    assert caught.value.hint is not None
    assert (blobs(pair["FR"]), pair["FR"].state(), pair.relay.blobs) == ([], before, {})
    assert pair["FR"].say("with a paper", "AU", files=[paper]).numbers == {"AU": 2}


@pytest.mark.parametrize("room", [0, 1000, 299_999])
def test_a_full_disk_while_fetching_leaves_no_file_under_a_final_name(
    sent: World, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    (name,) = sent.relay.blobs
    with monkeypatch.context() as patch:
        FullDisk(room).install(patch)
        with pytest.raises(LocalError, match="no space left"):
            fetched(sent)
    assert kept(sent) == []
    assert blobs(sent["AU"]) == [name + ".partial"]
    assert sent["AU"].store.blobs.get(name) is None
    (path,) = fetched(sent)
    assert path.read_bytes() == PAPER
    assert blobs(sent["AU"]) == [name]


def test_a_full_disk_while_opening_leaves_nothing_to_be_taken_for_the_paper(
    sent: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sealed,) = sent.relay.blobs.values()
    with monkeypatch.context() as patch:
        FullDisk(len(sealed) + 100_000).install(patch)
        with pytest.raises(LocalError, match="no space left"):
            fetched(sent)
    assert kept(sent) == []
    # What was fetched is not fetched again.
    before = len(sent.relay.requests)
    (path,) = fetched(sent)
    assert path.read_bytes() == PAPER
    assert [one for one in sent.relay.requests[before:] if "/v1/blobs/" in one[2]] == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda blob: blob[:-1] + bytes([blob[-1] ^ 1]),
        lambda blob: bytes([blob[0] ^ 1]) + blob[1:],
        lambda blob: blob[:100_000] + blob[165_552:165_553] + blob[100_001:],
        lambda blob: bytes(len(blob)),
    ],
    ids=["last byte", "first byte", "a byte in the middle", "zeroes"],
)
def test_an_attachment_altered_in_the_relay_gets_no_name(sent: World, spoil: Callable[[bytes], bytes]) -> None:
    ((name, true),) = sent.relay.blobs.items()
    sent.relay.blobs[name] = spoil(true)
    with pytest.raises(PeerError):
        fetched(sent)
    assert kept(sent) == []
    # Nothing of it is gone on with.
    assert blobs(sent["AU"]) == []
    sent.relay.blobs[name] = true
    (path,) = fetched(sent)
    assert path.read_bytes() == PAPER


@pytest.mark.parametrize("length", [0, 1, 150_000])
def test_an_attachment_that_is_shorter_than_the_header_says_is_not_finished(sent: World, length: int) -> None:
    ((name, true),) = sent.relay.blobs.items()
    sent.relay.blobs[name] = true[:length]
    with pytest.raises((PeerError, NetworkError)):
        fetched(sent)
    assert kept(sent) == []
    assert name not in blobs(sent["AU"])
    sent.relay.blobs[name] = true
    (path,) = fetched(sent)
    assert path.read_bytes() == PAPER


def test_an_attachment_that_never_ends_is_cut_at_its_size(sent: World) -> None:
    ((name, true),) = sent.relay.blobs.items()
    sent.relay.blobs[name] = true + b"x" * 10_000_000
    with pytest.raises((PeerError, NetworkError)):
        fetched(sent)
    assert kept(sent) == []
    assert sum(path.stat().st_size for path in sent["AU"].home.blobs.iterdir()) <= len(true)


def test_a_fetch_that_broke_off_goes_on_where_it_stopped(sent: World) -> None:
    ((name, true),) = sent.relay.blobs.items()
    asked: list[str] = []

    def breaking(request: httpx.Request, honest: Callable[[], httpx.Response]) -> httpx.Response:
        if request.url.path != f"/v1/blobs/{name}":
            return honest()
        asked.append(request.headers["range"])
        if len(asked) > 1:
            raise httpx.ReadError("gone")
        headers = {"content-range": f"bytes 0-{len(true) - 1}/{len(true)}"}
        return httpx.Response(206, headers=headers, content=true[:200_000])

    sent.relay.answer = breaking
    with pytest.raises(NetworkError):
        fetched(sent)
    assert (kept(sent), blobs(sent["AU"])) == ([], [name + ".partial"])
    sent["AU"].restart()
    asked.clear()

    def listening(request: httpx.Request, honest: Callable[[], httpx.Response]) -> httpx.Response:
        asked.append(request.headers.get("range", ""))
        return honest()

    sent.relay.answer = listening
    (path,) = fetched(sent)
    assert path.read_bytes() == PAPER
    assert "bytes=200000-" in asked


def test_an_attachment_damaged_on_our_own_disk_is_fetched_again(sent: World) -> None:
    (name,) = sent.relay.blobs
    fetched(sent)[0].unlink()
    stored = sent["AU"].home.blob(name)
    stored.write_bytes(stored.read_bytes()[:-1] + b"?")
    with pytest.raises(PeerError):
        fetched(sent)
    assert kept(sent) == []
    (path,) = fetched(sent)
    assert path.read_bytes() == PAPER


def test_an_upload_that_broke_off_ends_in_one_dispatch_with_its_attachment(pair: World, paper: FileToAttach) -> None:
    def breaking(request: httpx.Request, honest: Callable[[], httpx.Response]) -> httpx.Response:
        if request.method == "PUT":
            raise httpx.WriteError("gone")
        return honest()

    pair.relay.answer = breaking
    with pytest.raises(NetworkError):
        pair["FR"].say("with a paper", "AU", files=[paper])
    # Nothing without its attachment: the dispatch has not left either.
    assert len(pair.relay.entries) == 2
    pair.relay.be_honest()
    pair["FR"].restart()
    pair.sync("FR", "AU")
    assert len(pair.relay.entries) == 3
    (path,) = fetched(pair)
    assert path.read_bytes() == PAPER
