"""Log entries: the type and the hash of the whole note."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_keys.entries import log_entry, parse_entry
from envoi_keys.errors import Malformed

from .mutations import damaged

ENTRY = log_entry("envoi/dispatch/v1", b"note")


def test_an_entry_names_type_and_hash() -> None:
    assert b"envoi/dispatch/v1 " + sha256(b"note").hexdigest().encode() + b"\n" == ENTRY
    assert parse_entry(ENTRY) == ("envoi/dispatch/v1", sha256(b"note").hexdigest())


def test_a_note_under_another_signature_is_another_entry() -> None:
    assert log_entry("envoi/dispatch/v1", b"text\n\nline") != log_entry("envoi/dispatch/v1", b"text\n\nLine")


@given(damaged(ENTRY))
def test_any_bytes_parse_to_themselves_or_are_refused(raw: bytes) -> None:
    try:
        statement_type, digest = parse_entry(raw)
    except Malformed:
        return
    assert f"{statement_type} {digest}\n".encode() == raw


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        ENTRY[:-1],
        ENTRY + b"\n",
        ENTRY.replace(b" ", b"  "),
        ENTRY.replace(b"/v1", b"/v0"),
        ENTRY.replace(b"/v1", b"/v01"),
        ENTRY.replace(b"envoi/", b"other/"),
        ENTRY[:19] + ENTRY[19:].upper(),
        b"envoi/" + b"a" * 200 + ENTRY[14:],
    ],
)
def test_an_entry_out_of_form_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        parse_entry(raw)


@given(st.text(max_size=30))
def test_a_type_makes_an_entry_that_parses_or_is_a_mistake(statement_type: str) -> None:
    try:
        entry = log_entry(statement_type, b"note")
    except ValueError:
        return
    assert parse_entry(entry)[0] == statement_type


def test_a_type_out_of_form_is_the_callers_mistake() -> None:
    for wrong in (
        "",
        "dispatch",
        "envoi/dispatch/v1 ",
        "envoi/dispatch",
        "envoi/Dispatch/v1",
        "envoi/" + "a" * 99 + "/v1",
    ):
        with pytest.raises(ValueError, match="type"):
            log_entry(wrong, b"note")
