"""All that is wrong with a document, at once, in words that its author understands.

A check reports and goes on: somebody who mends a notice wants the whole list. Each problem says where,
what, and, if it can, what to write instead. Nothing that a stranger wrote is repeated unless it is safe to
print.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from envoi_keys.errors import Malformed

_CUTOFF = 0.6


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: the ``path`` of the field, what it is, and what to do about it."""

    path: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        text = f"{self.path}: {self.message}" if self.path else self.message
        return f"{text}; {self.hint}" if self.hint else text


class InvalidDocument(Malformed):
    """A document with problems, each a line of the message. ``problems`` has them one by one."""

    def __init__(self, what: str, problems: tuple[Problem, ...]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n".join([f"{what} has {count}:", *(f"  {problem}" for problem in problems)]))
        self.problems = problems


class Problems:
    """What the checks of one document have found so far."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def add(self, path: str, message: str, hint: str | None = None) -> None:
        """Report a problem."""
        self._found.append(Problem(path, message, hint))

    def clear_of(self, *paths: str) -> bool:
        """Whether none of these fields, nor anything inside them, has a problem so far.

        A check that compares fields asks first: what is wrong in itself is not compared.
        """
        return not any(
            problem.path == path or problem.path.startswith((f"{path}.", f"{path}["))
            for problem in self._found
            for path in paths
        )

    def raise_any(self, what: str) -> None:
        """Raise InvalidDocument if there is a problem; ``what`` is "the denial notice" or the like."""
        if self._found:
            raise InvalidDocument(what, tuple(self._found))


def did_you_mean(written: str, known: Iterable[str]) -> str | None:
    """The hint that names the nearest of the ``known`` words; None where nothing is near."""
    folded = {word.casefold(): word for word in known}
    plain = "_".join(written[:64].casefold().replace("-", " ").replace("_", " ").split())
    near = difflib.get_close_matches(plain, folded, n=1, cutoff=_CUTOFF)
    return f"did you mean {folded[near[0]]}?" if near else None
