"""The index of every name on file: which names are worth comparing with a query, and then how they compare.

A name is filed under coarse keys (:mod:`.blocking`). A search counts, for each name that shares a key with the query,
how rare the shared keys are, and compares the first few dozen. What counts is names, not who bears them: a name that
a thousand parties bear is compared once, and leaves room for as many others. Whoever bears the very name that is asked
for is always found. All of it is in the tables, and changes in the transaction in which the names change, so that a
killed process leaves the old state or the new one.
"""

from __future__ import annotations

import math
import struct
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from envoi_client.store.database import Database, Row

from . import weights
from .blocking import RULES, keys, number, whole
from .compare import compare
from .forms import Form, filed_form
from .model import Comparison, Name
from .rarity import Rarity
from .vocabulary import FILLER, LEGAL

_BATCH: Final = 1_000
_NEW_KEYS: Final = 100_000
_NAMES_AFTER: Final = "SELECT id, source, text, schema, country FROM desk_names WHERE id > ? ORDER BY id LIMIT ?"
_CACHE_KIB: Final = 64 * 1024
_POSTINGS: Final = (
    "SELECT name FROM desk_name_keys WHERE key = ? UNION ALL SELECT name FROM desk_name_new_keys WHERE key = ? LIMIT ?"
)
_NO_LIMIT: Final = -1
_ROW: Final = "id, source, owner, party, position, text, schema, country"


@dataclass(frozen=True, slots=True)
class IndexedName:
    """A name to be filed: of the ``party`` and at the ``position`` by which its owner knows it."""

    name: Name
    party: int
    position: int


@dataclass(frozen=True, slots=True)
class Found:
    """A name on file, with the name of the query that met it, and how."""

    source: str
    owner: int
    party: int
    position: int
    name: Name
    query: Name
    comparison: Comparison


class NameIndex:
    """The index over one database. Every method raises LocalError if the store fails."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rarity: tuple[object, Rarity] | None = None
        # The pages of the keys fit, so that a second query reads none of them from the disk and decrypts none.
        database.run(f"PRAGMA cache_size = -{_CACHE_KIB}")

    def put(self, source: str, owner: int, names: Sequence[IndexedName]) -> None:
        """File the names of an owner in the place of those that it had."""
        with self._database.transaction():
            at, change = self._begin(source)
            if at is None:
                at = self._database.insert("INSERT INTO desk_name_sources (name) VALUES (?)", (source,))
            self._drop("source = ? AND owner = ?", (at, owner), change)
            change.put(at, owner, names)
            self._write(change)

    def remove(self, source: str, owner: int | None = None) -> None:
        """Take out the names of an owner, or of a whole source."""
        with self._database.transaction():
            at, change = self._begin(source)
            if at is None:
                return
            if owner is None:
                self._drop("source = ?", (at,), change)
            else:
                self._drop("source = ? AND owner = ?", (at, owner), change)
            self._write(change)

    def search(self, query: Sequence[Name], *, sources: Collection[str]) -> list[Found]:
        """The names of ``sources`` that compare with any name of the query, the best first.

        Names that hardly compare are left out (:data:`.weights.SHOWN`).
        """
        rarity = self.rarity()
        numbers = {at: source for source in sources if (at := self._source(source)) is not None}

        @cache
        def alike(key: str) -> dict[Name, list[Row]]:
            return self._rows([at for source in numbers for at in self._filed(number(source, key), _NO_LIMIT)])

        found: list[Found] = []
        for name in dict.fromkeys(query):
            for indexed in dict.fromkeys([*alike(_whole(name)), *self._nearest(name, numbers, rarity.total)]):
                comparison = compare(name, indexed, rarity)
                if comparison.score >= weights.SHOWN:
                    found += [
                        Found(numbers[source], owner, party, position, indexed, name, comparison)
                        for _, source, owner, party, position, *_ in alike(_whole(indexed)).get(indexed, ())
                    ]
        return sorted(found, key=lambda one: (-one.comparison.score, one.source, one.owner, one.party, one.position))

    def rarity(self) -> Rarity:
        """How rare each word is among the names on file."""
        state = self._database.one("SELECT names, changes, rules FROM desk_name_state")
        assert state is not None  # made with the table
        if int(state[2]) != RULES:
            with self._database.transaction():
                self._begin("")
            return self.rarity()
        if self._rarity is None or self._rarity[0] != state:
            total = int(state[0])
            least = max(1, int(total * weights.RARE_SHARE))
            counts = self._database.all("SELECT word, names FROM desk_name_words WHERE names >= ?", (least,))
            self._rarity = (state, Rarity(total, dict(counts)))
        return self._rarity[1]

    def _nearest(self, name: Name, numbers: Collection[int], total: int) -> list[Name]:
        """The names most worth comparing: those that share the rarest keys."""
        candidates, nearest = self._candidates(name, numbers, total), dict[Name, None]()
        for start in range(0, len(candidates), weights.COMPARED):
            nearest.update(dict.fromkeys(self._rows(candidates[start : start + weights.COMPARED])))
            if len(nearest) >= weights.COMPARED:
                break
        return list(nearest)[: weights.COMPARED]

    def _candidates(self, name: Name, numbers: Collection[int], total: int) -> list[int]:
        """Every name that shares a rare key, the one that shares the rarest first."""
        asked = sorted(keys(_form(name)))
        lists = [self._filed(number(source, key), weights.MOST_SHARING) for source in numbers for key in asked]
        points: defaultdict[int, float] = defaultdict(float)
        for filed in sorted(filter(None, lists), key=len):
            if len(filed) == weights.MOST_SHARING and points:
                # What so many names share says too little, unless it is all that the name has.
                break
            worth = math.log(1 + total / (1 + len(filed)))
            for at in filed:
                points[at] += worth
        return sorted(points, key=points.__getitem__, reverse=True)

    def _filed(self, key: int, limit: int) -> list[int]:
        return [at for (at,) in self._database.all(_POSTINGS, (key, key, limit))]

    def _rows(self, numbers: Sequence[int]) -> dict[Name, list[Row]]:
        """The rows of these numbers by the name in them, in the order of the numbers; fewer if some are gone since."""
        rows: dict[int, Row] = {}
        for start in range(0, len(numbers), _BATCH):
            batch = numbers[start : start + _BATCH]
            marks = ",".join("?" * len(batch))
            found = self._database.all(f"SELECT {_ROW} FROM desk_names WHERE id IN ({marks})", batch)  # noqa: S608
            rows.update((row[0], row) for row in found)
        named: dict[Name, list[Row]] = {}
        for row in (rows[at] for at in numbers if at in rows):
            named.setdefault(Name(*row[5:]), []).append(row)
        return named

    def _source(self, source: str) -> int | None:
        row = self._database.one("SELECT id FROM desk_name_sources WHERE name = ?", (source,))
        return int(row[0]) if row else None

    def _begin(self, source: str) -> tuple[int | None, _Change]:
        """The number of a source, None if there is none, and a change to fill, over an index of today's rules."""
        row = self._database.one(
            "SELECT rules, next, (SELECT id FROM desk_name_sources WHERE name = ?) FROM desk_name_state", (source,)
        )
        assert row is not None  # made with the table
        rules, next_, at = row
        if int(rules) != RULES:
            self._file_anew()
        return at, _Change(int(next_))

    def _drop(self, where: str, values: Sequence[int], change: _Change) -> None:
        rows = self._database.all(f"SELECT id, text, schema, country, keys FROM desk_names WHERE {where}", values)  # noqa: S608
        for at, text, schema, country, packed in rows:
            change.remove(int(at), Name(text, schema, country), _unpacked(packed))
        if rows:
            self._database.run(f"DELETE FROM desk_names WHERE {where}", values)  # noqa: S608

    def _write(self, change: _Change) -> None:
        """Bring names, keys, words and tallies to what they are now; move the new keys once they are many."""
        database = self._database
        for table in ("desk_name_keys", "desk_name_new_keys") if change.old_keys else ():
            database.many(f"DELETE FROM {table} WHERE key = ? AND name = ?", change.old_keys)  # noqa: S608
        database.many("INSERT INTO desk_names VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", change.rows)
        database.many("INSERT INTO desk_name_new_keys VALUES (?, ?)", change.new_keys)
        database.many(
            "INSERT INTO desk_name_words VALUES (?1, ?2) ON CONFLICT DO UPDATE SET names = names + ?2",
            sorted((word, by) for word, by in change.words.items() if by),
        )
        row = database.one(
            "UPDATE desk_name_state SET names = names + ?, next = ?, new_keys = new_keys + ?, changes = changes + 1"
            " RETURNING new_keys",
            (change.names, change.next, len(change.new_keys)),
        )
        assert row is not None  # made with the table
        if int(row[0]) >= _NEW_KEYS:
            # The order is the large table's own, so that each of its pages is written once.
            database.run("INSERT INTO desk_name_keys SELECT key, name FROM desk_name_new_keys ORDER BY key, name")
            database.run("DELETE FROM desk_name_new_keys")
            database.run("UPDATE desk_name_state SET new_keys = 0")

    def _file_anew(self) -> None:
        """File every name again, which was filed under other rules than today's."""
        for table in ("desk_name_keys", "desk_name_new_keys", "desk_name_words"):
            self._database.run(f"DELETE FROM {table}")  # noqa: S608
        self._database.run("UPDATE desk_name_state SET rules = ?, names = 0, new_keys = 0", (RULES,))
        after = 0
        while rows := self._database.all(_NAMES_AFTER, (after, _BATCH)):
            after = int(rows[-1][0])
            change = _Change(after + 1)
            for at, source, text, schema, country in rows:
                filed = change.add(int(at), int(source), Name(text, schema, country))
                self._database.run("UPDATE desk_names SET keys = ? WHERE id = ?", (_packed(filed), at))
            self._write(change)


@dataclass(slots=True)
class _Change:
    """What a change of names does to the tables. ``next`` is the number of the next new name."""

    next: int
    names: int = 0
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    new_keys: list[tuple[int, int]] = field(default_factory=list)
    old_keys: list[tuple[int, int]] = field(default_factory=list)
    words: Counter[str] = field(default_factory=Counter)

    def put(self, source: int, owner: int, names: Iterable[IndexedName]) -> None:
        """New names of an owner."""
        for one in names:
            name, at = one.name, self.next
            filed = _packed(self.add(at, source, name))
            self.rows.append((at, source, owner, one.party, one.position, name.text, name.schema, name.country, filed))
            self.next += 1

    def add(self, at: int, source: int, name: Name) -> list[int]:
        """File a name under its keys, which are given back."""
        form = _form(name)
        filed = sorted({number(source, key) for key in (*keys(form), whole(form))})
        self.names += 1
        self.new_keys += [(key, at) for key in filed]
        self.words.update(_words(form))
        return filed

    def remove(self, at: int, name: Name, filed: Iterable[int]) -> None:
        """Take out a name that was filed under ``filed``."""
        self.names -= 1
        self.old_keys += [(key, at) for key in filed]
        self.words.subtract(_words(_form(name)))


def _form(name: Name) -> Form:
    return filed_form(name.text, name.schema)


def _whole(name: Name) -> str:
    return whole(_form(name))


def _words(form: Form) -> set[str]:
    # Legal forms and fillers weigh next to nothing, however rare; without them there is half as much to count.
    return {token.word for token in form.tokens if token.kind not in (LEGAL, FILLER)}


def _packed(numbers: Sequence[int]) -> bytes:
    return struct.pack(f">{len(numbers)}q", *numbers)


def _unpacked(raw: bytes) -> Iterable[int]:
    return struct.unpack(f">{len(raw) // 8}q", raw)
