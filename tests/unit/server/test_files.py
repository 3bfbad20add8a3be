"""The relay's files: private, and never written through what somebody else put under their name."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from envoi_server.files import create, make_directory, write_new


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_there_is_not_opened(tmp_path: Path) -> None:
    there, link = tmp_path / "there", tmp_path / "link"
    there.write_bytes(b"somebody's")
    link.symlink_to(tmp_path / "elsewhere")
    for path in (there, link):
        with pytest.raises(FileExistsError):
            create(path)
    assert there.read_bytes() == b"somebody's"
    assert not (tmp_path / "elsewhere").exists()


def test_a_new_file_takes_the_place_of_what_a_killed_call_left(tmp_path: Path) -> None:
    path, other = tmp_path / "log.unfinished", tmp_path / "other"
    other.write_bytes(b"longer than what is written")
    path.symlink_to(other)
    write_new(path, b"whole")
    assert path.read_bytes() == b"whole"
    assert not path.is_symlink()
    assert mode(path) == 0o600
    assert other.read_bytes() == b"longer than what is written"


def test_a_directory_is_private_and_one_that_is_there_stays(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        make_directory(tmp_path / "home" / "blobs")
        (tmp_path / "home").chmod(0o755)
        make_directory(tmp_path / "home")
    finally:
        os.umask(old)
    assert mode(tmp_path / "home" / "blobs") == 0o700
    assert mode(tmp_path / "home") == 0o755
