"""One case of five parties against the names of 100,000, beside rapidfuzz comparing every name with every other.

The names are made up and always the same. The index is built from nothing into an encrypted store, five hundred owners
in a transaction, as a register reads them. `cdist` gets all names as a list in memory, made ready beforehand, and both
cores; it finds what looks alike and says nothing of it. Candidates that share no key are never compared: what that
loses is told too, on the labelled pairs if they are here.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from rapidfuzz import fuzz, process, utils

from envoi_client.cli import collect_seldom
from envoi_client.store.database import Database
from envoi_desk.names import IndexedName, Name, NameIndex, compare
from envoi_desk.names.blocking import keys
from envoi_desk.names.forms import filed_form
from envoi_desk.names.tables import TABLES

from .common import arguments, compared, in_turn, machine, progress, publish, scratch
from .made_up_names import Clerk, Party
from .report import Figure, Report
from .screening import find_pairs, read_pairs

PARTIES = 100_000
ASKED = 5
BATCH = 500
SOURCE = "denials"
KEY = bytes(range(32))
AT_MOST_MS = 300
AT_MOST_BUILD_S = 30
UPDATED = 200
CUTOFF = 80


def named(party: Party) -> list[IndexedName]:
    """The names of a party as a register files them: a notice says the country and not whether it is a person."""
    return [IndexedName(Name(text, country=party.country), 0, at) for at, text in enumerate(party.names)]


def build(path: Path, parties: Sequence[Party]) -> tuple[Database, NameIndex]:
    """The index of all parties, from nothing."""
    database = Database(path, KEY, [TABLES])
    index = NameIndex(database)
    for start in range(0, len(parties), BATCH):
        with database.transaction():
            for at in range(start, min(start + BATCH, len(parties))):
                index.put(SOURCE, at, named(parties[at]))
    return database, index


def cases(clerk: Clerk, parties: Sequence[Party], count: int) -> list[list[Name]]:
    """Cases of five parties, each a known one under its main name and under another."""
    draw = Random(2)
    found = []
    for _ in range(count):
        chosen = [parties[draw.randrange(len(parties))] for _ in range(ASKED)]
        found.append(
            [
                Name(text, country=party.country)
                for party in chosen
                for text in dict.fromkeys((party.names[0], clerk.alias(party.names[0])))
            ]
        )
    return found


def absolute(case: str, ours: float, aim: float, unit: str, what: str) -> Figure:
    """A figure beside its aim, where there is nothing else to hold it against."""
    return Figure(case, ours, what, aim, unit, ours / aim, f"at most {aim:g} {unit}", ours <= aim)


def updates(database: Database, index: NameIndex, parties: Sequence[Party]) -> float:
    """Milliseconds to replace one owner's names, each in a transaction of its own."""
    start = time.perf_counter()
    for at in range(UPDATED):
        with database.transaction():
            index.put(SOURCE, at, named(parties[-1 - at]))
    taken = 1000 * (time.perf_counter() - start) / UPDATED
    for at in range(UPDATED):
        index.put(SOURCE, at, named(parties[at]))
    return taken


def cold(path: Path, case: Sequence[Name]) -> float:
    """Milliseconds from opening the store to the answer."""
    start = time.perf_counter()
    database = Database(path, KEY, [TABLES])
    NameIndex(database).search(case, sources=(SOURCE,))
    taken = 1000 * (time.perf_counter() - start)
    database.close()
    return taken


def lost() -> str:
    """What the keys lose of the labelled pairs, in words."""
    path = find_pairs()
    if path is None:
        return "What the keys lose is not measured: the labelled pairs are not here."
    pairs = [pair for pair in read_pairs(path) if pair.match and pair.tier in "AB"]
    accepted = [pair for pair in pairs if compare(pair.one, pair.other).match]

    def filed(name: Name) -> set[str]:
        return keys(filed_form(name.text, name.schema))

    missed = [pair for pair in accepted if filed(pair.one).isdisjoint(filed(pair.other))]
    return (
        f"Of the {len(accepted)} labelled pairs of tiers A and B that the matcher accepts, {len(missed)} share no key, "
        "and a search would not find them."
    )


def measure(options: Any) -> Report:
    """Build, ask, update, and ask again, in a process that collects garbage as ``envoi`` does."""
    collect_seldom()
    clerk = Clerk(1)
    parties = list(clerk.parties(options.parties))
    every = [name for party in parties for name in party.names]
    asked = cases(clerk, parties, max(3, options.rounds))
    progress(f"{len(every)} names of {len(parties)} parties ...")
    with scratch() as folder:
        start = time.perf_counter()
        database, index = build(folder / "names.db", parties)
        built = time.perf_counter() - start
        progress(f"built in {built:.1f} s")
        choices = [utils.default_process(name) for name in every]
        turn = iter(range(10**6))

        def ours() -> object:
            return index.search(asked[next(turn) // 2 % len(asked)], sources=(SOURCE,))

        def theirs() -> object:
            queries = [utils.default_process(name.text) for name in asked[next(turn) // 2 % len(asked)]]
            return process.cdist(queries, choices, scorer=fuzz.token_set_ratio, score_cutoff=CUTOFF, workers=2)

        timings = in_turn({"ours": ours, "cdist": theirs}, options.rounds)
        found = _found(index, parties)
        updated = updates(database, index, parties)
        size = (folder / "names.db").stat().st_size / 2**20
        database.close()
        opened = cold(folder / "names.db", asked[0])
    warm = 1000 * median(timings["ours"])
    return Report(
        name="screening_speed",
        title=f"A case of five parties against {len(parties):,} parties with {len(every):,} names",
        bound="Reading and comparing the few hundred names that share rare keys; the index is read in place.",
        figures=(
            compared(
                "screen a case, warm",
                timings,
                "ours",
                "cdist",
                alternative="cdist, token_set_ratio, two cores",
                unit="ms",
                scale=1000,
            ),
            absolute("screen a case, warm", warm, AT_MOST_MS, "ms", "the aim"),
            absolute("build the index from nothing", built, AT_MOST_BUILD_S, "s", "the aim"),
        ),
        machine=machine("rapidfuzz", "sqlcipher3"),
        notes=(
            f"From opening the store to the first answer: {opened:.0f} ms. Nothing is loaded at the start.",
            f"One owner's names replaced in a transaction of its own: {updated:.1f} ms. The file has {size:.0f} MiB.",
            f"Of 500 parties asked for under an alias that was never filed, {found} were found.",
            lost(),
        ),
    )


def _found(index: NameIndex, parties: Sequence[Party]) -> int:
    clerk, draw, found = Clerk(3), Random(4), 0
    for _ in range(500):
        at = draw.randrange(len(parties))
        asked = Name(clerk.alias(parties[at].names[0]), country=parties[at].country)
        found += any(one.owner == at for one in index.search([asked], sources=(SOURCE,)))
    return found


def main() -> int:
    """Measure and print; the exit code."""
    options = arguments(__doc__, rounds=9, parties=PARTIES)
    if options.quick:
        options.parties = min(options.parties, 2_000)
    if importlib.util.find_spec("numpy") is None:
        progress("error: cdist needs numpy, which is not installed\nhint: pip install numpy")
        return 1
    publish(measure(options), as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
