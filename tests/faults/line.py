"""A line between clients and a relay, where a test can hold back what passes: a request, or its answer."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_PIECE = 64 * 1024


@dataclass
class Trap:
    """Holds the first request that begins with ``start``, or its answer; ``sprung`` once it is held."""

    start: bytes
    answer: bool
    sprung: threading.Event = field(default_factory=threading.Event)
    held: int = 0


class Line:
    """Forwards connections to the relay's port. Its own address is the relay's for all clients."""

    def __init__(self) -> None:
        self.port = 0
        """Where the relay listens."""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._trap: Trap | None = None
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def trap(self, start: bytes, *, answer: bool = False) -> Iterator[Trap]:
        """Hold back a request or an answer, for good: whoever waits for it waits until its connection ends."""
        with self._lock:
            self._trap = trap = Trap(start, answer)
        try:
            yield trap
        finally:
            with self._lock:
                self._trap = None

    def close(self) -> None:
        """Accept no more."""
        # A thread that waits in accept() is not woken by close() alone.
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)) as relay:
            back = threading.Thread(target=self._back, args=(relay, client), daemon=True)
            back.start()
            while data := client.recv(_PIECE):
                if not self._forward(data, relay):
                    break
            # The client is done, or gone; so is this connection.
            relay.shutdown(socket.SHUT_RDWR)
            back.join()

    def _forward(self, data: bytes, relay: socket.socket) -> bool:
        with self._lock:
            trap = self._trap
            caught = trap is not None and not trap.held and data.startswith(trap.start)
            if trap is not None and caught:
                trap.held = id(relay)
        if trap is None or trap.held != id(relay) or trap.answer:
            relay.sendall(data)
        else:
            trap.sprung.set()
        return True

    def _back(self, relay: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := relay.recv(_PIECE):
                with self._lock:
                    trap = self._trap
                if trap is not None and trap.answer and trap.held == id(relay):
                    trap.sprung.set()
                else:
                    client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)
