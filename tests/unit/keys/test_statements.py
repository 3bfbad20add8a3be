"""What all statements have in common: a type that nothing else has, an exchange, an id of the exact bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from envoi_keys.delegations import Delegation
from envoi_keys.dispatches import Dispatch
from envoi_keys.enrolments import Enrolment
from envoi_keys.errors import Malformed, Refused
from envoi_keys.receipts import Receipt
from envoi_keys.rosters import Roster
from envoi_keys.statements import (
    ADDRESSEE,
    DELEGATION,
    DISPATCH,
    ENROLMENT,
    RECEIPT,
    ROSTER,
    SUB_ADDRESS,
    open_statement,
    require_exchange,
    statement_id,
    statement_type,
)

from .mutations import damaged
from .samples import DELEGATION_TEXT, DISPATCH_TEXT, ENROLMENT_TEXT, RECEIPT_TEXT, ROSTER_TEXT

PARSERS: dict[str, tuple[Callable[[bytes], Any], bytes]] = {
    DISPATCH: (Dispatch.parse, DISPATCH_TEXT),
    RECEIPT: (Receipt.parse, RECEIPT_TEXT),
    ROSTER: (Roster.parse, ROSTER_TEXT),
    DELEGATION: (Delegation.parse, DELEGATION_TEXT),
    ENROLMENT: (Enrolment.parse, ENROLMENT_TEXT),
}


@pytest.mark.parametrize("parsed", PARSERS)
@pytest.mark.parametrize("written", PARSERS)
def test_no_kind_of_statement_is_taken_for_another(parsed: str, written: str) -> None:
    parse, text = PARSERS[parsed][0], PARSERS[written][1]
    if parsed == written:
        assert parse(text).text() == text
    else:
        with pytest.raises(Malformed, match="type"):
            parse(text)


def test_another_version_of_a_type_is_refused() -> None:
    for kind in ("envoi/dispatch/v2", "envoi/dispatch", "ENVOI/dispatch/v1", ""):
        with pytest.raises(Malformed) as caught:
            Dispatch.parse(DISPATCH_TEXT.replace(b"envoi/dispatch/v1", kind.encode()))
        assert caught.value.field == "type"


def test_the_id_is_the_hash_of_the_exact_bytes() -> None:
    assert statement_id(DISPATCH_TEXT) == hashlib.sha256(DISPATCH_TEXT).hexdigest()
    # Another spelling of the same values is another statement, and no reader writes it again.
    spaced = DISPATCH_TEXT.replace(b'"from":"FR"', b'"from": "\\u0046R"')
    assert Dispatch.parse(spaced) == Dispatch.parse(DISPATCH_TEXT)
    assert statement_id(spaced) != statement_id(DISPATCH_TEXT)


def test_a_statement_of_another_exchange_is_refused() -> None:
    require_exchange("ab" * 32, "ab" * 32)
    for found in ("cd" * 32, "", "AB" * 32):
        with pytest.raises(Refused) as caught:
            require_exchange(found, "ab" * 32)
        assert caught.value.reason == "other-exchange"


@pytest.mark.parametrize("text", [DISPATCH_TEXT, RECEIPT_TEXT, DELEGATION_TEXT])
@pytest.mark.parametrize("exchange", ["", "AB" * 32, "ab" * 31, "ab" * 33])
def test_only_the_first_roster_and_enrolments_have_no_exchange(text: bytes, exchange: str) -> None:
    start = text.index(b'"exchange":"') + len(b'"exchange":"')
    parse = PARSERS[statement_type(text, 1 << 20)][0]
    with pytest.raises(Malformed) as caught:
        parse(text[:start] + exchange.encode() + text[text.index(b'"', start) :])
    assert caught.value.field == "exchange"


@pytest.mark.parametrize("kind", PARSERS)
def test_the_type_of_any_statement_can_be_read_alone(kind: str) -> None:
    assert statement_type(PARSERS[kind][1], 1 << 20) == kind


@given(damaged(DISPATCH_TEXT, RECEIPT_TEXT))
def test_any_bytes_have_a_type_or_are_malformed(raw: bytes) -> None:
    for read in (lambda: statement_type(raw, 1 << 20), lambda: open_statement(raw, DISPATCH, 1 << 20)):
        try:
            read()
        except Malformed:
            continue


@pytest.mark.parametrize("id_", ["FR", "POC", "CHAIR", "A1", "A" * 16])
def test_ids(id_: str) -> None:
    assert ADDRESSEE.fullmatch(id_)


@pytest.mark.parametrize("id_", ["F", "", "fr", "1A", "FR\n", "FR ", "F R", "ÉR", "A" * 17, "FR/x", "F-R", "\u0424R"])
def test_what_is_no_id(id_: str) -> None:
    assert not ADDRESSEE.fullmatch(id_)


@pytest.mark.parametrize("name", ["FR/iem-1", "POC/a", "POC/0", "FR/" + "a" * 32])
def test_what_belongs_to_an_id(name: str) -> None:
    assert SUB_ADDRESS.fullmatch(name)


@pytest.mark.parametrize("name", ["FR", "FR/", "FR/A", "FR/-a", "FR/a/b", "FR/a\n", "/a", "FR/" + "a" * 33, "FR/a+b"])
def test_what_belongs_to_no_id(name: str) -> None:
    assert not SUB_ADDRESS.fullmatch(name)
