"""The way to the relay: login, repetition, limits, and what an answer must not be able to do."""

from __future__ import annotations

import gzip
import ssl
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_client import limits
from envoi_client.transport import Busy, RelayRefused, Transport, Unreachable
from envoi_client.transport.backoff import Backoff
from envoi_keys.errors import LocalError, NetworkError, PeerError

from .relay_stub import DATE, DROPPED, NOW, OK, SEED, URL, answering, bench, problem

# -- login


def test_a_first_request_fetches_the_nonce_and_a_token() -> None:
    here = bench()
    assert here.transport.roster() == b"ok"
    assert [request.url.path for request in here.stub.requests] == ["/v1/token", "/v1/token", "/v1/roster"]
    here.transport.checkpoint()
    assert here.stub.logins == 1
    assert here.slept == []


def test_a_relay_that_restarted_gets_a_new_proof_and_a_new_token() -> None:
    here = bench()
    here.transport.roster()
    here.stub.nonce, here.stub.token = "nonce-2", "token-2"
    assert here.transport.roster() == b"ok"
    assert here.stub.logins == 2


def test_a_changed_nonce_is_used_at_once() -> None:
    here = bench()
    here.transport.roster()
    here.stub.nonce = "nonce-2"
    assert here.transport.roster() == b"ok"
    assert here.stub.logins == 1
    assert len(here.stub.asked("GET", "/v1/roster")) == 3


def test_a_request_turned_away_at_the_door_is_sent_once_more_and_not_twice() -> None:
    here = bench()
    here.transport.roster()
    before = len(here.stub.requests)
    here.stub.handler = lambda request: problem(401, "use-dpop-nonce", {"dpop-nonce": "nonce-1"})
    with pytest.raises(RelayRefused) as caught:
        here.transport.roster()
    assert caught.value.reason == "use-dpop-nonce"
    assert len(here.stub.requests) - before <= 5
    here.stub.handler = lambda request: problem(401, "unauthorised", {"dpop-nonce": "nonce-1"})
    with pytest.raises(RelayRefused):
        here.transport.post_delegation(b"note")
    assert len(here.stub.asked("POST", "/v1/delegations")) == 2


def test_a_token_is_renewed_before_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("envoi_client.transport.calls.time.monotonic", lambda: now[0])
    here = bench()
    here.transport.roster()
    now[0] += 600 - limits.TOKEN_MARGIN - 1
    here.transport.roster()
    assert here.stub.logins == 1
    now[0] += 2
    here.transport.roster()
    assert here.stub.logins == 2


def test_the_life_of_a_token_is_told_and_bounded() -> None:
    assert 595 < bench().transport.token() <= 600
    assert bench(life=10**9).transport.token() <= limits.MAX_TOKEN_LIFE
    assert bench().stranger().token() == 0.0


def test_a_stranger_asks_without_a_login() -> None:
    here = bench()
    with here.stranger() as stranger:
        assert stranger.roster() == b"ok"
    assert [request.url.path for request in here.stub.requests] == ["/v1/roster"]
    assert "dpop" not in here.stub.requests[0].headers


def test_what_needs_no_login_is_sent_without_one() -> None:
    here = bench(httpx.Response(201, content=b"proof"))
    assert here.transport.post_roster(b"note") == b"proof"
    here.transport.post_enrolment(b"note")
    assert here.stub.logins == 0


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b'{"access_token":"x","token_type":"Bearer","expires_in":600}',
        b'{"access_token":"x\\r\\ny: z","token_type":"DPoP","expires_in":600}',
        b'{"access_token":"x","token_type":"DPoP","expires_in":true}',
        b'{"access_token":1,"token_type":"DPoP","expires_in":600}',
        b'{"token_type":"DPoP","expires_in":600}',
    ],
)
def test_a_login_answer_out_of_form_is_a_network_error(answer: bytes) -> None:
    network = httpx.MockTransport(lambda request: httpx.Response(200, content=answer))
    with pytest.raises(NetworkError, match="login answer"):
        Transport(URL, "FR", SEED, network=network).roster()


def test_a_wrong_clock_is_named_with_its_offset() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        return problem(401, "unauthorised", {"date": DATE, "dpop-nonce": "n"})

    transport = Transport(
        URL, "FR", SEED, clock=lambda: NOW - 3600, sleep=lambda _: None, network=httpx.MockTransport(refuse)
    )
    with pytest.raises(RelayRefused) as caught:
        transport.roster()
    assert caught.value.hint == ("this machine's clock is 3,600 s behind the relay's; set it, or the time zone")
    assert transport.clock_offset == 3600


def test_a_transport_key_of_another_size_is_our_own_error() -> None:
    with pytest.raises(LocalError, match="32 bytes"):
        Transport(URL, "FR", b"short")


# -- trying again


def test_what_reads_is_repeated_with_growing_waits() -> None:
    here = bench(DROPPED, httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), OK)
    assert here.transport.roster() == b"ok"
    assert len(here.slept) == 3
    for wait, bound in zip(here.slept, (0.5, 1.0, 2.0), strict=True):
        assert bound / 2 <= wait <= bound


def test_repetition_ends() -> None:
    here = bench(DROPPED)
    with pytest.raises(Unreachable, match="the connection broke"):
        here.transport.roster()
    assert len(here.stub.asked("GET", "/v1/roster")) == limits.MAX_TRIES
    assert len(here.slept) == limits.MAX_TRIES - 1


def test_a_dispatch_is_repeated_with_the_same_bytes() -> None:
    here = bench(DROPPED, problem(503, "unavailable"), httpx.Response(200, content=b"proof"))
    assert here.transport.post_dispatch(b"submission") == (False, b"proof")
    sent = here.stub.asked("POST", "/v1/dispatches")
    assert [request.content for request in sent] == [b"submission"] * 3
    assert len({request.headers["dpop"] for request in sent}) == 3


def test_a_new_dispatch_is_told_from_a_known_one() -> None:
    assert bench(httpx.Response(201, content=b"p")).transport.post_dispatch(b"s") == (True, b"p")


@pytest.mark.parametrize("trouble", [DROPPED, problem(503, "unavailable"), httpx.ReadTimeout("slow")])
def test_what_is_not_safe_to_repeat_is_not_repeated(trouble: Any) -> None:
    here = bench(trouble)
    with pytest.raises(NetworkError):
        here.transport.post_enrolment(b"note")
    assert len(here.stub.requests) == 1
    assert here.slept == []


def test_a_refusal_is_not_repeated() -> None:
    here = bench(problem(422, "bad-signature"))
    with pytest.raises(RelayRefused):
        here.transport.post_dispatch(b"submission")
    assert len(here.stub.asked("POST", "/v1/dispatches")) == 1


def test_retry_after_is_sat_out() -> None:
    here = bench(problem(429, "rate-limited", {"retry-after": "7"}), OK)
    assert here.transport.roster() == b"ok"
    assert here.slept == [7.0]


def test_retry_after_as_a_date_counts_by_the_relays_clock() -> None:
    later = "Wed, 18 Nov 2026 11:06:50 GMT"
    here = bench(problem(503, "unavailable", {"retry-after": later, "date": DATE}), OK)
    here.transport.roster()
    assert here.slept == [10.0]


@pytest.mark.parametrize("value", ["soon", "-5", "99999999999999999999", "1.5"])
def test_retry_after_out_of_form_is_ignored(value: str) -> None:
    here = bench(problem(503, "unavailable", {"retry-after": value}), OK)
    assert here.transport.roster() == b"ok"
    assert len(here.slept) == 1
    assert here.slept[0] <= 0.5


def test_a_wait_of_an_hour_is_left_to_the_caller() -> None:
    here = bench(problem(503, "unavailable", {"retry-after": "3600"}))
    with pytest.raises(Busy) as caught:
        here.transport.roster()
    assert caught.value.retry_after == 3600
    assert caught.value.hint == "try again in 3600 s"
    assert here.slept == []


def test_an_answer_resets_the_back_off() -> None:
    here = bench(DROPPED)
    for _ in range(10):
        with pytest.raises(Unreachable):
            here.transport.roster()
    assert max(here.slept) <= limits.MAX_BACKOFF
    assert here.slept[-1] >= limits.MAX_BACKOFF / 2
    here.stub.handler = answering(OK)
    here.transport.roster()
    here.stub.handler = answering(DROPPED, OK)
    here.transport.roster()
    assert here.slept[-1] <= limits.FIRST_BACKOFF


@given(st.integers(0, 10**9), st.binary(min_size=4, max_size=4))
def test_the_back_off_is_capped_however_long_it_lasts(failures: int, noise: bytes) -> None:
    backoff = Backoff(lambda size: noise[:size])
    backoff.failures = failures
    assert 0 < backoff.failed() <= limits.MAX_BACKOFF


# -- what an answer must not be able to do


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused(status: int) -> None:
    here = bench(httpx.Response(status, headers={"location": "https://elsewhere.example/"}))
    with pytest.raises(NetworkError, match="redirect"):
        here.transport.roster()
    assert {request.url.host for request in here.stub.requests} == {"relay.example"}
    assert len(here.stub.asked("GET", "/v1/roster")) == 1


def test_an_announced_size_over_the_limit_is_refused_before_reading() -> None:
    class Unread(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            raise AssertionError("nothing is to be read")

    size = str(limits.MAX_TILE_BYTES + 1)
    here = bench(httpx.Response(200, stream=Unread(), headers={"content-length": size}))
    with pytest.raises(PeerError, match=f"has {size} bytes"):
        here.transport.tile("tile/0/000")


def test_a_size_that_was_not_announced_is_counted() -> None:
    taken = []

    class Endless(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            while True:
                taken.append(1)
                yield bytes(16 * 1024)

    here = bench(httpx.Response(200, stream=Endless()))
    with pytest.raises(PeerError, match="more than 65536 bytes"):
        here.transport.tile("tile/entries/000.p/17")
    assert len(taken) == 5


def test_a_compressed_answer_is_refused_unopened() -> None:
    class Bomb(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            yield gzip.compress(bytes(100 * 1024 * 1024))

    here = bench(httpx.Response(200, stream=Bomb(), headers={"content-encoding": "gzip"}))
    with pytest.raises(NetworkError, match="compressed, which was not asked for"):
        here.transport.tile("tile/0/000")
    assert here.stub.asked("GET", "/log/tile/0/000")[0].headers["accept-encoding"] == "identity"


def test_an_answer_cut_short_is_repeated_and_never_taken() -> None:
    cut = httpx.Response(200, stream=httpx.ByteStream(b"half"), headers={"content-length": "8"})
    here = bench(cut, OK)
    assert here.transport.roster() == b"ok"
    assert len(here.slept) == 1


def test_a_drip_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    class Drip(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            for _ in range(1000):
                now[0] += 20
                yield b"x"

    monkeypatch.setattr("envoi_client.transport.http.time.monotonic", lambda: now[0])
    here = bench(lambda request: httpx.Response(200, stream=Drip()))
    with pytest.raises(Unreachable, match="too slowly"):
        here.transport.roster()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (httpx.Response(404, text="<html>not here</html>", headers={"content-type": "text/html"}), "not one of"),
        (httpx.Response(403, content=b"{}", headers={"content-type": "application/problem+json"}), "not one of"),
        (httpx.Response(407), "not one of"),
        (httpx.Response(500, content=b"\xff\x00"), "the relay failed"),
        (httpx.RemoteProtocolError("illegal status line"), "not HTTP"),
        (httpx.UnsupportedProtocol("x"), "could not be sent"),
        (OSError("odd"), "the connection failed"),
    ],
)
def test_what_is_no_answer_of_a_relay_is_no_refusal(answer: Any, why: str) -> None:
    here = bench(answer)
    with pytest.raises(NetworkError, match=why) as caught:
        here.transport.post_dispatch(b"submission")
    assert caught.value.hint


def test_a_certificate_that_is_not_trusted_is_named_and_not_retried() -> None:
    error = httpx.ConnectError("certificate verify failed")
    error.__cause__ = ssl.SSLCertVerificationError("self-signed certificate")
    here = bench(error)
    with pytest.raises(NetworkError, match="not to be trusted") as caught:
        here.transport.roster()
    assert "ca_file" in (caught.value.hint or "")
    assert here.slept == []


def test_an_error_says_what_to_do_next() -> None:
    here = bench(httpx.ConnectError("[Errno 111] Connection refused"))
    with pytest.raises(Unreachable, match="cannot be reached") as caught:
        here.transport.roster()
    assert caught.value.hint == "check the network and the relay's address: envoi doctor"
