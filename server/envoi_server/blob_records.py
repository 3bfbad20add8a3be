"""What the database knows of whole blobs, for `uploads`, and the facts about them that the rules ask for.

Writes go through the sequencer like everything else, so a blob is never forgotten in the moment in which a
dispatch comes to name it. Everything here blocks and belongs in a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future

from .rules import BlobFact, Refusal, Submission
from .sequencer import Sequencer, Ticket
from .storage import Records, StorageError, UploadRow
from .work import Answer
from .work_members import DropWork, UploadWork


class BlobRecords:
    """See :class:`uploads.BlobRecords`, which this is. Raises StorageError where nothing can be stored.

    ``unfinished`` gives the digests of an owner's uploads that have not ended.
    """

    def __init__(self, records: Records, sequencer: Sequencer, unfinished: Callable[[str], Collection[str]]) -> None:
        self._records = records
        self._sequencer = sequencer
        self._unfinished = unfinished

    def facts(self, submission: Submission) -> Mapping[str, BlobFact]:
        """What is known of the attachments of a dispatch to its sender."""
        sender = submission.dispatch.sender
        found: dict[str, BlobFact] = {}
        for sealed in submission.dispatch.attachments:
            size = self.blob_size(sender, sealed.sha256)
            pending = size is None and sealed.sha256 in self._unfinished(sender)
            found[sealed.sha256] = BlobFact(size, pending)
        return found

    def blob_finished(self, owner: str, digest: str, size: int, now: int) -> None:
        """``owner`` has uploaded this blob, whole. Again is allowed and renews its age."""
        self._write(UploadWork(UploadRow(bytes.fromhex(digest), owner, size, now)))

    def blob_held(self, owner: str) -> int:
        """Bytes of the whole blobs that ``owner`` uploaded."""
        return sum(row.size for row in self._records.uploads(owner))

    def blob_size(self, caller: str, digest: str) -> int | None:
        """The size of a blob that ``caller`` uploaded, sent or was sent; None for any other."""
        sha256 = bytes.fromhex(digest)
        uploads = self._records.uploads_of(sha256)
        mine = any(row.owner == caller for row in uploads)
        if not uploads or not (mine or self._records.blob_visible(caller, sha256)):
            return None
        return uploads[0].size

    def blob_owned(self, owner: str, digest: str) -> bool:
        """Whether ``owner`` has uploaded this blob, whole."""
        return any(row.owner == owner for row in self._records.uploads_of(bytes.fromhex(digest)))

    def blob_known(self, digest: str) -> bool:
        """Whether anybody has uploaded this blob, whole."""
        return bool(self._records.uploads_of(bytes.fromhex(digest)))

    def blobs_unreferenced(self, before: int) -> list[str]:
        """The blobs that no dispatch refers to and nobody has uploaded since ``before``."""
        return [sha256.hex() for sha256 in self._records.unreferenced(before)]

    def blob_dropped(self, digest: str, before: int) -> bool:
        """Forget a blob if it is still as :meth:`blobs_unreferenced` says; whether it was."""
        return self._write(DropWork(bytes.fromhex(digest), before)) is True

    def _write(self, work: UploadWork | DropWork) -> Answer:
        future: Future[Answer] = Future()
        if not self._sequencer.put(Ticket(work, future)):
            raise StorageError("the relay is not running")
        answer = future.result()
        if isinstance(answer, Refusal):
            raise StorageError(answer.detail)
        return answer
