"""The payload of an age file: STREAM with chunks of 64 KiB (age.md, "Payload").

A chunk is released once its tag has held, in order; the end is known only when the chunk marked final has
held and nothing follows. The final chunk is empty only in an empty payload. Memory is constant for any
size: two buffers of sixteen chunks, one read into and one written from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from .errors import PayloadDamaged
from .pipes import Sink, Source

CHUNK_BYTES: Final = 64 * 1024
TAG_BYTES: Final = 16
_SEALED_BYTES: Final = CHUNK_BYTES + TAG_BYTES
# 1 MiB a call: less pays for more calls, more falls out of the processor's cache. A second thread was tried
# and left out: time goes to the operating system, and one core seals 3 GB a second (benchmarks/sealing.py).
_BATCH: Final = 16


def payload_bytes(plain: int) -> int:
    """The size of the payload, without its nonce, that ``plain`` bytes are sealed into."""
    return plain + max(1, -(-plain // CHUNK_BYTES)) * TAG_BYTES


def seal_bytes(key: bytes, plain: bytes) -> bytes:
    """The payload that holds ``plain``. ``key`` must never have sealed anything before."""
    out = bytearray(payload_bytes(len(plain)))
    _seal_batch(ChaCha20Poly1305(key), 0, memoryview(plain), memoryview(out), last=True)
    return bytes(out)


def open_bytes(key: bytes, sealed: bytes | memoryview) -> bytes:
    """What the whole payload ``sealed`` holds. Raises PayloadDamaged."""
    out = memoryview(bytearray(len(sealed)))
    opened, damage = _open_batch(ChaCha20Poly1305(key), 0, memoryview(sealed), out, last=True)
    if damage is not None:
        raise damage
    return bytes(out[:opened])


def seal_stream(key: bytes, source: Source, sink: Sink) -> None:
    """Seal ``source`` into ``sink``. ``key`` must never have sealed anything before. Raises LocalError."""
    cipher = ChaCha20Poly1305(key)
    out = memoryview(bytearray(_BATCH * _SEALED_BYTES))
    for index, plain, last in _batches(source, CHUNK_BYTES):
        sink.write(out[: _seal_batch(cipher, index, plain, out, last=last)])


def open_stream(key: bytes, source: Source, sink: Sink) -> None:
    """Open the payload that ``source`` holds to its end into ``sink``.

    Every byte written is genuine and in its place, but until this returns the rest may be missing: a caller
    gives the output its name afterwards. Raises PayloadDamaged, or LocalError.
    """
    cipher = ChaCha20Poly1305(key)
    out = memoryview(bytearray(_BATCH * CHUNK_BYTES))
    for index, sealed, last in _batches(source, _SEALED_BYTES):
        opened, damage = _open_batch(cipher, index, sealed, out, last=last)
        sink.write(out[:opened])
        if damage is not None:
            raise damage


def _batches(source: Source, chunk: int) -> Iterator[tuple[int, memoryview, bool]]:
    """The source in whole chunks: the index of the first one, the bytes, whether they are the last.

    One byte more than a batch is read and kept for the next: only so is it known whether a chunk is the
    final one. The bytes are overwritten by the next step.
    """
    buffer = memoryview(bytearray(_BATCH * chunk + 1))
    have = 0
    index = 0
    while True:
        have += source.fill(buffer[have:])
        last = have < len(buffer)
        yield index, buffer[: have if last else -1], last
        if last:
            return
        buffer[0] = buffer[-1]
        have = 1
        index += _BATCH


def _nonce(index: int, final: bool) -> bytes:
    """The chunk's number in eleven bytes, then the flag. 2^88 chunks are never reached, so none repeats."""
    return (index << 8 | final).to_bytes(12, "big")


def _seal_batch(cipher: ChaCha20Poly1305, index: int, plain: memoryview, out: memoryview, *, last: bool) -> int:
    """Seal whole chunks, the first of which has number ``index``, into ``out``. Returns the bytes written."""
    done = 0
    # A batch is empty only if the whole payload is, and then it is one empty chunk.
    for start in range(0, len(plain) or 1, CHUNK_BYTES):
        chunk = plain[start : start + CHUNK_BYTES]
        final = last and start + CHUNK_BYTES >= len(plain)
        end = done + len(chunk) + TAG_BYTES
        cipher.encrypt_into(_nonce(index, final), chunk, None, out[done:end])
        done = end
        index += 1
    return done


def _open_batch(
    cipher: ChaCha20Poly1305, index: int, sealed: memoryview, out: memoryview, *, last: bool
) -> tuple[int, PayloadDamaged | None]:
    """Open whole chunks into ``out``. Returns how many of its bytes are genuine, and what stopped us."""
    if not sealed:
        return 0, PayloadDamaged("the payload ends before its first chunk")
    done = 0
    for start in range(0, len(sealed), _SEALED_BYTES):
        chunk = sealed[start : start + _SEALED_BYTES]
        final = last and start + _SEALED_BYTES >= len(sealed)
        size = len(chunk) - TAG_BYTES
        if size < 0:
            return done, PayloadDamaged(f"the payload ends inside chunk {index}")
        if size == 0 and index > 0:
            return done, PayloadDamaged("the final chunk is empty, though the payload is not")
        target = out[done : done + size]
        if not _open_chunk(cipher, _nonce(index, final), chunk, target):
            # A whole chunk that holds under the other flag is genuine, and tells what is wrong.
            if size == CHUNK_BYTES and _open_chunk(cipher, _nonce(index, not final), chunk, target):
                problem = "ends before its final chunk" if final else "goes on after its final chunk"
                return done + size, PayloadDamaged(f"the payload {problem}")
            return done, PayloadDamaged(f"chunk {index} does not verify")
        done += size
        index += 1
    return done, None


def _open_chunk(cipher: ChaCha20Poly1305, nonce: bytes, chunk: memoryview, target: memoryview) -> bool:
    try:
        cipher.decrypt_into(nonce, chunk, None, target)
    except InvalidTag:
        return False
    return True
