"""The node: one authority's end of the exchange, as a library.

::

    with Node.open(home, passphrase) as node:
        node.sync()
        node.publish(Body("note/v1", {"subject": "...", "text": "..."}, ()), to=["DE"])

It holds the home's lock while it is open, since one node per authority numbers (PROTOCOL §4.2). What it does
stands in the modules beside it; this is the door.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from envoi_keys import regimes
from envoi_keys.addressees import Keys
from envoi_keys.checkpoints import parse_checkpoint
from envoi_keys.errors import EnvoiError, LocalError, NetworkError

from .. import config
from ..body import Body
from ..enrol import member_keys, read_pin
from ..files import Home
from ..seeds import MemberSeeds
from ..store import Store
from ..transport import Transport
from ..vault import Vault
from . import publish as publishing
from . import receipts
from .attachments import FileToAttach, fetch_files
from .outgoing import Published
from .publish import Plan
from .report import SyncReport
from .session import MemberKeys, Progress, Session, silent
from .sync import sync

WAIT_FOR_OTHERS = 600.0
"""Seconds that a node which waited gives another process to finish: an upload may take its time."""


class Node:
    """An open node; use it as a context manager. ``session`` has its store, its rosters and its keys."""

    def __init__(self, session: Session, seeds: MemberSeeds, lock: ExitStack, resources: ExitStack) -> None:
        self.session = session
        self._seeds = seeds
        self._lock = lock
        self._resources = resources

    @classmethod
    def open(
        cls,
        home: Home,
        passphrase: str,
        *,
        settings: config.Settings | None = None,
        transport: Callable[[MemberSeeds, config.Settings], Transport] | None = None,
        clock: Callable[[], int] = lambda: int(time.time()),
        random: Callable[[int], bytes] = os.urandom,
        progress: Progress = silent,
        patience: float = 0,
    ) -> Node:
        """Open the vault and the store of ``home`` and hold its lock until :meth:`close`.

        ``patience`` is how many seconds to wait for another process to let go of it. Raises LocalError: no such
        home, another process at work in it, another passphrase, no pinned roster.
        """
        with ExitStack() as stack:
            home.check()
            lock = stack.enter_context(ExitStack())
            lock.enter_context(home.lock(patience))
            vault = Vault.open(home.vault, passphrase)
            member = vault.secrets.member
            if member is None:
                raise LocalError(f"{home.root} is an officer's home, not a member's", hint="name a member's --home")
            settings = settings or config.load(home, {})[0]
            store = stack.enter_context(Store(home.store, vault.secrets.store))
            wire = stack.enter_context((transport or _connect)(member, settings))
            session = Session(
                home=home,
                keys=MemberKeys(member.name, member.signer(), member.cosigner(), member.identities()),
                store=store,
                transport=wire,
                profile=regimes.load(settings.regime),
                pinned=read_pin(home),
                clock=clock,
                random=random,
                progress=progress,
            )
            return cls(session, member, lock, stack.pop_all())
        raise AssertionError("unreachable: the block above returns or raises")

    def close(self) -> None:
        """Close the store and the connection and let go of the home."""
        self._resources.close()

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def me(self) -> str:
        """This member's id."""
        return self.session.me

    def public_keys(self) -> Keys:
        """The public keys that follow from this home's vault."""
        return member_keys(self._seeds)

    def sync(self, report: SyncReport | None = None) -> SyncReport:
        """One round with the relay; see :func:`envoi_client.node.sync.sync`.

        A caller that brings its own ``report`` has what was received before an error.
        """
        report = report or SyncReport()
        sync(self.session, report)
        return report

    def wait(self, seconds: int) -> bool:
        """Wait until the relay has something new for this member; False if the time passed without.

        Meanwhile other processes may work in this home: the lock is let go of, and taken again at the end.
        """
        cursor = self.session.store.log.cursor
        self._lock.close()
        failure, news = None, False
        try:
            news = self.session.transport.wait(cursor, seconds)
        except EnvoiError as error:
            # Not for an interrupt: whoever stops a watch does not wait for another process.
            failure = error
        self._lock.enter_context(self.session.home.lock(WAIT_FOR_OTHERS))
        self.session.forget()
        if failure:
            raise failure
        return news

    def catch_up(self) -> SyncReport | None:
        """Sync, unless this run of the node has read the feed to its end; None then.

        A store that was restored from an old copy does not know that it was, and would sign numbers that are taken.
        Raises like :meth:`sync`; a NetworkError says that nothing was signed.
        """
        if self.session.own_read:
            return None
        try:
            return self.sync()
        except NetworkError as error:
            error.hint = f"nothing was signed, as the log has to be read before; {error.hint or 'try again later'}"
            raise

    def plan(
        self, body: Body, to: Sequence[str], *, files: Sequence[FileToAttach] = (), exercise: bool = False
    ) -> Plan:
        """What :meth:`publish` would do, without writing or sending."""
        return publishing.plan(self.session, body, to, files, exercise)

    def publish(
        self, body: Body, to: Sequence[str], *, files: Sequence[FileToAttach] = (), exercise: bool = False
    ) -> Published:
        """Sign, store and send one dispatch, after :meth:`catch_up`; see :func:`envoi_client.node.publish.publish`."""
        self.catch_up()
        return publishing.publish(self.session, body, to, files=files, exercise=exercise)

    def fetch(self, index: int, directory: Path) -> list[Path]:
        """Fetch and open the attachments of the dispatch at ``index`` of the log into ``directory``."""
        return fetch_files(self.session, index, directory)

    def cosign(self) -> int:
        """Cosign the last verified checkpoint, which is stored already, and send it; the size of its log."""
        view = self.session.store.log.view()
        if not view.checkpoint:
            raise LocalError("no checkpoint was verified yet", hint="run: envoi sync")
        checkpoint, note = parse_checkpoint(view.checkpoint)
        line = self.session.keys.cosigner.cosign(checkpoint, self.session.clock())
        self.session.transport.post_cosignature(note.signed(line).serialise())
        return checkpoint.size

    def silent(self) -> tuple[str, ...]:
        """Who of those with whom dispatches are exchanged has given no recent sign of life."""
        return receipts.silent(self.session)


def stranger(settings: config.Settings) -> Transport:
    """A way to the relay without a member's key, for what needs none. Raises LocalError if no relay is set."""
    return _connect(None, settings)


def _connect(member: MemberSeeds | None, settings: config.Settings) -> Transport:
    if not settings.relay:
        raise LocalError("no relay is set", hint="say it once: envoi init --relay URL; or set ENVOI_RELAY")
    return Transport(
        settings.relay,
        member.name if member else None,
        member.transport if member else None,
        ca_file=Path(settings.ca_file) if settings.ca_file else None,
        proxy=settings.proxy or None,
    )
