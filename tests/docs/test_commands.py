"""Every command line that a page shows is one that the programs understand: none is run, each is parsed.

A fenced line has to be complete. One within a sentence may leave out what is needed, and has no option that is not
there.
"""

from __future__ import annotations

import re
import shlex
from contextlib import suppress

import pytest
from cyclopts import CycloptsError, MissingArgumentError, UnknownOptionError

from envoi_client import cli as member_cli
from envoi_client.cli.commands import all_commands, all_groups, named
from envoi_server import cli as relay_cli

from .pages import pages, spans, text

_FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"^(?:\$ )?(envoi(?:-poc)? .*)$", re.MULTILINE)
PAGES = [str(page) for page in pages()]


def fenced(page: str) -> list[str]:
    """The command lines in the fenced blocks of a page, as they are typed."""
    return [line for block in _FENCED.findall(text(page)) for line in _LINE.findall(block)]


def inline(page: str) -> list[str]:
    """The command lines within the sentences of a page."""
    return [span for span in spans(text(page)) if re.match(r"envoi(?:-poc)? ", span)]


def parsed(line: str) -> None:
    """Have the program itself parse a line, up to its pipe. Raises what the program would raise for a wrong one."""
    words = shlex.split(line, comments=True)
    program, *arguments = words[: words.index("|")] if "|" in words else words
    app = member_cli.build(arguments) if program == "envoi" else relay_cli.build()
    app.parse_args(arguments, print_error=False, exit_on_error=False)
    if arguments[0] in all_commands() and arguments[0] in all_groups() and len(arguments) > 1:
        # What such a group does by itself takes files, and would take a command that is not there for one of them.
        assert named(arguments) != arguments[0] or re.match(r"-|[\w-]+\.", arguments[1]), line


@pytest.mark.parametrize(("page", "line"), [(page, line) for page in PAGES for line in fenced(page)])
def test_a_line_in_a_block_is_understood(page: str, line: str) -> None:
    parsed(line)


@pytest.mark.parametrize(("page", "line"), [(page, line) for page in PAGES for line in dict.fromkeys(inline(page))])
def test_a_line_in_a_sentence_has_no_command_or_option_that_is_not_there(page: str, line: str) -> None:
    with suppress(MissingArgumentError):
        parsed(line)


def test_the_lines_of_the_pages_are_found() -> None:
    assert "envoi inbox --new" in fenced("README.md")
    assert len(fenced("README.md")) == text("README.md").count("\nenvoi ")
    assert "envoi denials import mine.xlsx --dry-run" in fenced("docs/OFFICER.md")
    assert "envoi screen --all" in inline("docs/OFFICER.md")


@pytest.mark.parametrize("line", ["envoi denials import mine.xlsx --rehearse", "envoi-poc serve --prot 8470"])
def test_an_option_that_is_renamed_would_be_noticed(line: str) -> None:
    with pytest.raises(UnknownOptionError):
        parsed(line)


@pytest.mark.parametrize("line", ["envoi denials bring mine.xlsx", "envoi screen judge 2026-118", "envoi-poc start"])
def test_a_command_that_is_renamed_would_be_noticed(line: str) -> None:
    with pytest.raises((CycloptsError, AssertionError)):
        parsed(line)
