"""Every limit of the public formats, in one place, with its unit.

A limit is checked before the work it bounds. Both sides hold the same numbers, so what a client can make a
relay can take. A limit of one side alone stands in that side's own ``limits`` or settings.
"""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

MAX_INTEGER = 2**53 - 1
"""The largest integer in a statement: what every JSON implementation holds exactly."""
MAX_JSON_DEPTH = 16
"""Levels of nesting in a statement or body."""

MAX_NOTE_BYTES = 4 * MIB
"""Any signed note: text and signatures. A roster of 300 members under 200 signatures fits."""
MAX_DISPATCH_NOTE_BYTES = 256 * KIB
"""A dispatch's note: its header and two signatures."""
MAX_RECEIPT_NOTE_BYTES = 1 * MIB
"""A receipt's note; the list of what could not be opened is the part that grows."""
MAX_SIGNATURES = 512
"""Signature lines in one note: two for each of 256 signers."""
MAX_NAME_CHARS = 128
"""A key name, member id or group name."""

MAX_BODY_BYTES = 1 * MIB
"""A sealed body as it travels; anything larger is an attachment."""
MAX_RECIPIENTS = 512
"""Recipients of one dispatch."""
MAX_ATTACHMENTS = 64
"""Attachments of one dispatch."""
MAX_BLOB_BYTES = 8 * GIB
"""One attachment as it travels, sealed."""

MAX_AGE_HEADER_BYTES = 2 * MIB
"""The header of an age file; 512 hybrid stanzas take 800 KiB."""
MAX_MEMBERS = 512
"""Members and offices in one roster."""
MAX_OFFICERS = 32
"""Officers in one roster."""
MAX_KEYS_PER_KIND = 4
"""Sealing keys of one addressee: the present one and those being replaced."""
MAX_QUORUM_LINES = 64
"""Lines of a quorum policy."""
MAX_COULD_NOT_OPEN = 10_000
"""Numbers that one receipt lists as not opened."""
MAX_FRAME_BYTES = 16 * MIB
"""One frame of a framed stream."""
