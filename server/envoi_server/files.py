"""Files of the relay: private to its user, never opened over what somebody else put there, durable when it matters.

What is written whole goes to a file beside its name and takes the name when it is on the disk. Nothing here turns an
OSError into a sentence: whoever calls knows what was tried.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

PRIVATE_FILE: Final = 0o600
PRIVATE_DIRECTORY: Final = 0o700


def create(path: Path) -> int:
    """A descriptor of a new private file, open to read and write. Raises FileExistsError if there is one."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)


def write_new(path: Path, data: bytes) -> None:
    """A new private file with ``data``, which is on the disk on return. What a killed call left there goes first."""
    path.unlink(missing_ok=True)
    with os.fdopen(create(path), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def make_directory(path: Path) -> None:
    """A private directory, with those above it; one that is there stays as it is."""
    path.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable: a link or a rename is not, before this."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
