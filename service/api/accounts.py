"""`/v1/assets/{id}/accounts` and `/v1/ledger/accounts`: the accounts of data assets, entry by entry and rolled forward for a period."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import sqlalchemy as sa
from fastapi import Response

from service.api import csv_tables
from service.api.operations import in_path
from service.api.parameters import AnyParameter, Parameter, day, text, wrong
from service.api.router import Call, Router
from service.callers.context import Administering, ReadingAll
from service.ledger import account_statement, asset_entries
from service.ledger.account_statement import COLUMNS, AccountPeriod, AssetAccounts, RollForward, cells
from service.ledger.asset_entries import ClosedPart, CloseSent, EntryPart, EntrySent
from service.register.entity import MOST_OF_AN_ID

_EARLIEST, _LATEST = date(1990, 1, 1), date(8999, 12, 31)
_ID = in_path("id", "the id of the data asset", {"type": "string", "maxLength": MOST_OF_AN_ID})


def _day(name: str, about: str) -> Parameter[date]:
    found = day(name, about)

    def read(sent: str) -> date:
        if not _EARLIEST <= (wanted := found.read(sent)) <= _LATEST:
            raise ValueError
        return wanted

    return replace(found, read=read, takes=f"a day from {_EARLIEST} on, like 2026-03-31")


FROM = _day("from", "the first day of the period; without it, the first of January of its last day")
UNTIL = _day("until", "the last day of the period; without it, today")
KNOWN = _day("known", "only entries that were posted up to this day count")
ENTITY = text("entity", "the id of a legal entity: its accounts alone")
_PERIOD: list[AnyParameter] = [FROM, UNTIL, KNOWN, ENTITY, csv_tables.FORMAT]
_TABLE = {200: {"content": csv_tables.CONTENT}}

router = Router("ledger", "ledger")


@router.post(
    "/v1/assets/{id:path}/accounts/entries",
    "postAccountEntry",
    "Post an entry in the accounts of a data asset",
    "not-found",
    parameters=[_ID],
    body=EntrySent,
    status=201,
)
def post(context: Administering, call: Call[EntrySent], transaction: sa.Connection) -> EntryPart:
    """Posts an entry. An entry that was wrong is reversed by another one, and never changed or deleted."""
    return asset_entries.post(context, call.path["id"], call.sent, transaction)


@router.post(
    "/v1/ledger/accounts/close",
    "closeAccounts",
    "Close a period of a legal entity",
    body=CloseSent,
    status=201,
)
def close(context: Administering, call: Call[CloseSent], transaction: sa.Connection) -> ClosedPart:
    """Closes all days up to one. The accounts of these days stay as they are; what is posted later moves on the first day after them."""
    return asset_entries.close(context, call.sent, transaction)


@router.get(
    "/v1/assets/{id:path}/accounts",
    "getAssetAccounts",
    "The accounts of a data asset in a period",
    "not-found",
    parameters=[_ID, *_PERIOD],
    answers=_TABLE,
)
def of_asset(context: ReadingAll, call: Call[None], connection: sa.Connection) -> AssetAccounts | Response:
    """The roll-forward by class, the appraised value beside it, and every entry."""
    found = account_statement.of_asset(context, call.path["id"], period(call.query, context.today), connection)
    return _table(found) if csv_tables.as_csv(call.query) else found


@router.get(
    "/v1/ledger/accounts",
    "getAccounts",
    "The accounts of all data assets in a period, by class",
    parameters=_PERIOD,
    answers=_TABLE,
)
def of_all(context: ReadingAll, call: Call[None], connection: sa.Connection) -> RollForward | Response:
    """The roll-forward of all assets, by class and currency. Amounts in two currencies are never added up."""
    found = account_statement.of_all(context, period(call.query, context.today), connection)
    return _table(found) if csv_tables.as_csv(call.query) else found


def period(sent: Mapping[str, str], today: date) -> AccountPeriod:
    """The period that a query names. Raises RequestRefused."""
    until = UNTIL.of(sent) or today
    first = FROM.of(sent) or until.replace(month=1, day=1)
    if first > until:
        raise wrong("from", "`from` is not after `until`")
    return AccountPeriod(first, until, KNOWN.of(sent), ENTITY.of(sent))


def _table(found: RollForward) -> Response:
    return csv_tables.csv_answer(COLUMNS, map(cells, found.classes))
