"""A receipt outlives the standing and the keys of its signer: that is no fraud of anybody."""

from __future__ import annotations

from .world import World


def test_a_receipt_from_before_its_signer_was_suspended_is_no_alarm(pair: World) -> None:
    before = pair["FR"].receipt_for("DE")
    pair.follow(pair.exchange.succeed(pair.exchange.propose(**pair.exchange.changed("DE", status="suspended")), 2))
    assert pair["FR"].sync().alarms == []
    assert pair["FR"].receipt_for("DE") == before


def test_a_receipt_from_before_its_signer_got_new_keys_is_no_alarm(pair: World) -> None:
    before = pair["FR"].receipt_for("DE")
    pair.follow(pair.exchange.rotated("DE", 2))
    assert pair["FR"].sync().alarms == []
    assert pair["FR"].receipt_for("DE") == before
