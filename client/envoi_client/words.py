"""A roster's id as 24 words that two people can read to each other over a telephone.

The words are those of BIP-39 (English): 256 bits and 8 bits of checksum, so a misheard or swapped word is
caught except once in 256 times, and comparing both sides' words catches that too (PROTOCOL §6.4). Hexadecimal is
accepted as well.
"""

from __future__ import annotations

import difflib
import re
from functools import cache
from typing import Final

from mnemonic import Mnemonic

from envoi_keys.encoding import HEX32
from envoi_keys.errors import Malformed

WORD_COUNT: Final = 24
_MAX_CHARS: Final = 1024


def to_words(roster_id: str) -> tuple[str, ...]:
    """The 24 words of a roster id, which is 64 hexadecimal digits. Raises Malformed."""
    if not HEX32.fullmatch(roster_id):
        raise Malformed("is not 64 lower-case hexadecimal digits", field="roster id")
    return tuple(_words().to_mnemonic(bytes.fromhex(roster_id)).split())


def parse_roster_id(text: str) -> str:
    """The roster id, as hexadecimal digits, of what a person typed: the digits themselves or the 24 words.

    Spaces, line ends and capitals do not matter, nor do commas, full stops, hyphens and numbering between the
    words. Raises Malformed, which names the wrong word and the nearest right one.
    """
    if len(text) > _MAX_CHARS:
        raise Malformed(f"has {len(text)} characters; 24 words are shorter", field="roster id")
    folded = text.casefold()
    digits = "".join(folded.split())
    if HEX32.fullmatch(digits):
        return digits
    words = re.findall(r"[^\W\d_]+", folded)
    if digits and not digits.strip("0123456789abcdef"):
        raise Malformed(f"has {len(digits)} hexadecimal digits instead of 64", field="roster id")
    if len(words) <= 1:
        raise Malformed("is neither 64 hexadecimal digits nor 24 words", field="roster id")
    for position, word in enumerate(words, start=1):
        if word not in _known():
            raise Malformed(f"{word[:32]!r} is not in the list{_suggestion(word[:32])}", field=f"word {position}")
    if len(words) != WORD_COUNT:
        raise Malformed(f"has {len(words)} words instead of {WORD_COUNT}", field="roster id")
    return _entropy(words)


def _entropy(words: list[str]) -> str:
    try:
        return bytes(_words().to_entropy(words)).hex()
    except ValueError:
        raise Malformed(
            "the words are all in the list but do not fit together",
            field="roster id",
            hint="one word was misheard or two stand in the wrong order; have them read out again",
        ) from None


def _suggestion(word: str) -> str:
    near = difflib.get_close_matches(word, _words().wordlist, n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


@cache
def _words() -> Mnemonic:
    return Mnemonic("english")


@cache
def _known() -> frozenset[str]:
    return frozenset(_words().wordlist)
