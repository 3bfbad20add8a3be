"""Logistic regression in plain Python: Newton's method with a small ridge. Enough for a dozen features.

The ridge keeps the weights of features that say the same small and alike; the constant is not held back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

RIDGE = 2.0
_STEPS = 12
_FAR = 30.0


def probability(model: Mapping[str, float], values: Mapping[str, float]) -> float:
    """What a model, with its constant as ``base``, says of features."""
    return _sigmoid(model["base"] + sum(weight * values[name] for name, weight in model.items() if name != "base"))


def fit(rows: Sequence[Sequence[float]], labels: Sequence[bool]) -> list[float]:
    """The weights of the columns of ``rows``, the first of which is 1 throughout."""
    size = len(rows[0])
    weights = [0.0] * size
    for _ in range(_STEPS):
        slope = [0.0] + [-RIDGE * weight for weight in weights[1:]]
        curve = [[RIDGE if row == column and row else 0.0 for column in range(size)] for row in range(size)]
        curve[0][0] = 1e-6
        for row, label in zip(rows, labels, strict=True):
            said = _sigmoid(sum(weight * value for weight, value in zip(weights, row, strict=True)))
            steep = said * (1 - said)
            for at, value in enumerate(row):
                if value:
                    slope[at] += (label - said) * value
                    for to in range(at + 1):
                        curve[at][to] += steep * value * row[to]
        for at in range(size):
            for to in range(at):
                curve[to][at] = curve[at][to]
        weights = [weight + step for weight, step in zip(weights, _solved(curve, slope), strict=True)]
    return weights


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-max(-_FAR, min(_FAR, value))))


def _solved(matrix: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for at in range(size):
        best = max(range(at, size), key=lambda row: abs(rows[row][at]))
        rows[at], rows[best] = rows[best], rows[at]
        for row in range(size):
            if row != at:
                factor = rows[row][at] / rows[at][at]
                rows[row] = [mine - factor * theirs for mine, theirs in zip(rows[row], rows[at], strict=True)]
    return [rows[at][size] / rows[at][at] for at in range(size)]
