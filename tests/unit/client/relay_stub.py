"""A relay in a few lines for the tests of the transport: strict about logins, scripted in its answers.

Each proof and each assertion is verified and taken once (RFC 9449 §4.3, RFC 7523 §3), so a transport that
repeats one fails here as it would fail at a relay.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from envoi_client.transport import Transport

URL = "https://relay.example"
SEED = bytes(range(32))
NOW = 1_795_000_000.0
DATE = "Wed, 18 Nov 2026 11:06:40 GMT"  # NOW, as a Date header

Handler = Callable[[httpx.Request], httpx.Response]


def problem(status: int, slug: str, headers: dict[str, str] | None = None, **members: Any) -> httpx.Response:
    document = {"type": f"https://envoi.example/problems/{slug}", "status": status, "detail": slug, **members}
    return httpx.Response(
        status,
        content=json.dumps(document).encode(),
        headers={"content-type": "application/problem+json", **(headers or {})},
    )


class Broken(httpx.SyncByteStream):
    """A body whose connection drops after its chunks."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks
        raise httpx.ReadError("connection reset by peer")


@dataclass
class RelayStub(httpx.BaseTransport):
    """Checks the login of every request and hands what is in order to ``handler``."""

    handler: Handler = field(default=lambda request: httpx.Response(200, content=b"ok"))
    nonce: str = "nonce-1"
    token: str = "token-1"
    clock: float = NOW
    life: Any = 600
    requests: list[httpx.Request] = field(default_factory=list)
    logins: int = 0
    used: set[str] = field(default_factory=set)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        if request.url.path == "/v1/token":
            return self._login(request)
        if "authorization" not in request.headers:
            return self.handler(request)
        if request.headers["authorization"] != f"DPoP {self.token}":
            return self._denied("unauthorised")
        if not self._proved(request, self.token):
            return self._denied("use-dpop-nonce")
        return self.handler(request)

    def asked(self, method: str, path: str) -> list[httpx.Request]:
        """The requests of one method to one path."""
        return [one for one in self.requests if (one.method, one.url.path) == (method, path)]

    def _login(self, request: httpx.Request) -> httpx.Response:
        if not self._proved(request, None):
            return self._denied("use-dpop-nonce")
        form = dict(pair.split("=", 1) for pair in request.content.decode().split("&"))
        public = Ed25519PrivateKey.from_private_bytes(SEED).public_key()
        claims = jwt.decode(
            form["client_assertion"], public, algorithms=["EdDSA"], audience=URL, options={"verify_exp": False}
        )
        assert claims["iss"] == claims["sub"] == "FR"
        assert 0 < claims["exp"] - claims["iat"] <= 60
        self._once(claims["jti"])
        if abs(claims["iat"] - self.clock) > 60:
            return self._denied("unauthorised")
        self.logins += 1
        return httpx.Response(200, json={"access_token": self.token, "token_type": "DPoP", "expires_in": self.life})

    def _proved(self, request: httpx.Request, token: str | None) -> bool:
        proof = request.headers["dpop"]
        header = jwt.get_unverified_header(proof)
        assert header["typ"] == "dpop+jwt"
        assert set(header["jwk"]) == {"kty", "crv", "x"}
        raw = base64.urlsafe_b64decode(header["jwk"]["x"] + "=")
        claims = jwt.decode(proof, Ed25519PublicKey.from_public_bytes(raw), algorithms=["EdDSA"])
        assert claims["htm"] == request.method
        assert claims["htu"] == URL + request.url.path
        if token is not None:
            digest = hashlib.sha256(token.encode()).digest()
            assert claims["ath"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        self._once(claims["jti"])
        return bool(claims.get("nonce") == self.nonce)

    def _once(self, jti: str) -> None:
        assert jti not in self.used
        self.used.add(jti)

    def _denied(self, slug: str) -> httpx.Response:
        # As a relay does: an answer to HEAD says in a header alone that it is the nonce (RFC 9449 §9).
        error = "use_dpop_nonce" if slug == "use-dpop-nonce" else "invalid_token"
        headers = {"dpop-nonce": self.nonce, "www-authenticate": f'DPoP error="{error}", algs="EdDSA"'}
        return problem(401, slug, headers)


@dataclass
class Bench:
    """A stub, the transport under test, and how long it slept."""

    stub: RelayStub
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.transport = Transport(URL, "FR", SEED, clock=lambda: NOW, sleep=self.slept.append, network=self.stub)

    def stranger(self) -> Transport:
        """A transport without a key."""
        return Transport(URL, clock=lambda: NOW, sleep=self.slept.append, network=self.stub)


def answering(*answers: httpx.Response | Exception | Handler) -> Handler:
    """A handler that gives these answers, one after the other, and then the last one again."""
    left = list(answers)

    def handler(request: httpx.Request) -> httpx.Response:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(request)

    return handler


OK = httpx.Response(200, content=b"ok")
DROPPED = httpx.ReadError("connection reset by peer")


def bench(*answers: Any, **changes: Any) -> Bench:
    return Bench(RelayStub(answering(*answers) if answers else lambda request: OK, **changes))
