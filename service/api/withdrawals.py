"""`GET /v1/withdrawals`: the signed list of the commitments that ended, for far gateways, which have no key."""

import json
from datetime import timedelta
from typing import Literal

from fastapi import FastAPI, Request, Response
from pydantic import Field

from service.api import paging
from service.api.operations import Shown, operation
from service.ledger.ended_commitments import MOST_ENDED, withdrawals
from service.receipts.withdrawals import SCHEMA
from service.service import Service

_LIST = "withdrawals"


class WithdrawalsShown(Shown):
    """A page of the signed list of withdrawals."""

    schema_: Literal["fifthfactor/withdrawals/1"] = Field(alias="schema")
    note: str = Field(
        description="the page: a C2SP signed note, with the commitments that ended and could still have a good receipt, oldest first"
    )
    next: str | None = Field(description=paging.NEXT)


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""

    # This is not `async`: reading waits for the disk, so each call runs in a thread.
    @app.get(
        "/v1/withdrawals",
        response_model=WithdrawalsShown,
        **operation(
            "listWithdrawals",
            "log",
            "The commitments that ended, signed",
            "not-ready",
            parameters=paging.parameters(MOST_ENDED, MOST_ENDED, "commitments"),
        ),
    )
    def ended(request: Request) -> Response:
        """
        The ids of commitments that were withdrawn or replaced while their receipts could still be good, signed by the log's key.

        No key of a caller is needed: a far gateway has none. The list names nobody and no exchange.
        """
        page = paging.Asked.of(request, MOST_ENDED, MOST_ENDED)
        place = page.after(_LIST, int)
        after = place[0] if place else None
        now, good_for = service.clock(), timedelta(hours=service.settings.receipt_hours)
        note, following = service.read_tree(lambda tree: withdrawals(tree, now, good_for, after, page.limit), "ledger")
        document = {
            "schema": SCHEMA,
            "note": note.to_bytes().decode(),
            "next": None if following is None else paging.written(_LIST, following),
        }
        return Response(json.dumps(document, ensure_ascii=False), media_type="application/json")
