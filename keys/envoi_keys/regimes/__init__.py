"""Regimes as data: a profile and the list of what is controlled, each one file.

Another regime needs a ``<regime>.json`` and a ``<regime>_annex.json`` here and no code. Files of a regime
that is not shipped are read with :func:`parse_annex` and :func:`parse_profile` from their bytes.
"""

from __future__ import annotations

import difflib
from functools import cache

from envoi_keys import package_data
from envoi_keys.errors import Malformed

from .annex import Annex, Entry, Suggestion, parse_annex
from .default_quorum import default_quorum
from .profile import (
    WITHHELD,
    Body,
    Clocks,
    DenialRules,
    OfficeProfile,
    Profile,
    QuorumShape,
    State,
    parse_profile,
)
from .profile import annex_file as _annex_file
from .references import ReferenceForm

__all__ = [
    "WITHHELD",
    "Annex",
    "Body",
    "Clocks",
    "DenialRules",
    "Entry",
    "OfficeProfile",
    "Profile",
    "QuorumShape",
    "ReferenceForm",
    "State",
    "Suggestion",
    "available",
    "default_quorum",
    "load",
    "parse_annex",
    "parse_profile",
]


def available() -> tuple[str, ...]:
    """The regimes whose profiles are shipped, sorted."""
    return tuple(name for name in package_data.stems("regimes", ".json") if not name.endswith("_annex"))


@cache
def load(regime: str) -> Profile:
    """The shipped profile of ``regime`` (``mtcr``). Raises Malformed if there is none."""
    known = available()
    if regime not in known:
        near = difflib.get_close_matches(regime.lower(), known, n=1, cutoff=0.5)
        raise Malformed(
            f"there is no profile {regime[:32]!r}",
            field="regime",
            hint=f"did you mean {near[0]}?" if near else f"the profiles here are: {', '.join(known)}",
        )
    raw = package_data.read("regimes", f"{regime}.json")
    annex = parse_annex(package_data.read("regimes", _annex_file(raw)))
    profile = parse_profile(raw, annex)
    if profile.regime != regime:
        raise Malformed(f"{profile.regime} stands in the file of {regime}", field="regime")
    return profile
