"""``envoi sync``: one round with the relay, or, with ``--watch``, one after the other until it is interrupted.

While a watch waits for news, other commands may work in the same home.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any, Final

from envoi_client.node import Node, SyncReport
from envoi_keys.errors import EnvoiError, Fraud, NetworkError, PeerError

from . import CHEATING, DONE, FAILED
from .commands import extensions
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
        report = SyncReport()
        try:
            node.sync(report)
        except BaseException as error:
            # The next sync does not receive the same again, and may not find the alarm.
            if any(_news(report)):
                common.warn("\n".join(["before it broke off:", *_report_lines(report)]))
            if isinstance(error, EnvoiError):
                error.suspicious = error.suspicious or not report.clean
            raise
        told = after_sync(node)
        common.answer(_report_json(report, told), [*_report_lines(report), *told])
        return _code(report)


class _Watch:
    """Round after round. ``code`` is that of the worst that was seen: an alarm outlasts the quiet round after it."""

    def __init__(self, common: Common, node: Node) -> None:
        self._common = common
        self._node = node
        self._report = SyncReport()
        self._told: tuple[list[Any], ...] = ()
        self.code = DONE

    def round(self) -> None:
        """One round and the wait for the next, or the pause after what waiting may mend. Raises the rest."""
        try:
            try:
                self._node.sync(self._report)
            finally:
                self._settle()
            self._node.wait(_WAIT_SECONDS)
        except Fraud:
            raise
        except PeerError as error:
            # A stale log, say: told, and tried again, for who watches must see the end of it.
            self.code = max(self.code, CHEATING if error.suspicious else FAILED)
            self._common.warn(str(error))
            time.sleep(_PAUSE_SECONDS)
        except NetworkError as error:
            self._common.talk(f"{error}; trying again in {_PAUSE_SECONDS} s")
            time.sleep(_PAUSE_SECONDS)

    def _settle(self) -> None:
        """Tell what the round did, also if it broke off: the next one does not receive the same again."""
        report, self._report = self._report, SyncReport()
        self.code = max(self.code, _code(report))
        before, self._told = self._told, _news(report)
        # An alarm or a refusal that lasts is found by every round, and told once until something is otherwise.
        if any(self._told) and self._told != before:
            told = after_sync(self._node)
            self._common.answer_line(_report_json(report, told), "; ".join([*_report_lines(report), *told]))


def _watch(common: Common, node: Node) -> int:
    watch = _Watch(common, node)
    with _stopped_like_interrupted():
        try:
            while True:
                watch.round()
        except KeyboardInterrupt:
            return watch.code
        except EnvoiError as error:
            error.suspicious = error.suspicious or watch.code == CHEATING
            raise


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


def _news(report: SyncReport) -> tuple[list[Any], ...]:
    """What of a report is worth a line."""
    return (
        report.received,
        report.unopened,
        report.refused,
        report.sent,
        report.rosters,
        report.alarms,
        report.refusals,
    )


def after_sync(node: Node) -> list[str]:
    """What the installed extensions have to say after a sync: what became due, what is new for them."""
    told = []
    for name in filter(None, (extension.after_sync for extension in extensions())):
        module, _, function = name.partition(":")
        try:
            told += getattr(import_module(module), function)(node)
        except ImportError:
            # Its own requirements are an extra, and not everybody who syncs has a desk.
            continue
        except EnvoiError as error:
            # What was received is received; whoever could not read it says so here and again when it is asked.
            told.append(f"{module.partition('.')[0]}: {error}")
    return told


def _report_json(report: SyncReport, told: list[str]) -> dict[str, Any]:
    return {
        "log_size": report.log_size,
        "received": report.received,
        "unopened": report.unopened,
        "refused": report.refused,
        "sent": report.sent,
        "rosters": report.rosters,
        "refusals": report.refusals,
        "alarms": report.alarms,
        "reminders": told,
    }


def _report_lines(report: SyncReport) -> list[str]:
    lines = [f"log verified to {entries(report.log_size)}; {len(report.received)} received"]
    lines += [f"{len(report.sent)} sent"] if report.sent else []
    lines += [f"{len(report.unopened)} received and not opened"] if report.unopened else []
    lines += [f"roster {version} is in force" for version in report.rosters]
    lines += [f"refused by the relay: {one}" for one in report.refusals]
    lines += [f"alarm: {one}" for one in report.alarms]
    return lines
