"""A register, an index and the records of screening over one database, without a node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from envoi_client.store import Store
from envoi_desk.lists import Lists
from envoi_desk.names import NameIndex
from envoi_desk.register import Register
from envoi_desk.schema import STEPS
from envoi_desk.screening.dispositions import Decision
from envoi_desk.screening.process import Moment, Screening
from envoi_desk.screening.records import Records, Run
from envoi_desk.screening.show import run_lines, view
from envoi_keys.signing import HybridSigner

from .cases import case
from .notices import PROFILE, content, reference

EXCHANGE = "e" * 64
SIGNER = HybridSigner.from_seed("FR", bytes(range(64)))
RAVI = reference(1)
ENDED: dict[str, Any] = {"status": "revoked", "revocation_reason": "The end-user is known now."}
NOW = 1_767_225_600
"""The first second of 2026."""


class Bench:
    """The parts, and what a test does with them. ``head`` is the index of the last dispatch that was taken."""

    def __init__(self, store: Store) -> None:
        self.database = store.extended("desk", STEPS)
        self.names = NameIndex(self.database)
        self.register = Register(self.database, self.names, PROFILE)
        self.records = Records(self.database, PROFILE)
        self.lists = Lists(self.database, self.names)
        self.process = Screening(self.register, self.names, self.lists, self.records, PROFILE)
        self.head = 0

    def take(self, number: int = 1, state: str = "FR", **changes: Any) -> int:
        """Take a notice into the register; its log index."""
        self.head += 1
        document = content(number, state, **changes)
        refusal = self.register.take(self.head, f"{self.head:064x}", state, "denial/v1", document, NOW + self.head)
        assert refusal is None, refusal
        return self.head

    def moment(self, later: int = 0) -> Moment:
        """Now, with everything that was taken."""
        return Moment(NOW + self.head + later, self.head, self.head)

    def screen(self, as_of: int | None = None, **changes: Any) -> dict[str, Any]:
        """Screen a case; what was found."""
        return self.process.screen(case(**changes), self.moment(), as_of=as_of).result

    def again(self, **options: Any) -> list[Run | None]:
        """Screen what is on file again, on the last day of 2026."""
        return list(self.process.rescreen(self.moment(), date(2026, 12, 31), **options))

    def decide(self, reference: str, decision: str = "no-match", reason: str = "Another firm.", **more: Any) -> str:
        """Decide about a hit of case 2026-118; the id of the disposition."""
        now = more.pop("now", NOW + self.head)
        return self.process.decide(
            more.pop("case", "2026-118"), reference, Decision(decision), reason, "anne", SIGNER, EXCHANGE, now
        ).id


@contextmanager
def bench(directory: Path) -> Iterator[Bench]:
    """A bench over a store of its own."""
    with Store(directory / "store.db", bytes(32)) as store:
        yield Bench(store)


def references(hits: list[dict[str, Any]], **wanted: Any) -> list[str]:
    """The references of those hits that have these values."""
    return [hit["reference"] for hit in hits if all(hit[name] == value for name, value in wanted.items())]


def text(result: dict[str, Any], **options: Any) -> str:
    """A run as it is read on a terminal."""
    return "\n".join(run_lines(view(result, **{"limit": 25} | options)))
