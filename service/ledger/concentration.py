"""
Concentration: how much of what flowed was one party's, by venue, sector or kind of data, among committed exchanges.

The largest supplier's and the largest recipient's share, and the Herfindahl index, come out exactly, as fractions, and rounded beside.
They raise a question for a person and answer none: a ledger is not a relevant market. Exchanges whose party is not known are in no share,
and are told beside.
"""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import sqlalchemy as sa
from pydantic import Field

from service.ledger import exact_sums
from service.ledger.committing import LedgerPart
from service.ledger.flow_sums import NO_PARTY, PRICE, SIDES
from service.ledger.statistics import MOST_CELLS, Question, TooManyCells, in_months, read
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


class _Amounts(NamedTuple):
    """Of one party: its exchanges, and its prices by currency, in the units of service.ledger.exact_sums."""

    exchanges: int
    prices: dict[str, int]


Sides = dict[str, dict[str, _Amounts]]  # the parties of each side


def concentration(connection: sa.Connection, meaning: str, question: Question) -> list[ConcentrationCell]:
    """Every cell, in the order of its words. The question has no month to group by. Raises TooManyCells."""
    cells: dict[tuple[str, ...], Sides] = {}
    for side in SIDES:
        for row in connection.execute(_of_parties(meaning, question, side)):
            key, party, currency = tuple(row[: len(question.by)]), row.party, row.currency
            if key not in cells and len(cells) == MOST_CELLS:
                raise TooManyCells
            here = cells.setdefault(key, {each: {} for each in SIDES})[side]
            before = here.get(party, _Amounts(0, {}))
            units = exact_sums.whole([int(row._mapping[name]) for name in PRICE])
            prices = before.prices | ({currency: before.prices.get(currency, 0) + units} if currency else {})
            here[party] = _Amounts(before.exchanges + int(row.exchanges), prices)
    terms = _exclusive(connection, meaning, question)
    return [_cell(dict(zip(question.by, key, strict=True)), sides, terms[key]) for key, sides in sorted(cells.items())]


def _of_parties(meaning: str, question: Question, side: str) -> sa.Select[Any]:
    """The sums of each party on a side: from the months where one dimension is asked for, from the lines where there are more."""
    if len(question.view) <= 1:
        table: sa.Table = flow_party
        party: sa.ColumnElement[str] = flow_party.c.party
        keys: list[sa.ColumnElement[Any]] = [flow_party.c.value for _ in question.by]
        chosen = [flow_party.c.dimension == ",".join(question.view), flow_party.c.side == side]
        exchanges: sa.ColumnElement[Any] = sa.func.sum(flow_party.c.exchanges)
    else:
        table, party = flow, sa.func.coalesce(flow.c[side], NO_PARTY)
        keys, chosen, exchanges = [flow.c[name] for name in question.by], [flow.c.live.is_(sa.true())], sa.func.count()
    columns = [*keys, party.label("party"), table.c.currency]
    sums = [exchanges.label("exchanges"), *(sa.func.sum(table.c[name]).label(name) for name in PRICE)]
    grouped = sa.select(*columns, *sums).where(table.c.meaning == meaning, in_months(table.c.month, question), *chosen)
    return grouped.group_by(*(sa.literal_column(str(place)) for place in range(1, len(columns) + 1)))


def _cell(of: dict[str, str], sides: Sides, terms: "_Terms") -> ConcentrationCell:
    exchanges = sum(each.exchanges for each in sides["supplier"].values())
    exclusive = Fraction(terms.exclusive, exchanges)
    return ConcentrationCell(
        of=of,
        exchanges=exchanges,
        suppliers=_shares(sides["supplier"]),
        recipients=_shares(sides["recipient"]),
        exclusive=_rounded(exclusive),
        exclusive_exact=str(exclusive),
        exclusive_price=[
            ExclusivePrice(currency=currency, share=_rounded(share), share_exact=str(share))
            for currency, share in sorted(terms.prices.items())
        ],
    )


def _shares(parties: Mapping[str, _Amounts]) -> SideShares:
    known = {party: amounts for party, amounts in parties.items() if party != NO_PARTY}
    currencies = sorted({currency for each in known.values() for currency in each.prices})
    by_price = (_share([each.prices.get(currency, 0) for each in known.values()], currency) for currency in currencies)
    unnamed = parties.get(NO_PARTY)
    return SideShares(
        parties=len(known),
        unnamed=0 if unnamed is None else unnamed.exchanges,
        by_exchanges=_share([each.exchanges for each in known.values()]),
        by_price=[each for each in by_price if each is not None],
    )


def _share(amounts: list[int], currency: str | None = None) -> PartyShare | None:
    """The shares of some amounts; None where one is negative, or all are nothing."""
    total = sum(amounts)
    if total <= 0 or min(amounts) < 0:
        return None
    largest, herfindahl = Fraction(max(amounts), total), Fraction(sum(each * each for each in amounts), total * total)
    return PartyShare(
        currency=currency,
        largest=_rounded(largest),
        largest_exact=str(largest),
        herfindahl=_rounded(herfindahl),
        herfindahl_exact=str(herfindahl),
    )


class _Terms(NamedTuple):
    exclusive: int
    prices: dict[str, Fraction]


def _exclusive(connection: sa.Connection, meaning: str, question: Question) -> dict[tuple[str, ...], _Terms]:
    """How many exchanges of each cell are on exclusive terms, and which share of the prices is, by currency."""
    found: dict[tuple[str, ...], _Terms] = {}
    every, _ = read(connection, meaning, question)
    only = {tuple(each.of.values()): each for each in read(connection, meaning, question, exclusive="yes")[0]}
    for cell in every:
        key = tuple(cell.of.values())
        of_all = {each.currency: Fraction(each.amount) for each in cell.price}
        of_those = {each.currency: Fraction(each.amount) for each in only[key].price} if key in only else {}
        prices = {currency: of_those.get(currency, Fraction(0)) / all for currency, all in of_all.items() if all > 0}
        found[key] = _Terms(cell.exclusive.get("yes", 0), prices)
    return found


def _rounded(share: Fraction) -> str:
    return str((Decimal(share.numerator) / Decimal(share.denominator)).quantize(_PLACES))
