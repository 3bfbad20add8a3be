"""The rules of each part of the local store."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from envoi_client.limits import MAX_OPEN_ALARMS
from envoi_client.log_view import LogView, Seen
from envoi_client.store import (
    Blob,
    Link,
    Received,
    Store,
    StoredDelegation,
    StoredReceipt,
    StoredRoster,
)
from envoi_keys.errors import LocalError

from .stored import KEY, RECEIVED, entry, path

__all__ = ["path"]  # a fixture


# -- the log


def test_the_log_is_appended_in_order_and_read_in_pages(path: Path) -> None:
    with Store(path, KEY) as store:
        entries = [("envoi/dispatch/v1", f"{index:064x}") for index in range(2500)]
        entries[7] = ("envoi/roster/v1", "ff" * 32)
        store.log.append(0, entries[:1000])
        store.log.append(1000, entries[1000:])
        with pytest.raises(ValueError, match="in order"):
            store.log.append(7, entries[:1])
        assert store.log.count() == 2500
        assert list(store.log.entries()) == entries
        assert list(store.log.entries(999, 1001)) == entries[999:1001]
        assert store.log.entry(7) == entries[7]
        assert store.log.entry(2500) is None
        assert store.log.indexes_of("envoi/roster/v1") == [7]


def test_the_view_and_the_cursor_begin_empty(path: Path) -> None:
    with Store(path, KEY) as store:
        assert store.log.view() == LogView.empty()
        assert store.log.cursor == -1
        view = LogView(5, b"frontier", b"checkpoint")
        store.log.set_view(view)
        store.log.cursor = 4
        assert store.log.view() == view
        assert store.log.cursor == 4


def test_two_heads_of_one_size_are_both_kept(path: Path) -> None:
    mine, theirs = Seen(9, b"a" * 32, b"one", "the relay"), Seen(9, b"b" * 32, b"two", "FR")
    with Store(path, KEY) as store:
        assert store.log.largest_seen() is None
        store.log.note_seen(mine, verified=True, at=1)
        store.log.note_seen(theirs, verified=False, at=1)
        store.log.note_seen(mine, verified=False, at=2)  # shown again: what was verified stays so
        store.log.note_seen(Seen(12, b"c" * 32, b"three", "JP"), verified=False, at=2)
        assert store.log.unverified_seen(9) == [theirs]
        assert store.log.unverified_seen(8) == []
        largest = store.log.largest_seen()
        assert largest is not None
        assert largest.size == 12
        store.log.mark_verified([theirs])
        assert [seen.size for seen in store.log.unverified_seen(100)] == [12]


# -- rosters


def test_a_roster_never_takes_the_place_of_another(path: Path) -> None:
    with Store(path, KEY) as store:
        assert store.rosters.newest() is None
        store.rosters.add(StoredRoster(1, "aa", None, b"first"))
        store.rosters.add(StoredRoster(1, "aa", 0, b"first"))
        store.rosters.add(StoredRoster(2, "bb", 5, b"second"))
        with pytest.raises(ValueError, match="another roster"):
            store.rosters.add(StoredRoster(2, "cc", 6, b"forked"))
        assert store.rosters.all() == [
            StoredRoster(1, "aa", 0, b"first"),
            StoredRoster(2, "bb", 5, b"second"),
        ]
        assert store.rosters.newest() == store.rosters.at(2)
        assert store.rosters.at(3) is None


def test_delegations_stand_in_the_order_of_the_log(path: Path) -> None:
    first, second = (
        StoredDelegation(4, "FR", "FR/iem-1", b"a"),
        StoredDelegation(9, "FR", "FR/iem-2", b"b"),
    )
    with Store(path, KEY) as store:
        store.rosters.add_delegation(second)
        store.rosters.add_delegation(first)
        store.rosters.add_delegation(first)
        assert store.rosters.delegations() == [first, second]


# -- the inbox


def test_only_a_refused_dispatch_gives_way(path: Path) -> None:
    with Store(path, KEY) as store:
        assert store.inbox.put(entry(1, verdict="refused", reason="bad-signature", body=None), RECEIVED)
        assert store.inbox.put(entry(1), Received(b"better", b"o", b"s"))
        assert not store.inbox.put(entry(1, sender="XX"), RECEIVED)
        found = store.inbox.at(1)
        assert found is not None
        assert (found.sender, found.verdict) == ("DE", "ok")
        assert store.inbox.received(1) == Received(b"better", b"o", b"s")


def test_the_inbox_finds_and_counts(path: Path) -> None:
    with Store(path, KEY) as store:
        with store.transaction():
            for index in range(1, 1201):
                store.inbox.put(entry(index), RECEIVED)
        store.inbox.put(entry(1300, sender="FR", number=1, verdict="unopened", body=None), RECEIVED)
        store.inbox.put(entry(1301, sender="FR", number=None, verdict="refused", body=None), RECEIVED)
        assert [entry.index for entry in store.inbox.listing(sender="FR")] == [1300, 1301]
        assert [entry.index for entry in store.inbox.listing(verdict="refused")] == [1301]
        assert sum(1 for _ in store.inbox.listing()) == store.inbox.count() == 1202
        store.inbox.mark_read(1, 50)
        store.inbox.mark_read(1, 60)
        first = store.inbox.at(1)
        assert first is not None
        assert first.read_at == 50
        assert store.inbox.count(unread=True) == 1201
        assert next(store.inbox.listing(unread=True)).index == 2
        assert [entry.index for entry in store.inbox.find(f"{1300:064X}")] == [1300]
        assert len(store.inbox.find("0")) == 10
        assert store.inbox.find("%") == []
        assert [entry.index for entry in store.inbox.numbered("DE", 1, 7)] == [7]
        assert store.inbox.not_opened("FR", 1) == [1]
        assert store.inbox.last_index("FR") == 1300
        assert store.inbox.last_index("JP") == -1


# -- the outbox and the numbers


def _sign(store: Store, key: int, name: str, numbers: dict[str, int]) -> None:
    store.outbox.sign(
        key, id=name, note=b"note", submission=b"bytes of " + name.encode(), series=1, numbers=numbers, at=2
    )


def test_a_dispatch_goes_from_draft_to_accepted(path: Path) -> None:
    with Store(path, KEY) as store:
        key = store.outbox.add_draft(b"draft", 1)
        _sign(store, key, "ab", {"DE": 1, "JP": 1})
        assert [entry.key for entry in store.outbox.listing("signed")] == [key]
        store.outbox.accept(key, index=5, proof=b"proof", at=3)
        entry = store.outbox.get(key)
        assert entry is not None
        assert (entry.state, entry.index, entry.numbers) == ("accepted", 5, {"DE": 1, "JP": 1})
        assert store.outbox.proof(key) == b"proof"
        assert store.outbox.find("AB") == [entry]
        assert store.outbox.get(99) is None
        assert store.outbox.submission(99) is None


def test_no_state_is_skipped(path: Path) -> None:
    with Store(path, KEY) as store:
        key = store.outbox.add_draft(b"draft", 1)
        with pytest.raises(ValueError, match="state"):
            store.outbox.accept(key, index=1, proof=b"", at=2)
        with pytest.raises(ValueError, match="state"):
            store.outbox.reopen(key, 2)
        _sign(store, key, "ab", {"DE": 1})
        with pytest.raises(ValueError, match="state"):
            _sign(store, key, "cd", {"DE": 1})
        with pytest.raises(ValueError, match="state"):
            store.outbox.discard(key)
        assert [entry.id for entry in store.outbox.listing()] == ["ab"]


def test_a_refused_dispatch_gives_its_numbers_back(path: Path) -> None:
    with Store(path, KEY) as store:
        assert store.numbers.next_to_sign("DE", 1) == 1
        key = store.outbox.add_draft(b"draft", 1)
        _sign(store, key, "ab", {"DE": 1})
        assert store.numbers.next_to_sign("DE", 1) == 2
        assert store.numbers.next_to_sign("DE", 2) == 1
        store.outbox.refuse(key, reason="roster-outdated", at=3)
        assert store.numbers.next_to_sign("DE", 1) == 1
        store.outbox.reopen(key, 4)
        entry = store.outbox.get(key)
        assert entry is not None
        assert (entry.state, entry.id, entry.numbers, entry.draft) == ("draft", None, {}, b"draft")
        store.outbox.discard(key)
        assert store.outbox.listing() == []


def test_what_the_log_holds_after_a_restore_is_recovered(path: Path) -> None:
    with Store(path, KEY) as store:
        key = store.outbox.recover(id="ab", note=b"note", series=1, numbers={"DE": 3}, index=9, at=1)
        entry = store.outbox.get(key)
        assert entry is not None
        assert (entry.state, entry.index, entry.numbers) == ("accepted", 9, {"DE": 3})


def test_a_sequence_has_no_gap_and_no_repetition(path: Path) -> None:
    with Store(path, KEY) as store:
        assert store.numbers.last("sent", "DE", 1) == Link(0, "", bytes(32))
        store.numbers.append("sent", "DE", 1, Link(1, "aa", b"1" * 32))
        store.numbers.append("sent", "DE", 1, Link(2, "bb", b"2" * 32))
        store.numbers.append("received", "DE", 1, Link(1, "cc", b"3" * 32))
        for number in (0, 2, 4):
            with pytest.raises(ValueError, match="no gaps"):
                store.numbers.append("sent", "DE", 1, Link(number, "dd", b"4" * 32))
        assert store.numbers.last("sent", "DE", 1) == Link(2, "bb", b"2" * 32)
        assert store.numbers.at("sent", "DE", 1, 1) == Link(1, "aa", b"1" * 32)
        assert store.numbers.at("sent", "DE", 1, 0) == Link(0, "", bytes(32))
        assert store.numbers.at("sent", "DE", 1, 3) is None
        assert store.numbers.next_to_sign("DE", 1) == 3
        assert store.numbers.peers("sent") == {("DE", 1): Link(2, "bb", b"2" * 32)}


# -- receipts, blobs, alarms


def test_the_newest_receipt_of_a_pair_is_kept(path: Path) -> None:
    old, new = StoredReceipt("DE", "FR", "aa", 1, b"old"), StoredReceipt("DE", "FR", "bb", 2, b"new")
    own = StoredReceipt("FR", "DE", "cc", 2, b"own")
    with Store(path, KEY) as store:
        for receipt in (old, new, own):
            store.receipts.put(receipt)
        assert store.receipts.get("DE", "FR") == new
        assert store.receipts.get("JP", "FR") is None
        assert store.receipts.addressed_to("FR") == [new]


def test_a_blob_is_found_by_its_hash_in_its_newest_state(path: Path, tmp_path: Path) -> None:
    outgoing = Blob("aa", 500, tmp_path / "aa", "outgoing")
    with Store(path, KEY) as store:
        store.blobs.put(outgoing)
        assert store.blobs.get("aa") == outgoing
        store.blobs.put(Blob("aa", 500, tmp_path / "aa", "uploaded"))
        found = store.blobs.get("aa")
        assert found is not None
        assert found.state == "uploaded"
        assert store.blobs.get("cc") is None


def test_the_same_finding_is_one_alarm_with_its_evidence(path: Path) -> None:
    with Store(path, KEY) as store:
        assert store.alarms.add("fork", "two heads of size 9", (b"one", b"two"), 1)
        assert not store.alarms.add("fork", "two heads of size 9", (b"three",), 2)
        (alarm,) = store.alarms.listing()
        assert (alarm.kind, alarm.at) == ("fork", 1)
        assert store.alarms.evidence(alarm.key) == (b"one", b"two")
        store.alarms.acknowledge(alarm.key, 5)
        assert store.alarms.listing(open_only=True) == []
        assert len(store.alarms.listing()) == 1


def test_findings_of_one_kind_beyond_the_limit_are_counted_and_not_kept(path: Path) -> None:
    with Store(path, KEY) as store:
        with store.transaction():
            for at in range(MAX_OPEN_ALARMS):
                assert store.alarms.add("refused", f"dispatch {at}", (b"evidence",), at)
        assert store.alarms.add("refused", "one more", (b"evidence",), 5000)
        assert store.alarms.add("refused", "and another", (b"evidence",), 5001)
        assert not store.alarms.add("refused", "dispatch 7", (), 5002)
        assert store.alarms.add("fork", "of another kind", (), 5003)
        listing = store.alarms.listing()
        assert (len(listing), sum(one.more for one in listing)) == (MAX_OPEN_ALARMS + 1, 2)
        *_, last, other = listing
        assert str(last) == f"refused: dispatch {MAX_OPEN_ALARMS - 1}; and 2 more of this kind"
        assert str(other) == "fork: of another kind"
        # Who has looked at them makes room for those that come.
        store.alarms.acknowledge(listing[0].key, 6000)
        assert store.alarms.add("refused", "one more", (b"evidence",), 6001)
        newest = store.alarms.listing()[-1]
        assert (newest.detail, store.alarms.evidence(newest.key)) == ("one more", (b"evidence",))


def test_a_copy_of_the_files_at_any_moment_opens(path: Path, tmp_path: Path) -> None:
    with Store(path, KEY) as store:
        store.outbox.add_draft(b"draft", 1)
        copied = tmp_path / "copy"
        copied.mkdir()
        for file in ("store.db", "store.db-wal"):
            shutil.copy2(path.parent / file, copied / file)
    with Store(copied / "store.db", KEY) as store:
        assert [entry.draft for entry in store.outbox.listing()] == [b"draft"]


def test_a_disk_error_below_is_our_own_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> int:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(LocalError, match="permission denied"):
        Store(path, KEY)
