"""One good statement of each type, of a small exchange."""

from __future__ import annotations

from typing import Final

from envoi_keys.delegations import Delegation
from envoi_keys.dispatches import Sealed
from envoi_keys.enrolments import Enrolment
from envoi_keys.receipts import Direction, Receipt, extend_transcript

from ...exchange import EXPIRES, NOW, Exchange, log_signer, party

EXCHANGE: Final = Exchange.make(4)
DISPATCH, OPENINGS = EXCHANGE.dispatch(
    "FR", {"AU": 211, "DE": 198}, b"sealed", attachments=(Sealed("ab" * 32, 5), Sealed("cd" * 32, 2**33))
)
DISPATCH_TEXT: Final = DISPATCH.text()
DISPATCH_NOTE: Final = EXCHANGE.signed(DISPATCH)
RECEIPT: Final = Receipt(
    exchange=EXCHANGE.id,
    sender="AU",
    to="FR",
    received=Direction(1, 211, extend_transcript("00" * 32, "ab" * 32)),
    opened_through=209,
    could_not_open=(7, 205),
    sent=Direction(2, 0, "00" * 32),
    checkpoint=log_signer().sign(3, b"\x07" * 32, NOW),
    issued_at=NOW,
)
RECEIPT_TEXT: Final = RECEIPT.text()
ROSTER_TEXT: Final = EXCHANGE.roster.text()
DELEGATE: Final = party("FR/iem-1")
DELEGATION: Final = Delegation(
    exchange=EXCHANGE.id,
    authority="FR",
    delegate="FR/iem-1",
    signing=DELEGATE.signer.public,
    sealing=DELEGATE.sealing,
    transport=DELEGATE.transport_public,
    scope=("read", "meeting:IEM-2026"),
    until=EXPIRES,
    issued_at=NOW,
)
DELEGATION_TEXT: Final = DELEGATION.text()
ENROLMENT: Final = Enrolment(EXCHANGE.id, "IT", "Italy", party("IT").keys, NOW)
ENROLMENT_TEXT: Final = ENROLMENT.text()
