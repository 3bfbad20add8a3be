"""What holds for every route: problems, headers, limits, logs, metrics; and the daily routes."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest
from starlette.types import Message

from envoi_keys.errors import LocalError
from envoi_keys.frames import unpack
from envoi_keys.limits import MAX_DISPATCH_NOTE_BYTES
from envoi_server import observability
from envoi_server.relay import Acceptance
from envoi_server.rules import MAX_SUBMISSION_BYTES, Refusal
from envoi_server.serve import require_proxy
from envoi_server.settings import load

from .conftest import Bench, Make, converse
from .courier import URL, slug

pytestmark = pytest.mark.anyio
DISPATCHES = "/v1/dispatches"
SECRET = b"seeded-secret-of-this-test"


# -- dispatches ----------------------------------------------------------------------------------------------


async def test_a_dispatch_is_answered_with_its_proof(bench: Bench) -> None:
    fr = await bench.courier()
    answer = await fr.send("POST", DISPATCHES, content=b"submission")
    assert answer.status_code == 201
    assert answer.content == b"proof\n"
    assert answer.headers["envoi-index"] == "7"
    assert answer.headers["content-type"].startswith("text/plain")
    bench.relay.outcome = Acceptance(7, b"proof\n", created=False)
    again = await fr.send("POST", DISPATCHES, content=b"submission")
    assert (again.status_code, again.content) == (200, answer.content)
    assert bench.relay.submissions == [("FR", b"submission")] * 2


async def test_a_refusal_is_a_problem_document_with_what_belongs_to_it(bench: Bench) -> None:
    fr = await bench.courier()
    bench.relay.outcome = Refusal("number-taken", "number 5 is taken", {"logged": {"index": 3}})
    answer = await fr.send("POST", DISPATCHES, content=b"submission")
    assert answer.status_code == 409
    assert slug(answer) == "number-taken"
    assert answer.json()["logged"] == {"index": 3}


async def test_a_submission_beyond_the_limit_is_refused_unread(bench: Bench) -> None:
    fr = await bench.courier()
    headers = {**fr.headers("POST", DISPATCHES), "content-length": str(MAX_SUBMISSION_BYTES * 4)}
    asked: list[Message] = []
    answers = await converse(bench.app, "POST", DISPATCHES, headers, asked)
    assert answers[0]["status"] == 413
    assert (b"connection", b"close") in answers[0]["headers"]


async def test_a_chunked_submission_beyond_the_limit_is_refused(bench: Bench) -> None:
    fr = await bench.courier()

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield bytes(2**16)

    answer = await fr.send("POST", DISPATCHES, content=chunks())
    assert slug(answer) == "too-large"
    assert bench.relay.submissions == []


async def test_the_feed_is_frames_and_a_cursor(bench: Bench) -> None:
    fr = await bench.courier()
    bench.relay.entries += [b"first", b"second"]
    answer = await fr.send("GET", DISPATCHES + "?after=0")
    assert answer.headers["content-type"] == "application/octet-stream"
    entry, empty, cursor, checkpoint, end = unpack(answer.content)
    assert (entry, empty, end) == (b"second", b"", b"")
    assert int.from_bytes(cursor, "big", signed=True) == 1
    assert checkpoint.startswith(b"envoi.example/mtcr\n")


async def test_a_long_page_of_the_feed_is_streamed_whole(bench: Bench) -> None:
    fr = await bench.courier()
    bench.relay.entries += [bytes([number]) * 70_000 for number in range(50)]
    answer = await fr.send("GET", DISPATCHES)
    frames = unpack(answer.content)
    assert frames[:50] == bench.relay.entries
    assert len(frames) == 54


async def test_a_wait_ends_with_news(bench: Bench) -> None:
    fr = await bench.courier()
    waiting = asyncio.create_task(fr.send("GET", DISPATCHES + "?after=-1&wait=30"))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    bench.relay.entries.append(b"news")
    bench.relay.news.set()
    answer = await asyncio.wait_for(waiting, 5)
    assert unpack(answer.content)[0] == b"news"


async def test_a_wait_ends_without_news_as_an_empty_page(bench: Bench) -> None:
    fr = await bench.courier()
    answer = await fr.send("GET", DISPATCHES + "?wait=1")
    assert len(unpack(answer.content)) == 4


async def test_a_caller_holds_so_many_waits_and_no_more(make: Make) -> None:
    bench = await make(waits_per_caller=2)
    fr, de = await bench.courier("FR"), await bench.courier("DE")
    waiting = [asyncio.create_task(fr.send("GET", DISPATCHES + "?wait=30")) for _ in range(2)]
    await asyncio.sleep(0.05)
    assert slug(await fr.send("GET", DISPATCHES + "?wait=30")) == "rate-limited"
    other = asyncio.create_task(de.send("GET", DISPATCHES + "?wait=30"))
    await asyncio.sleep(0.05)
    assert not other.done()
    bench.relay.news.set()
    await asyncio.gather(other, *waiting)
    # Places are given back.
    assert (await fr.send("GET", DISPATCHES + "?wait=1")).status_code == 200


async def test_a_caller_that_leaves_gives_its_place_back(make: Make) -> None:
    bench = await make(waits_per_caller=1)
    fr = await bench.courier()
    for _ in range(3):
        headers = fr.headers("GET", DISPATCHES)
        request: Message = {"type": "http.request", "body": b"", "more_body": False}
        assert await converse(bench.app, "GET", DISPATCHES, headers, [request], b"wait=30") == []


@pytest.mark.parametrize(
    "query",
    [
        "after=x",
        "after=-2",
        "limit=0",
        "limit=99999999",
        "wait=61",
        "wait=-1",
        "after=1&after=2",
        "after=٣",
        "&&=&",
    ],
)
async def test_a_query_that_cannot_be_read_is_malformed(bench: Bench, query: str) -> None:
    fr = await bench.courier()
    assert slug(await fr.send("GET", f"{DISPATCHES}?{query}")) == "malformed"


# -- the other routes ----------------------------------------------------------------------------------------


async def test_rosters_are_for_members_and_published_by_anybody(bench: Bench) -> None:
    fr = await bench.courier()
    assert (await fr.send("GET", "/v1/roster")).content == b"roster\n\n"
    assert (await fr.send("GET", "/v1/roster/1")).content == b"roster\n\n"
    assert slug(await fr.send("GET", "/v1/roster/2")) == "not-found"
    assert slug(await fr.send("GET", "/v1/roster/x")) == "malformed"
    assert slug(await bench.http.get(URL + "/v1/roster")) == "unauthorised"
    published = await bench.http.post(URL + "/v1/roster", content=b"note")
    assert (published.status_code, published.headers["envoi-index"]) == (201, "7")
    bench.relay.outcome = Refusal("under-signed", "the quorum is not met")
    assert slug(await bench.http.post(URL + "/v1/roster", content=b"note")) == "under-signed"


async def test_enrolments_come_from_anybody_and_go_to_the_point_of_contact(bench: Bench) -> None:
    sent = await bench.http.post(URL + "/v1/enrolments", content=b"note")
    assert sent.status_code == 204
    fr, poc = await bench.courier("FR"), await bench.courier("POC")
    assert slug(await fr.send("GET", "/v1/enrolments")) == "not-found"
    assert unpack((await poc.send("GET", "/v1/enrolments")).content) == [b"enrolment"]
    large = await bench.http.post(URL + "/v1/enrolments", content=bytes(MAX_DISPATCH_NOTE_BYTES + 1))
    assert slug(large) == "too-large"


async def test_receipts_delegations_and_the_log(bench: Bench) -> None:
    fr = await bench.courier()
    assert (await fr.send("POST", "/v1/receipts", content=b"note")).status_code == 204
    assert unpack((await fr.send("GET", "/v1/receipts")).content) == [b"receipt for FR"]
    assert (await fr.send("POST", "/v1/delegations", content=b"note")).status_code == 201
    assert unpack((await fr.send("GET", "/v1/delegations")).content) == []
    assert (await fr.send("GET", "/log/checkpoint")).content == bench.relay.checkpoint()
    assert (await fr.send("GET", "/log/tile/0/000.p/1")).content == bytes(32)
    assert slug(await fr.send("GET", "/log/tile/0/000.p/2")) == "not-found"
    assert (await fr.send("POST", "/log/cosignatures", content=b"note")).status_code == 204
    assert slug(await fr.send("GET", f"{DISPATCHES}/{'ab' * 32}")) == "not-found"
    assert slug(await fr.send("GET", f"{DISPATCHES}/{'ab' * 32}/proof")) == "not-found"


async def test_an_event_says_only_that_there_is_news(bench: Bench) -> None:
    fr = await bench.courier()
    bench.relay.entries.append(b"news")
    bench.relay.news.set()
    headers = fr.headers("GET", "/v1/events")
    leave = asyncio.Event()
    answers: list[Message] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/v1/events",
        "raw_path": b"/v1/events",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50000),
        "asgi": {"spec_version": "2.3"},
    }

    async def receive() -> Message:
        await leave.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answers.append(message)
        if message.get("body"):
            leave.set()

    await asyncio.wait_for(bench.app(scope, receive, send), 5)
    assert answers[0]["status"] == 200
    assert dict(answers[0]["headers"])[b"content-type"].startswith(b"text/event-stream")
    assert answers[1]["body"] == b"event: wake\ndata: 1\n\n"


async def test_health(bench: Bench) -> None:
    assert (await bench.http.get(URL + "/livez")).status_code == 200
    assert (await bench.http.get(URL + "/readyz")).json() == {"ready": True, "wrong": []}


async def test_a_relay_that_cannot_sign_is_not_ready(bench: Bench) -> None:
    bench.relay.wrong.append("the log key cannot sign")
    answer = await bench.http.get(URL + "/readyz")
    assert answer.status_code == 503
    assert answer.json()["wrong"] == ["the log key cannot sign"]


async def test_what_is_wrong_and_how_busy_it_is_is_for_the_operator_alone(bench: Bench) -> None:
    bench.relay.wrong.append("the log key cannot sign")
    transport = httpx.ASGITransport(app=bench.app, client=("203.0.113.5", 4711))
    async with httpx.AsyncClient(transport=transport) as outside:
        assert (await outside.get(URL + "/readyz")).json() == {"ready": False}
        assert slug(await outside.get(URL + "/metrics")) == "not-found"


async def test_behind_a_proxy_that_nobody_named_nobody_is_the_operator(bench: Bench) -> None:
    assert (await bench.http.get(URL + "/metrics")).status_code == 200
    for name in ("x-forwarded-for", "forwarded"):
        assert slug(await bench.http.get(URL + "/metrics", headers={name: "203.0.113.5"})) == "not-found"


@pytest.mark.parametrize(
    ("flags", "refused"),
    [
        ({"url": "https://poc.example"}, True),
        ({"url": "https://poc.example", "trusted_proxies": "127.0.0.1"}, False),
        ({"url": "https://poc.example", "trusted_proxies": "none"}, False),
        ({"url": "http://poc.example"}, False),
    ],
)
def test_a_proxy_in_front_is_named(tmp_path: Path, flags: dict[str, str], refused: bool) -> None:
    settings = load(tmp_path, **flags)
    with pytest.raises(LocalError, match="trusted_proxies does not name it") if refused else nullcontext():
        require_proxy(settings)


# -- what holds for all --------------------------------------------------------------------------------------


async def test_every_answer_has_an_id_and_the_security_headers(bench: Bench) -> None:
    seen = set()
    for path in ("/livez", DISPATCHES, "/nowhere", "/v1/roster"):
        answer = await bench.http.get(URL + path)
        seen.add(answer.headers["x-request-id"])
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert "server" not in answer.headers
    assert len(seen) == 4


async def test_behind_tls_browsers_are_told_to_stay_there(make: Make) -> None:
    bench = await make(url="https://poc.example")
    answer = await bench.http.get("https://poc.example/livez")
    assert "max-age" in answer.headers["strict-transport-security"]


async def test_what_is_nowhere_is_a_problem_too(bench: Bench) -> None:
    assert slug(await bench.http.get(URL + "/docs")) == "not-found"
    assert slug(await bench.http.get(URL + "/v1/dispatches/")) == "not-found"
    for method, path in (("DELETE", DISPATCHES), ("DELETE", "/v1/roster"), ("POST", "/v1/blobs/x")):
        answer = await bench.http.request(method, URL + path)
        assert answer.status_code == 405
        assert answer.headers["allow"]
        assert answer.json()["type"] == "about:blank"


async def test_a_failure_of_ours_tells_nothing_of_its_cause(bench: Bench) -> None:
    fr = await bench.courier()
    for failure, status in ((RuntimeError(SECRET.decode()), 500), (LocalError(SECRET.decode()), 503)):
        bench.relay.failure = failure
        answer = await fr.send("POST", DISPATCHES, content=b"submission")
        assert answer.status_code == status
        assert SECRET not in answer.content


async def test_a_body_that_does_not_arrive_ends_the_request(make: Make) -> None:
    bench = await make(body_deadline_seconds=0.05)
    fr = await bench.courier()

    async def stalling() -> AsyncIterator[bytes]:
        yield b"a little"
        await asyncio.sleep(30)

    for path in (DISPATCHES, "/v1/receipts"):
        answer = await asyncio.wait_for(fr.send("POST", path, content=stalling()), 20)
        assert answer.status_code == 408
        assert answer.headers["connection"] == "close"


async def test_nothing_is_read_for_a_caller_that_has_gone(bench: Bench) -> None:
    bench.relay.entries.extend([b"news"] * 1000)
    fr = await bench.courier()
    answers = await converse(bench.app, "GET", DISPATCHES, fr.headers("GET", DISPATCHES), [])
    assert len(answers) < 10


async def test_a_caller_that_goes_away_is_nobodys_failure(bench: Bench) -> None:
    fr = await bench.courier()
    begun: Message = {"type": "http.request", "body": b"a little", "more_body": True}
    for path in (DISPATCHES, "/v1/receipts"):
        headers = {**fr.headers("POST", path), "content-length": "1000"}
        answers = await converse(bench.app, "POST", path, headers, [begun])
        assert [one["status"] for one in answers if one["type"] == "http.response.start"] in ([], [499])


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything the relay logs, as it would be written."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    observability.configure_logging("debug", stream)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # the caller's own, not the relay's
    yield stream
    logging.getLogger("httpx").setLevel(logging.NOTSET)
    root.handlers[:] = handlers
    root.setLevel(level)


async def test_no_line_of_the_log_holds_a_body_a_token_or_a_key(bench: Bench, log: io.StringIO) -> None:
    fr = await bench.courier()
    secrets = [SECRET.decode(), fr.token, fr.nonce, fr.jwk()["x"]]
    bench.relay.failure = RuntimeError(f"could not store {SECRET.decode()}")
    headers = fr.headers("POST", DISPATCHES)
    secrets += [headers["dpop"], headers["dpop"].rpartition(".")[2]]
    await bench.http.post(fr.url + DISPATCHES, content=SECRET, headers=headers)
    bench.relay.failure = LocalError(SECRET.decode())
    await fr.send("POST", DISPATCHES, content=SECRET)
    await fr.send("POST", f"/v1/{SECRET.decode()}", content=SECRET)
    await fr.send("GET", f"/v1/roster/{SECRET.decode()}")
    await fr.send("GET", f"{DISPATCHES}?after={SECRET.decode()}")
    await fr.ask_token(client_assertion=SECRET.decode())
    written = log.getvalue()
    lines = [json.loads(line) for line in written.splitlines()]
    assert {"request", "request failed", "unavailable"} <= {line["event"] for line in lines}
    failed = next(line for line in lines if line["event"] == "request failed")
    assert failed["exception"] == "RuntimeError"
    assert any("fakes.py" in place for place in failed["at"])
    requests = [line for line in lines if line["event"] == "request"]
    assert {line["caller"] for line in requests} == {"FR", None}
    assert all(line["request"] for line in requests)
    for secret in secrets:
        assert secret not in written


async def test_metrics_count_requests_by_route_and_never_by_path(bench: Bench) -> None:
    fr = await bench.courier()
    await fr.send("POST", DISPATCHES, content=b"submission")
    await fr.send("GET", "/v1/roster/1")
    await fr.send("GET", "/v1/blobs/" + "ab" * 32)
    await bench.http.request("BREW", URL + "/teapot")
    text = (await bench.http.get(URL + "/metrics")).text
    assert 'envoi_requests_total{method="POST",route="/v1/dispatches",status="201"} 1.0' in text
    assert 'route="/v1/roster/{version}"' in text
    assert 'envoi_requests_total{method="GET",route="/v1/blobs/{sha256}",status="404"} 1.0' in text
    assert 'envoi_requests_total{method="other",route="other",status="404"} 1.0' in text
    assert 'envoi_refusals_total{slug="not-found"}' in text
    assert "teapot" not in text
    assert "ab" * 32 not in text
