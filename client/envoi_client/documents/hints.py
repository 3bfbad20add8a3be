"""What each mandatory field of a document is for, said to somebody who left it out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

DENIAL: Final[Mapping[str, str]] = MappingProxyType(
    {
        "": "write an object with the fields of a denial notice",
        "regime_reference": "write the reference that no other notice of the regime has",
        "notifying_government": "write the ISO 3166 code of the Partner that denies",
        "competent_authority": 'write {"name": ..., "contact": ...}',
        "kind": "say what was done: refusal, or another of the terms",
        "transaction_type": "say what was applied for: export, or another of the terms",
        "date_of_denial": "write the day of the decision as YYYY-MM-DD",
        "date_of_notification": "write the day on which the regime is told as YYYY-MM-DD",
        "control_entries": 'list the entries of the Annex, such as ["9.A.3"], or ["catch-all"]',
        "annex_category": "write I, II or not_listed",
        "item_description": "describe the item with its technical parameters",
        "destination_country": "write the ISO 3166 code of the country that the item was to go to",
        "reason_for_refusal": 'write {"code": ..., "text": ...}, or {"code": "withheld"}',
        "review_by": "write the day by which the denial is reviewed as YYYY-MM-DD",
        "status": "write valid, or another of the terms",
        "releasability": "say to whom the notice may be shown",
        "exercise": "write true for a drill and false for a real denial",
        "parties": "name at least one party to the transaction",
    }
)

AUTHORITY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "": 'write {"name": ..., "contact": ...}',
        "name": "name the authority that took the decision",
        "contact": "say how colleagues reach the people who know the case",
    }
)

REASON: Final[Mapping[str, str]] = MappingProxyType(
    {
        "": 'write {"code": ..., "text": ...}, or {"code": "withheld"}',
        "code": "write one of the codes of reasons, or withheld",
    }
)

PARTY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "": 'write {"name": ..., "role": ..., "country": ...}',
        "name": "write the name in Latin letters; the original goes into name_original_script",
        "role": "say what the party was to do: end_user, or another of the terms",
        "country": "write the ISO 3166 code of the country where the party is",
    }
)

IDENTIFIER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "": 'name its kind: {"kind": "tax number", "value": ...}, in a table tax number: ...',
        "kind": "say which register gave the number",
        "value": "write the number",
    }
)

AGGREGATE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "": "write an object with the fields of an aggregate denial",
        "regime_reference": DENIAL["regime_reference"],
        "notifying_government": DENIAL["notifying_government"],
        "period": 'write {"from": ..., "to": ...}',
        "destination_country": "write the ISO 3166 code of the country that the items were to go to",
        "control_entries": DENIAL["control_entries"],
        "count": "say how many exports were denied",
        "status": DENIAL["status"],
        "releasability": "say to whom the aggregate may be shown",
        "exercise": DENIAL["exercise"],
    }
)

PERIOD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "": 'write {"from": ..., "to": ...}',
        "from": "write the first day of the period as YYYY-MM-DD",
        "to": "write the last day of the period as YYYY-MM-DD",
    }
)
