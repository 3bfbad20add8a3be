"""What receipts claim and the feed does not bear out: remembered, so that it costs little and does not last for ever.

A claim that this member has sent more than its store knows stops its numbers, until a receipt of the same peer over
a larger log says less: whoever once had that peer's key could say anything. Either kind of claim has the feed
read again, at once and then more and more seldom while nothing comes of it.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from envoi_keys.errors import Refused

from ..limits import MAX_REREAD_WAIT
from .session import Session


class _Unread(NamedTuple):
    """Our last number that a peer has acknowledged, and the size of the log in whose sight it did."""

    through: int
    size: int


_NOTHING: Final = _Unread(0, 0)


def acknowledged(session: Session, peer: str, series: int, through: int, size: int, known: int) -> None:
    """A receipt of ``peer`` over ``size`` entries acknowledges our numbers ``through`` which; we know of ``known``.

    Kept where it is more than we know of. What a receipt over a larger log says takes its place, less or more.
    """
    held = _unread(session, peer, series)
    new = _Unread(through, size)
    if (held != _NOTHING or through > known) and (new.size, new.through) > (held.size, held.through):
        session.store.log.set_value(_name(peer, series), b"%d %d" % new)


def refuse_unread(session: Session, peer: str) -> None:
    """Raises Refused if ``peer`` has acknowledged numbers that this store has not signed.

    An old copy of a store must not sign a number twice because the relay hides from it what it sent (PROTOCOL §4.2).
    """
    through = _unread(session, peer, session.series).through
    if through >= session.store.numbers.next_to_sign(peer, session.series):
        raise Refused(
            f"{peer} has acknowledged dispatch {through} of this member, which this store does not have",
            reason="own-unread",
            hint=f"run: envoi sync; if it stays so, ask {peer} and tell the Point of Contact; or leave {peer} out",
        )


def read_again(
    session: Session, peer: str, way: Literal["sent", "received"], claim: tuple[int, int, int], after: int
) -> None:
    """Have the feed read again from ``after`` for a ``claim`` (series, number claimed, number known) of ``peer``.

    At once, and then when as much time has passed as between the first and the last time, at most
    :data:`MAX_REREAD_WAIT`: a false claim must not make every sync fetch everything again.
    """
    name, said = f"asked/{peer}/{way}", "/".join(map(str, claim))
    now = session.clock()
    first = now
    held = (session.store.log.value(name) or b"").decode().split()
    if held[:1] == [said]:
        first, last = map(int, held[1:])
        # A clock that was set back must not put it off: then it is asked at once.
        if 0 <= now - last < min(last - first, MAX_REREAD_WAIT):
            return
    session.read_again(after)
    session.store.log.set_value(name, f"{said} {min(first, now)} {now}".encode())


def _unread(session: Session, peer: str, series: int) -> _Unread:
    held = (session.store.log.value(_name(peer, series)) or b"").split()
    return _Unread(*map(int, held)) if held else _NOTHING


def _name(peer: str, series: int) -> str:
    return f"unread/{peer}/{series}"
