"""`/v1/roster`: the roster in force, each earlier version, and the way to publish the next.

Publishing needs no token: before the first roster nobody has one, and what counts are the signatures of the
quorum.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from envoi_keys.limits import MAX_INTEGER, MAX_NOTE_BYTES

from ..calls import call_of
from ..services import Services
from .common import (
    NOTE_TYPE,
    accepted,
    authenticated,
    content,
    found,
    note,
    protected,
    public,
    raw_body,
)

# A roster is large and has many signatures to verify: one costs its address as much as ten other requests, and more
# by its size, because it has to be read whole before it can be refused.
_COST: Final = 10.0
_BYTES_FOR_ONE: Final = 20_000


def router(services: Services) -> APIRouter:
    """The routes for rosters."""
    routes = APIRouter(tags=["roster"])
    caller = Depends(authenticated)
    answer = content(NOTE_TYPE, "The roster's signed note.")

    @routes.get("/v1/roster", dependencies=[caller], **protected({200: answer}))
    async def newest_roster() -> Response:
        """The roster in force."""
        return note(found(await services.read(services.relay.roster_note, None)))

    @routes.get("/v1/roster/{version}", dependencies=[caller], **protected({200: answer}))
    async def roster(version: Annotated[int, Path(ge=1, le=MAX_INTEGER)]) -> Response:
        """One version of the roster."""
        return note(found(await services.read(services.relay.roster_note, version)))

    @routes.post(
        "/v1/roster",
        openapi_extra=raw_body("text/plain", "The signed note of a roster."),
        **public(
            {
                200: content(NOTE_TYPE, "The proof, for a roster that was in the log."),
                201: content(NOTE_TYPE, "The proof that the roster is in the log (C2SP tlog-proof)."),
            }
        ),
    )
    async def publish_roster(request: Request) -> Response:
        """Publish the first roster, or the next; its quorum has to have signed it."""
        call = call_of(request.scope)
        call.gate.stranger(call, max(_COST, (call.declared or MAX_NOTE_BYTES) / _BYTES_FOR_ONE))
        with call.gate.large_body(call):
            return accepted(await services.relay.accept_roster(await call.body(MAX_NOTE_BYTES)))

    return routes
