"""Transcripts: what is typed at whose machine, and all that comes back.

::

    FR$ envoi show {note:12}
    id        {note}
    from      DE, number 1, log index <n>
    ! what is said on stderr
    [1]

The name before ``$`` says whose home it is; ``$`` alone, nobody's. What is no command of ``envoi`` or ``envoi-poc``
goes to the shell, except ``relay stop``, ``relay start`` and ``sql FILE STATEMENT``, which an operator might do.
Everything printed is compared line by line: ``<kind>`` matches one of :data:`KINDS`, ``<kind:name>`` remembers it,
``{name}`` is it again and ``{name:12}`` its beginning; ``...`` stands for any lines, and two spaces for any number. The
exit code is 0 unless a line in brackets says otherwise. Lines that begin with ``#`` are for the reader.
"""

from __future__ import annotations

import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from envoi_client import cli as member_cli
from envoi_server import cli as relay_cli

from .site import Site, Typed, environment, typed

EXERCISES = files("envoi_client.exercises") / "notices.json"
PROGRAMS = {"envoi": member_cli.run, "envoi-poc": relay_cli.run}
KINDS = {
    "id": r"[0-9a-f]{64}",
    "short": r"[0-9a-f]{16}",
    "print": r"[0-9a-f]{4}(?: [0-9a-f]{4}){9}",
    "key": r"[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}",
    "words": r"[a-z]+(?: [a-z]+){5}",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "moment": r"\d{4}-\d\d-\d\d \d\d:\d\d",
    "n": r"\d+",
    "any": r".*?",
}
_PROMPT = re.compile(r"(\w*)\$ (.+)")
_WIDE = re.compile(r"(?<=\S) {2,}")
_MARK = re.compile(r"<(\w+)(?::(\w+))?>|\{(\w+)(?::(\d+))?\}")


@dataclass
class Step:
    """One command and what is to come of it."""

    line: int
    home: str
    command: str
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)
    code: int = 0


def read(path: Path) -> Iterator[Step]:
    """The steps of a transcript."""
    step: Step | None = None
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        prompt = _PROMPT.fullmatch(line)
        if prompt:
            if step:
                yield step
            step = Step(number, prompt[1], prompt[2])
        elif line.startswith("# "):
            continue
        elif step is None:
            assert not line, f"{path.name}:{number}: nothing was typed yet"
        elif code := re.fullmatch(r"\[(\d+)\]", line):
            step.code = int(code[1])
        elif line.startswith("!"):
            step.err.append(line[1:].removeprefix(" "))
        else:
            step.out.append(line)
    if step:
        yield step


class Play:
    """One transcript at work: in ``root``, with the homes of ``site`` if it needs them."""

    def __init__(self, root: Path, site: Site | None = None) -> None:
        self.root = root
        self.site = site
        self.known = {"dir": str(root), "exercises": str(EXERCISES), "python": sys.executable}
        if site:
            self.known |= {"relay": site.relay.url, "roster": site.roster_id}

    def play(self, step: Step, where: str) -> None:
        """Type it, and compare all that is printed and the exit code."""
        done = self.type(step)
        said = f"{where}:{step.line}: {step.home}$ {step.command}\n{_shown(done)}"
        assert done.code == step.code, f"exit code {done.code} instead of {step.code}\n{said}"
        self._compare(step.out, done.out, f"on stdout, {said}")
        self._compare(step.err, done.err, f"on stderr, {said}")

    def type(self, step: Step) -> Typed:
        """Run one command."""
        command = self._filled(step.command)
        variables = {"HOME": str(self.root)}
        if step.home:
            variables |= dict.fromkeys(("ENVOI_HOME", "ENVOI_POC_HOME"), str(self.root / step.home))
        if self.site:
            variables["ENVOI_PASSPHRASE_FILE"] = str(self.site.passphrase)
        words = shlex.split(command)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            name, _, value = words.pop(0).partition("=")
            variables[name] = value
        if words[0] == "relay" and self.site:
            {"stop": self.site.relay.stop, "start": self.site.relay.start}[words[1]]()
            return Typed(0, "", "")
        if words[0] == "sql":
            with closing(sqlite3.connect(self.root / words[1])) as database, database:
                return Typed(0, f"{database.execute(words[2]).rowcount}\n", "")
        if words[0] not in PROGRAMS:
            shell = subprocess.run(
                ["sh", "-c", command], cwd=self.root, env=environment(**variables), capture_output=True, check=False
            )
            return Typed(shell.returncode, shell.stdout.decode(), shell.stderr.decode())
        stdin = b""
        if "<" in words:
            at = words.index("<")
            stdin = (self.root / words[at + 1]).read_bytes()
            del words[at : at + 2]
        program = PROGRAMS[words[0]]
        return typed(words[1:], environment(**variables), directory=self.root, stdin=stdin, program=program)

    def _filled(self, text: str) -> str:
        def known(found: re.Match[str]) -> str:
            name = found[3]
            return self.known[name][: int(found[4]) if found[4] else None] if name in self.known else found[0]

        return _MARK.sub(known, text)

    def _compare(self, expected: list[str], printed: str, said: str) -> None:
        lines = printed.rstrip("\n").split("\n") if printed.rstrip("\n") else []
        while expected and not expected[-1]:
            expected = expected[:-1]
        at = 0
        for position, line in enumerate(expected):
            if line == "...":
                following = expected[position + 1 : position + 2]
                while following and at < len(lines) and not self._match(following[0], lines[at]):
                    at += 1
                if not following:
                    at = len(lines)
                continue
            found = self._match(line, lines[at]) if at < len(lines) else None
            assert found, f"expected {line!r}, found {lines[at] if at < len(lines) else 'nothing more'!r} {said}"
            self.known |= {name: value for name, value in found.groupdict().items() if value is not None}
            at += 1
        assert at == len(lines), f"not expected: {lines[at]!r} {said}"

    def _match(self, expected: str, line: str) -> re.Match[str] | None:
        # How wide a column is depends on names of this run, such as a directory's.
        expected, line = _WIDE.sub("  ", expected), _WIDE.sub("  ", line)
        pattern, at = "", 0
        for mark in _MARK.finditer(expected):
            pattern += re.escape(expected[at : mark.start()])
            kind, name = mark[1], mark[2]
            if kind in KINDS:
                pattern += f"(?P<{name}>{KINDS[kind]})" if name else f"(?:{KINDS[kind]})"
            else:
                pattern += re.escape(self._filled(mark[0]))
            at = mark.end()
        return re.fullmatch(pattern + re.escape(expected[at:]), line)


def _shown(done: Typed) -> str:
    err = "".join(f"! {line}\n" for line in done.err.splitlines())
    return f"{done.out}{err}[{done.code}]"
