"""Consultations over a relay that is away or lies, and what the log's time is then."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from envoi_desk.cli import consult
from envoi_desk.clock import log_now, log_time
from envoi_keys.errors import LocalError, NetworkError

from ...simulator.relay import Group
from ...simulator.world import World
from .consultations import at
from .office import EXCHANGE, Office, denied, office

__all__ = ["denied", "office"]  # fixtures


def test_a_step_that_waits_in_the_outbox_is_not_taken_twice(office: Office) -> None:
    id_ = office.opens()
    office.cut_off()
    close = {"outcome": "granted", "text": "It cannot wait.", "anyway": True}
    with pytest.raises(NetworkError):
        office.types("DE", consult.close, id_, **close)
    assert Path("undercut-2026-118.json").exists()
    office.world.relay.be_honest()
    with pytest.raises(LocalError, match="a step of this consultation waits in the outbox"):
        office.types("DE", consult.extend, id_, until="2026-12-18", reason="x")
    office.world.sync("DE", "FR")
    assert [office.sees(name, id_)["outcome"] for name in ("DE", "FR")] == ["granted", "granted"]
    assert len(office.sees("FR", id_)["steps"]) == 2


def test_an_undercut_notice_that_waits_in_the_outbox_is_not_sent_twice(office: Office) -> None:
    id_ = office.opens()
    office.types("DE", consult.close, id_, outcome="granted", text="x", anyway=True)
    path = Path("undercut-2026-118.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "reasons": "Verified."}))
    office.cut_off()
    with pytest.raises(NetworkError):
        office.types("DE", consult.undercut, id_)
    office.world.relay.be_honest()
    with pytest.raises(LocalError, match="the undercut notice waits in the outbox"):
        office.types("DE", consult.undercut, id_)
    office.world.sync("DE", "FR", "AU")
    for name in ("DE", "FR"):
        assert office.sees(name, id_)["undercut_index"] == len(office.world.relay.entries) - 1


def test_a_reply_that_was_withheld_was_in_time_when_it_comes(office: Office) -> None:
    id_ = office.opens()
    office.world.sync("FR")
    office.types("FR", consult.reply, id_, outcome="identical_object", text="The same.")
    index = len(office.world.relay.entries) - 1

    def without(caller: str, groups: list[Group]) -> list[Group]:
        return [group for group in groups if group.index != index or caller != "DE"]

    office.world["FR"].sync()
    office.world.relay.show_feed = without
    office.wait_until("2026-12-15")
    report = office.world["DE"].sync()
    # FR's receipt tells that there is more: whoever reads "silent" has been warned.
    assert report.alarms
    assert office.sees("DE", id_)["state"] == "silent"
    office.world.relay.be_honest()
    office.world["DE"].sync()
    office.world["DE"].sync()
    found = office.sees("DE", id_)
    assert (found["state"], found["answer"], found["answered_late"]) == ("answered", "identical_object", False)


def test_a_relay_with_a_clock_ahead_makes_nobody_silent(office: Office) -> None:
    id_ = office.opens()
    office.world.sync("FR")
    office.world.relay.clock = lambda: at("2027-06-01")
    office.world["DE"].sync()
    assert office.sees("DE", id_)["state"] == "open"


def test_the_logs_time_of_an_entry_is_that_of_the_first_checkpoint_over_it(office: Office) -> None:
    id_ = office.opens()
    logged = office.sees("DE", id_)["steps"][0]["index"]
    session = office.world["DE"].node.session
    first = log_time(session, logged)
    assert first is not None
    assert not first.witnessed
    assert at("2026-11-23", 9) < first.seconds <= office.world.now
    office.world.sync("DE")
    office.wait_until("2026-12-01")
    office.world.sync("FR", "DE")
    assert log_time(session, logged) == first
    now, theirs = log_now(session), log_time(office.world["FR"].node.session, logged)
    assert now is not None
    assert theirs is not None
    assert now.seconds >= at("2026-12-01")
    # FR read it a week later, and knows from the checkpoint in DE's receipt that it stood in the log a week before.
    assert theirs.seconds < at("2026-11-24")
    assert log_time(session, 10**6) is None


def test_before_the_first_sync_the_log_has_no_time(tmp_path: Path) -> None:
    world = World(tmp_path, EXCHANGE)
    try:
        session = world["JP"].node.session
        assert (log_time(session, 0), log_now(session)) == (None, None)
    finally:
        world.close()


def test_a_checkpoint_that_the_log_did_not_sign_has_no_time(office: Office) -> None:
    session = office.world["DE"].node.session
    held = session.store.log.first_covering(0)
    assert held
    forged = [replace(one, note=one.note.replace(b"envoi.example", b"other.example")) for one in held]
    session.store.log._database.run("DELETE FROM checkpoints")
    for one in forged:
        session.store.log.note_seen(one, verified=False, at=0)
    assert log_time(session, 0) is None
