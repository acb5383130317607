"""
Concentration: how much of what flowed was one party's, by venue, sector or kind of data, among committed exchanges.

The largest supplier's and the largest recipient's share, and the Herfindahl index, come out exactly, as fractions, and rounded beside.
They raise a question for a person and answer none: a ledger is not a relevant market. Exchanges whose party is not known are in no share,
and are told beside.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import sqlalchemy as sa
from pydantic import Field

from service.callers.context import Reviewing
from service.ledger import exact_sums
from service.ledger.commitment_list import LedgerPart
from service.ledger.flow_sums import NO_PARTY, PRICE, SIDES
from service.ledger.statistics import FIRST, LAST, FlowCell, StatisticsQuestion, count_left_out, meaning_of, read, whole
from service.store.tables import flow, flow_party

ABOUT = (
    "A question for a person, and no finding: this ledger has the exchanges that were committed here, and a ledger is not a relevant"
    " market. Shares and the Herfindahl index go from 0 to 1."
)
_PLACES = Decimal("0.000001")


class PartyShare(LedgerPart):
    """
    How much the largest party has, and the Herfindahl index: the sum of the squares of all shares, from 0 to 1.

    `exact` members are fractions; the others are these, rounded to six places. By price, `currency` is that of the prices.
    """

    currency: str | None = None
    largest: str
    largest_exact: str
    herfindahl: str
    herfindahl_exact: str


class SideShares(LedgerPart):
    """The parties on one side: how many are known, and how many exchanges have none that is known."""

    parties: int
    unnamed: int
    by_exchanges: PartyShare | None = None
    by_price: list[PartyShare] = Field(
        description="of each currency; one of which the prices do not add up to more than 0 is left out"
    )


class ExclusivePrice(LedgerPart):
    """Which share of the prices in a currency is under exclusive terms."""

    currency: str
    share: str
    share_exact: str


class ConcentrationCell(LedgerPart):
    """The exchanges with the same words. `exclusive` is the share of them that is on exclusive terms; unknown terms are not."""

    of: dict[str, str]
    exchanges: int
    suppliers: SideShares
    recipients: SideShares
    exclusive: str
    exclusive_exact: str
    exclusive_price: list[ExclusivePrice]


class Concentration(LedgerPart):
    """How concentrated exchanges are. `left_out` exchanges are in no cell until they are recounted."""

    about: str
    by: list[str]
    cells: list[ConcentrationCell]
    left_out: int


class _Side(NamedTuple):
    """The parties on one side of a cell: their exchanges, and their prices by currency."""

    unnamed: int
    parties: int
    exchanges: "_Summed"
    prices: dict[str, "_Summed"]


@dataclass(slots=True)
class _Summed:
    """The sum of some parties' amounts, the largest and the smallest of them, and the sum of their squares."""

    total: int = 0
    largest: int = 0
    least: int = 0
    squares: int = 0


Key = tuple[str, ...]  # the words of a cell


def shares_of(context: Reviewing, question: StatisticsQuestion, connection: sa.Connection) -> Concentration:
    """The shares of a question. Raises RequestRefused, TooManyCells."""
    meaning = meaning_of(context.live)
    cells = concentration(connection, meaning, question)
    return Concentration(about=ABOUT, by=list(question.by), cells=cells, left_out=count_left_out(connection, meaning))


def concentration(connection: sa.Connection, meaning: str, question: StatisticsQuestion) -> list[ConcentrationCell]:
    """Every cell, in the order of its words. The question is of whole years and has no month to group by. Raises TooManyCells."""
    cells, _ = read(connection, meaning, question)
    sides = {side: _of_side(connection, meaning, question, side) for side in SIDES}
    return [_cell(cell, *(sides[side][tuple(cell.of.values())] for side in SIDES)) for cell in cells]


def _of_side(connection: sa.Connection, meaning: str, question: StatisticsQuestion, side: str) -> dict[Key, _Side]:
    """The parties of each cell on a side: from the sums of the years by one dimension, from the lines by more."""
    first, last = question.first or FIRST, question.last or LAST
    if len(question.view) <= 1:
        table: sa.Table = flow_party
        party: sa.ColumnElement[str] = flow_party.c.party
        keys: list[sa.ColumnElement[Any]] = [flow_party.c.value for _ in question.by]
        chosen = [flow_party.c.dimension == ",".join(question.view), flow_party.c.side == side]
        chosen.append(flow_party.c.period.between(first[:4], last[:4]))
        exchanges: sa.ColumnElement[Any] = sa.func.sum(flow_party.c.exchanges)
    else:
        table, party = flow, sa.func.coalesce(flow.c[side], NO_PARTY)
        keys, exchanges = [flow.c[name] for name in question.by], sa.func.count()
        chosen = [flow.c.live.is_(sa.true()), flow.c.month.between(first, last)]
    chosen.append(table.c.meaning == meaning)
    found = _by_exchanges(connection, [*keys, party], exchanges, chosen)
    sums = [whole(sa.func.sum(table.c[name])) for name in PRICE]
    of_party = sa.select(*_labelled(keys), table.c.currency, party, *sums).where(
        *chosen, table.c.currency != "", party != NO_PARTY
    )
    for row in connection.execute(of_party.group_by(*_places(len(keys)), table.c.currency, party)):
        amount = exact_sums.whole(row[-3:])
        prices = found[tuple(row[: len(keys)])].prices
        if (sums_of := prices.get(row[-5])) is None:
            sums_of = prices[row[-5]] = _Summed()
        sums_of.total += amount
        sums_of.largest = max(sums_of.largest, amount)
        sums_of.least = min(sums_of.least, amount)
        sums_of.squares += amount * amount
    return found


def _by_exchanges(
    connection: sa.Connection,
    keys: list[sa.ColumnElement[Any]],
    exchanges: sa.ColumnElement[Any],
    chosen: list[sa.ColumnElement[bool]],
) -> dict[Key, _Side]:
    """The exchanges of each cell's parties, added up by the database; the last of the keys is the party."""
    words = _labelled(keys)
    each = sa.select(*words, exchanges.label("n")).where(*chosen).group_by(*_places(len(words))).subquery()
    *cell, party = (each.c[word.name] for word in words)
    named = sa.case((party != NO_PARTY, each.c.n), else_=0)
    sums = [
        sa.func.sum(each.c.n - named), sa.func.sum(sa.case((party != NO_PARTY, 1), else_=0)), sa.func.sum(named), sa.func.max(named),
        sa.func.sum(named * named),
    ]  # fmt: skip
    found = {}
    for row in connection.execute(sa.select(*cell, *map(whole, sums)).group_by(*cell)):
        unnamed, parties, total, largest, squares = row[-5:]
        found[tuple(row[:-5])] = _Side(unnamed, parties, _Summed(total, largest, 0, squares), {})
    return found


def _labelled(columns: list[sa.ColumnElement[Any]]) -> list[sa.Label[Any]]:
    return [each.label(f"word_{number}") for number, each in enumerate(columns)]


def _places(number: int) -> list[sa.ColumnElement[Any]]:
    return [sa.literal_column(str(place + 1)) for place in range(number)]


def _cell(cell: FlowCell, suppliers: _Side, recipients: _Side) -> ConcentrationCell:
    exclusive = Fraction(cell.exclusive.get("yes", 0), cell.exchanges)
    of_those = {each.currency: Fraction(each.amount) for each in cell.exclusive_price}
    prices = {each.currency: Fraction(each.amount) for each in cell.price}
    shares = {currency: of_those.get(currency, Fraction(0)) / price for currency, price in prices.items() if price > 0}
    return ConcentrationCell(
        of=cell.of,
        exchanges=cell.exchanges,
        suppliers=_shares(suppliers),
        recipients=_shares(recipients),
        exclusive=_rounded(exclusive),
        exclusive_exact=str(exclusive),
        exclusive_price=[
            ExclusivePrice(currency=currency, share=_rounded(share), share_exact=str(share))
            for currency, share in shares.items()
        ],
    )


def _shares(side: _Side) -> SideShares:
    by_price = (_share(summed, currency) for currency, summed in sorted(side.prices.items()))
    return SideShares(
        parties=side.parties,
        unnamed=side.unnamed,
        by_exchanges=_share(side.exchanges),
        by_price=[each for each in by_price if each is not None],
    )


def _share(summed: _Summed, currency: str | None = None) -> PartyShare | None:
    """The shares of some amounts; None where one is negative, or all are nothing."""
    if summed.total <= 0 or summed.least < 0:
        return None
    largest, herfindahl = Fraction(summed.largest, summed.total), Fraction(summed.squares, summed.total * summed.total)
    return PartyShare(
        currency=currency,
        largest=_rounded(largest),
        largest_exact=str(largest),
        herfindahl=_rounded(herfindahl),
        herfindahl_exact=str(herfindahl),
    )


def _rounded(share: Fraction) -> str:
    return str((Decimal(share.numerator) / Decimal(share.denominator)).quantize(_PLACES))
