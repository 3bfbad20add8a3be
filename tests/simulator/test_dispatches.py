"""What a relay or a forger can do to a dispatch between its sender and its recipient (PROTOCOL §10)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from envoi_client.body import Envelope, seal_body
from envoi_keys.dispatches import Dispatch, Opening
from envoi_keys.notes import Note

from ..exchange import Exchange, party, seed, sign
from ..unit.client.served import keys_of
from .relay import Entry, Group
from .world import World, note

Spoil = Callable[[Group], Group]


def spoiling(index: int, spoil: Spoil) -> Callable[[str, list[Group]], list[Group]]:
    """A feed in which the entry at ``index`` is spoiled."""
    return lambda _, groups: [spoil(one) if one.index == index else one for one in groups]


def without(*indexes: int) -> Callable[[str, list[Group]], list[Group]]:
    """A feed that leaves these entries out."""
    return lambda _, groups: [one for one in groups if one.index not in indexes]


# Dropped


def test_a_dropped_dispatch_leaves_a_gap_that_is_seen_and_closed_by_an_honest_feed(pair: World) -> None:
    pair["FR"].say("two", "AU")
    pair["FR"].say("three", "AU")
    pair.relay.show_feed = without(2)
    report = pair["AU"].sync()
    assert len(report.alarms) == 1
    assert report.alarms[0].startswith("dispatches 2 to 2 of FR are missing before 3")
    found = pair["AU"].state()
    assert found.inbox == ((1, "FR", 1, "ok"), (3, "FR", None, "refused"))
    assert (found.received, found.alarms) == ({"FR": 1}, ("number-gap",))
    assert pair["AU"].receipt_for("FR").received.through == 1
    # Still so the next time: the sync does not fall silent.
    assert not pair["AU"].sync().clean
    pair.relay.be_honest()
    pair.sync("AU")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two"), ("FR", "three")]
    assert pair["AU"].state().received == {"FR": 3}
    assert pair["AU"].receipt_for("FR").received.through == 3
    pair.sync("FR")


def test_a_dropped_newest_dispatch_is_seen_by_its_senders_receipt(pair: World) -> None:
    pair["FR"].say("two", "AU")
    pair.sync("FR")
    pair.relay.show_feed = without(2)
    for _ in range(2):
        assert not pair["AU"].sync().clean
    found = pair["AU"].state()
    assert (found.inbox, found.received, found.alarms) == (((1, "FR", 1, "ok"),), {"FR": 1}, ("withheld",))
    assert "FR has sent 2 dispatches and the relay shows 1" in pair["AU"].alarm("withheld").detail
    pair.relay.be_honest()
    pair.sync("AU")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two")]
    assert pair["AU"].state().received == {"FR": 2}


def test_a_dropped_newest_dispatch_is_found_although_another_came_after_it(pair: World) -> None:
    pair["FR"].say("two", "AU")
    pair.sync("FR")
    pair["DE"].say("from another", "AU")
    pair.relay.show_feed = without(2)
    assert not pair["AU"].sync().clean
    assert pair["AU"].state().received == {"FR": 1, "DE": 1}
    pair.relay.be_honest()
    pair.sync("AU")
    assert set(pair["AU"].texts()) == {("FR", "one"), ("FR", "two"), ("DE", "from another")}


def test_a_withheld_dispatch_is_not_forgotten_when_the_receipt_is_withheld_next(pair: World) -> None:
    pair["FR"].say("two", "AU")
    pair.sync("FR")
    pair.relay.show_feed = without(2)
    assert not pair["AU"].sync().clean
    pair.relay.show_receipts = lambda _, __: []
    assert not pair["AU"].sync().clean
    pair["AU"].restart()
    assert not pair["AU"].sync().clean


# Duplicated, reordered


def test_a_duplicated_dispatch_counts_once(pair: World) -> None:
    pair["FR"].say("two", "AU")
    pair.relay.show_feed = lambda _, groups: [one for group in groups for one in (group, group)]
    assert not pair["AU"].sync().clean
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two")]
    pair.relay.be_honest()
    pair.sync("AU")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two")]
    assert pair["AU"].state().received == {"FR": 2}


def test_reordered_dispatches_are_not_taken_in_the_wrong_order(pair: World) -> None:
    pair["FR"].say("two", "AU")
    pair["FR"].say("three", "AU")
    pair.relay.show_feed = lambda _, groups: groups[::-1]
    assert not pair["AU"].sync().clean
    found = pair["AU"].state()
    assert found.received == {"FR": 1}
    assert ("FR", "two") not in pair["AU"].texts()
    pair.relay.be_honest()
    pair.sync("AU")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two"), ("FR", "three")]


def test_dispatches_that_change_places_are_not_those_that_the_log_holds(pair: World) -> None:
    pair["FR"].say("two", "AU")
    pair["FR"].say("three", "AU")

    def exchanged(_: str, groups: list[Group]) -> list[Group]:
        return [replace(b, index=a.index) for a, b in zip(groups, groups[::-1], strict=True)]

    pair.relay.show_feed = exchanged
    assert not pair["AU"].sync().clean
    found = pair["AU"].state()
    assert [verdict for *_, verdict in found.inbox] == ["ok", "refused", "refused"]
    assert (found.received, found.alarms) == ({"FR": 1}, ("not-logged", "not-logged"))
    pair.relay.be_honest()
    pair.sync("AU")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two"), ("FR", "three")]


# Altered


def altered_note(group: Group) -> Group:
    return replace(group, note=group.note.replace(b'"exercise":true', b'"exercise":false'))


def altered_body(group: Group) -> Group:
    return replace(group, body=group.body[:-1] + bytes([group.body[-1] ^ 1]))


def altered_opening(group: Group) -> Group:
    return replace(group, openings=Opening(group.openings[:32], 3).to_bytes())


def missing_opening(group: Group) -> Group:
    return replace(group, openings=b"")


def missing_body(group: Group) -> Group:
    return replace(group, body=b"")


def stripped(half: int) -> Spoil:
    def spoil(group: Group) -> Group:
        parsed = Note.parse(group.note)
        return replace(group, note=Note(parsed.text, parsed.signatures[half : half + 1]).serialise())

    return spoil


def resigned(group: Group) -> Group:
    return replace(group, note=sign(Note.parse(group.note).text, party("JP").signer))


def garbage(group: Group) -> Group:
    return replace(group, note=b"\xff" * 40)


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (altered_note, "not-logged"),
        (altered_body, "unverified"),
        (altered_opening, "unverified"),
        (missing_opening, "malformed"),
        (missing_body, "unverified"),
        (stripped(0), "not-logged"),
        (stripped(1), "not-logged"),
        (resigned, "not-logged"),
        (garbage, "not-logged"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_dispatch_altered_in_the_relay_is_refused_and_taken_when_it_is_whole(
    pair: World, spoil: Spoil, kind: str
) -> None:
    pair["FR"].say("two", "AU", "DE")
    pair["FR"].say("three", "AU")
    pair.relay.show_feed = spoiling(2, spoil)
    assert not pair["AU"].sync().clean
    found = pair["AU"].state()
    # Neither it nor what follows it counts, and the one who acknowledges says so.
    assert found.inbox == ((1, "FR", 1, "ok"), (2, "", None, "refused"), (3, "FR", None, "refused"))
    assert (found.received, found.alarms) == ({"FR": 1}, (kind, "number-gap"))
    assert pair["AU"].entry(2).reason.startswith(kind)
    assert pair["AU"].receipt_for("FR").received.through == 1
    pair["AU"].restart()
    assert not pair["AU"].sync().clean
    assert pair["AU"].state() == found
    pair.relay.be_honest()
    pair.sync("AU", "FR")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two"), ("FR", "three")]
    healed = pair["AU"].state()
    assert (healed.received, healed.alarms) == ({"FR": 3}, found.alarms)


def test_a_dispatch_shown_at_another_index_is_refused_and_taken_at_its_own(pair: World) -> None:
    pair["FR"].say("two", "AU")
    pair["FR"].say("to another", "DE")
    pair.relay.show_feed = spoiling(2, lambda group: replace(group, index=3))
    assert not pair["AU"].sync().clean
    assert pair["AU"].state().inbox == ((1, "FR", 1, "ok"), (3, "", None, "refused"))
    pair.relay.be_honest()
    # Whose number is missing comes out with the sender's receipt, and then the feed is read again from before it.
    pair.sync("FR")
    assert not pair["AU"].sync().clean
    pair.sync("AU")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two")]
    assert pair["AU"].state().received == {"FR": 2}


# What is logged and void


def test_a_dispatch_signed_by_somebody_else_is_void_wherever_it_is_logged(pair: World) -> None:
    case = pair.forge("FR", {"AU": 2, "DE": 2}, "forged")
    index = pair.log(case, sign(case.dispatch.text(), party("JP").signer))
    before = pair["AU"].state()
    assert not pair["AU"].sync().clean
    after = pair["AU"].state()
    assert after.inbox == (*before.inbox, (index, "", None, "refused"))
    assert (after.received, after.cursor, after.alarms) == (before.received, index, ("unverified",))
    # For good: nothing is asked for again, and the true second one counts.
    pair["FR"].sync()
    pair.relay.entries[index] = replace(pair.relay.entries[index], sender="", openings={})
    pair["FR"].say("two", "AU", "DE")
    pair.sync("AU", "DE")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two")]


@pytest.mark.parametrize("half", [0, 1], ids=["without ML-DSA", "without Ed25519"])
def test_half_a_hybrid_signature_is_void_though_it_is_logged(pair: World, half: int) -> None:
    case = pair.forge("FR", {"AU": 2}, "forged by whoever broke the other half")
    whole = Note.parse(case.note)
    index = pair.log(case, Note(whole.text, (whole.signatures[half],)).serialise())
    assert not pair["AU"].sync().clean
    found = pair["AU"].state()
    assert found.inbox[-1] == (index, "", None, "refused")
    assert (found.received, found.alarms) == ({"FR": 1}, ("unverified",))
    assert "half" in pair["AU"].entry(index).reason


def test_a_body_sealed_anew_by_the_relay_is_refused(pair: World) -> None:
    """Everybody's sealing keys are public: anybody can seal, and only the header says which body counts."""
    pair["FR"].say("two", "AU")
    header = Note.parse(pair.relay.entries[2].note)
    envelope = Envelope.of(Dispatch.parse(header.text))
    sealed, _ = seal_body(note("forged"), envelope, keys_of(pair.exchange, ("AU",)))
    pair.relay.show_feed = spoiling(2, lambda group: replace(group, body=sealed))
    assert not pair["AU"].sync().clean
    assert pair["AU"].state().inbox == ((1, "FR", 1, "ok"), (2, "", None, "refused"))
    assert "sealed bytes are not those" in pair["AU"].entry(2).reason
    pair.relay.be_honest()
    pair.sync("AU")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two")]


def test_a_dispatch_replayed_at_a_second_index_counts_once(pair: World) -> None:
    index = pair.relay.log(pair.relay.entries[1])
    report = pair["AU"].sync()
    assert "dispatch 1 of FR was logged twice" in report.alarms[0]
    found = pair["AU"].state()
    assert found.inbox == ((1, "FR", 1, "ok"), (index, "FR", None, "refused"))
    assert (found.received, found.alarms, found.cursor) == ({"FR": 1}, ("replayed",), index)
    assert pair["AU"].texts() == [("FR", "one")]
    assert pair["AU"].receipt_for("FR").received.through == 1
    # Its sender sees the second one in the log too, and its own numbers stay.
    before = pair["FR"].state()
    pair["FR"].sync()
    assert pair["FR"].state().sent == before.sent
    assert [state for state, _ in pair["FR"].state().outbox] == ["accepted"]


def test_two_dispatches_with_one_number_are_fraud_and_both_are_the_evidence(pair: World) -> None:
    pair.spoken |= {("FR", "AU", "another first")}
    index = pair.log(pair.forge("FR", {"AU": 1}, "another first"))
    report = pair["AU"].sync()
    assert "two dispatches numbered 1 of FR" in report.alarms[0]
    found = pair["AU"].state()
    assert found.inbox == ((1, "FR", 1, "ok"), (index, "FR", None, "refused"))
    assert (found.received, found.alarms) == ({"FR": 1}, ("number-reused",))
    assert pair["AU"].evidence("number-reused") == (
        pair.relay.entries[1].note,
        pair.relay.entries[index].note,
    )
    assert pair["AU"].texts() == [("FR", "one")]
    # Once found it is one alarm, however often it is read again.
    pair["AU"].sync()
    assert pair["AU"].state().alarms == ("number-reused",)


def test_a_number_that_the_sender_skipped_is_a_gap_that_stays_open(pair: World) -> None:
    pair.spoken |= {("FR", "AU", "third")}
    pair.log(pair.forge("FR", {"AU": 3}, "third"))
    for _ in range(2):
        assert not pair["AU"].sync().clean
    found = pair["AU"].state()
    assert (found.received, found.alarms) == ({"FR": 1}, ("number-gap",))
    assert pair["AU"].texts() == [("FR", "one")]
    # The gap of one sender is not the other's.
    pair["JP"].sync()
    pair["JP"].say("hello", "AU")
    pair["AU"].sync()
    assert pair["AU"].texts() == [("FR", "one"), ("JP", "hello")]


def test_a_statement_of_another_exchange_means_nothing_here(pair: World) -> None:
    # The same states with the same keys, another first roster.
    trial = World(pair.root / "trial", Exchange.make(6))
    case = trial.forge("FR", {"AU": 2}, "only a trial")
    index = pair.log(case)
    report = pair["AU"].sync()
    assert "belongs to exchange" in report.alarms[0]
    found = pair["AU"].state()
    assert found.inbox[-1] == (index, "", None, "refused")
    assert (found.received, found.alarms) == ({"FR": 1}, ("other-exchange",))


def test_a_series_that_the_roster_does_not_give_cannot_start_numbers_anew(pair: World) -> None:
    index = pair.log(pair.forge("FR", {"AU": 1}, "first of a new series", series=2))
    report = pair["AU"].sync()
    assert "numbers in series 1, not 2" in report.alarms[0]
    found = pair["AU"].state()
    assert found.inbox[-1] == (index, "", None, "refused")
    assert (found.received, found.alarms) == ({"FR": 1}, ("wrong-series",))


def test_an_entry_of_the_log_that_nobody_can_show_is_no_dispatch(pair: World) -> None:
    pair.relay.log(Entry("envoi/dispatch/v1", seed("never shown")))
    pair.sync("AU", "FR")
    assert pair["AU"].state().log == 3
    assert pair["AU"].texts() == [("FR", "one")]


# Our own dispatches, as the relay shows them to us


def test_a_dispatch_that_only_claims_to_be_ours_changes_no_numbers(pair: World) -> None:
    case = pair.forge("FR", {"AU": 2}, "we never wrote this")
    index = pair.log(case, sign(case.dispatch.text(), party("JP").signer))
    pair["DE"].say("after it", "FR")
    before = pair["FR"].state()
    assert not pair["FR"].sync().clean
    after = pair["FR"].state()
    assert (after.sent, after.outbox) == (before.sent, before.outbox)
    # What comes after it is read, now and later.
    assert pair["FR"].texts() == [("DE", "after it")]
    assert index < after.cursor
    pair["DE"].say("and again", "FR")
    pair["FR"].sync()
    assert pair["FR"].texts() == [("DE", "after it"), ("DE", "and again")]


def test_our_own_dispatch_shown_with_other_openings_changes_no_numbers(pair: World) -> None:
    pair["FR"].say("two", "AU", "DE")
    pair["FR"].restart()
    before = pair["FR"].state()
    pair.relay.show_feed = spoiling(2, lambda group: replace(group, openings=bytes(80)))
    assert not pair["FR"].sync().clean
    assert pair["FR"].state().sent == before.sent == {"AU": 2, "DE": 2}
    assert pair["FR"].state().outbox == before.outbox
    pair.relay.be_honest()
    pair.sync("FR")
