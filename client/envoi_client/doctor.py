"""``envoi doctor``: is this home fit to work, and if not, what to do.

Each check answers ok, warn, bad or alarm, and whatever is not ok comes with its fix. A check that cannot be
made, because an earlier one failed, is left out rather than guessed.
"""

from __future__ import annotations

import platform
import shlex
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from shutil import disk_usage
from typing import Any, Final

from envoi_keys.encoding import format_time
from envoi_keys.errors import EnvoiError, Fraud, LocalError
from envoi_keys.limits import MIB

from . import config
from .files import Home, require_private
from .node import Node
from .node.audit import audit
from .node.sync import read_log

OK: Final = "ok"
WARN: Final = "warn"
BAD: Final = "bad"
ALARM: Final = "alarm"

CLOCK_WARN_SECONDS: Final = 30
CLOCK_BAD_SECONDS: Final = 300
"""The relay takes proofs of a minute; five minutes off, nothing works."""
DISK_WARN_BYTES: Final = 512 * MIB
LEFT_BEHIND_SECONDS: Final = 3600
"""A temporary file older than this belongs to nobody: no write is longer without a sign of life."""
_REACH: Final = "check the network and the relay's address"
DAY: Final = 86_400
EXPIRY_WARN_DAYS: Final = (7, 30, 60)
"""A roster's end is announced this many days before (nobody is locked out unwarned)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, ``state``, what was found, and the fix if it is not ok."""

    check: str
    state: str
    detail: str
    fix: str = ""

    def to_json(self) -> dict[str, Any]:
        """The object that ``envoi doctor --json`` prints."""
        return {"check": self.check, "state": self.state, "detail": self.detail, "fix": self.fix or None}


def examine(
    home: Home, passphrase: Callable[[], str], *, relay: str | None = None, patience: float = 0
) -> list[Finding]:
    """Every finding about ``home``, in the order in which a person would look.

    ``patience`` is how many seconds to wait for another process to let go of the home.
    """
    findings = [*_machine(home), *_files(home)]
    try:
        home.check()
        settings, origins = config.load(home, {"relay": relay})
        findings.append(_settings(settings, origins))
        with Node.open(home, passphrase(), settings=settings, patience=patience) as node:
            findings += _node(node)
    except EnvoiError as error:
        state = ALARM if isinstance(error, Fraud) else BAD
        findings.append(Finding("node", state, str(error), error.hint or "see the sentence before"))
    return findings


def _machine(home: Home) -> Iterator[Finding]:
    parts = ("envoi-client", "cryptography", "httpx", "sqlcipher3")
    found = ", ".join(f"{part} {version(part)}" for part in parts)
    other = {part: version(part) for part in ("envoi-keys", "envoi-client")}
    apart = len(set(other.values())) > 1
    yield Finding(
        "versions",
        BAD if apart else OK,
        f"{found}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
        + (f"; envoi-keys is {other['envoi-keys']}" if apart else ""),
        "install both of one release: pip install --upgrade envoi-client envoi-keys" if apart else "",
    )
    with suppress(OSError):
        existing = home.root if home.root.exists() else home.root.parent
        free = disk_usage(existing).free
        low = free < DISK_WARN_BYTES
        yield Finding(
            "disk",
            WARN if low else OK,
            f"{free // MIB} MiB free",
            "free some space on this disk" if low else "",
        )


def _files(home: Home) -> Iterator[Finding]:
    wrong = []
    for path in (home.root, home.vault, home.store, home.blobs):
        if path.exists():
            try:
                require_private(path)
            except LocalError as error:
                wrong.append((str(error), error.hint or ""))
    if wrong:
        for detail, fix in wrong:
            yield Finding("modes", BAD, detail, fix)
    elif home.root.exists():
        yield Finding("modes", OK, f"{home.root} is private")
    left = sorted(_left_behind(home, time.time() - LEFT_BEHIND_SECONDS))
    if left:
        yield Finding(
            "leftovers",
            WARN,
            f"left by writes that were cut off: {len(left)}, with {sum(size for _, size in left)} bytes",
            shlex.join(["rm", *(str(path) for path, _ in left)]),
        )


def _left_behind(home: Home, before: float) -> Iterator[tuple[Path, int]]:
    """Temporary files that a crash left, with their sizes; a young one may be at work."""
    for directory in (home.root, home.blobs):
        for path in (*directory.glob(".*.tmp"), *directory.glob("outgoing-*")):
            with suppress(OSError):
                found = path.stat()
                if found.st_mtime < before:
                    yield path, found.st_size


def _settings(settings: config.Settings, origins: dict[str, str]) -> Finding:
    said = ", ".join(
        f"{name}={config.shown(getattr(settings, name))} ({origin})"
        for name, origin in origins.items()
        if getattr(settings, name)
    )
    return Finding("settings", OK, said)


def _node(node: Node) -> Iterator[Finding]:
    damage = node.session.store.check()
    yield Finding(
        "store",
        BAD if damage else OK,
        "; ".join(damage) or "whole",
        "restore the file from its backup, or move it away and sync anew" if damage else "",
    )
    yield from _alarms(node)
    reached = list(_relay(node))
    yield from reached
    if node.session.store.rosters.newest() is None:
        yield _unread(node, reachable=reached[0].state == OK)
        return
    yield from _roster(node)
    yield from _peers(node)
    yield from _log(node, fresh=reached[0].state == OK)


def _alarms(node: Node) -> Iterator[Finding]:
    for alarm in node.session.store.alarms.listing(open_only=True):
        yield Finding(
            "alarms",
            ALARM,
            str(alarm),
            "tell the Point of Contact; the evidence is kept",
        )


def _relay(node: Node) -> Iterator[Finding]:
    try:
        health = node.session.transport.health()
    except EnvoiError as error:
        yield Finding("relay", BAD, str(error), (error.hint or _REACH).removesuffix(": envoi doctor"))
        return
    yield Finding(
        "relay",
        OK if health.ready else WARN,
        "answers" if health.ready else health.said,
        "" if health.ready else "wait, or ask the Point of Contact",
    )
    offset = health.clock_offset
    if offset is None:
        return
    state = BAD if abs(offset) > CLOCK_BAD_SECONDS else WARN if abs(offset) > CLOCK_WARN_SECONDS else OK
    way = "behind" if offset > 0 else "ahead of"
    yield Finding(
        "clock",
        state,
        f"{abs(offset):.0f} s {way} the relay's, now {format_time(int(time.time()))}",
        "" if state == OK else "set this machine's clock by a trusted source; the time zone does not matter",
    )


def _unread(node: Node, *, reachable: bool) -> Finding:
    """Before the first sync: whether it may be expected to succeed, where the relay can be asked (``reachable``)."""
    try:
        if reachable:
            node.session.transport.roster(1)
    except EnvoiError as error:
        return Finding("membership", BAD, str(error), error.hint or "ask the Point of Contact")
    return Finding("roster", WARN, "none was read yet", "run: envoi sync")


def _roster(node: Node) -> Iterator[Finding]:
    session = node.session
    left = (session.roster.expires - session.clock()) // DAY
    near = next((days for days in EXPIRY_WARN_DAYS if left < days), None)
    state = BAD if left < 0 else WARN if near is not None else OK
    yield Finding(
        "roster",
        state,
        f"version {session.roster.version}, {left} days left",
        "" if state == OK else "ask the Point of Contact for a new roster",
    )
    own = session.roster.addressee(node.me)
    if own is None or not own.active:
        standing = own.status if own else "missing"
        yield Finding("membership", BAD, f"{node.me} is {standing} in the roster", "ask the Point of Contact")
        return
    same = own.keys == node.public_keys()
    yield Finding(
        "keys",
        OK if same else BAD,
        "the vault's keys are those of the roster" if same else "the vault's keys are not those of the roster",
        "" if same else "is this the right home? otherwise the keys have to be enrolled again",
    )


def _peers(node: Node) -> Iterator[Finding]:
    silent = node.silent()
    if silent:
        yield Finding(
            "peers",
            WARN,
            f"no recent sign of life of {', '.join(silent)}",
            "sync, and if it stays so ask them by another way: the relay may be withholding their receipts",
        )
    else:
        yield Finding("peers", OK, "all with whom dispatches are exchanged gave a recent sign of life")


def _log(node: Node, *, fresh: bool) -> Iterator[Finding]:
    """The log as held, after reading on where the relay can be asked (``fresh``)."""
    try:
        if fresh:
            read_log(node.session)
        result = audit(node.session)
    except EnvoiError as error:
        state = ALARM if isinstance(error, Fraud) else BAD
        yield Finding("log", state, str(error), error.hint or "run: envoi sync")
        return
    if result.findings:
        yield Finding("log", ALARM, "; ".join(result.findings), "keep this home as evidence; tell the others")
    else:
        yield Finding("log", OK, f"size {result.size}, consistent with all that was seen")
