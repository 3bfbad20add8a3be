"""The way in: what was sent is checked in a thread by the rules, then waits for the sequencer.

Signatures are verified off the event loop and several at a time; both kinds release the interpreter's lock.
What a rule refuses is looked up before it is answered: the bytes of something that is logged already get the
answer that they got, whatever has changed since.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, TypeAlias

from envoi_keys.enrolments import Enrolment
from envoi_keys.errors import PeerError
from envoi_keys.notes import Note
from envoi_keys.roster_chain import RosterChain
from envoi_keys.rosters import Roster
from envoi_keys.signing import LogSigner

from .blob_records import BlobRecords
from .ledger import Ledger
from .rules import Refusal, Submission, View, check_dispatch, read_submission
from .rules_members import (
    MAX_ENROLMENTS,
    MAX_ENROLMENTS_PER_MEMBER,
    check_cosignature,
    check_delegation,
    check_enrolment,
    check_receipt,
    check_roster_note,
)
from .sequencer import Outcome, Sequencer, Ticket
from .storage import Records, StorageError
from .work import Acceptance, Answer, DispatchWork, Later, Work, same
from .work_members import (
    CosignatureWork,
    DelegationWork,
    EnrolmentWork,
    ReceiptWork,
    RosterWork,
    logged_roster,
)

_log: Final = logging.getLogger("envoi_server.intake")

MAX_IN_HAND: Final = 1024
"""Things being checked or waiting at one time. Each is at most a few MiB, so this bounds memory too."""
MAX_OF_STRANGERS: Final = 8
"""The same for what nobody has to prove anything for: the largest takes half a second of processor time."""
_STOPPING: Final = Refusal("unavailable", "the relay is stopping")
_THREADS: Final = max(2, min(8, os.cpu_count() or 2))

Checked: TypeAlias = Work | Acceptance | Refusal | None


class Intake:
    """Called on the event loop; ``roster_id`` is the id of the first roster, or empty."""

    def __init__(
        self,
        ledger: Ledger,
        records: Records,
        sequencer: Sequencer,
        blobs: BlobRecords,
        signer: LogSigner,
        roster_id: str,
        clock: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._sequencer = sequencer
        self._blobs = blobs
        self._log_key = signer.public
        self._roster_id = roster_id
        self._clock = clock
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="verify")
        self._in_hand = 0
        # What strangers send is checked apart, one thing after the other: it must not make members wait.
        self._stranger = ThreadPoolExecutor(1, thread_name_prefix="stranger")
        self._of_strangers = 0
        self._closed = False

    def close(self) -> None:
        """Finish what is being checked, and take nothing more."""
        self._closed = True
        self._threads.shutdown(wait=True)
        self._stranger.shutdown(wait=True)

    async def submit(self, check: Callable[..., Checked], *arguments: Any) -> Any:
        """Run ``check`` in a thread; what it finds good waits for its turn. The answer is an Answer."""
        if self._closed:
            return _STOPPING
        if self._in_hand >= MAX_IN_HAND:
            return Refusal("unavailable", "the relay has more in hand than it can take; try again soon")
        self._in_hand += 1
        try:
            return await self._submitted(self._threads, check, arguments)
        finally:
            self._in_hand -= 1

    async def submit_stranger(self, check: Callable[..., Checked], *arguments: Any) -> Any:
        """The same for what needs no token, in a lane of its own."""
        if self._closed:
            return _STOPPING
        if self._of_strangers >= MAX_OF_STRANGERS:
            return Refusal("rate-limited", "the relay has enough to read of callers without a token; try again soon")
        self._of_strangers += 1
        try:
            return await self._submitted(self._stranger, check, arguments)
        finally:
            self._of_strangers -= 1

    async def _submitted(
        self, threads: ThreadPoolExecutor, check: Callable[..., Checked], arguments: tuple[Any, ...]
    ) -> Any:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        # Not run_in_executor: what passes goes from that thread straight to the sequencer, without a
        # detour over the event loop.
        threads.submit(self._check, loop, future, check, arguments)
        return await future

    def _check(
        self,
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[Answer],
        check: Callable[..., Checked],
        arguments: tuple[Any, ...],
    ) -> None:
        try:
            checked = check(*arguments)
        except StorageError as error:
            _log.error("records not readable", exc_info=error)
            checked = Refusal("unavailable", "the relay cannot read its records now; try again later")
        except Exception as error:  # noqa: BLE001 - a mistake of ours is raised where it is awaited
            loop.call_soon_threadsafe(_fail, future, error)
            return
        if checked is None or isinstance(checked, (Acceptance, Refusal)):
            loop.call_soon_threadsafe(_settle, future, checked)
        elif not self._sequencer.put(Ticket(checked, future)):
            loop.call_soon_threadsafe(_settle, future, _STOPPING)

    # -- what a thread checks --------------------------------------------------------------------------

    def dispatch(self, caller: str, raw: bytes) -> Checked:
        """PROTOCOL §8, except for what only the sequencer can decide."""
        submission = read_submission(raw)
        if isinstance(submission, Refusal):
            return submission
        chain = self._ledger.published.chain
        blobs = self._blobs.facts(submission) if submission.dispatch.attachments else {}
        refused = check_dispatch(caller, submission, View(chain, blobs))
        if refused is not None:
            return self._logged(caller, submission) or refused
        assert chain is not None  # check_dispatch
        return DispatchWork(submission, chain, self._blobs.facts)

    def _logged(self, caller: str, submission: Submission) -> Acceptance | None:
        # A retry of what was accepted. The sender may be suspended by now, or the roster outdated: that was
        # not so when it was logged, and the sender has to learn that it was.
        if submission.dispatch.sender != caller:
            return None
        row = self._records.dispatch(bytes.fromhex(submission.id))
        if row is None or row.log_index >= self._ledger.published.size or not same(row, submission):
            return None
        return Acceptance(row.log_index, self._ledger.prove_again(row.log_index), created=False)

    def roster(self, raw: bytes) -> Checked:
        """A roster, the first or the next."""
        chain = self._ledger.published.chain
        known = logged_roster(raw, chain)
        if known is not None:
            return self._answer_now(known)
        checked = check_roster_note(raw, chain, self._roster_id, self._log_key)
        if isinstance(checked, Refusal):
            return checked
        return RosterWork(checked, chain, self._enrolled(checked.roster))

    def _answer_now(self, later: Later) -> Checked:
        answer = later.answer(self._ledger.prove_again)
        assert isinstance(answer, Acceptance)
        return answer

    def _enrolled(self, roster: Roster) -> tuple[bytes, ...]:
        # Enrolments whose keys the roster holds need not wait for the officers any longer.
        done = []
        for row in self._records.enrolments():
            addressee = roster.addressee(row.member)
            if addressee is not None:
                try:
                    enrolment = Enrolment.parse(Note.parse(row.note).text)
                except PeerError:
                    continue
                if enrolment.keys == addressee.keys:
                    done.append(row.id)
        return tuple(done)

    def delegation(self, caller: str, raw: bytes) -> Checked:
        """A delegation by its authority."""
        chain = self._ledger.published.chain
        checked = check_delegation(caller, raw, chain)
        if isinstance(checked, Refusal):
            return checked
        assert chain is not None  # check_delegation
        return DelegationWork(caller, checked, chain)

    def receipt(self, caller: str, raw: bytes) -> Checked:
        """A receipt by its signer."""
        checked = check_receipt(caller, raw, self._ledger.published.chain)
        return checked if isinstance(checked, Refusal) else ReceiptWork(checked, int(self._clock()))

    def enrolment(self, raw: bytes) -> Checked:
        """An enrolment by anybody; in place of the oldest of its member, or of all, if there are too many.

        Nobody signs for who enrols: whoever filled the list first must not keep a member out. Whose enrolment is gone
        sends it again, or hands the officers the file.
        """
        checked = check_enrolment(raw, self._exchanges(self._ledger.published.chain))
        if isinstance(checked, Refusal):
            return checked
        waiting = self._records.enrolled()
        if any(row.id.hex() == checked.id for row in waiting):
            return None
        of_member = [row.id for row in waiting if row.member == checked.enrolment.member]
        gone = of_member[: max(0, len(of_member) + 1 - MAX_ENROLMENTS_PER_MEMBER)]
        kept = [row.id for row in waiting if row.id not in gone]
        gone += kept[: max(0, len(kept) + 1 - MAX_ENROLMENTS)]
        return EnrolmentWork(checked, int(self._clock()), tuple(gone))

    def _exchanges(self, chain: RosterChain | None) -> tuple[str, ...]:
        # Before the first roster nobody can name the exchange; whoever was told its id may.
        return ("", chain.exchange if chain else self._roster_id)

    def cosignature(self, caller: str, raw: bytes) -> Checked:
        """A member's cosignature of a checkpoint that this log has signed."""
        checked = check_cosignature(caller, raw, self._ledger.published.chain)
        if isinstance(checked, Refusal):
            return checked
        row = self._records.checkpoint_of(checked.checkpoint.size)
        if row is None or Note.parse(row.note).text != checked.checkpoint.text():
            return Refusal("not-found", f"this log has signed no such checkpoint of {checked.checkpoint.size} entries")
        return CosignatureWork(checked)


def deliver(loop: asyncio.AbstractEventLoop, outcome: Outcome, then: Callable[[Outcome], None]) -> None:
    """Give each answer to what waits for it: threads at once, coroutines in one step on the event loop."""
    for ticket, answer in outcome.answers:
        if isinstance(ticket.future, Future):
            ticket.future.set_result(answer)
    try:
        loop.call_soon_threadsafe(_deliver, outcome, then)
    except RuntimeError:
        # The loop is closed: nobody waits any more.
        return


def _deliver(outcome: Outcome, then: Callable[[Outcome], None]) -> None:
    for ticket, answer in outcome.answers:
        if not isinstance(ticket.future, Future):
            _settle(ticket.future, answer)
    then(outcome)


def _settle(future: asyncio.Future[Answer], answer: Answer) -> None:
    # A caller that went away has cancelled its future. What it sent is accepted all the same.
    if not future.done():
        future.set_result(answer)


def _fail(future: asyncio.Future[Answer], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
