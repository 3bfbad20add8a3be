"""Who may call: every way of calling as somebody else, or again, is refused."""

from __future__ import annotations

from dataclasses import replace
from time import time

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ...exchange import Exchange, party
from .conftest import Bench, Make
from .courier import Courier, b64url, slug
from .fakes import FakeRelay

pytestmark = pytest.mark.anyio
FEED = "/v1/dispatches"


async def test_a_member_gets_a_token_and_is_let_in(bench: Bench) -> None:
    fr = await bench.courier()
    answer = await fr.send("GET", FEED)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"


async def test_an_office_gets_a_token_as_well(bench: Bench) -> None:
    poc = await bench.courier("POC")
    assert (await poc.send("GET", "/v1/enrolments")).status_code == 200


async def test_the_first_request_for_a_token_is_told_the_nonce(bench: Bench) -> None:
    answer = await bench.stranger().ask_token()
    assert slug(answer) == "use-dpop-nonce"
    assert answer.json()["error"] == "use_dpop_nonce"
    assert answer.headers["dpop-nonce"]
    assert 'error="use_dpop_nonce"' in answer.headers["www-authenticate"]


async def test_without_a_token_nobody_is_let_in(bench: Bench) -> None:
    answer = await bench.http.get("http://poc.example" + FEED)
    assert slug(answer) == "unauthorised"
    assert answer.headers["www-authenticate"].startswith("DPoP ")


async def test_a_replayed_proof_is_refused(bench: Bench) -> None:
    fr = await bench.courier()
    headers = fr.headers("GET", FEED)
    first = await bench.http.get(fr.url + FEED, headers=headers)
    second = await bench.http.get(fr.url + FEED, headers=headers)
    assert first.status_code == 200
    assert slug(second) == "unauthorised"
    assert "used before" in second.json()["detail"]


@pytest.mark.parametrize("jti", ["\ud800", "é"], ids=["a lone surrogate", "not ASCII"])
async def test_an_identifier_that_is_no_plain_text_is_refused(bench: Bench, jti: str) -> None:
    fr = await bench.courier()
    for answer in (
        await bench.http.get(fr.url + FEED, headers=fr.headers("GET", FEED, jti=jti)),
        await bench.http.get(fr.url + "/v1/roster", headers=fr.headers("GET", "/v1/roster", jti=jti)),
        await fr.ask_token(client_assertion=fr.assertion(jti=jti)),
    ):
        assert slug(answer) == "unauthorised"


async def test_strangers_at_its_address_do_not_keep_a_member_out(make: Make) -> None:
    bench = await make(address_burst=5, address_rate_per_second=0.001)
    fr = await bench.courier()
    while (await bench.http.get(fr.url + "/livez")).status_code == 200:
        pass
    assert slug(await bench.http.get(fr.url + FEED, headers={"authorization": "DPoP x"})) == "rate-limited"
    assert (await fr.send("GET", FEED)).status_code == 200


async def test_a_replayed_assertion_is_refused(bench: Bench) -> None:
    fr = await bench.courier()
    assertion = fr.assertion()
    assert (await fr.ask_token(client_assertion=assertion)).status_code == 200
    again = await fr.ask_token(client_assertion=assertion)
    assert slug(again) == "unauthorised"
    assert "used before" in again.json()["detail"]


async def test_an_assertion_is_not_used_up_by_a_request_that_fails(bench: Bench) -> None:
    fr = bench.stranger()
    assertion = fr.assertion()
    fr.nonce = (await fr.ask_token(client_assertion=assertion)).headers["dpop-nonce"]
    assert (await fr.ask_token(client_assertion=assertion)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"htm": "POST"}, "another method"),
        ({"htu": "http://poc.example/v1/receipts"}, "another URL"),
        ({"htu": "http://other.example/v1/dispatches"}, "another URL"),
        ({"htu": "http://poc.example/v1/dispatches?after=1"}, "another URL"),
        ({"jti": None}, "claim jti"),
        ({"jti": "x" * 300}, "claim jti"),
        ({"iat": None}, "claim iat"),
        ({"iat": True}, "claim iat"),
        ({"iat": "now"}, "claim iat"),
        ({"iat": 1e300}, "claim iat"),
        ({"ath": None}, "another access token"),
        ({"ath": b64url(b"x" * 32)}, "another access token"),
    ],
)
async def test_a_proof_for_something_else_is_refused(bench: Bench, changes: dict[str, object], said: str) -> None:
    fr = await bench.courier()
    answer = await bench.http.get(fr.url + FEED, headers=fr.headers("GET", FEED, **changes))
    assert slug(answer) == "unauthorised"
    assert said in answer.json()["detail"]
    assert answer.json()["error"] == "invalid_dpop_proof"


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "jwt"},
        {"jwk": "x"},
        {"jwk": {"kty": "RSA", "n": "AA", "e": "AQAB"}},
        {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AA"}},
        {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": 5}},
        {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": b64url(b"x" * 32), "d": b64url(b"y" * 32)}},
        {"b64": False, "crit": ["b64"]},
    ],
)
async def test_a_proof_with_another_header_is_refused(bench: Bench, header: dict[str, object]) -> None:
    fr = await bench.courier()
    answer = await bench.http.get(fr.url + FEED, headers=fr.headers("GET", FEED, header=header))
    assert slug(answer) == "unauthorised"


async def test_a_proof_under_another_algorithm_is_refused(bench: Bench) -> None:
    fr = await bench.courier()
    claims = jwt.decode(fr.proof("GET", FEED), options={"verify_signature": False})
    for algorithm, key in (("HS256", b"k" * 32), ("none", "")):
        proof = jwt.encode(claims, key, algorithm=algorithm, headers={"typ": "dpop+jwt", "jwk": fr.jwk()})
        answer = await bench.http.get(fr.url + FEED, headers={"authorization": f"DPoP {fr.token}", "dpop": proof})
        assert slug(answer) == "unauthorised"


async def test_a_token_is_no_use_with_another_key(bench: Bench) -> None:
    fr = await bench.courier()
    thief = bench.stranger(token=fr.token, nonce=fr.nonce)
    answer = await thief.send("GET", FEED)
    assert slug(answer) == "unauthorised"
    assert "not by the key of the access token" in answer.json()["detail"]


async def test_two_proofs_in_one_request_are_refused(bench: Bench) -> None:
    fr = await bench.courier()
    headers = [
        ("authorization", f"DPoP {fr.token}"),
        ("dpop", fr.proof("GET", FEED)),
        ("dpop", fr.proof("GET", FEED)),
    ]
    assert slug(await bench.http.get(fr.url + FEED, headers=headers)) == "unauthorised"


async def test_a_token_of_type_bearer_is_refused(bench: Bench) -> None:
    fr = await bench.courier()
    headers = {**fr.headers("GET", FEED), "authorization": f"Bearer {fr.token}"}
    assert slug(await bench.http.get(fr.url + FEED, headers=headers)) == "unauthorised"


async def test_a_token_made_under_another_secret_is_refused(bench: Bench) -> None:
    fr = await bench.courier()
    claims = jwt.decode(fr.token, options={"verify_signature": False})
    fr.token = jwt.encode(claims, b"x" * 32, algorithm="HS256")
    assert slug(await fr.send("GET", FEED)) == "unauthorised"


async def test_nothing_signed_before_a_restart_is_good_after_it(make: Make) -> None:
    before, after = await make(), await make()
    old = await before.courier()
    old.http = after.http
    answer = await old.send("GET", FEED)
    assert slug(answer) == "unauthorised"
    assert answer.headers["dpop-nonce"] != old.nonce
    assert slug(await old.ask_token()) == "use-dpop-nonce"


async def test_a_token_expires(make: Make) -> None:
    ahead = 0.0
    bench = await make(token_seconds=10, clock=lambda: time() + ahead)
    fr = await bench.courier()
    assert (await fr.send("GET", FEED)).status_code == 200
    ahead = 11.0
    answer = await fr.send("GET", FEED)
    assert slug(answer) == "unauthorised"
    assert "expired" in answer.json()["detail"]


@pytest.mark.parametrize(("status", "said"), [("suspended", "FR is suspended"), ("left", "FR is left")])
async def test_a_member_that_is_suspended_is_shut_out_at_its_next_request(bench: Bench, status: str, said: str) -> None:
    fr = await bench.courier()
    assert (await fr.send("GET", FEED)).status_code == 200
    exchange = Exchange.make(3)
    bench.relay.roster = replace(exchange.roster, **exchange.changed("FR", status=status))  # type: ignore[arg-type]
    answer = await fr.send("GET", FEED)
    assert slug(answer) == "unauthorised"
    assert said in answer.json()["detail"]
    assert said in (await fr.ask_token()).json()["detail"]


async def test_a_member_that_the_roster_dropped_is_shut_out(bench: Bench) -> None:
    de = await bench.courier("DE")
    bench.relay.roster = Exchange.make(2).roster
    assert slug(await de.send("GET", FEED)) == "unauthorised"


async def test_a_changed_transport_key_ends_the_tokens_of_the_old_one(bench: Bench) -> None:
    fr = await bench.courier()
    bench.relay.roster = Exchange.make(3).rotated("FR", 1).roster
    answer = await fr.send("GET", FEED)
    assert slug(answer) == "unauthorised"
    assert "transport key of FR has changed" in answer.json()["detail"]
    assert slug(await fr.ask_token()) == "unauthorised"
    fr.transport = party("FR", 1).transport
    assert (await fr.ask_token()).status_code == 200


async def test_a_stranger_and_a_wrong_key_are_told_the_same(bench: Bench) -> None:
    unknown = bench.stranger("XX", transport=Ed25519PrivateKey.generate())
    impostor = bench.stranger("FR", transport=Ed25519PrivateKey.generate())
    answers = []
    for caller in (unknown, impostor):
        caller.nonce = (await caller.ask_token()).headers["dpop-nonce"]
        answers.append((await caller.ask_token()).json())
    assert answers[0]["detail"].replace("XX", "FR") == answers[1]["detail"]
    assert answers[0]["type"] == answers[1]["type"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"iss": "DE"}, "iss that is not its sub"),
        ({"aud": "http://other.example"}, "another audience"),
        ({"aud": ["http://poc.example", "http://other.example"]}, "another audience"),
        ({"jti": 5}, "claim jti"),
        ({"exp": "soon"}, "claim exp"),
        ({"sub": "DE"}, "not signed by the transport key"),
    ],
)
async def test_an_assertion_for_something_else_is_refused(bench: Bench, changes: dict[str, object], said: str) -> None:
    fr = await bench.courier()
    answer = await fr.ask_token(client_assertion=fr.assertion(**changes))
    assert slug(answer) == "unauthorised"
    assert said in answer.json()["detail"]


async def test_an_assertion_may_not_live_long(bench: Bench) -> None:
    fr = await bench.courier()
    answer = await fr.ask_token(client_assertion=fr.assertion(exp=fr.now() + 4000))
    assert "lives longer than 60 s" in answer.json()["detail"]


@pytest.mark.parametrize("assertion", ["", "a.b", "a.b.c", "é.b.c", "e30.e30.e30", "x" * 9000, "W10.W10.AA"])
async def test_an_assertion_that_is_no_jwt_is_refused(bench: Bench, assertion: str) -> None:
    fr = await bench.courier()
    assert slug(await fr.ask_token(client_assertion=assertion)) in ("unauthorised", "malformed")


async def test_deep_json_in_a_token_is_refused_like_any_other(bench: Bench) -> None:
    fr = await bench.courier()
    deep = b64url(b"[" * 2000)
    assert slug(await fr.ask_token(client_assertion=f"{deep}.{deep}.AA")) == "unauthorised"
    answer = await bench.http.get(
        fr.url + FEED, headers={"authorization": f"DPoP {fr.token}", "dpop": f"{deep}.{deep}.AA"}
    )
    assert slug(answer) == "unauthorised"


@pytest.mark.parametrize(("skew", "side"), [(4200, "ahead of"), (-4200, "behind")])
async def test_a_wrong_clock_is_told_by_how_much_it_is_wrong(bench: Bench, skew: int, side: str) -> None:
    fr = await bench.courier()
    fr.skew = skew
    answer = await fr.send("GET", FEED)
    assert slug(answer) == "unauthorised"
    document = answer.json()
    assert side in document["detail"]
    assert abs(abs(document["clock_offset_seconds"]) - 4200) <= 2
    assert "clock" in document["hint"]


async def test_a_clock_within_the_allowance_is_good_enough(bench: Bench) -> None:
    for skew in (-50, 50):
        fr = await bench.courier(skew=skew)
        assert (await fr.send("GET", FEED)).status_code == 200


async def test_without_a_roster_nobody_gets_a_token(make: Make) -> None:
    bench = await make(FakeRelay(None))
    fr = bench.stranger()
    fr.nonce = (await fr.ask_token()).headers["dpop-nonce"]
    assert slug(await fr.ask_token()) == "no-roster"


@pytest.mark.parametrize(
    "form",
    [{"grant_type": "password"}, {"client_assertion_type": "x"}],
)
async def test_another_grant_is_refused(bench: Bench, form: dict[str, str]) -> None:
    fr = await bench.courier()
    assert slug(await fr.ask_token(**form)) == "unauthorised"


@pytest.mark.parametrize("body", [b"", b"\xff", b"a", b"grant_type=a&grant_type=b", b"&".join([b"a=b"] * 100)])
async def test_a_form_that_cannot_be_read_is_malformed(bench: Bench, body: bytes) -> None:
    answer = await bench.http.post("http://poc.example/v1/token", content=body)
    assert slug(answer) in ("malformed", "unauthorised")


async def test_a_caller_is_let_in_so_often_and_no_more(make: Make) -> None:
    bench = await make(caller_burst=3, caller_rate_per_second=0.1)
    fr, de = await bench.courier("FR"), await bench.courier("DE")
    answers = [await fr.send("GET", FEED) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert slug(answers[3]) == "rate-limited"
    assert int(answers[3].headers["retry-after"]) >= 1
    assert (await de.send("GET", FEED)).status_code == 200


async def test_an_address_may_fail_so_often_and_no_more(make: Make) -> None:
    bench = await make(address_burst=5, address_rate_per_second=0.1)
    statuses = [(await bench.http.get("http://poc.example" + FEED)).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]


async def test_a_roster_costs_its_address_more(make: Make) -> None:
    bench = await make(address_burst=25, address_rate_per_second=0.1)
    statuses = [(await bench.http.post("http://poc.example/v1/roster", content=b"x")).status_code for _ in range(3)]
    assert statuses == [201, 201, 429]
    assert (await bench.http.get("http://poc.example/livez")).status_code == 200


async def test_a_courier_reconnects_after_a_restart(make: Make) -> None:
    before, after = await make(), await make()
    fr: Courier = await before.courier()
    fr.http = after.http
    assert (await fr.send("GET", FEED)).status_code == 401
    await fr.login()
    answer: httpx.Response = await fr.send("GET", FEED)
    assert answer.status_code == 200
