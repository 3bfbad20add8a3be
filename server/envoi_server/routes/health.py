"""`/livez`, `/readyz` and `/metrics`, for whoever runs the relay.

Alive means that the process answers. Ready means that it has just signed and verified something and can
reach its storage: a relay that cannot sign is not ready, whatever else works.
"""

from __future__ import annotations

import asyncio
import json
from time import monotonic
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.responses import PlainTextResponse, Response

from ..calls import Call
from ..observability import METRICS_TYPE
from ..services import Services
from .common import content, not_found, public, stranger

_READY_SECONDS: Final = 2.0


def router(services: Services) -> APIRouter:
    """The routes for the operator."""
    routes = APIRouter(tags=["operation"])
    readiness = _Readiness(services)
    operators = frozenset(part.strip() for part in services.settings.metrics_from.split(","))
    anybody = [Depends(stranger)]

    def operator(call: Call) -> bool:
        # What comes through a proxy that nobody named comes from its address, and from anywhere.
        return call.address in operators and not call.headers(b"x-forwarded-for") and not call.headers(b"forwarded")

    @routes.get("/livez", dependencies=anybody, **public({200: content("text/plain", "It is running.")}))
    async def alive() -> Response:
        """Whether the process answers."""
        return PlainTextResponse("alive\n")

    @routes.get("/readyz", **public({200: content("application/json", "It can sign, verify and store.")}))
    async def ready(call: Annotated[Call, Depends(stranger)]) -> Response:
        """Whether the relay can do its work; what is wrong is told to the operator's own addresses alone."""
        wrong = await readiness.wrong()
        body = {"ready": not wrong, **({"wrong": wrong} if operator(call) else {})}
        return Response(json.dumps(body), status_code=503 if wrong else 200, media_type="application/json")

    @routes.get("/metrics", **public({200: content("text/plain", "Metrics in the format of Prometheus.")}))
    async def metrics(call: Annotated[Call, Depends(stranger)]) -> Response:
        """Counters for the operator's own addresses; they tell who is busy when, so nobody else gets them."""
        if not operator(call):
            raise not_found()
        services.metrics.log_size.set(services.relay.size)
        services.metrics.last_batch.set(services.relay.last_commit)
        return Response(services.metrics.expose(), media_type=METRICS_TYPE)

    return routes


class _Readiness:
    """The last finding, for a moment: signing is not free, and nobody is kept from asking."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = asyncio.Lock()
        self._wrong: list[str] = []
        self._until = 0.0

    async def wrong(self) -> list[str]:
        async with self._lock:
            if monotonic() >= self._until:
                self._wrong = await self._services.read(self._services.relay.ready)
                self._until = monotonic() + _READY_SECONDS
            return self._wrong
