"""Where a passphrase may come from: a prompt on the terminal, a private file, or an open descriptor.

Never from an argument or an environment variable, which other processes and core dumps show. A file that
others may read is refused. Only the line end is taken off: spaces belong to the passphrase.
"""

from __future__ import annotations

import getpass
import os
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from envoi_keys.errors import LocalError

from .files import read_bounded, require_private
from .limits import MAX_PASSPHRASE_BYTES

Prompt = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class PassphraseSource:
    """What the person chose: a file, a descriptor, or, with neither, the prompt."""

    file: Path | None = None
    descriptor: int | None = None

    def read(self, *, confirm: bool = False, prompt: Prompt | None = None, question: str = "Passphrase") -> str:
        """The passphrase; asked for twice where ``confirm`` and it is typed. Raises LocalError.

        A descriptor is read to its end and closed, so it can be used once.
        """
        if self.file is not None and self.descriptor is not None:
            raise LocalError("the passphrase has two sources", hint="give either a file or a descriptor")
        if self.file is not None:
            require_private(self.file)
            return _decoded(read_bounded(self.file, MAX_PASSPHRASE_BYTES + 2))
        if self.descriptor is not None:
            return _decoded(_read_descriptor(self.descriptor))
        return _ask(prompt or _terminal, question, confirm)


def _read_descriptor(descriptor: int) -> bytes:
    try:
        with os.fdopen(descriptor, "rb") as file:
            return file.read(MAX_PASSPHRASE_BYTES + 3)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise LocalError(f"cannot read the passphrase from descriptor {descriptor}: {reason}") from error


def _decoded(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise LocalError("the passphrase is not UTF-8") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if "\n" in text:
        raise LocalError("the passphrase has more than one line", hint="is it the right file?")
    return checked(text)


def checked(passphrase: str) -> str:
    """The passphrase in Unicode form NFC, so that two keyboards give the same bytes. Raises LocalError."""
    if not passphrase:
        raise LocalError("the passphrase is empty")
    normal = unicodedata.normalize("NFC", passphrase)
    try:
        size = len(normal.encode())
    except UnicodeEncodeError:
        raise LocalError("the passphrase is not UTF-8") from None
    if size > MAX_PASSPHRASE_BYTES:
        raise LocalError(f"the passphrase has {size} bytes; at most {MAX_PASSPHRASE_BYTES} are allowed")
    return normal


def _ask(prompt: Prompt, question: str, confirm: bool) -> str:
    first = checked(prompt(f"{question}: "))
    if confirm and checked(prompt(f"{question}, again: ")) != first:
        raise LocalError("the two passphrases differ", hint="nothing was changed; try again")
    return first


def _terminal(question: str) -> str:
    # Asked here because getpass, where there is no terminal, would read the passphrase from a pipe with a
    # warning.
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        raise LocalError(
            "there is no terminal to ask for the passphrase",
            hint="use --passphrase-file FILE or --passphrase-fd N",
        ) from None
    try:
        return getpass.getpass(question)
    except (EOFError, OSError):
        raise LocalError("the passphrase was not typed") from None
