"""What became readable, in which order, and reading it again from an index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from envoi_client.store import Received, Store

from .stored import KEY, entry, path

__all__ = ["path"]  # a fixture


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store(path, KEY) as opened:
        yield opened


def put(store: Store, index: int, verdict: str = "ok") -> None:
    made = entry(index, verdict=verdict, body="{}" if verdict == "ok" else None)
    store.inbox.put(made, Received(b"note %d" % index, b"", b""))


def send(store: Store, index: int, *, accepted: bool = True) -> int:
    key = store.outbox.add_draft(b"draft", 1)
    store.outbox.sign(key, id=f"{index:064x}", note=b"note", submission=b"bytes", series=1, numbers={"DE": index}, at=1)
    if accepted:
        store.outbox.accept(key, index=index, proof=b"", at=1)
    return key


def indexes(store: Store, start: int = 0) -> list[tuple[int, bool]]:
    return [(one.index, one.own) for one in store.arrivals.readable(start)]


def test_nothing_is_readable_at_first(store: Store) -> None:
    assert store.arrivals.since(0) == (0, None)
    assert indexes(store) == []


def test_received_and_own_dispatches_stand_in_the_order_of_the_log(store: Store) -> None:
    put(store, 5)
    send(store, 3)
    put(store, 1)
    assert indexes(store) == [(1, False), (3, True), (5, False)]
    assert indexes(store, 2) == [(3, True), (5, False)]
    seq, lowest = store.arrivals.since(0)
    assert (seq, lowest) == (3, 1)
    assert store.arrivals.since(seq) == (3, None)
    assert [one.body for one in store.arrivals.readable(3)] == [b"draft", b"{}"]


def test_what_cannot_be_read_yet_arrives_when_it_can(store: Store) -> None:
    put(store, 1, "refused")
    put(store, 2, "refused")
    put(store, 3, "unopened")
    key = send(store, 4, accepted=False)
    assert store.arrivals.since(0) == (0, None)
    put(store, 1)  # a better answer of the relay
    put(store, 2)
    store.outbox.accept(key, index=4, proof=b"", at=1)
    seqs = [store.arrivals.since(seq) for seq in range(3)]
    assert seqs == [(3, 1), (3, 2), (3, 4)]
    put(store, 2)  # said again
    assert store.arrivals.since(3) == (3, None)


def test_a_refused_one_that_was_logged_after_all_and_one_of_before_a_restore_arrive(store: Store) -> None:
    key = send(store, 7, accepted=False)
    store.outbox.refuse(key, reason="number-gap", at=1)
    store.outbox.accept(key, index=7, proof=b"", at=1)
    store.outbox.recover(id="ab" * 32, note=b"note", series=1, numbers={"DE": 1}, index=8, at=1)
    assert [(one.index, one.own, one.body) for one in store.arrivals.readable(0)] == [
        (7, True, b"draft"),
        (8, True, b""),
    ]


def test_more_than_a_page_is_read_to_the_end(store: Store) -> None:
    with store.transaction():
        for index in range(1203):
            put(store, index)
    assert [one.index for one in store.arrivals.readable(1)] == list(range(1, 1203))
