"""Frames: byte strings one after the other, each behind its length in four bytes, big-endian.

A length is checked against the limit before a byte of its frame is kept. Nothing follows the last frame, and
a frame that is cut short is an error, never a shorter frame.
"""

from __future__ import annotations

from typing import Final

from .errors import Malformed
from .limits import MAX_FRAME_BYTES

_LENGTH_BYTES: Final = 4


def pack(*parts: bytes) -> bytes:
    """The parts as frames. A part over MAX_FRAME_BYTES is a mistake of the caller: ValueError."""
    framed = []
    for part in parts:
        if len(part) > MAX_FRAME_BYTES:
            raise ValueError(f"a frame has at most {MAX_FRAME_BYTES} bytes")
        framed += [len(part).to_bytes(_LENGTH_BYTES, "big"), part]
    return b"".join(framed)


def unpack(raw: bytes, count: int | None = None, *, at_most: int | None = None) -> list[bytes]:
    """The frames in ``raw``: exactly ``count``, or no more than ``at_most`` where given. Raises Malformed."""
    limit = count if count is not None else at_most
    frames: list[bytes] = []
    at = 0
    while at < len(raw):
        start = at + _LENGTH_BYTES
        at = start + _length(raw[at:start])
        if start > len(raw) or at > len(raw):
            raise Malformed("the last frame is cut short", field="frames")
        if len(frames) == limit:
            raise Malformed(f"there are more than {limit} frames", field="frames")
        frames.append(raw[start:at])
    if count is not None and len(frames) != count:
        raise Malformed(f"there are {len(frames)} frames instead of {count}", field="frames")
    return frames


class FrameReader:
    """Takes a stream in chunks of any size and gives back the frames that are whole.

    It holds at most one frame and one chunk. After an error the stream is lost: every further call fails.
    Used by one thread at a time.
    """

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """The frames that ``chunk`` completes. Raises Malformed for a frame over the limit."""
        buffer = self._buffer
        buffer += chunk
        frames = []
        at = 0
        while len(buffer) >= at + _LENGTH_BYTES:
            start = at + _LENGTH_BYTES
            end = start + _length(buffer[at:start])
            if end > len(buffer):
                break
            frames.append(bytes(buffer[start:end]))
            at = end
        del buffer[:at]
        return frames

    def finish(self) -> None:
        """That the stream ended between two frames. Raises Malformed when it was cut."""
        if self._buffer:
            raise Malformed(f"the stream ends {len(self._buffer)} bytes into a frame", field="frames")


def _length(prefix: bytes | bytearray) -> int:
    length = int.from_bytes(prefix, "big")
    if length > MAX_FRAME_BYTES:
        raise Malformed(f"a frame of {length} bytes; at most {MAX_FRAME_BYTES} are allowed", field="frames")
    return length
