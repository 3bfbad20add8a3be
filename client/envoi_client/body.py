"""The body of a dispatch: one JSON object, padded, bound to its header, in one age file for all recipients.

The age header's MAC commits to the one file key, so all who open the body read the same bytes; the binding
inside makes it worthless under any other header (PROTOCOL §4.4). Padding to a Padmé length hides what the
exact size would tell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from envoi_keys.dispatches import Dispatch, Sealed
from envoi_keys.encoding import Reader, dump_line, format_time, parse_object
from envoi_keys.errors import Malformed, Refused
from envoi_keys.limits import MAX_ATTACHMENTS, MAX_BLOB_BYTES, MAX_BODY_BYTES, MAX_RECIPIENTS

from . import age
from .limits import MAX_FILE_NAME_BYTES

TYPE: Final = re.compile(r"[a-z][a-z0-9-]{0,31}/v[1-9][0-9]{0,2}")
MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+-]{0,127}")
_IDENTITY: Final = re.compile(r"AGE-SECRET-KEY-PQ-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}")
# No path, no drive, no control character, no mark that shows a name in another order than it has ("gpj.exe").
_UNSAFE_IN_NAME: Final = re.compile(
    "[/\\\\:\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]"
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attachment as the body describes it.

    ``size`` is that of the plain file in bytes, ``sha256`` that of the sealed one as in the header;
    ``identity`` is the one-time age identity that opens it and stands nowhere else.
    """

    name: str
    media_type: str
    size: int
    sha256: str
    identity: str

    def to_json(self) -> dict[str, Any]:
        """The object as it stands in a body."""
        return {
            "name": self.name,
            "media_type": self.media_type,
            "size": self.size,
            "sha256": self.sha256,
            "identity": self.identity,
        }


@dataclass(frozen=True, slots=True)
class Body:
    """An opened body: its document ``type`` (``denial/v1``), its ``content``, and its attachments."""

    type: str
    content: dict[str, Any]
    attachments: tuple[Attachment, ...]

    def to_json(self) -> dict[str, Any]:
        """The object without its binding: what the store keeps, and ``envoi show --json`` prints."""
        return {
            "type": self.type,
            "content": self.content,
            "attachments": [attachment.to_json() for attachment in self.attachments],
        }


@dataclass(frozen=True, slots=True)
class Envelope:
    """The header's fields that a body is bound to: all but the body itself and the commitments."""

    exchange: str
    sender: str
    recipients: tuple[str, ...]
    roster: int
    series: int
    sent_at: int
    attachments: tuple[Sealed, ...]
    exercise: bool

    @classmethod
    def of(cls, dispatch: Dispatch) -> Envelope:
        """The envelope of a finished header."""
        return cls(
            exchange=dispatch.exchange,
            sender=dispatch.sender,
            recipients=dispatch.recipients,
            roster=dispatch.roster,
            series=dispatch.series,
            sent_at=dispatch.sent_at,
            attachments=dispatch.attachments,
            exercise=dispatch.exercise,
        )

    def binding(self) -> dict[str, Any]:
        """The object ``binding`` of the body."""
        return {
            "exchange": self.exchange,
            "from": self.sender,
            "to": list(self.recipients),
            "roster": self.roster,
            "series": self.series,
            "sent_at": format_time(self.sent_at),
            "attachments": [attachment.to_json() for attachment in self.attachments],
            "exercise": self.exercise,
        }


def padme(length: int) -> int:
    """The Padmé length for ``length`` bytes.

    At most 12 % more, and few lengths for an observer to tell apart.

    Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs" (2019),
    §4.
    """
    if length < 2:
        return length
    exponent = length.bit_length() - 1
    # The mantissa keeps as many bits as the exponent itself needs; all bits below are rounded up.
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (length + mask) & ~mask


@lru_cache(maxsize=MAX_RECIPIENTS)
def _recipient(key: str) -> age.HybridRecipient:
    # Checking a key of 1,959 characters costs more than sealing to it, and the same ones come every time.
    return age.HybridRecipient.parse(key)


def seal_body(body: Body, envelope: Envelope, recipients: Sequence[str]) -> tuple[bytes, bytes]:
    """The sealed body and its file key.

    ``recipients`` are the sealing keys of all recipients in roster order. Raises Malformed for a key that
    is none and for a body that its recipients would refuse; Refused ``too-large`` when the sealed body
    exceeds the limit: attach what is large.
    """
    try:
        plain = dump_line({"binding": envelope.binding(), **body.to_json()})
    except ValueError:  # NaN, a lone surrogate
        raise Malformed("holds what JSON cannot hold", field="content") from None
    if len(plain) > MAX_BODY_BYTES:
        raise _too_large(len(plain))
    # Read before it is sealed: a fraction or a carriage return would be found by its recipients only.
    _read(plain[:-1], envelope)
    padded = plain[:-1].ljust(padme(len(plain) - 1), b" ")
    sealed, file_key = age.seal_hybrid(padded, [_recipient(key) for key in recipients])
    if len(sealed) > MAX_BODY_BYTES:
        raise _too_large(len(sealed))
    return sealed, file_key


def _too_large(size: int) -> Refused:
    return Refused(
        f"the body has {size} bytes; at most {MAX_BODY_BYTES} are allowed",
        reason="too-large",
        hint="send what is large as an attachment",
    )


def open_body(sealed: bytes, identity: age.HybridIdentity, position: int, stanzas: int, dispatch: Dispatch) -> Body:
    """The body that ``identity`` opens at its stanza ``position`` among ``stanzas``, bound to ``dispatch``.

    Raises Malformed, Unverified, or Refused ``binding-mismatch`` when it was made for another header.
    """
    plain, _ = age.unseal_at(sealed, identity, position, stanzas=stanzas)
    return read_body(plain, dispatch)


def read_body(plain: bytes, dispatch: Dispatch) -> Body:
    """The body in opened bytes, which must be bound to ``dispatch``. Raises like :func:`open_body`."""
    return _read(plain.rstrip(b" "), Envelope.of(dispatch))


def _read(plain: bytes, envelope: Envelope) -> Body:
    reader = Reader(parse_object(plain, max_bytes=MAX_BODY_BYTES, multiline=True))
    type_ = reader.text("type", TYPE)
    # Written out and compared as text: in Python true == 1, and another reader would not agree.
    binding = _spelled(reader.mapping("binding", at_most=16))
    if binding != _spelled(envelope.binding()):
        raise Refused("the body was made for another header", reason="binding-mismatch")
    content = reader.mapping("content", at_most=10_000)
    attachments = read_attachments(reader.listing("attachments", at_most=MAX_ATTACHMENTS))
    reader.done()
    if [one.sha256 for one in attachments] != [one.sha256 for one in envelope.attachments]:
        raise Refused("the body describes other attachments than the header", reason="binding-mismatch")
    # By identity: in Python 1 == True, and another reader would not agree.
    if content.get("exercise", envelope.exercise) is not envelope.exercise:
        # A drill that reads like a real denial, or the reverse: both flags are the sender's word, and they differ.
        raise Refused("the document and the header disagree whether this is an exercise", reason="exercise-mismatch")
    return Body(type_, content, attachments)


def _spelled(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True)


def read_attachments(items: Sequence[Any]) -> tuple[Attachment, ...]:
    """The attachments in a body's list. Raises Malformed."""
    return tuple(_read_attachment(Reader(item, f"attachments[{at}]")) for at, item in enumerate(items))


def _read_attachment(reader: Reader) -> Attachment:
    name = reader.text("name", max_chars=MAX_FILE_NAME_BYTES)
    # The name becomes a file name on somebody's machine, where it must be visible and stay where it is put.
    if (
        not name.strip(" ")
        or name.startswith(".")
        or _UNSAFE_IN_NAME.search(name)
        or len(name.encode()) > MAX_FILE_NAME_BYTES
    ):
        raise Malformed(f"{name!r} is not a plain file name", field=reader.path("name"))
    attachment = Attachment(
        name=name,
        media_type=reader.text("media_type", MEDIA_TYPE),
        size=reader.integer("size", 0, MAX_BLOB_BYTES),
        sha256=reader.hex32("sha256"),
        identity=reader.text("identity", _IDENTITY),
    )
    reader.done()
    return attachment
