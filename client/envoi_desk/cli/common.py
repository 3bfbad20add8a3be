"""What the desk's commands share: the open desk, and notices as values and as lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from envoi_client.cli.common import Common
from envoi_client.documents.text import printable, safe
from envoi_keys.encoding import format_time
from envoi_keys.errors import Refused

from ..register import Version

if TYPE_CHECKING:
    from ..desk import Desk


@contextmanager
def open_desk(common: Common) -> Iterator[Desk]:
    """The desk of this home, unlocked, which has read all that was received. Raises LocalError."""
    # Here, so that the help of a command need not load all of it.
    from ..desk import Desk

    with common.open_node() as node:
        yield Desk.open(node)


def find(desk: Desk, reference: str, as_of: int | None = None) -> Version:
    """The notice with this reference. Raises Refused ``unknown-reference``."""
    found = desk.register.get(reference, as_of=as_of)
    if found is None:
        raise Refused(
            f"no notice {printable(reference)[:80]} is on file",
            reason="unknown-reference",
            hint="envoi denials list shows what is; envoi sync fetches what is new",
        )
    return found


def version_json(version: Version) -> dict[str, Any]:
    """A version as a value: where it came from, where it stands, and the notice."""
    return {
        "reference": version.reference,
        "index": version.index,
        "id": version.id,
        "from": version.author,
        "state": version.state,
        "logged_at": format_time(version.logged_at) if version.logged_at is not None else None,
        "until": version.until,
        "type": version.type,
        "notice": version.content,
    }


def version_row(version: Version) -> tuple[str, ...]:
    """A version in columns; what others wrote is made safe to print."""
    what = "exercise " if version.exercise else ""
    label = ", not covered by no-undercut" if version.catch_all else ""
    return (
        printable(version.reference),
        version.state.replace("_", " "),
        version.decided_on.isoformat(),
        ", ".join(version.entries),
        version.destination,
        safe(version.title, 60),
        f"{what}{version.type.partition('/')[0]}{label}",
    )


VERSION_COLUMNS = ("reference", "state", "denied", "entries", "to", "first party", "what")
