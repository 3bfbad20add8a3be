"""What members send, made without a client, and a caller that sends each thing exactly once.

Bodies are age headers of the right shape over nothing that opens: the relay cannot tell, which is the point.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from envoi_client.transport.auth import Credentials
from envoi_client.transport.calls import Calls, Reply, Request
from envoi_client.transport.http import Wire
from envoi_keys import frames
from envoi_keys.age_header import HYBRID, HYBRID_ENC_BYTES, Header, Stanza, encode
from envoi_keys.checkpoints import parse_checkpoint
from envoi_keys.delegations import Delegation
from envoi_keys.dispatches import Dispatch, Opening, Sealed
from envoi_keys.enrolments import Enrolment
from envoi_keys.limits import MIB
from envoi_keys.notes import Note
from envoi_keys.receipts import EMPTY_TRANSCRIPT, Direction, Receipt
from envoi_keys.statements import statement_id

from ..exchange import EXPIRES, NOW, Exchange, party, seed, sign

ANSWER = 64 * MIB


def sealed_body(count: int, filler: bytes = b"payload") -> bytes:
    """An age file with so many hybrid stanzas, none of which opens."""
    stanzas = tuple(
        Stanza((HYBRID, encode(seed(f"enc {at}", HYBRID_ENC_BYTES))), seed(f"wrapped {at}")) for at in range(count)
    )
    return Header(stanzas, seed("mac")).marshal() + filler


@dataclass(frozen=True)
class Posted:
    """A submission and what went into it."""

    dispatch: Dispatch
    openings: tuple[Opening, ...]
    note: bytes
    body: bytes

    @property
    def id(self) -> str:
        return statement_id(self.dispatch.text())

    @property
    def parties(self) -> tuple[str, ...]:
        return self.dispatch.sender, *self.dispatch.recipients

    @property
    def raw(self) -> bytes:
        return frames.pack(self.note, b"".join(one.to_bytes() for one in self.openings), self.body)

    def openings_for(self, name: str) -> bytes:
        """The openings that the feed shows to ``name``: its own, or all of them to the sender."""
        shown = zip(self.dispatch.recipients, self.openings, strict=True)
        return b"".join(one.to_bytes() for to, one in shown if name in (to, self.dispatch.sender))


@dataclass
class Sender:
    """A member that keeps its numbers."""

    exchange: Exchange
    name: str
    numbers: dict[str, int] = field(default_factory=dict)

    def compose(self, *to: str, filler: bytes = b"payload", attachments: tuple[Sealed, ...] = ()) -> Posted:
        """A dispatch with the next numbers."""
        numbers = {name: self.numbers.get(name, 0) + 1 for name in to}
        self.numbers.update(numbers)
        found = [self.exchange.roster.addressee(name) for name in sorted(to)]
        body = sealed_body(sum(len(one.keys.sealing) for one in found if one), filler)
        dispatch, openings = self.exchange.dispatch(self.name, numbers, body, attachments=attachments)
        return Posted(dispatch, openings, self.exchange.signed(dispatch), body)


def receipt(exchange: Exchange, sender: str, to: str, through: int, checkpoint: bytes, issued_at: int) -> bytes:
    """A receipt that says ``through``; whether its transcript is true cannot be known to the relay."""
    received = Direction(1, through, sha256(b"%d" % through).hexdigest() if through else EMPTY_TRANSCRIPT)
    sent = Direction(1, 0, EMPTY_TRANSCRIPT)
    made = Receipt(exchange.id, sender, to, received, through, (), sent, checkpoint, issued_at)
    return sign(made.text(), exchange.party(sender).signer)


def delegation(exchange: Exchange, authority: str, number: int) -> bytes:
    """A delegation of ``authority`` to its device of that number."""
    device = party(f"{authority}/unit-{number}")
    made = Delegation(
        exchange=exchange.id,
        authority=authority,
        delegate=device.name,
        signing=device.signer.public,
        sealing=device.sealing,
        transport=device.transport_public,
        scope=("read",),
        until=EXPIRES,
        issued_at=NOW,
    )
    return sign(made.text(), exchange.party(authority).signer)


def enrolment(exchange: Exchange, number: int) -> bytes:
    """The enrolment of a state that nobody has heard of."""
    name = f"NEW{number}"
    made = Enrolment(exchange.id, name, f"State {number}", party(name).keys, NOW)
    return sign(made.text(), party(name).signer)


def cosignature(exchange: Exchange, name: str, checkpoint: bytes) -> bytes:
    """That checkpoint's note with the cosignature of ``name``."""
    parsed, note = parse_checkpoint(checkpoint)
    # Of those it has got, one may be this member's already.
    note = Note(note.text, tuple(line for line in note.signatures if line.name == parsed.origin))
    return note.signed(exchange.party(name).cosigner.cosign(parsed, NOW)).serialise()


class Caller:
    """One member's way to the relay, or a stranger's. Logs in as a client does, and never repeats a request.

    Every method raises Unreachable where no whole answer came, and RelayRefused where the relay said no.
    """

    def __init__(self, url: str, exchange: Exchange, name: str | None = None) -> None:
        self.name = name
        self._wire = Wire(url)
        self._credentials = credentials = None
        if name is not None:
            key = exchange.party(name).transport.private_bytes_raw()
            self._credentials = credentials = Credentials(name, key, url, clock=time.time, random=os.urandom)
        self.calls = Calls(self._wire, credentials, clock=time.time, sleep=time.sleep, random=os.urandom)

    def close(self) -> None:
        self._wire.close()

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, int] | None = None,
    ) -> Reply:
        """One request and its whole answer."""
        request = Request(
            method,
            path,
            query=query or {},
            body=body,
            headers=headers or {},
            signed=self.name is not None,
            patience=float((query or {}).get("wait", 0)),
        )
        return self.calls.fetch(request, ANSWER, numbers=("upload-offset", "upload-length", "envoi-index"))

    def headers(self, method: str, path: str) -> dict[str, str]:
        """The headers of a request that somebody sends by hand; another request was made before."""
        token = self.calls.token()
        assert token is not None
        assert self._credentials is not None
        proof = self._credentials.proof(method, self._wire.origin + path, nonce=self.calls._nonce, token=token.value)
        return {"authorization": f"DPoP {token.value}", "dpop": proof}

    def get(self, path: str, **query: int) -> bytes:
        return self.send("GET", path, query=query).body
