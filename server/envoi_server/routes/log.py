"""`/log/`: the log itself, for members: its checkpoint, its tiles, and the cosignatures it gets."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from envoi_keys.limits import MAX_DISPATCH_NOTE_BYTES

from ..calls import call_of
from ..services import Services
from .common import (
    FRAMES_TYPE,
    NOTE_TYPE,
    SECURITY,
    authenticated,
    content,
    found,
    note,
    protected,
    public,
    raw_body,
    taken,
)

_TILE: Final = r"^(entries|[0-9]{1,2})(/x[0-9]{3}){0,5}/[0-9]{3}(\.p/[0-9]{1,3})?$"


def router(services: Services) -> APIRouter:
    """The routes for the log."""
    routes = APIRouter(tags=["log"])
    caller = Depends(authenticated)

    @routes.get(
        "/log/checkpoint",
        dependencies=[caller],
        **protected({200: content(NOTE_TYPE, "A C2SP tlog-checkpoint with the cosignatures it has got.")}),
    )
    async def checkpoint() -> Response:
        """The newest checkpoint."""
        return note(found(await services.read(services.relay.checkpoint)))

    @routes.get(
        "/log/tile/{path:path}",
        dependencies=[caller],
        **protected({200: content(FRAMES_TYPE, "A hash tile or an entry bundle (C2SP tlog-tiles).")}),
    )
    async def tile(path: Annotated[str, Path(pattern=_TILE)]) -> Response:
        """A tile, such as `0/x001/234/067` or `entries/000.p/17`."""
        data = found(await services.read(services.relay.tile, f"tile/{path}"))
        return Response(data, media_type=FRAMES_TYPE)

    @routes.post(
        "/log/cosignatures",
        openapi_extra={
            **raw_body("text/plain", "A cosigned checkpoint."),
            "security": SECURITY,
        },
        **public({204: {"description": "Kept with the checkpoint."}}),
    )
    async def cosign(request: Request, caller: Annotated[str, Depends(authenticated)]) -> Response:
        """Hand in a cosignature of a checkpoint (C2SP tlog-cosignature, ML-DSA-44)."""
        raw = await call_of(request.scope).body(MAX_DISPATCH_NOTE_BYTES)
        return taken(await services.relay.accept_cosignature(caller, raw))

    return routes
