"""CSV as spreadsheets write it (RFC 4180): UTF-8, and a comma, semicolon or tab between cells.

Which of the three separates is told by the header, whose words hold none of them. The encoding is never guessed: a file
in another one is refused with the way to save it. A cell that a spreadsheet would run as a formula is written behind an
apostrophe, which reading takes off again.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, Final

from envoi_keys.errors import Malformed

from .sheet import Sheet, guarded, place, sheet_of, unguarded

_SEPARATORS: Final = (",", ";", "\t")
_SAVE: Final = "save it as UTF-8; in Excel: Save As, CSV UTF-8"
_OTHER_MARKS: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode(raw: bytes, name: str) -> str:
    """The text of a file in UTF-8, with a byte order mark or without. Raises Malformed with the line at fault."""
    if raw.startswith(_OTHER_MARKS):
        raise Malformed("is UTF-16 or UTF-32, not UTF-8", field=name, hint=_SAVE)
    if (at := raw.find(b"\x00")) >= 0:
        line = raw.count(b"\n", 0, at) + 1
        raise Malformed(f"holds a NUL byte in line {line}: it is UTF-16, or no text", field=name, hint=_SAVE)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Malformed(
            f"is not UTF-8 in line {line}: perhaps it is Latin-1 or Windows-1252", field=name, hint=_SAVE
        ) from None


def read_csv(raw: bytes, name: str) -> Sheet:
    """The sheet in the bytes of a CSV file. Raises Malformed, which names the row."""
    # Within a cell a line ends as it does in a notice, whatever system the file was written on.
    cells = ({at: cell.replace("\r\n", "\n") for at, cell in enumerate(row) if cell} for row in csv_rows(raw, name))
    return sheet_of(name, enumerate(cells, 1))


def csv_rows(raw: bytes, name: str) -> Iterator[list[str]]:
    """Every row of a CSV file, empty ones too, each cell as it was before it was guarded. Raises Malformed."""
    text = decode(raw, name)
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    while True:
        number += 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            large = "field limit" in str(error)
            raise Malformed(
                f"holds a cell of more than {csv.field_size_limit()} characters" if large else f"is not CSV: {error}",
                field=place(name, number),
                hint="is a closing quote missing?",
            ) from None
        yield [unguarded(cell) for cell in row]


def write_csv(file: BinaryIO, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table: UTF-8 without a mark, commas, plain line feeds; formulas are guarded."""
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([guarded(cell) for cell in row])
    text.flush()
    text.detach()
