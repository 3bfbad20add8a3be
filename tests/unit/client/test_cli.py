"""``envoi`` before it does anything: help, errors, completion, progress, settings. No home and no relay is needed."""

from __future__ import annotations

import io
import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from envoi_client import config
from envoi_client.cli import FAILED, USAGE, build, run
from envoi_client.cli.commands import all_commands, all_groups
from envoi_client.cli.common import Common, table
from envoi_client.cli.progress import Line
from envoi_client.files import Home
from envoi_client.node.attachments import file_names

SCREEN = (80, 52)
"""Columns and lines: the list of commands with the options of all is the longest."""
LINES = 36
"""Of a command's own help."""


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "ENVOI_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nobody"))
    monkeypatch.setenv("COLUMNS", str(SCREEN[0]))
    monkeypatch.delenv("ENVOI_PASSPHRASE_FILE", raising=False)
    monkeypatch.chdir(tmp_path)


def screen(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert run([*words, "--help"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out.splitlines()


@pytest.mark.parametrize("command", ["", *all_groups(), *all_commands()])
def test_help_fits_a_screen_and_is_plain_text(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = screen(capsys, *command.split())
    assert len(lines) <= (LINES if command else SCREEN[1])
    assert [line for line in lines if len(line) > SCREEN[0]] == []
    assert not any("\x1b" in line or not line.isascii() for line in lines)
    assert lines[0].startswith(f"Usage: envoi {command}".rstrip())
    assert lines[-1].startswith("Example: envoi ") or "Example: envoi " in lines[-2]


def test_help_names_what_every_command_takes_and_explains_it_once(capsys: pytest.CaptureFixture[str]) -> None:
    everything = "\n".join(screen(capsys))
    for name in all_commands():
        text = " ".join(screen(capsys, *name.split()))
        also = text.partition("Also: ")[2].partition(";")[0]
        options = [word.strip(",") for word in also.split()]
        assert options[:2] == ["--home", "--json"]
        assert [option for option in options if f"  {option}  " not in everything] == []


@pytest.mark.parametrize("command", all_commands())
def test_the_example_of_every_command_is_understood(command: str) -> None:
    words = shlex.split(all_commands()[command].example)
    assert words[: 1 + len(command.split())] == ["envoi", *command.split()]
    function, bound, ignored = build().parse_args(words[1:], print_error=False, exit_on_error=False)
    assert callable(function)
    assert bound.args or bound.kwargs or len(words) == 1 + len(command.split())
    assert not ignored


def test_no_command_takes_a_passphrase_as_an_argument() -> None:
    for name in all_commands():
        app = build()
        for word in name.split():
            app = app[word]
        for one in app.assemble_argument_collection():
            if "--passphrase" in one.names:
                assert one.hint is bool  # a flag of seal and open, which ask for it


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["sael"], 'unknown command "sael". Did you mean "seal"?', "envoi --help shows the commands"),
        (["publish", "notice"], 'unknown command "notice". Did you mean "note"?', "envoi --help shows the commands"),
        (["xyzzy"], 'unknown command "xyzzy"; there are: init, status', "envoi --help shows the commands"),
        (["inbox", "--nwe"], "unknown option: --nwe. Did you mean --new?", "for example: envoi inbox --new"),
        (["show"], 'command "show" parameter ID requires an argument', "for example: envoi show 3f2a9c"),
        (["init", "--work-factor", "x"], 'invalid value for --work-factor: unable to convert "x" into int', ""),
    ],
)
def test_wrong_usage_is_one_sentence_with_an_example(
    words: list[str], message: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    first, second = printed.err.splitlines()
    assert first.startswith(f"envoi: {message}")
    assert second.startswith(f"hint: {hint}")


def test_an_error_as_json_is_on_stdout_and_in_words_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", "--json"]) == FAILED
    printed = capsys.readouterr()
    error = json.loads(printed.out)["error"]
    assert error["kind"] == "local"
    assert printed.err == f"envoi: {error['message']}\nhint: {error['hint']}\n"


def test_what_nobody_expected_is_one_line_without_a_word_of_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("the text of a sealed notice")

    monkeypatch.setattr(config, "load", broken)
    assert run(["config", "show"]) == FAILED
    printed = capsys.readouterr()
    line = r"envoi: internal error: KeyError in test_cli\.py, line \d+\nhint: please report it; .*\n"
    assert re.fullmatch(line, printed.err)
    assert run(["config", "show", "--debug"]) == FAILED
    assert "Traceback" in capsys.readouterr().err


def test_an_expected_error_has_a_traceback_with_debug_only(capsys: pytest.CaptureFixture[str]) -> None:
    for words, expected in (([], False), (["--debug"], True)):
        assert run(["status", *words]) == FAILED
        assert ("Traceback" in capsys.readouterr().err) is expected


def test_a_word_after_two_hyphens_is_no_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["roster", "show", "--", "--json"]) == FAILED
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("envoi: cannot read --json: ")


def test_an_interrupt_is_a_failure_in_one_word(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(config, "load", interrupted)
    assert run(["config", "show"]) == FAILED
    assert capsys.readouterr().err == "envoi: interrupted\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command_and_option(shell: str) -> None:
    script = build().generate_completion(shell=shell)  # type: ignore[arg-type]
    assert all(word in script for name in all_commands() for word in name.split())
    assert all(option.lstrip("-") in script for option in ("--dry-run", "--passphrase-file", "--no-input"))


def test_the_completion_of_bash_is_bash(tmp_path: Path) -> None:
    script = tmp_path / "envoi.bash"
    script.write_text(build().generate_completion(shell="bash"))
    subprocess.run(["bash", "-n", str(script)], check=True)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_progress_shows_after_a_second_and_leaves_nothing_behind() -> None:
    stream, clock = io.StringIO(), Clock()
    line = Line(stream, clock)
    line("sending", 0, 300 * 1024**2)
    clock.now += 0.9
    line("sending", 1, 300 * 1024**2)
    assert stream.getvalue() == ""
    clock.now += 0.2
    line("sending", 75 * 1024**2, 300 * 1024**2)
    assert stream.getvalue() == "\r\x1b[Ksending  [######..................]  25 %  75 of 300 MiB"
    line("sending", 76 * 1024**2, 300 * 1024**2)  # too soon to draw again
    line("sending", 300 * 1024**2, 300 * 1024**2)
    assert stream.getvalue().endswith("75 of 300 MiB\r\x1b[K")
    clock.now += 5
    line("fetching", 1, 900)
    assert stream.getvalue().endswith("\r\x1b[K")  # another piece of work has a second of its own
    clock.now += 1
    line("fetching", 450, 900)
    assert stream.getvalue().endswith("[############............]  50 %  450 of 900 bytes")
    line("reading the log", 0, 10_000, "entries")
    clock.now += 1
    line("reading the log", 5_000, 10_000, "entries")
    assert stream.getvalue().endswith("50 %  5000 of 10000 entries")
    line.clear()
    line.clear()
    assert stream.getvalue().count("\x1b[K") == 5


@pytest.mark.parametrize(("quiet", "tty"), [(True, True), (False, False)])
def test_no_progress_where_nobody_watches(quiet: bool, tty: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", stream := io.StringIO())
    monkeypatch.setattr(stream, "isatty", lambda: tty)
    with Common(quiet=quiet).progress() as line:
        assert line is None


def test_a_table_is_as_wide_as_what_stands_in_it() -> None:
    lines = table(("id", "name", ""), [("1", "公司", "x"), ("22", "a", "")])
    assert lines == ["id  name", "1   公司  x", "22  a"]


def test_a_flag_wins_over_the_environment_that_over_the_file_that_over_the_default(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.config.write_text('relay = "https://file.example"\nmember = "FR"\n')
    environment = {"ENVOI_RELAY": "https://environment.example", "ENVOI_REGIME": "other"}
    settings, origins = config.load(home, {"relay": "https://flag.example"}, environment)
    assert settings == config.Settings(member="FR", relay="https://flag.example", regime="other")
    assert origins == {
        "member": str(home.config),
        "relay": "--relay",
        "regime": "ENVOI_REGIME",
        "ca_file": "default",
        "proxy": "default",
    }
    assert config.load(home, {"relay": None}, environment)[0].relay == "https://environment.example"
    assert config.load(home, {"relay": ""}, {})[0].relay == "https://file.example"


def test_a_change_of_settings_writes_what_was_said_and_nothing_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVOI_PROXY", "http://user:secret@proxy.example")
    home = Home(tmp_path)
    config.save(home, config.Settings(member="FR"))
    config.change(home, {"relay": 'https://a"b.example', "regime": ""})
    assert config.load(home, {}, {})[0] == config.Settings(member="FR", relay='https://a"b.example')
    before = home.config.stat().st_mtime_ns
    config.change(home, {"relay": "", "regime": ""})
    assert home.config.stat().st_mtime_ns == before


def test_a_password_in_an_address_is_not_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVOI_PROXY", "http://user:secret@proxy.example")
    assert run(["config", "show"]) == 0
    printed = capsys.readouterr().out
    assert "http://...@proxy.example" in printed
    assert "secret" not in printed


def test_attachments_of_one_name_get_names_of_their_own() -> None:
    names = ["a.pdf", "A.PDF", "a.pdf", "a (2).pdf", "b", "b", "e\u0301.txt", "\u00e9.txt"]
    found = file_names(names)
    assert found == ["a.pdf", "A (2).PDF", "a (3).pdf", "a (2) (2).pdf", "b", "b (2)", "e\u0301.txt", "\u00e9 (2).txt"]
    long = "\u00e9" * 118 + ".txt"
    assert [len(name.encode()) for name in file_names([long, long])] == [240, 240]
