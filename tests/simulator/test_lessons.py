"""What hurt the users of systems like this one, each rule a test: the part of it that is a member's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from envoi_client.age import HybridIdentity, NoMatch, unseal
from envoi_client.node.receipts import heartbeat
from envoi_client.transport import RelayRefused
from envoi_keys.dispatches import Dispatch
from envoi_keys.errors import LocalError, NetworkError, Refused
from envoi_keys.notes import Note

from ..exchange import party
from .relay import problem
from .world import Member, World

DAY = 24 * 3600
Honest = Callable[[], httpx.Response]


# Keys and membership


@pytest.mark.parametrize("status", ["suspended", "left"])
def test_nobody_is_skipped_silently(pair: World, status: str) -> None:
    """Refused with the partner's name, before anything is signed; left out only by naming the others."""
    changed = pair.exchange.changed("AU", status=status)
    pair.follow(pair.exchange.succeed(pair.exchange.propose(**changed), len(pair.relay.entries)))
    pair.sync("FR")
    before = pair["FR"].state()
    with pytest.raises(Refused, match=f"AU is {status}") as caught:
        pair["FR"].say("two", "AU", "DE")
    assert caught.value.hint is not None
    assert "AU" in caught.value.hint
    assert pair["FR"].state() == before
    assert pair["FR"].say("two", "DE").numbers == {"DE": 2}


def test_an_expired_roster_signs_nothing_and_says_so(pair: World) -> None:
    pair.now = pair.exchange.roster.expires + 1
    before = pair["FR"].state()
    with pytest.raises(Refused, match="roster 1 has expired"):
        pair["FR"].say("two", "AU")
    assert pair["FR"].state() == before


def test_an_expired_roster_still_lets_a_member_read(pair: World) -> None:
    pair["FR"].say("two", "AU")
    pair.now = pair.exchange.roster.expires + 1
    pair.sync("AU")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two")]


def test_clients_notice_a_restored_relay(pair: World) -> None:
    backup = pair.relay.fork()
    pair["FR"].say("two", "AU")
    pair.sync("AU", "FR")
    for name in ("FR", "AU"):
        pair[name].line.relay = backup
        with pytest.raises(Refused) as caught:
            pair[name].sync()
        assert caught.value.reason == "stale-log"
        assert "rolled back" in (caught.value.hint or "")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two")]


def test_the_roster_version_and_the_recipients_stand_in_the_header(pair: World) -> None:
    header = Dispatch.parse(Note.parse(pair.relay.entries[1].note).text)
    assert (header.roster, header.recipients) == (1, ("AU", "DE"))


# Distribution


def test_empty_recipients_are_an_error_and_never_everybody(pair: World) -> None:
    before = pair["FR"].state()
    with pytest.raises(Refused) as caught:
        pair["FR"].say("to whom?")
    assert caught.value.reason == "no-recipients"
    assert (pair["FR"].state(), len(pair.relay.entries)) == (before, 2)


def test_a_caveated_group_is_itself_a_secret(pair: World) -> None:
    """What FR and DE exchange is nothing that JP is served; only that there is an entry."""
    pair["FR"].say("between us", "DE")
    pair.sync("JP")
    assert pair["JP"].state().inbox == ()
    assert pair["JP"].state().log == 3
    shown = pair.relay.groups("JP", -1)
    assert [one.index for one in shown] == [0]


def test_numbers_that_others_see_do_not_count_what_they_are_not_part_of(pair: World) -> None:
    for text in ("two", "three", "four"):
        pair["FR"].say(text, "DE")
    pair["FR"].say("to both", "AU", "DE")
    pair.sync("AU")
    header = Dispatch.parse(Note.parse(pair.relay.entries[5].note).text)
    raw = pair.relay.entries[5]
    assert pair["AU"].entry(5).number == 2
    assert pair["AU"].store.inbox.received(5) is not None
    theirs = raw.openings["DE"]
    received = pair["AU"].store.inbox.received(5)
    assert received is not None
    assert theirs not in (received.opening, received.note, received.sealed)
    assert dict(header.to)["AU"] != dict(header.to)["DE"]


def test_signed_bytes_are_never_serialised_again(pair: World) -> None:
    received = pair["AU"].store.inbox.received(1)
    assert received is not None
    assert received.note == pair.relay.entries[1].note
    sent = pair["FR"].store.outbox.listing()[0]
    assert sent.note == received.note


# Cursors, sync, duplicates


def test_a_cursor_is_a_log_index_and_can_be_repeated(pair: World) -> None:
    pair["FR"].say("two", "AU")
    pair.sync("AU")
    pair["AU"].node.session.read_again(-1)
    pair.sync("AU")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two")]
    assert pair["AU"].state().received == {"FR": 2}


def test_an_empty_answer_is_not_taken_for_the_end_of_the_log(pair: World) -> None:
    """Healthy to look at and silently ingesting nothing: the senders' receipts say what there is."""
    pair["FR"].say("two", "AU")
    pair.sync("FR")
    pair.relay.show_feed = lambda _, __: []
    report = pair["AU"].sync()
    assert not report.clean
    assert report.log_size == 3
    assert pair["AU"].state().alarms == ("withheld",)


def test_a_retry_is_the_same_dispatch_and_its_answer_the_same(pair: World) -> None:
    sent: list[bytes] = []
    answers: list[bytes] = []

    def lossy(request: httpx.Request, honest: Honest) -> httpx.Response:
        answer = honest()
        if (request.method, request.url.path) != ("POST", "/v1/dispatches"):
            return answer
        sent.append(request.content)
        answers.append(answer.content)
        if len(sent) < 4:
            raise httpx.ReadTimeout("no answer")
        return answer

    pair.relay.answer = lossy
    pair["FR"].say("two", "AU")
    assert len(sent) == 4
    assert len(set(sent)) == len(set(answers)) == 1
    assert list(pair.relay.numbered("FR", "AU", 1)) == [1, 2]


def test_what_was_refused_is_not_retried_for_ever(pair: World) -> None:
    pair.relay.answer = lambda request, honest: (
        problem(403, "inactive-recipient")
        if (request.method, request.url.path) == ("POST", "/v1/dispatches")
        else honest()
    )
    with pytest.raises(RelayRefused):
        pair["FR"].say("two", "AU")
    assert pair["FR"].state().outbox == (("accepted", 1), ("refused", None))
    pair.spoken.discard(("FR", "AU", "two"))
    pair.relay.be_honest()
    for _ in range(2):
        assert pair["FR"].sync().sent == []
    assert len(pair.relay.entries) == 2
    # Its number is not lost.
    assert pair["FR"].say("instead", "AU").numbers == {"AU": 2}


def test_one_dispatch_that_the_relay_will_not_have_does_not_hold_up_the_queue(pair: World) -> None:
    def away(request: httpx.Request, honest: Honest) -> httpx.Response:
        if (request.method, request.url.path) == ("POST", "/v1/dispatches"):
            raise httpx.ConnectError("away")
        return honest()

    pair.relay.answer = away
    for name in ("AU", "DE"):
        with pytest.raises(NetworkError):
            pair["FR"].say(f"to {name}", name)
    first = pair["FR"].store.outbox.listing("signed")[0].note
    assert first is not None

    def never(request: httpx.Request, honest: Honest) -> httpx.Response:
        return problem(403, "blob-not-yours") if first in request.content else honest()

    pair.relay.answer = never
    report = pair["FR"].sync()
    assert (len(report.sent), len(report.refusals)) == (1, 1)
    pair.sync("DE")
    assert pair["DE"].texts() == [("FR", "one"), ("FR", "to DE")]


def test_a_message_signed_with_another_partys_key_is_not_that_partys(pair: World) -> None:
    case = pair.forge("FR", {"AU": 2})
    as_jp = replace(case.dispatch, sender="JP")
    index = pair.relay.log_dispatch(pair.exchange.signed(case.dispatch), case.openings, case.sealed)
    raw = Note(as_jp.text(), Note.parse(case.note).signatures).serialise()
    other = pair.relay.log_dispatch(raw, case.openings, case.sealed)
    pair.spoken.add(("FR", "AU", ""))
    pair["AU"].sync()
    assert pair["AU"].entry(index).verdict == "ok"
    assert (pair["AU"].entry(other).verdict, pair["AU"].entry(other).sender) == ("refused", "")


def test_a_network_break_needs_no_restart(pair: World) -> None:
    def gone(_: httpx.Request, __: Honest) -> httpx.Response:
        raise httpx.ConnectError("no route")

    pair.relay.answer = gone
    for _ in range(3):
        with pytest.raises(NetworkError):
            pair["AU"].sync()
    pair.relay.be_honest()
    pair["FR"].say("two", "AU")
    pair.sync("AU")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two")]


def test_a_token_lost_in_a_restart_of_the_relay_is_asked_for_again(pair: World) -> None:
    valid: set[str] = set()

    def forgetful(request: httpx.Request, honest: Honest) -> httpx.Response:
        if request.url.path == "/v1/token":
            valid.add("now")
            return honest()
        return honest() if valid else problem(401, "unauthorised")

    pair.relay.answer = forgetful
    pair.sync("AU")
    assert valid


# Operation


def test_clock_jumps_change_nothing_but_what_is_shown(pair: World) -> None:
    for jump in (400 * DAY, -800 * DAY, 400 * DAY):
        pair.now += jump
        pair["FR"].say(f"at {pair.now}", "AU")
        pair.now -= 2 * jump
        pair.sync("AU")
        pair.now += 2 * jump
        pair.sync("FR")
    assert len(pair["AU"].texts()) == 4
    assert pair["AU"].state().received == {"FR": 4}
    assert pair["AU"].receipt_for("FR").received.through == 4
    for name in ("FR", "AU"):
        assert pair[name].state().alarms == ()
    held = pair["FR"].store.receipts.get("AU", "FR")
    assert held is not None
    assert held.note == pair.relay.receipts["AU", "FR"]


def test_a_back_dated_dispatch_takes_its_place_by_the_log(pair: World) -> None:
    """The sender's clock is its word and decides nothing: neither order nor number."""
    pair.spoken |= {("DE", "AU", "long ago")}
    pair["FR"].say("two", "AU")
    pair.now -= 10_000 * DAY
    pair["DE"].say("long ago", "AU")
    pair.now += 10_000 * DAY
    pair.sync("AU")
    assert pair["AU"].texts() == [("FR", "one"), ("FR", "two"), ("DE", "long ago")]


def test_a_silent_member_sends_its_heartbeat_by_the_logs_time(pair: World) -> None:
    first = pair.relay.receipts["AU", "FR"]
    pair["DE"].sync()
    pair.sync("AU")
    assert pair.relay.receipts["AU", "FR"] == first
    pair.now += 2 * DAY
    # Nothing has changed but the time of a new checkpoint.
    pair["JP"].sync()
    pair["JP"].say("time passes", "DE")
    pair.sync("AU")
    assert pair.relay.receipts["AU", "FR"] != first
    assert (heartbeat(pair["FR"].node.session, "AU") or 0) < pair.now - DAY
    pair.sync("FR")
    assert (heartbeat(pair["FR"].node.session, "AU") or 0) > pair.now - DAY


# Cryptographic pitfalls


def test_no_nonce_and_no_file_key_is_used_twice(pair: World) -> None:
    pair["FR"].say("one", "AU", "DE")
    pair["FR"].say("one", "AU", "DE")
    bodies = [entry.body for entry in pair.relay.entries[1:]]
    assert len(set(bodies)) == len({body[-64:] for body in bodies}) == 3
    openings = [opening for entry in pair.relay.entries[1:] for opening in entry.openings.values()]
    assert len({opening[:32] for opening in openings}) == len(openings) == 6


def test_the_same_text_to_all_is_one_ciphertext_that_all_open(pair: World) -> None:
    body = pair.relay.entries[1].body
    plain = {unseal(body, [HybridIdentity(party(name).sealing_seeds[0])]) for name in ("AU", "DE")}
    assert len(plain) == 1


def test_a_wrap_for_a_removed_member_is_not_made(pair: World) -> None:
    changed = pair.exchange.changed("DE", status="left")
    pair.follow(pair.exchange.succeed(pair.exchange.propose(**changed), len(pair.relay.entries)))
    pair.sync("FR")
    pair["FR"].say("two", "AU")
    with pytest.raises(NoMatch):
        unseal(pair.relay.entries[-1].body, [HybridIdentity(party("DE").sealing_seeds[0])])


def test_a_home_at_work_is_not_opened_twice(pair: World) -> None:
    assert pair["FR"].node.me == "FR"
    second = Member(pair, "FR", pair["FR"].home)
    with pytest.raises(LocalError, match="another envoi process"):
        second.sync()
