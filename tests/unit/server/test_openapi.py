"""The OpenAPI document says what is served: every route is in it, and nothing else is."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute, Route

import envoi_keys
import envoi_server
from envoi_server import problems

from .conftest import Bench
from .courier import OPERATIONS, URL

pytestmark = pytest.mark.anyio


async def described(bench: Bench) -> set[str]:
    document = (await bench.http.get(URL + "/openapi.json")).json()
    return {f"{method.upper()} {path}" for path, operations in document["paths"].items() for method in operations}


def routes(served: Sequence[BaseRoute]) -> Iterator[Route]:
    """Every route, also those of included routers."""
    for route in served:
        included = getattr(route, "original_router", None)
        if isinstance(route, Route):
            yield route
        else:
            assert included is not None, f"a route of an unknown kind: {route}"
            yield from routes(included.routes)


async def test_the_document_describes_exactly_what_is_served(bench: Bench) -> None:
    mounted = {f"{route.method} {route.path}" for route in bench.app.hot}
    inner = bench.app.inner
    assert isinstance(inner, FastAPI)
    for route in routes(inner.routes):
        path = re.sub(":[a-z]+}", "}", route.path)
        mounted |= {f"{method} {path}" for method in route.methods or ()}
    itself = {"GET /openapi.json", "HEAD /openapi.json"}
    assert await described(bench) == mounted - itself


async def test_it_is_what_the_design_says(bench: Bench) -> None:
    assert await described(bench) == set(OPERATIONS)


async def test_every_description_is_answered_by_its_route(bench: Bench) -> None:
    for one in await described(bench):
        method, path = one.split(" ")
        path = path.replace("{version}", "1").replace("{path}", "0/000").replace("{id}", "ab" * 32)
        answer = await bench.http.request(method, URL + path.replace("{sha256}", "ab" * 32))
        assert answer.status_code not in (404, 405), one


async def test_no_page_of_it_loads_anything_from_elsewhere(bench: Bench) -> None:
    for path in ("/docs", "/redoc"):
        assert (await bench.http.get(URL + path)).status_code == 404


async def test_protected_routes_say_so(bench: Bench) -> None:
    document = (await bench.http.get(URL + "/openapi.json")).json()
    assert "dpop" in document["components"]["securitySchemes"]
    open_to_all = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if not operation.get("security")
    }
    assert open_to_all == {
        "POST /v1/token",
        "POST /v1/roster",
        "POST /v1/enrolments",
        "GET /livez",
        "GET /readyz",
        "GET /metrics",
    }
    for one in await described(bench) - open_to_all:
        method, path = one.split(" ")
        path = path.replace("{version}", "1").replace("{path}", "0/000").replace("{id}", "ab" * 32)
        answer = await bench.http.request(method, URL + path.replace("{sha256}", "ab" * 32))
        assert answer.status_code == 401, one


def slugs_in(folder: Path) -> set[str]:
    """Every slug that the code of a package gives to a refusal, by reading the code."""
    found = set()
    for source in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called == "Refusal" and node.args and isinstance(node.args[0], ast.Constant):
                found.add(str(node.args[0].value))
            for keyword in node.keywords:
                if keyword.arg in ("slug", "reason") and isinstance(keyword.value, ast.Constant):
                    found.add(str(keyword.value.value))
    return found


def test_every_refusal_has_a_status() -> None:
    (server,) = envoi_server.__path__
    assert slugs_in(Path(server)) - set(problems.STATUS) == set()


def test_every_status_is_that_of_a_refusal() -> None:
    (server,), (keys,) = envoi_server.__path__, envoi_keys.__path__
    mentioned = json.dumps(
        [source.read_text() for source in Path(server).rglob("*.py") if source.name != "problems.py"]
    )
    used = slugs_in(Path(server)) | slugs_in(Path(keys)) | {"unauthorised", "malformed", "bad-signature"}
    unused = {slug for slug in problems.STATUS if slug not in used and f'"{slug}' not in mentioned}
    assert unused == set()
