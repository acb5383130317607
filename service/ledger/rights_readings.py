"""
Reading the books of rights: who may do what with an asset on a day, and what a party has and has granted.

A day goes in, and lines come out: each with its parties, how far it reaches for certain, by which chain, and which lines are missing from
a chain that proves nothing. A line is proven, not proven or unknown by the lines that lead to it, whatever list it is in. `on` is the day
on which they stand, `known` the day up to whose end the book is read: what was recorded later counts for nothing. The names of parties and
assets are those in the records and openings; a name that was erased is null.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import Field

import engine
from service.callers.context import Reading
from service.ledger import hashed_names, party_view
from service.ledger.commitment_list import LedgerPart
from service.ledger.counter_book import Book
from service.ledger.rights_book import RightsBook, TooManyLines, as_known, known_until, rows_as_of
from service.ledger.rights_openings import ONWARD, PURPOSES, TERRITORY
from service.log import tree_leaves
from service.log.leaf import with_personal_values
from service.log.store import of_numbers
from service.policies.live import Live
from service.store.tables import right_line, right_opening

LineState = Literal["stands", "not-begun", "over", "ended", "withdrawn"]
Until = date | Literal["perpetual"] | None
_line = right_line.c


class RightsReachPart(LedgerPart):
    """
    How far a line reaches: `sure`, if the lines of the `chain` prove it, up to an opening. What is null is not known.
    """

    purposes: list[str] | None = Field(description=PURPOSES)
    territory: list[str] | None = Field(description=TERRITORY)
    until: Until = Field(description="the last day, or `perpetual`; null if not known")
    onward: bool | None = Field(description=ONWARD)
    sure: bool = Field(description="whether the lines of the chain prove it")
    chain: list[str] = Field(description="the ids of the commitments and of the opening behind it, the nearest first")
    exclusive_to_others: list[str] = Field(description="earlier exclusive grants to others that bind whoever takes from it")


class RightsLinePart(LedgerPart):
    """
    A right that somebody has or had: granted by a commitment, or opened.

    `since` is the first day, `until` the last one as it was granted, `ended` the first day on which it no longer stood.
    """

    by: str = Field(description="the id of the commitment or the opening")
    kind: Literal["grant", "opening"] = Field(description="whether a commitment granted it, or an opening states it")
    asset: str | None = Field(description="the asset; null if its name is erased")
    right: str = Field(description="the right")
    granter: str | None = Field(description="who granted it; null of an opening, or if the name is erased or not known")
    holder: str | None = Field(description="who has it; null if the name is erased or not known")
    purposes: list[str] | None = Field(description=PURPOSES)
    territory: list[str] | None = Field(description=TERRITORY)
    since: date = Field(description="the first day")
    until: Until = Field(description="the last day as it was granted, or `perpetual`; null if not known")
    exclusive: bool | None = Field(description="whether it excludes others; null if not known")
    onward: bool | None = Field(description=ONWARD)
    state: LineState = Field(description="how it is on the day; `withdrawn` never stood")
    ended: date | None = Field(description="the first day on which it no longer stood; null where it was not ended")
    recorded_at: datetime = Field(description="when it was recorded")
    proven: bool | None = Field(
        description="whether all of it is sure on the day; null, for unknown, where too many lines lead to it"
    )
    reaches: list[RightsReachPart] = Field(description="how far it reaches, part by part; none where it does not stand")
    missing: list[str] = Field(description="the ids of lines that would prove the rest and do not stand on the day")


class RightsPart(LedgerPart):
    """A page of lines: those that stand `on` a day, or all, as the book was at the end of the day `known`, null for now."""

    on: date = Field(description="the day on which they stand")
    known: date | None = Field(description="the day at whose end the book was so; null for now")
    lines: list[RightsLinePart] = Field(description="the lines")
    next: str | None = Field(default=None, description="the cursor of the next page; null on the last")


@dataclass(frozen=True, slots=True)
class RightsQuery:
    """
    What is asked: the lines of an asset, of a party (what it has and what it granted), or of both; or those of a commitment, `source`.

    `history`: those that do not stand on the day, too. `after` is the place of the last line of the page before.
    """

    on: date
    asset: str | None = None
    party: str | None = None
    source: str | None = None
    known: date | None = None
    history: bool = False
    after: tuple[str, str, int] | None = None
    limit: int = 100


Place = tuple[str, str, int]
_HASHES = Book()


def page(context: Reading, asked: RightsQuery, connection: sa.Connection) -> tuple[list[RightsLinePart], Place | None]:
    """
    Lines in the order in which they were made, for each asset; and the place to go on after, None at the end.

    A caller who belongs to a party gets what this party has, and what it granted. Raises RequestRefused.
    """
    asked = replace(asked, party=party_view.of_exporter(asked.party, context.caller))
    known = known_until(asked.known, context.settings.tzinfo)
    rows = _rows(connection, asked, known)
    more, rows = len(rows) > asked.limit, rows[: asked.limit]
    names = _names(connection, context.live, rows)
    parts: dict[Place, RightsLinePart] = {}
    by_asset: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        by_asset.setdefault((row.book, row.asset), []).append(row)
    for (book, asset), some in by_asset.items():
        for row, part in _parts(connection, context.live, book, asset, some, asked.on, known, names):
            parts[row.asset, row.source, row.number] = part
    found = [parts[row.asset, row.source, row.number] for row in rows]
    return found, (rows[-1].asset, rows[-1].source, rows[-1].number) if more else None


def _rows(connection: sa.Connection, asked: RightsQuery, known: str) -> list[Any]:
    """The rows that are asked for, one more than the page has."""
    place = (_line.asset, _line.source, _line.number)
    chosen = sa.select(right_line).where(_line.at < known).order_by(*place).limit(asked.limit + 1)
    if asked.asset is not None:
        chosen = chosen.where(_line.asset == hashed_names.asset(_HASHES, connection, asked.asset))
    if asked.source is not None:
        chosen = chosen.where(_line.source == asked.source)
    if asked.after is not None:
        chosen = chosen.where(sa.tuple_(*place) > sa.tuple_(*map(sa.literal, asked.after)))
    if not asked.history:
        day = asked.on.isoformat()
        chosen = chosen.where(
            sa.or_(_line.voided_at.is_(None), _line.voided_at >= known),
            _line.first <= day,
            sa.or_(_line.until.is_(None), _line.until >= day),
            sa.or_(_line.ended.is_(None), _line.ended > day, _line.ended_at >= known),
        )
    if asked.party is None:
        return [*connection.execute(chosen)]
    party = hashed_names.party(_HASHES, connection, asked.party)
    rows = {
        (row.asset, row.source, row.number): row
        for role in (_line.holder, _line.granter)
        for row in connection.execute(chosen.where(role == party))
    }
    return [rows[key] for key in sorted(rows)][: asked.limit + 1]


def _parts(
    connection: sa.Connection,
    live: Live,
    book: str,
    asset: str,
    rows: Sequence[Any],
    on: date,
    known: str,
    names: Mapping[str, Mapping[str, str | None]],
) -> Iterable[tuple[Any, RightsLinePart]]:
    """The lines of one asset."""
    reader = next((each for each in live.bundle.reader.books if each.book.name == book), None)
    by_row = {} if reader is None else _proofs(connection, reader, rows_as_of(book, asset, known=known), rows, on)
    for row in rows:
        (grant,) = as_known([row], known)
        proofs = by_row.get((row.source, row.number))
        scopes = proofs.scopes(row) if proofs else []
        yield (
            row,
            RightsLinePart(
                by=row.source,
                kind="opening" if grant.opened else "grant",
                right=row.conveyed,
                **names[row.source],
                purposes=_list(grant.purposes),
                territory=_list(grant.territory),
                since=grant.first,
                until=_until(grant.until),
                exclusive=row.exclusive,
                onward=row.onward,
                state=_state(grant, on),
                ended=None if grant.ended == date.min else grant.ended,
                recorded_at=datetime.fromisoformat(row.at),
                proven=proofs.proven(row) if proofs else None,
                reaches=[_reach(each) for each in scopes],
                missing=proofs.missing(row) if proofs and grant.stands(on) else [],
            ),
        )


def _proofs(
    connection: sa.Connection, reader: engine.BookReader, asked: Mapping[str, Any], rows: Sequence[Any], on: date
) -> dict[tuple[str, int], "_Proofs"]:
    """
    How far the lines of an asset are proven, by their places. Those are left out to whose granter more lines lead than are read.

    What leads to one granter is a part of what leads to several: so each line reads the same, however many are read with it.
    """
    granters = sorted({row.granter for row in rows if row.granter is not None})
    try:
        chain = RightsBook(_HASHES).chains(connection, asked, granters, void=True) if granters else []
    except TooManyLines:
        if len(granters) == 1:
            return {}
        halves = granters[: len(granters) // 2], granters[len(granters) // 2 :]
        some = [[row for row in rows if row.granter in half] for half in halves]
        some.append([row for row in rows if row.granter is None])
        return {place: found for part in some for place, found in _proofs(connection, reader, asked, part, on).items()}
    every = {(row.source, row.number): row for row in (*chain, *rows)}
    proofs = _Proofs(reader, [*every.values()], on, asked["known"])
    return {(row.source, row.number): proofs for row in rows}


def _names(connection: sa.Connection, live: Live, rows: Sequence[Any]) -> dict[str, dict[str, str | None]]:
    """The names of the asset and of the parties of each commitment and opening; null where they are erased or not known."""
    books = {reader.book.name: reader.book for reader in live.bundle.reader.books}
    committed = {row.sequence: row for row in rows if row.sequence is not None}
    nothing: dict[str, str | None] = {"asset": None, "granter": None, "holder": None}
    found = {row.source: dict(nothing) for row in rows}
    for stored in of_numbers(connection, sorted(committed)):
        row = committed[stored.sequence]
        request, book = with_personal_values(stored.entry.leaf, stored.entry.openings)["request"], books.get(row.book)
        if book is not None:
            roles = {"asset": book.of, "granter": book.by, "holder": book.to}
            found[row.source] = {role: _name(request, fact) for role, fact in roles.items()}
    opened = sorted({row.source for row in rows if row.sequence is None})
    leaves = {
        row.id: row.leaf
        for row in connection.execute(sa.select(right_opening.c.id, right_opening.c.leaf).where(right_opening.c.id.in_(opened)))
    }
    hidden = tree_leaves.opened(connection, [*leaves.values()])
    for id, leaf in leaves.items():
        beside = hidden.get(leaf, {})
        found[id] = {"asset": beside.get("asset"), "granter": None, "holder": beside.get("party")}
    return found


class _Proofs:
    """How far the lines of an asset reach on a day, by the lines that lead to them. `rows` have also those that never stood."""

    def __init__(self, reader: engine.BookReader, rows: Sequence[Any], on: date, known: str) -> None:
        self._on, self._reckoner = on, reader.reckoner
        self._grants = as_known(rows, known)
        held = reader.reckoner.held([each for each in self._grants if each.ended != date.min], on)
        self._scopes = {line: scopes for some in held.values() for line, scopes in some}
        self._to: dict[str | None, list[engine.Grant]] = {}
        for each in self._grants:
            self._to.setdefault(each.holder, []).append(each)
        self._of = {(row.source, row.number): each for row, each in zip(rows, self._grants, strict=True)}
        self._sure: dict[engine.Grant, bool] = {}

    def scopes(self, row: Any) -> Sequence[engine.RightScope]:
        """What a line gives; nothing where it does not stand."""
        grant = self._of.get((row.source, row.number))
        return self._scopes.get(grant, ()) if grant is not None else ()

    def proven(self, row: Any) -> bool:
        """Whether all that a line gives is proven on the day."""
        grant = self._of.get((row.source, row.number))
        return grant is not None and self._proven(grant)

    def _proven(self, grant: engine.Grant) -> bool:
        if grant not in self._sure:
            sure = [scope for scope in self._scopes.get(grant, ()) if scope.sure]
            self._sure[grant] = self._reckoner.proven(replace(grant, until=self._on), sure)
        return self._sure[grant]

    def missing(self, row: Any) -> list[str]:
        """The lines that would prove a line on the day and do not stand, the nearest first; none where it is proven."""
        seen: dict[str, None] = {}
        grant = self._of.get((row.source, row.number))
        todo = deque([] if grant is None or self._proven(grant) else [grant])
        looked = set()
        while todo:
            grant = todo.popleft()
            for each in self._to.get(grant.granter, ()) if grant.granter is not None else ():
                before = each.opened or (each.order < grant.order and each.first <= grant.first)
                if each.right != grant.right or not before or each in looked:
                    continue
                looked.add(each)
                if not each.stands(self._on):
                    seen[each.id] = None
                elif not self._proven(each):
                    todo.append(each)
        return [*seen]


def _state(grant: engine.Grant, on: date) -> LineState:
    if grant.ended == date.min:
        return "withdrawn"
    if grant.ended is not None and grant.ended <= on:
        return "ended"
    if grant.first > on:
        return "not-begun"
    return "stands" if grant.stands(on) else "over"


def _reach(scope: engine.RightScope) -> RightsReachPart:
    return RightsReachPart(
        purposes=_list(scope.purposes),
        territory=_list(scope.territory),
        until=_until(scope.until),
        onward=scope.onward,
        sure=scope.sure,
        chain=[*scope.by],
        exclusive_to_others=[*scope.bound],
    )


def _until(day: date | None) -> Until:
    return "perpetual" if day == engine.PERPETUAL else day


def _list(values: Iterable[str] | None) -> list[str] | None:
    return None if values is None else sorted(values)


def _name(request: Mapping[str, Any], fact: str) -> str | None:
    """What a record calls a party or an asset: as the register does, otherwise as it was stated; None where it is erased."""
    value: Any = (request.get(engine.REGISTER) or {}).get(fact, {}).get("id")
    if value is None:
        value = engine.fact_at(request, fact)
    return value if isinstance(value, str) and value != "unknown" else None
