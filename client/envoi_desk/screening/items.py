"""How close the items of a case are to those of a notice, on the tree of the regime's list.

The tree is the list's own: what stands under one entry is one thing in several sizes, what stands in one item is one
kind of thing. Codes that the list of today does not have are compared as they are written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from envoi_keys.regimes import Annex


class Closeness(IntEnum):
    """How close two codes are; the greater, the closer."""

    NONE = 0
    SAME_CATEGORY = 1
    SAME_ITEM = 2
    SAME_ENTRY = 3

    @property
    def words(self) -> str:
        """As it stands in a sentence."""
        return {0: "no like item", 1: "same category", 2: "same item", 3: "same entry"}[self]


@dataclass(frozen=True, slots=True)
class ItemMatch:
    """The closest two codes: the case's (``ours``) and the notice's (``theirs``). Both are empty where none is
    close."""

    closeness: Closeness
    ours: str = ""
    theirs: str = ""


def closest(annex: Annex, ours: Iterable[str], theirs: Iterable[str]) -> ItemMatch:
    """The closest pair of codes; among equals the first in the order of the case, then of the notice."""
    best = ItemMatch(Closeness.NONE)
    theirs = tuple(theirs)
    for one in ours:
        for other in theirs:
            found = closeness(annex, one, other)
            if found > best.closeness:
                best = ItemMatch(found, one, other)
    return best


def closeness(annex: Annex, one: str, other: str) -> Closeness:
    """How close two codes are."""
    entry, entry_of_other = annex.find(one), annex.find(other)
    if entry is None or entry_of_other is None:
        # Catch-all is on no list: two catch-all denials may be about a drone and a lathe.
        return Closeness.SAME_ENTRY if one == other and "." in one else Closeness.NONE
    shared = annex.find(_shared(one, other))
    if shared is not None:
        return Closeness.SAME_ENTRY if shared.controls else Closeness.SAME_ITEM
    return Closeness.SAME_CATEGORY if entry.category == entry_of_other.category else Closeness.NONE


def _shared(one: str, other: str) -> str:
    """The code of what both stand under, or are; empty if that is the list itself."""
    steps = []
    for ours, theirs in zip(one.split("."), other.split("."), strict=False):
        if ours != theirs:
            break
        steps.append(ours)
    return ".".join(steps)
