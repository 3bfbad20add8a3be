"""How much a word tells: a rare one much, one that many names bear little.

The kind of a word gives its weight where no register is at hand. A register's own counts lower that for the words it
is full of, and never raise it: a rare legal form is still a legal form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import weights
from .forms import Token


@dataclass(frozen=True, slots=True)
class Rarity:
    """``total`` names, and in how many of them each word stands (``counts``). Empty: the shipped default."""

    total: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)

    def weight(self, token: Token) -> float:
        """The weight of a word, from 0 to 1."""
        prior = weights.KIND[token.kind]
        if self.total < weights.FEWEST_NAMES:
            return prior
        share = self.counts.get(token.word, 0) / self.total
        if share <= weights.RARE_SHARE:
            return prior
        # From a rare word to one that every name bears, on a scale of logarithms.
        common = math.log(share / weights.RARE_SHARE) / math.log(1 / weights.RARE_SHARE)
        return prior * (1 - min(1.0, common) * (1 - weights.COMMONEST))


DEFAULT = Rarity()
"""What is known without a register."""
