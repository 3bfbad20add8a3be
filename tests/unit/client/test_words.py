"""A roster id and its 24 words: there and back, and what a misheard word is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_client.words import parse_roster_id, to_words
from envoi_keys.errors import Malformed

ROSTER_ID = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"


@given(st.binary(min_size=32, max_size=32))
def test_words_come_back_as_the_id(raw: bytes) -> None:
    words = to_words(raw.hex())
    assert len(words) == 24
    assert parse_roster_id(" ".join(words)) == raw.hex()


def test_known_answer_of_bip39() -> None:
    # BIP-39's own vector for 32 bytes of zero.
    assert to_words("00" * 32) == ("abandon",) * 23 + ("art",)


@pytest.mark.parametrize("spelling", [str.upper, str.title, lambda text: text.replace(" ", ",\n  ")])
def test_how_it_is_typed_does_not_matter(spelling: object) -> None:
    assert callable(spelling)
    assert parse_roster_id(spelling(" ".join(to_words(ROSTER_ID)))) == ROSTER_ID


def test_numbered_words_are_read() -> None:
    numbered = "\n".join(f"{place}. {word}" for place, word in enumerate(to_words(ROSTER_ID), start=1))
    assert parse_roster_id(numbered) == ROSTER_ID


def test_hexadecimal_is_read_in_groups_and_capitals() -> None:
    grouped = " ".join(ROSTER_ID.upper()[start : start + 8] for start in range(0, 64, 8))
    assert parse_roster_id(grouped) == ROSTER_ID


def test_a_wrong_word_is_named_with_the_nearest_right_one() -> None:
    words = ["abandon"] * 23 + ["art"]
    words[4] = "abandom"
    with pytest.raises(Malformed, match=r"word 5: 'abandom' is not in the list; did you mean 'abandon'\?"):
        parse_roster_id(" ".join(words))


def test_two_words_in_the_wrong_order_do_not_fit_together() -> None:
    words = list(to_words(ROSTER_ID))
    words[0], words[1] = words[1], words[0]
    with pytest.raises(Malformed, match="do not fit together") as caught:
        parse_roster_id(" ".join(words))
    assert caught.value.hint is not None


def test_a_missing_word_is_counted() -> None:
    with pytest.raises(Malformed, match="has 23 words instead of 24"):
        parse_roster_id(" ".join(to_words(ROSTER_ID)[:23]))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "neither"),
        ("zebra", "neither"),
        (ROSTER_ID[:-1], "has 63 hexadecimal digits"),
        ("abandon " * 1000, "24 words are shorter"),
    ],
)
def test_what_is_no_id_at_all(text: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        parse_roster_id(text)


@pytest.mark.parametrize("wrong", ["", "ab", ROSTER_ID.upper().replace("0A", "0G"), ROSTER_ID + "00"])
def test_only_an_id_has_words(wrong: str) -> None:
    with pytest.raises(Malformed):
        to_words(wrong)


@given(st.text(max_size=400))
def test_any_text_is_an_id_or_one_of_our_errors(text: str) -> None:
    try:
        roster_id = parse_roster_id(text)
    except Malformed:
        return
    assert len(bytes.fromhex(roster_id)) == 32
