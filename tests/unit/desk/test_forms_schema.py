"""docs/denial.schema.json is what the code makes, and says of a notice what the validator says."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given

from envoi_client import exercises
from envoi_client.documents import DenialNotice, InvalidDocument, parse
from envoi_desk.forms.schema import schema, text

from ...tools import ROOT
from ..client.aggregates import AGGREGATE, spoilt_aggregate
from ..client.denials import SOUND, Change, notices, spoilt
from .notices import PROFILE

FILE = ROOT / "docs" / "denial.schema.json"
SCHEMA = schema(PROFILE)
CHECKER = jsonschema_rs.Draft202012Validator(SCHEMA)


def valid(content: Any) -> bool:
    return CHECKER.is_valid(content)


def obeys(content: Any) -> bool:
    """What the validator says."""
    try:
        parse("aggregate/v1" if "count" in content else "denial/v1", content, PROFILE)
    except InvalidDocument:
        return False
    return True


def test_the_file_is_what_the_code_makes() -> None:
    assert FILE.read_text("utf-8") == text(), "run: python -m envoi_desk.forms.schema docs/denial.schema.json"


def test_every_exercise_notice_obeys() -> None:
    assert [content["regime_reference"] for content in exercises.contents() if not valid(content)] == []
    assert valid(SOUND)
    assert valid(AGGREGATE)


@given(notices())
def test_any_sound_notice_obeys(notice: DenialNotice) -> None:
    assert valid(notice.to_content())


def test_the_schema_names_every_field_of_the_notice() -> None:
    assert set(SCHEMA["$defs"]["denial_v1"]["properties"]) == {*SOUND, "supersedes", "revocation_reason"}
    assert set(SCHEMA["$defs"]["party"]["properties"]) == set(SOUND["parties"][0])
    assert set(SCHEMA["$defs"]["aggregate_v1"]["properties"]) == {*AGGREGATE, "revocation_reason"}


BROKEN: list[Change] = [
    *(lambda c, name=name: c.pop(name) for name in SOUND if name not in SCHEMA["$defs"]["denial_v1"]["required"]),
    *(lambda c, name=name: c.pop(name) for name in SCHEMA["$defs"]["denial_v1"]["required"]),
    *(lambda c, name=name: c.update({name: None}) for name in SOUND),
    *(lambda c, name=name: c.update({name: ""}) for name in SOUND),
    *(lambda c, name=name: c.update({name: 7}) for name in SOUND),
    *(lambda c, name=name: c.update({name: " x"}) for name in SOUND),
    *(lambda c, name=name: c["parties"][0].update({name: [7]}) for name in SOUND["parties"][0]),
    *(lambda c, name=name: c["parties"][0].pop(name) for name in SOUND["parties"][0]),
    lambda c: c.update(surprise=1),
    lambda c: c["parties"][0].update(surprise=1),
    lambda c: c.update(kind="refused"),
    lambda c: c.update(destination_country="UK"),
    lambda c: c.update(destination_country="GB"),
    lambda c: c.update(notifying_government="KZ"),
    lambda c: c.update(control_entries=[]),
    lambda c: c.update(control_entries=["9.Q.3"]),
    lambda c: c.update(control_entries=["9.A.3", "9.A.3"]),
    lambda c: c.update(control_entries=["9"]),
    lambda c: c.update(control_entries=["catch-all", "9.A.3"]),
    lambda c: c.update(control_entries=["catch-all"]),
    lambda c: c.update(control_entries=["catch-all"], annex_category="not_listed"),
    lambda c: c.update(annex_category="not_listed"),
    lambda c: c.update(annex_category="III"),
    lambda c: c.update(status="revoked"),
    lambda c: c.update(revocation_reason="Because."),
    lambda c: c.update(status="revoked", revocation_reason="Because."),
    lambda c: c.update(reason_for_refusal={"code": "withheld"}),
    lambda c: c.update(reason_for_refusal={"code": "withheld", "text": "x"}),
    lambda c: c.update(reason_for_refusal={"code": "end_use"}),
    lambda c: c.update(reason_for_refusal={"code": "whim", "text": "x"}),
    lambda c: c.update(quantity=12),
    lambda c: c.update(quantity="1,2"),
    lambda c: c.update(quantity="012"),
    lambda c: c.update(currency="euro"),
    lambda c: c.update(hs_code="9014.2"),
    lambda c: c.update(exercise="true"),
    lambda c: c.update(date_of_denial="01/03/2026"),
    lambda c: c.update(remarks="x" * 20_001),
    lambda c: c.update(remarks="a\nb"),
    lambda c: c.update(remarks="a\x00b"),
    lambda c: c.update(releasability="a\nb"),
    lambda c: c.update(releasability="x "),
    lambda c: c.update(parties=[]),
    lambda c: c.update(parties=c["parties"] * 2),
    lambda c: c["parties"][0].update(role="buyer"),
    lambda c: c["parties"][0].update(aliases=["a"] * 101),
    lambda c: c["parties"][0].update(identifiers=[{"kind": "x"}]),
]


@pytest.mark.parametrize("at", range(len(BROKEN)))
def test_the_schema_and_the_validator_agree(at: int) -> None:
    content = spoilt(BROKEN[at])
    assert valid(content) == obeys(content)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(count=0),
        lambda c: c.update(count="4"),
        lambda c: c.update(count=True),
        lambda c: c.update(count=1_000_001),
        lambda c: c.update(status="renewed"),
        lambda c: c.update(status="revoked"),
        lambda c: c["period"].pop("to"),
        lambda c: c["period"].update(to="June"),
        lambda c: c.update(parties=[]),
        lambda c: c.update(control_entries=["catch-all"]),
        lambda c: c.pop("remarks"),
    ],
)
def test_the_schema_and_the_validator_agree_on_aggregates(change: Change) -> None:
    content = spoilt_aggregate(change)
    assert valid(content) == obeys(content)


def test_what_the_schema_refuses_is_refused_by_the_validator_too() -> None:
    # The reverse does not hold: an order of days, a reference's form and the calendar are no matter of a schema.
    late = spoilt(lambda c: c.update(review_by="2039-01-01"))
    assert valid(late)
    assert not obeys(late)
    assert json.loads(FILE.read_text("utf-8"))["$id"] == "urn:envoi:mtcr:denials:1"
