"""Any JSON is a notice or our error, and every notice is written as it is read."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_client.documents import InvalidDocument, parse_denial, parse_note, render, show
from envoi_client.documents.denial import DenialNotice
from envoi_client.documents.note import PlainNote
from envoi_client.documents.text import printable
from envoi_keys.encoding import parse_object
from envoi_keys.limits import MAX_BODY_BYTES

from .denials import PROFILE, SOUND, notices

_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["9.A.3", "catch-all", "FR", "2026-03-01", "refusal", "withheld"])
)
_JSON = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@given(notices())
def test_a_notice_is_written_as_it_is_read(notice: DenialNotice) -> None:
    content = notice.to_content()
    assert parse_denial(content, PROFILE) == notice
    assert parse_denial(content, PROFILE).to_content() == content


@given(notices())
def test_a_notice_survives_the_body(notice: DenialNotice) -> None:
    raw = json.dumps(notice.to_content(), ensure_ascii=False).encode()
    content = parse_object(raw, max_bytes=MAX_BODY_BYTES, multiline=True)
    assert parse_denial(content, PROFILE) == notice


@given(notices())
def test_a_notice_can_be_shown_and_says_when_it_is_an_exercise(notice: DenialNotice) -> None:
    text = render(notice, PROFILE)
    assert notice.regime_reference in text
    assert text.startswith("EXERCISE") == notice.exercise
    assert ("Not covered by no-undercut." in text) == notice.catch_all
    # Isolates are the only marks in it, and each is closed on its own line.
    for line in text.split("\n"):
        assert line.count("\u2068") == line.count("\u2069")
        assert printable(_without_isolates(line)) == _without_isolates(line)


@given(_JSON)
def test_any_json_is_a_notice_or_our_error(content: Any) -> None:
    for parse in (parse_denial, parse_note):
        with pytest.raises(InvalidDocument) as caught:
            parse(content, PROFILE)
        assert caught.value.problems
        told = _without_isolates(str(caught.value))
        assert printable(told, line_breaks=True) == told
    assert show("denial/v1", content, PROFILE)


@given(st.data())
def test_any_json_in_any_field_is_a_notice_or_our_error(data: st.DataObject) -> None:
    content = copy.deepcopy(SOUND)
    *steps, last = data.draw(st.sampled_from(list(_paths(content))))
    target: Any = content
    for step in steps:
        target = target[step]
    target[last] = data.draw(_JSON)
    try:
        notice = parse_denial(content, PROFILE)
    except InvalidDocument:
        return
    assert parse_denial(notice.to_content(), PROFILE) == notice


def _paths(value: Any) -> Iterator[tuple[Any, ...]]:
    """The path of each field and each entry of a list, however deep."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield (key,)
        yield from ((key, *path) for path in _paths(item))


def _without_isolates(text: str) -> str:
    return text.replace("\u2068", "").replace("\u2069", "")


@given(st.text(min_size=1, max_size=50), st.text(min_size=1, max_size=50))
def test_a_note_is_written_as_it_is_read(subject: str, text: str) -> None:
    content = {"subject": subject, "text": text}
    try:
        note = parse_note(content, PROFILE)
    except InvalidDocument:
        return
    assert note == PlainNote(subject, text)
    assert note.to_content() == content
    assert render(note).startswith("Subject")
