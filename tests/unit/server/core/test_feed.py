"""The feed shows each caller what it sent or was sent, complete up to its cursor, and wakes those concerned."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from envoi_keys.checkpoints import verify_checkpoint
from envoi_keys.dispatches import OPENING_BYTES
from envoi_server.recent import MAX_BYTES
from envoi_server.relay import Acceptance
from envoi_server.storage import StorageError

from ....exchange import Exchange
from .harness import Bench, Feed, reopened, running, started

pytestmark = pytest.mark.anyio


async def test_everybody_sees_what_is_theirs_and_no_more(core: Bench) -> None:
    fr, de = core.member("FR"), core.member("DE")
    bilateral = fr.compose("DE")
    to_all = de.compose("FR", "AU", "JP")
    await core.accepted(bilateral)
    await core.accepted(to_all)
    assert core.seen("FR").indexes == [0, 1, 2]
    assert core.seen("DE").indexes == [0, 1, 2]
    assert core.seen("AU").indexes == [0, 2]
    assert core.seen("AT").indexes == [0]
    assert core.seen("nobody").indexes == [0]


async def test_a_recipient_sees_its_own_opening_and_the_sender_all(core: Bench) -> None:
    posted = core.member("FR").compose("AU", "DE", "JP")
    await core.accepted(posted)
    openings = [one.to_bytes() for one in posted.openings]
    assert core.seen("FR").entries[-1] == (1, posted.note, b"".join(openings), posted.body)
    for position, name in enumerate(posted.dispatch.recipients):
        assert core.seen(name).entries[-1] == (1, posted.note, openings[position], posted.body)
    assert len(openings[0]) == OPENING_BYTES


async def test_rosters_are_for_everybody_and_have_no_body(core: Bench, exchange: Exchange) -> None:
    assert core.seen("AU").entries == [(0, exchange.notes[0], b"", b"")]


async def test_a_page_is_complete_up_to_its_cursor(core: Bench, exchange: Exchange) -> None:
    fr = core.member("FR")
    for _ in range(5):
        await core.accepted(fr.compose("AU"))
    await core.accepted(fr.compose("DE"))
    pages, after = [], -1
    while (page := core.seen("AU", after, 2)).entries:
        pages.append(page.indexes)
        after = page.cursor
        assert verify_checkpoint(page.checkpoint, exchange.log.public).size == 7
    assert pages == [[0, 1], [2, 3], [4, 5]]
    # The last page was full, so it promised nothing beyond itself; the empty one promises the rest.
    assert (page.indexes, page.cursor) == ([], 6)
    assert core.seen("AU", 2).indexes == core.seen("AU", 2).indexes == [3, 4, 5]
    assert core.seen("AU", 2).cursor == 6


async def test_a_page_larger_than_what_is_read_at_once(core: Bench) -> None:
    fr = core.member("FR")
    posted = [fr.compose("AU", filler=bytes([number]) * 999) for number in range(40)]
    for one in posted:
        await core.accepted(one)
    page = core.seen("AU", 0)
    assert page.indexes == list(range(1, 41))
    assert [body for *_, body in page.entries] == [one.body for one in posted]


async def test_a_page_ends_where_it_began_to_be_made(core: Bench, exchange: Exchange) -> None:
    fr = core.member("FR")
    await core.accepted(fr.compose("AU"))
    page = core.relay.feed("AU", -1, 10)
    await core.accepted(fr.compose("AU"))
    frames = b"".join(page.frames)
    assert page.cursor == 1
    assert frames.count(b"envoi/dispatch/v1") == 1


async def test_a_caller_that_is_ahead_keeps_its_place(core: Bench, exchange: Exchange) -> None:
    page = core.seen("AU", 99)
    assert (page.indexes, page.cursor) == ([], 99)
    assert verify_checkpoint(page.checkpoint, exchange.log.public).size == 1


async def test_what_does_not_exist_and_what_is_anothers_look_the_same(core: Bench) -> None:
    posted = core.member("FR").compose("AU")
    await core.accepted(posted)
    for caller, id_ in (("DE", posted.id), ("AU", "00" * 32)):
        assert core.relay.dispatch(caller, id_) is None
        assert core.relay.proof(caller, id_) is None


async def test_one_dispatch_by_its_id_is_as_in_the_feed(core: Bench) -> None:
    fr = core.member("FR")
    posted = fr.compose("AU", "DE")
    await core.accepted(posted)
    await core.accepted(fr.compose("DE"))
    one = core.relay.dispatch("AU", posted.id)
    assert one is not None
    assert b"".join(core.relay.feed("AU", 0, 1).frames).startswith(one)
    proof = core.relay.proof("AU", posted.id)
    assert proof is not None
    assert core.verified(Acceptance(1, proof, created=False), posted).size == 3


async def test_what_was_just_logged_is_at_hand_for_those_who_may_see_it(core: Bench) -> None:
    fr = core.member("FR")
    posted = fr.compose("AU", "DE")
    await core.accepted(posted)
    for caller, found in (("AU", True), ("DE", True), ("FR", True), ("JP", False), ("nobody", False)):
        page = core.relay.feed_at_hand(caller, 0, 10)
        assert page is not None
        assert (posted.note in b"".join(page.frames)) == found == (not page.empty)
        # The comparison with the records is made by whoever reads.
        assert core.seen(caller, 0).indexes == ([1] if found else [])


async def test_what_is_too_much_to_be_at_hand_is_read_from_the_records(core: Bench) -> None:
    fr = core.member("FR")
    for number in range(6):
        await core.accepted(fr.compose("AU", filler=bytes([number]) * (MAX_BYTES // 5)))
    at_hand = [core.relay.feed_at_hand("AU", after, 10) is not None for after in range(-1, 7)]
    assert at_hand == [False, False, False, True, True, True, True, True]
    for after in range(-1, 7):
        assert core.seen("AU", after).indexes == list(range(after + 1, 7))


async def test_nothing_is_at_hand_of_what_was_logged_before_the_start(core: Bench, exchange: Exchange) -> None:
    await core.accepted(core.member("FR").compose("AU"))
    core.relay.close()
    async with started(reopened(f"sqlite:///{core.home / 'relay.db'}", exchange), exchange) as again:
        assert again.relay.feed_at_hand("AU", 0, 10) is None
        page = again.relay.feed_at_hand("AU", 1, 10)
        assert page is not None
        assert page.empty
        assert again.seen("AU").indexes == [0, 1]


# -- waiting -------------------------------------------------------------------------------------------------


async def test_a_wait_ends_with_news_for_the_caller_alone(core: Bench) -> None:
    waits = {name: asyncio.ensure_future(core.relay.wait(name, 0, 30)) for name in ("FR", "AU", "DE", "JP")}
    await asyncio.sleep(0.05)
    await core.accepted(core.member("FR").compose("AU"))
    await asyncio.wait({waits["AU"], waits["FR"]}, timeout=5)
    await asyncio.sleep(0.05)
    assert {name: task.done() for name, task in waits.items()} == {"FR": True, "AU": True, "DE": False, "JP": False}
    for task in waits.values():
        task.cancel()
    await asyncio.gather(*waits.values(), return_exceptions=True)
    assert core.relay._wakeups._waiting == {}


async def test_a_roster_wakes_everybody(core: Bench, exchange: Exchange) -> None:
    names = [one.id for one in exchange.roster.addressees]
    assert len(names) > 3
    waits = [asyncio.ensure_future(core.relay.wait(name, 0, 30)) for name in names]
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in waits)
    roster = exchange.rotated("AT", 1).notes[-1]
    await core.relay.accept_roster(roster)
    async with asyncio.timeout(5):
        await asyncio.gather(*waits)
    for name in names:
        assert core.seen(name, 0).entries == [(1, roster, b"", b"")]
    assert core.relay._wakeups._waiting == {}


async def test_a_wait_for_what_is_there_already_does_not_wait(core: Bench) -> None:
    await core.accepted(core.member("FR").compose("AU"))
    await core.accepted(core.member("FR").compose("DE", numbers={"DE": 1}))
    async with asyncio.timeout(5):
        await core.relay.wait("AU", 0, 30)
        await core.relay.wait("DE", 1, 30)
    begun = asyncio.get_running_loop().time()
    await core.relay.wait("AU", 1, 0.1)
    assert asyncio.get_running_loop().time() - begun >= 0.09


async def test_a_wait_after_a_restart_knows_what_was_before(tmp_path: Path, exchange: Exchange) -> None:
    async with running(tmp_path, exchange) as core:
        await core.accepted(core.member("FR").compose("AU"))
    async with started(reopened(f"sqlite:///{tmp_path / 'relay.db'}", exchange), exchange) as core:
        async with asyncio.timeout(5):
            await core.relay.wait("AU", 0, 30)
        waiting = asyncio.ensure_future(core.relay.wait("DE", 0, 30))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await core.accepted(core.member("FR").compose("DE", numbers={"DE": 1}))
        async with asyncio.timeout(5):
            await waiting


async def test_news_that_comes_between_a_page_and_the_wait_is_not_missed(core: Bench) -> None:
    page = Feed.read(core.relay, "AU", 0)
    await core.accepted(core.member("FR").compose("AU"))
    async with asyncio.timeout(5):
        await core.relay.wait("AU", page.cursor, 30)


async def test_a_subscription_tells_sizes_and_gathers_them(core: Bench) -> None:
    fr = core.member("FR")
    leave: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    events = core.relay.subscribe("AU", leave)
    first = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0.05)
    await core.accepted(fr.compose("DE"))
    await asyncio.sleep(0.05)
    assert not first.done()
    await core.accepted(fr.compose("AU"))
    assert await asyncio.wait_for(first, 5) == 3
    await core.accepted(fr.compose("AU"))
    await core.accepted(fr.compose("AU"))
    assert await asyncio.wait_for(anext(events), 5) == 5
    last = asyncio.ensure_future(anext(events, "the end"))
    await asyncio.sleep(0.05)
    leave.set_result(None)
    assert await asyncio.wait_for(last, 5) == "the end"


async def test_what_failed_and_was_kept_wakes_its_recipients(core: Bench) -> None:
    waiting = asyncio.ensure_future(core.relay.wait("AU", 0, 30))
    await asyncio.sleep(0.05)
    core.records.keep(StorageError("the disk said no"))
    await core.refused(core.member("FR").compose("AU"))
    async with asyncio.timeout(5):
        await waiting
    assert core.seen("AU").indexes == [0, 1]


async def test_no_reader_skips_an_index_while_others_write(core: Bench) -> None:
    names = ["FR", "AT", "DE", "JP", "US"]
    stop = asyncio.Event()
    seen: dict[str, list[int]] = {name: [] for name in ("AU", "FR")}

    async def read(name: str) -> None:
        after = -1
        while not stop.is_set() or core.seen(name, after).entries:
            page = await asyncio.to_thread(Feed.read, core.relay, name, after, 3)
            seen[name] += page.indexes
            after = page.cursor
            await asyncio.sleep(0)

    async def write(name: str) -> None:
        member = core.member(name)
        for _ in range(8):
            await core.accepted(member.compose("AU"))

    readers = [asyncio.ensure_future(read(name)) for name in seen]
    await asyncio.gather(*(write(name) for name in names))
    stop.set()
    async with asyncio.timeout(20):
        await asyncio.gather(*readers)
    assert seen["AU"] == list(range(41))
    assert seen["FR"] == core.seen("FR").indexes
