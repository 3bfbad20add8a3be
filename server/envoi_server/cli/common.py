"""What all commands share: the options every one of them takes, and how they answer.

An answer is written once, as a value and as text made from it, so that ``--json`` and the terminal cannot disagree.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import Parameter

from ..settings import Settings, load

Flag = Parameter(negative="")


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Common:
    """Options of every command.

    Parameters
    ----------
    home
        Where the relay lives: $ENVOI_POC_HOME, else ~/.envoi-poc.
    json
        Print JSON instead of text.
    debug
        Show the traceback of an error.
    """

    home: Path | None = None
    json: Annotated[bool, Flag] = False
    debug: Annotated[bool, Flag] = False

    def settings(self, **flags: Any) -> Settings:
        """The settings in force. Raises LocalError."""
        return load(self.home, **flags)

    def answer(self, value: Any, lines: Iterable[str]) -> None:
        """Print the answer of a command: ``value`` as JSON, or ``lines``."""
        if self.json:
            sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
        else:
            sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()

    def answer_line(self, value: Any, line: str) -> None:
        """An answer that others wait for, as one line of JSON or of text."""
        sys.stdout.write((json.dumps(value, ensure_ascii=False) if self.json else line) + "\n")
        sys.stdout.flush()


DEFAULT: Final = Common()


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows in columns as wide as needed, without a rule or colour: it is read, grepped and mailed."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (headings, *rows)
    ]
