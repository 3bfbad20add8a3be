"""Where bytes come from and where they go: a file, a pipe, a socket or a buffer in memory.

A source fills whole buffers however small the pieces are that it is given, and can look ahead; a sink
writes all or says why not. What the operating system refuses becomes LocalError.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Final, Protocol

from envoi_keys.errors import LocalError

PIECE: Final = 1024 * 1024
"""Bytes asked for or written at once where nothing else decides."""


class Readable(Protocol):
    """What a source needs: at most ``size`` bytes, and none only at the end."""

    def read(self, size: int, /) -> bytes | None:
        """See BinaryIO."""


class Writable(Protocol):
    """What a sink needs: it may take less than it is given, if it says so."""

    def write(self, data: memoryview, /) -> int | None:
        """See BinaryIO."""


class Source:
    """Reads a file-like object to its end, in whole buffers."""

    __slots__ = ("_ahead", "_read", "_readinto")

    def __init__(self, file: Readable) -> None:
        self._ahead = b""
        self._read = file.read
        # With readinto the operating system writes straight into our buffer; every real file has it.
        self._readinto: Callable[[memoryview], int | None] | None = getattr(file, "readinto", None)

    def fill(self, view: memoryview) -> int:
        """Fill ``view`` and return its length, or less at the end. Raises LocalError."""
        have = min(len(self._ahead), len(view))
        if have:
            view[:have] = self._ahead[:have]
            self._ahead = self._ahead[have:]
        while have < len(view):
            got = self._read_some(view[have:])
            if got == 0:
                break
            have += got
        return have

    def peek(self, size: int) -> bytes:
        """The next ``size`` bytes, or fewer at the end, without moving on. Raises LocalError."""
        missing = size - len(self._ahead)
        if missing > 0:
            buffer = bytearray(missing)
            before, self._ahead = self._ahead, b""
            got = self.fill(memoryview(buffer))
            self._ahead = before + bytes(buffer[:got])
        return self._ahead[:size]

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes, or fewer at the end, and move on. Raises LocalError."""
        taken = self.peek(size)
        self._ahead = self._ahead[len(taken) :]
        return taken

    def _read_some(self, view: memoryview) -> int:
        try:
            if self._readinto is not None:
                got = self._readinto(view)
            else:
                data = self._read(len(view))
                got = None if data is None else len(data)
                view[: got or 0] = data or b""
        except OSError as error:
            raise LocalError(f"cannot read: {(error.strerror or str(error)).lower()}") from error
        if got is None:
            raise LocalError("cannot read: the source would block")
        return got


class Sink:
    """Writes to a file-like object, whole pieces only."""

    __slots__ = ("_write",)

    def __init__(self, file: Writable) -> None:
        self._write = file.write

    def write(self, data: bytes | memoryview) -> None:
        """Write all of ``data``, which the caller may reuse afterwards. Raises LocalError."""
        left = memoryview(data)
        try:
            while left:
                taken = self._write(left)
                if taken is None:
                    raise LocalError("cannot write: the target would block")
                left = left[taken:]
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            hint = "free some space and try again" if full else None
            raise LocalError(f"cannot write: {(error.strerror or str(error)).lower()}", hint=hint) from error
