"""The reference lists of one home: loaded whole or not at all, shown, searched and removed.

Loading a list again replaces it in one transaction, so that a search meets the old list or the new one. A list that is
malformed anywhere changes nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from envoi_client.documents.text import printable, unsafe_character
from envoi_client.store.database import Database
from envoi_keys.errors import LocalError, Malformed, Refused

from .. import limits
from ..names import IndexedName, Name, NameIndex
from .entry import Entry
from .list_csv import read_list_csv
from .un_xml import read_un_xml

FORMATS: Final[Mapping[str, Callable[[bytes, str], Iterator[Entry]]]] = MappingProxyType(
    {"un-xml": read_un_xml, "csv": read_list_csv}
)
_ENTRY: Final = (
    "SELECT list, sha256, reference, schema, country, program, desk_list_entries.name, fingerprint"
    " FROM desk_list_entries JOIN desk_lists ON list = desk_lists.name"
)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A list as it was loaded: when (seconds since the epoch), from which bytes, and how much is in it."""

    name: str
    format: str
    loaded_at: int
    sha256: str
    entries: int
    names: int


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry as it stands in a list: ``sha256`` is that of the list's file, ``fingerprint`` as in :class:`.Entry`."""

    list: str
    sha256: str
    reference: str
    schema: str
    country: str
    program: str
    name: str
    fingerprint: str


def format_of(raw: bytes) -> str:
    """The format that the bytes of a file look like."""
    return "un-xml" if raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else "csv"


class Lists:
    """The lists in one database. Every method raises LocalError if the store fails."""

    def __init__(self, database: Database, names: NameIndex) -> None:
        self._database = database
        self._names = names

    def load(self, name: str, raw: bytes, format_: str, now: int, file: str = "the list") -> Loaded:
        """Load the list in ``raw`` as ``name``, in place of the one of that name.

        ``file`` is what errors call it. Raises LocalError, and Malformed with the place in the file.
        """
        if not _NAME.fullmatch(name):
            raise LocalError(
                f"{printable(name)[:80]} is no name for a list",
                hint="use small letters, digits and hyphens, such as un",
            )
        if len(raw) > limits.MAX_LIST_BYTES:
            raise Malformed(f"has {len(raw)} bytes; at most {limits.MAX_LIST_BYTES} are allowed", field=file)
        database = self._database
        with database.transaction():
            self._clear(name)
            digest = hashlib.sha256(raw).hexdigest()
            database.run("INSERT INTO desk_lists VALUES (?, ?, ?, ?, 0, 0)", (name, format_, now, digest))
            entries = names = 0
            for entry in FORMATS[format_](raw, file):
                self._check(name, entry.reference, file)
                entries += 1
                names += len(entry.names)
                self._put(name, entry)
            if not entries:
                raise Malformed("holds no entry", field=file, hint="is it the right file?")
            database.run("UPDATE desk_lists SET entries = ?, names = ? WHERE name = ?", (entries, names, name))
        return Loaded(name, format_, now, digest, entries, names)

    def _check(self, list_: str, reference: str, file: str) -> None:
        """That an entry can be named by its reference, when somebody decides about it."""
        shown = f"holds the reference {printable(reference)[:80]}"
        if self.find(list_, reference):
            raise Malformed(f"{shown} twice", field=file)
        if len(reference) > limits.MAX_LIST_REFERENCE_CHARS:
            told = f"{shown}... of {len(reference)} characters; at most {limits.MAX_LIST_REFERENCE_CHARS} are allowed"
            raise Malformed(told, field=file)
        if (unsafe := unsafe_character(reference)) is not None:
            raise Malformed(f"{shown}, which {unsafe}", field=file, hint="remove it")

    def _put(self, list_: str, entry: Entry) -> None:
        key = self._database.insert(
            """INSERT INTO desk_list_entries (list, reference, schema, country, program, name, fingerprint)
               VALUES (?, ?, ?, ?, ?, ?, ?)""",
            (
                *(list_, entry.reference, entry.schema, entry.country, entry.program, entry.names[0]),
                entry.fingerprint,
            ),
        )
        names = [
            IndexedName(Name(text, entry.schema, entry.country), 0, position)
            for position, text in enumerate(entry.names)
        ]
        self._names.put(_source(list_), key, names)

    def _clear(self, name: str) -> None:
        self._names.remove(_source(name))
        self._database.run("DELETE FROM desk_list_entries WHERE list = ?", (name,))
        self._database.run("DELETE FROM desk_lists WHERE name = ?", (name,))

    def remove(self, name: str) -> Loaded:
        """Remove a list, and say what it was. Raises Refused ``unknown-list``."""
        with self._database.transaction():
            found = next((one for one in self.loaded() if one.name == name), None)
            if found is None:
                raise Refused(
                    f"no list {printable(name)[:80]} is loaded",
                    reason="unknown-list",
                    hint="envoi lists show says which are",
                )
            self._clear(name)
        return found

    def loaded(self) -> list[Loaded]:
        """The lists, by name."""
        rows = self._database.all(
            "SELECT name, format, loaded_at, sha256, entries, names FROM desk_lists ORDER BY name"
        )
        return [Loaded(*row) for row in rows]

    def sources(self) -> dict[str, Loaded]:
        """The lists, each by its source in the index of names."""
        return {_source(one.name): one for one in self.loaded()}

    def entry(self, key: int) -> Listed:
        """The entry that owns a name in the index."""
        row = self._database.one(f"{_ENTRY} WHERE key = ?", (key,))
        assert row is not None  # the index and the table change in one transaction
        return Listed(*row)

    def find(self, list_: str, reference: str) -> Listed | None:
        """The entry of a list with this reference of the list's own, or None."""
        row = self._database.one(f"{_ENTRY} WHERE list = ? AND reference = ?", (list_, reference))
        return Listed(*row) if row else None


def _source(name: str) -> str:
    return f"list:{name}"
