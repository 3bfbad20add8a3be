"""The disposition: what an officer decided about one hit, and why, as a statement that the authority signs.

It is a signed note like every statement of the exchange, so that it holds in court and between the authority's
officers, and it is never sent through the relay. It names the version of the notice that was looked at, or the file of
the reference list, and the fingerprints of what bore on the decision: while they stay the same the decision is carried
over. A newer one replaces an older one; both are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

from envoi_client.documents.text import unsafe_character
from envoi_keys.encoding import dump_line, format_time
from envoi_keys.errors import Malformed, Refused
from envoi_keys.notes import Note
from envoi_keys.signing import HybridKey, hybrid_signers
from envoi_keys.statements import ADDRESSEE, open_statement, require_exchange, statement_id

from .. import limits

DISPOSITION: Final = "envoi/disposition/v1"
_LINE: Final = 300
_BETWEEN: Final = b"\n"
"""What stands between two notes in a file: an empty line, which no note of ours has elsewhere than before
signatures."""


class Decision(StrEnum):
    """What an officer finds."""

    FULL_MATCH = "full-match"
    POSSIBLE_MATCH = "possible-match"
    NO_MATCH = "no-match"


_LIST: Final = "list:"


def list_reference(list_: str, entry: str) -> str:
    """How a decision names an entry of a reference list: ``list:un:QDe.001``. No notice has such a reference."""
    return f"{_LIST}{list_}:{entry}"


def listed(reference: str) -> tuple[str, str] | None:
    """The list and the entry that a reference names; None for a notice's."""
    list_, colon, entry = reference.removeprefix(_LIST).partition(":")
    return (list_, entry) if reference.startswith(_LIST) and colon else None


@dataclass(frozen=True, slots=True)
class NoticeSeen:
    """The version of a notice that was looked at: the log index and the id of the dispatch that brought it."""

    index: int
    id: str


@dataclass(frozen=True, slots=True)
class ListSeen:
    """The reference list in which an entry was looked at: SHA-256 of the file from which it was loaded."""

    sha256: str


Seen = NoticeSeen | ListSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposition:
    """One decision.

    ``reference`` is that of the notice, or :func:`list_reference`; ``seen`` is what of it was looked at; ``replaces``
    is the id of the disposition that this one replaces, or empty; ``decided_at`` is in seconds since the epoch.
    """

    exchange: str
    member: str
    officer: str
    case: str
    reference: str
    seen: Seen
    hit_fingerprint: str
    case_fingerprint: str
    decision: Decision
    reason: str
    replaces: str
    decided_at: int

    def text(self) -> bytes:
        """The exact bytes to sign."""
        return dump_line(
            {
                "type": DISPOSITION,
                "exchange": self.exchange,
                "member": self.member,
                "officer": self.officer,
                "case": self.case,
                "reference": self.reference,
                "seen": asdict(self.seen),
                "fingerprints": {"hit": self.hit_fingerprint, "case": self.case_fingerprint},
                "decision": self.decision.value,
                "reason": self.reason,
                "replaces": self.replaces,
                "decided_at": format_time(self.decided_at),
            }
        )

    @property
    def id(self) -> str:
        """The id of the statement."""
        return statement_id(self.text())

    @classmethod
    def parse(cls, text: bytes) -> Disposition:
        """The disposition that ``text`` states. Raises Malformed. Says nothing about who signed it."""
        reader = open_statement(text, DISPOSITION, limits.MAX_DISPOSITION_BYTES)
        seen, fingerprints = reader.reader("seen"), reader.reader("fingerprints")
        reference = reader.text("reference", max_chars=_LINE)
        found = cls(
            exchange=reader.hex32("exchange"),
            member=reader.text("member", ADDRESSEE),
            officer=reader.text("officer", max_chars=_LINE),
            case=reader.text("case", max_chars=_LINE),
            reference=reference,
            seen=ListSeen(seen.hex32("sha256"))
            if listed(reference)
            else NoticeSeen(seen.integer("index"), seen.hex32("id")),
            hit_fingerprint=fingerprints.hex32("hit"),
            case_fingerprint=fingerprints.hex32("case"),
            decision=Decision(reader.choice("decision", tuple(Decision))),
            reason=reader.text("reason", max_chars=limits.MAX_REASON_CHARS),
            replaces=reader.hex32("replaces", or_empty=True),
            decided_at=reader.time("decided_at"),
        )
        for inner in (seen, fingerprints, reader):
            inner.done()
        found.check()
        # Its id is that of these bytes. A second spelling would be a second id of one decision.
        if found.text() != text:
            raise Malformed("is not written in the one way that dispositions are")
        return found

    def check(self) -> None:
        """That every text can be shown in court: it says something, on one line, without hidden marks. Raises
        Malformed."""
        for name in ("officer", "case", "reference", "reason"):
            value = getattr(self, name)
            if not value.strip():
                raise Malformed("is empty", field=name, hint="write something")
            if (unsafe := unsafe_character(value)) is not None:
                raise Malformed(unsafe, field=name, hint="remove it")


@dataclass(frozen=True, slots=True)
class Signed:
    """A disposition and the note that makes it evidence."""

    disposition: Disposition
    note: bytes


def verified(raw: bytes, exchange: str, key: HybridKey) -> Signed:
    """The disposition in a signed note, if the authority itself signed it for this exchange.

    Raises Malformed; Unverified for a signature that does not hold; Refused ``other-exchange``, ``not-our-own``.
    """
    note = Note.parse(raw, max_bytes=limits.MAX_DISPOSITION_BYTES)
    disposition = Disposition.parse(note.text)
    require_exchange(disposition.exchange, exchange)
    if disposition.member != key.name or key.name not in hybrid_signers(note, [key]):
        raise Refused(
            f"the disposition of case {disposition.case[:40]} is not signed by the key of {key.name} in force",
            reason="not-our-own",
            hint="only what officers of this authority decided is taken",
        )
    return Signed(disposition, raw)


def to_file(notes: Iterable[bytes]) -> bytes:
    """Several notes as one file, an empty line between them."""
    return _BETWEEN.join(notes)


def from_file(raw: bytes) -> Sequence[bytes]:
    """The notes in the bytes of a file; each text is one line, so empty lines tell texts from signatures and notes
    apart.

    Raises Malformed for what cannot be such a file; the notes are looked at by :func:`verified`.
    """
    if len(raw) > limits.MAX_DISPOSITION_FILE_BYTES:
        raise Malformed(f"has {len(raw)} bytes; at most {limits.MAX_DISPOSITION_FILE_BYTES} are allowed")
    parts = raw.removesuffix(b"\n").split(b"\n\n") if raw else []
    if len(parts) % 2:
        raise Malformed("is not a file of signed notes", hint="write one with: envoi screen dispositions export FILE")
    return [b"%b\n\n%b\n" % (text, lines) for text, lines in zip(parts[::2], parts[1::2], strict=True)]


def newest(found: Iterable[Disposition]) -> Disposition | None:
    """The one that counts: what no other replaces, and of two such, decided apart, the later.

    That it replaces another weighs more than its time: clocks of two machines differ.
    """
    all_ = list(found)
    replaced = {one.replaces for one in all_}
    standing = [one for one in all_ if one.id not in replaced]
    return max(standing, key=lambda one: (one.decided_at, one.id), default=None)
