"""
The rows that are made from other rows: the names of entities, the sums of the counters, the states of commitments, and what is noted of
an erasure. The rows that they are made from are compared with the leaves first.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

import engine
from service.audit.replica import Replica
from service.audit.row_comparison import RowFault, Values
from service.store.tables import entity, leaf_opening, movement, personal, record, tree_leaf

_MARKED = sa.select(personal.c.sequence, personal.c.pointer, personal.c.erased_at).where(personal.c.erased_at.is_not(None))
_NOTED_OPENINGS = sa.select(leaf_opening.c.leaf, leaf_opening.c.name, leaf_opening.c.subject, leaf_opening.c.erased_at)
_WITHOUT_LEAF = sa.select(leaf_opening.c.leaf, leaf_opening.c.name).where(
    ~sa.exists().where(tree_leaf.c.index == leaf_opening.c.leaf)
)
_WITHOUT_RECORD = sa.select(personal.c.sequence, personal.c.pointer).where(
    ~sa.exists().where(record.c.sequence == personal.c.sequence)
)
_PLACE = (movement.c.meaning, movement.c.key, movement.c.day, movement.c.fact)


def aliases(connection: sa.Connection) -> Iterator[Values]:
    """The names that entities answer to beside their ids: those of the newest version that was held."""
    other = entity.alias("other")
    newest = (
        sa.select(sa.func.max(other.c.version))
        .where(other.c.kind == entity.c.kind, other.c.id == entity.c.id, other.c.state == "held")
        .correlate(entity)
        .scalar_subquery()
    )
    held = sa.select(entity.c.kind, entity.c.id, entity.c.aliases).where(entity.c.version == newest, entity.c.aliases != "[]")
    for row in connection.execute(held.execution_options(yield_per=1000)):
        try:
            names = [str(alias) for alias in json.loads(row.aliases)]
        except (ValueError, TypeError):
            continue  # somebody else wrote this row, which is a fault by itself
        for alias in names:
            yield {"kind": row.kind, "alias": alias, "id": row.id}


def spellings(connection: sa.Connection) -> Iterator[Values]:
    """The folded names of entities, their ids and their aliases."""
    ids = sa.select(entity.c.kind, entity.c.id).where(entity.c.version == 1, entity.c.state != "erased")
    for row in connection.execute(ids.execution_options(yield_per=1000)):
        yield {"kind": row.kind, "folded": engine.folded_id(row.id), "name": row.id, "id": row.id}
    for each in aliases(connection):
        yield {"kind": each["kind"], "folded": engine.folded_id(each["alias"]), "name": each["alias"], "id": each["id"]}


def tallies(connection: sa.Connection) -> Iterator[Values]:
    """The sums of the movements of each day that count."""
    yield from _tallies(connection, _PLACE)


def months(connection: sa.Connection) -> Iterator[Values]:
    """The same sums of each month."""
    yield from _tallies(connection, (*_PLACE[:2], sa.func.substr(movement.c.day, 1, 7).label("month"), movement.c.fact))


def _tallies(connection: sa.Connection, place: Sequence[sa.ColumnElement[Any]]) -> Iterator[Values]:

    def counting(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.case((movement.c.live.is_(sa.true()), column), else_=0)

    low, high, new = movement.c.low, movement.c.high, movement.c.same_as.is_(None)
    sums = {
        "largest": sa.func.max(counting(low)),
        "least": sa.func.sum(counting(low)),
        "most": sa.func.sum(counting(sa.case((new, sa.func.coalesce(high, 0)), else_=0))),
        "endless": sa.func.sum(counting(sa.case((sa.and_(new, high.is_(None)), 1), else_=0))),
    }
    here: list[sa.ColumnElement[Any]] = [sa.literal_column(str(number)) for number in range(1, len(place) + 1)]
    chosen = sa.select(*place, *(column.label(name) for name, column in sums.items())).group_by(*here)
    for row in connection.execute(chosen.execution_options(yield_per=1000)):
        yield {**row._mapping, **{name: int(row._mapping[name]) for name in sums}}


def erasure_notes(connection: sa.Connection, replica: Replica) -> Iterator[RowFault]:
    """What rows say of erasures and of what is erased together, against the leaves of erasures."""
    for number, pointer, erased_at in connection.execute(_MARKED):
        at = replica.erased.get(("record", number, pointer))
        if erased_at != at:
            key = {"sequence": number, "pointer": pointer}
            yield RowFault(personal, key, {**key, "erased_at": at}, True, ("erased_at",))
    for row in connection.execute(_NOTED_OPENINGS):
        at = replica.erased.get(("leaf", row.leaf, row.name))
        subject, names = replica.subjects.get(row.leaf, (None, frozenset()))
        belongs = at is None and (row.name in names or (names and row.name == "document"))
        expected = {"subject": subject if belongs else None, "erased_at": at}
        columns = tuple(name for name, value in expected.items() if getattr(row, name) != value)
        if columns:
            key = {"leaf": row.leaf, "name": row.name}
            yield RowFault(leaf_opening, key, {**key, **expected}, True, columns)
    for leaf, name in connection.execute(_WITHOUT_LEAF):
        yield RowFault(leaf_opening, {"leaf": leaf, "name": name}, None, found=True)
    for number, pointer in connection.execute(_WITHOUT_RECORD):
        yield RowFault(personal, {"sequence": number, "pointer": pointer}, None, found=True)
    # A place that an erasure names and that is not marked: the openings' own check finds it, unless the value is gone as well.
    for (kind, number, name), at in replica.erased.items():
        table, column = (personal, personal.c.sequence) if kind == "record" else (leaf_opening, leaf_opening.c.leaf)
        named = personal.c.pointer if kind == "record" else leaf_opening.c.name
        unmarked = sa.select(column).where(column == number, named == name, table.c.erased_at.is_(None))
        if connection.execute(unmarked).first() is not None:
            key = {column.name: number, named.name: name}
            yield RowFault(table, key, {**key, "erased_at": at}, True, ("erased_at",))
