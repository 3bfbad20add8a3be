"""What the tests of the store share: a key, something secret, an entry that holds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from envoi_client.store import (
    InboxEntry,
    Received,
)

KEY = bytes(range(32))
SECRET = "an end-user in a third country"  # what must not be readable in the file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def entry(index: int, **changes: object) -> InboxEntry:
    values: dict[str, object] = {
        "index": index,
        "id": f"{index:064x}",
        "sender": "DE",
        "series": 1,
        "number": index,
        "verdict": "ok",
        "reason": "",
        "body": f'{{"remarks":"{SECRET}"}}',
        "received_at": 1_700_000_000,
    }
    return InboxEntry(**{**values, **changes})  # type: ignore[arg-type]


RECEIVED = Received(b"note " + SECRET.encode(), b"opening", b"sealed")
