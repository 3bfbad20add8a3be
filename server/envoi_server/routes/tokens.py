"""`POST /v1/token`: a short-lived access token for who holds a transport key (RFC 7523, RFC 9449)."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from envoi_keys.limits import KIB

from ..auth import ASSERTION_TYPE, GRANT
from ..calls import Call
from ..problems import Denied
from ..services import Services
from .common import refusals, stranger

_MAX_FORM_BYTES: Final = 16 * KIB
_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type", "client_assertion_type", "client_assertion"],
                    "properties": {
                        "grant_type": {"type": "string", "enum": [GRANT]},
                        "client_assertion_type": {"type": "string", "enum": [ASSERTION_TYPE]},
                        "client_assertion": {"type": "string", "maxLength": 4096},
                    },
                }
            }
        },
    },
    "parameters": [{"name": "DPoP", "in": "header", "required": True, "schema": {"type": "string"}}],
}


class Token(BaseModel):
    """An access token (RFC 6749 §5.1)."""

    access_token: str
    token_type: str
    expires_in: int


def router(services: Services) -> APIRouter:
    """The route for tokens."""
    routes = APIRouter(tags=["token"])

    @routes.post("/v1/token", response_model=Token, responses=refusals(), openapi_extra=_FORM)
    async def token(call: Annotated[Call, Depends(stranger)]) -> Response:
        """An access token for the holder of a transport key; its proofs carry the nonce of `DPoP-Nonce`."""
        form = _form(await call.body(_MAX_FORM_BYTES))
        granted = services.gate.authenticator.grant(form, call.headers(b"dpop"))
        answer = Token(access_token=granted.token, token_type="DPoP", expires_in=granted.seconds)
        return JSONResponse(answer.model_dump(), headers={"dpop-nonce": services.gate.authenticator.nonce})

    return routes


def _form(raw: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=16)
    except ValueError:
        raise Denied("the form cannot be read", slug="malformed", error="invalid_request") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Denied("a field of the form stands twice", slug="malformed", error="invalid_request")
    return fields
