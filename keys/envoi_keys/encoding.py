"""The strict encodings: base64, hex, times and the one line of JSON that a statement is.

There is one way to write each value and every other way is refused, so that two readers never disagree
about what was signed (PROTOCOL §2). Reading goes through :class:`Reader`, which names the field at fault
and refuses fields that nobody asked for.
"""

from __future__ import annotations

import binascii
import json
import re
from datetime import UTC, datetime
from typing import Any, Final

from .errors import Malformed
from .limits import MAX_INTEGER, MAX_JSON_DEPTH

_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}Z")
HEX32: Final = re.compile(r"[0-9a-f]{64}")
"""32 bytes as a statement, a path and a file name write them, such as a SHA-256."""
# C0 controls, DEL, C1 controls, and the two separators that some readers take for a line end.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_IN_TEXT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
# A string, or what is left of one that does not end. Possessive, so one pass whatever the text is.
_STRING: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_BRACKET: Final = re.compile(r"[\[\]{}]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def b64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648 §4)."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def unb64(text: str, field: str, size: int | None = None) -> bytes:
    """The bytes of canonical base64, of exactly ``size`` bytes if given. Raises Malformed."""
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:  # not ASCII, or binascii.Error
        raise Malformed("is not base64", field=field) from None
    # Re-encoding catches non-zero trailing bits, which would make two spellings of one value.
    if b64(data) != text:
        raise Malformed("is not canonical base64", field=field)
    if size is not None and len(data) != size:
        raise Malformed(f"has {len(data)} bytes instead of {size}", field=field)
    return data


def parse_time(text: str, field: str) -> int:
    """Seconds since the epoch of ``YYYY-MM-DDTHH:MM:SSZ``, the one form of RFC 3339 we write.

    Raises Malformed.
    """
    if not _TIME.fullmatch(text):
        raise Malformed("is not a time in the form YYYY-MM-DDTHH:MM:SSZ (UTC)", field=field)
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError):
        raise Malformed("is not a time of the calendar", field=field) from None


def format_time(seconds: int) -> str:
    """``YYYY-MM-DDTHH:MM:SSZ`` of seconds since the epoch."""
    # Not strftime: its %Y has fewer than four digits before the year 1000.
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def dump_line(value: dict[str, Any]) -> bytes:
    """One line of JSON and its newline, as we write it. Readers accept other spacing, and keep it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def parse_line(raw: bytes, *, max_bytes: int, max_depth: int = MAX_JSON_DEPTH) -> dict[str, Any]:
    """The object in one line of strict JSON that ends in its only newline (PROTOCOL §2.1).

    Refused, each with Malformed: more than ``max_bytes``, text that is not UTF-8, duplicate keys, floats,
    integers beyond 2^53-1, lone surrogates, control characters, nesting beyond ``max_depth``.
    """
    if not raw.endswith(b"\n") or raw.find(b"\n") != len(raw) - 1:
        raise Malformed("is not one line that ends in a newline")
    return parse_object(raw[:-1], max_bytes=max_bytes, max_depth=max_depth)


def parse_object(
    raw: bytes, *, max_bytes: int, max_depth: int = MAX_JSON_DEPTH, multiline: bool = False
) -> dict[str, Any]:
    """The strict JSON object in ``raw``, without the rule of one line.

    ``multiline`` allows newlines and tabs in strings, as escapes: a body holds texts that people wrote
    (PROTOCOL §4.3). Raises Malformed like :func:`parse_line`.
    """
    if len(raw) > max_bytes:
        raise Malformed(f"has {len(raw)} bytes; at most {max_bytes} are allowed")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("is not UTF-8") from None
    # Raw control characters are refused wherever they stand: the parser takes some of them for space.
    if _CONTROL.search(text):
        raise Malformed("holds a control character")
    # Depth is counted before the parser recurses. Brackets inside strings only make the count too high,
    # so it is looked at closely only when it could matter.
    if text.count("[") + text.count("{") > max_depth:
        _check_depth(text, max_depth)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_no_duplicates,
            parse_float=_no_float,
            parse_constant=_no_float,
            parse_int=_small_int,
        )
    except Malformed:
        raise
    except (ValueError, RecursionError):
        raise Malformed("is not JSON") from None
    if not isinstance(value, dict):
        raise Malformed("is not a JSON object")
    # Control characters were looked for in the whole text; what is left of them and of lone surrogates can
    # only have been written as escapes; which, is told by the character after the backslash.
    if not set(_ESCAPE.findall(text)).issubset('"\\/nt' if multiline else '"\\/'):
        _check_strings(value, _CONTROL_IN_TEXT if multiline else _CONTROL)
    return value


def _check_depth(text: str, max_depth: int) -> None:
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > max_depth:
            raise Malformed(f"is nested deeper than {max_depth} levels")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise Malformed("stands twice in one object", field=repr(name)[1:-1][:64])
            seen.add(name)
    return result


def _no_float(text: str) -> Any:
    raise Malformed(f"{text[:32]} is not an integer")


def _small_int(text: str) -> int:
    # "-0" is a second spelling of 0; 17 characters hold every allowed integer, so int() stays cheap.
    if text == "-0" or len(text) > 17 or abs(int(text)) > MAX_INTEGER:
        raise Malformed(f"{text[:32]} is beyond 2^53-1 or not written plainly")
    return int(text)


def _check_strings(value: Any, control: re.Pattern[str]) -> None:
    if isinstance(value, str):
        if control.search(value):
            raise Malformed("a string holds a control character")
        if _SURROGATE.search(value):
            raise Malformed("a string holds a lone surrogate")
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_strings(name, control)
            _check_strings(item, control)
    elif isinstance(value, list):
        for item in value:
            _check_strings(item, control)


class Reader:
    """Takes the fields of one JSON object, each once, each checked; :meth:`done` refuses what is left over.

    ``where`` is the path of the object itself, so that an error names ``members[3].id``. Every method raises
    Malformed.
    """

    __slots__ = ("_left", "_where")

    def __init__(self, value: Any, where: str = "") -> None:
        if not isinstance(value, dict):
            raise Malformed("is not an object", field=where)
        self._left = dict(value)
        self._where = where

    def path(self, name: str) -> str:
        """The full path of the field ``name``."""
        return f"{self._where}.{name}" if self._where else name

    def _take(self, name: str) -> Any:
        if name not in self._left:
            raise Malformed("is missing", field=self.path(name))
        return self._left.pop(name)

    def text(self, name: str, pattern: re.Pattern[str] | None = None, *, max_chars: int = 1024) -> str:
        """A string of at most ``max_chars`` characters that ``pattern`` matches whole."""
        value = self._take(name)
        if not isinstance(value, str):
            raise Malformed("is not a string", field=self.path(name))
        if len(value) > max_chars:
            raise Malformed(f"has {len(value)} characters; at most {max_chars} are allowed", field=self.path(name))
        if pattern is not None and not pattern.fullmatch(value):
            raise Malformed(f"{value[:64]!r} is not of the form {pattern.pattern}", field=self.path(name))
        return value

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """One of the ``allowed`` strings."""
        value = self.text(name)
        if value not in allowed:
            raise Malformed(f"{value[:64]!r} is not one of {', '.join(allowed)}", field=self.path(name))
        return value

    def integer(self, name: str, minimum: int = 0, maximum: int = MAX_INTEGER) -> int:
        """An integer between ``minimum`` and ``maximum``, both included."""
        value = self._take(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Malformed("is not an integer", field=self.path(name))
        if not minimum <= value <= maximum:
            raise Malformed(f"{value} is not between {minimum} and {maximum}", field=self.path(name))
        return value

    def flag(self, name: str) -> bool:
        """``true`` or ``false``."""
        value = self._take(name)
        if not isinstance(value, bool):
            raise Malformed("is not true or false", field=self.path(name))
        return value

    def time(self, name: str) -> int:
        """A time, as seconds since the epoch."""
        return parse_time(self.text(name), self.path(name))

    def hex32(self, name: str, *, or_empty: bool = False) -> str:
        """32 bytes as 64 lower-case hexadecimal digits, or the empty string where ``or_empty``."""
        value = self.text(name)
        if not (HEX32.fullmatch(value) or (or_empty and value == "")):
            raise Malformed("is not 64 lower-case hexadecimal digits", field=self.path(name))
        return value

    def base64(self, name: str, size: int | None = None, *, max_chars: int = 1024) -> bytes:
        """Canonical base64 of ``size`` bytes, or of any number of bytes."""
        return unb64(self.text(name, max_chars=max_chars), self.path(name), size)

    def listing(self, name: str, *, at_least: int = 0, at_most: int) -> list[Any]:
        """A list of between ``at_least`` and ``at_most`` items, not looked at further."""
        value = self._take(name)
        if not isinstance(value, list):
            raise Malformed("is not a list", field=self.path(name))
        if not at_least <= len(value) <= at_most:
            raise Malformed(
                f"has {len(value)} items; between {at_least} and {at_most} are allowed", field=self.path(name)
            )
        return value

    def texts(self, name: str, *, at_least: int = 0, at_most: int, max_chars: int = 4096) -> tuple[str, ...]:
        """A list of strings."""
        items = self.listing(name, at_least=at_least, at_most=at_most)
        for position, item in enumerate(items):
            if not isinstance(item, str) or len(item) > max_chars:
                raise Malformed(
                    f"is not a string of at most {max_chars} characters",
                    field=f"{self.path(name)}[{position}]",
                )
        return tuple(items)

    def mapping(self, name: str, *, at_least: int = 0, at_most: int) -> dict[str, Any]:
        """An object whose names are data, in the order in which they stand."""
        value = self._take(name)
        if not isinstance(value, dict):
            raise Malformed("is not an object", field=self.path(name))
        if not at_least <= len(value) <= at_most:
            raise Malformed(
                f"has {len(value)} names; between {at_least} and {at_most} are allowed", field=self.path(name)
            )
        return value

    def reader(self, name: str) -> Reader:
        """A reader of the object in the field ``name``."""
        return Reader(self._take(name), self.path(name))

    def readers(self, name: str, *, at_least: int = 0, at_most: int) -> list[Reader]:
        """Readers of the objects in the list ``name``."""
        items = self.listing(name, at_least=at_least, at_most=at_most)
        return [Reader(item, f"{self.path(name)}[{position}]") for position, item in enumerate(items)]

    def done(self) -> None:
        """Refuse what nobody asked for: an unknown field of a known version means another meaning."""
        if self._left:
            raise Malformed(
                "is not a field of this version", field=self.path(repr(str(next(iter(self._left))))[1:-1][:64])
            )
