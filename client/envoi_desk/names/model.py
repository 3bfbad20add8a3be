"""What the matcher takes and gives: names, and what two of them have in common.

Values only. A score runs from 0 to 1 and is the same whichever of the two names stands first; what is said about
tokens is said of the first name and then of the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ORGANIZATION: Final = "Organization"
PERSON: Final = "Person"

SAME: Final = "same"
"""The two words are equal, after case, accents and punctuation."""
WORD: Final = "word"
"""Forms of one word: industries and industrial, shpg and shipping."""
SPELLING: Final = "spelling"
"""Spelt alike, a letter or two apart."""
ROMANISATION: Final = "romanisation"
"""Two ways to write one foreign name in Latin letters."""
PART: Final = "part"
"""One word begins or ends with the other."""
INITIAL: Final = "initial"
"""A letter that stands for a word."""
JOINED: Final = "joined"
"""Written as one word on one side and as several on the other."""
ACRONYM: Final = "acronym"
"""The first letters of the words on the other side."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name as it was written. ``schema`` is Organization, Person or empty, ``country`` an ISO 3166 code or empty."""

    text: str
    schema: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class TokenMatch:
    """A word (or words) of one name that met one of the other: how, and how much it counted, from 0 to 1."""

    one: str
    other: str
    how: str
    weight: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two names have in common. ``match`` says whether ``score`` reaches the shipped threshold.

    ``reasons`` are short plain sentences for an officer, the weightiest first.
    """

    score: float
    match: bool
    tokens: tuple[TokenMatch, ...] = ()
    reasons: tuple[str, ...] = ()
