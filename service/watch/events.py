"""
The events of the watch: findings go in, a leaf of the log and a row for each come out, and later the events as CloudEvents.

INVARIANT (told once): of a commitment, a cause is told once for a day. A unique key of the table holds this, whoever writes.
What may quote the exchange stands in the leaf as commitments only. Its openings are erased together with the decision.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, get_args

import sqlalchemy as sa
from uuid_utils import uuid7

from service.callers.context import ReadingAll
from service.log import tree_leaves
from service.log.canonical_json import canonical
from service.log.store import subject_of_decision
from service.log.tree_leaves import LogEvent
from service.store.tables import watch_delivery, watch_event
from service.watch.findings import EarlierFinding, EventKind, WatchFinding
from service.watch.watched_commitments import WatchedRow

KINDS: tuple[str, ...] = get_args(EventKind)
LEAF = "watch-event"
TYPE = "org.fifthfactor.watch.{kind}.v1"
SPECIFICATION = "1.0"
WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """An event as its row has it; `hidden` has `because` and `changes` as far as they were not erased."""

    number: int
    id: str
    at: str
    day: str
    kind: str
    commitment: str
    decision: str
    cause: str
    since: str
    document: Mapping[str, Any]
    hidden: Mapping[str, Any]

    def cloud_event(self, source: str, *, whole: bool = True) -> dict[str, Any]:
        """The event in CloudEvents 1.0; not `whole`: without what may quote the exchange."""
        names = ("commitment", "decision", "cause", "since", "day")
        data = {**{name: getattr(self, name) for name in names}, **self.document, **(self.hidden if whole else {})}
        return {
            "specversion": SPECIFICATION,
            "id": self.id,
            "source": source,
            "type": TYPE.format(kind=self.kind),
            "subject": self.commitment,
            "time": self.at,
            "datacontenttype": "application/json",
            "data": data,
        }


def source_of(origin: str) -> str:
    """The source of all events of a log, as a URI."""
    return f"urn:{origin.replace('/', ':')}"


def events_told(connection: sa.Connection, commitments: Sequence[str]) -> dict[str, list[EarlierFinding]]:
    """What was told of some commitments, in order."""
    columns = (watch_event.c.commitment, watch_event.c.kind, watch_event.c.cause, watch_event.c.since, watch_event.c.outcome)
    query = sa.select(*columns).where(watch_event.c.commitment.in_(commitments)).order_by(watch_event.c.number)
    found: dict[str, list[EarlierFinding]] = {}
    for row in connection.execute(query):
        found.setdefault(row.commitment, []).append(
            EarlierFinding(row.kind, row.cause, date.fromisoformat(row.since), row.outcome)
        )
    return found


def tell(
    transaction: sa.Connection,
    day: date,
    found: Sequence[tuple[WatchedRow, WatchFinding]],
    at: str,
    addresses: Sequence[str] = (),
) -> None:
    """Write events, and that they are to be delivered to some addresses, which are given by their digests."""
    if not found:
        return
    first = last_number(transaction) + 1
    rows: list[dict[str, Any]] = []
    leaves = []
    for number, (row, finding) in enumerate(found, first):
        about = {
            "id": str(uuid7()),
            "day": day.isoformat(),
            "commitment": row.id,
            "decision": row.decision,
            "cause": finding.cause,
            "since": finding.since.isoformat(),
        }
        shown = {**about, "event": finding.kind, **finding.document}
        hidden = finding.hidden
        subject = subject_of_decision(row.evaluation) if hidden else None
        leaves.append(LogEvent(LEAF, at, shown, hidden, subject, frozenset(hidden)))
        document = canonical(finding.document).decode()
        rows.append({**about, "number": number, "at": at, "kind": finding.kind, "outcome": finding.after, "document": document})
    for each, index in zip(rows, tree_leaves.append(transaction, *leaves), strict=True):
        each["leaf"] = index
    transaction.execute(sa.insert(watch_event), rows)
    due = [
        {"event": each["number"], "address": address, "attempts": 0, "next_at": at, "state": WAITING}
        for each in rows
        for address in addresses
    ]
    if due:
        transaction.execute(sa.insert(watch_delivery), due)


def page(
    connection: sa.Connection, after: int, limit: int, commitment: str | None = None, kind: str | None = None
) -> list[WatchEvent]:
    """Events in their order, after a number; of one commitment or of one kind, if given."""
    query = sa.select(watch_event).where(watch_event.c.number > after).order_by(watch_event.c.number).limit(limit)
    if commitment is not None:
        query = query.where(watch_event.c.commitment == commitment)
    if kind is not None:
        query = query.where(watch_event.c.kind == kind)
    rows = connection.execute(query).all()
    hidden = tree_leaves.opened(connection, [row.leaf for row in rows]) if rows else {}
    return [_event(row, hidden.get(row.leaf, {})) for row in rows]


def listing(
    context: ReadingAll, commitment: str | None, kind: str | None, after: int | None, limit: int, connection: sa.Connection
) -> tuple[list[WatchEvent], int | None]:
    """At most `limit` events, as `page` gives them; and the number to go on after, None at the end."""
    found = page(connection, -1 if after is None else after, limit + 1, commitment, kind)
    return found[:limit], found[limit - 1].number if len(found) > limit else None


def newest(connection: sa.Connection, since: str, most: int) -> list[Any]:
    """The newest events from a moment on, the newest first: `kind`, `at`, `since`, `decision`, `outcome`, and nothing that was hidden."""
    shown = (watch_event.c.kind, watch_event.c.at, watch_event.c.since, watch_event.c.decision, watch_event.c.outcome)
    # By number, which is the primary key; the moments of events rise with their numbers.
    first = sa.select(*shown).order_by(watch_event.c.number.desc()).limit(most)
    return [row for row in connection.execute(first).all() if row.at >= since]


def number_of(connection: sa.Connection, id: str) -> int | None:
    """The number of an event; None if there is no such event."""
    return connection.execute(sa.select(watch_event.c.number).where(watch_event.c.id == id)).scalar_one_or_none()


def last_number(connection: sa.Connection) -> int:
    """The number of the newest event; -1 without any."""
    newest: int | None = connection.execute(sa.select(sa.func.max(watch_event.c.number))).scalar_one()
    return -1 if newest is None else newest


def _event(row: Any, hidden: Mapping[str, Any]) -> WatchEvent:
    return WatchEvent(
        row.number,
        row.id,
        row.at,
        row.day,
        row.kind,
        row.commitment,
        row.decision,
        row.cause,
        row.since,
        json.loads(row.document),
        hidden.get("document", hidden),
    )
