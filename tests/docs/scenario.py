"""A small exchange in which every command is run once with ``--json``: a real relay, two members, one officer.

What the commands print is what docs/CLI.md shows, and what the tests hold the page to.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import Any

from envoi_client import cli as member_cli
from envoi_client.cli.commands import named
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
        command = named(list(words))
        self.answers[f"envoi {command}" if code == 0 else "error"] = answer
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
        with chdir(root):  # drafts are written where one works
            _desk(play_, root)
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


def _desk(play_: Scenario, root: Path) -> None:
    """Every command of the desk, on the notice that FR has sent."""
    notice = json.loads((root / "notice.json").read_text("utf-8"))
    reference, party = notice["regime_reference"], notice["parties"][0]
    other = {**notice, "regime_reference": "MTCR/DN/FR/2026/0077", "national_reference": "FR-77"}
    case = {
        "case": "2026-118",
        "status": "pending",
        "exercise": True,
        "destination_country": notice["destination_country"],
        "stated_end_use": "Monitoring of a dam",
        "items": [{"control_entries": notice["control_entries"], "description": "Accelerometers"}],
        "parties": [{name: party[name] for name in ("name", "role", "country")}],
    }
    (root / "other.json").write_text(json.dumps(other), "utf-8")
    (root / "case.json").write_text(json.dumps(case), "utf-8")
    (root / "pairs.csv").write_text("name1,name2\nZarrinkuh Trading House,Zarin Kooh Trading\n", "utf-8")
    (root / "list.csv").write_text("id,name,country\nX-1,Zarrinkuh Trading House,AE\n", "utf-8")

    def file(name: str) -> str:
        return str(root / name)

    play_.envoi("FR", "denials", "new", "--template", file("template.csv"))
    play_.envoi("FR", "denials", "import", file("other.json"))
    play_.envoi("FR", "denials", "list", "--exercise")
    play_.envoi("FR", "denials", "due", "--days", "3660")
    play_.envoi("FR", "denials", "amend", "MTCR/DN/FR/2026/0077", "--set", "remarks=See the LEEM paper")
    play_.envoi("FR", "denials", "renew", "MTCR/DN/FR/2026/0077")
    play_.envoi("FR", "denials", "revoke", "MTCR/DN/FR/2026/0077", "--reason", "The end-user is known now.")
    play_.envoi("DE", "sync")
    play_.envoi("DE", "denials", "show", reference)
    play_.envoi("DE", "denials", "export", "--exercise", "--out", file("all.json"))
    play_.envoi("DE", "denials", "print", reference, "--out", file("notice.pdf"))
    play_.envoi("DE", "statistics", "--exercise", "--by", "partner")
    play_.envoi("DE", "screen", file("case.json"))
    play_.envoi("DE", "screen", "show", "2026-118")
    decided = ("--as", "possible-match", "--reason", "Another address.", "--officer", "clara")
    play_.envoi("DE", "screen", "decide", "2026-118", reference, *decided)
    play_.envoi("DE", "screen", "dispositions", "export", file("decisions.notes"))
    play_.envoi("DE", "screen", "dispositions", "import", file("decisions.notes"))
    play_.envoi("DE", "screen", "pairs", file("pairs.csv"), "--out", file("judged.csv"))
    play_.envoi("DE", "lists", "load", file("list.csv"), "--as", "own")
    play_.envoi("DE", "lists", "show")
    play_.envoi("DE", "lists", "remove", "own")
    opened = play_.envoi("DE", "consult", "open", "--case", file("case.json"), "--denial", reference)
    id_ = opened["consultation"][:10]
    play_.envoi("DE", "consult", "list")
    play_.envoi("DE", "consult", "show", id_)
    # Later than ten working days and before thirty, whatever holidays there are.
    until = (datetime.now(UTC).date() + timedelta(days=28)).isoformat()
    play_.envoi("DE", "consult", "extend", id_, "--until", until, "--reason", "It has to be measured.")
    play_.envoi("FR", "sync")
    play_.envoi("FR", "consult", "reply", id_, "--outcome", "not_identical", "--text", "Another scale factor.")
    play_.envoi("DE", "sync")
    play_.envoi("DE", "consult", "close", id_, "--outcome", "granted", "--text", "Granted under conditions.")
    draft = json.loads((root / "undercut-2026-118.json").read_text("utf-8"))
    (root / "undercut.json").write_text(json.dumps({**draft, "reasons": "The end-use was verified."}), "utf-8")
    play_.envoi("DE", "consult", "undercut", id_, "--file", file("undercut.json"))
