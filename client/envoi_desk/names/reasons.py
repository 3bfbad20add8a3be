"""Why two names are held to be one party's, or not: short plain sentences, the weightiest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .features import Shared
from .forms import Form
from .model import ACRONYM, INITIAL, JOINED, PART, ROMANISATION, SAME, SPELLING, WORD

_HOW: Final = {
    WORD: "{} and {} are forms of one word",
    ROMANISATION: "{} and {} may be one name, romanised twice",
    SPELLING: "{} and {} are spelt alike",
    PART: "of {} and {}, one holds the other",
    INITIAL: "{} and {} share their initial",
    JOINED: "{} and {} are one word and several",
    ACRONYM: "{} and {}: one is made of the first letters of the other",
}


def reasons(found: Shared, *, turned: bool) -> tuple[str, ...]:
    """What was found, of the first name asked about and then of the second."""
    said = []
    equal = [
        found.one.tokens[link.ones[0]].text for link in found.links if link.how == SAME and _tells(found, link.ones)
    ]
    if equal:
        said.append(f"both have {_list(equal)}")
    for link in sorted(found.links, key=lambda link: -sum(found.ones[at] for at in link.ones)):
        if link.how in _HOW and (link.how != WORD or _tells(found, link.ones)):
            one, other = _words(found.one, link.ones), _words(found.other, link.others)
            said.append(_HOW[link.how].format(*((other, one) if turned else (one, other))))
    sides = [
        _only(found.one, [at for link in found.links for at in link.ones]),
        _only(found.other, [at for link in found.links for at in link.others]),
    ]
    for place, words in zip(("first", "second"), reversed(sides) if turned else sides, strict=True):
        if words:
            said.append(f"only the {place} has {_list(words)}")
    if found.values["surname"] > 0.5:
        said.append("the surnames differ")
    if found.values["same_country"]:
        said.append("both are in one country")
    said += dict.fromkeys((*found.one.remarks, *found.other.remarks))
    return tuple(said)


def _tells(found: Shared, positions: Sequence[int]) -> bool:
    return any(found.one.tokens[at].tells for at in positions)


def _words(form: Form, positions: Sequence[int]) -> str:
    return " ".join(form.tokens[at].text for at in positions)


def _only(form: Form, met: Sequence[int]) -> list[str]:
    return [token.text for at, token in enumerate(form.tokens) if token.tells and at not in met]


def _list(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
