"""Proving who calls: ``private_key_jwt`` by the transport key, and a DPoP proof for each request.

RFC 7523 and RFC 9449. The DPoP key lives as long as this object and is never written down. Each assertion
and each proof is used once: a request that is repeated gets new ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from envoi_keys.errors import LocalError
from envoi_keys.signing import SEED_BYTES

from ..limits import ASSERTION_LIFE

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_JTI_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; ``ends`` on the monotonic clock."""

    value: str
    ends: float


class Credentials:
    """One member's transport key, and a DPoP key made for this object."""

    def __init__(
        self,
        member: str,
        transport_key: bytes,
        audience: str,
        *,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        if len(transport_key) != SEED_BYTES:
            raise LocalError("the transport key is not a seed of 32 bytes")
        self._member = member
        self._key = Ed25519PrivateKey.from_private_bytes(transport_key)
        self._audience = audience
        self._clock = clock
        self._random = random
        self._proof_key = Ed25519PrivateKey.from_private_bytes(random(SEED_BYTES))
        public = self._proof_key.public_key().public_bytes_raw()
        # RFC 9449 §4.2: the public key travels in the proof's header.
        self._proof_header = {
            "typ": "dpop+jwt",
            "jwk": {"kty": "OKP", "crv": "Ed25519", "x": jwt.utils.base64url_encode(public).decode()},
        }

    def grant(self) -> dict[str, str]:
        """The form that asks for a token (RFC 7523 §2.2), with a fresh assertion."""
        now = int(self._clock())
        claims = {
            "iss": self._member,
            "sub": self._member,
            "aud": self._audience,
            "iat": now,
            "exp": now + ASSERTION_LIFE,
            "jti": self._random(_JTI_BYTES).hex(),
        }
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": jwt.encode(claims, self._key, algorithm="EdDSA"),
        }

    def proof(self, method: str, url: str, *, nonce: str | None, token: str | None) -> str:
        """A DPoP proof for one request (RFC 9449 §4.2). ``url`` is without query and fragment."""
        claims: dict[str, Any] = {
            "jti": self._random(_JTI_BYTES).hex(),
            "htm": method,
            "htu": url,
            "iat": int(self._clock()),
        }
        if nonce is not None:
            claims["nonce"] = nonce
        if token is not None:
            digest = hashlib.sha256(token.encode("ascii")).digest()
            claims["ath"] = jwt.utils.base64url_encode(digest).decode()
        return jwt.encode(claims, self._proof_key, algorithm="EdDSA", headers=self._proof_header)
