"""
The tiles and entry bundles in which a log publishes its tree (C2SP tlog-tiles).

A tile of level L has up to 256 consecutive hashes, which are nodes of level 8 L of the Merkle tree; a bundle has the entries under
one tile of level 0. A full tile never changes. A log is read through a function that reads a tile, and `VerifiedTiles` takes
nothing from it that does not lead to the root of a checkpoint.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from .merkle_tree import HASH_BYTES, MAX_SIZE, Frontier, node_hash

TILE_WIDTH: Final = 256  # hashes in a full tile
TILE_HEIGHT: Final = 8
MAX_LEVEL: Final = 63
MAX_ENTRY_BYTES: Final = 0xFFFF  # the length of an entry is written as a 16-bit number

_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class TileRefused(ValueError):
    """A path, a tile or a bundle is not as C2SP tlog-tiles or the root of the tree wants it; the message is one sentence."""


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """A tile by its place: level 0 to 63, index in the level, and width, 1 to 256 hashes. Raises TileRefused."""

    level: int
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if not 0 <= self.level <= MAX_LEVEL:
            raise TileRefused(f"the level of a tile is from 0 to {MAX_LEVEL}")
        _require_place(self.index, self.width)

    @property
    def path(self) -> str:
        """`tile/<L>/<N>[.p/<W>]`."""
        return f"tile/{self.level}/{_number(self.index, self.width)}"


@dataclass(frozen=True, slots=True, order=True)
class EntryBundle:
    """A bundle of entries by its place: index, and width, 1 to 256 entries. Raises TileRefused."""

    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        _require_place(self.index, self.width)

    @property
    def path(self) -> str:
        """`tile/entries/<N>[.p/<W>]`."""
        return f"tile/entries/{_number(self.index, self.width)}"


ReadTile = Callable[[Tile], bytes]  # the hashes of a tile, one after the other


def parsed_path(path: str) -> Tile | EntryBundle:
    """The tile or bundle at a path, which is written in the one way that the specification has. Raises TileRefused."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise TileRefused("not the path of a tile or of an entry bundle")
    level, digits, partial = match.groups()
    index = int(digits.replace("/", "").replace("x", ""))
    width = TILE_WIDTH if partial is None else int(partial)
    place = EntryBundle(index, width) if level == "entries" else Tile(int(level), index, width)
    if place.path != path:
        raise TileRefused("not the path of a tile or of an entry bundle")
    return place


def tiles_of_growth(old_size: int, new_size: int) -> Iterator[Tile]:
    """The tiles that a log writes when its tree grows: all that the new tree has and the old one had not. By level and index."""
    for level in range(MAX_LEVEL + 1):
        old, new = old_size >> TILE_HEIGHT * level, new_size >> TILE_HEIGHT * level
        if new == 0:
            return
        for index, width in _places_of_growth(old, new):
            yield Tile(level, index, width)


def bundles_of_growth(old_size: int, new_size: int) -> Iterator[EntryBundle]:
    """The entry bundles that a log writes when its tree grows."""
    return (EntryBundle(index, width) for index, width in _places_of_growth(old_size, new_size))


def grown_tiles(old_size: int, leaf_hashes: Sequence[bytes], read_tile: ReadTile) -> Iterator[tuple[Tile, bytes]]:
    """
    The tiles that a log writes when these leaves follow, each with its bytes, in the order of `tiles_of_growth`.

    Of the old tree only its partial tiles are read, one for each level at most. Raises TileRefused if a tile has the wrong width.
    """
    row = list(leaf_hashes)
    for level in range(MAX_LEVEL + 1):
        if not row:
            return
        first, kept = divmod(old_size >> TILE_HEIGHT * level, TILE_WIDTH)
        if kept:
            partial = Tile(level, first, kept)
            row = [*tile_hashes(read_tile(partial), partial), *row]
        full = []
        for at in range(0, len(row), TILE_WIDTH):
            hashes = row[at : at + TILE_WIDTH]
            yield Tile(level, first + at // TILE_WIDTH, len(hashes)), b"".join(hashes)
            if len(hashes) == TILE_WIDTH:
                full.append(Frontier().appended(hashes).root())
        row = full


def tile_hashes(data: bytes, tile: Tile) -> tuple[bytes, ...]:
    """The hashes in the bytes of a tile. Raises TileRefused if there are not as many as the tile is wide."""
    if len(data) != tile.width * HASH_BYTES:
        raise TileRefused(f"`{tile.path}` has not {tile.width} hashes of 32 bytes")
    return tuple(data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES))


def bundled_entries(entries: Sequence[bytes]) -> bytes:
    """The bytes of an entry bundle: each entry after its length. Raises TileRefused for an entry that is too long."""
    if any(len(each) > MAX_ENTRY_BYTES for each in entries):
        raise TileRefused(f"an entry has at most {MAX_ENTRY_BYTES} bytes")
    return b"".join(len(each).to_bytes(2, "big") + each for each in entries)


def entries_of(data: bytes, bundle: EntryBundle) -> tuple[bytes, ...]:
    """The entries in the bytes of a bundle. Raises TileRefused if there are not as many as the bundle is wide."""
    entries, at = [], 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if end > len(data):
            raise TileRefused(f"`{bundle.path}` ends within an entry")
        entries.append(data[at + 2 : end])
        at = end
    if len(entries) != bundle.width:
        raise TileRefused(f"`{bundle.path}` has not {bundle.width} entries")
    return tuple(entries)


class VerifiedTiles:
    """
    The nodes of a tree of some size and root, out of tiles that are verified before they are used.

    INVARIANT (nothing is taken on trust): the partial tiles are compared with the root, all together, at the start; a full tile
    is compared with its hash in the tile above it, which is verified first. Each tile is read once.
    """

    def __init__(self, size: int, root: bytes, read_tile: ReadTile) -> None:
        """Reads the partial tiles. Raises TileRefused if they do not lead to the root."""
        self._size, self._read = size, read_tile
        self._tiles: dict[tuple[int, int], tuple[bytes, ...]] = {}
        for level in range(MAX_LEVEL + 1):
            width = size >> TILE_HEIGHT * level
            if width % TILE_WIDTH:
                tile = Tile(level, width // TILE_WIDTH, width % TILE_WIDTH)
                self._tiles[level, tile.index] = tile_hashes(read_tile(tile), tile)
        if Frontier.of_tree(size, self.node).root() != root:
            raise TileRefused("the tiles do not lead to the root of the checkpoint")

    def node(self, level: int, index: int) -> bytes:
        """The hash of a node of the Merkle tree, as the proofs of `merkle_tree` read it. Raises TileRefused."""
        row, within = divmod(level, TILE_HEIGHT)
        number = 1 << within  # of hashes in the tile that the node is over
        if (index + 1) << level > self._size:
            raise TileRefused(f"a tree of {self._size} leaves has no node {index} in level {level}")
        at = index * number % TILE_WIDTH
        hashes = self._hashes(row, index * number // TILE_WIDTH)[at : at + number]
        while len(hashes) > 1:
            hashes = tuple(node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True))
        return hashes[0]

    def _hashes(self, level: int, index: int) -> tuple[bytes, ...]:
        known = self._tiles.get((level, index))
        if known is None:
            tile = Tile(level, index)
            known = tile_hashes(self._read(tile), tile)
            if Frontier().appended(known).root() != self.node(TILE_HEIGHT * (level + 1), index):
                raise TileRefused(f"`{tile.path}` does not lead to the root of the checkpoint")
            self._tiles[level, index] = known
        return known


def _places_of_growth(old: int, new: int) -> Iterator[tuple[int, int]]:
    """Index and width of each tile over a row of hashes that grows, if the tile is new or wider."""
    if new > old:
        for index in range(old // TILE_WIDTH, -(-new // TILE_WIDTH)):
            yield index, min(TILE_WIDTH, new - index * TILE_WIDTH)


def _require_place(index: int, width: int) -> None:
    if not 0 <= index <= MAX_SIZE:
        raise TileRefused("the index of a tile is not a number that C2SP tlog-tiles can write")
    if not 1 <= width <= TILE_WIDTH:
        raise TileRefused(f"a tile is from 1 to {TILE_WIDTH} wide")


def _number(index: int, width: int) -> str:
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03}")
    return "/".join(reversed(groups)) + ("" if width == TILE_WIDTH else f".p/{width}")
