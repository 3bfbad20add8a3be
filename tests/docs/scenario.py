"""A small exchange in which every command is run once with ``--json``: a real relay, two members, one officer.

What the commands print is what docs/CLI.md shows, and what the tests hold the page to.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import Any

from envoi_client import cli as member_cli
from envoi_server import cli as relay_cli

EXPIRES = "2036-01-01T00:00:00Z"
_SERVE = "import sys; from envoi_server.cli import run; sys.exit(run(sys.argv[1:]))"


@dataclass
class Scenario:
    """Answers by command, such as ``envoi roster sign``; a command run more than once keeps its last answer."""

    root: Path
    answers: dict[str, Any] = field(default_factory=dict)

    def envoi(self, home: str, *words: str, code: int = 0) -> Any:
        """Run one command of ``envoi`` in one of the homes."""
        flags = ["--home", str(self.root / home), "--passphrase-file", str(self.root / "passphrase"), "--json"]
        answer = self._run(member_cli.run, [*words, *flags], code)
        named = next(name for name in (" ".join(words[:2]), words[0]) if name in member_cli.COMMANDS)
        self.answers[f"envoi {named}" if code == 0 else "error"] = answer
        return answer

    def poc(self, *words: str) -> Any:
        """Run one command of ``envoi-poc``."""
        answer = self._run(relay_cli.run, [*words, "--home", str(self.root / "relay"), "--json"], 0)
        self.answers[f"envoi-poc {words[0]}"] = answer
        return answer

    def _run(self, run: Any, arguments: list[str], code: int) -> Any:
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            found = run(arguments)
        assert found == code, f"{arguments[:2]} answered {found}: {err.getvalue()}{out.getvalue()}"
        return json.loads(out.getvalue())

    @contextmanager
    def serving(self, roster_id: str) -> Iterator[str]:
        """A relay on a free port of this machine; its URL."""
        command = ("serve", "--roster-id", roster_id, "--port", "0", "--json", "--home", str(self.root / "relay"))
        with (
            (self.root / "relay.log").open("wb") as log,
            subprocess.Popen([sys.executable, "-c", _SERVE, *command], stdout=subprocess.PIPE, stderr=log) as process,
        ):
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                assert line, (self.root / "relay.log").read_text()
                self.answers["envoi-poc serve"] = json.loads(line)
                yield self.answers["envoi-poc serve"]["url"]
            finally:
                process.terminate()


def play(root: Path) -> dict[str, Any]:
    """Every command's answer, by command; ``error`` is that of a command that was refused."""
    play_ = Scenario(root)
    for name in [name for name in os.environ if name.startswith("ENVOI_")]:
        del os.environ[name]
    secret = root / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text("correct horse battery staple\n")
    fast = ("--work-factor", "10")
    keys = play_.poc("init", "--origin", "poc.example/log")["keys"]
    first = [play_.envoi(name, "init", "--member", name, *fast)["enrolment"] for name in ("FR", "DE")]
    officer = play_.envoi("anne", "officer", "init", "POC/anne", "--state", "FR", *fast)["enrolment"]
    (root / "quorum").write_text("group all-three all POC/anne DE\nquorum all-three\n")
    note = str(root / "roster-1.note")
    log_keys = [word for key in keys for word in ("--log-key", key)]
    proposal = ("--enrolment", *first, "--officer", officer, *log_keys, "--expires", EXPIRES)
    play_.envoi("anne", "roster", "propose", note, *proposal, "--quorum-file", str(root / "quorum"))
    roster_id = play_.envoi("DE", "roster", "sign", note, "--yes")["id"]
    with play_.serving(roster_id) as url:
        play_.envoi("anne", "roster", "publish", note, "--relay", url)
        for name in ("DE", "FR"):
            play_.envoi(name, "init", "--relay", url, "--roster-id", roster_id)
            play_.envoi(name, "sync")
        _exchange(play_, root)
        play_.poc("check")
    for command in ("deliveries", "config", "migrate"):
        play_.poc(command)
    return play_.answers


def _exchange(play_: Scenario, root: Path) -> None:
    notices = json.loads((files("envoi_client") / "exercises" / "notices.json").read_text("utf-8"))
    notice = next(one for one in notices if one["notifying_government"] == "FR" and "supersedes" not in one)
    (root / "notice.json").write_text(json.dumps(notice), "utf-8")
    (root / "reply.txt").write_text("Thank you. The drawings are attached.\n")
    (root / "drawings.txt").write_text("A drawing.\n" * 100)
    (root / "papers").mkdir()
    dry = play_.envoi("FR", "publish", "denial", str(root / "notice.json"), "--dry-run")
    play_.envoi("FR", "publish", "denial", str(root / "notice.json"))
    attach = ("--attach", str(root / "drawings.txt"))
    sent = play_.envoi("FR", "publish", "note", str(root / "reply.txt"), "--to", "DE", "--subject", "Drawings", *attach)
    play_.answers["envoi publish denial --dry-run"] = dry
    play_.answers["envoi publish denial"] = sent
    play_.envoi("DE", "sync")
    play_.envoi("DE", "inbox")
    play_.envoi("DE", "show", sent["id"][:12])
    play_.envoi("DE", "attachments", "get", sent["id"][:12], "--to", str(root / "papers"))
    play_.envoi("FR", "sync")
    play_.envoi("FR", "outbox")
    play_.envoi("FR", "show", "ffffffffffff", code=1)
    for command in (
        ("status",),
        ("doctor",),
        ("keys", "show"),
        ("config", "show"),
        ("log", "verify"),
        ("log", "cosign"),
    ):
        play_.envoi("DE", *command)
    play_.envoi("DE", "roster", "show", str(root / "roster-1.note"))
