"""What one sync did, for the person who asked for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from envoi_keys.errors import PeerError

from .session import Session


@dataclass(slots=True)
class SyncReport:
    """Ids of what came in and went out, versions of new rosters, and what is suspicious, in words.

    ``alarms`` holds what was found in this round, known before or not; ``refusals`` are answers of the
    relay to what waited in the outbox.
    """

    log_size: int = 0
    received: list[str] = field(default_factory=list)
    unopened: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    rosters: list[int] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing suspicious was found."""
        return not self.alarms

    def add(self, session: Session, error: PeerError, *, kind: str = "") -> None:
        """Report a finding, and keep it as an alarm with its evidence."""
        session.alarm(error, kind=kind)
        self.alarms.append(str(error))
