"""Looking whether the records hold what was signed: every hash, every root, every number, computed anew.

It believes nothing that is stored: the tree is rebuilt from the notes themselves. It changes nothing, so it
may run beside a relay that serves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from envoi_keys.checkpoints import LogKey, verify_checkpoint
from envoi_keys.dispatches import Dispatch, Opening
from envoi_keys.entries import log_entry
from envoi_keys.errors import PeerError
from envoi_keys.merkle import Frontier, leaf_hash
from envoi_keys.notes import Note
from envoi_keys.roster_chain import RosterChain
from envoi_keys.statements import DELEGATION, DISPATCH, ROSTER, statement_id

from .storage import DispatchRow, EntryRow, NumberRow, RecipientRow, Records

_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold: where (``entry 17``, ``checkpoint 40``), and what."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def audit(records: Records, log: LogKey) -> list[Finding]:
    """Everything in the records that contradicts itself or what the log signed. Raises StorageError."""
    size = records.size()
    last = records.last_checkpoint()
    findings: list[Finding] = []
    if size and (last is None or last.size != size):
        findings.append(Finding("log", f"{size} entries, but the last checkpoint is of {last.size if last else 0}"))
    findings += _entries(records, size, _Roots(records, log))
    findings += _rosters(records)
    return findings


class _Roots:
    """The signed roots in the order of sizes, compared while the tree grows past them."""

    def __init__(self, records: Records, log: LogKey) -> None:
        self._rows = records.checkpoints()
        self._log = log
        self._next = next(self._rows, None)

    def check(self, frontier: Frontier) -> Iterator[Finding]:
        while self._next is not None and self._next.size <= frontier.size:
            row, self._next = self._next, next(self._rows, None)
            where = f"checkpoint {row.size}"
            try:
                signed = verify_checkpoint(row.note, self._log)
            except PeerError as error:
                yield Finding(where, error.message)
                continue
            if signed.size != row.size or row.size != frontier.size:
                yield Finding(where, f"it was signed for {signed.size} entries")
            elif signed.root != frontier.root():
                yield Finding(where, "its root is not that of the entries")


def _entries(records: Records, size: int, roots: _Roots) -> Iterator[Finding]:
    frontier = Frontier()
    numbers: dict[tuple[str, str, int], int] = {}
    public = {row.log_index: (ROSTER, row.id, row.note) for row in records.rosters()}
    public |= {row.log_index: (DELEGATION, row.id, row.note) for row in records.delegations()}
    yield from roots.check(frontier)
    for start in range(0, size, _AT_ONCE):
        end = min(size, start + _AT_ONCE)
        rows = {row.log_index: row for row in records.entries(start, end)}
        dispatches = {row.log_index: row for row in records.dispatches(start, end)}
        for index in range(start, end):
            entry, dispatch = rows.get(index), dispatches.get(index)
            if dispatch is not None:
                held = (DISPATCH, dispatch.id, dispatch.note)
                yield from _dispatch(dispatch, records.recipients(index), numbers)
            else:
                held = public.get(index, ("", b"", b""))
            leaf = leaf_hash(log_entry(held[0], held[2])) if held[0] else bytes(32)
            yield from _entry(index, entry, held, leaf)
            # The tree is that of the notes: a note that was changed also changes every root above it.
            frontier.append(leaf)
            yield from roots.check(frontier)
    yield from _numbers(records.numbers(), numbers)


def _entry(index: int, entry: EntryRow | None, held: tuple[str, bytes, bytes], leaf: bytes) -> Iterator[Finding]:
    where = f"entry {index}"
    statement_type, id_, note = held
    if entry is None:
        yield Finding(where, "is missing")
    elif not statement_type:
        yield Finding(where, f"its {entry.type} is missing")
    elif (entry.type, entry.digest) != (statement_type, sha256(note).digest()) or entry.leaf != leaf:
        yield Finding(where, "the note that is stored is not the one that was logged")
    elif statement_id(Note.parse(note).text) != id_.hex():
        yield Finding(where, "its id is not that of its statement")


def _dispatch(
    row: DispatchRow, recipients: list[RecipientRow], numbers: dict[tuple[str, str, int], int]
) -> Iterator[Finding]:
    where = f"entry {row.log_index}"
    stored = [(one.member, one.number) for one in recipients]
    try:
        dispatch, opened = _opened(row)
        if (row.sender, row.series, stored) != (dispatch.sender, dispatch.series, opened):
            yield Finding(where, "its sender, recipients or numbers are not those of its header and openings")
    except PeerError as error:
        yield Finding(where, error.message)
    for name, number in stored:
        key = (row.sender, name, row.series)
        if number != numbers.get(key, 0) + 1:
            yield Finding(where, f"number {number} of {row.sender} to {name} follows {numbers.get(key, 0)}")
        numbers[key] = number


def _opened(row: DispatchRow) -> tuple[Dispatch, list[tuple[str, int]]]:
    """The header of a dispatch and its numbers by recipient. Raises PeerError."""
    dispatch = Dispatch.parse(Note.parse(row.note).text)
    dispatch.body.check(row.body)
    openings = Opening.split(row.openings, len(dispatch.recipients))
    return dispatch, [
        (name, dispatch.opened(name, opening)) for name, opening in zip(dispatch.recipients, openings, strict=True)
    ]


def _numbers(rows: list[NumberRow], numbers: dict[tuple[str, str, int], int]) -> Iterator[Finding]:
    stored = {(row.sender, row.recipient, row.series): row.last for row in rows}
    for key in sorted(stored.keys() | numbers.keys()):
        if stored.get(key) != numbers.get(key):
            yield Finding(
                f"numbers of {key[0]} to {key[1]}", f"{stored.get(key)} is kept, {numbers.get(key)} is logged"
            )


def _rosters(records: Records) -> Iterator[Finding]:
    chain: RosterChain | None = None
    for row in records.rosters():
        try:
            if chain is None:
                chain = RosterChain.begin(row.note, row.id.hex(), row.log_index)
            else:
                chain = chain.extended(row.note, row.log_index)
        except PeerError as error:
            yield Finding(f"roster {row.version}", error.message)
            return
