"""Our own vectors: the code agrees with the file, and the file with its generator."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from envoi_keys import frames, tlog_proof
from envoi_keys.checkpoints import LogKey, cosignatures, verify_checkpoint
from envoi_keys.dispatches import Opening
from envoi_keys.entries import log_entry, parse_entry
from envoi_keys.errors import Malformed, PeerError, Unverified
from envoi_keys.merkle import leaf_hash
from envoi_keys.notes import Note
from envoi_keys.receipts import extend_transcript
from envoi_keys.signing import Cosigner, HybridKey, HybridSigner, LogSigner, hybrid_signers
from envoi_keys.statements import statement_id
from envoi_keys.vkeys import VerifierKey

from ..vectors.generate import ORIGIN, PATH, build
from .node import run_node

Vector = dict[str, Any]
VECTORS: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
FAILURES: dict[str, type[PeerError]] = {"malformed": Malformed, "unverified": Unverified}


def each(section: str, *expected: str) -> pytest.MarkDecorator:
    """Every vector of a section, or those that expect one of these."""
    chosen = [one for one in VECTORS[section] if not expected or one["expect"] in expected]
    return pytest.mark.parametrize("vector", chosen, ids=[one.get("what", "-") for one in chosen])


def log_of(vector: Vector) -> LogKey:
    return LogKey.parse(ORIGIN, vector["log"])


def signing_keys() -> list[HybridKey]:
    return [HybridKey.parse(one["vkeys"]) for one in VECTORS["keys"][:2]]


def without_hedged_signatures(value: Any) -> Any:
    """The same with every ML-DSA signature left out: nothing else in a signature line is that long."""
    if isinstance(value, str):
        return re.sub(r"(— \S+ )\S{300,}", r"\1...", value)
    if isinstance(value, list):
        return [without_hedged_signatures(one) for one in value]
    if isinstance(value, dict):
        return {name: without_hedged_signatures(one) for name, one in value.items()}
    return value


def test_the_file_is_what_its_generator_writes_but_for_hedged_signatures() -> None:
    assert without_hedged_signatures(VECTORS) == without_hedged_signatures(json.loads(json.dumps(build())))


def test_every_vector_says_first_what_to_make_of_it() -> None:
    sections = [one for one in VECTORS.values() if isinstance(one, list)]
    assert len(sections) == 9
    for vector in (one for section in sections for one in section):
        assert next(iter(vector)) == "expect"
        assert vector["expect"] in ("accept", *FAILURES)


@each("keys")
def test_keys_follow_from_their_seeds(vector: Vector) -> None:
    name, seed = vector["name"], bytes.fromhex(vector["seed"])
    if len(vector["vkeys"]) == 1:
        made = [str(Cosigner.from_seed(name, seed).public)]
    elif name == ORIGIN:
        made = LogSigner.from_seed(name, seed).public.vkeys()
    else:
        made = HybridSigner.from_seed(name, seed).public.vkeys()
    assert made == vector["vkeys"]


@each("vkeys")
def test_vkeys(vector: Vector) -> None:
    if vector["expect"] == "accept":
        key = VerifierKey.parse(vector["vkey"])
        assert (str(key), key.key_id.hex()) == (vector["vkey"], vector["key_id"])
    else:
        with pytest.raises(Malformed):
            VerifierKey.parse(vector["vkey"])


@each("notes", "accept")
def test_notes_that_hold(vector: Vector) -> None:
    note = Note.parse(vector["note"].encode())
    assert sorted(hybrid_signers(note, signing_keys())) == vector["signers"]
    assert statement_id(note.text) == vector["id"]


@each("notes", "malformed", "unverified")
def test_notes_that_do_not(vector: Vector) -> None:
    with pytest.raises(FAILURES[vector["expect"]]):
        hybrid_signers(Note.parse(vector["note"].encode()), signing_keys())


@each("commitments")
def test_commitments(vector: Vector) -> None:
    opening = Opening(bytes.fromhex(vector["nonce"]), vector["number"])
    assert opening.to_bytes().hex() == vector["opening"]
    assert opening.commitment().hex() == vector["commitment"]


@each("transcripts")
def test_transcripts(vector: Vector) -> None:
    assert extend_transcript(vector["before"], vector["id"]) == vector["after"]


@each("entries")
def test_entries(vector: Vector) -> None:
    entry = log_entry(vector["type"], vector["note"].encode())
    assert entry == vector["entry"].encode()
    assert parse_entry(entry)[0] == vector["type"]
    assert leaf_hash(entry).hex() == vector["leaf_hash"]


@each("frames")
def test_frames(vector: Vector) -> None:
    raw = bytes.fromhex(vector["frames"])
    if vector["expect"] == "accept":
        assert [part.hex() for part in frames.unpack(raw)] == vector["parts"]
    else:
        with pytest.raises(Malformed):
            frames.unpack(raw)


@each("checkpoints")
def test_checkpoints(vector: Vector) -> None:
    raw = vector["checkpoint"].encode()
    if vector["expect"] != "accept":
        with pytest.raises(FAILURES[vector["expect"]]):
            verify_checkpoint(raw, log_of(vector))
        return
    signed = verify_checkpoint(raw, log_of(vector))
    assert (signed.size, signed.root.hex(), signed.time) == (vector["size"], vector["root"], vector["time"])
    if "cosigner" in vector:
        key = VerifierKey.parse(vector["cosigner"])
        assert cosignatures(signed.note, [key]) == {key.name: vector["cosigned"]}


@each("proofs")
def test_proofs(vector: Vector) -> None:
    raw, entry = vector["proof"].encode(), vector["entry"].encode()
    if vector["expect"] != "accept":
        with pytest.raises(FAILURES[vector["expect"]]):
            tlog_proof.verify(raw, entry, log_of(vector))
        return
    assert tlog_proof.verify(raw, entry, log_of(vector))[0] == vector["index"]


def test_another_implementation_reads_them_alike() -> None:
    # envoi.mjs shares no code with the rest: another language, other libraries, docs/PROTOCOL.md alone.
    answer = run_node("envoi.mjs", "@noble/post-quantum", VECTORS)
    assert answer["wrong"] == []
    assert answer["count"] == sum(len(one) for one in VECTORS.values() if isinstance(one, list))
