"""``envoi log verify`` and ``envoi log cosign``: hold the relay's log to what this member has seen."""

from __future__ import annotations

from envoi_client.node.audit import audit

from . import CHEATING, DONE
from .common import DEFAULT, Common, entries


def verify(*, common: Common = DEFAULT) -> int:
    """Check the whole log again, from its first entry, against every checkpoint ever seen."""
    with common.open_node() as node:
        result = audit(node.session)
        common.answer(
            {
                "size": result.size,
                "root": result.root.hex(),
                "checkpoints": result.checkpoints,
                "findings": list(result.findings),
            },
            [
                f"{entries(result.size)}, root {result.root.hex()}",
                f"checkpoints seen that lie on this history: {result.checkpoints}",
                *(f"alarm: {finding}" for finding in result.findings),
            ],
        )
        return CHEATING if result.findings else DONE


def cosign(*, common: Common = DEFAULT) -> None:
    """Cosign the last verified checkpoint and hand the cosignature to the relay."""
    with common.open_node() as node:
        size = node.cosign()
        common.answer({"size": size, "cosigner": node.me}, [f"cosigned the log at {entries(size)}"])
