"""The denial notice: a Partner tells the others that it refused an export, and what it refused to whom.

Every field of the profession's form, with its terms as enumerations. A value of these types that came out
of :func:`envoi_client.documents.parse_denial` obeys all rules of the form; :meth:`DenialNotice.to_content`
writes back what was read. Times and places of sending are not here: the dispatch's header holds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Final

CATCH_ALL: Final = "catch-all"
"""The one control entry of a denial under a catch-all clause: an item that is not on the list."""
NOT_LISTED: Final = "not_listed"
"""The annex category that goes with it."""


class Kind(StrEnum):
    """What the authority did."""

    REFUSAL = "refusal"
    REVOCATION_OF_LICENCE = "revocation_of_licence"
    SUSPENSION = "suspension"
    SUBSTANTIAL_LIMITATION = "substantial_limitation"
    WOULD_BE_REFUSED = "would_be_refused"


class TransactionType(StrEnum):
    """What the exporter wanted to do."""

    EXPORT = "export"
    BROKERING = "brokering"
    TRANSIT = "transit"
    TECHNICAL_ASSISTANCE = "technical_assistance"
    INTANGIBLE_TRANSFER = "intangible_transfer"


class Status(StrEnum):
    """Where the notice stands. A revoked one leaves the active search and stays on file."""

    VALID = "valid"
    AMENDED = "amended"
    RENEWED = "renewed"
    REVOKED = "revoked"


class Role(StrEnum):
    """What a party was to do in the transaction."""

    CONSIGNEE = "consignee"
    END_USER = "end_user"
    ULTIMATE_END_USER = "ultimate_end_user"
    INTERMEDIARY = "intermediary"
    BROKER = "broker"
    EXPORTER = "exporter"
    THIRD_PARTY = "third_party"


@dataclass(frozen=True, slots=True)
class Authority:
    """The competent authority and how to reach the people who know the case."""

    name: str
    contact: str

    def to_content(self) -> dict[str, Any]:
        """The object as it stands in the notice."""
        return {"name": self.name, "contact": self.contact}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a code of the regime's profile and a text, or the code ``withheld`` and no text."""

    code: str
    text: str | None = None

    def to_content(self) -> dict[str, Any]:
        """The object as it stands in the notice."""
        return _without_gaps({"code": self.code, "text": self.text})


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number that a register gave a party: ``kind`` says which register ("tax number")."""

    kind: str
    value: str

    def to_content(self) -> dict[str, Any]:
        """The object as it stands in the notice."""
        return {"kind": self.kind, "value": self.value}


@dataclass(frozen=True, slots=True)
class Party:
    """A party to the transaction. ``country`` is where it is, an ISO 3166 code."""

    name: str
    role: Role
    country: str
    address: str | None = None
    aliases: tuple[str, ...] = ()
    name_original_script: str | None = None
    identifiers: tuple[Identifier, ...] = ()

    def to_content(self) -> dict[str, Any]:
        """The object as it stands in the notice."""
        return _without_gaps(
            {
                "name": self.name,
                "role": self.role.value,
                "address": self.address,
                "country": self.country,
                "aliases": list(self.aliases),
                "name_original_script": self.name_original_script,
                "identifiers": [identifier.to_content() for identifier in self.identifiers],
            }
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Every name it is known by: all of them count in a search, not the first."""
        original = (self.name_original_script,) if self.name_original_script else ()
        return (self.name, *original, *self.aliases)


@dataclass(frozen=True, slots=True, kw_only=True)
class DenialNotice:
    """A denial notice.

    ``quantity`` and ``value`` are decimals with their ``unit`` and ISO 4217 ``currency``; countries are ISO
    3166 alpha-2 codes; ``exercise`` marks a drill, and the header of the dispatch must say the same.
    """

    type: ClassVar[str] = "denial/v1"

    regime_reference: str
    notifying_government: str
    competent_authority: Authority
    kind: Kind
    transaction_type: TransactionType
    date_of_denial: date
    date_of_notification: date
    control_entries: tuple[str, ...]
    annex_category: str
    item_description: str
    destination_country: str
    reason_for_refusal: Reason
    review_by: date
    status: Status
    releasability: str
    exercise: bool
    parties: tuple[Party, ...]
    national_reference: str | None = None
    list_edition: str | None = None
    quantity: Decimal | None = None
    unit: str | None = None
    value: Decimal | None = None
    currency: str | None = None
    hs_code: str | None = None
    stated_end_use: str | None = None
    supersedes: str | None = None
    revocation_reason: str | None = None
    remarks: str | None = None

    @property
    def catch_all(self) -> bool:
        """Whether the item is on no list. Such a denial is shown to all, and labelled."""
        return self.control_entries == (CATCH_ALL,)

    def to_content(self) -> dict[str, Any]:
        """The object that a body carries as ``content``; what was left out stays out."""
        return _without_gaps(
            {
                "regime_reference": self.regime_reference,
                "national_reference": self.national_reference,
                "notifying_government": self.notifying_government,
                "competent_authority": self.competent_authority.to_content(),
                "kind": self.kind.value,
                "transaction_type": self.transaction_type.value,
                "date_of_denial": self.date_of_denial.isoformat(),
                "date_of_notification": self.date_of_notification.isoformat(),
                "control_entries": list(self.control_entries),
                "list_edition": self.list_edition,
                "annex_category": self.annex_category,
                "item_description": self.item_description,
                "quantity": _plain(self.quantity),
                "unit": self.unit,
                "value": _plain(self.value),
                "currency": self.currency,
                "hs_code": self.hs_code,
                "destination_country": self.destination_country,
                "stated_end_use": self.stated_end_use,
                "reason_for_refusal": self.reason_for_refusal.to_content(),
                "review_by": self.review_by.isoformat(),
                "status": self.status.value,
                "supersedes": self.supersedes,
                "revocation_reason": self.revocation_reason,
                "releasability": self.releasability,
                "exercise": self.exercise,
                "remarks": self.remarks,
                "parties": [party.to_content() for party in self.parties],
            }
        )


def _plain(number: Decimal | None) -> str | None:
    # str() would turn a small number into 1E-7, which is not the form that is read.
    return None if number is None else format(number, "f")


def _without_gaps(content: dict[str, Any]) -> dict[str, Any]:
    """Without the fields that have nothing in them."""
    return {name: value for name, value in content.items() if value is not None and value != []}
