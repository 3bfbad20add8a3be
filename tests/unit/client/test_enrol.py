"""Beginning a home: nothing of it stands in the way of beginning it again, and no vault is ever written over."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from envoi_client import config, enrol, vault
from envoi_client.enrol import any_enrolment, enrol_member, enrol_officer
from envoi_client.files import Home, write_whole
from envoi_client.vault import Vault
from envoi_keys.enrolments import OfficerEnrolment
from envoi_keys.errors import LocalError

PASSPHRASE = "one for a test"
NOW = 1_767_225_600


class Killed(BaseException):
    """As if the process had ended here."""


def begin(home: Home) -> bytes:
    return enrol_member(home, "FR", "France", PASSPHRASE, now=NOW, random=os.urandom, work_factor=2)


def belongs_together(home: Home) -> bool:
    """Whether the enrolment is that of the keys in the vault."""
    secrets = Vault.open(home.vault, PASSPHRASE).secrets
    found = any_enrolment(home)
    if isinstance(found, OfficerEnrolment):
        return found.signing == secrets.officer(found.id).public
    assert secrets.member is not None
    return found.keys == enrol.member_keys(secrets.member)


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bool], None]:
    """End the next call as it writes the file of this name, before or after it is written."""

    def arm(name: str, written: bool) -> None:
        def write(path: Path, data: bytes) -> None:
            if path.name != name or written:
                write_whole(path, data)
            if path.name == name:
                raise Killed

        for module in (config, enrol, vault):
            monkeypatch.setattr(module, "write_whole", write)

    return arm


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("name", ["config.toml", "enrolment.note", "vault.age"])
def test_a_home_whose_beginning_was_killed_is_whole_or_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kill: Callable[[str, bool], None], name: str, written: bool
) -> None:
    home = Home(tmp_path / "home")
    kill(name, written)
    with pytest.raises(Killed):
        begin(home)
    monkeypatch.undo()

    if not home.vault.exists():
        begin(home)
    assert belongs_together(home)
    settings, _ = config.load(home, {}, {})
    assert settings.member == "FR"


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("name", ["enrolment.note", "vault.age"])
def test_so_is_that_of_an_officer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kill: Callable[[str, bool], None], name: str, written: bool
) -> None:
    home = Home(tmp_path / "home")
    officer = functools.partial(
        enrol_officer, home, "POC/anne", "FR", PASSPHRASE, now=NOW, random=os.urandom, work_factor=2
    )
    kill(name, written)
    with pytest.raises(Killed):
        officer()
    monkeypatch.undo()

    if not home.vault.exists():
        officer()
    assert belongs_together(home)


def test_two_beginnings_at_once_leave_one_home_whose_parts_belong_together(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    together = threading.Barrier(4)
    refused: list[LocalError] = []

    def at_once() -> None:
        together.wait()
        try:
            begin(home)
        except LocalError as error:
            refused.append(error)

    threads = [threading.Thread(target=at_once) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert len(refused) == 3
    assert belongs_together(home)


def test_a_passphrase_that_is_refused_leaves_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with pytest.raises(LocalError, match="empty"):
        enrol_member(home, "FR", "France", "", now=NOW, random=os.urandom)
    assert not home.root.exists()
