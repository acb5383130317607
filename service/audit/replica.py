"""
The rows that the leaves of a log say there must be: leaves go in, in order, and tables of a temporary database come out.

Only leaves and their openings are read. What each kind of leaf means for the rows is written here a second time, apart from the code
that writes them both, so that an error of that code shows as a difference too. Records are not among these leaves; their rows
are compared with their own bytes.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from service.audit import rights_rows, signed_document
from service.log.canonical_json import canonical
from service.log.document_erasure import subject_of_document
from service.log.receipt_leaf import FACTS
from service.log.store import subject_of_decision
from service.log.tree_leaves import ERASURE
from service.store.counter_secret import LOST
from service.store.tables import (
    asset_entry,
    attached_document,
    benefit,
    bundle,
    bundle_version,
    caller,
    commitment,
    commitment_event,
    counted,
    document,
    document_confirmation,
    entity,
    flow,
    leaf_opening,
    movement,
    opening,
    person,
    promise,
    review_note,
    right_line,
    right_opening,
    settlement,
    sign_off,
    tree_leaf,
    watch_event,
    witnessed,
)

# The tables that are made from leaves alone.
FROM_LEAVES = (
    caller,
    person,
    sign_off,
    review_note,
    entity,
    commitment,
    commitment_event,
    movement,
    opening,
    right_line,
    right_opening,
    promise,
    counted,
    settlement,
    benefit,
    flow,
    asset_entry,
    bundle,
    bundle_version,
    watch_event,
    witnessed,
    document,
    attached_document,
    document_confirmation,
)

_AT_ONCE = 500
_STATES = {"withdrawn": "withdrawn", "amended": "superseded"}  # of a commitment, after such an event
_QUOTING = frozenset({"because", "changes"})  # what may quote the exchange, in what the watch told
_BESIDE_A_DOCUMENT = frozenset({"schema", "kind", "event", "document", *_QUOTING})
_NO_CONTENT: Mapping[str, Any] = {
    "valid_from": None,
    "valid_until": None,
    "aliases": "[]",
    "facts": "{}",
    "documents": '{"claims":{},"evidence":{}}',
    "travels": "[]",
    "attested_by": None,
    "note": None,
}

Leaf = Mapping[str, Any]


class Replica:
    """
    The rows of one log, made again. Close it with `close()`.

    `erased` has the moment of each erasure by place: `("record", number, pointer)` or `("leaf", index, name)`. `noted` is what
    `about` has of leaves. `faults` are sentences about leaves that do not hold by themselves.
    """

    def __init__(self) -> None:
        self._engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool, creator=_temporary)
        self.rows = self._engine.connect()
        make_tables(self.rows, *FROM_LEAVES)
        self.erased: dict[tuple[str, int, str], str] = {}
        self.subjects: dict[int, tuple[str, frozenset[str]]] = {}
        self.faults: list[str] = []
        self.noted: dict[str, str] = {}
        self._erased_entities: dict[int, str] = {}
        self._watch_events = 0
        self._found = self.rows  # the log's own database, while it is read

    def close(self) -> None:
        """Drop the rows."""
        self.rows.close()
        self._engine.dispose()

    def read(
        self,
        connection: sa.Connection,
        before: Callable[[int], None] = lambda index: None,
        after: Callable[[int, Leaf], None] = lambda index, leaf: None,
    ) -> Iterator[int]:
        """
        Read the leaves of a log; yields the number of those read after each few hundred.

        `before` is called with the index of each leaf before the rows are those that it makes, `after` when they are.
        """
        self._found = connection
        for index, leaf in _leaves(connection, _ERASURES):
            self._erasure(index, leaf)
        for read, (index, leaf) in enumerate(_leaves(connection, _OTHERS), 1):
            before(index)
            apply = getattr(self, "_" + str(leaf.get("kind")).replace("-", "_"), None)
            if apply is not None:
                apply(index, leaf)
            after(index, leaf)
            if read % _AT_ONCE == 0:
                yield read
        self.rows.commit()

    # --- one method for each kind of leaf ------------------------------------------------------------------------------

    def _erasure(self, index: int, leaf: Leaf) -> None:
        for of, name in leaf.get("openings", ()):
            self.erased["leaf", int(of), str(name)] = leaf["at"]
            if leaf.get("of") == "entity":
                self._erased_entities[int(of)] = leaf["id"]
        for pointer in leaf.get("places", ()):
            self.erased["record", int(leaf["sequence"]), str(pointer)] = leaf["at"]

    def _cosigned(self, index: int, leaf: Leaf) -> None:
        self.rows.execute(sa.delete(witnessed).where(witnessed.c.origin == leaf["origin"]))
        self._insert(witnessed, origin=leaf["origin"], size=leaf["size"], root=bytes.fromhex(leaf["root"]), at=leaf["at"])

    def _key_made(self, index: int, leaf: Leaf) -> None:
        self._insert(
            caller,
            id=leaf["key"],
            name=leaf["name"],
            scopes=" ".join(leaf["scopes"]),
            secret_hash=bytes.fromhex(leaf["secret_hash"]),
            created_at=leaf["at"],
            created_by=leaf["by"],
            expires_on=leaf["expires_on"],
            party=leaf.get("party"),
            person=leaf.get("person"),
        )

    def _person(self, index: int, leaf: Leaf) -> None:
        id, who = leaf["person"], {name: leaf[name] for name in ("issuer", "subject", "name")}
        who["erased_at"] = self.erased.get(("leaf", index, "issuer"))
        if self.rows.execute(sa.select(person.c.id).where(person.c.id == id)).first() is None:
            self._insert(person, id=id, **who, known_at=leaf["at"])
        else:
            self._update(person, person.c.id == id, **who)
        self.subjects[index] = f"person/{id}", frozenset({"issuer", "subject", "name"})

    def _key_revoked(self, index: int, leaf: Leaf) -> None:
        self._update(caller, caller.c.id == leaf["key"], revoked_at=leaf["at"], revoked_by=leaf["by"])

    def _bundle_activated(self, index: int, leaf: Leaf) -> None:
        here = (bundle.c.source == leaf["source"], bundle.c.meaning == leaf["meaning"])
        if self.rows.execute(sa.select(bundle.c.source).where(*here)).first() is None:
            named = {name: leaf[name] for name in ("source", "meaning", "trust", "norms", "engine")}
            self._insert(bundle, **named, first_used_at=leaf["at"], archive=b"")
        for folder, signed in leaf.get("versions", {}).items():
            here = bundle_version.c.folder == folder
            row = self.rows.execute(sa.select(bundle_version).where(here)).one_or_none()
            if row is None:
                self._insert(bundle_version, **signed, folder=folder, activated_at=leaf["at"])
            elif signed["version"] > row.version:
                self._update(bundle_version, here, **signed, activated_at=leaf["at"], allowed=None)
            elif signed["source"] == row.source:
                self._update(bundle_version, here, allowed=None)
        versions = [canonical(leaf["versions"]).decode()] if "versions" in leaf else []
        self.noted["active_bundle"] = " ".join([leaf["source"], leaf["meaning"], leaf["engine"], *versions])

    def _older_bundle_allowed(self, index: int, leaf: Leaf) -> None:
        for folder, allowed in leaf["folders"].items():
            self._update(bundle_version, bundle_version.c.folder == folder, allowed=allowed["source"])

    def _settings(self, index: int, leaf: Leaf) -> None:
        self.noted["settings"] = canonical(leaf["settings"]).decode()

    def _counters_lost(self, index: int, leaf: Leaf) -> None:
        self.rows.execute(sa.delete(counted).where(counted.c.counting == LOST))
        self._insert(counted, counting=LOST, meaning=str(leaf["records"]), last=leaf["last"])

    def _sign_off(self, index: int, leaf: Leaf) -> None:
        shown = ("number", "id", "decision", "provision", "meaning", "verdict", "until", "facts", "reason", "anchor")
        told = {name: leaf[name] for name in shown}
        self._insert(sign_off, **told, given_at=leaf["at"], given_by=leaf["by"], person=leaf.get("person"))
        self.subjects[index] = subject_of_decision(leaf["decision"]), frozenset({"facts", "anchor"})

    def _review_comment(self, index: int, leaf: Leaf) -> None:
        self._review_note(leaf, kind="comment", text=leaf["text"])
        self.subjects[index] = subject_of_decision(leaf["decision"]), frozenset({"text"})

    def _review_requested(self, index: int, leaf: Leaf) -> None:
        self._review_note(leaf, kind="requested", text=leaf["text"])
        self.subjects[index] = subject_of_decision(leaf["decision"]), frozenset({"text"})

    def _review_assigned(self, index: int, leaf: Leaf) -> None:
        self._review_note(leaf, kind="assigned", assignee=leaf["assignee"])

    def _review_note(self, leaf: Leaf, **values: Any) -> None:
        shown = {name: leaf[name] for name in ("number", "id", "decision", "at", "by")}
        self._insert(review_note, **shown, **values, person=leaf.get("person"))

    def _document_kept(self, index: int, leaf: Leaf) -> None:
        shown = {name: leaf[name] for name in ("sha256", "size", "media_type")}
        self._insert(document, **shown, id=leaf["id"], kept_at=leaf["at"], kept_by=leaf["by"])
        self.subjects[index] = subject_of_document(leaf["id"]), frozenset({"sha256"})

    def _document_attached(self, index: int, leaf: Leaf) -> None:
        shown = {name: leaf[name] for name in ("id", "decision", "name")}
        self._insert(attached_document, **shown, document=leaf["bytes"], attached_at=leaf["at"], attached_by=leaf["by"])
        self.subjects[index] = subject_of_decision(leaf["decision"]), frozenset({"bytes"})

    def _document_confirmation(self, index: int, leaf: Leaf) -> None:
        shown = ("number", "id", "attached", "decision", "name", "binding", "verdict", "reason", "until", "person")
        self._insert(document_confirmation, **{name: leaf[name] for name in shown}, given_at=leaf["at"], given_by=leaf["by"])
        self.subjects[index] = subject_of_decision(leaf["decision"]), frozenset({"binding"})

    def _document_signature(self, index: int, leaf: Leaf) -> None:
        shown = ("number", "id", "attached", "decision", "name", "binding", "until", "envelope")
        row = {name: leaf[name] for name in shown}
        self._insert(document_confirmation, **row, verdict="signed", reason="", given_at=leaf["at"], given_by=leaf["by"])
        self.subjects[index] = subject_of_decision(leaf["decision"]), frozenset({"binding", "envelope", "keys"})
        if leaf["envelope"] is not None and not signed_document.holds(leaf):
            self.faults.append(
                f"the signed statement `{leaf['id']}` is not signed by the keys that its leaf names, or says otherwise"
            )

    def _receipt(self, index: int, leaf: Leaf) -> None:
        self.subjects[index] = subject_of_decision(leaf["decision"]), frozenset(FACTS)

    def _register(self, index: int, leaf: Leaf) -> None:
        row = {"kind": leaf["entity_kind"], "version": leaf["version"], "recorded_at": leaf["at"], "recorded_by": leaf["by"]}
        if index in self._erased_entities:
            self._insert(entity, **row, **_NO_CONTENT, id=self._erased_entities[index], state="erased")
            return
        self._insert(entity, **row, **leaf["content"], id=leaf["id"], state=leaf["state"])
        self.subjects[index] = f"entity/{leaf['entity_kind']}/{leaf['id']}", frozenset({"id", "content"})

    def _commitment(self, index: int, leaf: Leaf) -> None:
        shown = ("id", "decision", "evaluation", "sequence", "as_of", "replaces", "counting", "exporter")
        self._insert(commitment, **{name: leaf[name] for name in shown}, committed_at=leaf["at"], state="committed")

    def _commitment_event(self, index: int, leaf: Leaf) -> None:
        id, kind = leaf["commitment"], leaf["event"]
        shown = {name: leaf[name] for name in ("commitment", "number", "at", "by", "reason", "other")}
        self._insert(commitment_event, **shown, kind=kind)
        mine = movement.c.commitment == id
        if kind in _STATES:
            self._update(commitment, commitment.c.id == id, state=_STATES[kind])
            self._update(movement, mine, live=False)
            self.rows.execute(sa.update(flow).where(flow.c.commitment == id).values(live=False))
        if kind in (*_STATES, "ended"):
            rights_rows.ended(self.rows, leaf)
        elif kind == "recounted":
            counts = {(fact, meaning) for fact, meaning in leaf["counts"]}
            self._update(commitment, commitment.c.id == id, counting=leaf["counting"])
            for row in self.rows.execute(sa.select(movement.c.fact, movement.c.meaning).where(mine)).all():
                here = (mine, movement.c.fact == row.fact, movement.c.meaning == row.meaning)
                self._update(movement, sa.and_(*here), live=(row.fact, row.meaning) in counts)

    def _movements(self, index: int, leaf: Leaf) -> None:
        for row in leaf["movements"]:
            self._insert(movement, **row, commitment=leaf["commitment"], sequence=leaf["sequence"], live=True)

    def _rights_granted(self, index: int, leaf: Leaf) -> None:
        rights_rows.granted(self.rows, leaf)

    def _rights_opening(self, index: int, leaf: Leaf) -> None:
        rights_rows.opened(self.rows, index, leaf)
        self.subjects[index] = rights_rows.subject(leaf), rights_rows.OF_SUBJECT

    def _rights_opening_withdrawn(self, index: int, leaf: Leaf) -> None:
        rights_rows.withdrawn(self.rows, leaf)

    def _settlement(self, index: int, leaf: Leaf) -> None:
        shown = {name: leaf[name] for name in ("commitment", "day", "state", "price")}
        self._insert(settlement, **shown)
        for line in leaf["lines"]:
            row = {**line, "units": int(line["units"])}
            self._insert(benefit, **row, commitment=leaf["commitment"], kind="payable", day=leaf["day"])

    def _settlement_reversed(self, index: int, leaf: Leaf) -> None:
        mine = (benefit.c.commitment == leaf["commitment"], benefit.c.kind == "payable")
        rows = self.rows.execute(sa.select(benefit).where(*mine).order_by(benefit.c.number)).all()
        for number, row in enumerate(rows, leaf["first"]):
            other = {"number": number, "kind": "reversed", "day": leaf["day"], "units": -row.units}
            self._insert(benefit, **{**row._mapping, **other})

    def _flow(self, index: int, leaf: Leaf) -> None:
        self.rows.execute(sa.delete(flow).where(flow.c.commitment == leaf["commitment"]))
        self._insert(flow, **leaf["flow"], commitment=leaf["commitment"], live=True)

    def _promises(self, index: int, leaf: Leaf) -> None:
        self.rows.execute(sa.delete(promise).where(promise.c.commitment == leaf["commitment"]))
        for row in leaf["promises"]:
            self._insert(promise, **row, commitment=leaf["commitment"])

    def _promise_kept(self, index: int, leaf: Leaf) -> None:
        here = sa.and_(promise.c.commitment == leaf["commitment"], promise.c.number == leaf["number"])
        kept = {"kept_on": leaf["kept_on"], "evidence": leaf["evidence"], "document": leaf["sha256"]}
        self._update(promise, here, **kept, reported_at=leaf["at"], reported_by=leaf["by"])

    def _counter_opening(self, index: int, leaf: Leaf) -> None:
        shown = {name: leaf[name] for name in ("id", "counter", "meaning", "key", "day", "by", "reason", "at")}
        for count in leaf["counts"]:
            self._insert(opening, **shown, **count)

    def _counting(self, index: int, leaf: Leaf) -> None:
        if leaf["before"] is None:
            for meaning in ("", *leaf["meanings"]):
                self._insert(counted, counting=leaf["counting"], meaning=meaning, last=leaf["last"])
        else:
            self._update(counted, counted.c.counting == leaf["counting"], last=leaf["last"])

    def _counting_forgotten(self, index: int, leaf: Leaf) -> None:
        self.rows.execute(sa.delete(counted).where(counted.c.counting.in_(leaf["countings"])))

    def _asset_entry(self, index: int, leaf: Leaf) -> None:
        shown = {name: leaf[name] for name in ("id", "number", "of", "asset", "at", "by", "reason")}
        self._insert(asset_entry, **shown, **leaf["line"], kind=leaf["entry"])

    def _watch_event(self, index: int, leaf: Leaf) -> None:
        about = {name: leaf[name] for name in ("id", "at", "day", "commitment", "decision", "cause", "since")}
        document = {name: value for name, value in leaf.items() if name not in about and name not in _BESIDE_A_DOCUMENT}
        number = self._watch_events
        self._watch_events += 1
        row = {"number": number, "leaf": index, "kind": leaf["event"], "outcome": leaf["after"]}
        self._insert(watch_event, **about, **row, document=canonical(document).decode())
        evaluation = sa.select(commitment.c.evaluation).where(commitment.c.id == leaf["commitment"])
        self.subjects[index] = subject_of_decision(self._found.execute(evaluation).scalar_one_or_none() or ""), _QUOTING

    # --- inside --------------------------------------------------------------------------------------------------------

    def _insert(self, table: sa.Table, **values: Any) -> None:
        self.rows.execute(_inserting(table), values)

    def _update(self, table: sa.Table, here: sa.ColumnElement[bool], **values: Any) -> None:
        self.rows.execute(sa.update(table).where(here).values(values))


def make_tables(rows: sa.Connection, *tables: sa.Table) -> None:
    """Make empty tables, with their indexes, in a temporary database."""
    run(rows, _making(tables))


def run(rows: sa.Connection, statements: Iterable[str]) -> None:
    """Run statements without values in a temporary database, all at once: there are many, and each takes less than to hand it over."""
    driver: Any = rows.connection.driver_connection
    driver.executescript(";\n".join(statements))
    rows.commit()


@cache
def _making(tables: tuple[sa.Table, ...]) -> tuple[str, ...]:
    dialect = sqlite.dialect()
    made: list[CreateTable | CreateIndex] = [CreateTable(each) for each in tables]
    made += (CreateIndex(index) for each in tables for index in each.indexes)
    return tuple(str(each.compile(dialect=dialect)) for each in made)


@cache
def _inserting(table: sa.Table) -> sa.Insert:
    return sa.insert(table)


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
            leaf = json.loads(bytes(row.leaf))
            hidden = beside.get(row.at, {})
            yield row.at, {**leaf, **hidden, **(hidden.get("document") or {})}


def _temporary() -> Any:
    """A database that SQLite keeps in memory, and in a file without a name where it grows too large; it is gone when it is closed."""
    import sqlite3

    return sqlite3.connect("")
