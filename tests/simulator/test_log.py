"""One history: whatever the relay shows of its log, nobody believes two (PROTOCOL §7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from envoi_client.node.audit import audit
from envoi_keys.checkpoints import parse_checkpoint
from envoi_keys.errors import Fraud, PeerError, Refused, Unverified
from envoi_keys.notes import Note

from ..exchange import log_signer
from .relay import Entry, Relay
from .world import World


def one_half(half: int) -> Callable[[bytes], bytes]:
    def strip(raw: bytes) -> bytes:
        note = Note.parse(raw)
        return Note(note.text, (note.signatures[half],)).serialise()

    return strip


def head_size(raw: bytes) -> int:
    return parse_checkpoint(raw)[0].size


# Shrunken, stale


def test_a_shrunken_log_is_an_alarm_and_costs_nothing_that_was_held(pair: World) -> None:
    before = pair["AU"].state()
    pair.relay.show_checkpoint = lambda _: pair.relay.checkpoint(1)
    with pytest.raises(Refused, match="shows 1 log entries and has signed 2") as caught:
        pair["AU"].sync()
    assert caught.value.reason == "stale-log"
    assert pair["AU"].state() == replace(before, alarms=("stale-log",))
    assert pair["AU"].texts() == [("FR", "one")]
    pair.relay.be_honest()
    pair["FR"].say("two", "AU")
    pair.sync("AU")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two")]


def test_one_stale_answer_is_asked_again_and_nobody_is_accused(pair: World) -> None:
    shown: list[bytes] = []

    def stale_once(note: bytes) -> bytes:
        shown.append(note)
        return pair.relay.checkpoint(1) if len(shown) == 1 else note

    pair.relay.show_checkpoint = stale_once
    pair.sync("AU")
    assert len(shown) == 2
    assert pair["AU"].state().alarms == ()


def test_an_empty_log_after_a_full_one_is_stale(pair: World) -> None:
    pair.relay.show_checkpoint = lambda _: pair.relay.checkpoint(0)
    with pytest.raises(PeerError):
        pair["AU"].sync()
    assert pair["AU"].state().log == 2
    assert pair["AU"].state().alarms == ("stale-log",)


def test_a_log_frozen_for_one_member_is_seen_by_the_receipts_of_another(pair: World) -> None:
    pair["FR"].say("two", "DE")
    pair.sync("DE", "FR")
    frozen = pair.relay.checkpoint(2)
    pair.relay.show_checkpoint = lambda _: frozen
    report = pair["AU"].sync()
    # FR has said nothing to AU since, so nothing is missing by number: only what FR was shown gives it away.
    assert report.clean or any("shows us 2" in alarm for alarm in report.alarms)
    pair["FR"].say("three", "AU")
    pair.relay.be_honest()
    pair.sync("FR")
    pair.relay.show_checkpoint = lambda _: frozen
    report = pair["AU"].sync()
    assert any("a receipt of FR shows a log of 4 entries, and the relay shows us 2" in alarm for alarm in report.alarms)
    found = pair["AU"].state()
    assert (found.log, found.received) == (2, {"FR": 1})
    assert "stale-log" in found.alarms
    # From now on less than FR was shown is not taken at all.
    with pytest.raises(Refused, match="shows 2 log entries and has signed 4"):
        pair["AU"].sync()
    pair.relay.be_honest()
    pair.sync("AU")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "three")]
    assert pair["AU"].state().log == 4


# Forked


def forked(world: World, size: int) -> Relay:
    """Another history after ``size`` entries, one entry longer than the true one."""
    other = world.relay.fork(size)
    while len(other.entries) <= len(world.relay.entries):
        other.log(Entry("envoi/dispatch/v1", b"of another history %d" % len(other.entries)))
    return other


@pytest.mark.parametrize("restarted", [False, True], ids=["while running", "after a restart"])
def test_a_forked_log_is_fraud_and_both_heads_are_the_evidence(pair: World, restarted: bool) -> None:
    other = forked(pair, 1)
    held = pair["AU"].store.log.view()
    before = pair["AU"].state()
    pair["AU"].line.relay = other
    if restarted:
        pair["AU"].restart()
    with pytest.raises(Fraud) as caught:
        pair["AU"].sync()
    mine, theirs = caught.value.evidence
    assert mine == held.checkpoint
    assert head_size(theirs) == 3
    after = pair["AU"].state()
    assert after == replace(before, alarms=("log-forked",))
    assert pair["AU"].evidence("log-forked") == caught.value.evidence
    assert pair["AU"].store.log.view() == held
    # Back on its own history it goes on.
    pair["AU"].line.relay = pair.relay
    pair["FR"].say("two", "AU")
    pair.sync("AU")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two")]


def test_two_heads_of_one_size_are_fraud(pair: World) -> None:
    other = pair.relay.fork(1)
    other.log(Entry("envoi/dispatch/v1", b"instead"))
    pair["AU"].line.relay = other
    with pytest.raises(Fraud, match="two heads of one size"):
        pair["AU"].sync()
    assert pair["AU"].state().log == 2
    heads = [parse_checkpoint(one)[0] for one in pair["AU"].evidence("log-forked")]
    assert [one.size for one in heads] == [2, 2]
    assert heads[0].root != heads[1].root


def test_a_shrunken_head_of_another_history_is_fraud_and_not_merely_stale(pair: World) -> None:
    pair["FR"].say("two", "AU")
    pair.sync("AU")
    other = pair.relay.fork(1)
    other.log(Entry("envoi/dispatch/v1", b"instead"))
    pair["AU"].line.relay = other
    with pytest.raises(Fraud, match="another history of the first 2 entries"):
        pair["AU"].sync()
    assert pair["AU"].state().alarms == ("log-forked",)


def test_two_members_on_two_histories_find_out_by_each_others_receipts(pair: World) -> None:
    other = forked(pair, 2)
    pair["AU"].line.relay = other
    pair.relay.log(Entry("envoi/dispatch/v1", b"of this history"))
    pair.relay.log(Entry("envoi/dispatch/v1", b"of this history too"))
    pair.sync("AU", "FR")
    # The two histories have parted, and each looks whole by itself.
    assert pair["AU"].state().log != pair["FR"].state().log
    pair["FR"].say("two", "AU")
    pair.sync("FR")
    # FR's word reaches AU, whichever way.
    other.receipts["FR", "AU"] = pair.relay.receipts["FR", "AU"]
    report = pair["AU"].sync()
    assert not report.clean
    assert "stale-log" in pair["AU"].state().alarms
    # When the fork has grown to the size that FR was shown, it contradicts a head that the relay signed.
    while len(other.entries) < len(pair.relay.entries):
        other.log(Entry("envoi/dispatch/v1", b"more %d" % len(other.entries)))
    with pytest.raises(Fraud, match="a receipt of FR shows another history"):
        pair["AU"].sync()
    (evidence,) = pair["AU"].evidence("log-forked")
    assert head_size(evidence) == 5
    assert pair["AU"].texts() == [("FR", "one")]


# Checkpoints and tiles that do not hold


@pytest.mark.parametrize("half", [0, 1], ids=["Ed25519 alone", "ML-DSA alone"])
def test_a_checkpoint_signed_by_one_half_only_is_no_checkpoint(pair: World, half: int) -> None:
    pair["FR"].say("two", "AU")
    before = pair["AU"].state()
    pair.relay.show_checkpoint = one_half(half)
    with pytest.raises(Unverified, match="lacks the log's"):
        pair["AU"].sync()
    after = pair["AU"].state()
    assert (after.log, after.inbox, after.cursor) == (before.log, before.inbox, before.cursor)
    pair.relay.be_honest()
    pair.sync("AU")
    assert pair["AU"].state().received == {"FR": 2}


def test_a_checkpoint_signed_by_another_key_is_no_checkpoint(pair: World) -> None:
    before = pair["AU"].state()
    thief = log_signer(generation=1)
    tree = pair.relay.tree()
    pair.relay.show_checkpoint = lambda _: thief.sign(tree.size, tree.root(), pair.now)
    with pytest.raises(Unverified):
        pair["AU"].sync()
    assert pair["AU"].state().inbox == before.inbox
    assert pair["AU"].state().log == before.log
    pair.relay.be_honest()
    pair.sync("AU")


def test_a_checkpoint_of_another_log_is_refused_though_the_relay_signed_it(pair: World) -> None:
    other = log_signer("envoi.example/trial")
    tree = pair.relay.tree()
    pair.relay.show_checkpoint = lambda _: other.sign(tree.size, tree.root(), pair.now)
    with pytest.raises(Unverified, match="of the log"):
        pair["AU"].sync()
    assert pair["AU"].state().log == 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda entries: [*entries[:-1], entries[-1].replace(b"dispatch", b"roster")],
        lambda entries: entries[::-1],
        lambda entries: [*entries[:-1], b"garbage"],
        lambda entries: entries[:-1],
        lambda entries: [*entries, entries[-1]],
        lambda entries: [],
    ],
    ids=["another type", "reordered", "garbage", "too few", "too many", "none"],
)
def test_entries_that_do_not_reach_the_signed_head_are_not_taken(
    pair: World, spoil: Callable[[list[bytes]], list[bytes]]
) -> None:
    pair["FR"].say("two", "AU")
    before = pair["AU"].state()
    pair.relay.show_bundle = spoil
    with pytest.raises(PeerError):
        pair["AU"].sync()
    after = pair["AU"].state()
    assert after == replace(before, alarms=("log-forked",))
    assert audit(pair["AU"].node.session).findings == ()
    pair.relay.be_honest()
    pair.sync("AU")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two")]


def test_entries_damaged_once_on_the_way_accuse_nobody(pair: World) -> None:
    pair["FR"].say("two", "AU")
    count = []

    def once(entries: list[bytes]) -> list[bytes]:
        count.append(1)
        return entries[::-1] if len(count) == 1 else entries

    pair.relay.show_bundle = once
    pair.sync("AU")
    assert pair["AU"].state().alarms == ()
    assert pair["AU"].state().received == {"FR": 2}


def test_a_log_that_does_not_begin_with_our_roster_is_not_our_log(world: World) -> None:
    other = world.relay.fork(0)
    other.entries = [Entry("envoi/dispatch/v1", b"something else"), *world.relay.entries]
    world["AU"].line.relay = other
    with pytest.raises(PeerError):
        world["AU"].sync()
    assert world["AU"].state().log == 0
    world["AU"].line.relay = world.relay
    world.sync("AU")
    assert audit(world["AU"].node.session).findings == ()


# The edge between log and feed


def test_entries_beyond_the_checkpoint_wait_for_a_checkpoint_that_holds_them(pair: World) -> None:
    pair["FR"].say("two", "AU")
    pair.sync("AU")
    pair["FR"].say("three", "AU")
    old = pair.relay.checkpoint(3)
    pair.relay.show_checkpoint = lambda _: old
    pair["AU"].sync()
    found = pair["AU"].state()
    assert (found.log, found.cursor, found.received) == (3, 2, {"FR": 2})
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two")]
    pair.relay.be_honest()
    pair.sync("AU")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two"), ("FR", "three")]


def test_more_entries_than_one_tile_holds_are_read_across_tiles(world: World) -> None:
    for number in range(255):
        world.relay.log(Entry("envoi/dispatch/v1", b"filler %d" % number))
    world.sync("FR", "AU")
    world["FR"].say("in the second tile", "AU")
    for number in range(300):
        world.relay.log(Entry("envoi/dispatch/v1", b"more %d" % number))
    world.sync("AU")
    assert world["AU"].texts() == [("FR", "in the second tile")]
    assert world["AU"].state().log == 557
    assert audit(world["AU"].node.session).findings == ()
