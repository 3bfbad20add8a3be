"""A passphrase comes from a prompt, a private file or a descriptor, and from nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from envoi_client.passphrase import PassphraseSource, checked
from envoi_keys.errors import LocalError


def _answers(*answers: str) -> tuple[list[str], object]:
    asked: list[str] = []
    waiting = iter(answers)

    def prompt(question: str) -> str:
        asked.append(question)
        return next(waiting)

    return asked, prompt


def test_it_is_asked_for_once_to_open_and_twice_to_choose() -> None:
    asked, prompt = _answers("three word phrase")
    assert PassphraseSource().read(prompt=prompt) == "three word phrase"  # type: ignore[arg-type]
    assert asked == ["Passphrase: "]
    asked, prompt = _answers("three word phrase", "three word phrase")
    assert PassphraseSource().read(prompt=prompt, confirm=True) == "three word phrase"  # type: ignore[arg-type]
    assert asked == ["Passphrase: ", "Passphrase, again: "]


def test_two_different_answers_choose_nothing() -> None:
    _, prompt = _answers("one", "two")
    with pytest.raises(LocalError, match="differ"):
        PassphraseSource().read(prompt=prompt, confirm=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_file_gives_its_one_line(tmp_path: Path, ending: str) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes((" with spaces " + ending).encode())
    file.chmod(0o600)
    assert PassphraseSource(file=file).read() == " with spaces "


def test_a_file_that_others_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_text("secret")
    file.chmod(0o644)
    with pytest.raises(LocalError, match="open to others"):
        PassphraseSource(file=file).read()


def test_a_descriptor_gives_its_one_line() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"from a pipe\n")
    os.close(writing)
    assert PassphraseSource(descriptor=reading).read() == "from a pipe"


def test_a_closed_descriptor_is_our_own_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    with pytest.raises(LocalError, match="descriptor"):
        PassphraseSource(descriptor=reading).read()


def test_two_sources_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="two sources"):
        PassphraseSource(file=tmp_path / "passphrase", descriptor=3).read()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b"a\nb\n", "one line"),
        (b"\xff", "UTF-8"),
        (b"x" * 1025, "at most 1024"),
    ],
)
def test_what_is_no_passphrase(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(LocalError, match=why):
        PassphraseSource(file=file).read()


def test_two_keyboards_give_the_same_bytes() -> None:
    assert checked("é") == checked("e\u0301") == "\u00e9"


def test_without_a_terminal_a_source_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_terminal(*_: object) -> int:
        raise OSError(6, "No such device or address")

    monkeypatch.setattr(os, "open", no_terminal)
    with pytest.raises(LocalError, match="no terminal") as caught:
        PassphraseSource().read()
    assert caught.value.hint is not None
    assert "--passphrase-file" in caught.value.hint
