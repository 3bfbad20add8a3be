"""What a log entry is: the type of a statement and the SHA-256 of the whole note, signatures included.

The hash covers the note as it was accepted, so an entry proves which bytes were logged and not only which
text. The type stands in the clear so that a reader finds every roster and delegation without holding the
other notes.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from .errors import Malformed

_ENTRY: Final = re.compile(rb"(envoi/[a-z]+(?:-[a-z]+)*/v[1-9][0-9]*) ([0-9a-f]{64})\n")
_MAX_ENTRY_BYTES: Final = 128


def log_entry(statement_type: str, note: bytes) -> bytes:
    """The entry of a ``note`` whose statement is of this type. A type out of form raises ValueError."""
    entry = f"{statement_type} {sha256(note).hexdigest()}\n".encode()
    if len(entry) > _MAX_ENTRY_BYTES or not _ENTRY.fullmatch(entry):
        raise ValueError(f"{statement_type!r} is not the type of a statement")
    return entry


def parse_entry(raw: bytes) -> tuple[str, str]:
    """The type and the SHA-256 of the note, in hexadecimal. Raises Malformed."""
    match = _ENTRY.fullmatch(raw) if len(raw) <= _MAX_ENTRY_BYTES else None
    if not match:
        raise Malformed("is not 'type sha256' and a newline", field="entry")
    return match[1].decode(), match[2].decode()
