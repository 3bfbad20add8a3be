"""The bare long-poll that wake-ups are compared with: raw ASGI under uvicorn, one item in memory and nothing else.

``POST /publish`` keeps the body and lets go of whoever waits; ``GET /poll/<number>`` is answered with the newest item
once there is one after that number. Nobody is authenticated, nothing is verified, ordered or stored.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvicorn


class Bare:
    """The application."""

    def __init__(self) -> None:
        self._number = 0
        self._item = b""
        self._waiting: list[asyncio.Future[None]] = []

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """One request."""
        if scope["path"] == "/publish":
            await self._publish(receive)
            await _answer(send, str(self._number).encode())
        else:
            await self._news(int(scope["path"].rpartition("/")[2]))
            await _answer(send, self._item)

    async def _publish(self, receive: Any) -> None:
        parts, more = [], True
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        self._item = b"".join(parts)
        self._number += 1
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def _news(self, after: int) -> None:
        while self._number <= after:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future


async def _answer(send: Any, body: bytes) -> None:
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Serve on a free port of the loopback, which is printed first."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(Bare(), loop="uvloop", http="httptools", lifespan="off", log_level="warning")
    config.access_log = False
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
