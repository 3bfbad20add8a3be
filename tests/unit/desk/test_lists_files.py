"""Reference lists from files: the UN's XML and CSV; what is malformed is refused with its place."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_desk import limits
from envoi_desk.lists import format_of
from envoi_desk.lists.entry import Entry, country_of
from envoi_desk.lists.list_csv import read_list_csv
from envoi_desk.lists.un_xml import read_un_xml
from envoi_keys.errors import Malformed

# A miniature in the form of the consolidated list. Its parties are invented.
UN = """<?xml version="1.0" encoding="UTF-8"?>
<CONSOLIDATED_LIST xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:noNamespaceSchemaLocation="https://example.org/consolidated.xsd" dateGenerated="2026-11-20T00:00:00.000Z">
  <INDIVIDUALS>
    <INDIVIDUAL>
      <DATAID>9900001</DATAID><VERSIONNUM>1</VERSIONNUM>
      <FIRST_NAME>DAVRUZ</FIRST_NAME><SECOND_NAME>KHOLBEK</SECOND_NAME><THIRD_NAME/>
      <UN_LIST_TYPE>Exercise list</UN_LIST_TYPE><REFERENCE_NUMBER>EXi.001</REFERENCE_NUMBER>
      <NAME_ORIGINAL_SCRIPT>Давруз Холбек</NAME_ORIGINAL_SCRIPT>
      <NATIONALITY><VALUE>Iran (Islamic Republic of)</VALUE></NATIONALITY>
      <INDIVIDUAL_ALIAS><QUALITY>Good</QUALITY><ALIAS_NAME>Davroz Holbek</ALIAS_NAME></INDIVIDUAL_ALIAS>
      <INDIVIDUAL_ALIAS><QUALITY>Low</QUALITY><ALIAS_NAME>  the\u00a0 Surveyor </ALIAS_NAME></INDIVIDUAL_ALIAS>
      <INDIVIDUAL_ALIAS><QUALITY/><ALIAS_NAME/></INDIVIDUAL_ALIAS>
      <INDIVIDUAL_ADDRESS><COUNTRY>Iran (Islamic Republic of)</COUNTRY></INDIVIDUAL_ADDRESS>
    </INDIVIDUAL>
  </INDIVIDUALS>
  <ENTITIES>
    <ENTITY>
      <DATAID>9900002</DATAID><FIRST_NAME>ZARRINKUH TRADING HOUSE</FIRST_NAME>
      <UN_LIST_TYPE>Exercise list</UN_LIST_TYPE><REFERENCE_NUMBER>EXe.001</REFERENCE_NUMBER>
      <ENTITY_ALIAS><QUALITY>a.k.a.</QUALITY><ALIAS_NAME>Zarin Kooh Trading</ALIAS_NAME></ENTITY_ALIAS>
      <ENTITY_ADDRESS><CITY>Dubai</CITY><COUNTRY>United Arab Emirates</COUNTRY></ENTITY_ADDRESS>
    </ENTITY>
  </ENTITIES>
</CONSOLIDATED_LIST>
"""
CSV = """id,name,aliases,country,schema,program
X-1,Zarrinkuh Trading House,Zarin Kooh; ZTH,AE,Organization,Exercise
X-2,Davruz Kholbek,,,Person,
"""


def un(raw: str) -> list[Entry]:
    return list(read_un_xml(raw.encode(), "un.xml"))


def listed(raw: str) -> list[Entry]:
    return list(read_list_csv(raw.encode(), "list.csv"))


def test_the_un_list() -> None:
    person, firm = un(UN)
    assert person == Entry(
        "EXi.001",
        ("DAVRUZ KHOLBEK", "Davroz Holbek", "the Surveyor", "Давруз Холбек"),
        "Person",
        "IR",
        "Exercise list",
    )
    assert firm == Entry(
        "EXe.001", ("ZARRINKUH TRADING HOUSE", "Zarin Kooh Trading"), "Organization", "AE", "Exercise list"
    )


def test_a_list_of_rows() -> None:
    assert listed(CSV) == [
        Entry("X-1", ("Zarrinkuh Trading House", "Zarin Kooh", "ZTH"), "Organization", "AE", "Exercise"),
        Entry("X-2", ("Davruz Kholbek",), "Person"),
    ]


def test_the_format_is_told_by_the_beginning() -> None:
    assert [format_of(raw.encode()) for raw in (UN, "\ufeff" + UN, CSV)] == ["un-xml", "un-xml", "csv"]


def test_a_country_is_known_or_left_out_and_never_guessed() -> None:
    assert [country_of(text) for text in ("Iran (Islamic Republic of)", "FR", "france", "Frances", "")] == [
        *("IR", "FR", "FR"),
        *("", ""),
    ]


BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><CONSOLIDATED_LIST>&c;</CONSOLIDATED_LIST>"""
OUTSIDE = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>
<CONSOLIDATED_LIST>&f;</CONSOLIDATED_LIST>"""


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (BOMB, "un.xml: declares a document type or an entity"),
        (OUTSIDE, "un.xml: declares a document type or an entity"),
        ("<CONSOLIDATED_LIST>" + "<A>" * 50_000, "nested deeper than 16 levels"),
        (UN[: len(UN) // 2], r"un.xml: is not XML: line \d+, column \d+"),
        ("", "is not XML"),
        ("<html></html>", "begins with <html> and not with <CONSOLIDATED_LIST>"),
        (UN.replace("DAVRUZ", "D" * 1001), r"un.xml, INDIVIDUAL 1 \(EXi.001\): has a name of 1009 characters"),
        (UN.replace("DAVRUZ", "D" * 30_000), "<FIRST_NAME> has 30000 characters"),
        (UN.replace("ZARRINKUH TRADING HOUSE", "").replace("Zarin Kooh Trading", ""), "EXe.001.: has no name"),
        (
            UN.replace("<REFERENCE_NUMBER>EXe.001</REFERENCE_NUMBER>", "").replace("<DATAID>9900002</DATAID>", ""),
            "ENTITY 2: has neither REFERENCE_NUMBER nor DATAID",
        ),
        (UN.replace("UTF-8", "UTF-7"), "encoding"),
    ],
)
def test_xml_that_is_no_list_is_refused_with_its_place(raw: str, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        un(raw)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (CSV.replace("X-2", "X-1"), r"row 3, column id \(A\): X-1 stands in row 2 already"),
        (CSV.replace("X-2,", ","), r"row 3, column id \(A\): is empty"),
        (CSV.replace(",AE,", ",UAE,"), r"row 2, column country \(D\): UAE is not an ISO 3166 code"),
        (CSV.replace("Person", "Human"), r"row 3, column schema \(E\): Human is not one of"),
        (CSV.replace("program", "programme"), "programme is not a column of this form"),
        ("name\nZarrinkuh\n", "row 1: has no column id"),
        (CSV.replace("Davruz", "D" * 2000), r"row 3, column name \(B\): has a name of 2008 characters"),
        (CSV.replace("ZTH", ";".join(f"Z{number}" for number in range(600))), "has 602 names; at most 500"),
    ],
)
def test_csv_that_is_no_list_is_refused_with_its_place(raw: str, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        listed(raw)


def test_a_name_of_ten_megabytes_is_refused() -> None:
    with pytest.raises(Malformed):
        listed(f"id,name\n1,{'N' * 10_000_000}\n")
    with pytest.raises(Malformed):
        un(UN.replace("DAVRUZ", "D" * 10_000_000))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_list_or_an_error_of_ours(raw: bytes) -> None:
    for read in (read_un_xml, read_list_csv):
        with contextlib.suppress(Malformed):
            list(read(raw, "file"))


@given(st.data())
def test_any_damage_is_a_list_or_an_error_of_ours(data: st.DataObject) -> None:
    for text, read in ((UN, read_un_xml), (CSV, read_list_csv)):
        raw = bytearray(text.encode())
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
        with contextlib.suppress(Malformed):
            list(read(bytes(raw), "file"))


def test_limits_have_room_for_the_real_list() -> None:
    # The consolidated list of 2025 has about 1,000 entries in 2 MiB.
    assert limits.MAX_LIST_BYTES > 10 * 2 * 1024 * 1024
    assert limits.MAX_LIST_ENTRIES > 10_000
