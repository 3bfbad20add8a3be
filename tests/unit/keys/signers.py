"""Signers for tests, each made once from a seed that its name gives."""

from __future__ import annotations

from functools import cache
from hashlib import sha512

from envoi_keys.signing import Cosigner, HybridSigner, LogSigner

ORIGIN = "poc.example/envoi"
TEXT = b'{"type":"envoi/note/v1","exchange":""}\n'
NOW = 1_790_000_000


def _seed(label: str) -> bytes:
    return sha512(label.encode()).digest()


@cache
def signer(name: str, seed: str = "") -> HybridSigner:
    """The hybrid signer of this name; another ``seed`` makes another key of the same name."""
    return HybridSigner.from_seed(name, _seed(f"signing {name} {seed}"))


@cache
def cosigner(name: str, seed: str = "") -> Cosigner:
    """The cosigner of this name."""
    return Cosigner.from_seed(name, _seed(f"cosigning {name} {seed}")[:32])


@cache
def log(origin: str = ORIGIN, seed: str = "") -> LogSigner:
    """The log of this origin."""
    return LogSigner.from_seed(origin, _seed(f"log {origin} {seed}"))
