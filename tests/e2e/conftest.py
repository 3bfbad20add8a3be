"""One exchange for all tests of this folder; a test that changes something works in a copy of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .site import Site


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The exchange after its founding, at rest: its relay is stopped."""
    site = Site(tmp_path_factory.mktemp("founded"))
    try:
        site.found()
    finally:
        site.relay.stop()
    return site


@pytest.fixture
def site(founded: Site, tmp_path: Path) -> Iterator[Site]:
    """A copy of the exchange with a running relay, for one test."""
    with founded.copied(tmp_path / "site") as copy:
        yield copy


@pytest.fixture
def alone(founded: Site, tmp_path: Path) -> Site:
    """A copy of the exchange whose relay does not run."""
    return founded.cloned(tmp_path / "site")


@pytest.fixture(scope="module")
def shared(founded: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A copy for all the tests of a module that leave things as they are, or do not mind."""
    with founded.copied(tmp_path_factory.mktemp("shared")) as copy:
        yield copy


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two tries at a relay that is away, commands in this process wait a moment instead of seconds."""
    monkeypatch.setattr("envoi_client.transport.backoff.FIRST_BACKOFF", 0.001)
