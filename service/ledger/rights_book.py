"""
The rows of the books of rights: what commitments granted, and the page that a decision is made with.

A committed exchange goes in, and becomes a line for each right that it conveys. Later, for an exchange of the same asset, what the lines
say of its exporter comes out as a page. Only the lines that can matter are read: those to the exporter and to whoever granted them in
turn, what these parties granted exclusively, and what the exporter granted. A row names no party and no asset.

INVARIANT (nothing unproven counts as held): where more lines lead to a party than are read here, nothing is known of what it holds.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import partial
from typing import Any

import sqlalchemy as sa

import engine
from service.ledger import hashed_names
from service.ledger.counter_book import Book
from service.log import tree_leaves
from service.log.tree_leaves import LogEvent
from service.policies.live import Live
from service.problems import RequestRefused
from service.store.database import Database
from service.store.moments import moment_text
from service.store.row_seals import GRANTS, changing, check, seal_rows
from service.store.tables import right_line, right_opening

MOST_LINES = 2_000  # in the chains to a party
FEW_LINES = 64  # of an asset: so few are read at once

ANY_NUMBER = 2**63 - 1  # above the number of every record
ALWAYS = moment_text(datetime.max.replace(tzinfo=UTC))
_PERPETUAL = engine.PERPETUAL.isoformat()
_line, _opening = right_line.c, right_opening.c


def _text(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=sa.String)


def _some(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, expanding=True, type_=sa.String)


# The lines of an asset that are not void, of openings and of what was committed before a record, without those of one commitment. What
# was recorded from the moment `known` on is not known.
_KNOWN = sa.and_(_line.book == _text("book"), _line.at < _text("known"))
_STOOD = sa.and_(
    _KNOWN,
    sa.or_(_line.voided_at.is_(None), _line.voided_at >= _text("known")),
    _line.source != _text("without"),
    sa.or_(_line.sequence.is_(None), _line.sequence < sa.bindparam("before", type_=sa.BigInteger)),
)
_ASSET = _line.asset == _text("asset")
_OF_ASSET, _COUNTS = sa.and_(_KNOWN, _ASSET), sa.and_(_STOOD, _ASSET)
STANDS = sa.and_(
    _line.first <= _text("day"),
    sa.or_(_line.until.is_(None), _line.until >= _text("day")),
    sa.or_(_line.ended.is_(None), _line.ended > _text("day")),
)
_OPENED = sa.and_(_opening.book == _text("book"), _opening.asset == _text("asset"), _opening.withdrawn_at.is_(None))
_EVERY = sa.select(right_line).where(_COUNTS).limit(FEW_LINES + 1)
_of_holder = sa.and_(_opening.party == _text("holder"), _opening.complete.is_(sa.true()), _opening.day <= _text("day"))
_OPENINGS = sa.select(sa.func.count(), sa.func.max(sa.case((_of_holder, _opening.id)))).where(_OPENED)
_TO = sa.select(right_line).where(_COUNTS, _line.holder.in_(_some("parties"))).limit(MOST_LINES + 1)
_TO_ANY = sa.select(right_line).where(_OF_ASSET, _line.holder.in_(_some("parties"))).limit(MOST_LINES + 1)


def _granters(lines: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Whoever granted some parties a right in the asset, and whoever granted it to those in turn, to the end of each chain."""
    granted = sa.select(_line.granter.label("party"), _line.asset).where(lines, _line.granter.is_not(None))
    found = granted.where(_ASSET, _line.holder.in_(_some("parties"))).cte("granters", recursive=True)
    # The asset of the line before, not the one asked for: else SQLite reads all lines of the asset at each step.
    found = found.union(granted.where(_line.holder == found.c.party, _line.asset == found.c.asset))
    return sa.select(found.c.party).limit(MOST_LINES + 1)


_GRANTERS, _GRANTERS_ANY = _granters(_STOOD), _granters(_KNOWN)
_EXCLUSIVE = (
    sa.select(right_line)
    .where(_COUNTS, _line.granter.in_(_some("parties")), sa.or_(_line.exclusive.is_(None), _line.exclusive.is_(sa.true())))
    .limit(MOST_LINES + 1)
)
_last = sa.func.coalesce(_line.until, _PERPETUAL)
_ends = sa.and_(_line.ended.is_not(None), _line.ended <= _last)
# Of what the exporter granted to others, for each purpose and place the line that lasts longest.
_longest = (
    sa.select(
        right_line,
        sa.func.row_number()
        .over(
            partition_by=(_line.purposes, _line.territory),
            order_by=(
                sa.case((_ends, _line.ended), else_=_last).desc(),
                sa.case((_ends, 1), else_=0),  # one that has ended does not stand on that day
                _line.sequence,
                _line.source,
                _line.number,
            ),
        )
        .label("place"),
    )
    .where(
        _COUNTS,
        STANDS,
        _line.granter == _text("holder"),
        _line.exclusive.is_(sa.false()),
        sa.or_(_line.holder.is_(None), _line.holder.not_in(_some("besides"))),
    )
    .subquery()
)
_GIVEN = sa.select(_longest).where(_longest.c.place == 1).limit(MOST_LINES + 1)


@dataclass(frozen=True, slots=True)
class EarlierCommitment:
    """
    The commitment of an exchange that is decided again: its id, the number of its record, and its day.

    It is held against what was granted before it, as that stands `on` a day. An end that was recorded after the moment `at` shortens
    nothing before its day.
    """

    id: str
    sequence: int
    day: date
    on: date
    at: str


class TooManyLines(Exception):
    """So many lines lead to a party that they are not read."""


class RightsBook:
    """The books of rights of one database. Its methods take the connection to work on; those that write take a writing transaction."""

    def __init__(self, hashes: Book) -> None:
        self.hashes = hashes

    def silent(self, database: Database, live: Live, document: Mapping[str, Any]) -> bool:
        """
        Whether the books say nothing of an exchange: it states no asset, or nothing was ever written. Otherwise they may.

        Raises sqlalchemy.exc.SQLAlchemyError.
        """
        if not any(engine.fact_at(document, reader.book.of) for reader in live.bundle.reader.books):
            return True
        return not (database.has_rows(right_line) or database.has_rows(right_opening))

    def filled(
        self, connection: sa.Connection, live: Live, exchange: engine.Exchange, day: date, made: EarlierCommitment | None = None
    ) -> engine.Exchange:
        """The exchange with what the books say of it on a day, or at the time of its commitment."""
        if not live.bundle.reader.books:
            return exchange
        return engine.with_books(live.bundle, exchange, self.pages(connection, live, exchange, day, made))

    def pages(
        self,
        connection: sa.Connection,
        live: Live,
        exchange: engine.Exchange,
        day: date,
        made: EarlierCommitment | None = None,
        before: Sequence[engine.Exchange] = (),
    ) -> dict[str, engine.RightsPage]:
        """
        What each book says of the exporter of an exchange and of its asset; nothing of an asset that a book does not have.

        `before` are exchanges of which the books speak as if they were committed: earlier legs of a plan.
        """
        found = {}
        for reader in live.bundle.reader.books:
            page = self._page(connection, reader, exchange, day, made, before)
            if page is not None:
                found[reader.book.name] = page
        return found

    def write(
        self, transaction: sa.Connection, live: Live, exchange: engine.Exchange, id: str, sequence: int, day: date, at: str
    ) -> None:
        """Write what an exchange conveys: `id` is its commitment, `sequence` the number of its record, `at` the moment."""
        rows: list[dict[str, Any]] = []
        for reader in live.bundle.reader.books:
            book = reader.book
            asset = stated_id(exchange, book.of)
            if asset is None:
                continue
            granter, holder = (self._party(transaction, exchange, role) for role in (book.by, book.to))
            hashed = hashed_names.asset(self.hashes, transaction, asset)
            for each in engine.grants(book, exchange.value, day, id, sequence, granter, holder):
                rows.append({"number": len(rows), **line_of(each, book.name, hashed)})
        if not rows:
            return
        shown = {"source": id, "sequence": sequence, "at": at}
        members: dict[str, Any] = {"commitment": id, "sequence": sequence}
        none = dict.fromkeys(column.name for column in right_line.columns)
        made = [{**none, **shown, **row} for row in rows]
        transaction.execute(sa.insert(right_line), made)
        tree_leaves.append(transaction, LogEvent("rights-granted", at, members, {"lines": rows}))
        seal_rows(transaction, {GRANTS.subject(id): [(right_line, [*row.values()]) for row in made]})

    def void(self, transaction: sa.Connection, source: str, at: str) -> None:
        """Make the lines of a commitment or an opening void from the start. What happened is a leaf of its own."""
        with changing(transaction, GRANTS, source):
            transaction.execute(sa.update(right_line).where(_line.source == source).values(voided_at=at))

    def end(self, transaction: sa.Connection, source: str, day: date, at: str) -> None:
        """
        End the lines of a commitment from a day on. What happened is a leaf of its own.

        Raises RequestRefused where there are none, where they ended already, or where the day is none on which they stand.
        """
        rows = transaction.execute(sa.select(right_line).where(_line.source == source)).all()
        if not rows:
            raise RequestRefused("not-endable", "the commitment granted no rights that a book has: there is nothing to end")
        if rows[0].ended is not None:
            raise RequestRefused("not-endable", f"the rights end on {rows[0].ended} already: withdraw or amend what is wrong")
        first = min(row.first for row in rows)
        if day.isoformat() < first:
            raise RequestRefused("not-endable", f"the rights begin on {first}: withdraw the commitment if they never stood")
        last = max(row.until or _PERPETUAL for row in rows)
        if day.isoformat() > last:
            raise RequestRefused("not-endable", f"the last day of the rights is {last} anyhow")
        ended = {"ended": day.isoformat(), "ended_at": at}
        with changing(transaction, GRANTS, source):
            transaction.execute(sa.update(right_line).where(_line.source == source).values(ended))

    def chains(
        self, connection: sa.Connection, asked: Mapping[str, Any], holders: Collection[str], *, void: bool = False
    ) -> list[Any]:
        """
        The rows to some holders of an asset and to whoever granted them in turn, and what these granted exclusively.

        `void`: those that never stood, too. Raises TooManyLines.
        """
        granters = connection.execute(_GRANTERS_ANY if void else _GRANTERS, {**asked, "parties": sorted(holders)}).scalars()
        parties = sorted({*holders, *granters})
        rows: dict[tuple[str, int], Any] = {}
        for query in (_TO_ANY if void else _TO, _EXCLUSIVE) if len(parties) <= MOST_LINES else ():
            found = connection.execute(query, {**asked, "parties": parties})
            rows |= {(row.source, row.number): row for row in found}
        if len(parties) > MOST_LINES or len(rows) > MOST_LINES:
            raise TooManyLines
        return [*rows.values()]

    def assets(self, connection: sa.Connection, live: Live, exchange: engine.Exchange) -> list[str]:
        """The hashes of the assets of an exchange, for which there are books."""
        ids = {stated_id(exchange, reader.book.of) for reader in live.bundle.reader.books}
        return [hashed_names.asset(self.hashes, connection, id) for id in sorted(filter(None, ids))]

    def days(self, connection: sa.Connection, live: Live, exchange: engine.Exchange, made: EarlierCommitment) -> set[date]:
        """The days on which something begins, ends or expires that leads to the exporter of a commitment."""
        found: set[date] = set()
        for reader in live.bundle.reader.books:
            id, holder = stated_id(exchange, reader.book.of), self._party(connection, exchange, reader.book.by)
            if id is None or holder is None:
                continue
            try:
                rows = self.chains(
                    connection, rows_as_of(reader.book.name, hashed_names.asset(self.hashes, connection, id), made), [holder]
                )
            except TooManyLines:
                continue
            for each in grants_of(rows):
                found |= {each.first} | ({each.ended} if each.ended else set())
                if each.until is not None and each.until < engine.PERPETUAL:
                    found.add(each.until + timedelta(days=1))
        return found

    # --- inside ------------------------------------------------------------------------------------------------------

    def _page(
        self,
        connection: sa.Connection,
        reader: engine.BookReader,
        exchange: engine.Exchange,
        day: date,
        made: EarlierCommitment | None,
        before: Sequence[engine.Exchange],
    ) -> engine.RightsPage | None:
        book = reader.book
        id = stated_id(exchange, book.of)
        if id is None:
            return None
        asset = hashed_names.asset(self.hashes, connection, id)
        asked = rows_as_of(book.name, asset, made)
        first, on = (made.day, made.on) if made else (day, day)
        holder, recipient = (self._party(connection, exchange, role) for role in (book.by, book.to))
        asked |= {"holder": holder or "", "day": on.isoformat()}
        openings, complete = connection.execute(_OPENINGS, asked).one()
        every = connection.execute(_EVERY, asked).all()
        of_legs = list(engine.conveyed_lines(book, exchange, before, day, partial(self._name, connection, book.of)))
        if not openings and not every and not of_legs:
            return None
        if holder is None:
            return engine.RightsPage(on=first, known=False)
        if len(every) > FEW_LINES:
            granters = {each.granter for each in of_legs if each.granter is not None}
            try:
                rows = self.chains(connection, asked, {holder, *granters})
            except TooManyLines:
                return engine.RightsPage(on=first, known=False)
            besides = [each for each in (holder, recipient) if each is not None]
            every = [*rows, *connection.execute(_GIVEN, {**asked, "besides": besides})]
        check(connection, GRANTS, sorted({row.source for row in every} | {complete} - {None}))
        page = reader.reckoner.page([*_foreseen(every, made), *of_legs], holder, recipient, on, bool(complete))
        return page if page.on == first else page.model_copy(update={"on": first})

    def _name(self, connection: sa.Connection, asset: str, exchange: engine.Exchange, fact: str) -> str | None:
        """The hash of an asset, in the fact that names it, or of a party; None where nobody knows which it is."""
        id = stated_id(exchange, fact)
        if id is None or fact != asset:
            return self._party(connection, exchange, fact)
        return hashed_names.asset(self.hashes, connection, id)

    def _party(self, connection: sa.Connection, exchange: engine.Exchange, fact: str) -> str | None:
        """The hash of the party in a role; None where nobody knows who it is."""
        id = stated_id(exchange, fact)
        return None if id is None else hashed_names.party(self.hashes, connection, id)


def rows_as_of(book: str, asset: str, made: EarlierCommitment | None = None, known: str = ALWAYS) -> dict[str, Any]:
    """What is asked of an asset: as it was before a commitment, or as it was known before a moment."""
    without, before = (made.id, made.sequence) if made else ("", ANY_NUMBER)
    return {"book": book, "asset": asset, "without": without, "before": before, "known": known}


def stated_id(exchange: engine.Exchange, fact: str) -> str | None:
    """The id of a party or an asset: what the register calls it, otherwise what is stated; None where that is not known."""
    registered = exchange.document.get(engine.REGISTER, {}).get(fact, {}).get("id")
    id = registered or exchange.value(fact)
    return id if isinstance(id, str) else None


def ended_on(connection: sa.Connection, sources: Collection[str]) -> dict[str, date]:
    """The first day on which the lines of some commitments no longer stand, of those that were ended."""
    columns = sa.select(_line.source, _line.ended).where(_line.source.in_(sources), _line.ended.is_not(None))
    return {source: date.fromisoformat(day) for source, day in connection.execute(columns)}


def change_mark(connection: sa.Connection, asset: str) -> str:
    """A text that moves with each line of an asset that is withdrawn or ended, and with each opening; empty before the first."""
    lines = sa.select(sa.func.count(_line.voided_at), sa.func.count(_line.ended)).where(_line.asset == asset)
    openings = sa.select(sa.func.count(), sa.func.count(_opening.withdrawn_at)).where(_opening.asset == asset)
    counts = [*connection.execute(lines).one(), *connection.execute(openings).one()]
    return " ".join(map(str, counts)) if any(counts) else ""


def grants_of(rows: Iterable[Any]) -> Iterable[engine.Grant]:
    """Rows as the engine reads them."""
    for row in rows:
        yield engine.Grant(
            id=row.source,
            right=row.conveyed,
            granter=row.granter,
            holder=row.holder,
            purposes=_set(row.purposes),
            territory=_set(row.territory),
            first=date.fromisoformat(row.first),
            until=None if row.until is None else date.fromisoformat(row.until),
            exclusive=row.exclusive,
            onward=row.onward,
            order=-1 if row.sequence is None else row.sequence,
            opened=row.sequence is None,
            ended=None if row.ended is None else date.fromisoformat(row.ended),
        )


def as_known(rows: Sequence[Any], known: str) -> list[engine.Grant]:
    """Rows as grants, as they were known before a moment; one that never stood has ended on the first of all days."""
    found = []
    for row, grant in zip(rows, grants_of(rows), strict=True):
        if row.voided_at is not None and row.voided_at < known:
            grant = replace(grant, ended=date.min)
        elif row.ended_at is not None and row.ended_at >= known:
            grant = replace(grant, ended=None)
        found.append(grant)
    return found


def known_until(day: date | None, zone: tzinfo) -> str:
    """The moment at which a day is over."""
    if day is None or day == date.max:
        return ALWAYS
    return moment_text(datetime.combine(day + timedelta(days=1), time.min, zone))


def _foreseen(rows: Iterable[Any], made: EarlierCommitment | None) -> Iterable[engine.Grant]:
    """Rows as the engine reads them, without the ends that lie ahead and that nobody knew of when a commitment was made."""
    for row, grant in zip(rows, grants_of(rows), strict=True):
        ahead = made is not None and row.ended is not None and row.ended_at >= made.at and row.ended > made.on.isoformat()
        yield replace(grant, ended=None) if ahead else grant


def line_of(grant: engine.Grant, book: str, asset: str) -> dict[str, Any]:
    """What a row has of a grant."""
    return {
        "book": book,
        "asset": asset,
        "granter": grant.granter,
        "holder": grant.holder,
        "conveyed": grant.right,
        "purposes": _list(grant.purposes),
        "territory": _list(grant.territory),
        "first": grant.first.isoformat(),
        "until": None if grant.until is None else grant.until.isoformat(),
        "exclusive": grant.exclusive,
        "onward": grant.onward,
    }


def opening_grant(grant: engine.Grant) -> engine.Grant:
    """A grant as an opening states it: nobody granted it here."""
    return replace(grant, granter=None, opened=True)


def _set(text: str | None) -> frozenset[str] | None:
    return None if text is None else frozenset(json.loads(text))


def _list(values: frozenset[str] | None) -> str | None:
    return None if values is None else json.dumps(sorted(values), separators=(",", ":"))
