"""Attachments over the wire: length and hash decide, and what was done is not done again."""

from __future__ import annotations

import hashlib
import io
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import jwt
import pytest

from envoi_client import limits
from envoi_client.transport import RelayRefused, Unreachable, blobs
from envoi_keys.errors import LocalError, Malformed, PeerError, Unverified

from .relay_stub import Bench, Broken, RelayStub, problem

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SIZE = len(CONTENT)
PIECE = 1024


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of 1 KiB, so that a small file has ten."""
    monkeypatch.setattr(blobs, "UPLOAD_PIECE", PIECE)
    monkeypatch.setattr(blobs, "COPY_PIECE", 100)


@dataclass
class BlobStub:
    """Uploads by offset, downloads by range, and trouble where a test wants it."""

    held: bytearray | None = None
    length: int = 0
    breaks: int = 0
    takes: int = PIECE
    log: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.log.append(f"{request.method} {request.headers.get('upload-offset', '')}".strip())
        return getattr(self, request.method.lower())(request)  # type: ignore[no-any-return]

    @property
    def content(self) -> bytes:
        """What the relay has."""
        return bytes(self.held or b"")

    def _offsets(self, status: int) -> httpx.Response:
        held = self.held or b""
        headers = {"upload-offset": str(len(held)), "upload-length": str(self.length)}
        return httpx.Response(status, headers=headers)

    def head(self, request: httpx.Request) -> httpx.Response:
        if self.held is None:
            return httpx.Response(404, headers={"content-length": "200"})
        response = self._offsets(200)
        # As a relay does: the length of what a GET would bring.
        response.headers["content-length"] = str(len(self.held))
        return response

    def put(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["content-length"] == str(len(request.content))
        self.length = int(request.headers.get("upload-length", len(request.content)))
        self.held = bytearray(request.content)
        return self._offsets(201)

    def patch(self, request: httpx.Request) -> httpx.Response:
        assert self.held is not None
        if int(request.headers["upload-offset"]) != len(self.held):
            return problem(409, "offset-conflict")
        if self.breaks:
            # The connection drops, and half of the piece had arrived: what a retry of the request would spoil.
            self.breaks -= 1
            self.held += request.content[: len(request.content) // 2]
            raise httpx.WriteError("broken pipe")
        self.held += request.content[: self.takes]
        return self._offsets(204)

    def get(self, request: httpx.Request) -> httpx.Response:
        start = int(re.fullmatch(r"bytes=(\d+)-", request.headers["range"])[1])  # type: ignore[index]
        return httpx.Response(
            206,
            stream=self._body(bytes(self.held or b"")[start:]),
            headers={"content-range": f"bytes {start}-{SIZE - 1}/{SIZE}"},
        )

    def _body(self, rest: bytes) -> httpx.SyncByteStream:
        if self.breaks:
            self.breaks -= 1
            return Broken(rest[:700], rest[700:1500])
        return httpx.ByteStream(rest)


def bench(stub: BlobStub) -> Bench:
    return Bench(RelayStub(stub))


# -- uploads


def test_a_large_file_goes_in_pieces() -> None:
    stub, seen = BlobStub(), list[int]()
    bench(stub).transport.upload(io.BytesIO(CONTENT), SHA256, SIZE, lambda done, size: seen.append(done))
    assert stub.content == CONTENT
    assert stub.log[:2] == ["HEAD", "PUT"]
    assert len(stub.log) == 2 + SIZE // PIECE
    assert seen == list(range(0, SIZE + 1, PIECE))


def test_a_small_file_goes_whole(tmp_path: Path) -> None:
    stub, small = BlobStub(), CONTENT[:PIECE]
    source = tmp_path / "sealed"
    source.write_bytes(small)
    bench(stub).transport.upload(source, hashlib.sha256(small).hexdigest(), PIECE)
    assert stub.content == small
    assert stub.log == ["HEAD", "PUT"]


def test_what_the_relay_has_is_not_sent_again() -> None:
    stub = BlobStub(held=bytearray(CONTENT), length=SIZE)
    bench(stub).transport.upload(io.BytesIO(CONTENT), SHA256, SIZE)
    assert stub.log == ["HEAD"]


def test_an_upload_goes_on_from_the_durable_offset() -> None:
    stub = BlobStub(held=bytearray(CONTENT[:3333]), length=SIZE)
    bench(stub).transport.upload(io.BytesIO(CONTENT), SHA256, SIZE)
    assert stub.content == CONTENT
    assert stub.log[:2] == ["HEAD", "PATCH 3333"]


def test_a_connection_that_drops_is_followed_by_asking_and_not_by_repeating() -> None:
    stub = BlobStub(breaks=2)
    here = bench(stub)
    here.transport.upload(io.BytesIO(CONTENT), SHA256, SIZE)
    assert stub.content == CONTENT
    assert stub.log[2:6] == ["PATCH 0", "HEAD", "PATCH 512", "HEAD"]
    assert len(here.slept) == 2


def test_a_relay_that_takes_part_of_a_piece_is_followed() -> None:
    stub = BlobStub(takes=600)
    bench(stub).transport.upload(io.BytesIO(CONTENT), SHA256, SIZE)
    assert stub.content == CONTENT


def test_progress_between_breaks_keeps_an_upload_alive() -> None:
    stub = BlobStub(breaks=3 * limits.MAX_TRIES)
    bench(stub).transport.upload(io.BytesIO(CONTENT), SHA256, SIZE)
    assert stub.content == CONTENT


def test_an_upload_without_progress_ends() -> None:
    stub = BlobStub(held=bytearray(), length=SIZE)

    def dead(request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH":
            stub.log.append("PATCH")
            raise httpx.WriteTimeout("slow")
        return stub(request)

    with pytest.raises(Unreachable):
        Bench(RelayStub(dead)).transport.upload(io.BytesIO(CONTENT), SHA256, SIZE)
    assert stub.log.count("PATCH") == limits.MAX_TRIES


def test_another_request_in_the_same_upload_is_made_up_with() -> None:
    stub = BlobStub(held=bytearray(), length=SIZE)

    def overtaken(request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH" and not stub.held:
            stub.held = bytearray(CONTENT[:2000])
        return stub(request)

    Bench(RelayStub(overtaken)).transport.upload(io.BytesIO(CONTENT), SHA256, SIZE)
    assert stub.content == CONTENT
    assert stub.log[1:4] == ["PATCH 0", "HEAD", "PATCH 2000"]


@pytest.mark.parametrize("offset", ["0", "99999", "x", ""])
def test_an_offset_that_cannot_be_is_malformed(offset: str) -> None:
    stub = BlobStub(held=bytearray(), length=SIZE)

    def lying(request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH":
            return httpx.Response(204, headers={"upload-offset": offset})
        return stub(request)

    with pytest.raises(Malformed, match="upload-offset"):
        Bench(RelayStub(lying)).transport.upload(io.BytesIO(CONTENT), SHA256, SIZE)


def test_a_refused_upload_is_a_refusal() -> None:
    def full(request: httpx.Request) -> httpx.Response:
        return httpx.Response(404) if request.method == "HEAD" else problem(413, "too-large")

    with pytest.raises(RelayRefused) as caught:
        Bench(RelayStub(full)).transport.upload(io.BytesIO(CONTENT), SHA256, SIZE)
    assert caught.value.reason == "too-large"


def test_a_file_of_another_size_is_not_sent(tmp_path: Path) -> None:
    stub = BlobStub()
    with pytest.raises(LocalError, match="bytes instead of"):
        bench(stub).transport.upload(io.BytesIO(CONTENT[:-1]), SHA256, SIZE)
    with pytest.raises(LocalError, match="cannot read"):
        bench(stub).transport.upload(tmp_path / "missing", SHA256, SIZE)
    assert stub.log == []


def test_a_head_refused_for_its_nonce_is_proved_again() -> None:
    stub = BlobStub(held=bytearray(CONTENT), length=SIZE)
    here = bench(stub)
    here.transport.upload(io.BytesIO(CONTENT), SHA256, SIZE)
    here.stub.nonce = "nonce-2"
    here.transport.upload(io.BytesIO(CONTENT), SHA256, SIZE)
    heads = here.stub.asked("HEAD", f"/v1/blobs/{SHA256}")
    proved = [jwt.decode(one.headers["dpop"], options={"verify_signature": False})["nonce"] for one in heads]
    assert proved == ["nonce-1", "nonce-1", "nonce-2"]
    assert stub.log == ["HEAD", "HEAD"]  # the one in between was turned away at the door
    assert here.stub.logins == 1
    assert here.slept == []


# -- downloads


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / SHA256


def partial(target: Path) -> Path:
    return target.with_name(target.name + ".partial")


def test_a_file_is_named_when_its_hash_holds(target: Path) -> None:
    seen: list[int] = []
    stub = BlobStub(held=bytearray(CONTENT))
    bench(stub).transport.download(SHA256, SIZE, target, lambda done, size: seen.append(done))
    assert target.read_bytes() == CONTENT
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert not partial(target).exists()
    assert seen[-1] == SIZE


def test_a_download_goes_on_where_it_broke(target: Path) -> None:
    here = bench(BlobStub(held=bytearray(CONTENT), breaks=3))
    here.transport.download(SHA256, SIZE, target)
    assert target.read_bytes() == CONTENT
    ranges = [request.headers["range"] for request in here.stub.requests if request.method == "GET"]
    assert ranges == ["bytes=0-", "bytes=1500-", "bytes=3000-", "bytes=4500-"]


def test_a_download_of_an_earlier_process_is_gone_on_with(target: Path) -> None:
    partial(target).write_bytes(CONTENT[:5000])
    here = bench(BlobStub(held=bytearray(CONTENT)))
    here.transport.download(SHA256, SIZE, target)
    assert target.read_bytes() == CONTENT
    assert here.stub.requests[-1].headers["range"] == "bytes=5000-"


def test_a_partial_file_that_is_too_long_is_cut(target: Path) -> None:
    partial(target).write_bytes(CONTENT + b"rest of something else")
    bench(BlobStub(held=bytearray(CONTENT))).transport.download(SHA256, SIZE, target)
    assert target.read_bytes() == CONTENT


def test_a_relay_without_ranges_serves_too(target: Path) -> None:
    partial(target).write_bytes(CONTENT[:5000])
    here = Bench(RelayStub(lambda request: httpx.Response(200, content=iter([CONTENT[:4000], CONTENT[4000:]]))))
    here.transport.download(SHA256, SIZE, target)
    assert target.read_bytes() == CONTENT


def test_a_changed_byte_is_found_and_nothing_is_named(target: Path) -> None:
    changed = bytearray(CONTENT)
    changed[5000] ^= 1
    here = bench(BlobStub(held=changed))
    with pytest.raises(Unverified, match="its hash differs"):
        here.transport.download(SHA256, SIZE, target)
    assert not target.exists()
    assert not partial(target).exists()


def test_a_spoilt_partial_file_spoils_only_one_try(target: Path) -> None:
    partial(target).write_bytes(b"x" * 100)
    here = bench(BlobStub(held=bytearray(CONTENT)))
    with pytest.raises(Unverified):
        here.transport.download(SHA256, SIZE, target)
    here.transport.download(SHA256, SIZE, target)
    assert target.read_bytes() == CONTENT


def test_a_stream_that_ends_early_is_never_a_shorter_file(target: Path) -> None:
    def short(request: httpx.Request) -> httpx.Response:
        start = int(request.headers["range"][6:-1])
        return httpx.Response(
            206,
            content=iter([CONTENT[start : start + 10] if start < 100 else b""]),
            headers={"content-range": f"bytes {start}-{SIZE - 1}/{SIZE}"},
        )

    here = Bench(RelayStub(short))
    with pytest.raises(Unreachable, match="cut short at 100"):
        here.transport.download(SHA256, SIZE, target)
    assert not target.exists()
    assert partial(target).read_bytes() == CONTENT[:100]


def test_more_than_was_signed_for_is_refused(target: Path) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield bytes(4096)

    here = Bench(RelayStub(lambda request: httpx.Response(200, content=endless())))
    with pytest.raises(PeerError, match="more than"):
        here.transport.download(SHA256, SIZE, target)
    assert not target.exists()
    assert partial(target).stat().st_size <= SIZE


def test_another_range_than_asked_for_is_malformed(target: Path) -> None:
    headers = {"content-range": f"bytes 5-{SIZE - 1}/{SIZE}"}
    here = Bench(RelayStub(lambda request: httpx.Response(206, content=CONTENT[5:], headers=headers)))
    with pytest.raises(Malformed, match="another range"):
        here.transport.download(SHA256, SIZE, target)


def test_what_is_not_there_is_a_refusal(target: Path) -> None:
    here = Bench(RelayStub(lambda request: problem(404, "not-found")))
    with pytest.raises(RelayRefused):
        here.transport.download(SHA256, SIZE, target)
    assert not target.exists()


def test_a_directory_that_is_not_there_is_our_own_error(tmp_path: Path) -> None:
    here = bench(BlobStub(held=bytearray(CONTENT)))
    with pytest.raises(LocalError, match="cannot write"):
        here.transport.download(SHA256, SIZE, tmp_path / "nowhere" / SHA256)
