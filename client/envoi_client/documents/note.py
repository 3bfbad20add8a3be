"""A note: a subject and a text from one member to others, for what has no form of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final

from envoi_client import limits
from envoi_keys.regimes import Profile

from .fields import Fields
from .problems import Problems

_HELP: Final[Mapping[str, str]] = MappingProxyType(
    {
        "": 'write {"subject": ..., "text": ...}',
        "subject": "say in one line what the note is about",
        "text": "write the note",
    }
)


@dataclass(frozen=True, slots=True)
class PlainNote:
    """A note. ``text`` may have several lines, ``subject`` has one."""

    type: ClassVar[str] = "note/v1"

    subject: str
    text: str

    def to_content(self) -> dict[str, Any]:
        """The object that a body carries as ``content``."""
        return {"subject": self.subject, "text": self.text}


def parse_note(content: Any, profile: Profile, partners: Collection[str] | None = None) -> PlainNote:
    """The note in ``content``. Raises InvalidDocument with every problem found.

    A note has nothing of a regime in it; the arguments are those of every document.
    """
    problems = Problems()
    fields = Fields(content, "", problems, what="a note", help_=_HELP)
    note = PlainNote(
        fields.text("subject", limits.MAX_LINE_CHARS),
        fields.text("text", limits.MAX_NOTE_TEXT_CHARS, line_breaks=True),
    )
    fields.done()
    problems.raise_any("the note")
    return note
