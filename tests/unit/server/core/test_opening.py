"""Making a home, opening it, and what keeps a relay from starting; readiness; blobs' records."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

import pytest

from envoi_keys.dispatches import Sealed
from envoi_keys.errors import LocalError
from envoi_server import log_key, schema
from envoi_server.relay import Relay
from envoi_server.settings import Settings, load
from envoi_server.storage import StorageError

from ....exchange import ORIGIN, Exchange, log_signer, seed
from .harness import Bench, running, slug, until

pytestmark = pytest.mark.anyio
SHA, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(tmp_path / "home", origin=ORIGIN)


def test_a_home_is_made_once(settings: Settings) -> None:
    public = Relay.initialise(settings.home, ORIGIN)
    assert public.origin == ORIGIN
    path = settings.home / log_key.FILE_NAME
    assert (path.stat().st_mode & 0o777, len(path.read_bytes())) == (0o600, 64)
    assert settings.home.stat().st_mode & 0o077 == 0
    with pytest.raises(LocalError, match="exists"):
        Relay.initialise(settings.home, ORIGIN)
    assert log_key.load(settings.home, ORIGIN).public == public
    relay = Relay.open(settings)
    assert (relay.log, relay.size, relay.roster) == (public, 0, None)
    relay.close()


def test_two_relays_have_two_keys(tmp_path: Path) -> None:
    assert Relay.initialise(tmp_path / "a", ORIGIN) != Relay.initialise(tmp_path / "b", ORIGIN)


def test_an_origin_that_cannot_be_a_name_is_refused_before_a_key_is_made(settings: Settings) -> None:
    with pytest.raises(LocalError, match="origin"):
        Relay.initialise(settings.home, "with space")
    assert not (settings.home / log_key.FILE_NAME).exists()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.unlink(), "there is no"),
        (lambda path: path.chmod(0o640), "others may read"),
        (lambda path: path.write_bytes(b"x" * 63), "63 bytes"),
    ],
)
def test_a_relay_does_not_start_on_a_bad_key(settings: Settings, spoil: object, message: str) -> None:
    Relay.initialise(settings.home, ORIGIN)
    spoil(settings.home / log_key.FILE_NAME)  # type: ignore[operator]
    with pytest.raises(LocalError, match=message):
        Relay.open(settings)


def test_a_relay_does_not_migrate_by_itself(settings: Settings) -> None:
    Relay.initialise(settings.home, ORIGIN)
    schema.migrate(settings.database, "base")
    with pytest.raises(LocalError, match="database is empty") as raised:
        Relay.open(settings)
    assert raised.value.hint is not None
    assert "migrate" in raised.value.hint
    schema.migrate(settings.database)
    Relay.open(settings).close()


def test_a_relay_needs_an_origin(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="origin"):
        Relay.open(load(tmp_path))


async def test_one_relay_serves_a_home(settings: Settings) -> None:
    Relay.initialise(settings.home, ORIGIN)
    one, other = Relay.open(settings), Relay.open(settings)
    one.start(asyncio.get_running_loop())
    with pytest.raises(LocalError, match="another relay"):
        other.start(asyncio.get_running_loop())
    assert other.check() == []
    one.close()
    other.start(asyncio.get_running_loop())
    other.close()


async def test_a_relay_that_was_opened_early_reads_again_when_it_starts(tmp_path: Path) -> None:
    exchange = Exchange.make(3)
    settings = load(tmp_path, origin=ORIGIN, roster_id=exchange.id)
    Relay.initialise(settings.home, ORIGIN)
    key = settings.home / log_key.FILE_NAME
    # The exchange's first roster names a log key made from a seed.
    key.write_bytes(seed(f"{ORIGIN} 0 log", 64))
    first, second = Relay.open(settings), Relay.open(settings)
    first.start(asyncio.get_running_loop())
    assert slug(await first.accept_roster(exchange.notes[0])) == "accepted"
    first.close()
    second.start(asyncio.get_running_loop())
    assert (second.size, second.roster) == (1, exchange.roster)
    second.close()


# -- readiness -----------------------------------------------------------------------------------------------


async def test_readiness_signs_verifies_and_reads(core: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert core.relay.ready() == []
    core.records.size = lambda: 0  # type: ignore[attr-defined]
    assert core.relay.ready() == ["the records hold less than was published"]
    del core.records.size
    # A key that no longer signs what its public half verifies, as after a mixed-up restore.
    monkeypatch.setattr(core.relay._signer, "_ed25519", log_signer(generation=1)._ed25519)
    assert core.relay.ready() == [f"the signature by {ORIGIN} does not hold"]


async def test_a_writer_that_has_died_is_told(core: Bench) -> None:
    core.relay._sequencer._queue.put(None)
    core.relay._sequencer._thread.join(5)
    assert core.relay.ready() == ["the writer has stopped"]


# -- blobs ---------------------------------------------------------------------------------------------------


async def test_what_is_known_of_blobs(core: Bench) -> None:
    blobs = core.relay.blobs
    assert (blobs.blob_known(SHA), blobs.blob_owned("FR", SHA), blobs.blob_size("FR", SHA)) == (False, False, None)
    blobs.blob_finished("FR", SHA, 700, 10)
    blobs.blob_finished("FR", OTHER, 300, 10)
    assert (blobs.blob_known(SHA), blobs.blob_owned("FR", SHA), blobs.blob_size("FR", SHA)) == (True, True, 700)
    assert (blobs.blob_owned("AU", SHA), blobs.blob_size("AU", SHA)) == (False, None)
    assert (blobs.blob_held("FR"), blobs.blob_held("AU")) == (1000, 0)
    await core.accepted(core.member("FR").compose("AU", attachments=(Sealed(SHA, 700),)))
    assert blobs.blob_size("AU", SHA) == 700
    assert blobs.blob_size("DE", SHA) is None


async def test_only_what_nobody_needs_is_dropped(core: Bench) -> None:
    blobs = core.relay.blobs
    blobs.blob_finished("FR", SHA, 700, 10)
    blobs.blob_finished("FR", OTHER, 300, 10)
    await core.accepted(core.member("FR").compose("AU", attachments=(Sealed(SHA, 700),)))
    assert blobs.blobs_unreferenced(10) == []
    assert blobs.blobs_unreferenced(11) == [OTHER]
    assert blobs.blob_dropped(SHA, 99) is False
    assert blobs.blob_dropped(OTHER, 10) is False
    assert blobs.blob_dropped(OTHER, 11) is True
    assert blobs.blob_dropped(OTHER, 11) is False
    assert not blobs.blob_known(OTHER)
    assert blobs.blob_known(SHA)


async def test_a_blob_swept_between_the_rules_and_the_batch_is_missing(core: Bench) -> None:
    blobs, intake = core.relay.blobs, core.relay._intake
    blobs.blob_finished("FR", SHA, 700, 10)
    posted = core.member("FR").compose("AU", attachments=(Sealed(SHA, 700),))
    work = intake.dispatch("FR", posted.raw)
    assert blobs.blob_dropped(SHA, 11)
    assert slug(await intake.submit(lambda: work)) == "blob-missing"
    assert core.relay.size == 1


async def test_blobs_are_not_recorded_by_a_relay_that_cannot(core: Bench) -> None:
    core.records.lose(StorageError("the disk said no"))
    with pytest.raises(StorageError):
        core.relay.blobs.blob_finished("FR", SHA, 700, 10)
    core.relay.close()
    with pytest.raises(StorageError, match="not running"):
        core.relay.blobs.blob_finished("FR", SHA, 700, 10)


async def test_a_mistake_of_ours_is_raised_where_it_is_awaited(core: Bench) -> None:
    def mistaken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await core.relay._intake.submit(mistaken)


async def test_records_that_cannot_be_read_are_an_answer(core: Bench) -> None:
    def broken() -> list[object]:
        raise StorageError("gone")

    core.records.enrolments = broken  # type: ignore[attr-defined]
    note = core.exchange.rotated("AU", 1).notes[-1]
    assert slug(await core.relay.accept_roster(note)) == "unavailable"


async def test_more_than_can_be_taken_in_hand_is_refused(core: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envoi_server.intake.MAX_IN_HAND", 0)
    assert slug(await core.post(core.member("FR").compose("AU"))) == "unavailable"


def copied_back(shm: Path) -> bool:
    """Whether every frame of the write-ahead log is in the database file (SQLite, "WAL-index file format")."""
    raw = shm.read_bytes()
    (frames,), (copied,) = struct.unpack_from("=I", raw, 16), struct.unpack_from("=I", raw, 96)
    return bool(frames == copied > 0)


async def test_the_write_ahead_log_is_copied_back_when_the_writer_rests(tmp_path: Path, exchange: Exchange) -> None:
    async with running(tmp_path, exchange) as core:
        await core.accepted(core.member("FR").compose("AU"))
        wal, file = tmp_path / "relay.db-wal", tmp_path / "relay.db"
        await until(lambda: copied_back(tmp_path / "relay.db-shm"))
        assert b"envoi/dispatch/v1" in file.read_bytes()
        grown = wal.stat().st_size
        # All of it was copied, so the next commit begins the file anew instead of making it longer.
        await core.accepted(core.member("FR").compose("AU", numbers={"AU": 2}))
        assert wal.stat().st_size == grown
    assert not wal.exists()
    assert not (tmp_path / "relay.db-shm").exists()
