"""Where a node's trust begins: the pinned roster, and every roster that it says came before it.

Who is admitted by a later roster pins that one. Its ``previous`` names the version before it, and so on down to
the first, so the pin decides about each of them: another roster of such a version is not believed, whatever
quorum of former days signed it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from envoi_keys.entries import log_entry
from envoi_keys.errors import Refused
from envoi_keys.notes import Note
from envoi_keys.roster_chain import RosterChain
from envoi_keys.rosters import Roster
from envoi_keys.statements import ROSTER, statement_id

from ..store import StoredRoster
from .session import Session

_LINE: Final = "pinned-line"
"""The name in the store of the ids of all rosters from the first to the pinned one."""
_MAX_VERSIONS: Final = 10_000
"""Rosters among which a newcomer looks for the pinned one: thirty years of one a day."""


class OtherLine(Refused):
    """A roster under a full quorum that is not of the line of the pinned one."""


def bootstrap(session: Session) -> None:
    """Begin the chain of rosters from the pinned id, if this store has none. Raises PeerError."""
    if session.store.rosters.newest() is not None:
        return
    first = session.transport.roster(1)
    line = [session.pinned]
    if statement_id(Note.parse(first).text) != session.pinned:
        # Admitted by a later roster: it names the exchange, and its own id is what was read aloud.
        line = _line_of_pinned(session)
    chain = RosterChain.begin(first, line[0])
    with session.store.transaction():
        session.store.log.set_value(_LINE, " ".join(line).encode())
        session.store.rosters.add(StoredRoster(1, chain.exchange, 0, first))
    session.chain = chain


def _line_of_pinned(session: Session) -> list[str]:
    """The ids of all rosters from the first to the pinned one, each named by the one after it."""
    newest = Roster.parse(Note.parse(session.transport.roster()).text)
    line: list[str] = []
    for version in range(2, min(newest.version, _MAX_VERSIONS) + 1):
        text = Note.parse(session.transport.roster(version)).text
        roster = Roster.parse(text)
        line = line or [roster.previous]
        if roster.version != version or roster.previous != line[-1] or roster.exchange != line[0]:
            break
        line.append(statement_id(text))
        if line[-1] == session.pinned:
            return line
    raise Refused(
        f"the relay has no roster with the pinned id {session.pinned}",
        reason="other-exchange",
        hint="compare the id with the Point of Contact by voice, and check the relay's address",
    )


def require_line(session: Session, version: int, id_: str) -> None:
    """Raises OtherLine for a roster that is not the one of its version from which the pinned one came."""
    line = (session.store.log.value(_LINE) or b"").decode().split()
    if version <= len(line) and line[version - 1] != id_:
        raise OtherLine(
            f"roster {version} has a quorum and is not one from which the pinned roster came",
            reason="other-exchange",
            hint="nothing after it is believed; tell the Point of Contact and the other members",
        )


def check_first(session: Session, entries: Sequence[bytes]) -> None:
    """Raises Refused unless the log begins with the first roster (PROTOCOL §7.1)."""
    if entries and entries[0] != log_entry(ROSTER, session.chain.links[0].note):
        raise Refused("the log does not begin with the first roster", reason="not-logged")


def check_pinned(session: Session) -> None:
    """Raises Refused if the pinned roster has not been read: then nothing is to be sent under an older one."""
    if not session.chain.has(session.pinned):
        raise Refused(
            "the pinned roster is not in the chain that the relay shows",
            reason="other-exchange",
            hint="run: envoi sync; if it stays so, compare the id with the Point of Contact by voice",
        )
