"""``envoi seal`` and ``envoi open``: plain age files, with the age tool's own flags.

The output takes its name when it is whole; with an error there is no output file. On a terminal binary
output is refused, as the age tool does, and no input is written over.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, Final

from cyclopts import Parameter

from envoi_client import age
from envoi_client.files import local_error, read_bounded, whole_file
from envoi_client.limits import MAX_IDENTITY_FILE_BYTES
from envoi_keys.errors import LocalError, Malformed, Unverified

from .common import DEFAULT, Common, abandon_stdout, unwritten

STANDARD: Final = Path("-")
"""Standard input or output, as the age tool writes it."""


def seal(
    source: Annotated[Path | None, Parameter(name="IN")] = None,
    /,
    *,
    recipient: Annotated[tuple[str, ...], Parameter(name=["--recipient", "-r"], negative="")] = (),
    recipients_file: Annotated[tuple[Path, ...], Parameter(name=["--recipients-file", "-R"], negative="")] = (),
    identity: Annotated[tuple[Path, ...], Parameter(name=["--identity", "-i"], negative="")] = (),
    passphrase: Annotated[bool, Parameter(name=["--passphrase", "-p"], negative="")] = False,
    armor: Annotated[bool, Parameter(name=["--armor", "-a"], negative="")] = False,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    common: Common = DEFAULT,
) -> None:
    """Seal a file, or standard input, in the age format.

    Parameters
    ----------
    source
        The file to seal; standard input if it is missing.
    recipient
        Whom to seal to; may be repeated.
    recipients_file
        A file of recipients, one a line.
    identity
        Seal to whoever holds this file of identities.
    passphrase
        Seal with a passphrase instead.
    armor
        Write text that survives mail.
    output
        The file to write; standard output if it is missing.
    """
    _require_other(output, source, *recipients_file, *identity)
    _require_one_use_of_stdin(source, *recipients_file, *identity)
    named = bool(recipient or recipients_file or identity)
    if passphrase and named:
        raise LocalError("a passphrase stands alone", hint="take -p, or name recipients, not both")
    if not passphrase and not named:
        raise LocalError("nobody was named to seal to", hint="name a recipient with -r, or take -p")
    if output is None and not armor and sys.stdout.isatty():
        raise LocalError("binary output would go to the terminal", hint="name a file with -o, or take -a")
    found = [_recipient(text, "-r") for text in recipient]
    for file in recipients_file:
        found += _recipients_in(file)
    found += [one.recipient for one in _identities(identity)]
    with _input(source) as plain:
        if passphrase:
            found.append(age.ScryptRecipient(common.passphrase_of_file(confirm=True)))
        with _output(output) as sealed:
            age.encrypt(plain, sealed, found, armor=armor)


def open_(
    source: Annotated[Path | None, Parameter(name="IN")] = None,
    /,
    *,
    identity: Annotated[tuple[Path, ...], Parameter(name=["--identity", "-i"], negative="")] = (),
    passphrase: Annotated[bool, Parameter(name=["--passphrase", "-p"], negative="")] = False,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    common: Common = DEFAULT,
) -> None:
    """Open an age file, armored or not.

    Parameters
    ----------
    source
        The file to open; standard input if it is missing.
    identity
        A file of identities; may be repeated.
    passphrase
        Open with a passphrase.
    output
        The file to write; standard output if it is missing.
    """
    _require_other(output, source, *identity)
    _require_one_use_of_stdin(source, *identity)
    if not identity and not passphrase:
        raise LocalError("no identity was named", hint="name a file with -i, or take -p for a passphrase")
    identities: list[age.Identity] = list(_identities(identity))
    with _input(source) as sealed:
        if passphrase:
            identities.append(age.ScryptIdentity(common.passphrase_of_file()))
        with _opening(passphrase), _output(output) as plain:
            age.decrypt(sealed, plain, identities)


@contextmanager
def _opening(passphrase: bool) -> Iterator[None]:
    """Say of a file that does not open what can be done about it."""
    try:
        yield
    except age.NoMatch as error:
        if passphrase:
            raise LocalError("the passphrase does not open the file", hint="check the keyboard's layout") from None
        hint = "it is sealed with a passphrase: take -p" if "scrypt" in error.message else "name another file with -i"
        raise LocalError(error.message, hint=hint) from None
    except (age.HeaderForged, age.PayloadDamaged) as error:
        raise Unverified(
            f"the file is damaged or cut short: {error.message}", hint="get it again; what came out is not all of it"
        ) from None


def _recipient(text: str, where: str) -> age.Recipient:
    try:
        return age.parse_recipient(text)
    except Malformed as error:
        hint = "a recipient begins with age1; SSH keys and plugins are for the age tool"
        raise Malformed(error.message.removeprefix("recipient: "), field=where, hint=hint) from None


def _require_other(output: Path | None, *inputs: Path | None) -> None:
    for path in inputs:
        if output and path and output.is_file() and path.is_file() and output.samefile(path):
            raise LocalError(f"{output} is both read and written", hint="name another file with -o")


def _require_one_use_of_stdin(source: Path | None, *others: Path) -> None:
    if [source or STANDARD, *others].count(STANDARD) > 1:
        raise LocalError("standard input is read for two things", hint="name a file for one of them")


def _identities(files: Sequence[Path]) -> list[age.HybridIdentity | age.X25519Identity]:
    found: list[age.HybridIdentity | age.X25519Identity] = []
    for path in files:
        try:
            found += age.parse_identities(_small(path))
        except Malformed as error:
            raise Malformed(error.message.removeprefix("identity file, "), field=str(path)) from None
    return found


def _recipients_in(path: Path) -> Iterable[age.Recipient]:
    try:
        lines = _small(path).decode("utf-8").splitlines()
    except UnicodeDecodeError:
        raise LocalError(f"{path} is not UTF-8 text", hint="is it the right file?") from None
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            yield _recipient(line.strip(), f"{path}, line {number}")


def _small(path: Path) -> bytes:
    if path != STANDARD:
        return read_bounded(path, MAX_IDENTITY_FILE_BYTES)
    raw = sys.stdin.buffer.read(MAX_IDENTITY_FILE_BYTES + 1)
    if len(raw) > MAX_IDENTITY_FILE_BYTES:
        raise LocalError(f"standard input has more than {MAX_IDENTITY_FILE_BYTES} bytes")
    return raw


@contextmanager
def _input(path: Path | None) -> Iterator[BinaryIO]:
    if path is None or path == STANDARD:
        yield sys.stdin.buffer
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise local_error(error, "read", path) from error
    with file:
        yield file


@contextmanager
def _output(path: Path | None) -> Iterator[BinaryIO]:
    if path is None or path == STANDARD:
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            abandon_stdout()
            raise LocalError(unwritten(error)) from None
        return
    if path.exists() and not path.is_file():
        # A device or a pipe is written to; renaming over it would replace it.
        try:
            file = path.open("wb")
        except OSError as error:
            raise local_error(error, "write", path) from error
        with file:
            yield file
        return
    with whole_file(path) as whole:
        yield whole
