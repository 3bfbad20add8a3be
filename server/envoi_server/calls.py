"""One HTTP request as our routes see it: raw headers, a bounded body, an answer sent whole or in parts.

Every wait for the caller has an end: a body that does not arrive in time raises :class:`TooSlow`, a
connection that goes away raises :class:`Gone`. Limits are checked against the declared length before a byte
is read, and against what arrives, because a chunked body declares nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from envoi_keys.errors import Malformed
from envoi_keys.limits import MIB

from .problems import Denied, Problem

if TYPE_CHECKING:
    from .gate import Gate

CALL_KEY: Final = "envoi.call"
"""Where a request's :class:`Call` stands in its ASGI scope, for the routes that FastAPI serves."""

Headers = list[tuple[bytes, bytes]]
_DRAIN_BYTES: Final = 2 * MIB
_DRAIN_SECONDS: Final = 5.0


class TooSlow(Exception):
    """The request's body did not arrive in time."""


class Gone(Exception):
    """The caller closed the connection before the answer was complete."""


@dataclass(slots=True)
class Call:
    """A request, what is known of it so far, and the way to answer it."""

    scope: Scope
    receive: Receive
    send: Send
    gate: Gate
    id: str
    route: str = "other"
    """The template of the route, for logs and metrics: never the path itself."""
    caller: str | None = None
    refused: str | None = None
    received: int = 0
    status: int = 0
    complete: bool = False
    left: bool = False
    body_read: bool = field(default=False)

    @property
    def method(self) -> str:
        """The request's method."""
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        """The path as it was sent, still percent-encoded: what ``htu`` names."""
        raw = self.scope.get("raw_path") or self.scope["path"].encode()
        return str(raw.decode("latin-1"))

    @property
    def address(self) -> str:
        """The caller's address, or ``unknown``."""
        client = self.scope.get("client")
        return str(client[0]) if client else "unknown"

    def headers(self, name: bytes) -> list[str]:
        """Every value of a header; ``name`` is in lower case."""
        return [value.decode("latin-1") for key, value in self.scope["headers"] if key == name]

    def header(self, name: bytes) -> str | None:
        """The value of a header that may stand once. Raises Denied if it stands more often."""
        values = self.headers(name)
        if len(values) > 1:
            raise Denied(f"header {name.decode()} stands more than once", slug="malformed")
        return values[0] if values else None

    def number(self, name: bytes) -> int | None:
        """A header that is a whole number, or None without it. Raises Denied."""
        text = self.header(name)
        if text is None:
            return None
        # isdecimal() knows other scripts' digits as well; int() of more than 18 digits is nobody's length.
        if not (text.isascii() and text.isdecimal() and len(text) <= 18):
            raise Denied(f"header {name.decode()} is not a whole number", slug="malformed")
        return int(text)

    def query(self) -> dict[str, str]:
        """The query's parameters. Raises Denied for one that stands twice."""
        raw = self.scope["query_string"]
        if not raw:
            return {}
        try:
            pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=16)
        except ValueError:
            raise Denied("the query cannot be read", slug="malformed") from None
        found = dict(pairs)
        if len(found) != len(pairs):
            raise Denied("a query parameter stands twice", slug="malformed")
        return found

    def authenticate(self) -> str:
        """Who calls, once the gate has let them in. Raises Denied."""
        self.caller = self.gate.caller(self)
        return self.caller

    @property
    def declared(self) -> int | None:
        """The declared length of the body; None if it is chunked. Raises Denied."""
        if self.headers(b"transfer-encoding"):
            return None
        return self.number(b"content-length") or 0

    @property
    def unread(self) -> bool:
        """Whether a body was announced of which the end has not been seen."""
        if self.body_read:
            return False
        return any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in self.scope["headers"]
        )

    async def drain(self) -> None:
        """Read and drop what is still coming of a small body, before refusing the request.

        A connection that is closed on unread bytes is reset, and the reset may destroy the answer on its way.
        Behind a large body, or a slow one, the connection ends all the same.
        """
        length = self.headers(b"content-length")
        if not self.unread or (length and not (len(length[0]) < 8 and int(length[0]) <= _DRAIN_BYTES)):
            return
        dropped = 0
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                async for part in self.parts():
                    dropped += len(part)
                    if dropped > _DRAIN_BYTES:
                        return
        except TimeoutError:
            return

    async def body(self, limit: int, deadline: float | None = None) -> bytes:
        """The whole body, of at most ``limit`` bytes. Raises Denied (``too-large``), TooSlow or Gone."""
        declared = self.declared
        if declared is not None and declared > limit:
            raise too_large(limit)
        parts: list[bytes] = []
        size = 0
        try:
            with self.gate.body(self):
                async with asyncio.timeout(deadline or self.gate.body_deadline):
                    async for part in self.parts():
                        size += len(part)
                        if size > limit:
                            raise too_large(limit)
                        parts.append(part)
        except TimeoutError:
            raise TooSlow from None
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def parts(self) -> AsyncIterator[bytes]:
        """The body in the pieces in which it arrives, without any limit. Raises Gone."""
        while not self.body_read:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Gone
            part = message.get("body", b"")
            self.received += len(part)
            self.body_read = not message.get("more_body", False)
            if part:
                yield part

    async def gathered(self, size: int = MIB) -> AsyncIterator[bytes]:
        """The body in pieces of ``size`` bytes or a little more; the last may be shorter.

        Each has to arrive within the gate's stall limit, so the time allowed grows with the body: a slow
        line is served and a stalled one is not. What had arrived is given out before TooSlow or Gone is
        raised, since a bad line may never bring a whole piece.
        """
        parts = self.parts()
        ended: Exception | None = None
        more = True
        while more:
            buffer = bytearray()
            try:
                async with asyncio.timeout(self.gate.upload_stall):
                    while more and len(buffer) < size:
                        part = await anext(parts, None)
                        more = part is not None
                        buffer += part or b""
            except TimeoutError:
                ended = TooSlow()
            except Gone as gone:
                ended = gone
            if buffer:
                yield bytes(buffer)
            if ended is not None:
                raise ended

    async def gone(self) -> None:
        """Return when the caller has gone. Only once the body has been read, or where there is none."""
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.left = True

    async def answer(
        self,
        status: int,
        body: bytes = b"",
        media_type: str | None = None,
        headers: Iterable[tuple[bytes, bytes]] = (),
    ) -> None:
        """Answer at once and whole."""
        fields: Headers = [(b"content-length", str(len(body)).encode())]
        if media_type is not None:
            fields.append((b"content-type", media_type.encode()))
        fields.extend(headers)
        await self.send({"type": "http.response.start", "status": status, "headers": fields})
        await self.send({"type": "http.response.body", "body": b"" if self.method == "HEAD" else body})

    async def refuse(self, problem: Problem) -> None:
        """Answer with a problem document."""
        self.refused = problem.slug
        await self.answer(problem.status, problem.body, headers=[*problem.headers, *self.gate.refusal_headers(problem)])

    async def stream(self, status: int, headers: Headers, chunks: AsyncIterator[bytes]) -> None:
        """Answer in parts while the caller is there. Raises Gone, as the server silently drops what nobody takes."""
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        if self.method != "HEAD":
            going = asyncio.ensure_future(self.gone())
            try:
                async for chunk in chunks:
                    if self.left:
                        raise Gone
                    await self.send({"type": "http.response.body", "body": chunk, "more_body": True})
            finally:
                going.cancel()
        await self.send({"type": "http.response.body", "body": b""})


def too_large(limit: int) -> Denied:
    """The refusal of a body beyond ``limit`` bytes."""
    return Denied(f"the body is larger than {limit} bytes", slug="too-large", extra={"limit_bytes": limit})


def whole_number(query: Mapping[str, str], name: str, default: int, minimum: int, maximum: int) -> int:
    """A query parameter that is an integer within bounds. Raises Malformed."""
    text = query.get(name)
    if text is None:
        return default
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 18):
        raise Malformed("is not a whole number", field=name)
    value = int(text)
    if not minimum <= value <= maximum:
        raise Malformed(f"{value} is not between {minimum} and {maximum}", field=name)
    return value


def call_of(scope: Mapping[str, Any]) -> Call:
    """The call of a request that FastAPI serves."""
    call = scope[CALL_KEY]
    assert isinstance(call, Call)
    return call
