"""``envoi-poc init``, ``serve``, ``migrate`` and ``config``: making a relay and running it."""

from __future__ import annotations

import os
from pathlib import Path

from envoi_keys.errors import LocalError

from ..files import PRIVATE_DIRECTORY, make_directory, write_new
from ..settings import FILE_NAME, Settings, explain
from .common import DEFAULT, Common


def init(*, origin: str | None = None, url: str | None = None, common: Common = DEFAULT) -> None:
    """Make a new relay: its home, its log key, its empty database. Prints the log's two public keys.

    The keys go into the first roster, which the Partners' quorum signs; its id is what serve needs.

    Parameters
    ----------
    origin
        The name of the log, for ever, such as poc.example/log.
    url
        The URL under which members reach the relay.
    """
    from .. import log_key
    from ..relay import Relay

    settings = common.settings(origin=origin, url=url)
    if not settings.origin:
        raise LocalError("the log needs a name", hint="give it with --origin, such as poc.example/log")
    log_key.require_new(settings.home, settings.origin)
    _make_home(settings.home)
    _write_settings(settings)
    kept = common.settings()
    if kept.origin != settings.origin:
        raise LocalError(
            f"{settings.home / FILE_NAME} names the log {kept.origin or 'nowhere'}, not {settings.origin}",
            hint="correct it there, or give the same --origin",
        )
    keys = Relay.initialise(settings.home, settings.origin, settings.database).vkeys()
    value = {"home": str(settings.home), "origin": settings.origin, "url": settings.url, "keys": keys}
    common.answer(value, keys)


def serve(
    *,
    roster_id: str | None = None,
    host: str | None = None,
    port: int | None = None,
    url: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Run the relay until it is told to stop. Prints where it listens once it is ready.

    Parameters
    ----------
    roster_id
        The id of the first roster that this relay accepts.
    host
        The address to listen on.
    port
        The port to listen on; 0 takes any free one.
    url
        The URL under which members reach the relay.
    """
    from ..serve import serve as run

    settings = common.settings(roster_id=roster_id, host=host, port=port, url=url)

    def announce(where: str) -> None:
        common.answer_line({"url": where, "pid": os.getpid()}, f"listening on {where}")

    run(settings, announce)


def migrate(*, to: str = "head", common: Common = DEFAULT) -> None:
    """Bring the database to this version's schema. Stop the relay and make a backup first.

    Parameters
    ----------
    to
        A revision to go to instead of the newest.
    """
    from ..home_lock import HomeLock
    from ..schema import migrate as run

    settings = common.settings()
    if not settings.home.is_dir():
        raise LocalError(f"there is no {settings.home}", hint="run envoi-poc init first")
    lock = HomeLock(settings.home)
    try:
        before, after = run(settings.database, to)
    finally:
        lock.release()
    done = f"at {after}, as before" if before == after else f"from {before or 'nothing'} to {after or 'nothing'}"
    common.answer({"from": before, "to": after}, [done])


def config(*, common: Common = DEFAULT) -> None:
    """Show every setting, and whether it comes from a flag, the environment, relay.toml or the default."""
    found = explain(common.home)
    value = {one.name: {"value": _plain(one.value), "source": one.source} for one in found}
    lines = []
    for one in found:
        lines += [f"# {one.description} ({one.source})", f"{one.name} = {_toml(_plain(one.value))}"]
    common.answer(value, lines)


def _make_home(home: Path) -> None:
    try:
        make_directory(home)
        home.chmod(PRIVATE_DIRECTORY)
    except OSError as error:
        raise LocalError(f"cannot make {home}: {error.strerror}") from None


def _write_settings(settings: Settings) -> None:
    """What was said to init, for serve. A file that is there is the operator's own and stays as it is."""
    path = settings.home / FILE_NAME
    lines = [f"origin = {_toml(settings.origin)}"] + ([f"url = {_toml(settings.url)}"] if settings.url else [])
    if path.exists():
        return
    unfinished = path.with_suffix(".unfinished")
    try:
        write_new(unfinished, "".join(f"{line}\n" for line in lines).encode())
        unfinished.replace(path)
    except OSError as error:
        raise LocalError(f"cannot write {path}: {error.strerror}") from None


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # A TOML basic string escapes as JSON does (TOML 1.0, "String").
        import json

        return json.dumps(value)
    return str(value)
