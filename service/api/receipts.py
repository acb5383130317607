"""
`GET /v1/decisions/{id}/receipt`: one answer, to be verified without the service. `GET /v1/withdrawals`: the commitments that ended.
"""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Literal

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from pydantic import Field

from service.api import paging
from service.api.operations import DecisionId, Shown, operation
from service.callers.caller import caller_of
from service.decisions.replay import Replaying
from service.ledger import party_view
from service.ledger.ended import MOST_ENDED, withdrawals
from service.ledger.issuing import Issuing
from service.log.proofs import log_tree
from service.problems import Kind, RequestRefused
from service.receipts.receipt import Receipt
from service.receipts.withdrawals import SCHEMA
from service.service import Service
from service.store.log_key import LogRefused

COSE = 'application/cose; cose-type="cose-sign1"'  # RFC 9052, section 11.2
TEXT = "text/plain; charset=utf-8"

_KINDS: tuple[Kind, ...] = ("not-found", "no-receipt")
_WITHDRAWALS = "withdrawals"

Hexadecimal = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class OpenedShown(Shown):
    """What opens one commitment of the leaf."""

    salt: Hexadecimal = Field(description="the salt of the commitment")
    value: str = Field(description="the value, as canonical JSON")


class ReceiptShown(Shown):
    """A receipt of one decision, for somebody who has the verifier key of the log."""

    schema_: Literal["fifthfactor/receipt/1"] = Field(alias="schema")
    leaf: str = Field(description="the leaf of the log that speaks of the decision, as canonical JSON")
    opened: dict[str, OpenedShown] = Field(
        description="what opens the commitments in the leaf: `answer`, `asset`, `sender`, `recipient` and `purpose`"
    )
    proof: str = Field(description="the C2SP tlog-proof of the leaf")
    cose: str = Field(description="the RFC 9942 receipt of the leaf, in base64")


class WithdrawalsShown(Shown):
    """A page of the signed list of withdrawals."""

    schema_: Literal["fifthfactor/withdrawals/1"] = Field(alias="schema")
    note: str = Field(
        description="the page: a C2SP signed note, with the commitments that ended and could still have a good receipt, oldest first"
    )
    next: str | None = Field(description=paging.NEXT)


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""
    issuing = Issuing(service, Replaying.shared(app, service))

    async def made(id: str, request: Request) -> Receipt:
        caller = caller_of(request.scope, "read", of_party=True)
        if caller.party is not None:
            party_view.check_record(await asyncio.to_thread(service.stored, id), caller)
        return await issuing.receipt(id)

    @app.get(
        "/v1/decisions/{id}/receipt",
        response_model=ReceiptShown,
        **operation("getReceipt", "log", "The receipt of a decision", *_KINDS, needs="read", writes=True),
    )
    async def receipt(id: DecisionId, request: Request) -> Response:
        """
        The answer, and the facts that a gateway asks about, each proven to stand in the log. It names no caller and no price.

        The first receipt of a decision adds a leaf to the log, and so does the first one after the decision was committed.
        """
        return Response((await made(id, request)).to_bytes(), media_type="application/json")

    @app.get(
        "/v1/decisions/{id}/receipt/tlog-proof",
        response_class=Response,
        **operation(
            "getReceiptProof",
            "log",
            "The receipt of a decision as a tlog-proof alone",
            *_KINDS,
            needs="read",
            writes=True,
            answers={200: {"description": "C2SP tlog-proof", "content": {"text/plain": {"schema": {"type": "string"}}}}},
        ),
    )
    async def proof(id: DecisionId, request: Request) -> Response:
        """The C2SP tlog-proof of the receipt's leaf, which is its extra data. What opens the commitments is not in it."""
        found = await made(id, request)
        return Response(replace(found.proof, extra=found.leaf).to_bytes(), media_type=TEXT)

    @app.get(
        "/v1/decisions/{id}/receipt/cose",
        response_class=Response,
        **operation(
            "getReceiptCose",
            "log",
            "The receipt of a decision in COSE alone",
            *_KINDS,
            needs="read",
            writes=True,
            answers={
                200: {
                    "description": "COSE_Sign1",
                    "content": {"application/cose": {"schema": {"type": "string", "format": "binary"}}},
                }
            },
        ),
    )
    async def cose(id: DecisionId, request: Request) -> Response:
        """The RFC 9942 receipt of the receipt's leaf. Whoever verifies it needs the leaf too."""
        return Response((await made(id, request)).cose.to_bytes(), media_type=COSE)

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
        after = page.after(_WITHDRAWALS, int)
        good_for = timedelta(hours=service.settings.receipt_hours)
        now = service.clock()
        try:
            with log_tree(service.store.database) as tree:
                note, following = withdrawals(tree, now, good_for, after[0] if after else None, page.limit)
        except LogRefused as refused:
            service.say.error("log_not_proven", reason=str(refused))
            raise RequestRefused("not-ready", "the log cannot sign", headers={"Retry-After": "1"}) from None
        except sa.exc.SQLAlchemyError:
            raise RequestRefused("not-ready", "the ledger cannot be read", headers={"Retry-After": "1"}) from None
        document = {
            "schema": SCHEMA,
            "note": note.to_bytes().decode(),
            "next": None if following is None else paging.written(_WITHDRAWALS, following),
        }
        return Response(json.dumps(document, ensure_ascii=False), media_type="application/json")
