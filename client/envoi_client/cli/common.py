"""What all commands share: the options every one of them takes, and how they answer.

Answers are written once, as a value and as text made from it, so that ``--json`` and the terminal cannot
disagree. Answers go to stdout, everything else to stderr; nothing is asked unless somebody sits at a terminal.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import Parameter

from envoi_client import config
from envoi_client.files import Home
from envoi_client.passphrase import PassphraseSource
from envoi_keys.errors import LocalError

from .help import EVERYWHERE
from .progress import Line

if TYPE_CHECKING:
    from envoi_client.node import Node

Flag = Parameter(negative="")
Several = Parameter(negative="", consume_multiple=True)

LOCK_PATIENCE: Final = 10.0
"""Seconds that a command waits for another one in the same home, such as a round of ``envoi sync --watch``."""


@Parameter(name="*", group=EVERYWHERE)
@dataclass(frozen=True, slots=True)
class Common:
    """Options of every command.

    Parameters
    ----------
    home
        Where this member keeps its files. Environment: ENVOI_HOME; default ~/.envoi.
    json
        Print JSON instead of text.
    quiet
        Say nothing but the answer and errors.
    no_input
        Ask nothing: fail where a person would be asked.
    passphrase_file
        A private file with the passphrase. Environment: ENVOI_PASSPHRASE_FILE.
    passphrase_fd
        An open descriptor to read the passphrase from.
    debug
        Show the traceback of an error.
    """

    home: Path | None = None
    json: Annotated[bool, Flag] = False
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], negative="")] = False
    no_input: Annotated[bool, Flag] = False
    passphrase_file: Path | None = None
    passphrase_fd: int | None = None
    debug: Annotated[bool, Flag] = False

    def find_home(self) -> Home:
        """The home in force."""
        return config.find_home(self.home)

    def settings(self, **flags: str | None) -> config.Settings:
        """The settings in force: ``flags``, then the environment, then the home's file. Raises LocalError."""
        return config.load(self.find_home(), flags)[0]

    def passphrase(self, *, confirm: bool = False, question: str = "Passphrase of this home's vault") -> str:
        """The vault's passphrase, from wherever the person said. Raises LocalError."""
        variable = os.environ.get("ENVOI_PASSPHRASE_FILE")
        named = self.passphrase_file is not None or self.passphrase_fd is not None
        return self._read(None if named or not variable else Path(variable), confirm, question)

    def passphrase_of_file(self, *, confirm: bool = False) -> str:
        """The passphrase of a file that is sealed or opened: never the one that the environment names, the vault's."""
        return self._read(None, confirm, "Passphrase for this file" if confirm else "Passphrase of this file")

    def _read(self, fallback: Path | None, confirm: bool, question: str) -> str:
        source = PassphraseSource(self.passphrase_file or fallback, self.passphrase_fd)
        return source.read(confirm=confirm, question=question, prompt=_never if self.no_input else None)

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked something."""
        return not self.no_input and sys.stdin.isatty() and sys.stderr.isatty()

    def ask(self, question: str) -> str:
        """What the person types, without the spaces around it; asked on the terminal. Raises LocalError."""
        sys.stderr.write(f"{question}: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise LocalError("nothing was typed")
        return line.strip()

    @contextmanager
    def open_node(self, *, relay: str | None = None) -> Iterator[Node]:
        """The node of this home, unlocked, with progress where somebody watches. Raises LocalError."""
        # Here, so that the help of a command need not load the whole node.
        from envoi_client.node import Node
        from envoi_client.node.session import silent

        home = self.find_home()
        home.check()
        settings = self.settings(relay=relay)
        with self.progress() as progress:
            node = Node.open(
                home, self.passphrase(), settings=settings, progress=progress or silent, patience=LOCK_PATIENCE
            )
            with node:
                yield node

    @contextmanager
    def progress(self) -> Iterator[Line | None]:
        """The line that tells how far a long piece of work is; None where nobody would see it."""
        if self.quiet or not sys.stderr.isatty():
            yield None
            return
        line = Line()
        try:
            yield line
        finally:
            line.clear()

    def talk(self, text: str) -> None:
        """Say something that is not the answer."""
        if not self.quiet:
            sys.stderr.write(f"{text}\n")

    def warn(self, text: str) -> None:
        """Say something that nobody may miss, however quiet the command is to be."""
        sys.stderr.write(f"{text}\n")

    def answer(self, value: Any, lines: Iterable[str]) -> None:
        """Print the answer of a command: ``value`` as JSON, or ``lines``."""
        if self.json:
            _write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
        else:
            _write("".join(f"{line}\n" for line in lines))

    def answer_line(self, value: Any, line: str) -> None:
        """One answer of many, as one line of JSON or of text."""
        _write((json.dumps(value, ensure_ascii=False) if self.json else line) + "\n")


DEFAULT: Final = Common()


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon_stdout()
        raise LocalError(unwritten(error)) from None


def unwritten(error: OSError) -> str:
    """What to say when standard output does not take an answer."""
    return f"cannot write the answer: {(error.strerror or str(error)).lower()}"


def abandon_stdout() -> None:
    """Let what standard output has not taken go nowhere: Python would try again when it ends, and complain."""
    with suppress(OSError):  # a test's standard output has no descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _never(question: str) -> str:
    raise LocalError(
        "a passphrase is needed, and --no-input forbids to ask for it",
        hint="use --passphrase-file FILE or --passphrase-fd N",
    )


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows in columns as wide as needed, without a rule or colour: it is read, grepped and mailed."""
    from envoi_client.documents.text import columns

    widths = [max(map(columns, column)) for column in zip(headings, *rows, strict=True)]
    return [
        "  ".join(cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (headings, *rows)
    ]


def moment(seconds: int | None) -> str:
    """A time for people, in UTC to the minute; a dash for never."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M") if seconds is not None else "-"


def entries(count: int) -> str:
    """So many entries of the log, in words."""
    return f"{count} entry" if count == 1 else f"{count} entries"


def word_lines(words: Sequence[str]) -> list[str]:
    """The words of a roster's id, six on a line, to be read aloud."""
    return [f"  {' '.join(words[at : at + 6])}" for at in range(0, len(words), 6)]
