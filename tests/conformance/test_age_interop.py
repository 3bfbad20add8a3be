"""Files cross both ways with two other implementations of age, each by its author's hand.

The npm package age-encryption knows every type that we do. The age tool of Debian is older and knows no
hybrid recipients: X25519, passphrase and armor cross with it.
"""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from envoi_client.age import (
    HybridIdentity,
    ScryptIdentity,
    ScryptRecipient,
    X25519Identity,
    decrypt,
    encrypt,
    parse_identities,
    parse_identity,
    parse_recipient,
)
from envoi_client.age.identities import Identity
from envoi_client.age.recipients import Recipient

from ..tools import program
from .node import run_node

CHUNK = 64 * 1024
SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK]
PASSPHRASE = "correct horse"


def plaintext(size: int) -> bytes:
    return bytes(number % 251 for number in range(size))


def seal_here(plain: bytes, recipients: list[Recipient], *, armor: bool = False) -> bytes:
    out = io.BytesIO()
    encrypt(io.BytesIO(plain), out, recipients, armor=armor)
    return out.getvalue()


def open_here(sealed: bytes, identities: list[Identity]) -> bytes:
    out = io.BytesIO()
    decrypt(io.BytesIO(sealed), out, identities)
    return out.getvalue()


def ask_node(**request: Any) -> dict[str, Any]:
    for name in ("plain", "sealed"):
        if name in request:
            request[name] = base64.b64encode(request[name]).decode()
    answer: dict[str, Any] = run_node("interop.mjs", "age-encryption", request)
    return {name: base64.b64decode(value) if name in ("plain", "sealed") else value for name, value in answer.items()}


@pytest.mark.parametrize("kind", [HybridIdentity, X25519Identity])
def test_node_derives_the_recipient_that_we_derive(kind: type[HybridIdentity | X25519Identity]) -> None:
    identity = kind.generate()
    assert ask_node(op="recipient", identity=identity.encode())["recipient"] == str(identity.recipient)


@pytest.mark.parametrize("hybrid", [True, False], ids=["hybrid", "X25519"])
def test_we_derive_the_recipient_that_node_derives(hybrid: bool) -> None:
    made = ask_node(op="generate", hybrid=hybrid)
    identity = parse_identity(made["identity"])
    assert identity.encode() == made["identity"]
    assert str(identity.recipient) == made["recipient"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", [HybridIdentity, X25519Identity])
def test_node_opens_what_we_seal(kind: type[HybridIdentity | X25519Identity], size: int) -> None:
    identity, plain = kind.generate(), plaintext(size)
    sealed = seal_here(plain, [kind.generate().recipient, identity.recipient])
    assert ask_node(op="open", sealed=sealed, identities=[identity.encode()])["plain"] == plain


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", [HybridIdentity, X25519Identity])
def test_we_open_what_node_seals(kind: type[HybridIdentity | X25519Identity], size: int) -> None:
    identity, plain = kind.generate(), plaintext(size)
    recipients = [str(kind.generate().recipient), str(identity.recipient)]
    sealed = ask_node(op="seal", plain=plain, recipients=recipients)["sealed"]
    assert open_here(sealed, [identity]) == plain


@pytest.mark.parametrize("armor", [False, True], ids=["binary", "armored"])
def test_passphrase_files_cross_with_node(armor: bool) -> None:
    plain = plaintext(1000)
    ours = seal_here(plain, [ScryptRecipient(PASSPHRASE, 10)], armor=armor)
    assert ask_node(op="open", sealed=ours, passphrase=PASSPHRASE, armor=armor)["plain"] == plain
    theirs = ask_node(op="seal", plain=plain, passphrase=PASSPHRASE, armor=armor)["sealed"]
    assert open_here(theirs, [ScryptIdentity(PASSPHRASE)]) == plain


# Between 0 and 47 bytes the last line of the armor takes every length, from short to full.
@pytest.mark.parametrize("size", [0, 7, 16, 24, 33, 40, 100_000])
def test_armored_files_cross_with_node(size: int) -> None:
    identity, plain = HybridIdentity.generate(), plaintext(size)
    ours = seal_here(plain, [identity.recipient], armor=True)
    assert ask_node(op="open", sealed=ours, identities=[identity.encode()], armor=True)["plain"] == plain
    theirs = ask_node(op="seal", plain=plain, recipients=[str(identity.recipient)], armor=True)["sealed"]
    assert open_here(theirs, [identity]) == plain


def run_age(*arguments: str | Path, data: bytes = b"") -> bytes:
    done = subprocess.run([program("age"), *arguments], input=data, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("armor", [False, True], ids=["binary", "armored"])
def test_files_cross_with_the_age_tool(tmp_path: Path, armor: bool, size: int) -> None:
    identity, plain = X25519Identity.generate(), plaintext(size)
    keys = tmp_path / "keys.txt"
    keys.write_text(f"# a comment\n{identity.encode()}\n")
    ours = seal_here(plain, [identity.recipient], armor=armor)
    assert run_age("-d", "-i", keys, data=ours) == plain
    theirs = run_age("-r", str(identity.recipient), *(["-a"] if armor else []), data=plain)
    assert open_here(theirs, [identity]) == plain


def test_a_key_file_of_the_age_tool_is_read(tmp_path: Path) -> None:
    program("age")
    keys = tmp_path / "keys.txt"
    made = subprocess.run([program("age-keygen"), "-o", keys], capture_output=True, check=True, timeout=60)
    public = made.stderr.decode().strip().removeprefix("Public key: ")
    (identity,) = parse_identities(keys.read_bytes())
    assert identity.recipient == parse_recipient(public)


# The tool reads passphrases from its terminal alone, so it is given one of its own.
ON_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def run_age_on_a_terminal(typed: bytes, *arguments: str | Path) -> None:
    command = [sys.executable, "-c", ON_A_TERMINAL, program("age"), *arguments]
    outer, inner = os.openpty()
    try:
        child = subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, start_new_session=True)
        os.write(outer, typed)
        assert child.wait(timeout=120) == 0
    finally:
        os.close(inner)
        os.close(outer)


def test_passphrase_files_cross_with_the_age_tool(tmp_path: Path) -> None:
    typed, plain = PASSPHRASE.encode() + b"\n", plaintext(CHUNK + 1)
    ours, opened, source, theirs = (tmp_path / name for name in ("ours.age", "opened", "plain", "theirs.age"))
    ours.write_bytes(seal_here(plain, [ScryptRecipient(PASSPHRASE, 10)]))
    run_age_on_a_terminal(typed, "-d", "-o", opened, ours)
    assert opened.read_bytes() == plain
    source.write_bytes(plain)
    run_age_on_a_terminal(typed * 2, "-p", "-o", theirs, source)
    assert open_here(theirs.read_bytes(), [ScryptIdentity(PASSPHRASE)]) == plain
