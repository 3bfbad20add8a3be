"""ASCII armor: an age file as text (age.md, "ASCII armor"; RFC 7468 §3, the strict form).

Lines of 64 columns, a last one of 1 to 64, canonical padded base64, the exact marker lines. LF and CRLF end
a line; white space is let pass before and after the block, within a limit; nothing else is. What breaks
this is Malformed with the field ``armor``.
"""

from __future__ import annotations

import binascii
from typing import Final

from envoi_client.limits import MAX_ARMOR_WHITESPACE
from envoi_keys.errors import Malformed

from .pipes import PIECE, Sink, Source

BEGIN: Final = b"-----BEGIN AGE ENCRYPTED FILE-----"
END: Final = b"-----END AGE ENCRYPTED FILE-----"

_COLUMNS: Final = 64
_LINE_BYTES: Final = _COLUMNS // 4 * 3
_SPACE: Final = b" \t\r\n\v\f"
_FIELD: Final = "armor"


def is_armored(source: Source) -> bool:
    """Whether ``source`` is to be read as armor: after white space it begins like any PEM block."""
    front = source.peek(MAX_ARMOR_WHITESPACE + len(BEGIN))
    return front.lstrip(_SPACE).startswith(b"-----BEGIN")


class ArmorReader:
    """The bytes inside an armored block, as a file to read."""

    __slots__ = ("_ended", "_pending", "_source", "_started", "_text")

    def __init__(self, source: Source) -> None:
        self._source = source
        self._started = False
        self._ended = False
        self._pending = b""  # decoded, not yet handed out
        self._text = b""  # read, not yet decoded

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, none only at the end. Raises Malformed, or LocalError if reading fails."""
        if not self._started:
            self._start()
        while not self._pending and not self._ended:
            self._decode_more()
        piece, self._pending = self._pending[:size], self._pending[size:]
        return piece

    def _start(self) -> None:
        front = self._source.peek(MAX_ARMOR_WHITESPACE + len(BEGIN) + 2)
        block = front.lstrip(_SPACE)
        blank = len(front) - len(block)
        if blank > MAX_ARMOR_WHITESPACE:
            raise Malformed("too much white space before the first line", field=_FIELD)
        line, newline, _ = block.partition(b"\n")
        # White space before the block is whole lines: what stands on the marker's own line is part of it.
        indented = blank > 0 and front[blank - 1 : blank] != b"\n"
        if indented or not newline or line.removesuffix(b"\r") != BEGIN:
            raise Malformed(f"the first line is not {BEGIN.decode()}", field=_FIELD)
        self._source.take(blank + len(line) + 1)
        self._started = True

    def _decode_more(self) -> None:
        """Decode the next whole lines, but for the last one: it may be short only if the end line follows."""
        piece = self._source.take(PIECE)
        text = self._text + piece
        marker = text.find(b"-")  # not of the base64 alphabet, so what stands here must be the end line
        if marker >= 0:
            self._pending = _decode_lines(text[:marker], last=True)
            self._check_end(text[marker:])
        elif len(piece) < PIECE:
            raise Malformed("ends before its last line", field=_FIELD)
        else:
            cut = text.rfind(b"\n", 0, text.rfind(b"\n")) + 1
            if len(text) - cut > PIECE:
                raise Malformed(f"a line is longer than {_COLUMNS} columns", field=_FIELD)
            self._pending = _decode_lines(text[:cut], last=False)
            self._text = text[cut:]

    def _check_end(self, text: bytes) -> None:
        """Check the end line and the white space after it, up to the end of the source."""
        text += self._source.take(len(END) + 2 + MAX_ARMOR_WHITESPACE)
        line, _, after = text.partition(b"\n")
        if line.removesuffix(b"\r") != END:
            raise Malformed(f"the last line is not {END.decode()}", field=_FIELD)
        if len(after) > MAX_ARMOR_WHITESPACE or after.strip(_SPACE):
            raise Malformed("something follows the last line", field=_FIELD)
        self._ended = True


class ArmorWriter:
    """Writes an armored block of what is written to it; :meth:`finish` closes the block, not the sink."""

    __slots__ = ("_left", "_sink")

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._left = b""  # less than a line
        sink.write(BEGIN + b"\n")

    def write(self, data: memoryview, /) -> int:
        """Take all of ``data``. Raises LocalError if writing fails."""
        whole = self._left + data
        cut = len(whole) - len(whole) % _LINE_BYTES
        self._left = whole[cut:]
        self._sink.write(_encode_lines(whole[:cut]))
        return len(data)

    def finish(self) -> None:
        """Write what is left and the end line. Raises LocalError if writing fails."""
        self._sink.write(_encode_lines(self._left) + END + b"\n")
        self._left = b""


def _encode_lines(data: bytes) -> bytes:
    text = binascii.b2a_base64(data, newline=False)
    return b"".join(text[start : start + _COLUMNS] + b"\n" for start in range(0, len(text), _COLUMNS))


def _decode_lines(text: bytes, *, last: bool) -> bytes:
    """The bytes in whole lines, the final one of which may be short if it is the ``last`` of the block."""
    if not text:
        return b""
    lines = text.replace(b"\r\n", b"\n").split(b"\n")
    if lines.pop():
        raise Malformed("the end line does not begin a line", field=_FIELD)
    full = lines[:-1] if last else lines
    if any(len(line) != _COLUMNS for line in full) or not 1 <= len(lines[-1]) <= _COLUMNS:
        raise Malformed(f"a line has not {_COLUMNS} columns", field=_FIELD)
    joined = b"".join(lines)
    try:
        data = binascii.a2b_base64(joined)
    except binascii.Error:
        raise Malformed("is not base64", field=_FIELD) from None
    # Written again it must be the same: the decoder skips strange characters and lets trailing bits be
    # anything. Padding before the last line would still be the same, but makes fewer bytes.
    if binascii.b2a_base64(data, newline=False) != joined or (not last and len(data) != len(lines) * _LINE_BYTES):
        raise Malformed("is not canonical base64", field=_FIELD)
    return data
