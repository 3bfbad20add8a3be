"""``envoi inbox``, ``show``, ``outbox`` and ``attachments get``: what came in, and who has what we sent."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import Parameter

from envoi_client.documents import show as show_document
from envoi_client.documents.text import printable, safe
from envoi_client.node import Node
from envoi_client.node.publish import draft_of
from envoi_client.store import InboxEntry, OutboxEntry
from envoi_keys.dispatches import Dispatch
from envoi_keys.encoding import format_time
from envoi_keys.errors import LocalError
from envoi_keys.notes import Note
from envoi_keys.receipts import Receipt

from .common import DEFAULT, Common, Flag, moment, table

_TITLE: Final = 120
"""Characters of what others wrote, in a list."""


def inbox(*, new: Annotated[bool, Flag] = False, sender: str | None = None, common: Common = DEFAULT) -> None:
    """List what was received, oldest first.

    Parameters
    ----------
    new
        Only what nobody has read.
    sender
        Only what this member sent.
    """
    with common.open_node() as node:
        entries = list(node.session.store.inbox.listing(unread=new, sender=sender))
        rows = [
            (
                entry.id[:16],
                entry.sender or "?",
                str(entry.number or "-"),
                moment(entry.received_at),
                _title(entry),
            )
            for entry in entries
        ]
        common.answer([_entry_json(entry) for entry in entries], table(("id", "from", "no.", "received", "what"), rows))


def _title(entry: InboxEntry) -> str:
    return _subject(json.loads(entry.body)) if entry.body else printable(f"{entry.verdict}: {entry.reason}"[:_TITLE])


def _subject(body: dict[str, Any]) -> str:
    content = body["content"]
    title = content.get("regime_reference") or content.get("subject") or ""
    # What others wrote: nothing that moves the cursor or turns the line around.
    said = safe(str(title), _TITLE)
    return f"{body['type']}  {said}{'  (exercise)' if content.get('exercise') else ''}".rstrip()


def _entry_json(entry: InboxEntry) -> dict[str, Any]:
    body = json.loads(entry.body) if entry.body else None
    return {
        "id": entry.id,
        "index": entry.index,
        "from": entry.sender,
        "number": entry.number,
        "verdict": entry.verdict,
        "reason": entry.reason,
        "received_at": format_time(entry.received_at),
        "read": entry.read_at is not None,
        "type": body["type"] if body else None,
    }


def show(id_: Annotated[str, Parameter(name="ID")], /, *, common: Common = DEFAULT) -> None:
    """Show one dispatch, received or sent, by its id or the beginning of it.

    Parameters
    ----------
    id_
        The id, or enough of its first digits.
    """
    with common.open_node() as node:
        entry = _find(node, id_)
        if isinstance(entry, OutboxEntry):
            value, lines = _sent(node, entry)
        else:
            node.session.store.inbox.mark_read(entry.index, int(time.time()))
            value, lines = _received(node, entry)
        common.answer(value, lines)


def _find(node: Node, prefix: str) -> InboxEntry | OutboxEntry:
    """The one dispatch, received or sent, whose id begins with ``prefix``. Raises LocalError."""
    store = node.session.store
    if not prefix or prefix.lower().strip("0123456789abcdef"):
        raise LocalError("an id has hexadecimal digits only", hint="envoi inbox and envoi outbox list the ids")
    received = store.inbox.find(prefix)
    # What was refused bears the id that it claims: it must not stand in the way of the genuine one.
    received = [entry for entry in received if entry.verdict != "refused"] or received
    found: list[InboxEntry | OutboxEntry] = [*received, *store.outbox.find(prefix)]
    if not found:
        raise LocalError(f"no dispatch begins with {prefix}", hint="envoi inbox and envoi outbox list the ids")
    if len(found) > 1:
        raise LocalError(f"{prefix} begins {len(found)} ids", hint="give more digits")
    return found[0]


def _received(node: Node, entry: InboxEntry) -> tuple[dict[str, Any], list[str]]:
    value = _entry_json(entry)
    lines = [
        f"id        {entry.id}",
        f"from      {entry.sender or '?'}, number {entry.number or '-'}, log index {entry.index}",
        f"received  {moment(entry.received_at)}",
    ]
    if entry.body is None:
        return value, [*lines, printable(f"{entry.verdict}: {entry.reason}")]
    body = json.loads(entry.body)
    held = node.session.store.inbox.received(entry.index)
    assert held is not None  # what was opened is held
    header = Dispatch.parse(Note.parse(held.note).text)
    value |= {
        "to": list(header.recipients),
        "sent_at": format_time(header.sent_at),
        "exercise": header.exercise,
        "content": body["content"],
        "attachments": _without_identities(body["attachments"]),
    }
    lines += [f"sent      {moment(header.sent_at)} by the sender's clock", f"to        {', '.join(header.recipients)}"]
    lines += ["exercise  yes"] if header.exercise else []
    return value, [*lines, *_document(node, body)]


def _sent(node: Node, entry: OutboxEntry) -> tuple[dict[str, Any], list[str]]:
    draft = draft_of(entry)
    value = {
        "id": entry.id,
        "state": entry.state,
        "index": entry.index,
        "numbers": dict(entry.numbers),
        **draft,
        "attachments": _without_identities(draft.get("attachments", [])),
    }
    state = f"{entry.state}: {entry.reason}" if entry.reason else entry.state
    lines = [f"id        {entry.id}", f"state     {state}", f"to        {', '.join(entry.numbers)}"]
    # What was sent from elsewhere is known from the log alone.
    return value, [*lines, *_document(node, draft)] if draft else lines


def _document(node: Node, body: dict[str, Any]) -> list[str]:
    lines = [f"attached  {one['name']} ({one['size']} bytes)" for one in body["attachments"]]
    return [*lines, "", show_document(body["type"], body["content"], node.session.profile).rstrip("\n")]


def _without_identities(attachments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in one.items() if name != "identity"} for one in attachments]


def outbox(*, common: Common = DEFAULT) -> None:
    """List what was sent, and for each recipient whether it has received and opened it."""
    with common.open_node() as node:
        receipts = {
            stored.sender: Receipt.parse(Note.parse(stored.note).text)
            for stored in node.session.store.receipts.addressed_to(node.me)
        }
        values, rows = [], []
        for entry in node.session.store.outbox.listing():
            states = {name: _state(entry, receipts.get(name), number) for name, number in entry.numbers.items()}
            draft = draft_of(entry)
            values.append(
                {
                    "id": entry.id,
                    "state": entry.state,
                    "index": entry.index,
                    "type": draft.get("type"),
                    "recipients": states,
                }
            )
            opened = sum(state == "opened" for state in states.values())
            what = _subject(draft) if draft else "-"
            counted = f"{opened} of {len(states)}"
            rows.append(((entry.id or "")[:16], entry.state, counted, what, _remark(entry, states)))
        common.answer(values, table(("id", "state", "opened", "what", ""), rows))


def _state(entry: OutboxEntry, receipt: Receipt | None, number: int) -> str:
    if entry.state != "accepted":
        return "waiting" if entry.state == "signed" else "not sent"
    # A receipt speaks of one series; in another the same number is another dispatch.
    if receipt is None or receipt.received.series != entry.series or receipt.received.through < number:
        return "sent"
    if number in receipt.could_not_open:
        return "could not open"
    return "opened" if receipt.opened_through >= number else "received"


def _remark(entry: OutboxEntry, states: dict[str, str]) -> str:
    if entry.reason:
        return entry.reason
    named = {state: [name for name, of in states.items() if of == state] for state in ("could not open", "sent")}
    texts = {"could not open": "could not open", "sent": "not yet received"}
    return "; ".join(f"{texts[state]}: {', '.join(names)}" for state, names in named.items() if names)


def attachments_get(id_: Annotated[str, Parameter(name="ID")], /, *, to: Path, common: Common = DEFAULT) -> None:
    """Fetch and open the attachments of a dispatch. No file that is there is written over.

    Parameters
    ----------
    id_
        The dispatch's id, or enough of its first digits.
    to
        The directory to write them into.
    """
    if not to.is_dir():
        raise LocalError(f"{to} is not a directory", hint=f"make it first: mkdir {to}")
    with common.open_node() as node:
        entry = _find(node, id_)
        if isinstance(entry, OutboxEntry):
            raise LocalError(f"{id_} was sent from here", hint="its attachments are the files that were attached")
        if entry.body is None:
            raise LocalError(f"{id_} was not opened: {entry.reason}", hint=f"envoi show {id_} says what is known of it")
        paths = node.fetch(entry.index, to)
        common.answer([str(path) for path in paths], [str(path) for path in paths])
