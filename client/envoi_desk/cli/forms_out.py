"""``envoi denials export`` and ``envoi denials print``: notices for another system, and on paper."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final, Literal

from cyclopts import Parameter

from envoi_client.cli.common import DEFAULT, Common, Flag
from envoi_client.documents.text import printable
from envoi_client.files import read_bounded, whole_file, write_whole
from envoi_keys.errors import LocalError

from .. import limits
from .common import find, open_desk, version_json
from .forms import Language, count_of

if TYPE_CHECKING:
    from ..desk import Desk
    from ..forms.exporting import Cursor
    from ..register import Query, Version

Format = Literal["json", "csv", "xlsx", "full-csv", "full-xlsx", "aggregates-csv", "aggregates-xlsx", "pdf"]
_References = Annotated[tuple[str, ...], Parameter(name="REFERENCE", consume_multiple=True)]
_WITHOUT_STATE: Final = ("csv", "xlsx", "pdf")
"""Formats that cannot say of a notice that it is revoked, or are for people: what is in force, unless asked."""


def export(
    *,
    format_: Annotated[Format | None, Parameter(name="--format")] = None,
    out: Path | None = None,
    since: str | None = None,
    as_of: str | None = None,
    author: str | None = None,
    destination: str | None = None,
    entry: str | None = None,
    text: str | None = None,
    year: int | None = None,
    state: str | None = None,
    exercise: Annotated[bool, Flag] = False,
    language: Language | None = None,
    common: Common = DEFAULT,
) -> None:
    """Write denials for another system, or only what is new since the last time.

    Parameters
    ----------
    format_
        json; csv or xlsx, the public table; full-csv or full-xlsx, the template; aggregates-csv or
        aggregates-xlsx; pdf. By default what the name of the file says, else json.
    out
        The file; FILE.cursor beside it says how far it goes.
    since
        A cursor, or the file that holds one: what came after it.
    as_of
        As it stood at this log index, or at the end of this day.
    author
        Only notices of this Partner.
    destination
        Only denials of exports to this country (ISO 3166).
    entry
        Only this entry of the Annex, or what is below it.
    text
        Only notices in which all these words stand.
    year
        Only denials of this year.
    state
        in_force, revoked, superseded or all; by default all where the format tells it, else in_force.
    exercise
        The notices of exercises.
    language
        Of the PDF: en or fr; by default that of the environment.
    """
    from ..forms.exporting import cursor_now
    from ..register import IN_FORCE, Query

    chosen = format_ or _by_name(out)
    binary = chosen == "pdf" or chosen.endswith("xlsx")
    if binary and out is None:
        raise LocalError(f"{chosen} is not for a terminal", hint="name a file with --out")
    if since is not None and (as_of is not None or chosen in _WITHOUT_STATE):
        what = "--as-of" if as_of is not None else f"the format {chosen}, which cannot tell a revocation,"
        raise LocalError(f"--since does not go with {what}", hint="use --format json or full-csv")
    wanted = state or (IN_FORCE if chosen in _WITHOUT_STATE else "all")
    query = Query(author, None if wanted == "all" else wanted, destination, entry, text, exercise, year=year)
    with open_desk(common) as desk:
        cursor = cursor_now(desk.session.chain.exchange, desk.session.store.arrivals, desk.head)
        versions = _versions(desk, query, since, cursor, desk.as_of(as_of))
        head = {
            "regime": desk.profile.regime,
            "exchange": desk.session.chain.exchange,
            "since": since,
            "as_of": desk.as_of(as_of),
            "cursor": str(cursor),
        }
        with _target(out) as file:
            count = _write(common, desk, file, chosen, versions, head, language)
        if out is not None and as_of is None:
            write_whole(out.with_name(f"{out.name}.cursor"), f"{cursor}\n".encode())
    if out is not None:
        value = {"file": str(out), "format": chosen, "notices": count, "cursor": str(cursor)}
        common.answer(value, [f"{out}  {count_of(count)}", f"cursor  {cursor}"])
    elif as_of is None:
        common.talk(f"cursor {cursor}")


def _by_name(out: Path | None) -> Format:
    endings: dict[str, Format] = {".csv": "csv", ".xlsx": "xlsx", ".pdf": "pdf"}
    return endings.get(out.suffix.lower(), "json") if out else "json"


def _versions(desk: Desk, query: Query, since: str | None, now: Cursor, as_of: int | None) -> Iterator[Version]:
    from ..forms.exporting import Cursor, changes_since, matches

    if since is None:
        return desk.register.listing(query, as_of=as_of)
    path = Path(since)
    written = read_bounded(path, 1024).decode("utf-8", "replace") if path.is_file() else since
    changes = changes_since(desk.register, desk.session.store.arrivals, Cursor.parse(written), now)
    return filter(partial(matches, query), changes)


@contextmanager
def _target(out: Path | None) -> Iterator[BinaryIO]:
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with whole_file(out) as file:
        yield file


def _write(
    common: Common,
    desk: Desk,
    file: BinaryIO,
    chosen: Format,
    versions: Iterator[Version],
    head: Mapping[str, Any],
    language: Language | None,
) -> int:
    """Write what was asked for; how many notices there were."""
    from ..forms import columns, exporting
    from ..forms.csv_files import write_csv
    from ..forms.xlsx_files import write_xlsx

    if chosen == "json":
        return exporting.write_json(file, head, versions, version_json)
    if chosen == "pdf":
        return _print(common, desk, file, list(_bounded(versions)), language)
    tally = exporting.Tally()
    if chosen in ("csv", "xlsx"):
        header, rows = list(columns.PUBLIC.columns), exporting.public_rows(versions, tally)
    else:
        form = columns.AGGREGATE if chosen.startswith("aggregates") else columns.FULL
        header, rows = exporting.template_header(form), exporting.template_rows(form, versions, tally)
    if chosen.endswith("xlsx"):
        write_xlsx(file, [("notices", header, rows)])
    else:
        write_csv(file, header, rows)
    if tally.passed_over:
        common.talk(f"{tally.passed_over} have no place in this form; --format json has them all")
    return tally.written


def _bounded(versions: Iterator[Version]) -> Iterator[Version]:
    for count, version in enumerate(versions):
        if count == limits.MAX_PRINTED:
            raise LocalError(
                f"these are more than {limits.MAX_PRINTED} notices", hint="choose fewer, such as of a --year"
            )
        yield version


def print_(
    references: _References,
    /,
    *,
    out: Path,
    language: Language | None = None,
    as_of: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Print denials as PDF, for people.

    Parameters
    ----------
    references
        The notices' regime references.
    out
        The PDF to write.
    language
        en or fr; by default that of the environment.
    as_of
        As they stood at this log index, or at the end of this day.
    """
    with open_desk(common) as desk:
        at = desk.as_of(as_of)
        versions = [find(desk, reference, at) for reference in dict.fromkeys(references)]
        with whole_file(out) as file:
            _print(common, desk, file, versions, language)
    value = {"file": str(out), "notices": [one.reference for one in versions]}
    common.answer(value, [f"{out}  {count_of(len(versions))}"])


def _print(common: Common, desk: Desk, file: BinaryIO, versions: list[Version], language: Language | None) -> int:
    from ..forms.paper import print_notices
    from ..forms.words import language_of, words

    if not versions:
        raise LocalError("there is nothing to print", hint="envoi denials list shows what is on file")
    pdf, warnings = print_notices(versions, desk.profile, words(language or language_of(os.environ)), desk.head)
    for warning in warnings:
        common.talk(f"warning: {printable(warning)}")
    file.write(pdf)
    return len(versions)
