"""Numbers of registers, passports and the like, as two desks that write them differently can compare them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

from envoi_client.documents.denial import Identifier, Party

_ALIKE: Final = str.maketrans("авекмнорстухіјѕαβεζηικμνορτυχ", "abekmhopctyxijsabezhikmnoptyx")
"""Cyrillic and Greek letters whose capitals look like Latin ones: a clerk types what is printed."""


def plain(value: str) -> str:
    """A number without case, spaces and punctuation, in the digits and letters of Latin; empty if nothing is left.

    Whatever script its digits are of, they count as digits (Unicode, property Decimal).
    """
    found = unicodedata.normalize("NFKD", value).casefold()
    return "".join(_digit(character) for character in found if character.isalnum()).translate(_ALIKE)


def _digit(character: str) -> str:
    number = unicodedata.decimal(character, None)
    return character if number is None else str(number)


def values(parties: Iterable[Party]) -> set[str]:
    """Every number that one of the parties bears, plain."""
    return {plain(one.value) for party in parties for one in party.identifiers} - {""}


def shared(ours: Party, theirs: Party) -> tuple[Identifier, ...]:
    """The identifiers of ``theirs`` whose value ``ours`` has too; how a register is called differs between desks."""
    both = values((ours,)) & values((theirs,))
    return tuple(one for one in theirs.identifiers if plain(one.value) in both)
