"""Blobs over HTTP: resumed, ranged, limited, and nobody's business but that of sender and recipients."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from time import time

import httpx
import pytest
from starlette.types import Message

from envoi_server.file_blobs import FileBlobStore
from envoi_server.uploads import Uploads

from .conftest import Bench, Make, converse
from .courier import Courier, slug

pytestmark = pytest.mark.anyio
DATA = os.urandom(2_500_000)
DIGEST = hashlib.sha256(DATA).hexdigest()
PATH = f"/v1/blobs/{DIGEST}"


def offsets(answer: httpx.Response) -> tuple[int, int]:
    return int(answer.headers["upload-offset"]), int(answer.headers["upload-length"])


def files(bench: Bench) -> list[Path]:
    home = bench.settings.home
    return [path for part in ("blobs", "partial") for path in (home / part).rglob("*") if path.is_file()]


async def begin(caller: Courier, length: int = len(DATA), path: str = PATH) -> httpx.Response:
    return await caller.send("PUT", path, headers={"upload-length": str(length)})


async def patch(caller: Courier, offset: int, data: bytes, path: str = PATH) -> httpx.Response:
    return await caller.send("PATCH", path, headers={"upload-offset": str(offset)}, content=data)


async def test_a_blob_sent_whole_is_fetched_whole(bench: Bench) -> None:
    fr = await bench.courier()
    sent = await fr.send("PUT", PATH, content=DATA)
    assert sent.status_code == 201
    assert offsets(sent) == (len(DATA), len(DATA))
    got = await fr.send("GET", PATH)
    assert got.status_code == 200
    assert got.content == DATA
    assert got.headers["etag"] == f'"{DIGEST}"'
    again = await fr.send("PUT", PATH, content=DATA)
    assert offsets(again) == (len(DATA), len(DATA))


async def test_an_empty_blob_is_a_blob(bench: Bench) -> None:
    fr = await bench.courier()
    path = "/v1/blobs/" + hashlib.sha256(b"").hexdigest()
    assert (await fr.send("PUT", path)).status_code == 201
    got = await fr.send("GET", path)
    assert (got.status_code, got.content) == (200, b"")


async def test_an_upload_goes_on_where_it_stands_after_a_restart(make: Make) -> None:
    before = await make()
    fr = await before.courier()
    assert offsets(await begin(fr)) == (0, len(DATA))
    assert offsets(await patch(fr, 0, DATA[:1_000_001])) == (1_000_001, len(DATA))
    after = await make(before.relay)
    fr = await after.courier()
    assert offsets(await fr.send("HEAD", PATH)) == (1_000_001, len(DATA))
    assert offsets(await begin(fr)) == (1_000_001, len(DATA))
    assert slug(await fr.send("GET", PATH)) == "not-found"
    assert (await patch(fr, 1_000_001, DATA[1_000_001:])).status_code == 204
    assert (await fr.send("GET", PATH)).content == DATA


async def test_an_upload_that_was_whole_when_the_relay_stopped_is_made_good(make: Make) -> None:
    before = await make()
    fr = await before.courier()
    await begin(fr)
    # All but the naming: what a stop between the last byte and the name leaves behind.
    (partial,) = (path for path in files(before) if DIGEST in path.name)
    partial.write_bytes(DATA)
    partial.rename(partial.with_name(f"{DIGEST}.{len(DATA)}.{len(DATA)}"))
    fr = await (await make(before.relay)).courier()
    assert offsets(await fr.send("HEAD", PATH)) == (len(DATA), len(DATA))
    assert (await fr.send("GET", PATH)).content == DATA


async def test_wrong_bytes_are_refused_and_removed(bench: Bench) -> None:
    fr = await bench.courier()
    answer = await fr.send("PUT", PATH, content=b"x" + DATA[1:])
    assert slug(answer) == "body-mismatch"
    assert answer.status_code == 422
    assert files(bench) == []
    assert slug(await fr.send("GET", PATH)) == "not-found"
    assert (await fr.send("PUT", PATH, content=DATA)).status_code == 201


async def test_an_offset_elsewhere_is_told_where_the_upload_stands(bench: Bench) -> None:
    fr = await bench.courier()
    await begin(fr)
    await patch(fr, 0, DATA[:10])
    for offset in (0, 11):
        answer = await patch(fr, offset, DATA[10:20])
        assert slug(answer) == "offset-conflict"
        assert answer.json()["offset"] == 10
    await patch(fr, 10, DATA[10:])
    late = await patch(fr, 10, DATA[10:])
    assert slug(late) == "offset-conflict"
    assert late.json()["offset"] == len(DATA)


async def test_more_than_was_announced_is_refused(bench: Bench) -> None:
    fr = await bench.courier()
    await begin(fr, 10)
    assert slug(await patch(fr, 0, DATA[:11])) == "too-large"

    async def chunks() -> AsyncIterator[bytes]:
        yield DATA[:11]

    answer = await fr.send("PATCH", PATH, headers={"upload-offset": "0"}, content=chunks())
    assert slug(answer) == "too-large"
    assert offsets(await fr.send("HEAD", PATH)) == (0, 10)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=10-19", (10, 20)),
        ("bytes=2499990-", (2_499_990, 2_500_000)),
        ("bytes=-5", (2_499_995, 2_500_000)),
        ("bytes=-99999999", (0, 2_500_000)),
        ("bytes=5-99999999", (5, 2_500_000)),
        ("bytes=500-1800000", (500, 1_800_001)),
    ],
)
async def test_a_range_is_that_range(bench: Bench, asked: str, expected: tuple[int, int]) -> None:
    fr = await bench.courier()
    await fr.send("PUT", PATH, content=DATA)
    answer = await fr.send("GET", PATH, headers={"range": asked})
    start, end = expected
    assert answer.status_code == 206
    assert answer.content == DATA[start:end]
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{len(DATA)}"


@pytest.mark.parametrize("asked", ["bytes=2500000-", "bytes=9999999999-", "bytes=-0"])
async def test_a_range_beyond_the_end_is_refused(bench: Bench, asked: str) -> None:
    fr = await bench.courier()
    await fr.send("PUT", PATH, content=DATA)
    answer = await fr.send("GET", PATH, headers={"range": asked})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(DATA)}"
    assert slug(answer) == "range-not-satisfiable"


@pytest.mark.parametrize("asked", ["bytes=-", "bytes=1-2,4-5", "lines=1-2", "bytes=9-3", "x"])
async def test_a_range_that_cannot_be_read_is_ignored(bench: Bench, asked: str) -> None:
    fr = await bench.courier()
    await fr.send("PUT", PATH, content=DATA)
    answer = await fr.send("GET", PATH, headers={"range": asked})
    assert answer.status_code == 200
    assert answer.content == DATA


async def test_what_is_not_yours_looks_like_what_does_not_exist(bench: Bench) -> None:
    fr, de = await bench.courier("FR"), await bench.courier("DE")
    await fr.send("PUT", PATH, content=DATA)
    unknown = "/v1/blobs/" + "ab" * 32
    for method in ("GET", "HEAD", "PATCH"):
        headers = {"upload-offset": "0"} if method == "PATCH" else {}
        theirs = await de.send(method, PATH, headers=headers)
        nobodys = await de.send(method, unknown, headers=headers)
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.content == nobodys.content
        ignored = {"x-request-id"}
        assert {k: v for k, v in theirs.headers.items() if k not in ignored} == {
            k: v for k, v in nobodys.headers.items() if k not in ignored
        }
    # Beginning to upload what another has uploaded starts at nothing too.
    assert offsets(await begin(de)) == (0, len(DATA))


async def test_a_recipient_may_fetch_it(bench: Bench) -> None:
    fr, de = await bench.courier("FR"), await bench.courier("DE")
    await fr.send("PUT", PATH, content=DATA)
    bench.relay.blobs.readable.add(("DE", DIGEST))
    assert (await de.send("GET", PATH)).content == DATA
    assert offsets(await de.send("HEAD", PATH)) == (len(DATA), len(DATA))


async def test_two_members_may_upload_the_same_blob_at_once(bench: Bench) -> None:
    fr, de = await bench.courier("FR"), await bench.courier("DE")
    answers = await asyncio.gather(fr.send("PUT", PATH, content=DATA), de.send("PUT", PATH, content=DATA))
    assert [answer.status_code for answer in answers] == [201, 201]
    assert (await de.send("GET", PATH)).content == DATA
    assert len(files(bench)) == 1


async def test_a_newer_request_takes_an_upload_over(bench: Bench) -> None:
    fr = await bench.courier()
    await begin(fr)
    release = asyncio.Event()

    async def stalled() -> AsyncIterator[bytes]:
        yield DATA[: 2**20]
        await release.wait()
        yield DATA[2**20 :]

    old = asyncio.create_task(fr.send("PATCH", PATH, headers={"upload-offset": "0"}, content=stalled()))
    async with asyncio.timeout(10):
        while offsets(await fr.send("HEAD", PATH))[0] < 2**20:  # noqa: ASYNC110 - the state is behind HTTP
            await asyncio.sleep(0.01)
    new = await patch(fr, 2**20, DATA[2**20 :])
    assert new.status_code == 204
    release.set()
    assert slug(await old) == "offset-conflict"
    assert (await fr.send("GET", PATH)).content == DATA


async def test_what_arrived_before_the_connection_broke_is_kept(bench: Bench) -> None:
    fr = await bench.courier()
    await begin(fr)
    headers = {**fr.headers("PATCH", PATH), "upload-offset": "0", "content-length": str(len(DATA))}
    messages: list[Message] = [
        {"type": "http.request", "body": DATA[:1_200_000], "more_body": True},
        {"type": "http.request", "body": DATA[1_200_000:1_200_007], "more_body": True},
        {"type": "http.disconnect"},
    ]
    answers = await converse(bench.app, "PATCH", PATH, headers, messages)
    assert answers == []
    stands = 1_200_007
    assert offsets(await fr.send("HEAD", PATH)) == (stands, len(DATA))
    assert (await patch(fr, stands, DATA[stands:])).status_code == 204
    assert (await fr.send("GET", PATH)).content == DATA


async def test_a_stalled_upload_is_ended_and_kept(make: Make) -> None:
    bench = await make(upload_stall_seconds=0.05)
    fr = await bench.courier()
    await begin(fr)

    async def stalling() -> AsyncIterator[bytes]:
        yield DATA[: 2**20]
        await asyncio.sleep(30)
        yield b""

    answer = await fr.send("PATCH", PATH, headers={"upload-offset": "0"}, content=stalling())
    assert answer.status_code == 408
    assert offsets(await fr.send("HEAD", PATH)) == (2**20, len(DATA))


async def test_limits_are_checked_before_a_byte_is_taken(make: Make) -> None:
    bench = await make(max_blob_bytes=100, partial_blobs_per_caller=2)
    fr = await bench.courier()
    assert slug(await begin(fr, 101)) == "too-large"
    assert slug(await fr.send("PUT", PATH, content=bytes(101))) == "too-large"
    assert slug(await begin(fr, 2**40)) == "too-large"
    for name in ("aa", "bb"):
        assert (await begin(fr, 50, f"/v1/blobs/{name * 32}")).status_code == 201
    assert slug(await begin(fr, 50, f"/v1/blobs/{'cc' * 32}")) == "rate-limited"


async def test_a_member_has_a_quota(make: Make) -> None:
    bench = await make(blob_quota_bytes=len(DATA) + 10)
    fr, de = await bench.courier("FR"), await bench.courier("DE")
    assert (await fr.send("PUT", PATH, content=DATA)).status_code == 201
    assert (await begin(fr, 8, f"/v1/blobs/{'aa' * 32}")).status_code == 201
    refused = await begin(fr, 8, f"/v1/blobs/{'bb' * 32}")
    assert slug(refused) == "too-large"
    assert "FR" in refused.json()["detail"]
    assert (await begin(de, 8, f"/v1/blobs/{'bb' * 32}")).status_code == 201


async def test_a_full_disk_makes_the_relay_unavailable_for_blobs(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = await make(min_free_bytes=2**62)
    fr = await bench.courier()
    assert slug(await begin(fr)) == "unavailable"
    bench = await make()
    fr = await bench.courier()
    await begin(fr)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    answer = await patch(fr, 0, DATA)
    monkeypatch.undo()
    assert slug(answer) == "unavailable"
    assert "device" not in answer.text
    assert files(bench) == []


async def test_a_sweep_takes_what_nothing_refers_to(make: Make) -> None:
    late = 0.0
    bench = await make(sweep_age_seconds=3600)
    fr = await bench.courier()
    store = FileBlobStore(bench.settings.home)
    uploads = Uploads(store, bench.relay.blobs, bench.settings, lambda: time() + late)
    kept = hashlib.sha256(b"kept").hexdigest()
    await fr.send("PUT", f"/v1/blobs/{kept}", content=b"kept")
    await fr.send("PUT", PATH, content=DATA)
    await begin(fr, 50, f"/v1/blobs/{'aa' * 32}")
    bench.relay.blobs.readable.add(("DE", kept))
    stray = bench.settings.home / "blobs" / "ff" / ("f" * 62)
    stray.parent.mkdir()
    stray.write_bytes(b"a file without a record")
    assert await uploads.sweep() == 0
    os.utime(stray, (1000, 1000))
    assert await uploads.sweep() == 1
    assert len(files(bench)) == 3
    late = 7200.0
    assert await uploads.sweep() == 2
    assert [path.name for path in files(bench)] == [kept[2:]]
    assert slug(await fr.send("GET", PATH)) == "not-found"
    uploads.close()


@pytest.mark.parametrize("headers", [{"upload-offset": "-1"}, {"upload-offset": "1e3"}, {"upload-offset": "٣"}, {}])
async def test_an_offset_that_is_no_number_is_malformed(bench: Bench, headers: dict[str, str]) -> None:
    fr = await bench.courier()
    await begin(fr)
    raw = {name: value.encode() for name, value in headers.items()}
    answer = await fr.send("PATCH", PATH, headers=raw, content=b"x")  # type: ignore[arg-type]
    assert slug(answer) == "malformed"


@pytest.mark.parametrize("name", ["x", "AB" * 32, "..%2f..%2fetc", "ab" * 33])
async def test_a_name_that_is_no_digest_is_not_found(bench: Bench, name: str) -> None:
    fr = await bench.courier()
    assert slug(await fr.send("GET", f"/v1/blobs/{name}")) == "not-found"
    assert slug(await fr.send("PUT", f"/v1/blobs/{name}", content=b"x")) == "not-found"
