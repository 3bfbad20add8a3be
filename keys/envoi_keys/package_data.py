"""The tables that are shipped as part of this package: a profile, an annex, the countries.

Package data is a constant of the program, like a literal in a module: the same bytes for everybody who has
this version, found by the import system, and chosen by a name from a fixed list rather than by a path from
outside. That is why reading it does not break the rule that this package does no I/O; nothing else here
reads anything.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from .errors import Malformed

_PACKAGE: Final = __package__


def read(*path: str) -> bytes:
    """The shipped file under this package at ``path``. Raises Malformed if the installation lacks it."""
    try:
        return files(_PACKAGE).joinpath(*path).read_bytes()
    except OSError:
        raise Malformed(
            "is missing from the installation", field="/".join(path), hint="install envoi-keys again"
        ) from None


def stems(folder: str, suffix: str) -> tuple[str, ...]:
    """The names, without ``suffix`` and sorted, of the shipped files in ``folder`` that end in it."""
    names = (entry.name for entry in files(_PACKAGE).joinpath(folder).iterdir())
    return tuple(sorted(name.removesuffix(suffix) for name in names if name.endswith(suffix)))
