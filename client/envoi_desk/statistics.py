"""What a plenary asks for: how many notices there are, by Partner, item, destination, year, review and kind.

One pass over the register in the order of the log, counting and keeping nothing, so its size does not matter. A notice
is counted in the state that it had as of the point asked for; one with entries of two items counts under both.
Aggregates are counted by what they count, and have neither a kind nor a review.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median
from typing import Final

from envoi_client.documents.denial import CATCH_ALL
from envoi_keys.countries import country_name
from envoi_keys.regimes import Annex

from .register import IN_FORCE, REVOKED, Version

DUE_DAYS: Final = 90
"""A review that is due within so many days is told apart."""
IN_TIME: Final = "in time"
DUE: Final = f"due in {DUE_DAYS} days"
OVERDUE: Final = "overdue"

CONSULTATION: Final = "consultation"
GROUPS: Final = ("partner", "item", "destination", "year", "review", "kind", CONSULTATION)
"""By what can be counted."""
COLUMNS: Final = ("by", "value", "title", "notices", "in_force", "revoked", "superseded", "aggregated")
CONSULTATION_COLUMNS: Final = ("consultations", "answered", "median_days", "longest_days")
_DAY: Final = 86_400
_DENIAL: Final = "denial/v1"


@dataclass(slots=True)
class Count:
    """How many notices, and how many of them stand; ``aggregated`` is how many denials aggregates in force count."""

    notices: int = 0
    in_force: int = 0
    revoked: int = 0
    superseded: int = 0
    aggregated: int = 0

    def add(self, version: Version) -> None:
        """Count one notice."""
        if version.type != _DENIAL:
            if version.state == IN_FORCE:
                self.aggregated += int(version.content["count"])
            return
        self.notices += 1
        if version.state == IN_FORCE:
            self.in_force += 1
        elif version.state == REVOKED:
            self.revoked += 1
        else:
            self.superseded += 1


@dataclass(frozen=True, slots=True)
class Consulted:
    """A consultation as it is counted: its ``outcome`` in words, and when it was opened and answered by the log's time.

    Times are in seconds since the epoch, None where there was none or it is not known.
    """

    outcome: str
    opened_at: int | None
    answered_at: int | None


@dataclass(slots=True)
class Consultations:
    """Consultations of one outcome, and how many seconds each answer took."""

    count: int = 0
    answered: int = 0
    seconds: list[int] = field(default_factory=list)

    def add(self, one: Consulted) -> None:
        """Count one consultation."""
        self.count += 1
        if one.answered_at is not None:
            self.answered += 1
            if one.opened_at is not None:
                self.seconds.append(max(0, one.answered_at - one.opened_at))

    @property
    def median_days(self) -> float | None:
        """The median time until the answer, in days to a tenth; None without any."""
        return round(median(self.seconds) / _DAY, 1) if self.seconds else None

    @property
    def longest_days(self) -> float | None:
        """The longest time until an answer, in days to a tenth."""
        return round(max(self.seconds) / _DAY, 1) if self.seconds else None


def review_state(version: Version, today: date) -> str | None:
    """How a notice stands to its review; None for what is not in force or is never reviewed."""
    if version.review_by is None or version.state != IN_FORCE:
        return None
    if version.review_by < today:
        return OVERDUE
    return DUE if version.review_by <= today + timedelta(days=DUE_DAYS) else IN_TIME


def count(
    versions: Iterable[Version],
    groups: Iterable[str],
    today: date,
    *,
    first: int | None = None,
    last: int | None = None,
) -> dict[str, dict[str, Count]]:
    """For each of ``groups`` its values and their counts, of denials in the years from ``first`` to ``last``."""
    values: dict[str, Callable[[Version], Iterable[str]]] = {
        "partner": lambda version: (version.author,),
        "item": lambda version: dict.fromkeys(_item(entry) for entry in version.entries),
        "destination": lambda version: (version.destination,),
        "year": lambda version: (str(version.decided_on.year),),
        "review": lambda version: filter(None, (review_state(version, today),)),
        "kind": lambda version: filter(None, (version.content.get("kind"),)),
    }
    wanted = [group for group in groups if group in values]
    counts: dict[str, dict[str, Count]] = {group: {} for group in wanted}
    for version in versions:
        if (first is not None and version.decided_on.year < first) or (
            last is not None and version.decided_on.year > last
        ):
            continue
        for group in wanted:
            for value in values[group](version):
                counts[group].setdefault(value, Count()).add(version)
    return {group: dict(sorted(found.items(), key=_order)) for group, found in counts.items()}


def count_consultations(consultations: Iterable[Consulted]) -> dict[str, Consultations]:
    """The consultations by outcome."""
    found: dict[str, Consultations] = {}
    for one in consultations:
        found.setdefault(one.outcome, Consultations()).add(one)
    return dict(sorted(found.items()))


def rows(counts: dict[str, dict[str, Count]], annex: Annex) -> Iterator[tuple[str, ...]]:
    """The counts as rows of :data:`COLUMNS`; ``title`` says in words what a code is."""
    for group, found in counts.items():
        for value, one in found.items():
            numbers = (one.notices, one.in_force, one.revoked, one.superseded, one.aggregated)
            yield (group, value, title(group, value, annex), *map(str, numbers))


def title(group: str, value: str, annex: Annex) -> str:
    """What a value of a group is in words, where it is a code."""
    if group in ("partner", "destination"):
        return country_name(value) or ""
    if group == "item":
        entry = annex.find(value)
        return entry.title if entry else ("on no list" if value == CATCH_ALL else "")
    return ""


def consultation_rows(found: dict[str, Consultations]) -> Iterator[tuple[str, ...]]:
    """The consultations as rows: the outcome, then :data:`CONSULTATION_COLUMNS`."""
    for outcome, one in found.items():
        days = ("" if days is None else f"{days:.1f}" for days in (one.median_days, one.longest_days))
        yield (outcome, str(one.count), str(one.answered), *days)


def _item(entry: str) -> str:
    return entry if entry == CATCH_ALL else entry.partition(".")[0]


def _order(item: tuple[str, Count]) -> tuple[int, str]:
    # Items are numbers: 9 comes before 10.
    value = item[0]
    return (int(value), value) if re.fullmatch(r"[0-9]{1,9}", value) else (10**9, value)
