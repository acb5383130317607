"""
Promises: duties with a last day that commitments bring with them, and how many of a party's are overdue or in dispute.

A commit writes a row for each promise that its exchange makes, and reports with evidence mark it as kept. A promise whose commitment
ended is void: the state of the commitment says so, and no row is deleted for it. A row names no party, only its keyed hash; what was
promised is read from the record of the commitment, so that an erasure there erases it here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

import engine
from service.ledger import promise_sums
from service.ledger.counter_book import Book
from service.ledger.counter_sums import ends
from service.ledger.hashed_names import party
from service.ledger.party_view import EXPORTER
from service.log import tree_leaves
from service.log.tree_leaves import LogEvent
from service.policies.live import Live
from service.problems import ProblemPlace, RequestRefused
from service.store.tables import commitment, counted, promise

_KEPT = ("kept_on", "evidence", "document", "reported_at", "reported_by", "disputed", "origin")
_NOT_KEPT: Mapping[str, Any] = {**dict.fromkeys(_KEPT), "disputed": 0}
_SAME = ("name", "due", "by", "to")  # of two promises, beside their terms

MOST_NAMED = 8  # commitments whose overdue promises were counted
_IS_OVERDUE = (
    promise.c.by == sa.bindparam("by"),
    promise.c.due < sa.bindparam("day"),
    commitment.c.state == "committed",
    sa.or_(promise.c.kept_on.is_(None), promise.c.kept_on > sa.bindparam("day")),
)
_OWN = (
    sa.select(
        promise.c.meaning,
        sa.func.sum(sa.case((sa.and_(*_IS_OVERDUE), 1), else_=0)).label("overdue"),
        sa.func.sum(promise.c.disputed).label("disputed"),
    )
    .join(commitment, commitment.c.id == promise.c.commitment)
    .where(promise.c.by == sa.bindparam("by"), commitment.c.state == "committed", commitment.c.id == sa.bindparam("without"))
    .group_by(promise.c.meaning)
)
_LONGEST = (
    sa.select(promise.c.commitment)
    .join(commitment, commitment.c.id == promise.c.commitment)
    .where(
        *_IS_OVERDUE,
        commitment.c.id != sa.bindparam("without"),
        promise.c.meaning.in_(sa.bindparam("meanings", expanding=True)),
    )
    .group_by(promise.c.commitment)
    .order_by(sa.func.min(promise.c.due), promise.c.commitment)
    .limit(MOST_NAMED)
)
_COUNTED = sa.select(counted.c.counting, counted.c.meaning)


@dataclass(frozen=True, slots=True)
class FilledPromises:
    """
    The numbers of overdue promises and of disputed reports for one exchange, by the facts that take them, and how a record shows each.

    `commitments` are those whose promises are overdue, at most MOST_NAMED for each fact, the longest overdue first.
    """

    counts: Mapping[str, engine.Range]
    marks: Mapping[str, Mapping[str, Any]]
    commitments: Mapping[str, tuple[str, ...]]


class Promises:
    """The promises in one database. Its methods take the connection to work on; those that write take a writing transaction."""

    def __init__(self, book: Book, callers: str) -> None:
        self._book = book
        self._callers = callers

    def counted(
        self,
        connection: sa.Connection | None,
        live: Live,
        exchange: engine.Exchange,
        day: date,
        without: str | None = None,
    ) -> FilledPromises:
        """
        How many promises of the exchange's parties are overdue on a day, and how many reports on their promises are in dispute.

        Both are filled in where the exchange states the fact that they stand beside, and elsewhere only what is overdue, if anything is:
        so an ordinary exchange of somebody who keeps promises has neither. A ledger that holds nothing needs no connection. `without` is
        the commitment of this exchange, if it has one. A number has no upper end where some commitments were made under another meaning
        of the promise. Raises RequestRefused if the caller sent a number and the settings do not allow it.
        """
        counts: dict[str, engine.Range] = {}
        marks: dict[str, dict[str, Any]] = {}
        named: dict[str, tuple[str, ...]] = {}
        for (what, fact), promises in _by_fact(live).items():
            sent = exchange.as_stated().values.get(fact)
            told = sent if isinstance(sent, engine.Range) and exchange.follows.get(fact) != () else None
            if told is not None and self._callers == "refuse":
                place = ProblemPlace(pointer="/" + fact.replace(".", "/"), code="counter-brought", detail=_LEAVE_OUT)
                raise RequestRefused("exchange-refused", _LEAVE_OUT, errors=(place,))
            known = [each for each in promises if each.beside in exchange.values]
            asked = known or (promises if what == promise_sums.OVERDUE and connection is not None else [])
            by = {each.by: id for each in asked if isinstance(id := exchange.value(each.by), str)}
            if not asked or len(by) < len({each.by for each in asked}):
                lacks = [each.by for each in known if each.by not in by]
                if (
                    what == promise_sums.DISPUTED
                    and lacks
                    and connection is not None
                    and told is None
                    and _any_disputed(connection)
                ):
                    # Somebody's are in dispute, and nobody knows whether the exporter's are: whoever leaves out its id is asked for it.
                    counts[fact] = engine.Range(Decimal(0), None)
                    marks[fact] = {"from": "ledger", **ends(counts[fact]), "lacks": lacks}
                continue  # nobody knows whose promises to count
            kept = self._number(connection, what, asked, by, day, without)
            if not known and not kept.low:
                continue
            of_overdue = what == promise_sums.OVERDUE and kept.low and connection is not None
            if of_overdue and connection is not None and (ids := self._longest(connection, asked, by, day, without)):
                named[fact] = ids
            value = kept if told is None else _wider(kept, told)
            counts[fact] = value
            source = "ledger" if told is None else "caller" if value == told else "both"
            marks[fact] = {"from": source, **ends(value)}
            if told is not None and source == "both":
                marks[fact]["brought"] = ends(told)
        return FilledPromises(counts, marks, named)

    def make(
        self, transaction: sa.Connection, live: Live, id: str, exchange: engine.Exchange, at: str, replaced: "Replaced | None"
    ) -> None:
        """
        Write the promises that a commitment makes.

        `replaced` is the commitment that it replaces: what was kept of it stays kept, where the same is promised again.
        """
        rows = [*self._rows(transaction, live, exchange)]
        if replaced is not None:
            before = {tuple(row[name] for name in _SAME): row for row in self._held(transaction, replaced.id)}
            for row in rows:
                same = before.get(tuple(row[name] for name in _SAME))
                terms = next(each.terms for each in live.counting.promises if each.name == row["name"])
                if same is not None and all(exchange.value(fact) == replaced.exchange.value(fact) for fact in terms.values()):
                    row |= {name: same[name] for name in _KEPT} | {"origin": origin(replaced.id, same)}
        if rows:
            self._write(transaction, id, rows, at)
            promise_sums.add(transaction, rows)

    def end(self, transaction: sa.Connection, id: str) -> None:
        """The promises of a commitment that ended count for nothing."""
        promise_sums.changed(transaction, self._held(transaction, id))

    def again(self, transaction: sa.Connection, live: Live, id: str, exchange: engine.Exchange, at: str) -> None:
        """Write the promises of a commitment again, under the present policies; what was kept of a promise that stays, stays kept."""
        before = self._held(transaction, id)
        held = {(row["name"], row["due"]): row for row in before}
        rows = []
        for row in self._rows(transaction, live, exchange):
            same = held.get((row["name"], row["due"]), row)
            # A party that was erased from the record is still the one of the row.
            parties = {name: row[name] or same[name] for name in ("by", "to")}
            kept = {name: same[name] for name in _KEPT} if parties["by"] == same["by"] else {}
            rows.append({**row, **parties, **kept})
        if rows != before:
            transaction.execute(sa.delete(promise).where(promise.c.commitment == id))
            self._write(transaction, id, rows, at)
            promise_sums.changed(transaction, [*before, *rows])

    def moved(self, transaction: sa.Connection, id: str, number: int, become: Mapping[str, Any]) -> None:
        """A promise has become what its reports say. It must be there."""
        before = [row for row in self._held(transaction, id) if row["number"] == number]
        transaction.execute(sa.update(promise).where(promise.c.commitment == id, promise.c.number == number).values(**become))
        promise_sums.changed(transaction, [*before, *({**row, **become} for row in before)])

    # --- inside --------------------------------------------------------------------------------------------------------

    def _number(
        self,
        connection: sa.Connection | None,
        what: str,
        promises: Sequence[engine.Promise],
        by: Mapping[str, str],
        day: date,
        without: str | None,
    ) -> engine.Range:
        if connection is None:
            return engine.Range.exact(0)
        number, endless = 0, False
        meanings: dict[str, set[str]] = {}
        for row in connection.execute(_COUNTED):
            meanings.setdefault(row.counting, set()).add(row.meaning)
        for fact, id in by.items():
            hashed = party(self._book, connection, id)
            sums = promise_sums.numbers(connection, hashed, {each.meaning for each in promises if each.by == fact}, day)
            found = {meaning: int(getattr(each, what)) for meaning, each in sums.items()}
            if without is not None:
                given = {"by": hashed, "day": day.isoformat(), "without": without}
                for own in connection.execute(_OWN, given).mappings():
                    found[own["meaning"]] = found.get(own["meaning"], 0) - int(own[what])
            for each in promises:
                if each.by == fact:
                    number += found.get(each.meaning, 0)
                    # INVARIANT (nothing is overlooked): what was committed under another meaning may have promised anything.
                    endless = endless or any(each.meaning not in known for known in meanings.values())
        low = engine.Range.exact(number)
        return engine.Range(low.low, None) if endless else low

    def _longest(
        self,
        connection: sa.Connection,
        promises: Sequence[engine.Promise],
        by: Mapping[str, str],
        day: date,
        without: str | None,
    ) -> tuple[str, ...]:
        """The commitments of the exporter that have promises overdue. Those of others are counted and not named: a party may read this."""
        meanings = [each.meaning for each in promises if each.by == EXPORTER]
        if not meanings:
            return ()
        given = {"by": party(self._book, connection, by[EXPORTER]), "day": day.isoformat(), "without": without or ""}
        return tuple(connection.execute(_LONGEST, {**given, "meanings": meanings}).scalars())

    def _rows(self, transaction: sa.Connection, live: Live, exchange: engine.Exchange) -> Iterator[dict[str, Any]]:
        made = [each for promised in live.counting.promises if (each := promised.made(exchange)) is not None]
        for number, each in enumerate(made):
            by, to = (None if id is None else party(self._book, transaction, id) for id in (each.by, each.to))
            named = {"number": number, "name": each.promise.name, "meaning": each.promise.meaning, "promised": each.number}
            yield {**named, "by": by, "to": to, "due": each.due.isoformat(), **_NOT_KEPT}

    def _held(self, connection: sa.Connection, id: str) -> list[dict[str, Any]]:
        columns = [column for column in promise.columns if column.name != "commitment"]
        rows = connection.execute(sa.select(*columns).where(promise.c.commitment == id).order_by(promise.c.number))
        return [dict(row._mapping) for row in rows]

    def _write(self, transaction: sa.Connection, id: str, rows: Sequence[Mapping[str, Any]], at: str) -> None:
        if rows:
            transaction.execute(sa.insert(promise), [{**row, "commitment": id} for row in rows])
        told = [dict(row) for row in rows]
        tree_leaves.append(transaction, LogEvent("promises", at, {"commitment": id}, {"promises": told}))


@dataclass(frozen=True, slots=True)
class Replaced:
    """A commitment that another one replaces, and its exchange."""

    id: str
    exchange: engine.Exchange


_LEAVE_OUT = "the service counts the promises; leave the number out"


def origin(id: str, row: Mapping[str, Any]) -> str:
    """Under what the reports on a promise of a commitment stand."""
    return row["origin"] or f"{id}/{row['name']}"


def _any_disputed(connection: sa.Connection) -> bool:
    """Whether a report on any promise is in dispute."""
    return connection.execute(sa.select(promise.c.disputed).where(promise.c.disputed > 0).limit(1)).first() is not None


def _by_fact(live: Live) -> dict[tuple[str, str], list[engine.Promise]]:
    """The promises by what is counted of them, and by the fact that takes the number."""
    found: dict[tuple[str, str], list[engine.Promise]] = {}
    for each in live.counting.promises:
        found.setdefault((promise_sums.OVERDUE, each.fills), []).append(each)
        if each.disputed:
            found.setdefault((promise_sums.DISPUTED, each.disputed), []).append(each)
    return found


def _wider(kept: engine.Range, told: engine.Range) -> engine.Range:
    """The stricter of the ledger's number and the caller's: no less than either has for certain."""
    low = max(kept.low, told.low)
    high = None if kept.high is None or told.high is None else max(kept.high, told.high)
    return engine.Range(low, high)
