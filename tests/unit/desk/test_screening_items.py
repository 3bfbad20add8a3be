"""How close two codes are on the tree of the list."""

from __future__ import annotations

import pytest

from envoi_desk.screening.items import Closeness, closeness, closest

from .notices import PROFILE

ANNEX = PROFILE.annex


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("9.A.3", "9.A.3", Closeness.SAME_ENTRY),
        ("6.C.3.a", "6.C.3", Closeness.SAME_ENTRY),
        ("6.C.3", "6.C.3.a", Closeness.SAME_ENTRY),
        ("15.B.1.a", "15.B.1.c", Closeness.SAME_ENTRY),
        ("9.A.3", "9.A.6", Closeness.SAME_ITEM),
        ("9.A.3", "9.B.2.c", Closeness.SAME_ITEM),
        ("9.A.3", "12.A.3", Closeness.SAME_CATEGORY),
        ("1.A.1", "2.A.1.a", Closeness.SAME_CATEGORY),
        ("1.A.2", "19.A.1", Closeness.NONE),
        ("1.A.1", "11.A.1", Closeness.NONE),
        ("catch-all", "catch-all", Closeness.NONE),
        ("catch-all", "9.A.3", Closeness.NONE),
        ("21.A.1", "21.A.1", Closeness.SAME_ENTRY),
        ("21.A.1", "21.A.2", Closeness.NONE),
    ],
)
def test_two_codes(one: str, other: str, expected: Closeness) -> None:
    assert closeness(ANNEX, one, other) is expected


def test_the_closest_pair_is_named_and_the_first_of_equals() -> None:
    found = closest(ANNEX, ["12.A.3", "9.A.6", "9.A.4"], ["1.A.1", "9.A.3"])
    assert (found.closeness, found.ours, found.theirs) == (Closeness.SAME_ITEM, "9.A.6", "9.A.3")
    assert closest(ANNEX, [], ["9.A.3"]).closeness is Closeness.NONE


def test_closeness_is_the_same_both_ways() -> None:
    codes = [entry.code for entry in ANNEX.entries() if entry.controls][::17]
    for one in codes:
        assert closeness(ANNEX, one, one) is Closeness.SAME_ENTRY
        for other in codes:
            assert closeness(ANNEX, one, other) is closeness(ANNEX, other, one)
