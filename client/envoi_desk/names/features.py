"""What two forms have in common, as a handful of numbers that an officer can follow.

Each runs from 0 to 1, and :data:`MEANINGS` says what it is. The scorer weighs them (:mod:`.weights`); nothing else of
the names reaches it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from . import weights
from .align import Link, align
from .forms import Form
from .model import ACRONYM, INITIAL
from .rarity import Rarity
from .romanisation import korean
from .vocabulary import PLACE, korean_names

MEANINGS: Final[Mapping[str, str]] = {
    "fuller": "the share of its weight that met something, of the name of which more did",
    "emptier": "the same of the name of which less did",
    "clash": "the weight of words that tell who it is and met nothing, on the side with less of it",
    "odd_words": "the same, of all words",
    "telling": "the weight of the words that tell who it is and met, by twos",
    "acronym": "one name is made of the first letters of the other",
    "same_country": "both parties are in one country",
    "other_country": "the parties are in two countries",
    "surname": "how little the surname met, where a name tells which word that is",
    "syllables": "a Korean name lacks a syllable of the other, which no writer leaves out",
    "one_of_two": "the clash of two names of two words",
}

_KOREA: Final = frozenset(("korea", "kp", "kr"))
_TWO: Final = 2


@dataclass(frozen=True, slots=True)
class Shared:
    """Two aligned forms: the weight of each word, the links, and the features by name."""

    one: Form
    other: Form
    ones: tuple[float, ...]
    others: tuple[float, ...]
    links: tuple[Link, ...]
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two names: its words, their weights, and how well each met something."""

    form: Form
    weights: Sequence[float]
    met: Sequence[float]

    @property
    def cover(self) -> float:
        """The share of the name's weight that met something."""
        total = sum(self.weights)
        return sum(weight * met for weight, met in zip(self.weights, self.met, strict=True)) / total if total else 0.0

    def lonely(self, *, tells: bool) -> float:
        """The weight of the words that met nothing: of all, or only of those that tell who it is."""
        every = zip(self.form.tokens, self.weights, self.met, strict=True)
        return sum(weight * (1 - met) for token, weight, met in every if token.tells or not tells)

    @property
    def surnames(self) -> list[float]:
        """How well each word of the surname met something; empty where none is marked."""
        return [met for token, met in zip(self.form.tokens, self.met, strict=True) if token.surname]


def shared(one: Form, other: Form, countries: tuple[str, str], rarity: Rarity) -> Shared:
    """What two forms have in common."""
    ones = tuple(rarity.weight(token) for token in one.tokens)
    others = tuple(rarity.weight(token) for token in other.tokens)
    koreans = _korean(one) and _korean(other)
    east = koreans or not weights.SYLLABIC.isdisjoint(countries) or _of_korea(one) or _of_korea(other)
    links = tuple(align(one, other, ones, others, east=east))
    sides = (
        _Side(one, ones, _met(len(ones), [(link.ones, link.likeness) for link in links])),
        _Side(other, others, _met(len(others), [(link.others, link.likeness) for link in links])),
    )
    telling = sum(link.likeness * _told(link, sides) for link in links if link.how != INITIAL)
    clash = min(1.0, *(side.lonely(tells=True) for side in sides))
    emptier, fuller = sorted(side.cover for side in sides)
    values = {
        "fuller": fuller,
        "emptier": emptier,
        "clash": clash,
        "odd_words": min(1.0, *(side.lonely(tells=False) for side in sides)),
        "telling": min(1.0, telling / _TWO),
        "acronym": float(any(link.how == ACRONYM for link in links)),
        "same_country": float(bool(countries[0]) and countries[0] == countries[1]),
        "other_country": float(all(countries) and countries[0] != countries[1]),
        "surname": 1 - max([met for side in sides for met in side.surnames], default=1.0),
        "syllables": min(1.0, weights.SYLLABLES * (1 - emptier)) if koreans else 0.0,
        "one_of_two": clash if all(_of_two(side.form) for side in sides) else 0.0,
    }
    return Shared(one, other, ones, others, links, values)


def _met(size: int, links: Sequence[tuple[tuple[int, ...], float]]) -> list[float]:
    met = [0.0] * size
    for positions, likeness in links:
        for at in positions:
            met[at] = likeness
    return met


def _told(link: Link, sides: tuple[_Side, _Side]) -> float:
    """The weight of the words in a link that tell who it is, on the side with more of it."""
    both = zip((link.ones, link.others), sides, strict=True)
    return max(sum(side.weights[at] for at in places if side.form.tokens[at].tells) for places, side in both)


def _korean(form: Form) -> bool:
    """Whether it is a Korean's name, all of whose syllables are written wherever it is."""
    tokens = [token for token in form.tokens if token.tells]
    return (
        form.person
        and 2 <= len(tokens) <= 4
        and all(korean(token.text) and len(token.text) <= weights.ONE_SYLLABLE for token in tokens)
        and bool({tokens[0].text, tokens[-1].text} & korean_names())
    )


def _of_korea(form: Form) -> bool:
    return any(token.kind == PLACE and token.word in _KOREA for token in form.tokens)


def _of_two(form: Form) -> bool:
    return form.person and sum(token.tells for token in form.tokens) == _TWO
