"""Writes envoi.json: vectors for what Envoi adds to the standards it composes (docs/PROTOCOL.md).

    PYTHONPATH=. python -m tests.vectors.generate

Each vector says first what a reader must make of it (``expect``) and what it shows (``what``); a refused one
has one flaw. Keys, ids, hashes and everything else come out the same at each run. ML-DSA signatures do not:
signing is hedged (FIPS 204 §3.4), so the signatures in the file are verified, never compared with new ones.
"""

from __future__ import annotations

import json
from hashlib import sha256, shake_256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from envoi_keys import frames
from envoi_keys.checkpoints import Checkpoint
from envoi_keys.dispatches import Opening
from envoi_keys.encoding import b64
from envoi_keys.entries import log_entry
from envoi_keys.merkle import MerkleTree, leaf_hash
from envoi_keys.notes import Note, SignatureLine
from envoi_keys.receipts import extend_transcript
from envoi_keys.signing import Cosigner, HybridSigner, LogSigner
from envoi_keys.statements import statement_id
from envoi_keys.tlog_proof import TlogProof
from envoi_keys.vkeys import ML_DSA_65

from .edwards import NEUTRAL, sign_with_small_order, small_order

PATH = Path(__file__).resolve().parent / "envoi.json"
ORIGIN = "poc.example/envoi"
TIME = 1_793_232_000  # 2026-10-29T00:00:00Z
TEXT = b'{"type":"envoi/note/v1","exchange":"","text":"sign exactly these bytes \xc3\xa9"}\n'
OTHER = b'{"type":"envoi/note/v1","exchange":"","text":"and not these"}\n'

Vector = dict[str, Any]


def seed(label: str, size: int) -> bytes:
    """Bytes that only look random, so that every run has the same keys. Nobody must use them for anything."""
    return shake_256(f"envoi test vector: {label}".encode()).digest(size)


FR = HybridSigner.from_seed("FR", seed("FR", 64))
DE = HybridSigner.from_seed("DE", seed("DE", 64))
LOG = LogSigner.from_seed(ORIGIN, seed("log", 64))
WITNESS = Cosigner.from_seed("FR", seed("FR cosigning", 32))


def keys() -> list[Vector]:
    """Seeds and the vkeys that they make: two halves of 32 bytes, Ed25519 first."""
    return [
        {"expect": "accept", "what": "a member's signing key", "name": "FR", "seed": seed("FR", 64).hex(),
         "vkeys": FR.public.vkeys()},
        {"expect": "accept", "what": "another's", "name": "DE", "seed": seed("DE", 64).hex(),
         "vkeys": DE.public.vkeys()},
        {"expect": "accept", "what": "a log's key, ML-DSA-44 in the second half", "name": ORIGIN,
         "seed": seed("log", 64).hex(), "vkeys": LOG.public.vkeys()},
        {"expect": "accept", "what": "a member's cosigning key", "name": "FR",
         "seed": seed("FR cosigning", 32).hex(), "vkeys": [str(WITNESS.public)]},
    ]  # fmt: skip


def vkeys() -> list[Vector]:
    """One vkey with one flaw each."""
    good = FR.public.vkeys()[1]
    name, key_id, data = good.split("+", 2)
    material = FR.public.ml_dsa_65.material

    def made(type_bytes: bytes, public: bytes) -> str:
        digest = sha256(b"FR\n" + type_bytes + public).digest()
        return f"FR+{digest[:4].hex()}+{b64(type_bytes + public)}"

    return [
        {"expect": "accept", "what": "an ML-DSA-65 key", "vkey": good, "key_id": key_id},
        {"expect": "malformed", "what": "the id of another key", "vkey": f"{name}+00000000+{data}"},
        {"expect": "malformed", "what": "the id in upper case", "vkey": f"{name}+{key_id.upper()}+{data}"},
        {"expect": "malformed", "what": "type 0xff without our identifier", "vkey": made(b"\xff", material)},
        {"expect": "malformed", "what": "another version of our identifier",
         "vkey": made(b"\xffenvoi/ml-dsa-65/v2", material)},
        {"expect": "malformed", "what": "a key one byte short", "vkey": made(ML_DSA_65, material[:-1])},
        {"expect": "malformed", "what": "padding that base64 does not need", "vkey": good + "="},
        {"expect": "malformed", "what": "Ed25519 key of order 1", "vkey": made(b"\x01", b"\x01" + bytes(31))},
        {"expect": "malformed", "what": "Ed25519 key of order 4", "vkey": made(b"\x01", bytes(32))},
        {"expect": "malformed", "what": "Ed25519 key whose y is p + 3, not reduced",
         "vkey": made(b"\x01", (2**255 - 19 + 3).to_bytes(32, "little"))},
    ]  # fmt: skip


def notes() -> list[Vector]:
    """Notes read by someone who knows the signing keys of FR and DE, and the names of those who signed."""
    fr, de = FR.sign(TEXT), DE.sign(TEXT)
    other = FR.sign(OTHER)
    good = Note(TEXT, fr).serialise()
    flipped = bytearray(fr[1].signature)
    flipped[100] ^= 1
    private = MLDSA65PrivateKey.from_seed_bytes(seed("FR", 64)[32:])
    key_id = FR.public.ml_dsa_65.key_id
    one_bit = SignatureLine("FR", key_id, bytes(flipped))
    contextual = SignatureLine("FR", key_id, private.sign(TEXT, context=b"envoi"))
    unlike = next(point for point in sorted(small_order()) if point != NEUTRAL)
    cofactored = SignatureLine("FR", FR.public.ed25519.key_id, sign_with_small_order(seed("FR", 64)[:32], TEXT, unlike))
    stranger = HybridSigner.from_seed("FR", seed("a stranger of the same name", 64)).sign(TEXT)

    def vector(expect: str, what: str, note: bytes, *signers: str) -> Vector:
        found: Vector = {"expect": expect, "what": what}
        if expect == "accept":
            found |= {"signers": list(signers), "id": statement_id(TEXT)}
        return found | {"note": note.decode()}

    def note(*lines: SignatureLine) -> bytes:
        return Note(TEXT, lines).serialise()

    return [
        vector("accept", "one signer", good, "FR"),
        vector("accept", "two signers", note(*fr, *de), "DE", "FR"),
        vector("accept", "the order of lines means nothing", note(fr[1], de[0], fr[0], de[1]), "DE", "FR"),
        vector("accept", "an unknown key of a known name is ignored", note(*stranger, *fr), "FR"),
        vector("accept", "nobody whom we know", note(*stranger)),
        vector("unverified", "the ML-DSA-65 half is stripped", note(fr[0])),
        vector("unverified", "the Ed25519 half is stripped", note(fr[1])),
        vector("unverified", "half of a second signer is stripped", note(*fr, de[0])),
        vector("unverified", "halves over two texts", note(fr[0], other[1])),
        vector("unverified", "one bit of the ML-DSA-65 half", note(fr[0], one_bit)),
        vector("unverified", "an ML-DSA-65 half with a context", note(fr[0], contextual)),
        vector("unverified", "an Ed25519 half that holds with the cofactor only", note(cofactored, fr[1])),
        vector("unverified", "one letter of the text", good.replace(b"exactly", b"Exactly")),
        vector("malformed", "a line twice", good + fr[1].serialise().encode()),
        vector("malformed", "no signature", TEXT + b"\n"),
        vector("malformed", "no empty line before the signatures", good.replace(b"\n\n", b"\n")),
        vector("malformed", "a control character in the text", good.replace(b"these ", b"these\t")),
        vector("malformed", "a hyphen for the dash", good.replace(b"\n\n\xe2\x80\x94", b"\n\n-")),
        vector("malformed", "base64 without padding", good.removesuffix(b"==\n") + b"\n"),
    ]  # fmt: skip


def statements() -> dict[str, list[Vector]]:
    """Commitments, transcripts, log entries and frames: hashes alone, the same at each run."""
    openings = [Opening(seed("nonce", 32), number) for number in (1, 211, 2**53 - 1)]
    ids = [statement_id(TEXT), statement_id(OTHER)]
    before = "0" * 64
    transcript = []
    for dispatch in ids:
        after = extend_transcript(before, dispatch)
        transcript.append({"expect": "accept", "before": before, "id": dispatch, "after": after})
        before = after
    note = Note(TEXT, (SignatureLine("FR", b"1234", b"any note will do"),)).serialise()
    entry = log_entry("envoi/dispatch/v1", note)
    parts = [b"", b"one", bytes(range(256)) * 2]
    return {
        "commitments": [
            {"expect": "accept", "nonce": one.nonce.hex(), "number": one.number,
             "opening": one.to_bytes().hex(), "commitment": one.commitment().hex()}
            for one in openings
        ],
        "transcripts": transcript,
        "entries": [
            {"expect": "accept", "type": "envoi/dispatch/v1", "note": note.decode(), "entry": entry.decode(),
             "leaf_hash": leaf_hash(entry).hex()}
        ],
        "frames": [
            {"expect": "accept", "what": "three parts", "parts": [part.hex() for part in parts],
             "frames": frames.pack(*parts).hex()},
            {"expect": "malformed", "what": "cut by a byte", "frames": frames.pack(*parts)[:-1].hex()},
            {"expect": "malformed", "what": "a length of 16 MiB and a byte", "frames": "01000001"},
        ],
    }  # fmt: skip


def logged() -> dict[str, list[Vector]]:
    """Checkpoints of a log of seven entries and proofs of the third, read by someone who knows the log."""
    entries = [log_entry("envoi/dispatch/v1", b"note %d\n" % number) for number in range(7)]
    tree = MerkleTree(leaf_hash(entry) for entry in entries)
    raw = LOG.sign(7, tree.root(), TIME)
    note = Note.parse(raw)
    ed25519, ml_dsa_44 = note.signatures
    later = Note.parse(LOG.sign(7, tree.root(3), TIME))
    cosigned = note.signed(WITNESS.cosign(Checkpoint(ORIGIN, 7, tree.root()), TIME + 60)).serialise()
    text = note.text

    def checkpoint(expect: str, what: str, note: bytes, **found: Any) -> Vector:
        return {
            "expect": expect,
            "what": what,
            "log": LOG.public.vkeys(),
            **found,
            "checkpoint": note.decode(),
        }

    def proof(expect: str, what: str, raw: bytes, entry: bytes = entries[2]) -> Vector:
        found = {"log": LOG.public.vkeys(), "entry": entry.decode(), "index": 2, "proof": raw.decode()}
        return {"expect": expect, "what": what, **found}

    found = {"size": 7, "root": tree.root().hex(), "time": TIME}
    both = {**found, "cosigner": str(WITNESS.public), "cosigned": TIME + 60}
    # Rightly signed: the ML-DSA-44 message leaves extension lines out, so the old signature holds as well.
    longer = text + b"extension\n"
    private = Ed25519PrivateKey.from_private_bytes(seed("log", 64)[:32])
    signed = SignatureLine(ORIGIN, ed25519.key_id, private.sign(longer))
    extended = Note(longer, (signed, ml_dsa_44)).serialise()
    path = tuple(tree.inclusion_proof(2, 7))
    good = TlogProof(2, path, raw).serialise()
    return {
        "checkpoints": [
            checkpoint("accept", "both signatures of the log", raw, **found),
            checkpoint("accept", "and a member's cosignature", cosigned, **both),
            checkpoint("unverified", "the Ed25519 signature alone", Note(text, (ed25519,)).serialise()),
            checkpoint("unverified", "the ML-DSA-44 signature alone", Note(text, (ml_dsa_44,)).serialise()),
            checkpoint("unverified", "the second signature is of another root",
                       Note(text, (ed25519, later.signatures[1])).serialise()),
            checkpoint("malformed", "an extension line", extended),
            checkpoint("malformed", "a leading zero", raw.replace(b"\n7\n", b"\n07\n")),
        ],
        "proofs": [
            proof("accept", "the third entry of seven", good),
            proof("unverified", "of another entry", good, entries[3]),
            proof("unverified", "one hash short", TlogProof(2, path[:-1], raw).serialise()),
            proof("unverified", "another index", TlogProof(3, path, raw).serialise()),
            proof("malformed", "a leading zero", good.replace(b"index 2", b"index 02")),
        ],
    }  # fmt: skip


def build() -> dict[str, Any]:
    """Everything in envoi.json, with fresh ML-DSA signatures."""
    about = (
        "Vectors for docs/PROTOCOL.md. expect is accept, malformed (it does not parse) or unverified (it "
        "parses and does not hold). The seeds are public: never use these keys. ML-DSA signatures are hedged "
        "and differ at each generation; all else is reproducible."
    )
    return {
        "about": about,
        "ml_dsa_65_type": ML_DSA_65.hex(),
        "keys": keys(),
        "vkeys": vkeys(),
        "notes": notes(),
        **statements(),
        **logged(),
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(build(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
