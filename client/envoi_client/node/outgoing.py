"""Sending what was signed, the same bytes until the relay proves that it logged them.

An acknowledgement counts only when its proof holds, and a number is believed to be taken only with our own signature
under it. What the relay will never take gives its numbers back, and what waited behind it is signed anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from envoi_keys import tlog_proof
from envoi_keys.dispatches import Dispatch, Opening
from envoi_keys.entries import log_entry
from envoi_keys.errors import EnvoiError, Fraud, LocalError, PeerError, Refused
from envoi_keys.notes import Note
from envoi_keys.signing import hybrid_signers
from envoi_keys.statements import DISPATCH, require_exchange, statement_id

from ..log_view import Seen, log_note
from ..store import OutboxEntry
from ..transport import RelayRefused
from .session import Session

_LASTING: Final = frozenset(
    {
        "roster-outdated",
        "roster-unknown",
        "unknown-recipient",
        "inactive-recipient",
        "unknown-sender",
        "stanza-count",
    }
)
"""Refusals that the same bytes will always meet: the dispatch is given up and its numbers are free again."""


OVERTAKEN: Final = frozenset({"roster-outdated", "roster-unknown", "stanza-count"})
"""Refusals after which the same document is signed anew: the roster has moved on since."""

_OWN_CHANGE: Final = frozenset({"wrong-series", "bad-signature"})
"""The same, if a roster has changed this member's own series or key since; the relay looks at these first."""

RENUMBERED: Final = "renumbered"
"""Why a waiting dispatch was taken back: one before it was given up."""


@dataclass(frozen=True, slots=True)
class Published:
    """A dispatch that the relay has logged at ``index``, with the numbers of its recipients."""

    id: str
    index: int
    numbers: dict[str, int] = field(default_factory=dict)


def send(session: Session, key: int) -> Published:
    """Send a signed dispatch of the outbox, attachments first, and check the answer's proof."""
    entry = session.store.outbox.get(key)
    submission = session.store.outbox.submission(key)
    if entry is None or entry.note is None or entry.id is None or submission is None:
        raise LocalError(f"the outbox has no signed dispatch {key}")
    dispatch = Dispatch.parse(Note.parse(entry.note).text)
    for number, sealed in enumerate(dispatch.attachments, 1):
        progress = partial(session.progress, f"sending attachment {number} of {len(dispatch.attachments)}")
        session.transport.upload(session.home.blob(sealed.sha256), sealed.sha256, sealed.size, progress)
    try:
        _, proof = session.transport.post_dispatch(submission)
    except RelayRefused as refusal:
        _refused(session, entry, refusal)
        raise
    try:
        index, head = tlog_proof.verify(proof, log_entry(DISPATCH, entry.note), session.roster.log)
    except PeerError as error:
        fraud = Fraud(
            f"the relay acknowledged dispatch {entry.id[:16]} with a proof that does not hold: {error}",
            evidence=(entry.note, proof),
            hint="the dispatch stays in the outbox; tell the Point of Contact",
        )
        session.alarm(fraud, kind="false-proof")
        raise fraud from error
    now = session.clock()
    with session.store.transaction():
        session.store.outbox.accept(key, index=index, proof=proof, at=now)
        extend_sent(session, entry.series or 1, entry.numbers, entry.id)
        # What the relay signed here must lie on the history it shows later (PROTOCOL §7.4).
        session.store.log.note_seen(
            Seen(head.size, head.root, log_note(head), f"the acknowledgement of {entry.id[:16]}"),
            verified=False,
            at=now,
        )
    return Published(entry.id, index, dict(entry.numbers))


def extend_sent(session: Session, series: int, numbers: Mapping[str, int], dispatch_id: str) -> None:
    """Add an accepted dispatch to the transcript of each pair."""
    for name, number in numbers.items():
        last = session.store.numbers.last("sent", name, series)
        if number == last.number + 1:
            session.store.numbers.append("sent", name, series, last.then(dispatch_id))


def has_files(entry: OutboxEntry) -> bool:
    """Whether files go with a signed dispatch."""
    return entry.note is not None and bool(Dispatch.parse(Note.parse(entry.note).text).attachments)


def overtaken(session: Session) -> list[OutboxEntry]:
    """What the relay would not take as it was signed, and what is to be signed anew."""
    return [entry for entry in session.store.outbox.listing("refused") if _is_overtaken(session, entry)]


def _is_overtaken(session: Session, entry: OutboxEntry) -> bool:
    # On the word of a newer roster, not of the relay alone: what it refused and logged all the same would come twice.
    if entry.note is None or entry.reason not in OVERTAKEN | _OWN_CHANGE:
        return entry.reason == RENUMBERED
    return Dispatch.parse(Note.parse(entry.note).text).roster < session.roster.version


def out_of_turn(session: Session, waiting: Sequence[OutboxEntry]) -> bool:
    """Whether the last of these dispatches, sent after those before it, would leave a gap or fill no number."""
    series = waiting[-1].series or 1
    for name, number in waiting[-1].numbers.items():
        before = session.store.numbers.last("sent", name, series).number
        if number != before + sum(name in entry.numbers and (entry.series or 1) == series for entry in waiting):
            return True
    return False


def _refused(session: Session, entry: OutboxEntry, refusal: RelayRefused) -> None:
    now = session.clock()
    if refusal.reason == "number-taken":
        try:
            index = _check_taken(session, entry, refusal)
        except EnvoiError as error:
            fraud = Fraud(
                f"the relay says that a number is taken and cannot show by what: {error}",
                evidence=(entry.note or b"",),
                hint="the dispatch stays in the outbox; tell the Point of Contact",
            )
            session.alarm(fraud, kind="false-number-taken")
            raise fraud from error
        session.store.outbox.refuse(entry.key, reason=refusal.reason, at=now)
        # What we sent from elsewhere, or before a restore, has to be read before anything is signed again.
        refusal.hint = "this node has forgotten a dispatch of its own; run: envoi sync, then publish it again"
        session.own_read = False
        session.read_again(index - 1)
    elif refusal.reason in _LASTING or (refusal.reason in _OWN_CHANGE and _changed_since(session, entry)):
        session.store.outbox.refuse(entry.key, reason=refusal.reason, at=now)


def _changed_since(session: Session, entry: OutboxEntry) -> bool:
    """Whether this member's own key or series is another than under the roster that a dispatch was signed under."""
    assert entry.note is not None  # what was sent is signed
    link = session.chain.version(Dispatch.parse(Note.parse(entry.note).text).roster)
    was, now = (one.addressee(session.me) if one else None for one in (link and link.roster, session.roster))
    return was is not None and now is not None and (was.series, was.keys.signing) != (now.series, now.keys.signing)


def _check_taken(session: Session, entry: OutboxEntry, refusal: RelayRefused) -> int:
    """The index of the dispatch that has the number. Raises PeerError unless the relay shows that it has."""
    # PROTOCOL §9.3: believed only with our own signature under a logged dispatch of that number.
    logged = refusal.logged
    if logged is None:
        raise Refused("no logged dispatch came with it", reason="no-evidence")
    note = Note.parse(logged.note)
    dispatch = Dispatch.parse(note.text)
    if not hybrid_signers(note, [session.keys.signer.public]):
        raise Refused("it is not signed by this member", reason="no-evidence")
    # The same number of a trial or of an earlier series is not taken by it.
    require_exchange(dispatch.exchange, session.chain.exchange)
    number = dispatch.opened(logged.recipient, Opening.from_bytes(logged.opening))
    same = (dispatch.series, entry.numbers.get(logged.recipient)) == (entry.series, number)
    if not same or statement_id(note.text) == entry.id:
        raise Refused("it does not have that number", reason="no-evidence")
    index, head = tlog_proof.verify(logged.proof, log_entry(DISPATCH, logged.note), session.roster.log)
    # Our signature may come from a restored past; that it was logged must hold on the history that we are shown.
    seen = Seen(head.size, head.root, log_note(head), f"the refusal of {(entry.id or '')[:16]}")
    session.store.log.note_seen(seen, verified=False, at=session.clock())
    return index
