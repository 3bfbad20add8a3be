"""The load generator's side of HTTP: requests made beforehand, answers read with as little work as can be.

It shares two cores with what it measures, so proofs are signed before the clock starts and nothing of an
answer but its status and length is looked at.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Mapping
from urllib.parse import urlencode

from envoi_client.seeds import MemberSeeds
from envoi_client.transport.auth import Credentials

_LIMIT = 1 << 20


class Connection:
    """One connection that is kept open, one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Connection:
        """To that port of the loopback."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=_LIMIT))

    def send(self, *parts: bytes) -> None:
        """Send a request that was made beforehand."""
        self._writer.writelines(parts)

    async def head(self) -> tuple[int, bytes]:
        """The status of the answer that comes, and its head. uvicorn writes names of headers in lower case."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        return int(head[9:12]), head

    async def answer(self) -> tuple[int, bytes, bytes]:
        """Status, head and body of the answer that comes."""
        status, head = await self.head()
        return status, head, await self.reader.readexactly(int(_field(head, "content-length")))

    async def ask(self, *parts: bytes) -> tuple[int, bytes, bytes]:
        """Send, and read the answer."""
        self.send(*parts)
        return await self.answer()

    def close(self) -> None:
        """Close it."""
        self._writer.close()


class Caller:
    """A member that has logged in, with a connection of its own."""

    def __init__(self, seeds: MemberSeeds, url: str, connection: Connection) -> None:
        self.connection = connection
        self._url = url
        self._credentials = Credentials(seeds.name, seeds.transport, url, clock=time.time, random=os.urandom)
        self._nonce: str | None = None
        self._token: str | None = None

    @classmethod
    async def login(cls, seeds: MemberSeeds, url: str) -> Caller:
        """A caller with a token. Raises RuntimeError if the relay gives none."""
        self = cls(seeds, url, await Connection.open(int(url.rpartition(":")[2])))
        for _ in range(2):  # the first answer only brings the nonce
            form = urlencode(self._credentials.grant()).encode()
            fields = {"content-type": "application/x-www-form-urlencoded", "content-length": str(len(form))}
            status, head, body = await self.connection.ask(self.head("POST", "/v1/token", fields), form)
            if status == 200:
                self._token = json.loads(body)["access_token"]
                return self
            self._nonce = _field(head, "dpop-nonce")
        raise RuntimeError(f"the relay gave no token: {body.decode()}")

    def head(self, method: str, path: str, fields: Mapping[str, str] | None = None, query: str = "") -> bytes:
        """The head of a request, with a proof that is good once and for a minute."""
        proof = self._credentials.proof(method, self._url + path, nonce=self._nonce, token=self._token)
        lines = [f"{method} {path}{query} HTTP/1.1", "host: relay", f"dpop: {proof}"]
        if self._token is not None:
            lines.append(f"authorization: DPoP {self._token}")
        lines += [f"{name}: {value}" for name, value in (fields or {}).items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _field(head: bytes, name: str) -> str:
    return head.partition(f"\r\n{name}: ".encode())[2].partition(b"\r")[0].decode()
