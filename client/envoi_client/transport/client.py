"""The relay's interface as methods, one for each route (PROTOCOL §9). Bytes go in and bytes come out.

A method raises RelayRefused when the relay says no, NetworkError when nobody answered, and PeerError when an
answer is out of form or larger than any genuine one. Nothing that comes back is believed here.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from envoi_keys.encoding import HEX32
from envoi_keys.errors import Malformed
from envoi_keys.frames import FrameReader
from envoi_keys.limits import MAX_NOTE_BYTES

from ..limits import (
    EVENT_TIMEOUT,
    MAX_CHECKPOINT_BYTES,
    MAX_EVENT_BYTES,
    MAX_FEED_WAIT,
    MAX_HEALTH_BYTES,
    MAX_LISTING_BYTES,
    MAX_PROOF_BYTES,
    MAX_TILE_BYTES,
)
from . import blobs
from .auth import Credentials
from .calls import Calls, Request
from .errors import Busy, shown
from .feed import Feed, FeedEntry
from .http import Network, Wire

_NOTE: Final = {"content-type": "text/plain; charset=utf-8"}
_FRAMES: Final = {"content-type": "application/octet-stream"}
_TILE: Final = re.compile(r"tile/(?:entries|[0-9]{1,2})(?:/x[0-9]{3})*/[0-9]{3}(?:\.p/[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the relay says that it can work, and how far its clock is ahead of ours, in seconds."""

    ready: bool
    said: str
    clock_offset: float | None


class Transport:
    """The way to one relay, for one member, or for a stranger without a key; a context manager.

    ``transport_key`` is the 32-byte Ed25519 seed. ``clock`` gives seconds since the epoch, ``sleep`` waits
    so many seconds, ``random`` gives so many bytes. ``network`` replaces the network (a test, a simulator).
    ``ca_file`` holds the certificates to trust instead of the system's; ``proxy`` is a URL, otherwise the
    environment says.
    """

    def __init__(
        self,
        url: str,
        member: str | None = None,
        transport_key: bytes | None = None,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[int], bytes] = os.urandom,
        network: Network | None = None,
        ca_file: Path | None = None,
        proxy: str | None = None,
    ) -> None:
        self._wire = Wire(url, network=network, ca_file=ca_file, proxy=proxy)
        credentials = None
        if member is not None and transport_key is not None:
            credentials = Credentials(member, transport_key, self._wire.origin, clock=clock, random=random)
        self._calls = Calls(self._wire, credentials, clock=clock, sleep=sleep, random=random)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The relay's address."""
        return self._wire.origin

    @property
    def clock_offset(self) -> float | None:
        """Seconds by which the relay's clock was ahead of ours at its last answer, or None."""
        return self._calls.clock_offset

    def token(self) -> float:
        """Log in, unless that was done; the seconds that the token still lives."""
        token = self._calls.token()
        return token.ends - time.monotonic() if token else 0.0

    # -- rosters, enrolments, delegations

    def roster(self, version: int | None = None) -> bytes:
        """The note of the roster in force, or of one version."""
        return self._get("/v1/roster" if version is None else f"/v1/roster/{version}", MAX_NOTE_BYTES)

    def post_roster(self, note: bytes) -> bytes:
        """Publish a roster; the proof that it is in the log. Needs no login: the quorum has signed."""
        return self._post("/v1/roster", note, MAX_PROOF_BYTES, repeatable=True, signed=False)

    def post_enrolment(self, note: bytes) -> None:
        """Ask to be put into the roster. Needs no login, and is never repeated on its own."""
        self._post("/v1/enrolments", note, MAX_HEALTH_BYTES, signed=False)

    def enrolments(self) -> Iterator[bytes]:
        """The notes of those who asked; for the Point of Contact."""
        return self._frames("/v1/enrolments")

    def delegations(self) -> Iterator[bytes]:
        """The notes of all delegations, in the order of the log."""
        return self._frames("/v1/delegations")

    def post_delegation(self, note: bytes) -> bytes:
        """Publish a delegation; the proof that it is in the log."""
        return self._post("/v1/delegations", note, MAX_PROOF_BYTES, repeatable=True)

    # -- dispatches and receipts

    def post_dispatch(self, submission: bytes) -> tuple[bool, bytes]:
        """Hand in a submission; whether it is new, and the proof that it is in the log (C2SP tlog-proof).

        Repeated when the answer is lost: the same bytes get the same answer.
        """
        request = Request("POST", "/v1/dispatches", body=submission, headers=_FRAMES, repeatable=True)
        reply = self._calls.fetch(request, MAX_PROOF_BYTES)
        return reply.status == 201, reply.body

    def feed(self, after: int = -1, limit: int | None = None, wait: int = 0) -> Iterator[FeedEntry]:
        """What this member may see above the log index ``after``; see :meth:`open_feed`."""
        return self.open_feed(after, limit, wait)

    def open_feed(self, after: int = -1, limit: int | None = None, wait: int = 0) -> Feed:
        """The feed above the log index ``after``, read as it comes; at most ``limit`` entries.

        With ``wait``, an empty feed waits so many seconds for news, at most 60. An answer that breaks off
        raises NetworkError after its last whole entry; the caller goes on from there.
        """
        query: dict[str, str | int] = {"after": after}
        if limit is not None:
            query["limit"] = limit
        seconds = min(wait, MAX_FEED_WAIT)
        if seconds:
            query["wait"] = seconds
        request = Request("GET", "/v1/dispatches", query=query, repeatable=True, patience=float(seconds))
        return Feed(self._streamed(request, None))

    def wait(self, after: int, seconds: int) -> bool:
        """Wait until there is something above ``after``, at most ``seconds`` (60); whether there is."""
        # Read to the end, so that the connection can be used again.
        return sum(1 for _ in self.open_feed(after, 1, seconds)) > 0

    def dispatch(self, dispatch_id: str) -> FeedEntry:
        """One dispatch that one sent or was sent."""
        raw = self._get(f"/v1/dispatches/{_hex(dispatch_id)}", MAX_LISTING_BYTES)
        entries = _entries(raw)
        if len(entries) != 1:
            raise Malformed(f"there are {len(entries)} dispatches instead of one", field="dispatch")
        return entries[0]

    def proof(self, dispatch_id: str) -> bytes:
        """The proof that a dispatch is in the log (C2SP tlog-proof)."""
        return self._get(f"/v1/dispatches/{_hex(dispatch_id)}/proof", MAX_PROOF_BYTES)

    def receipts(self) -> Iterator[bytes]:
        """The newest receipt of each pair to which this member belongs."""
        return self._frames("/v1/receipts")

    def post_receipt(self, note: bytes) -> None:
        """Hand in a receipt. Receipts are cumulative: handing one in twice is as good as once."""
        self._post("/v1/receipts", note, MAX_HEALTH_BYTES, repeatable=True)

    # -- attachments

    def upload(self, source: Path | BinaryIO, sha256: str, size: int, progress: blobs.Progress = blobs.quiet) -> None:
        """Upload a sealed file, going on from where an earlier try stopped; see :mod:`.blobs`."""
        blobs.upload(self._calls, source, _hex(sha256), size, progress)

    def download(self, sha256: str, size: int, target: Path, progress: blobs.Progress = blobs.quiet) -> None:
        """Fetch a sealed file into ``target``, going on from an earlier try; see :mod:`.blobs`."""
        blobs.download(self._calls, _hex(sha256), size, target, progress)

    # -- the log

    def checkpoint(self) -> bytes:
        """The newest signed checkpoint, with the cosignatures it has got."""
        return self._get("/log/checkpoint", MAX_CHECKPOINT_BYTES)

    def tile(self, path: str) -> bytes:
        """A tile of hashes or a bundle of entries, by its path such as ``tile/0/x001/234/067``."""
        if not _TILE.fullmatch(path):
            raise ValueError(f"{path!r} is not the path of a tile")
        return self._get(f"/log/{path}", MAX_TILE_BYTES)

    def post_cosignature(self, note: bytes) -> None:
        """Hand in a checkpoint that carries this member's cosignature."""
        self._post("/log/cosignatures", note, MAX_HEALTH_BYTES, repeatable=True)

    # -- wake-ups and health

    def events(self) -> Iterator[str]:
        """The names of the relay's wake-ups as they come. Ends when the relay closes the stream.

        They carry no content: whoever gets one asks the feed.
        """
        request = Request("GET", "/v1/events", repeatable=True, patience=EVENT_TIMEOUT)
        return _event_names(self._streamed(request, None, silence=EVENT_TIMEOUT))

    def health(self) -> Health:
        """What the relay says of itself. Needs no login and is not repeated. Raises NetworkError."""
        request = Request("GET", "/readyz", signed=False)
        try:
            reply = self._calls.fetch(request, MAX_HEALTH_BYTES)
        except Busy as busy:
            return Health(False, busy.message, self.clock_offset)
        return Health(True, shown(reply.body.decode("utf-8", "replace")), self.clock_offset)

    # -- what they share

    def _get(self, path: str, limit: int) -> bytes:
        return self._calls.fetch(Request("GET", path, repeatable=True), limit).body

    def _post(self, path: str, note: bytes, limit: int, *, repeatable: bool = False, signed: bool = True) -> bytes:
        request = Request("POST", path, body=note, headers=_NOTE, repeatable=repeatable, signed=signed)
        return self._calls.fetch(request, limit).body

    def _frames(self, path: str) -> Iterator[bytes]:
        reader = FrameReader()
        for chunk in self._streamed(Request("GET", path, repeatable=True), MAX_LISTING_BYTES):
            yield from reader.feed(chunk)
        reader.finish()

    def _streamed(self, request: Request, limit: int | None, *, silence: float | None = None) -> Iterator[bytes]:
        with self._calls.stream(request) as answer:
            yield from answer.chunks(limit, silence=silence)


def _hex(text: str) -> str:
    if not HEX32.fullmatch(text):
        raise ValueError("is not 64 lower-case hexadecimal digits")
    return text


def _entries(raw: bytes) -> list[FeedEntry]:
    """The groups of four frames in an answer without a last group."""
    reader = FrameReader()
    frames = reader.feed(raw)
    reader.finish()
    if len(frames) % 4 or any(len(index) != 8 for index in frames[::4]):
        raise Malformed("is not made of groups of four frames", field="dispatch")
    return [
        FeedEntry(int.from_bytes(frames[at], "big"), frames[at + 1], frames[at + 2], frames[at + 3])
        for at in range(0, len(frames), 4)
    ]


def _event_names(chunks: Iterator[bytes]) -> Iterator[str]:
    """The ``event`` field of each server-sent event (WHATWG HTML, 9.2.6); comments keep the line alive."""
    buffer, name, filled = b"", "message", False
    for chunk in chunks:
        buffer += chunk
        *lines, buffer = buffer.replace(b"\r\n", b"\n").split(b"\n")
        if len(buffer) > MAX_EVENT_BYTES:
            raise Malformed(f"a line has more than {MAX_EVENT_BYTES} bytes", field="events")
        for line in lines:
            key, _, value = line.partition(b":")
            if key == b"event":
                name = shown(value.decode("utf-8", "replace"))
            filled = filled or key in (b"event", b"data")
            if line == b"":
                if filled:
                    yield name
                name, filled = "message", False
