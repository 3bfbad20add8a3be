"""Compact JWS as the relay reads them, through PyJWT: verified under a key we chose, claims unread.

The algorithm is fixed by the caller and never taken from the token. Every failure is Unverified. Sizes are
bounded before anything is decoded.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt
from jwt.algorithms import OKPAlgorithm
from jwt.api_jws import PyJWS

from envoi_keys.errors import Unverified

MAX_TOKEN_CHARS: Final = 4096
MAX_IDENTIFIER_CHARS: Final = 256
_ED25519: Final = OKPAlgorithm()
_HS256: Final = PyJWS(algorithms=["HS256"])


def encode(data: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """The bytes of canonical base64url without padding. Raises Unverified."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Unverified("is not base64url") from None
    if encode(data) != text:
        raise Unverified("is not canonical base64url")
    return data


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 public key, parsed once; ``thumbprint`` is that of RFC 7638."""

    raw: bytes
    thumbprint: str
    parsed: jwt.PyJWK

    @classmethod
    def of(cls, raw: bytes) -> PublicKey:
        """From its 32 bytes. Raises Unverified if they are no key."""
        jwk = {"crv": "Ed25519", "kty": "OKP", "x": encode(raw)}
        canonical = json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode()
        try:
            parsed = jwt.PyJWK(jwk, algorithm="EdDSA")
        except jwt.PyJWTError:
            raise Unverified("is not an Ed25519 public key") from None
        return cls(raw, encode(hashlib.sha256(canonical).digest()), parsed)


def eddsa_header(token: str) -> dict[str, Any]:
    """The header of a token under EdDSA, before anything is verified. Raises Unverified for any other.

    ``crit`` and ``b64`` change what is signed (RFC 7515 §4.1.11, RFC 7797): nobody needs them here.
    """
    header = _object(_segments(token)[0])
    if header.get("alg") != "EdDSA" or "crit" in header or "b64" in header:
        raise Unverified("is not a plain JWT under EdDSA")
    return header


def unverified_claims(token: str) -> dict[str, Any]:
    """The claims, before anything is verified: good only for choosing a key. Raises Unverified."""
    return _object(_segments(token)[1])


def verify_eddsa(token: str, key: PublicKey) -> dict[str, Any]:
    """The claims of a token that ``key`` signed, whose header :func:`eddsa_header` has read. Raises Unverified.

    PyJWT verifies the signature. It does not also take the token apart: looking at each character anew in Python
    costs it half as much as the signature, at every request.
    """
    header, claims, signature = _segments(token)
    if not _ED25519.verify(f"{header}.{claims}".encode("ascii"), key.parsed.key, decode(signature)):
        raise Unverified("is not signed by the expected key")
    return _object(claims)


def verify_hs256(token: str, secret: bytes) -> dict[str, Any]:
    """The claims of a token authenticated under ``secret``. Raises Unverified."""
    if len(token) > MAX_TOKEN_CHARS:
        raise Unverified(f"is longer than {MAX_TOKEN_CHARS} characters")
    try:
        claims = json.loads(_HS256.decode(token, secret, algorithms=["HS256"]))
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, RecursionError):
        # PyJWT documents only the first; a hostile header (a list for "alg") reaches others.
        raise Unverified("is not a JWT under the expected secret") from None
    if not isinstance(claims, dict):
        raise Unverified("has claims that are not an object")
    return claims


def sign_hs256(claims: Mapping[str, Any], secret: bytes) -> str:
    """A token over ``claims``, typed as an access token (RFC 9068 §2.1)."""
    return jwt.encode(dict(claims), secret, algorithm="HS256", headers={"typ": "at+jwt"})


def _segments(token: str) -> tuple[str, str, str]:
    """Header, claims and signature of the compact form (RFC 7515 §7.1), still encoded."""
    if len(token) > MAX_TOKEN_CHARS or not token.isascii():
        raise Unverified(f"is not a JWT of up to {MAX_TOKEN_CHARS} characters")
    parts = token.split(".")
    if len(parts) != 3:
        raise Unverified("is not a JWT")
    return parts[0], parts[1], parts[2]


def _object(segment: str) -> dict[str, Any]:
    try:
        value = json.loads(decode(segment))
    except (ValueError, RecursionError):
        raise Unverified("is not a JWT") from None
    if not isinstance(value, dict):
        raise Unverified("is not a JWT")
    return value


def text_claim(claims: Mapping[str, Any], name: str) -> str:
    """A claim that is a string of bounded length. Raises Unverified."""
    value = claims.get(name)
    # ASCII: JSON can also write a lone surrogate, which no hash and no log takes.
    if not isinstance(value, str) or not 0 < len(value) <= MAX_IDENTIFIER_CHARS or not value.isascii():
        raise Unverified(f"claim {name} is missing or not a string of up to {MAX_IDENTIFIER_CHARS} ASCII characters")
    return value


def time_claim(claims: Mapping[str, Any], name: str) -> float:
    """A claim that is a time in seconds since the epoch (RFC 7519 §2). Raises Unverified."""
    value = claims.get(name)
    # A range also refuses NaN, the infinities and integers that float() cannot hold.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 2**53:
        raise Unverified(f"claim {name} is missing or not a time")
    return float(value)
