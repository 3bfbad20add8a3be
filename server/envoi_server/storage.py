"""What the relay asks of whoever keeps its records: the interface, and the rows that cross it.

A row is a tuple with the columns of its table, in their order (`models`; a test holds them equal): thousands are
made in a second, and a tuple goes into the database as it is.
The sequencer alone calls :meth:`Records.commit`; any thread reads. Nothing here knows which database it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from envoi_keys.errors import LocalError


class StorageError(LocalError):
    """The records could not be read or written: a full disk, a broken one, a database that is gone.

    After a failed commit the caller does not know whether the rows are there, and has to read them again.
    """


class EntryRow(NamedTuple):
    """A log entry: the type of its statement, the SHA-256 of its note, and the leaf hash, in bytes."""

    log_index: int
    type: str
    digest: bytes
    leaf: bytes


class DispatchRow(NamedTuple):
    """A dispatch as it came. ``id`` is in bytes; ``openings`` holds one for each recipient, in order."""

    log_index: int
    id: bytes
    sender: str
    series: int
    note: bytes
    openings: bytes
    body: bytes


class RecipientRow(NamedTuple):
    """One recipient of a dispatch, where it stands in the header, and the number for it."""

    log_index: int
    member: str
    position: int
    number: int


class RosterRow(NamedTuple):
    """A roster; ``id`` is in bytes."""

    version: int
    log_index: int
    id: bytes
    note: bytes


class DelegationRow(NamedTuple):
    """A delegation; ``id`` is in bytes."""

    log_index: int
    id: bytes
    authority: str
    delegate: str
    note: bytes


class CheckpointRow(NamedTuple):
    """A checkpoint that was signed, and its size."""

    size: int
    note: bytes


class CosignatureRow(NamedTuple):
    """A member's cosignature of the checkpoint of ``size``, as a line of a note."""

    size: int
    member: str
    time: int
    line: str


class ReceiptRow(NamedTuple):
    """The newest receipt of ``sender`` for ``recipient``; times are in seconds since the epoch."""

    sender: str
    recipient: str
    received_series: int
    received_through: int
    opened_through: int
    sent_series: int
    sent_through: int
    issued_at: int
    stored_at: int
    note: bytes


class EnrolmentRow(NamedTuple):
    """An enrolment that waits; ``id`` is in bytes."""

    id: bytes
    member: str
    stored_at: int
    note: bytes


class WaitingRow(NamedTuple):
    """Of an enrolment that waits, its ``id`` in bytes and the member that it names."""

    id: bytes
    member: str


class UploadRow(NamedTuple):
    """A blob that ``owner`` has uploaded, whole."""

    sha256: bytes
    owner: str
    size: int
    uploaded_at: int


class ReferenceRow(NamedTuple):
    """That a dispatch names a blob."""

    sha256: bytes
    log_index: int


class NumberRow(NamedTuple):
    """The last number of ``sender`` for ``recipient`` in ``series``."""

    sender: str
    recipient: str
    series: int
    last: int


class FeedRow(NamedTuple):
    """An entry as one member may see it: with its own opening, all openings, or none."""

    log_index: int
    note: bytes
    openings: bytes
    body: bytes


@dataclass(slots=True)
class Batch:
    """Everything that one transaction writes.

    What is logged is inserted; a member's first cosignature of a checkpoint stays; the rest replaces the row
    with its key.
    """

    entries: list[EntryRow] = field(default_factory=list)
    dispatches: list[DispatchRow] = field(default_factory=list)
    recipients: list[RecipientRow] = field(default_factory=list)
    rosters: list[RosterRow] = field(default_factory=list)
    delegations: list[DelegationRow] = field(default_factory=list)
    references: list[ReferenceRow] = field(default_factory=list)
    checkpoint: CheckpointRow | None = None
    numbers: list[NumberRow] = field(default_factory=list)
    receipts: dict[tuple[str, str], ReceiptRow] = field(default_factory=dict)
    cosignatures: dict[tuple[int, str], CosignatureRow] = field(default_factory=dict)
    enrolments: dict[bytes, EnrolmentRow] = field(default_factory=dict)
    enrolled: list[bytes] = field(default_factory=list)
    """Ids of enrolments that need not wait any longer."""
    uploads: dict[tuple[bytes, str], UploadRow] = field(default_factory=dict)
    dropped: list[bytes] = field(default_factory=list)
    """Blobs whose uploads are forgotten."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (
            self.entries
            or self.receipts
            or self.cosignatures
            or self.enrolments
            or self.enrolled
            or self.uploads
            or self.dropped
        )


class Records(Protocol):
    """Where the relay's records are kept. What every implementation owes:

    - *durable on return*: what :meth:`commit` returned from survives the loss of power;
    - *atomic*: a batch is there whole or not at all, to every reader and after every crash. Where
      :meth:`commit` raises, it may be there all the same: the caller reads :meth:`size` before it goes on;
    - *immutable*: entries, dispatches, rosters, delegations and checkpoints are inserted and never change;
      an index, id or version that is taken fails the whole batch;
    - *fenced*: if two writers commit the same index, at most one of them returns;
    - reading is safe from any thread and sees only whole batches.

    Every method raises StorageError where the records cannot be read or written, and nothing else.
    """

    def commit(self, batch: Batch) -> None:
        """Write everything in ``batch`` or nothing. One thread at a time."""

    def probe(self) -> None:
        """Return if writing works: called now and then while it has failed. One thread at a time."""

    def close(self) -> None:
        """Let go of the database."""

    # -- the log ---------------------------------------------------------------------------------------

    def size(self) -> int:
        """The number of log entries."""

    def leaves(self, start: int) -> Iterator[bytes]:
        """The leaf hashes from index ``start`` on."""

    def entries(self, start: int, end: int) -> list[EntryRow]:
        """The entries from ``start`` up to but not including ``end``."""

    def checkpoint_of(self, size: int) -> CheckpointRow | None:
        """The checkpoint that was signed for exactly this size."""

    def checkpoint_covering(self, log_index: int) -> CheckpointRow | None:
        """The first checkpoint that holds this entry: the one its publisher was answered with."""

    def last_checkpoint(self) -> CheckpointRow | None:
        """The largest checkpoint."""

    def checkpoints(self) -> Iterator[CheckpointRow]:
        """Every checkpoint, by size."""

    def cosignatures(self, size: int) -> list[CosignatureRow]:
        """The cosignatures of the checkpoint of this size, by member."""

    # -- statements ------------------------------------------------------------------------------------

    def rosters(self, after_version: int = 0) -> list[RosterRow]:
        """The rosters above a version, by version."""

    def delegations(self) -> list[DelegationRow]:
        """Every delegation, by log index."""

    def delegation(self, id_: bytes) -> DelegationRow | None:
        """The delegation with this id."""

    def dispatch(self, id_: bytes) -> DispatchRow | None:
        """The dispatch with this id."""

    def dispatch_numbered(self, sender: str, recipient: str, series: int, number: int) -> DispatchRow | None:
        """The dispatch that holds this number."""

    def dispatches(self, start: int, end: int) -> Iterator[DispatchRow]:
        """The dispatches with an index from ``start`` up to but not including ``end``, by index."""

    def recipients(self, log_index: int) -> list[RecipientRow]:
        """The recipients of a dispatch, by position."""

    def numbers(self) -> list[NumberRow]:
        """The last numbers of every sender."""

    # -- the feed --------------------------------------------------------------------------------------

    def visible(self, member: str, after: int, before: int, limit: int) -> list[int]:
        """The first ``limit`` log indexes between ``after`` and ``before`` that ``member`` may see."""

    def feed(self, member: str, indexes: Sequence[int]) -> list[FeedRow]:
        """These entries, of which ``member`` may see each, by index."""

    # -- bookkeeping -----------------------------------------------------------------------------------

    def receipt(self, sender: str, recipient: str) -> ReceiptRow | None:
        """The newest receipt of a pair."""

    def receipts(self, member: str | None = None) -> list[ReceiptRow]:
        """The newest receipts that name ``member`` as sender or recipient, or all."""

    def enrolments(self) -> list[EnrolmentRow]:
        """Every enrolment that waits, the oldest first."""

    def enrolled(self) -> list[WaitingRow]:
        """The same without the notes."""

    def uploads(self, owner: str) -> list[UploadRow]:
        """The blobs that ``owner`` has uploaded, whole."""

    def uploads_of(self, sha256: bytes) -> list[UploadRow]:
        """Who has uploaded this blob, whole."""

    def references(self, sha256: bytes) -> list[int]:
        """The log indexes of the dispatches that name this blob."""

    def blob_visible(self, member: str, sha256: bytes) -> bool:
        """Whether a dispatch names this blob that ``member`` sent or was sent."""

    def unreferenced(self, before: int) -> list[bytes]:
        """The blobs that no dispatch names and nobody has uploaded since ``before``, in seconds."""
