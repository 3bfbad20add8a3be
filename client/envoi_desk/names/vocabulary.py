"""The words that names are made of, as data: legal forms, business words, places, fillers, and names that many bear.

Each file in ``data/`` says in its first line what it holds. A phrase is a tuple of words as :mod:`.forms` cuts them:
lower case, ASCII, no punctuation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from envoi_keys.countries import country_codes, country_name
from envoi_keys.errors import LocalError

LEGAL: Final = "legal"
WORD: Final = "word"
FIELD: Final = "field"
PLACE: Final = "place"
FILLER: Final = "filler"
COMMON: Final = "common"
NAME: Final = "name"

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a phrase is: its kind, and the one word that all its forms stand for."""

    kind: str
    word: str


def _data(name: str) -> dict[str, Any]:
    try:
        raw = files(__package__).joinpath("data").joinpath(f"{name}.json").read_bytes()
    except OSError:
        raise LocalError(
            f"data/{name}.json is missing from the installation", hint="install envoi-client again"
        ) from None
    found: dict[str, Any] = json.loads(raw)
    return found


@cache
def phrases() -> Mapping[Phrase, Entry]:
    """Every known phrase of an organisation's name. Where two lists claim one, the earlier of these wins."""
    table: dict[Phrase, Entry] = {}

    def add(text: str, kind: str, word: str) -> None:
        table.setdefault(tuple(text.split()), Entry(kind, word))

    for forms in _data("legal_forms")["forms"].values():
        for form in forms:
            add(form, LEGAL, form)
    words = _data("words")
    frequent = frozenset(words["frequent"])
    for word, others in words["words"].items():
        for text in (word, *others):
            add(text, WORD if word in frequent else FIELD, word)
    for word, others in words["synonyms"].items():
        for text in (word, *others):
            add(text, NAME, word)
    places = _data("places")
    for code, names in places["countries"].items():
        for text in names:
            add(text, PLACE, code.lower())
    for text in places["korea"]:
        add(text, PLACE, "korea")
    for text in places["cities"]:
        add(text, PLACE, text.replace(" ", ""))
    for text in sorted(fillers()):
        add(text, FILLER, text)
    return table


@cache
def longest_phrases() -> Mapping[str, int]:
    """For each word with which a phrase begins, how many words the longest such phrase has."""
    longest: dict[str, int] = {}
    for phrase in phrases():
        longest[phrase[0]] = max(len(phrase), longest.get(phrase[0], 0))
    return longest


@cache
def fillers() -> frozenset[str]:
    """Words that carry no meaning of their own."""
    return frozenset(_data("fillers")["fillers"])


@cache
def korean_names() -> frozenset[str]:
    """Family names and syllables that very many Koreans bear."""
    return frozenset(_data("common_names")["korean"])


@cache
def articles() -> frozenset[str]:
    """Articles that are written before, onto and instead of each other in romanised Arabic."""
    return frozenset(_data("fillers")["articles"])


@cache
def titles() -> frozenset[str]:
    """Titles of persons, which one list gives and another leaves out."""
    return frozenset(_data("fillers")["titles"])


@cache
def personal() -> frozenset[str]:
    """What shows that a name is a person's: names that many bear, and titles."""
    return common_names() | titles()


@cache
def unspoken() -> frozenset[str]:
    """What may stand in a person's name and may be left out: titles, links and articles."""
    return titles() | links() | articles()


@cache
def joined_titles() -> tuple[str, ...]:
    """Titles that are also written onto the name that follows, the longest first."""
    return tuple(sorted(_data("fillers")["joined_titles"], key=lambda title: (-len(title), title)))


@cache
def links() -> frozenset[str]:
    """Words that link the parts of a person's name."""
    return frozenset(_data("fillers")["links"])


@cache
def common_names() -> frozenset[str]:
    """Personal names that very many bear."""
    return frozenset(name for key, names in _data("common_names").items() if key != "about" for name in names)


@cache
def original_script() -> dict[str, str]:
    """What words in their own script mean in English."""
    return {**_data("legal_forms")["original_script"], **_data("words")["original_script"]}


@cache
def jurisdictions() -> tuple[str, ...]:
    """The jurisdictions whose legal forms are known, by code."""
    return tuple(sorted(_data("legal_forms")["forms"]))


@cache
def _codes() -> dict[str, str]:
    codes = {str(country_name(code)).casefold(): code for code in country_codes()}
    for code, names in _data("places")["countries"].items():
        for name in names:
            codes.setdefault(name, code)
    return codes


def country_code(text: str) -> str:
    """The code of a country that is written as a code or in English; empty where it is neither."""
    written = text.strip()
    if written in country_codes():
        return written
    plain = " ".join("".join(one if one.isalnum() else " " for one in written.casefold()).split())
    return _codes().get(written.casefold()) or _codes().get(plain, "")
