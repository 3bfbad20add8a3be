"""Publishing many notices at once: all of them are signed and stored, or none is; then they are sent.

What is stored is sent by the next sync if this run does not get to it, so from here on nothing is lost and nothing is
sent twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from envoi_client.body import Body
from envoi_client.node.outgoing import Published, overtaken, send
from envoi_client.node.publish import check_recipients, default_recipients, draft_of, prepare
from envoi_client.node.session import Session
from envoi_client.transport import RelayRefused
from envoi_keys.encoding import dump_line

from ..register import Notice


def waiting(session: Session) -> dict[str, Any]:
    """The contents of own documents that are signed, or will be anew, and not yet logged, by regime reference."""
    found: dict[str, Any] = {}
    for entry in (*session.store.outbox.listing("signed"), *overtaken(session)):
        content = draft_of(entry).get("content", {})
        if "regime_reference" in content:
            found[content["regime_reference"]] = content
    return found


def sign_all(session: Session, notices: Sequence[Notice], to: Sequence[str] = ()) -> list[int]:
    """Seal, sign and store every notice, all of them or none; their keys in the outbox.

    Raises LocalError and Refused like :func:`envoi_client.node.publish.prepare`.
    """
    keys: list[int] = []
    with session.store.transaction():
        for done, notice in enumerate(notices, 1):
            body = Body(notice.type, notice.to_content(), ())
            recipients = to or default_recipients(session, notice.type)
            keys.append(prepare(session, body, recipients, exercise=notice.exercise))
            session.progress("signing notices", done, len(notices), "notices")
    return keys


def send_all(session: Session, keys: Sequence[int]) -> list[Published]:
    """Send what :func:`sign_all` has stored, in its order. Raises like :func:`envoi_client.node.outgoing.send`."""
    for entry in session.store.outbox.listing("signed"):
        # What waits has the numbers before ours. What the relay will not take of it is for the next sync to sort out.
        if keys and entry.key < keys[0]:
            with suppress(RelayRefused):
                send(session, entry.key)
    sent: list[Published] = []
    for done, key in enumerate(keys, 1):
        sent.append(send(session, key))
        session.progress("sending notices", done, len(keys), "notices")
    return sent


@dataclass(frozen=True, slots=True)
class Outlook:
    """What :func:`sign_all` would do: for each recipient the first and the last number, and the bytes in all."""

    recipients: dict[str, tuple[int, int]]
    size: int


def outlook(session: Session, notices: Sequence[Notice], to: Sequence[str] = ()) -> Outlook:
    """What would be sent, without writing or sealing anything. Raises Refused for who cannot be sent to."""
    counts: Counter[str] = Counter()
    size = 0
    for notice in notices:
        counts.update(check_recipients(session, to or default_recipients(session, notice.type)))
        size += len(dump_line(notice.to_content()))
    numbers = {}
    for name in sorted(counts):
        first = session.store.numbers.next_to_sign(name, session.series)
        numbers[name] = (first, first + counts[name] - 1)
    return Outlook(numbers, size)
