"""What a sender can do wrong inside the seal: such a dispatch counts, is not opened, and the receipt says so.

The relay cannot make any of these, for they are signed; it need not notice them either, so the client does.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from envoi_client.age import HybridIdentity, X25519Identity, seal, unseal
from envoi_client.body import Envelope
from envoi_keys import age_header

from ..exchange import party
from ..unit.client.served import BODY, Case, keys_of, plain_body
from .world import World

AU = "AU"


def unopened(world: World, case: Case, reason: str) -> None:
    """``case`` counts for AU under its number, says nothing, is acknowledged as not opened, and the next is read."""
    index = world.log(case)
    assert world[AU].sync().unopened == [world[AU].entry(index).id]
    found = world[AU].state()
    assert found.inbox[-1] == (index, "FR", 2, "unopened")
    assert (found.received, found.cursor) == ({"FR": 2}, index)
    entry = world[AU].entry(index)
    assert entry.body is None
    assert entry.reason.startswith(f"{reason}: "), entry.reason
    receipt = world[AU].receipt_for("FR")
    assert (receipt.received.through, receipt.could_not_open) == (2, (2,))
    # The sender learns it, and goes on with the next number.
    world["FR"].sync()
    assert world["FR"].state().sent["AU"] == 2
    world["FR"].say("three", "AU")
    world.sync(AU)
    assert world[AU].texts() == [("FR", "one"), ("FR", "three")]
    assert world[AU].receipt_for("FR").could_not_open == (2,)


def test_a_recipient_left_out_of_the_body_says_so(pair: World) -> None:
    """Both stand in the header, and only DE has a stanza."""
    unopened(pair, pair.forge("FR", {"AU": 2, "DE": 2}, keys=keys_of(pair.exchange, ("DE",))), "malformed")


def test_a_dud_stanza_in_our_place_leaves_the_dispatch_unopened(pair: World) -> None:
    keys = [*party("JP").sealing, *keys_of(pair.exchange, ("DE",))]
    unopened(pair, pair.forge("FR", {"AU": 2, "DE": 2}, keys=keys), "unverified")


def test_a_ghost_among_the_stanzas_is_noticed_by_those_who_could_open(pair: World) -> None:
    keys = [*keys_of(pair.exchange, ("AU", "DE")), *party("JP").sealing]
    unopened(pair, pair.forge("FR", {"AU": 2, "DE": 2}, keys=keys), "malformed")


def test_a_doubled_stanza_is_one_too_many(pair: World) -> None:
    keys = [*keys_of(pair.exchange, ("AU",)), *keys_of(pair.exchange, ("AU", "DE"))]
    unopened(pair, pair.forge("FR", {"AU": 2, "DE": 2}, keys=keys), "malformed")


def test_stanzas_out_of_roster_order_are_not_searched_for_ours(pair: World) -> None:
    keys = keys_of(pair.exchange, ("AU", "DE"))[::-1]
    unopened(pair, pair.forge("FR", {"AU": 2, "DE": 2}, keys=keys), "unverified")


def test_two_bodies_for_two_recipients_do_not_fit_under_one_mac(pair: World) -> None:
    """A sender who would tell AU one thing and DE another: two file keys, one header."""
    mine = pair.forge("FR", {"AU": 2, "DE": 2}, "for AU")
    theirs = pair.forge("FR", {"AU": 2, "DE": 2}, "for DE")
    ours, end = age_header.parse(mine.sealed)
    other, other_end = age_header.parse(theirs.sealed)
    # AU finds a genuine stanza of another file key in its place, under the MAC and the payload meant for DE.
    mixed = replace(other, stanzas=(ours.stanzas[0], other.stanzas[1]))
    sealed = mixed.marshal() + theirs.sealed[other_end:]
    assert end == other_end
    pair.spoken |= {("FR", "DE", "for DE")}
    unopened(pair, theirs.with_body(sealed), "unverified")


def test_a_body_forwarded_under_another_senders_header_is_not_his_word(pair: World) -> None:
    """Surreptitious forwarding: DE sends AU what FR wrote to DE, and it must not look as if DE wrote it to AU."""
    wrote = pair.relay.entries[1]
    plain = unseal(wrote.body, [HybridIdentity(party("DE").sealing_seeds[0])])
    pair["DE"].sync()
    forwarded = pair.forge("DE", {"AU": 1}, plain=plain)
    index = pair.log(forwarded)
    pair[AU].sync()
    found = pair[AU].state()
    assert found.inbox[-1] == (index, "DE", 1, "unopened")
    assert pair[AU].entry(index).reason.startswith("binding-mismatch")
    assert pair[AU].texts() == [("FR", "one")]


def test_a_sealed_body_reused_under_a_new_header_of_its_own_sender_is_not_opened(pair: World) -> None:
    """FR's first body under the number two: a repetition must not pass for news."""
    old = pair.relay.entries[1].body
    case = pair.forge("FR", {"AU": 2, "DE": 2}).with_body(old)
    unopened(pair, case, "binding-mismatch")


@pytest.mark.parametrize(
    "change",
    [{"sender": "JP"}, {"recipients": ("AU",)}, {"roster": 2}, {"series": 2}, {"exercise": False}, {"sent_at": 1}],
    ids=lambda change: next(iter(change)),
)
def test_a_body_sealed_for_another_header_is_not_opened(pair: World, change: dict[str, object]) -> None:
    case = pair.forge("FR", {"AU": 2, "DE": 2})
    binding = replace(Envelope.of(case.dispatch), **change).binding()  # type: ignore[arg-type]
    plain = plain_body(case.dispatch, binding=binding)
    unopened(pair, pair.forge("FR", {"AU": 2, "DE": 2}, plain=plain), "binding-mismatch")


def test_a_real_denial_in_a_drills_envelope_is_not_opened(pair: World) -> None:
    case = pair.forge("FR", {"AU": 2, "DE": 2})
    assert case.dispatch.exercise
    plain = plain_body(case.dispatch, content={"exercise": False})
    unopened(pair, pair.forge("FR", {"AU": 2, "DE": 2}, plain=plain), "exercise-mismatch")


def test_a_body_with_a_name_twice_is_not_opened(pair: World) -> None:
    case = pair.forge("FR", {"AU": 2, "DE": 2})
    plain = plain_body(case.dispatch).replace(b'"content": {}', b'"content": {"text": "a"}, "content": {"text": "b"}')
    unopened(pair, pair.forge("FR", {"AU": 2, "DE": 2}, plain=plain), "malformed")


@pytest.mark.parametrize("cut", [1, 16, 300])
def test_a_truncated_body_is_not_opened_in_part(pair: World, cut: int) -> None:
    case = pair.forge("FR", {"AU": 2, "DE": 2})
    unopened(pair, case.with_body(case.sealed[:-cut]), "unverified")


def test_a_body_sealed_to_keys_of_another_type_is_not_opened(pair: World) -> None:
    """The count is right, but a quantum computer would read these later; ours is tried as a hybrid stanza only."""
    case = pair.forge("FR", {"AU": 2, "DE": 2})
    classic = [X25519Identity(bytes([one] * 32)).recipient for one in (1, 2)]
    unopened(pair, case.with_body(seal(plain_body(case.dispatch), classic)), "malformed")


def test_the_body_in_these_tests_is_good_when_nothing_is_spoiled(pair: World) -> None:
    pair.spoken |= {("FR", "AU", str(BODY.content["text"])), ("FR", "AU", "good")}
    pair.log(pair.forge("FR", {"AU": 2, "DE": 2}, "good"))
    pair.sync(AU)
    assert pair[AU].texts() == [("FR", "one"), ("FR", "good")]
