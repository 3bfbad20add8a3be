"""What the routes share: descriptions for `/openapi.json`, and the few shapes in which they answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from fastapi import Request
from starlette.responses import Response

from envoi_keys.encoding import HEX32
from envoi_keys.errors import Refused
from envoi_keys.frames import pack

from ..calls import Call, call_of
from ..problems import MEDIA_TYPE, Denied, problem
from ..relay import Acceptance
from ..rules import Refusal

NOTE_TYPE: Final = "text/plain; charset=utf-8"
FRAMES_TYPE: Final = "application/octet-stream"
SECURITY: Final[list[dict[str, list[str]]]] = [{"dpop": []}]
SECURITY_SCHEMES: Final[dict[str, Any]] = {
    "dpop": {
        "type": "http",
        "scheme": "DPoP",
        "description": "An access token of POST /v1/token with a DPoP proof (RFC 9449) by Ed25519.",
    }
}
PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A problem document (RFC 9457). `type` ends in a stable slug.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "hint": {"type": "string"},
    },
}
SHA256: Final[dict[str, Any]] = {"type": "string", "pattern": f"^{HEX32.pattern}$"}


def content(media_type: str, description: str) -> dict[str, Any]:
    """An answer or request of raw bytes, for OpenAPI."""
    schema = {"type": "string"} if media_type.startswith("text/") else {"type": "string", "format": "binary"}
    return {"description": description, "content": {media_type.partition(";")[0]: {"schema": schema}}}


def raw_body(media_type: str, description: str) -> dict[str, Any]:
    """A request body of raw bytes, for OpenAPI."""
    return {"requestBody": {"required": True, **content(media_type, description)}}


def refusals() -> dict[int | str, Any]:
    """The problem documents that any route may answer with, for OpenAPI."""
    answer = {
        "description": "Refused; see the problem's type.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    return {"4XX": answer, "5XX": answer}


def protected(answers: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """Keyword arguments of a FastAPI route for authenticated callers, with its answers by status."""
    return {**public(answers), "openapi_extra": {"security": SECURITY}}


def public(answers: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """Keyword arguments of a FastAPI route for anybody, with its answers by status, the usual one first."""
    usual = next(iter(answers))
    return {"status_code": usual, "responses": {**answers, **refusals()}, "response_class": Response}


def authenticated(request: Request) -> str:
    """The caller of a route that FastAPI serves; a dependency. Raises Denied."""
    return call_of(request.scope).authenticate()


def stranger(request: Request) -> Call:
    """Let in a request without authentication; a dependency. Raises Denied (``rate-limited``)."""
    call = call_of(request.scope)
    call.gate.stranger(call)
    return call


def note(raw: bytes, status: int = 200) -> Response:
    """A signed note, as it is."""
    return Response(raw, status_code=status, media_type=NOTE_TYPE)


def frames(parts: Iterable[bytes]) -> Response:
    """Parts as frames (PROTOCOL: frames)."""
    return Response(pack(*parts), media_type=FRAMES_TYPE)


def proof_headers(accepted: Acceptance) -> list[tuple[bytes, bytes]]:
    """The headers of an answer that carries a proof."""
    return [(b"envoi-index", str(accepted.index).encode())]


def accepted(outcome: Acceptance | Refusal) -> Response:
    """The proof that something is in the log, 201 the first time and 200 again; or why it is not."""
    if isinstance(outcome, Refusal):
        return refused(outcome)
    response = note(outcome.proof, 201 if outcome.created else 200)
    response.headers["envoi-index"] = str(outcome.index)
    return response


def taken(outcome: Refusal | None) -> Response:
    """Nothing to say, or why not."""
    return Response(status_code=204) if outcome is None else refused(outcome)


def refused(refusal: Refusal) -> Response:
    """The problem document of a refusal."""
    document = problem(refusal)
    response = Response(document.body, status_code=document.status)
    response.raw_headers.extend(document.headers)
    return response


def found(value: bytes | None) -> bytes:
    """``value``, or the one answer for what does not exist and what is not the caller's. Raises Denied."""
    if value is None:
        raise not_found()
    return value


def not_found() -> Refused:
    """The one answer for what does not exist and what is not the caller's."""
    return Denied("there is no such thing, or it is not yours", slug="not-found")
