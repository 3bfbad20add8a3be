"""A relay in memory that speaks the real protocol and can lie.

It plugs in where the network is. By default it is honest: it numbers, logs, signs checkpoints and serves what
each member may see. Its state is public, so a test spoils what it likes, and its ``show_*`` functions have the
last word on what one caller sees. It checks no more than a test relies on; who signed what is the members' to
find out.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs

import httpx

from envoi_keys.dispatches import OPENING_BYTES, Dispatch, Opening
from envoi_keys.encoding import b64
from envoi_keys.entries import log_entry
from envoi_keys.frames import pack, unpack
from envoi_keys.merkle import MerkleTree, leaf_hash
from envoi_keys.notes import Note
from envoi_keys.receipts import Receipt
from envoi_keys.signing import LogSigner
from envoi_keys.statements import DELEGATION, DISPATCH, PUBLIC_TYPES, ROSTER
from envoi_keys.tiles import TILE_WIDTH, Tile, pack_entries, tile_hashes
from envoi_keys.tlog_proof import TlogProof

URL: Final = "http://relay.example"
_BINARY: Final = {"content-type": "application/octet-stream"}
_TEXT: Final = {"content-type": "text/plain; charset=utf-8"}


@dataclass(frozen=True)
class Entry:
    """One entry of the log and what the relay holds of it; ``openings`` by recipient."""

    type: str
    note: bytes
    sender: str = ""
    series: int = 1
    openings: Mapping[str, bytes] = field(default_factory=dict)
    body: bytes = b""

    @property
    def leaf(self) -> bytes:
        return log_entry(self.type, self.note)


@dataclass(frozen=True)
class Group:
    """One entry as the feed shows it to one caller."""

    index: int
    note: bytes
    openings: bytes
    body: bytes


def problem(status: int, slug: str, detail: str = "", **extra: Any) -> httpx.Response:
    """A problem document."""
    content = {"type": f"https://envoi.example/problems/{slug}", "detail": detail or slug, **extra}
    return httpx.Response(
        status, headers={"content-type": "application/problem+json"}, content=json.dumps(content).encode()
    )


def end_of_feed(cursor: int, checkpoint: bytes) -> bytes:
    """The last group of a feed (PROTOCOL §9.2)."""
    return pack(b"", cursor.to_bytes(8, "big", signed=True), checkpoint, b"")


class Relay(httpx.BaseTransport):
    """One relay with one log. ``clock`` gives seconds since the epoch."""

    def __init__(self, signer: LogSigner, first_roster: bytes, clock: Callable[[], int]) -> None:
        self.signer = signer
        self.clock = clock
        self.entries: list[Entry] = [Entry(ROSTER, first_roster)]
        self.rosters: list[bytes] = [first_roster]
        self.receipts: dict[tuple[str, str], bytes] = {}
        self.blobs: dict[str, bytes] = {}
        self.answers: dict[bytes, bytes] = {}
        self.requests: list[tuple[str, str, str]] = []
        self.be_honest()

    def be_honest(self) -> None:
        """Take back every lie about what is shown; what was logged stays logged."""
        self.show_feed: Callable[[str, list[Group]], list[Group]] = lambda _, groups: groups
        self.show_feed_bytes: Callable[[bytes], bytes] = lambda raw: raw
        self.show_checkpoint: Callable[[bytes], bytes] = lambda note: note
        self.show_bundle: Callable[[list[bytes]], list[bytes]] = lambda entries: entries
        self.show_receipts: Callable[[str, list[bytes]], list[bytes]] = lambda _, notes: notes
        self.show_roster: Callable[[bytes], bytes] = lambda note: note
        self.show_proof: Callable[[bytes], bytes] = lambda proof: proof
        self.answer: Callable[[httpx.Request, Callable[[], httpx.Response]], httpx.Response] = lambda _, honest: (
            honest()
        )

    def fork(self, size: int | None = None, *, clock: Callable[[], int] | None = None) -> Relay:
        """Another history of the same log, under the same keys, that parts after ``size`` entries."""
        other = Relay(self.signer, self.entries[0].note, clock or self.clock)
        other.entries = self.entries[:size]
        other.rosters = [entry.note for entry in other.entries if entry.type == ROSTER]
        other.receipts, other.blobs, other.answers = dict(self.receipts), dict(self.blobs), dict(self.answers)
        return other

    # What it does

    def log(self, entry: Entry) -> int:
        """Log anything, without a look at it; its index."""
        self.entries.append(entry)
        return len(self.entries) - 1

    def log_roster(self, note: bytes) -> int:
        """Log a roster and serve it as the newest."""
        self.rosters.append(note)
        return self.log(Entry(ROSTER, note))

    def log_delegation(self, note: bytes) -> int:
        return self.log(Entry(DELEGATION, note))

    def log_dispatch(self, note: bytes, openings: Mapping[str, Opening], body: bytes) -> int:
        """Log a dispatch whatever its numbers and signatures are."""
        header = Dispatch.parse(Note.parse(note).text)
        raw = {name: opening.to_bytes() for name, opening in openings.items()}
        return self.log(Entry(DISPATCH, note, header.sender, header.series, raw, body))

    def tree(self, size: int | None = None) -> MerkleTree:
        return MerkleTree(leaf_hash(entry.leaf) for entry in self.entries[:size])

    def checkpoint(self, size: int | None = None) -> bytes:
        """A signed checkpoint of the first ``size`` entries."""
        tree = self.tree(size)
        return self.signer.sign(tree.size, tree.root(), self.clock())

    def proof(self, index: int, size: int | None = None) -> bytes:
        """The tlog-proof of an entry."""
        tree = self.tree(size)
        path = tuple(tree.inclusion_proof(index, tree.size))
        return TlogProof(index, path, self.checkpoint(size)).serialise()

    def groups(self, caller: str, after: int) -> list[Group]:
        """What ``caller`` may see above ``after``."""
        found = []
        for index, entry in enumerate(self.entries):
            if index <= after:
                continue
            if entry.type in PUBLIC_TYPES:
                found.append(Group(index, entry.note, b"", b""))
            elif caller == entry.sender:
                raw = b"".join(opening for _, opening in sorted(entry.openings.items()))
                found.append(Group(index, entry.note, raw, entry.body))
            elif caller in entry.openings:
                found.append(Group(index, entry.note, entry.openings[caller], entry.body))
        return found

    def numbered(self, sender: str, recipient: str, series: int) -> dict[int, int]:
        """The log index of each number of one pair."""
        return {
            Opening.from_bytes(entry.openings[recipient]).number: index
            for index, entry in enumerate(self.entries)
            if (entry.sender, entry.series) == (sender, series) and recipient in entry.openings
        }

    def taken(self, index: int, recipient: str) -> httpx.Response:
        """The refusal that shows which logged dispatch has the number."""
        entry = self.entries[index]
        logged = {
            "index": index,
            "note": b64(entry.note),
            "opening": b64(entry.openings[recipient]),
            "recipient": recipient,
            "proof": self.proof(index).decode(),
        }
        return problem(409, "number-taken", logged=logged)

    # HTTP

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer like the relay of PROTOCOL §9, unless ``answer`` has something else to say."""
        request.read()
        caller = request.headers.get("authorization", "").removeprefix("DPoP token-of-")
        self.requests.append((caller, request.method, request.url.path))
        return self.answer(request, lambda: self._honest(request, caller))

    def _honest(self, request: httpx.Request, caller: str) -> httpx.Response:
        for method, pattern, name in _ROUTES:
            match = re.fullmatch(pattern, request.url.path)
            if match and request.method == method:
                found: httpx.Response = getattr(self, name)(request, caller, *match.groups())
                return found
        return problem(404, "not-found")

    def _token(self, request: httpx.Request, _: str) -> httpx.Response:
        # Who calls is believed as it stands: authentication is the real relay's matter, and tested there.
        assertion = parse_qs(request.content.decode())["client_assertion"][0].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(assertion + "=" * (-len(assertion) % 4)))
        answer = {"access_token": f"token-of-{claims['sub']}", "token_type": "DPoP", "expires_in": 600}
        return httpx.Response(200, json=answer)

    def _roster(self, _request: httpx.Request, _: str, version: str | None = None) -> httpx.Response:
        if version is not None and not 1 <= int(version) <= len(self.rosters):
            return problem(404, "not-found")
        note = self.rosters[-1 if version is None else int(version) - 1]
        return httpx.Response(200, headers=_TEXT, content=self.show_roster(note))

    def _post_dispatch(self, request: httpx.Request, caller: str) -> httpx.Response:
        known = self.answers.get(request.content)
        if known is not None:
            return httpx.Response(200, headers=_TEXT, content=self.show_proof(known))
        note, openings, body = unpack(request.content, 3)
        header = Dispatch.parse(Note.parse(note).text)
        if header.sender != caller:
            return problem(403, "not-yours")
        pieces = [openings[at : at + OPENING_BYTES] for at in range(0, len(openings), OPENING_BYTES)]
        own = dict(zip(header.recipients, map(Opening.from_bytes, pieces), strict=True))
        for recipient, opening in own.items():
            held = self.numbered(caller, recipient, header.series)
            if opening.number in held:
                return self.taken(held[opening.number], recipient)
            if opening.number != len(held) + 1:
                return problem(409, "number-gap")
        proof = self.answers[request.content] = self.proof(self.log_dispatch(note, own, body))
        return httpx.Response(201, headers=_TEXT, content=self.show_proof(proof))

    def _feed(self, request: httpx.Request, caller: str) -> httpx.Response:
        after = int(request.url.params["after"])
        groups = self.groups(caller, after)[: int(request.url.params.get("limit", "1000"))]
        cursor = groups[-1].index if groups else after
        shown = self.show_feed(caller, groups)
        raw = b"".join(pack(one.index.to_bytes(8, "big"), one.note, one.openings, one.body) for one in shown)
        raw = self.show_feed_bytes(raw + end_of_feed(cursor, self.checkpoint()))
        return httpx.Response(200, headers=_BINARY, content=raw)

    def _receipts(self, _request: httpx.Request, caller: str) -> httpx.Response:
        notes = [note for pair, note in sorted(self.receipts.items()) if caller in pair]
        return httpx.Response(200, headers=_BINARY, content=pack(*self.show_receipts(caller, notes)))

    def _post_receipt(self, request: httpx.Request, _: str) -> httpx.Response:
        receipt = Receipt.parse(Note.parse(request.content).text)
        self.receipts[receipt.sender, receipt.to] = request.content
        return httpx.Response(204)

    def _checkpoint(self, _request: httpx.Request, _: str) -> httpx.Response:
        return httpx.Response(200, headers=_TEXT, content=self.show_checkpoint(self.checkpoint()))

    def _tile(self, _request: httpx.Request, _: str, path: str) -> httpx.Response:
        tile = Tile.parse(path)
        if not tile.within(len(self.entries)):
            return problem(404, "not-found")
        if tile.level is None:
            first = tile.index * TILE_WIDTH
            leaves = [entry.leaf for entry in self.entries[first : first + tile.width]]
            return httpx.Response(200, headers=_BINARY, content=pack_entries(self.show_bundle(leaves)))
        hashes = tile_hashes(self.tree(), tile.level, tile.index, tile.width)
        return httpx.Response(200, headers=_BINARY, content=hashes)

    def _put_blob(self, request: httpx.Request, _: str, sha256: str) -> httpx.Response:
        self.blobs[sha256] = request.content
        return httpx.Response(201, headers={"upload-offset": str(len(request.content))})

    def _head_blob(self, _request: httpx.Request, _: str, sha256: str) -> httpx.Response:
        if sha256 not in self.blobs:
            return httpx.Response(404)
        size = str(len(self.blobs[sha256]))
        return httpx.Response(200, headers={"upload-offset": size, "upload-length": size})

    def _get_blob(self, request: httpx.Request, _: str, sha256: str) -> httpx.Response:
        if sha256 not in self.blobs:
            return problem(404, "not-found")
        blob = self.blobs[sha256]
        start = int(request.headers["range"].removeprefix("bytes=").removesuffix("-"))
        headers = {**_BINARY, "content-range": f"bytes {start}-{len(blob) - 1}/{len(blob)}"}
        return httpx.Response(206, headers=headers, content=blob[start:])


_ROUTES: Final = (
    ("POST", r"/v1/token", "_token"),
    ("GET", r"/v1/roster", "_roster"),
    ("GET", r"/v1/roster/([0-9]+)", "_roster"),
    ("POST", r"/v1/dispatches", "_post_dispatch"),
    ("GET", r"/v1/dispatches", "_feed"),
    ("GET", r"/v1/receipts", "_receipts"),
    ("POST", r"/v1/receipts", "_post_receipt"),
    ("GET", r"/log/checkpoint", "_checkpoint"),
    ("GET", r"/log/(tile/.*)", "_tile"),
    ("PUT", r"/v1/blobs/([0-9a-f]{64})", "_put_blob"),
    ("HEAD", r"/v1/blobs/([0-9a-f]{64})", "_head_blob"),
    ("GET", r"/v1/blobs/([0-9a-f]{64})", "_get_blob"),
)
