"""Blobs: sealed files that are too large for a body, named by the SHA-256 of their bytes.

What a store of them owes, whatever it is made of; files are the one that there is (:mod:`.file_blobs`). A blob gets
its name only when it is whole, durable and hashes to that name; from then on its bytes never change. Everything here
blocks and belongs in a thread; who may do what is decided in `uploads`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Upload(Protocol):
    """One unfinished upload. ``offset`` counts the bytes that are durable or will be after :meth:`pause`."""

    @property
    def offset(self) -> int:
        """Bytes received so far."""

    @property
    def length(self) -> int:
        """Bytes it will have when it is whole."""

    def append(self, data: bytes) -> None:
        """Add ``data`` at the offset. Raises LocalError, having discarded the upload, if the disk is full."""

    def pause(self) -> None:
        """Make all that was appended durable, and close; :meth:`BlobStore.resume` goes on from here."""

    def abandon(self) -> None:
        """Close, leaving for :meth:`BlobStore.resume` whatever happens to be durable."""

    def finish(self) -> None:
        """Make the blob exist, durable on return; the upload stays until :meth:`BlobStore.discard`.

        Raises Unverified, having discarded it, if the hash is wrong.
        """


class BlobStore(Protocol):
    """Where blobs are kept. What every implementation owes:

    - *durable on return*: what ``finish`` or ``pause`` returned from survives the loss of power;
    - *atomic*: a blob exists whole or not at all, to every reader and after every crash;
    - *immutable*: the bytes of a blob never change, and a second upload of it changes nothing;
    - uploads of two owners never touch each other, also of the same blob.
    """

    def begin(self, owner: str, digest: str, length: int) -> Upload:
        """A new upload from offset 0; one that was there is discarded. Raises LocalError."""

    def resume(self, owner: str, digest: str) -> Upload | None:
        """The unfinished upload with what is durable of it, if there is one. Raises LocalError."""

    def standing(self, owner: str, digest: str) -> tuple[int, int] | None:
        """The durable offset and the length of an unfinished upload, if there is one."""

    def discard(self, owner: str, digest: str) -> None:
        """Forget an unfinished upload, if there is one."""

    def unfinished(self, owner: str) -> dict[str, int]:
        """The lengths that the owner's unfinished uploads will have, by digest."""

    def promised(self) -> int:
        """Bytes that all unfinished uploads together still have to get."""

    def size(self, digest: str) -> int | None:
        """Bytes of a whole blob; None if there is none."""

    def read(self, digest: str, offset: int, count: int) -> bytes:
        """Up to ``count`` bytes of a whole blob. Raises LocalError if it is gone."""

    def remove(self, digest: str) -> None:
        """Remove a whole blob, if there is one."""

    def digests(self, before: float) -> Iterator[str]:
        """Every whole blob that was stored before (seconds since the epoch)."""

    def sweep_unfinished(self, before: float) -> int:
        """Discard uploads that got nothing since ``before`` (seconds since the epoch). How many."""

    def free(self) -> int:
        """Bytes that could still be stored."""
