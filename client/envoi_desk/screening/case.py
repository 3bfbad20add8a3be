"""A case of the licensing desk: who applies for what, for whom, and where it goes.

Parties are read as those of a denial notice are, and all problems are reported at once, each with its field. A case may
name items that are on no list. Its fingerprint tells whether anything changed that bears on a match.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from envoi_client import limits as documents
from envoi_client.documents.dates import read_day
from envoi_client.documents.denial import CATCH_ALL, Party
from envoi_client.documents.fields import Fields, read_text
from envoi_client.documents.problems import Problems
from envoi_client.documents.rules import check_entry
from envoi_client.documents.validate import read_parties
from envoi_keys.regimes import Profile

from .. import limits

_HELP: Final[Mapping[str, str]] = MappingProxyType(
    {
        "": "write an object with the fields of a case",
        "case": "write the reference under which the authority keeps the case",
        "status": "write pending, or what was decided",
        "exercise": "write true for a drill and false for a real case",
        "destination_country": "write the ISO 3166 code of the country that the items go to",
        "parties": "name at least one party to the transaction",
    }
)


class CaseStatus(StrEnum):
    """Where a case stands."""

    PENDING = "pending"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Item:
    """What is applied for. ``control_entries`` is empty, or catch-all, where no list has it."""

    control_entries: tuple[str, ...]
    description: str | None = None

    def to_content(self) -> dict[str, Any]:
        """The object as it stands in the case."""
        content: dict[str, Any] = {"control_entries": list(self.control_entries)}
        return content | ({"description": self.description} if self.description else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case. ``id`` is the authority's own reference, ``decided_on`` the day of its decision."""

    id: str
    status: CaseStatus
    exercise: bool
    destination_country: str
    items: tuple[Item, ...]
    parties: tuple[Party, ...]
    decided_on: date | None = None
    stated_end_use: str | None = None

    @property
    def control_entries(self) -> tuple[str, ...]:
        """The entries of all its items, each once."""
        return tuple(dict.fromkeys(entry for item in self.items for entry in item.control_entries))

    def to_content(self) -> dict[str, Any]:
        """The object that a JSON file holds."""
        content = {
            "case": self.id,
            "status": self.status.value,
            "decided_on": self.decided_on.isoformat() if self.decided_on else None,
            "exercise": self.exercise,
            "destination_country": self.destination_country,
            "stated_end_use": self.stated_end_use,
            "items": [item.to_content() for item in self.items],
            "parties": [party.to_content() for party in self.parties],
        }
        return {name: value for name, value in content.items() if value is not None}

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what bears on a match: who, what and where to. How far the case has got does not."""
        content = self.to_content()
        return fingerprint({name: content[name] for name in ("exercise", "destination_country", "items", "parties")})


def fingerprint(content: Mapping[str, Any]) -> str:
    """SHA-256 of a value as JSON with its names sorted, in hexadecimal."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def parse_case(content: Any, profile: Profile, what: str = "the case") -> Case:
    """The case in ``content``, the parsed JSON of a file; ``what`` is what errors call it.

    Raises InvalidDocument with every problem found.
    """
    problems = Problems()
    fields = Fields(content, "", problems, what="a case", help_=_HELP)
    case = Case(
        id=fields.text("case", documents.MAX_LINE_CHARS),
        status=fields.choice("status", CaseStatus),
        decided_on=_decided_on(fields, problems),
        exercise=fields.flag("exercise"),
        destination_country=fields.country("destination_country"),
        stated_end_use=fields.optional_text("stated_end_use", documents.MAX_TEXT_CHARS, line_breaks=True),
        items=_items(fields, profile, problems),
        parties=read_parties(fields, problems),
    )
    fields.done()
    if problems.clear_of("status", "decided_on"):
        if case.status is CaseStatus.GRANTED and case.decided_on is None:
            problems.add(
                "decided_on", "is missing", "say on which day it was granted: recent grants are screened again"
            )
        if case.status is CaseStatus.PENDING and case.decided_on is not None:
            problems.add("decided_on", "is given, but status is pending", "correct one of the two")
    problems.raise_any(what)
    return case


def _decided_on(fields: Fields, problems: Problems) -> date | None:
    written = fields.optional_text("decided_on", documents.MAX_LINE_CHARS)
    return read_day(written, fields.path("decided_on"), problems) if written else None


def _items(fields: Fields, profile: Profile, problems: Problems) -> tuple[Item, ...]:
    items = []
    for position, value in enumerate(fields.listing("items", at_least=0, at_most=limits.MAX_CASE_ITEMS)):
        inner = Fields(value, f"items[{position}]", problems, what="an item", help_=_HELP)
        items.append(
            Item(
                _entries(inner, profile, problems),
                inner.optional_text("description", documents.MAX_TEXT_CHARS, line_breaks=True),
            )
        )
        inner.done()
    return tuple(items)


def _entries(fields: Fields, profile: Profile, problems: Problems) -> tuple[str, ...]:
    # Unlike a notice, a case may leave them out: whether the item is on the list may be what is to be found out.
    found: list[str] = []
    listed = fields.listing("control_entries", at_least=0, at_most=documents.MAX_CONTROL_ENTRIES)
    for position, value in enumerate(listed):
        path = f"{fields.path('control_entries')}[{position}]"
        code = read_text(value, path, problems, documents.MAX_LINE_CHARS)
        if code and code != CATCH_ALL:
            check_entry(code, path, profile, problems)
        if code and code not in found:
            found.append(code)
    return tuple(found)
