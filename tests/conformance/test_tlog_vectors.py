"""Trees, proofs and tiles against what independent Go implementations computed (tests/vectors/README.md)."""

from __future__ import annotations

import json
from base64 import b64decode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from envoi_keys.errors import Unverified
from envoi_keys.merkle import Frontier, MerkleTree, leaf_hash, verify_consistency, verify_inclusion
from envoi_keys.tiles import Tile, tile_hashes

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parent.parent / "vectors" / "tlog-vectors.json").read_text(encoding="utf-8")
)
INCLUSION: list[dict[str, Any]] = VECTORS["inclusion"]
CONSISTENCY: list[dict[str, Any]] = VECTORS["consistency"]


@cache
def leaves() -> list[bytes]:
    return [leaf_hash(b"entry %d" % index) for index in range(70_000)]


@cache
def tree() -> MerkleTree:
    return MerkleTree(leaves())


def hashes(vector: dict[str, Any]) -> list[bytes]:
    return [b64decode(one) for one in vector["Proof"]]


def test_leaf_hashes() -> None:
    assert len(VECTORS["leaf_hashes"]) == 10
    for index, expected in VECTORS["leaf_hashes"].items():
        assert leaf_hash(b"entry " + index.encode()) == b64decode(expected)


def test_roots_of_a_whole_tree_and_of_a_frontier() -> None:
    roots = {int(size): b64decode(root) for size, root in VECTORS["roots"].items()}
    assert {0, 1, 255, 256, 257, 65_536, 70_000} <= roots.keys()
    frontier = Frontier()
    for size in range(70_001):
        if size in roots:
            assert tree().root(size) == frontier.root() == roots[size]
        if size < 70_000:
            frontier.append(leaves()[size])


@pytest.mark.parametrize("vector", INCLUSION, ids=lambda one: f"{one['Index']} of {one['Size']}")
def test_inclusion_proofs(vector: dict[str, Any]) -> None:
    index, size = vector["Index"], vector["Size"]
    assert tree().inclusion_proof(index, size) == hashes(vector)
    verify_inclusion(index, size, leaves()[index], hashes(vector), tree().root(size))
    with pytest.raises(Unverified):
        verify_inclusion(index, size, leaf_hash(b"another"), hashes(vector), tree().root(size))


@pytest.mark.parametrize("vector", CONSISTENCY, ids=lambda one: f"{one['Old']} to {one['New']}")
def test_consistency_proofs(vector: dict[str, Any]) -> None:
    old, new = vector["Old"], vector["New"]
    assert tree().consistency_proof(old, new) == hashes(vector)
    verify_consistency(old, new, tree().root(old), tree().root(new), hashes(vector))
    with pytest.raises(Unverified):
        verify_consistency(old, new, tree().root(old + 1), tree().root(new), hashes(vector))


@pytest.mark.parametrize("size", VECTORS["tiles_len_sha256"])
def test_tiles(size: str) -> None:
    vector = VECTORS["tiles_len_sha256"][size]
    for path, told in vector.get("some", vector).items():
        tile = Tile.parse(path)
        assert tile.path() == path
        assert tile.within(int(size))
        assert tile.level is not None
        data = tile_hashes(tree(), tile.level, tile.index, tile.width)
        assert f"{len(data)}:{sha256(data).hexdigest()}" == told
