"""What `storage.Records` promises, held against every implementation: durable, atomic, immutable, fenced.

A later backend joins by another parameter of the fixture.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from envoi_server import models, storage
from envoi_server.sqlite_records import WRITE_POINTS, SqliteRecords
from envoi_server.storage import (
    Batch,
    CheckpointRow,
    CosignatureRow,
    DelegationRow,
    DispatchRow,
    EnrolmentRow,
    EntryRow,
    FeedRow,
    NumberRow,
    ReceiptRow,
    RecipientRow,
    Records,
    ReferenceRow,
    RosterRow,
    StorageError,
    UploadRow,
)

from .harness import database

ROWS: dict[str, Any] = {
    "entries": EntryRow,
    "checkpoints": CheckpointRow,
    "dispatches": DispatchRow,
    "recipients": RecipientRow,
    "numbers": NumberRow,
    "rosters": RosterRow,
    "delegations": DelegationRow,
    "cosignatures": CosignatureRow,
    "receipts": ReceiptRow,
    "enrolments": EnrolmentRow,
    "blob_uploads": UploadRow,
    "blob_references": ReferenceRow,
}
Open = Callable[[], Records]


@pytest.fixture(params=["sqlite"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the same records as often as a test asks."""
    url = database(tmp_path)
    found: list[Records] = []

    def again() -> Records:
        found.append(SqliteRecords(url))
        return found[-1]

    yield again
    for records in found:
        records.close()


@pytest.fixture
def records(opened: Open) -> Records:
    return opened()


def digest(label: object) -> bytes:
    return str(label).encode().ljust(32, b".")


def entries(*indexes: int, kind: str = "envoi/dispatch/v1") -> list[EntryRow]:
    return [EntryRow(index, kind, digest(f"d{index}"), digest(f"l{index}")) for index in indexes]


def dispatch(index: int, sender: str = "FR", *to: str, series: int = 1) -> tuple[DispatchRow, list[RecipientRow]]:
    openings = b"".join(bytes([position]) * 40 for position in range(len(to)))
    row = DispatchRow(index, digest(f"i{index}"), sender, series, b"note %d" % index, openings, b"body %d" % index)
    return row, [RecipientRow(index, name, position, index) for position, name in enumerate(to)]


def logged(*rows: tuple[DispatchRow, list[RecipientRow]], size: int | None = None) -> Batch:
    indexes = [row.log_index for row, _ in rows]
    return Batch(
        entries=entries(*indexes),
        dispatches=[row for row, _ in rows],
        recipients=[one for _, some in rows for one in some],
        checkpoint=CheckpointRow(size or indexes[-1] + 1, b"checkpoint"),
    )


def test_rows_are_the_columns_of_their_tables() -> None:
    assert ROWS.keys() == models.metadata.tables.keys()
    for name, row in ROWS.items():
        assert [column.name for column in models.metadata.tables[name].columns] == list(row._fields)


def test_a_batch_is_there_whole_after_reopening(opened: Open, records: Records) -> None:
    batch = Batch(
        entries=entries(0, 1, 2),
        dispatches=[dispatch(2, "FR", "AU", "DE")[0]],
        recipients=dispatch(2, "FR", "AU", "DE")[1],
        rosters=[RosterRow(1, 0, digest("r"), b"roster")],
        delegations=[DelegationRow(1, digest("g"), "FR", "FR/x", b"delegation")],
        references=[ReferenceRow(digest("blob"), 2)],
        checkpoint=CheckpointRow(3, b"checkpoint"),
        numbers=[NumberRow("FR", "AU", 1, 1), NumberRow("FR", "DE", 1, 4)],
        receipts={("AU", "FR"): ReceiptRow("AU", "FR", 1, 2, 2, 1, 0, 5, 6, b"receipt")},
        cosignatures={(3, "FR"): CosignatureRow(3, "FR", 9, "line\n")},
        enrolments={digest("e"): EnrolmentRow(digest("e"), "SE", 7, b"enrolment")},
        uploads={(digest("blob"), "FR"): UploadRow(digest("blob"), "FR", 100, 8)},
    )
    assert {one.name for one in fields(Batch)} - {"enrolled", "dropped"} == {
        name for name in vars_of(batch) if getattr(batch, name)
    }
    records.commit(batch)
    other = opened()
    assert other.size() == 3
    assert list(other.leaves(1)) == [digest("l1"), digest("l2")]
    assert other.entries(0, 2) == batch.entries[:2]
    assert list(other.dispatches(0, 3)) == batch.dispatches
    assert other.recipients(2) == batch.recipients
    assert other.rosters() == batch.rosters
    assert other.rosters(1) == []
    assert other.delegations() == batch.delegations
    assert other.references(digest("blob")) == [2]
    assert other.last_checkpoint() == other.checkpoint_of(3) == batch.checkpoint
    assert list(other.checkpoints()) == [batch.checkpoint]
    assert sorted(other.numbers()) == batch.numbers
    assert other.receipts() == list(batch.receipts.values())
    assert other.cosignatures(3) == list(batch.cosignatures.values())
    assert other.enrolments() == list(batch.enrolments.values())
    assert other.uploads("FR") == other.uploads_of(digest("blob")) == list(batch.uploads.values())


def vars_of(batch: Batch) -> list[str]:
    return [one.name for one in fields(batch)]


@pytest.mark.parametrize(
    "clash",
    [
        Batch(entries=entries(0)),
        Batch(entries=entries(1), dispatches=[dispatch(1)[0]._replace(id=digest("i0"))]),
        Batch(entries=entries(1), checkpoint=CheckpointRow(1, b"another")),
        Batch(entries=entries(1), rosters=[RosterRow(1, 1, digest("r1"), b"another")]),
        Batch(entries=entries(1), rosters=[RosterRow(2, 1, digest("r0"), b"another")]),
        Batch(dispatches=[dispatch(5)[0]]),
        Batch(recipients=[RecipientRow(5, "AU", 0, 1)]),
    ],
    ids=["index", "dispatch id", "checkpoint", "version", "roster id", "no entry", "no dispatch"],
)
def test_what_is_taken_fails_the_whole_batch(records: Records, clash: Batch) -> None:
    first = logged(dispatch(0, "FR", "AU"))
    first.rosters.append(RosterRow(1, 0, digest("r0"), b"roster"))
    records.commit(first)
    clash.receipts["AU", "FR"] = ReceiptRow("AU", "FR", 1, 2, 2, 1, 0, 5, 6, b"receipt")
    with pytest.raises(StorageError):
        records.commit(clash)
    assert records.size() == 1
    assert records.receipts() == []
    assert records.checkpoint_of(1) == first.checkpoint
    records.commit(logged(dispatch(1, "FR", "AU")))
    assert records.size() == 2


def test_of_two_writers_one_commits_an_index(opened: Open) -> None:
    one, other = opened(), opened()
    one.commit(logged(dispatch(0, "FR", "AU")))
    with pytest.raises(StorageError):
        other.commit(logged(dispatch(0, "DE", "AU")))
    assert [row.sender for row in other.dispatches(0, 9)] == ["FR"]


def test_a_reader_sees_no_batch_before_its_end(tmp_path: Path) -> None:
    url = database(tmp_path)
    reader = SqliteRecords(url)
    seen: list[tuple[str, int]] = []
    writer = SqliteRecords(url, lambda point: seen.append((point, reader.size())))
    writer.commit(logged(dispatch(0, "FR", "AU"), dispatch(1, "FR", "AU")))
    assert seen == list(zip(WRITE_POINTS, (0, 0, 2), strict=True))
    reader.close()
    writer.close()


def test_replacing_rows_and_keeping_them(records: Records) -> None:
    records.commit(Batch(checkpoint=CheckpointRow(1, b"c"), entries=entries(0), numbers=[NumberRow("FR", "AU", 1, 1)]))
    pair, cosigned = ("AU", "FR"), (1, "FR")
    for turn in (1, 2):
        records.commit(
            Batch(
                receipts={pair: ReceiptRow(*pair, 1, turn, turn, 1, 0, 5, 6, b"receipt %d" % turn)},
                cosignatures={cosigned: CosignatureRow(*cosigned, turn, f"line {turn}\n")},
                uploads={(digest("b"), "FR"): UploadRow(digest("b"), "FR", 100, turn)},
            )
        )
    assert [row.note for row in records.receipts("FR")] == [b"receipt 2"]
    assert [row.line for row in records.cosignatures(1)] == ["line 1\n"]
    assert [row.uploaded_at for row in records.uploads("FR")] == [2]
    assert records.receipts("DE") == []
    receipt = records.receipt("AU", "FR")
    assert receipt is not None
    assert receipt.received_through == 2
    assert records.receipt("FR", "AU") is None


def test_what_goes_goes_before_what_comes(records: Records) -> None:
    upload = UploadRow(digest("b"), "FR", 100, 1)
    waiting = {digest(name): EnrolmentRow(digest(name), "SE", 1, b"e") for name in ("a", "b")}
    records.commit(Batch(uploads={upload[:2]: upload}, enrolments=waiting))
    records.commit(Batch(dropped=[digest("b")], enrolled=[digest("a")], uploads={upload[:2]: upload}))
    assert records.uploads("FR") == [upload]
    assert [row.id for row in records.enrolments()] == [digest("b")]
    records.commit(Batch(dropped=[digest("b")]))
    assert records.uploads_of(digest("b")) == []


def test_a_number_finds_its_dispatch(records: Records) -> None:
    rows = [dispatch(0, "FR", "AU", "DE"), dispatch(1, "DE", "AU"), dispatch(2, "FR", "DE"), dispatch(3, "FR", "AU")]
    records.commit(logged(*rows))
    assert records.dispatch_numbered("FR", "AU", 1, 3) == rows[3][0]
    assert records.dispatch_numbered("FR", "DE", 1, 2) == rows[2][0]
    for nobody in (("FR", "AU", 1, 2), ("FR", "AU", 2, 3), ("AU", "FR", 1, 1)):
        assert records.dispatch_numbered(*nobody) is None
    assert records.dispatch(digest("i1")) == rows[1][0]
    assert records.dispatch(digest("i9")) is None


def test_checkpoints_that_cover_an_entry(records: Records) -> None:
    records.commit(logged(dispatch(0, "FR", "AU"), dispatch(1, "FR", "AU"), size=2))
    records.commit(logged(dispatch(2, "FR", "AU"), size=3))
    sizes = [row.size for index in range(3) if (row := records.checkpoint_covering(index))]
    assert sizes == [2, 2, 3]
    assert records.checkpoint_covering(3) is None
    assert records.checkpoint_of(1) is None


def test_the_feed_asks_again_whose_it_is(records: Records) -> None:
    batch = logged(dispatch(1, "FR", "AU", "DE"), dispatch(2, "DE", "JP"))
    batch.entries[:0] = entries(0)
    batch.rosters.append(RosterRow(1, 0, digest("r"), b"roster"))
    records.commit(batch)
    assert records.visible("AU", -1, 9, 9) == [0, 1]
    assert records.visible("DE", -1, 9, 9) == [0, 1, 2]
    assert records.visible("DE", -1, 2, 9) == [0, 1]
    assert records.visible("DE", 0, 9, 1) == [1]
    assert records.feed("AU", [0, 1, 2]) == [
        FeedRow(0, b"roster", b"", b""),
        FeedRow(1, b"note 1", bytes(40), b"body 1"),
    ]
    assert records.feed("DE", [1])[0].openings == b"\1" * 40
    assert records.feed("FR", [1])[0].openings == bytes(40) + b"\1" * 40
    assert records.feed("AU", []) == []


def test_blobs_without_a_reference(records: Records) -> None:
    batch = logged(dispatch(0, "FR", "AU"))
    batch.references.append(ReferenceRow(digest("named"), 0))
    for name, at in (("named", 1), ("old", 1), ("young", 9), ("renewed", 1)):
        batch.uploads[digest(name), "FR"] = UploadRow(digest(name), "FR", 10, at)
    batch.uploads[digest("renewed"), "DE"] = UploadRow(digest("renewed"), "DE", 10, 9)
    records.commit(batch)
    assert records.unreferenced(5) == [digest("old")]
    for member, expected in (("FR", True), ("AU", True), ("DE", False)):
        assert records.blob_visible(member, digest("named")) is expected
    assert records.blob_visible("FR", digest("old")) is False


def test_leaves_come_in_pieces_and_whole(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envoi_server.sqlite_log._SMALL_ROWS", 3)
    monkeypatch.setattr("envoi_server.sqlite_log._LARGE_ROWS", 2)
    records.commit(logged(*(dispatch(index, "FR", "AU") for index in range(7))))
    assert list(records.leaves(0)) == [digest(f"l{index}") for index in range(7)]
    assert [row.log_index for row in records.dispatches(1, 6)] == [1, 2, 3, 4, 5]
    assert list(records.leaves(7)) == []


def test_probing_leaves_nothing_behind(records: Records, tmp_path: Path) -> None:
    for _ in range(3):
        records.probe()
    assert records.size() == 0
    with closing(sqlite3.connect(tmp_path / "relay.db")) as connection:
        assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'probe'").fetchall() == []
        connection.execute("CREATE TABLE probe (left_by_a_crash)")
    records.probe()


@pytest.mark.parametrize("name", [name for name in vars(storage.Records) if not name.startswith("_")])
def test_nothing_of_the_database_leaks(tmp_path: Path, name: str) -> None:
    records = SqliteRecords(database(tmp_path))
    engine = records._engine
    engine._readers.dispose()
    for path in tmp_path.glob("relay.db*"):
        path.write_bytes(b"this is not a database, whatever it was" * 500)
    arguments: dict[str, list[Any]] = {
        "commit": [logged(dispatch(0, "FR", "AU"))],
        "leaves": [0],
        "entries": [0, 1],
        "checkpoint_of": [1],
        "checkpoint_covering": [1],
        "cosignatures": [1],
        "delegation": [b""],
        "dispatch": [b""],
        "dispatch_numbered": ["FR", "AU", 1, 1],
        "dispatches": [0, 1],
        "recipients": [1],
        "visible": ["FR", 0, 1, 1],
        "feed": ["FR", [1]],
        "receipt": ["FR", "AU"],
        "uploads": ["FR"],
        "uploads_of": [b""],
        "references": [b""],
        "blob_visible": ["FR", b""],
        "unreferenced": [1],
    }
    if name == "close":
        records.close()
        return
    try:
        with pytest.raises(StorageError) as raised:
            answer = getattr(records, name)(*arguments.get(name, []))
            if isinstance(answer, Iterator):
                list(answer)
        assert "FR" not in raised.value.message
    finally:
        records.close()
