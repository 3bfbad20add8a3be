"""Armor: the strict form of RFC 7468 and nothing else, also where the text is read in pieces."""

from __future__ import annotations

import base64
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_client.age import HybridIdentity, armor, decrypt, encrypt
from envoi_client.age.armor import BEGIN, END, ArmorReader, ArmorWriter, is_armored
from envoi_client.age.pipes import Sink, Source
from envoi_client.limits import MAX_ARMOR_WHITESPACE
from envoi_keys.errors import Malformed


def armored(data: bytes, *, piece: int = 1_000_000) -> bytes:
    out = io.BytesIO()
    writer = ArmorWriter(Sink(out))
    for start in range(0, len(data), piece):
        writer.write(memoryview(data)[start : start + piece])
    writer.finish()
    return out.getvalue()


def dearmored(text: bytes) -> bytes:
    reader = ArmorReader(Source(io.BytesIO(text)))
    return b"".join(iter(lambda: reader.read(1000), b""))


def block(*lines: str) -> bytes:
    return b"\n".join([BEGIN, *(line.encode() for line in lines), END, b""])


@given(st.binary(max_size=300), st.integers(1, 100))
def test_what_is_written_is_read_back(data: bytes, piece: int) -> None:
    text = armored(data, piece=piece)
    assert dearmored(text) == data
    body = text.removeprefix(BEGIN + b"\n").removesuffix(END + b"\n")
    assert body.replace(b"\n", b"") == base64.b64encode(data)
    assert all(len(line) == 64 for line in body.splitlines()[:-1])
    assert b"\n\n" not in text


@pytest.mark.parametrize("size", [*range(40, 60), *range(790, 810)])
def test_pieces_that_end_anywhere_are_read_back(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With pieces of 300 characters each boundary falls inside, before and after a line and the end line."""
    monkeypatch.setattr(armor, "PIECE", 300)
    data = bytes(number % 251 for number in range(size))
    for text in (armored(data), armored(data).replace(b"\n", b"\r\n")):
        assert dearmored(text) == data


@given(st.binary(max_size=200) | st.binary(max_size=200).map((BEGIN + b"\n").__add__))
def test_any_bytes_are_armor_or_malformed(text: bytes) -> None:
    try:
        data = dearmored(text)
    except Malformed:
        return
    assert armored(data) == text.replace(b"\r\n", b"\n").strip() + b"\n"


@given(st.binary(max_size=120), st.data())
def test_one_changed_byte_makes_other_data_or_malformed(data: bytes, draw: st.DataObject) -> None:
    """There is one spelling: nothing can be changed inside the block that means the same."""
    text = bytearray(armored(data).strip())
    place = draw.draw(st.integers(0, len(text) - 1))
    text[place] ^= draw.draw(st.integers(1, 255))
    try:
        found = dearmored(bytes(text))
    except Malformed as error:
        assert error.field == "armor"  # noqa: PT017 (either outcome is right)
        return
    assert found != data


FULL = "A" * 64


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "first line"),
        (BEGIN, "first line"),
        (BEGIN + b"\n", "ends before"),
        (BEGIN + b"\nAAAA\n", "ends before"),
        (b" " + block("AAAA"), "first line"),
        (b"x\n" + block("AAAA"), "first line"),
        (block("AAAA").replace(BEGIN, BEGIN + b" "), "first line"),
        (block("AAAA").lower(), "first line"),
        (b"\n" * (MAX_ARMOR_WHITESPACE + 1) + block("AAAA"), "too much white space"),
        (block("AAAA") + b"\n" * (MAX_ARMOR_WHITESPACE + 1), "follows"),
        (block("AAAA") + b"x", "follows"),
        (block("AAAA")[:-2] + b"\n", "last line"),
        (block("AAAA")[:-1] + b" \n", "last line"),
        (block("AAAA")[:-1] + b"-\n", "last line"),
        (block("AAAA").replace(b"\n-----END", b"-----END"), "begin a line"),
        (block("AAAA", "AAAA"), "columns"),
        (block(FULL, "", "AAAA"), "columns"),
        (block("", "AAAA"), "columns"),
        (block("AAAA", ""), "columns"),
        (block(FULL + "AAAA"), "columns"),
        (block(FULL[:-1] + " ", "AAAA"), "base64"),
        (block("AAA"), "base64"),
        (block("AA=A"), "base64"),
        (block("AAA=AAAA"), "base64"),
        (block("AAB="), "canonical"),
        (block("AA\r=="), "canonical"),
        (block("Version: 1", "AAAA"), "columns"),
    ],
)
def test_each_flaw_is_named(text: bytes, message: str) -> None:
    with pytest.raises(Malformed, match=message):
        dearmored(text)


@pytest.mark.parametrize("padded", ["A" * 62 + "==", "A" * 63 + "="])
def test_padding_before_the_last_line_is_refused_where_pieces_part(
    padded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(armor, "PIECE", 130)
    with pytest.raises(Malformed, match="base64"):
        dearmored(block(padded, FULL, FULL, FULL, FULL))


def test_a_line_without_end_is_refused_before_it_is_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(armor, "PIECE", 130)
    source = io.BytesIO(BEGIN + b"\n" + b"A" * 1_000_000)
    with pytest.raises(Malformed, match="longer than 64"):
        ArmorReader(Source(source)).read(1)
    assert source.tell() < 2000


@pytest.mark.parametrize("front", [b"", b"\r\n \t\n", b"\n" * MAX_ARMOR_WHITESPACE])
def test_armor_is_recognised(front: bytes) -> None:
    identity, sealed, opened = HybridIdentity.generate(), io.BytesIO(), io.BytesIO()
    encrypt(io.BytesIO(b"attack at dawn"), sealed, [identity.recipient], armor=True)
    decrypt(io.BytesIO(front + sealed.getvalue() + front), opened, [identity])
    assert opened.getvalue() == b"attack at dawn"


def test_what_is_binary_is_not_taken_for_armor() -> None:
    for front in (b"", b"age-encryption.org/v1\n", BEGIN[1:]):
        assert not is_armored(Source(io.BytesIO(front)))
