"""What a connection can make the relay wait for has an end: stalled, garbage and greedy clients are dropped."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from envoi_server.serve import Server, config

from .conftest import Bench, Make

pytestmark = pytest.mark.anyio


@dataclass
class Running:
    """A real server around an application."""

    bench: Bench
    server: Server
    address: tuple[str, int]

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self.address)

    async def say(self, said: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await self.connect()
        writer.write(said)
        return reader, writer


@asynccontextmanager
async def running(make: Make, **flags: Any) -> AsyncIterator[Running]:
    bench = await make(**flags)
    ready = asyncio.Event()
    server = Server(config(bench.app, bench.settings), bench.app, ready.set)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve([listening]))
        await asyncio.wait_for(ready.wait(), 10)
        try:
            yield Running(bench, server, listening.getsockname())
        finally:
            server.handle_exit(signal.SIGTERM, None)
            await asyncio.wait_for(serving, 20)


async def dropped(reader: asyncio.StreamReader) -> bytes:
    """What came before the connection ended, which it does soon."""
    said = bytearray()
    async with asyncio.timeout(5):
        try:
            while part := await reader.read(2**16):
                said += part
        except ConnectionError:
            pass  # a reset after the answer is an end as good as any
    return bytes(said)


async def dropped_or(reader: asyncio.StreamReader, end: bytes) -> bytes:
    """What came up to ``end``; nothing if the connection ended before."""
    try:
        return await reader.readuntil(end)
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


async def test_a_request_is_answered(make: Make) -> None:
    async with running(make) as relay:
        reader, writer = await relay.say(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        answer = await dropped(reader)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\nserver:" not in answer
        writer.close()


@pytest.mark.parametrize("said", [b"", b"GET /livez HTTP/1.1\r\n", b"GET /livez HTTP/1.1\r\nhost: x\r\n"])
async def test_a_head_that_does_not_arrive_ends_the_connection(make: Make, said: bytes) -> None:
    async with running(make, header_deadline_seconds=0.2) as relay:
        reader, writer = await relay.say(said)
        assert await dropped(reader) == b""
        writer.close()


async def test_a_head_that_trickles_ends_the_connection(make: Make) -> None:
    async with running(make, header_deadline_seconds=0.3) as relay:
        reader, writer = await relay.connect()

        async def trickle() -> None:
            writer.write(b"GET /livez HTTP/1.1\r\n")
            while not writer.is_closing():
                writer.write(b"x: y\r\n")
                await asyncio.sleep(0.05)

        trickling = asyncio.create_task(trickle())
        assert await dropped(reader) == b""
        trickling.cancel()
        writer.close()


async def test_empty_lines_between_requests_do_not_keep_a_connection(make: Make) -> None:
    async with running(make, header_deadline_seconds=0.3) as relay:
        reader, writer = await relay.say(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")

        async def trickle() -> None:
            await asyncio.sleep(0.05)
            while not writer.is_closing():
                writer.write(b"\r\n")
                await asyncio.sleep(0.05)

        trickling = asyncio.create_task(trickle())
        assert (await dropped(reader)).startswith(b"HTTP/1.1 200")
        trickling.cancel()
        writer.close()


async def test_an_idle_connection_is_not_a_stalled_head(make: Make) -> None:
    async with running(make, header_deadline_seconds=0.1) as relay:
        reader, writer = await relay.connect()
        for _ in range(2):
            writer.write(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
            answer = await asyncio.wait_for(reader.readuntil(b"alive\n"), 5)
            assert answer.startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0.3)
        writer.close()


async def test_a_head_that_is_too_large_ends_the_connection(make: Make) -> None:
    async with running(make, max_header_bytes=2048) as relay:
        reader, writer = await relay.say(b"GET /livez HTTP/1.1\r\n" + b"x: " + b"y" * 400_000)
        assert await dropped(reader) == b""
        writer.close()


async def test_garbage_is_answered_and_ended(make: Make) -> None:
    async with running(make) as relay:
        reader, writer = await relay.say(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        assert (await dropped(reader)).startswith(b"HTTP/1.1 400")
        writer.close()


async def test_a_body_that_trickles_ends_the_connection(make: Make) -> None:
    async with running(make, body_deadline_seconds=0.3) as relay:
        reader, writer = await relay.say(b"POST /v1/enrolments HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n")

        async def trickle() -> None:
            while not writer.is_closing():
                writer.write(b"x")
                await asyncio.sleep(0.05)

        trickling = asyncio.create_task(trickle())
        answer = await dropped(reader)
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"\r\nconnection: close\r\n" in answer
        trickling.cancel()
        writer.close()


async def test_a_body_that_nobody_reads_ends_the_connection(make: Make) -> None:
    async with running(make) as relay:
        reader, writer = await relay.say(b"GET /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n")
        answer = await dropped(reader)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"\r\nconnection: close\r\n" in answer
        writer.close()


async def test_a_reader_that_does_not_read_is_dropped(make: Make) -> None:
    async with running(make, send_stall_seconds=0.3) as relay:
        # Far more of an answer than the buffers of both sides take.
        relay.bench.relay.entries.extend([bytes(2**20)] * 64)
        fr = await relay.bench.courier()
        fields = fr.headers("GET", "/v1/dispatches")
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        reader, writer = await relay.connect()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(f"GET /v1/dispatches HTTP/1.1\r\n{head}\r\n".encode())
        await asyncio.sleep(1.5)
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert 0 < len(await dropped(reader)) < 64 * 2**20
        writer.close()


async def test_requests_piled_up_on_one_connection_end_it(make: Make) -> None:
    """Each would wait in memory, at a thousand times its bytes, while the parser reads on."""
    async with running(make) as relay:
        asked = 2000
        reader, writer = await relay.say(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n" * asked)
        assert (await dropped(reader)).count(b"HTTP/1.1 200") <= 2
        writer.close()


async def test_one_address_holds_so_many_connections_and_no_more(make: Make) -> None:
    request = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"
    async with running(make, connections_per_address=2) as relay:
        held = [await relay.say(request) for _ in range(2)]
        for reader, _ in held:
            await asyncio.wait_for(reader.readuntil(b"alive\n"), 5)
        reader, writer = await relay.say(request)
        assert await dropped(reader) == b""
        writer.close()
        held[0][1].close()
        await held[0][1].wait_closed()
        async with asyncio.timeout(5):
            while True:  # the server learns of the end a moment later
                reader, again = await relay.say(request)
                answer = await dropped_or(reader, b"alive\n")
                again.close()
                if answer:
                    break
        held[1][1].close()


async def test_connections_of_a_trusted_proxy_are_not_counted(make: Make) -> None:
    async with running(make, connections_per_address=1, trusted_proxies="127.0.0.1") as relay:
        lines = [await relay.say(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n") for _ in range(3)]
        for reader, writer in lines:
            await asyncio.wait_for(reader.readuntil(b"alive\n"), 5)
            writer.close()


async def test_a_stop_lets_waiting_requests_go(make: Make) -> None:
    async with running(make) as relay:
        fr = await relay.bench.courier()
        fields = fr.headers("GET", "/v1/dispatches")
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        reader, writer = await relay.say(f"GET /v1/dispatches?wait=30 HTTP/1.1\r\n{head}\r\n".encode())
        fields = fr.headers("GET", "/v1/events")
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        events, other = await relay.say(f"GET /v1/events HTTP/1.1\r\n{head}\r\n".encode())
        await asyncio.wait_for(events.readuntil(b"\r\n\r\n"), 5)
        relay.server.handle_exit(signal.SIGTERM, None)
        assert (await dropped(reader)).startswith(b"HTTP/1.1 200")
        assert (await dropped(events)).endswith(b"0\r\n\r\n")
        writer.close()
        other.close()
