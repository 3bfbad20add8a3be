"""An index whose process is killed while it files names: what was committed is there, whole, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from envoi_client.store.database import Database
from envoi_desk.names import IndexedName, Name, NameIndex
from envoi_desk.names import index as index_module
from envoi_desk.names.tables import TABLES

KEY = bytes(range(32))
NEW_KEYS = 60
"""So few that they are moved to the large table every dozen owners, also at the moment of a kill."""
CHILD = """
import sys
from pathlib import Path
from envoi_client.store.database import Database
from envoi_desk.names import IndexedName, Name, NameIndex, index
from envoi_desk.names.tables import TABLES

index._NEW_KEYS = int(sys.argv[2])
filed = NameIndex(Database(Path(sys.argv[1]), bytes(range(32)), [TABLES]))
for owner in range(100_000):
    word = "".join(chr(97 + int(digit)) for digit in str(owner))
    filed.put("denials", owner, [IndexedName(Name(f"Haeran {word} Shipping"), 0, 0), IndexedName(Name(word), 0, 1)])
    print(owner, flush=True)
"""


def filed(index: NameIndex, owner: int) -> None:
    """File one owner as the child does."""
    word = "".join(chr(97 + int(digit)) for digit in str(owner))
    index.put("denials", owner, [IndexedName(Name(f"Haeran {word} Shipping"), 0, 0), IndexedName(Name(word), 0, 1)])


def state(database: Database) -> list[object]:
    tables = ("desk_names", "desk_name_keys", "desk_name_new_keys", "desk_name_words", "desk_name_state")
    return [database.all(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]


@pytest.mark.parametrize("committed", [1, 13, 40, 111])
def test_a_killed_process_leaves_what_it_had_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, committed: int
) -> None:
    path = tmp_path / "names.db"
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), str(NEW_KEYS)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        last = [int(child.stdout.readline()) for _ in range(committed)][-1]
        os.kill(child.pid, signal.SIGKILL)
        last = max([last, *(int(line) for line in child.stdout if line.endswith("\n"))])
    assert child.returncode == -signal.SIGKILL
    left = Database(path, KEY, [TABLES])
    assert left.check() == []
    owners = [owner for (owner,) in left.all("SELECT DISTINCT owner FROM desk_names ORDER BY owner")]
    assert owners == list(range(len(owners)))
    assert len(owners) > last
    # To the last key it is what the same names make without a kill, and it goes on from there.
    monkeypatch.setattr(index_module, "_NEW_KEYS", NEW_KEYS)
    whole = Database(tmp_path / "whole.db", KEY, [TABLES])
    indexes = [NameIndex(database) for database in (left, whole)]
    for owner in owners:
        filed(indexes[1], owner)
    assert state(left) == state(whole)
    for index in indexes:
        filed(index, len(owners))
    assert state(left) == state(whole)
    left.close()
    whole.close()
