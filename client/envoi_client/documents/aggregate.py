"""The aggregate denial: how often a Partner denied exports of certain items to one country in a period.

Some Partners tell the regime no more than this of a denial. It names no party, so nobody can be screened
against it. A value that came out of :func:`parse_aggregate` obeys all rules of the form.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Final

from envoi_client import limits
from envoi_keys.regimes import Profile

from . import hints
from .denial import CATCH_ALL, Status
from .fields import Fields
from .problems import Problems
from .rules import check_author, check_catch_all, check_reference, check_revocation
from .validate import read_control_entries

STATUSES: Final = (Status.VALID, Status.AMENDED, Status.REVOKED)
"""Where an aggregate can stand. It is not reviewed, so it is never renewed."""
WHAT: Final = "the aggregate denial"


@dataclass(frozen=True, slots=True)
class Period:
    """The days from ``from_`` to ``to``, both included."""

    from_: date
    to: date

    def to_content(self) -> dict[str, Any]:
        """The object as it stands in the document."""
        return {"from": self.from_.isoformat(), "to": self.to.isoformat()}


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateDenial:
    """An aggregate denial: ``count`` denials (1 or more) within ``period``."""

    type: ClassVar[str] = "aggregate/v1"

    regime_reference: str
    notifying_government: str
    period: Period
    destination_country: str
    control_entries: tuple[str, ...]
    count: int
    status: Status
    releasability: str
    exercise: bool
    revocation_reason: str | None = None
    remarks: str | None = None

    @property
    def catch_all(self) -> bool:
        """Whether the items are on no list."""
        return self.control_entries == (CATCH_ALL,)

    def to_content(self) -> dict[str, Any]:
        """The object that a body carries as ``content``; what was left out stays out."""
        content: dict[str, Any] = {
            "regime_reference": self.regime_reference,
            "notifying_government": self.notifying_government,
            "period": self.period.to_content(),
            "destination_country": self.destination_country,
            "control_entries": list(self.control_entries),
            "count": self.count,
            "status": self.status.value,
            "revocation_reason": self.revocation_reason,
            "releasability": self.releasability,
            "exercise": self.exercise,
            "remarks": self.remarks,
        }
        return {name: value for name, value in content.items() if value is not None}


def parse_aggregate(content: Any, profile: Profile, partners: Collection[str] | None = None) -> AggregateDenial:
    """The aggregate denial in ``content``; the arguments are those of :func:`.validate.parse_denial`.

    Raises InvalidDocument with every problem found.
    """
    problems = Problems()
    fields = Fields(content, "", problems, what="an aggregate denial", help_=hints.AGGREGATE)
    status = fields.one_of("status", [status.value for status in STATUSES])
    aggregate = AggregateDenial(
        regime_reference=fields.text("regime_reference", limits.MAX_LINE_CHARS),
        notifying_government=fields.country("notifying_government"),
        period=_period(fields),
        destination_country=fields.country("destination_country"),
        control_entries=read_control_entries(fields, profile, problems),
        count=fields.integer("count", at_least=1, at_most=limits.MAX_AGGREGATE_COUNT),
        status=Status(status) if status else Status.VALID,
        revocation_reason=fields.optional_text("revocation_reason", limits.MAX_TEXT_CHARS, line_breaks=True),
        releasability=fields.text("releasability", limits.MAX_LINE_CHARS),
        exercise=fields.flag("exercise"),
        remarks=fields.optional_text("remarks", limits.MAX_TEXT_CHARS, line_breaks=True),
    )
    fields.done()
    if isinstance(content, dict):
        states = [state.id for state in profile.partners] if partners is None else partners
        _check(aggregate, profile, states, problems)
    problems.raise_any(WHAT)
    return aggregate


def _period(fields: Fields) -> Period:
    inner = fields.inner("period", what="a period", help_=hints.PERIOD)
    period = Period(inner.day("from"), inner.day("to"))
    inner.done()
    return period


def _check(aggregate: AggregateDenial, profile: Profile, partners: Collection[str], problems: Problems) -> None:
    """The rules between the fields."""
    author, period = aggregate.notifying_government, aggregate.period
    check_author(author, profile, partners, problems)
    year = period.to.year if problems.clear_of("period") else None
    check_reference("regime_reference", aggregate.regime_reference, author, year, profile, problems)
    check_catch_all(aggregate.control_entries, problems)
    check_revocation(aggregate.status, aggregate.revocation_reason, problems)
    if problems.clear_of("period") and period.to < period.from_:
        problems.add("period.to", f"{period.to} is before from, {period.from_}", "correct one of the two")
