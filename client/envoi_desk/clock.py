"""The log's time: when an entry was logged at the latest, and what time the log shows now.

Deadlines count on it and never on this machine's clock, which may be wrong and proves nothing to others. Until
checkpoints are witnessed it is the relay's own word, the time of its cosignature, and every answer says so.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from envoi_client.node.session import Session
from envoi_keys.checkpoints import LogKey, verify_checkpoint
from envoi_keys.errors import LocalError, PeerError


class LogTime(NamedTuple):
    """A time by the log in ``seconds`` since the epoch; ``witnessed`` if others than the relay vouch for it."""

    seconds: int
    witnessed: bool


def log_time(session: Session, index: int) -> LogTime | None:
    """When the entry at ``index`` was logged at the latest; None where no checkpoint that we hold covers it.

    It is the earliest time in the smallest checkpoints over the entry that this member was shown, by the relay or in a
    receipt of another member. It comes down when an older checkpoint turns up, and another member may know an earlier
    or a later one, until a witnessed time makes it the same for all.
    """
    times = [_time(session, seen.note) for seen in session.store.log.first_covering(index)]
    return min((time for time in times if time is not None), default=None)


def log_now(session: Session) -> LogTime | None:
    """The time that the log showed when it was last read; None before the first sync.

    Whatever was logged by then has been read, so a step that is not on file by this time was not taken.
    """
    checkpoint = session.store.log.view().checkpoint
    return _time(session, checkpoint) if checkpoint else None


def _time(session: Session, note: bytes) -> LogTime | None:
    # A log may change its keys with a roster; the checkpoint was signed under those of its day.
    try:
        keys = [session.roster.log, *(link.roster.log for link in reversed(session.chain.links))]
    except LocalError:
        return None
    for key in dict.fromkeys(keys):
        seconds = _signed_time(note, key)
        if seconds is not None:
            return LogTime(seconds, witnessed=False)
    return None


@lru_cache(maxsize=256)
def _signed_time(note: bytes, key: LogKey) -> int | None:
    # A sync brings many dispatches under one checkpoint, and a signature need not be checked for each of them.
    try:
        return verify_checkpoint(note, key).time
    except PeerError:
        return None
