"""From a request to an answer that is the relay's: login, proofs, trying again, problem documents.

Only what is safe to repeat is repeated: what reads, and what the relay answers alike however often it comes.
A request that the relay turned away at the door (no nonce, token ended) was not acted on, so it is sent once
more whatever it is. Each sending carries a fresh proof.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, TypeVar
from urllib.parse import urlencode

from envoi_keys.encoding import parse_object
from envoi_keys.errors import NetworkError, PeerError

from ..limits import (
    MAX_PROBLEM_BYTES,
    MAX_RETRY_AFTER,
    MAX_TOKEN_BYTES,
    MAX_TOKEN_LIFE,
    MAX_TRIES,
    SKEW_WORTH_NAMING,
    TOKEN_MARGIN,
)
from .auth import Credentials, Token
from .backoff import Backoff
from .errors import Busy, RelayRefused, Unreachable, parse_problem
from .http import Answer, Wire, http_date

_T = TypeVar("_T")

_LATER: Final = frozenset({408, 429, 502, 503, 504})
_FORM: Final = "application/x-www-form-urlencoded"
_NONCE_CHARS: Final = 256


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask. ``repeatable``: asking twice is as good as once; ``signed``: it needs a login.

    ``patience`` is what the answer may take beyond the usual, in seconds.
    """

    method: str
    path: str
    query: Mapping[str, str | int] = field(default_factory=dict)
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = False
    signed: bool = True
    patience: float = 0.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that was read to its end; ``number`` of a header as in :meth:`Answer.number`."""

    status: int
    body: bytes
    numbers: Mapping[str, int | None]


class Calls:
    """Requests to one relay, by one member or by a stranger. May be used by several threads."""

    def __init__(
        self,
        wire: Wire,
        credentials: Credentials | None,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        random: Callable[[int], bytes],
    ) -> None:
        self._wire = wire
        self._credentials = credentials
        self._clock = clock
        self._sleep = sleep
        self._lock = Lock()
        self._token: Token | None = None
        self._nonce: str | None = None
        self.backoff = Backoff(random)
        self.clock_offset: float | None = None

    def fetch(self, request: Request, limit: int, *, numbers: tuple[str, ...] = ()) -> Reply:
        """Send a request and read its answer, of at most ``limit`` bytes.

        Raises RelayRefused, NetworkError, or PeerError for an answer that is too large.
        """

        def once() -> Reply:
            with self._answered(request) as answer:
                found = {name: answer.number(name) for name in numbers}
                # A HEAD announces the length of what a GET would bring, and brings nothing.
                body = b"" if request.method == "HEAD" else answer.read(limit)
                return Reply(answer.status, body, found)

        return self._trying(request, once)

    @contextmanager
    def stream(self, request: Request) -> Iterator[Answer]:
        """Send a request; the answer, to be read inside the block. Only the sending is repeated."""
        with ExitStack() as stack:
            yield self._trying(request, lambda: stack.enter_context(self._answered(request)))

    def pause(self, error: Unreachable) -> None:
        """Wait as long as one should after ``error``, or raise it if the relay asks for too long a wait."""
        wait = self.backoff.failed()
        asked = error.retry_after if isinstance(error, Busy) else None
        if asked is not None and asked > MAX_RETRY_AFTER:
            raise error
        self._sleep(max(wait, asked or 0.0))

    def token(self) -> Token | None:
        """A token with some life left, asked for if need be; None for a stranger. Raises as :meth:`fetch`."""
        if self._credentials is None:
            return None
        with self._lock:
            if self._token is None or time.monotonic() > self._token.ends - TOKEN_MARGIN:
                self._token = self._login(self._credentials)
            return self._token

    def _trying(self, request: Request, once: Callable[[], _T]) -> _T:
        tries = MAX_TRIES if request.repeatable else 1
        for left in range(tries - 1, -1, -1):
            try:
                return once()
            except Unreachable as error:
                if not left:
                    self.backoff.failed()
                    raise
                self.pause(error)
        raise AssertionError("unreachable: the last try returns or raises")

    @contextmanager
    def _answered(self, request: Request) -> Iterator[Answer]:
        renewed = proved = False
        while True:
            token = self.token() if request.signed else None
            with self._sent(request, token) as answer:
                if answer.status < 300:
                    yield answer
                    return
                refusal = self._refusal(request, answer)
            if token is not None and refusal.reason == "use-dpop-nonce" and not proved:
                proved = True
            elif token is not None and answer.status == 401 and not renewed:
                # The relay has restarted, or ends tokens before their time.
                renewed = True
                self._forget(token)
            else:
                raise self._explained(refusal, answer)

    @contextmanager
    def _sent(self, request: Request, token: Token | None, *, prove: bool = False) -> Iterator[Answer]:
        headers = dict(request.headers)
        if self._credentials is not None and (token is not None or prove):
            value = token.value if token else None
            url = self._wire.origin + request.path
            headers["dpop"] = self._credentials.proof(request.method, url, nonce=self._nonce, token=value)
            if value is not None:
                headers["authorization"] = f"DPoP {value}"
        with self._wire.exchange(
            request.method,
            request.path,
            query=request.query,
            headers=headers,
            body=request.body,
            patience=request.patience,
        ) as answer:
            self._learn(answer)
            yield answer

    def _learn(self, answer: Answer) -> None:
        date = answer.date()
        if date is not None:
            self.clock_offset = date - self._clock()
        nonce = answer.header("dpop-nonce")
        if nonce and len(nonce) <= _NONCE_CHARS and nonce.isascii() and nonce.isprintable():
            self._nonce = nonce
        if answer.status not in _LATER:
            self.backoff.reset()

    def _refusal(self, request: Request, answer: Answer) -> RelayRefused:
        """The refusal in an answer that is not a success. Raises NetworkError for what is no refusal."""
        raw = b"" if request.method == "HEAD" else answer.read(MAX_PROBLEM_BYTES)
        refusal = parse_problem(answer.header("content-type"), raw)
        if answer.status in _LATER:
            said = f": {refusal.detail}" if refusal and refusal.detail else ""
            wait = self._retry_after(answer)
            hint = f"try again in {wait:.0f} s" if wait else "try again later"
            raise Busy(f"the relay cannot answer now{said}", retry_after=wait, hint=hint)
        if answer.status >= 500:
            raise NetworkError("the relay failed", hint="try again; if it stays so, tell the Point of Contact")
        if refusal is None and request.method == "HEAD":
            refusal = RelayRefused(_headless_reason(answer), "")
        if refusal is None:
            raise NetworkError(
                f"the answer (HTTP {answer.status}) is not one of a relay",
                hint="a proxy or portal may stand in between; check the relay's address: envoi doctor",
            )
        return refusal

    def _retry_after(self, answer: Answer) -> float | None:
        seconds = answer.number("retry-after")
        if seconds is not None:
            return float(seconds)
        moment = http_date(answer.header("retry-after"))
        return None if moment is None else max(0.0, moment - (answer.date() or self._clock()))

    def _explained(self, refusal: RelayRefused, answer: Answer) -> RelayRefused:
        if answer.status != 401:
            return refusal
        offset = self.clock_offset
        if offset is not None and abs(offset) > SKEW_WORTH_NAMING:
            side = "behind" if offset > 0 else "ahead of"
            hint = f"this machine's clock is {abs(offset):,.0f} s {side} the relay's; set it, or the time zone"
        else:
            hint = "ask the Point of Contact whether the roster has this member, active and with these keys"
        return RelayRefused(refusal.reason, refusal.detail, hint=hint, logged=refusal.logged, extra=refusal.extra)

    def _forget(self, token: Token) -> None:
        with self._lock:
            if self._token is token:
                self._token = None

    def _login(self, credentials: Credentials) -> Token:
        # Tried once: the request that needs the token is what is repeated, and so the login with it.
        proved = False
        while True:
            form = urlencode(credentials.grant()).encode()
            request = Request("POST", "/v1/token", body=form, headers={"content-type": _FORM})
            begun = time.monotonic()
            with self._sent(request, None, prove=True) as answer:
                if answer.status < 300:
                    return _token(answer.read(MAX_TOKEN_BYTES), begun)
                refusal = self._refusal(request, answer)
            if refusal.reason != "use-dpop-nonce" or proved:
                raise self._explained(refusal, answer)
            proved = True


def _headless_reason(answer: Answer) -> str:
    """What an answer to HEAD means, which brings no problem document."""
    if "use_dpop_nonce" in answer.header("www-authenticate"):
        return "use-dpop-nonce"
    return "not-found" if answer.status == 404 else "unauthorised"


def _token(raw: bytes, begun: float) -> Token:
    """The token in an answer (RFC 6749 §5.1). Raises NetworkError."""
    try:
        document = parse_object(raw, max_bytes=MAX_TOKEN_BYTES)
    except PeerError:
        document = {}
    value, life = document.get("access_token"), document.get("expires_in")
    kind = document.get("token_type")
    good = isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value and value
    # bool is an int; a relay that says true is not understood.
    if not good or not isinstance(life, int) or isinstance(life, bool) or str(kind).lower() != "dpop":
        raise NetworkError("the relay's login answer cannot be read", hint="is this the relay's address?")
    return Token(str(value), begun + min(max(life, 0), MAX_TOKEN_LIFE))
