"""The simulator tells the truth unless it is asked to lie: the ground on which the attacks stand."""

from __future__ import annotations

from envoi_client.node.audit import audit
from envoi_keys.statements import statement_id

from .world import World, keys_agree


def test_homes_have_the_keys_of_the_roster(world: World) -> None:
    for name in ("FR", "AU", "POC", "CHAIR"):
        found = world.exchange.roster.addressee(name)
        assert found is not None
        assert keys_agree(world[name].node, found.keys)


def test_what_is_said_is_received_opened_and_acknowledged(pair: World) -> None:
    assert pair["AU"].texts() == [("FR", "one")]
    assert pair["DE"].texts() == [("FR", "one")]
    sent = pair["FR"].state()
    assert (sent.log, sent.sent, sent.outbox) == (2, {"AU": 1, "DE": 1}, (("accepted", 1),))
    got = pair["AU"].state()
    assert (got.log, got.cursor, got.rosters, got.received, got.alarms) == (2, 1, 1, {"FR": 1}, ())
    assert got.inbox == ((1, "FR", 1, "ok"),)
    receipt = pair["AU"].receipt_for("FR")
    assert (receipt.received.through, receipt.opened_through, receipt.could_not_open) == (1, 1, ())
    assert receipt.received.transcript == pair["FR"].receipt_for("AU").sent.transcript
    held = pair["FR"].store.receipts.get("AU", "FR")
    assert held is not None
    assert held.id == statement_id(pair.relay.receipts["AU", "FR"].partition(b"\n\n")[0] + b"\n")


def test_a_second_sync_changes_nothing(pair: World) -> None:
    before = pair["AU"].state()
    pair.sync("AU", "FR", "AU")
    assert pair["AU"].state() == before


def test_a_node_goes_on_after_a_restart_where_it_stopped(pair: World) -> None:
    pair["FR"].restart()
    pair["AU"].restart()
    pair["FR"].say("two", "AU")
    pair.sync("AU")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two")]
    assert pair["FR"].state().sent == {"AU": 2, "DE": 1}


def test_an_audit_finds_what_happened_to_the_store_since(pair: World) -> None:
    assert audit(pair["FR"].node.session).findings == ()
    entries = list(pair["FR"].store.log.entries())
    database = pair["FR"].store.log._database
    database.run("UPDATE log_entries SET digest = ? WHERE idx = 1", ("00" * 32,))
    found = audit(pair["FR"].node.session).findings
    assert found[0] == "the stored entries are not those that were verified"
    assert any(one.startswith("our dispatch ") and one.endswith(" is not at index 1 of the log") for one in found)
    database.run("UPDATE log_entries SET digest = ? WHERE idx = 1", (entries[1][1],))
