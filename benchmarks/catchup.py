"""A member that was away for a year: 10,000 dispatches read, verified, opened and stored, by a node with a new store.

Beside it stands the bare cryptography of the same bytes, with nothing around it: for each, two signatures verified, a
body hashed and opened, by processes that have everything in memory when the clock starts.
"""

from __future__ import annotations

import json
import mmap
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import cycle, islice
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey

from envoi_client import config
from envoi_client.age import HybridIdentity, unseal_at
from envoi_client.enrol import pin
from envoi_client.files import Home
from envoi_client.vault import Vault
from envoi_keys.dispatches import Dispatch
from envoi_keys.frames import unpack
from envoi_keys.notes import Note
from envoi_keys.rosters import Roster

from .common import ROOT, arguments, compared, in_turn, machine, progress, publish, scratch
from .exchange import Exchange
from .relay_process import RelayHome, RelayProcess
from .report import Figure, Report

AT_MOST_CLIENT = 1.3
AT_MOST_RELAY = 0.1
DISPATCHES = 10_000
READER = "AU"
_BODIES = 20
_PASSPHRASE = "a year of absence, for the benchmark"
_WORK_FACTOR = 10


@dataclass(frozen=True, slots=True)
class Sealed:
    """Where the parts of one dispatch stand in the file of all, and what verifies and opens it."""

    sender: str
    start: int
    text: int
    ed25519: int
    ml_dsa_65: int
    body: int
    position: int
    stanzas: int

    @property
    def end(self) -> int:
        """Behind its last byte."""
        return self.start + self.text + self.ed25519 + self.ml_dsa_65 + self.body


class Year:
    """All that was sent: submissions for the relay, and their parts in one file for the bare cryptography."""

    def __init__(self, exchange: Exchange, path: Path, count: int) -> None:
        self.exchange = exchange
        self.path = path
        self.count = count
        self.sealed: list[Sealed] = []

    def submissions(self) -> Iterator[bytes]:
        """Every member but the reader publishes in turn."""
        roster = Roster.parse(self.exchange.roster.text())
        senders = [self.exchange.sender(name, _BODIES) for name in self.exchange.members if name != READER]
        made = cycle([sender.submissions() for sender in senders])
        with self.path.open("wb") as file:
            for submission in (next(one) for one in islice(made, self.count)):
                raw, _, body = unpack(submission, 3)
                note = Note.parse(raw)
                dispatch = Dispatch.parse(note.text)
                positions = roster.stanzas(dispatch.recipients)
                ed25519, ml_dsa_65 = (line.signature for line in note.signatures)
                self.sealed.append(
                    Sealed(
                        dispatch.sender,
                        file.tell(),
                        len(note.text),
                        len(ed25519),
                        len(ml_dsa_65),
                        len(body),
                        positions[READER].start,
                        len(dispatch.to),
                    )
                )
                file.write(note.text + ed25519 + ml_dsa_65 + body)
                yield submission


class Bare:
    """The cryptography alone, in processes that are ready before the clock starts."""

    def __init__(self, year: Year, processes: int) -> None:
        keys = {
            member.id: (member.keys.signing.ed25519.material, member.keys.signing.ml_dsa_65.material)
            for member in year.exchange.roster.members
        }
        identity = year.exchange.seeds(READER).sealing[0]
        context = multiprocessing.get_context("spawn")
        self.cpu_seconds: list[float] = []
        self._workers = []
        for number in range(processes):
            ours, theirs = context.Pipe()
            given = (theirs, year.path, year.sealed[number::processes], keys, identity)
            worker = context.Process(target=_bare, args=given, daemon=True)
            worker.start()
            self._workers.append((worker, ours))
        for _, pipe in self._workers:
            pipe.recv()

    def run(self) -> None:
        """Verify and open everything once."""
        for _, pipe in self._workers:
            pipe.send(True)
        self.cpu_seconds.append(sum(pipe.recv() for _, pipe in self._workers))

    def close(self) -> None:
        """End the processes."""
        for worker, pipe in self._workers:
            pipe.send(False)
            worker.join()


def _bare(
    pipe: Connection, path: Path, sealed: Sequence[Sealed], keys: dict[str, tuple[bytes, bytes]], identity: str
) -> None:
    known = {
        name: (Ed25519PublicKey.from_public_bytes(one), MLDSA65PublicKey.from_public_bytes(other))
        for name, (one, other) in keys.items()
    }
    opener = HybridIdentity.parse(identity)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as everything:
        pipe.send(True)
        while pipe.recv():
            before = time.process_time()
            for one in sealed:
                raw = everything[one.start : one.end]
                signed = one.text + one.ed25519
                body = signed + one.ml_dsa_65
                ed25519, ml_dsa_65 = known[one.sender]
                ed25519.verify(raw[one.text : signed], raw[: one.text])
                ml_dsa_65.verify(raw[signed:body], raw[: one.text])
                sealed_body = raw[body:]
                sha256(sealed_body).digest()
                unseal_at(sealed_body, opener, one.position, stanzas=one.stanzas)
            pipe.send(time.process_time() - before)


class Catcher:
    """The reader's node, with a new home for each time that it catches up."""

    def __init__(self, folder: Path, exchange: Exchange, relay: RelayProcess, count: int) -> None:
        self._folder = folder
        self._exchange = exchange
        self._relay = relay
        self._count = count
        self.seconds: list[float] = []
        self.cpu_seconds: list[float] = []
        self.relay_seconds: list[float] = []

    def run(self) -> None:
        """Catch up once; raises RuntimeError if anything is missing or suspicious."""
        home = Home(self._folder / "reader")
        shutil.rmtree(home.root, ignore_errors=True)
        home.create()
        Vault.create(home.vault, _PASSPHRASE, self._exchange.secrets[READER], work_factor=_WORK_FACTOR)
        config.save(home, config.Settings(member=READER, relay=self._relay.url))
        pin(home, self._exchange.id)
        before = self._relay.cpu_seconds()
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.catching_up"],
            cwd=ROOT,
            env=dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))),
            input=json.dumps({"home": str(home.root), "passphrase": _PASSPHRASE}) + "\n",
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"the node ended with {done.returncode}: {done.stderr[-2000:]}")
        said = json.loads(done.stdout)
        if (said["opened"], said["alarms"]) != (self._count, 0):
            raise RuntimeError(f"the node found {said} instead of {self._count} dispatches")
        self.relay_seconds.append(self._relay.cpu_seconds() - before)
        self.seconds.append(said["seconds"])
        self.cpu_seconds.append(said["cpu"])


def measure(folder: Path, home: RelayHome, year: Year, rounds: int) -> list[Figure]:
    """The figures."""
    with home.serving() as relay:
        catcher = Catcher(folder, home.exchange, relay, year.count)
        bare = {count: Bare(year, count) for count in (1, 2)}
        variants: dict[str, Callable[[], object]] = {
            "node": catcher.run,
            "bare 2": bare[2].run,
            "bare 1": bare[1].run,
        }
        timings = in_turn(variants, rounds)
        for one in bare.values():
            one.close()
    # Of the node only the sync counts, not the start of its process or the opening of its vault.
    timings["node"] = catcher.seconds[-rounds:]
    figures = [
        compared(
            f"catch-up of {year.count:,} dispatches",
            timings,
            "node",
            f"bare {count}",
            alternative=f"bare cryptography, {count} process{'es' if count > 1 else ''}",
            unit="s",
            scale=1,
            at_most=AT_MOST_CLIENT if count > 1 else None,
        )
        for count in (2, 1)
    ]
    timings["node, processor"], timings["bare, processor"] = (
        catcher.cpu_seconds[-rounds:],
        bare[1].cpu_seconds[-rounds:],
    )
    figures.append(
        compared(
            "the node's processor time for it",
            timings,
            "node, processor",
            "bare, processor",
            alternative="that of the bare cryptography",
            unit="s",
            scale=1,
        )
    )
    shares = [ours / all_ for ours, all_ in zip(catcher.relay_seconds[-rounds:], timings["node"], strict=True)]
    share = median(shares)
    figures.append(
        Figure(
            case="the relay's processor time for it",
            ours=median(catcher.relay_seconds[-rounds:]),
            alternative="the whole catch-up",
            theirs=median(timings["node"]),
            unit="s",
            ratio=share,
            aim=f"at most {AT_MOST_RELAY:g}",
            met=share <= AT_MOST_RELAY,
        )
    )
    return figures


def main() -> int:
    """Measure and print; the exit code."""
    options = arguments(__doc__, rounds=5, dispatches=DISPATCHES)
    count = min(options.dispatches, 60) if options.quick else options.dispatches
    with scratch() as folder:
        home = RelayHome(folder / "relay")
        year = Year(home.exchange, folder / "year", count)
        progress(f"publishing {count:,} dispatches ...")
        home.fill(year.submissions())
        progress("catching up ...")
        figures = measure(folder, home, year, options.rounds)
        size = sum(one.end - one.start for one in year.sealed)
    report = Report(
        name="catchup",
        title="Catching up after a year",
        bound=(
            "What surrounds the cryptography, in one process that fetches and stores and two that judge: 65 KB "
            "for each dispatch pass from the socket to a judge and, encrypted once more, into the store; headers "
            "and bodies of 37 recipients are parsed in Python. Some seconds of processor time go to starting the "
            "judges, once."
        ),
        figures=tuple(figures),
        machine=machine("cryptography", "sqlcipher3"),
        notes=(
            f"{count:,} notices to 37 recipients each, {size / 1e6:,.0f} MB; one of the 38 members reads them all.",
            "The bare cryptography verifies both signatures, hashes the body and opens it, with everything in memory.",
            "The node also fetches, checks the log, judges each dispatch by every rule, and stores it encrypted.",
        ),
    )
    publish(report, as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
