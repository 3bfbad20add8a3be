"""The header of an age v1 file (C2SP age.md, "Header"): its grammar, and no cryptography.

One header has one spelling: what :func:`parse` accepts, ``marshal`` writes back byte for byte, and
everything else is Malformed. Bytes are bounded before they are looked at. The relay counts stanzas with
this module; who can open them is the business of those who hold keys.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from .errors import Malformed
from .limits import MAX_AGE_HEADER_BYTES

VERSION_LINE: Final = b"age-encryption.org/v1\n"
MAC_BYTES: Final = 32
WRAPPED_FILE_KEY_BYTES: Final = 32
"""The body of every native stanza: a file key of 16 bytes and its tag."""
HYBRID: Final = "mlkem768x25519"
HYBRID_ENC_BYTES: Final = 1120

_COLUMNS: Final = 64
# "---" begins a line only at the end: a stanza's lines hold base64, or begin with "-> ".
_END_MARK: Final = b"\n---"
_VISIBLE: Final = bytes(range(0x21, 0x7F))  # VCHAR of RFC 5234
# 1,120 bytes are 373 groups of base64 and one byte, whose second character has four bits that must be zero.
_HYBRID_ENC: Final = re.compile("[A-Za-z0-9+/]{1493}[AQgw]")
_HYBRID_OPENING: Final = b"-> mlkem768x25519 "
_MAC_OPENING: Final = b"--- "
_CHARS_OF_32: Final = 43
_HYBRID_LINE_BYTES: Final = len(_HYBRID_OPENING) + 1494
_HYBRID_BYTES: Final = _HYBRID_LINE_BYTES + 1 + _CHARS_OF_32 + 1
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64: Final = b"->  \n\n"
_LAST_OF_1120: Final = b"AQgw"
_LAST_OF_32: Final = b"AEIMQUYcgkosw048"
_FIELD: Final = "age header"


@dataclass(frozen=True, slots=True)
class Stanza:
    """One recipient stanza: the file key, wrapped for one recipient, whose type is ``args[0]``."""

    args: tuple[str, ...]
    body: bytes

    def marshal(self) -> bytes:
        """The stanza's lines. Raises Malformed if an argument is not one or more visible ASCII characters."""
        arguments = [argument.encode("utf-8", "surrogatepass") for argument in self.args]
        if not arguments or not all(arguments) or b"".join(arguments).translate(None, _VISIBLE):
            raise Malformed("an argument is not made of visible ASCII characters", field=_FIELD)
        body = encode(self.body)
        lines = [body[start : start + _COLUMNS] for start in range(0, len(body), _COLUMNS)]
        if len(body) % _COLUMNS == 0:
            lines.append("")  # the last line is always a short one
        return b"-> " + b" ".join(arguments) + b"\n" + "\n".join(lines).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Header:
    """The stanzas of a file in their order, and the MAC over them, not yet checked."""

    stanzas: tuple[Stanza, ...]
    mac: bytes

    def marshal(self) -> bytes:
        """The header's bytes. Raises Malformed if there is no stanza, or the MAC is not of 32 bytes."""
        if not self.stanzas or len(self.mac) != MAC_BYTES:
            raise Malformed("needs a stanza and a MAC of 32 bytes", field=_FIELD)
        return authenticated(self.stanzas) + f" {encode(self.mac)}\n".encode()


def authenticated(stanzas: Iterable[Stanza]) -> bytes:
    """What the MAC is computed over: the header up to and including ``---`` (age.md, "Header MAC")."""
    return VERSION_LINE + b"".join(stanza.marshal() for stanza in stanzas) + b"---"


def encode(data: bytes) -> str:
    """Base64 as age writes it: the standard alphabet without padding."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").decode()


def decode(text: str | bytes, size: int | None = None) -> bytes:
    """The bytes of canonical unpadded base64, exactly ``size`` of them if given. Raises Malformed."""
    raw = text.encode("ascii", "replace") if isinstance(text, str) else text
    try:
        data = binascii.a2b_base64(raw + b"=" * (-len(raw) % 4))
    except binascii.Error:
        raise Malformed("is not base64", field=_FIELD) from None
    # The decoder skips what it does not know. Only writing the value again shows that this was its one
    # spelling: no padding, no stray character, no bits set beyond the last byte (RFC 4648 §3.5).
    if binascii.b2a_base64(data, newline=False).rstrip(b"=") != raw:
        raise Malformed("is not canonical base64 without padding", field=_FIELD)
    if size is not None and len(data) != size:
        raise Malformed(f"a value has {len(data)} bytes instead of {size}", field=_FIELD)
    return data


def find_end(raw: bytes) -> int | None:
    """Where the header ends that ``raw`` begins with, or None if more bytes are needed to say.

    Raises Malformed as soon as it is certain that no header can follow: another first line, or more than
    MAX_AGE_HEADER_BYTES.
    """
    if raw[: len(VERSION_LINE)] != VERSION_LINE[: len(raw)]:
        raise Malformed("does not begin with the line age-encryption.org/v1", field=_FIELD)
    mark = raw.find(_END_MARK, 0, MAX_AGE_HEADER_BYTES)
    newline = raw.find(b"\n", mark + 1, MAX_AGE_HEADER_BYTES) if mark >= 0 else -1
    if newline >= 0:
        return newline + 1
    if len(raw) >= MAX_AGE_HEADER_BYTES:
        raise Malformed(f"is longer than {MAX_AGE_HEADER_BYTES} bytes", field=_FIELD)
    return None


def parse(raw: bytes) -> tuple[Header, int]:
    """The header that ``raw`` begins with and its length; what follows is payload. Raises Malformed."""
    if not raw.startswith(VERSION_LINE):
        raise Malformed("does not begin with the line age-encryption.org/v1", field=_FIELD)
    stanzas: list[Stanza] = []
    lines = _lines(raw, len(VERSION_LINE))
    for line, end in lines:
        if line.startswith(b"---"):
            if not stanzas:
                raise Malformed("has no stanza", field=_FIELD)
            if line[3:4] != b" ":
                raise Malformed("the MAC does not follow '--- '", field=_FIELD)
            return Header(tuple(stanzas), decode(line[4:], MAC_BYTES)), end
        stanzas.append(_parse_stanza(line, lines))
    raise Malformed(f"has no MAC line within {MAX_AGE_HEADER_BYTES} bytes", field=_FIELD)


def _lines(raw: bytes, start: int) -> Iterator[tuple[bytes, int]]:
    """The whole lines from ``start``, each without its newline and with the position after it."""
    while (newline := raw.find(b"\n", start, MAX_AGE_HEADER_BYTES)) >= 0:
        yield raw[start:newline], newline + 1
        start = newline + 1


def _parse_stanza(opening: bytes, lines: Iterator[tuple[bytes, int]]) -> Stanza:
    """The stanza whose first line is ``opening``; takes its body from ``lines``."""
    rest = opening[3:]
    # Without the visible characters, only the single spaces between the arguments may be left.
    spaces = rest.translate(None, _VISIBLE)
    arguments = rest.split(b" ")
    if opening[:3] != b"-> " or len(spaces) != len(arguments) - 1 or b"" in arguments:
        raise Malformed("a stanza does not begin with '-> ' and its arguments", field=_FIELD)
    body: list[bytes] = []
    for line, _ in lines:
        body.append(line)
        if len(line) < _COLUMNS:
            # The full lines are whole groups of base64, so the body is decoded in one piece.
            return Stanza(tuple(rest.decode().split(" ")), decode(b"".join(body)))
        if len(line) > _COLUMNS:
            break
    raise Malformed(f"a stanza does not end with a line of less than {_COLUMNS} characters", field=_FIELD)


def is_hybrid(stanza: Stanza) -> bool:
    """Whether a stanza has the form of age.md, "mlkem768x25519 recipient stanza"."""
    return (
        len(stanza.args) == 2
        and stanza.args[0] == HYBRID
        and _HYBRID_ENC.fullmatch(stanza.args[1]) is not None
        and len(stanza.body) == WRAPPED_FILE_KEY_BYTES
    )


@dataclass(frozen=True, slots=True)
class HybridHeader:
    """A header of hybrid stanzas alone: how many (``count``), its ``mac``, and its ``length`` in bytes."""

    count: int
    mac: bytes
    length: int
    _stanzas: bytes = field(repr=False)

    def stanza(self, position: int) -> Stanza:
        """One of its stanzas, as :func:`parse` gives it."""
        start = position * _HYBRID_BYTES
        line = self._stanzas[start + len(_HYBRID_OPENING) : start + _HYBRID_BYTES - 1]
        share, _, wrapped = line.partition(b"\n")
        return Stanza((HYBRID, share.decode()), decode(wrapped))


def hybrid_header(raw: bytes) -> HybridHeader | None:
    """The header of the age file ``raw`` if all its stanzas are well-formed hybrid ones, else None.

    That is so exactly when :func:`parse` accepts it and :func:`is_hybrid` each of its stanzas; to learn what is wrong
    with another one, parse it. All hybrid stanzas are of one length, so the header is checked as a whole, in a sixth
    of the time: relay and reader do it for each dispatch.
    """
    start = end = len(VERSION_LINE)
    while raw.startswith(_HYBRID_OPENING, end):
        end += _HYBRID_BYTES
    length = end + len(_MAC_OPENING) + _CHARS_OF_32 + 1
    stanzas, mac = raw[start:end], raw[end:length]
    count = len(stanzas) // _HYBRID_BYTES
    if (
        not raw.startswith(VERSION_LINE)
        or not 0 < count * _HYBRID_BYTES == end - start
        or length > MAX_AGE_HEADER_BYTES
        or not mac.startswith(_MAC_OPENING)
        or not mac.endswith(b"\n")
        # Both newlines stand where they belong, and beside them and the opening there is nothing but base64,
        or stanzas[_HYBRID_LINE_BYTES::_HYBRID_BYTES] != b"\n" * count
        or stanzas[_HYBRID_BYTES - 1 :: _HYBRID_BYTES] != b"\n" * count
        or stanzas.translate(None, _BASE64) != _NOT_BASE64 * count
        # of which the last characters have no bits set beyond the last byte.
        or stanzas[_HYBRID_LINE_BYTES - 1 :: _HYBRID_BYTES].translate(None, _LAST_OF_1120)
        or stanzas[_HYBRID_BYTES - 2 :: _HYBRID_BYTES].translate(None, _LAST_OF_32)
    ):
        return None
    try:
        return HybridHeader(count, decode(mac[len(_MAC_OPENING) : -1], MAC_BYTES), length, stanzas)
    except Malformed:
        return None
