"""What is typed and what comes back, for every command: the files in ``transcripts/`` (:mod:`.transcripts`)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from envoi_client.cli import CHEATING, DONE, FAILED, USAGE, all_commands
from envoi_client.cli.commands import named
from envoi_server import cli as relay_cli

from .site import Site
from .transcripts import Play, Step, read

FOLDER = Path(__file__).parent / "transcripts"
ALONE = sorted((FOLDER / "alone").glob("*.txt"))
EXCHANGE = sorted([*(FOLDER / "exchange").glob("*.txt"), *(FOLDER / "desk").glob("*.txt")])


def play(path: Path, scene: Play) -> None:
    for step in read(path):
        scene.play(step, path.name)


@pytest.mark.parametrize("path", ALONE, ids=lambda path: path.stem)
def test_without_a_relay(path: Path, tmp_path: Path) -> None:
    play(path, Play(tmp_path))


@pytest.mark.parametrize("path", EXCHANGE, ids=lambda path: path.stem)
def test_in_an_exchange(path: Path, site: Site) -> None:
    play(path, Play(site.root, site))


def steps() -> list[Step]:
    return [step for path in ALONE + EXCHANGE for step in read(path)]


def words_of(step: Step, program: str) -> list[str]:
    """The words of a command of ``program`` without what a shell takes off before; nothing if it is of another."""
    words = [word for word in shlex.split(step.command) if not re.fullmatch(r"[A-Z_]+=.*", word)]
    return words[1:] if words and words[0] == program else []


def named_at_the_relay(words: list[str]) -> str | None:
    """The command of ``envoi-poc`` that these words begin with, or None."""
    return words[0] if words and words[0] in relay_cli.COMMANDS else None


# What serves does not end by itself, and is no transcript: every exchange here runs it.
COMMANDS: dict[str, tuple[set[str], Callable[[list[str]], str | None]]] = {
    "envoi": (set(all_commands()), named),
    "envoi-poc": (set(relay_cli.COMMANDS) - {"serve"}, named_at_the_relay),
}


@pytest.mark.parametrize("program", COMMANDS)
def test_every_command_succeeds_somewhere_and_fails_somewhere(program: str) -> None:
    commands, name_of = COMMANDS[program]
    ended: dict[str, set[int]] = {name: set() for name in commands}
    for step in steps():
        name = name_of(words_of(step, program))
        if name is not None and "--help" not in step.command:
            ended[name].add(step.code)
    assert [name for name, codes in ended.items() if DONE not in codes] == []
    assert [name for name, codes in ended.items() if not codes - {DONE}] == []


@pytest.mark.parametrize(("program", "silent"), [("envoi", {"seal", "open"}), ("envoi-poc", set())], ids=COMMANDS)
def test_every_command_with_an_answer_is_typed_with_json_too(program: str, silent: set[str]) -> None:
    commands, name_of = COMMANDS[program]
    typed = [(words_of(step, program), step.code) for step in steps()]
    with_json = {name_of(words) for words, code in typed if "--json" in words and code == DONE}
    assert commands - with_json == silent


@pytest.mark.parametrize("program", COMMANDS)
def test_every_exit_code_is_seen(program: str) -> None:
    assert {step.code for step in steps() if words_of(step, program)} == {DONE, FAILED, USAGE, CHEATING}
