"""What one member believes of the log: a compact range over every entry, and the last checkpoint it covers.

A member reads every entry's type and hash, so a checkpoint that its own range does not reach is refused
without any proof from the relay: consistency and inclusion of everything follow at once (PROTOCOL §7.3).
Checkpoints seen elsewhere, in acknowledgements and receipts, must lie on the same history.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from envoi_keys.checkpoints import SignedCheckpoint
from envoi_keys.errors import Fraud, Refused, Unverified
from envoi_keys.merkle import Frontier, leaf_hash

MAX_NEW_ENTRIES: Final = 2**22
"""Entries read in one go: centuries of notices, and half a gigabyte. A head beyond it would be fetched for ever."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A signed checkpoint that this member was shown.

    By the relay, in an acknowledgement, or by another member.
    """

    size: int
    root: bytes
    note: bytes
    source: str


@dataclass(frozen=True, slots=True)
class LogView:
    """The log as verified: ``frontier`` covers ``size`` entries; ``checkpoint`` is the signed note."""

    size: int
    frontier: bytes
    checkpoint: bytes

    @classmethod
    def empty(cls) -> LogView:
        """Before anything was read."""
        return cls(0, Frontier().to_bytes(), b"")

    def root(self) -> bytes:
        """The root hash of the entries read so far."""
        return Frontier.from_bytes(self.frontier).root()


def missing(view: LogView, head: SignedCheckpoint, expected: int = 0) -> range:
    """The indexes to fetch before :func:`advance`.

    Raises Refused ``stale-log`` if the relay's head is older than the view, or than the ``expected`` size that it
    signed for somebody; Fraud if it has the view's size and another root.
    """
    known = max(view.size, expected)
    if head.size < known:
        raise Refused(
            f"the relay shows {head.size} log entries and has signed {known} before",
            reason="stale-log",
            hint="try again; if it stays so, the relay was rolled back: tell the Point of Contact",
        )
    if head.size == view.size and view.size and head.root != view.root():
        raise _fork(view.checkpoint, head.note.serialise(), "the relay signed two heads of one size")
    if head.size - view.size > MAX_NEW_ENTRIES:
        raise Refused(
            f"the relay signed a log of {head.size} entries, {head.size - view.size} more than were verified",
            reason="log-too-large",
            hint="no exchange grows like that: tell the Point of Contact; the signed head is kept",
        )
    return range(view.size, head.size)


def advance(view: LogView, head: SignedCheckpoint, entries: Sequence[bytes], seen: Iterable[Seen]) -> LogView:
    """The view after ``entries``, which are all between the view and ``head``.

    1. The count of entries is the difference of the sizes, else Unverified.
    2. At the size of each checkpoint ``seen`` on the way, the range has its root, else Fraud.
    3. At the end the range has the root of ``head``, else Fraud: what the relay serves and what it signed differ,
       or its history is not the one that this member verified before.
    """
    wanted = missing(view, head)
    if len(entries) != len(wanted):
        raise Unverified(f"the relay served {len(entries)} log entries instead of {len(wanted)}")
    frontier = Frontier.from_bytes(view.frontier)
    pending = sorted((one for one in seen if view.size <= one.size <= head.size), key=lambda one: one.size)
    for _, fraud in _contradictions(frontier, entries, pending):
        raise fraud
    if frontier.root() != head.root:
        raise _fork(
            view.checkpoint,
            head.note.serialise(),
            "the log's head does not follow from what was verified before",
        )
    return LogView(head.size, frontier.to_bytes(), log_note(head))


def contradictions(entries: Iterable[bytes], seen: Iterable[Seen]) -> list[tuple[Seen, Fraud]]:
    """Each checkpoint ``seen`` that does not lie on the history that all ``entries`` make, in one pass over them.

    Those that are larger than it are for another time.
    """
    return list(_contradictions(Frontier(), entries, sorted(seen, key=lambda one: one.size)))


def _contradictions(
    frontier: Frontier, entries: Iterable[bytes], pending: Sequence[Seen]
) -> Iterator[tuple[Seen, Fraud]]:
    # Runs to the end of the entries: the frontier is the caller's, and its root is looked at afterwards.
    waiting = deque(pending)
    source = iter(entries)
    while True:
        while waiting and waiting[0].size <= frontier.size:
            one = waiting.popleft()
            if one.size == frontier.size and one.root != frontier.root():
                message = f"{one.source} shows another history of the first {one.size} entries"
                yield one, _fork(one.note, b"", message)
        entry = next(source, None)
        if entry is None:
            return
        frontier.append(leaf_hash(entry))


def log_note(head: SignedCheckpoint) -> bytes:
    """The checkpoint with the log's own two signatures alone.

    Cosignatures come and go and are asked for anew, and a relay must not choose what members keep and sign.
    """
    return head.own.serialise()


def _fork(old: bytes, new: bytes, message: str) -> Fraud:
    return Fraud(
        message,
        evidence=tuple(note for note in (old, new) if note),
        hint="keep this machine's data and tell the other members; the signed heads are kept as evidence",
    )
