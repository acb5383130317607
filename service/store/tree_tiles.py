"""
The tree of the log, read from the tables: a place in it goes in, hashes come out.

INVARIANT (verified reading): `nodes` gives only hashes that lead to the root that was sealed, whatever the rows hold.
"""

from functools import partial

import sqlalchemy as sa

from service.store.log_tree import SealedTree, TreeBroken
from service.store.tables import tree_node, tree_tile
from service.transparency.merkle_tree import HASH_BYTES, Frontier
from service.transparency.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, TileRefused, VerifiedTiles


def tile_of(connection: sa.Connection, sealed: SealedTree, tile: Tile) -> bytes:
    """The hashes of a tile as the rows hold them. Raises TileRefused if the tree has no such tile."""
    first = tile.index * TILE_WIDTH
    if first + tile.width > sealed.size >> TILE_HEIGHT * tile.level:
        raise TileRefused("the tree has no such tile")
    if tile.level == 0:
        whole = sealed.tail
        if first + TILE_WIDTH <= sealed.size:
            held = sa.select(tree_tile.c.hashes).where(tree_tile.c.index == tile.index)
            whole = bytes(connection.execute(held).scalar_one_or_none() or b"")
        return whole[: tile.width * HASH_BYTES]
    level = TILE_HEIGHT * tile.level
    wanted = (tree_node.c.level == level, tree_node.c.index >= first, tree_node.c.index < first + tile.width)
    nodes = connection.execute(sa.select(tree_node.c.hash).where(*wanted).order_by(tree_node.c.index)).scalars()
    return b"".join(map(bytes, nodes))


def nodes(connection: sa.Connection, sealed: SealedTree) -> VerifiedTiles:
    """The nodes of the tree, each verified before it is given. Raises TreeBroken if the rows do not lead to the root."""
    try:
        return VerifiedTiles(sealed.size, sealed.frontier.root(), partial(tile_of, connection, sealed))
    except TileRefused as refused:
        raise TreeBroken(f"the hashes do not lead to the root: {refused}") from None


def frontier_at(connection: sa.Connection, sealed: SealedTree, size: int) -> Frontier:
    """The frontier that the tree had when it had this size. Raises TreeBroken if the rows do not lead to the root."""
    if size == sealed.size:
        return sealed.frontier
    try:
        return Frontier.of_tree(size, nodes(connection, sealed).node)
    except TileRefused as refused:
        raise TreeBroken(f"the hashes do not lead to the root: {refused}") from None


def goes_on(connection: sa.Connection, sealed: SealedTree, before: SealedTree) -> bool:
    """
    Whether a sealed tree begins with a sealed one before it. Raises TreeBroken if the rows do not lead to the root.

    Rows are read only where leaves have filled a tile since: the hashes of the others are in what is sealed.
    """
    if sealed.size < before.size:
        return False
    if sealed.size >> TILE_HEIGHT != before.size >> TILE_HEIGHT:
        return frontier_at(connection, sealed, before.size) == before.frontier
    more = sealed.tail[len(before.tail) :]
    added = [more[at : at + HASH_BYTES] for at in range(0, len(more), HASH_BYTES)]
    return sealed.tail.startswith(before.tail) and before.frontier.appended(added) == sealed.frontier
