"""The denial notice: its fields and terms, and how its problems are told."""

from __future__ import annotations

from typing import Any

import pytest

from envoi_client import limits
from envoi_client.documents import InvalidDocument, parse_denial
from envoi_client.documents.denial import DenialNotice, Kind, Role, Status, TransactionType

from .denials import PROFILE, SOUND, problems, spoilt


def test_a_sound_notice_is_read_and_written_back() -> None:
    notice = parse_denial(SOUND, PROFILE)
    assert notice.kind is Kind.REFUSAL
    assert notice.transaction_type is TransactionType.EXPORT
    assert notice.status is Status.VALID
    assert notice.parties[0].role is Role.END_USER
    assert notice.parties[0].names == ("Serra Azul Ltda.", "Serra Azúl Ltda.", "Serra Azul", "Sierra Azul")
    assert not notice.catch_all
    assert notice.to_content() == SOUND


def test_the_terms_are_those_of_the_profession() -> None:
    assert [term.value for term in Kind] == [
        "refusal",
        "revocation_of_licence",
        "suspension",
        "substantial_limitation",
        "would_be_refused",
    ]
    assert [term.value for term in TransactionType] == [
        "export",
        "brokering",
        "transit",
        "technical_assistance",
        "intangible_transfer",
    ]
    assert [term.value for term in Status] == ["valid", "amended", "renewed", "revoked"]
    assert [term.value for term in Role] == [
        "consignee",
        "end_user",
        "ultimate_end_user",
        "intermediary",
        "broker",
        "exporter",
        "third_party",
    ]


OPTIONAL = (
    "national_reference",
    "list_edition",
    "hs_code",
    "stated_end_use",
    "remarks",
)


def test_optional_fields_may_be_left_out() -> None:
    def change(content: dict[str, Any]) -> None:
        for name in (*OPTIONAL, "quantity", "unit", "value", "currency"):
            del content[name]
        content["parties"] = [{"name": "Serra", "role": "exporter", "country": "FR"}]

    content = spoilt(change)
    assert parse_denial(content, PROFILE).to_content() == content


@pytest.mark.parametrize("name", sorted(set(SOUND) - {*OPTIONAL, "quantity", "unit", "value", "currency"}))
def test_a_mandatory_field_that_is_missing_is_named_with_what_to_write(name: str) -> None:
    told = [text for text in problems(spoilt(lambda content: content.pop(name))) if text.startswith(f"{name}: ")]
    assert len(told) == 1
    assert told[0].startswith(f"{name}: is missing; ")


def test_a_catch_all_denial() -> None:
    content = spoilt(lambda c: c.update(control_entries=["catch-all"], annex_category="not_listed"))
    assert parse_denial(content, PROFILE).catch_all


@pytest.mark.parametrize("content", [None, True, 3, 1.5, "notice", []])
def test_what_is_no_object_is_one_problem(content: Any) -> None:
    (told,) = problems(content)
    assert told.endswith("is not a denial notice; write an object with the fields of a denial notice")


def test_all_problems_are_told_at_once_and_counted() -> None:
    def change(content: dict[str, Any]) -> None:
        content["control_entries"][1] = "9.Q.3"
        content["date_of_denial"] = "03/04/2026"
        del content["exercise"]

    with pytest.raises(InvalidDocument) as caught:
        parse_denial(spoilt(change), PROFILE)
    first, *lines = str(caught.value).split("\n")
    assert first == "the denial notice has 3 problems:"
    assert [line.partition(":")[0] for line in lines] == [
        "  date_of_denial",
        "  control_entries[1]",
        "  exercise",
    ]


def test_the_roster_says_who_is_a_partner() -> None:
    assert parse_denial(SOUND, PROFILE, {"FR"}).notifying_government == "FR"
    with pytest.raises(InvalidDocument, match=r"notifying_government: France \(FR\) is not a Partner"):
        parse_denial(SOUND, PROFILE, {"DE", "GB"})


def test_joiners_that_scripts_need_are_letters() -> None:
    names = ["می\u200cخواهم", "क्\u200dष", "שלום", "👷"]
    notice = parse_denial(spoilt(lambda c: c["parties"][0].update(aliases=names)), PROFILE)
    assert notice.parties[0].aliases == tuple(names)


def test_a_stranger_does_not_write_on_our_terminal() -> None:
    told = "\n".join(problems(spoilt(lambda c: c.update({"\x1b[31m\u202e": 1, "kind": "\x1b[2J\ud800"}))))
    assert "\\u{1b}[31m\\u{202e}" in told
    assert "\\u{1b}[2J\\u{d800}" in told
    assert told.isprintable() or set("\n") >= {letter for letter in told if not letter.isprintable()}


def test_a_flood_of_unknown_fields_is_cut_short() -> None:
    told = problems(spoilt(lambda c: c.update({f"x{number}": 1 for number in range(5000)})))
    assert len(told) == 20


def test_limits_are_those_of_the_one_place() -> None:
    longest = "x" * limits.MAX_TEXT_CHARS
    assert parse_denial(spoilt(lambda c: c.update(remarks=longest)), PROFILE).remarks == longest
    (told,) = problems(spoilt(lambda c: c.update(remarks=longest + "x")))
    assert told == "remarks: has 20001 characters; at most 20000 are allowed"


def test_a_notice_is_a_value() -> None:
    one, other = parse_denial(SOUND, PROFILE), parse_denial(SOUND, PROFILE)
    assert one == other
    assert hash(one) == hash(other)
    assert isinstance(one, DenialNotice)
