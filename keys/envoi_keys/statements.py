"""What all statements have in common: one line of JSON, its type, its exchange, its id.

The bytes that were signed are kept and never written again: an id is the SHA-256 of those bytes, so two
spellings of one value are two statements (PROTOCOL §3). Names of members and of what belongs to them follow
one grammar.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from .encoding import Reader, parse_line
from .errors import Malformed, Refused

DISPATCH: Final = "envoi/dispatch/v1"
RECEIPT: Final = "envoi/receipt/v1"
ROSTER: Final = "envoi/roster/v1"
DELEGATION: Final = "envoi/delegation/v1"
ENROLMENT: Final = "envoi/enrolment/v1"
OFFICER: Final = "envoi/officer/v1"

PUBLIC_TYPES: Final = (ROSTER, DELEGATION)
"""Types of log entries that every reader must hold (PROTOCOL §7.3)."""

ADDRESSEE: Final = re.compile(r"[A-Z][A-Z0-9]{1,15}")
"""The id of a member (``FR``) or an office (``POC``)."""
SUB_ADDRESS: Final = re.compile(r"[A-Z][A-Z0-9]{1,15}/[a-z0-9][a-z0-9-]{0,31}")
"""What belongs to an addressee: an officer (``POC/anne``) or a delegate (``FR/iem-1``)."""


def statement_id(text: bytes) -> str:
    """The id of a statement: SHA-256 of its exact text, as 64 hexadecimal digits."""
    return hashlib.sha256(text).hexdigest()


def statement_type(text: bytes, max_bytes: int) -> str:
    """The ``type`` of a statement, whatever it is. Raises Malformed."""
    return Reader(parse_line(text, max_bytes=max_bytes)).text("type", max_chars=64)


def open_statement(text: bytes, expected: str, max_bytes: int) -> Reader:
    """A reader of the statement's fields after ``type``. Raises Malformed for any other type."""
    reader = Reader(parse_line(text, max_bytes=max_bytes))
    found = reader.text("type", max_chars=64)
    if found != expected:
        raise Malformed(f"{found!r} is not {expected}", field="type")
    return reader


def require_exchange(found: str, expected: str) -> None:
    """Nothing of a trial exchange means anything on the live one. Raises Refused ``other-exchange``."""
    if found != expected:
        raise Refused(
            f"the statement belongs to exchange {found[:16] or '(none)'}, not to {expected[:16]}",
            reason="other-exchange",
        )
