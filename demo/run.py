"""The story of ``make demo``: every step is done by the real programs, checked, timed and told in a line.

It ends with exit code 0 only if everything happened: the exchange worked, and each cheat was caught by the member it
was played on.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

from envoi_client.body import Body
from envoi_client.documents import parse
from envoi_client.node import Node
from envoi_client.node.publish import default_recipients
from envoi_client.words import to_words
from envoi_keys import regimes
from envoi_keys.notes import Note
from envoi_keys.receipts import Receipt

from .cast import Cast
from .cheats import read, tampered
from .processes import Failed, RelayProcess, passphrase_file, run

PROFILE = regimes.load("mtcr")
OFFICERS = ("POC/anne", "POC/bruno", "POC/claire")
SIGNERS = ("POC/anne", "POC/bruno", "CHAIR", "AR", "AU", "BE")
"""Two of three officers, the Chair and three Partners: the profile's quorum."""
CHAIR_STATE = "AT"


class Story:
    """Tells each step in one line, with what it took."""

    def __init__(self) -> None:
        self.begun = self._last = time.monotonic()

    def tell(self, text: str) -> None:
        """One step is done."""
        now = time.monotonic()
        sys.stdout.write(f"  {text:<88} {now - self._last:5.1f} s\n")
        sys.stdout.flush()
        self._last = now

    def head(self, text: str) -> None:
        """A new part of the story."""
        sys.stdout.write(f"\n{text}\n")


def main() -> int:
    """Run the demonstration; its exit code."""
    parser = argparse.ArgumentParser(description="A whole exchange on this machine, and a relay that cheats.")
    parser.add_argument("--keep", action="store_true", help="leave the relay and all homes, and say how to use them")
    keep = parser.parse_args().keep
    directory = Path(tempfile.mkdtemp(prefix="envoi-demo-"))
    relay = RelayProcess(directory / "relay", "")
    cast = Cast(directory, PROFILE)
    story = Story()
    kept = False
    try:
        _found(story, directory, relay, cast)
        _exchange(story, cast)
        _cheat(story, relay, cast)
        sys.stdout.write(f"\neverything happened, in {time.monotonic() - story.begun:.0f} s\n")
        kept = keep
        if keep:
            _say_how_to_use(directory, relay)
        return 0
    except Failed as failure:
        sys.stdout.write(f"\nFAILED: {failure}\n")
        return 1
    finally:
        cast.close()
        if not kept:
            relay.stop()
            shutil.rmtree(directory)


def _found(story: Story, directory: Path, relay: RelayProcess, cast: Cast) -> None:
    story.head("A regime founds its exchange")
    made = run("envoi-poc", "init", "--origin", "poc.example/mtcr", home=relay.home)
    story.tell("the Point of Contact makes a relay; its log has an Ed25519 and an ML-DSA-44 key")
    cast.enrol()
    story.tell(f"{len(PROFILE.states)} members and {len(PROFILE.offices)} offices each make their own keys")
    enrolments, officers = directory / "enrolments", directory / "officers"
    enrolments.mkdir()
    officers.mkdir()
    for name in cast.names:
        (enrolments / f"{name}.note").write_bytes((cast.home(name) / "enrolment.note").read_bytes())
    for officer in OFFICERS:
        home = directory / officer.replace("/", "-")
        run("envoi", "officer", "init", officer, "--state", "FR", "--work-factor", "10", home=home)
        (officers / f"{home.name}.note").write_bytes((home / "enrolment.note").read_bytes())
    story.tell("three officers of the Point of Contact make theirs")
    roster = directory / "roster-1.note"
    keys = [part for key in made["keys"] for part in ("--log-key", key)]
    run(
        *("envoi", "roster", "propose", roster, "--enrolment", enrolments, "--officer", officers),
        *("--holds", f"CHAIR={CHAIR_STATE}", *keys, "--expires", "2030-01-01T00:00:00Z"),
        home=directory / "POC-anne",
    )
    signed: dict[str, Any] = {}
    for signer in SIGNERS[1:]:
        signed = run("envoi", "roster", "sign", roster, "--yes", home=directory / signer.replace("/", "-"))
    _require(signed["quorum_met"], "the first roster is not signed by its quorum")
    story.tell(f"{', '.join(SIGNERS)} sign the first roster")
    relay.roster_id = signed["id"]
    relay.start()
    run("envoi", "roster", "publish", roster, "--relay", relay.url, home=directory / "POC-anne")
    story.tell(f"the relay serves it at {relay.url}, as entry 0 of its log")
    cast.pin(signed["id"], relay.url)
    words = " ".join(to_words(signed["id"])[:6])
    cast.open()
    reports = cast.everybody(Node.sync)
    _require(all(report.clean for report in reports.values()), "a first sync found something suspicious")
    story.tell(f"all {len(reports)} pin it by its words ({words} ...) and verify it")


def _exchange(story: Story, cast: Cast) -> None:
    story.head("Denial notices go round (all of them exercises, all parties invented)")
    notices = json.loads((files("envoi_client.exercises") / "notices.json").read_text("utf-8"))
    for content in notices:
        notice = parse("denial/v1", content, PROFILE, cast.partners)
        node = cast.nodes[content["notifying_government"]]
        to = default_recipients(node.session, "denial/v1")
        node.publish(Body("denial/v1", notice.to_content(), ()), to, exercise=True)
    authors = sorted({content["notifying_government"] for content in notices})
    story.tell(f"{len(authors)} Partners seal, sign and publish {len(notices)} notices to the 34 others")
    reports = cast.everybody(Node.sync)
    opened = sum(len(report.received) for report in reports.values())
    _require(opened == len(notices) * (len(cast.partners) - 1), f"{opened} notices were opened")
    _require(all(report.clean for report in reports.values()), "a sync found something suspicious")
    story.tell(f"every other Partner fetches, checks and opens them: {opened} times, no two alike")
    cast.everybody(Node.sync)
    acknowledged = sum(_acknowledged(cast.nodes[name]) for name in authors)
    _require(acknowledged == opened, f"{acknowledged} of {opened} receipts arrived")
    story.tell(f"their authors hold {acknowledged} signed receipts, one for each recipient and notice")
    sizes = cast.everybody(Node.cosign)
    story.tell(f"{len(sizes)} members and offices cosign the log at {max(sizes.values())} entries")


def _acknowledged(node: Node) -> int:
    """How many (notice, recipient) pairs of this author are opened, by the recipients' own receipts."""
    opened = 0
    for entry in node.session.store.outbox.listing("accepted"):
        for name, number in entry.numbers.items():
            stored = node.session.store.receipts.get(name, node.me)
            receipt = Receipt.parse(Note.parse(stored.note).text) if stored else None
            opened += receipt is not None and receipt.opened_through >= number
    return opened


def _cheat(story: Story, relay: RelayProcess, cast: Cast) -> None:
    story.head("The relay's operator cheats, with every key of the relay in hand")
    index = _send(cast, "FR", "Cheat one")
    victim = cast.home("DE")
    cast.close()
    (body,) = read(relay, "SELECT body FROM dispatches WHERE log_index = :at", at=index)
    assert isinstance(body, bytes)
    altered = body[:-1] + bytes([body[-1] ^ 1])
    update = "UPDATE dispatches SET body = {} WHERE log_index = :at"
    with tampered(relay, update.format(":altered"), update.format(":body"), at=index, altered=altered, body=body):
        said = run("envoi", "sync", home=victim, expect=3)
    _tell_caught(story, "(a) changes one byte of a stored dispatch", "DE", said)
    _require(len(run("envoi", "sync", home=victim)["received"]) == 1, "the true notice was not accepted afterwards")

    cast.open(["FR"])
    index = _send(cast, "FR", "Cheat two")
    cast.nodes["FR"].sync()
    cast.close()
    (position, number) = read(
        relay, "SELECT position, number FROM recipients WHERE log_index = :at AND member = 'JP'", at=index
    )
    with tampered(
        relay,
        "DELETE FROM recipients WHERE log_index = :at AND member = 'JP'",
        "INSERT INTO recipients (log_index, member, position, number) VALUES (:at, 'JP', :position, :number)",
        at=index,
        position=position,
        number=number,
    ):
        said = run("envoi", "sync", home=cast.home("JP"), expect=3)
    _tell_caught(story, "(b) hides the newest dispatch from one member", "JP", said)

    _second_roster(relay, cast)
    (version, at, id_, note) = read(relay, "SELECT version, log_index, id, note FROM rosters WHERE version = 2")
    with tampered(
        relay,
        "DELETE FROM rosters WHERE version = :version",
        "INSERT INTO rosters (version, log_index, id, note) VALUES (:version, :at, :id, :note)",
        version=version,
        at=at,
        id=id_,
        note=note,
    ):
        said = run("envoi", "sync", home=cast.home("IT"), expect=3)
    _tell_caught(story, "(c) serves the old roster after a member was suspended", "IT", said)
    report = run("envoi", "sync", home=cast.home("IT"))
    _require(report["rosters"] == [2], "the new roster was not accepted afterwards")


def _second_roster(relay: RelayProcess, cast: Cast) -> None:
    first, second = cast.directory / "roster-1.note", cast.directory / "roster-2.note"
    home = cast.directory
    run("envoi", "roster", "propose", second, "--after", first, "--suspend", "EE", home=home / "POC-anne")
    for signer in SIGNERS[1:]:
        run("envoi", "roster", "sign", second, "--after", first, "--yes", home=home / signer.replace("/", "-"))
    run("envoi", "roster", "publish", second, "--relay", relay.url, home=home / "POC-anne")


def _send(cast: Cast, sender: str, subject: str) -> int:
    body = Body("note/v1", {"subject": subject, "text": "An exercise."}, ())
    to = default_recipients(cast.nodes[sender].session, "denial/v1")
    return cast.nodes[sender].publish(body, to, exercise=True).index


def _tell_caught(story: Story, cheat: str, victim: str, report: dict[str, Any]) -> None:
    _require(bool(report["alarms"]), f"{cheat}: nobody noticed")
    story.tell(cheat)
    sys.stdout.write(f"      caught by {victim}: {report['alarms'][0]}\n")


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise Failed(otherwise)


def _say_how_to_use(directory: Path, relay: RelayProcess) -> None:
    sys.stdout.write(
        f"""
the relay is still running at {relay.url}, process {relay.pid}. Try:

  export ENVOI_PASSPHRASE_FILE={passphrase_file(directory)}
  .venv/bin/envoi inbox --home {directory}/DE
  .venv/bin/envoi status --home {directory}/FR
  .venv/bin/envoi doctor --home {directory}/JP
  .venv/bin/envoi-poc deliveries --home {directory}/relay

when you have seen enough: kill {relay.pid}; rm -r {directory}
"""
    )


if __name__ == "__main__":
    sys.exit(main())
