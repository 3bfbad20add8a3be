"""Dispositions as signed statements: what a colleague or a court reads, and what is refused of it."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_desk.screening.dispositions import Decision, Disposition, NoticeSeen, from_file, newest, to_file, verified
from envoi_keys.encoding import dump_line
from envoi_keys.errors import Malformed, PeerError, Refused, Unverified
from envoi_keys.notes import Note
from envoi_keys.signing import HybridSigner, sign_note

from .desks import EXCHANGE, NOW, SIGNER, bench
from .notices import reference

COLLEAGUE = Disposition(
    exchange=EXCHANGE,
    member="FR",
    officer="anne",
    case="2026-118",
    reference=reference(1),
    seen=NoticeSeen(5, "ab" * 32),
    hit_fingerprint="cd" * 32,
    case_fingerprint="ef" * 32,
    decision=Decision.POSSIBLE_MATCH,
    reason="Same street, Lahore «Canal Road».",
    replaces="",
    decided_at=NOW,
)


def signed(disposition: Disposition = COLLEAGUE, signer: HybridSigner = SIGNER) -> bytes:
    return sign_note(disposition.text(), signer).serialise()


def test_a_disposition_reads_back_as_it_was() -> None:
    assert Disposition.parse(COLLEAGUE.text()) == COLLEAGUE
    read = verified(signed(), EXCHANGE, SIGNER.public)
    assert read.disposition == COLLEAGUE
    assert read.note == signed()[: len(COLLEAGUE.text())] + read.note[len(COLLEAGUE.text()) :]
    assert json.loads(COLLEAGUE.text())["type"] == "envoi/disposition/v1"


def test_another_authoritys_decision_is_refused() -> None:
    other = HybridSigner.from_seed("DE", bytes(64))
    with pytest.raises(Refused, match="is not signed by the key of FR in force") as caught:
        verified(signed(replace(COLLEAGUE, member="DE"), other), EXCHANGE, SIGNER.public)
    assert caught.value.reason == "not-our-own"


def test_an_old_or_a_strangers_key_under_our_name_is_refused() -> None:
    stranger = HybridSigner.from_seed("FR", bytes(64))
    with pytest.raises(Refused, match="not signed by the key of FR in force"):
        verified(signed(signer=stranger), EXCHANGE, SIGNER.public)


def test_our_signature_under_another_name_is_refused() -> None:
    with pytest.raises(Refused, match="not signed by the key of FR in force"):
        verified(signed(replace(COLLEAGUE, member="DE")), EXCHANGE, SIGNER.public)


def test_another_exchange_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        verified(signed(replace(COLLEAGUE, exchange="f" * 64)), EXCHANGE, SIGNER.public)
    assert caught.value.reason == "other-exchange"


def test_half_a_signature_and_an_altered_text_are_refused() -> None:
    note = Note.parse(signed())
    half = Note(note.text, note.signatures[:1]).serialise()
    altered = signed().replace(b"possible-match", b"no-match")
    for raw in (half, altered):
        with pytest.raises(Unverified):
            verified(raw, EXCHANGE, SIGNER.public)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"decision": "perhaps"}, "decision"),
        ({"reason": ""}, "reason: is empty"),
        ({"reason": "An\u202eother"}, "hidden mark"),
        ({"officer": " "}, "officer: is empty"),
        ({"seen": {"index": -1, "id": "ab" * 32}}, "seen.index"),
        ({"seen": {"sha256": "ab" * 32}}, "seen.index"),
        ({"reference": "list:un:EXe.001"}, "seen.sha256"),
        ({"colour": "red"}, "colour"),
        ({"type": "envoi/receipt/v1"}, "is not envoi/disposition/v1"),
        ({"decided_at": "today"}, "decided_at"),
    ],
)
def test_what_is_no_disposition_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(Malformed, match=said):
        Disposition.parse(dump_line(json.loads(COLLEAGUE.text()) | changes))


def test_a_second_spelling_of_one_decision_is_refused() -> None:
    with pytest.raises(Malformed, match="in the one way"):
        Disposition.parse(COLLEAGUE.text().replace(b'":"FR"', b'": "FR"'))


def test_a_file_holds_several_notes_and_gives_them_back() -> None:
    notes = [signed(), signed(replace(COLLEAGUE, case="2026-119")), signed(replace(COLLEAGUE, officer="bo"))]
    assert from_file(to_file(notes)) == notes
    assert from_file(to_file(notes[:1])) == notes[:1]
    assert from_file(b"") == []
    with pytest.raises(Malformed, match="is not a file of signed notes"):
        from_file(b"hello\n")


def test_what_no_other_replaces_counts_whatever_its_time() -> None:
    late = replace(COLLEAGUE, decided_at=NOW + 99)
    # A colleague whose clock is slow has seen it and decided otherwise.
    second = replace(COLLEAGUE, decision=Decision.NO_MATCH, replaces=late.id, decided_at=NOW + 1)
    assert newest([second, late]) == second
    # Of two decided apart, the later.
    apart = replace(COLLEAGUE, officer="bo", decided_at=NOW + 50)
    assert newest([second, late, apart]) == apart
    assert newest([]) is None


def test_importing_twice_is_importing_once(tmp_path: Path) -> None:
    with bench(tmp_path) as desk:
        read = verified(signed(), EXCHANGE, SIGNER.public)
        assert desk.records.add_disposition(read)
        assert not desk.records.add_disposition(verified(signed(), EXCHANGE, SIGNER.public))
        assert list(desk.records.notes()) == [read.note]


def test_a_colleagues_decision_stands_beside_the_hit(tmp_path: Path) -> None:
    """Two officers of one authority, each with a store: what one decided, the other sees."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with bench(tmp_path / "one") as one, bench(tmp_path / "two") as two:
        for desk in (one, two):
            desk.take(1)
            desk.screen()
        one.decide(reference(1), reason="Another firm.")
        for note in from_file(to_file(one.records.notes())):
            two.records.add_disposition(verified(note, EXCHANGE, SIGNER.public))
        (hit,) = two.screen()["hits"]
        assert (hit["disposition"]["reason"], hit["disposition"]["carried_over"]) == ("Another firm.", True)


@given(st.binary(max_size=400))
def test_any_file_is_dispositions_or_an_error_of_ours(raw: bytes) -> None:
    with contextlib.suppress(PeerError):
        for note in from_file(raw):
            verified(note, EXCHANGE, SIGNER.public)


@given(st.data())
def test_any_damage_to_a_note_is_an_error_of_ours(data: st.DataObject) -> None:
    raw = bytearray(signed())
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(PeerError):
        verified(bytes(raw), EXCHANGE, SIGNER.public)
