"""Where notices come from beside the template: the public table with its defaults, and JSON in all of its forms."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from envoi_client import exercises
from envoi_client.documents import parse, tabular
from envoi_desk.forms.defaults import read_assignments, read_defaults
from envoi_keys.errors import LocalError, Malformed

from ..client.aggregates import AGGREGATE
from .imports import importing, said
from .notices import PROFILE, content, notice

# -- the public form and its defaults ----------------------------------------------------------------------

TOML = b"""
authority_name = "Bureau des exercices"
authority_contact = "desk@exercise.example"
kind = "refusal"
transaction_type = "export"
date_of_denial = 2026-03-02
date_of_notification = "2026-03-09"
destination_country = "PK"
review_by = "2029-03-01"
status = "valid"
releasability = "MTCR Partners only"
exercise = false
"""


def test_what_the_public_form_lacks_comes_from_defaults() -> None:
    defaults = read_defaults(TOML, "d.toml")
    (new,) = importing(tabular.to_csv([notice()]), defaults=defaults).new
    assert new == notice()
    assert defaults == read_defaults(
        json.dumps({name: str(value) for name, value in _flat(TOML).items()}).encode(), "d.json"
    )
    assert defaults == read_assignments(f"{name}={value}" for name, value in _flat(TOML).items())


def _flat(toml: bytes) -> dict[str, Any]:
    return {
        name: str(value).lower() if value is False else str(value)
        for name, value in tomllib.loads(toml.decode()).items()
    }


def test_what_is_still_missing_is_named_as_the_template_names_it() -> None:
    found = said(tabular.to_csv([notice()]))
    assert len(found) == 10
    assert "row 2, column authority_name and authority_contact, which the file does not have: is missing; " in found[0]
    wrong = said(tabular.to_csv([notice()]), defaults={**read_defaults(TOML, "d"), "kind": "no"})
    assert wrong[0].startswith("the default of kind, for row 2 of n.csv: no is not one of refusal")


def test_the_public_form_brings_the_exercise_notices_of_one_partner() -> None:
    chosen = [
        one for one in exercises.notices(PROFILE) if one.notifying_government == "FR" and not one.revocation_reason
    ]
    defaults = read_defaults(TOML.replace(b"exercise = false", b"exercise = true"), "d")
    found = importing(tabular.to_csv(chosen), defaults=defaults)
    assert [one.regime_reference for one in found.new] == [one.regime_reference for one in chosen]


@pytest.mark.parametrize(
    ("raw", "said_"),
    [
        (b"kind = refusal", "d: is not TOML: "),
        (b'knd = "refusal"', "d, knd: knd can have no default"),
        (b'party_name = "x"', "d, party_name: party_name can have no default"),
        (b'{"kind": 1', "d: is not JSON: "),
        (b"\xff", "d: is not UTF-8"),
        (b"a = " + b"[" * 5000, "d: is not TOML"),
    ],
)
def test_defaults_that_are_none_are_refused(raw: bytes, said_: str) -> None:
    with pytest.raises(Malformed) as caught:
        read_defaults(raw, "d")
    assert str(caught.value).startswith(said_)


def test_an_assignment_has_a_name_and_a_value() -> None:
    with pytest.raises(LocalError, match="kind gives no default"):
        read_assignments(["kind"])
    assert read_assignments(["exercise=true", "control_entries=9.A.3; 9.A.6"]) == {
        "exercise": True,
        "control_entries": ["9.A.3", "9.A.6"],
    }


# -- JSON --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "write",
    [
        lambda contents: json.dumps(contents),
        lambda contents: json.dumps(contents, indent=2),
        lambda contents: "\n".join(map(json.dumps, contents)),
        lambda contents: (
            "\ufeff" + json.dumps({"format": "x", "notices": [{"index": 1, "notice": c} for c in contents]})
        ),
    ],
)
def test_json_is_a_list_lines_or_an_export(write: Callable[[Any], str]) -> None:
    contents = [content(1), content(2), AGGREGATE]
    found = importing(write(contents).encode(), name="n.json")
    assert [one.to_content() for one in found.new] == contents


def test_one_object_is_one_notice() -> None:
    assert [one.to_content() for one in importing(json.dumps(content(), indent=1).encode()).new] == [content()]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"[", "n.json: is not JSON: line 1"),
        (b'[{"a": 1},\n{"a": 1,}]', "n.json: is not JSON: line 2, column 9"),
        (b'{"a": 1, "a": 2}', "n.json: a: stands twice in one object"),
        (b"[" * 100_000, "n.json: is not JSON: "),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "n.json: "),
        (b'[{"a": 1.5}]', "n.json: 1.5 is not an integer"),
        ('[{"a": 1}]'.encode("utf-16"), "n.json: is UTF-16"),
        ('["é"]'.encode("latin-1"), "n.json: is not UTF-8 in line 1"),
        (b'["\x00"]', "n.json: holds a NUL byte in line 1"),
        (b'{"a": 1}\n{"a": ', "n.json, line 2: is not JSON"),
    ],
)
def test_json_that_is_none_is_malformed_with_its_line(raw: bytes, problem: str) -> None:
    with pytest.raises(Malformed) as caught:
        importing(raw, name="n.json")
    assert str(caught.value).startswith(problem)


def test_a_problem_in_json_names_the_notice_and_the_field() -> None:
    raw = json.dumps([content(1), content(2, control_entries=["9.Q.3"]), 7]).encode()
    assert said(raw, name="n.json") == [
        "n.json, notice 2, control_entries[0]: 9.Q.3 is not an entry of the Annex; did you mean 9.A.3?",
        "n.json, notice 3: a number is not a denial notice; write an object with the fields of a denial notice",
    ]


def test_an_aggregate_is_imported_too() -> None:
    found = importing(json.dumps(AGGREGATE).encode())
    assert found.new == [parse("aggregate/v1", AGGREGATE, PROFILE)]
