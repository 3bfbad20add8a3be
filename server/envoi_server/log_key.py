"""The log's signing key: 64 random bytes in one file, made once and never replaced.

Who holds the file can sign checkpoints of this log, and nothing else: no content, no dispatch, no roster. A
relay does not start on a file that others may read.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from envoi_keys.errors import LocalError, Malformed
from envoi_keys.signing import LogSigner

from .files import make_directory, sync_directory, write_new

FILE_NAME: Final = "log.key"
_SEED_BYTES: Final = 64


def require_new(home: Path, origin: str) -> None:
    """Raise LocalError if ``home`` has a log's key, or ``origin`` cannot be a log's name."""
    _signer(origin, bytes(_SEED_BYTES))
    if (home / FILE_NAME).exists():
        raise _exists(home / FILE_NAME)


def create(home: Path, origin: str) -> LogSigner:
    """A new log's key in ``home``, whole and durable on return. Raises LocalError if there is one."""
    path = home / FILE_NAME
    unfinished = path.with_suffix(".unfinished")
    seed = os.urandom(_SEED_BYTES)
    signer = _signer(origin, seed)
    try:
        make_directory(home)
        write_new(unfinished, seed)
        # Unlike a rename, a link never takes the place of a key that another process has made meanwhile.
        os.link(unfinished, path)
        unfinished.unlink()
        sync_directory(home)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise LocalError(f"cannot write {path}: {error.strerror}") from error
    return signer


def load(home: Path, origin: str) -> LogSigner:
    """The log's key in ``home``. Raises LocalError if it is not there, not whole, or others may read it."""
    path = home / FILE_NAME
    try:
        mode = path.stat().st_mode
        seed = path.read_bytes()
    except FileNotFoundError:
        raise LocalError(f"there is no {path}", hint="run envoi-poc init first") from None
    except OSError as error:
        raise LocalError(f"cannot read {path}: {error.strerror}") from error
    if stat.S_IMODE(mode) & 0o077:
        raise LocalError(f"others may read {path}", hint=f"chmod 600 {path}")
    if len(seed) != _SEED_BYTES:
        raise LocalError(f"{path} has {len(seed)} bytes instead of {_SEED_BYTES}")
    return _signer(origin, seed)


def _exists(path: Path) -> LocalError:
    return LocalError(f"{path} exists: this home has a log", hint="choose another --home for another relay")


def _signer(origin: str, seed: bytes) -> LogSigner:
    try:
        return LogSigner.from_seed(origin, seed)
    except Malformed as error:
        raise LocalError(
            f"the origin cannot be a log's name: {error.message}", hint="set origin, such as relay.example/log"
        ) from None
