"""Every limit of a member's own side, in one place, with its unit.

Limits that both sides must share stand in :mod:`envoi_keys.limits`. A limit is checked before the work it
bounds: what a hostile relay sends is measured before it is held.
"""

from __future__ import annotations

from typing import Final

from envoi_keys.limits import KIB, MIB

# The vault
MAX_VAULT_BYTES: Final = 4 * MIB
"""A vault as it lies on disk."""
MAX_RETIRED_SEALING_KEYS: Final = 100
"""Old sealing keys that a vault keeps, so that its member can open its archive."""
MAX_PASSPHRASE_BYTES: Final = 1024
"""A passphrase in UTF-8."""

# The network: times in seconds
CONNECT_TIMEOUT: Final = 10.0
"""Until a connection stands, TLS included."""
ANSWER_TIMEOUT: Final = 30.0
"""Until the next piece of an answer, and the allowance of any answer before its size counts."""
SLOWEST_RATE: Final = 4 * KIB
"""Bytes a second below which a transfer counts as stalled; time-outs grow with the size by this rate."""
EVENT_TIMEOUT: Final = 90.0
"""Between two signs of life on the event stream."""
MAX_FEED_WAIT: Final = 60
"""The longest wait that the feed takes."""
TOKEN_MARGIN: Final = 30.0
"""A token is renewed this long before it ends."""
MAX_TOKEN_LIFE: Final = 3600
"""A token said to live longer is renewed after this time."""
ASSERTION_LIFE: Final = 55
"""Life of a client assertion; the relay takes at most 60."""
SKEW_WORTH_NAMING: Final = 20.0
"""A clock that differs from the relay's by more is named when a login is refused."""

# Trying again
MAX_TRIES: Final = 5
"""Times one request is sent, if it is safe to repeat."""
FIRST_BACKOFF: Final = 0.5
"""Upper bound of the wait before the first repetition, in seconds; it doubles with each failure."""
MAX_BACKOFF: Final = 30.0
"""Where the doubling ends: a partner must not be away for a week because of an hour's outage."""
MAX_RETRY_AFTER: Final = 120.0
"""The longest ``Retry-After`` we sit out inside one call, in seconds."""
MAX_REREAD_WAIT: Final = 3600
"""The longest time between two readings of the feed for what somebody claims and it does not show, in seconds."""

# Answers: bytes
MAX_PROBLEM_BYTES: Final = 1 * MIB
"""A problem document; ``number-taken`` carries a note and a proof."""
MAX_TOKEN_BYTES: Final = 16 * KIB
"""The answer of the token endpoint."""
MAX_PROOF_BYTES: Final = 1 * MIB
"""A tlog-proof with its checkpoint and all its cosignatures."""
MAX_CHECKPOINT_BYTES: Final = 4 * MIB
"""A checkpoint note with its cosignatures: 3.3 KB for each ML-DSA-44 cosigner."""
MAX_TILE_BYTES: Final = 64 * KIB
"""A tile of hashes (8 KiB) or a bundle of 256 entries."""
MAX_LISTING_BYTES: Final = 256 * MIB
"""All frames of one listing (receipts, delegations, enrolments), read one by one."""
MAX_HEALTH_BYTES: Final = 64 * KIB
"""The answer of ``/livez`` or ``/readyz``."""
MAX_EVENT_BYTES: Final = 8 * KIB
"""One line of the event stream."""
UPLOAD_PIECE: Final = 8 * MIB
"""One PATCH of a resumable upload, and the largest blob that is uploaded whole."""
COPY_PIECE: Final = 1 * MIB
"""What is read from or written to disk at once."""

# The store
MAX_OPEN_ALARMS: Final = 1000
"""Alarms of one kind that nobody has acknowledged; what comes after them is counted and not kept."""

# age files
SCRYPT_WORK_FACTOR: Final = 18
"""log2 of scrypt's N for a new vault or passphrase file: a second and 256 MiB, as the age tool.

The demo and the tests make theirs with 10.
"""
MAX_SCRYPT_WORK_FACTOR: Final = 22
"""log2 of the largest scrypt N we try for somebody else's file: 16 seconds and 4 GiB, as the age tool."""
MAX_BECH32_CHARS: Final = 8 * KIB
"""A recipient or identity as text; the longest native one has 1,959 characters."""
MAX_IDENTITY_FILE_BYTES: Final = 1 * MIB
"""A file of identities, comments included."""
MAX_ARMOR_WHITESPACE: Final = 1 * KIB
"""Bytes of white space before, and again after, an armored file."""

# Documents: characters, or entries of a list
MAX_NAME_CHARS: Final = 300
"""A party's or an authority's name."""
MAX_LINE_CHARS: Final = 200
"""A reference, a unit, a subject: anything of one line."""
MAX_ADDRESS_CHARS: Final = 1000
"""An address or the contact of an authority, over several lines."""
MAX_TEXT_CHARS: Final = 20_000
"""A description, a reason, remarks."""
MAX_NOTE_TEXT_CHARS: Final = 100_000
"""The text of a note; anything longer is an attachment."""
MAX_CONTROL_ENTRIES: Final = 64
"""Entries of the Annex that one notice names."""
MAX_PARTIES: Final = 100
"""Parties of one notice."""
MAX_ALIASES: Final = 100
"""Aliases of one party."""
MAX_IDENTIFIERS: Final = 50
"""Identifiers of one party."""
MAX_ITEMS: Final = 50
"""Items of one consultation or undercut notice."""
MAX_AGGREGATE_COUNT: Final = 1_000_000
"""Denials that one aggregate counts."""
MAX_FILE_NAME_BYTES: Final = 240
"""The name of an attachment, in UTF-8: what every file system takes, with room for ``.partial``."""
MAX_DRAFT_BYTES: Final = 4 * MIB
"""The file of a draft."""
