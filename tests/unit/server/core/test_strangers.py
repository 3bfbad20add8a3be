"""What needs no token has a lane of its own: it is bounded, and members do not wait for it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from envoi_server import sequencer
from envoi_server.intake import MAX_OF_STRANGERS

from ....exchange import Exchange
from .harness import Bench, slug, until

pytestmark = pytest.mark.anyio


async def test_strangers_wait_for_each_other_and_members_do_not(core: Bench, exchange: Exchange) -> None:
    go = threading.Event()
    core.relay._intake._stranger.submit(go.wait, 20)
    strangers = [asyncio.create_task(core.relay.accept_enrolment(b"no note")) for _ in range(MAX_OF_STRANGERS)]
    await until(lambda: core.relay._intake._of_strangers == MAX_OF_STRANGERS)
    assert slug(await core.relay.accept_roster(b"one too many")) == "rate-limited"
    await core.accepted(core.member("FR").compose("AU"))
    go.set()
    assert {slug(one) for one in await asyncio.gather(*strangers)} == {"malformed"}


async def test_a_commit_that_hangs_is_told(core: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer, "STUCK_SECONDS", 0.0)
    waiting, go = threading.Event(), threading.Event()

    def hold() -> None:
        core.records.hold = None
        waiting.set()
        assert go.wait(20)

    core.records.hold = hold
    posted = asyncio.create_task(core.post(core.member("FR").compose("AU")))
    await asyncio.to_thread(waiting.wait, 20)
    assert core.relay.ready() == ["the writer has waited for the disk for more than 0 s"]
    go.set()
    assert slug(await posted) == "accepted"
    await until(lambda: core.relay.ready() == [])


async def test_the_time_of_the_last_commit_is_not_that_of_a_refusal(core: Bench) -> None:
    core.relay.last_commit = 7.0
    assert slug(await core.post(core.member("FR").compose("AU", numbers={"AU": 9}))) == "number-gap"
    assert core.relay.last_commit == 7.0
    await core.accepted(core.member("FR").compose("AU", numbers={"AU": 1}))
    assert core.relay.last_commit > 7.0
