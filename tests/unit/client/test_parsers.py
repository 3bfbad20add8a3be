"""Whatever the input, a parser of a member's own files and answers gives a value or raises one of our errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envoi_client import ceremony, config
from envoi_client.age import parse_identities, parse_recipient
from envoi_client.files import Home
from envoi_client.transport.http import http_date
from envoi_keys.errors import EnvoiError, LocalError
from envoi_keys.limits import MAX_NOTE_BYTES
from envoi_keys.notes import Note

from ...exchange import Exchange

Found = TypeVar("Found")
ROSTER = Exchange.make(4).notes[0]
NEAR = st.sampled_from(
    [b"AGE-SECRET-KEY-PQ-1QQQ\n", b"# a comment\nAGE-SECRET-KEY-1\n", b'relay = "https://x"\n', b"\xff\xfe"]
)


@given(raw=st.binary(max_size=300) | st.tuples(NEAR, st.binary(max_size=40)).map(b"".join))
def test_a_file_of_identities_is_read_or_refused(raw: bytes) -> None:
    try:
        parse_identities(raw)
    except EnvoiError:
        return


@given(
    text=st.text(max_size=120)
    | st.text("age1pq0123456789qpzry9x8gf2tvdw0s3jn54khce6mua7l", max_size=90).map("age1".__add__)
)
def test_a_recipient_is_read_or_refused(text: str) -> None:
    try:
        parse_recipient(text)
    except EnvoiError:
        return


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=200) | st.tuples(NEAR, st.binary(max_size=40)).map(b"".join))
def test_settings_are_read_or_refused(tmp_path: Path, raw: bytes) -> None:
    home = Home(tmp_path)
    home.config.write_bytes(raw)
    try:
        config.load(home, {}, {})
    except EnvoiError:
        return


@st.composite
def spoilt_notes(draw: st.DrawFn) -> bytes:
    """A signed roster with a piece of it replaced."""
    start, end = sorted((draw(st.integers(0, len(ROSTER))), draw(st.integers(0, len(ROSTER)))))
    return ROSTER[:start] + draw(st.binary(max_size=8)) + ROSTER[end:]


def read_or_refused(read: Callable[[Path], Found], path: Path) -> Found | str:
    """What was found, or the sentence with which the file was refused."""
    try:
        return read(path)
    except LocalError as error:
        return str(error)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=200) | spoilt_notes())
def test_a_file_of_the_ceremony_is_a_note_or_refused_by_its_name(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "roster.note"
    path.write_bytes(raw)
    found = read_or_refused(ceremony.read_note, path)
    if isinstance(found, Note):
        assert found.serialise() == raw
    else:
        assert found.startswith(f"{path} is not a signed note: ")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_a_file_of_lines_is_read_or_refused_by_its_name(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "quorum.txt"
    path.write_bytes(raw)
    found = read_or_refused(ceremony.read_lines, path)
    if isinstance(found, list):
        assert "".join(found) == "".join(raw.decode().splitlines())
    else:
        assert found == f"{path} is not UTF-8 text"


@pytest.mark.parametrize("read", [ceremony.read_note, ceremony.read_lines])
def test_what_is_no_file_or_too_large_a_one_is_refused_by_its_name(
    read: Callable[[Path], object], tmp_path: Path
) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"x\n" * MAX_NOTE_BYTES)
    for path in (tmp_path, tmp_path / "missing", large, large / "below"):
        with pytest.raises(LocalError, match=str(path)):
            read(path)


@pytest.mark.parametrize("text", ["Mon, 23 Nov 2026 09:30:00 GMT"])
def test_a_date_of_http_is_a_time(text: str) -> None:
    assert http_date(text) == 1795426200.0


@given(
    text=st.text(max_size=60) | st.from_regex(r"\A[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{2,6} \d+:\d+:\d+ \S{0,6}\Z")
)
def test_any_other_date_is_a_time_or_nothing(text: str) -> None:
    found = http_date(text)
    assert found is None or math.isfinite(found)
