"""The register with 100,000 notices: listed, filtered, looked back at, one more taken, in memory that does not grow.

Beside it stands what cannot be avoided: reading the same rows out of the same encrypted file by one plain SELECT.
Taking one more stands beside taking one into an empty register: what a sync costs must not depend on what is held.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

from envoi_client.store.database import Database
from envoi_desk.names import NameIndex
from envoi_desk.names.tables import TABLES as NAMES
from envoi_desk.register import Query, Register
from envoi_desk.register.tables import TABLES
from envoi_keys.regimes import load

from .common import arguments, compared, in_turn, machine, progress, publish, scratch
from .made_up_names import Clerk
from .report import Report

NOTICES = 100_000
_BATCH = 500
_PROFILE = load("mtcr")


class Filled:
    """A register with so many notices of invented parties."""

    def __init__(self, path: Path, notices: int) -> None:
        self.database = Database(path, bytes(32), [(*NAMES, *TABLES)])
        self.register = Register(self.database, NameIndex(self.database), _PROFILE)
        self._contents = ((index, content(index, names)) for index, names in zip(count(1), _names(), strict=False))
        for start in range(0, notices, _BATCH):
            with self.database.transaction():
                for _ in range(min(_BATCH, notices - start)):
                    self.take()

    def take(self) -> int:
        """Take one more notice, in a transaction of its own unless one is open; its log index."""
        index, found = next(self._contents)
        with self.database.transaction():
            refused = self.register.take(index, f"{index:064x}", "FR", "denial/v1", found, index)
        if refused:
            raise RuntimeError(refused.message)
        return index

    def read_plainly(self) -> int:
        """Every row by one SELECT."""
        return sum(1 for _ in self.database.all("SELECT * FROM desk_versions ORDER BY idx"))


def _names() -> Iterator[tuple[str, ...]]:
    for party in Clerk(1).parties(10**9):
        # As the form wants them: no name twice in whatever case, and no spaces around.
        names = {name.casefold(): name for name in (" ".join(one.split()) for one in party.names) if name}
        yield tuple(names.values())


def content(index: int, names: tuple[str, ...]) -> dict[str, Any]:
    """A notice with these names."""
    return {
        "regime_reference": f"MTCR/DN/FR/{1990 + index // 9999}/{index % 9999 + 1:04}",
        "notifying_government": "FR",
        "competent_authority": {"name": "Bureau des exercices", "contact": "desk@exercise.example"},
        "kind": "refusal",
        "transaction_type": "export",
        "date_of_denial": "2026-03-02",
        "date_of_notification": "2026-03-09",
        "control_entries": ["9.A.3" if index % 2 else "6.C.3.a"],
        "annex_category": "II",
        "item_description": "Linear accelerometers, scale factor repeatability 900 ppm.",
        "destination_country": ("PK", "IR", "AE", "BR")[index % 4],
        "reason_for_refusal": {"code": "withheld"},
        "review_by": "2029-03-01",
        "status": "valid",
        "releasability": "MTCR Partners only",
        "exercise": False,
        "parties": [{"name": names[0], "role": "end_user", "country": "PK", "aliases": list(names[1:])}],
    }


def main() -> int:
    """Measure and print; the exit code."""
    options = arguments(__doc__, rounds=5, notices=NOTICES)
    notices = min(options.notices, 1000) if options.quick else options.notices
    with scratch() as folder:
        progress(f"taking {notices:,} notices ...")
        large, small = Filled(folder / "large.db", notices), Filled(folder / "small.db", 0)
        register = large.register
        before = getrusage(RUSAGE_SELF).ru_maxrss
        variants: dict[str, Callable[[], object]] = {
            "list": lambda: sum(1 for _ in register.listing()),
            "as of": lambda: sum(1 for _ in register.listing(as_of=notices // 2)),
            "filter": lambda: sum(1 for _ in register.listing(Query(destination="PK", control_entry="9.A"))),
            "page": lambda: list(islice(register.listing(as_of=notices // 2), 50)),
            "take": lambda: [large.take() for _ in range(20)],
            "take first": lambda: [small.take() for _ in range(20)],
        }
        progress("reading ...")
        timings = in_turn(variants, options.rounds)
        grown = (getrusage(RUSAGE_SELF).ru_maxrss - before) / 1024
        # Last, as it holds all rows at once.
        timings |= in_turn({"select": large.read_plainly}, options.rounds)
    plain = "one SELECT of every row, all in memory"
    figures = [
        compared("list all", timings, "list", "select", alternative=plain, unit="ms", scale=1000),
        compared("list half, as of an index", timings, "as of", "select", alternative=plain, unit="ms", scale=1000),
        compared("list by country and entry", timings, "filter", "select", alternative=plain, unit="ms", scale=1000),
        compared("the first 50, as of an index", timings, "page", "select", alternative=plain, unit="ms", scale=1000),
        compared(
            "take one more notice, names indexed",
            timings,
            "take",
            "take first",
            alternative="into an empty register",
            unit="ms",
            scale=1000 / 20,
            at_most=2,
        ),
    ]
    report = Report(
        name="register",
        title=f"A register of {notices:,} notices",
        bound="Decrypting pages and reading each notice's JSON; to take one, a flush of the disk and its names' keys.",
        figures=tuple(figures),
        machine=machine("sqlcipher3"),
        notes=(
            f"Listing, filtering and looking back made the process {grown:.0f} MiB larger; it holds one page.",
            "A notice has one party with two or three names.",
        ),
    )
    publish(report, as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
