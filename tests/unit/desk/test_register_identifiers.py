"""Numbers as two desks write them: what is one number, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_desk.register.identifiers import plain


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("EX 40-117", "ex40117"),
        ("12345678", "١٢٣٤٥٦٧٨"),
        ("K 12345678", "K ۱۲۳۴۵۶۷۸"),
        ("AB1234567", "ＡＢ１２３４５６７"),
        ("AB1234567", "АВ1234567"),
        ("MX-1", "ΜΧ 1"),
        ("caf\u00e9 12", "cafe\u0301 12"),
    ],
)
def test_it_is_one_number_however_it_is_typed(one: str, other: str) -> None:
    assert plain(one) == plain(other) != ""


def test_another_number_is_another() -> None:
    assert plain("EX 40-117") != plain("EX 40-118")
    assert plain(" -/. ") == ""


@given(st.text(max_size=30))
def test_what_is_plain_stays_so(value: str) -> None:
    assert plain(plain(value)) == plain(value)
