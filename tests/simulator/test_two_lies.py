"""Lies that only work together, and lies that would make us accuse somebody else."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

import pytest

from envoi_client import inbox
from envoi_client.inbox import Served, Verdict
from envoi_client.node import judging
from envoi_client.node.receipts import heartbeat
from envoi_keys.errors import LocalError, Refused
from envoi_keys.notes import Note
from envoi_keys.receipts import EMPTY_TRANSCRIPT, Direction, Receipt
from envoi_keys.statements import ROSTER

from ..exchange import EXPIRES, Exchange, party, sign
from .relay import Entry, Group
from .world import Member, World


def next_roster(world: World, more: int = 1) -> Exchange:
    """The same members under a next roster that expires a little later."""
    proposed = world.exchange.propose(expires=EXPIRES + more)
    return world.exchange.succeed(proposed, len(world.relay.entries))


def test_a_roster_shown_before_the_one_that_it_follows_is_not_lost(pair: World) -> None:
    """Were the third roster judged while the second is withheld, it would be void for this member for good."""
    second = pair.follow(next_roster(pair, 1))
    third = pair.follow(next_roster(pair, 2))
    pair.relay.show_feed = lambda caller, groups: [one for one in groups if (caller, one.index) != ("AU", second)]
    report = pair["AU"].sync()
    assert any(f"withholds the envoi/roster/v1 at index {second}" in alarm for alarm in report.alarms)
    found = pair["AU"].state()
    assert (found.rosters, found.alarms) == (1, ("withheld-roster",))
    pair.relay.be_honest()
    pair.sync("AU")
    assert pair["AU"].state().rosters == 3
    assert pair["AU"].node.session.chain.links[-1].index == third


def test_rosters_that_change_places_in_the_feed_are_not_taken_out_of_turn(pair: World) -> None:
    pair.follow(next_roster(pair, 1))
    pair.follow(next_roster(pair, 2))

    def swap(_: str, groups: list[Group]) -> list[Group]:
        notes = [one.note for one in groups]
        if len(notes) >= 2:
            notes[-1], notes[-2] = notes[-2], notes[-1]
        return [replace(one, note=note) for one, note in zip(groups, notes, strict=True)]

    pair.relay.show_feed = swap
    assert not pair["AU"].sync().clean
    assert pair["AU"].state().rosters == 1
    pair.relay.be_honest()
    pair.sync("AU")
    assert pair["AU"].state().rosters == 3


# Our own dispatches, hidden from ourselves


def test_a_gap_in_our_own_dispatches_is_seen_and_nothing_is_signed_over_it(pair: World) -> None:
    """A new store, a relay that hides one of our dispatches, and receipts that it keeps to itself."""
    pair["FR"].say("two", "AU")
    pair["FR"].say("three", "AU")
    hidden = 2
    lost = pair.members.pop("FR")
    lost.close()
    shutil.rmtree(lost.home.root)
    pair.relay.show_feed = lambda caller, groups: [one for one in groups if (caller, one.index) != ("FR", hidden)]
    pair.relay.show_receipts = lambda _, __: []
    report = pair["FR"].sync()
    assert any("dispatches 2 to 2 of this member to AU are missing before 3" in alarm for alarm in report.alarms)
    with pytest.raises(LocalError, match="has not read its own dispatches"):
        pair["FR"].say("instead", "AU")
    pair.relay.be_honest()
    pair["FR"].restart()
    pair.sync("FR")
    assert pair["FR"].say("four", "AU").numbers == {"AU": 4}
    pair.sync("AU", "FR")
    assert [text for _, text in pair["AU"].texts()] == ["one", "two", "three", "four"]


def test_an_old_store_signs_nothing_over_a_gap_in_its_own_dispatches(pair: World) -> None:
    """The same for a store that has read its own dispatches once: what it believed then is out of date."""
    pair["FR"].close()
    old = pair.root / "backup"
    shutil.copytree(pair["FR"].home.root, old)
    pair["FR"].say("two", "AU")
    pair["FR"].say("three", "AU")
    pair["FR"].close()
    shutil.rmtree(pair["FR"].home.root)
    shutil.copytree(old, pair["FR"].home.root)
    pair.relay.show_feed = lambda caller, groups: [one for one in groups if (caller, one.index) != ("FR", 2)]
    assert not pair["FR"].sync().clean
    assert "own-gap" in pair["FR"].state().alarms
    with pytest.raises(LocalError, match="has not read its own dispatches"):
        pair["FR"].say("instead", "AU")
    pair.relay.be_honest()
    pair.sync("FR")
    assert pair["FR"].state().sent == {"AU": 3, "DE": 1}


def test_what_the_relay_refused_and_logged_beside_what_took_its_number_is_fraud_to_its_sender_too(pair: World) -> None:
    pair["FR"].say("two", "AU")
    first = pair["FR"].store.outbox.listing("accepted")[-1].note
    case = pair.forge("FR", {"AU": 2}, text="refused before")
    pair.spoken.add(("FR", "AU", "refused before"))
    pair.log(case)
    report = pair["FR"].sync()
    assert any("logged two dispatches of this member numbered 2 to AU" in alarm for alarm in report.alarms)
    assert pair["FR"].evidence("own-twice") == (first, pair.relay.entries[-1].note)
    assert pair["FR"].state().sent == {"AU": 2, "DE": 1}
    assert pair["FR"].say("three", "AU").numbers == {"AU": 3}
    pair["FR"].sync()


# More than any genuine answer


def test_parts_of_a_dispatch_that_are_larger_than_any_genuine_one_are_not_kept(pair: World) -> None:
    pair["FR"].say("two", "AU")
    pair.relay.show_feed = lambda _, groups: [
        replace(one, openings=bytes(2**20), body=bytes(8 * 2**20)) if one.index == 2 else one for one in groups
    ]
    assert not pair["AU"].sync().clean
    received = pair["AU"].store.inbox.received(2)
    assert received is not None
    assert (received.note, received.opening, received.sealed) == (b"", b"", b"")
    pair.relay.be_honest()
    pair.sync("AU", "FR")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two")]


def test_a_dispatch_that_is_held_is_not_opened_again_because_another_is_missing(
    pair: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FR claims to have sent what it never sent; AU asks for it at every sync, and opens nothing twice."""
    pair["DE"].say("one of DE", "AU")
    pair["DE"].say("two of DE", "AU")
    pair.sync("AU")
    pair["AU"].node.session.read_again(-1)
    judged: list[int] = []

    def judge(served: Served, *rest: Any) -> Verdict:
        judged.append(served.index)
        return inbox.judge(served, *rest)

    monkeypatch.setattr(judging, "judge", judge)
    pair["FR"].say("two", "AU")
    pair.sync("AU")
    assert judged == [4]
    pair.sync("FR", "DE")


# Whose fault it is not


def test_a_feed_that_breaks_off_makes_nobody_a_liar(pair: World) -> None:
    """FR's store is old, the relay garbles FR's feed, and AU tells the truth about what it has received."""
    pair["FR"].close()
    old = pair.root / "backup"
    shutil.copytree(pair["FR"].home.root, old)
    pair["FR"].say("two", "AU")
    pair.sync("AU")
    pair["FR"].close()
    shutil.rmtree(pair["FR"].home.root)
    shutil.copytree(old, pair["FR"].home.root)
    pair.relay.show_feed = lambda _, groups: [replace(one, index=0) for one in groups]
    report = pair["FR"].sync()
    assert ["the feed shows entry 0 after" in alarm for alarm in report.alarms] == [True]
    pair.relay.be_honest()
    pair.sync("FR")
    assert pair["FR"].state().sent == {"AU": 2, "DE": 1}


def test_a_receipt_under_a_key_of_a_withheld_roster_is_not_called_forged(pair: World) -> None:
    index = pair.follow(pair.exchange.rotated("DE", len(pair.relay.entries)))
    checkpoint = pair.relay.checkpoint()
    said = Receipt.parse(Note.parse(pair.relay.receipts["DE", "FR"]).text)
    newer = replace(said, checkpoint=checkpoint, issued_at=said.issued_at + 10)
    pair.relay.receipts["DE", "FR"] = sign(newer.text(), party("DE", 1).signer)
    pair.relay.show_feed = lambda _, groups: [one for one in groups if one.index != index]
    assert not pair["FR"].sync().clean
    assert pair["FR"].state().alarms == ("withheld-roster",)
    pair.relay.be_honest()
    pair.sync("FR")
    found = pair["FR"].store.receipts.get("DE", "FR")
    assert found is not None
    assert found.note == pair.relay.receipts["DE", "FR"]


# What would last for ever


def test_a_receipt_in_a_series_that_no_roster_gives_does_not_silence_its_signer(pair: World) -> None:
    """Made by who once had AU's key: no true receipt of AU would ever come after it."""
    true = pair.relay.receipts["AU", "FR"]
    said = Receipt.parse(Note.parse(true).text)
    for poisoned in (
        replace(said, received=Direction(2, 0, EMPTY_TRANSCRIPT), opened_through=0),
        replace(said, sent=Direction(2**53 - 1, 0, EMPTY_TRANSCRIPT)),
    ):
        pair.relay.receipts["AU", "FR"] = sign(poisoned.text(), party("AU").signer)
        assert any("does not number in series" in alarm for alarm in pair["FR"].sync().alarms)
    pair.relay.receipts["AU", "FR"] = true
    pair["FR"].say("two", "AU")
    pair.sync("AU", "FR")
    held = pair["FR"].store.receipts.get("AU", "FR")
    assert held is not None
    assert Receipt.parse(Note.parse(held.note).text).received.through == 2


def test_a_log_dated_far_ahead_makes_nobody_look_alive_and_ends_no_heartbeat(pair: World) -> None:
    now = pair.now
    pair.relay.clock = lambda: now + 400 * 365 * 24 * 3600
    pair["DE"].say("time flies", "FR", "AU")
    pair.sync("AU", "FR")
    pair.now += 10 * 24 * 3600
    pair["FR"].say("two", "AU")
    pair.sync("AU", "FR")
    assert heartbeat(pair["FR"].node.session, "AU") is None
    pair.relay.clock = lambda: pair.now
    pair["DE"].say("the clock is right again", "FR", "AU")
    pair.sync("AU", "FR")
    beat = heartbeat(pair["FR"].node.session, "AU")
    assert beat is not None
    assert abs(beat - pair.now) < 3600


# The pin


def test_former_officers_cannot_lead_a_newcomer_away_from_the_roster_that_it_pins(pair: World) -> None:
    """The old quorum signs another second roster, and the relay shows it to the newcomer alone, in a log of its own."""
    trunk = pair.exchange
    true_second = trunk.succeed(trunk.propose(**trunk.changed("JP", status="suspended")), 1)
    true_third = true_second.succeed(true_second.propose(expires=EXPIRES + 3), 2)
    forged_second = trunk.rotated("FR", 1)
    side = pair.relay.fork(1)
    side.log_roster(forged_second.notes[-1])
    case = replace(pair, exchange=forged_second).forge("FR", {"DE": 1}, text="from a ghost")
    side.log_dispatch(case.note, case.openings, case.sealed)
    side.rosters = [true_third.notes[0], true_third.notes[1], true_third.notes[2]]
    lost = pair.members.pop("DE")
    lost.close()
    shutil.rmtree(lost.home.root)
    pair.members["DE"] = fresh = Member(pair, "DE", lost.home, pinned=true_third.chain.links[-1].id)
    fresh.line.relay = side
    with pytest.raises(Refused, match="pinned roster is not in the chain"):
        fresh.sync()
    assert fresh.state().rosters == 1
    assert fresh.texts() == []
    with pytest.raises(Refused, match="pinned roster is not in the chain"):
        fresh.say("to a ghost", "FR")


def test_a_log_that_begins_with_the_first_roster_under_other_signatures_is_not_ours(world: World) -> None:
    first = Note.parse(world.exchange.notes[0])
    other = Note(first.text, tuple(reversed(first.signatures))).serialise()
    world.relay.entries[0] = Entry(ROSTER, other)
    with pytest.raises(Refused, match="does not begin with the first roster"):
        world["AU"].sync()
    assert world["AU"].state().log == 0
    world.relay.entries[0] = Entry(ROSTER, world.exchange.notes[0])
    world.sync("AU")


def test_more_receipts_than_there_can_be_are_not_looked_at(pair: World) -> None:
    pair.relay.show_receipts = lambda _, notes: [*notes, *([b"x"] * 3000)]
    report = pair["AU"].sync()
    assert "more than 2048 receipts" in report.alarms[0]
    pair.relay.be_honest()
    pair.sync("AU")
