"""What waits for the sequencer: things that passed the rules, each of which knows how to join a batch.

What only the order of commits decides is decided in ``join``: numbers, the roster in force, who was first.
``join`` puts rows into the draft and returns the answer, or a :class:`Later` where the answer needs the proof
that only the committed batch can give.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from envoi_keys.dispatches import OPENING_BYTES
from envoi_keys.encoding import b64
from envoi_keys.roster_chain import RosterChain
from envoi_keys.statements import DISPATCH

from .ledger import Draft
from .rules import (
    BlobFact,
    Refusal,
    Submission,
    Taken,
    check_blobs,
    check_numbers,
    check_roster,
    check_sender,
)
from .storage import (
    DispatchRow,
    RecipientRow,
    ReferenceRow,
    StorageError,
)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """That something is in the log for good: where, the tlog-proof, and whether it came in just now."""

    index: int
    proof: bytes
    created: bool


Answer: TypeAlias = Acceptance | Refusal | bool | None
Prove: TypeAlias = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Later:
    """An answer that is made when the batch is durable, with the way to prove an entry."""

    answer: Callable[[Prove], Answer]


def logged(index: int) -> Later:
    """The answer to what has come in just now, at ``index``."""
    return Later(lambda prove: Acceptance(index, prove(index), created=True))


def already(index: int) -> Later:
    """The answer to what was logged before, at ``index``, byte for byte the same."""
    return Later(lambda prove: Acceptance(index, prove(index), created=False))


class Work(Protocol):
    """Something that wants to be in a batch. ``weight`` is about how many bytes it writes."""

    @property
    def weight(self) -> int:
        """Bytes."""
        ...

    def join(self, draft: Draft) -> Answer | Later:
        """Join the draft, or do not. Raises StorageError, which fails the batch."""
        ...


@dataclass(frozen=True, slots=True)
class DispatchWork:
    """A dispatch that passed the rules under ``chain``; ``facts`` looks its blobs up."""

    submission: Submission
    chain: RosterChain
    facts: Callable[[Submission], Mapping[str, BlobFact]]

    @property
    def weight(self) -> int:
        """See :class:`Work`."""
        return len(self.submission.raw) + len(self.submission.body)

    def join(self, draft: Draft) -> Answer | Later:
        """See :class:`Work`."""
        submission, dispatch = self.submission, self.submission.dispatch
        verdict = check_numbers(submission, draft.last_numbers(dispatch.sender, dispatch.series))
        if isinstance(verdict, Taken):
            return self._taken(draft, verdict)
        return self._outdated(draft) or verdict or self._log(draft)

    def _outdated(self, draft: Draft) -> Refusal | None:
        # The rules were asked before the queue. What may have changed since is asked again: the roster, by
        # an entry in between; the blobs, by a sweep.
        dispatch = self.submission.dispatch
        refused = None
        if draft.chain is not None and draft.chain is not self.chain:
            refused = check_sender(dispatch, draft.chain) or check_roster(dispatch, draft.chain)
        if refused is None and dispatch.attachments:
            # The records still have what this very batch forgets: a dispatch behind a sweep must not name it.
            going = {digest.hex() for digest in draft.batch.dropped}
            facts = {sha256: fact for sha256, fact in self.facts(self.submission).items() if sha256 not in going}
            refused = check_blobs(dispatch, facts)
        return refused

    def _log(self, draft: Draft) -> Later:
        submission, dispatch = self.submission, self.submission.dispatch
        index = draft.log(DISPATCH, submission.raw)
        row = DispatchRow(
            index,
            bytes.fromhex(submission.id),
            dispatch.sender,
            dispatch.series,
            submission.raw,
            submission.openings_raw,
            submission.body,
        )
        draft.batch.dispatches.append(row)
        names = dispatch.recipients
        taken = {name: opening.number for name, opening in zip(names, submission.openings, strict=True)}
        draft.batch.recipients.extend(
            RecipientRow(index, name, position, number) for position, (name, number) in enumerate(taken.items())
        )
        draft.take_numbers(dispatch.sender, dispatch.series, taken)
        for digest in {sealed.sha256 for sealed in dispatch.attachments}:
            draft.batch.references.append(ReferenceRow(bytes.fromhex(digest), index))
        draft.news.update(dict.fromkeys((dispatch.sender, *names), index))
        return logged(index)

    def _taken(self, draft: Draft, taken: Taken) -> Later:
        dispatch = self.submission.dispatch
        row = draft.holder(dispatch.sender, taken.recipient, dispatch.series, taken.number)
        if row is None:
            raise StorageError(f"no dispatch holds number {taken.number} to {taken.recipient}")
        if same(row, self.submission):
            return already(row.log_index)
        position = _position(row, taken, draft)
        return Later(lambda prove: _number_taken(row, position, taken, prove))


def same(row: DispatchRow, submission: Submission) -> bool:
    """Whether a submission is what was logged, byte for byte."""
    return (row.note, row.openings, row.body) == (submission.raw, submission.openings_raw, submission.body)


def _position(row: DispatchRow, taken: Taken, draft: Draft) -> int:
    pending = [one for one in draft.batch.recipients if one.log_index == row.log_index]
    rows = pending or draft.records.recipients(row.log_index)
    return next(one.position for one in rows if one.member == taken.recipient)


def _number_taken(row: DispatchRow, position: int, taken: Taken, prove: Prove) -> Refusal:
    # The sender need not believe us: its own signature, the opening and the proof show that the number is
    # used.
    logged: dict[str, Any] = {
        "index": row.log_index,
        "note": b64(row.note),
        "opening": b64(row.openings[position * OPENING_BYTES : (position + 1) * OPENING_BYTES]),
        "recipient": taken.recipient,
        "proof": prove(row.log_index).decode(),
    }
    return Refusal(
        "number-taken", f"another dispatch to {taken.recipient} has number {taken.number}", {"logged": logged}
    )
