"""Files of tables: what is read of them, and everything that is refused with its cell."""

from __future__ import annotations

import datetime
import io
import struct
import unicodedata
import zipfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl import load_workbook

from envoi_desk import limits
from envoi_desk.forms.csv_files import read_csv
from envoi_desk.forms.sheet import Row, column_letters, guarded, unguarded
from envoi_desk.forms.xlsx_files import read_xlsx
from envoi_keys.errors import LocalError, Malformed

from .sheets import HEADER, cell, csv_of, repacked, workbook, xlsx_of

SHEET = "xl/worksheets/sheet1.xml"
MIDNIGHT = datetime.datetime(2028, 2, 29)  # noqa: DTZ001 - a cell has no zone
AWKWARD = [
    "=1+1",
    "+33 1",
    "-x",
    "@a",
    "'=quoted",
    "''",
    "'plain",
    "a\nb",
    'say "x"',
    "a;b",
    "a,b",
    "株式会社",
    "\\;",
    "_x0041_",
    "_x005F_",
    "<&>",
]


def refused(raw: bytes, read: Callable[[bytes, str], Any] = read_xlsx) -> tuple[str, str | None]:
    with pytest.raises(Malformed) as caught:
        read(raw, "n")
    return str(caught.value), caught.value.hint


# -- both ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("write", "read"), [(csv_of, read_csv), (xlsx_of, read_xlsx)])
def test_what_was_written_is_read_back_to_the_letter(write: Callable[..., bytes], read: Callable[..., Any]) -> None:
    header = [f"c{at}" for at in range(len(AWKWARD))]
    sheet = read(write(header, AWKWARD, [""] * len(header), ["", *AWKWARD[1:]]), "n")
    assert sheet.header == tuple(header)
    assert sheet.rows == (Row(2, dict(enumerate(AWKWARD))), Row(4, dict(list(enumerate(AWKWARD))[1:])))


@given(st.text(max_size=20))
@example("  =1+1")
@example("\u00a0=1+1")
@example("'\n =1+1")
@example("\ufe661+1")
@example(" \ufe62\ufe63\ufe6b")
def test_a_guarded_cell_is_no_formula_and_comes_back(text: str) -> None:
    written = guarded(text)
    # Some programs pass over the spaces before it, and take a full-width or a small sign for the plain one.
    assert not unicodedata.normalize("NFKC", written).lstrip().startswith(("=", "+", "-", "@"))
    assert not written.startswith(("\t", "\r"))
    assert unguarded(written) == text


def test_a_text_that_no_cell_takes_is_not_cut_off() -> None:
    with pytest.raises(LocalError, match="a cell of XLSX takes 32767 characters; one has 32768") as caught:
        xlsx_of(["a"], ["x" * 32_768])
    assert caught.value.hint == "export it as CSV or JSON"


def test_what_we_write_another_program_reads_as_text() -> None:
    raw = xlsx_of(["a", "b"], ["=1+1", "_x0041_"], ["x", "A\nB <&> 株"])
    book = load_workbook(io.BytesIO(raw))
    assert [[cell.value for cell in row] for row in book.worksheets[0].rows][2] == ["x", "A\nB <&> 株"]
    cell = book.worksheets[0]["A2"]
    assert (cell.value, cell.data_type, cell.quotePrefix) == ("=1+1", "s", True)
    assert b"_x005F_x0041_" in zipfile.ZipFile(io.BytesIO(raw)).read(SHEET)
    assert raw == xlsx_of(["a", "b"], ["=1+1", "_x0041_"], ["x", "A\nB <&> 株"])


def test_columns_are_called_as_a_spreadsheet_calls_them() -> None:
    assert [column_letters(at) for at in (0, 7, 25, 26, 51, 52, 701, 702)] == [
        *("A", "H", "Z", "AA", "AZ", "BA", "ZZ", "AAA")
    ]


def test_an_xlsx_file_that_is_cut_or_damaged_is_refused() -> None:
    sound = xlsx_of(["a"], ["b"])
    for raw in (b"", b"PK\x03\x04", sound[:-30], sound[:200] + b"\x00" * 50 + sound[250:], b"\xff" * 40):
        assert refused(raw)[0].startswith("n: ")


@given(st.binary(max_size=300))
def test_no_bytes_bring_another_error(raw: bytes) -> None:
    for read in (read_csv, read_xlsx):
        for data in (raw, b"PK\x03\x04" + raw, b"a,b\n" + raw):
            with suppress(Malformed):
                read(data, "n")


# -- CSV -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_csv_is_read_as_spreadsheets_of_any_language_write_it(separator: str, mark: bytes) -> None:
    raw = mark + separator.join(["Name ", "end_use"]).encode() + b"\r\n" + f'"A\r\nB"{separator}é\r\n'.encode()
    sheet = read_csv(raw, "n")
    assert (sheet.header, sheet.rows) == (("name", "end_use"), (Row(2, {0: "A\nB", 1: "é"}),))


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("name,é".encode("utf-16"), "n: is UTF-16 or UTF-32, not UTF-8"),
        ("name,é".encode("utf-32"), "n: is UTF-16 or UTF-32, not UTF-8"),
        ("name\nx".encode("utf-16-le"), "n: holds a NUL byte in line 1: it is UTF-16, or no text"),
        (b"name\nx\nab\x00c", "n: holds a NUL byte in line 3: it is UTF-16, or no text"),
        ("name\nx\né".encode("latin-1"), "n: is not UTF-8 in line 3: perhaps it is Latin-1 or Windows-1252"),
        ("name\né\n".encode() + "é".encode("cp1252"), "n: is not UTF-8 in line 3"),
    ],
)
def test_another_encoding_is_refused_with_the_way_to_save(raw: bytes, said: str) -> None:
    message, hint = refused(raw, read_csv)
    assert message.startswith(said)
    assert hint == "save it as UTF-8; in Excel: Save As, CSV UTF-8"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"a,b\n1,2,3\n", "n, row 2, column C: 3 stands in a column without a name"),
        (b"a,,c\n1,2,3\n", "n, row 2, column B: 2 stands in a column without a name"),
        (b"a,a\n1,2\n", "n, row 1, column B: a stands twice"),
        (b'a,b\n1,"2\n', "n, row 2: is not CSV: unexpected end of data"),
        (b'a,b\n1,"2"3\n', "n, row 2: is not CSV: "),
        (b"a\n" + b"x" * 10_000_000, "n, row 2: holds a cell of more than 131072 characters"),
        (b"", "n: is empty"),
        (b",".join(b"c%d" % at for at in range(300)), "n: has more than 256 columns"),
    ],
)
def test_csv_that_is_broken_names_its_row(raw: bytes, said: str) -> None:
    assert refused(raw, read_csv)[0].startswith(said)


# -- XLSX ------------------------------------------------------------------------------------------------


def test_a_cell_is_what_its_reader_sees() -> None:
    def fill(sheet: Any) -> None:
        sheet[cell("date_of_denial")] = datetime.date(2026, 4, 3)
        sheet[cell("review_by")] = MIDNIGHT
        sheet[cell("quantity")] = 12.5
        sheet[cell("value")] = 148500
        sheet[cell("exercise")] = False
        sheet[cell("remarks")] = "  one\r\ntwo "

    (row,) = read_xlsx(workbook(fill), "n").rows
    found = {HEADER[at]: text for at, text in row.cells.items()}
    assert (found["date_of_denial"], found["review_by"]) == ("2026-04-03", "2028-02-29")
    assert (found["quantity"], found["value"], found["exercise"]) == ("12.5", "148500", "false")
    assert found["remarks"] == "one\ntwo"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("=1+1", "holds a formula"),
        ('=HYPERLINK("http://x")', "holds a formula"),
        ("#N/A", "holds the error #N/A"),
        (MIDNIGHT.replace(hour=12), "holds a time of day"),
        (datetime.time(12, 30), "holds a time of day"),
        (0.1234567890123456789, "holds a number with more digits than a spreadsheet keeps"),
        (1e300, "holds a number with more digits than a spreadsheet keeps"),
    ],
)
def test_a_cell_that_is_more_than_text_is_refused_by_its_name(value: Any, said: str) -> None:
    def fill(sheet: Any) -> None:
        sheet["H2"] = value

    message, hint = refused(workbook(fill))
    assert message == f"n, row 2, column H: {said}"
    assert hint


def test_merged_cells_are_refused_by_their_names() -> None:
    assert refused(workbook(lambda sheet: sheet.merge_cells("B2:C3"))) == (
        "n: the cells B2:C3 are merged",
        "unmerge them: each row of a notice has its own cells",
    )


def test_dates_are_counted_from_the_day_that_the_workbook_counts_from() -> None:
    raw = workbook(lambda sheet: sheet.__setitem__(cell("review_by"), datetime.date(2026, 4, 3)))
    other = repacked(raw, "xl/workbook.xml", lambda xml: xml.replace(b"<workbookPr ", b'<workbookPr date1904="1" '))
    (row,) = read_xlsx(other, "n").rows
    assert row.cells[HEADER.index("review_by")] == "2030-04-04"


def test_a_hidden_sheet_is_not_what_the_officer_saw() -> None:
    def fill(sheet: Any) -> None:
        sheet.parent.create_sheet("seen").append(["regime_reference"])
        sheet.sheet_state = "hidden"
        sheet.parent.active = 1

    assert read_xlsx(workbook(fill), "n").header == ("regime_reference",)


def bomb() -> bytes:
    """200 MiB of zeros in a file of less than 1 MB."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("xl/workbook.xml", bytes(200 * 1024 * 1024))
    return file.getvalue()


def test_a_bomb_is_measured_and_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = bomb()
    assert len(raw) < 2_000_000
    monkeypatch.setattr(zipfile.ZipFile, "open", None)  # nothing of it is opened
    assert refused(raw)[0].startswith("n: unpacks to 1 parts of 209715200 bytes; at most ")


def test_a_bomb_that_lies_about_its_size_is_cut_where_it_says_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = bytearray(xlsx_of(["a"], ["b" * 5000]))
    for at in range(len(raw)):
        # The size of every part, unpacked, in the central directory.
        if raw[at : at + 4] == b"PK\x01\x02":
            raw[at + 24 : at + 28] = struct.pack("<I", 10)
    assert refused(bytes(raw))[0] == "n: is not an XLSX file, or it is damaged or encrypted"
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 1000)
    assert "at most 1000 parts of 1000 bytes are read" in refused(xlsx_of(["a"], ["b"]))[0]


def test_a_file_of_many_parts_is_no_workbook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_XLSX_PARTS", 3)
    assert "unpacks to" in refused(xlsx_of(["a"], ["b"]))[0]


@pytest.mark.parametrize(
    "declared",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd">',
    ],
)
@pytest.mark.parametrize("part", ["xl/workbook.xml", SHEET, "xl/styles.xml"])
def test_xml_that_declares_anything_is_refused_before_it_means_anything(part: str, declared: bytes) -> None:
    raw = repacked(workbook(lambda _: None), part, lambda xml: declared + xml.partition(b"?>")[2])
    assert refused(raw)[0] == "n: declares an XML document type, as no spreadsheet does"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'r="A1"', b'r="XFD1"', "n, row 1, column XFD: is too far out"),
        (b'<row r="2"', b'<row r="99999999"', "is too far out"),
        (b'<row r="2"', b'<row r="1"', "n: row 1 comes after row 1"),
        (b"</sheetData>", b"", "n: holds XML that is broken: mismatched tag"),
        (b't="inlineStr"', b't="s"', "holds a string that the workbook does not have"),
    ],
)
def test_a_sheet_that_lies_about_itself_is_refused(old: bytes, new: bytes, said: str) -> None:
    raw = repacked(xlsx_of(["a", "b"], ["1", "2"]), SHEET, lambda xml: xml.replace(old, new))
    assert said in refused(raw)[0]


def test_a_workbook_without_its_parts_is_none() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    assert refused(file.getvalue()) == ("n: has no part xl/workbook.xml", "is it a workbook? save it as XLSX")
