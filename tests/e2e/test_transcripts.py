"""What is typed and what comes back, for every command: the files in ``transcripts/`` (:mod:`.transcripts`)."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from envoi_client.cli import CHEATING, DONE, FAILED, USAGE, all_commands
from envoi_client.cli.commands import named

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


def words_of(step: Step) -> list[str]:
    """The words of a command without what a shell takes off before."""
    words = [word for word in shlex.split(step.command) if not re.fullmatch(r"[A-Z_]+=.*", word)]
    return words[1:] if words and words[0] == "envoi" else []


def test_every_command_succeeds_somewhere_and_fails_somewhere() -> None:
    ended: dict[str, set[int]] = {name: set() for name in all_commands()}
    for step in steps():
        name = named(words_of(step))
        if name is not None and "--help" not in step.command:
            ended[name].add(step.code)
    assert [name for name, codes in ended.items() if DONE not in codes] == []
    assert [name for name, codes in ended.items() if not codes - {DONE}] == []


def test_every_command_with_an_answer_is_typed_with_json_too() -> None:
    with_json = {named(words_of(step)) for step in steps() if "--json" in words_of(step) and step.code == DONE}
    assert set(all_commands()) - with_json == {"seal", "open"}


def test_every_exit_code_is_seen() -> None:
    assert {step.code for step in steps() if words_of(step)} == {DONE, FAILED, USAGE, CHEATING}
