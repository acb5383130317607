"""
The rows that the leaves of a log say there must be: leaves go in, in order, and tables of a temporary database come out.

Only leaves and their openings are read, and at each place of the log the rows are those of the leaves before it. So they serve for what a
past moment was, and at the end for what there must be now. The service's own readers (register, ledger, sign-offs, callers) work on
`rows` as on the database.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from service.audit import counter_rows
from service.audit.flow_rows import flow_parties, flow_sums
from service.audit.leaf_effects import Leaf, apply, subjects
from service.audit.row_comparison import Values
from service.log.tree_leaves import ERASURE
from service.store import counter_secret, tables
from service.store.log_key import LogKey
from service.store.tables import about, leaf_opening, personal, record, tree_leaf

# The tables that are made from leaves, each behind those that its rows name.
FROM_LEAVES = (
    tables.about,
    tables.caller,
    tables.person,
    tables.sign_off,
    tables.review_note,
    tables.entity,
    tables.entity_alias,
    tables.entity_spelling,
    tables.commitment,
    tables.commitment_event,
    tables.commitment_reference,
    tables.movement,
    tables.opening,
    tables.right_line,
    tables.right_opening,
    tables.promise,
    tables.promise_report,
    tables.counted,
    tables.settlement,
    tables.benefit,
    tables.agreement,
    tables.agreement_party,
    tables.agreement_event,
    tables.agreement_use,
    tables.benefit_event,
    tables.income_report,
    tables.flow,
    tables.asset_entry,
    tables.bundle,
    tables.bundle_version,
    tables.watch_event,
    tables.witnessed,
    tables.document,
    tables.attached_document,
    tables.document_confirmation,
)
# Not compared: of sessions leaves have neither the secret nor all that ended, and records are compared with their own bytes.
_BESIDE = (tables.session, record, personal)
# The sums that are made from other rows, and from which ones.
_SUMS: Mapping[sa.Table, tuple[tuple[sa.Table, ...], Callable[[sa.Connection], Iterator[Values]]]] = {
    tables.counter_sum: ((tables.movement, tables.promise, tables.benefit), counter_rows.counter_sums),
    tables.flow_sum: ((tables.flow,), flow_sums),
    tables.flow_party: ((tables.flow,), flow_parties),
}
SUMS = tuple(_SUMS)
_OF_OTHERS = frozenset({"sign-off", "document-attached"})  # what is said in them of a decision, others rest on
_AT_ONCE = 500


class Replica:
    """
    The rows of one log, made again from its database `source`. With the log's key they can be read as the service does. Close it.

    `erased` has the moment of each erasure by place: `("record", number, pointer)` or `("leaf", index, name)`. `subjects` says by the
    index of a leaf which of its openings are erased, and with what.
    """

    def __init__(self, source: sa.Connection, key: LogKey | None = None) -> None:
        self._engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool, creator=_temporary)
        self.rows = self._engine.connect()
        self.erased: dict[tuple[str, int, str], str] = {}
        self.subjects: dict[int, Mapping[str, str]] = {}
        self._source, self._key = source, key
        _make(self.rows, *FROM_LEAVES, *_BESIDE)
        self.rows.exec_driver_sql(counter_rows.VIEW)
        self._copy(about)  # of these rows leaves make some
        if key is not None:
            counter_secret.give_key(self.rows.info, lambda _: key)

    def close(self) -> None:
        """Drop the rows."""
        self.rows.close()
        self._engine.dispose()

    def read(self) -> Iterator[tuple[int, Leaf]]:
        """The leaves of the log with their indexes, in order. When one is given, the rows are those of all leaves before it."""
        ids: dict[int, str] = {}
        moments: dict[int, str] = {}
        for _, leaf in _leaves(self._source, _ERASURES):
            self._erased(leaf, ids, moments)
        for index, leaf in _leaves(self._source, _OTHERS):
            if index in moments:
                of_entity = leaf.get("kind") == "register" and index in ids
                leaf = {**leaf, "erased_at": moments[index], **({"id": ids[index]} if of_entity else {})}
            yield index, leaf
            apply(self.rows, leaf)
            if of := subjects(self.rows, leaf):
                self.subjects[index] = of
            if self._key is not None and leaf.get("kind") in _OF_OTHERS:
                self._take_record(leaf["decision"])
        self.rows.commit()

    def sum_up(self) -> None:
        """No leaf comes any more: the sums become rows."""
        self.rows.exec_driver_sql(f"DROP VIEW {tables.counter_sum.name}")
        _make(self.rows, *SUMS)
        for table, (sources, made) in _SUMS.items():
            self._insert(table, [dict(row) for row in made(self.rows)] if any(map(self.has_rows, sources)) else [])

    def has_rows(self, table: sa.Table) -> bool:
        """Whether a table has a row, as a database says it."""
        return self.rows.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None

    def _erased(self, leaf: Leaf, ids: dict[int, str], moments: dict[int, str]) -> None:
        """What was erased, and when; the ids of erased entities are in these leaves."""
        for of, name in leaf.get("openings", ()):
            self.erased["leaf", int(of), str(name)] = moments[int(of)] = leaf["at"]
            if leaf.get("of") == "entity":
                ids[int(of)] = leaf["id"]
        for pointer in leaf.get("places", ()):
            self.erased["record", int(leaf["sequence"]), str(pointer)] = leaf["at"]

    def _take_record(self, id: str) -> None:
        """The record of a decision, of which others are read when they rest on what was said of it."""
        if self.rows.execute(sa.select(record.c.id).where(record.c.id == id)).first() is None:
            self._copy(record, record.c.id == id)
            self._copy(personal, personal.c.sequence.in_(sa.select(record.c.sequence).where(record.c.id == id)))

    def _copy(self, table: sa.Table, *where: sa.ColumnElement[bool]) -> None:
        self._insert(table, [dict(row) for row in self._source.execute(sa.select(table).where(*where)).mappings()])

    def _insert(self, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.rows.execute(sa.insert(table), rows)


def _make(rows: sa.Connection, *made: sa.Table) -> None:
    """Make empty tables, with their indexes, in a temporary database."""
    driver: Any = rows.connection.driver_connection
    driver.executescript(";\n".join(_making(made)))  # all at once: there are many, and each takes less than to hand it over
    rows.commit()


@cache
def _making(made: tuple[sa.Table, ...]) -> tuple[str, ...]:
    dialect = sqlite.dialect()
    statements: list[CreateTable | CreateIndex] = [CreateTable(each) for each in made]
    statements += (CreateIndex(index) for each in made for index in each.indexes)
    return tuple(str(each.compile(dialect=dialect)) for each in statements)


# To write a statement takes longer than to run it where there are few leaves, so each is written once.
_SOME = (
    sa.select(tree_leaf.c.index.label("at"), tree_leaf.c.leaf)
    .where(tree_leaf.c.index > sa.bindparam("after"))
    .order_by(tree_leaf.c.index)
    .limit(_AT_ONCE)
)
_ERASURES, _OTHERS = _SOME.where(tree_leaf.c.kind == ERASURE), _SOME.where(tree_leaf.c.kind != ERASURE)
_OPENINGS = sa.select(leaf_opening).where(leaf_opening.c.leaf.between(sa.bindparam("first"), sa.bindparam("last")))


def _leaves(connection: sa.Connection, chosen: sa.Select[Any]) -> Iterator[tuple[int, Leaf]]:
    """The leaves that are chosen, in order, each with its openings in place of its commitments; None in place of one that is gone."""
    after = -1
    while rows := connection.execute(chosen, {"after": after}).all():
        first, after = rows[0].at, rows[-1].at
        beside: dict[int, dict[str, Any]] = {}
        for each in connection.execute(_OPENINGS, {"first": first, "last": after}):
            beside.setdefault(each.leaf, {})[each.name] = None if each.value is None else json.loads(bytes(each.value))
        for row in rows:
            hidden = beside.get(row.at, {})
            yield row.at, {**json.loads(bytes(row.leaf)), **hidden, **(hidden.get("document") or {}), "leaf": row.at}


def _temporary() -> Any:
    """A database that SQLite keeps in memory, and in a file without a name where it grows too large; it is gone when it is closed."""
    import sqlite3

    return sqlite3.connect("")
