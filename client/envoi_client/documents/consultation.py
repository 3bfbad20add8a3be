"""The steps of a consultation: a Partner asks the one that denied before it approves the same or a similar export.

A consultation is between two and confidential: each step is sealed to the other side alone. Its id, 16 random bytes,
is made by the Partner that opens it and stands in every step. What may follow what is not decided here; the desk's
rules do that from all steps in the order of the log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, Final

from envoi_client import limits
from envoi_keys.regimes import Profile

from .denial import Party
from .fields import Fields
from .items import Item, read_items
from .problems import Problems
from .references import read_notice_reference
from .rules import check_names
from .text import shown
from .validate import read_parties

TYPE: Final = "consultation/v1"
CONSULTATION_ID: Final = re.compile("[0-9a-f]{32}")
"""The form of a consultation's id."""
WHAT: Final = "the consultation"


class Step(StrEnum):
    """What a dispatch of a consultation does."""

    REQUEST = "request"
    REPLY = "reply"
    EXTENSION_REQUEST = "extension_request"
    EXTENSION_GRANT = "extension_grant"
    CLOSE = "close"


class Answer(StrEnum):
    """What the Partner that denied says of the request."""

    IDENTICAL_OBJECT = "identical_object"
    IDENTICAL_NO_OBJECTION = "identical_no_objection"
    NOT_IDENTICAL = "not_identical"
    MORE_INFORMATION = "more_information"
    SINCE_REVOKED = "since_revoked"


class Outcome(StrEnum):
    """How the Partner that asked ends the consultation. The decision is its own: nobody has a veto."""

    REFUSED = "refused"
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    DENIAL_REVOKED = "denial_revoked"


_HELP: Final[Mapping[str, str]] = MappingProxyType(
    {
        "": "write an object with the fields of a step of a consultation",
        "step": "say what it does: request, or another of the terms",
        "consultation": "write the id of the consultation",
        "exercise": "write true for a drill and false for a real consultation",
        "case_reference": "write your own reference of the case",
        "regime_reference": "write the reference of the denial notice",
        "notice": "write the id of the dispatch that brought the notice",
        "items": "describe at least one item",
        "parties": "name at least one party to the transaction",
        "destination_country": "write the ISO 3166 code of the country that the items are to go to",
        "stated_end_use": "say what the applicant says it is for",
        "why_not_identical": "say why it may not be essentially identical to what was denied",
        "reply_by": "write the day by which you ask for a reply as YYYY-MM-DD",
        "outcome": "write one of the terms",
        "text": "say it in words",
        "until": "write the new last day as YYYY-MM-DD",
        "reason": "say why more time is needed",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _AnyStep:
    """What every step has: the consultation's id, and whether it is a drill."""

    type: ClassVar[str] = TYPE
    step: ClassVar[Step]

    consultation: str
    exercise: bool

    def _content(self, **fields: Any) -> dict[str, Any]:
        head = {"step": self.step.value, "consultation": self.consultation, "exercise": self.exercise}
        return head | {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultationRequest(_AnyStep):
    """The request. ``notice`` is the id of the dispatch with the version that is meant.

    A request that completes an earlier one, after the other side asked for more, has the same id.
    """

    step: ClassVar[Step] = Step.REQUEST

    case_reference: str
    regime_reference: str
    notice: str
    items: tuple[Item, ...]
    parties: tuple[Party, ...]
    destination_country: str
    stated_end_use: str
    why_not_identical: str
    reply_by: date

    def to_content(self) -> dict[str, Any]:
        """The object that a body carries as ``content``."""
        return self._content(
            case_reference=self.case_reference,
            regime_reference=self.regime_reference,
            notice=self.notice,
            items=[item.to_content() for item in self.items],
            parties=[party.to_content() for party in self.parties],
            destination_country=self.destination_country,
            stated_end_use=self.stated_end_use,
            why_not_identical=self.why_not_identical,
            reply_by=self.reply_by.isoformat(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultationReply(_AnyStep):
    """The reply of the Partner that denied."""

    step: ClassVar[Step] = Step.REPLY

    outcome: Answer
    text: str

    def to_content(self) -> dict[str, Any]:
        """The object that a body carries as ``content``."""
        return self._content(outcome=self.outcome.value, text=self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionRequest(_AnyStep):
    """More time is asked for, up to and including the day ``until``."""

    step: ClassVar[Step] = Step.EXTENSION_REQUEST

    until: date
    reason: str

    def to_content(self) -> dict[str, Any]:
        """The object that a body carries as ``content``."""
        return self._content(until=self.until.isoformat(), reason=self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionGrant(_AnyStep):
    """The other side agrees to more time, up to and including the day ``until``."""

    step: ClassVar[Step] = Step.EXTENSION_GRANT

    until: date
    reason: str | None = None

    def to_content(self) -> dict[str, Any]:
        """The object that a body carries as ``content``."""
        return self._content(until=self.until.isoformat(), reason=self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultationClose(_AnyStep):
    """The Partner that asked says what came of it."""

    step: ClassVar[Step] = Step.CLOSE

    outcome: Outcome
    text: str

    def to_content(self) -> dict[str, Any]:
        """The object that a body carries as ``content``."""
        return self._content(outcome=self.outcome.value, text=self.text)


ConsultationStep = ConsultationRequest | ConsultationReply | ExtensionRequest | ExtensionGrant | ConsultationClose


def parse_consultation(content: Any, profile: Profile, partners: Collection[str] | None = None) -> ConsultationStep:
    """The step of a consultation in ``content``. Raises InvalidDocument with every problem found.

    Who may take the step is not asked here; ``partners`` is an argument of every document.
    """
    problems = Problems()
    fields = Fields(content, "", problems, what="a step of a consultation", help_=_HELP)
    step = fields.one_of("step", [step.value for step in Step])
    if not step:
        # Without the step nobody knows which fields are missing.
        problems.raise_any(WHAT)
    consultation = fields.text("consultation", limits.MAX_LINE_CHARS)
    if consultation and not CONSULTATION_ID.fullmatch(consultation):
        fields.problem("consultation", f"{shown(consultation)} is not an id", "write 32 digits of 0-9 and a-f")
    head: dict[str, Any] = {"consultation": consultation, "exercise": fields.flag("exercise")}
    read = _READERS[Step(step)](fields, profile, problems, head)
    fields.done()
    problems.raise_any(WHAT)
    return read


def _request(fields: Fields, profile: Profile, problems: Problems, head: dict[str, Any]) -> ConsultationRequest:
    reference, notice = read_notice_reference(fields, profile, problems)
    request = ConsultationRequest(
        **head,
        case_reference=fields.text("case_reference", limits.MAX_LINE_CHARS),
        regime_reference=reference,
        notice=notice,
        items=read_items(fields, profile, problems),
        parties=read_parties(fields, problems),
        destination_country=fields.country("destination_country"),
        stated_end_use=fields.text("stated_end_use", limits.MAX_TEXT_CHARS, line_breaks=True),
        why_not_identical=fields.text("why_not_identical", limits.MAX_TEXT_CHARS, line_breaks=True),
        reply_by=fields.day("reply_by"),
    )
    for position, party in enumerate(request.parties):
        check_names(party, f"parties[{position}]", problems)
    return request


def _reply(fields: Fields, profile: Profile, problems: Problems, head: dict[str, Any]) -> ConsultationReply:
    return ConsultationReply(
        **head,
        outcome=fields.choice("outcome", Answer),
        text=fields.text("text", limits.MAX_TEXT_CHARS, line_breaks=True),
    )


def _extension_request(fields: Fields, profile: Profile, problems: Problems, head: dict[str, Any]) -> ExtensionRequest:
    return ExtensionRequest(
        **head,
        until=fields.day("until"),
        reason=fields.text("reason", limits.MAX_TEXT_CHARS, line_breaks=True),
    )


def _extension_grant(fields: Fields, profile: Profile, problems: Problems, head: dict[str, Any]) -> ExtensionGrant:
    return ExtensionGrant(
        **head,
        until=fields.day("until"),
        reason=fields.optional_text("reason", limits.MAX_TEXT_CHARS, line_breaks=True),
    )


def _close(fields: Fields, profile: Profile, problems: Problems, head: dict[str, Any]) -> ConsultationClose:
    return ConsultationClose(
        **head,
        outcome=fields.choice("outcome", Outcome),
        text=fields.text("text", limits.MAX_TEXT_CHARS, line_breaks=True),
    )


_READERS: Final[Mapping[Step, Callable[[Fields, Profile, Problems, dict[str, Any]], ConsultationStep]]] = {
    Step.REQUEST: _request,
    Step.REPLY: _reply,
    Step.EXTENSION_REQUEST: _extension_request,
    Step.EXTENSION_GRANT: _extension_grant,
    Step.CLOSE: _close,
}
