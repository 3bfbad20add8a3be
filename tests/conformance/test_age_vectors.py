"""Every age vector of C2SP's CCTV (npm cctv-age): the right class of failure, no byte released too many.

The vectors of the tagged types are the only ones that may be left out, each by name; a vector that
vanishes, or one of a class that we have not met, fails the first test.
"""

from __future__ import annotations

import base64
import functools
import io
import zlib
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256

import pytest

from envoi_client.age import (
    HeaderForged,
    NoMatch,
    PayloadDamaged,
    ScryptIdentity,
    decrypt,
    encrypt,
    parse_identity,
    unseal,
    unseal_with_key,
)
from envoi_client.age.armor import ArmorReader, ArmorWriter
from envoi_client.age.identities import Identity
from envoi_client.age.pipes import Sink, Source
from envoi_keys.age_header import parse
from envoi_keys.errors import EnvoiError, Malformed

from ..tools import ROOT
from .node import run_node

TAGGED: frozenset[str] = frozenset()
"""Vectors of the types p256tag and mlkem768p256tag. Version 0.2.0 of the package has none."""
CLASSES = {
    "success": 26,
    "no match": 13,
    "HMAC failure": 1,
    "header failure": 62,
    "armor failure": 22,
    "payload failure": 19,
}


@dataclass(frozen=True)
class Vector:
    expect: str
    file: bytes
    armored: bool
    payload: str | None
    file_key: bytes | None
    identities: tuple[Identity, ...]


@functools.cache
def files() -> dict[str, bytes]:
    answer = run_node("vectors.mjs", "cctv-age")
    return {name: base64.b64decode(text) for name, text in answer.items()}


def installed_names() -> list[str]:
    """The vectors' names, for pytest to list; without Node one name, whose tests say what is missing."""
    try:
        return sorted(files().keys() - TAGGED)
    except (pytest.skip.Exception, pytest.fail.Exception):
        return ["none"]


def vector(name: str) -> Vector:
    head, _, body = files()[name].partition(b"\n\n")
    pairs = [line.split(": ", 1) for line in head.decode().split("\n")]
    keys = dict(pairs)
    assert keys.keys() <= {
        "armored", "comment", "compressed", "expect", "file key", "identity", "passphrase", "payload"
    }  # fmt: skip
    identities = [parse_identity(value) for key, value in pairs if key == "identity"]
    passphrases = [ScryptIdentity(value) for key, value in pairs if key == "passphrase"]
    return Vector(
        expect=keys["expect"],
        file=zlib.decompress(body) if keys.get("compressed") == "zlib" else body,
        armored=keys.get("armored") == "yes",
        payload=keys.get("payload"),
        file_key=bytes.fromhex(keys["file key"]) if "file key" in keys else None,
        identities=(*identities, *passphrases),
    )


def failure_class(error: EnvoiError) -> str:
    match error:
        case NoMatch():
            return "no match"
        case HeaderForged():
            return "HMAC failure"
        case PayloadDamaged():
            return "payload failure"
        case Malformed(field="age header"):
            return "header failure"
        case Malformed(field="armor"):
            return "armor failure"
    raise error


NAMES = installed_names()


def test_no_vector_is_left_out() -> None:
    assert files().keys() == set(NAMES) | TAGGED
    assert Counter(vector(name).expect for name in NAMES) == CLASSES
    assert len(NAMES) + len(TAGGED) == sum(CLASSES.values()) == 143


@pytest.mark.parametrize("name", NAMES)
def test_vector(name: str) -> None:
    case = vector(name)
    out = io.BytesIO()
    try:
        decrypt(io.BytesIO(case.file), out, case.identities, armor=case.armored)
        found = "success"
    except EnvoiError as error:
        found = failure_class(error)
    assert found == case.expect
    released = out.getvalue()
    if case.payload is None:
        assert released == b""
    else:
        assert sha256(released).hexdigest() == case.payload


@pytest.mark.parametrize("name", NAMES)
def test_vector_in_memory(name: str) -> None:
    case = vector(name)
    if case.armored:
        # In memory there is no armor: the text is no age file.
        with pytest.raises(Malformed):
            unseal(case.file, case.identities)
        return
    try:
        opened = unseal(case.file, case.identities)
        found = "success"
        assert sha256(opened).hexdigest() == case.payload
    except EnvoiError as error:
        found = failure_class(error)
    assert found == case.expect


@pytest.mark.parametrize("name", NAMES)
def test_vector_is_written_back_as_it_was_read(name: str) -> None:
    case = vector(name)
    if case.armored and case.expect == "armor failure":
        with pytest.raises(Malformed, match=r"^armor: "):
            read_armor(case.file)
        return
    if case.armored:
        again = io.BytesIO()
        writer = ArmorWriter(Sink(again))
        writer.write(memoryview(read_armor(case.file)))
        writer.finish()
        # White space around the block and CRLF are let pass in reading and not made in writing.
        assert again.getvalue() == case.file.replace(b"\r\n", b"\n").strip() + b"\n"
        return
    try:
        header, length = parse(case.file)
    except Malformed:
        assert case.expect == "header failure"
        return
    assert header.marshal() == case.file[:length]


@pytest.mark.parametrize("name", NAMES)
def test_vector_opens_with_its_bare_file_key(name: str) -> None:
    case = vector(name)
    if case.file_key is None or case.armored or case.expect != "success":
        assert case.expect != "success" or case.armored
        return
    opened = unseal_with_key(case.file, case.file_key)
    assert sha256(opened).hexdigest() == case.payload


def read_armor(text: bytes) -> bytes:
    source = Source(ArmorReader(Source(io.BytesIO(text))))
    return source.take(len(text))


def test_what_we_seal_to_a_vectors_identity_it_opens() -> None:
    """The seed of a vector gives the key pair that its author meant, its public half too."""
    (identity,) = vector("hybrid").identities
    out = io.BytesIO()
    encrypt(io.BytesIO(b"both ways"), out, [identity.recipient])  # type: ignore[attr-defined]
    assert unseal(out.getvalue(), [identity]) == b"both ways"


def test_the_lock_of_the_npm_packages_has_hashes_and_no_addresses() -> None:
    text = (ROOT / "tests" / "conformance" / "package-lock.json").read_text("utf-8")
    assert "://" not in text
    assert text.count('"integrity": "sha512-') == text.count('"node_modules/')
