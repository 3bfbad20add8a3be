"""The body: padded, bound to its header by spelling, and never sealed if its recipients would refuse it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from envoi_client import age
from envoi_client.body import Attachment, Body, Envelope, open_body, padme, read_body, seal_body
from envoi_keys.dispatches import Sealed
from envoi_keys.errors import EnvoiError, LocalError, Malformed, Refused
from envoi_keys.limits import MAX_BODY_BYTES, MAX_INTEGER

from ...budget import at_most
from ...exchange import Exchange, party, seed
from ..keys.mutations import damaged
from .served import BODY, Case, identities, keys_of, plain_body

EXCHANGE = Exchange.make(4)
FILE = Attachment("IEM-2026.pdf", "application/pdf", 5, "ab" * 32, age.HybridIdentity(seed("file")).encode())
FULL = Body("paper/v1", {"text": "zwei\n\tZeilen — 三行", "number": MAX_INTEGER, "none": None}, (FILE,))
CASE = Case.make(EXCHANGE, body=FULL, attachments=(Sealed("ab" * 32, 900),))
BARE = Case.make(EXCHANGE)
KEYS = keys_of(EXCHANGE, ("AU", "DE"))


def opened(case: Case) -> bytes:
    return age.unseal_with_key(case.sealed, case.file_key)


# Sealing and opening


def test_what_is_sealed_is_what_each_recipient_opens() -> None:
    for position, name in enumerate(("AU", "DE")):
        (identity,) = identities(party(name)).values()
        assert open_body(CASE.sealed, identity, position, 2, CASE.dispatch) == FULL


def test_the_same_body_is_never_sealed_the_same_way() -> None:
    first, second = (seal_body(FULL, Envelope.of(CASE.dispatch), KEYS) for _ in range(2))
    assert first[1] != second[1]
    assert first[0] != second[0]
    assert len(first[0]) == len(second[0])


def test_bodies_of_like_length_have_one_sealed_length() -> None:
    sizes = {len(Case.make(EXCHANGE, body=replace(BODY, content={"text": "x" * n})).sealed) for n in range(3000, 3030)}
    assert len(sizes) <= 2


def test_a_body_cannot_be_sealed_to_nobody_nor_to_what_is_no_key() -> None:
    with pytest.raises(LocalError):
        seal_body(BODY, Envelope.of(BARE.dispatch), [])
    broken = KEYS[0][:-1] + ("q" if KEYS[0][-1] != "q" else "p")
    for key in (broken, "age1" + "q" * 58, ""):
        with pytest.raises(Malformed):
            seal_body(BODY, Envelope.of(BARE.dispatch), [KEYS[0], key])


@pytest.mark.parametrize(
    "content",
    [
        {"a": 1.5},
        {"a": math.nan},
        {"a": math.inf},
        {"a": MAX_INTEGER + 1},
        {"a": "line\r\nline"},
        {"a": "\u2028"},
        {"a": "\x7f"},
        {"a": "\x00"},
        {"\r": 1},
        {"a": "\ud800"},
        {"a": [[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]},
    ],
    ids=[
        "fraction",
        "nan",
        "infinity",
        "large",
        "cr",
        "separator",
        "del",
        "nul",
        "name",
        "surrogate",
        "deep",
    ],
)
def test_what_recipients_would_refuse_is_not_sealed(content: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        seal_body(Body("note/v1", content, ()), Envelope.of(BARE.dispatch), KEYS)


@pytest.mark.parametrize("type_", ["", "note", "note/v0", "Note/v1", "note/v1\n", "note/v1000", "x" * 40 + "/v1"])
def test_a_document_has_a_type_and_a_version(type_: str) -> None:
    with pytest.raises(Malformed, match="type"):
        seal_body(replace(BODY, type=type_), Envelope.of(BARE.dispatch), KEYS)


def test_a_body_that_describes_other_files_than_the_header_is_neither_sealed_nor_believed() -> None:
    other = replace(FILE, sha256="cd" * 32)
    for files in ((), (other,), (FILE, FILE), (FILE, other)):
        with pytest.raises(Refused, match="attachments"):
            seal_body(replace(FULL, attachments=files), Envelope.of(CASE.dispatch), KEYS)
        plain = plain_body(CASE.dispatch, attachments=[one.to_json() for one in files])
        with pytest.raises(Refused) as caught:
            read_body(plain, CASE.dispatch)
        assert caught.value.reason == "binding-mismatch"


@pytest.mark.parametrize("size", [MAX_BODY_BYTES, MAX_BODY_BYTES - 4000])
def test_a_body_that_is_too_large_says_to_attach(size: int) -> None:
    with pytest.raises(Refused) as caught:
        seal_body(replace(BODY, content={"text": "x" * size}), Envelope.of(BARE.dispatch), KEYS)
    assert caught.value.reason == "too-large"
    assert "attachment" in (caught.value.hint or "")


# The binding

BINDING = Envelope.of(BARE.dispatch).binding()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("exchange", "00" * 32),
        ("from", "DE"),
        ("to", ["AU"]),
        ("to", ["AU", "DE", "JP"]),
        ("to", ["DE", "AU"]),
        ("to", {"AU": 1, "DE": 1}),
        ("roster", 2),
        ("roster", True),
        ("series", 2),
        ("series", True),
        ("sent_at", "2026-11-23T09:30:01Z"),
        ("attachments", [{"sha256": "ab" * 32, "size": 1}]),
        ("exercise", False),
        ("exercise", 1),
        ("surprise", 1),
        ("body", {}),
    ],
)
def test_a_body_bound_to_another_header_is_refused_whatever_the_difference(field: str, value: object) -> None:
    for binding in ({**BINDING, field: value}, {name: one for name, one in BINDING.items() if name != field}):
        if binding != BINDING or repr(binding) != repr(BINDING):
            with pytest.raises(Refused) as caught:
                read_body(plain_body(BARE.dispatch, binding=binding), BARE.dispatch)
            assert caught.value.reason == "binding-mismatch"


@pytest.mark.parametrize("said", [1, 1.0, "true", None, False])
def test_a_document_that_spells_its_flag_otherwise_than_the_header_is_refused(said: object) -> None:
    assert BARE.dispatch.exercise is True
    with pytest.raises((Refused, Malformed)):
        read_body(plain_body(BARE.dispatch, content={"exercise": said}), BARE.dispatch)
    assert read_body(plain_body(BARE.dispatch, content={"exercise": True}), BARE.dispatch).content == {"exercise": True}


def test_the_order_of_fields_means_nothing() -> None:
    backwards = dict(reversed(BINDING.items()))
    assert read_body(plain_body(BARE.dispatch, binding=backwards), BARE.dispatch).type == "note/v1"


def test_a_body_sent_in_an_early_year_is_opened() -> None:
    draft, _ = EXCHANGE.dispatch("FR", {"AU": 1}, sent_at=-62135596800)
    assert read_body(plain_body(draft), draft).type == "note/v1"


@pytest.mark.parametrize("field", ["type", "binding", "content", "attachments"])
@pytest.mark.parametrize("value", [None, 1, "x", [1]])
def test_each_field_is_there_and_of_its_kind(field: str, value: object) -> None:
    with pytest.raises(Malformed):
        read_body(plain_body(BARE.dispatch, **{field: value}), BARE.dispatch)


def test_a_field_that_nobody_knows_is_refused() -> None:
    with pytest.raises(Malformed, match="surprise"):
        read_body(plain_body(BARE.dispatch, surprise=1), BARE.dispatch)


# Attachments


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            ".",
            "..",
            ".profile",
            " ",
            "   ",
            "a/b",
            "/etc/passwd",
            "..\\x",
            "C:x",
            "a:stream",
            "a\nb",
            "a\tb",
        ),
        *("paper\u202efdp.exe", "a\u2066b", "\u200ftxt", "x" * 241, "é" * 121, "三" * 81),
    ],
)
def test_a_name_that_is_not_a_plain_file_name_is_refused(name: str) -> None:
    with pytest.raises(Malformed) as caught:
        seal_body(replace(FULL, attachments=(replace(FILE, name=name),)), Envelope.of(CASE.dispatch), KEYS)
    assert caught.value.field == "attachments[0].name"


@pytest.mark.parametrize(
    "name", ["a", "IEM 2026 (rev. 2).pdf", "a..b", "отчёт.pdf", "報告.docx", "گزارش\u200cها.pdf", "é" * 120]
)
def test_names_in_every_script_are_names(name: str) -> None:
    body = replace(FULL, attachments=(replace(FILE, name=name),))
    sealed, key = seal_body(body, Envelope.of(CASE.dispatch), KEYS)
    assert read_body(age.unseal_with_key(sealed, key), CASE.dispatch).attachments[0].name == name


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("media_type", "pdf"),
        ("media_type", "text/html; charset=x"),
        ("media_type", "Text/HTML"),
        ("size", -1),
        ("size", 2**33 + 1),
        ("sha256", "AB" * 32),
        ("identity", "AGE-SECRET-KEY-1" + "Q" * 58),
        ("identity", FILE.identity.lower()),
        ("identity", ""),
    ],
)
def test_each_rule_of_an_attachment(field: str, value: object) -> None:
    spoiled = {**FILE.to_json(), field: value}
    with pytest.raises(Malformed) as caught:
        read_body(plain_body(CASE.dispatch, attachments=[spoiled]), CASE.dispatch)
    assert caught.value.field == f"attachments[0].{field}"


# Padding


def test_padding_is_spaces_up_to_the_padme_length() -> None:
    for case in (CASE, BARE):
        plain = opened(case)
        assert len(plain) == padme(len(plain.rstrip(b" ")))
        assert plain.rstrip(b" ").endswith(b"}")


@pytest.mark.parametrize(
    ("length", "padded"), [(0, 0), (1, 1), (2, 2), (8, 8), (9, 10), (100, 104), (1000, 1024), (1025, 1088)]
)
def test_padme_of_known_lengths(length: int, padded: int) -> None:
    assert padme(length) == padded


@given(st.integers(2, 2**40))
@example(2**20)
def test_padme_is_what_the_paper_says(length: int) -> None:
    exponent = math.floor(math.log2(length)) if length < 2**48 else 0
    bits = exponent - (math.floor(math.log2(exponent)) + 1) if exponent else 0
    step = 2 ** max(bits, 0)
    assert padme(length) == -(-length // step) * step
    assert length <= padme(length) <= length * 1.12
    assert padme(padme(length)) == padme(length)
    assert padme(length) <= padme(length + 1)


# Properties


@at_most(200)
@given(damaged(opened(CASE).rstrip(b" "), plain_body(BARE.dispatch)))
def test_any_bytes_are_a_body_or_one_of_our_errors(plain: bytes) -> None:
    for case in (CASE, BARE):
        try:
            body = read_body(plain, case.dispatch)
        except EnvoiError:
            continue
        assert body.type


_texts = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]) | st.sampled_from("\n\t"), max_size=30)


@at_most(50)
@given(
    st.dictionaries(_texts, _texts | st.integers(-MAX_INTEGER, MAX_INTEGER) | st.lists(_texts, max_size=3), max_size=5)
)
def test_every_content_that_is_sealed_is_opened_as_it_was(content: dict[str, Any]) -> None:
    body = Body("note/v1", content, ())
    sealed, file_key = seal_body(body, Envelope.of(BARE.dispatch), KEYS)
    assert read_body(age.unseal_with_key(sealed, file_key), BARE.dispatch) == body
