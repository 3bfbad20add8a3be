"""Files are written whole or not at all, stay private, and a home is worked on by one process at a time."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from envoi_client.files import Home, read_bounded, require_private, whole_file, write_whole
from envoi_keys.errors import LocalError


def _names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


def test_a_file_is_whole_and_private(tmp_path: Path) -> None:
    target = tmp_path / "vault.age"
    write_whole(target, b"first")
    write_whole(target, b"second")
    assert target.read_bytes() == b"second"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert _names(tmp_path) == ["vault.age"]


def test_a_loose_umask_does_not_open_the_file(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_whole(tmp_path / "secret", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_an_exception_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "vault.age"
    write_whole(target, b"old")

    def half() -> None:
        with whole_file(target) as file:
            file.write(b"new, half")
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert target.read_bytes() == b"old"
    assert _names(tmp_path) == ["vault.age"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    target = tmp_path / "vault.age"
    write_whole(target, b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os if call == "fsync" else Path, call, full)
    with pytest.raises(LocalError, match="no space left") as caught:
        write_whole(target, b"new")
    assert caught.value.hint is not None
    assert "free some space" in caught.value.hint
    assert target.read_bytes() == b"old"
    assert _names(tmp_path) == ["vault.age"]


KILLED_WHILE_WRITING = """
import os, pathlib, sys
from envoi_client.files import whole_file
with whole_file(pathlib.Path(sys.argv[1])) as file:
    file.write(b"new" * 100_000)
    file.flush()
    os._exit(9)
"""


def test_a_process_killed_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "vault.age"
    write_whole(target, b"old")
    done = subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, str(target)], check=False, timeout=60)
    assert done.returncode == 9
    assert target.read_bytes() == b"old"


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="nowhere"):
        write_whole(tmp_path / "nowhere" / "file", b"x")


def test_reading_stops_at_the_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert read_bounded(tmp_path / "file", 5) == b"12345"
    with pytest.raises(LocalError, match="more than 4 bytes"):
        read_bounded(tmp_path / "file", 4)
    with pytest.raises(LocalError, match="no such file"):
        read_bounded(tmp_path / "other", 4)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_open_to_others_is_refused_with_the_fix(tmp_path: Path, mode: int) -> None:
    target = tmp_path / "vault.age"
    target.write_bytes(b"")
    target.chmod(mode)
    with pytest.raises(LocalError, match="open to others") as caught:
        require_private(target)
    assert caught.value.hint == f"chmod 600 {target}"
    target.chmod(0o600)
    require_private(target)


def test_a_home_is_made_private_and_checked(tmp_path: Path) -> None:
    home = Home(tmp_path / "envoi")
    with pytest.raises(LocalError, match="no Envoi home") as missing:
        home.check()
    assert missing.value.hint == "make one with: envoi init"
    home.create()
    home.create()
    home.check()
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o700
    assert home.blob("ab").parent == home.root / "blobs"
    home.root.chmod(0o755)
    with pytest.raises(LocalError, match="open to others") as caught:
        home.check()
    assert caught.value.hint == f"chmod 700 {home.root}"


HOLDING = """
import os, pathlib, sys
from envoi_client.files import Home
with Home(pathlib.Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
    os._exit(9)
"""


def test_two_processes_of_one_authority_do_not_number_at_once(tmp_path: Path) -> None:
    home = Home(tmp_path / "envoi")
    home.create()
    command = [sys.executable, "-c", HOLDING, str(home.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(LocalError, match="another envoi process"), home.lock():
            pass
        other.communicate()
    assert other.returncode == 9
    # The process died without letting go; its lock died with it.
    with home.lock():
        pass
