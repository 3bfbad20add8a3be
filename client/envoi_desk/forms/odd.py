"""Names that look like something else, told as such: letters of several scripts in one word, and marks that hide.

Such a name is evidence and is kept as it is; whoever reads it is told. A word of Latin letters in which one is Cyrillic
looks the same to an officer and differs for every search.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from envoi_client.documents.text import printable, unsafe_character

_OTHERS: Final = ("CYRILLIC", "GREEK")
_ALIKE: Final = frozenset("АВЕЅІЈКМНОРСТУХаеѕіјорсухһԁԛԝқүґΑΒΕΖΗΙΚΜΝΟΡΤΥΧαικνορτυχϲϳ")
"""Letters of those scripts that look like Latin ones."""
_WORD: Final = re.compile(r"\w+")


def oddities(text: str) -> list[str]:
    """What is odd about a name, each in a sentence; nothing for nearly every name."""
    found: list[str] = []
    if not text.isascii():
        if unsafe_character(text, line_breaks=True) is not None:
            found.append(f"{printable(text)[:80]} holds a hidden mark, which is written out here")
        found += [sentence for word in _WORD.findall(text) if (sentence := _mixed(word))]
    return found


def _mixed(word: str) -> str | None:
    if not _ALIKE.intersection(word):
        return None
    scripts: dict[str, list[str]] = {}
    for letter in word:
        script = unicodedata.name(letter, "").partition(" ")[0]
        if script == "LATIN" or script in _OTHERS:
            scripts.setdefault(script, []).append(letter)
    if "LATIN" not in scripts or len(scripts) < 2:
        return None
    usual, rare = sorted(scripts, key=lambda script: -len(scripts[script]))[:2]
    letters = ", ".join(f"{one} (U+{ord(one):04X})" for one in dict.fromkeys(scripts[rare]))
    return f"{word[:40]} mixes {usual.capitalize()} letters with {rare.capitalize()} ones that look alike: {letters}"
