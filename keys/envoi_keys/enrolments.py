"""Enrolments: the public keys of a new addressee or officer, signed by the signing key among them.

It proves that whoever made it holds the signing key and nothing more: the officers compare its fingerprint
with the authority by voice before they put the keys into a roster (PROTOCOL §6.6).
"""

from __future__ import annotations

from dataclasses import dataclass

from .addressees import Keys, read_signing
from .encoding import dump_line, format_time
from .errors import Unverified
from .limits import MAX_DISPATCH_NOTE_BYTES
from .notes import Note
from .signing import HybridKey, hybrid_signers
from .statements import ADDRESSEE, ENROLMENT, OFFICER, SUB_ADDRESS, open_statement


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A request to be put into the roster. ``exchange`` is "" before the first roster exists."""

    exchange: str
    member: str
    name: str
    keys: Keys
    made_at: int

    def text(self) -> bytes:
        """The exact bytes to sign."""
        return dump_line(
            {
                "type": ENROLMENT,
                "exchange": self.exchange,
                "member": self.member,
                "name": self.name,
                **self.keys.to_json(),
                "made_at": format_time(self.made_at),
            }
        )

    @classmethod
    def parse(cls, text: bytes) -> Enrolment:
        """The enrolment that ``text`` states. Raises Malformed."""
        reader = open_statement(text, ENROLMENT, MAX_DISPATCH_NOTE_BYTES)
        exchange = reader.hex32("exchange", or_empty=True)
        member = reader.text("member", ADDRESSEE)
        enrolment = cls(
            exchange=exchange,
            member=member,
            name=reader.text("name", max_chars=128),
            keys=Keys.read(reader, member),
            made_at=reader.time("made_at"),
        )
        reader.done()
        return enrolment


def verify_enrolment(raw: bytes) -> Enrolment:
    """The enrolment in a note that its own signing key signed. Raises Malformed or Unverified."""
    note = Note.parse(raw, max_bytes=MAX_DISPATCH_NOTE_BYTES)
    enrolment = Enrolment.parse(note.text)
    if not hybrid_signers(note, [enrolment.keys.signing]):
        raise Unverified("the enrolment is not signed by the key it names")
    return enrolment


@dataclass(frozen=True, slots=True)
class OfficerEnrolment:
    """An officer's request: ``id`` (``POC/anne``), the ``state`` it acts for, and its signing key."""

    exchange: str
    id: str
    state: str
    signing: HybridKey
    made_at: int

    def text(self) -> bytes:
        """The exact bytes to sign."""
        return dump_line(
            {
                "type": OFFICER,
                "exchange": self.exchange,
                "id": self.id,
                "state": self.state,
                "signing": self.signing.vkeys(),
                "made_at": format_time(self.made_at),
            }
        )

    @classmethod
    def parse(cls, text: bytes) -> OfficerEnrolment:
        """The enrolment that ``text`` states. Raises Malformed."""
        reader = open_statement(text, OFFICER, MAX_DISPATCH_NOTE_BYTES)
        exchange = reader.hex32("exchange", or_empty=True)
        id_ = reader.text("id", SUB_ADDRESS)
        enrolment = cls(
            exchange=exchange,
            id=id_,
            state=reader.text("state", ADDRESSEE),
            signing=read_signing(reader, id_),
            made_at=reader.time("made_at"),
        )
        reader.done()
        return enrolment


def verify_officer(raw: bytes) -> OfficerEnrolment:
    """The officer's enrolment in a note that its own key signed. Raises Malformed or Unverified."""
    note = Note.parse(raw, max_bytes=MAX_DISPATCH_NOTE_BYTES)
    enrolment = OfficerEnrolment.parse(note.text)
    if not hybrid_signers(note, [enrolment.signing]):
        raise Unverified("the enrolment is not signed by the key it names")
    return enrolment
