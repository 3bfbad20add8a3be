"""What can go wrong on the way to the relay, and how a problem document becomes one of our errors (RFC 9457).

A refusal counts only if it is a problem document of ours: an answer of anything in between (a proxy, a
portal) is a NetworkError, so that nobody takes it for the relay's decision. Texts of the relay are shown to
people, so control characters are taken out and lengths are bounded.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from envoi_keys.dispatches import OPENING_BYTES
from envoi_keys.encoding import Reader
from envoi_keys.errors import Malformed, NetworkError, Refused
from envoi_keys.limits import MAX_DISPATCH_NOTE_BYTES, MAX_INTEGER, MAX_NAME_CHARS

from ..limits import MAX_PROBLEM_BYTES

_MEDIA_TYPE: Final = "application/problem+json"
_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NOT_SHOWN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
_MAX_TEXT_CHARS: Final = 500


class Unreachable(NetworkError):
    """Nobody answered, not in time, or not to the end. What is safe to repeat may be repeated."""


class Busy(Unreachable):
    """The relay, or what stands before it, cannot answer now. ``retry_after`` is in seconds, or None."""

    def __init__(self, message: str, *, retry_after: float | None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Logged:
    """The logged dispatch with which a relay answers ``number-taken``; nothing of it is checked yet."""

    index: int
    note: bytes
    opening: bytes
    recipient: str
    proof: bytes


class RelayRefused(Refused):
    """The relay says no. ``reason`` is the problem's slug; ``detail`` its sentence.

    ``logged`` comes with ``number-taken``, unless it is missing or malformed. ``extra`` holds the other
    members of the problem document, unchecked.
    """

    def __init__(
        self,
        reason: str,
        detail: str,
        *,
        hint: str | None = None,
        logged: Logged | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(f"the relay refused: {detail or reason}", reason=reason, hint=hint)
        self.detail = detail
        self.logged = logged
        self.extra = extra or {}


def parse_problem(media_type: str, raw: bytes) -> RelayRefused | None:
    """The refusal in a problem document, or None if these bytes are no problem document of ours."""
    if media_type.partition(";")[0].strip().lower() != _MEDIA_TYPE:
        return None
    try:
        # Not the strict parser of statements: nothing here is signed, and a sentence that quotes what was sent
        # may hold anything. What is shown is cleaned; what is evidence is checked by itself.
        # Written out and read again, so that no lone surrogate is left: it could be neither kept nor shown.
        document = json.loads(json.dumps(json.loads(raw), ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    kind = document.pop("type", "")
    slug = kind.rpartition("/")[2] if isinstance(kind, str) else ""
    if kind == "about:blank":
        # RFC 9457 §4.2.1: a plain HTTP status; its title is all that it says.
        slug = "-".join(re.findall(r"[a-z0-9]+", shown(document.get("title")).lower()))
    if not _SLUG.fullmatch(slug) or len(slug) > MAX_NAME_CHARS:
        return None
    detail, hint = shown(document.pop("detail", "")), shown(document.pop("hint", "")) or None
    logged = _logged(document.pop("logged")) if "logged" in document else None
    return RelayRefused(slug, detail, hint=hint, logged=logged, extra=document)


def shown(text: Any) -> str:
    """A text of the relay as a terminal may show it; "" if it is no text."""
    return _NOT_SHOWN.sub(" ", text)[:_MAX_TEXT_CHARS].strip() if isinstance(text, str) else ""


def _logged(value: Any) -> Logged | None:
    try:
        reader = Reader(value, "logged")
        logged = Logged(
            index=reader.integer("index", 0, MAX_INTEGER),
            note=reader.base64("note", max_chars=2 * MAX_DISPATCH_NOTE_BYTES),
            opening=reader.base64("opening", OPENING_BYTES),
            recipient=reader.text("recipient", max_chars=MAX_NAME_CHARS),
            proof=reader.text("proof", max_chars=MAX_PROBLEM_BYTES).encode(),
        )
        reader.done()
    except Malformed:
        # A refusal without evidence is what the sender must not believe; saying so is the caller's part.
        return None
    return logged
