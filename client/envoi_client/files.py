"""Files of a member: written whole or not at all, private, and worked on by one process at a time.

A reader sees the old file or the new one, also after a crash: data goes to a temporary file beside the
target, is flushed to the disk, and takes the name in one step. What holds secrets is 0600 in a directory
that is 0700, and a file that others may read is refused, with the command that mends it, rather than quietly
used.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from envoi_keys.errors import LocalError

PRIVATE_FILE: Final = 0o600
PRIVATE_DIR: Final = 0o700
_LOCK_PAUSE: Final = 0.05


def local_error(error: OSError, doing: str, path: Path) -> LocalError:
    """The LocalError that says in words what the operating system said in a number."""
    hint = {
        errno.ENOSPC: "free some space on this disk and try again; nothing was changed",
        errno.EDQUOT: "your disk quota is used up; free some space and try again; nothing was changed",
        errno.EROFS: "the file system is mounted read-only",
        errno.EACCES: f"check who owns {path.parent} and its modes",
        errno.ENOENT: "check the path",
    }.get(error.errno or 0)
    return LocalError(f"cannot {doing} {path}: {(error.strerror or str(error)).lower()}", hint=hint)


@contextmanager
def whole_file(path: Path, *, mode: int = PRIVATE_FILE) -> Iterator[BinaryIO]:
    """A file to write that takes the name ``path`` only if the block ends without an exception.

    It is durable when the block has ended. Otherwise ``path`` is as it was and nothing is left beside it,
    except after a crash, which may leave a hidden ``.*.tmp``. Raises LocalError.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        # O_EXCL: whoever can plant a link under this unguessable name gains nothing.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except OSError as error:
        raise local_error(error, "write", path) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise local_error(error, "write", path) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes, *, mode: int = PRIVATE_FILE) -> None:
    """``data`` in the file ``path``, whole and durable, or ``path`` as it was. Raises LocalError."""
    with whole_file(path, mode=mode) as file:
        file.write(data)


def read_bounded(path: Path, limit: int) -> bytes:
    """The content of ``path``, which has at most ``limit`` bytes. Raises LocalError."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise local_error(error, "read", path) from error
    if len(data) > limit:
        raise LocalError(f"{path} has more than {limit} bytes", hint="is it the right file?")
    return data


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable: a rename is not, before this. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def require_private(path: Path) -> None:
    """Refuse a file or directory that others can touch. Raises LocalError with the fix as hint."""
    try:
        found = path.stat()
    except OSError as error:
        raise local_error(error, "read", path) from error
    directory = stat.S_ISDIR(found.st_mode)
    if stat.S_IMODE(found.st_mode) & 0o077:
        wanted = PRIVATE_DIR if directory else PRIVATE_FILE
        raise LocalError(
            f"{path} is open to others (mode {stat.S_IMODE(found.st_mode):04o})",
            hint=f"chmod {wanted:o} {path}",
        )
    if found.st_uid not in (os.geteuid(), 0):
        raise LocalError(f"{path} belongs to another user", hint=f"chown $(id -u) {path}")


def _flock(descriptor: int, patience: float) -> None:
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= end:
                raise
            time.sleep(_LOCK_PAUSE)


@dataclass(frozen=True, slots=True)
class Home:
    """Where one identity of a member keeps its files (``ENVOI_HOME``): the layout, and nothing opened."""

    root: Path

    @property
    def vault(self) -> Path:
        """All secrets, in one passphrase-encrypted age file."""
        return self.root / "vault.age"

    @property
    def store(self) -> Path:
        """The local database, SQLCipher under a key from the vault."""
        return self.root / "store.db"

    @property
    def config(self) -> Path:
        """Settings; nothing secret."""
        return self.root / "config.toml"

    @property
    def roster_id(self) -> Path:
        """The pinned id of the roster that admitted this member, in hexadecimal."""
        return self.root / "roster-id"

    @property
    def enrolment(self) -> Path:
        """The signed request with this home's public keys, for the officers."""
        return self.root / "enrolment.note"

    @property
    def blobs(self) -> Path:
        """Attachments as they travel, sealed, each under its hash."""
        return self.root / "blobs"

    @property
    def lock_file(self) -> Path:
        """What :meth:`lock` locks; empty."""
        return self.root / "lock"

    def blob(self, sha256: str) -> Path:
        """The file of one sealed attachment."""
        return self.blobs / sha256

    def create(self) -> None:
        """Make the directories, private. One that is there already is checked instead. Raises LocalError."""
        for directory in (self.root, self.blobs):
            try:
                directory.mkdir(mode=PRIVATE_DIR, parents=True, exist_ok=True)
            except OSError as error:
                raise local_error(error, "make", directory) from error
            require_private(directory)

    def check(self) -> None:
        """Refuse a home that is missing or that others can enter. Raises LocalError with the fix as hint."""
        if not self.root.is_dir():
            raise LocalError(f"there is no Envoi home at {self.root}", hint="make one with: envoi init")
        require_private(self.root)

    @contextmanager
    def lock(self, patience: float = 0) -> Iterator[None]:
        """Hold this home alone: one node per authority numbers (PROTOCOL §4.2).

        Raises LocalError if another process still holds it after ``patience`` seconds. The kernel drops the lock
        with the process, however it ends, so no stale lock is ever left to remove.
        """
        try:
            descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        except OSError as error:
            raise local_error(error, "lock", self.lock_file) from error
        try:
            try:
                _flock(descriptor, patience)
            except BlockingIOError:
                raise LocalError(
                    f"another envoi process is at work in {self.root}",
                    hint="wait until it has finished; two at once could number two dispatches alike",
                ) from None
            except OSError as error:
                raise local_error(error, "lock", self.lock_file) from error
            yield
        finally:
            os.close(descriptor)
