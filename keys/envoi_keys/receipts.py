"""The receipt: what one member holds of another's dispatches, and what it has sent the other, cumulative.

It acknowledges and is a heartbeat at once: ``sent_through`` lets the other see a gap, ``transcript`` lets
both see that they hold the same dispatches, and ``checkpoint`` shows each the log that the other sees
(PROTOCOL §5).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from .checkpoints import parse_checkpoint
from .encoding import b64, dump_line, format_time
from .errors import Malformed
from .limits import MAX_COULD_NOT_OPEN, MAX_RECEIPT_NOTE_BYTES
from .notes import Note
from .statements import ADDRESSEE, RECEIPT, open_statement

EMPTY_TRANSCRIPT: Final = bytes(32).hex()
_MAX_CHECKPOINT_CHARS: Final = 64 * 1024


def extend_transcript(transcript: str, dispatch_id: str) -> str:
    """The transcript after one more dispatch.

    SHA-256(transcript || id), all three as 32 bytes in hexadecimal.
    """
    return hashlib.sha256(bytes.fromhex(transcript) + bytes.fromhex(dispatch_id)).hexdigest()


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction of a pair.

    The sender's ``series``, numbers ``through`` which, and the ``transcript`` of them.
    """

    series: int
    through: int
    transcript: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt of ``sender`` for ``to`` (PROTOCOL §5).

    ``received`` is what ``sender`` holds of the dispatches of ``to``; ``sent`` is what it has sent to
    ``to``. Everything through ``opened_through`` was opened, or stands in ``could_not_open``.
    ``checkpoint`` is the log's signed note that the signer last verified. ``issued_at`` is in seconds since
    the epoch and informs only.
    """

    exchange: str
    sender: str
    to: str
    received: Direction
    opened_through: int
    could_not_open: tuple[int, ...]
    sent: Direction
    checkpoint: bytes
    issued_at: int

    def text(self) -> bytes:
        """The exact bytes to sign."""
        return dump_line(
            {
                "type": RECEIPT,
                "exchange": self.exchange,
                "from": self.sender,
                "to": self.to,
                "series": {"received": self.received.series, "sent": self.sent.series},
                "received_through": self.received.through,
                "opened_through": self.opened_through,
                "could_not_open": list(self.could_not_open),
                "sent_through": self.sent.through,
                "transcript": {"received": self.received.transcript, "sent": self.sent.transcript},
                "checkpoint": b64(self.checkpoint),
                "issued_at": format_time(self.issued_at),
            }
        )

    @classmethod
    def parse(cls, text: bytes) -> Receipt:
        """The receipt that ``text`` states. Raises Malformed."""
        reader = open_statement(text, RECEIPT, MAX_RECEIPT_NOTE_BYTES)
        exchange = reader.hex32("exchange")
        sender = reader.text("from", ADDRESSEE)
        to = reader.text("to", ADDRESSEE)
        if sender == to:
            raise Malformed("a receipt is not for its own signer", field="to")
        series = reader.reader("series")
        transcript = reader.reader("transcript")
        received = Direction(
            series.integer("received", 1), reader.integer("received_through"), transcript.hex32("received")
        )
        sent = Direction(series.integer("sent", 1), reader.integer("sent_through"), transcript.hex32("sent"))
        series.done()
        transcript.done()
        receipt = cls(
            exchange=exchange,
            sender=sender,
            to=to,
            received=received,
            opened_through=reader.integer("opened_through", 0, received.through),
            could_not_open=_numbers(reader.listing("could_not_open", at_most=MAX_COULD_NOT_OPEN), received.through),
            sent=sent,
            checkpoint=reader.base64("checkpoint", max_chars=_MAX_CHECKPOINT_CHARS),
            issued_at=reader.time("issued_at"),
        )
        reader.done()
        for direction, field in ((received, "received"), (sent, "sent")):
            if (direction.through == 0) != (direction.transcript == EMPTY_TRANSCRIPT):
                raise Malformed("does not fit a transcript of nothing", field=f"transcript.{field}")
        return receipt


@dataclass(frozen=True, slots=True)
class Progress:
    """What a receipt says, as far as it can only grow: (series, through) in each direction, and the size of the log
    that its signer had verified.

    Series stand before numbers: in a series that a roster has raised, the numbers begin anew.
    """

    received: tuple[int, int]
    sent: tuple[int, int]
    log: int

    @classmethod
    def of(cls, receipt: Receipt) -> Progress:
        """That of a receipt. Raises Malformed if its checkpoint is none."""
        return cls(
            (receipt.received.series, receipt.received.through),
            (receipt.sent.series, receipt.sent.through),
            parse_checkpoint(receipt.checkpoint)[0].size,
        )

    @classmethod
    def of_note(cls, note: bytes) -> Progress:
        """That of a receipt as it was signed. Raises Malformed."""
        return cls.of(Receipt.parse(Note.parse(note).text))


def _numbers(items: list[object], through: int) -> tuple[int, ...]:
    numbers: list[int] = []
    for position, item in enumerate(items):
        field = f"could_not_open[{position}]"
        if not isinstance(item, int) or isinstance(item, bool) or not 1 <= item <= through:
            raise Malformed("is not a number that was received", field=field)
        if numbers and item <= numbers[-1]:
            raise Malformed("is not above the number before it", field=field)
        numbers.append(item)
    return tuple(numbers)
