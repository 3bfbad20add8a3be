"""Keys under which the romanisations of one foreign name meet: Korean, Chinese, Persian and Arabic, Russian.

Nobody says in which language a name was romanised, so a word gets the key of every language whose sounds it could be
written in. Equal keys mean "could be one name", never more; the scorer asks how alike the two are written besides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

_Rules = Sequence[tuple[re.Pattern[str], str]]


def _rules(*pairs: tuple[str, str]) -> _Rules:
    return [(re.compile(pattern), by) for pattern, by in pairs]


# McCune-Reischauer, Revised, the North's own, and newspapers: plain, tense and aspirated stops are one sound each.
_KOREAN: Final = _rules(
    (r"tch|ch|[jz]", "C"),
    (r"ng", "N"),
    (r"ar(?=k)", "a"),
    (r"k+h?|g+|q", "K"),
    (r"t+h?|d+", "T"),
    (r"p+h?|b+", "P"),
    (r"s+h?", "S"),
    (r"[lr]+", "R"),
    (r"oi|oe", "Q"),
    (r"ae|ai|ay", "e"),
    (r"eo", "o"),
    (r"eui|eu", "u"),
    (r"ee", "i"),
    (r"woo+|wu|oo|ou(?!N)", "u"),
    (r"you", "yo"),
    (r"ui|yi", "i"),
    (r"(?<=[aeiouQ])h$", ""),
    (r"^Rh", "R"),
    # How Koreans say two consonants that meet: Amrok is said Amnok, Singan is Sinkan.
    (r"(?<=[mN])R", "n"),
)
# Newspapers write Chul and Sung for what McCune and Reischauer write with o. At the start a Northern r is no sound in
# the South: Ri and I, Ryong and Yong, Rim and Im.
_KOREAN_LOOSE: Final = _rules((r"u(?=[KRPN])", "o"), (r"(?<=K)w(?=o)", ""), (r"^R(?=[iy])", ""))
_KOREAN_SOUNDS: Final = re.compile(r"(?:[KNTRPSCnmh]?[yw]?[aeiouQ]{1,2}[KnTRmPN]?)+")

# Pinyin and Wade-Giles; aspiration is an apostrophe in one of them, and is left out in print.
_CHINESE: Final = _rules(
    (r"ng", "N"),
    (r"tsz|ts|tz|zh|ch|[jqcz]", "C"),
    (r"hs|sh|[xs]", "S"),
    (r"[bp]", "P"),
    (r"[dt]", "T"),
    (r"[kg]", "K"),
    (r"ien", "ian"),
    (r"(?<=[iue])h", ""),
    (r"uN", "oN"),
    (r"uo", "o"),
    (r"yu", "u"),
    (r"ui", "uei"),
    (r"^r", "C"),
)
_CHINESE_SOUNDS: Final = re.compile(r"(?:[CSPTKmnflrhwyN]?[aeiou]{1,4}[nN]?)+")

# Persian and Arabic write consonants and long vowels; the short ones, and how they sound, are the writer's own.
_PERSIAN: Final = _rules(
    (r"kh", "X"),
    (r"gh|[qg]", "G"),
    (r"dj|zh", "j"),
    (r"tch|ch|sh", "S"),
    (r"ph", "f"),
    (r"th", "s"),
    (r"dh", "z"),
    (r"ck|c", "k"),
    (r"[vw](?=[aeiouy])", "W"),
    (r"[vw]", "u"),
    (r"([a-zA-Z])\1+", r"\1"),
    (r"(?<=[aeiouy])h$", ""),
    (r"[aeiouy]*[ou][aeiouy]*", "O"),
    (r"[aeiy]+", "E"),
)
_VOWELS: Final = re.compile("[OEWh]")

_BARE: Final = re.compile("[OEaeiouQyw]")

_RUSSIAN: Final = _rules(
    (r"shch|sch|sh", "S"),
    (r"tch|ch", "C"),
    (r"zh", "Z"),
    (r"kh|h", "x"),
    (r"x", "ks"),
    (r"ts|tz|cz|c", "c"),
    (r"[yij]a", "A"),
    (r"[yij]u", "U"),
    (r"[yij][eo]|e", "e"),
    (r"[yij]+", "i"),
    (r"ff|[vwf]", "v"),
    (r"([a-zA-Z])\1+", r"\1"),
)


def _folded(text: str, rules: _Rules) -> str:
    for pattern, by in rules:
        text = pattern.sub(by, text)
    return text


@lru_cache(maxsize=50_000)
def korean(word: str) -> str:
    """The key of a word as a Korean one; empty if it cannot be."""
    key = _folded(word, _KOREAN)
    return key if _KOREAN_SOUNDS.fullmatch(key) else ""


@lru_cache(maxsize=50_000)
def keys(word: str) -> frozenset[str]:
    """The keys of a word: each with the letter of its language, so that only keys of one language meet."""
    found = set()
    if k := korean(word):
        found |= {f"k:{k}", f"kl:{_folded(k, _KOREAN_LOOSE)}"}
    chinese = _folded(word, _CHINESE)
    if _CHINESE_SOUNDS.fullmatch(chinese):
        found.add(f"c:{chinese}")
    if len(word) > 2:
        found.add(f"p:{_folded(word, _PERSIAN)}")
        found.add(f"a:{_folded(word.replace('q', 'k'), _PERSIAN)}")
        found.add(f"r:{_folded(word, _RUSSIAN)}")
    return frozenset(found)


@lru_cache(maxsize=50_000)
def consonants(word: str) -> str:
    """The consonants of a word that Persian or Arabic would write, without the ones that may be vowels."""
    return _VOWELS.sub("", _folded(word, _PERSIAN))


def _arabic(word: str, mixed: bool) -> str:
    return word.replace("q", "k") if mixed else word


def bones(one: str, other: str) -> tuple[str, str]:
    """What is left of two words without their vowels: as Korean words if both can be, otherwise as Persian ones."""
    pair = (korean(one), korean(other))
    if not all(pair):
        # A Persian q is a gh, an Arabic one a k; where one of the two has the one and one the other, it is Arabic.
        mixed = ("q" in one) != ("q" in other) and "k" in one + other
        pair = (_folded(_arabic(one, mixed), _PERSIAN), _folded(_arabic(other, mixed), _PERSIAN))
    return _BARE.sub("", pair[0]).replace("N", "n"), _BARE.sub("", pair[1]).replace("N", "n")


LANGUAGES: Final = {"k": "Korean", "kl": "Korean", "c": "Chinese", "p": "Persian", "a": "Arabic", "r": "Russian"}
"""What the letter of a key stands for."""
