"""The keys under which a name is filed, so that only names that share one are ever compared.

A key is coarse: names that the scorer would take for one should share at least one key in spite of romanisation,
spelling, order and cut. A change of anything here, or of what it reads, takes another :data:`RULES`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations, pairwise
from typing import Final

from .forms import TELLING, Form, Token
from .vocabulary import FILLER, LEGAL

RULES: Final = 2
"""The version of the keys; an index that was filed under another is filed anew."""

_MAX_WORDS: Final = 8
"""Words of a name that are filed; whoever has more shares its first ones."""
_FEW: Final = 2
_LONG: Final = 4
_HALF: Final = 3
_ACRONYM: Final = range(2, 9)
_BODY: Final = range(3, 5)
_MAX_GLUED: Final = 4
_MUTE: Final = re.compile("[rl][iy]")
"""How a Northern Korean name begins whose r the South does not say."""

_SOUNDS: Final = {
    **dict.fromkeys(("ng", "n"), "n"),
    **dict.fromkeys(("kh", "gh", "ck", "k", "g", "q", "x"), "k"),
    **dict.fromkeys(("tch", "sch", "sh", "ch", "zh", "ts", "tz", "dj", "c", "j", "s", "z"), "s"),
    **dict.fromkeys(("th", "dh", "t", "d"), "t"),
    **dict.fromkeys(("ph", "p", "b", "f"), "p"),
    **dict.fromkeys(("l", "r"), "r"),
    **dict.fromkeys("aeiouyh", ""),
}
"""Sounds that romanisations confuse, each with the letter for all of them; vowels have none."""
_WRITTEN_LONG: Final = re.compile(
    "|".join(sorted((sound for sound in _SOUNDS if len(sound) > 1), key=len, reverse=True))
)
_WRITTEN_SHORT: Final = str.maketrans({sound: letter for sound, letter in _SOUNDS.items() if len(sound) == 1})
# A v or w tells only where a vowel stands on either side of it: Kwang and Gang are one skeleton, Davani and Dani two.
_SILENT: Final = re.compile(r"(?<=[a-z])v(?=[^aeiouy]|$)|(?<=[^aeiouy])v")
_TWICE: Final = re.compile(r"(.)\1+")


@lru_cache(maxsize=50_000)
def skeleton(word: str) -> str:
    """The consonants of a word, sounds that romanisations confuse being one; the word itself if it has none."""
    loud = word.replace("w", "v")
    if "v" in loud:
        loud = _SILENT.sub("", loud)
    return _TWICE.sub(r"\1", _WRITTEN_LONG.sub(_letter, loud).translate(_WRITTEN_SHORT)) or word


def _letter(found: re.Match[str]) -> str:
    return _SOUNDS[found.group()]


def keys(form: Form) -> set[str]:
    """Every key of a name."""
    telling = [token for token in form.tokens if token.kind in TELLING][:_MAX_WORDS]
    found: set[str] = set()
    for token in telling:
        _add_word(found, token)
    if len(telling) == 1:
        _add_halves(found, telling[0].text)
    for first, second in pairwise(telling):
        found.add(f"s{skeleton(first.text + second.text)}")
    if len(telling) > _FEW:
        found.add(f"s{skeleton(''.join([token.text for token in telling[:_MAX_GLUED]]))}")
    if len(telling) < _FEW:
        said = [token.word for token in form.tokens if token.kind not in (FILLER, LEGAL)][:_MAX_WORDS]
        if len(said) == 1:
            found.add(f"w{said[0]}")
        elif not telling:
            found.add(f"s{skeleton(''.join([token.text for token in form.tokens][:_MAX_GLUED]))}")
        found.update(f"w{first} {second}" for first, second in combinations(sorted(set(said)), 2))
    if not form.person:
        _add_acronyms(found, form, telling)
    return found


def whole(form: Form) -> str:
    """The key of a whole name, which only names share that differ by nothing that matters."""
    return f"x{' '.join(form.key or sorted(token.word for token in form.tokens))}"


def _add_word(found: set[str], token: Token) -> None:
    bare = skeleton(token.text)
    found.add(f"s{bare}")
    if token.consonantal:
        found.add(f"s{skeleton(token.text.replace('w', ''))}")
    if _MUTE.match(token.text):
        found.add(f"s{skeleton(token.text[1:])}")


def _add_halves(found: set[str], word: str) -> None:
    """The halves of a long word, one of which outlives a slip of the pen."""
    bare = skeleton(word)
    if len(bare) >= _LONG:
        found.add(f"b{bare[:_HALF]}")
        found.add(f"e{bare[-_HALF:]}")


def _add_acronyms(found: set[str], form: Form, telling: Sequence[Token]) -> None:
    found.update(f"a{text}" for text in form.acronyms)
    if len(telling) <= _FEW:
        found.update(f"a{token.text}" for token in telling if len(token.text) in _ACRONYM)
    initials = ""
    for initials in form.initials:
        if len(initials) in _ACRONYM:
            found.add(f"a{initials}")
    # An office of a large body is often called by the body's acronym and its own name.
    if len(initials) > _BODY.stop:
        found.update(f"a{initials[:size]}" for size in _BODY)


def number(source: int, key: str) -> int:
    """A key of one source as the integer of 63 bits under which it is filed. Two that meet by chance do no harm."""
    return _number(f"{source} {key}")


@lru_cache(maxsize=50_000)
def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
