"""Checks 6 to 10 of PROTOCOL §10: the opening, the body, its stanzas, its binding, its number."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_client import age
from envoi_client.age import HybridRecipient
from envoi_client.age.primitives import header_mac
from envoi_client.body import Envelope
from envoi_client.inbox import Served, judge, judge_own, next_number
from envoi_keys import age_header
from envoi_keys.dispatches import Dispatch, Opening
from envoi_keys.entries import log_entry
from envoi_keys.errors import Malformed, PeerError, Refused, Unverified
from envoi_keys.statements import DISPATCH

from ...budget import at_most
from ...exchange import Exchange, party, seed, sign
from ..keys.mutations import damaged
from .judged import EXCHANGE, GOOD, refused, unopened, verdict
from .served import BODY, Case, identities, keys_of, plain_body

# 6. The opening fits the commitment.


def test_6_an_opening_that_does_not_fit_is_refused_and_another_answer_can_cure_it() -> None:
    for opening in (
        GOOD.openings["DE"].to_bytes(),
        Opening(GOOD.openings["AU"].nonce, 212).to_bytes(),
        Opening(seed("x"), 211).to_bytes(),
    ):
        refused(replace(GOOD.served(), opening=opening), "unverified", final=False)


@pytest.mark.parametrize("opening", [b"", bytes(39), bytes(40), bytes(80), b"\xff" * 40])
def test_6_what_is_no_opening_is_refused(opening: bytes) -> None:
    refused(replace(GOOD.served(), opening=opening), "malformed", final=False)


def test_6_a_dispatch_to_others_is_refused() -> None:
    refused(GOOD.served("JP"), "unverified", "JP", final=False)


def test_6_an_own_dispatch_is_not_one_that_was_received() -> None:
    refused(GOOD.served("FR"), "unverified", "FR", final=False)


# 7. The sealed body has the header's hash and size.


def test_7_another_body_is_refused_and_another_answer_can_cure_it() -> None:
    other = Case.make(EXCHANGE, body=replace(BODY, content={"text": "another"}))
    for body in (b"", other.sealed, GOOD.sealed + b"\x00", GOOD.sealed[:-1], bytes(len(GOOD.sealed))):
        refused(replace(GOOD.served(), body=body), "unverified", final=False)


# 8. The body has one stanza for each sealing key of the recipients; ours opens.


def stanzas(sealed: bytes) -> tuple[age_header.Stanza, ...]:
    return age_header.parse(sealed)[0].stanzas


def test_8_a_recipient_that_was_left_out_is_noticed_by_all() -> None:
    case = Case.make(EXCHANGE, keys=keys_of(EXCHANGE, ("AU",)))
    unopened(case, "malformed")
    unopened(case, "malformed", "DE")


def test_8_a_reader_too_many_is_noticed_by_all() -> None:
    for extra in (party("JP").sealing, party("AU").sealing):
        case = Case.make(EXCHANGE, keys=[*keys_of(EXCHANGE, ("AU", "DE")), *extra])
        unopened(case, "malformed")
        unopened(case, "malformed", "DE")


def test_8_a_secret_reader_by_a_stanza_of_another_type_is_noticed() -> None:
    # A sender that adds a stanza which no hybrid recipient would count, under a MAC that holds.
    header, length = age_header.parse(GOOD.sealed)
    spy = age.X25519Identity(seed("spy")).recipient.wrap(GOOD.file_key)
    for extra in (spy, age_header.Stanza(("grease", "x"), b"y")):
        unfinished = age_header.authenticated((*header.stanzas, extra))
        mac = age_header.encode(header_mac(GOOD.file_key, unfinished))
        unopened(GOOD.with_body(unfinished + f" {mac}\n".encode() + GOOD.sealed[length:]), "malformed")


def test_8_a_doubled_stanza_in_place_of_anothers_leaves_that_one_out_and_only_that_one() -> None:
    case = Case.make(EXCHANGE, keys=[*party("AU").sealing, *party("AU").sealing])
    assert verdict(case.served()).kind == "ok"
    unopened(case, "unverified", "DE")


def test_8_a_dud_stanza_leaves_its_recipient_unable_to_open() -> None:
    case = Case.make(EXCHANGE, keys=[*party("JP").sealing, *party("DE").sealing])
    unopened(case, "unverified")
    assert verdict(case.served("DE"), "DE").kind == "ok"


def test_8_stanzas_in_another_order_are_tried_at_our_own_position_only() -> None:
    case = Case.make(EXCHANGE, keys=[*party("DE").sealing, *party("AU").sealing])
    unopened(case, "unverified")
    unopened(case, "unverified", "DE")


def test_8_stanzas_that_the_relay_exchanged_break_the_hash_and_that_a_recipient_exchanged_the_mac() -> None:
    header, length = age_header.parse(GOOD.sealed)
    swapped = replace(header, stanzas=(header.stanzas[0], header.stanzas[0])).marshal() + GOOD.sealed[length:]
    refused(replace(GOOD.served(), body=swapped), "unverified", final=False)
    unopened(GOOD.with_body(swapped), "unverified")


def test_8_a_body_that_is_no_age_file_or_is_cut_off_counts_and_is_not_opened() -> None:
    for sealed in (b"x", GOOD.sealed[:-1], GOOD.sealed[: len(GOOD.sealed) // 2], GOOD.sealed + b"\x00"):
        found = verdict(GOOD.with_body(sealed).served())
        assert found.kind == "unopened"
        assert found.number == 211


def test_8_two_sealing_keys_take_two_positions_and_either_opens() -> None:
    rolling = Exchange.make(5, sealing_counts={"AU": 2, "DE": 2})
    case = Case.make(rolling)
    assert len(stanzas(case.sealed)) == 4
    for recipient in ("AU", "DE"):
        keys = identities(rolling.party(recipient))
        for held in (keys, *({key: one} for key, one in keys.items())):
            found = judge(case.served(recipient), rolling.chain, recipient, held)
            assert (found.kind, found.body) == ("ok", BODY)


def test_8_a_vault_without_any_of_the_keys_says_so() -> None:
    unopened(GOOD, "no-key", keys={})
    unopened(GOOD, "no-key", keys=identities(party("AU", 1)))


# 9. The binding is this header.


def test_9_surreptitious_forwarding_is_not_opened_as_the_forwarders() -> None:
    # Germany opens France's dispatch and sends the very body on to Japan as its own.
    stolen = verdict(GOOD.served("DE"), "DE")
    assert stolen.body is not None
    plain, file_key = age.unseal_at(GOOD.sealed, identities(party("DE")).popitem()[1], 1, stanzas=2)
    unopened(Case.make(EXCHANGE, "DE", {"JP": 1}, plain=plain), "binding-mismatch", "JP")
    # Or the sealed file as it stands, under a header of its own to the same recipient.
    assert age.unseal_with_key(GOOD.sealed, file_key) == plain
    again = Case.make(EXCHANGE, "AT", {"AU": 1, "DE": 1}).with_body(GOOD.sealed)
    unopened(again, "binding-mismatch")


def test_9_a_body_that_was_resealed_to_another_list_is_not_opened() -> None:
    plain, _ = age.unseal_at(GOOD.sealed, identities(party("AU")).popitem()[1], 0, stanzas=2)
    unopened(Case.make(EXCHANGE, "FR", {"AU": 212, "JP": 1}, plain=plain), "binding-mismatch")


@pytest.mark.parametrize(
    "change",
    [{"sent_at": 0}, {"exercise": False}, {"roster": 1, "series": 1, "exercise": False}],
    ids=["time", "drill", "all"],
)
def test_9_a_body_under_a_changed_header_of_the_same_sender_is_not_opened(change: dict[str, Any]) -> None:
    unopened(Case.make(EXCHANGE, **change), "binding-mismatch")


def test_9_a_body_under_a_header_with_other_attachments_is_not_opened() -> None:
    case = Case.make(EXCHANGE)
    more = replace(case.dispatch, attachments=(case.dispatch.body,))
    unopened(replace(case, dispatch=more), "binding-mismatch")
    # Bound to the right ones, and describing none of them.
    unopened(Case.make(EXCHANGE, plain=plain_body(more), attachments=more.attachments), "binding-mismatch")


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"not json", b'{"type":"note/v1"}', b"\xff\xfe", b"{" * 2000, b'{"a":1,"a":2}'],
)
def test_9_what_is_no_body_counts_and_is_not_opened(content: bytes) -> None:
    unopened(Case.make(EXCHANGE, plain=content), "malformed")


# 10. The number follows the last one of this sender.


def test_10_the_next_number_is_accepted_and_every_other_refused() -> None:
    next_number(0, 1, sender="FR")
    next_number(210, 211, sender="FR")
    for last, number, reason in (
        (0, 2, "number-gap"),
        (210, 213, "number-gap"),
        (5, 5, "number-reused"),
        (5, 1, "number-reused"),
    ):
        with pytest.raises(Refused) as caught:
            next_number(last, number, sender="FR")
        assert caught.value.reason == reason


def test_10_a_gap_names_what_is_missing() -> None:
    with pytest.raises(Refused, match="dispatches 211 to 212 of FR are missing before 213"):
        next_number(210, 213, sender="FR")


# One's own dispatches, read back from the log


def own(case: Case = GOOD, **changes: Any) -> Served:
    openings = b"".join(case.openings[name].to_bytes() for name in case.dispatch.recipients)
    return replace(replace(case.served(), opening=openings), **changes)


def test_an_own_dispatch_gives_back_its_numbers() -> None:
    assert judge_own(own(), EXCHANGE.chain, "FR") == (GOOD.dispatch, {"AU": 211, "DE": 198})


def test_a_relay_cannot_make_us_believe_that_we_sent_what_we_did_not() -> None:
    theirs = sign(GOOD.dispatch.text(), party("DE").signer)
    for served, me in (
        (own(note=theirs, entry=log_entry(DISPATCH, theirs)), "FR"),
        (own(entry=log_entry(DISPATCH, theirs)), "FR"),
        (own(), "AU"),
        (own(opening=own().opening[:40]), "FR"),
        (own(opening=own().opening[40:] + own().opening[:40]), "FR"),
        (own(opening=b""), "FR"),
    ):
        with pytest.raises((Malformed, Unverified, Refused)):
            judge_own(served, EXCHANGE.chain, me)


# Properties


def pieces(served: Served) -> st.SearchStrategy[Served]:
    return st.one_of(
        damaged(served.note).map(lambda raw: replace(served, note=raw, entry=log_entry(DISPATCH, raw))),
        damaged(served.note).map(lambda raw: replace(served, note=raw)),
        damaged(served.entry).map(lambda raw: replace(served, entry=raw)),
        damaged(served.opening).map(lambda raw: replace(served, opening=raw)),
        damaged(served.body).map(lambda raw: replace(served, body=raw)),
    )


@at_most(150)
@given(pieces(GOOD.served()))
def test_whatever_is_served_the_inbox_never_raises_and_opens_only_what_was_sent(served: Served) -> None:
    found = verdict(served)
    if found.kind == "ok":
        assert (found.dispatch, found.number, found.body) == (GOOD.dispatch, 211, BODY)
    else:
        assert found.reason


@at_most(80)
@given(damaged(GOOD.sealed))
def test_whatever_a_sender_seals_the_inbox_never_raises(sealed: bytes) -> None:
    found = verdict(GOOD.with_body(sealed or b"x").served())
    assert found.kind in ("ok", "unopened")
    assert found.number == 211
    assert found.kind == "unopened" or found.body == BODY


@at_most(80)
@given(damaged(plain_body(GOOD.dispatch)))
def test_whatever_a_body_says_the_inbox_never_raises(plain: bytes) -> None:
    found = verdict(Case.make(EXCHANGE, plain=plain).served())
    assert found.kind == "unopened" or (found.body and found.body.type.endswith("/v1"))


@given(pieces(own()))
def test_whatever_is_served_as_our_own_is_it_or_one_of_our_errors(served: Served) -> None:
    try:
        dispatch, numbers = judge_own(served, EXCHANGE.chain, "FR")
    except PeerError:
        return
    assert isinstance(dispatch, Dispatch)
    assert (dispatch, numbers) == (GOOD.dispatch, {"AU": 211, "DE": 198})


def test_the_recipients_that_the_tests_seal_to_are_those_of_the_age_format() -> None:
    for name in ("AU", "DE"):
        for key, identity in identities(party(name)).items():
            assert str(identity.recipient) == key
            assert HybridRecipient.parse(key) == identity.recipient
    assert Envelope.of(GOOD.dispatch).recipients == ("AU", "DE")
