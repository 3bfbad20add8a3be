"""The words of forms and of paper in English and French, one catalogue for both.

A key has the same meaning in either language; a test holds the keys equal. The terms of a notice are translated for
people only: what is written in a notice is always the term itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from envoi_keys.errors import LocalError

LANGUAGES: Final = ("en", "fr")


class Words:
    """The words of one language."""

    __slots__ = ("_texts", "language")

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        self.language = language
        self._texts = texts

    def __call__(self, key: str, **values: object) -> str:
        """The text under ``key``, with ``values`` in its places."""
        # Not str.format: a value that has braces in it would be read as a place.
        text = self._texts[key]
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", str(value))
        return text

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def term(self, term: str) -> str:
        """What people call a term of a notice."""
        return self._texts.get(f"term.{term}", term.replace("_", " "))


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """All words: by language, then by key."""
    texts = json.loads(files(__package__).joinpath("words.json").read_bytes())
    return MappingProxyType({language: MappingProxyType(texts[language]) for language in LANGUAGES})


def words(language: str) -> Words:
    """The words of ``language``, ``en`` or ``fr``. Raises LocalError for another."""
    if language not in LANGUAGES:
        raise LocalError(
            f"{language[:20]} is not a language of the forms", hint=f"write one of: {', '.join(LANGUAGES)}"
        )
    return Words(language, catalogue()[language])


def language_of(environment: Mapping[str, str]) -> str:
    """The language that the environment asks for (LC_ALL, LC_MESSAGES, LANG); English where it asks for another."""
    said = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return "fr" if said.lower().startswith("fr") else "en"
