"""A sweep and a dispatch that names the same blob, in one batch: whichever is first, nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from envoi_keys.dispatches import Sealed
from envoi_server.file_blobs import FileBlobStore
from envoi_server.rules import Refusal
from envoi_server.settings import load
from envoi_server.uploads import Uploads

from ....exchange import NOW, Exchange
from .harness import running, slug

pytestmark = pytest.mark.anyio

PAPER = b"paper" * 100
NAME = hashlib.sha256(PAPER).hexdigest()
LONG_AGO = NOW - 100_000


async def until(held: bool, question: Callable[[], bool]) -> None:
    while question() is not held:  # noqa: ASYNC110 - a thread answers
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("sweep_first", [True, False])
async def test_a_blob_is_swept_or_named_and_never_both(tmp_path: Path, sweep_first: bool) -> None:
    exchange = Exchange.make(4)
    hold, release = threading.Event(), threading.Event()

    def at(point: str) -> None:
        if point == "sequencer: gathered" and hold.is_set():
            hold.clear()
            assert release.wait(20)

    async with running(tmp_path, exchange, at=at) as bench:
        relay, clock = bench.relay, [float(LONG_AGO)]
        uploads = Uploads(
            FileBlobStore(tmp_path),
            relay.blobs,
            load(tmp_path, origin=exchange.roster.log.origin),
            clock=lambda: clock[0],
        )

        async def chunks() -> AsyncIterator[bytes]:
            yield PAPER

        def waits(count: int) -> bool:
            return relay._sequencer.waiting >= count

        await uploads.create("FR", NAME, len(PAPER))
        await uploads.append("FR", NAME, 0, len(PAPER), chunks())
        clock[0] = float(NOW)
        # The sequencer is kept busy with a group, so that what comes now is the next one.
        hold.set()
        busy = asyncio.create_task(bench.post(bench.member("DE").compose("AT")))
        await until(False, hold.is_set)
        dispatch = bench.member("FR").compose("AT", attachments=(Sealed(NAME, len(PAPER)),))
        both = [uploads.sweep, lambda: bench.post(dispatch)]
        tasks = []
        for waiting, begin in enumerate(both if sweep_first else reversed(both), 1):
            tasks.append(asyncio.create_task(begin()))
            await until(True, partial(waits, waiting))
        release.set()
        await busy
        answers = [await task for task in tasks]
        swept, answer = answers if sweep_first else reversed(answers)
        uploads.close()
        if sweep_first:
            assert (swept, slug(answer)) == (1, "blob-missing")
            assert isinstance(answer, Refusal)
        else:
            assert (swept, slug(answer)) == (0, "accepted")
            assert relay.blobs.blob_size("AT", NAME) == len(PAPER)
            assert FileBlobStore(tmp_path).size(NAME) == len(PAPER)
