"""``envoi`` as a process: terminals, pipes, descriptors, signals, exit codes."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ..faults.processes import script
from .site import PASSPHRASE, Site
from .terminal import Terminal

RECIPIENT = "age1xmwwc06ly3ee5rytxm9mflaz2u56jjj36s0mypdrwsvlul66mv4q47ryef"


def on_terminal(site: Site, home: str | None, *words: str | Path, **variables: str) -> Terminal:
    """One command on a terminal, without a file that holds the passphrase."""
    environment = site.variables(home) | variables
    environment.pop("ENVOI_PASSPHRASE_FILE")
    return Terminal([script("envoi"), *words], environment, site.root)


@pytest.mark.parametrize(
    ("words", "code"),
    [(["--version"], 0), (["status", "--home", "nowhere"], 1), (["statos"], 2), (["status"], 0)],
    ids=["done", "failed", "usage", "status"],
)
def test_the_exit_code_is_that_of_the_process(shared: Site, words: list[str], code: int) -> None:
    done = shared.process("FR", *words)
    assert done.returncode == code
    assert bool(done.stdout) is (code == 0)
    assert bool(done.stderr) is (code != 0)


def test_the_passphrase_is_asked_for_and_not_shown(shared: Site) -> None:
    with on_terminal(shared, "FR", "status") as terminal:
        terminal.expect("Passphrase of this home's vault: ")
        terminal.enter(PASSPHRASE)
        assert terminal.end() == 0
    assert PASSPHRASE not in terminal.screen
    assert "member    FR\n" in terminal.screen


def test_no_colour_and_no_control_character_reaches_a_terminal(shared: Site) -> None:
    for words in (["--help"], ["publish", "--help"], ["roster", "propose", "--help"], ["sael"]):
        with on_terminal(shared, "FR", *words) as terminal:
            terminal.end()
        assert "\x1b" not in terminal.screen
    with on_terminal(shared, "FR", "inbox", "--help", NO_COLOR="1") as terminal:
        assert terminal.end() == 0
    assert "\x1b" not in terminal.screen


def test_without_a_terminal_nothing_is_asked(shared: Site) -> None:
    environment = shared.variables("FR") | {"ENVOI_PASSPHRASE_FILE": "", "ENVOI_PASSPHRASE": PASSPHRASE}
    done = subprocess.run(
        [script("envoi"), "status"],
        input=f"{PASSPHRASE}\n",
        env=environment,
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "envoi: there is no terminal to ask for the passphrase\nhint: use --passphrase-file FILE or --passphrase-fd N\n"
    )


def test_the_passphrase_comes_from_a_descriptor(shared: Site) -> None:
    read, write = os.pipe()
    os.write(write, f"{PASSPHRASE}\n".encode())
    os.close(write)
    done = shared.process(
        "FR",
        "status",
        "--json",
        "--passphrase-fd",
        str(read),
        pass_fds=(read,),
        variables={"ENVOI_PASSPHRASE_FILE": ""},
    )
    os.close(read)
    assert json.loads(done.stdout)["member"] == "FR"


def test_init_asks_for_what_it_was_not_told(site: Site) -> None:
    with on_terminal(site, "NZ", "init", "--work-factor", "10") as terminal:
        terminal.expect("Whose home is this to be, such as FR or POC: ")
        terminal.enter("NZ")
        terminal.expect("The relay's address (empty: say it later): ")
        terminal.enter("https://poc.example")
        terminal.expect("A passphrase for the new vault: ")
        terminal.enter("one")
        terminal.expect("A passphrase for the new vault, again: ")
        terminal.enter("another")
        assert terminal.end() == 1
    assert "the two passphrases differ" in terminal.screen
    assert not (site.root / "NZ" / "vault.age").exists()
    with on_terminal(site, "NZ", "init", "--member", "NZ", "--work-factor", "10") as terminal:
        terminal.expect("say it later): ")
        terminal.enter("")
        for question in ("vault: ", "again: "):
            terminal.expect(question)
            terminal.enter("one and the same")
        assert terminal.end() == 0
    assert (site.root / "NZ" / "config.toml").read_text() == 'member = "NZ"\n'


def test_init_on_a_terminal_asks_nothing_with_no_input(shared: Site) -> None:
    with on_terminal(shared, "CA", "init", "--no-input") as terminal:
        assert terminal.end() == 1
    assert terminal.screen.startswith("envoi: whose home is this to be?\n")


@pytest.mark.parametrize(("answer", "code"), [("AR", 0), ("yes", 1), ("", 1)])
def test_a_roster_is_signed_by_typing_the_name(site: Site, answer: str, code: int) -> None:
    site.ok("anne", "roster", "propose", "roster-2.note", "--after", "roster-1.note", "--suspend", "BE")
    before = (site.root / "roster-2.note").read_bytes()
    words = ("roster", "sign", "roster-2.note", "--after", "roster-1.note", "--passphrase-file", site.passphrase)
    with on_terminal(site, "AR", *words) as terminal:
        terminal.expect("status    BE           active -> suspended\n")
        terminal.expect("sign roster 2 as AR? type AR to sign: ")
        terminal.enter(answer)
        assert terminal.end() == code
    assert ((site.root / "roster-2.note").read_bytes() == before) is (code == 1)
    assert ("not signed" in terminal.screen) is (code == 1)


def test_binary_output_does_not_go_to_a_terminal(shared: Site) -> None:
    with on_terminal(shared, None, "seal", "-r", RECIPIENT, shared.passphrase) as terminal:
        assert terminal.end() == 1
    assert terminal.screen.startswith("envoi: binary output would go to the terminal\n")
    with on_terminal(shared, None, "seal", "-a", "-r", RECIPIENT, shared.passphrase) as terminal:
        assert terminal.end() == 0
    assert terminal.screen.startswith("-----BEGIN AGE ENCRYPTED FILE-----\n")


def test_a_file_is_sealed_with_a_passphrase_that_is_typed_twice(shared: Site, tmp_path: Path) -> None:
    with on_terminal(shared, None, "seal", "-p", "-o", tmp_path / "sealed.age", shared.passphrase) as terminal:
        for question in ("Passphrase for this file: ", "Passphrase for this file, again: "):
            terminal.expect(question)
            terminal.enter("open sesame")
        assert terminal.end() == 0
    with on_terminal(shared, None, "open", "-p", tmp_path / "sealed.age") as terminal:
        terminal.expect("Passphrase of this file: ")
        terminal.enter("open sesame")
        assert terminal.end() == 0
    assert PASSPHRASE in terminal.screen  # the file that was sealed
    assert "open sesame" not in terminal.screen


def test_standard_input_goes_to_standard_output_in_any_size(shared: Site, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0\n")
    plain = os.urandom(3 * 1024 * 1024 + 1)
    sealed = subprocess.run([script("envoi"), "seal", "-r", RECIPIENT], input=plain, capture_output=True, check=True)
    command = [script("envoi"), "open", "-i", str(tmp_path / "key")]
    opened = subprocess.run(command, input=sealed.stdout, capture_output=True, check=True)
    assert opened.stdout == plain
    cut = subprocess.run(
        [*command, "-o", str(tmp_path / "out")], input=sealed.stdout[:-100], capture_output=True, check=False
    )
    assert cut.returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_reader_that_goes_away_is_no_accident(shared: Site) -> None:
    with subprocess.Popen(
        [script("envoi"), "roster", "show", "roster-1.note", "--json"],
        cwd=shared.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["envoi", "--help"],
        ["envoi", "config", "show"],
        ["envoi", "seal", "-r", RECIPIENT, "roster-1.note"],
        ["envoi-poc", "--help"],
        ["envoi-poc", "config"],
    ],
    ids=" ".join,
)
def test_a_full_disk_under_standard_output_is_said(shared: Site, words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [script(words[0]), *words[1:]],
            cwd=shared.root,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=shared.variables("FR"),
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith(f"{words[0]}: cannot write")
    assert done.stderr.splitlines()[0].endswith(": no space left on device")
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_a_name_that_the_terminal_cannot_write_is_written_as_escapes(site: Site) -> None:
    (site.root / "note.txt").write_text("Une réponse")
    site.ok("FR", "publish", "note", "note.txt", "--to", "DE", "--subject", "Für Übung: 演習")
    site.sync("DE")
    done = site.process("DE", "inbox", variables={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert r"note/v1  F\xfcr \xdcbung: \u6f14\u7fd2" in done.stdout


@dataclass(frozen=True)
class Watch:
    """A running ``envoi sync --watch --json``, the lines that it prints, and the file of what else it says."""

    process: subprocess.Popen[str]
    lines: queue.Queue[str]
    log: Path

    def news(self) -> dict[str, Any]:
        """The next line."""
        try:
            found: dict[str, Any] = json.loads(self.lines.get(timeout=60))
        except queue.Empty:
            raise AssertionError(f"no news; ended with {self.process.poll()}: {self.log.read_text()}") from None
        return found

    def stop(self, how: signal.Signals) -> int:
        """Its exit code after the signal."""
        self.process.send_signal(how)
        return self.process.wait(60)


@contextmanager
def watching(site: Site, home: str) -> Iterator[Watch]:
    """``envoi sync --watch --json``, ended with the block."""
    path = site.root / "watch.log"
    with path.open("w") as log:
        process = subprocess.Popen(
            [script("envoi"), "sync", "--watch", "--json"],
            env=site.variables(home),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield Watch(process, lines, path)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(60)
        reader.join(60)
        assert process.stdout is not None
        process.stdout.close()


def test_a_watch_tells_news_and_lets_others_work(site: Site) -> None:
    (site.root / "note.txt").write_text("An exercise.")
    note = ("publish", "note", "note.txt", "--exercise", "--to")
    with watching(site, "DE") as watch:
        first = site.ok("FR", *note, "DE")
        assert watch.news()["received"] == [first["id"]]
        # The home of somebody who watches is not locked: the same person reads and answers in it.
        assert [one["id"] for one in site.ok("DE", "inbox", "--new")] == [first["id"]]
        site.ok("DE", *note, "FR")
        second = site.ok("FR", *note, "DE")
        assert second["id"] in str(watch.news()["received"])
        assert watch.stop(signal.SIGINT) == 0
        assert watch.lines.empty()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_watch_ends_with_the_code_of_what_it_has_seen(site: Site, stop: signal.Signals) -> None:
    (site.root / "note.txt").write_text("An exercise.")
    site.ok("FR", "publish", "note", "note.txt", "--to", "DE")
    site.alter("UPDATE dispatches SET body = zeroblob(length(body))")
    with watching(site, "DE") as watch:
        assert watch.news()["alarms"] == ["the sealed bytes are not those that the header names"]
        assert watch.stop(stop) == 3
