"""The way to the relay over HTTP: what is asked, how often, for how long, and how much is taken as an answer.

What a relay says is never believed here; it is only measured, cut to size and handed on. Every failure is
one of our errors: :class:`RelayRefused` when the relay says no, NetworkError when nobody answered or the
answer is not one. Only :mod:`.http` knows the HTTP library (docs/decisions/0002).
"""

from __future__ import annotations

from .client import Health, Transport
from .errors import Busy, Logged, RelayRefused, Unreachable
from .feed import Feed, FeedEnd, FeedEntry
from .http import Network

__all__ = [
    "Busy",
    "Feed",
    "FeedEnd",
    "FeedEntry",
    "Health",
    "Logged",
    "Network",
    "RelayRefused",
    "Transport",
    "Unreachable",
]
