"""Readers that never stop asking: each polls with its cursor through whatever happens, and keeps what it saw."""

from __future__ import annotations

import threading
import time
from contextlib import closing

from envoi_client.transport import Transport
from envoi_keys.errors import NetworkError

from ..exchange import Exchange
from .processes import until
from .truth import Truth

WAIT_SECONDS = 60
"""Longer than anybody waits here: what a reader sees in time, it was woken for."""
SEEN_SECONDS = 30


class Reader:
    """One member's long poll in a thread of its own, over the client's transport: it logs in again by itself."""

    def __init__(self, url: str, exchange: Exchange, name: str, truth: Truth) -> None:
        self.name = name
        self.indexes: list[int] = []
        self.cursor = -1
        self.breaks = 0
        self.failure: BaseException | None = None
        self._truth = truth
        self._stop = threading.Event()
        self._transport = Transport(
            url,
            name,
            exchange.party(name).transport.private_bytes_raw(),
            # As the client, but not as patient: a test that waits half a minute has waited for nothing.
            sleep=lambda seconds: time.sleep(min(seconds, 0.1)),
        )
        self._thread = threading.Thread(target=self._run, name=f"reader {name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with closing(self._transport):
            while not self._stop.is_set():
                try:
                    self._poll()
                except NetworkError:
                    self.breaks += 1
                except BaseException as error:  # noqa: BLE001 - told by caught_up(), in the test's own thread
                    self.failure = error
                    return

    def _poll(self) -> None:
        feed = self._transport.open_feed(self.cursor, wait=WAIT_SECONDS)
        for entry in feed:
            assert entry.index > self.cursor, f"{self.name} was shown {entry.index} after {self.cursor}"
            self.indexes.append(entry.index)
            self.cursor = entry.index
        assert feed.end is not None
        assert feed.end.cursor >= self.cursor
        self.cursor = feed.end.cursor
        self._truth.shown(feed.end.checkpoint)

    def caught_up(self, entries: list[bytes]) -> None:
        """Wait until it has read so far; it has seen each entry that is its own, once, and no other."""
        wanted = self._truth.visible_to(self.name, entries)
        newest = wanted[-1]
        until(
            lambda: self.failure or (self.indexes and self.indexes[-1] >= newest),
            f"{self.name} to read {newest}",
            SEEN_SECONDS,
        )
        if self.failure is not None:
            raise self.failure
        assert [index for index in self.indexes if index <= newest] == wanted

    def stop(self) -> None:
        """Do not ask again; a poll that is under way ends with the relay."""
        self._stop.set()

    def join(self) -> None:
        """Wait for its end, once the relay has gone."""
        self._thread.join(SEEN_SECONDS)
        assert not self._thread.is_alive()
