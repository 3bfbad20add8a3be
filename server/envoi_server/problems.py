"""The one border where a refusal becomes an HTTP status and a problem document (RFC 9457).

Nothing inside the relay knows a status code: a rule returns a `Refusal`, a check raises one of
`envoi_keys.errors`, and :func:`problem` turns either into what goes over the wire. What is unexpected says
nothing about its cause.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from envoi_keys.errors import EnvoiError, Fraud, Malformed, PeerError, Refused, Unverified

from .rules import Refusal

TYPE_STEM: Final = "https://envoi.example/problems/"
MEDIA_TYPE: Final = "application/problem+json"

STATUS: Final[Mapping[str, int]] = {
    # what was sent cannot be read, or is too much
    "malformed": 400,
    "too-large": 413,
    "rate-limited": 429,
    # who is calling
    "unauthorised": 401,
    "use-dpop-nonce": 401,
    "unknown-sender": 403,
    "not-yours": 403,
    # what does not exist and what is not yours look the same
    "not-found": 404,
    # well-formed, but it contradicts the present state
    "no-roster": 409,
    "roster-unknown": 409,
    "roster-outdated": 409,
    "roster-conflict": 409,
    "receipt-outdated": 409,
    "receipt-beyond": 409,
    "wrong-series": 409,
    "number-taken": 409,
    "number-gap": 409,
    "blob-missing": 409,
    "blob-incomplete": 409,
    "offset-conflict": 409,
    "range-not-satisfiable": 416,
    # well-formed, but it can never be accepted
    "other-exchange": 422,
    "bad-signature": 422,
    "unknown-recipient": 422,
    "inactive-recipient": 422,
    "stanza-count": 422,
    "body-mismatch": 422,
    "bad-opening": 422,
    "under-signed": 422,
    # us
    "unavailable": 503,
}
"""The status of each slug. A slug is stable and may be relied on; the sentences are for people."""

TITLES: Final[Mapping[str, str]] = {
    "malformed": "It cannot be read.",
    "too-large": "It is larger than a limit allows.",
    "rate-limited": "Too many requests in a short time.",
    "unauthorised": "The caller is not known.",
    "use-dpop-nonce": "The proof needs the nonce of this relay.",
    "not-found": "There is no such thing, or it is not yours.",
    "unavailable": "The relay cannot do this now.",
}
"""Titles for the slugs that the relay's HTTP side makes; the others are titled by their slug."""


class Denied(Refused):
    """A request refused before it reaches the relay's rules.

    ``slug`` is one of :data:`STATUS`; ``error`` is the code that OAuth gives the same thing (RFC 6749 §5.2,
    RFC 9449 §7.1); ``extra`` holds further members of the problem document; ``retry_after`` is in seconds;
    ``headers`` go with the answer.
    """

    def __init__(
        self,
        message: str,
        *,
        slug: str = "unauthorised",
        hint: str | None = None,
        error: str | None = None,
        extra: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, reason=slug, hint=hint)
        self.error = error
        self.extra = dict(extra or {})
        self.retry_after = retry_after
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem document, ready to be sent."""

    status: int
    slug: str
    body: bytes
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


def problem(cause: Refusal | EnvoiError) -> Problem:
    """The problem document for a refusal of the rules or an error of our tree."""
    if isinstance(cause, Refusal):
        return _document(cause.slug, cause.detail, cause.extra)
    if isinstance(cause, Denied):
        return _denied(cause)
    if isinstance(cause, PeerError):
        extra = {"field": cause.field} if isinstance(cause, Malformed) and cause.field else {}
        return _document(_slug(cause), cause.message, _hinted(extra, cause.hint))
    # LocalError and NetworkError name our own files and hosts: a caller learns no more than that it is us.
    return _document("unavailable", "the relay cannot do this now; try again later", {})


def http_problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Problem:
    """The problem document for what is HTTP's alone (405, 408, 500): its type is about:blank (RFC 9457
    §4.2.1).
    """
    document = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Problem(status, f"http-{status}", _encode(document), _fields(headers or {}))


def _slug(error: PeerError) -> str:
    if isinstance(error, Refused) and error.reason in STATUS:
        return error.reason
    if isinstance(error, Unverified):
        return "bad-signature"
    if isinstance(error, Fraud):
        return "roster-conflict"
    return "malformed"


def _denied(cause: Denied) -> Problem:
    headers = dict(cause.headers)
    slug = cause.reason
    extra = _hinted(dict(cause.extra), cause.hint)
    if cause.error is not None:
        extra["error"] = cause.error
    if STATUS[slug] == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = f'DPoP error="{cause.error or "invalid_token"}", algs="EdDSA"'
    if cause.retry_after is not None:
        headers["retry-after"] = str(max(1, round(cause.retry_after)))
    return _document(slug, cause.message, extra, headers)


def _document(slug: str, detail: str, extra: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Problem:
    status = STATUS[slug]
    title = TITLES.get(slug) or f"Refused: {slug.replace('-', ' ')}."
    document = {"type": TYPE_STEM + slug, "title": title, "status": status, "detail": detail, **extra}
    return Problem(status, slug, _encode(document), _fields(headers or {}))


def _hinted(extra: dict[str, Any], hint: str | None) -> dict[str, Any]:
    return {**extra, "hint": hint} if hint else extra


def _encode(document: Mapping[str, Any]) -> bytes:
    # Everything outside ASCII is escaped: a detail may quote what was sent, and lone surrogates have no
    # UTF-8.
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def _fields(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    fixed = [(b"content-type", MEDIA_TYPE.encode())]
    return fixed + [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
