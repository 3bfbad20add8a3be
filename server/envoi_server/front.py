"""The outermost layer: every request passes here once, whatever serves it.

It gives the request an id, answers the hot routes itself and hands the rest to FastAPI, turns every failure
into a problem document, adds the security headers, counts and logs. It never lets an exception through to the
server.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from time import perf_counter
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from envoi_keys.errors import EnvoiError, LocalError

from .calls import CALL_KEY, Call, Gone, Headers, TooSlow
from .gate import Gate
from .observability import LOGGER, Metrics
from .problems import Problem, http_problem, problem
from .settings import Settings

_log: Final = logging.getLogger(f"{LOGGER}.http")

Handler = Callable[[Call], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class HotRoute:
    """A route served without FastAPI, and its OpenAPI operation. ``path`` ends in at most one
    ``{parameter}``.
    """

    method: str
    path: str
    handler: Handler
    operation: Mapping[str, Any]


class Front:
    """The ASGI application that the server runs.

    ``hot`` are the routes it answers itself, ``inner`` is what answers the others; ``failure`` is why the
    relay could not start.
    """

    def __init__(
        self,
        inner: ASGIApp,
        hot: Sequence[HotRoute],
        gate: Gate,
        metrics: Metrics,
        settings: Settings,
        url: str,
    ) -> None:
        self.inner = inner
        self.hot = tuple(hot)
        self.failure: LocalError | None = None
        self._gate = gate
        self._metrics = metrics
        self._log_requests = settings.log_requests
        self._exact: dict[str, dict[str, HotRoute]] = {}
        self._stems: dict[str, dict[str, HotRoute]] = {}
        for route in hot:
            stem, brace, _ = route.path.partition("{")
            table = self._stems if brace else self._exact
            table.setdefault(stem, {})[route.method] = route
        self._run = secrets.token_hex(4)
        self._ids = count(1)
        self._security = _security_headers(url)

    def stop(self) -> None:
        """Let go of every request that is kept waiting, so that the server can stop soon."""
        self._gate.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life of the server."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._live(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def quiet(message: Message) -> None:
            # Starlette sends the whole traceback for the server to print.
            await send({"type": message["type"]})

        try:
            await self.inner(scope, receive, quiet)
        except LocalError as error:
            self.failure = error
            raise

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = perf_counter()
        call = Call(scope, receive, send, self._gate, f"{self._run}-{next(self._ids)}")
        call.send = self._dressed(call, send)
        self._metrics.in_flight.inc()
        try:
            await self._served(call)
        except Gone:
            call.refused = "gone"
        except Exception as error:  # noqa: BLE001 - the last line: logged here, and nothing of it is told
            await self._failed(call, error)
        finally:
            self._metrics.in_flight.dec()
            self._count(call, perf_counter() - begun)

    async def _served(self, call: Call) -> None:
        try:
            await self._dispatch(call)
        except EnvoiError as error:
            if call.status:
                raise
            if isinstance(error, LocalError):
                _log.error("unavailable", extra={"fields": {"request": call.id, "route": call.route}}, exc_info=error)
            await self._refuse(call, problem(error))
        except TooSlow:
            if call.status:
                raise
            await call.refuse(http_problem(408, "the body did not arrive in time"))

    async def _dispatch(self, call: Call) -> None:
        path = call.scope["path"]
        methods = self._exact.get(path)
        if methods is None:
            stem, _, rest = path.rpartition("/")
            methods = self._stems.get(stem + "/") if rest else None
        if methods is None:
            call.scope[CALL_KEY] = call
            await self.inner(call.scope, call.receive, call.send)
            self._name_route(call)
            return
        route = methods.get(call.method)
        if route is None:
            call.route = next(iter(methods.values())).path
            allowed = ", ".join(sorted(methods))
            await self._refuse(call, http_problem(405, f"only {allowed}", {"allow": allowed}))
            return
        call.route = route.path
        await route.handler(call)

    @staticmethod
    def _name_route(call: Call) -> None:
        # FastAPI leaves the matched route in the scope; without one the path is nobody's and is not repeated.
        route = call.scope.get("route")
        call.route = getattr(route, "path", "other")

    async def _refuse(self, call: Call, what: Problem) -> None:
        await call.drain()
        await call.refuse(what)

    async def _failed(self, call: Call, error: Exception) -> None:
        fields = {"request": call.id, "route": call.route, "caller": call.caller}
        _log.error("request failed", extra={"fields": fields}, exc_info=error)
        call.refused = "failed"
        if call.status == 0:
            await call.refuse(http_problem(500, "the relay failed; its operator has the cause"))
        elif not call.complete:
            # Too late for a status: an answer cut short is the only honest sign that it is not whole.
            raise error

    def _dressed(self, call: Call, send: Send) -> Send:
        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                call.status = message["status"]
                headers = list(message.get("headers", ()))
                headers.append((b"x-request-id", call.id.encode()))
                headers.extend(self._security)
                if call.unread:
                    # A caller that never ends its body would otherwise hold the connection for ever.
                    headers.append((b"connection", b"close"))
                message = {**message, "headers": headers}
            elif not message.get("more_body", False):
                call.complete = True
            await send(message)

        return dressed

    def _count(self, call: Call, seconds: float) -> None:
        metrics = self._metrics
        metrics.requests.labels(call.method if call.route != "other" else "other", call.route, call.status).inc()
        metrics.seconds.labels(call.route).observe(seconds)
        metrics.received.inc(call.received)
        if call.refused is not None:
            metrics.refusals.labels(call.refused).inc()
        if self._log_requests:
            fields = {
                "request": call.id,
                "method": call.method if call.route != "other" else "other",
                "route": call.route,
                "status": call.status,
                "ms": round(seconds * 1000, 2),
                "caller": call.caller,
                "address": call.address,
                "received": call.received,
                "refused": call.refused,
            }
            _log.info("request", extra={"fields": fields})


def _security_headers(url: str) -> Headers:
    """Nothing here is for a browser to keep, to frame, to guess the type of or to run."""
    headers = [
        (b"cache-control", b"no-store"),
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if url.startswith("https://"):
        headers.append((b"strict-transport-security", b"max-age=63072000"))
    return headers
