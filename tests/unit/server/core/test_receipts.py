"""Receipts at the relay: who may hand them in, what they may say, and which of a pair stays (PROTOCOL §5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from envoi_keys.limits import MAX_RECEIPT_NOTE_BYTES
from envoi_keys.notes import Note
from envoi_keys.receipts import EMPTY_TRANSCRIPT, Direction, Receipt
from envoi_server.rules import Refusal
from envoi_server.work import DispatchWork, Later
from envoi_server.work_members import ReceiptWork

from ....exchange import NOW, Exchange, sign
from .harness import Bench, slug

pytestmark = pytest.mark.anyio
TRANSCRIPT = "cd" * 32


def head(exchange: Exchange, size: int = 1) -> bytes:
    """A checkpoint of the log; its root is another member's to judge."""
    return exchange.log.sign(size, bytes(32), NOW)


def receipt(exchange: Exchange, sender: str, to: str, received: int, sent: int = 0, /, **changes: Any) -> bytes:
    made = Receipt(
        exchange=exchange.id,
        sender=sender,
        to=to,
        received=Direction(1, received, TRANSCRIPT if received else EMPTY_TRANSCRIPT),
        opened_through=received,
        could_not_open=(),
        sent=Direction(1, sent, TRANSCRIPT if sent else EMPTY_TRANSCRIPT),
        checkpoint=head(exchange),
        issued_at=NOW,
    )
    return sign(replace(made, **changes).text(), exchange.party(sender).signer)


async def posted(core: Bench, sender: str, to: str, count: int) -> None:
    member = core.member(sender)
    for _ in range(count):
        await core.accepted(member.compose(to))


async def test_the_newest_receipt_of_a_pair_is_shown_to_these_two(core: Bench, exchange: Exchange) -> None:
    await posted(core, "FR", "AU", 2)
    await posted(core, "AU", "FR", 1)
    size = core.relay.size
    first, second = receipt(exchange, "AU", "FR", 1), receipt(exchange, "AU", "FR", 2, 1)
    other = receipt(exchange, "FR", "AU", 1)
    assert await core.relay.accept_receipt("AU", first) is None
    assert core.relay.receipts_for("FR") == core.relay.receipts_for("AU") == [first]
    assert await core.relay.accept_receipt("AU", second) is None
    assert await core.relay.accept_receipt("FR", other) is None
    assert core.relay.receipts_for("FR") == core.relay.receipts_for("AU") == [second, other]
    assert core.relay.receipts_for("DE") == []
    assert core.relay.size == size


async def test_a_receipt_never_goes_back(core: Bench, exchange: Exchange) -> None:
    await posted(core, "FR", "AU", 3)
    await posted(core, "AU", "FR", 2)
    kept = receipt(exchange, "AU", "FR", 2, 2, checkpoint=head(exchange, 3))
    assert await core.relay.accept_receipt("AU", kept) is None
    assert await core.relay.accept_receipt("AU", kept) is None
    for older in (
        receipt(exchange, "AU", "FR", 1, 2),
        receipt(exchange, "AU", "FR", 2, 1),
        receipt(exchange, "AU", "FR", 3, 1),
        receipt(exchange, "AU", "FR", 2, 2, checkpoint=head(exchange, 2), issued_at=NOW + 1),
    ):
        refused = await core.relay.accept_receipt("AU", older)
        assert isinstance(refused, Refusal)
        assert (refused.slug, refused.extra) == ("receipt-outdated", {"received_through": 2, "sent_through": 2})
    assert core.relay.receipts_for("AU") == [kept]
    # A clock that once ran ahead silences nobody: over a log as large, what comes later counts.
    ahead_of_time = receipt(exchange, "AU", "FR", 2, 2, checkpoint=head(exchange, 4), issued_at=NOW + 10**9)
    assert await core.relay.accept_receipt("AU", ahead_of_time) is None
    heartbeat = receipt(exchange, "AU", "FR", 2, 2, checkpoint=head(exchange, 4), issued_at=NOW)
    assert await core.relay.accept_receipt("AU", heartbeat) is None
    assert core.relay.receipts_for("AU") == [heartbeat]
    renewed = receipt(exchange, "AU", "FR", 0, 2, received=Direction(2, 0, EMPTY_TRANSCRIPT))
    ahead = receipt(exchange, "AU", "FR", 2, sent=Direction(2, 0, EMPTY_TRANSCRIPT))
    for early in (renewed, ahead):
        # A series that no roster gives would be the newest for good.
        assert slug(await core.relay.accept_receipt("AU", early)) == "wrong-series"
    await core.relay.accept_roster(begun_anew(exchange).notes[-1])
    assert await core.relay.accept_receipt("AU", renewed) is None


async def test_a_receipt_says_no_more_than_was_logged(core: Bench, exchange: Exchange) -> None:
    """Made by who once had AU's key: it would be the newest for good, and no true receipt could replace it."""
    await posted(core, "FR", "AU", 2)
    await posted(core, "AU", "FR", 1)
    for received, sent in ((3, 1), (2, 2), (2**53 - 1, 0), (0, 2**53 - 1)):
        refused = await core.relay.accept_receipt("AU", receipt(exchange, "AU", "FR", received, sent))
        assert isinstance(refused, Refusal)
        assert (refused.slug, refused.extra) == ("receipt-beyond", {"received_through": 2, "sent_through": 1})
    larger = receipt(exchange, "AU", "FR", 2, 1, checkpoint=head(exchange, core.relay.size + 1))
    assert slug(await core.relay.accept_receipt("AU", larger)) == "receipt-beyond"
    # What was logged to others, or in another series, is nothing to this pair.
    assert slug(await core.relay.accept_receipt("DE", receipt(exchange, "DE", "FR", 1))) == "receipt-beyond"
    await core.relay.accept_roster(begun_anew(exchange).notes[-1])
    renewed = receipt(exchange, "AU", "FR", 1, 1, received=Direction(2, 1, TRANSCRIPT))
    assert slug(await core.relay.accept_receipt("AU", renewed)) == "receipt-beyond"
    assert core.relay.receipts_for("FR") == []
    assert await core.relay.accept_receipt("AU", receipt(exchange, "AU", "FR", 2, 1)) is None


async def test_a_receipt_may_come_with_what_it_acknowledges_in_one_batch(core: Bench, exchange: Exchange) -> None:
    draft = core.relay._ledger.draft()
    intake = core.relay._intake
    note = receipt(exchange, "AU", "FR", 1)
    for work in (intake.dispatch("FR", core.member("FR").compose("AU").raw), intake.receipt("AU", note)):
        assert isinstance(work, DispatchWork | ReceiptWork)
        assert isinstance(work.join(draft), Later)
    assert draft.batch.receipts["AU", "FR"].note == note


def begun_anew(exchange: Exchange) -> Exchange:
    """FR numbers in series 2."""
    return exchange.succeed(exchange.propose(**exchange.changed("FR", series=2)), 1)


async def test_a_receipt_is_its_signers(core: Bench, exchange: Exchange) -> None:
    await posted(core, "FR", "AU", 1)
    good = receipt(exchange, "AU", "FR", 1)
    for caller, note, expected in (
        ("DE", good, "not-yours"),
        ("AU", receipt(exchange, "AU", "FR", 1, exchange="ab" * 32), "other-exchange"),
        ("AU", receipt(exchange, "AU", "XX", 1), "unknown-recipient"),
        ("AU", sign(Note.parse(good).text, exchange.party("DE").signer), "bad-signature"),
        ("AU", good[:-1], "malformed"),
        ("AU", receipt(exchange, "AU", "FR", 1, checkpoint=b"no checkpoint"), "malformed"),
        ("AU", bytes(MAX_RECEIPT_NOTE_BYTES + 1), "too-large"),
    ):
        assert slug(await core.relay.accept_receipt(caller, note)) == expected
    assert core.relay.receipts_for("AU") == []


async def test_deliveries_tell_who_has_received_through_what(core: Bench, exchange: Exchange) -> None:
    fr = core.member("FR")
    await core.accepted(fr.compose("AU", "DE"))
    await core.accepted(fr.compose("AU"))
    await core.relay.accept_receipt("AU", receipt(exchange, "AU", "FR", 1))
    rows = {(one.sender, one.recipient): one for one in core.relay.deliveries()}
    au, de = rows["FR", "AU"], rows["FR", "DE"]
    assert (au.sent_through, au.received_through, au.opened_through, au.receipt_at) == (2, 1, 1, NOW)
    assert (de.sent_through, de.received_through, de.receipt_at) == (1, 0, None)
    assert len(rows) == 2


async def test_a_receipt_of_another_series_acknowledges_nothing(core: Bench, exchange: Exchange) -> None:
    await core.accepted(core.member("FR").compose("AU"))
    await core.relay.accept_roster(begun_anew(exchange).notes[-1])
    note = receipt(exchange, "AU", "FR", 0, received=Direction(2, 0, EMPTY_TRANSCRIPT))
    assert await core.relay.accept_receipt("AU", note) is None
    (row,) = core.relay.deliveries()
    assert (row.received_through, row.receipt_at) == (0, None)
