"""``envoi-poc check`` and ``deliveries``: looking at what the relay holds, also while it serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from envoi_keys.encoding import format_time

from . import CHEATING, DONE
from .common import DEFAULT, Common, table

if TYPE_CHECKING:
    from ..relay import Delivery


def check(*, common: Common = DEFAULT) -> int:
    """Compute the log anew from the records and compare it with every checkpoint that was signed.

    Exit code 3 says that the records are not what was signed: restore them from a backup.
    """
    from .. import log_key, schema
    from ..audit import audit
    from ..sqlite_records import SqliteRecords

    settings = common.settings()
    log = log_key.load(settings.home, settings.origin).public
    schema.require_head(settings.database)
    records = SqliteRecords(settings.database)
    try:
        size = records.size()
        findings = [{"where": one.where, "what": one.what} for one in audit(records, log)]
    finally:
        records.close()
    value = {"origin": log.origin, "keys": log.vkeys(), "entries": size, "findings": findings}
    lines = [f"{one['where']}: {one['what']}" for one in findings]
    common.answer(value, lines or [f"{size} in the log, all as signed"])
    return CHEATING if findings else DONE


def deliveries(*, behind: bool = False, common: Common = DEFAULT) -> None:
    """Show for each sender and recipient what was sent, and what was received and opened.

    Parameters
    ----------
    behind
        Only the pairs where something sent has not been received.
    """
    from ..relay import Relay

    relay = Relay.open(common.settings())
    try:
        found = relay.deliveries()
    finally:
        relay.close()
    rows = sorted((one for one in found if not behind or one.received_through < one.sent_through), key=_order)
    value = [
        {
            "from": one.sender,
            "to": one.recipient,
            "series": one.series,
            "sent_through": one.sent_through,
            "received_through": one.received_through,
            "opened_through": one.opened_through,
            "receipt_at": None if one.receipt_at is None else format_time(one.receipt_at),
        }
        for one in rows
    ]
    cells = [
        [str(row["from"]), str(row["to"]), *(str(row[name]) for name in _COUNTS), str(row["receipt_at"] or "never")]
        for row in value
    ]
    common.answer(value, table(("FROM", "TO", "SERIES", "SENT", "RECEIVED", "OPENED", "LAST RECEIPT"), cells))


_COUNTS: Final = ("series", "sent_through", "received_through", "opened_through")


def _order(delivery: Delivery) -> tuple[str, str, int]:
    return delivery.sender, delivery.recipient, delivery.series
