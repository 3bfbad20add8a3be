"""What the relay tells its operator: one JSON line per event, and metrics.

A line never holds a body, a token, a key or a query string. An exception is logged by its type and its places
in the code, never by its message, because a message may quote what was sent. Labels of metrics come from
closed sets.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, TextIO

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

LOGGER: Final = "envoi_server"
METRICS_TYPE: Final = CONTENT_TYPE_LATEST
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), default=str)


class JsonFormatter(logging.Formatter):
    """One line of JSON: time, level, logger, event, and the fields given as ``extra={"fields": {...}}``."""

    def __init__(self) -> None:
        super().__init__()
        self._second = -1
        self._text = ""

    def format(self, record: logging.LogRecord) -> str:
        """See the class."""
        line: dict[str, Any] = {
            "time": self._time(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.msg if record.name.startswith(LOGGER) else record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_info[0].__qualname__
            line["at"] = _places(record.exc_info[2])
        return _ENCODER.encode(line)

    def _time(self, created: float) -> str:
        # Many lines fall into one second, and its text is most of the work.
        second = int(created)
        if second != self._second:
            self._second = second
            self._text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._text}.{int((created - second) * 1000):03d}Z"


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-12:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def configure_logging(level: str, stream: TextIO | None = None) -> None:
    """Send every log line of the process through :class:`JsonFormatter`, to stderr unless told otherwise."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("uvicorn.access", "alembic", "sqlalchemy"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class Metrics:
    """The relay's metrics, in a registry of their own (no globals, so that tests may hold several)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "envoi_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "envoi_request_seconds",
            "Seconds from a request's head to the end of its answer.",
            ["route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.refusals = Counter("envoi_refusals", "Requests refused, by reason.", ["slug"], registry=self.registry)
        self.received = Counter("envoi_body_received_bytes", "Bytes of request bodies.", registry=self.registry)
        self.in_flight = Gauge("envoi_requests_in_flight", "Requests being answered.", registry=self.registry)
        self.waits = Gauge("envoi_waits", "Feed waits and event streams held open.", registry=self.registry)
        self.log_size = Gauge("envoi_log_size", "Entries in the log.", registry=self.registry)
        self.last_batch = Gauge(
            "envoi_last_batch_timestamp_seconds",
            "When the relay last committed a batch, in seconds since the epoch; 0: not since it started.",
            registry=self.registry,
        )
        self.last_sweep = Gauge(
            "envoi_last_sweep_timestamp_seconds",
            "When unreferenced blobs were last swept, in seconds since the epoch; 0: not since it started.",
            registry=self.registry,
        )

    def expose(self) -> bytes:
        """The metrics in the text format of Prometheus."""
        return generate_latest(self.registry)
