"""What waits for the sequencer besides dispatches: rosters, delegations, receipts, cosignatures, blobs' records.

Like `work`: each passed the rules, and decides in ``join`` what only the order of commits decides.
"""

from __future__ import annotations

from dataclasses import dataclass

from envoi_keys.receipts import Progress
from envoi_keys.roster_chain import Link, RosterChain
from envoi_keys.statements import DELEGATION, ROSTER

from .ledger import Draft, extended
from .rules import Refusal
from .rules_members import (
    GoodCosignature,
    GoodDelegation,
    GoodEnrolment,
    GoodReceipt,
    NextRoster,
    check_delegation,
    check_progress,
    check_reach,
)
from .storage import CosignatureRow, DelegationRow, EnrolmentRow, ReceiptRow, RosterRow, UploadRow
from .work import Answer, Later, already, logged


@dataclass(frozen=True, slots=True)
class RosterWork:
    """A roster that may follow ``chain``; ``enrolled`` are the enrolments that it makes good."""

    next: NextRoster
    chain: RosterChain | None
    enrolled: tuple[bytes, ...]

    @property
    def weight(self) -> int:
        """See :class:`Work`."""
        return len(self.next.note)

    def join(self, draft: Draft) -> Answer | Later:
        """See :class:`Work`."""
        roster, id_, note = self.next.roster, self.next.id, self.next.note
        if draft.chain is not self.chain:
            return logged_roster(note, draft.chain) or Refusal(
                "roster-conflict", "another roster was logged first; propose the change again on top of it"
            )
        index = draft.log(ROSTER, note)
        draft.batch.rosters.append(RosterRow(roster.version, index, bytes.fromhex(id_), note))
        draft.batch.enrolled.extend(self.enrolled)
        draft.chain = extended(draft.chain, Link(roster, id_, note, index))
        draft.news_for_all = index
        return logged(index)


def logged_roster(note: bytes, chain: RosterChain | None) -> Later | None:
    """The answer to a roster that is logged already, byte for byte."""
    index = next((link.index for link in chain.links if link.note == note), None) if chain else None
    return None if index is None else already(index)


@dataclass(frozen=True, slots=True)
class DelegationWork:
    """A delegation that its authority, ``caller``, made under ``chain``."""

    caller: str
    good: GoodDelegation
    chain: RosterChain

    @property
    def weight(self) -> int:
        """See :class:`Work`."""
        return len(self.good.note)

    def join(self, draft: Draft) -> Answer | Later:
        """See :class:`Work`."""
        id_ = bytes.fromhex(self.good.id)
        pending = (row for row in draft.batch.delegations if row.id == id_)
        row = next(pending, None) or draft.records.delegation(id_)
        if row is not None:
            return self._again(row)
        if draft.chain is not self.chain:
            checked = check_delegation(self.caller, self.good.note, draft.chain)
            if isinstance(checked, Refusal):
                return checked
        delegation, note = self.good.delegation, self.good.note
        index = draft.log(DELEGATION, note)
        draft.batch.delegations.append(DelegationRow(index, id_, delegation.authority, delegation.delegate, note))
        draft.news_for_all = index
        return logged(index)

    def _again(self, row: DelegationRow) -> Answer | Later:
        if row.note != self.good.note:
            return Refusal("roster-conflict", "this delegation is logged already, under other signatures")
        return already(row.log_index)


@dataclass(frozen=True, slots=True)
class ReceiptWork:
    """A receipt that came at ``now``, in seconds since the epoch."""

    good: GoodReceipt
    now: int

    @property
    def weight(self) -> int:
        """See :class:`Work`."""
        return len(self.good.note)

    def join(self, draft: Draft) -> Answer | Later:
        """See :class:`Work`."""
        receipt = self.good.receipt
        received = draft.last_numbers(receipt.to, receipt.received.series).get(receipt.sender, 0)
        sent = draft.last_numbers(receipt.sender, receipt.sent.series).get(receipt.to, 0)
        new = Progress.of(receipt)
        refused = check_reach(receipt, received, sent, draft.size) or check_progress(
            new, draft.progress(receipt.sender, receipt.to)
        )
        if refused is not None:
            return refused
        draft.batch.receipts[receipt.sender, receipt.to] = ReceiptRow(
            receipt.sender,
            receipt.to,
            *new.received,
            receipt.opened_through,
            *new.sent,
            receipt.issued_at,
            self.now,
            self.good.note,
        )
        return Later(lambda _: None)


@dataclass(frozen=True, slots=True)
class EnrolmentWork:
    """An enrolment that came at ``now``, in seconds since the epoch; it takes the place of those in ``gone``, by id."""

    good: GoodEnrolment
    now: int
    gone: tuple[bytes, ...] = ()

    @property
    def weight(self) -> int:
        """See :class:`Work`."""
        return len(self.good.note)

    def join(self, draft: Draft) -> Answer | Later:
        """See :class:`Work`."""
        id_ = bytes.fromhex(self.good.id)
        draft.batch.enrolled.extend(self.gone)
        draft.batch.enrolments[id_] = EnrolmentRow(id_, self.good.enrolment.member, self.now, self.good.note)
        return Later(lambda _: None)


@dataclass(frozen=True, slots=True)
class CosignatureWork:
    """A cosignature of a checkpoint that the relay has signed."""

    good: GoodCosignature

    @property
    def weight(self) -> int:
        """See :class:`Work`."""
        return len(self.good.line.signature)

    def join(self, draft: Draft) -> Answer | Later:
        """See :class:`Work`."""
        key = (self.good.checkpoint.size, self.good.member)
        line = self.good.line.serialise()
        draft.batch.cosignatures.setdefault(key, CosignatureRow(*key, self.good.time, line))
        return Later(lambda _: None)


@dataclass(frozen=True, slots=True)
class UploadWork:
    """A blob that has been uploaded, whole."""

    row: UploadRow

    @property
    def weight(self) -> int:
        """See :class:`Work`."""
        return 100

    def join(self, draft: Draft) -> Answer | Later:
        """See :class:`Work`."""
        draft.batch.uploads[self.row.sha256, self.row.owner] = self.row
        return Later(lambda _: True)


@dataclass(frozen=True, slots=True)
class DropWork:
    """Forget a blob, unless a dispatch names it or somebody has uploaded it since ``before`` (seconds)."""

    sha256: bytes
    before: int

    @property
    def weight(self) -> int:
        """See :class:`Work`."""
        return 100

    def join(self, draft: Draft) -> Answer | Later:
        """See :class:`Work`."""
        uploads = [row for row in draft.batch.uploads.values() if row.sha256 == self.sha256]
        uploads += draft.records.uploads_of(self.sha256)
        named = any(row.sha256 == self.sha256 for row in draft.batch.references)
        newest = max((row.uploaded_at for row in uploads), default=None)
        if named or newest is None or newest >= self.before or draft.records.references(self.sha256):
            return False
        draft.batch.dropped.append(self.sha256)
        return Later(lambda _: True)
