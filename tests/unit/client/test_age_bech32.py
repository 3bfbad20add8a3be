"""Bech32 as age uses it: no limit of length, every other rule of BIP 173."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_client.age import bech32
from envoi_client.limits import MAX_BECH32_CHARS
from envoi_keys.errors import Malformed

PREFIXES = st.sampled_from(["age", "age1pq", "AGE-SECRET-KEY-", "AGE-SECRET-KEY-PQ-"])


@given(PREFIXES, st.binary(max_size=1300))
def test_what_is_written_is_read_back(prefix: str, data: bytes) -> None:
    text = bech32.encode(prefix, data)
    assert text in (text.upper(), text.lower())
    assert bech32.decode(text, "key") == (prefix, data)


@given(st.text(max_size=60) | st.from_regex("[a-z]{1,4}1[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{6,20}", fullmatch=True))
def test_any_text_has_one_meaning_or_is_malformed(text: str) -> None:
    try:
        prefix, data = bech32.decode(text, "key")
    except Malformed:
        return
    assert bech32.encode(prefix, data) == text


@given(PREFIXES, st.binary(min_size=1, max_size=40), st.data())
def test_one_wrong_character_is_always_found(prefix: str, data: bytes, draw: st.DataObject) -> None:
    text = bech32.encode(prefix, data)
    place = draw.draw(st.integers(0, len(text) - 1))
    other = draw.draw(st.characters(min_codepoint=0x21, max_codepoint=0x7E).filter(lambda c: c != text[place]))
    with pytest.raises(Malformed):
        bech32.decode(text[:place] + other + text[place + 1 :], "key")


def with_checksum(prefix: str, payload: str) -> str:
    """A string with a checksum that holds, whatever its payload: only so are the rules behind it reached."""
    values = [bech32._VALUES[character] for character in payload]
    checksum = bech32._polymod(bech32._expand(prefix) + values + [0] * 6) ^ 1
    return f"{prefix}1{payload}" + "".join(bech32._CHARSET[checksum >> 5 * place & 31] for place in range(5, -1, -1))


# BIP 173, "Test vectors": those that are valid whole bytes without the limit of 90, and each kind of
# invalid one.
@pytest.mark.parametrize("text", ["A12UEL5L", "a12uel5l"])
def test_strings_of_the_specification_are_read(text: str) -> None:
    assert bech32.decode(text, "key") == (text[0], b"")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\x201nwldj5", "visible ASCII"),
        ("\x7f1axkwrx", "visible ASCII"),
        ("\x801eym55h", "visible ASCII"),
        ("pzry9x0s0muk", "no prefix"),
        ("1pzry9x0s0muk", "no prefix"),
        ("x1b4n0q5v", "does not use"),
        ("li1dgmt3", "no prefix"),
        ("A1G7SGD8", "checksum"),
        ("10a06t8", "no prefix"),
        ("1qzzfhee", "no prefix"),
        ("A12uEL5L", "mixes"),
        (with_checksum("age", "q"), "length that no bytes"),
        (with_checksum("age", "qqq"), "length that no bytes"),
        (with_checksum("age", "qp"), "not zero"),
        (with_checksum("a" * 84, "qq"), "no prefix"),
        ("a1" + "q" * MAX_BECH32_CHARS, "at most"),
    ],
)
def test_each_flaw_is_named(text: str, message: str) -> None:
    with pytest.raises(Malformed, match=message):
        bech32.decode(text, "key")


def test_the_longest_recipient_is_far_beyond_the_limit_of_the_libraries() -> None:
    text = bech32.encode("age1pq", bytes(1216))
    assert len(text) == 1959
    assert bech32.decode(text, "key") == ("age1pq", bytes(1216))
