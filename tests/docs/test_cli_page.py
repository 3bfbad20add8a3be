"""docs/CLI.md says what the two programs do: commands, options, settings, exit codes, and the JSON they print.

When a command changes on purpose, ``PYTHONPATH=. python -m tests.docs.cli_page`` writes the generated parts anew.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from envoi_client import cli, config
from envoi_client.cli import run
from envoi_server import cli as relay_cli
from envoi_server.settings import ENV_PREFIX, Settings

from ..tools import ROOT
from .cli_page import PROGRAMS, between, commands, documented, fits, reference, shape, stale
from .pages import text
from .scenario import play

PAGE = text("docs/CLI.md")
DOCUMENTED = documented(PAGE)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every command printed in one small exchange."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ENVOI_")]:
            patch.delenv(name)
        return play(tmp_path_factory.mktemp("exchange"))


def test_the_commands_and_options_are_those_of_the_programs() -> None:
    assert between(PAGE, "commands") == reference()


def test_every_command_with_an_answer_shows_its_json() -> None:
    every = {f"{program} {' '.join(words)}" for program, build in PROGRAMS.items() for words, _ in commands(build())}
    without = {"envoi seal", "envoi open"}
    shown = {title.replace(" --dry-run", "") for title in DOCUMENTED} - {"error"}
    assert shown == every - without


def test_the_json_has_the_documented_shape(answers: dict[str, Any]) -> None:
    assert stale(DOCUMENTED, answers) == []


@pytest.mark.parametrize("command", ["envoi status", "envoi inbox", "envoi-poc deliveries"])
def test_a_field_that_is_renamed_would_be_noticed(answers: dict[str, Any], command: str) -> None:
    renamed = json.loads(json.dumps(answers[command]).replace('": ', 'ed": '))
    assert stale(DOCUMENTED, {**answers, command: renamed}) == [command]


@pytest.mark.parametrize(
    ("page", "real"),
    [
        ({"left": 3}, {"left": None}),
        ({"left": None}, {"left": {"days": 3}}),
        ({"due": []}, {"due": [{"id": "a"}]}),
        ({"due": [{"id": "a"}]}, {"due": []}),
        ({"due": []}, {"due": None}),
        ({"id": "a", "due": 1}, {"due": 1, "id": "a"}),
        ({"rows": [{"id": "a"}, {"id": None}]}, {"rows": [{"id": None}]}),
    ],
)
def test_null_and_an_empty_list_stand_for_nothing_else(page: Any, real: Any) -> None:
    assert fits(shape(page), shape(page))
    assert not fits(shape(page), shape(real))


def test_the_json_holds_no_path_of_the_machine_it_was_made_on() -> None:
    assert "/tmp" not in between(PAGE, "answers")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    part = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_exit_codes() -> None:
    assert [int(row[0]) for row in rows("Exit codes")] == [cli.DONE, cli.FAILED, cli.USAGE, cli.CHEATING]
    assert [cli.DONE, cli.FAILED, cli.USAGE, cli.CHEATING] == [
        relay_cli.DONE,
        relay_cli.FAILED,
        relay_cli.USAGE,
        relay_cli.CHEATING,
    ]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--version"], cli.DONE),
        (["status", "--home", "nowhere"], cli.FAILED),
        (["statos"], cli.USAGE),
        (["sync", "--no-such-option"], cli.USAGE),
    ],
)
def test_an_exit_code_is_what_the_table_says(
    words: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(words) == code


def test_the_settings_of_a_member() -> None:
    assert [row[0].strip("`") for row in rows("Settings of a member")] == list(config.NAMES)
    assert [row[1].strip("`") for row in rows("Settings of a member")] == [
        f"{config.ENVIRONMENT}{name.upper()}" for name in config.NAMES
    ]


def test_every_environment_variable_of_the_client_is_named() -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "client" / "envoi_client").rglob("*.py"))
    used = set(re.findall(r'"(ENVOI_[A-Z_]+[A-Z])"', source))
    used |= {f"{config.ENVIRONMENT}{name.upper()}" for name in config.NAMES}
    assert {name for name in used if f"`{name}`" not in PAGE} == set()


def test_the_settings_of_the_relay() -> None:
    described = {row[0].strip("`"): row[1:] for row in rows("Settings of the relay")}
    assert list(described) == list(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        default = "" if field.is_required() or field.default == "" else f"`{field.default}`"
        assert described[name] == [default, field.description or ""]
    assert f"`{ENV_PREFIX}" in PAGE
