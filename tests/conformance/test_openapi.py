"""The served OpenAPI document against the relay itself: whatever fits or breaks it, nothing is answered with 5xx.

schemathesis makes the requests, good and bad; they go straight into the application of a real relay, with a valid
token and proof where the operation asks for one, and without. What is answered must be described. The headers that
say which bytes are meant, which no schema describes, are tried with octets of any kind.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.types import Message

from envoi_server.app import create_app
from envoi_server.front import Front
from envoi_server.relay import Relay
from envoi_server.settings import load

from ..exchange import ORIGIN, Exchange, party, seed
from ..unit.server.courier import OPERATIONS, URL, Courier, slug

EXAMPLES = 40


@dataclass
class Served:
    """A relay that runs on a loop of its own, its description, and a member who may call."""

    loop: asyncio.Runner
    app: Front
    document: dict[str, Any]
    courier: Courier

    def answer(self, request: requests.PreparedRequest, *, stays: bool = False) -> httpx.Response:
        """What the application answers to this request, of a caller who leaves after it, or ``stays``."""
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        url = httpx.URL(request.url or "")
        headers = [(name.lower().encode(), _octets(value)) for name, value in request.headers.items()]
        scope = {
            "type": "http",
            "method": request.method,
            "path": url.path,
            "raw_path": url.raw_path.partition(b"?")[0],
            "query_string": url.query,
            "headers": headers,
            "client": ("127.0.0.1", 50000),
            "asgi": {"spec_version": "2.3"},
        }
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        answers: list[Message] = []

        async def receive() -> Message:
            if not waiting and stays:
                await asyncio.Event().wait()
            return waiting.pop(0) if waiting else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            answers.append(message)

        self.loop.run(self.app(scope, receive, send))
        content = b"".join(one.get("body", b"") for one in answers[1:])
        # A caller who left a wait is answered nothing; that is no failure.
        status = answers[0]["status"] if answers else 204
        return httpx.Response(status, headers=answers[0]["headers"] if answers else [], content=content)


def _octets(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "replace")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A relay with a roster, behind its application."""
    home: Path = tmp_path_factory.mktemp("poc")
    exchange = Exchange.make(4)
    Relay.initialise(home, ORIGIN)
    (home / "log.key").write_bytes(seed(f"{ORIGIN} 0 log", 64))
    flags = {"caller_burst": 10**6, "address_burst": 10**6}
    flags |= {"min_free_bytes": 0, "partial_blobs_per_caller": 10**6, "blob_quota_bytes": 2**50, "max_wait_seconds": 1}
    chosen = load(home, origin=ORIGIN, url=URL, roster_id=exchange.id, log_requests=False, **flags)
    relay = Relay.open(chosen)
    app = create_app(relay, chosen)
    with asyncio.Runner() as loop:
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app))
        courier = Courier("FR", party("FR").transport, http)

        async def begin() -> dict[str, Any]:
            relay.start(asyncio.get_running_loop())
            published = await http.post(URL + "/v1/roster", content=exchange.notes[0])
            assert published.status_code == 201, published.text
            await courier.login()
            document: dict[str, Any] = (await http.get(URL + "/openapi.json")).json()
            return document

        yield Served(loop, app, loop.run(begin()), courier)
        relay.close()
        loop.run(http.aclose())


def prepared(document: dict[str, Any], method: str, path: str) -> st.SearchStrategy[requests.PreparedRequest]:
    """Requests for one operation: such as it describes, and such as it does not."""
    if path == "/log/tile/{path}":
        # schemathesis puts no slash into a path parameter, and a tile's path has nothing but slashes.
        (parameter,) = document["paths"][path]["get"]["parameters"]
        tiles = st.from_regex(parameter["schema"]["pattern"], fullmatch=True) | st.text("0123456789/x.p", max_size=20)
        return tiles.map(lambda tile: requests.Request(method, f"{URL}/log/tile/{tile}").prepare())
    operation = schemathesis.openapi.from_dict(document)[path][method]
    cases = operation.as_strategy()
    if described_values(document["paths"][path][method.lower()]):
        cases |= operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)
    return cases.map(lambda case: requests.Request(**case.as_transport_kwargs(base_url=URL)).prepare())


def described_values(operation: dict[str, Any]) -> bool:
    """Whether the operation describes values that can be wrong."""
    schemas = [parameter["schema"] for parameter in operation.get("parameters", ())]
    return any(schema.get("type") == "integer" or "pattern" in schema for schema in schemas)


@pytest.mark.parametrize("named", OPERATIONS)
def test_no_request_makes_the_relay_fail(served: Served, named: str) -> None:
    method, path = named.split(" ")
    described = served.document["paths"][path][method.lower()]

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(request=prepared(served.document, method, path), known=st.booleans())
    def tried(request: requests.PreparedRequest, known: bool) -> None:
        if known:
            target = (request.url or "").removeprefix(URL).partition("?")[0]
            request.headers.update(served.courier.headers(method, target))
        answer = served.answer(request)
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400 and method != "HEAD":
            assert slug(answer)
        elif answer.status_code < 400:
            assert {str(answer.status_code), "204"} & described["responses"].keys() or not answer.content

    tried()


def called(served: Served, method: str, path: str, body: bytes = b"", **headers: bytes) -> httpx.Response:
    """What a member is answered who sends these headers, ``_`` for ``-``, with whatever octets as their values."""
    request = requests.Request(method, URL + path, data=body).prepare()
    request.headers.update(served.courier.headers(method, path))
    for name, value in headers.items():
        request.headers[name.replace("_", "-")] = value
    return served.answer(request, stays=True)


ODD = st.sampled_from(["", "0", "9", "00", "-1", "+1", "1e3", "٣", "²", "1_0"])
NUMBERS = (st.integers(0, 12) | st.integers(0, 10**20)).map(str) | ODD
UNITS = st.just("bytes=") | st.sampled_from(["bytes = ", "bytes=0-0,", "bits=", ""])
SPANS = st.builds("{}{}-{}".format, UNITS, NUMBERS, NUMBERS)


@given(value=st.binary(max_size=20) | (SPANS | NUMBERS).map(str.encode))
def test_any_range_is_answered_with_those_bytes_or_refused(served: Served, value: bytes) -> None:
    blob = b"0123456789"
    path = f"/v1/blobs/{sha256(blob).hexdigest()}"
    assert called(served, "PUT", path, blob).status_code == 201
    answer = called(served, "GET", path, range=value)
    assert answer.headers["content-length"] == str(len(answer.content))
    if answer.status_code == 206:
        first, last = map(int, answer.headers["content-range"].removeprefix("bytes ").removesuffix("/10").split("-"))
        assert 0 <= first <= last < 10
        assert answer.content == blob[first : last + 1]
    elif answer.status_code == 416:
        assert answer.headers["content-range"] == "bytes */10"
        assert slug(answer) == "range-not-satisfiable"
    else:
        assert (answer.status_code, answer.content) == (200, blob)


@given(value=st.binary(max_size=20) | NUMBERS.map(str.encode))
def test_any_offset_is_that_of_the_upload_or_refused(served: Served, value: bytes) -> None:
    path = f"/v1/blobs/{'ab' * 32}"
    assert called(served, "PUT", path, upload_length=b"10").status_code == 201
    answer = called(served, "PATCH", path, upload_offset=value)
    if value.isdigit() and len(value) <= 18:
        assert answer.status_code == (409 if int(value) else 204)
    else:
        assert (answer.status_code, slug(answer)) == (400, "malformed")
    assert called(served, "HEAD", path).headers["upload-offset"] == "0"


def test_the_document_is_json_that_names_no_machine(served: Served) -> None:
    text = json.dumps(served.document)
    assert "127.0.0.1" not in text
    assert str(Path.cwd()) not in text
