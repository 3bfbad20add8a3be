"""One HTTP exchange: the only module that knows the HTTP library.

Redirects are not followed, compressed answers not asked for and not taken, and every answer has a limit that
is checked before its bytes are kept. Time runs out by silence, and by a pace slower than any line that still
works. No exception of the library leaves this module.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import httpx

from envoi_keys.errors import EnvoiError, LocalError, NetworkError, PeerError

from ..limits import ANSWER_TIMEOUT, CONNECT_TIMEOUT, SLOWEST_RATE
from .errors import Unreachable

Network = httpx.BaseTransport
"""What carries requests; a test or a simulator brings its own."""

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Oversize(PeerError):
    """An answer larger than any genuine one; nothing of it was kept."""


class Answer:
    """The status and headers of an answer whose body has not been read yet."""

    def __init__(self, response: httpx.Response, patience: float) -> None:
        self._response = response
        self._patience = patience
        self.status = response.status_code

    def header(self, name: str) -> str:
        """The value of a header, or ""."""
        return str(self._response.headers.get(name, ""))

    def number(self, name: str) -> int | None:
        """The value of a header that is a whole number of at most 15 digits, or None."""
        text = self.header(name)
        return int(text) if text.isascii() and text.isdecimal() and len(text) <= 15 else None

    def date(self) -> float | None:
        """The relay's clock, seconds since the epoch, by its Date header."""
        return http_date(self.header("date"))

    def read(self, limit: int) -> bytes:
        """The whole body, of at most ``limit`` bytes. Raises Oversize or Unreachable."""
        return b"".join(self.chunks(limit))

    def chunks(self, limit: int | None, *, silence: float | None = None) -> Iterator[bytes]:
        """The body as it comes, at most ``limit`` bytes. Raises Oversize or Unreachable.

        Ends only at the end that was announced: a connection that drops is an error, never a shorter body.
        With ``silence``, for streams without an end, only so many seconds without a byte count, not the
        pace.
        """
        announced = self.number("content-length")
        if limit is not None and (announced or 0) > limit:
            raise Oversize(f"the relay's answer has {announced} bytes; at most {limit} are taken")
        if self.header("content-encoding") not in ("", "identity"):
            raise NetworkError("the answer is compressed, which was not asked for", hint=_IN_BETWEEN)
        taken, waited = 0, 0.0
        pieces = self._response.iter_bytes()
        while True:
            begun = time.monotonic()
            with _translated():
                piece = next(pieces, None)
            waited += time.monotonic() - begun
            if piece is None:
                break
            taken += len(piece)
            if limit is not None and taken > limit:
                raise Oversize(f"the relay's answer has more than {limit} bytes")
            if silence is None and waited > self._patience + taken / SLOWEST_RATE:
                raise Unreachable("the answer comes too slowly", hint="try again later")
            yield piece
        if announced is not None and taken != announced:
            raise Unreachable(f"the answer was cut short: {taken} of {announced} bytes", hint="try again")


_PROXY: Final = "an http or https proxy is wanted: check HTTPS_PROXY and ALL_PROXY, or name one in the setting proxy"
_IN_BETWEEN: Final = "a proxy or portal may stand in between; check the relay's address and the proxy settings"


class Wire:
    """Connections to one relay. ``origin`` is its URL without a slash at the end."""

    def __init__(
        self,
        url: str,
        *,
        network: Network | None = None,
        ca_file: Path | None = None,
        proxy: str | None = None,
    ) -> None:
        self.origin = _checked(url, network is not None)
        # Plain HTTP is for this machine alone: a proxy of the environment would carry tokens out of it in the clear.
        direct = network is not None or self.origin.startswith("http:")
        try:
            self._client = httpx.Client(
                transport=network,
                verify=_tls(ca_file, self.origin),
                proxy=None if direct or not proxy else _checked_proxy(proxy),
                trust_env=not direct,
                follow_redirects=False,
                headers={"user-agent": "envoi", "accept-encoding": "identity"},
            )
        except (ValueError, TypeError, ImportError, httpx.InvalidURL):
            # A SOCKS proxy would need a package that is not there. What stands there may hold a password.
            raise LocalError("the environment's proxy settings cannot be used", hint=_PROXY) from None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @contextmanager
    def exchange(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int],
        headers: Mapping[str, str],
        body: bytes | None,
        patience: float = 0.0,
    ) -> Iterator[Answer]:
        """Send one request; its answer, to be read inside the block.

        ``patience`` is what an answer may take beyond the usual, in seconds. Raises Unreachable,
        NetworkError.
        """
        silence = ANSWER_TIMEOUT + patience + len(body or b"") / SLOWEST_RATE
        timeout = httpx.Timeout(silence, connect=CONNECT_TIMEOUT, pool=CONNECT_TIMEOUT)
        with _translated():
            request = self._client.build_request(
                method,
                self.origin + path,
                params=dict(query) or None,
                headers=dict(headers),
                content=body,
                timeout=timeout,
            )
            response = self._client.send(request, stream=True)
        try:
            if 300 <= response.status_code < 400:
                raise NetworkError(
                    "the relay's address answers with a redirect, which is not followed", hint=_IN_BETWEEN
                )
            yield Answer(response, silence)
        finally:
            with _translated():
                response.close()


def http_date(text: str) -> float | None:
    """Seconds since the epoch of an HTTP date, or None."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _checked(url: str, simulated: bool) -> str:
    hint = "it looks like https://relay.example"
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        raise LocalError(f"{url!r} is not the address of a relay", hint=hint) from None
    if parsed.scheme not in ("https", "http") or not parsed.host or parsed.query or parsed.fragment:
        raise LocalError(f"{url!r} is not the address of a relay", hint=hint)
    if parsed.userinfo:
        raise LocalError("the relay's address holds a password", hint="Envoi logs in with the transport key")
    if parsed.scheme == "http" and parsed.host not in _LOOPBACK and not simulated:
        # What is sealed would stay sealed, but who writes to whom would be on show, and tokens be replayed.
        raise LocalError("plain http is only for this machine itself", hint="use the relay's https address")
    return str(parsed).rstrip("/")


def _checked_proxy(url: str) -> str:
    hint = "the setting proxy, or ENVOI_PROXY, looks like http://proxy.example:3128"
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in ("http", "https") or not parsed.host:
        # It is not repeated: it may hold a password.
        raise LocalError("the proxy is no http or https address", hint=hint)
    return url


def _tls(ca_file: Path | None, origin: str) -> ssl.SSLContext:
    if origin.startswith("http:"):
        # Never used; to read the system's certificates would take longer than the whole call.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError) as error:
        reason = (error.strerror or str(error)).lower()
        raise LocalError(f"cannot use the CA file {ca_file}: {reason}", hint="it must be PEM") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
        raise _network_error(error) from error
    except (OSError, ssl.SSLError) as error:
        raise Unreachable(f"the connection failed: {error}", hint="try again later") from error


def _network_error(error: Exception) -> EnvoiError:
    if _certificate(error):
        return NetworkError(
            f"the relay's certificate is not to be trusted: {error}",
            hint="check the address and this machine's clock; a relay of your own may need the setting ca_file",
        )
    for kind, message, hint in _MESSAGES:
        if isinstance(error, kind):
            # The number of the error is for programmers; its words are what a person can act on.
            reason = _ERRNO.sub("", str(error))
            return Unreachable(f"{message}: {reason[:1].lower()}{reason[1:]}" if reason else message, hint=hint)
    return NetworkError(f"the request could not be sent: {error}", hint=_IN_BETWEEN)


def _certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


_ERRNO: Final = re.compile(r"^\[Errno -?[0-9]+\] ")
_MESSAGES: Final[tuple[tuple[type[Exception], str, str], ...]] = (
    (
        httpx.ConnectTimeout,
        "the relay cannot be reached in time",
        "check the network and the relay's address",
    ),
    (httpx.TimeoutException, "the relay did not answer in time", "try again later"),
    (httpx.ProxyError, "the proxy refused", "check the setting proxy and the environment's proxy settings"),
    (
        httpx.ConnectError,
        "the relay cannot be reached",
        "check the network and the relay's address: envoi doctor",
    ),
    (
        httpx.RemoteProtocolError,
        "the answer is not whole, or not HTTP",
        "try again; is this the relay's address?",
    ),
    (httpx.NetworkError, "the connection broke", "try again"),
)
