"""JSON that people write: laid out as they like, strict in its values, and errors that can be found."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_keys.errors import EnvoiError, Malformed
from envoi_keys.json_files import parse_file

_LEAF = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text("aé\n\t水", max_size=5)


def _parse(raw: bytes) -> dict[str, Any]:
    return parse_file(raw, max_bytes=1000)


@given(st.dictionaries(st.text("abc", max_size=3), st.lists(_LEAF, max_size=3), max_size=3))
def test_layout_does_not_matter(value: dict[str, Any]) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=2), json.dumps(value, ensure_ascii=False)):
        assert parse_file(text.encode(), max_bytes=10_000) == value
        assert parse_file(text.replace("\n", "\r\n").encode("utf-8-sig"), max_bytes=10_000) == value


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{\n "a": 1\n "b": 2}', "is not JSON: line 3, column 2: expecting ',' delimiter"),
        (b'{"a": "x\ny"}', "is not JSON: line 1, column 9: invalid control character at"),
        (b'{"a":\n"\xff"}', "is not UTF-8: line 2"),
        (b'{"a": 1, "a": 2}', "a: stands twice in one object"),
        (b'{"a": 1.5}', "1.5 is not an integer"),
        (b'{"a": NaN}', "NaN is not an integer"),
        (b'{"a": "\\u0007"}', "control character"),
        (b"[]", "is not a JSON object"),
        (b"[" * 900, "is not JSON"),
        (b" " * 1001, "has 1001 bytes; at most 1000 are allowed"),
    ],
)
def test_what_is_refused(raw: bytes, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        _parse(raw)


def test_nesting_beyond_the_parser_is_refused() -> None:
    with pytest.raises(Malformed, match="nested"):
        parse_file(b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", max_bytes=1_000_000)


@given(st.binary(max_size=200) | st.text('{}[]",:ab\\01 \n', max_size=60).map(str.encode))
def test_any_bytes_are_an_object_or_our_error(raw: bytes) -> None:
    try:
        value = _parse(raw)
    except EnvoiError:
        return
    assert isinstance(value, dict)
