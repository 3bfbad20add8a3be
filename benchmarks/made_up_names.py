"""Names that nobody bears, as many as are wanted, always the same: for measuring speed, not quality.

Words are strung together from the syllables of a language and drawn as in real registers: a few stand in many names,
most in one or two. An alias is what another clerk makes of the name: another romanisation, order, legal form or cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random

_SYLLABLES = {
    "KP": "kim ri pak chol yong song nam il gwang myong hyok jin su tae bong ryong san gang un hwa ok chun sok",
    "IR": "ta ba ri ma had zad ne shar ho sein par vin sa mo rad kav eh do ran mir far ze gol ny yar ash kan",
    "RU": "vo lo ga ros tov sky mir ne va tek prom stal kov bel or len zhel dor kras no yarsk ura mash",
    "CN": "zhong hua xin da lian sheng hai guang fu ming jin wei long tian cheng rui bo yuan hong shan",
    "SY": "al mah rus ka sim nas ser ha lab dam qas sar khal ed ab du fa ris sha mi bei ru",
}
_BUSINESS = (
    "TRADING INDUSTRIES GENERAL ELECTRONICS SHIPPING ENGINEERING TECHNOLOGY INTERNATIONAL PETROCHEMICAL MACHINERY "
    "DEVELOPMENT INVESTMENT RESEARCH CHEMICAL AEROSPACE METALLURGY EQUIPMENT LOGISTICS PRECISION GROUP"
)
_LEGAL = ("CO", "LTD", "CO., LTD.", "LLC", "CORPORATION", "COMPANY", "JSC", "GMBH", "FZE", "")
_SWAPS = (("k", "g"), ("t", "d"), ("p", "b"), ("ch", "j"), ("o", "u"), ("i", "y"), ("sh", "s"), ("e", "a"))
_WORDS = 20_000
_PER_PARTY = 2.75


@dataclass(frozen=True, slots=True)
class Party:
    """A party: its names, the first of which is the main one, and its country."""

    names: tuple[str, ...]
    person: bool
    country: str


class Clerk:
    """Draws parties; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._words = {country: self._vocabulary(syllables.split()) for country, syllables in _SYLLABLES.items()}
        # The word of rank n stands in one name of n (Zipf), as far as twenty thousand words of a language.
        self._weights = list(accumulate(1 / (rank + 8) for rank in range(_WORDS)))

    def _vocabulary(self, syllables: Sequence[str]) -> list[str]:
        words = {
            "".join(self._random.choices(syllables, k=self._random.choice((1, 2, 2, 3, 3, 4)))): None
            for _ in range(3 * _WORDS)
        }
        return list(words)[:_WORDS]

    def _word(self, country: str) -> str:
        words = self._words[country]
        return self._random.choices(words, cum_weights=self._weights[: len(words)])[0]

    def parties(self, count: int) -> Iterator[Party]:
        """So many parties."""
        for _ in range(count):
            country = self._random.choice(list(_SYLLABLES))
            person = self._random.random() < 0.4
            name = self._person(country) if person else self._firm(country)
            aliases = [self.alias(name) for _ in range(round(self._random.expovariate(1 / (_PER_PARTY - 1))))]
            yield Party(tuple(dict.fromkeys((name, *aliases))), person, country)

    def _person(self, country: str) -> str:
        given = " ".join(self._word(country).capitalize() for _ in range(self._random.choice((1, 2, 2))))
        return f"{self._word(country).upper()}, {given}"

    def _firm(self, country: str) -> str:
        own = [self._word(country).upper() for _ in range(self._random.choice((1, 1, 2)))]
        trade = self._random.sample(_BUSINESS.split(), self._random.choice((1, 2, 2, 3)))
        return " ".join([*own, *trade, self._random.choice(_LEGAL)]).strip()

    def alias(self, name: str) -> str:
        """What another clerk makes of a name."""
        words = name.replace(",", "").split()
        turn = self._random.random()
        if turn < 0.4:
            one, other = self._random.choice(_SWAPS)
            return name.lower().replace(one, other, 1).upper()
        if turn < 0.6:
            return " ".join(words[1:] + words[:1])
        if turn < 0.8 and len(words) > 2:
            return " ".join(words[:-1])
        if turn < 0.9:
            return " ".join([words[0] + words[1].lower(), *words[2:]]) if len(words) > 1 else name.lower()
        at = self._random.randrange(len(name))
        return name[:at] + name[at + 1 :]
