"""Running the relay: one process, one event loop, a socket that is bound before anything is opened.

The server says that it is ready only once it is; where it listens then stands in ``relay.json`` in the home.
It stops on SIGTERM or SIGINT: no new connections, waits let go, running requests given a while to end.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Final

import uvicorn

from envoi_keys.errors import LocalError

from .app import create_app
from .files import write_new
from .front import Front
from .observability import LOGGER, configure_logging
from .relay import Relay
from .settings import NO_PROXY, Settings
from .wire import guarded

_log: Final = logging.getLogger(f"{LOGGER}.serve")

RUNNING_FILE: Final = "relay.json"
_BACKLOG: Final = 2048
_OWN_FILES: Final = 256
"""Descriptors for the database, blobs, threads and logs."""
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
# Longer than the pause between two requests of a node: it should not begin one on a connection just closed.
_KEEP_ALIVE_SECONDS: Final = 75
_STOPS: Final = (signal.SIGTERM, signal.SIGINT)


class Server(uvicorn.Server):
    """uvicorn's server, which tells when it is ready and lets go of waits when it is asked to stop."""

    def __init__(self, config: uvicorn.Config, front: Front, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._front = front
        self._ready = ready
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin, and tell."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop soon, or at once when asked again."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._front.stop)
        super().handle_exit(sig, frame)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """While it runs, the signals to stop are its own."""
        # uvicorn raises the signal again once it has stopped; a relay that was asked to stop has done well.
        before = {one: signal.signal(one, self.handle_exit) for one in _STOPS}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Run the relay until it is told to stop; ``announce`` is called with its URL when it is ready.

    Raises LocalError if it cannot listen, or cannot open what is in the home.
    """
    configure_logging(settings.log_level)
    require_proxy(settings)
    listening = _bind(settings.host, settings.port)
    try:
        host, port = listening.getsockname()[:2]
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        relay = Relay.open(settings)
        front = create_app(relay, settings, url=url)
        running = settings.home / RUNNING_FILE

        said: list[str] = []

        def ready() -> None:
            said.append(url)
            _write(running, {"url": settings.url or url, "host": host, "port": port, "pid": os.getpid()})
            announce(settings.url or url)

        try:
            Server(config(front, settings), front, ready).run(sockets=[listening])
        except SystemExit:
            # uvicorn's way to say that the application did not start.
            raise front.failure or LocalError("the relay could not start") from None
        finally:
            if said:  # else it is that of a relay which runs in this home already
                running.unlink(missing_ok=True)
    finally:
        listening.close()


def config(front: Front, settings: Settings) -> uvicorn.Config:
    """How uvicorn is to run."""
    return uvicorn.Config(
        front,
        loop="uvloop",
        http=guarded(settings),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=sorted(settings.proxies),
        limit_concurrency=_connections(settings.max_connections),
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )


def _connections(wanted: int) -> int:
    """So many connections as the process may have open beside its own files. Raises LocalError.

    Without descriptors left it could not even say that it is full, nor store what it has taken.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _OWN_FILES
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    allowed = min(wanted, soft - _OWN_FILES)
    if allowed < 1:
        raise LocalError(
            f"this process may open {soft} files, which leaves none for connections",
            hint=f"raise the limit to {needed}: LimitNOFILE= of the service, or ulimit -n",
        )
    if allowed < wanted:
        _log.warning("fewer connections", extra={"fields": {"wanted": wanted, "allowed": allowed}})
    return allowed


def require_proxy(settings: Settings) -> None:
    """Raises LocalError if a proxy must stand in front of us and nobody said which.

    Its address would be everybody's: one stranger could use up the rate of all members, and see what operators see.
    """
    if settings.url.startswith("https://") and settings.host in _LOOPBACK and not settings.trusted_proxies:
        raise LocalError(
            f"{settings.url} is served through something on this machine, and trusted_proxies does not name it",
            hint=f'set trusted_proxies = "{settings.host}" if it sets X-Forwarded-For, else "{NO_PROXY}"',
        )


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise LocalError(
            f"cannot listen on {host} port {port}: {error.strerror}",
            hint="use another --port, or 0 for any free one",
        ) from None
    return listening


def _write(path: Path, content: dict[str, object]) -> None:
    """Whole or not at all: others wait for this file to appear, and read it at once. Raises LocalError."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        write_new(partial, f"{json.dumps(content)}\n".encode())
        partial.replace(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise LocalError(f"cannot write {path}: {reason}", hint="free some disk space, or check its mode") from None
