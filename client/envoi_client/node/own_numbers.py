"""What a sender learns from its own dispatches in the log: a gap in its memory, or a number used twice.

A store that is new or restored gives numbers that are taken unless it sees what it has forgotten (PROTOCOL
§4.2). The relay serves a sender its own dispatches too, so it can hide some of them and show those after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from envoi_keys.errors import Fraud, PeerError, Refused

from .session import Session


@dataclass(frozen=True, slots=True)
class OwnFinding:
    """What is wrong, under which ``kind`` it is kept, and the log index ``after`` which numbers are missing."""

    error: PeerError
    kind: str
    after: int | None = None


def check_own(session: Session, note: bytes, series: int, numbers: Mapping[str, int], id_: str) -> list[OwnFinding]:
    """What is wrong with the ``numbers`` of an own dispatch, before they are added to what was sent.

    ``own-gap``: numbers before it, of the series in force, that this store does not know; nothing is to be signed
    until they are read. ``own-twice``: another logged dispatch has a number of it; the first one counts.
    """
    sent, found = session.store.numbers, list[OwnFinding]()
    for name, number in numbers.items():
        last, held = sent.last("sent", name, series).number, sent.at("sent", name, series, number)
        if held is not None and held.id != id_:
            other = [one.note for one in session.store.outbox.find(held.id) if one.note]
            fraud = Fraud(
                f"the relay logged two dispatches of this member numbered {number} to {name}",
                evidence=(*other, note),
                hint="it logged what it had refused, or somebody else has this member's signing key",
            )
            found.append(OwnFinding(fraud, "own-twice"))
        elif number > last + 1 and series == session.series:
            # A series that is over is not signed in any more: what is missing of it takes nobody's number.
            gap = Refused(
                f"dispatches {last + 1} to {number - 1} of this member to {name} are missing before {number}",
                reason="own-gap",
                hint="the relay withholds them from their own sender; nothing is signed until they are read",
            )
            found.append(OwnFinding(gap, "own-gap", _last_index(session, name, series, last)))
    return found


def _last_index(session: Session, name: str, series: int, last: int) -> int:
    """The log index of the dispatch that ends the sequence to ``name``; -1 if that is not known."""
    for entry in session.store.outbox.listing("accepted"):
        if (entry.series, entry.numbers.get(name)) == (series, last) and entry.index is not None:
            return entry.index
    return -1
