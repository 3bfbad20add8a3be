"""Each rule of PROTOCOL §8 refuses with its own slug, in order, and a refusal leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_keys import frames
from envoi_keys.age_header import Header, Stanza
from envoi_keys.dispatches import Sealed
from envoi_keys.limits import MAX_BODY_BYTES, MAX_DISPATCH_NOTE_BYTES
from envoi_keys.notes import Note
from envoi_server.relay import Acceptance
from envoi_server.rules import (
    MAX_OPENINGS_BYTES,
    MAX_SUBMISSION_BYTES,
    Refusal,
    View,
    check_dispatch,
    read_submission,
)

from ....budget import at_most
from ....exchange import Exchange, seed, sign
from .harness import Bench, Member, Posted, sealed_body, stanza

pytestmark = pytest.mark.anyio
SHA = "ab" * 32


def decide(exchange: Exchange, raw: bytes, caller: str = "FR", **facts: Any) -> Refusal | None:
    submission = read_submission(raw)
    if isinstance(submission, Refusal):
        return submission
    return check_dispatch(caller, submission, View(exchange.chain, facts))


def slug(exchange: Exchange, raw: bytes, caller: str = "FR") -> str:
    refused = decide(exchange, raw, caller)
    return refused.slug if refused else "accepted"


def resigned(exchange: Exchange, posted: Posted, /, **changes: Any) -> Posted:
    dispatch = replace(posted.dispatch, **changes)
    return replace(posted, dispatch=dispatch, note=exchange.signed(dispatch))


@pytest.fixture
def posted(exchange: Exchange) -> Posted:
    return Member(exchange, "FR").compose("AU", "DE")


def test_a_good_dispatch_passes(exchange: Exchange, posted: Posted) -> None:
    assert slug(exchange, posted.raw) == "accepted"


def test_1_each_part_has_a_limit_of_its_own(exchange: Exchange) -> None:
    limits = (MAX_DISPATCH_NOTE_BYTES, MAX_OPENINGS_BYTES, MAX_BODY_BYTES)
    for position, limit in enumerate(limits):
        parts = [b"", b"", b""]
        parts[position] = bytes(limit + 1)
        refused = decide(exchange, frames.pack(*parts))
        assert refused is not None
        assert (refused.slug, refused.extra["limit_bytes"]) == ("too-large", limit)
    refused = decide(exchange, bytes(MAX_SUBMISSION_BYTES + 1))
    assert refused is not None
    assert refused.slug == "too-large"


def test_2_what_does_not_parse_is_malformed(exchange: Exchange, posted: Posted) -> None:
    note, openings, body = frames.unpack(posted.raw)
    for raw in (
        b"",
        b"x",
        frames.pack(note, openings),
        frames.pack(note, openings, body, b""),
        frames.pack(note[:-1], openings, body),
        frames.pack(b"{}\n\n" + note.partition(b"\n\n")[2], openings, body),
        frames.pack(note, openings[:-1], body),
        frames.pack(note, openings + bytes(40), body),
        frames.pack(note, bytes(80), body),
    ):
        assert slug(exchange, raw) == "malformed"


def test_2_a_malformed_field_is_named(exchange: Exchange, posted: Posted) -> None:
    text = posted.dispatch.text().replace(b'"exercise":true', b'"exercise":1')
    note = sign(text, exchange.party("FR").signer)
    refused = decide(exchange, replace(posted, note=note).raw)
    assert refused is not None
    assert refused.extra == {"field": "exercise"}


def test_3_a_dispatch_of_another_exchange_is_refused(exchange: Exchange, posted: Posted) -> None:
    assert slug(exchange, resigned(exchange, posted, exchange=SHA).raw) == "other-exchange"


def test_4_only_the_sender_submits(exchange: Exchange, posted: Posted) -> None:
    assert slug(exchange, posted.raw, "DE") == "not-yours"


def test_4_a_stranger_is_no_sender(exchange: Exchange, posted: Posted) -> None:
    stranger = resigned(exchange, posted, sender="XX")
    assert slug(exchange, stranger.raw, "XX") == "unknown-sender"


def test_4_a_suspended_member_sends_nothing(exchange: Exchange, posted: Posted) -> None:
    after = exchange.succeed(exchange.propose(**exchange.changed("FR", status="suspended")), 1)
    assert slug(after, posted.raw) == "unknown-sender"


def test_4_the_series_is_that_of_the_roster(exchange: Exchange, posted: Posted) -> None:
    refused = decide(exchange, resigned(exchange, posted, series=2).raw)
    assert refused is not None
    assert (refused.slug, refused.extra) == ("wrong-series", {"series": 1})


@pytest.mark.parametrize("kept", [0, 1])
def test_5_half_a_signature_is_none(exchange: Exchange, posted: Posted, kept: int) -> None:
    note = Note.parse(posted.note)
    half = Note(note.text, (note.signatures[kept],))
    assert slug(exchange, replace(posted, note=half.serialise()).raw) == "bad-signature"


@pytest.mark.parametrize("spoiled", [0, 1])
def test_5_a_false_half_refuses_the_whole(exchange: Exchange, posted: Posted, spoiled: int) -> None:
    note = Note.parse(posted.note)
    lines = list(note.signatures)
    signature = bytearray(lines[spoiled].signature)
    signature[7] ^= 1
    lines[spoiled] = replace(lines[spoiled], signature=bytes(signature))
    raw = replace(posted, note=Note(note.text, tuple(lines)).serialise()).raw
    assert slug(exchange, raw) == "bad-signature"


def test_5_anothers_signature_is_not_the_senders(exchange: Exchange, posted: Posted) -> None:
    note = sign(posted.dispatch.text(), exchange.party("DE").signer)
    assert slug(exchange, replace(posted, note=note).raw) == "bad-signature"


def test_6_an_unknown_recipient_is_named(exchange: Exchange) -> None:
    refused = decide(exchange, Member(exchange, "FR").compose("AU", "XX").raw)
    assert refused is not None
    assert (refused.slug, refused.extra) == ("unknown-recipient", {"recipient": "XX"})


def test_6_nobody_is_skipped_silently(exchange: Exchange) -> None:
    after = exchange.succeed(exchange.propose(**exchange.changed("AU", status="suspended")), 1)
    refused = decide(after, Member(after, "FR").compose("AU", "DE").raw)
    assert refused is not None
    assert (refused.slug, refused.extra) == ("inactive-recipient", {"recipient": "AU"})


def test_6_a_roster_that_does_not_exist_is_unknown(exchange: Exchange, posted: Posted) -> None:
    refused = decide(exchange, resigned(exchange, posted, roster=2).raw)
    assert refused is not None
    assert (refused.slug, refused.extra) == ("roster-unknown", {"current": 1})


def test_6_a_changed_key_outdates_what_was_sealed_before(exchange: Exchange, posted: Posted) -> None:
    refused = decide(exchange.rotated("AU", 1), posted.raw)
    assert refused is not None
    assert (refused.slug, refused.extra) == ("roster-outdated", {"current": 2, "changed": "AU"})


def test_6_an_unrelated_change_does_not(exchange: Exchange, posted: Posted) -> None:
    assert slug(exchange.rotated("JP", 1), posted.raw) == "accepted"


def test_7_another_body_than_the_headers_is_refused(exchange: Exchange, posted: Posted) -> None:
    assert slug(exchange, replace(posted, body=posted.body + b"x").raw) == "body-mismatch"
    assert slug(exchange, replace(posted, body=posted.body[:-1] + b"x").raw) == "body-mismatch"


@pytest.mark.parametrize("count", [1, 2, 4])
def test_7_there_is_one_stanza_for_each_sealing_key(exchange: Exchange, count: int) -> None:
    refused = decide(exchange, Member(exchange, "FR").compose("AU", "DE", body=sealed_body(count)).raw)
    assert refused is not None
    assert (refused.slug, refused.extra) == ("stanza-count", {"expected": 3, "found": count})


@pytest.mark.parametrize(
    "dud",
    [
        Stanza(("X25519", "CPHyNeSOuHTJGKCC4vTsuVKTPADvJUUr4y6S1wYQTUg"), bytes(32)),
        Stanza(("mlkem768x25519", "AAAA"), bytes(32)),
        Stanza(("mlkem768x25519", stanza("x").args[1]), bytes(31)),
        Stanza(("scrypt", "c2FsdHNhbHRzYWx0c2FsdA", "10"), bytes(32)),
    ],
)
def test_7_a_dud_stanza_takes_nobodys_place(exchange: Exchange, dud: Stanza) -> None:
    header = Header((stanza("0"), stanza("1"), dud), seed("mac"))
    body = header.marshal() + b"payload"
    assert slug(exchange, Member(exchange, "FR").compose("AU", "DE", body=body).raw) == "stanza-count"


def test_7_a_body_that_is_no_age_file_is_refused(exchange: Exchange) -> None:
    posted = Member(exchange, "FR").compose("AU", body=b"plain text")
    assert slug(exchange, posted.raw) == "stanza-count"


def test_9_an_opening_that_does_not_fit_is_refused(exchange: Exchange, posted: Posted) -> None:
    other = replace(posted.openings[0], number=7)
    refused = decide(exchange, replace(posted, openings=(other, posted.openings[1])).raw)
    assert refused is not None
    assert (refused.slug, refused.extra) == ("bad-opening", {"recipient": "AU"})


def test_without_a_roster_nothing_is_accepted(posted: Posted) -> None:
    submission = read_submission(posted.raw)
    assert not isinstance(submission, Refusal)
    refused = check_dispatch("FR", submission, View(None, {}))
    assert refused is not None
    assert refused.slug == "no-roster"


def test_the_first_rule_that_fails_gives_the_answer(exchange: Exchange) -> None:
    # Everything is wrong with it: each repair brings the next refusal to light.
    fr = Member(exchange, "FR")
    posted = fr.compose("AU", "XX", body=b"x", exchange=SHA, series=3, roster=9)
    assert slug(exchange, posted.raw, "DE") == "other-exchange"
    posted = resigned(exchange, posted, exchange=exchange.id)
    assert slug(exchange, posted.raw, "DE") == "not-yours"
    assert slug(exchange, posted.raw) == "wrong-series"
    posted = replace(resigned(exchange, posted, series=1), note=sign(b'{"a":1}\n', exchange.party("FR").signer))
    assert slug(exchange, posted.raw) == "malformed"
    posted = resigned(exchange, posted, series=1)
    assert slug(exchange, posted.raw) == "unknown-recipient"


# -- through the relay ---------------------------------------------------------------------------------------


async def test_a_refusal_leaves_nothing_behind(core: Bench, exchange: Exchange) -> None:
    fr = core.member("FR")
    bad = [
        fr.compose("XX"),
        fr.compose("AU", body=b"x"),
        fr.compose(numbers={"AU": 2}),
        fr.compose(numbers={"AU": 1}, series=2),
    ]
    found = [(await core.refused(posted)).slug for posted in bad]
    assert found == ["unknown-recipient", "stanza-count", "number-gap", "wrong-series"]
    assert core.relay.size == len(exchange.notes)
    assert core.seen("AU").indexes == [0]
    await core.accepted(core.member("FR").compose("AU"))


async def test_8_a_blob_has_to_be_there_whole_and_the_senders(core: Bench) -> None:
    sealed = Sealed(SHA, 1000)
    fr = core.member("FR")
    posted = fr.compose("AU", attachments=(sealed,))
    missing = await core.refused(posted)
    assert (missing.slug, missing.extra) == ("blob-missing", {"sha256": SHA})
    # What is another's is missing in the same words.
    core.relay.blobs.blob_finished("DE", SHA, 1000, 1)
    assert await core.refused(posted) == missing
    core.relay.blobs.blob_finished("FR", SHA, 999, 1)
    core.relay.blobs.blob_finished("FR", SHA, 1000, 1)
    await core.accepted(posted)


async def test_8_an_unfinished_upload_is_incomplete(core: Bench) -> None:
    core.relay.blobs._unfinished = lambda owner: {SHA} if owner == "FR" else set()
    assert (await core.refused(core.member("FR").compose("AU", attachments=(Sealed(SHA, 9),)))).slug == (
        "blob-incomplete"
    )
    assert (await core.refused(core.member("DE").compose("AU", attachments=(Sealed(SHA, 9),)))).slug == ("blob-missing")


async def test_8_a_blob_of_another_size_is_another_blob(core: Bench) -> None:
    core.relay.blobs.blob_finished("FR", SHA, 1000, 1)
    refused = await core.refused(core.member("FR").compose("AU", attachments=(Sealed(SHA, 1001),)))
    assert (refused.slug, refused.extra) == ("body-mismatch", {"sha256": SHA, "size": 1000})


async def test_8_what_one_was_sent_one_may_send_on(core: Bench) -> None:
    core.relay.blobs.blob_finished("FR", SHA, 1000, 1)
    attachments = (Sealed(SHA, 1000),)
    await core.accepted(core.member("FR").compose("AU", attachments=attachments))
    await core.accepted(core.member("AU").compose("JP", attachments=attachments))
    assert (await core.refused(core.member("DE").compose("JP", attachments=attachments))).slug == "blob-missing"


async def test_9_a_gap_names_the_number_that_is_next(core: Bench) -> None:
    await core.accepted(core.member("FR").compose("AU"))
    refused = await core.refused(core.member("FR").compose(numbers={"AU": 3}))
    assert (refused.slug, refused.extra) == ("number-gap", {"recipient": "AU", "expected": 2, "number": 3})


@at_most(150)
@given(raw=st.binary(max_size=400))
def test_any_bytes_are_accepted_or_refused(raw: bytes) -> None:
    exchange = Exchange.make(6, adherents=1, sealing_counts={"DE": 2})
    refused = decide(exchange, raw)
    assert isinstance(refused, Refusal)


@at_most(150)
@given(data=st.data())
def test_any_change_to_a_good_submission_is_refused_or_harmless(data: st.DataObject) -> None:
    exchange = Exchange.make(6, adherents=1, sealing_counts={"DE": 2})
    raw = bytearray(_GOOD.setdefault("raw", Member(exchange, "FR").compose("AU", "DE").raw))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] = data.draw(st.integers(0, 255))
    refused = decide(exchange, bytes(raw))
    assert isinstance(refused, Refusal) or bytes(raw) == _GOOD["raw"]


_GOOD: dict[str, bytes] = {}


async def test_any_bytes_posted_get_an_answer(core: Bench) -> None:
    good = core.member("FR").compose("AU").raw
    for raw in (b"", b"\0" * 12, good[:100], good[:-1], good + b"\0" * 4, good):
        answer = await core.relay.accept_dispatch("FR", raw)
        assert isinstance(answer, Acceptance | Refusal)
        assert isinstance(answer, Acceptance) == (raw == good)
