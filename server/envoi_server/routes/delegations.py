"""`/v1/delegations`: the devices, officers and delegates that each authority names as its own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from envoi_keys.limits import MAX_DISPATCH_NOTE_BYTES

from ..calls import call_of
from ..services import Services
from .common import (
    FRAMES_TYPE,
    NOTE_TYPE,
    SECURITY,
    accepted,
    authenticated,
    content,
    frames,
    protected,
    public,
    raw_body,
)


def router(services: Services) -> APIRouter:
    """The routes for delegations."""
    routes = APIRouter(tags=["delegations"])

    @routes.post(
        "/v1/delegations",
        openapi_extra={**raw_body("text/plain", "The signed note of a delegation."), "security": SECURITY},
        **public(
            {
                200: content(NOTE_TYPE, "The proof, for a delegation that was in the log."),
                201: content(NOTE_TYPE, "The proof that the delegation is in the log (C2SP tlog-proof)."),
            }
        ),
    )
    async def delegate(request: Request, caller: Annotated[str, Depends(authenticated)]) -> Response:
        """Put a delegation of the caller's into the log."""
        note = await call_of(request.scope).body(MAX_DISPATCH_NOTE_BYTES)
        return accepted(await services.relay.accept_delegation(caller, note))

    @routes.get(
        "/v1/delegations",
        dependencies=[Depends(authenticated)],
        **protected({200: content(FRAMES_TYPE, "Notes of delegations, as frames.")}),
    )
    async def delegations() -> Response:
        """Every delegation in the log, in its order."""
        return frames(await services.read(services.relay.delegations))

    return routes
