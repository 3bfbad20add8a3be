"""The local store's file: encrypted at rest, all or nothing, forward only."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from envoi_client.store import (
    Store,
)
from envoi_client.store import database as database_module
from envoi_client.store.database import PAGE_BYTES, Database
from envoi_client.store.schema import STEPS
from envoi_keys.errors import LocalError

from .stored import KEY, RECEIVED, SECRET, entry, path

__all__ = ["path"]  # a fixture


# -- the file


def test_nothing_in_the_files_is_plaintext(path: Path) -> None:
    with Store(path, KEY) as store:
        store.inbox.put(entry(1), RECEIVED)
        store.outbox.add_draft(SECRET.encode(), 1)
        store.alarms.add("fork", SECRET, (SECRET.encode(),), 1)
        files = list(path.parent.iterdir())
        assert {file.name for file in files} >= {"store.db", "store.db-wal"}
        for file in files:
            raw = file.read_bytes()
            assert SECRET.encode() not in raw
            assert b"SQLite format 3" not in raw
            assert b"CREATE TABLE" not in raw
    assert SECRET.encode() not in path.read_bytes()


def test_every_file_is_private(path: Path) -> None:
    with Store(path, KEY) as store:
        store.log.cursor = 1
        assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_what_was_kept_is_there_when_opened_again(path: Path) -> None:
    with Store(path, KEY) as store:
        store.inbox.put(entry(1), RECEIVED)
    with Store(path, KEY) as store:
        assert store.inbox.at(1) == entry(1)
        assert store.inbox.received(1) == RECEIVED
        assert store.check() == []


def test_a_wrong_key_is_said_in_words(path: Path) -> None:
    Store(path, KEY).close()
    with pytest.raises(LocalError, match="damaged or the key is wrong"):
        Store(path, bytes(32))


def test_a_key_of_another_size_is_a_mistake_of_the_caller(path: Path) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Store(path, b"short")


def test_a_changed_byte_is_found(path: Path) -> None:
    with Store(path, KEY) as store:
        for index in range(200):
            store.inbox.put(entry(index), RECEIVED)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with Store(path, KEY) as store:
        (finding,) = store.check()
        assert "HMAC verification failed" in finding
    for page in range(8, len(raw) // PAGE_BYTES):
        raw[page * PAGE_BYTES] ^= 1
    path.write_bytes(raw)
    with pytest.raises(LocalError, match="damaged or the key is wrong"), Store(path, KEY) as store:
        list(store.inbox.listing())


def test_a_truncated_file_is_found(path: Path) -> None:
    Store(path, KEY).close()
    path.write_bytes(path.read_bytes()[:-PAGE_BYTES])
    with pytest.raises(LocalError, match="damaged"), Store(path, KEY) as store:
        store.alarms.listing()


def test_a_file_that_ends_inside_a_page_is_found(path: Path) -> None:
    Store(path, KEY).close()
    path.write_bytes(path.read_bytes()[: -PAGE_BYTES // 2])
    with Store(path, KEY) as store:
        assert store.check()


def test_a_file_open_to_others_is_refused(path: Path) -> None:
    Store(path, KEY).close()
    path.chmod(0o644)
    with pytest.raises(LocalError, match="open to others"):
        Store(path, KEY)


def test_a_missing_directory_is_our_own_error(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="cannot open"):
        Store(tmp_path / "nowhere" / "store.db", KEY)


def test_a_full_disk_changes_nothing_and_says_so(path: Path) -> None:
    with Store(path, KEY) as store:
        store.outbox.add_draft(b"before", 1)
        store._database.run("PRAGMA max_page_count = 40")

        def fill() -> None:
            with store.transaction():
                for _ in range(100):
                    store.outbox.add_draft(bytes(100_000), 2)

        with pytest.raises(LocalError, match=r"disk of .* is full"):
            fill()
        assert [entry.draft for entry in store.outbox.listing()] == [b"before"]
        store.log.cursor = 5  # and the store goes on


def test_a_store_in_use_is_said_in_words(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "_BUSY_SECONDS", 0.05)
    with (
        Store(path, KEY) as one,
        Store(path, KEY) as other,
        one.transaction(),
        pytest.raises(LocalError, match="in use by another process"),
    ):
        other.log.cursor = 1


# -- transactions


def test_a_transaction_that_raises_has_not_happened(path: Path) -> None:
    with Store(path, KEY) as store:

        def half() -> None:
            with store.transaction():
                store.log.cursor = 7
                with store.transaction():
                    store.outbox.add_draft(b"x", 1)
                raise KeyError

        with pytest.raises(KeyError):
            half()
        assert store.log.cursor == -1
        assert store.outbox.listing() == []
        store.log.cursor = 8
        assert store.log.cursor == 8


KILLED = """
import os, pathlib, sys
from envoi_client.store import Store
store = Store(pathlib.Path(sys.argv[1]), bytes(range(32)))
key = store.outbox.add_draft(b"whole", 1)
with store.transaction():
    store.outbox.sign(key, id="ab", note=b"note", submission=b"bytes", series=1, numbers={"DE": 1}, at=2)
    if sys.argv[2] == "between":
        os._exit(9)
os._exit(9)
"""


@pytest.mark.parametrize(("moment", "state"), [("between", "draft"), ("after", "signed")])
def test_a_process_killed_between_statements_leaves_all_or_nothing(path: Path, moment: str, state: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), moment], check=False, timeout=60)
    assert done.returncode == 9
    with Store(path, KEY) as store:
        (entry,) = store.outbox.listing()
        assert entry.state == state
        assert entry.numbers == ({"DE": 1} if state == "signed" else {})
        assert store.outbox.submission(entry.key) == (b"bytes" if state == "signed" else None)


# -- migrations


def test_a_new_step_carries_the_rows(path: Path) -> None:
    with Store(path, KEY) as store:
        store.inbox.put(entry(3), RECEIVED)
    step = (
        "ALTER TABLE dispatches ADD COLUMN subject TEXT NOT NULL DEFAULT ''",
        "UPDATE dispatches SET subject = upper(sender)",
    )
    database = Database(path, KEY, (*STEPS, step))
    assert database.version() == len(STEPS) + 1
    assert database.all("SELECT idx, body, subject FROM dispatches") == [(3, entry(3).body, "DE")]
    database.close()
    with pytest.raises(LocalError, match="of a newer envoi"):
        Store(path, KEY)


def test_a_step_that_fails_leaves_the_version_before(path: Path) -> None:
    with Store(path, KEY) as store:
        store.inbox.put(entry(3), RECEIVED)
    step = ("ALTER TABLE dispatches ADD COLUMN subject TEXT", "UPDATE no_such_table SET x = 1")
    with pytest.raises(LocalError, match="no such table"):
        Database(path, KEY, (*STEPS, step))
    with Store(path, KEY) as store:
        assert store.inbox.at(3) == entry(3)


def test_every_released_schema_migrates_to_the_newest(tmp_path: Path) -> None:
    newest = Database(tmp_path / "newest.db", KEY, STEPS)
    for length in range(len(STEPS) + 1):
        path = tmp_path / f"{length}.db"
        Database(path, KEY, STEPS[:length]).close()
        migrated = Database(path, KEY, STEPS)
        sql = "SELECT name, sql FROM sqlite_master ORDER BY name"
        assert migrated.all(sql) == newest.all(sql)
        migrated.close()
    newest.close()
