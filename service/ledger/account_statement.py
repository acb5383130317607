"""
The statement of the accounts of data assets: entries go in, their roll-forward of a period comes out, for one asset or for all.

A period that an entity has closed stays as it was known then: what was posted later moves on the first day after it. Without an entity the
accounts of all are added up, by class and currency. The method is that of service.ledger.roll_forward.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from decimal import Decimal
from itertools import chain, groupby
from typing import Any

import sqlalchemy as sa
from pydantic import Field

from service.callers.context import ReadingAll
from service.ledger.asset_entries import (
    OF_AN_ASSET,
    ClosedUntil,
    EntryPart,
    amount_text,
    asset_hash,
    closed_periods,
    digits_of,
    entity_hash,
    entry_of,
    known_rows,
    part_of,
)
from service.ledger.commitment_list import LedgerPart
from service.ledger.roll_forward import (
    AccountEntry,
    AccountMovement,
    ClassRow,
    ClosedPeriod,
    Treatment,
    corrected,
    movements,
    roll_forward,
    standing_entries,
    untested_years,
)
from service.store.tables import asset_entry

MARK = "from-memory"
NOTE = (
    "The columns follow the disclosures of Caikuai [2023] 11 from memory: compare them with the published tables before you file them. "
    "An appraised value is in no amount."
)


BLOCKS = {  # the amounts of a class, as a page has them
    "carried": (
        "opening", "bought", "self_developed", "other", "transferred", "recovered", "amortised", "impaired", "disposed", "closing",
    ),
    "accumulated": (
        "cost_opening", "cost_closing", "amortisation_opening", "amortisation_closing", "impairment_opening", "impairment_closing",
    ),
    "beside": ("research", "proceeds", "gain"),
}  # fmt: skip
_AMOUNTS = tuple(chain.from_iterable(BLOCKS.values()))
COLUMNS = ("treatment", "recognised", "currency", *_AMOUNTS)  # of the table
_OF_ALL = sa.select(asset_entry).order_by(asset_entry.c.asset, asset_entry.c.number)


class ClassPart(LedgerPart):
    """
    The roll-forward of one class in one currency: decimal amounts with the digits of the currency.

    opening + bought + self_developed + other + transferred + recovered - amortised - impaired - disposed = closing. Of both ends the cost
    less what was amortised and impaired of it is what is carried.
    """

    treatment: Treatment = Field(description="the class")
    recognised: bool = Field(description="whether the class is in the accounts")
    currency: str
    opening: str
    bought: str
    self_developed: str
    other: str
    transferred: str
    recovered: str = Field(description="impairments and write-downs that were recovered")
    amortised: str
    impaired: str
    disposed: str = Field(description="what was carried of what went; of inventory that was sold, the cost of sales")
    closing: str
    cost_opening: str = Field(description="the cost before the period")
    cost_closing: str = Field(description="the cost at its end")
    amortisation_opening: str = Field(description="what was amortised in all before the period")
    amortisation_closing: str = Field(description="the same at its end")
    impairment_opening: str = Field(description="what was impaired in all before the period")
    impairment_closing: str = Field(description="the same at its end")
    research: str = Field(description="research expense, which is carried nowhere")
    proceeds: str = Field(description="what disposals brought")
    gain: str = Field(description="the proceeds less what was carried; below nought a loss")


class AppraisedPart(LedgerPart):
    """The newest appraised value. It stands beside the accounts and is in none of their amounts."""

    entry: str
    on: date
    amount: str
    currency: str


class RollForward(LedgerPart):
    """The roll-forward of a period, both days included. `mark` says how sure we are of the columns, `note` why."""

    first: date = Field(alias="from", serialization_alias="from")
    until: date
    known: date | None = Field(default=None, description="only entries that were posted up to this day count")
    entity: str | None = Field(default=None, description="the legal entity whose accounts these are; null for all")
    closed: date | None = Field(default=None, description="the last day that this entity has closed")
    classes: list[ClassPart]
    mark: str
    note: str


class AssetAccounts(RollForward):
    """The accounts of one asset: the roll-forward, the appraised value beside it, and every entry."""

    asset: str
    appraised: AppraisedPart | None = None
    untested: list[int] = Field(
        default=[], description="years that are over in which an indefinite life was not tested for impairment"
    )
    entries: list[EntryPart]


@dataclass(frozen=True, slots=True)
class AccountPeriod:
    """
    The first and the last day of a roll-forward, and the day up to which entries are `known`; None for those of now. `entity` is the id of
    whose accounts are asked for, None for all.
    """

    first: date
    until: date
    known: date | None = None
    entity: str | None = None


def of_asset(context: ReadingAll, asset: str, period: AccountPeriod, connection: sa.Connection) -> AssetAccounts:
    """The accounts of an asset in a period. Raises RequestRefused."""
    zone = context.settings.tzinfo
    rows = connection.execute(OF_AN_ASSET, {"asset": asset_hash(connection, asset)}).all()
    rows = known_rows(rows, period.known, zone)
    entries = [*map(entry_of, rows)]
    reversals = {each.of: each.id for each in rows if each.kind == "reversed"}
    appraised = [each for each in standing_entries(entries) if each.kind == "appraised" and each.on <= period.until]
    newest = max(reversed(appraised), key=lambda each: each.on, default=None)
    closed = closed_periods(connection, zone, period.known)
    return AssetAccounts(
        asset=asset,
        **_of_period(connection, period, _moved(rows, closed, period.until), closed),
        appraised=None if newest is None else _appraised(newest),
        untested=untested_years(entries, period.until),
        entries=[part_of(row, reversals) for row in rows],
    )


def of_all(context: ReadingAll, period: AccountPeriod, connection: sa.Connection) -> RollForward:
    """The roll-forward of all assets in a period, by class and currency."""
    return roll_accounts(period, context.settings.tzinfo, connection)


def roll_accounts(period: AccountPeriod, zone: tzinfo, connection: sa.Connection) -> RollForward:
    """The same for work that no caller asks for; a day is one of the zone."""
    closed = closed_periods(connection, zone, period.known)

    def moved() -> Iterator[AccountMovement]:
        rows = connection.execute(_OF_ALL.execution_options(yield_per=1_000))
        for _, own in groupby(rows, key=lambda row: row.asset):
            yield from _moved(known_rows(list(own), period.known, zone), closed, period.until)

    return RollForward(**_of_period(connection, period, moved(), closed))


def _of_period(
    connection: sa.Connection,
    period: AccountPeriod,
    moved: Iterable[AccountMovement],
    closed: Mapping[str, Sequence[ClosedUntil]],
) -> dict[str, Any]:
    """The members of a roll-forward: of one entity, if the period names one."""
    told: dict[str, Any] = {"from": period.first, "until": period.until, "known": period.known, "mark": MARK, "note": NOTE}
    if period.entity is not None:
        entity = entity_hash(connection, period.entity)
        moved = (each for each in moved if each.entity == entity)
        last = closed.get(str(entity), ())
        told |= {"entity": period.entity, "closed": last[-1].until if last else None}
    return {**told, "classes": _classes(roll_forward(moved, period.first))}


def _moved(rows: Sequence[Any], closed: Mapping[str, Sequence[ClosedUntil]], until: date) -> list[AccountMovement]:
    """What moved in the accounts of one asset, with the periods that its entities have closed as they were known."""
    moved = [*movements([*map(entry_of, rows)], until)]
    entities = {each.entity for each in rows if each.entity is not None} & closed.keys()
    found = [each for each in moved if each.entity not in entities]
    for entity in sorted(entities):
        found += _of_entity(rows, entity, closed[entity], until)
    return [each for each in found if each.on <= until]


def _of_entity(rows: Sequence[Any], entity: str, closed: Sequence[ClosedUntil], until: date) -> list[AccountMovement]:
    moved = [each for each in movements([*map(entry_of, rows)], until) if each.entity == entity]
    for number, each in enumerate(closed):
        then = [row for row in rows if row.at <= each.at]
        moved = corrected(moved, ClosedPeriod(each.until, _of_entity(then, entity, closed[:number], each.until)))
    return moved


def cells(each: ClassPart) -> tuple[Any, ...]:
    """The cells of a row of the table whose header is COLUMNS: three words, then amounts."""
    head = (each.treatment, "yes" if each.recognised else "no", each.currency)
    return (*head, *(Decimal(getattr(each, name)) for name in _AMOUNTS))


def _classes(rows: list[ClassRow]) -> list[ClassPart]:
    return [
        ClassPart(
            treatment=row.treatment,
            recognised=row.treatment != "not-recognised",
            currency=row.currency,
            **{name: amount_text(getattr(row, name), digits_of(row.currency)) for name in _AMOUNTS},
        )
        for row in rows
    ]


def _appraised(entry: AccountEntry) -> AppraisedPart:
    assert entry.units is not None
    assert entry.currency is not None
    return AppraisedPart(
        entry=entry.id, on=entry.on, amount=amount_text(entry.units, digits_of(entry.currency)), currency=entry.currency
    )
