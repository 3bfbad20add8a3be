"""The undercut notice: a Partner tells all others that it approved what one of them had denied, and why.

It follows a consultation and says nothing of what was said in it: that stays between the two.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, ClassVar, Final

from envoi_client import limits
from envoi_keys.countries import country_name
from envoi_keys.regimes import Profile

from .fields import Fields
from .items import Item, read_items
from .problems import Problems
from .references import read_notice_reference

WHAT: Final = "the undercut notice"
_HELP: Final[Mapping[str, str]] = MappingProxyType(
    {
        "": "write an object with the fields of an undercut notice",
        "regime_reference": "write the reference of the denial notice that was undercut",
        "notice": "write the id of the dispatch that brought that notice",
        "granting_government": "write the ISO 3166 code of the Partner that granted",
        "case_reference": "write your own reference of the case",
        "items": "describe at least one item",
        "destination_country": "write the ISO 3166 code of the country that the items go to",
        "reasons": "say why it was granted all the same",
        "date_of_grant": "write the day of the decision as YYYY-MM-DD",
        "deadline": "write the day by which the Partners had to be told as YYYY-MM-DD",
        "exercise": "write true for a drill and false for a real grant",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UndercutNotice:
    """An undercut notice.

    ``notice`` is the id of the dispatch with the version of the denial that was undercut; ``deadline`` is the day by
    which this notice was due.
    """

    type: ClassVar[str] = "undercut/v1"

    regime_reference: str
    notice: str
    granting_government: str
    case_reference: str
    items: tuple[Item, ...]
    destination_country: str
    reasons: str
    date_of_grant: date
    deadline: date
    exercise: bool
    remarks: str | None = None

    def to_content(self) -> dict[str, Any]:
        """The object that a body carries as ``content``; what was left out stays out."""
        content: dict[str, Any] = {
            "regime_reference": self.regime_reference,
            "notice": self.notice,
            "granting_government": self.granting_government,
            "case_reference": self.case_reference,
            "items": [item.to_content() for item in self.items],
            "destination_country": self.destination_country,
            "reasons": self.reasons,
            "date_of_grant": self.date_of_grant.isoformat(),
            "deadline": self.deadline.isoformat(),
            "exercise": self.exercise,
            "remarks": self.remarks,
        }
        return {name: value for name, value in content.items() if value is not None}


def parse_undercut(content: Any, profile: Profile, partners: Collection[str] | None = None) -> UndercutNotice:
    """The undercut notice in ``content``. Raises InvalidDocument with every problem found.

    ``partners`` are the ids that may grant, those of the roster; by default the profile's.
    """
    problems = Problems()
    fields = Fields(content, "", problems, what="an undercut notice", help_=_HELP)
    reference, notice = read_notice_reference(fields, profile, problems)
    undercut = UndercutNotice(
        regime_reference=reference,
        notice=notice,
        granting_government=fields.country("granting_government"),
        case_reference=fields.text("case_reference", limits.MAX_LINE_CHARS),
        items=read_items(fields, profile, problems),
        destination_country=fields.country("destination_country"),
        reasons=fields.text("reasons", limits.MAX_TEXT_CHARS, line_breaks=True),
        date_of_grant=fields.day("date_of_grant"),
        deadline=fields.day("deadline"),
        exercise=fields.flag("exercise"),
        remarks=fields.optional_text("remarks", limits.MAX_TEXT_CHARS, line_breaks=True),
    )
    fields.done()
    if isinstance(content, dict):
        states = [state.id for state in profile.partners] if partners is None else partners
        _check(undercut, profile, states, problems)
    problems.raise_any(WHAT)
    return undercut


def _check(undercut: UndercutNotice, profile: Profile, partners: Collection[str], problems: Problems) -> None:
    """The rules between the fields, and between them and the regime."""
    granting = undercut.granting_government
    if problems.clear_of("granting_government"):
        if granting not in partners:
            name = country_name(granting) or granting
            problems.add("granting_government", f"{name} ({granting}) is not a Partner of the {profile.regime.upper()}")
        elif profile.denials.reference.state(undercut.regime_reference) == granting:
            problems.add(
                "regime_reference",
                f"{undercut.regime_reference} is a denial of {granting} itself",
                "a Partner revokes its own denial instead",
            )
    if not problems.clear_of("date_of_grant", "deadline"):
        return
    latest = undercut.date_of_grant + timedelta(days=profile.clocks.undercut_notice_days_max)
    if undercut.deadline < undercut.date_of_grant:
        problems.add("deadline", f"{undercut.deadline} is before date_of_grant, {undercut.date_of_grant}")
    elif undercut.deadline > latest:
        problems.add(
            "deadline",
            f"{undercut.deadline} is more than {profile.clocks.undercut_notice_days_max} days after date_of_grant",
            f"write {latest} or an earlier day",
        )
