"""What counts how much in the order of hits, with the reason for each number.

These order what an officer reads. Whether a notice is shown is the names' to decide, whose weights stand in
:mod:`envoi_desk.names` with their measurements, and that of the few bounds at the end. All of the first together make
1, so that a hit's rank is a share.
"""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from typing import Final

from ..names import weights as names
from .items import Closeness

NAME: Final = 0.55
"""Times the score of the best pair of names. More than everything else together: a denial is about an end-user, and
another end-user of the same item in the same country is no reason to consult."""
IDENTIFIER: Final = 0.15
"""A number of a register that both parties bear. Nearly proof, but few notices have one, and a clerk can mistype it."""
ITEM: Final = {
    Closeness.SAME_ENTRY: 0.12,
    Closeness.SAME_ITEM: 0.08,
    Closeness.SAME_CATEGORY: 0.02,
    Closeness.NONE: 0.0,
}
"""No undercut is about "the same or a similar item": an item of the list is one kind of thing, a category is only how
dangerous it is, and says next to nothing about likeness."""
MORE_PARTIES: Final = 0.08
"""A second party of the case meets a second party of the notice: two chance likenesses in one notice are rare."""
ADDRESS: Final = 0.05
"""Times the likeness of the addresses of the best pair. Free zones and forwarders share addresses."""
COUNTRY: Final = 0.03
"""The parties of the best pair are in one country. Most namesakes abroad are namesakes."""
DESTINATION: Final = 0.02
"""The items were to go to the same country. A diversion names another one on purpose, so it weighs little."""

TELLING_LENGTH: Final = 6
TELLING_CHARACTERS: Final = 3
"""Letters and digits, one of them a digit and so many of them different, from which on an equal number makes a hit by
itself, whatever the names: of shorter ones two registers give out the same every day, and "unknown" or 000000 is none.
Who changes a name seldom changes a passport."""
BY_NUMBER: Final = 0.9
"""What such a number counts in the place of the names. It is nearly proof, so namesakes do not push it down the list,
but a notice may name a number that is not its party's."""
MOST_NAMES: Final = 10
"""Names of a party that are compared one by one with those of a party that bears the same number, or was met before."""
MOST_PAIRS: Final = 40
"""Pairs of parties of one notice that are compared so: a notice may have a hundred parties of a hundred names each."""

SAME_ADDRESS: Final = 0.85
"""From here on two addresses are said to be alike: one word or number of six differs."""
NEAR_MISS: Final = 0.3
"""A pair of names below the matcher's threshold and above this score is a hit if an identifier is equal, however short,
or the addresses are alike: a firm that changed its name has not moved. The index gives no lower ones."""


@cache
def version() -> str:
    """What is kept with every screening: the beginning of SHA-256 over all weights, these and the matcher's.

    A case is screened again when they have changed, as it is when a notice came.
    """
    modules = (names, sys.modules[__name__])
    values = [
        # A set has no order of its own, and another one in each process.
        f"{module.__name__}.{name}={sorted(value) if isinstance(value, frozenset) else value!r}"
        for module in modules
        for name, value in sorted(vars(module).items())
        if name.isupper()
    ]
    return hashlib.sha256("\n".join(values).encode()).hexdigest()[:12]
