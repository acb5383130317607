"""`/v1/assets/{id}/accounts` and `/v1/ledger/accounts`: the accounts of data assets, entry by entry and rolled forward for a period."""

import json
from datetime import date
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from pydantic import Field

from service.api import csv_tables
from service.api.operations import in_path, json_body, operation, schema_of
from service.api.parameters import parameter, single, wrong
from service.api.router import read_sent
from service.api.sent import Plain
from service.callers.caller import caller_of
from service.callers.sending import Reason, Sending
from service.decisions.idempotency import KeptAnswer, once
from service.ledger.asset_entries import COLUMNS, MOST_AMOUNT, Accounts, AssetAccounts, EntryPart, RollForward, cells
from service.ledger.roll_forward import MOST_MONTHS, AccountEntry, EntryKind, Treatment
from service.register.entity import MOST_OF_AN_ID
from service.service import Service

_EARLIEST = date(1990, 1, 1)
_DAY = {"type": "string", "format": "date"}
_ID = in_path("id", "the id of the data asset", {"type": "string", "maxLength": MOST_OF_AN_ID})
_PERIOD = [
    parameter("from", "the first day of the period; without it, the first of January of its last day", _DAY),
    parameter("until", "the last day of the period; without it, today", _DAY),
    parameter("known", "only entries that were posted up to this day count", _DAY),
    csv_tables.FORMAT,
]
_TABLE = {200: {"content": csv_tables.CONTENT}}


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


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""
    accounts = Accounts(service)

    async def post(request: Request) -> Response:
        """Posts an entry. An entry that was wrong is reversed by another one, and never changed or deleted."""
        caller = caller_of(request.scope, "administer")
        asset = request.path_params["id"]
        raw, sent = await read_sent(request, EntrySent)
        entry = AccountEntry("", sent.kind, sent.on, None, sent.currency, sent.treatment, sent.months, sent.of)

        def work(transaction: sa.Connection) -> KeptAnswer:
            made = accounts.post(transaction, asset, entry, sent.amount, caller, evidence=sent.evidence, reason=sent.reason)
            return KeptAnswer(_written(made), 201)

        return await once(service, request, caller, raw, work)

    app.router.add_api_route(
        "/v1/assets/{id:path}/accounts/entries",
        post,
        methods=["POST"],
        status_code=201,
        response_model=EntryPart,
        route_class_override=Plain,
        **operation(
            "postAccountEntry",
            "ledger",
            "Post an entry in the accounts of a data asset",
            "not-found",
            needs="administer",
            parameters=[_ID],
            body=json_body(schema_of(EntrySent)),
            repeatable=True,
        ),
    )

    @app.get(
        "/v1/assets/{id:path}/accounts",
        response_model=AssetAccounts,
        **operation(
            "getAssetAccounts",
            "ledger",
            "The accounts of a data asset in a period",
            "not-found",
            needs="read",
            parameters=[_ID, *_PERIOD],
            answers=_TABLE,
        ),
    )
    def of_asset(request: Request) -> Response:
        """The roll-forward by class, the appraised value beside it, and every entry."""
        caller_of(request.scope, "read")
        asset, period = request.path_params["id"], _period(request, accounts.today())
        found = service.read(lambda connection: accounts.of_asset(connection, asset, *period), "ledger")
        return _answer(request, found)

    @app.get(
        "/v1/ledger/accounts",
        response_model=RollForward,
        **operation(
            "getAccounts",
            "ledger",
            "The accounts of all data assets in a period, by class",
            needs="read",
            parameters=_PERIOD,
            answers=_TABLE,
        ),
    )
    def of_all(request: Request) -> Response:
        """The roll-forward of all assets, by class and currency. Amounts in two currencies are never added up."""
        caller_of(request.scope, "read")
        period = _period(request, accounts.today())
        return _answer(request, service.read(lambda connection: accounts.of_all(connection, *period), "ledger"))


def _period(request: Request, today: date) -> tuple[date, date, date | None]:
    """The first and the last day of the period, and the day up to which entries are known. Raises RequestRefused."""
    query = single(request)
    until = _day(query, "until") or today
    first = _day(query, "from") or until.replace(month=1, day=1)
    if first > until:
        raise wrong("from", "`from` is not after `until`")
    return first, until, _day(query, "known")


def _day(query: dict[str, str], name: str) -> date | None:
    if name not in query:
        return None
    try:
        day = date.fromisoformat(query[name])
    except ValueError:
        raise wrong(name, f"`{name}` takes a day like 2026-03-31") from None
    if not (day.isoformat() == query[name] and _EARLIEST <= day < date(9000, 1, 1)):
        raise wrong(name, f"`{name}` takes a day from {_EARLIEST} on, like 2026-03-31")
    return day


def _answer(request: Request, found: RollForward) -> Response:
    if csv_tables.as_csv(single(request)):
        return csv_tables.csv_answer(COLUMNS, map(cells, found.classes))
    return Response(_written(found), media_type="application/json")


def _written(part: Any) -> bytes:
    return json.dumps(part.model_dump(mode="json", by_alias=True, exclude_none=True), ensure_ascii=False).encode()
