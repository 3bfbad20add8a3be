"""The dispatch: every field's rule, the commitment that hides a number, and nothing else than our errors."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_keys.dispatches import OPENING_BYTES, Dispatch, Opening, Sealed
from envoi_keys.encoding import b64
from envoi_keys.errors import Malformed, Unverified
from envoi_keys.limits import (
    MAX_ATTACHMENTS,
    MAX_BLOB_BYTES,
    MAX_BODY_BYTES,
    MAX_DISPATCH_NOTE_BYTES,
    MAX_INTEGER,
    MAX_RECIPIENTS,
)
from envoi_keys.notes import Note

from .fields import Path, accepted, changed, field_damage, refuses_missing_and_unknown_fields
from .mutations import damaged
from .samples import DISPATCH, DISPATCH_NOTE, DISPATCH_TEXT, OPENINGS

BLOB = {"sha256": "ab" * 32, "size": 1}
COMMITMENT = b64(bytes(32))


def test_what_is_written_is_read_back() -> None:
    assert Dispatch.parse(DISPATCH_TEXT) == DISPATCH
    assert DISPATCH.recipients == ("AU", "DE")
    assert DISPATCH_TEXT.startswith(b'{"type":"envoi/dispatch/v1","exchange":"')


def test_no_field_may_lack_and_none_be_added() -> None:
    refuses_missing_and_unknown_fields(Dispatch.parse, DISPATCH_TEXT)


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("from",), "FR/iem-1", "from"),
        (("from",), "fr", "from"),
        (("to",), {}, "to"),
        (("to",), [], "to"),
        (("to",), {"DE": COMMITMENT, "AU": COMMITMENT}, "to"),
        (("to",), {"AU": COMMITMENT, "FR": COMMITMENT}, "to"),
        (("to",), {"au": COMMITMENT}, "to.au"),
        (("to",), {"AU": b64(bytes(31))}, "to.AU"),
        (("to",), {"AU": COMMITMENT[:-1]}, "to.AU"),
        (("to",), {"AU": 1}, "to.AU"),
        (("to",), {f"A{number:03}": COMMITMENT for number in range(MAX_RECIPIENTS + 1)}, "to"),
        (("roster",), 0, "roster"),
        (("roster",), True, "roster"),
        (("series",), 0, "series"),
        (("sent_at",), 1, "sent_at"),
        (("sent_at",), "2026-11-23T09:30:00+00:00", "sent_at"),
        (("body", "size"), 0, "body.size"),
        (("body", "size"), MAX_BODY_BYTES + 1, "body.size"),
        (("body", "sha256"), "AB" * 32, "body.sha256"),
        (("body",), None, "body"),
        (("attachments",), [BLOB] * (MAX_ATTACHMENTS + 1), "attachments"),
        (("attachments",), [{**BLOB, "size": MAX_BLOB_BYTES + 1}], "attachments[0].size"),
        (("attachments",), [BLOB, {**BLOB, "name": "x"}], "attachments[1].name"),
        (("attachments",), {}, "attachments"),
        (("exercise",), 1, "exercise"),
        (("exercise",), "true", "exercise"),
    ],
)
def test_each_rule_of_a_field(path: Path, value: Any, field: str) -> None:
    with pytest.raises(Malformed) as caught:
        Dispatch.parse(changed(DISPATCH_TEXT, path, value))
    assert caught.value.field == field


def test_the_largest_dispatch_fits_its_note() -> None:
    full = replace(
        DISPATCH,
        to=tuple((f"A{number:015}", bytes(32)) for number in range(MAX_RECIPIENTS)),
        attachments=(Sealed("ab" * 32, MAX_BLOB_BYTES),) * MAX_ATTACHMENTS,
        roster=MAX_INTEGER,
        series=MAX_INTEGER,
    )
    assert Dispatch.parse(full.text()) == full
    assert len(full.text()) < MAX_DISPATCH_NOTE_BYTES // 2


def test_a_larger_one_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(Malformed, match="at most"):
        Dispatch.parse(b"[" * MAX_DISPATCH_NOTE_BYTES + b"]\n")


def test_the_commitment_is_the_hash_of_nonce_and_number() -> None:
    opening = Opening(b"\x11" * 32, 211)
    assert opening.commitment() == hashlib.sha256(b"\x11" * 32 + (211).to_bytes(8, "big")).digest()
    assert len(opening.to_bytes()) == OPENING_BYTES == 40


def test_each_recipients_opening_gives_its_own_number() -> None:
    assert [DISPATCH.opened(name, opening) for name, opening in zip(("AU", "DE"), OPENINGS, strict=True)] == [
        211,
        198,
    ]


def test_an_opening_that_does_not_fit_is_refused() -> None:
    australia, germany = OPENINGS
    for name, opening in (
        ("AU", germany),
        ("DE", australia),
        ("AU", Opening(australia.nonce, 212)),
        ("AU", Opening(bytes(32), 211)),
    ):
        with pytest.raises(Unverified, match="does not fit"):
            DISPATCH.opened(name, opening)
    for name in ("FR", "US", ""):
        with pytest.raises(Unverified, match="not addressed"):
            DISPATCH.opened(name, australia)


@pytest.mark.parametrize(
    "raw", [b"", bytes(39), bytes(41), bytes(40), bytes(32) + b"\x00\x20" + bytes(6), b"\xff" * 40]
)
def test_what_is_no_opening(raw: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        Opening.from_bytes(raw)
    assert caught.value.field == "opening"


@given(st.binary(max_size=48))
def test_any_bytes_are_an_opening_in_one_way_or_malformed(raw: bytes) -> None:
    opening = accepted(Opening.from_bytes, raw)
    assert opening is None or opening.to_bytes() == raw


@given(st.binary(min_size=32, max_size=32), st.integers(1, MAX_INTEGER), st.integers(0, 319))
def test_no_flipped_bit_of_an_opening_fits(nonce: bytes, number: int, bit: int) -> None:
    opening = Opening(nonce, number)
    raw = bytearray(opening.to_bytes())
    raw[bit // 8] ^= 1 << bit % 8
    other = accepted(Opening.from_bytes, bytes(raw))
    assert other is None or other.commitment() != opening.commitment()


def test_the_sealed_bytes_must_be_those_that_the_header_names() -> None:
    data = b"sealed"
    sealed = Sealed(hashlib.sha256(data).hexdigest(), len(data))
    sealed.check(data)
    for other, claim in (
        (b"sealeD", sealed),
        (b"sealed ", sealed),
        (b"", sealed),
        (data, replace(sealed, size=7)),
    ):
        with pytest.raises(Unverified):
            claim.check(other)


@given(damaged(DISPATCH_TEXT) | field_damage(DISPATCH_TEXT))
def test_any_text_is_a_dispatch_or_one_of_our_errors(raw: bytes) -> None:
    dispatch = accepted(Dispatch.parse, raw)
    assert dispatch is None or Dispatch.parse(dispatch.text()) == dispatch


@given(damaged(DISPATCH_NOTE))
def test_any_note_is_a_dispatch_or_one_of_our_errors(raw: bytes) -> None:
    note = accepted(Note.parse, raw)
    if note is not None:
        accepted(Dispatch.parse, note.text)
