"""Whatever a caller sends as a token or an operator writes as settings: a value or one of our errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envoi_keys.errors import EnvoiError
from envoi_server import jws
from envoi_server.settings import load

SECRET = bytes(32)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.lists(st.text(max_size=4))
OBJECTS = st.dictionaries(st.sampled_from(["alg", "typ", "jwk", "crit", "exp", "iat", "jti", "sub", "nonce"]), VALUES)


@st.composite
def tokens(draw: st.DrawFn) -> str:
    """Three segments, of which each may be JSON or anything at all."""
    segments = [
        jws.encode(json.dumps(draw(OBJECTS)).encode() if draw(st.booleans()) else draw(st.binary(max_size=40)))
        for _ in range(3)
    ]
    return ".".join(segments)


@pytest.mark.parametrize(
    "parse",
    [jws.eddsa_header, jws.unverified_claims, lambda token: jws.verify_hs256(token, SECRET)],
    ids=["header", "claims", "token"],
)
@given(token=st.text(max_size=80) | tokens())
def test_a_token_is_read_or_refused(parse: object, token: str) -> None:
    try:
        parse(token)  # type: ignore[operator]
    except EnvoiError:
        return


@given(claims=OBJECTS)
def test_a_claim_is_of_its_kind_or_refused(claims: dict[str, object]) -> None:
    for read, kind in ((jws.text_claim, str), (jws.time_claim, float)):
        for name in claims:
            try:
                assert isinstance(read(claims, name), kind)
            except EnvoiError:
                continue


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=120) | st.sampled_from([b"port = 8470", b"url = 7", b"[x]\ny = 1"]))
def test_settings_are_read_or_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "relay.toml").write_bytes(raw)
    try:
        load(tmp_path)
    except EnvoiError:
        return
