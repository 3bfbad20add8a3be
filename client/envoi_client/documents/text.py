"""Text of strangers: what it may not hold, and how it is shown on a terminal.

A name is evidence, so it is refused rather than cleaned: no control characters, no marks that reorder what
a reader sees, no invisible ones. The two joiners that Persian and Indian scripts need are letters, not
tricks. What is shown keeps its place: right-to-left text is isolated, wide characters count as two columns.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_REORDERING: Final = "\u202a-\u202e\u2066-\u2069"
_INVISIBLE: Final = "\u00ad\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\uffff\U000e0000-\U000e0fff"
_CONTROL: Final = "\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
_UNSAFE: Final = re.compile(f"[{_CONTROL}{_REORDERING}{_INVISIBLE}]")
_REORDERS: Final = re.compile(f"[{_REORDERING}]")
_SHOWN: Final = 40
_FSI: Final = "\u2068"
_PDI: Final = "\u2069"


def unsafe_character(text: str, *, line_breaks: bool = False) -> str | None:
    """What ``text`` may not hold, in words with its place; None if all is well.

    ``line_breaks`` allows newlines and tabs, as in a description of several lines.
    """
    for found in _UNSAFE.finditer(text):
        character = found.group()
        if line_breaks and character in "\n\t":
            continue
        if character in "\n\r":
            return f"holds a line break at character {found.start() + 1}"
        return f"holds {_kind(character)} (U+{ord(character):04X}) at character {found.start() + 1}"
    return None


def _kind(character: str) -> str:
    if _REORDERS.match(character):
        return "a hidden mark that changes the reading direction"
    return "a control character" if unicodedata.category(character) in ("Cc", "Cs") else "an invisible character"


def printable(text: str, *, line_breaks: bool = False) -> str:
    """``text`` with everything unsafe written out as ``\\u{202e}``, for text that nobody has checked."""

    def written_out(found: re.Match[str]) -> str:
        character = found.group()
        return character if line_breaks and character == "\n" else f"\\u{{{ord(character):x}}}"

    return _UNSAFE.sub(written_out, text)


def shown(value: object) -> str:
    """A value as it stands in a message: short, on one line, safe to print."""
    if isinstance(value, str):
        cut = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
        return safe(cut) if cut.strip() else f"'{printable(cut)}'"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "an object"
    return "a number"


def isolated(text: str) -> str:
    """``text`` between isolates if it has right-to-left letters, to keep the order around it.

    ``text`` itself holds no isolates (:func:`unsafe_character`), so none can close ours.
    """
    has_rtl = any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in text)
    return f"{_FSI}{text}{_PDI}" if has_rtl else text


def safe(text: str, most: int | None = None) -> str:
    """A stranger's text for one place in a line: its first ``most`` characters, printable and isolated."""
    # Cut first: what is cut after it was isolated leaves an isolate open, and turns the rest of the line around.
    return isolated(printable(text[:most]))


def columns(text: str) -> int:
    """How many columns of a terminal ``text`` takes: two for wide characters, none for combining ones."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def wrap(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` columns (at least 2), each isolated where it needs to be.

    Lines break at spaces; a run without spaces, such as Chinese, breaks where the line is full, never
    before a combining mark. There is always at least one line.
    """
    lines: list[str] = []
    for paragraph in text.expandtabs(4).split("\n"):
        lines.extend(_wrap_paragraph(paragraph, width))
    return [isolated(line) for line in lines]


def _wrap_paragraph(paragraph: str, width: int) -> list[str]:
    lines = [""]
    for word in paragraph.split():
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if columns(joined) <= width:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        # A width that is counted on: marks that take no column would else be measured again for each of them.
        used, piece = 0, list[str]()
        for character in word:
            wide = _columns(character)
            if piece and used + wide > width:
                lines[-1:] = ["".join(piece), ""]
                used, piece = 0, []
            piece.append(character)
            used += wide
        lines[-1] = "".join(piece)
    return lines
