"""Damage for parsers: any bytes at all, and valid bytes with a few changes, which reach much deeper."""

from __future__ import annotations

from hypothesis import strategies as st


@st.composite
def _changed(draw: st.DrawFn, valid: bytes) -> bytes:
    data = bytearray(valid)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        change = draw(st.sampled_from(("flip", "delete", "insert", "repeat", "cut")))
        if change == "flip" and at < len(data):
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif change == "delete":
            del data[at : at + draw(st.integers(1, 40))]
        elif change == "insert":
            data[at:at] = draw(st.one_of(st.binary(min_size=1, max_size=8), st.sampled_from(_TELLING)))
        elif change == "repeat":
            data[at:at] = data[max(0, at - draw(st.integers(1, 60))) : at]
        else:
            del data[at:]
    return bytes(data)


_TELLING = (
    b"\n",
    b"\n\n",
    b" ",
    b"+",
    b"=",
    b"\x00",
    b"\xff",
    b"0",
    b"-1",
    b"9" * 25,
    "— ".encode(),
    "\u00a0".encode(),
)


def damaged(*valid: bytes) -> st.SearchStrategy[bytes]:
    """Any bytes, and variations of each of ``valid``."""
    return st.one_of(st.binary(max_size=300), *(_changed(one) for one in valid))


def flips(data: bytes) -> list[bytes]:
    """``data`` with each single bit flipped."""
    return [
        data[: bit // 8] + bytes((data[bit // 8] ^ 1 << bit % 8,)) + data[bit // 8 + 1 :]
        for bit in range(8 * len(data))
    ]
