"""The roster: every field's rule, no key twice, stanzas in order, and who of those who signed counts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_keys.errors import Malformed, Unverified
from envoi_keys.limits import MAX_MEMBERS, MAX_NOTE_BYTES, MAX_OFFICERS
from envoi_keys.notes import Note
from envoi_keys.rosters import Roster

from ...budget import at_most
from ...exchange import Exchange, log_signer, member, office, officer, party, sign
from .fields import Path, accepted, changed, field_damage, refuses_missing_and_unknown_fields
from .mutations import damaged
from .samples import EXCHANGE, ROSTER_TEXT

ROSTER = EXCHANGE.roster  # members AT AU DE FR, the Chair by AT, the Point of Contact by FR
AT, AU, DE, FR = 0, 1, 2, 3
JSON = json.loads(ROSTER_TEXT)


def test_what_is_written_is_read_back() -> None:
    assert Roster.parse(ROSTER_TEXT) == ROSTER
    assert [one.id for one in ROSTER.addressees] == ["AT", "AU", "CHAIR", "DE", "FR", "POC"]
    assert ROSTER.addressee("CHAIR") is ROSTER.offices[0]
    assert ROSTER.addressee("POC/anne") is None


def test_no_field_may_lack_and_none_be_added() -> None:
    refuses_missing_and_unknown_fields(Roster.parse, ROSTER_TEXT)


def flipped(vkey: str) -> str:
    """A vkey with its last byte changed, so that the key id is another's."""
    return vkey[:-2] + ("A" if vkey[-2] != "A" else "E") + vkey[-1]


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("exchange",), "ab" * 32, "version"),
        (("previous",), "ab" * 32, "version"),
        (("version",), 2, "version"),
        (("version",), 0, "version"),
        (("quorum",), [], "quorum"),
        (("quorum",), ["quorum none"], "quorum"),
        (("quorum",), ["quorum XX"], "quorum[0]"),
        (("witnesses",), ["quorum XX"], "witnesses[0]"),
        (("witnesses",), ["quorum POC/anne"], "witnesses[0]"),
        (("members",), [], "members"),
        (("members",), JSON["members"][::-1], "members"),
        (("members", FR, "id"), "DE", "members[3].cosigning"),
        (("members", FR, "id"), "fr", "members[3].id"),
        (("members", FR, "role"), "chair", "members[3].role"),
        (("members", FR, "status"), "gone", "members[3].status"),
        (("members", FR, "series"), 0, "members[3].series"),
        (("members", FR, "name"), "x" * 129, "members[3].name"),
        (("members", FR, "signing"), JSON["members"][DE]["signing"], "members[3].signing"),
        (("members", FR, "signing"), JSON["members"][FR]["signing"][::-1], "members[3].signing"),
        (("members", FR, "signing"), JSON["members"][FR]["signing"][:1], "members[3].signing"),
        (("members", FR, "signing", 0), flipped(JSON["members"][FR]["signing"][0]), "members[3].signing[0]"),
        (("members", FR, "sealing"), [], "members[3].sealing"),
        (("members", FR, "sealing"), JSON["members"][FR]["sealing"] * 5, "members[3].sealing"),
        (("members", FR, "sealing"), ["age1" + "q" * 58], "members[3].sealing[0]"),
        (("members", FR, "sealing"), [JSON["members"][FR]["sealing"][0].upper()], "members[3].sealing[0]"),
        (("members", FR, "transport"), "AAAA", "members[3].transport"),
        (("members", FR, "cosigning"), JSON["members"][DE]["cosigning"], "members[3].cosigning"),
        (("members", FR, "cosigning"), JSON["members"][FR]["signing"][0], "members[3].cosigning"),
        (("officers", 0, "state"), "US", "officers.POC/anne.state"),
        (("officers", 0, "id"), "POC", "officers[0].id"),
        (("officers",), JSON["officers"][::-1], "officers"),
        (("officers",), [JSON["officers"][0]] * 2, "officers"),
        (("offices", 0, "held_by"), ["US"], "offices.CHAIR.held_by"),
        (("offices", 0, "held_by"), ["AT", "AT"], "offices[0].held_by[1]"),
        (("offices", 0, "held_by"), [], "offices[0].held_by"),
        (("offices", 0, "held_by"), ["POC"], "offices.CHAIR.held_by"),
        (("log", "origin"), "elsewhere.example", "log"),
        (("log", "keys"), JSON["log"]["keys"][::-1], "log"),
        (("log", "keys"), [], "log.keys"),
        (("expires",), None, "expires"),
    ],
)
def test_each_rule_of_a_field(path: Path, value: Any, field: str) -> None:
    with pytest.raises(Malformed) as caught:
        Roster.parse(changed(ROSTER_TEXT, path, value))
    assert caught.value.field == field


def test_an_office_cannot_have_the_id_of_a_member() -> None:
    with pytest.raises(Malformed, match="id of a member"):
        replace(ROSTER, offices=(office("FR", "FR", generation=1), *ROSTER.offices[1:])).check()


def moved(field: str, value: object) -> Roster:
    """The roster in which Germany has one key of somebody else."""
    germany = replace(ROSTER.members[DE], keys=replace(ROSTER.members[DE].keys, **{field: value}))  # type: ignore[arg-type]
    return replace(ROSTER, members=(*ROSTER.members[:DE], germany, *ROSTER.members[DE + 1 :]))


def test_no_key_stands_twice_whatever_for() -> None:
    france, anne = party("FR"), party("POC/anne")
    germany = ROSTER.members[DE].keys
    for roster in (
        moved("sealing", france.sealing),
        moved("sealing", germany.sealing * 2),
        moved("transport", france.transport_public),
        moved("transport", germany.signing.ed25519.material),
        moved("transport", anne.signer.public.ed25519.material),
        moved("transport", log_signer().public.ed25519.material),
        moved("cosigning", replace(france.cosigner.public, name="DE")),
        moved("cosigning", replace(log_signer().public.ml_dsa_44, name="DE")),
    ):
        with pytest.raises(Malformed, match="share a key"):
            Roster.parse(roster.text())


def test_one_half_of_a_signing_key_cannot_be_somebody_elses() -> None:
    for half in ("ed25519", "ml_dsa_65"):
        theirs = replace(getattr(party("FR").signer.public, half), name="DE")
        with pytest.raises(Malformed, match="share a key"):
            moved("signing", replace(party("DE").signer.public, **{half: theirs})).check()


def test_a_roster_that_could_need_many_choices_is_refused() -> None:
    states = [f"M{number:02}" for number in range(13)]
    many = replace(
        ROSTER,
        members=tuple(member(name) for name in states),
        offices=tuple(office(f"O{name}", name) for name in states),
        officers=(),
        quorum=("quorum M00",),
    )
    with pytest.raises(Malformed, match="several capacities"):
        many.check()
    replace(many, offices=many.offices[:12]).check()


def test_limits_of_members_and_officers() -> None:
    for path, items, limit in (
        (("members",), JSON["members"], MAX_MEMBERS),
        (("officers",), JSON["officers"], MAX_OFFICERS),
        (("offices",), JSON["offices"], MAX_OFFICERS),
    ):
        with pytest.raises(Malformed, match=f"and {limit} are allowed"):
            Roster.parse(changed(ROSTER_TEXT, path, items[:1] * (limit + 1)))


def test_a_full_exchange_is_far_below_the_limit_of_a_note() -> None:
    full = Exchange.make(35, adherents=3)
    assert len(full.roster.members) == 38
    assert len(full.notes[0]) < MAX_NOTE_BYTES // 8
    assert full.chain.current.approves(Note.parse(full.notes[0]))


# Stanzas


def test_stanzas_stand_in_the_order_of_recipients_and_of_each_ones_keys() -> None:
    roster = Exchange.make(4, sealing_counts={"DE": 2, "CHAIR": 3}).roster
    assert roster.stanzas(["AU", "CHAIR", "DE", "FR"]) == {
        "AU": range(1),
        "CHAIR": range(1, 4),
        "DE": range(4, 6),
        "FR": range(6, 7),
    }
    assert roster.stanzas([]) == {}
    with pytest.raises(Unverified, match="no member or office US"):
        roster.stanzas(["AU", "US"])


# Who counts


def signed_by(roster: Roster, *names: str) -> Note:
    return Note.parse(sign(roster.text(), *(party(name).signer for name in names)))


def test_members_offices_and_officers_sign_with_both_keys() -> None:
    note = signed_by(ROSTER, "FR", "CHAIR", "POC/anne", "US")
    assert ROSTER.signers(note) == {"FR", "CHAIR", "POC/anne"}


def test_half_a_signature_refuses_the_roster_for_everybody() -> None:
    note = signed_by(ROSTER, "AT", "AU", "DE", "FR")
    assert ROSTER.approves(note)
    for missing in range(8):
        lines = note.signatures[:missing] + note.signatures[missing + 1 :]
        with pytest.raises(Unverified, match="half"):
            ROSTER.approves(Note(note.text, lines))


def test_a_false_signature_of_a_known_key_refuses_the_roster() -> None:
    note, other = signed_by(ROSTER, "AT", "AU", "DE"), signed_by(replace(ROSTER, expires=0), "FR")
    with pytest.raises(Unverified, match="does not hold"):
        ROSTER.approves(Note(note.text, note.signatures + other.signatures))


@pytest.mark.parametrize("status", ["suspended", "left"])
def test_who_is_not_active_does_not_count(status: str) -> None:
    idle = tuple(replace(one, status=status) if one.id == "DE" else one for one in ROSTER.members)
    roster = replace(ROSTER, members=idle, quorum=("group g 3 AT AU DE FR", "quorum g"))
    assert not roster.approves(signed_by(roster, "AT", "AU", "DE"))
    assert roster.approves(signed_by(roster, "AT", "AU", "FR"))


@pytest.mark.parametrize("status", ["suspended", "left"])
def test_nobody_counts_for_a_state_that_is_not_active(status: str) -> None:
    def without(state: str) -> Roster:
        members = tuple(replace(one, status=status) if one.id == state else one for one in ROSTER.members)
        return replace(ROSTER, members=members)

    everybody = ("POC/anne", "POC/bruno", "POC", "CHAIR", "AU")
    assert without("FR").signers(signed_by(without("FR"), *everybody)) == {"CHAIR", "AU"}
    assert without("AT").signers(signed_by(without("AT"), *everybody)) == {
        "POC/anne",
        "POC/bruno",
        "POC",
        "AU",
    }


def test_an_office_that_is_not_active_does_not_count() -> None:
    roster = replace(ROSTER, offices=(replace(ROSTER.offices[0], status="suspended"), ROSTER.offices[1]))
    assert roster.signers(signed_by(roster, "CHAIR", "POC")) == {"POC"}


# Properties


@at_most(60)
@given(damaged(ROSTER_TEXT) | field_damage(ROSTER_TEXT))
def test_any_text_is_a_roster_or_one_of_our_errors(raw: bytes) -> None:
    roster = accepted(Roster.parse, raw)
    if roster is not None:
        assert Roster.parse(roster.text()) == roster
        roster.stanzas(one.id for one in roster.addressees)


@given(st.sampled_from(["AT", "AU", "DE", "FR", "POC", "CHAIR", "POC/anne"]), st.data())
def test_no_flipped_bit_of_a_signature_counts(name: str, data: st.DataObject) -> None:
    raw = bytearray(signed_by(ROSTER, name).serialise())
    at = data.draw(st.integers(len(ROSTER_TEXT), len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    note = accepted(Note.parse, bytes(raw))
    if note is not None:
        assert not accepted(ROSTER.signers, note)


def test_a_roster_needs_no_officers() -> None:
    roster = replace(ROSTER, officers=(), quorum=("group g all FR DE", "quorum g"))
    assert Roster.parse(roster.text()).approves(signed_by(roster, "FR", "DE"))
    assert officer("POC/anne").state == "FR"
