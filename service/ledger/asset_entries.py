"""
The entries of the accounts of data assets: posted by a person with a day and evidence, reversed, and never deleted.

An entry comes in for an asset of the register; a row and a leaf come out. A row holds keyed hashes of the ids of the asset and of the
legal entity that carries it (service.ledger.hashed_names). The entries of an entity have voucher numbers, year by year and without a gap.
An entity closes its periods. What the entries add up to is in service.ledger.account_statement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Any

import sqlalchemy as sa
from pydantic import Field
from uuid_utils import uuid7

import engine
from service.callers.context import Administering
from service.callers.sending import Reason, Sending
from service.ledger import hashed_names
from service.ledger.commitment_list import LedgerPart
from service.ledger.counter_book import Book
from service.ledger.roll_forward import (
    COSTS,
    MOST_MONTHS,
    OF_A_LINE,
    WHOLE,
    AccountEntry,
    EntryKind,
    Standard,
    Treatment,
    WrongEntry,
    movements,
)
from service.limits import ASSET_ENTRIES
from service.log import tree_leaves
from service.log.tree_leaves import LogEvent
from service.problems import RequestRefused
from service.register import entity_versions
from service.register.entity import ASSET, PARTY
from service.store.moments import moment_text
from service.store.tables import accounts_closed, asset_entry, commitment

MOST_AMOUNT = 15  # digits before the point
MOST_CLOSED = 400  # periods of an entity

_BOOK = Book()
_AMOUNT = rf"^\d{{1,{MOST_AMOUNT}}}(\.\d{{1,4}})?$"
OF_AN_ASSET = sa.select(asset_entry).where(asset_entry.c.asset == sa.bindparam("asset")).order_by(asset_entry.c.number)


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
    uses: int | None = Field(default=None, description="a life in units of use, or the uses of a period")
    indefinite: bool | None = Field(default=None, description="whether the life has no end that can be foreseen")
    residual: str | None = Field(default=None, description="the residual value")
    part: str | None = Field(default=None, description="which part of what was left was disposed of")
    proceeds: str | None = Field(default=None, description="what a disposal brought")
    standard: Standard | None = Field(default=None, description="the accounting standard of the entity")
    commitment: str | None = Field(default=None, description="the commitment by which it was sold")
    voucher: str | None = Field(default=None, description="the year and the number of its voucher, of an entity's entry")
    evidence: str | None = None
    reason: str | None = None
    at: datetime
    by: str
    reversed_by: str | None = None


class EntrySent(Sending):
    kind: EntryKind = Field(description="what the entry is")
    on: date = Field(strict=False, description="the day of the entry")
    amount: str | None = Field(
        default=None,
        pattern=_AMOUNT,
        description="a decimal amount above zero; of a cost, an impairment and an appraised value",
        examples=["36000.00"],
    )
    currency: str | None = Field(default=None, pattern="^[A-Z]{3}$", description="the code of the currency (ISO 4217)")
    treatment: Treatment | None = Field(default=None, description="the class; of a cost and a transfer")
    months: int | None = Field(
        default=None, ge=1, le=MOST_MONTHS, description="the useful life in months; of an intangible asset"
    )
    uses: int | None = Field(
        default=None,
        ge=1,
        le=10**12,
        description="a life in units of use: how many in all; of an entry `used` those of its period",
    )
    indefinite: bool | None = Field(default=None, description="whether an intangible asset has no end that can be foreseen")
    residual: str | None = Field(default=None, pattern=_AMOUNT, description="of a cost, the residual value")
    part: str | None = Field(
        default=None,
        pattern=r"^[1-9]\d{0,8}/[1-9]\d{0,8}$",
        description="of a disposal, which part of what is left",
        examples=["1/3"],
    )
    proceeds: str | None = Field(default=None, pattern=_AMOUNT, description="of a disposal, what it brought")
    entity: str | None = Field(
        default=None, min_length=1, max_length=256, description="of a cost, the id of the legal entity that carries it"
    )
    standard: Standard | None = Field(default=None, description="the accounting standard of that entity")
    commitment: str | None = Field(
        default=None, pattern="^[!-~]{1,64}$", description="of a disposal, the commitment of the exchange by which it was sold"
    )
    of: str | None = Field(
        default=None, pattern="^[!-~]{1,64}$", description="the id of the entry that is impaired, ended, changed or reversed"
    )
    evidence: str | None = Field(
        default=None, pattern="^[!-~]{1,256}$", description="the hash of the document behind it", examples=["sha256:9f86d081"]
    )
    reason: Reason | None = Field(default=None, description="why, or where the amount comes from")


class CloseSent(Sending):
    """A period to close: all days of an entity up to its last one."""

    entity: str = Field(min_length=1, max_length=256, description="the id of the legal entity")
    until: date = Field(strict=False, description="the last day of the period")
    reason: Reason = Field(description="why, such as who approved the statements")


class ClosedPart(LedgerPart):
    """A period that was closed."""

    until: date = Field(description="its last day")
    at: datetime = Field(description="when it was closed")
    by: str = Field(description="the caller who closed it")


@dataclass(frozen=True, slots=True)
class ClosedUntil:
    """A period that an entity has closed: its last day, and the moment."""

    until: date
    at: str


def post(context: Administering, asset: str, sent: EntrySent, transaction: sa.Connection) -> EntryPart:
    """Post an entry for an asset of the register. Raises RequestRefused."""
    hashed = asset_hash(transaction, asset)
    if sent.on > context.today:
        raise RequestRefused("bad-request", "an entry is of a day that has come")
    rows = transaction.execute(OF_AN_ASSET, {"asset": hashed}).all()
    if len(rows) >= ASSET_ENTRIES:
        raise RequestRefused("bad-request", f"an asset has at most {ASSET_ENTRIES:,} entries")
    digits = digits_of(sent.currency)
    units = None if sent.amount is None else _units(sent.amount, digits)
    before = [row for row in rows if row.id == sent.of]
    entity, standard = (
        (before[0].entity, before[0].standard) if before else (entity_hash(transaction, sent.entity), sent.standard)
    )
    posted = AccountEntry(
        str(uuid7()), sent.kind, sent.on, units, sent.currency, sent.treatment, sent.months, sent.of, sent.uses, bool(sent.indefinite),
        0 if sent.residual is None else _units(sent.residual, digits, least=0), WHOLE if sent.part is None else Fraction(sent.part),
        None if sent.proceeds is None else _units(sent.proceeds, digits, least=0), entity, standard,
    )  # fmt: skip
    try:
        _fits(posted, sent)
        for _ in movements([*map(entry_of, rows), posted], context.today):
            pass  # each line is followed to its end, so that what cannot be is found
    except WrongEntry as wrong:
        raise RequestRefused("bad-request", str(wrong)) from None
    _check_beside(transaction, sent, entity, standard)
    at, by = moment_text(context.now), context.caller.id
    line = {
        "day": posted.on.isoformat(), "amount": None if units is None else amount_text(units, digits), "currency": posted.currency,
        "treatment": posted.treatment, "months": posted.months, "evidence": sent.evidence,
        "uses": sent.uses, "indefinite": sent.indefinite, "residual": sent.residual, "part": sent.part, "proceeds": sent.proceeds,
        "entity": entity, "standard": standard, "commitment": sent.commitment, **_voucher(transaction, entity, sent.on),
    }  # fmt: skip
    line = {name: value for name, value in line.items() if value is not None}
    shown = {"id": posted.id, "number": len(rows), "entry": posted.kind, "of": posted.of}
    hidden = {"asset": hashed, "line": line, "by": by, "reason": sent.reason}
    tree_leaves.append(transaction, LogEvent("asset-entry", at, shown, hidden))
    row = {
        "id": posted.id, "asset": hashed, "number": len(rows), "kind": posted.kind, "of": posted.of, **line,
        "at": at, "by": by, "reason": sent.reason,
    }  # fmt: skip
    transaction.execute(sa.insert(asset_entry).values(row))
    (made,) = [each for each in transaction.execute(OF_AN_ASSET, {"asset": hashed}) if each.id == posted.id]
    return part_of(made, {})


def close(context: Administering, sent: CloseSent, transaction: sa.Connection) -> ClosedPart:
    """Close a period of an entity: what is posted later changes the first open day after it, and nothing before. Raises RequestRefused."""
    entity = entity_hash(transaction, sent.entity)
    if sent.until >= context.today:
        raise RequestRefused("bad-request", "a period that is closed is over")
    mine = closed_periods(transaction, context.settings.tzinfo, None).get(str(entity), [])
    if mine and mine[-1].until >= sent.until:
        raise RequestRefused("bad-request", f"the entity has closed all days up to {mine[-1].until} already")
    if len(mine) >= MOST_CLOSED:
        raise RequestRefused("bad-request", f"an entity closes at most {MOST_CLOSED} periods")
    at, by = moment_text(context.now), context.caller.id
    row = {"entity": entity, "until": sent.until.isoformat()}
    hidden = {**row, "by": by, "reason": sent.reason}
    tree_leaves.append(transaction, LogEvent("accounts-closed", at, {}, hidden))
    transaction.execute(sa.insert(accounts_closed).values(**hidden, at=at))
    return ClosedPart(until=sent.until, at=datetime.fromisoformat(at), by=by)


def closed_periods(connection: sa.Connection, zone: tzinfo, known: date | None) -> dict[str, list[ClosedUntil]]:
    """The periods that each entity has closed, in order, as far as it is known."""
    rows = connection.execute(sa.select(accounts_closed).order_by(accounts_closed.c.entity, accounts_closed.c.until)).all()
    found: dict[str, list[ClosedUntil]] = {}
    for row in known_rows(rows, known, zone):
        found.setdefault(row.entity, []).append(ClosedUntil(date.fromisoformat(row.until), row.at))
    return found


def entity_hash(connection: sa.Connection, entity: str | None) -> str | None:
    """The hash of a legal entity, which is a party of the register. Raises RequestRefused."""
    if entity is None:
        return None
    version = entity_versions.newest(connection, PARTY, entity)
    if version is None:
        raise RequestRefused("bad-request", "`entity` names a party of the register: register it first")
    return hashed_names.party(_BOOK, connection, version.id)


def _check_beside(transaction: sa.Connection, sent: EntrySent, entity: str | None, standard: str | None) -> None:
    """An entity has one standard, and a sale is by a commitment that there is. Raises RequestRefused."""
    mine = sa.select(asset_entry.c.standard).where(asset_entry.c.entity == entity, asset_entry.c.standard != standard).limit(1)
    if entity is not None and transaction.execute(mine).first() is not None:
        raise RequestRefused("bad-request", "the accounts of this entity are by another `standard`")
    sold = sa.select(commitment.c.id).where(commitment.c.id == sent.commitment)
    if sent.commitment is not None and transaction.execute(sold).first() is None:
        raise RequestRefused("bad-request", "there is no commitment with this id")


def _voucher(transaction: sa.Connection, entity: str | None, on: date) -> dict[str, Any]:
    """The next number of an entity in the year in which an entry is booked: that of its day, or of the first day that is open."""
    if entity is None:
        return {}
    last = transaction.execute(
        sa.select(sa.func.max(accounts_closed.c.until)).where(accounts_closed.c.entity == entity)
    ).scalar_one()
    year = on.year if last is None else max(on, date.fromisoformat(last) + timedelta(days=1)).year
    drawn = (asset_entry.c.entity == entity, asset_entry.c.voucher_year == year)
    newest = transaction.execute(sa.select(sa.func.max(asset_entry.c.voucher)).where(*drawn)).scalar_one()
    return {"voucher_year": year, "voucher": (newest or 0) + 1}


def asset_hash(connection: sa.Connection, asset: str) -> str:
    """The hash of the id of an asset of the register, by any of its names. Raises RequestRefused."""
    version = entity_versions.newest(connection, ASSET, asset)
    if version is None:
        raise RequestRefused("not-found", "the register has no asset with this id")
    return hashed_names.asset(_BOOK, connection, version.id)


def known_rows(rows: Sequence[Any], known: date | None, zone: tzinfo) -> Sequence[Any]:
    """The rows that were posted up to a day."""
    if known is None:
        return rows
    end = datetime.combine(known + timedelta(days=1), time.min, zone).astimezone(UTC)
    return [row for row in rows if row.at < moment_text(end)]


def _fits(entry: AccountEntry, sent: EntrySent) -> None:
    """Raises WrongEntry where an entry has members that its kind has not, or lacks one."""
    kind, cost = entry.kind, entry.kind in COSTS
    wanted = {
        "amount": cost or kind in ("research", "impaired", "recovered", "appraised"),
        "treatment": cost or kind == "transferred",
        "of": kind in OF_A_LINE or kind == "reversed",
    }
    may = {
        "months": cost or kind in ("transferred", "useful-life"),
        "uses": cost or kind in ("transferred", "useful-life", "used"),
        "indefinite": cost or kind in ("transferred", "useful-life"),
        "residual": cost or kind == "transferred",
        "part": kind == "disposed",
        "proceeds": kind == "disposed",
        "commitment": kind == "disposed",
        "entity": cost or kind == "research",
        "standard": cost or kind == "research",
    }
    for name, needed in wanted.items():
        if needed and getattr(sent, name) is None:
            raise WrongEntry(f"an entry of the kind `{kind}` has `{name}`")
    for name, allowed in {**wanted, **may}.items():
        if not allowed and getattr(sent, name) is not None:
            raise WrongEntry(f"an entry of the kind `{kind}` has no `{name}`")
    if any((sent.amount, sent.residual, sent.proceeds)) != (entry.currency is not None):
        raise WrongEntry("an amount has a currency")
    lives = sum((entry.months is not None, entry.uses is not None, entry.indefinite))
    if kind == "useful-life" and lives != 1:
        raise WrongEntry("an entry of the kind `useful-life` has `months`, `uses` or `indefinite`")
    if kind == "used" and entry.uses is None:
        raise WrongEntry("an entry of the kind `used` has `uses`")
    if lives > 1:
        raise WrongEntry("a useful life is in months, in uses, or indefinite")
    if (lives or entry.residual) and kind not in ("useful-life", "used") and entry.treatment != "intangible":
        raise WrongEntry("only an intangible asset has a useful life")
    if kind == "transferred" and entry.treatment not in ("intangible", "inventory"):
        raise WrongEntry("development expenditure becomes an intangible asset or inventory")
    if entry.part > 1:
        raise WrongEntry("a part is at most the whole")
    if (sent.entity is None) != (sent.standard is None):
        raise WrongEntry("an entity has a `standard`")


def digits_of(currency: str | None) -> int:
    """The digits after the point of a currency. Raises RequestRefused."""
    if currency is None:
        return 0
    digits = engine.minor_units().get(currency)
    if digits is None:
        raise RequestRefused("bad-request", f"`{currency}` is no currency of ISO 4217 with a minor unit")
    return digits


def _units(amount: str, digits: int, least: int = 1) -> int:
    """A decimal text in minor units. Raises RequestRefused."""
    units = Decimal(amount).scaleb(digits)
    if units != units.to_integral_value():
        raise RequestRefused("bad-request", f"the amount is finer than the smallest unit of its currency ({digits} digits)")
    if units < least:
        raise RequestRefused("bad-request", "an amount is above zero; an entry that was wrong is reversed")
    return int(units)


def amount_text(units: int, digits: int) -> str:
    return f"{Decimal(units).scaleb(-digits):f}"


def entry_of(row: Any) -> AccountEntry:
    digits = digits_of(row.currency)
    amounts = [None if each is None else _units(each, digits, least=0) for each in (row.amount, row.residual, row.proceeds)]
    return AccountEntry(
        row.id, row.kind, date.fromisoformat(row.day), amounts[0], row.currency, row.treatment, row.months, row.of, row.uses,
        bool(row.indefinite), amounts[1] or 0, WHOLE if row.part is None else Fraction(row.part), amounts[2], row.entity, row.standard,
    )  # fmt: skip


def part_of(row: Any, reversals: dict[Any, str]) -> EntryPart:
    return EntryPart(
        id=row.id, kind=row.kind, on=date.fromisoformat(row.day), amount=row.amount, currency=row.currency,
        treatment=row.treatment, months=row.months, of=row.of, uses=row.uses, indefinite=row.indefinite, residual=row.residual,
        part=row.part, proceeds=row.proceeds, standard=row.standard, commitment=row.commitment,
        voucher=None if row.voucher is None else f"{row.voucher_year}/{row.voucher}", evidence=row.evidence, reason=row.reason,
        at=datetime.fromisoformat(row.at), by=row.by, reversed_by=reversals.get(row.id),
    )  # fmt: skip
