"""``envoi-poc`` as it is typed: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from envoi_server.cli import COMMANDS, run

from ...exchange import Exchange, seed

ORIGIN = "poc.example/log"


class Typed:
    """What a command printed, and its exit code."""

    def __init__(self, capture: pytest.CaptureFixture[str], *arguments: str) -> None:
        capture.readouterr()
        self.code = run(arguments)
        printed = capture.readouterr()
        self.out, self.err = printed.out, printed.err


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """`serve` sends the log of the whole process to stderr, which here is a test's own."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the relay of a test lives; said by the environment."""
    path = tmp_path / "poc"
    monkeypatch.setenv("ENVOI_POC_HOME", str(path))
    return path


@pytest.fixture
def made(home: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A home with a relay in it."""
    assert Typed(capsys, "init", "--origin", ORIGIN).code == 0
    return home


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_init_makes_a_home_and_prints_the_keys_of_the_log(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = Typed(capsys, "init", "--origin", ORIGIN, "--url", "https://poc.example/")
    assert (typed.code, typed.err) == (0, "")
    keys = typed.out.splitlines()
    assert len(keys) == 2
    assert all(key.startswith(f"{ORIGIN}+") for key in keys)
    assert mode(home) == 0o700
    assert {name: mode(home / name) for name in ("log.key", "relay.toml")} == {"log.key": 0o600, "relay.toml": 0o600}
    assert (home / "relay.toml").read_text() == f'origin = "{ORIGIN}"\nurl = "https://poc.example"\n'


def test_init_as_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = Typed(capsys, "init", "--origin", ORIGIN, "--json")
    answer = json.loads(typed.out)
    assert answer["origin"] == ORIGIN
    assert answer["home"] == str(home)
    assert len(answer["keys"]) == 2


def test_init_does_not_touch_a_relay_that_is_there(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = (made / "log.key").read_bytes()
    typed = Typed(capsys, "init", "--origin", "other.example/log")
    assert typed.code == 1
    assert typed.out == ""
    assert typed.err == (
        f"envoi-poc: {made}/log.key exists: this home has a log\nhint: choose another --home for another relay\n"
    )
    assert (made / "log.key").read_bytes() == key
    assert ORIGIN in (made / "relay.toml").read_text()


class Killed(BaseException):
    """As if the process had ended here."""


@pytest.mark.parametrize(
    "step", ["running._write_settings", "schema.migrate", "log_key.os.link", "log_key.sync_directory"]
)
def test_an_init_that_was_killed_is_done_by_the_next(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def killed(*_: object) -> None:
        raise Killed

    module = "envoi_server.cli." if step.startswith("running") else "envoi_server."
    with monkeypatch.context() as patched:
        patched.setattr(module + step, killed)
        with pytest.raises(Killed):
            run(("init", "--origin", ORIGIN))
    if not (home / "log.key").exists():
        assert Typed(capsys, "init", "--origin", ORIGIN).code == 0
    assert (home / "log.key").stat().st_size == 64
    assert (home / "relay.toml").read_text() == f'origin = "{ORIGIN}"\n'
    assert Typed(capsys, "check").code == 0


def test_init_under_another_name_than_the_settings_say_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir(mode=0o700)
    (home / "relay.toml").write_text('origin = "other.example/log"\n')
    typed = Typed(capsys, "init", "--origin", ORIGIN)
    assert typed.code == 1
    assert f"names the log other.example/log, not {ORIGIN}" in typed.err
    assert not (home / "log.key").exists()


def test_init_without_a_name_says_how(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = Typed(capsys, "init")
    assert typed.code == 1
    assert typed.err == ("envoi-poc: the log needs a name\nhint: give it with --origin, such as poc.example/log\n")
    assert not home.exists()


def test_migrate_says_from_where_to_where(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = Typed(capsys, "migrate")
    assert (typed.code, typed.out) == (0, "at 0001, as before\n")
    assert json.loads(Typed(capsys, "migrate", "--to", "base", "--json").out) == {"from": "0001", "to": None}
    assert Typed(capsys, "migrate").out == "from nothing to 0001\n"


def test_a_relay_does_not_serve_a_database_of_another_schema(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Typed(capsys, "migrate", "--to", "base")
    typed = Typed(capsys, "serve", "--port", "0")
    assert typed.code == 1
    assert typed.err.startswith("envoi-poc: the database is ")
    assert "envoi-poc migrate" in typed.err.splitlines()[1]


def test_check_of_an_empty_log(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = Typed(capsys, "check")
    assert (typed.code, typed.out, typed.err) == (0, "0 in the log, all as signed\n", "")
    answer = json.loads(Typed(capsys, "check", "--json").out)
    assert answer["findings"] == []
    assert len(answer["keys"]) == 2


def test_deliveries_of_an_empty_log(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = Typed(capsys, "deliveries")
    assert (typed.code, typed.out) == (0, "FROM  TO  SERIES  SENT  RECEIVED  OPENED  LAST RECEIPT\n")
    assert json.loads(Typed(capsys, "deliveries", "--json").out) == []


def test_config_says_where_each_setting_comes_from(
    made: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVOI_POC_PORT", "9000")
    answer = json.loads(Typed(capsys, "config", "--json").out)
    assert answer["port"] == {"value": 9000, "source": "ENVOI_POC_PORT"}
    assert answer["origin"] == {"value": ORIGIN, "source": f"{made}/relay.toml"}
    text_ = Typed(capsys, "config").out
    assert "# port to listen on; 0: any free one (ENVOI_POC_PORT)\nport = 9000\n" in text_


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["brew"], "brew"),
        (["serve", "--prot", "1"], "--prot"),
        (["serve", "--port", "many"], "many"),
        (["check", "extra"], "extra"),
    ],
)
def test_usage_is_explained_in_one_line(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    typed = Typed(capsys, *arguments)
    assert typed.code == 2
    assert typed.out == ""
    first, hint = typed.err.splitlines()
    assert first.startswith("envoi-poc: ")
    assert said in first
    assert hint.startswith("hint: ")


def test_an_error_as_json_and_with_its_traceback(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = Typed(capsys, "check", "--json")
    assert typed.code == 1
    assert json.loads(typed.out)["error"].keys() == {"kind", "message", "hint"}
    assert "Traceback" not in typed.err
    assert "Traceback" in Typed(capsys, "check", "--debug").err


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    listed = " ".join(Typed(capsys, "--help").out.split())
    for name, command in COMMANDS.items():
        assert f"{name}: {command.text}" in listed or f"{name} {command.text}" in listed
        typed = Typed(capsys, name, "--help")
        assert typed.code == 0
        assert len(typed.out.splitlines()) <= 24
        assert f"Example: {command.example}" in typed.out
        assert command.example.startswith(f"envoi-poc {name}")


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from envoi_server.cli import run; run(['--help']);"
        "print(sorted({'sqlalchemy', 'fastapi', 'uvicorn', 'alembic', 'jwt', 'pydantic'} & set(sys.modules)),"
        " file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


@contextmanager
def serving(home: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, object]]]:
    """A relay in a process of its own, and what it said when it was ready."""
    command = [sys.executable, "-m", "envoi_server.cli", "serve", "--json", "--port", "0", *arguments]
    process = subprocess.Popen(
        command,
        env={**os.environ, "ENVOI_POC_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        yield process, json.loads(line)
    finally:
        process.kill()
        process.communicate(timeout=10)


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


def test_serve_says_where_it_listens_and_stops_when_it_is_told(made: Path) -> None:
    with serving(made) as (process, said):
        running = json.loads((made / "relay.json").read_text())
        assert running["url"] == said["url"]
        assert running["pid"] == process.pid == said["pid"]
        assert mode(made / "relay.json") == 0o600
        assert json.loads(get(f"{said['url']}/readyz"))["ready"] is True
        process.send_signal(signal.SIGTERM)
        _, logged = process.communicate(timeout=20)
        assert process.returncode == 0
        assert not (made / "relay.json").exists()
        events = [json.loads(line) for line in logged.splitlines()]
        assert any(event["event"] == "request" for event in events)


def test_a_second_relay_in_one_home_is_refused(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(made) as (_, said):
        second = subprocess.run(
            [sys.executable, "-m", "envoi_server.cli", "serve", "--port", "0"],
            env={**os.environ, "ENVOI_POC_HOME": str(made)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert second.returncode == 1
        assert f"envoi-poc: another relay is running in {made}\n" in second.stderr
        assert "Traceback" not in second.stderr
        assert json.loads((made / "relay.json").read_text())["url"] == said["url"]
        assert Typed(capsys, "migrate").code == 1
        assert Typed(capsys, "check").code == 0


def test_a_port_that_is_taken_is_named(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(made) as (_, said):
        port = str(said["url"]).rpartition(":")[2]
        typed = Typed(capsys, "serve", "--port", port)
        assert typed.code == 1
        assert typed.err == (
            f"envoi-poc: cannot listen on 127.0.0.1 port {port}: Address already in use\n"
            "hint: use another --port, or 0 for any free one\n"
        )


def test_a_changed_byte_is_found(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exchange = Exchange.make(4, origin=ORIGIN)
    (made / "log.key").write_bytes(seed(f"{ORIGIN} 0 log", 64))
    with serving(made, "--roster-id", exchange.id) as (_, said):
        request = urllib.request.Request(f"{said['url']}/v1/roster", exchange.notes[0], method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 201
    assert Typed(capsys, "check").out == "1 in the log, all as signed\n"
    engine = create_engine(f"sqlite:///{made / 'relay.db'}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE rosters SET note = CAST(replace(note, 'State FR', 'State XX') AS BLOB)"))
    engine.dispose()
    typed = Typed(capsys, "check")
    assert typed.code == 3
    assert typed.out
