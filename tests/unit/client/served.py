"""Dispatches as a relay serves them, made well, for tests that then spoil one thing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from envoi_client.age import HybridIdentity, HybridRecipient, seal_hybrid
from envoi_client.body import Body, Envelope, seal_body
from envoi_client.inbox import Served
from envoi_keys.dispatches import Dispatch, Opening, Sealed
from envoi_keys.entries import log_entry
from envoi_keys.statements import DISPATCH

from ...exchange import Exchange, Party, seed

BODY = Body("note/v1", {"text": "Line one\n\tLine two, für Übung"}, ())
INDEX = 20


def identities(party: Party) -> dict[str, HybridIdentity]:
    """What the vault of ``party`` gives to :func:`envoi_client.inbox.judge`."""
    return {key: HybridIdentity(one) for key, one in zip(party.sealing, party.sealing_seeds, strict=True)}


def keys_of(exchange: Exchange, names: Iterable[str]) -> list[str]:
    """The sealing keys of these recipients in roster order."""
    found = (exchange.roster.addressee(name) for name in sorted(names))
    return [key for one in found if one for key in one.keys.sealing]


@dataclass(frozen=True)
class Case:
    """One dispatch and everything that belongs to it, before it is served."""

    exchange: Exchange
    dispatch: Dispatch
    openings: Mapping[str, Opening]
    sealed: bytes
    file_key: bytes

    @classmethod
    def make(
        cls,
        exchange: Exchange,
        sender: str = "FR",
        numbers: Mapping[str, int] | None = None,
        body: Body = BODY,
        *,
        keys: Sequence[str] | None = None,
        plain: bytes | None = None,
        attachments: tuple[Sealed, ...] = (),
        **changes: Any,
    ) -> Case:
        """A dispatch of ``sender``, sealed and bound; ``changes`` alter its header after sealing.

        ``keys`` seals to others than the recipients' keys; ``plain`` seals these bytes instead of ``body``.
        """
        wanted = numbers or {"AU": 211, "DE": 198}
        draft, openings = exchange.dispatch(sender, wanted, attachments=attachments)
        to = list(keys) if keys is not None else keys_of(exchange, wanted)
        if plain is None:
            sealed, file_key = seal_body(body, Envelope.of(draft), to)
        else:
            sealed, file_key = seal_hybrid(plain, [HybridRecipient.parse(key) for key in to])
        case = cls(exchange, draft, dict(zip(draft.recipients, openings, strict=True)), sealed, file_key)
        return replace(case.with_body(sealed), dispatch=replace(case.with_body(sealed).dispatch, **changes))

    def with_body(self, sealed: bytes) -> Case:
        """The same with another sealed body, which the header then names: only its sender can do that."""
        named = Sealed(hashlib.sha256(sealed).hexdigest(), len(sealed))
        return replace(self, sealed=sealed, dispatch=replace(self.dispatch, body=named))

    @property
    def note(self) -> bytes:
        return self.exchange.signed(self.dispatch)

    def served(self, recipient: str = "AU", index: int = INDEX, note: bytes | None = None) -> Served:
        """As an honest relay serves it to ``recipient``, or another ``note`` in place of the sender's."""
        raw = self.note if note is None else note
        opening = self.openings[recipient].to_bytes() if recipient in self.openings else Opening(seed(""), 1).to_bytes()
        return Served(index, log_entry(DISPATCH, raw), raw, opening, self.sealed)


def plain_body(dispatch: Dispatch, **changes: Any) -> bytes:
    """The JSON of a body bound to ``dispatch``, with some fields changed; None drops one."""
    fields = {"type": "note/v1", "binding": Envelope.of(dispatch).binding(), "content": {}, "attachments": []}
    fields |= changes
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()
