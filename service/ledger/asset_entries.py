"""
The entries of the accounts of data assets: posted by a person with a day and evidence, reversed, and never deleted.

An entry comes in for an asset of the register; a row and a leaf come out. Entries are read back for one asset or for all. A row holds a
keyed hash of the asset's id (service.ledger.hashed_names). What the entries add up to is in service.ledger.roll_forward.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from pydantic import Field
from uuid_utils import uuid7

import engine
from service.callers.context import Administering, ReadingAll
from service.callers.sending import Reason, Sending
from service.ledger import hashed_names
from service.ledger.commitment_list import LedgerPart
from service.ledger.counter_book import Book
from service.ledger.roll_forward import (
    COSTS,
    MOST_MONTHS,
    OF_A_LINE,
    AccountEntry,
    AccountMovement,
    ClassRow,
    EntryKind,
    Treatment,
    WrongEntry,
    movements,
    roll_forward,
    standing_entries,
)
from service.limits import ASSET_ENTRIES
from service.log import tree_leaves
from service.log.tree_leaves import LogEvent
from service.problems import RequestRefused
from service.register import entity_versions
from service.register.entity import ASSET
from service.settings import time_zone
from service.store.moments import moment_text
from service.store.tables import asset_entry

MOST_AMOUNT = 15  # digits before the point
MARK = "from-memory"
NOTE = (
    "The columns follow the disclosures of Caikuai [2023] 11 from memory: compare them with the published tables before you file them. "
    "An appraised value is in no amount."
)

_AMOUNTS = ("opening", "bought", "self_developed", "other", "transferred", "amortised", "impaired", "disposed", "closing")
COLUMNS = ("treatment", "recognised", "currency", *_AMOUNTS)  # of the table
_BOOK = Book()
_OF_AN_ASSET = sa.select(asset_entry).where(asset_entry.c.asset == sa.bindparam("asset")).order_by(asset_entry.c.number)
_OF_ALL = sa.select(asset_entry).order_by(asset_entry.c.asset, asset_entry.c.number)


class EntryPart(LedgerPart):
    """An entry of the accounts of an asset. `reversed_by` is the entry that reversed it: then it counts for nothing."""

    id: str
    kind: EntryKind
    on: date
    amount: str | None = None
    currency: str | None = None
    treatment: Treatment | None = None
    months: int | None = None
    of: str | None = None
    evidence: str | None = None
    reason: str | None = None
    at: datetime
    by: str
    reversed_by: str | None = None


class ClassPart(LedgerPart):
    """
    The roll-forward of one class in one currency: decimal amounts with the digits of the currency.

    opening + bought + self_developed + other + transferred - amortised - impaired - disposed = closing.
    """

    treatment: Treatment = Field(description="the class")
    recognised: bool = Field(description="whether the class is in the accounts")
    currency: str
    opening: str
    bought: str
    self_developed: str
    other: str
    transferred: str
    amortised: str
    impaired: str
    disposed: str
    closing: str


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
    classes: list[ClassPart]
    mark: str
    note: str


class AssetAccounts(RollForward):
    """The accounts of one asset: the roll-forward, the appraised value beside it, and every entry."""

    asset: str
    appraised: AppraisedPart | None = None
    entries: list[EntryPart]


class EntrySent(Sending):
    kind: EntryKind = Field(description="what the entry is")
    on: date = Field(strict=False, description="the day of the entry")
    amount: str | None = Field(
        default=None,
        pattern=rf"^\d{{1,{MOST_AMOUNT}}}(\.\d{{1,4}})?$",
        description="a decimal amount above zero; of a cost, an impairment and an appraised value",
        examples=["36000.00"],
    )
    currency: str | None = Field(default=None, pattern="^[A-Z]{3}$", description="the code of the currency (ISO 4217)")
    treatment: Treatment | None = Field(default=None, description="the class; of a cost and a transfer")
    months: int | None = Field(
        default=None, ge=1, le=MOST_MONTHS, description="the useful life in months; of an intangible asset"
    )
    of: str | None = Field(
        default=None, pattern="^[!-~]{1,64}$", description="the id of the entry that is impaired, ended, changed or reversed"
    )
    evidence: str | None = Field(
        default=None, pattern="^[!-~]{1,256}$", description="the hash of the document behind it", examples=["sha256:9f86d081"]
    )
    reason: Reason | None = Field(default=None, description="why, or where the amount comes from")


@dataclass(frozen=True, slots=True)
class AccountPeriod:
    """The first and the last day of a roll-forward, and the day up to which entries are `known`; None for those of now."""

    first: date
    until: date
    known: date | None = None


def post(context: Administering, asset: str, sent: EntrySent, transaction: sa.Connection) -> EntryPart:
    """Post an entry for an asset of the register. Raises RequestRefused."""
    hashed = _hashed(transaction, asset)
    if sent.on > context.today:
        raise RequestRefused("bad-request", "an entry is of a day that has come")
    rows = transaction.execute(_OF_AN_ASSET, {"asset": hashed}).all()
    if len(rows) >= ASSET_ENTRIES:
        raise RequestRefused("bad-request", f"an asset has at most {ASSET_ENTRIES:,} entries")
    digits = _digits(sent.currency)
    units = None if sent.amount is None else _units(sent.amount, digits)
    posted = AccountEntry(str(uuid7()), sent.kind, sent.on, units, sent.currency, sent.treatment, sent.months, sent.of)
    try:
        _fits(posted)
        for _ in movements([*map(_entry, rows), posted], context.today):
            pass  # each line is followed to its end, so that what cannot be is found
    except WrongEntry as wrong:
        raise RequestRefused("bad-request", str(wrong)) from None
    at, by = moment_text(context.now), context.caller.id
    line = {
        "day": posted.on.isoformat(), "amount": None if units is None else _text(units, digits), "currency": posted.currency,
        "treatment": posted.treatment, "months": posted.months, "evidence": sent.evidence,
    }  # fmt: skip
    shown = {"id": posted.id, "number": len(rows), "entry": posted.kind, "of": posted.of}
    hidden = {"asset": hashed, "line": line, "by": by, "reason": sent.reason}
    tree_leaves.append(transaction, LogEvent("asset-entry", at, shown, hidden))
    row = {
        "id": posted.id, "asset": hashed, "number": len(rows), "kind": posted.kind, "of": posted.of, **line,
        "at": at, "by": by, "reason": sent.reason,
    }  # fmt: skip
    transaction.execute(sa.insert(asset_entry).values(row))
    (made,) = [each for each in transaction.execute(_OF_AN_ASSET, {"asset": hashed}) if each.id == posted.id]
    return _part(made, {})


def of_asset(context: ReadingAll, asset: str, period: AccountPeriod, connection: sa.Connection) -> AssetAccounts:
    """The accounts of an asset in a period. Raises RequestRefused."""
    rows = connection.execute(_OF_AN_ASSET, {"asset": _hashed(connection, asset)}).all()
    rows = _known(rows, period.known, time_zone(context.settings.zone))
    entries = [*map(_entry, rows)]
    reversals = {each.of: each.id for each in rows if each.kind == "reversed"}
    appraised = [each for each in standing_entries(entries) if each.kind == "appraised" and each.on <= period.until]
    newest = max(reversed(appraised), key=lambda each: each.on, default=None)
    return AssetAccounts(
        asset=asset,
        **_of_period(period, movements(entries, period.until)),
        appraised=None if newest is None else _appraised(newest),
        entries=[_part(row, reversals) for row in rows],
    )


def of_all(context: ReadingAll, period: AccountPeriod, connection: sa.Connection) -> RollForward:
    """The roll-forward of all assets in a period, by class and currency."""
    return roll_accounts(period, time_zone(context.settings.zone), connection)


def roll_accounts(period: AccountPeriod, zone: tzinfo, connection: sa.Connection) -> RollForward:
    """The same for work that no caller asks for; a day is one of the zone."""

    def moved() -> Iterator[AccountMovement]:
        rows = connection.execute(_OF_ALL.execution_options(yield_per=1_000))
        for _, own in groupby(rows, key=lambda row: row.asset):
            yield from movements([*map(_entry, _known(list(own), period.known, zone))], period.until)

    return RollForward(**_of_period(period, moved()))


def _of_period(period: AccountPeriod, moved: Iterable[AccountMovement]) -> dict[str, Any]:
    """The members of a roll-forward."""
    classes = _classes(roll_forward(moved, period.first))
    return {"from": period.first, "until": period.until, "known": period.known, "classes": classes, "mark": MARK, "note": NOTE}


def _hashed(connection: sa.Connection, asset: str) -> str:
    """The hash of the id of an asset of the register, by any of its names. Raises RequestRefused."""
    version = entity_versions.newest(connection, ASSET, asset)
    if version is None:
        raise RequestRefused("not-found", "the register has no asset with this id")
    return hashed_names.asset(_BOOK, connection, version.id)


def cells(each: ClassPart) -> tuple[Any, ...]:
    """The cells of a row of the table whose header is COLUMNS: three words, then amounts."""
    head = (each.treatment, "yes" if each.recognised else "no", each.currency)
    return (*head, *(Decimal(getattr(each, name)) for name in _AMOUNTS))


def _known(rows: Sequence[Any], known: date | None, zone: tzinfo) -> Sequence[Any]:
    """The rows that were posted up to a day."""
    if known is None:
        return rows
    end = datetime.combine(known + timedelta(days=1), time.min, zone).astimezone(UTC)
    return [row for row in rows if row.at < moment_text(end)]


def _fits(entry: AccountEntry) -> None:
    """Raises WrongEntry where an entry has members that its kind has not, or lacks one."""
    kind = entry.kind
    wanted = {
        "amount": kind in COSTS or kind in ("impaired", "appraised"),
        "treatment": kind in COSTS or kind == "transferred",
        "of": kind in OF_A_LINE or kind == "reversed",
        "months": kind == "useful-life",
    }
    given = {"amount": entry.units, "treatment": entry.treatment, "of": entry.of, "months": entry.months}
    for name, needed in wanted.items():
        if needed and given[name] is None:
            raise WrongEntry(f"an entry of the kind `{kind}` has `{name}`")
        if not needed and given[name] is not None and name != "months":
            raise WrongEntry(f"an entry of the kind `{kind}` has no `{name}`")
    if (entry.units is None) != (entry.currency is None):
        raise WrongEntry("an amount has a currency")
    if entry.months is not None and kind != "useful-life" and entry.treatment != "intangible":
        raise WrongEntry("only an intangible asset has a useful life")
    if kind == "transferred" and entry.treatment not in ("intangible", "inventory"):
        raise WrongEntry("development expenditure becomes an intangible asset or inventory")


def _digits(currency: str | None) -> int:
    """The digits after the point of a currency. Raises RequestRefused."""
    if currency is None:
        return 0
    digits = engine.minor_units().get(currency)
    if digits is None:
        raise RequestRefused("bad-request", f"`{currency}` is no currency of ISO 4217 with a minor unit")
    return digits


def _units(amount: str, digits: int) -> int:
    """A decimal text in minor units. Raises RequestRefused."""
    units = Decimal(amount).scaleb(digits)
    if units != units.to_integral_value():
        raise RequestRefused("bad-request", f"the amount is finer than the smallest unit of its currency ({digits} digits)")
    if units <= 0:
        raise RequestRefused("bad-request", "an amount is above zero; an entry that was wrong is reversed")
    return int(units)


def _text(units: int, digits: int) -> str:
    return f"{Decimal(units).scaleb(-digits):f}"


def _entry(row: Any) -> AccountEntry:
    units = None if row.amount is None else _units(row.amount, _digits(row.currency))
    return AccountEntry(row.id, row.kind, date.fromisoformat(row.day), units, row.currency, row.treatment, row.months, row.of)


def _part(row: Any, reversals: dict[Any, str]) -> EntryPart:
    return EntryPart(
        id=row.id, kind=row.kind, on=date.fromisoformat(row.day), amount=row.amount, currency=row.currency,
        treatment=row.treatment, months=row.months, of=row.of, evidence=row.evidence, reason=row.reason,
        at=datetime.fromisoformat(row.at), by=row.by, reversed_by=reversals.get(row.id),
    )  # fmt: skip


def _classes(rows: list[ClassRow]) -> list[ClassPart]:
    return [
        ClassPart(
            treatment=row.treatment,
            recognised=row.treatment != "not-recognised",
            currency=row.currency,
            **{name: _text(getattr(row, name), _digits(row.currency)) for name in _AMOUNTS},
        )
        for row in rows
    ]


def _appraised(entry: AccountEntry) -> AppraisedPart:
    assert entry.units is not None
    assert entry.currency is not None
    return AppraisedPart(
        entry=entry.id, on=entry.on, amount=_text(entry.units, _digits(entry.currency)), currency=entry.currency
    )
