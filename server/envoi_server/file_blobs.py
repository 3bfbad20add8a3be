"""Blobs as files: written to a partial file of its uploader, a blob gets its name when it is whole.

Names are taken by hard links and directories are synced, so that a blob exists whole or not at all after any crash.
What is reported as received has reached the disk. No OSError leaves here: each is a LocalError that says what was
tried.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from envoi_keys.encoding import HEX32
from envoi_keys.errors import LocalError, Unverified
from envoi_keys.limits import MIB

from .files import PRIVATE_DIRECTORY, create, make_directory, sync_directory

PART_BYTES: Final = 8 * MIB
"""Bytes of an upload between two fsyncs."""
_PARTIAL: Final = re.compile(rf"({HEX32.pattern})\.([0-9]{{1,16}})\.([0-9]{{1,16}})")
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
WRITE_POINTS: Final = tuple(f"blobs: {step}" for step in ("begun", "appended", "synced", "paused", "named", "removed"))
"""Where the store calls its hook: with an upload's file made, some of it written, all of that on the disk, the offset
in its name, the blob under its own name, and a blob gone; each before the directory that says so is synced."""


def nothing(_point: str) -> None:
    """The hook of a store that nobody stops on purpose."""


class FileBlobStore:
    """Blobs as files: ``blobs/ab/cdef...``, and uploads as ``partial/OWNER/DIGEST.LENGTH.OFFSET``.

    The name of a partial file holds the offset up to which it was durable when it was last paused. Beyond
    that only whole parts count, since no byte of a part is written before the part below it is on the disk.
    ``at`` is called with each of :data:`WRITE_POINTS`.
    """

    def __init__(self, home: Path, at: Callable[[str], None] = nothing) -> None:
        self.at = at
        self._blobs = home / "blobs"
        self._partial = home / "partial"
        for directory in (self._blobs, self._partial):
            make_directory(directory)
        sync_directory(home)
        # Paused uploads with their hash so far, so that one sent in many requests is not hashed anew at each.
        # There are no more of them than partial files.
        self._paused: dict[tuple[str, str], FileUpload] = {}

    def begin(self, owner: str, digest: str, length: int) -> FileUpload:
        """See :class:`BlobStore`."""
        self.discard(owner, digest)
        directory = self._directory(owner)
        with _disk("begin an upload"):
            directory.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
            path = directory / f"{digest}.{length}.0"
            handle = create(path)
            self.at("blobs: begun")
            sync_directory(directory)
            sync_directory(self._partial)
        return FileUpload(self, (owner, digest), path, handle, length, 0)

    def resume(self, owner: str, digest: str) -> FileUpload | None:
        """See :class:`BlobStore`."""
        paused_here = self._paused.pop((owner, digest), None)
        if paused_here is not None and paused_here.reopen():
            return paused_here
        found = self._find(owner, digest)
        if found is None:
            return None
        path, length, paused = found
        with _disk("resume an upload"):
            handle = os.open(path, os.O_RDWR)
            durable = _durable(os.fstat(handle).st_size, paused)
            os.ftruncate(handle, durable)
            upload = FileUpload(self, (owner, digest), path, handle, length, 0)
            upload.rehash(durable)
        return upload

    def standing(self, owner: str, digest: str) -> tuple[int, int] | None:
        """See :class:`BlobStore`."""
        found = self._find(owner, digest)
        if found is None:
            return None
        path, length, paused = found
        with _disk("look at an upload"):
            return _durable(path.stat().st_size, paused), length

    def discard(self, owner: str, digest: str) -> None:
        """See :class:`BlobStore`."""
        self._paused.pop((owner, digest), None)
        while (found := self._find(owner, digest)) is not None:
            with _disk("discard an upload"):
                found[0].unlink(missing_ok=True)

    def unfinished(self, owner: str) -> dict[str, int]:
        """See :class:`BlobStore`."""
        return {match[1]: int(match[2]) for _, match in _partials(self._directory(owner))}

    def promised(self) -> int:
        """See :class:`BlobStore`."""
        total = 0
        for directory in _entries(self._partial):
            for path, match in _partials(directory):
                with contextlib.suppress(FileNotFoundError):
                    total += max(0, int(match[2]) - path.stat().st_size)
        return total

    def size(self, digest: str) -> int | None:
        """See :class:`BlobStore`."""
        with _disk("look at a blob"), contextlib.suppress(FileNotFoundError):
            return self.path(digest).stat().st_size
        return None

    def read(self, digest: str, offset: int, count: int) -> bytes:
        """See :class:`BlobStore`."""
        # Opened for each piece: a reader that stalls holds no file open, and a blob's bytes never change.
        with _disk("read a blob"), self.path(digest).open("rb", buffering=0) as file:
            file.seek(offset)
            return file.read(count) or b""

    def remove(self, digest: str) -> None:
        """See :class:`BlobStore`."""
        path = self.path(digest)
        with _disk("remove a blob"), contextlib.suppress(FileNotFoundError):
            path.unlink()
            self.at("blobs: removed")
            sync_directory(path.parent)

    def digests(self, before: float) -> Iterator[str]:
        """See :class:`BlobStore`."""
        for directory in sorted(_entries(self._blobs)):
            for path in sorted(_entries(directory)):
                with _disk("look at a blob"), contextlib.suppress(FileNotFoundError):
                    if not HEX32.fullmatch(directory.name + path.name) or path.stat().st_mtime >= before:
                        continue
                    yield directory.name + path.name

    def sweep_unfinished(self, before: float) -> int:
        """See :class:`BlobStore`."""
        swept = 0
        for directory in _entries(self._partial):
            for path, _ in list(_partials(directory)):
                with _disk("sweep an upload"), contextlib.suppress(FileNotFoundError):
                    if path.stat().st_mtime < before:
                        path.unlink()
                        swept += 1
        for key, upload in list(self._paused.items()):
            if not upload.path.exists():
                self._paused.pop(key, None)
        return swept

    def free(self) -> int:
        """See :class:`BlobStore`."""
        with _disk("look at the disk"):
            return shutil.disk_usage(self._blobs).free

    def keep(self, upload: FileUpload) -> None:
        """Remember a paused upload."""
        self._paused[upload.key] = upload

    def path(self, digest: str) -> Path:
        """Where the whole blob is or will be."""
        if not HEX32.fullmatch(digest):
            raise ValueError("a blob is named by 64 lower-case hexadecimal digits")
        return self._blobs / digest[:2] / digest[2:]

    def _directory(self, owner: str) -> Path:
        # Names of owners hold letters, digits, "-" and one "/"; hex keeps any name at all inside the
        # directory.
        return self._partial / owner.encode().hex()

    def _find(self, owner: str, digest: str) -> tuple[Path, int, int] | None:
        for path, match in _partials(self._directory(owner)):
            if match[1] == digest:
                return path, int(match[2]), int(match[3])
        return None


@dataclass(slots=True)
class FileUpload:
    """An :class:`Upload` to a file that is open for writing."""

    store: FileBlobStore
    key: tuple[str, str]
    path: Path
    handle: int
    length: int
    offset: int
    _synced: int = 0
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256)

    def append(self, data: bytes) -> None:
        """See :class:`Upload`."""
        view = memoryview(data)
        try:
            while view:
                # Never across the end of a part: it is on the disk before a byte of the next one is written.
                count = min(len(view), PART_BYTES - self.offset % PART_BYTES)
                written = os.pwrite(self.handle, view[:count], self.offset)
                self._hash.update(view[:written])
                self.offset += written
                view = view[written:]
                self.store.at("blobs: appended")
                if self.offset % PART_BYTES == 0:
                    self._sync()
        except OSError as error:
            self._failed(error, "store an upload")

    def pause(self) -> None:
        """See :class:`Upload`."""
        if self.handle < 0:
            return
        try:
            self._sync()
            self._close()
            self._mark()
            self.store.keep(self)
        except OSError as error:
            self._failed(error, "store an upload")

    def abandon(self) -> None:
        """See :class:`Upload`."""
        self._close()

    def finish(self) -> None:
        """See :class:`Upload`."""
        digest = self.key[1]
        target = self.store.path(digest)
        if self.offset != self.length or self._hash.hexdigest() != digest:
            self._discard()
            raise Unverified("the bytes of the blob do not hash to its name")
        try:
            self._sync()
            self._close()
            self._mark()
            target.parent.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
            # A second name for the same file. The first one stays until the blob is recorded, so that a crash in
            # between leaves an upload that is whole. Taken already: the same name means the same bytes.
            with contextlib.suppress(FileExistsError):
                target.hardlink_to(self.path)
            self.store.at("blobs: named")
            sync_directory(target.parent)
            sync_directory(target.parent.parent)
        except OSError as error:
            self._failed(error, "store a blob")

    def rehash(self, durable: int) -> None:
        """Hash what is on the disk already, up to ``durable``, and go on from there."""
        while self.offset < durable:
            data = os.pread(self.handle, min(MIB, durable - self.offset), self.offset)
            self._hash.update(data)
            self.offset += len(data)
        self._synced = durable

    def reopen(self) -> bool:
        """Open again after a pause, without hashing anew; False if the file is gone."""
        try:
            self.handle = os.open(self.path, os.O_RDWR)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _local(error, "resume an upload") from error
        return True

    def _sync(self) -> None:
        if self._synced != self.offset:
            os.fsync(self.handle)
            self._synced = self.offset
            self.store.at("blobs: synced")

    def _mark(self) -> None:
        """Put into the file's name how far it is durable, which it is."""
        name, length, _ = self.path.name.split(".")
        self.path = self.path.rename(self.path.with_name(f"{name}.{length}.{self.offset}"))
        self.store.at("blobs: paused")
        sync_directory(self.path.parent)

    def _close(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1

    def _discard(self) -> None:
        self._close()
        self.path.unlink(missing_ok=True)

    def _failed(self, error: OSError, what: str) -> None:
        # After a failed fsync the kernel may have dropped the pages: nothing of this file can be trusted.
        with contextlib.suppress(OSError):
            self._discard()
        raise _local(error, what) from error


def _durable(size: int, paused: int) -> int:
    # A file whose size ends on a part may have been cut off before that part's own fsync, hence the -1.
    return min(size, max(paused, (size - 1) // PART_BYTES * PART_BYTES))


@contextlib.contextmanager
def _disk(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _local(error, what) from error


def _local(error: OSError, what: str) -> LocalError:
    hint = "free some disk space" if error.errno in _FULL else None
    return LocalError(f"cannot {what}: {error.strerror}", hint=hint)


def _entries(directory: Path) -> list[Path]:
    """What is in a directory; nothing where there is none."""
    with _disk("look into the blobs"), contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return list(directory.iterdir())
    return []


def _partials(directory: Path) -> Iterator[tuple[Path, re.Match[str]]]:
    for path in _entries(directory):
        match = _PARTIAL.fullmatch(path.name)
        if match is not None:
            yield path, match
