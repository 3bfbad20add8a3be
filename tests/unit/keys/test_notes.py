"""Signed notes: one way to write each, everything else refused, no other error for any bytes."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_keys.errors import Malformed
from envoi_keys.limits import MAX_NOTE_BYTES, MAX_SIGNATURES
from envoi_keys.notes import Note, SignatureLine, check_key_name

from .mutations import damaged

# The example of C2SP signed-note, "Note".
QUASIMODO = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMc"
    "Xxj99ihAQwaqP3ZekRwNtIc=\n"
).encode()
LINE = SignatureLine("FR", b"\x01\x02\x03\x04", b"signature")
VALID = Note(b"one\n\ntwo\n", (LINE, SignatureLine("DE", b"\x05\x06\x07\x08", b"\xff" * 9))).serialise()

names = st.text(min_size=1, max_size=20).filter(
    lambda name: not any(one.isspace() or one < " " or one == "+" or "\ud800" <= one <= "\udfff" for one in name)
)
lines = st.builds(SignatureLine, names, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=40))
texts = st.text(
    st.characters(codec="utf-8", exclude_characters=[chr(c) for c in range(32) if c != 10]),
    max_size=80,
).map(lambda text: f"{text}\n".encode())


def encoded(data: bytes) -> bytes:
    return base64.b64encode(data)


def note_with(line: str) -> bytes:
    return f"text\n\n{line}\n".encode()


def test_the_example_of_the_specification_parses_and_serialises_to_itself() -> None:
    note = Note.parse(QUASIMODO)
    assert note.text.endswith("ed è subito sera.\n".encode())
    assert note.text.count(b"\n\n") == 1  # the text keeps its own empty line
    assert [line.name for line in note.signatures] == ["quasimodo.example/salvatore"]
    assert note.signatures[0].key_id == bytes.fromhex("367ba04b")
    assert len(note.signatures[0].signature) == 64
    assert note.serialise() == QUASIMODO


@given(damaged(VALID, QUASIMODO))
def test_any_bytes_parse_to_themselves_or_are_refused(raw: bytes) -> None:
    try:
        note = Note.parse(raw)
    except Malformed:
        return
    assert note.serialise() == raw


@given(st.text(max_size=60))
def test_any_signature_line_parses_to_itself_or_is_refused(text: str) -> None:
    try:
        line = SignatureLine.parse(text)
    except Malformed:
        return
    assert line.serialise() == f"{text}\n"


@given(texts, st.lists(lines, min_size=1, max_size=5, unique_by=lambda line: (line.name, line.key_id)))
def test_a_note_that_can_be_built_comes_back_from_its_bytes(text: bytes, signatures: list[SignatureLine]) -> None:
    note = Note(text, tuple(signatures))
    assert Note.parse(note.serialise()) == note


def test_sixteen_signatures_and_more_are_accepted() -> None:
    # signed-note, "Format": verifiers MUST accept at least up to 16 signatures.
    note = Note(b"text\n", tuple(SignatureLine(f"m{n}", b"1234", b"s") for n in range(MAX_SIGNATURES)))
    assert Note.parse(note.serialise()) == note


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "newline"),
        (b"text\n\n\xe2\x80\x94 FR AAAAAAE=", "newline"),
        (b"text\n\xe2\x80\x94 FR AAAAAAE=\n", "blank line"),
        (b"\n\xe2\x80\x94 FR AAAAAAE=\n", "blank line"),
        (b"text\n\n", "no signature"),
        (b"text\n\n\n", "no signature"),
        (b"text\n\n\xe2\x80\x94 FR AAAAAAE=\n\n", "no signature"),
        (b"te\xffxt\n\n\xe2\x80\x94 FR AAAAAAE=\n", "UTF-8"),
        (b"text\n\n\xe2\x80\x94 F\xff AAAAAAE=\n", "UTF-8"),
        (b"te\txt\n\n\xe2\x80\x94 FR AAAAAAE=\n", "control character"),
        (b"text\r\n\n\xe2\x80\x94 FR AAAAAAE=\n", "control character"),
        (b"te\x00xt\n\n\xe2\x80\x94 FR AAAAAAE=\n", "control character"),
    ],
)
def test_a_note_out_of_form_is_refused(raw: bytes, message: str) -> None:
    with pytest.raises(Malformed, match=message):
        Note.parse(raw)


@pytest.mark.parametrize(
    "line",
    [
        "- FR AAAAAAE=",  # a hyphen for the em dash
        "—FR AAAAAAE=",
        "—  FR AAAAAAE=",
        "— FR  AAAAAAE=",
        "— FR AAAAAAE= ",
        " — FR AAAAAAE=",
        "— FR\tAAAAAAE=",
        "— FR",
        "— FR ",
        "—  AAAAAAE=",  # no name
        "— F+R AAAAAAE=",
        "— F\u00a0R AAAAAAE=",
        "— F\u2003R AAAAAAE=",
        "— F\x01R AAAAAAE=",
        "— FR AAAAAAE",  # no padding
        "— FR AAAAAAF=",  # bits after the end: a second spelling of AAAAAAE=
        "— FR AAAA_AE=",
        "— FR AAAAAA==",  # four bytes: a key id and no signature
        "— FR AAAA",
        "— FR ÄAAAAAE=",
        "— FR AAAAAAE=\r",
    ],
)
def test_a_signature_line_out_of_form_is_refused(line: str) -> None:
    with pytest.raises(Malformed):
        Note.parse(note_with(line))


def test_the_line_that_those_above_are_wrong_against_is_right() -> None:
    assert Note.parse(note_with("— FR AAAAAAE=")).signatures == (SignatureLine("FR", bytes(4), b"\x01"),)


def test_the_text_ends_at_the_last_empty_line() -> None:
    raw = VALID[:-1] + b"\n\n" + b"\xe2\x80\x94 FR AAAAAAE=\n"
    assert Note.parse(raw).text == VALID


def test_two_lines_of_one_key_refuse_the_note_even_when_they_are_the_same() -> None:
    for second in (LINE, SignatureLine(LINE.name, LINE.key_id, b"another")):
        with pytest.raises(Malformed, match="sign twice"):
            Note(b"text\n", (LINE, second))
        raw = b"text\n\n" + (LINE.serialise() + second.serialise()).encode()
        with pytest.raises(Malformed, match="sign twice"):
            Note.parse(raw)


def test_one_name_may_sign_with_two_keys_and_one_id_may_have_two_names() -> None:
    note = Note(b"text\n", (LINE, SignatureLine("FR", b"9999", b"s"), SignatureLine("DE", LINE.key_id, b"s")))
    assert Note.parse(note.serialise()) == note


def test_size_and_number_of_lines_are_bounded_before_anything_is_decoded() -> None:
    with pytest.raises(Malformed, match="bytes; at most"):
        Note.parse(b"\xff" * (MAX_NOTE_BYTES + 1))
    with pytest.raises(Malformed, match="bytes; at most 10"):
        Note.parse(VALID, max_bytes=10)
    # Not one of these lines is a signature line: the count alone refuses them.
    with pytest.raises(Malformed, match=f"more than {MAX_SIGNATURES}"):
        Note.parse(b"text\n\n" + b"x\n" * (MAX_SIGNATURES + 1))
    with pytest.raises(Malformed, match=f"more than {MAX_SIGNATURES}"):
        Note(b"text\n", tuple(SignatureLine(f"m{n}", b"1234", b"s") for n in range(MAX_SIGNATURES + 1)))


def test_a_text_that_does_not_end_its_last_line_makes_no_note() -> None:
    for text in (b"", b"text"):
        with pytest.raises(Malformed, match="newline"):
            Note(text, (LINE,))


def test_signed_appends_below_and_leaves_the_first_note_as_it_was() -> None:
    note = Note(b"text\n", (LINE,))
    more = note.signed(SignatureLine("DE", b"5678", b"s"))
    assert more.serialise().startswith(note.serialise())
    assert len(note.signatures) == 1
    with pytest.raises(Malformed, match="sign twice"):
        more.signed(LINE)


@pytest.mark.parametrize(
    ("name", "key_id", "signature"), [("F R", b"1234", b"s"), ("FR", b"123", b"s"), ("FR", b"1234", b"")]
)
def test_a_line_that_could_not_be_written_is_not_built(name: str, key_id: bytes, signature: bytes) -> None:
    with pytest.raises(Malformed):
        SignatureLine(name, key_id, signature)


@pytest.mark.parametrize("name", ["", " ", "a b", "a+b", "a\nb", "a\u2028b", "a\x00b", "\ud800"])
def test_names_that_no_note_can_hold(name: str) -> None:
    with pytest.raises(Malformed):
        check_key_name(name, "key")


def test_an_error_names_the_line_at_fault() -> None:
    with pytest.raises(Malformed) as caught:
        Note.parse(b"text\n\n\xe2\x80\x94 FR AAAAAAE=\nnonsense\n")
    assert caught.value.field == "signatures[1]"
