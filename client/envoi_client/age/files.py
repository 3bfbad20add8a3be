"""Whole age files: sealing and opening, as streams and in memory (age.md, "Encrypted file format").

The streams take any size in constant memory. What is opened from a stream is written as it verifies, so a
caller who writes a file gives it its name only when :func:`decrypt` has returned: that is what
:func:`envoi_client.files.whole_file` is for. In memory it is all or nothing, and binary: armor is for
streams.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import BinaryIO

from envoi_keys.age_header import parse
from envoi_keys.errors import Malformed

from .armor import ArmorReader, ArmorWriter, is_armored
from .header import check_mac, find_file_key, find_file_key_at, read_header, seal_header
from .identities import HybridIdentity, Identity
from .pipes import Sink, Source
from .primitives import FILE_KEY_BYTES, NONCE_BYTES, payload_key
from .recipients import HybridRecipient, Recipient
from .stream import open_bytes, open_stream, seal_bytes, seal_stream


def encrypt(src: BinaryIO, dst: BinaryIO, recipients: Sequence[Recipient], *, armor: bool = False) -> None:
    """Seal ``src``, read to its end, to ``recipients``, into ``dst``; neither is closed.

    Raises LocalError for recipients that do not go together, or if reading or writing fails.
    """
    file_key, nonce = secrets.token_bytes(FILE_KEY_BYTES), secrets.token_bytes(NONCE_BYTES)
    # Nothing is written before the recipients have been found good.
    front = seal_header(file_key, recipients) + nonce
    outer = Sink(dst)
    armored = ArmorWriter(outer) if armor else None
    sink = Sink(armored) if armored else outer
    sink.write(front)
    seal_stream(payload_key(file_key, nonce), Source(src), sink)
    if armored:
        armored.finish()


def decrypt(src: BinaryIO, dst: BinaryIO, identities: Sequence[Identity], *, armor: bool | None = None) -> None:
    """Open ``src``, read to its end, with the first identity that fits, into ``dst``; neither is closed.

    ``armor`` says whether the file is armored; None finds out. Raises Malformed, NoMatch, HeaderForged
    (nothing has been written), PayloadDamaged (what has been written is genuine but not all), or
    LocalError.
    """
    source = Source(src)
    if armor if armor is not None else is_armored(source):
        source = Source(ArmorReader(source))
    header, raw = read_header(source)
    file_key = find_file_key(header, raw, identities)
    nonce = source.take(NONCE_BYTES)
    open_stream(payload_key(file_key, _checked(nonce)), source, Sink(dst))


def seal(plain: bytes, recipients: Sequence[Recipient]) -> bytes:
    """``plain`` in an age file. Raises LocalError for recipients that do not go together."""
    return _seal(plain, recipients, secrets.token_bytes(FILE_KEY_BYTES))


def unseal(sealed: bytes, identities: Sequence[Identity]) -> bytes:
    """What ``sealed`` holds. Raises Malformed, NoMatch, HeaderForged, PayloadDamaged or LocalError."""
    header, length = parse(sealed)
    return _open(sealed, length, find_file_key(header, sealed[:length], identities))


def seal_hybrid(plain: bytes, recipients: Sequence[HybridRecipient]) -> tuple[bytes, bytes]:
    """``plain`` in an age file with one stanza for each of ``recipients``, in their order; and its file key.

    This is how a dispatch's body is sealed (PROTOCOL §4.3). The file key opens this one file: whoever may read
    it can be given the key, and MAC and hash prove it right. Raises LocalError if there is no recipient.
    """
    file_key = secrets.token_bytes(FILE_KEY_BYTES)
    return _seal(plain, recipients, file_key), file_key


def unseal_at(sealed: bytes, identity: HybridIdentity, position: int, *, stanzas: int) -> tuple[bytes, bytes]:
    """What ``sealed`` holds, opened with the stanza at ``position`` alone; and its file key.

    The file must have exactly ``stanzas`` stanzas, all hybrid: other positions belong to other recipients,
    and a sender that leaves one out is found by all. Raises Malformed, NoMatch for a stanza that does not
    open, HeaderForged or PayloadDamaged.
    """
    file_key, length = find_file_key_at(sealed, identity, position, stanzas)
    return _open(sealed, length, file_key), file_key


def unseal_with_key(sealed: bytes, file_key: bytes) -> bytes:
    """What ``sealed`` holds, opened with a file key that another recipient handed over.

    Raises Malformed, HeaderForged if the key is not this file's, or PayloadDamaged.
    """
    header, length = parse(sealed)
    check_mac(header.mac, sealed[:length], file_key)
    return _open(sealed, length, file_key)


def _seal(plain: bytes, recipients: Sequence[Recipient], file_key: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return seal_header(file_key, recipients) + nonce + seal_bytes(payload_key(file_key, nonce), plain)


def _open(sealed: bytes, length: int, file_key: bytes) -> bytes:
    payload = memoryview(sealed)[length:]
    nonce = bytes(payload[:NONCE_BYTES])
    return open_bytes(payload_key(file_key, _checked(nonce)), payload[NONCE_BYTES:])


def _checked(nonce: bytes) -> bytes:
    if len(nonce) != NONCE_BYTES:
        # The nonce counts as part of the header, as in the vectors of age.
        raise Malformed("the file ends before the payload's nonce", field="age header")
    return nonce
