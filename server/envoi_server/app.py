"""The application: FastAPI for most routes, raw ASGI for the hot ones, the front for every request.

`create_app` is the only place where the parts are put together; nothing is made at import. The OpenAPI
document is served at `/openapi.json` and describes every route of either kind (a test holds it to that); no
page of documentation is served, since those load scripts from elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from time import time
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.responses import Response

from envoi_keys.errors import EnvoiError, LocalError, Malformed
from envoi_keys.limits import MAX_NOTE_BYTES

from . import __doc__ as about
from .auth import Authenticator
from .calls import Gone, TooSlow, call_of
from .file_blobs import FileBlobStore, nothing
from .front import Front, HotRoute
from .gate import Gate
from .observability import LOGGER, Metrics
from .problems import MEDIA_TYPE, Problem, http_problem, problem
from .relay import Relay
from .routes import blobs, delegations, dispatches, enrolments, events, health, log, receipts, rosters, tokens
from .routes.common import PROBLEM, SECURITY_SCHEMES, not_found
from .services import Services
from .settings import Settings
from .uploads import Uploads

_log: Final = logging.getLogger(f"{LOGGER}.app")
_CLIENT_GONE: Final = 499


def create_app(
    relay: Relay,
    settings: Settings,
    *,
    url: str | None = None,
    clock: Callable[[], float] = time,
    at: Callable[[str], None] = nothing,
) -> Front:
    """The ASGI application around an open relay.

    ``url`` is the public URL if the settings name none, such as the address that was just bound; ``clock``
    gives seconds since the epoch; ``at`` is called at every write point of the blobs, by name. The lifespan of the
    application starts and closes the relay.
    """
    public = (settings.url or url or f"http://{settings.host}:{settings.port}").rstrip("/")
    metrics = Metrics()
    authenticator = Authenticator(settings, public, lambda: relay.roster, clock)
    gate = Gate(settings, authenticator, metrics)
    uploads = Uploads(FileBlobStore(settings.home, at), relay.blobs, settings, clock)
    services = Services(relay, settings, gate, uploads, metrics)
    hot = [*dispatches.hot_routes(services), *events.hot_routes(services), *blobs.hot_routes(services)]
    return Front(_fastapi(services, hot), hot, gate, metrics, settings, public)


def _fastapi(services: Services, hot: Sequence[HotRoute]) -> FastAPI:
    app = FastAPI(
        title="Envoi relay",
        summary="A blind relay: it orders, logs, stores and forwards what it cannot open.",
        description=about or "",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        max_body_size=MAX_NOTE_BYTES,
        lifespan=_lifespan(services),
    )
    for module in (tokens, rosters, enrolments, dispatches, receipts, delegations, log, health):
        app.include_router(module.router(services))
    for expected in (EnvoiError, HTTPException, RequestValidationError, TooSlow, Gone):
        app.add_exception_handler(expected, _answer_error)
    app.add_exception_handler(Exception, _answer_mistake)
    app.openapi = lambda: _openapi(app, hot)  # type: ignore[method-assign]
    return app


def _lifespan(services: Services) -> Any:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        services.relay.start(asyncio.get_running_loop())
        sweeping = asyncio.create_task(_sweep_for_ever(services))
        try:
            yield
        finally:
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping
            services.uploads.close()
            services.relay.close()
            services.readers.shutdown(wait=True)

    return lifespan


async def _sweep_for_ever(services: Services) -> None:
    """Sweep at the start and then at every interval; a sweep that fails is logged and tried again."""
    while True:
        try:
            swept = await services.uploads.sweep()
        except Exception as error:  # noqa: BLE001 - it would die unseen; so it tells, and tries again
            _log.error("sweep failed", exc_info=error)
        else:
            services.metrics.last_sweep.set(time())
            if swept:
                _log.info("swept", extra={"fields": {"blobs": swept}})
        await asyncio.sleep(services.settings.sweep_every_seconds)


async def _answer_error(request: Request, error: Exception) -> Response:
    """What a route that FastAPI serves raised, as a problem document."""
    call = call_of(request.scope)
    if isinstance(error, Gone):
        call.refused = "gone"
        return Response(status_code=_CLIENT_GONE)
    if isinstance(error, LocalError):
        _log.error("unavailable", extra={"fields": {"request": call.id}}, exc_info=error)
    what = _problem(error)
    call.refused = what.slug
    if not isinstance(error, TooSlow):
        await call.drain()
    response = Response(what.body, status_code=what.status)
    response.raw_headers.extend([*what.headers, *call.gate.refusal_headers(what)])
    return response


async def _answer_mistake(request: Request, error: Exception) -> Response:
    """What nobody expected; Starlette raises it again behind this answer, and the front logs it."""
    what = http_problem(500, "the relay failed; its operator has the cause")
    return Response(what.body, status_code=what.status, media_type=MEDIA_TYPE)


def _problem(error: Exception) -> Problem:
    if isinstance(error, EnvoiError):
        return problem(error)
    if isinstance(error, TooSlow):
        return http_problem(408, "the body did not arrive in time")
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        return problem(Malformed(str(first["msg"])[:200].lower(), field=where))
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return problem(not_found())
    return http_problem(error.status_code, str(error.detail).lower(), error.headers)


def _openapi(app: FastAPI, hot: Sequence[HotRoute]) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
        )
        for route in hot:
            document["paths"].setdefault(route.path, {})[route.method.lower()] = dict(route.operation)
        components = document.setdefault("components", {})
        components["securitySchemes"] = SECURITY_SCHEMES
        components.setdefault("schemas", {})["Problem"] = PROBLEM
        app.openapi_schema = document
    return app.openapi_schema
