"""Which word of one name meets which of the other, how, and how well: the best pairs first, each word once.

Pure, and symmetric: the caller puts the two forms in a fixed order. Runs of up to four words may meet one word, because
where a foreign name is cut into words is the writer's choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

from . import weights
from .forms import Form, Token
from .model import ACRONYM, INITIAL, JOINED, PART, ROMANISATION, SAME, SPELLING
from .model import WORD as WORD_FORM
from .romanisation import bones, consonants, keys, korean
from .vocabulary import COMMON, FILLER, LEGAL, NAME, PLACE

_MIN_JOINED: Final = 4
_MAX_LONGER: Final = 2
_MIN_ACRONYM: Final = 3
_MAX_ACRONYM: Final = 8
_EAST: Final = frozenset(("k", "kl", "c"))


@dataclass(frozen=True, slots=True)
class Link:
    """Words of one name (positions ``ones``) that meet words of the other (``others``), with a likeness from 0 to 1."""

    ones: tuple[int, ...]
    others: tuple[int, ...]
    how: str
    likeness: float


def align(one: Form, other: Form, ones: Sequence[float], others: Sequence[float], *, east: bool) -> list[Link]:
    """The links between two forms, whose words have the weights ``ones`` and ``others``.

    ``east``: the names are Korean or Chinese, whose words are syllables.
    """
    if one.tokens == other.tokens:
        # No order can be put to equals, and each word meets itself.
        return [Link((at,), (at,), SAME, 1.0) for at in range(len(one.tokens))]
    candidates = [*_pairs(one, other, east), *_joined(one, other, east)]
    candidates += [*_acronyms(one, other, turned=False), *_acronyms(other, one, turned=True)]

    def value(link: Link) -> tuple[float, float, int]:
        weight = sum(ones[at] for at in link.ones) + sum(others[at] for at in link.others)
        near = -abs(link.ones[0] - link.others[0])
        return (link.likeness * weight, link.likeness, near)

    candidates.sort(key=lambda link: (*(-part for part in value(link)), link.ones, link.others))
    taken_one: set[int] = set()
    taken_other: set[int] = set()
    links = []
    for link in candidates:
        if taken_one.isdisjoint(link.ones) and taken_other.isdisjoint(link.others):
            taken_one.update(link.ones)
            taken_other.update(link.others)
            links.append(link)
    return links


def _pairs(one: Form, other: Form, east: bool) -> Iterator[Link]:
    for at, mine in enumerate(one.tokens):
        for to, theirs in enumerate(other.tokens):
            how, likeness = _meet(mine, theirs, one.person, east)
            if likeness > 0:
                yield Link((at,), (to,), how, likeness)


def _meet(one: Token, other: Token, person: bool, east: bool) -> tuple[str, float]:
    if LEGAL in (one.kind, other.kind) and (one.tells or other.tells):
        # A firm called AS is not every firm whose legal form that is.
        return "", 0.0
    if one.text == other.text:
        return SAME, 1.0
    if one.word == other.word:
        return WORD_FORM, weights.LIKENESS[WORD_FORM]
    if LEGAL in (one.kind, other.kind) or FILLER in (one.kind, other.kind):
        return "", 0.0
    if one.kind == PLACE and other.kind == PLACE and "korea" in (one.word, other.word):
        # Whoever writes Korea alone means one of the two.
        return (WORD_FORM, weights.LIKENESS[WORD_FORM]) if {one.word, other.word} & {"kp", "kr"} else ("", 0.0)
    if one.consonantal != other.consonantal:
        bare = consonants(one.text)
        if len(bare) > 1 and bare == consonants(other.text):
            return ROMANISATION, weights.CONSONANTS
        return "", 0.0
    how, likeness = alike(one.text, other.text, east)
    if person and likeness == 0 and min(len(one.text), len(other.text)) == 1 and not east:
        return (INITIAL, weights.LIKENESS[INITIAL]) if one.text[0] == other.text[0] else ("", 0.0)
    # A business word is seldom spelt so badly that it looks like a name.
    return (how, likeness) if one.tells == other.tells or likeness >= weights.WORD_ALIKE else ("", 0.0)


@lru_cache(maxsize=50_000)
def alike(one: str, other: str, east: bool) -> tuple[str, float]:
    """How two words that differ are alike, and how much: by a key of romanisation, or by their letters."""
    letters = DamerauLevenshtein.normalized_similarity(one, other)
    east = east and bool(korean(one) and korean(other))
    syllable = east and max(len(one), len(other)) <= weights.ONE_SYLLABLE
    found = {key.partition(":")[0] for key in keys(one) & keys(other)}
    if found & _EAST or (found and not syllable and letters >= weights.FEWEST_LETTERS):
        return ROMANISATION, weights.LIKENESS[ROMANISATION] if found - {"kl"} else weights.LOOSE_ROMANISATION
    if syllable or min(len(one), len(other)) < weights.SHORT_WORD or not (one.isalpha() and other.isalpha()):
        # Another letter makes another syllable; and digits are no spelling: 39 and 36 are two offices.
        return "", 0.0
    consonants_ = DamerauLevenshtein.normalized_similarity(*bones(one, other))
    if east and consonants_ < 1:
        # In a name of syllables another consonant is another name: Kangbong is not Kwangsong.
        return "", 0.0
    # A vowel is a matter of taste in a romanised name, a consonant seldom is.
    likeness = ((letters + JaroWinkler.similarity(one, other)) / 2 + consonants_) / 2
    if likeness >= weights.FEWEST_ALIKE:
        return SPELLING, likeness * weights.LIKENESS[SPELLING]
    short, long = sorted((one, other), key=len)
    if not east and len(short) >= weights.SHORT_WORD and (long.startswith(short) or long.endswith(short)):
        return PART, weights.LIKENESS[PART]
    return "", 0.0


def _joined(one: Form, other: Form, east: bool) -> Iterator[Link]:
    for at, to, size, likeness in _glued_runs(one, other, east):
        yield Link((at,), tuple(range(to, to + size)), JOINED, likeness)
    for to, at, size, likeness in _glued_runs(other, one, east):
        yield Link(tuple(range(at, at + size)), (to,), JOINED, likeness)


def _glued_runs(whole: Form, cut: Form, east: bool) -> Iterator[tuple[int, int, int, float]]:
    """Words of ``whole`` that ``cut`` has as several: where each stands, where those begin, how many, how alike."""
    for at, token in enumerate(whole.tokens):
        if token.tells and len(token.text) >= _MIN_JOINED:
            for to, size, text in cut.runs:
                if abs(len(text) - len(token.text)) <= _MAX_LONGER:
                    likeness = _glued(token.text, text, whole.person, east)
                    if likeness > 0:
                        yield at, to, size, likeness


def _glued(one: str, other: str, person: bool, east: bool) -> float:
    if one == other:
        return weights.LIKENESS[JOINED]
    how, likeness = alike(one, other, east)
    if person and not (korean(one) and korean(one) == korean(other)):
        return 0.0
    if how == PART or (how == SPELLING and likeness < weights.GLUED_ALIKE):
        return 0.0
    return likeness * weights.LIKENESS[JOINED]


def _acronyms(short: Form, long: Form, *, turned: bool) -> Iterator[Link]:
    for at, token in enumerate(short.tokens):
        if token.kind not in (NAME, COMMON, PLACE) or not 2 <= len(token.text) <= _MAX_ACRONYM or short.person:
            continue
        for run in _initials(token.text, long):
            link = ((at,), run, ACRONYM, weights.LIKENESS[ACRONYM])
            yield Link(link[1], link[0], link[2], link[3]) if turned else Link(*link)


def _initials(text: str, form: Form) -> Iterator[tuple[int, ...]]:
    """The runs of words whose first letters are ``text``; fillers and legal forms may be left out of the count."""
    if text in form.acronyms:
        yield tuple(at for at, token in enumerate(form.tokens) if token.kind not in (FILLER, LEGAL))
        return
    for words, letters in zip(form.spelt_out(), form.initials, strict=True):
        start = letters.find(text) if len(text) >= _MIN_ACRONYM else -1
        if letters == text or start >= 0:
            yield _positions(words[max(0, start) : max(0, start) + len(text)])
        elif len(text) > len(words) >= 2 and _spelt(text, [word for word, _ in words]):
            yield _positions(words)


def _positions(words: Sequence[tuple[str, int]]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(at for _, at in words))


def _spelt(text: str, words: Sequence[str]) -> bool:
    """Whether ``text`` is made of the first letters of every word, up to three of each."""
    if not words:
        return not text
    return any(
        text.startswith(words[0][:size]) and _spelt(text[size:], words[1:])
        for size in (3, 2, 1)
        if len(words[0]) >= size
    )
