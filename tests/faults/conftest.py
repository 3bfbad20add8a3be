"""The relay of a module: its tests follow each other on one home, as deaths do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .world import World, running_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("relay") / "home", sweep_every_seconds=3600) as made:
        yield made
