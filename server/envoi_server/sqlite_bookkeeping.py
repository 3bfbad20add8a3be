"""Reading receipts, enrolments and the state of blobs from SQLite. Every method is safe in any thread."""

from __future__ import annotations

from typing import Final

from sqlalchemy import and_, bindparam, exists, func, or_, select

from .models import blob_references, blob_uploads, dispatches, enrolments, receipts, recipients
from .sqlite_log import SqliteReader
from .storage import EnrolmentRow, ReceiptRow, UploadRow, WaitingRow


class SqliteBookkeeping(SqliteReader):
    """See :class:`storage.Records`."""

    def receipt(self, sender: str, recipient: str) -> ReceiptRow | None:
        """The newest receipt of a pair."""
        return self._first(ReceiptRow, _RECEIPT, sender_=sender, recipient_=recipient)

    def receipts(self, member: str | None = None) -> list[ReceiptRow]:
        """The newest receipts that name ``member`` as sender or recipient, or all."""
        if member is None:
            return self._all(ReceiptRow, _ALL_RECEIPTS)
        return self._all(ReceiptRow, _RECEIPTS, member=member)

    def enrolments(self) -> list[EnrolmentRow]:
        """Every enrolment that waits, the oldest first."""
        return self._all(EnrolmentRow, _ENROLMENTS)

    def enrolled(self) -> list[WaitingRow]:
        """The same without the notes."""
        return self._all(WaitingRow, _WAITING)

    def uploads(self, owner: str) -> list[UploadRow]:
        """The blobs that ``owner`` has uploaded, whole."""
        return self._all(UploadRow, _UPLOADS, owner_=owner)

    def uploads_of(self, sha256: bytes) -> list[UploadRow]:
        """Who has uploaded this blob, whole."""
        return self._all(UploadRow, _UPLOADS_OF, blob=sha256)

    def references(self, sha256: bytes) -> list[int]:
        """The log indexes of the dispatches that name this blob."""
        return self._all(int, _REFERENCES, blob=sha256)

    def blob_visible(self, member: str, sha256: bytes) -> bool:
        """Whether a dispatch names this blob that ``member`` sent or was sent."""
        return self._first(int, _BLOB_VISIBLE, blob=sha256, member=member) is not None

    def unreferenced(self, before: int) -> list[bytes]:
        """The blobs that no dispatch names and nobody has uploaded since ``before``, in seconds."""
        return self._all(bytes, _UNREFERENCED, before=before)


_RECEIPT: Final = select(receipts).where(
    receipts.c.sender == bindparam("sender_"), receipts.c.recipient == bindparam("recipient_")
)
_ALL_RECEIPTS: Final = select(receipts).order_by(receipts.c.sender, receipts.c.recipient)
_RECEIPTS: Final = _ALL_RECEIPTS.where(
    or_(receipts.c.sender == bindparam("member"), receipts.c.recipient == bindparam("member"))
)
_ENROLMENTS: Final = select(enrolments).order_by(enrolments.c.stored_at, enrolments.c.id)
_WAITING: Final = select(enrolments.c.id, enrolments.c.member).order_by(enrolments.c.stored_at, enrolments.c.id)
_UPLOADS: Final = select(blob_uploads).where(blob_uploads.c.owner == bindparam("owner_"))
_UPLOADS_OF: Final = select(blob_uploads).where(blob_uploads.c.sha256 == bindparam("blob"))
_REFERENCES: Final = (
    select(blob_references.c.log_index)
    .where(blob_references.c.sha256 == bindparam("blob"))
    .order_by(blob_references.c.log_index)
)
_BLOB_VISIBLE: Final = (
    select(dispatches.c.log_index)
    .join(blob_references, blob_references.c.log_index == dispatches.c.log_index)
    .outerjoin(
        recipients,
        and_(recipients.c.log_index == dispatches.c.log_index, recipients.c.member == bindparam("member")),
    )
    .where(
        blob_references.c.sha256 == bindparam("blob"),
        or_(dispatches.c.sender == bindparam("member"), recipients.c.member.is_not(None)),
    )
    .limit(1)
)
_UNREFERENCED: Final = (
    select(blob_uploads.c.sha256)
    .where(~exists().where(blob_references.c.sha256 == blob_uploads.c.sha256))
    .group_by(blob_uploads.c.sha256)
    .having(func.max(blob_uploads.c.uploaded_at) < bindparam("before"))
)
