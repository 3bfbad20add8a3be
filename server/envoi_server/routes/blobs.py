"""`/v1/blobs/{sha256}`: sealed files, sent in one piece or resumed by offset, fetched whole or by range.

Raw ASGI throughout: a blob passes in pieces of 1 MiB and is never held whole. What does not exist and what
is not the caller's look the same.
"""

from __future__ import annotations

import re
from typing import Any, Final

from envoi_keys.limits import MAX_BLOB_BYTES

from ..calls import Call, Headers
from ..front import HotRoute
from ..problems import Denied
from ..services import Services
from ..uploads import Progress
from .common import FRAMES_TYPE, SECURITY, SHA256, content, not_found, refusals

PATH: Final = "/v1/blobs/{sha256}"
_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_INTEGER: Final = {"schema": {"type": "integer"}}
_OFFSET: Final = {"Upload-Offset": _INTEGER, "Upload-Length": _INTEGER}


def hot_routes(services: Services) -> list[HotRoute]:
    """The routes for blobs."""
    blobs = _Blobs(services)
    return [
        HotRoute("PUT", PATH, blobs.put, _PUT),
        HotRoute("PATCH", PATH, blobs.patch, _PATCH),
        HotRoute("HEAD", PATH, blobs.head, _HEAD),
        HotRoute("GET", PATH, blobs.get, _GET),
    ]


class _Blobs:
    def __init__(self, services: Services) -> None:
        self._uploads = services.uploads

    async def put(self, call: Call) -> None:
        """All of a blob at once, or (with Upload-Length) the beginning of an upload."""
        caller = call.authenticate()
        digest = _digest(call)
        declared = call.declared
        length = call.number(b"upload-length")
        if length is None:
            length = declared
        if length is None:
            raise Denied("an upload needs Content-Length or Upload-Length", slug="malformed")
        if length > MAX_BLOB_BYTES or (declared or 0) > length:
            raise Denied("the blob is larger than it may be", slug="too-large")
        with_bytes = declared != 0 and length != 0
        progress = await self._uploads.create(caller, digest, length, restart=with_bytes)
        if with_bytes and not progress.whole:
            progress = await self._uploads.append(caller, digest, 0, declared, call.gathered())
        await call.answer(201, headers=_offsets(progress))

    async def patch(self, call: Call) -> None:
        """More of an upload, from where it stands."""
        caller = call.authenticate()
        offset = call.number(b"upload-offset")
        if offset is None:
            raise Denied("PATCH needs Upload-Offset", slug="malformed")
        progress = await self._uploads.append(caller, _digest(call), offset, call.declared, call.gathered())
        await call.answer(204, headers=_offsets(progress))

    async def head(self, call: Call) -> None:
        """How far an upload has come; of a whole blob its size."""
        caller = call.authenticate()
        progress = await self._uploads.progress(caller, _digest(call))
        if progress is None:
            raise not_found()
        size = progress.length if progress.whole else 0
        headers = [(b"accept-ranges", b"bytes"), (b"content-length", str(size).encode()), *_offsets(progress)]
        await call.send({"type": "http.response.start", "status": 200, "headers": headers})
        await call.send({"type": "http.response.body", "body": b""})

    async def get(self, call: Call) -> None:
        """A whole blob, or one range of it."""
        caller = call.authenticate()
        digest = _digest(call)
        size = await self._uploads.size(caller, digest)
        if size is None:
            raise not_found()
        headers: Headers = [
            (b"accept-ranges", b"bytes"),
            (b"content-type", FRAMES_TYPE.encode()),
            (b"etag", f'"{digest}"'.encode()),
        ]
        span = _span(call.header(b"range"), size)
        status, (start, end) = (200, (0, size)) if span is None else (206, span)
        if span is not None:
            headers.append((b"content-range", f"bytes {start}-{end - 1}/{size}".encode()))
        headers.append((b"content-length", str(end - start).encode()))
        await call.stream(status, headers, self._uploads.read(digest, start, end))


def _digest(call: Call) -> str:
    return call.path.rpartition("/")[2]


def _offsets(progress: Progress) -> Headers:
    return [
        (b"upload-offset", str(progress.offset).encode()),
        (b"upload-length", str(progress.length).encode()),
    ]


def _span(header: str | None, size: int) -> tuple[int, int] | None:
    """The one range asked for, or None for the whole: any other Range may be ignored (RFC 9110 §14.2)."""
    match = _RANGE.fullmatch(header.replace(" ", "")) if header else None
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        start, end = max(0, size - int(match[2])), size
    else:
        start, end = int(match[1]), min(size, int(match[2]) + 1 if match[2] else size)
        if match[2] and int(match[2]) < start:
            return None
    if start >= size:
        unsatisfied = {"content-range": f"bytes */{size}"}
        raise Denied(f"the blob has {size} bytes", slug="range-not-satisfiable", headers=unsatisfied)
    return start, end


_DIGEST_PARAMETER: Final = {"name": "sha256", "in": "path", "required": True, "schema": SHA256}
_BINARY: Final = {"content": {FRAMES_TYPE: {"schema": {"type": "string", "format": "binary"}}}}


def _header(name: str, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "schema": {"type": "integer", "minimum": 0}}


def _operation(summary: str, name: str, answers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "tags": ["blobs"],
        "operationId": name,
        "summary": summary,
        "security": SECURITY,
        **more,
        "responses": {**answers, **refusals()},
    }


_PUT: Final = _operation(
    "Send a blob whole, or begin an upload of Upload-Length bytes.",
    "put_blob",
    {"201": {"description": "Stored, or begun.", "headers": _OFFSET}},
    parameters=[_DIGEST_PARAMETER, _header("Upload-Length")],
    requestBody=_BINARY,
)
_PATCH: Final = _operation(
    "Go on with an upload from Upload-Offset.",
    "patch_blob",
    {"204": {"description": "Stored as far as Upload-Offset says.", "headers": _OFFSET}},
    parameters=[_DIGEST_PARAMETER, _header("Upload-Offset", required=True)],
    requestBody={"required": True, **_BINARY},
)
_HEAD: Final = _operation(
    "Ask how far an upload has come.",
    "head_blob",
    {"200": {"description": "The offset equals the length once the blob is whole.", "headers": _OFFSET}},
    parameters=[_DIGEST_PARAMETER],
)
_GET: Final = _operation(
    "Fetch a blob that one uploaded, sent or was sent.",
    "get_blob",
    {"200": content(FRAMES_TYPE, "All of it."), "206": content(FRAMES_TYPE, "The range asked for.")},
    parameters=[
        _DIGEST_PARAMETER,
        {"name": "Range", "in": "header", "required": False, "schema": {"type": "string"}},
    ],
)
