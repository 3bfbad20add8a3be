"""Sealed attachments, sent and fetched in pieces that survive a broken connection.

Length and hash decide: an upload goes on from the offset that the relay has made durable, a download from
what is on our own disk, and a file takes its name only when its hash holds. Tries are counted from the last
progress, so a slow line finishes and a dead one does not try for ever.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from envoi_keys.errors import LocalError, Malformed, Unverified

from ..files import PRIVATE_FILE, local_error, sync_directory
from ..limits import COPY_PIECE, MAX_HEALTH_BYTES, MAX_TRIES, UPLOAD_PIECE
from .calls import Calls, Request
from .errors import RelayRefused, Unreachable

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""

_OFFSET: Final = "upload-offset"
_LENGTH: Final = "upload-length"
_BYTES: Final = {"content-type": "application/octet-stream"}


def quiet(done: int, size: int) -> None:
    """The progress that nobody watches."""


def upload(calls: Calls, source: Path | BinaryIO, sha256: str, size: int, progress: Progress = quiet) -> None:
    """Upload a sealed file of ``size`` bytes; nothing is sent that the relay has. ``source`` can be seeked.

    Raises RelayRefused, NetworkError, or LocalError if the file is not as long as it should be.
    """
    with _opened(source) as file:
        found = file.seek(0, os.SEEK_END)
        if found != size:
            raise LocalError(f"the attachment {sha256[:16]} has {found} bytes instead of {size}")
        offset = _standing(calls, sha256)
        if offset is None and size <= UPLOAD_PIECE:
            put = Request("PUT", _path(sha256), body=_piece(file, 0), headers=_BYTES, repeatable=True)
            offset = calls.fetch(put, MAX_HEALTH_BYTES, numbers=(_OFFSET,)).numbers[_OFFSET]
            offset = size if offset is None else offset
        if offset is None:
            create = {"upload-length": str(size)}
            reply = calls.fetch(
                Request("PUT", _path(sha256), body=b"", headers=create, repeatable=True),
                MAX_HEALTH_BYTES,
                numbers=(_OFFSET,),
            )
            offset = reply.numbers[_OFFSET] or 0
        _send_rest(calls, file, sha256, size, offset, progress)


def _send_rest(calls: Calls, file: BinaryIO, sha256: str, size: int, offset: int, progress: Progress) -> None:
    failures = 0
    while offset < size:
        progress(offset, size)
        try:
            new = _append(calls, sha256, _piece(file, offset), offset)
        except (Unreachable, RelayRefused) as error:
            failures += 1
            if failures >= MAX_TRIES or _final(error):
                raise
            if isinstance(error, Unreachable):
                calls.pause(error)
            # What arrived before the break is the relay's to say; this is why PATCH itself is never repeated.
            new = _standing(calls, sha256) or 0
        if new > offset:
            failures = 0
        offset = new
    progress(size, size)


def _final(error: Exception) -> bool:
    return isinstance(error, RelayRefused) and error.reason != "offset-conflict"


def _append(calls: Calls, sha256: str, piece: bytes, offset: int) -> int:
    headers = {**_BYTES, "upload-offset": str(offset)}
    request = Request("PATCH", _path(sha256), body=piece, headers=headers)
    new = calls.fetch(request, MAX_HEALTH_BYTES, numbers=(_OFFSET,)).numbers[_OFFSET]
    if new is None or not offset < new <= offset + len(piece):
        raise Malformed(f"the relay went from {offset} to {new}", field=_OFFSET)
    return new


def _standing(calls: Calls, sha256: str) -> int | None:
    """How much of a blob the relay has, or None if it knows nothing of it."""
    try:
        reply = calls.fetch(Request("HEAD", _path(sha256), repeatable=True), 0, numbers=(_OFFSET, _LENGTH))
    except RelayRefused as refusal:
        if refusal.reason == "not-found":
            return None
        raise
    return reply.numbers[_OFFSET]


def download(calls: Calls, sha256: str, size: int, target: Path, progress: Progress = quiet) -> None:
    """Fetch a sealed file of ``size`` bytes into ``target``, which gets its name when its hash holds.

    What an earlier try brought lies in ``target`` with ``.partial`` at the end and is used. Raises
    Unverified if the bytes are not those of ``sha256``, RelayRefused, NetworkError, LocalError.
    """
    partial = target.with_name(target.name + ".partial")
    try:
        _fill(calls, sha256, size, partial, progress)
        partial.replace(target)
        sync_directory(target.parent)
    except OSError as error:
        raise local_error(error, "write", partial) from error


def _fill(calls: Calls, sha256: str, size: int, partial: Path, progress: Progress) -> None:
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE_FILE)
    with os.fdopen(descriptor, "r+b") as file:
        digest = hashlib.sha256()
        done = 0
        while done < size and (piece := file.read(min(COPY_PIECE, size - done))):
            digest.update(piece)
            done += len(piece)
        file.truncate(done)
        failures = 0
        while done < size:
            before = done
            try:
                for piece in _rest(calls, sha256, done, size):
                    file.write(piece)
                    digest.update(piece)
                    done += len(piece)
                    progress(done, size)
                if done < size:
                    raise Unreachable(f"the attachment was cut short at {done} of {size} bytes")
            except Unreachable as error:
                failures = 0 if done > before else failures + 1
                if failures >= MAX_TRIES:
                    raise
                calls.pause(error)
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != sha256:
        # Not to be gone on with: whichever byte is wrong, the next try begins anew.
        partial.unlink()
        raise Unverified(
            f"the attachment {sha256[:16]} is not the one that was sent: its hash differs",
            hint="fetch it again; if it stays so, tell the sender and the Point of Contact",
        )


def _rest(calls: Calls, sha256: str, done: int, size: int) -> Iterator[bytes]:
    headers = {"range": f"bytes={done}-"}
    with calls.stream(Request("GET", _path(sha256), headers=headers, repeatable=True)) as answer:
        wanted = f"bytes {done}-{size - 1}/{size}"
        if answer.status == 206 and answer.header("content-range") != wanted:
            raise Malformed(f"the relay sends another range than {wanted}", field="content-range")
        skip = 0 if answer.status == 206 else done
        for chunk in answer.chunks(size - done + skip):
            piece = chunk[min(skip, len(chunk)) :]
            skip -= len(chunk) - len(piece)
            if piece:
                yield piece


def _path(sha256: str) -> str:
    return f"/v1/blobs/{sha256}"


def _piece(file: BinaryIO, offset: int) -> bytes:
    try:
        file.seek(offset)
        return file.read(UPLOAD_PIECE)
    except OSError as error:
        raise LocalError(f"cannot read the attachment: {(error.strerror or str(error)).lower()}") from error


@contextmanager
def _opened(source: Path | BinaryIO) -> Iterator[BinaryIO]:
    if not isinstance(source, Path):
        yield source
        return
    try:
        file = source.open("rb")
    except OSError as error:
        raise local_error(error, "read", source) from error
    with file:
        yield file
