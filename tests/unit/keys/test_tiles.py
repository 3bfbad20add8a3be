"""Tiles: paths with one spelling, hashes that are the tree's, bundles that hold what their width says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_keys.errors import Malformed
from envoi_keys.merkle import MAX_SIZE, MerkleTree, leaf_hash
from envoi_keys.tiles import (
    MAX_ENTRY_BYTES,
    MAX_LEVEL,
    Tile,
    pack_entries,
    tile_hashes,
    unpack_entries,
)

from .mutations import damaged

ENTRIES = [b"entry %d" % n for n in range(600)]
TREE = MerkleTree(leaf_hash(entry) for entry in ENTRIES)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),  # the example of tlog-tiles, "Merkle Tree"
        (Tile(1, 999, 7), "tile/1/999.p/7"),
        (Tile(0, 1000, 255), "tile/0/x001/000.p/255"),
        (Tile(None, 273, 112), "tile/entries/273.p/112"),
        (Tile(7, 0, 100), "tile/7/000.p/100"),
    ],
)
def test_paths_are_those_of_the_specification(tile: Tile, path: str) -> None:
    assert tile.path() == path
    assert Tile.parse(path) == tile


@given(st.one_of(st.none(), st.integers(0, 3)), st.integers(0, 2**30), st.integers(1, 256))
def test_a_tile_comes_back_from_its_path(level: int | None, index: int, width: int) -> None:
    assert Tile.parse(Tile(level, index, width).path()) == Tile(level, index, width)


@given(
    st.one_of(
        damaged(b"tile/0/x001/x234/067.p/12", b"tile/entries/000", b"tile/12/999").map(
            lambda raw: raw.decode("utf-8", "replace")
        ),
        st.from_regex(r"tile/(entries|[0-9]{1,3})/(x[0-9]{3}/){0,8}[0-9]{3}(\.p/[0-9]{1,4})?", fullmatch=True),
    )
)
def test_any_path_parses_to_itself_or_is_refused(path: str) -> None:
    try:
        tile = Tile.parse(path)
    except Malformed:
        return
    assert tile.path() == path


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/0", "tile/0/", "/tile/0/000", "tile/0/000/", "tile//000", "tile/-1/000",
        "tile/00/000", "tile/01/000", "tile/64/000", "tile/100/000", "tile/x/000", "tile/0/0",
        "tile/0/0000", "tile/0/x000/001", "tile/0/x001", "tile/0/001/002", "tile/0/x001/x002",
        "tile/0/X001/002", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/",
        "tile/0/000.p", "tile/0/000.p/-1", "tile/0/000.p/1/", "tile/data/000", "tile/entries/0",
        "tile/0/٠٠٠", "tile/0/000\n", "tile/0/../0/000", "tile/0/" + "x999/" * 6 + "999",
        "tile/0/" + "x999/" * 700 + "999", "tile/8/000",
    ],
)  # fmt: skip
def test_every_other_spelling_is_refused(path: str) -> None:
    with pytest.raises(Malformed):
        Tile.parse(path)


@pytest.mark.parametrize(
    "arguments",
    [(-1, 0, 1), (MAX_LEVEL + 1, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257), (8, 0, 1), (0, MAX_SIZE, 1)],
)
def test_a_tile_that_no_log_could_hold_is_not_built(arguments: tuple[int, int, int]) -> None:
    with pytest.raises(Malformed):
        Tile(*arguments)


def test_a_log_holds_the_tiles_of_the_specification_and_no_wider_ones() -> None:
    # tlog-tiles, "Partial Tiles": the example.
    for path in ("tile/0/272", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"):
        assert Tile.parse(path).within(70_000), path
    for path in ("tile/0/273", "tile/0/273.p/113", "tile/1/001", "tile/1/001.p/18", "tile/2/000.p/2", "tile/3/000.p/1"):
        assert not Tile.parse(path).within(70_000), path


@given(st.one_of(st.none(), st.integers(0, 3)), st.integers(0, 1000), st.integers(1, 256))
def test_a_tile_comes_with_the_entry_that_fills_it(level: int | None, index: int, width: int) -> None:
    size = (index * 256 + width) * 256 ** (level or 0)
    assert Tile(level, index, width).within(size)
    assert not Tile(level, index, width).within(size - 1)


def test_the_hashes_of_a_tile_are_the_trees() -> None:
    assert tile_hashes(TREE, 0, 1) == b"".join(leaf_hash(entry) for entry in ENTRIES[256:512])
    assert tile_hashes(TREE, 0, 2, 88) == b"".join(leaf_hash(entry) for entry in ENTRIES[512:])
    assert tile_hashes(TREE, 1, 0, 2) == MerkleTree(map(leaf_hash, ENTRIES[:256])).root() + TREE.node(8, 1)
    with pytest.raises(ValueError, match="tree"):
        tile_hashes(TREE, 0, 2, 89)
    with pytest.raises(ValueError, match="tree"):
        tile_hashes(TREE, 1, 0, 3)


def test_a_full_tile_hashes_to_the_node_above_it() -> None:
    full = tile_hashes(TREE, 0, 1)
    assert MerkleTree(full[at : at + 32] for at in range(0, len(full), 32)).root() == tile_hashes(TREE, 1, 0, 2)[32:]


@given(st.lists(st.binary(max_size=20), max_size=20))
def test_entries_come_back_from_their_bundle(entries: list[bytes]) -> None:
    assert unpack_entries(pack_entries(entries), len(entries)) == entries


@given(damaged(pack_entries(ENTRIES[:9])), st.integers(0, 12))
def test_any_bundle_holds_its_width_or_is_refused(raw: bytes, width: int) -> None:
    try:
        entries = unpack_entries(raw, width)
    except Malformed:
        return
    assert len(entries) == width
    assert pack_entries(entries) == raw


@pytest.mark.parametrize("raw", [b"\x00", b"\x00\x02a", b"\x00\x01", b"\x00\x01a\x00", b"\x00\x01a\x00\x01b", b""])
def test_a_bundle_that_is_cut_or_too_long_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        unpack_entries(raw, 1)


def test_a_bundle_takes_no_more_than_the_format_holds() -> None:
    entry = bytes(MAX_ENTRY_BYTES)
    assert unpack_entries(pack_entries([entry]), 1) == [entry]
    for entries in ([entry + b"\x00"], [b""] * 257):
        with pytest.raises(ValueError, match="bundle"):
            pack_entries(entries)
