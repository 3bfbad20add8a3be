"""How a roster changes: both quorums sign, the first logged successor wins, and another one is fraud."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_keys.errors import Fraud, Malformed, Refused, Unverified
from envoi_keys.notes import Note, SignatureLine
from envoi_keys.roster_chain import RosterChain
from envoi_keys.rosters import Roster
from envoi_keys.signing import HybridKey
from envoi_keys.statements import statement_id

from ...budget import at_most
from ...exchange import EXPIRES, Exchange, log_signer, member, mtcr_quorum, office, party, sign
from .fields import accepted
from .mutations import damaged

FIRST = Exchange.make(4)  # AT AU DE FR
SECOND = FIRST.rotated("DE", 5)
OTHER = Exchange.make(5)


def signed(roster: Roster, *names: str, generations: dict[str, int] | None = None) -> bytes:
    return sign(roster.text(), *(party(name, (generations or {}).get(name, 0)).signer for name in names))


def refused(chain: RosterChain, note: bytes, index: int = 9) -> str:
    """Why the chain refuses ``note``."""
    with pytest.raises(Refused) as caught:
        chain.extended(note, index)
    return caught.value.reason


# The first version


def test_the_first_roster_is_the_exchange() -> None:
    chain = RosterChain.begin(FIRST.notes[0], FIRST.id)
    assert chain.exchange == FIRST.id == statement_id(FIRST.roster.text())
    assert chain.current == FIRST.roster
    assert chain.links[0].note == FIRST.notes[0]


@pytest.mark.parametrize("pinned", ["", "00" * 32, OTHER.id, FIRST.id.upper()])
def test_a_first_roster_that_is_not_the_pinned_one_is_refused(pinned: str) -> None:
    with pytest.raises(Refused) as caught:
        RosterChain.begin(FIRST.notes[0], pinned)
    assert caught.value.reason == "other-exchange"


def test_a_first_roster_without_its_own_quorum_is_refused_though_it_is_pinned() -> None:
    for names in (("FR", "DE"), ("POC/anne", "POC/bruno", "POC/claire", "CHAIR"), ("US", "JP", "IT")):
        with pytest.raises(Refused) as caught:
            RosterChain.begin(signed(FIRST.roster, *names), FIRST.id)
        assert caught.value.reason == "under-signed"


def test_a_chain_cannot_begin_in_the_middle() -> None:
    with pytest.raises(Malformed, match="version 2"):
        RosterChain.begin(SECOND.notes[1], statement_id(SECOND.roster.text()))


# Succession


def test_a_successor_under_both_quorums_takes_effect_above_its_index() -> None:
    chain = FIRST.rotated("DE", 5).rotated("FR", 9).chain
    assert chain.at(0) is None
    versions = {index: roster.version for index in range(1, 12) if (roster := chain.at(index))}
    assert versions == {**dict.fromkeys(range(1, 6), 1), **dict.fromkeys(range(6, 10), 2), 10: 3, 11: 3}
    assert [chain.version(number) for number in (0, 4)] == [None, None]
    assert chain.version(2) == chain.links[1]
    assert chain.has(FIRST.id)
    assert not chain.has(OTHER.id)


def test_a_chain_is_not_changed_by_what_follows() -> None:
    chain = FIRST.chain
    assert chain.extended(SECOND.notes[1], 5).current.version == 2
    assert chain.current.version == 1


@pytest.mark.parametrize(
    "names", [(), ("DE",), ("AT", "FR"), ("POC/anne", "POC/bruno", "CHAIR"), ("US", "JP", "IT", "CH")]
)
def test_a_successor_that_the_old_quorum_did_not_sign_is_refused(names: tuple[str, ...]) -> None:
    # The new roster gives itself a quorum that these can meet.
    newcomers = tuple(member(name) for name in ("CH", "IT", "JP", "US"))
    everybody = tuple(sorted((*FIRST.roster.members, *newcomers), key=lambda one: one.id))
    roster = FIRST.propose(members=everybody, quorum=("group g any CH DE AT POC/anne US", "quorum g"))
    assert refused(FIRST.chain, signed(roster, *(names or ("BE",)))) == "under-signed"


def test_a_successor_that_the_new_quorum_did_not_sign_is_refused() -> None:
    roster = FIRST.propose(quorum=("group g all AT AU DE FR", "quorum g"))
    assert refused(FIRST.chain, signed(roster, "AT", "AU", "DE")) == "under-signed"
    assert FIRST.chain.extended(signed(roster, "AT", "AU", "DE", "FR"), 9).current == roster


def test_an_old_key_does_not_sign_for_the_new_roster_nor_a_new_one_for_the_old() -> None:
    roster = FIRST.propose(**FIRST.changed("DE", keys=party("DE", 1).keys), quorum=mtcr_quorum(("AT", "DE", "FR")))
    assert refused(FIRST.chain, signed(roster, "AT", "AU", "DE")) == "under-signed"
    assert refused(FIRST.chain, signed(roster, "AT", "DE", generations={"DE": 1})) == "under-signed"
    both = [party(name).signer for name in ("AT", "AU", "DE")] + [party("DE", 1).signer]
    assert FIRST.chain.extended(sign(roster.text(), *both), 9).current == roster


def test_a_dropped_member_signs_no_further_roster() -> None:
    roster = FIRST.propose(
        members=tuple(one for one in FIRST.roster.members if one.id != "AU"),
        quorum=mtcr_quorum(("AT", "DE", "FR")),
    )
    dropped = FIRST.succeed(roster, 5)
    again = dropped.propose(expires=EXPIRES + 1)
    assert refused(dropped.chain, signed(again, "AU", "DE")) == "under-signed"
    assert dropped.chain.extended(signed(again, "AT", "DE"), 9).current.version == 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": 3}, "roster-conflict"),
        ({"previous": "00" * 32}, "roster-conflict"),
        ({"exchange": "00" * 32}, "other-exchange"),
        ({"exchange": OTHER.id}, "other-exchange"),
        ({"log": log_signer("other.example/log").public}, "other-log"),
        # A reader that is behind could not check the head under which the new keys are announced.
        ({"log": log_signer(generation=1).public}, "other-log"),
    ],
)
def test_a_successor_of_something_else_is_refused(change: dict[str, object], reason: str) -> None:
    roster = FIRST.propose(**change)
    assert refused(FIRST.chain, signed(roster, "AT", "AU", "DE", "FR")) == reason


def test_a_roster_that_is_logged_again_changes_nothing() -> None:
    assert refused(SECOND.chain, SECOND.notes[1]) == "roster-conflict"
    assert refused(SECOND.chain, SECOND.notes[0]) == "other-exchange"


@pytest.mark.parametrize("index", [-1, 0, 4, 5])
def test_a_successor_cannot_stand_in_the_log_before_what_it_follows(index: int) -> None:
    third = SECOND.rotated("FR", 6)
    assert refused(SECOND.chain, third.notes[2], index) == "roster-conflict"
    assert SECOND.chain.extended(third.notes[2], 6).at(7) == third.roster


def test_a_series_is_never_lowered_so_that_no_number_stands_twice() -> None:
    raised = FIRST.succeed(FIRST.propose(**FIRST.changed("DE", series=3)), 4)
    lowered = raised.propose(**raised.changed("DE", series=2))
    assert refused(raised.chain, signed(lowered, "AT", "AU", "DE")) == "wrong-series"
    assert refused(raised.chain, signed(raised.propose(**raised.changed("DE", series=1)), "AT", "AU", "DE"))


def test_who_was_dropped_does_not_come_back_in_an_old_series() -> None:
    raised = FIRST.succeed(FIRST.propose(**FIRST.changed("DE", series=2)), 4)
    rest = tuple(one for one in raised.roster.members if one.id != "DE")
    dropped = raised.succeed(raised.propose(members=rest, quorum=mtcr_quorum(("AT", "AU", "FR"))), 5)
    for series, outcome in ((1, "wrong-series"), (2, ""), (3, "")):
        back = tuple(sorted((*rest, member("DE", series=series, generation=1)), key=lambda one: one.id))
        note = signed(dropped.propose(members=back), "AT", "AU", "FR")
        if outcome:
            assert refused(dropped.chain, note) == outcome
        else:
            assert dropped.chain.extended(note, 9).current.addressee("DE") is not None


def test_a_key_never_changes_hands_so_that_one_signature_counts_for_one_state() -> None:
    # France leaves; its signing key is Japan's in the next version. One signature, under two names.
    at = Exchange.make(5)  # AT AU DE FR JP
    france = party("FR").signer
    halves = (france.public.ed25519, france.public.ml_dsa_65)
    japans = HybridKey("JP", *(replace(half, name="JP") for half in halves))
    roster = at.propose(
        members=tuple(
            replace(one, keys=replace(one.keys, signing=japans)) if one.id == "JP" else one
            for one in at.roster.members
            if one.id != "FR"
        ),
        officers=(),
        offices=(at.roster.offices[0], replace(at.roster.offices[1], held_by=("DE",))),
        quorum=("group g all AT JP", "quorum g"),
    )
    note = Note.parse(signed(roster, "AT", "AU", "DE", "FR"))
    lines = [line for line in note.signatures if line.name == "FR"]
    again = (
        SignatureLine("JP", key.key_id, line.signature)
        for key, line in zip((japans.ed25519, japans.ml_dsa_65), lines, strict=True)
    )
    forged = Note(note.text, (*note.signatures, *again))
    assert at.roster.approves(forged)
    assert roster.approves(forged)
    assert refused(at.chain, forged.serialise()) == "roster-conflict"


def test_an_office_passes_on_with_keys_of_its_new_holder_only() -> None:
    at = Exchange.make(5)  # AT AU DE FR JP; AT holds the Chair
    poc = next(one for one in at.roster.offices if one.id == "POC")
    kept = at.propose(offices=(office("CHAIR", "JP"), poc))
    assert refused(at.chain, sign(kept.text(), *at.leaders())) == "keys-kept"
    fresh = at.propose(offices=(office("CHAIR", "JP", generation=1), poc))
    passed = at.succeed(fresh, 9, generations={"CHAIR": 1})
    assert passed.chain.current.addressee("CHAIR") == office("CHAIR", "JP", generation=1)


def test_a_dropped_key_does_not_come_back_as_somebody_elses() -> None:
    late = SECOND.changed("AU", keys=replace(party("AU").keys, transport=party("DE").transport_public))
    assert refused(SECOND.chain, signed(SECOND.propose(**late), "AT", "AU", "FR")) == "roster-conflict"


def test_a_false_signature_refuses_the_successor() -> None:
    note, other = Note.parse(SECOND.notes[1]), Note.parse(OTHER.notes[0])
    wrong = next(line for line in other.signatures if line.name == "CHAIR")
    assert all((line.name, line.key_id) != (wrong.name, wrong.key_id) for line in note.signatures)
    with pytest.raises(Unverified):
        FIRST.chain.extended(Note(note.text, (*note.signatures, wrong)).serialise(), 9)


# Forks


def test_two_successors_under_a_quorum_are_fraud_and_both_are_the_evidence() -> None:
    fork = FIRST.rotated("AU", 7)
    for chain, held in ((SECOND.chain, SECOND), (SECOND.rotated("FR", 6).chain, SECOND)):
        with pytest.raises(Fraud) as caught:
            chain.extended(fork.notes[1], 9)
        assert caught.value.evidence == (held.notes[1], fork.notes[1])


@pytest.mark.parametrize(
    "note",
    [
        lambda: signed(FIRST.propose(expires=1), "AT", "AU"),
        lambda: signed(FIRST.propose(expires=1, previous="00" * 32), "AT", "AU", "DE", "FR"),
        lambda: signed(FIRST.propose(expires=1, quorum=("quorum FR",)), "AT", "AU", "DE"),
        lambda: signed(FIRST.propose(expires=1), "AT", "AU", "DE", generations={"DE": 1}),
    ],
    ids=["under-signed", "another-line", "not-by-its-own-quorum", "by-a-key-to-come"],
)
def test_what_only_looks_like_a_fork_is_refused_and_nobody_is_accused(note: Callable[[], bytes]) -> None:
    assert refused(SECOND.chain, note()) == "roster-conflict"


def test_a_fork_with_a_false_signature_accuses_nobody() -> None:
    fork = Note.parse(FIRST.rotated("AU", 7).notes[1])
    spoiled = replace(fork.signatures[0], signature=bytes(64))
    assert refused(SECOND.chain, Note(fork.text, (spoiled, *fork.signatures[1:])).serialise()) == "roster-conflict"


def test_another_first_roster_is_another_exchange() -> None:
    assert refused(FIRST.chain, OTHER.notes[0]) == "other-exchange"
    assert refused(SECOND.chain, OTHER.notes[0]) == "other-exchange"


# What changed


def chain_of_changes() -> RosterChain:
    """Keys of DE at 5; suspension of AU at 7 and its return at 9; series of FR at 11; expiry at 13."""
    at = SECOND
    for index, name, fields in (
        (7, "AU", {"status": "suspended"}),
        (9, "AU", {"status": "active"}),
        (11, "FR", {"series": 2}),
        (13, "", {}),
    ):
        at = at.succeed(at.propose(**at.changed(name, **fields), expires=EXPIRES + index), index)
    return at.chain


@pytest.mark.parametrize(
    ("version", "names", "before", "changed"),
    [
        (1, ("AT",), None, None),
        (1, ("AT", "DE"), None, "DE"),
        (1, ("AU",), None, "AU"),
        (1, ("AU",), 7, None),
        (1, ("AU",), 8, "AU"),
        (2, ("AU",), None, "AU"),
        (3, ("AU",), None, "AU"),
        (4, ("AU",), None, None),
        (2, ("DE",), None, None),
        (1, ("DE",), 5, None),
        (1, ("DE",), 6, "DE"),
        (1, ("FR",), 11, None),
        (1, ("FR",), 12, "FR"),
        (5, ("FR", "AU", "DE", "AT", "CHAIR", "POC"), None, None),
        (1, ("US",), None, "US"),
        (1, (), None, None),
        (7, ("AT",), None, "AT"),
        (0, ("AT",), None, "AT"),
    ],
)
def test_whose_standing_changed(version: int, names: tuple[str, ...], before: int | None, changed: str | None) -> None:
    assert chain_of_changes().changed_since(version, names, before) == changed


def test_a_change_that_was_undone_is_a_change() -> None:
    undone = SECOND.succeed(SECOND.propose(**SECOND.changed("DE", keys=party("DE").keys)), 8, generations={"DE": 0})
    assert undone.chain.current.addressee("DE") == FIRST.roster.addressee("DE")
    assert undone.chain.changed_since(1, ["DE"]) == "DE"
    assert undone.chain.changed_since(1, ["DE"], before=5) is None
    assert undone.chain.changed_since(3, ["DE"]) is None


def test_a_dropped_member_changed() -> None:
    rest = tuple(one for one in FIRST.roster.members if one.id != "AU")
    dropped = FIRST.succeed(FIRST.propose(members=rest, quorum=mtcr_quorum(("AT", "DE", "FR"))), 5)
    assert dropped.chain.changed_since(1, ["AU"]) == "AU"
    assert dropped.chain.changed_since(1, ["AU"], before=5) is None


# Properties


@at_most(60)
@given(damaged(SECOND.notes[1]))
def test_any_bytes_extend_a_chain_or_give_one_of_our_errors(raw: bytes) -> None:
    chain = accepted(lambda data: FIRST.chain.extended(data, 9), raw)
    # Lines may be lost, repeated names may be strangers': but what is believed is what the quorum signed.
    assert chain is None or chain.current == SECOND.roster


@at_most(60)
@given(damaged(FIRST.notes[0]), st.booleans())
def test_any_bytes_begin_a_chain_or_give_one_of_our_errors(raw: bytes, believing: bool) -> None:
    pinned = statement_id(raw.partition(b"\n\n")[0] + b"\n") if believing else FIRST.id
    chain = accepted(lambda data: RosterChain.begin(data, pinned), raw)
    assert chain is None or chain.current == FIRST.roster
