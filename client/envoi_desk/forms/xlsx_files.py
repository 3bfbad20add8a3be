"""XLSX: the first sheet of a workbook as a table of text, and tables as the sheets of a workbook.

An XLSX file is a ZIP of XML, so it is measured before anything of it is parsed: how many parts, what they claim to
unpack to, and that they do. What the parts hold is :mod:`.workbook`'s to read. What is written is text in every cell,
so that no program takes it for a formula or a number.

Not openpyxl: it spools every sheet in the clear to a temporary file of its own, and cuts long texts off without a word.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, Final
from xml.sax.saxutils import escape, quoteattr

from envoi_keys.errors import LocalError, Malformed

from .. import limits
from .sheet import Sheet, column_letters, is_formula, sheet_of
from .workbook import rows_of

_PIECE: Final = 1024 * 1024
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError, ValueError)
"""What zipfile raises for what is no ZIP, is damaged, encrypted or packed in a way that it does not know."""

_LEVEL: Final = 6
_WIDTH: Final = 24
_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_MAX_ROWS: Final = 1_048_576
_BOLD: Final = 1
_QUOTED: Final = 2
"""The style of a text that begins like a formula: it stays text when somebody edits it."""
_FONT: Final = '<sz val="11"/><name val="Calibri"/>'
_FILLS: Final = "".join(f'<fill><patternFill patternType="{name}"/></fill>' for name in ("none", "gray125"))
_STYLES: Final = (
    f'<styleSheet xmlns="{_MAIN}"><fonts count="2"><font>{_FONT}</font><font><b/>{_FONT}</font></fonts>'
    f'<fills count="2">{_FILLS}</fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="3">'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
_NOT_XML: Final = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
"""What XML cannot hold, and what would be read as the escape of that (ECMA-376 part 1, 22.9.2.19)."""


def read_xlsx(raw: bytes, name: str) -> Sheet:
    """The first sheet in the bytes of an XLSX file. Raises Malformed, which names the cell."""
    return sheet_of(name, rows_of(_unpack(raw, name), name))


def _unpack(raw: bytes, name: str) -> dict[str, bytes]:
    """The parts of a file by their names: those of a workbook that are read, all of them measured."""
    parts: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            listed = archive.infolist()
            claimed = sum(part.file_size for part in listed)
            if len(listed) > limits.MAX_XLSX_PARTS or claimed > limits.MAX_UNPACKED_BYTES:
                raise _bomb(name, f"{len(listed)} parts of {claimed} bytes")
            left = limits.MAX_UNPACKED_BYTES
            for part in listed:
                with archive.open(part) as file:
                    pieces = []
                    while piece := file.read(_PIECE):
                        left -= len(piece)
                        if left < 0:
                            raise _bomb(name, "more than it says")
                        pieces.append(piece)
                if part.filename.endswith((".xml", ".rels")):
                    parts[part.filename] = b"".join(pieces)
    except _BROKEN:
        raise Malformed(
            "is not an XLSX file, or it is damaged or encrypted", field=name, hint="save it as XLSX without a password"
        ) from None
    return parts


def _bomb(name: str, what: str) -> Malformed:
    most = f"{limits.MAX_XLSX_PARTS} parts of {limits.MAX_UNPACKED_BYTES} bytes"
    return Malformed(f"unpacks to {what}; at most {most} are read", field=name)


def write_xlsx(file: BinaryIO, sheets: Sequence[tuple[str, Sequence[str], Iterable[Sequence[str]]]]) -> None:
    """Write a workbook: for each sheet its title, its header and its rows. Every cell is text and stays so.

    The file is seekable. Raises LocalError for a text that no cell takes and for more rows than a sheet.
    """
    numbers = range(1, len(sheets) + 1)
    titles = [title for title, _, _ in sheets]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for name, text in (
            ("[Content_Types].xml", _content_types(numbers)),
            ("_rels/.rels", _links(["officeDocument"], ["xl/workbook.xml"])),
            ("xl/workbook.xml", _workbook(titles)),
            ("xl/_rels/workbook.xml.rels", _workbook_links(numbers)),
            ("xl/styles.xml", _STYLES),
        ):
            archive.writestr(_part(name), _XML + text)
        for number, (_, header, rows) in zip(numbers, sheets, strict=True):
            with archive.open(_part(f"xl/worksheets/sheet{number}.xml"), "w") as part:
                part.writelines(piece.encode() for piece in _sheet(header, rows))


def _part(name: str) -> zipfile.ZipInfo:
    # Without a time, so that the same notices make the same bytes.
    part = zipfile.ZipInfo(name)
    part.compress_type = zipfile.ZIP_DEFLATED
    return part


def _content_types(numbers: Iterable[int]) -> str:
    kinds = {"xl/workbook": "sheet.main", "xl/styles": "styles"}
    kinds |= {f"xl/worksheets/sheet{number}": "worksheet" for number in numbers}
    overrides = "".join(
        f'<Override PartName="/{name}.xml" ContentType="{_TYPE}.{kind}+xml"/>' for name, kind in kinds.items()
    )
    return (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{overrides}</Types>'
    )


def _links(kinds: Iterable[str], targets: Iterable[str]) -> str:
    listed = "".join(
        f'<Relationship Id="rId{at}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for at, (kind, target) in enumerate(zip(kinds, targets, strict=True), 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{listed}</Relationships>'


def _workbook_links(numbers: range) -> str:
    targets = [f"worksheets/sheet{number}.xml" for number in numbers]
    return _links([*("worksheet" for _ in numbers), "styles"], [*targets, "styles.xml"])


def _workbook(titles: Sequence[str]) -> str:
    sheets = "".join(
        f'<sheet name={quoteattr(title)} sheetId="{at}" r:id="rId{at}"/>' for at, title in enumerate(titles, 1)
    )
    return f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>'


def _sheet(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" '
        f'activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols><col min="1" max="{len(header)}" '
        f'width="{_WIDTH}" customWidth="1"/></cols><sheetData>'
    )
    letters = [column_letters(at) for at in range(len(header))]
    yield _row(1, letters, header, _BOLD)
    for number, row in enumerate(rows, 2):
        if number > _MAX_ROWS:
            raise LocalError(f"a sheet of XLSX has {_MAX_ROWS} rows, and this is more", hint="export it as CSV or JSON")
        yield _row(number, letters, row)
    yield "</sheetData></worksheet>"


def _row(number: int, letters: Sequence[str], values: Sequence[str], style: int = 0) -> str:
    cells = "".join(
        f'<c r="{letter}{number}" t="inlineStr" s="{_QUOTED if is_formula(value) else style}"><is>'
        f'<t xml:space="preserve">{_escaped(value)}</t></is></c>'
        for letter, value in zip(letters, values, strict=True)
        if value
    )
    return f'<row r="{number}">{cells}</row>'


def _escaped(value: str) -> str:
    if len(value) > limits.MAX_XLSX_CELL_CHARS:
        hint = "export it as CSV or JSON"
        raise LocalError(
            f"a cell of XLSX takes {limits.MAX_XLSX_CELL_CHARS} characters; one has {len(value)}", hint=hint
        )
    return escape(_NOT_XML.sub(lambda found: f"_x{ord(found[0]):04X}_", value))
