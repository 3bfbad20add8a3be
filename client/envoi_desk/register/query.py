"""What to list of the register: conditions on columns, so that a page of it is all that is ever in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from envoi_client.documents.denial import CATCH_ALL
from envoi_keys.errors import LocalError

from .rules import IN_FORCE, REVOKED, SUPERSEDED

_STATES: Final = {
    REVOKED: "status = 'revoked'",
    SUPERSEDED: "status <> 'revoked' AND superseded_at <= :as_of",
    IN_FORCE: "status <> 'revoked' AND (superseded_at IS NULL OR superseded_at > :as_of)",
}


@dataclass(frozen=True, slots=True)
class Query:
    """Which notices to list; what is None does not matter.

    ``author`` is a member, ``destination`` an ISO 3166 code, ``control_entry`` an entry of the Annex or anything above
    it ("9" or "9.A"), ``text`` words that stand in the notice, in any case; ``year`` is that of the denial.
    """

    author: str | None = None
    state: str | None = None
    destination: str | None = None
    control_entry: str | None = None
    text: str | None = None
    exercise: bool | None = None
    catch_all: bool | None = None
    year: int | None = None

    def conditions(self) -> tuple[str, dict[str, Any]]:
        """The WHERE clause, over the version in force at ``:as_of``, and its values. Raises LocalError."""
        parts = ["idx <= :as_of", "(until IS NULL OR until > :as_of)"]
        values: dict[str, Any] = {}

        def add(condition: str, **given: Any) -> None:
            parts.append(condition)
            values.update(given)

        if self.state is not None:
            if self.state not in _STATES:
                raise LocalError(f"{self.state} is no state of a notice", hint=f"write one of: {', '.join(_STATES)}")
            parts.append(_STATES[self.state])
        if self.author is not None:
            add("author = :author", author=self.author)
        if self.destination is not None:
            add("destination = :destination", destination=self.destination)
        if self.exercise is not None:
            add("exercise = :exercise", exercise=int(self.exercise))
        if self.catch_all is not None:
            add("catch_all = :catch_all", catch_all=int(self.catch_all))
        if self.year is not None:
            add("decided_on >= :first AND decided_on <= :last", first=f"{self.year}-01-01", last=f"{self.year}-12-31")
        if self.control_entry == CATCH_ALL:
            parts.append("catch_all = 1")
        elif self.control_entry is not None:
            # "9.A" is met by 9.A and by 9.A.3, not by 9.AB: what follows is a point, and "/" comes right after it.
            add(
                "idx IN (SELECT idx FROM desk_entries WHERE entry = :entry OR (entry > :below AND entry < :beyond))",
                entry=self.control_entry,
                below=f"{self.control_entry}.",
                beyond=f"{self.control_entry}/",
            )
        return " AND ".join(parts), values

    def says(self, content: str) -> bool:
        """Whether every word of ``text`` stands in a notice's content.

        Not a condition of SQL, whose LIKE folds the case of ASCII alone.
        """
        if self.text is None:
            return True
        folded = content.casefold()
        return all(word in folded for word in self.text.casefold().split())
