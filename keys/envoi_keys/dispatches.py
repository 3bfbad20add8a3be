"""The dispatch: a signed header that says who sends what sealed body to whom, and numbers it for each of
them.

The number for a recipient is hidden in a commitment; its opening goes to the relay and to that recipient
alone, so that others cannot count a bilateral exchange (PROTOCOL §4). Recipients stand sorted, which is
also the order of the stanzas in the body.
"""

from __future__ import annotations

import hashlib
import re
from binascii import a2b_base64
from dataclasses import dataclass
from typing import Any

from .encoding import Reader, b64, dump_line, format_time, unb64
from .errors import Malformed, Unverified
from .limits import (
    MAX_ATTACHMENTS,
    MAX_BLOB_BYTES,
    MAX_BODY_BYTES,
    MAX_DISPATCH_NOTE_BYTES,
    MAX_INTEGER,
    MAX_RECIPIENTS,
)
from .statements import ADDRESSEE, DISPATCH, open_statement

OPENING_BYTES = 40
# 32 bytes in canonical base64: the last character before the padding has two bits that must be zero.
_COMMITMENT = re.compile("[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=")


@dataclass(frozen=True, slots=True)
class Opening:
    """What a commitment hides: ``nonce`` (32 random bytes) and ``number`` (1 for the first dispatch)."""

    nonce: bytes
    number: int

    def commitment(self) -> bytes:
        """SHA-256(nonce || number as 8 bytes, big-endian)."""
        return hashlib.sha256(self.to_bytes()).digest()

    def to_bytes(self) -> bytes:
        """The 40 bytes that travel: nonce, then number."""
        return self.nonce + self.number.to_bytes(8, "big")

    @classmethod
    def from_bytes(cls, raw: bytes) -> Opening:
        """Raises Malformed for other than 40 bytes or a number outside 1 to 2^53-1."""
        if len(raw) != OPENING_BYTES:
            raise Malformed(f"an opening has {len(raw)} bytes instead of {OPENING_BYTES}", field="opening")
        number = int.from_bytes(raw[32:], "big")
        if not 1 <= number <= MAX_INTEGER:
            raise Malformed(f"{number} is no number of a dispatch", field="opening")
        return cls(raw[:32], number)

    @classmethod
    def split(cls, raw: bytes, count: int) -> tuple[Opening, ...]:
        """The openings of ``count`` recipients as they travel, one after the other. Raises Malformed."""
        if len(raw) != count * OPENING_BYTES:
            raise Malformed(f"{len(raw)} bytes are not {count} openings", field="openings")
        return tuple(cls.from_bytes(raw[at : at + OPENING_BYTES]) for at in range(0, len(raw), OPENING_BYTES))


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed file as it travels: ``sha256`` (hexadecimal) and ``size`` (bytes)."""

    sha256: str
    size: int

    def to_json(self) -> dict[str, Any]:
        """The object as it stands in a header."""
        return {"sha256": self.sha256, "size": self.size}

    @classmethod
    def read(cls, reader: Reader, max_bytes: int) -> Sealed:
        """The object that ``reader`` holds. Raises Malformed."""
        sealed = cls(reader.hex32("sha256"), reader.integer("size", 1, max_bytes))
        reader.done()
        return sealed

    def check(self, data: bytes) -> None:
        """Raises Unverified unless ``data`` has this size and hash."""
        if len(data) != self.size or hashlib.sha256(data).hexdigest() != self.sha256:
            raise Unverified("the sealed bytes are not those that the header names")


@dataclass(frozen=True, slots=True)
class Dispatch:
    """The header of a dispatch (PROTOCOL §4).

    ``to`` holds (recipient, commitment) pairs sorted by recipient; ``roster`` is the version it was sealed
    under; ``series`` is the sender's numbering series as that roster gives it; ``sent_at`` is in seconds
    since the epoch and informs only; ``exercise`` marks a drill.
    """

    exchange: str
    sender: str
    to: tuple[tuple[str, bytes], ...]
    roster: int
    series: int
    sent_at: int
    body: Sealed
    attachments: tuple[Sealed, ...]
    exercise: bool

    @property
    def recipients(self) -> tuple[str, ...]:
        """The recipients' names, sorted."""
        return tuple(name for name, _ in self.to)

    def text(self) -> bytes:
        """The exact bytes to sign."""
        return dump_line(
            {
                "type": DISPATCH,
                "exchange": self.exchange,
                "from": self.sender,
                "to": {name: b64(commitment) for name, commitment in self.to},
                "roster": self.roster,
                "series": self.series,
                "sent_at": format_time(self.sent_at),
                "body": self.body.to_json(),
                "attachments": [attachment.to_json() for attachment in self.attachments],
                "exercise": self.exercise,
            }
        )

    @classmethod
    def parse(cls, text: bytes) -> Dispatch:
        """The dispatch that ``text`` states. Raises Malformed."""
        reader = open_statement(text, DISPATCH, MAX_DISPATCH_NOTE_BYTES)
        exchange = reader.hex32("exchange")
        sender = reader.text("from", ADDRESSEE)
        commitments = reader.mapping("to", at_least=1, at_most=MAX_RECIPIENTS)
        to = tuple((name, _commitment(name, value)) for name, value in commitments.items())
        if list(commitments) != sorted(commitments):
            raise Malformed("recipients are not sorted", field="to")
        if sender in commitments:
            raise Malformed("a dispatch is not addressed to its own sender", field="to")
        dispatch = cls(
            exchange=exchange,
            sender=sender,
            to=to,
            roster=reader.integer("roster", 1),
            series=reader.integer("series", 1),
            sent_at=reader.time("sent_at"),
            body=Sealed.read(reader.reader("body"), MAX_BODY_BYTES),
            attachments=tuple(
                Sealed.read(item, MAX_BLOB_BYTES) for item in reader.readers("attachments", at_most=MAX_ATTACHMENTS)
            ),
            exercise=reader.flag("exercise"),
        )
        reader.done()
        return dispatch

    def opened(self, recipient: str, opening: Opening) -> int:
        """The number for ``recipient``. Raises Unverified if ``opening`` does not open its commitment."""
        for name, commitment in self.to:
            if name == recipient:
                if opening.commitment() != commitment:
                    raise Unverified(f"the opening does not fit the commitment for {recipient}")
                return opening.number
        raise Unverified(f"the dispatch is not addressed to {recipient}")


def _commitment(name: str, value: object) -> bytes:
    # There are 37 in most headers, and nearly all are good: the field is named only where one is not.
    if isinstance(value, str) and _COMMITMENT.fullmatch(value) and ADDRESSEE.fullmatch(name):
        return a2b_base64(value)
    field = f"to.{name[:16]}"
    if not ADDRESSEE.fullmatch(name):
        raise Malformed("is not the id of a member or office", field=field)
    if not isinstance(value, str):
        raise Malformed("is not a string", field=field)
    return unb64(value, field, 32)
