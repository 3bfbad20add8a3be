"""Who is calling: `private_key_jwt` (RFC 7523) for a short-lived token bound to a key by DPoP (RFC 9449).

A token proves only who calls; who wrote what is in the statements. The caller's status and transport key are
those of the roster in force at each request, so a suspension acts at once. The secret of the tokens and the
nonce of the proofs are made when the process starts and live nowhere else: nothing signed before a restart is
good after it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import time
from typing import Any, Final, TypeVar

from envoi_keys.addressees import Addressee
from envoi_keys.errors import Unverified
from envoi_keys.rosters import Roster

from . import jws
from .problems import Denied
from .replay import ReplayCache
from .settings import Settings

GRANT: Final = "client_credentials"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_MAX_CACHED: Final = 8192
_K = TypeVar("_K")
_V = TypeVar("_V")


@dataclass(frozen=True, slots=True)
class Session:
    """What a verified access token says: who may call, with which proof key, under which transport key."""

    caller: str
    proof_thumbprint: str
    transport_thumbprint: str
    expires: float
    hash: str


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token just made, and its life in seconds."""

    token: str
    seconds: int


class Authenticator:
    """Makes access tokens and checks them, with their proofs. All its failures are :class:`Denied`.

    ``url`` is the relay's public URL: the audience of assertions and the stem of ``htu``. Not for several
    threads at once: it is called on the event loop.
    """

    def __init__(
        self,
        settings: Settings,
        url: str,
        roster: Callable[[], Roster | None],
        clock: Callable[[], float] = time,
    ) -> None:
        self.url = url
        self.nonce = secrets.token_urlsafe(16)
        self._secret = secrets.token_bytes(32)
        self._token_seconds = settings.token_seconds
        self._assertion_seconds = settings.assertion_seconds
        self._skew = settings.clock_skew_seconds
        self._roster = roster
        self._clock = clock
        # A proof dated ahead by the whole skew stays good for twice the skew.
        window = 2.0 * self._skew
        room = int(settings.caller_burst + settings.caller_rate_per_second * window)
        self._proofs = ReplayCache(window, room)
        self._assertions = ReplayCache(window + self._assertion_seconds, 4096)
        self._sessions: dict[str, Session] = {}
        self._proof_keys: dict[str, jws.PublicKey] = {}
        self._transport_keys: dict[bytes, jws.PublicKey] = {}

    # -- tokens
    # ------------------------------------------------------------------------------------------------

    def grant(self, form: Mapping[str, str], proofs: Sequence[str]) -> AccessToken:
        """An access token for the sender of a token request (RFC 7523 §3, RFC 9449 §5)."""
        now = self._clock()
        if form.get("grant_type") != GRANT:
            raise Denied(f"grant_type is not {GRANT}", error="unsupported_grant_type")
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise Denied(f"client_assertion_type is not {ASSERTION_TYPE}", error="invalid_client")
        claims, key = self._proof(proofs, "POST", "/v1/token", now)
        caller, transport = self._assertion(form.get("client_assertion", ""), now)
        self._once(self._proofs, caller, f"{key.thumbprint}.{claims['jti']}", "proof", now)
        session = {
            "iss": self.url,
            "aud": self.url,
            "sub": caller,
            "iat": int(now),
            "exp": int(now) + self._token_seconds,
            "cnf": {"jkt": key.thumbprint},
            "transport": transport.thumbprint,
        }
        return AccessToken(jws.sign_hs256(session, self._secret), self._token_seconds)

    def _assertion(self, assertion: str, now: float) -> tuple[str, jws.PublicKey]:
        try:
            jws.eddsa_header(assertion)
            # The claims are read once unverified, to learn under whose key to verify them.
            name = jws.text_claim(jws.unverified_claims(assertion), "sub")
            addressee = self._addressee(name)
            if addressee is None:
                raise Unverified(f"is not signed by the transport key that the roster gives for {name}")
            key = self._transport_key(addressee.keys.transport)
            try:
                claims = jws.verify_eddsa(assertion, key)
            except Unverified:
                # The same words as for a stranger: who is in the roster is for members to know.
                raise Unverified(f"is not signed by the transport key that the roster gives for {name}") from None
            self._check_assertion(claims, now)
        except Unverified as error:
            raise Denied(f"client_assertion {error}", error="invalid_client") from None
        self._require_active(addressee)
        self._once(self._assertions, name, str(claims["jti"]), "assertion", now)
        return name, key

    def _check_assertion(self, claims: Mapping[str, Any], now: float) -> None:
        """RFC 7523 §3, by its numbers."""
        if jws.text_claim(claims, "iss") != jws.text_claim(claims, "sub"):  # 1, 2B
            raise Unverified("has an iss that is not its sub")
        audience = claims.get("aud")
        if audience not in (self.url, [self.url]):  # 3: one audience, and exactly us
            raise Unverified(f"is for another audience; this relay is {self.url}")
        expires = jws.time_claim(claims, "exp")  # 4
        if expires <= now - self._skew:
            raise _clock_denied("the client assertion expired", expires - now, self._skew)
        if expires > now + self._assertion_seconds + self._skew:
            raise _clock_denied(
                f"the client assertion lives longer than {self._assertion_seconds} s",
                expires - now - self._assertion_seconds,
                self._skew,
            )
        for name in ("nbf", "iat"):  # 5, 6
            if name in claims and jws.time_claim(claims, name) > now + self._skew:
                offset = jws.time_claim(claims, name) - now
                raise _clock_denied("the client assertion is dated ahead", offset, self._skew)
        jws.text_claim(claims, "jti")  # 7: required here, for replay protection

    # -- requests
    # ----------------------------------------------------------------------------------------------

    def caller(self, method: str, path: str, authorizations: Sequence[str], proofs: Sequence[str]) -> str:
        """Who makes this request (RFC 9449 §7). ``path`` is the request's, without its query."""
        now = self._clock()
        if len(authorizations) != 1 or authorizations[0][:5].lower() != "dpop ":
            raise Denied("the request has no access token of type DPoP", error="invalid_token")
        token = authorizations[0][5:].strip()
        session = self._sessions.get(token) or self._open(token)
        if session.expires <= now:
            self._sessions.pop(token, None)
            raise Denied("the access token has expired", error="invalid_token")
        claims, key = self._proof(proofs, method, path, now)
        # RFC 9449 §4.3, 12: the proof is for this token, and by the key to which it is bound.
        if claims.get("ath") != session.hash:
            raise Denied("the proof is for another access token", error="invalid_dpop_proof")
        if key.thumbprint != session.proof_thumbprint:
            raise Denied("the proof is not by the key of the access token", error="invalid_dpop_proof")
        addressee = self._addressee(session.caller)
        if addressee is None:
            raise Denied(f"{session.caller} is not in the roster", error="invalid_token")
        self._require_active(addressee)
        if self._transport_key(addressee.keys.transport).thumbprint != session.transport_thumbprint:
            raise Denied(f"the transport key of {session.caller} has changed", error="invalid_token")
        self._once(self._proofs, session.caller, f"{key.thumbprint}.{claims['jti']}", "proof", now)
        return session.caller

    def knows(self, authorizations: Sequence[str]) -> bool:
        """Whether a request bears a token of ours that has not expired; it says nothing of its proof."""
        if len(authorizations) != 1:
            return False
        token = authorizations[0][5:].strip()
        try:
            session = self._sessions.get(token) or self._open(token)
        except Denied:
            return False
        return session.expires > self._clock()

    def _open(self, token: str) -> Session:
        try:
            claims = jws.verify_hs256(token, self._secret)
        except Unverified:
            raise Denied(
                "the access token is not one that this relay made since it started", error="invalid_token"
            ) from None
        digest = jws.encode(hashlib.sha256(token.encode()).digest())
        session = Session(claims["sub"], claims["cnf"]["jkt"], claims["transport"], float(claims["exp"]), digest)
        _remember(self._sessions, token, session)
        return session

    def _proof(self, proofs: Sequence[str], method: str, path: str, now: float) -> tuple[dict[str, Any], jws.PublicKey]:
        """RFC 9449 §4.3, by its numbers, up to the nonce and the time; 12 is the caller's, and so is
        replay.
        """
        if len(proofs) != 1:  # 1
            raise Denied("the request has not exactly one DPoP header", error="invalid_dpop_proof")
        try:
            key = self._proof_key(proofs[0])
            claims = jws.verify_eddsa(proofs[0], key)  # 2, 6
            jws.text_claim(claims, "jti")  # 3
            if jws.text_claim(claims, "htm") != method:  # 8
                raise Unverified(f"is for another method than {method}")
            if jws.text_claim(claims, "htu") != self.url + path:  # 9
                raise Unverified(f"is for another URL than {self.url}{path}")
            issued = jws.time_claim(claims, "iat")
        except Unverified as error:
            raise Denied(f"the DPoP proof {error}", error="invalid_dpop_proof") from None
        if claims.get("nonce") != self.nonce:  # 10
            raise Denied(
                "the DPoP proof does not carry the nonce of this relay",
                slug="use-dpop-nonce",
                error="use_dpop_nonce",
            )
        if abs(issued - now) > self._skew:  # 11
            raise _clock_denied("the DPoP proof is dated", issued - now, self._skew)
        return claims, key

    def _proof_key(self, proof: str) -> jws.PublicKey:
        # A client repeats its header byte for byte: what was checked and parsed once is found by it again.
        header = proof.partition(".")[0]
        known = self._proof_keys.get(header)
        if known is not None:
            return known
        fields = jws.eddsa_header(proof)  # 5
        jwk = fields.get("jwk")
        if fields.get("typ") != "dpop+jwt" or not isinstance(jwk, dict):  # 4
            raise Unverified("is not a dpop+jwt with the algorithm EdDSA and a jwk")
        if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519" or not isinstance(jwk.get("x"), str):
            raise Unverified("holds a jwk that is not an Ed25519 public key")
        if "d" in jwk:  # 7
            raise Unverified("holds a private key, which is now burnt")
        key = jws.PublicKey.of(jws.decode(jwk["x"]))
        _remember(self._proof_keys, header, key)
        return key

    # -- the roster, and what was used
    # -------------------------------------------------------------------------

    def _addressee(self, name: str) -> Addressee | None:
        roster = self._roster()
        if roster is None:
            raise Denied("this relay has no roster yet", slug="no-roster", error="temporarily_unavailable")
        return roster.addressee(name)

    @staticmethod
    def _require_active(addressee: Addressee) -> None:
        if not addressee.active:
            raise Denied(f"{addressee.id} is {addressee.status} in the roster", error="invalid_client")

    def _transport_key(self, raw: bytes) -> jws.PublicKey:
        known = self._transport_keys.get(raw)
        if known is None:
            known = jws.PublicKey.of(raw)
            _remember(self._transport_keys, raw, known)
        return known

    def _once(self, cache: ReplayCache, owner: str, identifier: str, what: str, now: float) -> None:
        fresh = cache.use(owner, identifier, now)
        if fresh is None:
            raise Denied(f"{owner} has sent too many requests", slug="rate-limited", error="slow_down")
        if not fresh:
            error = "invalid_client" if what == "assertion" else "invalid_dpop_proof"
            raise Denied(f"the {what} was used before", error=error)


def _clock_denied(what: str, offset: float, allowed: int) -> Denied:
    """A refusal over time that says how far the two clocks are apart, so that a wrong clock is understood."""
    side = "ahead of" if offset > 0 else "behind"
    seconds = round(abs(offset))
    return Denied(
        f"{what} {seconds} s {side} this relay's clock; {allowed} s are allowed",
        hint="check the clock of your machine, and its time zone",
        error="invalid_dpop_proof",
        extra={"clock_offset_seconds": round(offset)},
    )


def _remember(cache: dict[_K, _V], key: _K, value: _V) -> None:
    if len(cache) >= _MAX_CACHED:
        del cache[next(iter(cache))]
    cache[key] = value
