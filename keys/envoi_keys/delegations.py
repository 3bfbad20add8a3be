"""The delegation: an authority names one of its own devices, officers or delegates, with keys, scope and an
end.

Only the authority itself can make one; neither the relay nor the Point of Contact can (PROTOCOL §6.7). What a
delegate may do with it is the authority's own rule and is not decided here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from .addressees import SEALING_KEY, read_signing
from .encoding import b64, dump_line, format_time
from .errors import Malformed, Unverified
from .limits import MAX_DISPATCH_NOTE_BYTES, MAX_KEYS_PER_KIND
from .notes import Note
from .signing import HybridKey, hybrid_signers
from .statements import ADDRESSEE, DELEGATION, SUB_ADDRESS, open_statement

SCOPE: Final = re.compile(r"[a-z][a-z0-9-]{0,31}(:[A-Za-z0-9._-]{1,64})?")
"""One scope, such as ``read`` or ``meeting:IEM-2026``."""


@dataclass(frozen=True, slots=True)
class Delegation:
    """``authority`` lets ``delegate`` (``FR/iem-1``) act within ``scope`` until ``until`` (seconds since the
    epoch).
    """

    exchange: str
    authority: str
    delegate: str
    signing: HybridKey
    sealing: tuple[str, ...]
    transport: bytes
    scope: tuple[str, ...]
    until: int
    issued_at: int

    def text(self) -> bytes:
        """The exact bytes to sign."""
        return dump_line(
            {
                "type": DELEGATION,
                "exchange": self.exchange,
                "from": self.authority,
                "delegate": self.delegate,
                "signing": self.signing.vkeys(),
                "sealing": list(self.sealing),
                "transport": b64(self.transport),
                "scope": list(self.scope),
                "until": format_time(self.until),
                "issued_at": format_time(self.issued_at),
            }
        )

    @classmethod
    def parse(cls, text: bytes) -> Delegation:
        """The delegation that ``text`` states. Raises Malformed."""
        reader = open_statement(text, DELEGATION, MAX_DISPATCH_NOTE_BYTES)
        exchange = reader.hex32("exchange")
        authority = reader.text("from", ADDRESSEE)
        delegate = reader.text("delegate", SUB_ADDRESS)
        if delegate.partition("/")[0] != authority:
            raise Malformed(f"{delegate} does not belong to {authority}", field="delegate")
        sealing = reader.texts("sealing", at_least=1, at_most=MAX_KEYS_PER_KIND)
        for position, key in enumerate(sealing):
            if not SEALING_KEY.fullmatch(key):
                raise Malformed("is not a hybrid age recipient (age1pq1...)", field=f"sealing[{position}]")
        scope = reader.texts("scope", at_least=1, at_most=16, max_chars=128)
        for position, one in enumerate(scope):
            if not SCOPE.fullmatch(one):
                raise Malformed(f"{one!r} is not a scope", field=f"scope[{position}]")
        delegation = cls(
            exchange=exchange,
            authority=authority,
            delegate=delegate,
            signing=read_signing(reader, delegate),
            sealing=sealing,
            transport=reader.base64("transport", 32),
            scope=scope,
            until=reader.time("until"),
            issued_at=reader.time("issued_at"),
        )
        reader.done()
        return delegation


def verify_delegation(raw: bytes, authority: HybridKey) -> Delegation:
    """The delegation in a note that ``authority`` signed. Raises Malformed or Unverified."""
    note = Note.parse(raw, max_bytes=MAX_DISPATCH_NOTE_BYTES)
    delegation = Delegation.parse(note.text)
    if delegation.authority != authority.name or not hybrid_signers(note, [authority]):
        raise Unverified(f"the delegation is not signed by {delegation.authority}")
    return delegation
