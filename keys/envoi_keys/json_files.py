"""JSON in files that people write: profiles, lists, drafts of notices.

The values obey the same strict rules as a statement's, but the text may be laid out over lines, and an
error of the syntax names the line and column where it is, because somebody has to find it.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from .encoding import parse_object
from .errors import Malformed

_LAYOUT: Final = re.compile("[\t\n\r]")


def parse_file(raw: bytes, *, max_bytes: int) -> dict[str, Any]:
    """The JSON object in the bytes of a file; newlines and tabs may stand in its strings as escapes.

    A byte order mark, as some editors write it, is passed over. Raises Malformed.
    """
    if len(raw) > max_bytes:
        raise Malformed(f"has {len(raw)} bytes; at most {max_bytes} are allowed")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Malformed(f"is not UTF-8: line {line}", hint="save the file as UTF-8") from None
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Malformed(f"is not JSON: {where}: {error.msg[:1].lower()}{error.msg[1:]}") from None
    except (ValueError, RecursionError):
        raise Malformed("is not JSON: it is nested too deeply, or a number is too long") from None
    # The parser above takes no raw control character inside a string, so these stand between values only.
    return parse_object(_LAYOUT.sub(" ", text).encode(), max_bytes=max_bytes, multiline=True)
