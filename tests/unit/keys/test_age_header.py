"""The grammar of the age header: one spelling, bounded, and Malformed for everything else."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from envoi_keys.age_header import (
    HYBRID,
    VERSION_LINE,
    Header,
    Stanza,
    authenticated,
    decode,
    encode,
    find_end,
    hybrid_header,
    is_hybrid,
    parse,
)
from envoi_keys.errors import Malformed
from envoi_keys.limits import MAX_AGE_HEADER_BYTES, MAX_RECIPIENTS

EXAMPLE = b"""age-encryption.org/v1
-> X25519 XEl0dJ6y3C7KZkgmgWUicg63EyXJiwBJW8PdYJ/cYBE
qRS0AMjdjPvZ/WT08U2KL4G+PIooA3hy38SvLpvaC1E
--- HK2NmOBN9Dpq0Gw6xMCuhFcQlQLvZ/wQUi/2scLG75s
"""
"""The example of age.md, "Header"."""
MAC = b"--- HK2NmOBN9Dpq0Gw6xMCuhFcQlQLvZ/wQUi/2scLG75s\n"
FULL_LINE = b"A" * 64 + b"\n"


def hybrid(enc: bytes = bytes(1120), body: bytes = bytes(32)) -> Stanza:
    return Stanza((HYBRID, encode(enc)), body)


def sealed(*stanzas: Stanza) -> bytes:
    return Header(stanzas, bytes(32)).marshal() + b"payload"


arguments = st.lists(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1), min_size=1)
stanzas = st.builds(Stanza, arguments.map(tuple), st.binary(max_size=200))
headers = st.builds(Header, st.lists(stanzas, min_size=1, max_size=4).map(tuple), st.binary(min_size=32, max_size=32))


def test_the_example_of_the_specification() -> None:
    header, length = parse(EXAMPLE + b"payload\n--- more")
    assert length == len(EXAMPLE)
    (stanza,) = header.stanzas
    assert stanza.args == ("X25519", "XEl0dJ6y3C7KZkgmgWUicg63EyXJiwBJW8PdYJ/cYBE")
    assert len(stanza.body) == 32
    assert header.marshal() == EXAMPLE
    assert authenticated(header.stanzas) + b" " == EXAMPLE[: EXAMPLE.index(b"HK2N")]


@given(headers, st.binary(max_size=20))
def test_what_is_written_is_read_back(header: Header, payload: bytes) -> None:
    raw = header.marshal()
    assert parse(raw + payload) == (header, len(raw))
    assert find_end(raw + payload) == len(raw)


@given(st.binary(max_size=400) | st.binary(max_size=400).map(lambda tail: EXAMPLE[:22] + tail))
def test_any_bytes_are_a_header_with_one_spelling_or_malformed(raw: bytes) -> None:
    try:
        header, length = parse(raw)
    except Malformed:
        return
    assert header.marshal() == raw[:length]


@given(headers, st.data())
def test_a_header_with_one_byte_changed_is_another_one_or_malformed(header: Header, data: st.DataObject) -> None:
    raw = bytearray(header.marshal())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    try:
        changed, length = parse(bytes(raw))
    except Malformed:
        return
    assert changed != header
    assert changed.marshal() == raw[:length]


@given(headers)
def test_a_cut_header_is_malformed_at_every_length(header: Header) -> None:
    raw = header.marshal()
    for length in range(len(raw)):
        assert find_end(raw[:length]) is None
        with pytest.raises(Malformed):
            parse(raw[:length])


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "does not begin"),
        (b"age-encryption.org/v2\n" + EXAMPLE[22:], "does not begin"),
        (EXAMPLE[:22] + MAC, "no stanza"),
        (EXAMPLE[:22] + b"---\n", "no stanza"),
        (EXAMPLE.replace(b"--- ", b"---"), "does not follow"),
        (EXAMPLE.replace(b"--- ", b"---  "), "base64"),
        (EXAMPLE.replace(b"75s\n", b"75s \n"), "base64"),
        (EXAMPLE.replace(b"75s\n", b"75t\n"), "canonical"),
        (EXAMPLE.replace(b"2scLG75s\n", b"2scI\n"), "bytes instead of 32"),
        (EXAMPLE.replace(b"-> ", b"->"), "does not begin with '-> '"),
        (EXAMPLE.replace(b"-> ", b"->  "), "does not begin with '-> '"),
        (EXAMPLE.replace(b"-> X25519", b"-> X255\t9"), "does not begin with '-> '"),
        (EXAMPLE.replace(b"-> X25519", b"-> X255\xc39"), "does not begin with '-> '"),
        (EXAMPLE.replace(b"cYBE\n", b"cYBE \n"), "does not begin with '-> '"),
        (EXAMPLE.replace(b"C1E\n", b"C1E=\n"), "canonical"),
        (EXAMPLE.replace(b"\n", b"\r\n"), "does not begin"),
        (EXAMPLE[:22] + b"-> a\n" + FULL_LINE + MAC, "base64"),
        (EXAMPLE[:22] + b"-> a\n" + FULL_LINE[:-1] + b"A\n\n" + MAC, "less than 64"),
        (EXAMPLE[:22] + b"-> a\n" + FULL_LINE, "less than 64"),
        (EXAMPLE[:-1], "no MAC line"),
    ],
)
def test_each_flaw_is_named(raw: bytes, message: str) -> None:
    with pytest.raises(Malformed, match=re.escape(message)):
        parse(raw)


@pytest.mark.parametrize(
    "header",
    [
        Header((), bytes(32)),
        Header((Stanza(("a",), b""),), bytes(31)),
        Header((Stanza((), b""),), bytes(32)),
        Header((Stanza(("",), b""),), bytes(32)),
        Header((Stanza(("a b",), b""),), bytes(32)),
        Header((Stanza(("a\n",), b""),), bytes(32)),
        Header((Stanza(("é",), b""),), bytes(32)),
        Header((Stanza(("\ud800",), b""),), bytes(32)),
    ],
)
def test_what_could_not_be_read_back_is_not_written(header: Header) -> None:
    with pytest.raises(Malformed):
        header.marshal()


def test_the_longest_header_is_bounded_before_it_is_searched() -> None:
    endless = EXAMPLE[:22] + b"-> a\n" + FULL_LINE * (MAX_AGE_HEADER_BYTES // len(FULL_LINE) + 1)
    with pytest.raises(Malformed, match="is longer than"):
        find_end(endless)
    # A whole header that only ends beyond the limit is refused as well.
    with pytest.raises(Malformed):
        parse(endless + b"\n" + MAC)
    with pytest.raises(Malformed, match="is longer than"):
        find_end(endless + b"\n" + MAC)


def test_a_file_that_is_not_age_is_refused_at_its_first_bytes() -> None:
    with pytest.raises(Malformed):
        find_end(b"PK")


def test_every_recipient_of_the_largest_dispatch_fits() -> None:
    stanzas = parse(sealed(*[hybrid()] * MAX_RECIPIENTS))[0].stanzas
    assert len(stanzas) == MAX_RECIPIENTS
    assert all(map(is_hybrid, stanzas))


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (Stanza(("X25519", encode(bytes(32))), bytes(32)), "another type"),
        (Stanza((HYBRID.upper(), encode(bytes(1120))), bytes(32)), "another case"),
        (Stanza((HYBRID,), bytes(32)), "an argument too few"),
        (Stanza((HYBRID, encode(bytes(1120)), "x"), bytes(32)), "an argument too many"),
        (hybrid(enc=bytes(1119)), "a short share"),
        (hybrid(enc=bytes(1121)), "a long share"),
        (Stanza((HYBRID, encode(bytes(1120))[:-1] + "B"), bytes(32)), "a share with bits beyond its end"),
        (Stanza((HYBRID, encode(bytes(1120))[:-1] + "="), bytes(32)), "a padded share"),
        (hybrid(body=bytes(31)), "a short body"),
        (hybrid(body=bytes(33)), "a long body"),
    ],
)
def test_a_stanza_that_no_hybrid_identity_would_try_does_not_count(odd: Stanza, why: str) -> None:
    stanzas = parse(sealed(hybrid(), odd, hybrid()))[0].stanzas
    assert [is_hybrid(one) for one in stanzas] == [True, False, True], why


@given(st.binary(min_size=1120, max_size=1120))
def test_the_short_way_to_know_a_share_agrees_with_decoding_it(enc: bytes) -> None:
    assert is_hybrid(hybrid(enc))


@given(st.text(st.sampled_from("ABQgw/+9=\n é"), max_size=12))
def test_base64_has_one_spelling(text: str) -> None:
    try:
        data = decode(text)
    except Malformed:
        return
    assert encode(data) == text


FILE = sealed(*[hybrid()] * 3)
LENGTH = parse(FILE)[1]


def agrees(raw: bytes) -> bool:
    """Whether the short way says of ``raw`` what parsing stanza by stanza says; it then took the header."""
    try:
        header, length = parse(raw)
        good = all(map(is_hybrid, header.stanzas))
    except Malformed:
        good = False
    found = hybrid_header(raw)
    assert (found is not None) == good
    if found is None:
        return False
    assert (found.count, found.mac, found.length) == (len(header.stanzas), header.mac, length)
    assert tuple(found.stanza(position) for position in range(found.count)) == header.stanzas
    return True


@given(st.lists(st.tuples(st.binary(min_size=1120, max_size=1120), st.binary(min_size=32, max_size=32)), min_size=1))
def test_the_short_way_takes_every_header_of_hybrid_stanzas(made: list[tuple[bytes, bytes]]) -> None:
    assert agrees(sealed(*[hybrid(enc, body) for enc, body in made]))


@pytest.mark.parametrize("odd", [Stanza(("X25519", encode(bytes(32))), bytes(32)), hybrid(enc=bytes(1119))])
@pytest.mark.parametrize("position", range(3))
def test_the_short_way_leaves_a_header_with_another_stanza(odd: Stanza, position: int) -> None:
    made = [hybrid(), hybrid()]
    made.insert(position, odd)
    assert not agrees(sealed(*made))


@given(
    st.integers(0, LENGTH),
    st.integers(0, 2),
    st.one_of(st.binary(max_size=2), st.sampled_from([b"\n", b" ", b"-", b"=", b"A", b"g", b"B", b"\n--- ", b"-> "])),
)
@example(0, 0, b"\n")
@example(LENGTH - 1, 1, b"")
@example(LENGTH - 2, 1, b"B")
def test_the_short_way_agrees_on_an_altered_header(position: int, dropped: int, inserted: bytes) -> None:
    agrees(FILE[:position] + inserted + FILE[position + dropped :])


@given(st.integers(22, LENGTH - 49), st.integers(22, LENGTH - 49))
def test_the_short_way_agrees_when_two_bytes_change_places(one: int, other: int) -> None:
    raw = bytearray(FILE)
    raw[one], raw[other] = raw[other], raw[one]
    agrees(bytes(raw))


def test_the_short_way_is_bounded_like_the_long_one() -> None:
    stanza = hybrid().marshal()
    fitting = (MAX_AGE_HEADER_BYTES - len(VERSION_LINE) - len(MAC)) // len(stanza)
    assert agrees(VERSION_LINE + stanza * fitting + MAC)
    assert not agrees(VERSION_LINE + stanza * (fitting + 1) + MAC)
