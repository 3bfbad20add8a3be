"""A member's courier as a test needs it: it gets tokens and signs proofs, or spoils either on request."""

from __future__ import annotations

import base64
import hashlib
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
URL = "http://poc.example"
OPERATIONS = (
    "POST /v1/token",
    "GET /v1/roster",
    "POST /v1/roster",
    "GET /v1/roster/{version}",
    "POST /v1/enrolments",
    "GET /v1/enrolments",
    "POST /v1/dispatches",
    "GET /v1/dispatches",
    "GET /v1/dispatches/{id}",
    "GET /v1/dispatches/{id}/proof",
    "PUT /v1/blobs/{sha256}",
    "PATCH /v1/blobs/{sha256}",
    "HEAD /v1/blobs/{sha256}",
    "GET /v1/blobs/{sha256}",
    "GET /v1/receipts",
    "POST /v1/receipts",
    "GET /v1/delegations",
    "POST /v1/delegations",
    "GET /v1/events",
    "GET /log/checkpoint",
    "GET /log/tile/{path}",
    "POST /log/cosignatures",
    "GET /livez",
    "GET /readyz",
    "GET /metrics",
)
"""Everything that the relay serves."""


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Courier:
    """One caller. ``skew`` is by how many seconds its clock is ahead."""

    name: str
    transport: Ed25519PrivateKey
    http: httpx.AsyncClient
    url: str = URL
    skew: float = 0
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    nonce: str = ""
    token: str = ""

    def jwk(self) -> dict[str, str]:
        return {"kty": "OKP", "crv": "Ed25519", "x": b64url(self.key.public_key().public_bytes_raw())}

    def now(self) -> int:
        return int(time.time() + self.skew)

    def assertion(self, **changes: Any) -> str:
        claims = {
            "iss": self.name,
            "sub": self.name,
            "aud": self.url,
            "exp": self.now() + 50,
            "jti": uuid.uuid4().hex,
            **changes,
        }
        return jwt.encode(claims, self.transport, algorithm="EdDSA")

    def proof(self, method: str, path: str, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
        claims: dict[str, Any] = {
            "htm": method,
            "htu": self.url + path,
            "iat": self.now(),
            "jti": uuid.uuid4().hex,
            "nonce": self.nonce,
        }
        if self.token:
            claims["ath"] = b64url(hashlib.sha256(self.token.encode()).digest())
        claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jwt.encode(
            claims,
            self.key,
            algorithm="EdDSA",
            headers={"typ": "dpop+jwt", "jwk": self.jwk(), **(header or {})},
        )

    async def ask_token(self, *, proof: str | None = None, **form: str) -> httpx.Response:
        fields = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(),
            **form,
        }
        token, self.token = self.token, ""
        headers = {"dpop": proof or self.proof("POST", "/v1/token")}
        self.token = token
        return await self.http.post(self.url + "/v1/token", data=fields, headers=headers)

    async def login(self) -> Courier:
        """Get the nonce, then a token."""
        first = await self.ask_token()
        self.nonce = first.headers["dpop-nonce"]
        answer = await self.ask_token()
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]
        return self

    def headers(self, method: str, path: str, **changes: Any) -> dict[str, str]:
        return {"authorization": f"DPoP {self.token}", "dpop": self.proof(method, path, **changes)}

    async def send(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **request: Any
    ) -> httpx.Response:
        """One request with a good proof; ``headers`` are added to it."""
        signed = self.headers(method, path.partition("?")[0])
        return await self.http.request(method, self.url + path, headers={**signed, **(headers or {})}, **request)


def slug(answer: httpx.Response) -> str:
    """The slug of a problem document, having checked its form."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document = json.loads(answer.content)
    assert document["status"] == answer.status_code
    assert document["detail"]
    return str(document["type"]).rpartition("/")[2]
