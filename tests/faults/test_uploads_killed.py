"""kill -9 of the relay at every point at which it writes a blob or removes one.

What was reported as received is there after the restart, the client goes on from it, and a blob is whole or not there
at all. What is swept is swept once, and nothing that a dispatch names ever is.
"""

from __future__ import annotations

from contextlib import closing
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest

from envoi_client.transport import RelayRefused, Transport
from envoi_client.transport.calls import Reply
from envoi_client.transport.errors import Unreachable
from envoi_keys.dispatches import Sealed
from envoi_keys.limits import MIB
from envoi_keys.statements import DISPATCH

from ..exchange import seed
from .parties import Sender
from .points import OF_A_DROP, OF_AN_UPLOAD
from .processes import RelayProcess, until
from .world import World

FIRST, SECOND, REST = MIB, MIB // 2, 2 * MIB


class Blob:
    """One blob of US, and where it lies in the relay's home."""

    def __init__(self, world: World, label: str) -> None:
        self.data = seed(label, FIRST + SECOND + REST)
        self.digest = sha256(self.data).hexdigest()
        self.path = f"/v1/blobs/{self.digest}"
        self._world = world

    @property
    def sealed(self) -> Sealed:
        return Sealed(self.digest, len(self.data))

    def create(self) -> Reply:
        headers = {"upload-length": str(len(self.data))}
        return self._world.caller("US").send("PUT", self.path, b"", headers)

    def patch(self, offset: int, count: int) -> Reply:
        headers = {"upload-offset": str(offset)}
        return self._world.caller("US").send("PATCH", self.path, self.data[offset : offset + count], headers)

    def upload(self) -> None:
        """Send what is missing, as the client does."""
        exchange, url = self._world.exchange, self._world.relay.url
        key = exchange.party("US").transport.private_bytes_raw()
        with closing(Transport(url, "US", key)) as transport:
            transport.upload(BytesIO(self.data), self.digest, len(self.data))

    def offset(self) -> int:
        """How far the relay says that it has come; 0 if it knows nothing of it."""
        try:
            return self._world.caller("US").send("HEAD", self.path).numbers["upload-offset"] or 0
        except RelayRefused as refusal:
            if refusal.reason != "not-found":
                raise
            return 0

    def fetched_by(self, name: str) -> bytes | None:
        try:
            return self._world.caller(name).get(self.path)
        except RelayRefused as refusal:
            if refusal.reason != "not-found":
                raise
            return None

    def file(self, relay: RelayProcess) -> Path:
        return relay.home / "blobs" / self.digest[:2] / self.digest[2:]

    def partial(self, relay: RelayProcess) -> list[Path]:
        return list((relay.home / "partial").glob(f"*/{self.digest}.*"))


def _attach(world: World, blob: Blob) -> None:
    posted = world.senders.setdefault("US", Sender(world.exchange, "US")).compose("DE", attachments=(blob.sealed,))
    world.truth.submitted[posted.note] = posted
    reply = world.caller("US").send("POST", "/v1/dispatches", posted.raw)
    world.truth.proved(DISPATCH, posted.note, reply.body)


PASSES = {
    "created": ("blobs: begun", "blobs: paused"),
    "continued": ("blobs: appended", "blobs: synced", "blobs: paused"),
    "completed": ("blobs: appended", "blobs: synced", "blobs: paused", "blobs: named"),
}
"""The points that each stage of an upload passes."""


def test_every_point_of_an_upload_is_passed() -> None:
    assert {point for points in PASSES.values() for point in points} == set(OF_AN_UPLOAD)


@pytest.mark.parametrize(("stage", "point"), [(stage, point) for stage, points in PASSES.items() for point in points])
def test_upload_killed_when(stage: str, point: str, world: World) -> None:
    """An upload is created, goes on, or becomes whole, and the relay dies at this point of it."""
    relay, blob = world.relay, Blob(world, f"{point} {stage}")
    sure = 0
    if stage != "created":
        blob.create()
        sure = blob.patch(0, FIRST).numbers["upload-offset"] or 0
        assert sure == FIRST
    relay.order(point)
    with pytest.raises(Unreachable):
        if stage == "created":
            blob.create()
        else:
            blob.patch(FIRST, SECOND if stage == "continued" else SECOND + REST)
    relay.died()
    relay.start()
    assert sure <= blob.offset() <= len(blob.data)
    assert blob.fetched_by("DE") is None
    blob.upload()
    assert blob.offset() == len(blob.data)
    _attach(world, blob)
    assert blob.fetched_by("US") == blob.fetched_by("DE") == blob.file(relay).read_bytes() == blob.data
    assert blob.partial(relay) == []
    world.check()


@pytest.mark.parametrize("point", OF_A_DROP)
def test_sweep_killed_at(point: str, world: World) -> None:
    """A blob that nothing names is swept, and the relay dies in the middle of that."""
    relay, unnamed, named = world.relay, Blob(world, f"{point} unnamed"), Blob(world, f"{point} named")
    unnamed.upload()
    named.upload()
    _attach(world, named)
    relay.stop()
    relay.order(point)
    relay.launch(sweep_age_seconds=1, sweep_every_seconds=0.2)
    relay.died()
    assert named.file(relay).exists()
    # The next sweep takes what is left: a record with its file, a file without a record, or nothing at all.
    relay.start(sweep_age_seconds=1, sweep_every_seconds=0.2)
    until(lambda: not unnamed.file(relay).exists() and unnamed.offset() == 0, "the unnamed blob to be swept")
    assert named.fetched_by("DE") == named.data
    relay.stop()
    relay.start()
    unnamed.upload()
    assert unnamed.fetched_by("US") == unnamed.data
    world.check()
