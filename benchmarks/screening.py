"""Names on labelled pairs of public lists: precision, recall and F1 beside plain fuzzy scorers, and cross-validated.

The pairs are public listings and no part of the repository: ENVOI_SCREENING_PAIRS names their file, a CSV with name1,
name2, schema, country1, country2, is_match and tier. Where it is not set, this says so and measures nothing. `--fit`
prints the weights that the pairs ask for, and `--ablate` what each rule is worth: both are what
client/envoi_desk/names/weights.py quotes. The spread is over halves: all names of one party are in one half, weights
and threshold come from one half, and the other is measured.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import mean, stdev
from typing import Any

from rapidfuzz import fuzz, utils
from rapidfuzz.distance import JaroWinkler

from envoi_desk.names import Name, align, compare, weights
from envoi_desk.names.compare import prepared
from envoi_desk.names.rarity import DEFAULT
from envoi_desk.names.vocabulary import country_code

from .common import machine, progress, publish
from .logistic import fit, probability
from .report import Figure, Report

POSITIVE = ("A", "B", "C")
NEGATIVE = ("easy", "medium", "hard")
LEFT_OUT = "C"
"""The tier whose pairs no string decides: it is measured, and teaches nothing."""
ROUNDS = 10
AIMS = {"f1": 0.85, "A": 0.97, "B": 0.70, "hard": 0.12}
PLAIN: Mapping[str, Callable[[str, str], float]] = {
    "token_set_ratio": fuzz.token_set_ratio,
    "token_sort_ratio": fuzz.token_sort_ratio,
    "ratio": fuzz.ratio,
    "partial_ratio": fuzz.partial_ratio,
    "WRatio": fuzz.WRatio,
    "Jaro-Winkler": lambda one, other: 100 * JaroWinkler.similarity(one, other),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A labelled pair: two names, whether they are one party's, and how hard that is to tell."""

    one: Name
    other: Name
    match: bool
    tier: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A pair as the model sees it: the features, or none where the two names are alike in all that matters."""

    pair: Pair
    person: bool
    values: Mapping[str, float] | None


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a scorer does at a threshold. ``share`` is what it takes for a match, of each tier."""

    precision: float
    recall: float
    share: Mapping[str, float]

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.precision * self.recall / (self.precision + self.recall) if self.precision else 0.0


def find_pairs() -> Path | None:
    """The file of pairs that is named, or None."""
    named = os.environ.get("ENVOI_SCREENING_PAIRS")
    return Path(named) if named else None


def read_pairs(path: Path) -> list[Pair]:
    """Every pair of the file."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Pair(
                Name(row["name1"], row["schema"], country_code(row["country1"])),
                Name(row["name2"], row["schema"], country_code(row["country2"])),
                row["is_match"] == "true",
                row["tier"],
            )
            for row in csv.DictReader(file)
        ]


def quality(scored: Sequence[tuple[Pair, float]], threshold: float, *, weight: float = 1.0) -> Quality:
    """The quality at a threshold. ``weight`` of each pair that is no match restores the proportion of a sample."""
    hits = [(pair, score >= threshold) for pair, score in scored]
    right = sum(hit for pair, hit in hits if pair.match)
    wrong = sum(hit for pair, hit in hits if not pair.match) * weight
    every = sum(pair.match for pair, _ in hits)
    share = {}
    for tier in (*POSITIVE, *NEGATIVE):
        of_tier = [hit for pair, hit in hits if pair.tier == tier]
        share[tier] = sum(of_tier) / len(of_tier) if of_tier else 0.0
    return Quality(right / (right + wrong) if right else 0.0, right / every if every else 0.0, share)


def best(scored: Sequence[tuple[Pair, float]], thresholds: Sequence[float], *, weight: float = 1.0) -> float:
    """The threshold with the best F1."""
    return max(thresholds, key=lambda threshold: quality(scored, threshold, weight=weight).f1)


def samples(pairs: Sequence[Pair]) -> list[Sample]:
    """The features of every pair, as the shipped rules make them."""
    found = []
    for pair in pairs:
        one = prepared(pair.one, pair.other, DEFAULT)
        assert one is not None  # every name of the file has letters
        found.append(Sample(pair, one.one.person, None if one.one.key == one.other.key else one.values))
    return found


Model = Mapping[bool, Mapping[str, float]]
"""The weights of the features, by whether the names are persons'."""


def learn(sampled: Sequence[Sample], left_out: str = "") -> Model:
    """The weights that samples ask for; ``left_out`` is a feature to do without."""
    model = {}
    for person, names in ((False, weights.ORGANISATION), (True, weights.PERSON)):
        features = [name for name in names if name not in ("base", left_out)]
        used = [one for one in sampled if one.person is person and one.values and one.pair.tier != LEFT_OUT]
        rows = [[1.0, *(one.values[name] for name in features)] for one in used if one.values]
        model[person] = dict(zip(("base", *features), fit(rows, [one.pair.match for one in used]), strict=True))
    return model


def apply(model: Model, sampled: Sequence[Sample]) -> list[tuple[Pair, float]]:
    """The scores that a model gives."""
    return [(one.pair, 1.0 if one.values is None else probability(model[one.person], one.values)) for one in sampled]


def parties(pairs: Sequence[Pair]) -> Callable[[str], str]:
    """One name to stand for all that are known to be one party's."""
    up: dict[str, str] = {}

    def find(name: str) -> str:
        while up.setdefault(name, name) != name:
            name = up[name]
        return name

    for pair in pairs:
        if pair.match:
            up[find(pair.one.text)] = find(pair.other.text)
    return find


def halves(sampled: Sequence[Sample]) -> Iterator[tuple[list[Sample], list[Sample]]]:
    """Samples to learn from and samples to measure, which have no party in common, again and again."""
    find = parties([one.pair for one in sampled])
    roots = sorted({find(name.text) for one in sampled for name in (one.pair.one, one.pair.other)})
    for number in range(ROUNDS):
        draw = Random(number)
        first = {root for root in roots if draw.random() < 0.5}
        split: dict[bool, list[Sample]] = {True: [], False: []}
        for one in sampled:
            sides = {find(name.text) in first for name in (one.pair.one, one.pair.other)}
            if len(sides) == 1:
                split[sides.pop()].append(one)
        yield split[True], split[False]
        yield split[False], split[True]


def cross_validated(sampled: Sequence[Sample], left_out: str = "") -> list[Quality]:
    """The quality on each half, with weights and threshold from the other."""
    found = []
    for taught, held in halves(sampled):
        model = learn(taught, left_out)
        # Half of the pairs of one party are in a half, but only a quarter of those of two.
        threshold = best(apply(model, taught), [number / 40 for number in range(12, 29)], weight=2)
        found.append(quality(apply(model, held), threshold, weight=2))
    return found


def nameless(one: Sample) -> bool:
    """Whether both names have words that tell who they are, and none of them meets another."""
    return one.values is not None and one.values["telling"] == 0 and one.values["clash"] > 0.5


def beyond(sampled: Sequence[Sample]) -> str:
    """What of tier A no likeness of names decides, in words."""
    tier = [one for one in sampled if one.pair.tier == "A"]
    others = [one.pair for one in tier if not nameless(one)]
    same, different = sum(map(nameless, tier)), sum(nameless(one) for one in sampled if not one.pair.match)
    found = sum(compare(one.one, one.other).match for one in others) / len(others)
    most = 1 - same / len(tier)
    return (
        f"Of {len(tier)} pairs of tier A, {same} have words that tell who it is on each side and none that meet, as "
        f"have {different} pairs that are no match: without taking such, no more than {most:.3f} of tier A can be "
        f"found. Of the others {found:.3f} are, as shipped."
    )


def plain(pairs: Sequence[Pair], scorer: Callable[[str, str], float]) -> Quality:
    """The quality of a plain scorer at its best threshold on these very pairs, after case and punctuation."""
    scored = [
        (pair, scorer(utils.default_process(pair.one.text), utils.default_process(pair.other.text))) for pair in pairs
    ]
    return quality(scored, best(scored, range(40, 101)))


def spread(found: Sequence[Quality], part: Callable[[Quality], float]) -> str:
    """Mean and standard deviation, in words."""
    values = [part(one) for one in found]
    return f"{mean(values):.3f} +/- {stdev(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def measure(pairs: Sequence[Pair]) -> Report:
    """The report: the shipped matcher beside plain scorers, and the spread."""
    ours = quality([(pair, compare(pair.one, pair.other).score) for pair in pairs], weights.THRESHOLD)
    others = {name: plain(pairs, scorer) for name, scorer in PLAIN.items()}
    name = max(others, key=lambda other: others[other].f1)
    sampled = samples(pairs)
    halved = cross_validated(sampled)
    label = f"{name}, its best threshold"
    parts: list[tuple[str, Callable[[Quality], float], str, bool]] = [
        ("F1", lambda one: one.f1, "f1", True),
        ("precision", lambda one: one.precision, "", True),
        ("recall", lambda one: one.recall, "", True),
        *((f"recall, tier {tier}", _share(tier), tier, True) for tier in POSITIVE),
        *((f"false alarms, {tier} negatives", _share(tier), tier, False) for tier in NEGATIVE),
    ]
    figures = [
        _figure(f"{case}, held out", mean(map(part, halved)), part(others[name]), label, AIMS[key], high)
        for case, part, key, high in parts
        if key in AIMS
    ]
    plainly = {plain: others[plain] for plain in dict.fromkeys(("token_set_ratio", name))}
    figures += [
        _figure(f"{case}, as shipped", part(ours), part(other), f"{plain}, its best threshold", None, high)
        for plain, other in plainly.items()
        for case, part, _, high in parts
    ]
    return Report(
        name="screening",
        title=f"Names: {len(pairs):,} labelled pairs of public lists",
        bound=(
            "Pairs that no string decides: cover names and trade names (tier C, a seventh of all matches, and some of "
            "tier A), and sister companies that differ by one word."
        ),
        figures=tuple(figures),
        machine=machine("rapidfuzz"),
        notes=(
            f"Cross-validated on halves without a common party, {len(halved)} times; mean, deviation, range: "
            f"F1 {spread(halved, lambda one: one.f1)}; "
            + "; ".join(f"{tier} {spread(halved, _share(tier))}" for tier in ("A", "B", "hard"))
            + ".",
            beyond(sampled),
            "Held out: weights and threshold come from other parties than those measured; the aims are judged on that.",
            "As shipped: the weights learnt from these pairs; the plain scorers' thresholds are their best on them.",
        ),
    )


def _share(tier: str) -> Callable[[Quality], float]:
    return lambda one: one.share[tier]


def _figure(case: str, ours: float, theirs: float, label: str, aim: float | None, high: bool) -> Figure:
    met = None if aim is None else (ours >= aim if high else ours < aim)
    words = "" if aim is None else f"{'at least' if high else 'under'} {aim}"
    return Figure(case, ours, label, theirs, "", ours / theirs if theirs else None, words, met)


def show_fit(pairs: Sequence[Pair]) -> None:
    """Print the weights that all pairs ask for, and the quality at every threshold."""
    sampled = samples(pairs)
    model = learn(sampled)
    for person, table in model.items():
        print("PERSON" if person else "ORGANISATION")
        for name, value in table.items():
            print(f'    "{name}": {value:.2f},')
    scored = apply(model, sampled)
    for number in range(12, 29):
        found = quality(scored, number / 40)
        shares = "  ".join(f"{tier} {share:.3f}" for tier, share in found.share.items())
        print(f"{number / 40:.3f}  F1 {found.f1:.3f}  precision {found.precision:.3f}  {shares}")


ABLATIONS: Sequence[tuple[str, Mapping[str, Any]]] = (
    *((f"{how} counts nothing", {"LIKENESS": {**weights.LIKENESS, how: 0.0}}) for how in weights.LIKENESS),
    *((f"{kind} words weigh as names", {"KIND": {**weights.KIND, kind: 1.0}}) for kind in weights.KIND),
    ("loose romanisation counts nothing", {"LOOSE_ROMANISATION": 0.0}),
    ("words spelt alike from .65", {"FEWEST_ALIKE": 0.65}),
    ("words spelt alike from .85", {"FEWEST_ALIKE": 0.85}),
    ("any romanisation key is enough", {"FEWEST_LETTERS": 0.0}),
    ("short words may be misspelt", {"SHORT_WORD": 3}),
    ("business words may be misspelt like names", {"WORD_ALIKE": 0.0}),
    ("joined words may be misspelt", {"GLUED_ALIKE": 0.0}),
    ("no names are of syllables", {"SYLLABIC": frozenset(), "ONE_SYLLABLE": 0}),
)


@contextmanager
def changed(values: Mapping[str, Any]) -> Iterator[None]:
    """The shipped weights with some of them changed."""
    kept = {name: getattr(weights, name) for name in values}
    try:
        for name, value in values.items():
            setattr(weights, name, value)
        align.alike.cache_clear()
        yield
    finally:
        for name, value in kept.items():
            setattr(weights, name, value)
        align.alike.cache_clear()


def show_ablations(pairs: Sequence[Pair]) -> None:
    """Print what the cross-validated quality would be without each feature and with each rule changed."""

    def line(what: str, found: Sequence[Quality]) -> None:
        shares = "  ".join(
            f"{tier} {mean(one.share[tier] for one in found):.3f}" for tier in ("A", "B", "hard", "medium")
        )
        print(f"{what:45}  F1 {mean(one.f1 for one in found):.4f}  {shares}", flush=True)

    sampled = samples(pairs)
    line("as shipped", cross_validated(sampled))
    for name in dict.fromkeys([*weights.ORGANISATION, *weights.PERSON]):
        if name != "base":
            line(f"without the feature {name}", cross_validated(sampled, name))
    for what, values in ABLATIONS:
        with changed(values):
            line(what, cross_validated(samples(pairs)))


def main() -> int:
    """Measure and print; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--quick", action="store_true", help="the same: it is quick")
    parser.add_argument("--fit", action="store_true", help="print the weights that the pairs ask for")
    parser.add_argument("--ablate", action="store_true", help="print what each feature and rule is worth")
    options = parser.parse_args()
    path = find_pairs()
    if path is None:
        progress("skipped: the labelled pairs are not here\nhint: set ENVOI_SCREENING_PAIRS to their file")
        return 0
    pairs = read_pairs(path)
    if options.fit:
        show_fit(pairs)
    elif options.ablate:
        show_ablations(pairs)
    else:
        publish(measure(pairs), as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
