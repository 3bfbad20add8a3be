"""How help looks: plain text that fits a screen, the same on a terminal and in a pipe.

No boxes and no colour: it is read, grepped and mailed. The options that every command has are named in one line
under each command, and explained once, under ``envoi --help`` (:func:`explained`).
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from cyclopts import Group

if TYPE_CHECKING:
    from cyclopts.help import HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions

EVERYWHERE: Final = Group("Options of every command", sort_key=9)
_WIDTH: Final = 100
_LABELS: Final = 26


class Screen:
    """A formatter of cyclopts."""

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        """Write one list of commands or options."""
        width = min(console.width, _WIDTH)
        title = str(panel.title)
        if title == EVERYWHERE.name:
            names = ", ".join(entry.display_labels[0] for entry in panel.entries)
            _write(console, textwrap.wrap(f"Also: {names}; see envoi --help.", width, subsequent_indent="      "))
        elif panel.entries:
            rows = [(" ".join(entry.display_labels_with_metavar), _about(entry)) for entry in panel.entries]
            _write(console, [f"{title}:", *rows_of(rows, width)])

    def render_usage(self, console: Console, options: ConsoleOptions, usage: Any) -> None:
        """Write the line of usage."""
        if usage:
            console.file.write(f"Usage: {_plain(console, usage).removeprefix('Usage: ')}\n")

    def render_description(self, console: Console, options: ConsoleOptions, description: Any) -> None:
        """Write what the command is for, its line and, if there is more, its paragraphs."""
        text = _plain(console, description) if description else ""
        for paragraph in filter(None, text.split("\n\n")):
            _write(console, textwrap.wrap(" ".join(paragraph.split()), min(console.width, _WIDTH)))


def explained(options: type[Any], width: int = 80) -> str:
    """The options of a dataclass such as Common, each with the meaning that its docstring gives."""
    lines = inspect.getdoc(options).partition("----------\n")[2].splitlines()  # type: ignore[union-attr]
    rows = [
        ("--" + name.replace("_", "-"), meaning.strip()) for name, meaning in zip(lines[::2], lines[1::2], strict=True)
    ]
    return "\n".join([f"{EVERYWHERE.name}:", *rows_of(rows, width)])


def rows_of(rows: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    """Labels on the left, what they mean on the right."""
    left = min(_LABELS, max(len(label) for label, _ in rows) + 4)
    for label, about in rows:
        lines = textwrap.wrap(about, width - left, break_on_hyphens=False) or [""]
        first = "" if len(label) + 4 > left else lines.pop(0)
        yield f"  {label:<{left - 2}}{first}".rstrip()
        yield from (f"{'':<{left}}{line}" for line in lines)


def _about(entry: HelpEntry) -> str:
    about = " ".join(_text(entry.description).split())
    return f"{about} Required." if entry.required and entry.positive_names else about


def _text(description: Any) -> str:
    # cyclopts hands over what it would let rich lay out; here only its words are wanted.
    for name in ("plain", "primary_renderable"):
        if hasattr(description, name):
            return _text(getattr(description, name))
    return "" if description is None else str(description)


def _plain(console: Console, renderable: Any) -> str:
    if hasattr(renderable, "plain"):
        return str(renderable.plain).strip()
    with console.capture() as captured:
        console.print(renderable, highlight=False, markup=False)
    return captured.get().strip()


def _write(console: Console, lines: Iterable[str]) -> None:
    console.file.write("".join(f"{line}\n" for line in ["", *lines]))
