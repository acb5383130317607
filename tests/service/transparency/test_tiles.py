"""Tiles and entry bundles: their paths, their bytes, and proofs out of them."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.transparency.merkle_tree import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from service.transparency.tiles import (
    EntryBundle,
    ReadTile,
    Tile,
    TileRefused,
    VerifiedTiles,
    bundled_entries,
    bundles_of_growth,
    entries_of,
    grown_tiles,
    parsed_path,
    tile_hashes,
    tiles_of_growth,
)

SIZE = 66_000  # three levels of tiles, two of them with a full tile
HASHES = [leaf_hash(number.to_bytes(4, "big")) for number in range(SIZE)]


def reader(tiles: Mapping[Tile, bytes]) -> ReadTile:
    """Reads these tiles, and is asked for no others."""
    return lambda tile: tiles[tile]


def grown(*sizes: int) -> dict[Tile, bytes]:
    """All tiles that a log has written when its tree has grown to each of these sizes."""
    tiles: dict[Tile, bytes] = {}
    for old, new in zip((0, *sizes), sizes, strict=False):
        tiles |= dict(grown_tiles(old, HASHES[old:new], reader(tiles)))
    return tiles


@pytest.fixture(scope="module")
def tiles() -> dict[Tile, bytes]:
    """The tiles of a log that grew in three steps."""
    return grown(300, 65_500, SIZE)


@pytest.mark.parametrize(
    ("place", "path"),
    [
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (Tile(1, 0), "tile/1/000"),
        (Tile(63, 999, 255), "tile/63/999.p/255"),
        (Tile(2, 1000, 1), "tile/2/x001/000.p/1"),
        (EntryBundle(67, 17), "tile/entries/067.p/17"),
        (EntryBundle(1_000_000), "tile/entries/x001/x000/000"),
    ],
)
def test_a_place_has_one_path(place, path):
    """Written and read as C2SP tlog-tiles says, with its own example first."""
    assert place.path == path
    assert parsed_path(path) == place


@pytest.mark.parametrize(
    "path",
    [
        *("tile/64/000", "tile/00/000", "tile/+1/000", "tile/-1/000", "tile/x/000", "tile//000", "tile/entry/000", "tile/0/"),
        *("tile/0/0", "tile/0/0000", "tile/0/x000", "tile/0/x000/000", "tile/0/001/000", "tile/0/X001/000", "tile/0/x001/x000"),
        *(
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/",
            "tile/0/000.p/1/",
            "tile/0/000.p",
            "tile/0",
        ),
        *("/tile/0/000", "tile/0/000\n", "tile/0/000 ", "tile/0/٠٠٠", "tile/0/../000", "tile/0/" + "x001/" * 7 + "000"),
        "tile/0/x009/x223/x372/x036/x854/x775/808",
    ],
)
def test_another_path_is_refused(path):
    """One thing has no two addresses."""
    with pytest.raises(TileRefused):
        parsed_path(path)


def test_the_tiles_of_the_examples_in_the_specification():
    """A tree of 70,000 leaves has 277 tiles; one of 256 has a full tile and a partial one above it."""
    tiles = list(tiles_of_growth(0, 70_000))
    assert [tile.width for tile in tiles if tile.level == 0] == [256] * 273 + [112]
    assert [tile for tile in tiles if tile.level > 0] == [Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert list(tiles_of_growth(0, 256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(bundles_of_growth(255, 513)) == [EntryBundle(0), EntryBundle(1), EntryBundle(2, 1)]
    assert list(tiles_of_growth(256, 257)) == [Tile(0, 1, 1)]
    assert not [*tiles_of_growth(0, 0), *tiles_of_growth(300, 300), *bundles_of_growth(300, 300)]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 1500), min_size=1, max_size=5).map(sorted))
def test_a_log_writes_the_tiles_that_its_growth_makes(sizes):
    """Each with the hashes that the definition gives it, however the tree grew."""
    tiles = grown(*sizes)
    assert list(tiles_of_growth(0, sizes[-1])) == sorted(dict(grown_tiles(0, HASHES[: sizes[-1]], reader({}))))
    for tile, data in tiles.items():
        leaves = 256**tile.level
        first = tile.index * 256 * leaves
        starts = range(first, first + tile.width * leaves, leaves)
        assert tile_hashes(data, tile) == tuple(Frontier().appended(HASHES[at : at + leaves]).root() for at in starts)
    for old, new in zip((0, *sizes), sizes, strict=False):
        assert [tile for tile, _ in grown_tiles(old, HASHES[old:new], reader(tiles))] == list(tiles_of_growth(old, new))


def test_proofs_out_of_tiles_lead_to_the_root(tiles):
    """For leaves and sizes at all edges of tiles, and only with tiles that a tree of this size has."""
    root = Frontier().appended(HASHES).root()
    nodes = VerifiedTiles(SIZE, root, reader(tiles))
    places = (0, 1, 255, 256, 257, 65_279, 65_280, 65_535, 65_536, SIZE - 1)
    for index in places:
        verify_inclusion(index, SIZE, HASHES[index], inclusion_proof(index, SIZE, nodes.node), root)
    for size in places[1:]:
        old = Frontier.of_tree(size, nodes.node)
        assert old == Frontier().appended(HASHES[:size])
        verify_consistency(size, SIZE, old.root(), root, consistency_proof(size, SIZE, nodes.node))
    with pytest.raises(TileRefused):
        nodes.node(0, SIZE)


def test_a_log_without_entries_has_no_tiles_and_a_root():
    """Nothing is read, and another root is refused."""
    VerifiedTiles(0, EMPTY_ROOT, reader({}))
    with pytest.raises(TileRefused):
        VerifiedTiles(0, HASHES[0], reader({}))


def test_a_wrong_bit_in_any_tile_is_found_before_a_proof_is_made(tiles: dict[Tile, bytes]):
    """Partial tiles are compared with the root, full ones with the tile above them."""
    root = Frontier().appended(HASHES).root()
    read: set[Tile] = set()

    def noting(tile: Tile) -> bytes:
        read.add(tile)
        return bytes(tiles[tile])

    inclusion_proof(1000, SIZE, VerifiedTiles(SIZE, root, noting).node)
    assert {(tile.level, tile.index) for tile in read} == {(0, 3), (0, 257), (1, 0), (1, 1), (2, 0)}
    for tile in read:
        for at in (0, 8 * len(tiles[tile]) - 1, 4 * len(tiles[tile])):
            wrong = bytearray(tiles[tile])
            wrong[at // 8] ^= 1 << at % 8
            with pytest.raises(TileRefused, match="root of the checkpoint"):
                inclusion_proof(1000, SIZE, VerifiedTiles(SIZE, root, reader({**tiles, tile: bytes(wrong)})).node)
        for data in (tiles[tile][:-1], tiles[tile] + bytes(32), b""):
            with pytest.raises(TileRefused, match="hashes of 32 bytes"):
                inclusion_proof(1000, SIZE, VerifiedTiles(SIZE, root, reader({**tiles, tile: data})).node)


def test_a_bundle_has_its_entries_and_nothing_else():
    """Entries of no bytes and of the most bytes come back; a bundle that is cut, too long or too narrow is refused."""
    entries = (b"", b"one", bytes(65_535))
    data = bundled_entries(entries)
    assert data[:7] == b"\x00\x00\x00\x03one"
    assert entries_of(data, EntryBundle(0, 3)) == entries
    for cut in (data[:-1], data[:-65_536], data + b"\x00", data + b"\x00\x01"):
        with pytest.raises(TileRefused, match="ends within an entry"):
            entries_of(cut, EntryBundle(0, 3))
    for width in (2, 4, 256):
        with pytest.raises(TileRefused, match="has not"):
            entries_of(data, EntryBundle(0, width))
    with pytest.raises(TileRefused, match="at most 65535 bytes"):
        bundled_entries([bytes(65_536)])


@pytest.mark.parametrize("place", [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 2**63, 1), (0, 0, 0), (0, 0, 257)])
def test_a_tile_that_no_log_has_is_refused(place):
    """Its level, index or width is out of bounds."""
    with pytest.raises(TileRefused):
        Tile(*place)
