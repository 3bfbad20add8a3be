"""A name in the form in which it is compared: its words, what each of them is, and what stood in brackets.

Case, accents, punctuation, apostrophes and script are gone; the order of the words is kept, though nothing but acronyms
and surnames asks for it. A form depends on the name alone, so that it can be kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from . import vocabulary
from .model import ORGANIZATION, PERSON
from .romanisation import korean
from .scripts import latin
from .vocabulary import COMMON, FILLER, LEGAL, NAME

MAX_WORDS: Final = 40
"""Words of a name that are compared; the longest listed name has under thirty. What comes after is not looked at."""
MAX_CHARS: Final = 1_000
"""Characters of a name that are looked at. A longer text is no name, and every step below costs time by its length."""

_BRACKETS: Final = re.compile(r"[(\[{]([^()\[\]{}]*)[)\]}]")
_DOTTED: Final = re.compile(r"\b(?:[a-z]\.\s?)+[a-z]\b\.?")
_WORDS: Final = re.compile(r"[a-z0-9]+")
_DIGITS: Final = re.compile(r"[0-9]+")
_OF_A_PERSON: Final = range(2, 8)
_SURNAME_FIRST: Final = re.compile(r"\s*[^,]+,\s*[^,]+$")
_SHORTEST: Final = 4
_MAX_RUN: Final = 4
TELLING: Final = frozenset((NAME, COMMON))
_MAX_ACRONYM: Final = 8
_MAX_SHORT_LEGAL: Final = 2
_KOREAN_NAME: Final = range(2, 5)


class Token(NamedTuple):
    """A word: its letters as ``text``, the ``word`` whose form it is, and its ``kind`` (:mod:`.vocabulary`).

    ``words`` are those of a phrase, and empty for a single word.
    """

    text: str
    word: str
    kind: str
    surname: bool = False
    consonantal: bool = False
    words: tuple[str, ...] = ()

    @property
    def tells(self) -> bool:
        """Whether it tells who somebody is, more than what he does, where, and in which legal form."""
        return self.kind in TELLING


@dataclass(frozen=True)
class Form:
    """A name, ready to be compared. ``acronyms`` are the short words that stood in brackets."""

    tokens: tuple[Token, ...]
    acronyms: tuple[str, ...]
    remarks: tuple[str, ...]
    person: bool

    @cached_property
    def runs(self) -> tuple[tuple[int, int, str], ...]:
        """Words that another writer may write as one: where each run begins, how many it has, and their letters."""
        tokens = self.tokens
        return tuple(
            (at, size, "".join(token.text for token in tokens[at : at + size]))
            for at in range(len(tokens))
            for size in range(2, min(_MAX_RUN, len(tokens) - at) + 1)
            if tokens[at].kind != LEGAL and tokens[at + size - 1].kind != LEGAL
        )

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The words that count, sorted: equal for names that differ by nothing that matters."""
        return tuple(sorted(token.word for token in self.tokens if token.kind not in (FILLER, LEGAL)))

    @property
    def initials(self) -> tuple[str, str, str]:
        """The first letters of all words, of all but fillers, and of all but fillers and legal forms."""
        fillers = vocabulary.fillers()
        every = loud = firm = ""
        for token in self.tokens:
            for word in token.words or (token.text,):
                every += word[0]
                if word not in fillers:
                    loud += word[0]
                    firm += word[0] if token.kind != LEGAL else ""
        return every, loud, firm

    def spelt_out(self) -> list[list[tuple[str, int]]]:
        """The same words whole, each with the position of its token."""
        every = [(word, at) for at, token in enumerate(self.tokens) for word in token.words or (token.text,)]
        loud = [(word, at) for word, at in every if word not in vocabulary.fillers()]
        firm = [(word, at) for word, at in loud if self.tokens[at].kind != LEGAL]
        return [every, loud, firm]


@lru_cache(maxsize=2_000)
def plain(text: str) -> tuple[tuple[str, ...], tuple[str, ...], frozenset[str], tuple[str, ...]]:
    """The words of a text, the words in its brackets, which of them are bare consonants, and what is odd."""
    read = latin(text[:MAX_CHARS])
    low = read.text.lower().replace("&", " and ").replace("#", " no ")
    acronyms: list[str] = []

    def outside(found: re.Match[str]) -> str:
        inside = _letters(found.group(1))
        if len(inside) == 1 and 2 <= len(inside[0]) <= _MAX_ACRONYM:
            acronyms.append(inside[0])
            return " "
        return found.group()

    words = _letters(_BRACKETS.sub(outside, low))
    kept = tuple((words or acronyms)[:MAX_WORDS])
    return kept, tuple(acronyms) if words else (), read.consonants, read.remarks


def _letters(text: str) -> list[str]:
    if "." in text:
        text = _DOTTED.sub(lambda found: f" {re.sub('[^a-z]', '', found.group())} ", text)
    return _WORDS.findall(text)


def looks_like_person(text: str) -> bool | None:
    """Whether a name is a person's, by its looks; None if nothing tells."""
    text = text[:MAX_CHARS]
    words, acronyms, _, _ = plain(text)
    if acronyms or _DIGITS.search(text):
        return False
    table, personal = vocabulary.phrases(), vocabulary.personal()
    borne = False
    for word in words:
        if word in personal:
            borne = True
        elif (entry := table.get((word,))) is not None and entry.kind != FILLER:
            return False
    if borne and len(words) in _OF_A_PERSON:
        return True
    return True if _SURNAME_FIRST.match(text) else None


@lru_cache(maxsize=20_000)
def is_person(text: str, schema: str) -> bool | None:
    """Whether a name is a person's: as its schema says, or as it looks; None if nothing tells."""
    return schema == PERSON if schema in (PERSON, ORGANIZATION) else looks_like_person(text)


def filed_form(text: str, schema: str) -> Form:
    """The form under which a name is filed: a person's if it is known or looks to be one's, otherwise a firm's."""
    text = text[:MAX_CHARS]
    return form(text, is_person(text, schema) is True)


@lru_cache(maxsize=20_000)
def form(text: str, person: bool) -> Form:
    """The form of a name, read as a person's or as an organisation's. Whatever the text, there is one."""
    words, acronyms, bare, remarks = plain(text)
    tokens = _person(text, words, bare) if person else _organisation(words, bare)
    return Form(tuple(tokens), acronyms, remarks, person)


def _organisation(words: Sequence[str], bare: frozenset[str]) -> list[Token]:
    table, longest = vocabulary.phrases(), vocabulary.longest_phrases()
    tokens: list[Token] = []
    at = 0
    while at < len(words):
        for size in range(min(longest.get(words[at], 0), len(words) - at), 0, -1):
            entry = table.get(tuple(words[at : at + size]))
            if entry is not None and _stands(entry.kind, words, at, size):
                tokens.append(_phrase(words[at : at + size], entry))
                at += size
                break
        else:
            word = words[at]
            tokens.append(Token(word, _number(word), NAME, consonantal=word in bare))
            at += 1
    if all(token.kind in (LEGAL, FILLER) for token in tokens):
        # A name of nothing but legal forms and fillers is what it is called, such as "AS".
        return [Token(token.text, token.text, NAME) for token in tokens]
    return tokens


def _phrase(words: Sequence[str], entry: vocabulary.Entry) -> Token:
    return Token("".join(words), entry.word, entry.kind, words=tuple(words) if len(words) > 1 else ())


def _stands(kind: str, words: Sequence[str], at: int, size: int) -> bool:
    """Whether a phrase may be read as its kind where it stands."""
    if kind == LEGAL and size == 1 and len(words[at]) <= _MAX_SHORT_LEGAL:
        # Two letters are a legal form at either end, and may be a syllable in the middle.
        return words[at] == "co" or at in (0, len(words) - 1)
    return True


def _number(word: str) -> str:
    return word.lstrip("0") or "0" if word.isdigit() else word


def _person(text: str, whole: Sequence[str], bare: frozenset[str]) -> list[Token]:
    unspoken, common = vocabulary.unspoken(), vocabulary.common_names()
    words = [part for word in whole for part in _untitled(word)]
    surnames = _surnames(text, words)
    tokens = []
    for at, word in enumerate(words):
        if word in unspoken and len(words) > 2 and at not in surnames:
            kind = FILLER
        else:
            kind = COMMON if word in common else NAME
        tokens.append(Token(word, word, kind, at in surnames, word in bare))
    return tokens if any(token.tells for token in tokens) else [Token(word, word, NAME) for word in words]


@lru_cache(maxsize=50_000)
def _untitled(word: str) -> tuple[str, ...]:
    """A word, and its own title before it where the two are written as one: Seyedmehdi."""
    for title in vocabulary.joined_titles():
        if word.startswith(title) and len(word) >= len(title) + _SHORTEST:
            return (title, word.removeprefix(title))
    return (word,)


def _surnames(text: str, words: Sequence[str]) -> range:
    """The words of the surname, where the name itself tells: before a comma, or first in a Korean name."""
    before, comma, _ = text.partition(",")
    if comma:
        return range(len(plain(before)[0]))
    if len(words) in _KOREAN_NAME and words[0] in vocabulary.common_names() and all(korean(word) for word in words):
        return range(1)
    return range(0)
