"""
Verifying the openings of the leaves of a log: each opens its commitment, and nothing is missing that no leaf says was erased.

Checked are the leaves that are not records, and for records only what is missing: `service.log.leaf` checks what opens a record. A
service may write meanwhile.
"""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from service.log.leaf import SALT_BYTES, commitment, commitments_in
from service.log.tree_leaves import ERASURE
from service.store.tables import leaf_opening, personal, tree_leaf

_AT_ONCE = 500

_LEAVES = sa.select(tree_leaf.c.index.label("at"), sa.cast(tree_leaf.c.leaf, sa.LargeBinary).label("leaf")).order_by(
    tree_leaf.c.index
)
_OPENINGS = sa.select(
    leaf_opening.c.leaf,
    leaf_opening.c.name,
    sa.cast(leaf_opening.c.salt, sa.LargeBinary).label("salt"),
    sa.cast(leaf_opening.c.value, sa.LargeBinary).label("value"),
)

Place = tuple[str, int, str]  # of an opening: "record" and its number, or "leaf" and its index; and the pointer or the name


def opening_faults(connection: sa.Connection, size: int) -> Iterator[str]:
    """A sentence for each fault of the openings beside the first leaves, as many as `size`."""
    missing: set[Place] = set()
    after = -1
    while rows := connection.execute(_LEAVES.where(tree_leaf.c.index > after, tree_leaf.c.index < size).limit(_AT_ONCE)).all():
        first, after = rows[0].at, rows[-1].at
        beside: dict[int, dict[str, sa.Row[Any]]] = {}
        for opening in connection.execute(_OPENINGS.where(leaf_opening.c.leaf.between(first, after))):
            beside.setdefault(opening.leaf, {})[opening.name] = opening
        for row in rows:
            openings = beside.get(row.at, {})
            yield from (f"leaf {row.at}: {fault}" for fault in _faults(row.leaf, openings))
            missing |= {("leaf", row.at, name) for name, each in openings.items() if each.salt is None and each.value is None}
    gone = sa.select(personal.c.sequence, personal.c.pointer).where(personal.c.salt.is_(None), personal.c.value.is_(None))
    missing |= {("record", sequence, pointer) for sequence, pointer in connection.execute(gone)}
    # What was erased meanwhile is missing already, and its leaf lies beyond the size; so all leaves may explain what is missing, and
    # only those below the size must.
    explained, due = _erased(connection, size)
    for kind, number, name in sorted(missing - explained):
        yield f"the opening `{name}` of {kind} {number} is missing, and no leaf says that it was erased"
    for kind, number, name in sorted(due - missing):
        yield f"the opening `{name}` of {kind} {number} is there, and a leaf says that it was erased"


def _faults(leaf: bytes, openings: dict[str, sa.Row[Any]]) -> Iterator[str]:
    try:
        held = {pointer.removeprefix("/"): hexadecimal for pointer, hexadecimal in commitments_in(json.loads(leaf))}
    except ValueError:
        return  # the tree's own check says so
    if held.keys() != openings.keys():
        yield "the commitments in it and the openings beside it do not match one to one"
    for name, each in openings.items():
        if each.salt is None and each.value is None:
            continue
        if each.salt is None or each.value is None:
            yield f"the opening of `{name}` is half erased"
        elif len(each.salt) != SALT_BYTES or commitment(each.salt, each.value) != held.get(name):
            yield f"the value of `{name}` does not open its commitment"


def _erased(connection: sa.Connection, size: int) -> tuple[set[Place], set[Place]]:
    """What the leaves of erasures say was erased: all of them, and those below the size."""
    explained: set[Place] = set()
    due: set[Place] = set()
    for row in connection.execute(_LEAVES.where(tree_leaf.c.kind == ERASURE)):
        try:
            document = json.loads(row.leaf)
            places: set[Place] = {("leaf", int(leaf), str(name)) for leaf, name in document["openings"]}
            if document["places"]:
                places |= {("record", int(document["sequence"]), str(pointer)) for pointer in document["places"]}
        except (ValueError, KeyError, TypeError):
            continue  # not a leaf of the service: the tree's own check says so
        explained |= places
        if row.at < size:
            due |= places
    return explained, due
