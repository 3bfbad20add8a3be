"""``envoi sync``: one round with the relay, or, with ``--watch``, one after the other until it is interrupted.

While a watch waits for news, other commands may work in the same home.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

from envoi_client.node import Node, SyncReport
from envoi_keys.errors import Fraud, NetworkError, PeerError

from . import CHEATING, DONE, FAILED
from .common import DEFAULT, Common, Flag, entries

_WAIT_SECONDS: Final = 55
_PAUSE_SECONDS: Final = 5


def sync(*, watch: Annotated[bool, Flag] = False, relay: str | None = None, common: Common = DEFAULT) -> int:
    """Fetch, check and acknowledge what is new, and send what waits.

    Parameters
    ----------
    watch
        Go on until interrupted; one line for each round with news.
    relay
        The relay's address, if another than the home's.
    """
    with common.open_node(relay=relay) as node:
        if watch:
            return _watch(common, node)
        report = node.sync()
        common.answer(_report_json(report), _report_lines(report))
        return _code(report)


def _watch(common: Common, node: Node) -> int:
    code = DONE
    with _stopped_like_interrupted():
        try:
            while True:
                try:
                    report = node.sync()
                    # An alarm is not forgotten because the next round was quiet.
                    code = max(code, _code(report))
                    if _has_news(report):
                        common.answer_line(_report_json(report), "; ".join(_report_lines(report)))
                    node.wait(_WAIT_SECONDS)
                except Fraud:
                    raise
                except PeerError as error:
                    # A stale log, say: told, and tried again, for who watches must see the end of it.
                    code = max(code, CHEATING if error.suspicious else FAILED)
                    common.warn(str(error))
                    time.sleep(_PAUSE_SECONDS)
                except NetworkError as error:
                    common.talk(f"{error}; trying again in {_PAUSE_SECONDS} s")
                    time.sleep(_PAUSE_SECONDS)
        except KeyboardInterrupt:
            return code


@contextmanager
def _stopped_like_interrupted() -> Iterator[None]:
    """What stops a service ends a watch as a key on the terminal does: with the code of what it has seen."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _code(report: SyncReport) -> int:
    return DONE if report.clean else CHEATING


def _has_news(report: SyncReport) -> bool:
    return any((report.received, report.unopened, report.refused, report.sent, report.rosters, report.alarms))


def _report_json(report: SyncReport) -> dict[str, Any]:
    return {
        "log_size": report.log_size,
        "received": report.received,
        "unopened": report.unopened,
        "refused": report.refused,
        "sent": report.sent,
        "rosters": report.rosters,
        "refusals": report.refusals,
        "alarms": report.alarms,
    }


def _report_lines(report: SyncReport) -> list[str]:
    lines = [f"log verified to {entries(report.log_size)}; {len(report.received)} received"]
    lines += [f"{len(report.sent)} sent"] if report.sent else []
    lines += [f"{len(report.unopened)} received and not opened"] if report.unopened else []
    lines += [f"roster {version} is in force" for version in report.rosters]
    lines += [f"refused by the relay: {one}" for one in report.refusals]
    lines += [f"alarm: {one}" for one in report.alarms]
    return lines
