"""Who may put and get a blob, how much, and what happens when two requests send the same one.

Limits, quota and disk room are checked before a byte is taken. The newest request of an owner for a blob
takes the upload over from an older one, whose connection may have died without a sign. A blob that nothing
refers to is swept after a day. Runs on the event loop; the store and the records are used from a small pool
of threads of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import time
from typing import Any, Final, Protocol, TypeVar

from envoi_keys.encoding import HEX32
from envoi_keys.errors import Unverified
from envoi_keys.limits import MIB

from .blobs import BlobStore, Upload
from .problems import Denied
from .settings import Settings

_THREADS: Final = 4
_T = TypeVar("_T")


class BlobRecords(Protocol):
    """What the database knows of whole blobs. Every method may block; what returned is durable."""

    def blob_finished(self, owner: str, digest: str, size: int, now: int) -> None:
        """``owner`` has uploaded this blob, whole. Again is allowed and renews its age."""

    def blob_held(self, owner: str) -> int:
        """Bytes of the whole blobs that ``owner`` uploaded."""

    def blob_size(self, caller: str, digest: str) -> int | None:
        """The size of a blob that ``caller`` uploaded, sent or was sent; None for any other."""

    def blob_owned(self, owner: str, digest: str) -> bool:
        """Whether ``owner`` has uploaded this blob, whole."""

    def blob_known(self, digest: str) -> bool:
        """Whether anybody has uploaded this blob, whole."""

    def blobs_unreferenced(self, before: int) -> list[str]:
        """The blobs that no dispatch refers to and nobody has uploaded since ``before``."""

    def blob_dropped(self, digest: str, before: int) -> bool:
        """Forget a blob if it is still as :meth:`blobs_unreferenced` says; whether it was."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an upload has come; ``offset == length`` once the blob is whole."""

    offset: int
    length: int

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return self.offset == self.length


@dataclass(slots=True)
class _Slot:
    """One owner's upload of one blob, while requests work on it.

    ``upload`` is there exactly while a request streams into it; ``turn`` says which request that is.
    """

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    upload: Upload | None = None
    turn: int = 0
    users: int = 0


class Uploads:
    """Blobs as the routes see them."""

    def __init__(
        self, store: BlobStore, records: BlobRecords, settings: Settings, clock: Callable[[], float] = time
    ) -> None:
        self._store = store
        self._records = records
        self._settings = settings
        self._clock = clock
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="blobs")
        self._slots: dict[tuple[str, str], _Slot] = {}
        # Naming a blob and removing it exclude each other. Both are short and rare: one lock does for all
        # blobs.
        self._naming = asyncio.Lock()
        self._room = asyncio.Lock()

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=True)

    # -- sending
    # -----------------------------------------------------------------------------------------------

    async def progress(self, caller: str, digest: str) -> Progress | None:
        """How far the caller's own upload has come, or a blob it may read; None for anything else."""
        _check(digest)
        async with self._slot(caller, digest) as slot:
            standing = await self._standing(slot, caller, digest)
        if standing is not None:
            return standing
        size = await self.size(caller, digest)
        return None if size is None else Progress(size, size)

    async def create(self, caller: str, digest: str, length: int, *, restart: bool = False) -> Progress:
        """Make room for a blob of ``length`` bytes, or find it there: whole, or an upload of the same length.

        With ``restart`` an unfinished upload begins again. Raises Denied: ``too-large`` for a blob or a
        quota, ``rate-limited`` for too many unfinished uploads, ``unavailable`` without disk room.
        """
        _check(digest)
        async with self._slot(caller, digest) as slot:
            standing = await self._standing(slot, caller, digest)
            if standing is not None and (standing.whole or (standing.length == length and not restart)):
                return standing
            # One at a time, until what was found free is taken: a hundred at once would each find the same room.
            async with self._room:
                await self._check_room(caller, digest, length)
                if slot.upload is not None:
                    await self._run(slot.upload.abandon)
                    slot.upload = None
                    slot.turn += 1
                upload = await self._run(self._store.begin, caller, digest, length)
                await self._put_down(upload, caller, digest)
        return Progress(0, length)

    async def append(
        self, caller: str, digest: str, offset: int, declared: int | None, chunks: AsyncIterator[bytes]
    ) -> Progress:
        """Add ``chunks`` at ``offset``; whole, and named, when its length is reached.

        What arrived before a caller went away or stalled is kept. Raises Denied: ``not-found`` without an
        upload, ``offset-conflict`` where it stands elsewhere or a newer request took over, ``too-large``
        beyond its length, ``body-mismatch`` if the whole does not hash to its name, which discards it.
        """
        _check(digest)
        async with self._slot(caller, digest) as slot:
            standing = await self._standing(slot, caller, digest)
            if standing is None:
                raise _no_upload()
            if standing.offset != offset or offset + (declared or 0) > standing.length:
                raise _refused_append(standing, offset)
            if standing.whole:
                return standing
            upload = slot.upload or await self._run(self._store.resume, caller, digest)
            if upload is None:
                raise _no_upload()
            slot.upload = upload
            slot.turn += 1
            turn = slot.turn
            slot.users += 1
        try:
            async for chunk in chunks:
                if await self._run(self._store.free) < len(chunk) + self._settings.min_free_bytes:
                    # Something else fills the disk: the log comes first, and what arrived stays.
                    raise _no_room()
                async with slot.lock:
                    if slot.turn != turn:
                        raise Denied("a newer request has taken this upload over", slug="offset-conflict")
                    if upload.offset + len(chunk) > upload.length:
                        raise _refused_append(Progress(upload.offset, upload.length), upload.offset)
                    await self._run(upload.append, chunk)
                    if upload.offset == upload.length:
                        # Under the same lock, so that nobody is told of a blob as whole before it has its
                        # name.
                        slot.upload = None
                        await self._put_down(upload, caller, digest)
        finally:
            # Shielded: a request that is cancelled must not leave the upload open and in nobody's hands.
            await asyncio.shield(self._let_go(slot, turn, caller, digest))
        return Progress(upload.offset, upload.length)

    async def _standing(self, slot: _Slot, caller: str, digest: str) -> Progress | None:
        """How far the caller's own upload has come. The slot's lock is held."""
        if slot.upload is not None:
            return Progress(slot.upload.offset, slot.upload.length)
        standing = await self._run(self._store.standing, caller, digest)
        if standing is None:
            if not await self._run(self._records.blob_owned, caller, digest):
                return None
            size = await self._run(self._records.blob_size, caller, digest) or 0
            return Progress(size, size)
        progress = Progress(*standing)
        if progress.whole:
            # All of it arrived and the relay stopped before it was named: that is made good before it is
            # said.
            upload = await self._run(self._store.resume, caller, digest)
            if upload is not None:
                await self._put_down(upload, caller, digest)
        return progress

    async def _let_go(self, slot: _Slot, turn: int, caller: str, digest: str) -> None:
        try:
            async with slot.lock:
                if slot.turn == turn and slot.upload is not None:
                    upload, slot.upload = slot.upload, None
                    await self._put_down(upload, caller, digest)
        finally:
            self._leave(slot, caller, digest)

    async def _put_down(self, upload: Upload, caller: str, digest: str) -> None:
        """Name an upload that is whole, and make any other durable. The slot's lock is held."""
        if upload.offset < upload.length:
            await self._run(upload.pause)
            return
        async with self._naming:
            try:
                await self._run(upload.finish)
            except Unverified:
                raise Denied(
                    "the bytes do not hash to the blob's name; the upload is discarded", slug="body-mismatch"
                ) from None
            await self._run(self._records.blob_finished, caller, digest, upload.length, int(self._clock()))
            # Only now: what was reported as received is not lost to a crash before the record.
            await self._run(self._store.discard, caller, digest)

    async def _check_room(self, caller: str, digest: str, length: int) -> None:
        settings = self._settings
        if length > settings.max_blob_bytes:
            raise _beyond("a blob may have", settings.max_blob_bytes)
        unfinished = await self._run(self._store.unfinished, caller)
        unfinished.pop(digest, None)
        if len(unfinished) >= settings.partial_blobs_per_caller:
            raise Denied(f"{caller} has as many unfinished uploads as one may", slug="rate-limited", retry_after=60)
        held = await self._run(self._records.blob_held, caller)
        if held + sum(unfinished.values()) + length > settings.blob_quota_bytes:
            raise _beyond(f"the blobs of {caller} may have together", settings.blob_quota_bytes)
        # What was promised to other uploads is not free, though not yet written.
        promised = await self._run(self._store.promised)
        if await self._run(self._store.free) < length + promised + settings.min_free_bytes:
            raise _no_room()

    # -- fetching
    # ----------------------------------------------------------------------------------------------

    async def size(self, caller: str, digest: str) -> int | None:
        """The size of a whole blob that the caller may read; None if it may not, or if there is none."""
        _check(digest)
        return await self._run(self._records.blob_size, caller, digest)

    async def read(self, digest: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from ``start`` up to ``end`` of a whole blob, in pieces of 1 MiB."""
        while start < end:
            data = await self._run(self._store.read, digest, start, min(MIB, end - start))
            if not data:
                return
            start += len(data)
            yield data

    # -- sweeping
    # ----------------------------------------------------------------------------------------------

    async def sweep(self) -> int:
        """Remove blobs that nothing refers to, uploads left unfinished, and files without a record. How
        many.
        """
        before = int(self._clock()) - self._settings.sweep_age_seconds
        swept = await self._run(self._store.sweep_unfinished, float(before))
        for digest in await self._run(self._records.blobs_unreferenced, before):
            async with self._naming:
                # The record goes first: a crash in between leaves a file without a record, which the next
                # sweep takes.
                if await self._run(self._records.blob_dropped, digest, before):
                    await self._run(self._store.remove, digest)
                    swept += 1
        # Of a restored database the newest blobs may have no record yet: a file gets as long as an upload does.
        for digest in await self._run(lambda: list(self._store.digests(float(before)))):
            async with self._naming:
                if not await self._run(self._records.blob_known, digest):
                    await self._run(self._store.remove, digest)
                    swept += 1
        return swept

    # -- one at a time
    # -----------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _slot(self, caller: str, digest: str) -> AsyncIterator[_Slot]:
        key = (caller, digest)
        slot = self._slots.setdefault(key, _Slot())
        slot.users += 1
        try:
            async with slot.lock:
                yield slot
        finally:
            self._leave(slot, caller, digest)

    def _leave(self, slot: _Slot, caller: str, digest: str) -> None:
        slot.users -= 1
        if slot.users == 0:
            with suppress(KeyError):
                del self._slots[caller, digest]

    async def _run(self, function: Callable[..., _T], *arguments: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)


def _check(digest: str) -> None:
    if not HEX32.fullmatch(digest):
        raise Denied("a blob is named by 64 lower-case hexadecimal digits", slug="not-found")


def _no_room() -> Denied:
    return Denied("the relay has no room for this blob now", slug="unavailable", retry_after=600)


def _no_upload() -> Denied:
    return Denied("there is no upload of this blob; create it first", slug="not-found")


def _refused_append(standing: Progress, offset: int) -> Denied:
    extra = {"offset": standing.offset, "length": standing.length}
    if standing.offset != offset:
        return Denied(f"the upload stands at {standing.offset}", slug="offset-conflict", extra=extra)
    return Denied(f"the blob was to have {standing.length} bytes", slug="too-large", extra=extra)


def _beyond(what: str, limit: int) -> Denied:
    return Denied(f"{what} {limit} bytes", slug="too-large", extra={"limit_bytes": limit})
