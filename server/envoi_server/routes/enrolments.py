"""`/v1/enrolments`: public keys that ask to be put into the roster, for the officers to look at."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from ..calls import Call
from ..rules_members import MAX_ENROLMENT_NOTE_BYTES
from ..services import Services
from .common import (
    FRAMES_TYPE,
    authenticated,
    content,
    frames,
    not_found,
    protected,
    public,
    raw_body,
    stranger,
    taken,
)

POINT_OF_CONTACT: Final = "POC"


def router(services: Services) -> APIRouter:
    """The routes for enrolments."""
    routes = APIRouter(tags=["enrolments"])

    @routes.post(
        "/v1/enrolments",
        openapi_extra=raw_body("text/plain", "The signed note of an enrolment."),
        **public({204: {"description": "Kept for the officers."}}),
    )
    async def enrol(call: Annotated[Call, Depends(stranger)]) -> Response:
        """Ask to be put into the roster. Nobody who asks is in it yet, so no token is needed."""
        return taken(await services.relay.accept_enrolment(await call.body(MAX_ENROLMENT_NOTE_BYTES)))

    @routes.get("/v1/enrolments", **protected({200: content(FRAMES_TYPE, "Notes of enrolments, as frames.")}))
    async def enrolments(caller: Annotated[str, Depends(authenticated)]) -> Response:
        """The enrolments that were sent, for the Point of Contact alone."""
        if caller != POINT_OF_CONTACT:
            raise not_found()
        return frames(await services.read(services.relay.enrolments))

    return routes
