"""Receipts that are forged, old, or say what cannot be (PROTOCOL §5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from envoi_client.node import SyncReport
from envoi_client.node.receipts import heartbeat
from envoi_keys.checkpoints import verify_checkpoint
from envoi_keys.errors import Fraud, NetworkError
from envoi_keys.notes import Note
from envoi_keys.receipts import Direction, Receipt, extend_transcript

from ..exchange import Exchange, log_signer, party, seed, sign
from .relay import Entry, problem
from .world import World


def receipt(world: World, sender: str = "AU", to: str = "FR") -> Receipt:
    """The receipt that the relay holds."""
    return Receipt.parse(Note.parse(world.relay.receipts[sender, to]).text)


def show(world: World, changed: Receipt, *, signer: str | None = None) -> bytes:
    """The relay shows FR this one instead."""
    note = sign(changed.text(), party(signer or changed.sender).signer)
    world.relay.receipts[changed.sender, changed.to] = note
    return note


def later(held: Receipt, **changes: Any) -> Receipt:
    return replace(held, issued_at=held.issued_at + 1000, **changes)


def held(world: World, name: str = "FR", sender: str = "AU") -> bytes:
    found = world[name].store.receipts.get(sender, name)
    assert found is not None
    return found.note


def refused(world: World, kind: str, *, evidence: tuple[bytes, ...] | None = None) -> None:
    """FR reports what it is shown, keeps the receipt it had, and nothing else has changed."""
    before, note = world["FR"].state(), held(world)
    beat = heartbeat(world["FR"].node.session, "AU")
    for _ in range(2):
        assert not world["FR"].sync().clean
    after = world["FR"].state()
    assert after == replace(before, alarms=(*before.alarms, kind), cursor=after.cursor, log=after.log)
    assert held(world) == note
    assert heartbeat(world["FR"].node.session, "AU") == beat
    if evidence is not None:
        assert world["FR"].evidence(kind) == evidence


def test_a_forged_receipt_is_not_its_members_word(pair: World) -> None:
    pair["FR"].say("two", "AU")
    show(pair, later(receipt(pair), received=Direction(1, 2, seed("made up").hex())), signer="JP")
    refused(pair, "bad-receipt")


@pytest.mark.parametrize("half", [0, 1], ids=["Ed25519 alone", "ML-DSA alone"])
def test_half_a_signature_under_a_receipt_is_none(pair: World, half: int) -> None:
    whole = Note.parse(show(pair, later(receipt(pair))))
    pair.relay.receipts["AU", "FR"] = Note(whole.text, (whole.signatures[half],)).serialise()
    refused(pair, "bad-receipt")


def test_a_receipt_of_another_exchange_means_nothing_here(pair: World) -> None:
    show(pair, later(receipt(pair), exchange=Exchange.make(6).id))
    refused(pair, "bad-receipt")


def test_a_receipt_between_two_others_is_nothing_to_us(pair: World) -> None:
    stray = show(pair, replace(receipt(pair), to="DE"))
    pair.relay.show_receipts = lambda _, notes: [*notes, stray]
    refused(pair, "bad-receipt")


def test_what_is_served_as_a_receipt_and_is_none_hides_no_other(pair: World) -> None:
    pair["FR"].say("two", "DE")
    pair.sync("DE")
    pair.relay.show_receipts = lambda _, notes: [b"garbage", pair.relay.entries[1].note, *notes]
    assert not pair["FR"].sync().clean
    assert pair["FR"].state().alarms == ("bad-receipt", "bad-receipt")
    assert receipt(pair, "DE").received.through == 2
    assert held(pair, sender="DE") == pair.relay.receipts["DE", "FR"]


def test_an_old_receipt_is_no_heartbeat(pair: World) -> None:
    """A member that is long gone must not look alive because the relay shows its last word again."""
    old = pair.relay.receipts["AU", "FR"]
    pair.now += 10 * 24 * 3600
    pair["DE"].say("time passes", "FR", "AU")
    pair.sync("AU", "FR")
    beat = heartbeat(pair["FR"].node.session, "AU")
    newest = held(pair)
    assert newest != old
    pair.now += 10 * 24 * 3600
    pair["DE"].say("time passes", "FR")
    pair.relay.receipts["AU", "FR"] = old
    pair.sync("FR")
    assert held(pair) == newest
    assert heartbeat(pair["FR"].node.session, "AU") == beat
    pair["FR"].restart()
    pair.sync("FR")
    assert heartbeat(pair["FR"].node.session, "AU") == beat


def test_who_gives_no_sign_of_life_is_named_whatever_old_receipts_the_relay_shows(pair: World) -> None:
    assert pair["FR"].node.silent() == ()
    old = pair.relay.receipts["AU", "FR"]
    pair.now += 49 * 3600  # the profile's window is 48 hours
    assert pair["FR"].node.silent() == ("AU", "DE")
    pair["DE"].say("still here", "FR")
    pair.sync("DE", "FR")
    pair.relay.receipts["AU", "FR"] = old
    pair.sync("FR")
    assert pair["FR"].node.silent() == ("AU",)
    pair.sync("AU", "FR")
    assert pair["FR"].node.silent() == ()


def test_a_heartbeat_counts_by_its_checkpoint_and_not_by_its_signers_clock(pair: World) -> None:
    """AU signs for next year over the checkpoint of today."""
    beat = heartbeat(pair["FR"].node.session, "AU")
    ahead = show(pair, replace(receipt(pair), issued_at=receipt(pair).issued_at + 365 * 24 * 3600))
    pair.sync("FR")
    assert held(pair) == ahead
    assert heartbeat(pair["FR"].node.session, "AU") == beat


def test_a_clock_that_once_ran_ahead_does_not_silence_a_member(pair: World) -> None:
    ahead = show(pair, replace(receipt(pair), issued_at=receipt(pair).issued_at + 365 * 24 * 3600))
    pair.sync("FR")
    assert held(pair) == ahead
    pair["FR"].say("two", "AU")
    pair.sync("AU", "FR")
    assert receipt(pair).received.through == 2
    assert held(pair) == pair.relay.receipts["AU", "FR"]


def test_our_own_clock_set_back_does_not_silence_us(pair: World) -> None:
    pair.now -= 365 * 24 * 3600
    pair["FR"].say("two", "AU")
    pair.sync("AU", "FR")
    assert receipt(pair).received.through == 2
    assert held(pair) == pair.relay.receipts["AU", "FR"]


def test_an_acknowledgement_of_what_was_never_sent_is_fraud_and_the_receipt_the_evidence(pair: World) -> None:
    said = receipt(pair)
    more = Direction(1, 2, extend_transcript(said.received.transcript, seed("made up").hex()))
    note = show(pair, later(said, received=more))
    before = pair["FR"].state()
    report = pair["FR"].sync()
    assert "AU acknowledges dispatch 2, which this member never sent" in report.alarms[0]
    found = pair["FR"].state()
    assert (found.sent, found.outbox) == (before.sent, before.outbox)
    assert pair["FR"].evidence(found.alarms[0]) == (note,)
    # The numbers for everybody else go on; AU's come next when AU's word is true.
    assert pair["FR"].say("to another", "DE").numbers == {"DE": 2}


def test_a_receipt_with_another_transcript_is_fraud_and_the_evidence(pair: World) -> None:
    said = receipt(pair)
    note = show(pair, later(said, received=Direction(1, 1, seed("other dispatches").hex())))
    before, mine = pair["FR"].state(), held(pair)
    report = pair["FR"].sync()
    assert "AU holds other dispatches than this member up to number 1 (sent)" in report.alarms[0]
    found = pair["FR"].state()
    assert found == replace(before, alarms=found.alarms)
    assert pair["FR"].evidence(found.alarms[0]) == (note,)
    assert held(pair) == mine


def test_a_sender_whose_transcript_differs_from_what_we_hold_is_reported(pair: World) -> None:
    said = receipt(pair, "FR", "AU")
    note = show(pair, later(said, sent=Direction(1, 1, seed("other dispatches").hex())))
    report = pair["AU"].sync()
    assert "FR holds other dispatches than this member up to number 1 (received)" in report.alarms[0]
    assert pair["AU"].evidence(pair["AU"].state().alarms[0]) == (note,)
    assert pair["AU"].texts() == [("FR", "one")]


def test_a_receipt_that_takes_numbers_back_replaces_nothing(pair: World) -> None:
    pair["FR"].say("two", "AU")
    old = pair.relay.receipts["AU", "FR"]
    pair.sync("AU", "FR")
    newest = held(pair)
    show(pair, later(Receipt.parse(Note.parse(old).text)))
    pair.sync("FR")
    assert held(pair) == newest


def test_a_receipt_from_a_forked_log_is_fraud_and_its_head_the_evidence(pair: World) -> None:
    fork = pair.relay.fork(1)
    fork.log(Entry("envoi/dispatch/v1", b"instead"))
    show(pair, later(receipt(pair), checkpoint=fork.checkpoint()))
    pair.relay.log(Entry("envoi/dispatch/v1", b"more"))
    report = pair["FR"].sync()
    assert "a receipt of AU shows another history of the first 2 entries" in report.alarms[0]
    (head,) = pair["FR"].evidence("log-forked")
    assert verify_checkpoint(head, pair.exchange.roster.log).root == fork.tree().root()
    assert pair["FR"].state().sent == {"AU": 1, "DE": 1}
    assert receipt(pair).checkpoint != Receipt.parse(Note.parse(held(pair)).text).checkpoint
    # The relay signed both histories. From now on that is the first thing that every sync says.
    with pytest.raises(Fraud, match="a receipt of AU shows another history"):
        pair["FR"].sync()


def test_a_receipt_with_a_checkpoint_of_another_log_is_none(pair: World) -> None:
    tree = pair.relay.tree()
    other = log_signer(generation=1).sign(tree.size, tree.root(), pair.now)
    show(pair, later(receipt(pair), checkpoint=other))
    refused(pair, "bad-receipt")


def test_a_delivered_dispatch_that_the_relay_never_acknowledged_is_no_fraud_of_its_recipient(pair: World) -> None:
    """The relay passes FR's dispatch on, tells FR that it is down, and hides it from FR."""

    def hide(request: httpx.Request, honest: Any) -> httpx.Response:
        answer: httpx.Response = honest()
        return httpx.Response(503) if (request.method, request.url.path) == ("POST", "/v1/dispatches") else answer

    pair.relay.answer = hide
    pair.relay.show_feed = lambda caller, groups: [one for one in groups if caller != "FR"]
    with pytest.raises(NetworkError):
        pair["FR"].say("two", "AU")
    pair.sync("AU")
    with pytest.raises(NetworkError):
        pair["FR"].sync()
    assert pair["FR"].state().alarms == ("withheld",)
    assert "AU has received dispatch 2, which the relay has not acknowledged" in pair["FR"].alarm("withheld").detail
    pair.relay.be_honest()
    pair.sync("FR")
    assert pair["FR"].state().sent == {"AU": 2, "DE": 1}
    assert [state for state, _ in pair["FR"].state().outbox] == ["accepted", "accepted"]


def test_one_receipt_that_the_relay_refuses_keeps_no_other_from_its_reader(pair: World) -> None:
    def refuse(request: httpx.Request, honest: Any) -> httpx.Response:
        if (request.method, request.url.path) == ("POST", "/v1/receipts"):
            one = Receipt.parse(Note.parse(request.content).text)
            if one.to == "AU":
                return problem(409, "receipt-outdated")
        answer: httpx.Response = honest()
        return answer

    pair["FR"].say("two", "AU", "DE")
    pair.relay.answer = refuse
    report = pair["FR"].sync()
    assert report.clean
    assert len(report.refusals) == 1
    assert receipt(pair, "FR", "DE").sent.through == 2
    pair.relay.be_honest()
    pair.sync("FR")
    assert receipt(pair, "FR", "AU").sent.through == 2


def test_a_round_in_which_no_receipt_can_be_handed_in_still_says_what_it_received(pair: World) -> None:
    def unreachable(request: httpx.Request) -> None:
        if (request.method, request.url.path) == ("POST", "/v1/receipts"):
            raise httpx.ConnectError("gone")

    sent, reader, report = pair["FR"].say("two", "AU"), pair["AU"], SyncReport()
    reader.line.before = unreachable
    with pytest.raises(NetworkError):
        reader.node.sync(report)
    assert report.received == [sent.id]
    reader.line.mend()
    # The next round receives nothing new, and acknowledges what came.
    assert reader.sync().received == []
    assert receipt(pair, "AU", "FR").received.through == 2
