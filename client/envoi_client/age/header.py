"""Wrapping a file key for recipients, and finding it again (age.md, "Header").

Nothing of a file is released before the header's MAC has held under its file key: the MAC is what makes all
stanzas of one file hand out the same key.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Final

from envoi_keys.age_header import HYBRID, Header, authenticated, encode, find_end, hybrid_header, parse
from envoi_keys.errors import LocalError, Malformed
from envoi_keys.limits import MAX_AGE_HEADER_BYTES

from .errors import HeaderForged, NoMatch
from .identities import Identity
from .pipes import Source
from .primitives import FILE_KEY_BYTES, header_mac
from .recipients import SCRYPT, Recipient, check_together

_MAC_LINE_BYTES: Final = 45
"""A space, 43 characters of base64, a newline."""
_FIRST_READ: Final = 64 * 1024


def seal_header(file_key: bytes, recipients: Sequence[Recipient]) -> bytes:
    """The header that hands ``file_key`` to each of ``recipients``, one stanza each, in their order.

    Raises LocalError for no recipient, a mixture that age forbids, or more than a header holds.
    """
    check_together(recipients)
    unfinished = authenticated([recipient.wrap(file_key) for recipient in recipients])
    raw = unfinished + f" {encode(header_mac(file_key, unfinished))}\n".encode()
    if len(raw) > MAX_AGE_HEADER_BYTES:
        raise LocalError(f"{len(recipients)} recipients do not fit into one header")
    return raw


def read_header(source: Source) -> tuple[Header, bytes]:
    """The header at the front of ``source`` and its bytes; the source then stands at the payload.

    Reads at most MAX_AGE_HEADER_BYTES. Raises Malformed, or LocalError if reading fails.
    """
    size = _FIRST_READ
    while True:
        ahead = source.peek(size)
        end = find_end(ahead)
        if end is not None or len(ahead) < size:
            break
        # Doubling keeps the searching linear in what is read.
        size = min(2 * size, MAX_AGE_HEADER_BYTES)
    header, length = parse(ahead)
    return header, source.take(length)


def find_file_key(header: Header, raw: bytes, identities: Sequence[Identity]) -> bytes:
    """The file key that one of ``identities`` finds in the header, whose bytes are ``raw``.

    Raises NoMatch, HeaderForged, Malformed for a stanza that breaks the form of its type, or LocalError.
    """
    if len(header.stanzas) > 1 and any(stanza.args[0] == SCRYPT for stanza in header.stanzas):
        # Refused whoever asks, not only for a passphrase: such a file is never right (age.md, "scrypt").
        raise Malformed("a passphrase stanza is not the only one", field="age header")
    for identity in identities:
        for stanza in header.stanzas:
            file_key = identity.unwrap(stanza)
            if file_key is not None:
                check_mac(header.mac, raw, file_key)
                return file_key
    kinds = sorted({stanza.args[0][:32] for stanza in header.stanzas})
    raise NoMatch(f"no identity matched; the file is for {len(header.stanzas)} recipients ({', '.join(kinds[:8])})")


def find_file_key_at(sealed: bytes, identity: Identity, position: int, stanzas: int) -> tuple[bytes, int]:
    """The file key from the stanza at ``position`` alone, and the length of the header, which is authentic.

    The file ``sealed`` must have exactly ``stanzas`` stanzas, all hybrid. Raises Malformed if it is of another shape,
    NoMatch if the stanza does not open, HeaderForged.
    """
    # Nearly every body is of the first kind; any other is parsed, which says what is wrong with it.
    whole = hybrid_header(sealed)
    if whole is not None and whole.count == stanzas:
        stanza, mac, length = whole.stanza(position), whole.mac, whole.length
    else:
        header, length = parse(sealed)
        if len(header.stanzas) != stanzas:
            raise Malformed(f"has {len(header.stanzas)} stanzas instead of {stanzas}", field="age header")
        # The form of somebody else's stanza is his to judge; that none is of a weaker type concerns everybody.
        if any(one.args[0] != HYBRID for one in header.stanzas):
            raise Malformed("has a stanza that is not for a hybrid recipient", field="age header")
        stanza, mac = header.stanzas[position], header.mac
    file_key = identity.unwrap(stanza)
    if file_key is None:
        raise NoMatch(f"the stanza at position {position} does not open under this identity")
    check_mac(mac, sealed[:length], file_key)
    return file_key, length


def check_mac(mac: bytes, raw: bytes, file_key: bytes) -> None:
    """Refuse a header ``raw`` whose ``mac`` does not hold under ``file_key``. Raises HeaderForged, or Malformed.

    The MAC is taken over the bytes as they came, not as we would write them.
    """
    if len(file_key) != FILE_KEY_BYTES:
        raise Malformed(f"a file key has {len(file_key)} bytes instead of {FILE_KEY_BYTES}", field="file key")
    if not hmac.compare_digest(header_mac(file_key, raw[:-_MAC_LINE_BYTES]), mac):
        raise HeaderForged("the header's MAC does not hold under its file key")
