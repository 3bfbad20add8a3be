"""Hits on reference lists, as values: found like denials and decided like them, and always shown apart."""

from __future__ import annotations

from typing import Any

from envoi_client.documents.text import printable

from ..lists import Listed, Lists
from ..names import Found, NameIndex
from .case import Case
from .dispositions import list_reference
from .hits import kinds, queries
from .sentences import met_by
from .values import comparison_value


def list_hits(case: Case, names: NameIndex, lists: Lists) -> list[dict[str, Any]]:
    """The entries of all lists that a case meets, best first: each with the best pair of names."""
    sources = lists.sources()
    best: dict[int, Found] = {}
    for one in names.search(queries(case), sources=tuple(sources)) if sources else ():
        if one.comparison.match:
            best.setdefault(one.owner, one)
    return [_value(case, one, lists.entry(owner)) for owner, one in best.items()]


def _value(case: Case, found: Found, entry: Listed) -> dict[str, Any]:
    party = next(one for one in case.parties if found.query.country == one.country and found.query.text in one.names)
    which = "its name" if found.position == 0 else "one of its names"
    said = met_by(which, kinds(party)[found.query.text], party, (found.query.text, found.name.text), found.comparison)
    return {
        "list": entry.list,
        "entry": entry.reference,
        "reference": list_reference(entry.list, entry.reference),
        "name": entry.name,
        "schema": entry.schema,
        "country": entry.country,
        "program": entry.program,
        "sentence": f"list {entry.list} has {printable(entry.name)} as {printable(entry.reference)}; {said}.",
        "case": {"party": party.name, "role": party.role.value, "country": party.country, "name": found.query.text},
        "listed": found.name.text,
        **comparison_value(found.comparison),
        "sha256": entry.sha256,
        "fingerprint": entry.fingerprint,
    }
