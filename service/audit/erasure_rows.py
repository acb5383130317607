"""What rows note of erasures, and of what is erased together: a replica of the log goes in, and what differs comes out."""

from collections.abc import Iterator

import sqlalchemy as sa

from service.audit.replica import Replica
from service.audit.row_comparison import RowFault
from service.store.tables import leaf_opening, personal, record, tree_leaf


def erasure_notes(connection: sa.Connection, replica: Replica) -> Iterator[RowFault]:
    """What rows say of erasures and of what is erased together, against the leaves of erasures."""
    marked = sa.select(personal.c.sequence, personal.c.pointer, personal.c.erased_at).where(personal.c.erased_at.is_not(None))
    for number, pointer, erased_at in connection.execute(marked):
        at = replica.erased.get(("record", number, pointer))
        if erased_at != at:
            key = {"sequence": number, "pointer": pointer}
            yield RowFault(personal, key, {**key, "erased_at": at}, True, ("erased_at",))
    for row in connection.execute(
        sa.select(leaf_opening.c.leaf, leaf_opening.c.name, leaf_opening.c.subject, leaf_opening.c.erased_at)
    ):
        at = replica.erased.get(("leaf", row.leaf, row.name))
        subjects = replica.subjects.get(row.leaf, {})
        whole = next(iter(subjects.values()), None) if row.name == "document" else None
        expected = {"subject": subjects.get(row.name, whole) if at is None else None, "erased_at": at}
        columns = tuple(name for name, value in expected.items() if getattr(row, name) != value)
        if columns:
            key = {"leaf": row.leaf, "name": row.name}
            yield RowFault(leaf_opening, key, {**key, **expected}, True, columns)
    without = sa.select(leaf_opening.c.leaf, leaf_opening.c.name).where(
        ~sa.exists().where(tree_leaf.c.index == leaf_opening.c.leaf)
    )
    for leaf, name in connection.execute(without):
        yield RowFault(leaf_opening, {"leaf": leaf, "name": name}, None, found=True)
    of_none = sa.select(personal.c.sequence, personal.c.pointer).where(
        ~sa.exists().where(record.c.sequence == personal.c.sequence)
    )
    for number, pointer in connection.execute(of_none):
        yield RowFault(personal, {"sequence": number, "pointer": pointer}, None, found=True)
    # A place that an erasure names and that is not marked: the openings' own check finds it, unless the value is gone as well.
    for (kind, number, name), at in replica.erased.items():
        table, column = (personal, personal.c.sequence) if kind == "record" else (leaf_opening, leaf_opening.c.leaf)
        named = personal.c.pointer if kind == "record" else leaf_opening.c.name
        unmarked = sa.select(column).where(column == number, named == name, table.c.erased_at.is_(None))
        if connection.execute(unmarked).first() is not None:
            key = {column.name: number, named.name: name}
            yield RowFault(table, key, {**key, "erased_at": at}, True, ("erased_at",))
