"""Cases from JSON and CSV: accepted, or refused with every problem and its place."""

from __future__ import annotations

import contextlib
import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_client.documents import InvalidDocument
from envoi_desk import limits
from envoi_desk.screening.case import CaseStatus
from envoi_desk.screening.cases import COLUMNS, read_case, read_cases
from envoi_keys.errors import Malformed

from .cases import PARTY, case, case_content, case_file
from .notices import PROFILE

ROW = {
    "case": "2026-118",
    "status": "pending",
    "exercise": "FALSE",
    "destination_country": "PK",
    "control_entries": "9.A.3; 9.A.4",
    "item_description": "Accelerometers",
    "name": "Kamalia Ravi Works",
    "role": "end_user",
    "country": "PK",
    "aliases": r"KRW; Ravi\; Works",
    "identifiers": "NTN: EX 40-117; registration: 12",
}


def table(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS, separator: str = ",") -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, columns, delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def problems(raw: bytes) -> list[str]:
    with pytest.raises(InvalidDocument) as caught:
        read_cases(raw, PROFILE, "cases.csv")
    return [str(problem) for problem in caught.value.problems]


def test_a_case_is_read_and_written_back_as_it_was() -> None:
    content = case_content(status="granted", decided_on="2026-11-01")
    read = read_case(case_file(**content), PROFILE)
    assert read.status is CaseStatus.GRANTED
    assert read.to_content() == content


def test_a_case_may_name_an_item_that_is_on_no_list() -> None:
    assert case(items=[{"description": "A lathe"}]).control_entries == ()
    assert case(items=[{"control_entries": ["catch-all"]}]).control_entries == ("catch-all",)
    assert case(items=None).items == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": "open"}, "status: open is not one of pending, granted, refused, withdrawn"),
        ({"status": "granted"}, "decided_on: is missing; say on which day it was granted"),
        ({"decided_on": "2026-11-01"}, "decided_on: is given, but status is pending"),
        ({"status": "granted", "decided_on": "03/04/2026"}, "write 2026-04-03 or 2026-03-04"),
        ({"exercise": "no"}, "exercise: no is not true or false"),
        ({"destination_country": "UK"}, "the United Kingdom is GB"),
        ({"items": [{"control_entries": ["9.Q.3"]}]}, "did you mean 9.A.3?"),
        ({"items": [{"price": 1}]}, "items[0].price: is not a field of an item"),
        ({"parties": []}, "parties: is empty; name at least one party"),
        ({"parties": [PARTY | {"role": "enduser"}]}, "did you mean end_user?"),
        ({"parties": [PARTY | {"name": "Kamalia \u202eivaR"}]}, "a hidden mark that changes the reading direction"),
        ({"parties": [PARTY | {"name": "K" * 10_000}]}, "has 10000 characters; at most 300"),
        ({"colour": "red"}, "colour: is not a field of a case"),
    ],
)
def test_what_is_wrong_is_told_with_its_field(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        read_case(case_file(**changes), PROFILE)
    assert said in str(caught.value)


def test_the_fingerprint_changes_with_what_bears_on_a_match() -> None:
    first = case()
    assert first.fingerprint == case(status="granted", decided_on="2026-11-01", stated_end_use="Pumps").fingerprint
    assert first.fingerprint != case(destination_country="AE").fingerprint
    assert first.fingerprint != case(parties=[PARTY | {"aliases": ["KRW"]}]).fingerprint
    assert first.fingerprint != case(items=[{"control_entries": ["9.A.4"]}]).fingerprint


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_rows_of_one_case_share_its_reference(separator: str) -> None:
    second = {"case": "2026-118", "name": "Argolis Vathypedo", "role": "consignee", "country": "CY"}
    other = ROW | {"case": "2026-119", "exercise": "true"}
    cases = read_cases(table(ROW, second, other, separator=separator), PROFILE)
    assert [one.id for one in cases] == ["2026-118", "2026-119"]
    assert [party.name for party in cases[0].parties] == ["Kamalia Ravi Works", "Argolis Vathypedo"]
    assert cases[0].parties[0].aliases == ("KRW", "Ravi; Works")
    assert [one.to_content() for one in cases[0].parties[0].identifiers] == [
        {"kind": "NTN", "value": "EX 40-117"},
        {"kind": "registration", "value": "12"},
    ]
    assert cases[0].control_entries == ("9.A.3", "9.A.4")
    assert [one.exercise for one in cases] == [False, True]


def test_an_identifier_without_its_kind_is_told_by_row_and_column() -> None:
    (told,) = problems(table(ROW | {"identifiers": "EX 40-117"}))
    assert told.startswith("cases.csv, row 2, column identifiers (O): EX 40-117 is not an identifier; name its kind")


def test_problems_of_a_table_are_told_by_row_and_column() -> None:
    second = {"case": "2026-118", "status": "granted", "name": "Argolis", "role": "shipper", "country": "CY"}
    nameless = ROW | {"case": ""}
    entry = ROW | {"case": "2026-120", "control_entries": "9.Q.3", "exercise": "perhaps"}
    assert problems(table(ROW, second, nameless, entry)) == [
        "cases.csv, row 4, column case (A): is empty; every row names its case",
        (
            "cases.csv, row 3, column status (B): granted differs within one case: "
            "the first row of the case has pending; write it in the first row alone"
        ),
        (
            "cases.csv, row 3, column role (J): shipper is not one of consignee, end_user, ultimate_end_user, "
            "intermediary, broker, exporter, third_party"
        ),
        "cases.csv, row 5, column exercise (D): perhaps is not true or false; write true or false without quotes",
        "cases.csv, row 5, column control_entries (G): 9.Q.3 is not an entry of the Annex; did you mean 9.A.3?",
    ]


def test_a_column_that_is_missing_is_named() -> None:
    columns = tuple(name for name in COLUMNS if name != "country")
    raw = table({name: cell for name, cell in ROW.items() if name != "country"}, columns=columns)
    assert problems(raw) == [
        "cases.csv, row 2, country: is missing; write the ISO 3166 code of the country where the party is"
    ]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is empty"),
        (table(), "holds no case"),
        (b"case,name,colour\n1,2,3\n", "colour is not a column of this form"),
        ("case,name\n1,Bogot\xe1\n".encode("latin-1"), "is not UTF-8 in line 2"),
        ("case,name\n".encode("utf-16"), "is UTF-16"),
        (b'case,name\n1,"open\n', "is not CSV"),
        (b"[" * 100_000, "is not"),
        (b'{"case": ' + b"[" * 100_000, "nested"),
        (b'{"case": 1, "case": 2}', "stands twice"),
        (b"{" + b" " * (limits.MAX_CASE_FILE_BYTES + 1), "at most"),
    ],
)
def test_what_is_no_file_of_cases_is_refused(raw: bytes, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        read_cases(raw, PROFILE)


@given(st.binary(max_size=300))
def test_any_bytes_are_cases_or_an_error_of_ours(raw: bytes) -> None:
    with contextlib.suppress(Malformed):
        read_cases(raw, PROFILE)


_CELLS = st.one_of(st.sampled_from([*ROW.values(), "", "=1+1", "granted", "2026-11-01"]), st.text(max_size=20))


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, _CELLS)), min_size=1, max_size=4))
def test_any_table_is_cases_or_an_error_of_ours(rows: list[dict[str, str]]) -> None:
    with contextlib.suppress(Malformed):
        read_cases(table(*rows).replace(b"\xed", b"?"), PROFILE)
