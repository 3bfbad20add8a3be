"""Whatever the input, a parser of a member's own files and answers gives a value or raises one of our errors."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envoi_client import config
from envoi_client.age import parse_identities, parse_recipient
from envoi_client.files import Home
from envoi_client.transport.http import http_date
from envoi_keys.errors import EnvoiError

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


@pytest.mark.parametrize("text", ["Mon, 23 Nov 2026 09:30:00 GMT"])
def test_a_date_of_http_is_a_time(text: str) -> None:
    assert http_date(text) == 1795426200.0


@given(
    text=st.text(max_size=60) | st.from_regex(r"\A[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{2,6} \d+:\d+:\d+ \S{0,6}\Z")
)
def test_any_other_date_is_a_time_or_nothing(text: str) -> None:
    found = http_date(text)
    assert found is None or math.isfinite(found)
