"""`/v1/dispatches`: handing in a dispatch, and the feed of what one sent or was sent.

Handing in and the feed are the relay's daily work, so they are raw ASGI on raw bytes. The feed waits, where
it is asked to, until there is something; its cursor is a log index and can be used again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from envoi_keys.encoding import HEX32
from envoi_keys.limits import KIB, MAX_INTEGER

from ..calls import Call, Gone, whole_number
from ..front import HotRoute
from ..problems import problem
from ..relay import FeedPage
from ..rules import MAX_SUBMISSION_BYTES, Refusal
from ..services import Services
from .common import (
    FRAMES_TYPE,
    NOTE_TYPE,
    SECURITY,
    authenticated,
    content,
    found,
    note,
    proof_headers,
    protected,
    raw_body,
    refusals,
)

PATH: Final = "/v1/dispatches"
_CHUNK_BYTES: Final = 256 * KIB

DispatchId = Annotated[str, Path(pattern=f"^{HEX32.pattern}$")]


def hot_routes(services: Services) -> list[HotRoute]:
    """The routes on which speed depends."""
    dispatches = _Dispatches(services)
    return [
        HotRoute("POST", PATH, dispatches.publish, _POST),
        HotRoute("GET", PATH, dispatches.feed, _feed_operation(services)),
    ]


def router(services: Services) -> APIRouter:
    """The routes for one dispatch."""
    routes = APIRouter(tags=["dispatches"])

    @routes.get(PATH + "/{id}", **protected({200: content(FRAMES_TYPE, "Its four frames, as in the feed.")}))
    async def dispatch(id: DispatchId, caller: Annotated[str, Depends(authenticated)]) -> Response:  # noqa: A002
        """A dispatch that one sent or was sent, by its id."""
        frames = found(await services.read(services.relay.dispatch, caller, id))
        return Response(frames, media_type=FRAMES_TYPE)

    @routes.get(PATH + "/{id}/proof", **protected({200: content(NOTE_TYPE, "A C2SP tlog-proof.")}))
    async def proof(id: DispatchId, caller: Annotated[str, Depends(authenticated)]) -> Response:  # noqa: A002
        """The proof that a dispatch is in the log, against the newest checkpoint."""
        return note(found(await services.read(services.relay.proof, caller, id)))

    return routes


class _Dispatches:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def publish(self, call: Call) -> None:
        """A submission: answered once it is in the log for good."""
        caller = call.authenticate()
        submission = await call.body(MAX_SUBMISSION_BYTES)
        outcome = await self._services.relay.accept_dispatch(caller, submission)
        if isinstance(outcome, Refusal):
            await call.refuse(problem(outcome))
            return
        await call.answer(201 if outcome.created else 200, outcome.proof, NOTE_TYPE, proof_headers(outcome))

    async def feed(self, call: Call) -> None:
        """A page of the feed; with ``wait``, once there is something in it or the time is over."""
        caller = call.authenticate()
        settings = self._services.settings
        query = call.query()
        after = whole_number(query, "after", -1, -1, MAX_INTEGER)
        limit = whole_number(query, "limit", settings.feed_page_entries, 1, settings.feed_page_entries)
        wait = whole_number(query, "wait", 0, 0, settings.max_wait_seconds)
        page, chunks, first = await self._begin(caller, after, limit)
        if page.empty and wait:
            with self._services.gate.waiting(call, caller) as leave:
                await self._services.relay.wait(caller, after, wait, leave)
            if call.left:
                raise Gone
            page, chunks, first = await self._begin(caller, after, limit)
        second = b"" if len(first) < _CHUNK_BYTES else await self._services.read(next, chunks, b"")
        if not second:
            await call.answer(200, first, FRAMES_TYPE)
            return
        headers = [(b"content-type", FRAMES_TYPE.encode())]
        await call.stream(200, headers, self._rest([first, second], chunks))

    async def _begin(self, caller: str, after: int, limit: int) -> tuple[FeedPage, Iterator[bytes], bytes]:
        page = self._services.relay.feed_at_hand(caller, after, limit)
        if page is not None:
            chunks = _chunks(page)
            return page, chunks, next(chunks, b"")
        return await self._services.read(self._read, caller, after, limit)

    def _read(self, caller: str, after: int, limit: int) -> tuple[FeedPage, Iterator[bytes], bytes]:
        # The page and its first chunk in one hop: most pages have no other.
        page = self._services.relay.feed(caller, after, limit)
        chunks = _chunks(page)
        return page, chunks, next(chunks, b"")

    async def _rest(self, ready: list[bytes], chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
        for chunk in ready:
            yield chunk
        while chunk := await self._services.read(next, chunks, b""):
            yield chunk


def _chunks(page: FeedPage) -> Iterator[bytes]:
    """The page's frames, gathered so that a hop between threads carries more than one of them."""
    parts: list[bytes] = []
    size = 0
    for frame in page.frames:
        parts.append(frame)
        size += len(frame)
        if size >= _CHUNK_BYTES:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)


def _number(name: str, minimum: int, maximum: int, description: str) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": minimum, "maximum": maximum}
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def _feed_operation(services: Services) -> dict[str, Any]:
    settings = services.settings
    return {
        "tags": ["dispatches"],
        "operationId": "feed",
        "summary": "What one sent or was sent, and every roster and delegation, in the order of the log.",
        "security": SECURITY,
        "parameters": [
            _number("after", -1, MAX_INTEGER, "The cursor of the page before; -1 for the beginning."),
            _number("limit", 1, settings.feed_page_entries, "Most entries in the page."),
            _number("wait", 0, settings.max_wait_seconds, "Seconds to wait while there is nothing."),
        ],
        "responses": {"200": content(FRAMES_TYPE, "Frames; see PROTOCOL."), **refusals()},
    }


_POST: Final = {
    "tags": ["dispatches"],
    "operationId": "publish",
    "summary": "Hand in a dispatch: frames of its note, its openings and its sealed body.",
    "security": SECURITY,
    **raw_body(FRAMES_TYPE, "Frames: the note, one opening for each recipient, the sealed body."),
    "responses": {
        "200": content(NOTE_TYPE, "The same proof, for the same bytes again."),
        "201": content(NOTE_TYPE, "The proof that the dispatch is in the log (C2SP tlog-proof)."),
        **refusals(),
    },
}
