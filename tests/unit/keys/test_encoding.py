"""One way to write each value: every refusal of PROTOCOL §2.1 and §2.2, and a second opinion on the rest."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_keys.encoding import (
    Reader,
    b64,
    dump_line,
    format_time,
    parse_line,
    parse_object,
    parse_time,
    unb64,
)
from envoi_keys.errors import Malformed
from envoi_keys.limits import MAX_INTEGER, MAX_JSON_DEPTH, MIB

from .mutations import damaged

SAMPLE = (
    '{"type":"envoi/note/v1","a":[1,-2,{"é":"ü\\u00df"}],"b":{"c":true,"d":null},"n":9007199254740991}\n'
).encode()


def read(raw: bytes) -> dict[str, Any]:
    return parse_line(raw, max_bytes=64 * 1024)


def nested(levels: int) -> bytes:
    return b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1) + b"\n"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "one line"),
        (b"{}", "one line"),
        (b"\n", "not JSON"),
        (b"{}\n\n", "one line"),
        (b"{\n}\n", "one line"),
        (b"{}\r\n", "control"),
        (b"{\t}\n", "control"),
        (b"{} {}\n", "not JSON"),
        (b"{'a':1}\n", "not JSON"),
        (b'{"a":1,}\n', "not JSON"),
        (b'{"a":1}//\n', "not JSON"),
        (b"\xef\xbb\xbf{}\n", "not JSON"),
        (b'{"a":"\xff"}\n', "UTF-8"),
        (b'{"a":"\xed\xa0\x80"}\n', "UTF-8"),
        (b'{"a":"\xc0\x80"}\n', "UTF-8"),
        (b'{"a":"\\ud800"}\n', "surrogate"),
        (b'{"a":"\\udc00\\ud800"}\n', "surrogate"),
        (b'{"\\ud800":1}\n', "surrogate"),
        (b'{"a":1,"a":1}\n', "twice"),
        (b'{"a":1,"\\u0061":1}\n', "twice"),
        (b'{"b":{"a":1,"a":2}}\n', "twice"),
        (b'{"a":1.0}\n', "integer"),
        (b'{"a":1e3}\n', "integer"),
        (b'{"a":1E0}\n', "integer"),
        (b'{"a":-0.0}\n', "integer"),
        (b'{"a":NaN}\n', "integer"),
        (b'{"a":Infinity}\n', "integer"),
        (b'{"a":-Infinity}\n', "integer"),
        (b'{"a":-0}\n', "plainly"),
        (b'{"a":01}\n', "not JSON"),
        (b'{"a":+1}\n', "not JSON"),
        (b'{"a":9007199254740992}\n', "2\\^53"),
        (b'{"a":-9007199254740992}\n', "2\\^53"),
        (b'{"a":' + b"9" * 5000 + b"}\n", "2\\^53"),
        (b"[]\n", "not a JSON object"),
        (b'"a"\n', "not a JSON object"),
        (b"null\n", "not a JSON object"),
        (b"1\n", "not a JSON object"),
        (nested(MAX_JSON_DEPTH + 1), "deeper"),
        (b'{"a":' + b"[" * 16 + b"]" * 16 + b"}\n", "deeper"),
        (b"[" * 60_000 + b"\n", "deeper"),
        (b'{"a":' * 12_000 + b"\n", "deeper"),
    ],
)
def test_what_is_not_one_strict_line_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        read(raw)


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029])
def test_a_control_character_is_refused_raw_and_escaped_in_values_and_names(code: int) -> None:
    for character in (chr(code), f"\\u{code:04x}"):
        for raw in (f'{{"a":"{character}"}}\n', f'{{"{character}":1}}\n'):
            with pytest.raises(Malformed):
                read(raw.encode())


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029])
def test_a_raw_control_character_is_refused_between_tokens_in_a_body_too(code: int) -> None:
    with pytest.raises(Malformed):
        parse_object(f'{{"a":{chr(code)}1}}'.encode(), max_bytes=100, multiline=True)


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029])
def test_a_body_holds_newlines_and_tabs_as_escapes_and_no_other_control(code: int) -> None:
    raw = f'{{"a":"\\u{code:04x}"}}'.encode()
    if chr(code) in "\n\t":
        assert parse_object(raw, max_bytes=100, multiline=True) == {"a": chr(code)}
    else:
        with pytest.raises(Malformed, match="control"):
            parse_object(raw, max_bytes=100, multiline=True)
    with pytest.raises(Malformed, match="control"):
        parse_object(raw, max_bytes=100)


def test_the_edges_are_accepted() -> None:
    assert read(b'{"a":9007199254740991,"b":-9007199254740991,"c":0}\n') == {
        "a": MAX_INTEGER,
        "b": -MAX_INTEGER,
        "c": 0,
    }
    assert read(b' { "a" : [ ] } \n') == {"a": []}
    assert read(b'{"a":"\\ud83d\\ude00\\u00a0"}\n') == {"a": "😀\u00a0"}
    assert read(nested(MAX_JSON_DEPTH))
    # Brackets in strings are not nesting, whatever is escaped around them.
    assert read(b'{"a":"[[[[[[[[[[[[[[[[[[[[","b":"\\\\","c":"\\"{{{{{{{{{{{{{{{{{{{{"}\n')


def test_the_limit_of_size_counts_first() -> None:
    raw = b'{"a":"' + b"x" * 100 + b'"}\n'
    assert parse_line(raw, max_bytes=len(raw))
    with pytest.raises(Malformed, match="at most 50"):
        parse_line(raw, max_bytes=50)


@pytest.mark.parametrize(
    "raw",
    [
        b"{" + b",".join(b'"a%d":0' % number for number in range(300_000)) + b',"z":0,"z":0}\n',
        b'{"a":"' + b'\\"' * 2_000_000 + b"\n",
        b'"' * 2_000_000 + b"[" * 20 + b"\n",
        b'"\\' * 2_000_000 + b"[" * 20 + b"\n",
        b"[" * 4_000_000 + b"\n",
        b'{"a":"' + b"\\u0041" * 600_000 + b'"}x\n',
        b'{"a":[' + b"1," * 2_000_000 + b"]}\n",
    ],
    ids=["late-duplicate", "escapes", "quotes", "quoted-escapes", "brackets", "unicode-escapes", "numbers"],
)
def test_refusing_the_largest_note_takes_time_in_proportion_to_it(raw: bytes) -> None:
    started = time.perf_counter()
    with pytest.raises(Malformed):
        parse_line(raw, max_bytes=4 * MIB)
    # Under 0.4 s on the slowest machine at hand; anything quadratic takes minutes.
    assert time.perf_counter() - started < 20


@given(damaged(SAMPLE))
def test_any_bytes_are_an_object_or_malformed(raw: bytes) -> None:
    try:
        value = read(raw)
    except Malformed:
        return
    # A second opinion: the library's own parser, without our hooks, reads the same.
    assert value == json.loads(raw)
    assert parse_line(dump_line(value), max_bytes=MIB) == value


_strings = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | _strings,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_strings, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(_strings, _values, max_size=5), st.booleans())
def test_what_is_written_is_read_back_whoever_wrote_it(value: dict[str, Any], ascii_only: bool) -> None:
    assert parse_line(dump_line(value), max_bytes=MIB, max_depth=64) == value
    foreign = json.dumps(value, ensure_ascii=ascii_only).encode() + b"\n"
    assert parse_line(foreign, max_bytes=MIB, max_depth=64) == value


@given(st.integers(1, 40), st.integers(1, 20))
def test_depth_is_counted_exactly(levels: int, allowed: int) -> None:
    raw = nested(levels)
    if levels <= allowed:
        assert isinstance(parse_line(raw, max_bytes=MIB, max_depth=allowed), dict)
    else:
        with pytest.raises(Malformed, match="deeper"):
            parse_line(raw, max_bytes=MIB, max_depth=allowed)


@pytest.mark.parametrize(
    "text",
    ["A", "AA", "AA=", "AB==", "AAB=", "AA==\n", " AA==", "A-==", "AA==AA==", "é", "=", "====", "A" * 5],
)
def test_base64_has_one_spelling(text: str) -> None:
    with pytest.raises(Malformed, match="base64"):
        unb64(text, "x")


def test_base64_of_another_length_is_refused_by_name() -> None:
    with pytest.raises(Malformed, match="31 bytes instead of 32") as caught:
        unb64(b64(bytes(31)), "to.AU", 32)
    assert caught.value.field == "to.AU"


@given(st.text(max_size=12) | st.binary(max_size=12).map(b64))
def test_base64_is_read_as_the_library_reads_it_or_refused(text: str) -> None:
    try:
        data = unb64(text, "x")
    except Malformed:
        return
    assert base64.standard_b64decode(text) == data
    assert b64(data) == text


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T09:30:00",
        "2026-11-23T09:30:00z",
        "2026-11-23 09:30:00Z",
        "2026-11-23T09:30:00+00:00",
        "2026-11-23T09:30:00.0Z",
        "2026-11-23T09:30:60Z",
        "2026-11-23T09:30:61Z",
        "2026-11-23T24:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-1-23T09:30:00Z",
        "12026-11-23T09:30:00Z",
        "2026-11-23T09:30:00Z\n",
        "٢٠٢٦-11-23T09:30:00Z",
        "",
    ],
)
def test_a_time_has_one_spelling(text: str) -> None:
    with pytest.raises(Malformed):
        parse_time(text, "sent_at")


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00Z", "0999-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
)
def test_a_time_of_any_year_is_written_as_it_was_read(text: str) -> None:
    assert format_time(parse_time(text, "sent_at")) == text


@given(st.integers(-62135596800, 253402300799))
def test_every_second_is_written_and_read(seconds: int) -> None:
    assert parse_time(format_time(seconds), "x") == seconds


@pytest.mark.parametrize(
    ("take", "value", "field"),
    [
        (lambda r: r.text("a"), 1, "where.a"),
        (lambda r: r.text("a"), None, "where.a"),
        (lambda r: r.text("a", max_chars=2), "abc", "where.a"),
        (lambda r: r.choice("a", ("x", "y")), "z", "where.a"),
        (lambda r: r.integer("a"), True, "where.a"),
        (lambda r: r.integer("a"), "1", "where.a"),
        (lambda r: r.integer("a"), -1, "where.a"),
        (lambda r: r.integer("a", 1, 2), 3, "where.a"),
        (lambda r: r.flag("a"), 1, "where.a"),
        (lambda r: r.flag("a"), "true", "where.a"),
        (lambda r: r.time("a"), 1, "where.a"),
        (lambda r: r.hex32("a"), "A" * 64, "where.a"),
        (lambda r: r.hex32("a"), "a" * 63, "where.a"),
        (lambda r: r.hex32("a"), "", "where.a"),
        (lambda r: r.hex32("a"), "a" * 64 + "\n", "where.a"),
        (lambda r: r.base64("a", 3), "AA==", "where.a"),
        (lambda r: r.listing("a", at_most=1), [1, 2], "where.a"),
        (lambda r: r.listing("a", at_least=1, at_most=1), [], "where.a"),
        (lambda r: r.listing("a", at_most=1), {}, "where.a"),
        (lambda r: r.texts("a", at_most=9), ["x", 1], "where.a[1]"),
        (lambda r: r.texts("a", at_most=9, max_chars=1), ["x", "xy"], "where.a[1]"),
        (lambda r: r.mapping("a", at_most=1), {"x": 1, "y": 2}, "where.a"),
        (lambda r: r.mapping("a", at_least=1, at_most=1), {}, "where.a"),
        (lambda r: r.mapping("a", at_most=1), [], "where.a"),
        (lambda r: r.reader("a"), [], "where.a"),
        (lambda r: r.reader("a").text("b"), {}, "where.a.b"),
        (lambda r: r.readers("a", at_most=9), [{}, 1], "where.a[1]"),
        (lambda r: r.readers("a", at_most=9)[1].text("b"), [{}, {}], "where.a[1].b"),
    ],
)
def test_the_reader_names_the_field_at_fault(take: Callable[[Reader], object], value: object, field: str) -> None:
    with pytest.raises(Malformed) as caught:
        take(Reader({"a": value}, "where"))
    assert caught.value.field == field


def test_a_missing_an_unknown_and_a_doubly_taken_field_are_refused() -> None:
    with pytest.raises(Malformed, match="b: is missing"):
        Reader({"a": 1}).integer("b")
    reader = Reader({"a": 1, "surprise": 2})
    assert reader.integer("a") == 1
    with pytest.raises(Malformed, match="surprise: is not a field"):
        reader.done()
    with pytest.raises(Malformed, match="missing"):
        reader.integer("a")


def test_a_reader_does_not_change_what_it_reads() -> None:
    value = {"a": 1}
    Reader(value).integer("a")
    assert value == {"a": 1}
