"""What a home meets that no transcript shows: other processes, twins among ids and names, damage, other clocks."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from importlib.metadata import version
from shutil import disk_usage
from typing import Any

import pytest

from envoi_client import doctor
from envoi_client.body import Body
from envoi_client.cli import common
from envoi_client.files import Home
from envoi_client.limits import UPLOAD_PIECE
from envoi_client.node import FileToAttach, Node
from envoi_client.seeds import MemberSeeds, Secrets
from envoi_client.store import StoredRoster
from envoi_client.transport import Transport
from envoi_client.transport.errors import Unreachable
from envoi_client.vault import Vault
from envoi_keys.encoding import parse_time
from envoi_keys.limits import MIB
from envoi_keys.notes import Note
from envoi_keys.statements import statement_id

from .elsewhere import answering
from .site import EXPIRES, MEMBERS, PASSPHRASE, WORK_FACTOR, Site

DAY = 86_400


def findings(site: Site, home: str, *words: str, code: int) -> dict[str, dict[str, Any]]:
    """What the doctor finds, by check; it must end with ``code``."""
    done = site.envoi(home, "doctor", "--json", *words)
    assert done.code == code, done.out + done.err
    return {one["check"]: one for one in done.json}


# -- other processes in the same home


def test_a_command_waits_for_another_one_in_the_same_home(alone: Site) -> None:
    held, done = threading.Event(), threading.Event()

    def work() -> None:
        with Home(alone.root / "FR").lock():
            held.set()
            done.wait(0.3)

    worker = threading.Thread(target=work)
    worker.start()
    held.wait(10)
    assert alone.ok("FR", "status")["member"] == "FR"
    worker.join()


def test_a_command_does_not_wait_for_ever(alone: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "LOCK_PATIENCE", 0.1)
    with Home(alone.root / "FR").lock():
        done = alone.envoi("FR", "status")
    assert done.code == 1
    assert done.err.startswith(f"envoi: another envoi process is at work in {alone.root}/FR\nhint: wait until")


# -- twins


def test_a_beginning_of_two_ids_is_refused(site: Site) -> None:
    (site.root / "note.txt").write_text("An exercise.")
    ids: dict[str, str] = {}
    for _ in range(17):  # of 17 ids two begin with the same digit
        id_ = site.ok("FR", "publish", "note", "note.txt", "--to", "DE")["id"]
        if id_[0] in ids:
            break
        ids[id_[0]] = id_
    site.sync("DE")
    for home, words in (("FR", ("show",)), ("DE", ("show",)), ("DE", ("attachments", "get", "--to", "."))):
        done = site.envoi(home, *words, id_[0])
        assert (done.code, done.err) == (1, f"envoi: {id_[0]} begins 2 ids\nhint: give more digits\n")
    assert site.ok("DE", "show", id_)["id"] == id_


def test_what_was_signed_when_the_relay_went_away_goes_with_the_next_sync(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise Unreachable("the relay cannot be reached", hint="envoi doctor")

    (site.root / "note.txt").write_text("An exercise.")
    with monkeypatch.context() as patched:
        patched.setattr(Transport, "post_dispatch", away)
        done = site.envoi("FR", "publish", "note", "note.txt", "--to", "DE")
        assert done.code == 1
        assert done.err.splitlines()[0] == "signed and stored: the next envoi sync sends it"
        assert "nothing was signed" not in done.err
    assert [one["state"] for one in site.ok("FR", "outbox")] == ["signed"]
    assert len(site.ok("FR", "sync")["sent"]) == 1
    assert [one["state"] for one in site.ok("FR", "outbox")] == ["accepted"]


def test_two_attachments_of_one_name_do_not_meet(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    # Our own client refuses to send them; another sender's may not.
    monkeypatch.setattr("envoi_client.node.publish.check_names", lambda files: None)
    for folder in ("one", "two"):
        (site.root / folder).mkdir()
        (site.root / folder / "plan.txt").write_text(f"the plan in folder {folder}")
    (site.root / "note.txt").write_text("Two plans.")
    attach = ("--attach", "one/plan.txt", "two/plan.txt")
    sent = site.ok("FR", "publish", "note", "note.txt", "--to", "DE", *attach)
    site.sync("DE")
    (site.root / "papers").mkdir()
    assert site.ok("DE", "attachments", "get", sent["id"], "--to", "papers") == [
        "papers/plan.txt",
        "papers/plan (2).txt",
    ]
    assert (site.root / "papers" / "plan (2).txt").read_text() == "the plan in folder two"
    # A name that is taken stops everything before anything is written.
    (site.root / "papers" / "plan.txt").unlink()
    assert site.envoi("DE", "attachments", "get", sent["id"], "--to", "papers").code == 1
    assert [path.name for path in (site.root / "papers").iterdir()] == ["plan (2).txt"]


def test_what_is_long_tells_how_far_it_is(site: Site) -> None:
    told: list[tuple[str, int, int, str]] = []

    def tell(what: str, done: int, size: int, unit: str = "bytes") -> None:
        told.append((what, done, size, unit))

    paper = site.root / "paper.pdf"
    paper.write_bytes(bytes(UPLOAD_PIECE + 1))
    (site.root / "papers").mkdir()
    body = Body("note/v1", {"subject": "A paper", "text": "Attached."}, ())
    with Node.open(Home(site.root / "FR"), PASSPHRASE, progress=tell) as node:
        index = node.publish(body, ["DE"], files=[FileToAttach(paper, "paper.pdf", "application/pdf")]).index
    sealed = told[-1][2]
    assert sealed > UPLOAD_PIECE
    assert {(what, size, unit) for what, _, size, unit in told} == {("sending attachment 1 of 1", sealed, "bytes")}
    assert [done for _, done, _, _ in told] == [0, UPLOAD_PIECE, sealed]
    told.clear()
    with Node.open(Home(site.root / "DE"), PASSPHRASE, progress=tell) as node:
        node.sync()
        assert told == [("reading the log", 2, 2, "entries")]
        node.fetch(index, site.root / "papers")
    assert told[-1] == ("fetching attachment 1 of 1", sealed, sealed, "bytes")


# -- what the doctor finds


@contextmanager
def relay_elsewhere(date: Callable[[], float], status: int = 200, said: str = "ready") -> Iterator[str]:
    """Something that answers ``/readyz`` with another clock; its address."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(said.encode())

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(date(), usegmt=True)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    with answering(Answer) as url:
        yield url


@pytest.mark.parametrize(
    ("offset", "state", "way"),
    [
        (3600, "bad", "behind"),
        (-3600, "bad", "ahead of"),
        (60, "warn", "behind"),
        (-60, "warn", "ahead of"),
        (0, "ok", ""),
    ],
)
def test_the_doctor_compares_clocks(alone: Site, offset: int, state: str, way: str) -> None:
    with relay_elsewhere(lambda: time.time() + offset) as url:
        # Whatever else such a relay lacks, the log cannot be read from it.
        found = findings(alone, "FR", "--relay", url, code=1)
    assert found["relay"]["state"] == "ok"
    assert found["clock"]["state"] == state
    assert way in found["clock"]["detail"]
    assert (found["clock"]["fix"] is None) is (state == "ok")
    assert found["log"]["state"] == "bad"


def test_the_doctor_says_that_a_relay_is_not_ready(alone: Site) -> None:
    with relay_elsewhere(time.time, 503) as url:
        found = findings(alone, "FR", "--relay", url, code=0)
    assert found["relay"]["state"] == "warn"
    assert found["relay"]["fix"] == "wait, or ask the Point of Contact"
    assert found["log"]["state"] == "ok"  # as far as it is held


@pytest.mark.parametrize(("left", "state"), [(61, "ok"), (59, "warn"), (29, "warn"), (3, "warn"), (-1, "bad")])
def test_the_doctor_announces_the_end_of_the_roster(
    alone: Site, left: int, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = parse_time(EXPIRES, "") - left * DAY - 1
    monkeypatch.setattr(time, "time", lambda: float(now))
    found = findings(alone, "FR", code=1)  # the relay does not run
    assert found["roster"]["state"] == state
    assert found["roster"]["fix"] == (None if state == "ok" else "ask the Point of Contact for a new roster")


def test_the_doctor_sees_keys_that_are_not_those_of_the_roster(alone: Site) -> None:
    vault = Vault.open(alone.root / "FR" / "vault.age", PASSPHRASE)
    other = MemberSeeds.generate("FR", os.urandom)
    vault.save(Secrets(vault.secrets.store, other))
    found = findings(alone, "FR", code=1)
    assert found["keys"]["state"] == "bad"
    assert found["keys"]["fix"].startswith("is this the right home?")


def test_the_doctor_sees_a_damaged_page_of_the_store(alone: Site) -> None:
    path = alone.root / "FR" / "store.db"
    raw = bytearray(path.read_bytes())
    raw[-100] ^= 1  # in the last page, which opening does not read
    path.write_bytes(raw)
    found = findings(alone, "FR", code=1)
    assert found["store"]["state"] == "bad"
    assert found["store"]["fix"].startswith("restore the file from its backup")


# With a relay that runs and a home that is in order: what is found is the one thing that is wrong.


def not_ok(found: dict[str, dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """State and fix of every check that is not ok."""
    return {name: (one["state"], one["fix"]) for name, one in found.items() if one["state"] != "ok"}


def test_the_doctor_finds_nothing_wrong_where_nothing_is(shared: Site) -> None:
    assert not_ok(findings(shared, "FR", code=0)) == {}


def test_the_doctor_sees_packages_of_two_releases(shared: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "version", lambda part: "0.0.9" if part == "envoi-keys" else version(part))
    found = findings(shared, "FR", code=1)
    assert found["versions"]["detail"].startswith(f"envoi-client {version('envoi-client')}, ")
    assert found["versions"]["detail"].endswith("; envoi-keys is 0.0.9")
    fix = "install both of one release: pip install --upgrade envoi-client envoi-keys"
    assert not_ok(found) == {"versions": ("bad", fix)}


@pytest.mark.parametrize(("free", "low"), [(512 * MIB, False), (512 * MIB - 1, True)])
def test_the_doctor_sees_a_disk_that_is_nearly_full(
    shared: Site, free: int, low: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "disk_usage", lambda path: disk_usage(path)._replace(free=free))
    found = findings(shared, "FR", code=0)  # a warning: everything works yet
    assert found["disk"]["detail"] == f"{free // MIB} MiB free"
    assert not_ok(found) == ({"disk": ("warn", "free some space on this disk")} if low else {})


def test_the_doctor_names_who_is_silent_until_a_receipt_comes(site: Site) -> None:
    (site.root / "note.txt").write_text("An exercise.")
    site.ok("FR", "publish", "note", "note.txt", "--to", "DE", "AU")
    site.sync("AU", "FR")
    found = findings(site, "FR", code=0)  # a warning: it may be their holiday
    assert found["peers"]["detail"] == "no recent sign of life of DE"
    assert list(not_ok(found)) == ["peers"]
    assert found["peers"]["fix"].startswith("sync, and if it stays so ask them by another way")
    site.sync("DE", "FR")
    assert not_ok(findings(site, "FR", code=0)) == {}


def suspend(site: Site, member: str) -> bytes:
    """The next roster, in force, with ``member`` suspended by all other Partners."""
    first, *others = (name for name in MEMBERS if name != member)
    site.ok(first, "roster", "propose", "roster-2.note", "--after", "roster-1.note", "--suspend", member)
    for name in others:
        site.ok(name, "roster", "sign", "roster-2.note", "--after", "roster-1.note", "--yes")
    site.ok(first, "roster", "publish", "roster-2.note", "--relay", site.relay.url)
    return (site.root / "roster-2.note").read_bytes()


def test_the_doctor_tells_a_member_that_it_is_suspended(site: Site) -> None:
    note = suspend(site, "AR")
    # The relay lets it read nothing any more, so that its own roster is still the old one.
    found = findings(site, "AR", code=1)
    assert found["log"]["detail"] == "the relay refused: AR is suspended in the roster"
    assert not_ok(found) == {"log": ("bad", found["log"]["fix"])}
    assert found["log"]["fix"].startswith("ask the Point of Contact whether the roster has this member, active")
    # Whoever was still let in to read the new one sees it there.
    with Node.open(Home(site.root / "AR"), PASSPHRASE) as node:
        node.session.store.rosters.add(StoredRoster(2, statement_id(Note.parse(note).text), 1, note))
    found = findings(site, "AR", code=1)
    assert found["membership"]["detail"] == "AR is suspended in the roster"
    assert not_ok(found)["membership"] == ("bad", "ask the Point of Contact")
    assert "keys" not in found


def test_the_doctor_tells_somebody_that_no_roster_has_it(site: Site) -> None:
    site.ok("NZ", "init", "--member", "NZ", *WORK_FACTOR)
    site.ok("NZ", "init", "--relay", site.relay.url, "--roster-id", site.roster_id)
    found = findings(site, "NZ", code=1)
    assert found["membership"]["detail"].startswith("the relay refused: ")
    assert found["membership"]["detail"].endswith("that the roster gives for NZ")
    assert found["membership"]["fix"].startswith("ask the Point of Contact whether the roster has this member, active")
    assert list(not_ok(found)) == ["membership"]
    # What the relay will say cannot be known while it is away.
    site.relay.stop()
    assert not_ok(findings(site, "NZ", code=1))["roster"] == ("warn", "run: envoi sync")


def test_the_doctor_tells_whoever_holds_a_roster_that_it_is_missing_in_it(alone: Site) -> None:
    vault = Vault.open(alone.root / "FR" / "vault.age", PASSPHRASE)
    vault.save(Secrets(vault.secrets.store, MemberSeeds.generate("NZ", os.urandom)))
    found = findings(alone, "FR", code=1)
    assert found["membership"]["detail"] == "NZ is missing in the roster"
    assert not_ok(found)["membership"] == ("bad", "ask the Point of Contact")


def spoil_the_log(site: Site, home: str) -> None:
    """Take the first entry out of what a member holds of the log."""
    with Node.open(Home(site.root / home), PASSPHRASE) as node:
        assert node.session.store._database.run("DELETE FROM log_entries WHERE idx = 0") == 1


def test_a_log_that_is_not_the_one_verified_is_an_alarm(alone: Site) -> None:
    spoil_the_log(alone, "FR")
    found = findings(alone, "FR", code=3)
    assert found["log"]["state"] == "alarm"
    assert "the stored entries are not those that were verified" in found["log"]["detail"]
    done = alone.envoi("FR", "log", "verify", "--json")
    assert done.code == 3
    assert "the stored entries are not those that were verified" in done.json["findings"]
    done = alone.envoi("FR", "log", "verify")
    assert "alarm: the stored entries are not those that were verified\n" in done.out


def test_the_doctor_leaves_alone_what_may_be_at_work(alone: Site) -> None:
    home = alone.root / "FR"
    young, old = home / ".store.aa.tmp", home / "blobs" / "outgoing-00ff"
    for path in (young, old):
        path.write_bytes(b"x" * 1000)
    before = time.time() - 7200
    os.utime(old, (before, before))
    found = findings(alone, "FR", code=1)
    assert found["leftovers"]["state"] == "warn"
    assert found["leftovers"]["detail"] == "left by writes that were cut off: 1, with 1000 bytes"
    assert found["leftovers"]["fix"] == f"rm {old}"
    assert young.exists()
    assert old.exists()
