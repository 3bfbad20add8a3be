"""One history: a log that is stale, forked, shortened or not what was signed (PROTOCOL §7.3)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_client.log_view import LogView, Seen, advance, contradictions, missing
from envoi_keys.checkpoints import SignedCheckpoint, verify_checkpoint
from envoi_keys.entries import log_entry
from envoi_keys.errors import Fraud, PeerError, Refused, Unverified
from envoi_keys.merkle import EMPTY_ROOT, MerkleTree, leaf_hash
from envoi_keys.statements import DISPATCH

from ...exchange import NOW, log_signer

ENTRIES = [log_entry(DISPATCH, b"%d" % number) for number in range(20)]
FORKED = [*ENTRIES[:7], log_entry(DISPATCH, b"other"), *ENTRIES[8:]]


def head(entries: Sequence[bytes], size: int | None = None) -> SignedCheckpoint:
    """The checkpoint that the log signs over the first ``size`` entries."""
    tree = MerkleTree(map(leaf_hash, entries[:size]))
    return verify_checkpoint(log_signer().sign(tree.size, tree.root(), NOW + tree.size), log_signer().public)


def view(size: int, entries: Sequence[bytes] = ENTRIES) -> LogView:
    """The view of a member that has read ``size`` entries."""
    return advance(LogView.empty(), head(entries, size), entries[:size], ())


def seen(size: int, entries: Sequence[bytes] = ENTRIES, source: str = "AU") -> Seen:
    found = head(entries, size)
    return Seen(found.size, found.root, found.note.serialise(), source)


def fraud(caught: pytest.ExceptionInfo[Fraud], *evidence: bytes) -> None:
    """Asserts which signed bytes accuse."""
    assert caught.value.evidence == evidence


def test_an_empty_view_has_read_nothing() -> None:
    assert LogView.empty().root() == EMPTY_ROOT
    assert missing(LogView.empty(), head(ENTRIES, 0)) == range(0)
    assert missing(LogView.empty(), head(ENTRIES, 3)) == range(3)


def test_a_log_that_grew_is_followed_whatever_the_steps() -> None:
    at = LogView.empty()
    for size in (1, 1, 2, 7, 8, 9, 20):
        wanted = missing(at, head(ENTRIES, size))
        assert wanted == range(at.size, size)
        at = advance(at, head(ENTRIES, size), [ENTRIES[index] for index in wanted], ())
        assert (at.size, at.root()) == (size, head(ENTRIES, size).root)
    # What is kept is the signed note, to show to others.
    assert verify_checkpoint(at.checkpoint, log_signer().public).size == 20


def test_a_stale_log_is_refused_and_nobody_is_accused() -> None:
    with pytest.raises(Refused) as caught:
        missing(view(9), head(ENTRIES, 8))
    assert caught.value.reason == "stale-log"
    with pytest.raises(Refused):
        advance(view(9), head(ENTRIES, 8), [], ())
    with pytest.raises(Refused):
        missing(view(1), head(ENTRIES, 0))


def test_two_heads_of_one_size_are_fraud_and_both_notes_are_the_evidence() -> None:
    mine, other = view(9), head(FORKED, 9)
    for call in (lambda: missing(mine, other), lambda: advance(mine, other, [], ())):
        with pytest.raises(Fraud) as caught:
            call()
        fraud(caught, mine.checkpoint, other.note.serialise())


def test_a_forked_log_is_fraud_though_its_own_entries_fit_it() -> None:
    mine, other = view(9), head(FORKED, 15)
    with pytest.raises(Fraud) as caught:
        advance(mine, other, FORKED[9:15], ())
    fraud(caught, mine.checkpoint, other.note.serialise())


def test_a_fork_above_what_was_read_is_not_a_fork_for_this_reader() -> None:
    assert advance(view(7), head(FORKED, 9), FORKED[7:9], ()).size == 9


@pytest.mark.parametrize("count", [0, 5, 7])
def test_entries_too_few_or_too_many_are_refused(count: int) -> None:
    with pytest.raises(Unverified, match=f"{count} log entries instead of 6"):
        advance(view(9), head(ENTRIES, 15), ENTRIES[9 : 9 + count], ())


def test_entries_that_are_altered_exchanged_or_left_out_are_noticed() -> None:
    good = ENTRIES[9:15]
    for entries in (
        [good[1], good[0], *good[2:]],
        [*good[:5], log_entry(DISPATCH, b"hidden")],
        [*good[:5], good[0]],
        [*good[:5], b""],
        FORKED[:6],
    ):
        with pytest.raises(Fraud):
            advance(view(9), head(ENTRIES, 15), entries, ())


def test_a_view_that_fails_is_left_as_it_was() -> None:
    mine = view(9)
    before = (mine.size, mine.root(), mine.checkpoint)
    with pytest.raises(Fraud):
        advance(mine, head(FORKED, 15), FORKED[9:15], ())
    assert (mine.size, mine.root(), mine.checkpoint) == before


# Checkpoints seen elsewhere


def test_a_checkpoint_seen_elsewhere_on_this_history_is_passed() -> None:
    others = [seen(size) for size in (15, 9, 12, 12, 10)]
    assert advance(view(9), head(ENTRIES, 15), ENTRIES[9:15], others).size == 15


@pytest.mark.parametrize("size", [9, 10, 12, 15])
def test_a_checkpoint_seen_on_another_history_is_fraud_by_its_size(size: int) -> None:
    other = seen(size, FORKED, "the receipt of AU")
    with pytest.raises(Fraud, match=f"receipt of AU shows another history of the first {size}") as caught:
        advance(view(9), head(ENTRIES, 15), ENTRIES[9:15], [seen(11), other, seen(13)])
    fraud(caught, other.note)


def test_a_checkpoint_above_the_head_waits_for_another_time() -> None:
    later = seen(18, FORKED)
    at = advance(view(9), head(ENTRIES, 15), ENTRIES[9:15], [later])
    with pytest.raises(Fraud):
        advance(at, head(ENTRIES, 20), ENTRIES[15:20], [later])


def test_an_acknowledgement_that_was_never_logged_is_fraud_when_its_size_is_reached() -> None:
    # The relay signed a head with our dispatch in it, and went on without it.
    acknowledged = seen(10, [*ENTRIES[:9], log_entry(DISPATCH, b"ours")], "our acknowledgement")
    with pytest.raises(Fraud, match="our acknowledgement"):
        advance(view(9), head(ENTRIES, 15), ENTRIES[9:15], [acknowledged])


def test_an_old_checkpoint_is_checked_against_everything_that_was_read() -> None:
    assert contradictions(ENTRIES, [seen(size) for size in (20, 0, 3, 7, 7)]) == []
    assert contradictions(iter(ENTRIES), [seen(4)]) == []
    assert contradictions(ENTRIES, []) == []
    for size in (8, 20):
        other = seen(size, FORKED)
        ((culprit, found),) = contradictions(ENTRIES, [seen(3), other, seen(20)])
        assert (culprit, found.evidence) == (other, (other.note,))
    # A history that parts later is the same until then, and what is larger is for another time.
    assert contradictions(ENTRIES, [seen(7, FORKED)]) == []
    assert contradictions(ENTRIES[:9], [seen(20, FORKED)]) == []


def test_a_head_that_could_never_be_read_is_refused_before_it_is_tried() -> None:
    signed = verify_checkpoint(log_signer().sign(2**60, b"\x01" * 32, NOW), log_signer().public)
    with pytest.raises(Refused) as caught:
        missing(view(5), signed)
    assert caught.value.reason == "log-too-large"
    assert len(
        missing(view(5), verify_checkpoint(log_signer().sign(5 + 2**22, b"\x01" * 32, NOW), log_signer().public))
    )


# Properties


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20), st.booleans(), st.booleans())
def test_no_two_histories_are_ever_both_believed(
    read: int, size: int, other: int, forked_head: bool, forked_seen: bool
) -> None:
    entries = FORKED if forked_head else ENTRIES
    shown = seen(other, FORKED if forked_seen else ENTRIES)
    mine = view(read)
    try:
        after = advance(mine, head(entries, size), entries[read:size], [shown])
    except PeerError:
        # Refused only for a reason: stale, or one of the two lies on another history.
        assert size < read or (forked_head and read > 7) or (forked_head != forked_seen and other > 7)
        return
    assert after.root() == head(entries, size).root
    assert not (forked_head and read > 7 and size > 7)
    if read <= other <= size and other > 7:
        assert forked_head == forked_seen
