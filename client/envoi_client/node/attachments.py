"""Attachments: files sealed to an identity of their own on the way out, fetched and opened on the way in.

A plain file takes its name only when the whole of it was there and genuine, and never a name that its sender
could use to reach outside the directory (PROTOCOL §4.5).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import file_digest, sha256
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from envoi_keys.dispatches import Dispatch, Sealed
from envoi_keys.errors import LocalError, PeerError, Refused, Unverified
from envoi_keys.limits import MAX_BLOB_BYTES
from envoi_keys.notes import Note

from .. import age
from ..body import Attachment, read_attachments
from ..files import local_error, sync_directory, whole_file
from ..limits import MAX_FILE_NAME_BYTES
from ..store import Blob
from .session import Session


@dataclass(frozen=True, slots=True)
class FileToAttach:
    """A file on this machine, and how it is to be called and typed at the other end."""

    path: Path
    name: str
    media_type: str


def seal_file(session: Session, file: FileToAttach) -> tuple[Attachment, Sealed]:
    """Seal a file to a fresh identity into the home's ``blobs``, in constant memory.

    Returns what the body says of it and what the header says. Raises LocalError, or Refused ``too-large``.
    """
    identity = age.HybridIdentity(session.random(32))
    digest = _Digest()
    # Sealed under a passing name first: its own name is its hash, known only at the end.
    passing = session.home.blob("outgoing-" + session.random(8).hex())
    try:
        with file.path.open("rb") as source, whole_file(passing) as target:
            age.encrypt(source, digest.into(target), [identity.recipient])
            # What was sealed, and not what the file has become meanwhile.
            size = source.tell()
    except OSError as error:
        raise local_error(error, "read", file.path) from error
    if digest.size > MAX_BLOB_BYTES:
        passing.unlink(missing_ok=True)
        raise Refused(f"{file.path} is larger than an attachment may be", reason="too-large")
    name = digest.hash.hexdigest()
    try:
        passing.replace(session.home.blob(name))
        # Before the dispatch that names it is signed: after a crash it must be there under its name.
        sync_directory(session.home.blobs)
    except OSError as error:
        raise local_error(error, "write", session.home.blob(name)) from error
    session.store.blobs.put(Blob(name, digest.size, session.home.blob(name), "outgoing"))
    return Attachment(file.name, file.media_type, size, name, identity.encode()), Sealed(name, digest.size)


def check_names(files: Sequence[FileToAttach]) -> None:
    """Refuse two attachments of one name: at the other end they go into one directory. Raises LocalError."""
    seen: dict[str, Path] = {}
    for file in files:
        # Some file systems take two spellings of one letter, or two cases, for the same name.
        name = unicodedata.normalize("NFC", file.name).casefold()
        if name in seen:
            raise LocalError(
                f"{seen[name]} and {file.path} would arrive under one name",
                hint="rename one of them, or attach it once",
            )
        seen[name] = file.path


class _Digest(BytesIO):
    """Counts and hashes what is written on its way into another file."""

    def __init__(self) -> None:
        super().__init__()
        self.hash = sha256()
        self.size = 0
        self._target: BinaryIO | None = None

    def into(self, target: BinaryIO) -> BinaryIO:
        self._target = target
        return self

    def write(self, data: Any, /) -> int:
        assert self._target is not None
        self.hash.update(data)
        self.size += len(data)
        return self._target.write(data)


def attachments_at(session: Session, index: int) -> list[tuple[Attachment, int]]:
    """The attachments of the dispatch at ``index``, each with its sealed size. Raises LocalError."""
    entry, received = session.store.inbox.at(index), session.store.inbox.received(index)
    if entry is None or received is None or entry.body is None:
        raise LocalError(f"no opened dispatch stands at {index}")
    dispatch = Dispatch.parse(Note.parse(received.note).text)
    attachments = read_attachments(json.loads(entry.body)["attachments"])
    return [(one, sealed.size) for one, sealed in zip(attachments, dispatch.attachments, strict=True)]


def fetch_files(session: Session, index: int, directory: Path) -> list[Path]:
    """Fetch, check and open the attachments of the dispatch at ``index`` into ``directory``; their paths there.

    What was fetched before is not fetched again, and an interrupted fetch goes on where it stopped. No file that
    is there is written over. Raises LocalError if one has the name of an attachment, NetworkError, or Unverified.
    """
    found = attachments_at(session, index)
    targets = [directory / name for name in file_names([one.name for one, _ in found])]
    for target in targets:
        # Before anything is fetched: a large paper is not to arrive first and be refused then.
        if target.exists():
            raise LocalError(f"{target} exists already", hint="choose another directory with --to")
    for number, ((attachment, size), target) in enumerate(zip(found, targets, strict=True), 1):
        progress = partial(session.progress, f"fetching attachment {number} of {len(found)}")
        _fetch(session, attachment, size, target, progress)
    return targets


def file_names(names: Sequence[str]) -> list[str]:
    """The names under which attachments are written: their own, and with a number where one came before.

    A sender's client refuses two of one name (:func:`check_names`); another sender's may not.
    """
    taken: set[str] = set()
    found = []
    for name in names:
        number, candidate = 1, name
        while (folded := unicodedata.normalize("NFC", candidate).casefold()) in taken:
            number += 1
            suffix = f" ({number})"
            path = PurePosixPath(name)
            # The sum stays a name that every file system takes; what is cut is the middle, not the type.
            room = MAX_FILE_NAME_BYTES - len((suffix + path.suffix).encode())
            candidate = path.stem.encode()[:room].decode("utf-8", "ignore") + suffix + path.suffix
        taken.add(folded)
        found.append(candidate)
    return found


def _fetch(
    session: Session, attachment: Attachment, size: int, target: Path, progress: Callable[[int, int], None]
) -> None:
    sealed = session.home.blob(attachment.sha256)
    if not sealed.exists():
        session.transport.download(attachment.sha256, size, sealed, progress)
        session.store.blobs.put(Blob(attachment.sha256, size, sealed, "whole"))
    try:
        with sealed.open("rb") as source, whole_file(target) as plain:
            age.decrypt(source, plain, [age.HybridIdentity.parse(attachment.identity)], armor=False)
            if plain.tell() != attachment.size:
                raise Unverified(f"{attachment.name} has {plain.tell()} bytes instead of {attachment.size}")
    except OSError as error:
        raise local_error(error, "read", sealed) from error
    except PeerError:
        # Its hash held when it came. If the disk has changed it since, it is to be fetched again and not kept.
        if _hash(sealed) != attachment.sha256:
            sealed.unlink()
        raise


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise local_error(error, "read", path) from error
