"""``envoi lists``: public reference lists, which a screening searches apart from the denials."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from envoi_client.cli.common import DEFAULT, Common, moment, table
from envoi_client.files import read_bounded
from envoi_keys.encoding import format_time

from .. import limits
from ..lists import Lists, Loaded, format_of
from ..screening.show import amount
from .common import open_desk


def load(
    file: Annotated[Path, Parameter(name="FILE")],
    /,
    *,
    as_: Annotated[str, Parameter(name="--as")],
    format_: Annotated[Literal["un-xml", "csv"] | None, Parameter(name="--format")] = None,
    common: Common = DEFAULT,
) -> None:
    """Load a public list from a file, in place of the one of that name.

    Parameters
    ----------
    file
        The list: the United Nations' XML, or CSV with the columns id, name, aliases, country, schema, program.
    as_
        The name to load it under, such as un.
    format_
        The format, where the file's beginning does not tell.
    """
    raw = read_bounded(file, limits.MAX_LIST_BYTES)
    with open_desk(common) as desk:
        found = Lists(desk.database, desk.names).load(as_, raw, format_ or format_of(raw), desk.now, file.name)
        common.answer(_value(found), [f"loaded  {found.name}: {_amount(found)}"])


def show(*, common: Common = DEFAULT) -> None:
    """Show which lists are loaded, when they were, and from which bytes."""
    with open_desk(common) as desk:
        found = Lists(desk.database, desk.names).loaded()
        rows = [
            (one.name, one.format, moment(one.loaded_at), str(one.entries), str(one.names), one.sha256[:16])
            for one in found
        ]
        common.answer(
            [_value(one) for one in found], table(("name", "format", "loaded", "entries", "names", "sha256"), rows)
        )


def remove(name: Annotated[str, Parameter(name="NAME")], /, *, common: Common = DEFAULT) -> None:
    """Remove a list.

    Parameters
    ----------
    name
        The name under which it was loaded.
    """
    with open_desk(common) as desk:
        found = Lists(desk.database, desk.names).remove(name)
        common.answer(_value(found), [f"removed  {found.name}: {_amount(found)}"])


def _amount(one: Loaded) -> str:
    return f"{amount(one.entries, 'entry', 'entries')} with {amount(one.names, 'name', 'names')}"


def _value(one: Loaded) -> dict[str, Any]:
    return {
        "name": one.name,
        "format": one.format,
        "loaded_at": format_time(one.loaded_at),
        "sha256": one.sha256,
        "entries": one.entries,
        "names": one.names,
    }
