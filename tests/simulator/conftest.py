"""The world of the simulator, fresh for each test, and the truth checked at the end of each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..exchange import Exchange
from .world import World

EXCHANGE = Exchange.make(5)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Five Partners, nobody synced yet."""
    made = World(tmp_path, EXCHANGE)
    try:
        yield made
        made.check()
    finally:
        made.close()


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> World:
    """FR has said "one" to AU and DE, and all three know it and have said so; closed, to be copied."""
    made = World(tmp_path_factory.mktemp("begun"), EXCHANGE)
    made.sync("FR", "AU", "DE")
    made["FR"].say("one", "AU", "DE")
    made.sync("AU", "DE", "FR")
    made.check()
    made.close()
    return made


@pytest.fixture
def pair(world: World, begun: World) -> World:
    """FR has said "one" to AU and DE, and all three know it and have said so."""
    world.go_on_from(begun)
    return world
