"""What a receipt claims falsely, by who once had its signer's key, costs little and does not last (PROTOCOL §5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envoi_keys.errors import Refused
from envoi_keys.notes import Note
from envoi_keys.receipts import Direction, Receipt

from ..exchange import party, seed, sign
from .relay import Group
from .world import World

INVENTED = seed("made up").hex()


def show(world: World, **changes: Direction | int) -> bytes:
    """The relay shows FR a receipt of AU under AU's key that says something else than AU did."""
    said = Receipt.parse(Note.parse(world.relay.receipts["AU", "FR"]).text)
    note = sign(replace(said, **{"issued_at": said.issued_at + 1, **changes}).text(), party("AU").signer)  # type: ignore[arg-type]
    world.relay.receipts["AU", "FR"] = note
    return note


def readings(world: World, name: str) -> list[list[int]]:
    """The indexes that the feed brings ``name`` from now on, an entry for each answer that was not empty."""
    found: list[list[int]] = []

    def watch(caller: str, groups: list[Group]) -> list[Group]:
        if caller == name and groups:
            found.append([one.index for one in groups])
        return groups

    world.relay.show_feed = watch
    return found


def test_a_false_acknowledgement_stops_our_numbers_until_a_true_one_over_a_larger_log(pair: World) -> None:
    true = pair.relay.receipts["AU", "FR"]
    false = show(pair, received=Direction(1, 1000, INVENTED), opened_through=1000)
    assert not pair["FR"].sync().clean
    with pytest.raises(Refused, match="AU has acknowledged dispatch 1000"):
        pair["FR"].say("two", "AU")
    # AU says the truth: over the same log that is one word against another, over a larger one it is the later word.
    pair.relay.receipts["AU", "FR"] = true
    pair.sync("FR")
    with pytest.raises(Refused, match="AU has acknowledged dispatch 1000"):
        pair["FR"].say("two", "AU")
    pair["DE"].say("something", "AU")
    pair.sync("AU", "FR")
    pair.now += 24 * 3600
    pair.sync("AU", "FR")
    assert pair["FR"].say("two", "AU").numbers == {"AU": 2}
    # Shown again, it is an old receipt, and stops nothing.
    pair.relay.receipts["AU", "FR"] = false
    pair.sync("FR")
    assert pair["FR"].say("three", "AU").numbers == {"AU": 3}


def test_a_false_word_on_what_was_sent_does_not_silence_its_true_sender(pair: World) -> None:
    show(pair, sent=Direction(1, 1000, INVENTED))
    assert not pair["FR"].sync().clean
    pair["AU"].say("one of AU", "FR")
    pair.sync("AU", "FR")
    assert pair["FR"].texts() == [("AU", "one of AU")]
    held = pair["FR"].store.receipts.get("AU", "FR")
    assert held is not None
    assert held.note == pair.relay.receipts["AU", "FR"]


@pytest.mark.parametrize(
    "false",
    [{"sent": Direction(1, 1000, INVENTED)}, {"received": Direction(1, 1000, INVENTED)}],
    ids=["sent", "received"],
)
def test_a_false_claim_does_not_make_every_sync_read_the_feed_again(pair: World, false: dict[str, Direction]) -> None:
    pair["DE"].say("one of DE", "FR")
    pair["DE"].say("two of DE", "FR")
    pair.sync("FR")
    show(pair, **false)
    read = readings(pair, "FR")
    for _ in range(40):
        assert not pair["FR"].sync().clean
    assert 1 <= len(read) <= 8
    # It is asked again all the same: the claim may be true, and the relay honest one day.
    pair.now += 3600
    for _ in range(2):
        pair["FR"].sync()
    assert read[-1] == read[0]
    before = len(read)
    pair.now -= 30 * 24 * 3600
    for _ in range(2):
        pair["FR"].sync()
    assert len(read) == before + 1
