"""Tables to read: CSV and XLSX in memory, sound ones and ones that no program would write."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

from openpyxl import Workbook

from envoi_desk.forms.columns import FULL, Form, flat
from envoi_desk.forms.csv_files import write_csv
from envoi_desk.forms.xlsx_files import write_xlsx

from .notices import content

HEADER = list(FULL.columns)


def rows(*contents: dict[str, Any], form: Form = FULL) -> list[list[str]]:
    """The rows of notices, one for each party."""
    return [flat(form, one, party) for one in contents for party in one.get("parties", [None])]


def csv_of(header: Sequence[str], *lines: Sequence[str]) -> bytes:
    file = io.BytesIO()
    write_csv(file, header, lines)
    return file.getvalue()


def xlsx_of(header: Sequence[str], *lines: Sequence[str]) -> bytes:
    file = io.BytesIO()
    write_xlsx(file, [("notices", header, lines)])
    return file.getvalue()


def workbook(change: Callable[[Any], object]) -> bytes:
    """A workbook as a person makes it: the template filled in with one notice, then changed."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for line in (HEADER, *rows(content())):
        sheet.append(line)
    change(sheet)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def cell(column: str, row: int = 2) -> str:
    """The name of a cell of the template, such as H2."""
    from openpyxl.utils import get_column_letter

    return f"{get_column_letter(HEADER.index(column) + 1)}{row}"


def repacked(raw: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """An XLSX file with one of its parts changed."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, change(data) if name == part else data)
    return file.getvalue()
