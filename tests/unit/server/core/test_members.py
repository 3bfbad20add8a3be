"""Rosters, delegations, enrolments and cosignatures: who may hand them in, and what stays."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envoi_keys.checkpoints import cosignatures, parse_checkpoint, verify_checkpoint
from envoi_keys.delegations import Delegation
from envoi_keys.enrolments import Enrolment
from envoi_keys.entries import log_entry
from envoi_keys.limits import MAX_NOTE_BYTES
from envoi_keys.notes import Note
from envoi_keys.signing import HybridSigner
from envoi_keys.statements import DELEGATION, ROSTER
from envoi_keys.tlog_proof import verify
from envoi_server import intake
from envoi_server.relay import Acceptance, Relay
from envoi_server.rules import Refusal
from envoi_server.rules_members import MAX_ENROLMENT_NOTE_BYTES, MAX_ENROLMENTS_PER_MEMBER
from envoi_server.sqlite_records import SqliteRecords

from ....exchange import NOW, Exchange, log_signer, party, seed, sign
from .harness import Bench, database, slug, started

pytestmark = pytest.mark.anyio


def proved(answer: object, kind: str, note: bytes, exchange: Exchange) -> Acceptance:
    assert isinstance(answer, Acceptance), answer
    index, _ = verify(answer.proof, log_entry(kind, note), exchange.log.public)
    assert index == answer.index
    return answer


# -- rosters -------------------------------------------------------------------------------------------------


async def test_only_the_pinned_roster_begins_the_log(tmp_path: Path, exchange: Exchange) -> None:
    relay = Relay(SqliteRecords(database(tmp_path)), exchange.log, roster_id=exchange.id)
    async with started(relay, exchange):
        other = Exchange.make(5)
        assert slug(await relay.accept_roster(other.notes[0])) == "other-exchange"
        note = Note.parse(exchange.notes[0])
        short = Note(note.text, note.signatures[:4]).serialise()
        assert slug(await relay.accept_roster(short)) == "under-signed"
        assert (relay.size, relay.roster, relay.checkpoint(), relay.roster_note()) == (0, None, None, None)
        answer = proved(await relay.accept_roster(exchange.notes[0]), ROSTER, exchange.notes[0], exchange)
        assert (answer.index, answer.created) == (0, True)
        assert relay.roster == exchange.roster
        assert relay.roster_note() == relay.roster_note(1) == exchange.notes[0]
        assert relay.roster_note(2) is None


async def test_a_relay_without_a_pin_takes_no_roster(tmp_path: Path, exchange: Exchange) -> None:
    relay = Relay(SqliteRecords(database(tmp_path)), exchange.log)
    async with started(relay, exchange):
        assert slug(await relay.accept_roster(exchange.notes[0])) == "no-roster"


async def test_a_roster_has_to_name_this_relays_log_keys(tmp_path: Path, exchange: Exchange) -> None:
    relay = Relay(SqliteRecords(database(tmp_path)), log_signer(generation=1), roster_id=exchange.id)
    async with started(relay, exchange):
        assert slug(await relay.accept_roster(exchange.notes[0])) == "roster-conflict"
        assert relay.size == 0


async def test_the_next_roster_takes_effect_at_its_index(core: Bench, exchange: Exchange) -> None:
    await core.accepted(core.member("FR").compose("AU"))
    after = exchange.rotated("AU", 2)
    answer = proved(await core.relay.accept_roster(after.notes[-1]), ROSTER, after.notes[-1], after)
    assert (answer.index, answer.created) == (2, True)
    assert core.relay.roster == after.roster
    assert core.seen("JP").indexes == [0, 2]
    assert (await core.refused(core.member("FR").compose(numbers={"AU": 2}))).slug == "roster-outdated"
    again = await core.relay.accept_roster(after.notes[-1])
    assert again == replace(answer, created=False)


async def test_the_first_logged_successor_wins(core: Bench, exchange: Exchange) -> None:
    one, other = exchange.rotated("AU", 1), exchange.rotated("JP", 1)
    assert slug(await core.relay.accept_roster(one.notes[-1])) == "accepted"
    assert slug(await core.relay.accept_roster(other.notes[-1])) == "roster-conflict"
    assert core.relay.roster == one.roster
    assert core.relay.size == 2


async def test_a_roster_under_other_signatures_is_the_one_that_is_logged(core: Bench, exchange: Exchange) -> None:
    for made in (Exchange.make(6, adherents=1, sealing_counts={"DE": 2}), exchange):
        resigned = sign(made.roster.text(), *made.leaders())
        assert resigned != exchange.notes[0]
        refused = await core.relay.accept_roster(resigned)
        assert isinstance(refused, Refusal)
        assert refused.slug == "roster-conflict"
        assert "logged already" in refused.detail
    assert core.relay.size == 1


async def test_two_successors_at_once_are_still_one(core: Bench, exchange: Exchange) -> None:
    one, other = exchange.rotated("AU", 1).notes[-1], exchange.rotated("JP", 1).notes[-1]
    answers = await asyncio.gather(*(core.relay.accept_roster(note) for note in (one, other, one)))
    assert sorted(slug(answer) for answer in answers) in (
        ["accepted", "accepted", "roster-conflict"],
        ["accepted", "roster-conflict", "roster-conflict"],
    )
    assert core.relay.size == 2
    assert core.relay.check() == []


async def test_a_roster_needs_both_quorums(core: Bench, exchange: Exchange) -> None:
    lone = exchange.succeed(exchange.propose(), 1, signers=[party("FR").signer])
    assert slug(await core.relay.accept_roster(lone.notes[-1])) == "under-signed"
    assert slug(await core.relay.accept_roster(b"nothing")) == "malformed"
    assert slug(await core.relay.accept_roster(bytes(MAX_NOTE_BYTES + 1))) == "too-large"
    spoiled = bytearray(exchange.rotated("AU", 1).notes[-1])
    spoiled[-40] ^= 1
    assert slug(await core.relay.accept_roster(bytes(spoiled))) in ("bad-signature", "malformed")


async def test_a_roster_between_the_rules_and_the_batch_counts(core: Bench, exchange: Exchange) -> None:
    # What a dispatch was checked under may be old when its turn comes: it is asked again.
    way_in = core.relay._intake
    posted = core.member("FR").compose("AU")
    work = way_in.dispatch("FR", posted.raw)
    after = exchange.rotated("AU", 1)
    assert slug(await core.relay.accept_roster(after.notes[-1])) == "accepted"
    answer = await way_in.submit(lambda: work)
    assert slug(answer) == "roster-outdated"
    unrelated = core.member("FR").compose("DE")
    late = way_in.dispatch("FR", unrelated.raw)
    assert slug(await core.relay.accept_roster(after.rotated("JP", 2).notes[-1])) == "accepted"
    assert slug(await way_in.submit(lambda: late)) == "accepted"


# -- delegations ---------------------------------------------------------------------------------------------


def delegation(exchange: Exchange, authority: str = "FR", /, **changes: Any) -> Delegation:
    name = f"{authority}/iem-1"
    made = Delegation(
        exchange.id,
        authority,
        name,
        HybridSigner.from_seed(name, seed(f"{name} delegate", 64)).public,
        party("FR", 9).sealing,
        seed("transport"),
        ("read",),
        NOW + 1000,
        NOW,
    )
    return replace(made, **changes)


async def test_an_authority_alone_delegates(core: Bench, exchange: Exchange) -> None:
    note = sign(delegation(exchange).text(), exchange.party("FR").signer)
    assert slug(await core.relay.accept_delegation("DE", note)) == "not-yours"
    assert slug(await core.relay.accept_delegation("POC", note)) == "not-yours"
    forged = sign(delegation(exchange).text(), exchange.party("DE").signer)
    assert slug(await core.relay.accept_delegation("FR", forged)) == "bad-signature"
    other = sign(delegation(exchange, exchange="ab" * 32).text(), exchange.party("FR").signer)
    assert slug(await core.relay.accept_delegation("FR", other)) == "other-exchange"
    assert slug(await core.relay.accept_delegation("FR", b"x")) == "malformed"
    assert slug(await core.relay.accept_delegation("FR", bytes(300_000))) == "too-large"
    answer = proved(await core.relay.accept_delegation("FR", note), DELEGATION, note, exchange)
    assert (answer.index, answer.created) == (1, True)
    assert core.relay.delegations() == [note]
    assert core.seen("JP").entries[-1] == (1, note, b"", b"")


async def test_a_delegation_again_is_the_same_delegation(core: Bench, exchange: Exchange) -> None:
    text = delegation(exchange).text()
    note, resigned = (sign(text, exchange.party("FR").signer) for _ in range(2))
    first = await core.relay.accept_delegation("FR", note)
    assert isinstance(first, Acceptance)
    assert await core.relay.accept_delegation("FR", note) == replace(first, created=False)
    assert slug(await core.relay.accept_delegation("FR", resigned)) == "roster-conflict"
    assert core.relay.size == 2


# -- enrolments ----------------------------------------------------------------------------------------------


def enrolment(exchange_id: str, name: str = "SE", generation: int = 0, made_at: int = NOW) -> bytes:
    one = party(name, generation)
    return sign(Enrolment(exchange_id, name, "State", one.keys, made_at).text(), one.signer)


async def test_enrolments_wait_for_the_officers(core: Bench, exchange: Exchange) -> None:
    notes = [enrolment(exchange.id), enrolment("", "NO")]
    for note in (*notes, notes[0]):
        assert await core.relay.accept_enrolment(note) is None
    assert sorted(core.relay.enrolments()) == sorted(notes)
    assert core.relay.size == 1


async def test_an_enrolment_is_signed_by_the_key_in_it(core: Bench, exchange: Exchange) -> None:
    text = Note.parse(enrolment(exchange.id)).text
    for note, expected in (
        (sign(text, party("NO").signer), "bad-signature"),
        (enrolment("ab" * 32), "other-exchange"),
        (b"", "malformed"),
        (bytes(300_000), "too-large"),
    ):
        assert slug(await core.relay.accept_enrolment(note)) == expected
    assert core.relay.enrolments() == []


async def test_who_fills_a_members_share_does_not_keep_the_member_out(core: Bench, exchange: Exchange) -> None:
    times = iter(range(NOW, NOW + 100))
    core.relay._intake._clock = lambda: next(times)
    notes = [enrolment(exchange.id, generation=at, made_at=NOW - at) for at in range(MAX_ENROLMENTS_PER_MEMBER + 2)]
    other = enrolment(exchange.id, "NO")
    for note in (other, *notes):
        assert await core.relay.accept_enrolment(note) is None
    assert core.relay.enrolments() == [other, *notes[2:]]
    # One that waits already takes nobody's place.
    assert await core.relay.accept_enrolment(notes[5]) is None
    assert core.relay.enrolments() == [other, *notes[2:]]


async def test_enrolments_do_not_fill_the_disk(
    core: Bench, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MAX_ENROLMENTS", 3)
    for name in ("SE", "NO", "DK"):
        assert await core.relay.accept_enrolment(enrolment(exchange.id, name)) is None
    newest = enrolment(exchange.id, "FI")
    assert await core.relay.accept_enrolment(newest) is None
    # Whoever filled the list keeps nobody out: the oldest goes.
    assert len(core.relay.enrolments()) == 3
    assert newest in core.relay.enrolments()
    junk = newest + b"".join(b"\xe2\x80\x94 stranger/%d AAAAAAAA\n" % number for number in range(3))
    assert slug(await core.relay.accept_enrolment(junk)) == "malformed"
    assert slug(await core.relay.accept_enrolment(bytes(MAX_ENROLMENT_NOTE_BYTES + 1))) == "too-large"


async def test_an_enrolment_that_a_roster_makes_good_waits_no_longer(core: Bench, exchange: Exchange) -> None:
    waiting, other = enrolment(exchange.id, "AU", 1), enrolment(exchange.id, "AU", 2)
    for note in (waiting, other):
        assert await core.relay.accept_enrolment(note) is None
    assert slug(await core.relay.accept_roster(exchange.rotated("AU", 1).notes[-1])) == "accepted"
    assert core.relay.enrolments() == [other]


async def test_before_the_first_roster_its_id_may_be_named(tmp_path: Path, exchange: Exchange) -> None:
    relay = Relay(SqliteRecords(database(tmp_path)), exchange.log, roster_id=exchange.id)
    async with started(relay, exchange):
        assert await relay.accept_enrolment(enrolment("")) is None
        assert await relay.accept_enrolment(enrolment(exchange.id, "NO")) is None
        assert slug(await relay.accept_enrolment(enrolment("ab" * 32, "DK"))) == "other-exchange"


# -- cosignatures --------------------------------------------------------------------------------------------


def cosigned(raw: bytes, exchange: Exchange, *names: str, time: int = NOW) -> bytes:
    checkpoint, note = parse_checkpoint(raw)
    return note.signed(*(exchange.party(name).cosigner.cosign(checkpoint, time) for name in names)).serialise()


async def test_cosignatures_are_served_with_the_checkpoint(core: Bench, exchange: Exchange) -> None:
    raw = core.relay.checkpoint()
    assert raw is not None
    keys = [member.keys.cosigning for member in exchange.roster.members]
    for name in ("FR", "AU"):
        assert await core.relay.accept_cosignature(name, cosigned(raw, exchange, name)) is None
    served = core.relay.checkpoint()
    assert served is not None
    signed = verify_checkpoint(served, exchange.log.public)
    assert cosignatures(signed.note, keys) == {"FR": NOW, "AU": NOW}
    # The first one counts: a second, later one changes nothing.
    assert await core.relay.accept_cosignature("FR", cosigned(raw, exchange, "FR", time=NOW + 60)) is None
    assert core.relay.checkpoint() == served
    await core.accepted(core.member("FR").compose("AU"))
    newest = core.relay.checkpoint()
    assert newest is not None
    assert cosignatures(parse_checkpoint(newest)[1], keys) == {}
    # An older checkpoint may still be cosigned.
    assert await core.relay.accept_cosignature("DE", cosigned(raw, exchange, "DE")) is None


async def test_a_cosignature_is_the_callers_over_a_checkpoint_of_ours(core: Bench, exchange: Exchange) -> None:
    raw = core.relay.checkpoint()
    assert raw is not None
    foreign = exchange.log.sign(1, bytes(32), NOW)
    ahead = exchange.log.sign(9, bytes(32), NOW)
    spoiled = bytearray(cosigned(raw, exchange, "FR"))
    spoiled[-9] ^= 1
    for caller, note, expected in (
        ("FR", raw, "bad-signature"),
        ("FR", cosigned(raw, exchange, "AU"), "bad-signature"),
        ("FR", cosigned(foreign, exchange, "FR"), "not-found"),
        ("FR", cosigned(ahead, exchange, "FR"), "not-found"),
        ("XX", cosigned(raw, exchange, "FR"), "unknown-sender"),
        ("FR", b"x", "malformed"),
        ("FR", bytes(70_000), "too-large"),
    ):
        assert slug(await core.relay.accept_cosignature(caller, note)) == expected
    assert slug(await core.relay.accept_cosignature("FR", bytes(spoiled))) in ("bad-signature", "malformed")
    assert core.relay.checkpoint() == raw
