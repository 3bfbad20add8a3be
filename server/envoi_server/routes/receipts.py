"""`/v1/receipts`: what one member has received of another; the relay keeps the newest of each pair."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from envoi_keys.limits import MAX_RECEIPT_NOTE_BYTES

from ..calls import call_of
from ..services import Services
from .common import FRAMES_TYPE, SECURITY, authenticated, content, frames, protected, public, raw_body, taken


def router(services: Services) -> APIRouter:
    """The routes for receipts."""
    routes = APIRouter(tags=["receipts"])

    @routes.post(
        "/v1/receipts",
        openapi_extra={**raw_body("text/plain", "The signed note of a receipt."), "security": SECURITY},
        **public({204: {"description": "Kept, in place of the one before it."}}),
    )
    async def send_receipt(request: Request, caller: Annotated[str, Depends(authenticated)]) -> Response:
        """Hand in a receipt for another member."""
        note = await call_of(request.scope).body(MAX_RECEIPT_NOTE_BYTES)
        return taken(await services.relay.accept_receipt(caller, note))

    @routes.get("/v1/receipts", **protected({200: content(FRAMES_TYPE, "Notes of receipts, as frames.")}))
    async def receipts(caller: Annotated[str, Depends(authenticated)]) -> Response:
        """The newest receipt of each pair to which the caller belongs."""
        return frames(await services.read(services.relay.receipts_for, caller))

    return routes
