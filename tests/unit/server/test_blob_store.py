"""The promises of a blob store: durable on return, atomic, immutable, each owner's uploads apart."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from time import time
from typing import Any

import pytest

from envoi_keys.errors import LocalError, Unverified
from envoi_server.blobs import BlobStore
from envoi_server.file_blobs import PART_BYTES, FileBlobStore

DATA = os.urandom(300_000)
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> FileBlobStore:
    return FileBlobStore(tmp_path)


def files(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())


def upload(store: BlobStore, owner: str, data: bytes = DATA) -> str:
    digest = hashlib.sha256(data).hexdigest()
    one = store.begin(owner, digest, len(data))
    one.append(data)
    one.finish()
    store.discard(owner, digest)
    return digest


def test_an_upload_stays_until_its_blob_is_recorded(store: FileBlobStore, tmp_path: Path) -> None:
    one = store.begin("FR", DIGEST, len(DATA))
    one.append(DATA)
    one.finish()
    again = FileBlobStore(tmp_path)
    assert again.standing("FR", DIGEST) == (len(DATA), len(DATA))
    resumed = again.resume("FR", DIGEST)
    assert resumed is not None
    resumed.finish()
    again.discard("FR", DIGEST)
    assert again.read(DIGEST, 0, len(DATA)) == DATA
    assert files(tmp_path) == [f"blobs/{DIGEST[:2]}/{DIGEST[2:]}"]


def test_a_blob_is_read_back_as_it_was_sent(store: FileBlobStore, tmp_path: Path) -> None:
    upload(store, "FR")
    assert store.size(DIGEST) == len(DATA)
    assert store.read(DIGEST, 0, len(DATA)) == DATA
    assert store.read(DIGEST, 299_990, 100) == DATA[-10:]
    assert files(tmp_path) == [f"blobs/{DIGEST[:2]}/{DIGEST[2:]}"]
    assert list(store.digests(time() + 60)) == [DIGEST]
    assert list(store.digests(time() - 60)) == []


def test_until_it_is_finished_there_is_no_blob(store: FileBlobStore) -> None:
    one = store.begin("FR", DIGEST, len(DATA))
    one.append(DATA)
    one.pause()
    assert store.size(DIGEST) is None
    assert list(store.digests(time() + 60)) == []


def test_wrong_bytes_leave_nothing_behind(store: FileBlobStore, tmp_path: Path) -> None:
    one = store.begin("FR", DIGEST, len(DATA))
    one.append(b"x" * len(DATA))
    with pytest.raises(Unverified):
        one.finish()
    assert files(tmp_path) == []


def test_an_upload_goes_on_after_a_restart(store: FileBlobStore, tmp_path: Path) -> None:
    one = store.begin("FR", DIGEST, len(DATA))
    one.append(DATA[:100_000])
    one.pause()
    again = FileBlobStore(tmp_path)
    assert again.standing("FR", DIGEST) == (100_000, len(DATA))
    resumed = again.resume("FR", DIGEST)
    assert resumed is not None
    assert resumed.offset == 100_000
    resumed.append(DATA[100_000:])
    resumed.finish()
    assert again.read(DIGEST, 0, len(DATA)) == DATA


def test_after_a_crash_only_what_is_surely_on_the_disk_counts(store: FileBlobStore, tmp_path: Path) -> None:
    data = os.urandom(PART_BYTES + 1000)
    digest = hashlib.sha256(data).hexdigest()
    one = store.begin("FR", digest, len(data) + 5)
    one.append(data)
    # No pause: the process is gone.
    again = FileBlobStore(tmp_path)
    assert again.standing("FR", digest) == (PART_BYTES, len(data) + 5)
    resumed = again.resume("FR", digest)
    assert resumed is not None
    assert resumed.offset == PART_BYTES


def test_a_part_that_ends_the_file_may_not_have_been_synced(store: FileBlobStore, tmp_path: Path) -> None:
    one = store.begin("FR", DIGEST, 3 * PART_BYTES)
    one.append(bytes(PART_BYTES))
    assert FileBlobStore(tmp_path).standing("FR", DIGEST) == (0, 3 * PART_BYTES)


def test_no_byte_of_a_part_is_written_before_the_part_below_is_on_the_disk(
    store: FileBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    pwrite, fsync = os.pwrite, os.fsync

    def writing(handle: int, data: Any, offset: int) -> int:
        events.append(f"write {offset // PART_BYTES}")
        return pwrite(handle, data, offset)

    def syncing(handle: int) -> None:
        events.append("sync")
        fsync(handle)

    one = store.begin("FR", DIGEST, 3 * PART_BYTES)
    monkeypatch.setattr(os, "pwrite", writing)
    monkeypatch.setattr(os, "fsync", syncing)
    one.append(bytes(2 * PART_BYTES + 5))
    assert events == ["write 0", "sync", "write 1", "sync", "write 2"]


def test_a_resumed_upload_is_not_hashed_anew_in_the_same_process(
    store: FileBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = store.begin("FR", DIGEST, len(DATA))
    one.append(DATA[:100_000])
    one.pause()
    monkeypatch.setattr(os, "pread", None)
    resumed = store.resume("FR", DIGEST)
    assert resumed is not None
    resumed.append(DATA[100_000:])
    resumed.finish()
    assert store.size(DIGEST) == len(DATA)


def test_two_owners_do_not_touch_each_other(store: FileBlobStore, tmp_path: Path) -> None:
    fr = store.begin("FR", DIGEST, len(DATA))
    de = store.begin("DE", DIGEST, len(DATA))
    fr.append(DATA[:10])
    de.append(DATA)
    de.finish()
    assert store.read(DIGEST, 0, 10) == DATA[:10]
    fr.append(DATA[10:])
    fr.finish()
    assert store.read(DIGEST, 0, len(DATA)) == DATA
    store.discard("FR", DIGEST)
    assert store.unfinished("DE") == {DIGEST: len(DATA)}
    store.discard("DE", DIGEST)
    assert files(tmp_path) == [f"blobs/{DIGEST[:2]}/{DIGEST[2:]}"]


def test_an_owner_cannot_name_a_file_outside(store: FileBlobStore, tmp_path: Path) -> None:
    store.begin("../../FR/iem-1", DIGEST, 5).pause()
    assert len(files(tmp_path / "partial")) == 1
    with pytest.raises(ValueError, match="64 lower-case"):
        store.path("../../../etc/passwd")


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("call", ["pwrite", "fsync"])
def test_a_disk_that_fails_keeps_no_orphan(
    store: FileBlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, fault: int
) -> None:
    one = store.begin("FR", DIGEST, len(DATA))
    one.append(DATA[:10])
    monkeypatch.setattr(os, call, _failing(fault))
    with pytest.raises(LocalError) as caught:
        one.append(DATA[10:])
        one.pause()
    monkeypatch.undo()
    assert (caught.value.hint is not None) == (fault == errno.ENOSPC)
    assert files(tmp_path) == []
    assert store.standing("FR", DIGEST) is None


def test_a_name_that_cannot_be_given_makes_no_blob(
    store: FileBlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = store.begin("FR", DIGEST, len(DATA))
    one.append(DATA)
    monkeypatch.setattr(Path, "hardlink_to", _failing(errno.EIO))
    with pytest.raises(LocalError):
        one.finish()
    monkeypatch.undo()
    assert store.size(DIGEST) is None
    assert files(tmp_path) == []


def test_a_name_that_was_given_although_it_failed_makes_a_whole_blob(
    store: FileBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = Path.hardlink_to

    def persisting(self: Path, target: Path) -> None:
        link(self, target)
        raise OSError(errno.EIO, "failed all the same")

    one = store.begin("FR", DIGEST, len(DATA))
    one.append(DATA)
    monkeypatch.setattr(Path, "hardlink_to", persisting)
    with pytest.raises(LocalError):
        one.finish()
    monkeypatch.undo()
    assert store.read(DIGEST, 0, len(DATA)) == DATA
    upload(store, "FR")
    assert store.read(DIGEST, 0, len(DATA)) == DATA


def test_old_uploads_are_swept_and_young_ones_stay(store: FileBlobStore, tmp_path: Path) -> None:
    store.begin("FR", DIGEST, 5).pause()
    store.begin("FR", "ab" * 32, 5).pause()
    old = next((tmp_path / "partial").rglob(f"{DIGEST}*"))
    os.utime(old, (1000, 1000))
    assert store.sweep_unfinished(2000) == 1
    assert store.standing("FR", DIGEST) is None
    assert store.resume("FR", DIGEST) is None
    assert store.unfinished("FR") == {"ab" * 32: 5}


def test_removing_what_is_not_there_is_no_error(store: FileBlobStore) -> None:
    store.remove(DIGEST)
    store.discard("FR", DIGEST)
    assert store.resume("FR", DIGEST) is None
    assert store.size(DIGEST) is None


def _failing(fault: int) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise OSError(fault, os.strerror(fault))

    return fail
