"""
Reads the log as events: a place in the log goes in, the events behind it come out, in order, and the place to go on from.

INVARIANT (no gaps): only leaves below the size of the tree are read, and the size is read first. Leaves are numbered under the one writing
lock, so at that moment all of them are committed; a reader that goes on at `position` misses none.

INVARIANT (closed list): an event is made of what `_decision`, `_commitment` and `_watch` name one by one; nothing is copied whole. What a
sink asks for by name is opened for this reading only, so what was erased is in none.

Of a record only its leaf and its row of the index are read. No connection is kept open: whoever sends has let go of the database.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from pydantic_core import from_json

from service.ledger import party_view
from service.ledger.counter_book import Book
from service.log import tree_leaves
from service.log.record_summary import UNREADABLE, Summary
from service.log.store import of_numbers
from service.outbox import asked_members
from service.outbox.event_choice import EventChoice
from service.outbox.stream_event import COMMITMENT, DECISION, EventClass, StreamEvent
from service.store.tables import commitment, entry, head, personal, record, term, tree_leaf, watch_event
from service.watch.events import LEAF as WATCH_LEAF
from service.watch.events import TYPE

COMMITMENT_LEAF = "commitment-event"
_SPAN = 20_000  # leaves that one reading looks at, at most: most of them may be no events
_NOT_APPLICABLE = "not_applicable"
_EXPORTER_AT = "/exporter/id"
_NOT_READABLE = (ValueError, LookupError, TypeError, AttributeError, sa.exc.NoResultFound)
_NEVER = "1970-01-01T00:00:00Z"  # the time of what cannot be read
_OPENINGS = 500  # records that are opened at once
_exporter, _recipient = term.alias("exporter"), term.alias("recipient")
_RECORDS = (
    sa.select(
        record.c.sequence,
        record.c.leaf_index,
        record.c.id,
        sa.cast(record.c.leaf, sa.LargeBinary).label("leaf"),
        sa.cast(record.c.leaf_hash, sa.LargeBinary).label("leaf_hash"),
        entry.c.outcome,
        entry.c.proceed,
        entry.c.hypothetical,
        _exporter.c.value.label("exporter"),
        _recipient.c.value.label("recipient"),
    )
    .select_from(
        record.outerjoin(entry, entry.c.sequence == record.c.sequence)
        .outerjoin(_exporter, _exporter.c.id == entry.c.exporter)
        .outerjoin(_recipient, _recipient.c.id == entry.c.recipient)
    )
    .where(record.c.sequence >= sa.bindparam("first"))
    .order_by(record.c.sequence)
    .limit(sa.bindparam("most"))
)
_LEAVES = (
    sa.select(tree_leaf.c.index.label("place"), tree_leaf.c.kind, sa.cast(tree_leaf.c.leaf, sa.LargeBinary).label("leaf"))
    .where(
        tree_leaf.c.index >= sa.bindparam("first"),
        tree_leaf.c.index < sa.bindparam("upto"),
        tree_leaf.c.kind.in_(sa.bindparam("kinds", expanding=True)),
    )
    .order_by(tree_leaf.c.index)
    .limit(sa.bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events, and the place to go on from; at the end this is `size`, the number of leaves that the log has."""

    events: tuple[StreamEvent, ...]
    position: int
    size: int


class LogReader:
    """Reads the log of one database for one reader, who mostly goes on where it stopped."""

    def __init__(self) -> None:
        self._book = Book()
        self._last = (0, 0)  # a place in the log, and the number of the first record at or behind it

    def read(self, connection: sa.Connection, position: int, most: int, choice: EventChoice) -> EventBatch:
        """At most so many events at or behind a place. There may be none although the log goes on: then go on at `position`."""
        size = log_size(connection)
        upto = min(size, position + _SPAN)
        if upto <= position:
            return EventBatch((), position, size)
        horizon = upto
        records: Sequence[Any] = ()
        first = self._record_at(connection, position)
        if "decision" in choice.classes:
            # Numbers only, since no index has the leaves of records: what lies behind the span is left for the next reading.
            records = connection.execute(_RECORDS, {"first": first, "most": most}).all()
            if len(records) == most:
                horizon = min(horizon, records[-1].leaf_index + 1)
        leaves: Sequence[Any] = ()
        kinds = [kind for of, kind in (("commitment", COMMITMENT_LEAF), ("watch", WATCH_LEAF)) if of in choice.classes]
        if kinds:
            leaves = connection.execute(_LEAVES, {"first": position, "upto": horizon, "kinds": kinds, "most": most}).all()
            if len(leaves) == most:
                horizon = min(horizon, leaves[-1].place + 1)
        places = sorted(
            each for each in [*(row.leaf_index for row in records), *(row.place for row in leaves)] if each < horizon
        )
        if len(places) > most:
            horizon = places[most]
        records = [each for each in records if each.leaf_index < horizon]
        leaves = [each for each in leaves if each.place < horizon]
        if records:
            self._last = horizon, records[-1].sequence + 1
        found = [*self._decisions(connection, records, choice), *self._others(connection, leaves, choice)]
        found.sort(key=lambda each: each.sequence)
        return EventBatch(tuple(found), horizon, size)

    def _record_at(self, connection: sa.Connection, position: int) -> int:
        if self._last[0] != position:
            self._last = position, first_record(connection, position)
        return self._last[1]

    # --- decisions ---------------------------------------------------------------------------------------------------

    def _decisions(self, connection: sa.Connection, rows: Sequence[Any], choice: EventChoice) -> list[StreamEvent]:
        without_index = [each for each in rows if each.outcome is None]
        summaries = _summaries(connection, without_index) if without_index else {}
        opened = {}
        if choice.opens_records:
            for start in range(0, len(rows), _OPENINGS):
                numbers = [each.sequence for each in rows[start : start + _OPENINGS]]
                opened.update({each.sequence: each.entry for each in of_numbers(connection, numbers)})
        unnamed = [each.sequence for each in rows if each.exporter is None]
        stated = _exporters(connection, unnamed) if unnamed else {}
        keys: dict[str, str] = {}
        found = []
        for row in rows:
            summary = summaries.get(row.sequence)
            exporter, recipient = row.exporter, row.recipient
            if summary is not None:
                exporter, recipient = summary.one("exporter"), summary.one("recipient")
            exporter = exporter or stated.get(row.sequence)
            key = None
            if exporter is not None:
                key = keys.get(exporter) or keys.setdefault(exporter, party_view.hashed(connection, self._book, exporter))
            try:
                leaf = from_json(row.leaf)
                time, data = leaf["recorded_at"], _decision(row, leaf, row if summary is None else summary)
                if choice.members:
                    known = {"exporter": exporter, "recipient": recipient, "caller": leaf["asked_by"]}
                    data |= asked_members.of_record(choice.members, known, opened.get(row.sequence))
            except _NOT_READABLE:
                time, data = _NEVER, _unreadable(row)
            found.append(StreamEvent(row.leaf_index, row.id, "decision", DECISION, row.id, time, key, data))
        return found

    # --- commitments and what the watch told -------------------------------------------------------------------------

    def _others(self, connection: sa.Connection, rows: Sequence[Any], choice: EventChoice) -> list[StreamEvent]:
        if not rows:
            return []
        try:
            return self._read_others(connection, rows, choice)
        except _NOT_READABLE:
            if len(rows) == 1:
                return [_unreadable_leaf(rows[0])]
            return [event for row in rows for event in self._others(connection, [row], choice)]

    def _read_others(self, connection: sa.Connection, rows: Sequence[Any], choice: EventChoice) -> list[StreamEvent]:
        """Raises one of _NOT_READABLE where bytes are not those of a leaf, or of what opens it."""
        documents = {each.place: from_json(each.leaf) for each in rows}
        long = [index for index, each in documents.items() if "commitment" not in each or "document" in each]
        hidden = tree_leaves.opened(connection, [*documents]) if choice.opens_leaves else tree_leaves.opened(connection, long)
        for index in long:  # a leaf that was too long has all its members in one that is hidden
            whole = hidden.get(index, {}).get("document")
            documents[index] |= _told_of(connection, index) if whole is None else whole
            hidden[index] = documents[index] if whole is not None else {}
        ids = list({each["commitment"] for each in documents.values()})
        known = {row.id: row for row in _commitments(connection, ids)}
        unnamed = [each.sequence for each in known.values() if each.party is None]
        stated = _exporters(connection, unnamed) if unnamed else {}
        found = []
        for row in rows:
            document = documents[row.place]
            committed = known.get(document["commitment"])
            # The row keeps the hash of an exporter whose name was erased in the record.
            named = committed is not None and (committed.party is not None or committed.sequence in stated)
            key = committed.exporter if committed is not None and named else None
            shown = hidden.get(row.place, {})
            kind: EventClass
            if row.kind == WATCH_LEAF:
                kind, id, type, data = "watch", document["id"], TYPE.format(kind=document["event"]), _watch(document)
            else:
                kind, id, type = "commitment", f"{document['commitment']}.{document['number']}", COMMITMENT
                data = _commitment(document, committed)
            data |= asked_members.of_leaf(choice.members, kind, shown)
            found.append(StreamEvent(row.place, id, kind, type, document["commitment"], document["at"], key, data))
        return found


def log_size(connection: sa.Connection) -> int:
    """How many leaves the log has: the place where the next event will stand."""
    size: int = connection.execute(sa.select(head.c.next).where(head.c.name == "leaf")).scalar_one()
    return size


def first_record(connection: sa.Connection, position: int) -> int:
    """The number of the first record whose leaf is at or behind a place; that of the next record where there is none."""
    low, high = 0, connection.execute(sa.select(head.c.next).where(head.c.name == "record")).scalar_one()
    leaf = sa.select(record.c.leaf_index)
    while low < high:
        middle = (low + high) // 2
        if connection.execute(leaf.where(record.c.sequence == middle)).scalar_one() < position:
            low = middle + 1
        else:
            high = middle
    return low


def _decision(row: Any, leaf: Mapping[str, Any], summary: Any) -> dict[str, Any]:
    """`summary` has what the leaf does not: it is the record's row of the index, or a Summary."""
    verdict = leaf["verdict"]
    provisions = list(dict.fromkeys([key.partition("~")[0] for key in verdict["stands"]]))
    jurisdictions = [name for name, bounds in verdict["bounds"].items() if name and bounds[1] != _NOT_APPLICABLE]
    unmet = sum([state != "met" for state in verdict["requirements"].values()])
    return {
        "decision": row.id,
        "day": leaf["as_of"],
        "outcome": summary.outcome,
        "proceed": bool(summary.proceed),
        "hypothetical": bool(summary.hypothetical),
        "jurisdictions": jurisdictions,
        "provisions": provisions,
        "counts": {"provisions": len(provisions), "requirements": unmet, "advice": len(verdict["advises"])},
        "policies": leaf["bundle"]["source"],
        "meaning": leaf["bundle"]["meaning"],
        "record": row.leaf_hash.hex(),
    }


def _unreadable(row: Any) -> dict[str, Any]:
    """Of bytes that are not a record: no reader is stopped by them. `log verify` says what is wrong."""
    counts = dict.fromkeys(("provisions", "requirements", "advice"), 0)
    nothing: dict[str, Any] = {"proceed": False, "hypothetical": False, "jurisdictions": [], "provisions": [], "counts": counts}
    digests = {"policies": "", "meaning": "", "record": row.leaf_hash.hex()}
    return {"decision": row.id, "day": _NEVER[:10], "outcome": UNREADABLE, **nothing, **digests}


def _unreadable_leaf(row: Any) -> StreamEvent:
    """Of bytes that are no leaf of a commitment or of the watch: as of a record that is none."""
    told: dict[str, Any]
    if row.kind == WATCH_LEAF:
        days = dict.fromkeys(("since", "day"), _NEVER[:10])
        told = {"commitment": "", "decision": "", "cause": UNREADABLE, **days, "before": None, "after": None}
        told |= {"causes": [], "provisions": [], "remedy": {}}
        kind, type = "watch", TYPE.format(kind=UNREADABLE)
    else:
        nothing = dict.fromkeys(("decision", "evaluation", "other", "day"))
        told = {"commitment": "", **nothing, "event": UNREADABLE, "number": 0}
        kind, type = "commitment", COMMITMENT
    place = f"leaf-{row.place}"
    return StreamEvent(row.place, place, cast(EventClass, kind), type, place, _NEVER, None, told)


def _commitment(document: Mapping[str, Any], row: Any) -> dict[str, Any]:
    event = document["event"]
    return {
        "commitment": document["commitment"],
        "decision": None if row is None else row.decision,
        "evaluation": None if row is None else row.evaluation,
        "event": event,
        "number": document["number"],
        "other": document["other"],
        "day": document.get("day") or document.get("from") or (row.as_of if row is not None and event == "committed" else None),
    }


_TOLD = ("commitment", "decision", "cause", "since", "day", "before", "after", "causes", "provisions", "remedy")
_TOLD_SOMETIMES = ("why", "counters")


def _watch(document: Mapping[str, Any]) -> dict[str, Any]:
    some = {name: document[name] for name in _TOLD_SOMETIMES if name in document}
    return {name: document[name] for name in _TOLD} | some


def _told_of(connection: sa.Connection, leaf: int) -> dict[str, Any]:
    """What the row of an event of the watch says, where its leaf was hidden as a whole and erased."""
    row = connection.execute(sa.select(watch_event).where(watch_event.c.leaf == leaf)).one()
    names = ("id", "day", "commitment", "decision", "cause", "since")
    return {**{name: row._mapping[name] for name in names}, "event": row.kind, **from_json(row.document)}


def _commitments(connection: sa.Connection, ids: Sequence[str]) -> Iterable[Any]:
    """`party` is the exporter's id in the record of the commitment, as the index has it."""
    row = commitment.c
    columns = (row.id, row.decision, row.evaluation, row.exporter, row.as_of, row.sequence, _exporter.c.value.label("party"))
    indexed = commitment.outerjoin(entry, entry.c.sequence == row.sequence).outerjoin(
        _exporter, _exporter.c.id == entry.c.exporter
    )
    return connection.execute(sa.select(*columns).select_from(indexed).where(row.id.in_(ids)))


def _exporters(connection: sa.Connection, numbers: Sequence[int]) -> dict[int, str]:
    """The exporters of records whose policies name no party to be found by, as the ledger knows them; what was erased is not there."""
    columns = (personal.c.sequence, personal.c.pointer, sa.cast(personal.c.value, sa.LargeBinary))
    mine = (personal.c.sequence.in_(numbers), personal.c.pointer.in_(("request", _EXPORTER_AT)), personal.c.value.is_not(None))
    found: dict[int, str] = {}
    for sequence, pointer, value in connection.execute(sa.select(*columns).where(*mine)):
        try:
            stated = from_json(value)
            if pointer == "request":
                stated = stated.get("exporter", {}).get("id") if b'"exporter":' in value else None
        except _NOT_READABLE:
            continue
        if isinstance(stated, str) and stated != "unknown":
            found[sequence] = stated
    return found


def _summaries(connection: sa.Connection, rows: Sequence[Any]) -> dict[int, Summary]:
    """Of records that the index does not have yet: from their leaves, and from what was not erased."""
    openings: dict[int, dict[str, bytes | None]] = {each.sequence: {} for each in rows}
    columns = (personal.c.sequence, personal.c.pointer, sa.cast(personal.c.value, sa.LargeBinary))
    for sequence, pointer, value in connection.execute(sa.select(*columns).where(personal.c.sequence.in_(list(openings)))):
        openings[sequence][pointer] = value
    return {each.sequence: Summary.of_leaf(each.leaf, openings[each.sequence]) for each in rows}
