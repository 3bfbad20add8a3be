"""A running relay with a small exchange in its log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ....exchange import Exchange
from .harness import Bench, running


@pytest.fixture(scope="session")
def exchange() -> Exchange:
    """Six Partners, an adherent and the two offices; DE seals to two keys."""
    return Exchange.make(6, adherents=1, sealing_counts={"DE": 2})


@pytest.fixture
async def core(tmp_path: Path, exchange: Exchange) -> AsyncIterator[Bench]:
    async with running(tmp_path, exchange) as bench:
        yield bench
