"""Checking again what this member holds of the log, from the first entry, without asking the relay anything.

Everything was checked when it came; this finds what happened to it since, and what several checkpoints say
together.
"""

from __future__ import annotations

from dataclasses import dataclass

from envoi_keys.checkpoints import verify_checkpoint
from envoi_keys.entries import log_entry
from envoi_keys.errors import EnvoiError
from envoi_keys.merkle import Frontier, leaf_hash
from envoi_keys.statements import DISPATCH, ROSTER

from ..log_view import Seen, contradictions
from .session import Session
from .sync import stored_entries


@dataclass(frozen=True, slots=True)
class Audit:
    """``size`` and ``root`` of the log as held, how many checkpoints lie on it, and what is wrong, in words."""

    size: int
    root: bytes
    checkpoints: int
    findings: tuple[str, ...]


def audit(session: Session) -> Audit:
    """Recompute the log, and hold every checkpoint seen, the rosters and the own dispatches to it."""
    findings: list[str] = []
    frontier = Frontier()
    for entry in stored_entries(session):
        frontier.append(leaf_hash(entry))
    view = session.store.log.view()
    if (frontier.size, frontier.root()) != (view.size, view.root()):
        findings.append("the stored entries are not those that were verified")
    seen = [one for one in session.store.log.all_seen() if one.size <= frontier.size]
    findings += _checkpoints(session, seen)
    for link in session.chain.links:
        if not _holds(session, link.index, log_entry(ROSTER, link.note)):
            findings.append(f"roster {link.roster.version} is not at index {link.index} of the log")
    for sent in session.store.outbox.listing("accepted"):
        # What was acknowledged since the last sync is beyond what we have read.
        if sent.note is None or sent.index is None or sent.index >= frontier.size:
            continue
        if not _holds(session, sent.index, log_entry(DISPATCH, sent.note)):
            findings.append(f"our dispatch {(sent.id or '')[:16]} is not at index {sent.index} of the log")
    return Audit(frontier.size, frontier.root(), len(seen), tuple(findings))


def _checkpoints(session: Session, seen: list[Seen]) -> list[str]:
    found = []
    genuine = []
    for one in seen:
        try:
            verify_checkpoint(one.note, session.roster.log)
            genuine.append(one)
        except EnvoiError as error:
            found.append(f"a checkpoint shown by {one.source}: {error}")
    found += [str(fraud) for _, fraud in contradictions(stored_entries(session), genuine)]
    return found


def _holds(session: Session, index: int, entry: bytes) -> bool:
    held = session.store.log.entry(index)
    return held is not None and f"{held[0]} {held[1]}\n".encode() == entry
