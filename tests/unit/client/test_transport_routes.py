"""Refusals, routes and settings: what the relay's answers become, and where requests go."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_client.transport import RelayRefused, Transport, Unreachable
from envoi_client.transport.errors import parse_problem
from envoi_keys.encoding import b64
from envoi_keys.errors import EnvoiError, LocalError, Malformed, NetworkError
from envoi_keys.frames import pack

from .relay_stub import DATE, URL, Broken, answering, bench, problem

# -- refusals


def test_a_refusal_carries_its_slug_its_sentence_and_its_hint() -> None:
    here = bench(problem(409, "roster-outdated", detail="roster 3 is too old", hint="sync first", newest=5))
    with pytest.raises(RelayRefused, match="the relay refused: roster 3 is too old") as caught:
        here.transport.post_dispatch(b"s")
    refusal = caught.value
    assert (refusal.reason, refusal.detail, refusal.hint) == (
        "roster-outdated",
        "roster 3 is too old",
        "sync first",
    )
    assert refusal.extra["newest"] == 5
    assert refusal.logged is None


def test_a_taken_number_comes_with_the_dispatch_that_has_it() -> None:
    logged = {"index": 7, "note": b64(b"note"), "opening": b64(bytes(40)), "recipient": "DE", "proof": "p\n"}
    here = bench(problem(409, "number-taken", logged=logged))
    with pytest.raises(RelayRefused) as caught:
        here.transport.post_dispatch(b"s")
    found = caught.value.logged
    assert found is not None
    assert (found.index, found.note, found.opening, found.recipient, found.proof) == (
        7,
        b"note",
        bytes(40),
        "DE",
        b"p\n",
    )


@pytest.mark.parametrize(
    "change",
    [{"note": "!"}, {"index": -1}, {"opening": b64(b"short")}, {"recipient": None}, {"more": 1}, {"proof": 5}],
)
def test_evidence_out_of_form_is_no_evidence(change: dict[str, Any]) -> None:
    logged = {"index": 7, "note": b64(b"note"), "opening": b64(bytes(40)), "recipient": "DE", "proof": "p\n"}
    here = bench(problem(409, "number-taken", logged={**logged, **change}))
    with pytest.raises(RelayRefused) as caught:
        here.transport.post_dispatch(b"s")
    assert caught.value.logged is None


def test_a_relay_cannot_write_on_the_terminal() -> None:
    here = bench(problem(422, "malformed", detail="\x1b[2Jgone\u202e" + "x" * 10_000, hint="\x07"))
    with pytest.raises(RelayRefused) as caught:
        here.transport.roster()
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 600
    assert caught.value.hint is None


def test_a_plain_http_status_has_its_title_as_slug() -> None:
    document = json.dumps({"type": "about:blank", "title": "Method Not Allowed", "status": 405}).encode()
    refusal = parse_problem("application/problem+json; charset=utf-8", document)
    assert refusal is not None
    assert refusal.reason == "method-not-allowed"


def test_a_refusal_is_no_refusal_in_another_media_type() -> None:
    assert parse_problem("application/json", b'{"type":"https://x/problems/not-found"}') is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "detail", "hint", "logged", "title", "index", "note", "x"]), inner, max_size=6
        )
    ),
    max_leaves=12,
)


@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_problem_document_is_a_refusal_or_nothing(raw: bytes) -> None:
    refusal = parse_problem("application/problem+json", raw)
    if refusal is not None:
        assert refusal.reason
        assert refusal.message.isprintable()


# -- the routes


def test_the_routes_are_those_of_the_protocol() -> None:
    here = bench(httpx.Response(200, content=pack(b"one", b"two")))
    transport = here.transport
    transport.roster(3)
    assert list(transport.receipts()) == [b"one", b"two"]
    assert list(transport.delegations()) == [b"one", b"two"]
    assert list(transport.enrolments()) == [b"one", b"two"]
    transport.post_receipt(b"note")
    transport.post_cosignature(b"note")
    transport.proof("ab" * 32)
    transport.checkpoint()
    transport.tile("tile/0/x001/234.p/17")
    assert [(request.method, request.url.path) for request in here.stub.requests[2:]] == [
        ("GET", "/v1/roster/3"),
        ("GET", "/v1/receipts"),
        ("GET", "/v1/delegations"),
        ("GET", "/v1/enrolments"),
        ("POST", "/v1/receipts"),
        ("POST", "/log/cosignatures"),
        ("GET", f"/v1/dispatches/{'ab' * 32}/proof"),
        ("GET", "/log/checkpoint"),
        ("GET", "/log/tile/0/x001/234.p/17"),
    ]


@pytest.mark.parametrize("path", ["tile/../secret", "checkpoint", "tile/0/1", "/tile/0/000"])
def test_only_a_tile_has_the_path_of_a_tile(path: str) -> None:
    with pytest.raises(ValueError, match="path of a tile"):
        bench().transport.tile(path)


def test_only_an_id_stands_in_a_path() -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        bench().transport.proof("../roster")


def test_one_dispatch_is_four_frames() -> None:
    frames = pack(bytes(7) + b"\x05", b"note", bytes(40), b"body")
    entry = bench(httpx.Response(200, content=frames)).transport.dispatch("ab" * 32)
    assert (entry.index, entry.note, entry.openings, entry.body) == (5, b"note", bytes(40), b"body")
    for wrong in (b"", frames + frames, pack(b"x", b"", b"", b""), pack(b"x")):
        with pytest.raises(Malformed):
            bench(httpx.Response(200, content=wrong)).transport.dispatch("ab" * 32)


def test_a_listing_cut_inside_a_frame_is_malformed() -> None:
    here = bench(httpx.Response(200, content=pack(b"one", b"two")[:-1]))
    with pytest.raises(Malformed, match="into a frame"):
        list(here.transport.receipts())


def test_a_listing_whose_connection_drops_says_so() -> None:
    here = bench(lambda request: httpx.Response(200, stream=Broken(pack(b"one"))))
    receipts = here.transport.receipts()
    assert next(receipts) == b"one"
    with pytest.raises(Unreachable, match="connection broke"):
        next(receipts)


def test_wake_ups_are_named_and_comments_are_not() -> None:
    stream = b": hello\r\n\r\nevent: wake\r\ndata: 5\r\n\r\n:\n\ndata: x\n\nevent: wa"
    chunks = [stream[at : at + 3] for at in range(0, len(stream), 3)]
    here = bench(lambda request: httpx.Response(200, content=iter(chunks)))
    assert list(here.transport.events()) == ["wake", "message"]


def test_a_wake_up_without_an_end_is_refused() -> None:
    here = bench(lambda request: httpx.Response(200, content=iter([b"data: " + bytes(10_000)])))
    with pytest.raises(Malformed, match="more than 8192 bytes"):
        list(here.transport.events())


def test_health_is_asked_without_a_login() -> None:
    here = bench(httpx.Response(200, content=b'{"ready": true}', headers={"date": DATE}))
    health = here.transport.health()
    assert (health.ready, health.clock_offset) == (True, 0.0)
    here.stub.handler = answering(httpx.Response(503, content=b'{"ready": false}'))
    assert not here.transport.health().ready
    assert here.stub.logins == 0


# -- settings


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("relay.example", "is not the address"),
        ("ftp://relay.example", "is not the address"),
        ("https://", "is not the address"),
        ("https://relay.example/?a=b", "is not the address"),
        ("https://[::1", "is not the address"),
        ("https://me:secret@relay.example", "holds a password"),
        ("http://relay.example", "plain http"),
    ],
)
def test_an_address_that_will_not_do_is_refused_with_a_hint(url: str, why: str) -> None:
    with pytest.raises(LocalError, match=why) as caught:
        Transport(url)
    assert caught.value.hint
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Relay.Example:443/", "https://relay.example"),
        ("https://relay.example/envoi/", "https://relay.example/envoi"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080/", "http://localhost:8080"),
    ],
)
def test_an_address_has_one_spelling(url: str, origin: str) -> None:
    with Transport(url) as transport:
        assert transport.url == origin


def test_settings_that_cannot_be_used_are_our_own_errors(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="CA file"):
        Transport(URL, ca_file=tmp_path / "missing.pem")
    (tmp_path / "bad.pem").write_text("not a certificate")
    with pytest.raises(LocalError, match="CA file"):
        Transport(URL, ca_file=tmp_path / "bad.pem")
    with pytest.raises(LocalError, match="proxy"):
        Transport(URL, proxy="nonsense")


def test_what_goes_to_this_machine_never_leaves_it_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.setblocking(False)
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.setenv("all_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.delenv("no_proxy", raising=False)
        with Transport("http://127.0.0.1:9") as transport, pytest.raises(NetworkError):
            transport.health()
        with pytest.raises(BlockingIOError):
            proxy.accept()


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    # Nobody listens there; that the proxy is tried is seen in the error.
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with Transport(URL, sleep=lambda _: None) as transport, pytest.raises(NetworkError, match="refused"):
        transport.post_enrolment(b"note")


@given(st.binary(max_size=200))
def test_any_bytes_as_an_answer_end_in_bytes_or_one_of_our_errors(raw: bytes) -> None:
    here = bench(lambda request: httpx.Response(200, content=raw))
    for ask in (
        lambda: list(here.transport.receipts()),
        lambda: list(here.transport.feed()),
        lambda: here.transport.dispatch("ab" * 32),
        lambda: list(here.transport.events()),
    ):
        try:
            ask()
        except EnvoiError:
            continue
