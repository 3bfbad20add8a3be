"""What a relay can say of numbers (PROTOCOL §9.3): that one is taken, truly or not, and an old copy of a store."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from envoi_client.files import Home
from envoi_client.node.audit import audit
from envoi_client.node.publish import prepare
from envoi_client.transport import RelayRefused
from envoi_keys.dispatches import Dispatch, Opening
from envoi_keys.encoding import b64
from envoi_keys.errors import Fraud, LocalError, NetworkError, PeerError
from envoi_keys.notes import Note

from ..exchange import Exchange, party, sign
from .publishing import delivered_once, on_publish, waiting
from .relay import Entry, Group, problem
from .world import Member, World, note

# A false 409


def logged(world: World, entry: Entry, index: int = 1, **changes: Any) -> httpx.Response:
    """A refusal with the dispatch of ``entry`` as the one that has the number."""
    shown = {
        "index": index,
        "note": b64(entry.note),
        "opening": b64(entry.openings.get("AU", bytes(40))),
        "recipient": "AU",
        "proof": world.relay.proof(index).decode(),
    }
    return problem(409, "number-taken", logged=shown | changes)


def nothing(_: World) -> httpx.Response:
    return problem(409, "number-taken")


def rubbish(_: World) -> httpx.Response:
    return problem(409, "number-taken", logged={"index": -1})


def own_with_another_number(world: World) -> httpx.Response:
    return logged(world, world.relay.entries[1])


def somebody_elses(world: World) -> httpx.Response:
    case = world.forge("DE", {"AU": 2})
    entry = world.relay.entries[world.log(case)]
    return logged(world, entry, len(world.relay.entries) - 1)


def signed_by_somebody_else(world: World) -> httpx.Response:
    case = world.forge("FR", {"AU": 2})
    index = world.log(case, sign(case.dispatch.text(), party("JP").signer))
    return logged(world, world.relay.entries[index], index)


def half_of_our_signature(world: World) -> httpx.Response:
    case = world.forge("FR", {"AU": 2})
    whole = Note.parse(case.note)
    index = world.log(case, Note(whole.text, whole.signatures[:1]).serialise())
    return logged(world, world.relay.entries[index], index)


def a_proof_that_does_not_hold(world: World) -> httpx.Response:
    """Our own dispatch, truly signed in a past that was restored away, and never logged."""
    case = world.forge("FR", {"AU": 2})
    raw = {name: one.to_bytes() for name, one in case.openings.items()}
    return logged(world, Entry("envoi/dispatch/v1", case.note, "FR", 1, raw))


def another_opening(world: World) -> httpx.Response:
    return logged(world, world.relay.entries[1], opening=b64(Opening(bytes(32), 2).to_bytes()))


def another_recipient(world: World) -> httpx.Response:
    entry = world.relay.entries[1]
    return logged(world, entry, recipient="DE", opening=b64(entry.openings["DE"]))


def of_another_series(world: World) -> httpx.Response:
    index = world.log(world.forge("FR", {"AU": 2}, series=7))
    return logged(world, world.relay.entries[index], index)


def of_another_exchange(world: World) -> httpx.Response:
    trial = World(world.root / "trial", Exchange.make(6))
    index = world.log(trial.forge("FR", {"AU": 2}))
    return logged(world, world.relay.entries[index], index)


def itself(world: World) -> httpx.Response:
    """The very dispatch that is refused, taken all the same."""
    return logged(world, world.relay.entries[-1], len(world.relay.entries) - 1)


@pytest.mark.parametrize(
    "lie",
    [
        nothing,
        rubbish,
        own_with_another_number,
        somebody_elses,
        signed_by_somebody_else,
        half_of_our_signature,
        a_proof_that_does_not_hold,
        another_opening,
        another_recipient,
        of_another_series,
        of_another_exchange,
    ],
)
def test_a_false_409_is_an_alarm_and_the_dispatch_goes_on_waiting(
    pair: World, lie: Callable[[World], httpx.Response]
) -> None:
    pair.relay.answer = on_publish(lambda: lie(pair))
    with pytest.raises(Fraud, match="a number is taken and cannot show by what"):
        pair["FR"].say("two", "AU")
    waiting(pair, "false-number-taken")
    (note,) = pair["FR"].evidence("false-number-taken")
    assert Dispatch.parse(Note.parse(note).text).recipients == ("AU",)
    # The lie is taken back; what was logged for it is void or somebody else's, and must not be in the way.
    pair.relay.entries[2:] = []
    delivered_once(pair)


def test_a_409_that_shows_the_very_same_dispatch_is_false(pair: World) -> None:
    pair.relay.answer = on_publish(lambda: itself(pair), swallow=False)
    with pytest.raises(Fraud):
        pair["FR"].say("two", "AU")
    waiting(pair, "false-number-taken")
    delivered_once(pair)


def test_a_409_proved_on_another_history_convicts_the_relay(pair: World) -> None:
    """Our own old bytes, logged only on a fork made for the purpose."""
    side = pair.relay.fork()
    case = pair.forge("FR", {"AU": 2})
    index = side.log_dispatch(case.note, case.openings, case.sealed)
    pair.relay.answer = on_publish(lambda: side.taken(index, "AU"))
    with pytest.raises(RelayRefused):
        pair["FR"].say("two", "AU")
    pair.relay.be_honest()
    pair["DE"].say("something else", "JP")
    with pytest.raises(Fraud, match=r"the refusal of .* shows another history"):
        pair["FR"].sync()
    assert "log-forked" in pair["FR"].state().alarms


# A true 409: an old copy of a store


def restored(world: World, name: str, old: Home) -> Member:
    """The member of that name, back at an old copy of its home."""
    world.members[name].close()
    shutil.rmtree(world.members[name].home.root)
    shutil.copytree(old.root, world.members[name].home.root)
    return world[name]


def copied(world: World, name: str) -> Home:
    world[name].close()
    target = world.root / f"backup of {name}"
    shutil.copytree(world[name].home.root, target)
    return Home(target)


def test_a_restored_store_reads_what_it_has_forgotten_before_it_signs(pair: World) -> None:
    """It does not know that it is old: what it said of itself was restored with it."""
    old = copied(pair, "FR")
    pair["FR"].say("two", "AU", "DE")
    restored(pair, "FR", old)
    assert pair["FR"].state().sent == {"AU": 1, "DE": 1}
    assert pair["FR"].say("three", "AU", "DE").numbers == {"AU": 3, "DE": 3}
    found = pair["FR"].state()
    assert (found.sent, found.alarms) == ({"AU": 3, "DE": 3}, ())
    assert found.outbox == (("accepted", 1), ("accepted", 2), ("accepted", 3))
    pair.sync("AU", "DE", "FR")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two"), ("FR", "three")]


def test_without_the_relay_only_a_node_that_has_read_its_log_signs(pair: World) -> None:
    old = copied(pair, "FR")
    pair["FR"].say("two", "AU")
    pair.relay.answer = lambda _, __: httpx.Response(503)
    with pytest.raises(NetworkError):
        pair["FR"].say("three", "AU")
    assert pair["FR"].state().outbox == (("accepted", 1), ("accepted", 2), ("signed", None))
    restored(pair, "FR", old)
    pair.spoken.discard(("FR", "AU", "three"))
    with pytest.raises(NetworkError) as caught:
        pair["FR"].say("instead", "AU")
    assert (caught.value.hint or "").startswith("nothing was signed")
    with pytest.raises(LocalError, match="has not read its own dispatches") as asked:
        prepare(pair["FR"].node.session, note("instead"), ["AU"])
    assert asked.value.hint == "run: envoi sync"
    assert pair["FR"].state().outbox == (("accepted", 1),)
    pair.relay.be_honest()
    assert pair["FR"].say("four", "AU").numbers == {"AU": 3}


def test_nothing_is_signed_anew_before_the_log_was_read(pair: World) -> None:
    """The relay has logged what waits, shows the new roster, breaks off, and says that what waits is outdated."""
    pair["FR"].node.catch_up()
    pair.relay.answer = on_publish(lambda: httpx.Response(503), swallow=False)
    with pytest.raises(NetworkError):
        pair["FR"].say("two", "AU")
    pair["FR"].restart()
    roster = pair.follow(pair.exchange.rotated("AU", len(pair.relay.entries)))

    def broken(_: str, groups: list[Group]) -> list[Group]:
        return [one for group in groups if group.index == roster for one in (group, replace(group, index=0))]

    posted: list[bytes] = []

    def outdated(request: httpx.Request, honest: Callable[[], httpx.Response]) -> httpx.Response:
        if (request.method, request.url.path) != ("POST", "/v1/dispatches"):
            return honest()
        posted.append(request.content)
        return problem(409, "roster-outdated")

    pair.relay.answer, pair.relay.show_feed = outdated, broken
    assert not pair["FR"].sync().clean
    assert pair["FR"].state().rosters == 2
    assert len(posted) == 1
    pair.relay.be_honest()
    for _ in range(2):
        assert pair["FR"].sync().clean
    assert pair["FR"].state().sent == {"AU": 2, "DE": 1}
    assert list(pair.relay.numbered("FR", "AU", 1)) == [1, 2]


def test_two_copies_of_one_home_at_once_are_told_by_the_log_which_number_is_taken(pair: World) -> None:
    """One node for each authority gives numbers (PROTOCOL §4.2); this is what a second one runs into."""
    other = Member(pair, "FR", copied(pair, "FR"))
    pair.sync("FR")
    assert other.sync().clean
    pair["FR"].say("two", "AU", "DE")
    with pytest.raises(RelayRefused) as caught:
        other.say("instead", "AU")
    assert caught.value.reason == "number-taken"
    assert caught.value.hint is not None
    assert "envoi sync" in caught.value.hint
    assert other.state().outbox == (("accepted", 1), ("refused", None))
    # Before it signs anything else it reads what took the number.
    assert other.say("three", "AU", "DE").numbers == {"AU": 3, "DE": 3}
    assert other.state().outbox == (("accepted", 1), ("refused", None), ("accepted", 2), ("accepted", 3))
    assert other.state().alarms == ()
    assert audit(other.node.session).findings == ()
    other.close()
    pair.sync("AU", "DE", "FR")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two"), ("FR", "three")]


def test_a_restored_store_that_syncs_first_is_never_refused(pair: World) -> None:
    old = copied(pair, "FR")
    pair["FR"].say("two", "AU")
    pair["FR"].say("three", "AU")
    pair.sync("AU")
    restored(pair, "FR", old)
    pair.sync("FR")
    assert pair["FR"].say("four", "AU").numbers == {"AU": 4}
    pair.sync("AU", "FR")
    assert [text for _, text in pair["AU"].texts()] == ["one", "two", "three", "four"]


def test_a_restored_store_is_not_fooled_by_a_relay_that_hides_its_own_dispatches(pair: World) -> None:
    """Else it would sign a second dispatch under a number that is taken, and look like the liar."""
    old = copied(pair, "FR")
    pair["FR"].say("two", "AU")
    pair.sync("AU")
    restored(pair, "FR", old)
    pair.relay.show_feed = lambda caller, groups: [one for one in groups if caller != "FR" or one.index != 2]
    report = pair["FR"].sync()
    assert not report.clean
    assert any("AU acknowledges dispatch 2, which this member never sent" in alarm for alarm in report.alarms)
    with pytest.raises(PeerError, match="AU"):
        pair["FR"].say("instead", "AU")
    assert pair["FR"].state().sent == {"AU": 1, "DE": 1}
    pair.relay.be_honest()
    pair["FR"].sync()
    assert pair["FR"].say("three", "AU").numbers == {"AU": 3}
    pair.sync("AU", "FR")
    assert [text for _, text in pair["AU"].texts()] == ["one", "two", "three"]
