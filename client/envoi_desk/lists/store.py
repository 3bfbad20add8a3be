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
from typing import Any, Final

from envoi_client.documents.text import printable
from envoi_client.store.database import Database
from envoi_keys.errors import LocalError, Malformed, Refused

from .. import limits
from ..names import Found, IndexedName, Name, NameIndex
from ..screening.case import Case
from ..screening.hits import kinds, queries
from ..screening.sentences import met_by
from ..screening.values import comparison_value
from .entry import Entry
from .list_csv import read_list_csv
from .un_xml import read_un_xml

FORMATS: Final[Mapping[str, Callable[[bytes, str], Iterator[Entry]]]] = MappingProxyType(
    {"un-xml": read_un_xml, "csv": read_list_csv}
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
                entries += 1
                names += len(entry.names)
                self._put(name, entry)
            if not entries:
                raise Malformed("holds no entry", field=file, hint="is it the right file?")
            database.run("UPDATE desk_lists SET entries = ?, names = ? WHERE name = ?", (entries, names, name))
        return Loaded(name, format_, now, digest, entries, names)

    def _put(self, list_: str, entry: Entry) -> None:
        key = self._database.insert(
            "INSERT INTO desk_list_entries (list, reference, schema, country, program, name) VALUES (?, ?, ?, ?, ?, ?)",
            (list_, entry.reference, entry.schema, entry.country, entry.program, entry.names[0]),
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

    def hits(self, case: Case) -> list[dict[str, Any]]:
        """The entries of all lists that a case meets, best first, as values: each with the best pair of names."""
        loaded = {_source(one.name): one for one in self.loaded()}
        if not loaded:
            return []
        found = self._names.search(queries(case), sources=tuple(loaded))
        best: dict[int, Found] = {}
        for one in found:
            if one.comparison.match:
                best.setdefault(one.owner, one)
        return [self._hit(case, one, loaded[one.source]) for one in best.values()]

    def _hit(self, case: Case, found: Found, loaded: Loaded) -> dict[str, Any]:
        row = self._database.one(
            "SELECT reference, schema, country, program, name FROM desk_list_entries WHERE key = ?", (found.owner,)
        )
        assert row is not None  # the index and the table change in one transaction
        reference, schema, country, program, name = map(str, row)
        party = next(
            one for one in case.parties if found.query.country == one.country and found.query.text in one.names
        )
        which = "its name" if found.position == 0 else "one of its names"
        said = met_by(
            which, kinds(party)[found.query.text], party, (found.query.text, found.name.text), found.comparison
        )
        return {
            "list": loaded.name,
            "reference": reference,
            "name": name,
            "schema": schema,
            "country": country,
            "program": program,
            "sentence": f"list {loaded.name} has {printable(name)} as {printable(reference)}; {said}.",
            "case": {"party": party.name, "role": party.role.value, "country": party.country, "name": found.query.text},
            "listed": found.name.text,
            **comparison_value(found.comparison),
            "sha256": loaded.sha256,
        }


def _source(name: str) -> str:
    return f"list:{name}"
