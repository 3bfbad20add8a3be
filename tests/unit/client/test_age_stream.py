"""The payload: every size, every way to cut, reorder, double or extend it, and constant memory."""

from __future__ import annotations

import io
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_client.age import HybridIdentity, PayloadDamaged, decrypt, encrypt
from envoi_client.age.pipes import Sink, Source
from envoi_client.age.stream import (
    CHUNK_BYTES,
    open_bytes,
    open_stream,
    payload_bytes,
    seal_bytes,
    seal_stream,
)
from envoi_client.files import whole_file
from envoi_keys.errors import LocalError

KEY = bytes(range(32))
SEALED = CHUNK_BYTES + 16
BATCH = 16 * CHUNK_BYTES
MIB = 1024 * 1024
BOUNDARIES = sorted(
    base + off for base in (0, CHUNK_BYTES, 2 * CHUNK_BYTES, BATCH, 2 * BATCH) for off in (-1, 0, 1) if base + off >= 0
)


def plaintext(size: int) -> bytes:
    pattern = bytes(number % 251 for number in range(CHUNK_BYTES + 1))
    return (pattern * (size // len(pattern) + 1))[:size]


class Dribble:
    """Hands out its bytes in pieces of odd sizes, as a pipe or a socket does."""

    def __init__(self, data: bytes, piece: int) -> None:
        self._file = io.BytesIO(data)
        self._piece = piece

    def read(self, size: int) -> bytes:
        return self._file.read(min(size, self._piece))


class Reluctant(io.BytesIO):
    """Takes at most ``piece`` bytes at a time, as a full pipe does."""

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        return super().write(data[:1000])


def sealed_stream(plain: bytes, *, piece: int | None = None) -> bytes:
    out = io.BytesIO()
    seal_stream(KEY, Source(io.BytesIO(plain) if piece is None else Dribble(plain, piece)), Sink(out))
    return out.getvalue()


def opened_stream(sealed: bytes, *, piece: int | None = None) -> bytes:
    out = io.BytesIO()
    open_stream(KEY, Source(io.BytesIO(sealed) if piece is None else Dribble(sealed, piece)), Sink(out))
    return out.getvalue()


@pytest.mark.parametrize("size", BOUNDARIES)
def test_every_size_around_a_boundary_is_read_back(size: int) -> None:
    plain = plaintext(size)
    sealed = seal_bytes(KEY, plain)
    assert len(sealed) == payload_bytes(size)
    assert sealed_stream(plain) == sealed
    assert open_bytes(KEY, sealed) == plain
    assert opened_stream(sealed) == plain


@given(
    st.sampled_from(BOUNDARIES).flatmap(lambda size: st.integers(max(0, size - 40), size + 40)),
    st.integers(500, 99_999),
)
def test_pieces_of_any_size_make_the_same_file(size: int, piece: int) -> None:
    plain = plaintext(size)
    sealed = seal_bytes(KEY, plain)
    assert sealed_stream(plain, piece=piece) == sealed
    assert opened_stream(sealed, piece=piece) == plain


def test_a_sink_that_takes_little_at_a_time_gets_everything() -> None:
    out = Reluctant()
    seal_stream(KEY, Source(io.BytesIO(plaintext(BATCH))), Sink(out))
    assert out.getvalue() == seal_bytes(KEY, plaintext(BATCH))


def chunks(sealed: bytes) -> list[bytes]:
    return [sealed[start : start + SEALED] for start in range(0, len(sealed), SEALED)]


def cut_inside(sealed: bytes) -> bytes:
    return sealed[: SEALED + 100]


def cut_after_first(sealed: bytes) -> bytes:
    return sealed[:SEALED]


def cut_to_less_than_a_tag(sealed: bytes) -> bytes:
    return sealed[: SEALED + 15]


def cut_to_a_tag(sealed: bytes) -> bytes:
    return sealed[: SEALED + 16]


def without_final(sealed: bytes) -> bytes:
    return b"".join(chunks(sealed)[:-1])


def without_first(sealed: bytes) -> bytes:
    return b"".join(chunks(sealed)[1:])


def reordered(sealed: bytes) -> bytes:
    first, second, *rest = chunks(sealed)
    return b"".join([second, first, *rest])


def doubled(sealed: bytes) -> bytes:
    first, second, *rest = chunks(sealed)
    return b"".join([first, second, second, *rest])


def final_twice(sealed: bytes) -> bytes:
    return sealed + chunks(sealed)[-1]


def extended(sealed: bytes) -> bytes:
    return sealed + b"\0"


def with_empty_final(sealed: bytes) -> bytes:
    """As a careless writer ends a payload of whole chunks: with an empty one marked final."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    cipher, plain = ChaCha20Poly1305(KEY), plaintext(2 * CHUNK_BYTES)
    nonces = [bytes(10) + bytes([number, number == 2]) for number in range(3)]
    parts = [plain[:CHUNK_BYTES], plain[CHUNK_BYTES:], b""]
    return b"".join(cipher.encrypt(nonce, part, None) for nonce, part in zip(nonces, parts, strict=True))


def of_another_key(sealed: bytes) -> bytes:
    return seal_bytes(bytes(32), plaintext(3 * CHUNK_BYTES + 5))


def nothing(sealed: bytes) -> bytes:
    return b""


ATTACKS: list[tuple[Callable[[bytes], bytes], int, str]] = [
    # what is done; chunks that are genuine and in their place before it; what is said
    (nothing, 0, "before its first chunk"),
    (cut_inside, 1, "does not verify"),
    (cut_after_first, 1, "ends before its final chunk"),
    (cut_to_less_than_a_tag, 1, "ends inside chunk 1"),
    (cut_to_a_tag, 1, "final chunk is empty"),
    (without_final, 3, "ends before its final chunk"),
    (without_first, 0, "does not verify"),
    (reordered, 0, "does not verify"),
    (doubled, 2, "does not verify"),
    (final_twice, 3, "does not verify"),
    (extended, 3, "does not verify"),
    (with_empty_final, 2, "final chunk is empty"),
    (of_another_key, 0, "does not verify"),
]


@pytest.mark.parametrize(("attack", "genuine", "message"), ATTACKS, ids=lambda value: getattr(value, "__name__", None))
def test_an_altered_payload_is_refused(attack: Callable[[bytes], bytes], genuine: int, message: str) -> None:
    plain = plaintext(3 * CHUNK_BYTES + 5)
    altered = attack(seal_bytes(KEY, plain))
    out = io.BytesIO()
    with pytest.raises(PayloadDamaged, match=message):
        open_stream(KEY, Source(io.BytesIO(altered)), Sink(out))
    assert out.getvalue() == plain[: genuine * CHUNK_BYTES]
    with pytest.raises(PayloadDamaged, match=message):
        open_bytes(KEY, altered)


def test_data_after_a_full_final_chunk_is_named() -> None:
    sealed = seal_bytes(KEY, plaintext(2 * CHUNK_BYTES))
    with pytest.raises(PayloadDamaged, match="goes on after its final chunk"):
        open_bytes(KEY, sealed + chunks(sealed)[-1])


@given(st.sampled_from(BOUNDARIES), st.data())
def test_a_payload_cut_anywhere_is_refused(size: int, data: st.DataObject) -> None:
    sealed = seal_bytes(KEY, plaintext(size))
    length = data.draw(st.integers(0, len(sealed) - 1))
    with pytest.raises(PayloadDamaged):
        open_bytes(KEY, sealed[:length])


@given(st.sampled_from(BOUNDARIES), st.data())
def test_a_payload_with_one_bit_changed_is_refused(size: int, data: st.DataObject) -> None:
    sealed = bytearray(seal_bytes(KEY, plaintext(size)))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(PayloadDamaged):
        opened_stream(bytes(sealed))


class Zeros:
    """A source of ``left`` zero bytes that holds none of them."""

    def __init__(self, left: int) -> None:
        self.left = left

    def read(self, size: int) -> bytes:
        return bytes(self.take(size))

    def readinto(self, view: memoryview) -> int:
        size = self.take(len(view))
        view[:size] = bytes(size)
        return size

    def take(self, size: int) -> int:
        size = min(size, self.left)
        self.left -= size
        return size


class Counter:
    """A sink that keeps nothing but the number of bytes."""

    def __init__(self) -> None:
        self.count = 0

    def write(self, data: memoryview) -> int:
        self.count += len(data)
        return len(data)


@pytest.mark.parametrize(("armor", "size"), [(False, 64 * MIB), (True, 24 * MIB)], ids=["binary", "armored"])
def test_memory_is_constant(tmp_path: Path, armor: bool, size: int) -> None:
    """The whole file each way within 12 MiB: whoever gathers a stream in memory fails here."""
    identity, path = HybridIdentity.generate(), tmp_path / "zeros.age"
    tracemalloc.start()
    try:
        with path.open("wb", buffering=0) as file:
            encrypt(Zeros(size), file, [identity.recipient], armor=armor)  # type: ignore[arg-type]
        counter = Counter()
        with path.open("rb", buffering=0) as file:
            decrypt(file, counter, [identity])  # type: ignore[arg-type]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert counter.count == size
    assert path.stat().st_size > size
    assert peak < 12 * MIB


class Full(io.RawIOBase):
    """A disk that is full after its first megabyte."""

    def __init__(self) -> None:
        self.left = MIB

    def write(self, data: object) -> int:
        if self.left <= 0:
            raise OSError(28, os.strerror(28))
        self.left -= MIB
        return len(memoryview(data))  # type: ignore[arg-type]


class Broken(io.RawIOBase):
    """A disk that fails in the middle of a file."""

    def __init__(self, error: OSError | None) -> None:
        self.error = error
        self.good = 3

    def readinto(self, view: object) -> int | None:
        self.good -= 1
        if self.good >= 0:
            return len(memoryview(view))  # type: ignore[arg-type]
        if self.error is not None:
            raise self.error
        return None


def test_a_disk_that_is_full_is_our_own_fault() -> None:
    with pytest.raises(LocalError, match="cannot write: no space left on device"):
        seal_stream(KEY, Source(Zeros(64 * MIB)), Sink(Full()))


@pytest.mark.parametrize("error", [OSError(5, os.strerror(5)), OSError("strange"), None])
def test_a_source_that_fails_is_our_own_fault(error: OSError | None) -> None:
    with pytest.raises(LocalError, match=r"^cannot read: "):
        seal_stream(KEY, Source(Broken(error)), Sink(Counter()))


def test_a_sink_that_would_block_is_our_own_fault() -> None:
    class Blocked:
        def write(self, data: memoryview) -> None:
            return None

    with pytest.raises(LocalError, match="would block"):
        seal_stream(KEY, Source(Zeros(1)), Sink(Blocked()))


def test_a_cut_file_is_never_given_its_name(tmp_path: Path) -> None:
    identity, target = HybridIdentity.generate(), tmp_path / "paper.pdf"
    sealed = io.BytesIO()
    encrypt(io.BytesIO(plaintext(3 * BATCH)), sealed, [identity.recipient])
    cut = io.BytesIO(sealed.getvalue()[:-1])
    with pytest.raises(PayloadDamaged), whole_file(target) as file:
        decrypt(cut, file, [identity])
    assert list(tmp_path.iterdir()) == []


def test_a_source_looks_ahead_without_losing_its_place() -> None:
    source = Source(Dribble(bytes(range(100)), 7))
    assert source.peek(10) == bytes(range(10))
    assert source.peek(3) == bytes(range(3))
    assert source.take(5) == bytes(range(5))
    buffer = bytearray(20)
    assert source.fill(memoryview(buffer)) == 20
    assert buffer == bytes(range(5, 25))
    assert source.take(1000) == bytes(range(25, 100))
    assert source.peek(1) == source.take(1) == b""
    assert source.fill(memoryview(buffer)) == 0
