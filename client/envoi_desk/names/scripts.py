"""Text in any script to plain Latin words: what is written is kept apart from how it looks.

Nothing is refused here. Hidden marks fall away, letters of another script that only look Latin are taken for what they
look like, words that are known in their own script are translated, and all else is transliterated. Whoever reads the
result is told what was done, because a look-alike in a name is seldom an accident.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

from anyascii import anyascii

from .vocabulary import original_script

_CYRILLIC: Final = dict(
    zip("АВЕКМНОРСТУХІЈЅԌҮаеорсухіјѕԁһԛԝвкмнт", "ABEKMHOPCTYXIJSGYaeopcyxijsdhqwbkmht", strict=True)
)
_GREEK: Final = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαιοκνρτυχ", "ABEZHIKMNOPTYXaiokvptux", strict=True))
_LOOK_ALIKES: Final = str.maketrans(_CYRILLIC | _GREEK)
_LOOKING: Final = frozenset(_CYRILLIC) | frozenset(_GREEK)
_WORD: Final = re.compile(r"[^\W_]+")
_APOSTROPHES: Final = str.maketrans(dict.fromkeys("'’‘ʼʻ`´ʹʾʿ′\u02bb\u02bc", ""))
# anyascii writes each Han character and each Hangul syllable with a capital: "ChangAn".
_SYLLABLE: Final = re.compile(r"[A-Z][a-z]*|[a-z]+|[0-9]+")
_EAST_ASIAN: Final = re.compile("([\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+)")
_CONSONANTAL: Final = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_VOWELLED: Final = re.compile("[\u064b-\u0652\u0640]")

HIDDEN: Final = "hidden marks in the name were left out"
CONFUSABLE: Final = "letters of another script that look Latin were read as Latin"


@dataclass(frozen=True, slots=True)
class Latin:
    """A name in ASCII letters, digits and punctuation.

    ``consonants`` holds the words that come from a script without short vowels, which meet others by their consonants.
    """

    text: str
    consonants: frozenset[str]
    remarks: tuple[str, ...]


def latin(text: str) -> Latin:
    """``text`` in Latin letters."""
    if text.isascii():
        return Latin(text.translate(_APOSTROPHES), frozenset(), ())
    remarks = []
    shown = "".join(" " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one for one in text)
    shown = "".join(one for one in shown if unicodedata.category(one) not in ("Cf", "Cs", "Co", "Cn"))
    if len(shown) != len(text):
        remarks.append(HIDDEN)
    folded = unicodedata.normalize("NFKC", shown).translate(_APOSTROPHES)
    plain = _unmask(folded)
    if plain != folded:
        remarks.append(CONFUSABLE)
    plain = _translated(_VOWELLED.sub("", plain))
    consonants: set[str] = set()
    words = [_word(part, consonants) for part in re.split(r"(\W+)", _EAST_ASIAN.sub(r" \1 ", plain))]
    return Latin("".join(words), frozenset(consonants), tuple(remarks))


def _unmask(text: str) -> str:
    """``text`` with the letters that only look Latin made Latin, in the words where they pose as such."""
    any_latin = any(_is_latin(one) for one in text)
    if not any_latin or not any(one in _LOOKING for one in text):
        return text

    def plain(found: re.Match[str]) -> str:
        word = found.group()
        posing = [one for one in word if one in _LOOKING]
        foreign = [one for one in word if one.isalpha() and not _is_latin(one) and one not in _LOOKING]
        if posing and not foreign:
            return word.translate(_LOOK_ALIKES)
        return word

    return _WORD.sub(plain, text)


def _is_latin(character: str) -> bool:
    return (character.isascii() and character.isalpha()) or "LATIN" in unicodedata.name(character, "")


@cache
def _dictionary() -> tuple[re.Pattern[str], dict[str, str]]:
    words = original_script()
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    # Words of a script with spaces are translated where they stand alone; Han and Hangul have no spaces.
    parts = [
        re.escape(word) if _EAST_ASIAN.match(word) else rf"(?<!\w){re.escape(word)}(?!\w)" for word in longest_first
    ]
    return re.compile("|".join(parts)), words


def _translated(text: str) -> str:
    pattern, words = _dictionary()
    return pattern.sub(lambda found: f" {words[found.group()]} ", text)


def _word(word: str, consonants: set[str]) -> str:
    if word.isascii():
        return word
    written = anyascii(word)
    if _EAST_ASIAN.search(word):
        return " ".join(_SYLLABLE.findall(written)).lower()
    if _CONSONANTAL.search(word):
        bare = "".join(one for one in written.casefold() if one.isalnum())
        consonants.add(bare)
        return bare
    return written.translate(_APOSTROPHES)
