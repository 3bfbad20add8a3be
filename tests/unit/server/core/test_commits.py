"""What is acknowledged is durable, once, in order; what failed is never acknowledged, even where it was kept."""

from __future__ import annotations

import asyncio
import base64
import threading
from pathlib import Path

import pytest

from envoi_keys.errors import LocalError
from envoi_keys.tlog_proof import TlogProof
from envoi_server.relay import Acceptance
from envoi_server.rules import Refusal
from envoi_server.sequencer import MAX_BATCH
from envoi_server.storage import StorageError

from ....exchange import Exchange, log_signer
from .harness import Bench, Posted, all_of, database, reopened, running, slug, started, until

pytestmark = pytest.mark.anyio
FAILURE = StorageError("the disk said no")


async def together(core: Bench, *posted: Posted) -> list[Acceptance | Refusal]:
    """Post these so that they wait for one commit: the one before it is held until all are in the queue."""
    waiting, go = threading.Event(), threading.Event()

    def hold() -> None:
        core.records.hold = None
        waiting.set()
        assert go.wait(10)

    core.records.hold = hold
    first = asyncio.ensure_future(core.post(core.member("CH").compose("IT", numbers={"IT": 1})))
    await asyncio.to_thread(waiting.wait, 10)
    tasks = []
    for one in posted:
        before = core.relay._sequencer.waiting
        tasks.append(asyncio.ensure_future(core.post(one)))
        await until(lambda before=before: core.relay._sequencer.waiting > before)  # type: ignore[misc]
    go.set()
    assert isinstance(await first, Acceptance)
    return list(await asyncio.gather(*tasks))


async def until_ready(core: Bench) -> None:
    """Wait for the relay to find by itself that writing works again."""
    await until(lambda: core.relay.ready() == [])


@pytest.fixture(scope="session")
def exchange() -> Exchange:
    """Eight Partners: FR, AT, DE, AU, JP, US, CH, IT."""
    return Exchange.make(8)


# -- the same again ------------------------------------------------------------------------------------------


async def test_the_same_bytes_get_the_same_answer(core: Bench) -> None:
    fr = core.member("FR")
    posted = fr.compose("AU", "DE")
    first = await core.accepted(posted)
    await core.accepted(fr.compose("AU"))
    again = await core.accepted(posted)
    assert (first.created, again.created) == (True, False)
    assert (first.index, first.proof) == (again.index, again.proof)
    assert core.relay.size == 3


async def test_the_same_bytes_get_the_same_answer_after_a_restart(tmp_path: Path, exchange: Exchange) -> None:
    async with running(tmp_path, exchange) as core:
        fr = core.member("FR")
        posted = [fr.compose("AU", "DE"), fr.compose("DE"), fr.compose("AU")]
        first = [await core.accepted(one) for one in posted]
    async with started(reopened(f"sqlite:///{tmp_path / 'relay.db'}", exchange), exchange) as core:
        again = [await core.accepted(one) for one in posted]
        assert [(one.index, one.proof) for one in again] == [(one.index, one.proof) for one in first]
        assert core.seen("AU").indexes == [0, 1, 3]
        assert core.relay.roster == exchange.roster
        assert (await core.accepted(fr.compose("AU"))).index == 4


async def test_what_was_accepted_is_answered_though_its_sender_is_suspended(core: Bench, exchange: Exchange) -> None:
    posted = core.member("DE").compose("AU")
    first = await core.accepted(posted)
    after = exchange.succeed(exchange.propose(**exchange.changed("DE", status="suspended")), 2)
    assert slug(await core.relay.accept_roster(after.notes[-1])) == "accepted"
    again = await core.accepted(posted)
    assert (again.created, again.proof) == (False, first.proof)
    assert (await core.refused(core.member("DE").compose(numbers={"AU": 2}))).slug == "unknown-sender"


async def test_a_retry_is_its_senders_alone(core: Bench) -> None:
    posted = core.member("DE").compose("AU")
    await core.accepted(posted)
    assert (await core.refused(posted, "FR")).slug == "not-yours"


async def test_a_retry_with_another_body_is_no_retry(core: Bench) -> None:
    posted = core.member("FR").compose("AU")
    await core.accepted(posted)
    other = Posted(posted.dispatch, posted.openings, posted.note, posted.body + b"x")
    assert (await core.refused(other)).slug == "body-mismatch"


async def test_retries_that_race_in_one_batch_are_one_dispatch(core: Bench) -> None:
    posted = core.member("FR").compose("AU", "DE")
    answers = await together(core, posted, posted, posted)
    assert all_of(answers) == ["accepted"] * 3
    assert [one.created for one in answers if isinstance(one, Acceptance)] == [True, False, False]
    assert len({one.proof for one in answers if isinstance(one, Acceptance)}) == 1
    assert core.relay.size == 3


# -- numbers -------------------------------------------------------------------------------------------------


async def test_a_taken_number_is_refused_with_the_proof_that_it_is(core: Bench, exchange: Exchange) -> None:
    fr = core.member("FR")
    first = fr.compose("AU", "DE")
    accepted = await core.accepted(first)
    refused = await core.refused(fr.compose(numbers={"DE": 1}, filler=b"other"))
    assert refused.slug == "number-taken"
    logged = refused.extra["logged"]
    assert base64.b64decode(logged["note"]) == first.note
    assert base64.b64decode(logged["opening"]) == first.openings[1].to_bytes()
    assert (logged["index"], logged["recipient"]) == (accepted.index, "DE")
    assert logged["proof"].encode() == accepted.proof
    core.verified(Acceptance(logged["index"], logged["proof"].encode(), created=False), first)


async def test_two_dispatches_with_one_number_in_one_batch(core: Bench) -> None:
    fr = core.member("FR")
    one, other = fr.compose("AU"), fr.compose(numbers={"AU": 1, "DE": 1})
    first, second = await together(core, one, other)
    assert isinstance(first, Acceptance)
    assert isinstance(second, Refusal)
    assert second.slug == "number-taken"
    assert second.extra["logged"]["index"] == first.index
    assert second.extra["logged"]["proof"].encode() == first.proof
    assert core.seen("DE").indexes == [0]


async def test_numbers_are_looked_at_in_the_order_of_the_batch(core: Bench) -> None:
    fr = core.member("FR")
    one, two, three = (fr.compose("AU") for _ in range(3))
    answers = await together(core, one, three, two)
    assert all_of(answers) == ["accepted", "number-gap", "accepted"]
    await core.accepted(three)


async def test_each_recipient_and_series_has_numbers_of_its_own(core: Bench, exchange: Exchange) -> None:
    fr = core.member("FR")
    await core.accepted(fr.compose("AU"))
    await core.accepted(fr.compose("AU", "DE"))
    after = exchange.succeed(exchange.propose(**exchange.changed("FR", series=2)), 3)
    assert slug(await core.relay.accept_roster(after.notes[-1])) == "accepted"
    renewed = Bench(core.relay, after, core.records).member("FR")
    await core.accepted(renewed.compose("AU"))
    assert (await core.refused(fr.compose("AU"))).slug == "wrong-series"


# -- groups --------------------------------------------------------------------------------------------------


async def test_a_group_has_one_checkpoint_and_indexes_in_order(core: Bench) -> None:
    names = ["FR", "AT", "DE", "AU", "JP", "US"]
    posted = [core.member(name).compose("IT") for name in names]
    commits = len(core.records.commits)
    answers = await together(core, *posted)
    assert len(core.records.commits) - commits == 2
    accepted = [one for one in answers if isinstance(one, Acceptance)]
    assert [one.index for one in accepted] == list(range(2, 8))
    checkpoints = {TlogProof.parse(one.proof).checkpoint for one in accepted}
    assert len(checkpoints) == 1
    for answer, one in zip(accepted, posted, strict=True):
        assert core.verified(answer, one).size == 8
    assert core.sizes() == [1, 2, 8]


async def test_a_group_is_capped(core: Bench) -> None:
    fr = core.member("FR")
    posted = [fr.compose("AU") for _ in range(MAX_BATCH + 5)]
    answers = await together(core, *posted)
    assert all_of(answers) == ["accepted"] * len(posted)
    assert [len(batch.entries) for batch in core.records.commits][-2:] == [MAX_BATCH, 5]


async def test_many_publishers_at_once(core: Bench) -> None:
    names = [member.id for member in core.exchange.roster.members]

    async def publish(name: str) -> list[int]:
        member = core.member(name)
        others = [other for other in names if other != name]
        return [(await core.accepted(member.compose(*others))).index for _ in range(6)]

    indexes = await asyncio.gather(*(publish(name) for name in names))
    assert all(found == sorted(found) for found in indexes)
    assert sorted(index for found in indexes for index in found) == list(range(1, 1 + 6 * len(names)))
    assert core.relay.check() == []
    for name in names:
        assert core.seen(name).indexes == list(range(1 + 6 * len(names)))


async def test_a_caller_that_goes_away_does_not_stop_what_it_sent(core: Bench) -> None:
    posted = core.member("FR").compose("AU")
    task = asyncio.ensure_future(core.post(posted))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    again = await core.accepted(posted)
    assert again.index == 1


# -- failures ------------------------------------------------------------------------------------------------


async def test_a_commit_that_fails_acknowledges_nothing(core: Bench) -> None:
    fr = core.member("FR")
    await core.accepted(fr.compose("AU"))
    posted = fr.compose("AU", "DE")
    core.records.lose(FAILURE)
    refused = await core.refused(posted)
    assert (refused.slug, refused.extra) == ("unavailable", {})
    assert core.relay.size == 2
    assert core.seen("AU").indexes == [0, 1]
    answer = await core.accepted(posted)
    assert (answer.index, answer.created) == (2, True)
    assert core.sizes() == [1, 2, 3]
    assert core.relay.check() == []


async def test_a_commit_that_was_kept_although_it_failed_is_taken_over(core: Bench) -> None:
    fr = core.member("FR")
    posted = fr.compose("AU", "DE")
    core.records.keep(FAILURE)
    assert (await core.refused(posted)).slug == "unavailable"
    # It is in the log, so readers see it, and its sender's retry learns where.
    assert core.relay.size == 2
    assert core.seen("DE").indexes == [0, 1]
    again = await core.accepted(posted)
    assert (again.index, again.created) == (1, False)
    assert (await core.accepted(fr.compose("AU"))).index == 2
    assert core.sizes() == [1, 2, 3]
    assert core.relay.check() == []


@pytest.mark.parametrize("kept", [False, True])
async def test_a_failed_group_fails_for_everybody_in_it(core: Bench, kept: bool) -> None:
    posted = [core.member(name).compose("IT") for name in ("FR", "AT", "DE")]

    def fail_next() -> None:
        (core.records.keep if kept else core.records.lose)(FAILURE)

    original = core.records.commit

    def commit(batch: object) -> None:
        original(batch)  # type: ignore[arg-type]
        if len(core.records.commits) == 2:
            fail_next()

    core.records.commit = commit  # type: ignore[method-assign]
    assert all_of(await together(core, *posted)) == ["unavailable"] * 3
    assert core.relay.size == (5 if kept else 2)
    answers = [await core.accepted(one) for one in posted]
    assert sorted(one.index for one in answers) == [2, 3, 4]
    assert [one.created for one in answers] == [not kept] * 3
    assert core.relay.check() == []


async def test_an_error_of_any_kind_is_an_answer_and_not_the_end(core: Bench) -> None:
    fr = core.member("FR")
    posted = fr.compose("AU")
    core.records.lose(RuntimeError("a mistake of ours"))
    assert (await core.refused(posted)).slug == "unavailable"
    assert (await core.accepted(posted)).index == 1


async def test_while_nobody_knows_how_a_commit_ended_nothing_is_accepted(core: Bench) -> None:
    fr = core.member("FR")
    posted = fr.compose("AU")
    core.records.keep(FAILURE)
    sizes = core.records.records.size
    broken = True

    def size() -> int:
        if broken:
            raise StorageError("the disk is gone")
        return sizes()

    core.records.size = size  # type: ignore[attr-defined]
    assert (await core.refused(posted)).slug == "unavailable"
    assert (await core.refused(core.member("DE").compose("AU"))).slug == "unavailable"
    assert core.relay.size == 1
    assert core.relay.ready() != []
    broken = False
    again = await core.accepted(posted)
    assert (again.index, again.created) == (1, False)
    await until_ready(core)


async def test_a_full_disk_is_refused_told_and_got_over(tmp_path: Path, exchange: Exchange) -> None:
    async with running(tmp_path, exchange) as core:
        fr = core.member("FR")
        await core.accepted(fr.compose("AU"))
        engine = core.records.records._engine  # type: ignore[attr-defined]
        with engine._writers.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
        posted = fr.compose("AU", filler=bytes(100_000))
        refused = await core.refused(posted)
        assert refused.slug == "unavailable"
        assert "full" in core.relay.ready()[0]
        # The failed connection is replaced, and with it goes its limit: as if somebody had made room.
        await until_ready(core)
        answer = await core.accepted(posted)
        assert (answer.index, answer.created) == (2, True)
        assert core.relay.check() == []


# -- what is signed ------------------------------------------------------------------------------------------


async def test_a_relay_does_not_start_on_a_log_that_is_not_what_it_signed(tmp_path: Path, exchange: Exchange) -> None:
    async with running(tmp_path, exchange) as core:
        await core.accepted(core.member("FR").compose("AU"))
        engine = core.records.records._engine  # type: ignore[attr-defined]
        with engine.write() as connection:
            connection.exec_driver_sql("UPDATE entries SET leaf = zeroblob(32) WHERE log_index = 1")
    with pytest.raises(LocalError, match="not what was signed last"):
        reopened(f"sqlite:///{tmp_path / 'relay.db'}", exchange)


async def test_a_relay_does_not_start_under_another_key(tmp_path: Path, exchange: Exchange) -> None:
    async with running(tmp_path, exchange):
        pass
    other = Exchange.make(8, origin="other.example/log")
    assert log_signer("other.example/log").public != exchange.log.public
    with pytest.raises(LocalError, match="not what was signed last"):
        reopened(f"sqlite:///{tmp_path / 'relay.db'}", other)


async def test_a_tree_that_is_not_the_one_signed_last_is_never_signed(core: Bench) -> None:
    fr = core.member("FR")
    await core.accepted(fr.compose("AU"))
    ledger = core.relay._ledger
    # As a stray write to memory would: the range is no longer that of the log.
    ledger._frontier.append(bytes(32))
    assert (await core.refused(fr.compose("AU"))).slug == "unavailable"
    assert core.sizes() == [1, 2]


async def test_a_log_that_shrinks_is_not_read_again(core: Bench) -> None:
    fr = core.member("FR")
    await core.accepted(fr.compose("AU"))
    core.records.lose(FAILURE)
    core.records.size = lambda: 1  # type: ignore[attr-defined]
    assert (await core.refused(fr.compose("AU"))).slug == "unavailable"
    assert core.relay.size == 2
    assert "hold less" in " ".join(core.relay.ready())


async def test_a_relay_that_stops_finishes_what_it_has(tmp_path: Path, exchange: Exchange) -> None:
    relay = reopened(database(tmp_path), exchange)
    async with started(relay, exchange) as core:
        assert slug(await relay.accept_roster(exchange.notes[0])) == "accepted"
        posted = core.member("FR").compose("AU")
        task = asyncio.ensure_future(core.post(posted))
        await asyncio.sleep(0)
        await asyncio.to_thread(relay.close)
        assert slug(await task) == "accepted"
        assert slug(await core.post(core.member("DE").compose("AU"))) == "unavailable"
