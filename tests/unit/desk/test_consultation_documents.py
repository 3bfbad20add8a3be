"""The two documents of a consultation: what each demands, how it looks, and what docs/DOCUMENTS.md says of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from envoi_client.documents import InvalidDocument, parse, parse_consultation, parse_undercut, render, show
from envoi_client.documents.consultation import Answer, Outcome, Step

from ...tools import ROOT
from .consultations import CLOSE, GRANT, PROFILE, REPLY, REQUEST, STEPS, UNDERCUT, content

PAGE = (ROOT / "docs" / "DOCUMENTS.md").read_text(encoding="utf-8").partition("## `consultation/v1`")[2]
ROWS = re.findall(r"^\| `([a-z_]+)` \| ?([a-z, ]*?) ?\| ([MO]) \| (.*) \|$", PAGE, re.MULTILINE)
OF_STEPS = [row for row in ROWS if row[1]]
OF_UNDERCUT = [row for row in ROWS if not row[1]]


def problems(parse_: Any, written: Any) -> list[str]:
    with pytest.raises(InvalidDocument) as caught:
        parse_(written, PROFILE)
    return [str(problem) for problem in caught.value.problems]


def of_step(name: str) -> dict[str, str]:
    """The fields that the page gives a step, each with its mark."""
    kind = name.partition("_")[0]
    return {field: mark for field, steps, mark, _ in OF_STEPS if steps == "all" or kind in steps}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_reads_as_it_is_written(name: str) -> None:
    step = parse("consultation/v1", STEPS[name], PROFILE)
    assert step.to_content() == STEPS[name]
    assert set(of_step(name)) == set(STEPS[name])


@pytest.mark.parametrize(("name", "field"), [(name, field) for name in STEPS for field in of_step(name)])
def test_a_field_of_a_step_is_as_mandatory_as_the_page_says(name: str, field: str) -> None:
    written = content(STEPS[name], **{field: None})
    if (name, field) == ("extension_grant", "reason"):
        assert parse_consultation(written, PROFILE)
    else:
        (problem,) = problems(parse_consultation, written)
        assert problem.startswith(f"{field}: is missing; ")


def test_the_undercut_notice_reads_as_it_is_written() -> None:
    assert parse("undercut/v1", UNDERCUT, PROFILE).to_content() == UNDERCUT
    assert {field for field, *_ in OF_UNDERCUT} == set(UNDERCUT)


@pytest.mark.parametrize(("field", "mark"), [(field, mark) for field, _, mark, _ in OF_UNDERCUT])
def test_a_field_of_the_undercut_notice_is_as_mandatory_as_the_page_says(field: str, mark: str) -> None:
    written = content(UNDERCUT, **{field: None})
    if mark == "O":
        assert parse_undercut(written, PROFILE)
    else:
        (problem,) = problems(parse_undercut, written)
        assert problem.startswith(f"{field}: is missing; ")


def test_the_terms_are_all_there() -> None:
    told = {(field, steps): re.findall(r"`([a-z_]+)`", text) for field, steps, _, text in OF_STEPS}
    assert told["step", "all"] == [step.value for step in Step]
    assert told["outcome", "reply"] == [answer.value for answer in Answer]
    assert told["outcome", "close"] == [outcome.value for outcome in Outcome]


@pytest.mark.parametrize(
    ("base", "changes", "problem"),
    [
        (
            REPLY,
            {"step": "anwser"},
            "step: anwser is not one of request, reply, extension_request, extension_grant, close",
        ),
        (REPLY, {"consultation": "7D"}, "consultation: 7D is not an id; write 32 digits of 0-9 and a-f"),
        (REPLY, {"outcome": "identical"}, "outcome: identical is not one of identical_object, identical_no_objection"),
        (REPLY, {"until": "2026-04-01"}, "until: is not a field of a step of a consultation"),
        (REPLY, {"exercise": "yes"}, "exercise: yes is not true or false; write true or false without quotes"),
        (GRANT, {"until": "1.4.2026"}, "until: 1.4.2026 is not a date in the form YYYY-MM-DD"),
        (CLOSE, {"text": "  "}, "text: is empty; say it in words"),
        (CLOSE, {"text": "\u202e"}, "text: holds a hidden mark that changes the reading direction (U+202E)"),
        (REQUEST, {"regime_reference": "FR-12"}, "regime_reference: FR-12 is not of the form MTCR/DN/{state}/"),
        (REQUEST, {"notice": "0f"}, "notice: 0f is not the id of a dispatch; write 64 digits of 0-9 and a-f"),
        (REQUEST, {"items": []}, "items: is empty; describe at least one item"),
        (REQUEST, {"items": ["9.A.3"]}, "items[0]: 9.A.3 is not an item; write {"),
        (REQUEST, {"parties": []}, "parties: is empty; name at least one party to the transaction"),
        (REQUEST, {"destination_country": "Brazil"}, "destination_country: Brazil is not an ISO 3166 code"),
    ],
)
def test_what_is_wrong_is_said_in_words(base: Mapping[str, Any], changes: dict[str, Any], problem: str) -> None:
    assert problems(parse_consultation, content(base, **changes))[0].startswith(problem)


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ({"quantity": "4"}, "items[0].unit: is missing beside quantity"),
        ({"unit": "pieces"}, "items[0].quantity: is missing beside unit"),
        ({"quantity": "0", "unit": "kg"}, "items[0].quantity: 0 is not a quantity; leave the field out"),
        ({"quantity": 4, "unit": "kg"}, "items[0].quantity: is a bare number, which programs round"),
        ({"control_entries": ["9.Q.3"]}, "items[0].control_entries[0]: 9.Q.3 is not an entry of the Annex"),
        ({"control_entries": ["catch-all", "9.A.3"]}, "items[0].control_entries: catch-all stands beside entries"),
    ],
)
def test_what_is_wrong_with_an_item_is_said_in_words(item: dict[str, Any], problem: str) -> None:
    items = [{"control_entries": ["9.A.3"], "description": "Accelerometers"} | item]
    for parse_, base in ((parse_consultation, REQUEST), (parse_undercut, UNDERCUT)):
        (found,) = problems(parse_, content(base, items=items))
        assert found.startswith(problem)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"granting_government": "EE"}, "granting_government: Estonia (EE) is not a Partner of the MTCR"),
        ({"granting_government": "FR"}, "regime_reference: MTCR/DN/FR/2026/0012 is a denial of FR itself"),
        ({"deadline": "2026-03-19"}, "deadline: 2026-03-19 is before date_of_grant, 2026-03-20"),
        ({"deadline": "2026-05-20"}, "deadline: 2026-05-20 is more than 60 days after date_of_grant; write 2026-05-19"),
    ],
)
def test_the_fields_of_an_undercut_notice_fit_each_other(changes: dict[str, Any], problem: str) -> None:
    assert problems(parse_undercut, content(UNDERCUT, **changes))[0].startswith(problem)


@pytest.mark.parametrize("written", [None, [], "x", 7, {"step": ["request"]}, {"step": "request", "items": {"a": 1}}])
def test_whatever_it_is_it_is_refused_in_our_own_words(written: Any) -> None:
    assert problems(parse_consultation, written)
    assert problems(parse_undercut, written)


def test_a_request_looks_like_this() -> None:
    assert show("consultation/v1", REQUEST, PROFILE) == (
        "EXERCISE EXERCISE EXERCISE\n"
        "Consultation      request, between two Partners and confidential\n"
        "Id                7d2f0c5e9b1a48d3a6e0f4c8b2915d37\n"
        "Denial notice     MTCR/DN/FR/2026/0012\n"
        f"Version           {'0f' * 32}\n"
        "Case              2026-118\n"
        "Reply by          2026-03-01\n"
        "Destination       Brazil (BR)\n"
        "Stated end-use    Drilling\n"
        "Why not identical Another scale factor.\n"
        "\n"
        "Item 1            Accelerometers\n"
        "                  of steel\n"
        "  entries         9.A.3 Linear accelerometers\n"
        "  quantity        4 pieces\n"
        "\n"
        "Party 1           Serra Azul Ltda.\n"
        "  role            end user\n"
        "  country         Brazil (BR)\n"
        "\n"
        "EXERCISE EXERCISE EXERCISE\n"
    )


def test_every_other_step_says_what_it_does() -> None:
    assert "Reply             not identical\nText              No objection" in show("consultation/v1", REPLY, PROFILE)
    assert "Outcome           granted\n" in show("consultation/v1", CLOSE, PROFILE)
    assert "Asks for time     until 2026-04-01\n" in show("consultation/v1", STEPS["extension_request"], PROFILE)
    assert "Agrees to time    until 2026-04-01\n" in show("consultation/v1", GRANT, PROFILE)
    real = content(CLOSE, exercise=False)
    assert "EXERCISE" not in show("consultation/v1", real, PROFILE)


def test_an_undercut_notice_looks_like_this() -> None:
    items = [{"control_entries": ["catch-all"], "description": "Pumps"}]
    text = render(parse_undercut(content(UNDERCUT, items=items), PROFILE), PROFILE)
    assert text.startswith("EXERCISE EXERCISE EXERCISE\nUndercut notice   of MTCR/DN/FR/2026/0012\n")
    assert "Granted by        Germany (DE)\n" in text
    assert "Dates             granted 2026-03-20, to be notified by 2026-04-19\n" in text
    assert "  entries         catch-all: not on the Annex\n" in text
