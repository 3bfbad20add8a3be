"""Sealing and opening for 38 recipients, beside the age tool: 10 KB, as a notice, and 256 MiB, as a paper.

Ours seals to hybrid recipients; the tool of Debian 12 (age 1.1.1) knows only X25519, and that is its
baseline here. Large files are compared as whole processes, start of Python included, reading and writing
the same disk. Small ones are compared inside this process as well, because there a node works: it does not
start Python for each notice.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from envoi_client.age import HybridIdentity, X25519Identity, decrypt, encrypt, seal, unseal, unseal_at
from envoi_keys.age_header import parse

from .common import arguments, compared, in_turn, machine, progress, publish, scratch
from .report import Figure, Report

RECIPIENTS = 38
SMALL = 10 * 1024
MIB = 1024 * 1024
LARGE = 256 * MIB
QUICK = 2 * MIB
POSITION = RECIPIENTS // 2
SMALL_CALLS = 20
AT_MOST_LARGE = 1.3

# What `envoi seal` and `envoi open` do, without their command line: a process that does this and nothing
# else.
SEAL_PROCESS = """
import sys
from envoi_client.age import encrypt, parse_recipient
recipients = [parse_recipient(line) for line in open(sys.argv[1]).read().split()]
with open(sys.argv[2], "rb") as source, open(sys.argv[3], "wb") as target:
    encrypt(source, target, recipients)
"""
OPEN_PROCESS = """
import sys
from envoi_client.age import decrypt, parse_identities
identities = parse_identities(open(sys.argv[1], "rb").read())
with open(sys.argv[2], "rb") as source, open(sys.argv[3], "wb") as target:
    decrypt(source, target, identities)
"""


class Keys:
    """Keys of 38 members, hybrid for us and X25519 for the tool, as objects and as files."""

    def __init__(self, folder: Path) -> None:
        self.hybrid = [HybridIdentity.generate() for _ in range(RECIPIENTS)]
        self.classic = [X25519Identity.generate() for _ in range(RECIPIENTS)]
        self.recipients = [identity.recipient for identity in self.hybrid]
        self.our_recipients = self._write(folder / "hybrid.pub", [str(key) for key in self.recipients])
        self.our_identity = self._write(folder / "hybrid.key", [self.hybrid[POSITION].encode()])
        public = [str(identity.recipient) for identity in self.classic]
        self.their_recipients = self._write(folder / "classic.pub", public)
        self.their_identity = self._write(folder / "classic.key", [self.classic[POSITION].encode()])

    @staticmethod
    def _write(path: Path, lines: list[str]) -> Path:
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return path


def run(*command: str | Path) -> None:
    """Run a program to its end, which must be a good one."""
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def seal_file(keys: Keys, source: Path, target: Path) -> None:
    """What the process of SEAL_PROCESS does, in this one."""
    with source.open("rb") as src, target.open("wb") as dst:
        encrypt(src, dst, keys.recipients)


def open_file(keys: Keys, source: Path, target: Path) -> None:
    """What the process of OPEN_PROCESS does, in this one."""
    with source.open("rb") as src, target.open("wb") as dst:
        decrypt(src, dst, [keys.hybrid[POSITION]])


def large(tool: str, folder: Path, keys: Keys, size: int, rounds: int) -> list[Figure]:
    """A large file, from file to file: as a process of our own, and in one that runs already."""
    plain, ours, theirs = folder / "plain", folder / "ours.age", folder / "theirs.age"
    opened, opened_by_tool = folder / "opened", folder / "opened-by-tool"
    with plain.open("wb") as file:
        for _ in range(size // MIB):
            file.write(os.urandom(MIB))
    sealing = in_turn(
        {
            "process": lambda: run(sys.executable, "-c", SEAL_PROCESS, keys.our_recipients, plain, ours),
            "tool": lambda: run(tool, "-R", keys.their_recipients, "-o", theirs, plain),
            "in process": lambda: seal_file(keys, plain, ours),
        },
        rounds,
    )
    opening = in_turn(
        {
            "process": lambda: run(sys.executable, "-c", OPEN_PROCESS, keys.our_identity, ours, opened),
            "tool": lambda: run(tool, "-d", "-i", keys.their_identity, "-o", opened_by_tool, theirs),
            "in process": lambda: open_file(keys, ours, opened),
        },
        rounds,
    )
    return [
        compared(
            f"{case} {size // MIB} MiB, {ours_is}",
            timings,
            variant,
            "tool",
            alternative="age tool, X25519",
            unit="s",
            scale=1,
            at_most=AT_MOST_LARGE,
        )
        for case, timings in (("seal", sealing), ("open", opening))
        for variant, ours_is in (("process", "whole process"), ("in process", "in process"))
    ]


def small(tool: str, folder: Path, keys: Keys, rounds: int) -> list[Figure]:
    """10 KB in this process, as a node does it, beside the tool and beside the bare cryptography."""
    data, file_key, mine = os.urandom(SMALL), bytes(16), keys.hybrid[POSITION]
    plain, theirs, opened = folder / "notice", folder / "notice.age", folder / "notice-by-tool"
    plain.write_bytes(data)
    run(tool, "-R", keys.their_recipients, "-o", theirs, plain)
    sealed = seal(data, keys.recipients)
    stanza = parse(sealed)[0].stanzas[POSITION]
    timings = in_turn(
        {
            "seal": calls(lambda: seal(data, keys.recipients)),
            "tool seals": calls(lambda: run(tool, "-R", keys.their_recipients, "-o", theirs, plain)),
            "encapsulate": calls(lambda: [key.wrap(file_key) for key in keys.recipients]),
            "open": calls(lambda: unseal_at(sealed, mine, POSITION, stanzas=RECIPIENTS)),
            "tool opens": calls(lambda: run(tool, "-d", "-i", keys.their_identity, "-o", opened, theirs)),
            "decapsulate": calls(lambda: mine.unwrap(stanza)),
            "open by trial": calls(lambda: unseal(sealed, [mine])),
        },
        rounds,
    )
    lines = [
        ("seal 10 KB, in process", "seal", "tool seals", "age tool, X25519, a process each time"),
        ("seal 10 KB, in process", "seal", "encapsulate", "its 38 HPKE encapsulations alone"),
        ("open 10 KB at our position", "open", "tool opens", "age tool, X25519, a process each time"),
        ("open 10 KB at our position", "open", "decapsulate", "its one HPKE decapsulation alone"),
        ("open 10 KB at our position", "open", "open by trial", "trying stanzas up to the middle one"),
    ]
    return [
        compared(case, timings, ours, other, alternative=alternative, unit="ms", scale=1000 / SMALL_CALLS)
        for case, ours, other, alternative in lines
    ]


def calls(function: Callable[[], object]) -> Callable[[], object]:
    """A variant that is long enough to time: many calls of a short one."""
    return lambda: [function() for _ in range(SMALL_CALLS)]


def main() -> int:
    """Measure and print; the exit code."""
    options = arguments(__doc__, rounds=7)
    tool = shutil.which("age")
    if tool is None:
        progress("skipped: the age tool, which it is measured beside, is not here\nhint: apt-get install age")
        return 0
    said = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    with scratch() as folder:
        keys = Keys(folder)
        progress("10 KB ...")
        figures = small(tool, folder, keys, options.rounds)
        size = QUICK if options.quick else LARGE
        progress(f"{size // MIB} MiB ...")
        figures += large(tool, folder, keys, size, options.rounds)
    report = Report(
        name="sealing",
        title="Sealing and opening for 38 recipients",
        bound=(
            "Small files: one HPKE encapsulation for each recipient to seal; one decapsulation to open, and "
            "as long again for parsing and authenticating a header of 57 KB. Large files: the operating "
            "system, which reads and writes; ChaCha20-Poly1305 takes about a quarter of the time."
        ),
        figures=tuple(figures),
        machine=machine("cryptography") + f", age tool {said}",
        notes=(
            "Ours seals to hybrid recipients, the tool of Debian to X25519, which is all it knows.",
            "Neither side flushes its files to the disk.",
        ),
    )
    publish(report, as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
