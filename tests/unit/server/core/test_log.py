"""The log as it is served, and the audit that believes nothing of what is stored."""

from __future__ import annotations

import contextlib
import sqlite3
from hashlib import sha256

import pytest

from envoi_keys.checkpoints import SignedCheckpoint, verify_checkpoint
from envoi_keys.entries import log_entry
from envoi_keys.merkle import Frontier, leaf_hash
from envoi_keys.statements import DISPATCH, ROSTER
from envoi_keys.tiles import unpack_entries

from ....exchange import NOW, Exchange
from .harness import Bench

pytestmark = pytest.mark.anyio


async def test_the_entry_bundles_hash_to_the_checkpoint(core: Bench, exchange: Exchange) -> None:
    fr = core.member("FR")
    posted = [fr.compose("AU") for _ in range(4)]
    for one in posted:
        await core.accepted(one)
    raw = core.relay.tile("tile/entries/000.p/5")
    assert raw is not None
    entries = unpack_entries(raw, 5)
    assert entries == [log_entry(ROSTER, exchange.notes[0]), *(log_entry(DISPATCH, one.note) for one in posted)]
    frontier = Frontier()
    for entry in entries:
        frontier.append(leaf_hash(entry))
    checkpoint = core.relay.checkpoint()
    assert checkpoint is not None
    assert verify_checkpoint(checkpoint, exchange.log.public).root == frontier.root()
    assert core.relay.tile("tile/0/000.p/5") == b"".join(leaf_hash(entry) for entry in entries)
    assert core.relay.tile("tile/0/000.p/2") == b"".join(leaf_hash(entry) for entry in entries[:2])


async def test_a_log_that_stands_still_shows_that_it_is_alive(
    core: Bench, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    fr = core.member("FR")
    await core.accepted(fr.compose("AU"))

    def head() -> SignedCheckpoint:
        raw = core.relay.checkpoint()
        assert raw is not None
        return verify_checkpoint(raw, exchange.log.public)

    first = head()
    for later, signed_at in ((3599, 0), (3600, 3600), (3700, 3600), (7300, 7300)):
        monkeypatch.setattr(core.relay._ledger, "_clock", lambda later=later: NOW + later)
        assert (head().size, head().root, head().time - NOW) == (first.size, first.root, signed_at)
    # What is published next is newer than any of them.
    await core.accepted(fr.compose("AU"))
    assert (head().size, head().time - NOW) == (first.size + 1, 7300)


@pytest.mark.parametrize(
    "path", ["tile/0/000.p/6", "tile/0/000", "tile/1/000.p/1", "tile/entries/000", "0/000.p/1", "", "tile/0/000.p/01"]
)
async def test_a_tile_that_is_not_there_is_none(core: Bench, path: str) -> None:
    assert core.relay.tile(path) is None


# -- the audit -----------------------------------------------------------------------------------------------


async def filled(core: Bench) -> None:
    fr = core.member("FR")
    for _ in range(3):
        await core.accepted(fr.compose("AU", "DE"))
    await core.relay.accept_roster(core.exchange.rotated("JP", 4).notes[-1])


def tamper(core: Bench, statement: str, *values: object) -> None:
    """What an operator with a shell can do."""
    (file,) = core.home.glob("relay.db")
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        assert connection.execute(statement, values).rowcount > 0


def findings(core: Bench) -> list[str]:
    return [str(one) for one in core.relay.check()]


async def test_an_honest_log_has_no_findings(core: Bench) -> None:
    await filled(core)
    assert findings(core) == []


async def test_a_changed_byte_of_a_body_is_found(core: Bench) -> None:
    await filled(core)
    tamper(core, "UPDATE dispatches SET body = CAST(body || x'00' AS BLOB) WHERE log_index = 2")
    assert findings(core) == ["entry 2: the sealed bytes are not those that the header names"]


async def test_a_changed_note_changes_every_root_above_it(core: Bench) -> None:
    await filled(core)
    tamper(core, "UPDATE dispatches SET note = (SELECT note FROM dispatches WHERE log_index = 1) WHERE log_index = 2")
    found = findings(core)
    assert "entry 2: the note that is stored is not the one that was logged" in found
    assert [f"checkpoint {size}: its root is not that of the entries" in found for size in (2, 3, 4, 5)] == [
        False,
        True,
        True,
        True,
    ]


async def test_a_note_that_was_changed_with_its_entry_is_found_by_the_root(core: Bench) -> None:
    await filled(core)
    note = core.member("FR").compose(numbers={"AU": 2, "DE": 2}, filler=b"other").note
    leaf = leaf_hash(log_entry(DISPATCH, note))
    tamper(core, "UPDATE dispatches SET note = ? WHERE log_index = 2", note)
    tamper(core, "UPDATE entries SET digest = ?, leaf = ? WHERE log_index = 2", sha256(note).digest(), leaf)
    assert "checkpoint 3: its root is not that of the entries" in findings(core)


async def test_what_was_removed_is_found(core: Bench) -> None:
    await filled(core)
    tamper(core, "DELETE FROM dispatches WHERE log_index = 3")
    found = findings(core)
    assert "entry 3: its envoi/dispatch/v1 is missing" in found
    assert "numbers of FR to AU: 3 is kept, 2 is logged" in found


async def test_a_hidden_end_is_found(core: Bench) -> None:
    await filled(core)
    tamper(core, "DELETE FROM entries WHERE log_index = 4")
    assert "log: 4 entries, but the last checkpoint is of 5" in findings(core)


async def test_changed_numbers_and_recipients_are_found(core: Bench) -> None:
    await filled(core)
    tamper(core, "UPDATE recipients SET number = 9 WHERE log_index = 3 AND member = 'AU'")
    assert findings(core) == [
        "entry 3: its sender, recipients or numbers are not those of its header and openings",
        "entry 3: number 9 of FR to AU follows 2",
        "numbers of FR to AU: 3 is kept, 9 is logged",
    ]


async def test_a_foreign_checkpoint_is_found(core: Bench, exchange: Exchange) -> None:
    await filled(core)
    forked = exchange.log.sign(3, bytes(32), 5)
    tamper(core, "UPDATE checkpoints SET note = ? WHERE size = 3", forked)
    assert findings(core) == ["checkpoint 3: its root is not that of the entries"]
    other = Exchange.make(6, origin="other.example/log").log.sign(3, bytes(32), 5)
    tamper(core, "UPDATE checkpoints SET note = ? WHERE size = 3", other)
    (finding,) = findings(core)
    assert finding.startswith("checkpoint 3: the checkpoint is of the log 'other.example/log'")


async def test_a_roster_that_no_quorum_signed_is_found(core: Bench, exchange: Exchange) -> None:
    await filled(core)
    lone = exchange.succeed(exchange.propose(), 4, signers=[exchange.party("FR").signer]).notes[-1]
    tamper(core, "UPDATE rosters SET note = ? WHERE version = 2", lone)
    assert "roster 2: not signed by the quorum of roster 1" in findings(core)


async def test_garbage_is_a_finding_and_not_an_error(core: Bench) -> None:
    await filled(core)
    tamper(core, "UPDATE dispatches SET note = x'00ff', openings = x'01' WHERE log_index = 1")
    tamper(core, "UPDATE rosters SET note = x'00'")
    tamper(core, "UPDATE checkpoints SET note = x'00' WHERE size = 2")
    found = findings(core)
    assert {one.partition(":")[0] for one in found} >= {"entry 0", "entry 1", "roster 1", "checkpoint 2"}
