"""One relay in one home: a lock that ends with the process, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from envoi_keys.errors import LocalError

from .files import PRIVATE_FILE

FILE_NAME: Final = "relay.lock"


class HomeLock:
    """Held from construction to :meth:`release`. Raises LocalError where another process holds it."""

    def __init__(self, home: Path) -> None:
        path = home / FILE_NAME
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
        except OSError as error:
            raise LocalError(f"cannot open {path}: {error.strerror}") from error
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._handle)
            raise LocalError(
                f"another relay is running in {home}", hint="stop it first, or choose another --home"
            ) from None

    def release(self) -> None:
        """Let another process have the home."""
        os.close(self._handle)
