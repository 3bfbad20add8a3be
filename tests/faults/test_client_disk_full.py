"""A member's disk is full: ``envoi`` says so in a sentence, writes nothing by halves, and goes on with room again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from envoi_keys.limits import MIB

from ..exchange import Exchange, seed
from .disks import SmallDisk, small_disk
from .homes import Member, Typed
from .parties import Caller
from .processes import RelayProcess

DISK = 12 * MIB
PAPER = 2 * MIB


@dataclass
class Site:
    """A relay, FR with all the room in the world, and AU, whose home is on a small disk."""

    relay: RelayProcess
    fr: Member
    au: Member
    disk: SmallDisk
    letter: Path
    paper: Path

    def publish(self, member: Member, to: str, *more: str | Path) -> Typed:
        return member.type("publish", "note", self.letter, "--to", to, "--exercise", *more)

    def inbox(self, member: Member) -> list[int | None]:
        """The numbers of what a member has received and opened, in order."""
        with member.node() as node:
            entries = list(node.session.store.inbox.listing())
            assert {entry.verdict for entry in entries} <= {"ok"}
            assert node.session.store.alarms.listing() == []
            return [entry.number for entry in entries]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("site")
    exchange = Exchange.make(4)
    letter, paper = root / "letter.txt", root / "paper.pdf"
    letter.write_text("An exercise. " * 5000)
    paper.write_bytes(seed("paper", PAPER))
    with RelayProcess(root / "relay", exchange) as relay, small_disk(root / "disk", DISK) as disk:
        with closing(Caller(relay.url, exchange)) as stranger:
            stranger.send("POST", "/v1/roster", exchange.notes[0])
        fr = Member(exchange, "FR", root / "FR", relay.url).make()
        au = Member(exchange, "AU", disk.path / "AU", relay.url).make()
        assert (fr.type("sync").code, au.type("sync").code) == (0, 0)
        yield Site(relay, fr, au, disk, letter, paper)


def files(root: Path) -> dict[Path, bytes]:
    """Every file below ``root`` but the database's own, whose parts come and go."""
    found = (path for path in root.rglob("*") if path.is_file() and not path.name.startswith("store.db"))
    return {path: path.read_bytes() for path in found}


def failed_for_room(done: Typed) -> None:
    assert done.code == 1, done
    lines = done.err.strip().splitlines()
    assert len(lines) == 2, done.err
    assert "is full" in lines[0] or "no space left" in lines[0]
    assert lines[1].startswith("hint: free some space")


def test_a_sync_without_room_loses_nothing(site: Site) -> None:
    before = site.inbox(site.au)
    for _ in range(3):
        assert site.publish(site.fr, "AU").code == 0
    site.disk.fill()
    failed_for_room(site.au.type("sync"))
    site.disk.empty()
    assert site.inbox(site.au) == before
    synced = site.au.type("sync")
    assert (synced.code, len(synced.json["received"])) == (0, 3)
    assert site.inbox(site.au) == [*before, *range(len(before) + 1, len(before) + 4)]


def test_nothing_is_sent_that_could_not_be_stored(site: Site) -> None:
    assert site.fr.type("sync").code == 0
    before, kept = site.inbox(site.fr), files(site.au.root)
    site.disk.fill()
    failed_for_room(site.publish(site.au, "FR"))
    failed_for_room(site.publish(site.au, "FR", "--attach", site.paper))
    site.disk.empty()
    assert files(site.au.root) == kept
    assert site.publish(site.au, "FR").json["numbers"] == {"FR": len(before) + 1}
    assert site.fr.type("sync").code == 0
    assert site.inbox(site.fr) == [*before, len(before) + 1]


def test_an_attachment_is_whole_or_not_there(site: Site) -> None:
    sent = site.publish(site.fr, "AU", "--attach", site.paper).json
    assert site.au.type("sync").code == 0
    target = site.disk.path / "papers"
    target.mkdir()
    site.disk.fill()
    failed_for_room(site.au.type("attachments", "get", sent["id"], "--to", target))
    assert list(target.iterdir()) == []
    # Room for the sealed file, and not for the plain one beside it.
    site.disk.empty()
    site.disk.fill(leaving=PAPER + MIB)
    failed_for_room(site.au.type("attachments", "get", sent["id"], "--to", target))
    assert list(target.iterdir()) == []
    site.disk.empty()
    assert site.au.type("attachments", "get", sent["id"], "--to", target).code == 0
    assert files(target) == {target / "paper.pdf": site.paper.read_bytes()}
