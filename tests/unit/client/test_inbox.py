"""Checks 1 to 5 of PROTOCOL §10: the note, its exchange, its roster, its signatures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envoi_client.inbox import judge
from envoi_keys.entries import log_entry
from envoi_keys.limits import MAX_DISPATCH_NOTE_BYTES
from envoi_keys.notes import Note
from envoi_keys.statements import DISPATCH, ROSTER, statement_id

from ...exchange import mtcr_quorum, party, sign
from .judged import EXCHANGE, GOOD, OTHER, refused, verdict
from .served import BODY, INDEX, Case, identities, keys_of


def test_a_good_dispatch_is_opened_by_each_recipient_under_its_own_number() -> None:
    for recipient, number in (("AU", 211), ("DE", 198)):
        found = verdict(GOOD.served(recipient), recipient)
        assert (found.kind, found.number, found.body) == ("ok", number, BODY)
        assert (found.dispatch, found.id) == (GOOD.dispatch, statement_id(GOOD.dispatch.text()))


def test_an_office_sends_and_receives_like_a_member() -> None:
    case = Case.make(EXCHANGE, "POC", {"CHAIR": 1, "FR": 2})
    assert verdict(case.served("CHAIR"), "CHAIR").number == 1
    assert verdict(case.served("FR"), "FR").body == BODY


# 1. The note parses and is the log entry at its index.


def test_1_a_dispatch_that_is_not_in_the_log_is_refused() -> None:
    refused(replace(GOOD.served(), entry=log_entry(DISPATCH, b"another note")), "not-logged", final=False)
    refused(replace(GOOD.served(), entry=b""), "not-logged", final=False)
    refused(replace(GOOD.served(), entry=log_entry(ROSTER, GOOD.note)), "not-logged", final=False)


def test_1_a_note_whose_signatures_differ_from_the_logged_ones_is_refused() -> None:
    # Signed again by its own sender: the same text, and yet not what was logged.
    refused(replace(GOOD.served(), note=EXCHANGE.signed(GOOD.dispatch)), "not-logged", final=False)


def test_1_an_entry_that_holds_no_note_is_refused_for_good() -> None:
    for raw in (b"", b"garbage\n", GOOD.dispatch.text(), b"x" * (MAX_DISPATCH_NOTE_BYTES + 1)):
        refused(GOOD.served(note=raw), "malformed", final=True)


def test_1_another_kind_of_statement_in_place_of_a_dispatch_is_refused() -> None:
    refused(GOOD.served(note=EXCHANGE.notes[0]), "malformed", final=True)


# 2. It belongs to this exchange.


def test_2_a_dispatch_of_a_trial_exchange_is_refused_on_the_live_one() -> None:
    # The same states with the same keys, another first roster.
    refused(Case.make(OTHER).served(), "other-exchange", final=True)


# 3. The roster that it names took effect below its index and has everybody as active.


def test_3_a_roster_that_took_effect_at_or_above_the_index_is_refused() -> None:
    later = EXCHANGE.rotated("JP", INDEX)
    case = Case.make(later)
    refused(case.served(index=INDEX), "roster-unknown", exchange=later, final=True)
    assert verdict(case.served(index=INDEX + 1), exchange=later).kind == "ok"


def test_3_a_roster_that_nobody_logged_is_refused() -> None:
    refused(Case.make(EXCHANGE.rotated("JP", 5)).served(), "roster-unknown", final=True)
    refused(Case.make(EXCHANGE, roster=2).served(), "roster-unknown", final=True)


def test_3_an_unknown_sender_is_refused() -> None:
    case = replace(GOOD, dispatch=replace(GOOD.dispatch, sender="US"))
    refused(case.served(note=sign(case.dispatch.text(), party("US").signer)), "unknown-sender", final=True)


@pytest.mark.parametrize("status", ["suspended", "left"])
def test_3_an_inactive_sender_or_recipient_is_refused(status: str) -> None:
    for name, reason in (
        ("FR", "unknown-sender"),
        ("AU", "inactive-recipient"),
        ("DE", "inactive-recipient"),
    ):
        idle = EXCHANGE.succeed(EXCHANGE.propose(**EXCHANGE.changed(name, status=status)), 5)
        refused(Case.make(idle).served(), reason, exchange=idle, final=True)


def test_3_a_ghost_among_the_recipients_is_refused() -> None:
    ghost = (*GOOD.dispatch.to, ("XX", bytes(32)))
    case = Case.make(EXCHANGE, keys=[*keys_of(EXCHANGE, ("AU", "DE")), *party("XX").sealing], to=ghost)
    refused(case.served(), "inactive-recipient", final=True)


def test_3_a_series_that_the_roster_does_not_give_is_refused() -> None:
    refused(Case.make(EXCHANGE, series=2).served(), "wrong-series", final=True)
    raised = EXCHANGE.succeed(EXCHANGE.propose(**EXCHANGE.changed("FR", series=2)), 5)
    assert verdict(Case.make(raised).served(), exchange=raised).kind == "ok"
    refused(Case.make(raised, series=1).served(), "wrong-series", exchange=raised, final=True)


# 4. No roster in between changed a key or the status of any of them.


@pytest.mark.parametrize("name", ["FR", "AU", "DE"])
def test_4_a_dispatch_sealed_before_a_change_of_keys_and_logged_after_it_is_refused(name: str) -> None:
    changed = EXCHANGE.rotated(name, 10)
    # My own keys are still those that it was sealed to; the roster alone decides.
    for index, kind in ((9, "ok"), (10, "ok"), (11, "refused")):
        found = judge(GOOD.served(index=index), changed.chain, "AU", identities(party("AU")))
        assert (found.kind, found.reason) == (kind, "roster-outdated" if kind == "refused" else "")


def test_4_a_member_that_was_dropped_sends_and_gets_nothing_more() -> None:
    rest = tuple(one for one in EXCHANGE.roster.members if one.id != "DE")
    dropped = EXCHANGE.succeed(EXCHANGE.propose(members=rest, quorum=mtcr_quorum([one.id for one in rest])), 10)
    refused(GOOD.served(index=11), "roster-outdated", exchange=dropped, final=True)


def test_4_a_change_that_was_undone_still_refuses_what_was_sealed_before_it() -> None:
    undone = EXCHANGE.rotated("DE", 5)
    undone = undone.succeed(undone.propose(**undone.changed("DE", keys=party("DE").keys)), 8, generations={"DE": 0})
    refused(GOOD.served(index=11), "roster-outdated", exchange=undone, final=True)


def test_4_changes_that_concern_others_do_no_harm() -> None:
    travelled = EXCHANGE.rotated("JP", 5).rotated("CHAIR", 8).rotated("AT", 10)
    assert verdict(GOOD.served(index=11), exchange=travelled).kind == "ok"


# 5. Both signatures of the sender.


def test_5_a_dispatch_that_another_member_signed_is_refused() -> None:
    refused(GOOD.served(note=sign(GOOD.dispatch.text(), party("DE").signer)), "unverified", final=True)


def test_5_the_lines_of_another_signer_under_the_senders_name_are_refused() -> None:
    forged = Note.parse(sign(GOOD.dispatch.text(), party("DE").signer))
    keys = party("FR").signer.public
    lines = tuple(
        replace(line, name="FR", key_id=key.key_id)
        for line, key in zip(forged.signatures, (keys.ed25519, keys.ml_dsa_65), strict=True)
    )
    refused(GOOD.served(note=Note(forged.text, lines).serialise()), "unverified", final=True)


@pytest.mark.parametrize("half", [0, 1])
def test_5_a_stripped_signature_is_refused(half: int) -> None:
    note = Note.parse(GOOD.note)
    refused(GOOD.served(note=Note(note.text, (note.signatures[half],)).serialise()), "unverified", final=True)


def test_5_a_key_that_the_sender_gave_up_does_not_sign() -> None:
    renewed = EXCHANGE.rotated("FR", 5)
    case = Case.make(renewed)
    refused(
        case.served(note=sign(case.dispatch.text(), party("FR").signer)),
        "unverified",
        exchange=renewed,
        final=True,
    )


def test_5_a_header_that_was_altered_is_refused() -> None:
    lines = Note.parse(GOOD.note).signatures
    for change in ({"exercise": False}, {"sent_at": 0}, {"to": GOOD.dispatch.to[:1]}):
        text = replace(GOOD.dispatch, **change).text()
        refused(GOOD.served(note=Note(text, lines).serialise()), "unverified", final=True)
