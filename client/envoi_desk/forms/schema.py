"""The JSON Schema (2020-12) of the notices, made from the code's own terms, limits and the regime's profile.

It holds what one field can be and which fields go together, so that a national system can check what it sends without
our code. The rules that need a calendar, an order of days or the form of references are the validator's alone; what the
schema refuses the validator refuses too.
"""

from __future__ import annotations

import json
import sys
from dataclasses import MISSING, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from envoi_client import limits
from envoi_client.documents import AggregateDenial, DenialNotice
from envoi_client.documents.aggregate import STATUSES
from envoi_client.documents.denial import CATCH_ALL, NOT_LISTED, Kind, Party, Role, Status, TransactionType
from envoi_client.files import write_whole
from envoi_keys.countries import country_codes
from envoi_keys.regimes import WITHHELD, Profile, load

_EDGE: Final = "[^\\s\\u0000-\\u001f\\u007f-\\u009f]"
_LINE: Final = "[^\\u0000-\\u001f\\u007f-\\u009f]"
_LINES: Final = "[^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]"
_DAY: Final = {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_DECIMAL: Final = {"type": "string", "pattern": "^(0|[1-9][0-9]{0,17})(\\.[0-9]{1,6})?$"}
Schema = dict[str, Any]


def schema(profile: Profile) -> Schema:
    """The schema of both documents in the regime of ``profile``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:envoi:{profile.regime}:denials:1",
        "title": f"Denial notices and aggregate denials of the {profile.regime.upper()}",
        "oneOf": [{"$ref": "#/$defs/denial_v1"}, {"$ref": "#/$defs/aggregate_v1"}],
        "$defs": {
            "denial_v1": _denial(profile),
            "aggregate_v1": _aggregate(profile),
            "party": _party(),
            "control_entries": _control_entries(profile),
            "country": {"enum": list(country_codes())},
            "partner": {"enum": [state.id for state in profile.partners]},
        },
    }


def _text(most: int, *, lines: bool = False) -> Schema:
    within = _LINES if lines else _LINE
    return {"type": "string", "maxLength": most, "pattern": f"^{_EDGE}({within}*{_EDGE})?$"}


def _terms(terms: type[StrEnum]) -> Schema:
    return {"enum": [term.value for term in terms]}


def _object(properties: Schema, required: list[str], **more: Any) -> Schema:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False, **more}


def _mandatory(document: type[DenialNotice | AggregateDenial | Party]) -> list[str]:
    """The fields without a default: those that must be there."""
    return [one.name for one in fields(document) if one.default is MISSING]


def _revocation() -> Schema:
    revoked = {"properties": {"status": {"const": Status.REVOKED.value}}}
    return {
        "if": revoked,
        "then": {"required": ["revocation_reason"]},
        "else": {"properties": {"revocation_reason": False}},
    }


def _control_entries(profile: Profile) -> Schema:
    codes = [entry.code for entry in profile.annex.entries() if entry.controls]
    listed = {
        "type": "array",
        "items": {"enum": codes},
        "minItems": 1,
        "maxItems": limits.MAX_CONTROL_ENTRIES,
        "uniqueItems": True,
    }
    return {"oneOf": [{"const": [CATCH_ALL]}, listed]}


def _denial(profile: Profile) -> Schema:
    reason = _object(
        {
            "code": {"enum": [*profile.denials.reasons, WITHHELD]},
            "text": _text(limits.MAX_TEXT_CHARS, lines=True),
        },
        ["code"],
        **{
            "if": {"properties": {"code": {"const": WITHHELD}}},
            "then": {"properties": {"text": False}},
            "else": {"required": ["text"]},
        },
    )
    authority = _object(
        {"name": _text(limits.MAX_NAME_CHARS), "contact": _text(limits.MAX_ADDRESS_CHARS, lines=True)},
        ["name", "contact"],
    )
    properties = {
        "regime_reference": _text(limits.MAX_LINE_CHARS)
        | {"description": f"of the form {profile.denials.reference}, whose state is notifying_government"},
        "national_reference": _text(limits.MAX_LINE_CHARS),
        "notifying_government": {"$ref": "#/$defs/partner"},
        "competent_authority": authority,
        "kind": _terms(Kind),
        "transaction_type": _terms(TransactionType),
        "date_of_denial": _DAY,
        "date_of_notification": _DAY | {"description": "not before date_of_denial"},
        "control_entries": {"$ref": "#/$defs/control_entries"},
        "list_edition": _text(limits.MAX_LINE_CHARS),
        "annex_category": {"enum": [*profile.annex.categories, NOT_LISTED]},
        "item_description": _text(limits.MAX_TEXT_CHARS, lines=True),
        "quantity": _DECIMAL,
        "unit": _text(limits.MAX_LINE_CHARS),
        "value": _DECIMAL,
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "hs_code": {"type": "string", "pattern": "^[0-9]{4}(\\.?[0-9]{2}){0,3}$"},
        "destination_country": {"$ref": "#/$defs/country"},
        "stated_end_use": _text(limits.MAX_TEXT_CHARS, lines=True),
        "reason_for_refusal": reason,
        "review_by": _DAY
        | {"description": f"at most {profile.clocks.review_months} months after date_of_notification"},
        "status": _terms(Status),
        "supersedes": _text(limits.MAX_LINE_CHARS),
        "revocation_reason": _text(limits.MAX_TEXT_CHARS, lines=True),
        "releasability": _text(limits.MAX_LINE_CHARS),
        "exercise": {"type": "boolean"},
        "remarks": _text(limits.MAX_TEXT_CHARS, lines=True),
        "parties": {
            "type": "array",
            "items": {"$ref": "#/$defs/party"},
            "minItems": 1,
            "maxItems": limits.MAX_PARTIES,
            "uniqueItems": True,
        },
    }
    together = {"quantity": ["unit"], "unit": ["quantity"], "value": ["currency"], "currency": ["value"]}
    listed = {
        "if": {"properties": {"control_entries": {"const": [CATCH_ALL]}}},
        "then": {"properties": {"annex_category": {"const": NOT_LISTED}}},
        "else": {"properties": {"annex_category": {"enum": list(profile.annex.categories)}}},
    }
    required = _mandatory(DenialNotice)
    return _object(properties, required, dependentRequired=together, allOf=[_revocation(), listed])


def _party() -> Schema:
    identifier = _object(
        {"kind": _text(limits.MAX_LINE_CHARS), "value": _text(limits.MAX_LINE_CHARS)}, ["kind", "value"]
    )
    return _object(
        {
            "name": _text(limits.MAX_NAME_CHARS),
            "role": _terms(Role),
            "country": {"$ref": "#/$defs/country"},
            "address": _text(limits.MAX_ADDRESS_CHARS, lines=True),
            "aliases": {
                "type": "array",
                "items": _text(limits.MAX_NAME_CHARS),
                "maxItems": limits.MAX_ALIASES,
                "uniqueItems": True,
            },
            "name_original_script": _text(limits.MAX_NAME_CHARS),
            "identifiers": {"type": "array", "items": identifier, "maxItems": limits.MAX_IDENTIFIERS},
        },
        _mandatory(Party),
    )


def _aggregate(profile: Profile) -> Schema:
    properties = {
        "regime_reference": _text(limits.MAX_LINE_CHARS),
        "notifying_government": {"$ref": "#/$defs/partner"},
        "period": _object({"from": _DAY, "to": _DAY | {"description": "not before from"}}, ["from", "to"]),
        "destination_country": {"$ref": "#/$defs/country"},
        "control_entries": {"$ref": "#/$defs/control_entries"},
        "count": {"type": "integer", "minimum": 1, "maximum": limits.MAX_AGGREGATE_COUNT},
        "status": {"enum": [status.value for status in STATUSES]},
        "revocation_reason": _text(limits.MAX_TEXT_CHARS, lines=True),
        "releasability": _text(limits.MAX_LINE_CHARS),
        "exercise": {"type": "boolean"},
        "remarks": _text(limits.MAX_TEXT_CHARS, lines=True),
    }
    return _object(properties, _mandatory(AggregateDenial), allOf=[_revocation()])


def text(regime: str = "mtcr") -> str:
    """The schema as its file holds it."""
    return json.dumps(schema(load(regime)), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    write_whole(Path(sys.argv[1]), text().encode(), mode=0o644)
