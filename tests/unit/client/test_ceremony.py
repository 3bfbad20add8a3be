"""What the ceremony lets into a roster, and what it does not, whoever proposes it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envoi_client import ceremony
from envoi_client.cli import rosters
from envoi_keys import regimes
from envoi_keys.addressees import Keys
from envoi_keys.enrolments import Enrolment, OfficerEnrolment
from envoi_keys.errors import Refused
from envoi_keys.notes import Note
from envoi_keys.rosters import Roster

from ...exchange import EXPIRES, NOW, Exchange, bech32, party, sign

MTCR = regimes.load("mtcr")
EXCHANGE = Exchange.make(4)
GOOD = party("SE").keys
# Right in form: 1,952 characters of the alphabet, as the grammar of a roster asks.
BAD_CHECKSUM = GOOD.sealing[0][:-1] + ("q" if GOOD.sealing[0][-1] != "q" else "p")
BAD_ML_KEM = bech32("age1pq", bytes([255]) * 1184 + party("SE").transport_public)
ZERO_X25519 = bech32("age1pq", bytes(1184) + bytes(32))


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # No home: what is refused is refused before any passphrase is asked for.
    for name in ("HOME", "ENVOI_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nobody"))


def enrolment(keys: Keys = GOOD, exchange: str = "") -> Enrolment:
    return Enrolment(exchange, "SE", "Sweden", keys, NOW)


def sealed_to(key: str) -> Keys:
    return replace(GOOD, sealing=(GOOD.sealing[0], key))


@pytest.mark.parametrize("key", [BAD_CHECKSUM, BAD_ML_KEM, ZERO_X25519], ids=["checksum", "ML-KEM", "X25519"])
def test_a_sealing_key_that_is_none_is_proposed_by_nobody(key: str, tmp_path: Path) -> None:
    asked = tmp_path / "SE.note"
    asked.write_bytes(sign(enrolment(sealed_to(key)).text(), party("SE").signer))
    before = tmp_path / "roster.note"
    before.write_bytes(EXCHANGE.notes[-1])
    with pytest.raises(Refused, match="a sealing key of SE is none") as caught:
        rosters.propose(tmp_path / "next.note", enrolment=(asked,), after=before)
    assert caught.value.reason == "bad-sealing-key"
    assert not (tmp_path / "next.note").exists()


@pytest.mark.parametrize("key", [BAD_CHECKSUM, BAD_ML_KEM, ZERO_X25519], ids=["checksum", "ML-KEM", "X25519"])
def test_a_sealing_key_that_is_none_is_signed_by_nobody(key: str, tmp_path: Path) -> None:
    """Who proposed it may have used a tool of his own."""
    members = EXCHANGE.roster.members
    spoiled = [replace(one, keys=replace(one.keys, sealing=(key,))) if one.id == "FR" else one for one in members]
    proposed = EXCHANGE.propose(members=tuple(spoiled))
    file, before = tmp_path / "next.note", tmp_path / "roster.note"
    file.write_bytes(sign(proposed.text(), party("POC/anne").signer))
    before.write_bytes(EXCHANGE.notes[-1])
    held = file.read_bytes()
    with pytest.raises(Refused, match="a sealing key of FR is none"):
        rosters.sign(file, after=before, yes=True)
    assert file.read_bytes() == held


def test_every_key_of_a_good_roster_can_be_sealed_to() -> None:
    ceremony.check_sealing_keys(EXCHANGE.roster)


def test_an_enrolment_for_another_exchange_is_not_admitted() -> None:
    before = Note.parse(EXCHANGE.notes[-1])
    for exchange in ("", EXCHANGE.id):
        roster = ceremony.following(before, MTCR, [enrolment(exchange=exchange)], {}, None)
        assert roster.addressee("SE") is not None
    with pytest.raises(Refused, match="the enrolment of SE is for the exchange abab") as caught:
        ceremony.following(before, MTCR, [enrolment(exchange="ab" * 32)], {}, None)
    assert caught.value.reason == "other-exchange"
    # The exchange is that of the first roster, whichever is in force.
    second = Note.parse(EXCHANGE.rotated("FR", 1).notes[-1])
    assert Roster.parse(second.text).exchange == EXCHANGE.id
    assert ceremony.following(second, MTCR, [enrolment(exchange=EXCHANGE.id)], {}, None).addressee("SE")


def test_before_the_first_roster_nobody_enrols_for_an_exchange() -> None:
    asked = [Enrolment("", name, name, party(name).keys, NOW) for name in ("AT", "AU", "CH", "DE", "CHAIR", "POC")]
    officers = [OfficerEnrolment("", name, "FR", party(name).signer.public, NOW) for name in ("POC/anne", "POC/luc")]
    with pytest.raises(Refused, match="the enrolment of SE is for the exchange abab"):
        ceremony.first(MTCR, [*asked, enrolment(exchange="ab" * 32)], officers, (), EXCHANGE.roster.log, EXPIRES, ())
    strange = replace(officers[0], exchange="ab" * 32)
    with pytest.raises(Refused, match="the enrolment of POC/anne is for the exchange abab"):
        ceremony.first(MTCR, asked, [strange], (), EXCHANGE.roster.log, EXPIRES, ())
