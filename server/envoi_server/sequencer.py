"""The one writer: it takes what waits in groups, commits each group in one transaction, then publishes it.

Indexes are given in the order of commits, by this thread alone. A group is what is waiting when the last
commit ended: nothing sleeps to make it larger. In this order, always: accept into the batch, sign one
checkpoint, commit durably, publish to readers, answer. If the commit fails nothing is acknowledged, and the
truth is read from the records again before anything else is accepted.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Final

from envoi_keys.errors import EnvoiError
from envoi_keys.limits import MIB

from .ledger import Draft, Ledger
from .rules import Refusal
from .storage import Records
from .work import Answer, Later, Work

_log: Final = logging.getLogger("envoi_server.sequencer")

MAX_BATCH: Final = 128
"""Most things in one transaction."""
MAX_BATCH_BYTES: Final = 16 * MIB
"""About as much is written in one transaction; one thing more may go over it."""
PROBE_SECONDS: Final = 1.0
"""How often it is tried whether writing works again, once it has failed."""
STUCK_SECONDS: Final = 5.0
"""A group that takes longer than this is worth telling."""
WRITE_POINTS: Final = (
    "sequencer: gathered",
    "sequencer: joined",
    "sequencer: signed",
    "sequencer: durable",
    "sequencer: published",
    "sequencer: answered",
)
"""Where the hook is called: with a group in hand, with its rows made, signed, committed, seen, and told."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Something that waits for its answer, and what to give the answer to: the sequencer does not look at it."""

    work: Work
    future: Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """A group that is done: each answer, the size of the log, and the newest index for whom it has news."""

    answers: Sequence[tuple[Ticket, Answer]]
    size: int
    news: Mapping[str, int] = field(default_factory=dict)
    news_for_all: int | None = None
    committed: bool = False
    """Whether something was written."""


class Sequencer:
    """Owns the ledger and the writing side of the records. ``done`` is called on its thread for each group."""

    def __init__(
        self, ledger: Ledger, records: Records, done: Callable[[Outcome], None], at: Callable[[str], None]
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._done = done
        self._at = at
        self._queue: SimpleQueue[Ticket | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sequencer", daemon=True)
        self._accepting = False
        self._closing = threading.Lock()
        self._trouble: str | None = None
        self._probe_at = 0.0
        # Whether a commit failed and the records have not been read since.
        self._unsure = False
        # When the group in hand was begun; a commit that hangs fails nothing, and yet nothing is accepted.
        self._busy_since: float | None = None

    def start(self) -> None:
        """Begin. The ledger has been loaded."""
        self._accepting = True
        self._thread.start()

    def close(self) -> None:
        """Finish what waits and stop."""
        with self._closing:
            started, self._accepting = self._accepting, False
            self._queue.put(None)
        if started:
            self._thread.join()

    def put(self, ticket: Ticket) -> bool:
        """Let something wait for its turn; False if the sequencer is not running."""
        with self._closing:
            if self._accepting:
                self._queue.put(ticket)
            return self._accepting

    @property
    def waiting(self) -> int:
        """How much waits, about."""
        return self._queue.qsize()

    @property
    def trouble(self) -> str | None:
        """Why nothing can be committed at present, or None."""
        if self._accepting and not self._thread.is_alive():
            return "the writer has stopped"
        since = self._busy_since
        if since is not None and monotonic() - since > STUCK_SECONDS:
            return f"the writer has waited for the disk for more than {STUCK_SECONDS:g} s"
        return self._trouble

    def _run(self) -> None:
        running = True
        while running:
            group, running = self._gather()
            if group:
                self._busy_since = monotonic()
                self._at("sequencer: gathered")
                self._process(group)
                self._busy_since = None
            if running and self._trouble is not None and monotonic() >= self._probe_at:
                self._probe()

    def _gather(self) -> tuple[list[Ticket], bool]:
        """What waits, at least one thing, and whether to go on afterwards; nothing only while in trouble."""
        group: list[Ticket] = []
        weight = 0
        try:
            ticket = self._queue.get(timeout=PROBE_SECONDS if self._trouble else None)
            while ticket is not None:
                group.append(ticket)
                weight += ticket.work.weight
                if len(group) == MAX_BATCH or weight >= MAX_BATCH_BYTES:
                    return group, True
                ticket = self._queue.get_nowait()
        except Empty:
            return group, True
        return group, False

    def _process(self, group: list[Ticket]) -> None:
        try:
            self._settle()
            draft = self._ledger.draft()
            replies = [ticket.work.join(draft) for ticket in group]
            self._at("sequencer: joined")
            self._commit(draft)
            answers = [(ticket, self._answer(reply, draft)) for ticket, reply in zip(group, replies, strict=True)]
        except Exception as error:  # noqa: BLE001 - the thread that orders everything must outlive any mistake
            self._failed(group, error)
            return
        size, committed = self._ledger.published.size, not draft.batch.empty
        self._done(Outcome(answers, size, draft.news, draft.news_for_all, committed))
        self._at("sequencer: answered")

    def _commit(self, draft: Draft) -> None:
        if draft.batch.empty:
            return
        if draft.batch.entries:
            self._ledger.seal(draft)
            self._at("sequencer: signed")
        self._unsure = True
        self._records.commit(draft.batch)
        self._at("sequencer: durable")
        self._ledger.advance(draft)
        self._unsure = False
        # Trouble is not over because something small found room; the probe asks for as much as dispatches need.
        self._at("sequencer: published")

    def _answer(self, reply: Answer | Later, draft: Draft) -> Answer:
        if not isinstance(reply, Later):
            return reply
        checkpoint = draft.batch.checkpoint

        def prove(index: int) -> bytes:
            if checkpoint is not None and index >= draft.base:
                return self._ledger.prove(index, checkpoint)
            return self._ledger.prove_again(index)

        return reply.answer(prove)

    def _settle(self) -> None:
        """Read the truth again if the last commit left it open. Raises StorageError if it cannot be read."""
        if self._unsure:
            self._ledger.reload()
            self._unsure = False

    def _failed(self, group: Sequence[Ticket], error: Exception) -> None:
        reason = error.message if isinstance(error, EnvoiError) else type(error).__name__
        _log.error("batch failed", extra={"fields": {"waiting": len(group), "reason": reason}}, exc_info=error)
        self._trouble = reason
        self._probe_at = monotonic() + PROBE_SECONDS
        before = self._ledger.published.size
        try:
            # At once, not at the next submission: what failed but was kept is to be seen, and woken for.
            self._settle()
        except Exception as again:  # noqa: BLE001 - as above; the next group and the next probe try again
            _log.error("records not readable", exc_info=again)
        refused = Refusal("unavailable", "the relay cannot store this now; send the same bytes again later")
        self._done(self._grown([(ticket, refused) for ticket in group], before))

    def _probe(self) -> None:
        self._probe_at = monotonic() + PROBE_SECONDS
        before = self._ledger.published.size
        try:
            self._settle()
            self._records.probe()
        except Exception as error:  # noqa: BLE001 - it is tried until it works; readiness says so meanwhile
            self._trouble = error.message if isinstance(error, EnvoiError) else type(error).__name__
            return
        _log.info("writing works again")
        self._trouble = None
        self._done(self._grown([], before))

    def _grown(self, answers: Sequence[tuple[Ticket, Answer]], before: int) -> Outcome:
        # What was found to be there after all is news for somebody; for whom is not worth asking.
        size = self._ledger.published.size
        return Outcome(answers, size, news_for_all=size - 1 if size > before else None)
