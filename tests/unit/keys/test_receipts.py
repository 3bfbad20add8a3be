"""The receipt: every field's rule, numbers that fit each other, and a transcript of all dispatches."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_keys.encoding import b64
from envoi_keys.errors import Malformed
from envoi_keys.limits import MAX_COULD_NOT_OPEN, MAX_INTEGER, MAX_RECEIPT_NOTE_BYTES
from envoi_keys.receipts import EMPTY_TRANSCRIPT, Direction, Progress, Receipt, extend_transcript

from .fields import Path, accepted, changed, field_damage, refuses_missing_and_unknown_fields
from .mutations import damaged
from .samples import RECEIPT, RECEIPT_TEXT

ids = st.binary(min_size=32, max_size=32).map(bytes.hex)


def test_what_is_written_is_read_back() -> None:
    assert Receipt.parse(RECEIPT_TEXT) == RECEIPT


def test_no_field_may_lack_and_none_be_added() -> None:
    refuses_missing_and_unknown_fields(Receipt.parse, RECEIPT_TEXT)


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("from",), "FR", "to"),
        (("to",), "FR/iem-1", "to"),
        (("series", "received"), 0, "series.received"),
        (("series", "sent"), 0, "series.sent"),
        (("series",), 1, "series"),
        (("received_through",), 208, "opened_through"),
        (("received_through",), -1, "received_through"),
        (("opened_through",), 212, "opened_through"),
        (("could_not_open",), [0], "could_not_open[0]"),
        (("could_not_open",), [212], "could_not_open[0]"),
        (("could_not_open",), [7, 7], "could_not_open[1]"),
        (("could_not_open",), [8, 7], "could_not_open[1]"),
        (("could_not_open",), [True], "could_not_open[0]"),
        (("could_not_open",), ["7"], "could_not_open[0]"),
        (("sent_through",), 1, "transcript.sent"),
        (("transcript", "sent"), "ab" * 32, "transcript.sent"),
        (("transcript", "received"), EMPTY_TRANSCRIPT, "transcript.received"),
        (("transcript", "received"), "AB" * 32, "transcript.received"),
        (("checkpoint",), "A", "checkpoint"),
        (("checkpoint",), b64(bytes(64 * 1024)), "checkpoint"),
        (("issued_at",), "today", "issued_at"),
    ],
)
def test_each_rule_of_a_field(path: Path, value: Any, field: str) -> None:
    with pytest.raises(Malformed) as caught:
        Receipt.parse(changed(RECEIPT_TEXT, path, value))
    assert caught.value.field == field


def test_the_longest_list_of_what_could_not_be_opened_fits() -> None:
    top = MAX_INTEGER
    full = replace(
        RECEIPT,
        received=Direction(top, top, "ab" * 32),
        opened_through=top,
        could_not_open=tuple(range(top - MAX_COULD_NOT_OPEN + 1, top + 1)),
    )
    assert Receipt.parse(full.text()) == full
    assert len(full.text()) < MAX_RECEIPT_NOTE_BYTES
    with pytest.raises(Malformed, match="10001 items"):
        Receipt.parse(replace(full, could_not_open=(1, *full.could_not_open)).text())


def test_the_transcript_is_a_chain_of_hashes() -> None:
    first = hashlib.sha256(bytes(32) + b"\x01" * 32).digest()
    assert extend_transcript(EMPTY_TRANSCRIPT, "01" * 32) == first.hex()
    assert extend_transcript(first.hex(), "02" * 32) == hashlib.sha256(first + b"\x02" * 32).hexdigest()


@given(st.lists(ids, max_size=6), st.lists(ids, max_size=6))
def test_equal_transcripts_mean_equal_dispatches_in_equal_order(one: list[str], other: list[str]) -> None:
    def transcript(of: list[str]) -> str:
        found = EMPTY_TRANSCRIPT
        for id_ in of:
            found = extend_transcript(found, id_)
        return found

    assert (transcript(one) == transcript(other)) == (one == other)
    assert one == one[::-1] or transcript(one) != transcript(one[::-1])


def test_progress_is_what_can_only_grow() -> None:
    assert Progress.of(RECEIPT) == Progress((1, 211), (2, 0), 3)
    assert Progress.of(replace(RECEIPT, issued_at=0, could_not_open=())) == Progress.of(RECEIPT)
    with pytest.raises(Malformed):
        Progress.of(replace(RECEIPT, checkpoint=b"no checkpoint"))


@given(damaged(RECEIPT_TEXT) | field_damage(RECEIPT_TEXT))
def test_any_text_is_a_receipt_or_one_of_our_errors(raw: bytes) -> None:
    receipt = accepted(Receipt.parse, raw)
    assert receipt is None or Receipt.parse(receipt.text()) == receipt
