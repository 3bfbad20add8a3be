"""Old, forked, withheld and under-signed rosters: nobody is let in, dropped or re-keyed by the relay (PROTOCOL §6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from envoi_client.files import Home
from envoi_keys.delegations import Delegation
from envoi_keys.encoding import parse_time
from envoi_keys.errors import PeerError, Refused
from envoi_keys.statements import ROSTER

from ..exchange import EXPIRES, NOW, Exchange, member, party, sign
from .relay import Entry, Group, Relay
from .world import Member, World


def without(*indexes: int) -> Callable[[str, list[Group]], list[Group]]:
    return lambda _, groups: [one for one in groups if one.index not in indexes]


def suspend(world: World, name: str) -> Exchange:
    """The exchange after ``name`` was suspended under full quorums, not logged yet."""
    index = len(world.relay.entries)
    return world.exchange.succeed(world.exchange.propose(**world.exchange.changed(name, status="suspended")), index)


def delegation(exchange: Exchange, authority: str = "FR", signer: str = "FR", exchange_id: str = "") -> bytes:
    delegate = party(f"{authority}/iem-1")
    made = Delegation(
        exchange=exchange_id or exchange.id,
        authority=authority,
        delegate=delegate.name,
        signing=delegate.signer.public,
        sealing=delegate.sealing,
        transport=delegate.transport_public,
        scope=("meetings",),
        until=parse_time("2027-11-23T00:00:00Z", "until"),
        issued_at=NOW,
    )
    return sign(made.text(), party(signer).signer)


# Withheld


def test_a_withheld_roster_stops_everything_after_it_until_it_is_shown(pair: World) -> None:
    index = pair.follow(suspend(pair, "JP"))
    pair["DE"].sync()
    pair["DE"].say("under the second roster", "AU")
    pair.relay.show_feed = without(index)
    for _ in range(2):
        report = pair["AU"].sync()
        assert any(f"withholds the envoi/roster/v1 at index {index}" in alarm for alarm in report.alarms)
    found = pair["AU"].state()
    assert (found.rosters, found.inbox, found.cursor) == (1, ((1, "FR", 1, "ok"),), 1)
    assert found.alarms == ("withheld-roster",)
    pair.relay.be_honest()
    pair.sync("AU")
    found = pair["AU"].state()
    assert (found.rosters, found.cursor, found.alarms) == (2, index + 1, ("withheld-roster",))
    assert pair["AU"].texts() == [("FR", "one"), ("DE", "under the second roster")]


def test_a_withheld_roster_at_the_end_of_the_log_is_missed_too(pair: World) -> None:
    index = pair.follow(suspend(pair, "JP"))
    pair.relay.show_feed = without(index)
    assert not pair["AU"].sync().clean
    assert (pair["AU"].state().rosters, pair["AU"].state().alarms) == (1, ("withheld-roster",))
    pair["AU"].restart()
    assert not pair["AU"].sync().clean
    pair.relay.be_honest()
    pair.sync("AU")
    assert pair["AU"].state().rosters == 2


def test_dispatches_before_a_withheld_roster_still_count(pair: World) -> None:
    pair["FR"].say("two", "AU")
    index = pair.follow(suspend(pair, "JP"))
    pair.relay.show_feed = without(index)
    assert not pair["AU"].sync().clean
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two")]
    assert pair["AU"].state().received == {"FR": 2}


def test_a_roster_altered_in_the_relay_is_not_the_one_that_was_logged(pair: World) -> None:
    index = pair.follow(suspend(pair, "JP"))
    forged = pair.exchange.notes[0]
    pair.relay.show_feed = lambda _, groups: [
        replace(one, note=forged) if one.index == index else one for one in groups
    ]
    assert not pair["AU"].sync().clean
    found = pair["AU"].state()
    assert (found.rosters, found.cursor, found.alarms) == (1, 1, ("not-logged",))
    pair.relay.be_honest()
    pair.sync("AU")
    assert pair["AU"].state().rosters == 2


def test_a_member_suspended_by_a_roster_is_not_written_to_any_more(pair: World) -> None:
    pair.follow(suspend(pair, "AU"))
    pair.sync("FR")
    with pytest.raises(Refused, match="AU is suspended") as caught:
        pair["FR"].say("two", "AU", "DE")
    assert caught.value.reason == "inactive-recipient"
    assert pair["FR"].state().outbox == (("accepted", 1),)


# Old


def test_an_old_roster_shown_as_the_newest_changes_nothing(pair: World) -> None:
    pair.follow(suspend(pair, "JP"))
    pair.sync("AU")
    pair.relay.show_roster = lambda _: pair.exchange.notes[0]
    pair["AU"].restart()
    pair.sync("AU")
    assert pair["AU"].state().rosters == 2
    assert pair["AU"].node.session.roster.version == 2


def newcomer(world: World, name: str, pinned: str) -> Member:
    made = Member(world, name, Home(world.root / name), pinned=pinned)
    world.members[name] = made
    return made


def roster_id(exchange: Exchange) -> str:
    return exchange.chain.links[-1].id


def admitted(world: World) -> Exchange:
    """US is admitted by a second roster."""
    roster = world.exchange.roster
    members = tuple(sorted((*roster.members, member("US")), key=lambda one: one.id))
    return world.exchange.succeed(world.exchange.propose(members=members), len(world.relay.entries))


def test_who_is_admitted_by_a_later_roster_joins_by_its_id(pair: World) -> None:
    pair.follow(admitted(pair))
    us = newcomer(pair, "US", roster_id(pair.exchange))
    pair.sync("US", "FR")
    assert us.state().rosters == 2
    pair["FR"].say("welcome", "US")
    pair.sync("US")
    assert us.texts() == [("FR", "welcome")]


def test_a_newcomer_who_is_shown_an_old_roster_as_the_newest_joins_nothing(pair: World) -> None:
    pair.follow(admitted(pair))
    us = newcomer(pair, "US", roster_id(pair.exchange))
    pair.relay.rosters.pop()
    with pytest.raises(Refused) as caught:
        us.sync()
    assert caught.value.reason == "other-exchange"
    assert (us.state().rosters, us.state().log) == (0, 0)
    pair.relay.rosters.append(pair.exchange.notes[-1])
    pair.sync("US")
    assert us.state().rosters == 2


def test_a_newcomer_is_not_lured_into_another_exchange(world: World, tmp_path: Path) -> None:
    """A relay with a first roster of its own making, complete with quorum and log."""
    lure = Exchange.make(5, chair=("JP",))
    assert lure.id != world.exchange.id
    world["AU"].line.relay = Relay(lure.log, lure.notes[0], lambda: world.now)
    with pytest.raises(PeerError) as caught:
        world["AU"].sync()
    assert "pinned" in caught.value.message
    assert (world["AU"].state().rosters, world["AU"].state().log) == (0, 0)
    world["AU"].line.relay = world.relay
    world.sync("AU")
    assert world["AU"].state().rosters == 1


# Under-signed


@pytest.mark.parametrize("signers", [(), ("POC/anne",), ("POC/anne", "POC/bruno", "CHAIR"), ("JP", "AU")])
def test_an_under_signed_roster_is_void_though_it_is_logged(pair: World, signers: tuple[str, ...]) -> None:
    """A ghost among the members, or JP put out: whatever one officer, the Chair or the relay would like."""
    proposed = pair.exchange.propose(**pair.exchange.changed("JP", status="suspended"))
    index = pair.relay.log_roster(sign(proposed.text(), *(party(name).signer for name in signers or ("DE",))))
    pair["FR"].say("two", "AU")
    report = pair["AU"].sync()
    assert any("not signed by the quorum of roster 1" in alarm for alarm in report.alarms)
    found = pair["AU"].state()
    assert (found.rosters, found.cursor, found.alarms) == (1, index + 1, ("void-entry",))
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two")]
    # Void for ever, and asked for no more; the true second roster follows.
    pair.sync("AU")
    pair.follow(suspend(pair, "JP"))
    pair.sync("AU")
    assert pair["AU"].state().rosters == 2


def test_one_state_in_many_capacities_is_no_quorum(pair: World) -> None:
    """Three officers, the office and the state itself are all of FR."""
    proposed = pair.exchange.propose(**pair.exchange.changed("JP", status="suspended"))
    french = ("POC/anne", "POC/bruno", "POC/claire", "POC", "FR")
    pair.relay.log_roster(sign(proposed.text(), *(party(name).signer for name in french)))
    assert not pair["AU"].sync().clean
    assert (pair["AU"].state().rosters, pair["AU"].state().alarms) == (1, ("void-entry",))


def test_a_roster_that_skips_a_version_is_void(pair: World) -> None:
    proposed = pair.exchange.propose(version=3)
    pair.relay.log(Entry(ROSTER, sign(proposed.text(), *pair.exchange.leaders())))
    assert not pair["AU"].sync().clean
    assert (pair["AU"].state().rosters, pair["AU"].state().alarms) == (1, ("void-entry",))


def test_a_roster_of_another_exchange_is_void(pair: World) -> None:
    trial = Exchange.make(6)
    second = trial.succeed(trial.propose(expires=EXPIRES + 1), 2)
    pair.relay.log(Entry(ROSTER, second.notes[-1]))
    assert not pair["AU"].sync().clean
    assert (pair["AU"].state().rosters, pair["AU"].state().alarms) == (1, ("void-entry",))


def test_what_is_logged_as_a_roster_and_is_none_is_void(pair: World) -> None:
    pair.relay.log(Entry(ROSTER, b"not even a note"))
    assert not pair["AU"].sync().clean
    assert pair["AU"].state().alarms == ("void-entry",)
    pair.sync("AU")


# Forked


def test_a_second_successor_is_fraud_the_first_stays_and_both_are_the_evidence(pair: World) -> None:
    first, second = suspend(pair, "JP"), suspend(pair, "DE")
    pair.follow(first)
    pair.relay.log(Entry(ROSTER, second.notes[-1]))
    report = pair["AU"].sync()
    assert any("two rosters of version 2 are both signed by a quorum" in alarm for alarm in report.alarms)
    found = pair["AU"].state()
    assert found.rosters == 2
    assert len(found.alarms) == 1
    assert pair["AU"].evidence(found.alarms[0]) == (first.notes[-1], second.notes[-1])
    standing = {one.id: one.status for one in pair["AU"].node.session.roster.members}
    assert (standing["JP"], standing["DE"]) == ("suspended", "active")
    pair["AU"].restart()
    pair.sync("AU")
    assert pair["AU"].node.session.chain.links[-1].note == first.notes[-1]


def test_two_rosters_for_two_members_are_two_logs(pair: World) -> None:
    first, second = suspend(pair, "JP"), suspend(pair, "DE")
    other = pair.relay.fork()
    other.log_roster(second.notes[-1])
    pair["AU"].line.relay = other
    pair.follow(first)
    pair.sync("AU", "FR")
    assert pair["AU"].node.session.roster != pair["FR"].node.session.roster
    # Any word between the two gives it away.
    pair["FR"].say("two", "AU")
    pair.sync("FR")
    other.receipts["FR", "AU"] = pair.relay.receipts["FR", "AU"]
    assert not pair["AU"].sync().clean
    # Its alarm stays, and AU goes on with neither history as if nothing were.
    assert "stale-log" in pair["AU"].state().alarms
    with pytest.raises(PeerError):
        pair["AU"].sync()


# A roster in between


def test_a_dispatch_sealed_to_keys_that_a_roster_has_replaced_is_void(pair: World) -> None:
    case = pair.forge("FR", {"AU": 2}, "to the old key")
    pair.follow(pair.exchange.rotated("AU", len(pair.relay.entries)))
    index = pair.log(case)
    report = pair["DE"].sync()
    assert report.clean
    pair["AU"].sync()
    assert pair["AU"].state().inbox[-1] == (index, "", None, "refused")
    assert pair["AU"].entry(index).reason.startswith("roster-outdated")


def test_a_suspended_member_is_not_heard_any_more(pair: World) -> None:
    pair.follow(suspend(pair, "FR"))
    case = pair.forge("FR", {"AU": 2}, "I am still here")
    index = pair.log(case)
    assert not pair["AU"].sync().clean
    assert pair["AU"].entry(index).reason.startswith("unknown-sender")
    assert pair["AU"].state().received == {"FR": 1}


# Delegations


def test_a_delegation_is_held_and_a_withheld_one_is_missed(pair: World) -> None:
    index = pair.relay.log_delegation(delegation(pair.exchange))
    pair["FR"].say("two", "AU")
    pair.relay.show_feed = without(index)
    report = pair["AU"].sync()
    assert any("withholds the envoi/delegation/v1" in alarm for alarm in report.alarms)
    assert pair["AU"].store.rosters.delegations() == []
    assert pair["AU"].state().received == {"FR": 1}
    pair.relay.be_honest()
    pair.sync("AU")
    assert [(one.authority, one.name) for one in pair["AU"].store.rosters.delegations()] == [("FR", "FR/iem-1")]
    assert pair["AU"].state().received == {"FR": 2}


@pytest.mark.parametrize("signer", ["POC", "JP"])
def test_nobody_makes_a_delegation_for_another(pair: World, signer: str) -> None:
    pair.relay.log_delegation(delegation(pair.exchange, "FR", signer))
    assert not pair["AU"].sync().clean
    assert pair["AU"].store.rosters.delegations() == []
    assert pair["AU"].state().alarms == ("void-entry",)
    pair.sync("AU")


def test_a_delegation_of_another_exchange_means_nothing_here(pair: World) -> None:
    pair.relay.log_delegation(delegation(pair.exchange, exchange_id=Exchange.make(6).id))
    assert not pair["AU"].sync().clean
    assert pair["AU"].store.rosters.delegations() == []
