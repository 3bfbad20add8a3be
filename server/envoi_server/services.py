"""What the routes work with, in one object that `app.create_app` makes: no route reaches for a global."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .gate import Gate
from .observability import Metrics
from .relay import Relay
from .settings import Settings
from .uploads import Uploads

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Services:
    """The relay behind the routes, and what stands between the two."""

    relay: Relay
    settings: Settings
    gate: Gate
    uploads: Uploads
    metrics: Metrics
    # Reads have threads of their own: a burst of feeds must not keep a dispatch from being verified.
    readers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4, thread_name_prefix="read"))

    async def read(self, function: Callable[..., _T], *arguments: Any) -> _T:
        """Run something that blocks, such as a query, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self.readers, function, *arguments)
