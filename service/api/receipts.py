"""`GET /v1/decisions/{id}/receipt`: one answer, to be verified without the service."""

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import Response
from pydantic import Field

from service.api.operations import DECISION_ID, Shown
from service.api.router import Call, Router
from service.callers.context import Reading
from service.decisions.receipt_issuer import ReceiptIssuer
from service.decisions.replay import Replayer
from service.problems import Kind
from service.receipts.receipt import Receipt

COSE = 'application/cose; cose-type="cose-sign1"'  # RFC 9052, section 11.2
TEXT = "text/plain; charset=utf-8"

_KINDS: tuple[Kind, ...] = ("not-found", "no-receipt")

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


router = Router("log")


@router.get(
    "/v1/decisions/{id}/receipt",
    "getReceipt",
    "The receipt of a decision",
    *_KINDS,
    parameters=[DECISION_ID],
    writes=True,
)
async def receipt(context: Reading, call: Call[None]) -> ReceiptShown | Response:
    """
    The answer, and the facts that a gateway asks about, each proven to stand in the log. It names no caller and no price.

    The first receipt of a decision adds a leaf to the log, and so does the first one after the decision was committed.
    """
    return Response((await _issued(context, call)).to_bytes(), media_type="application/json")


@router.get(
    "/v1/decisions/{id}/receipt/tlog-proof",
    "getReceiptProof",
    "The receipt of a decision as a tlog-proof alone",
    *_KINDS,
    parameters=[DECISION_ID],
    writes=True,
    answers={200: {"description": "C2SP tlog-proof", "content": {"text/plain": {"schema": {"type": "string"}}}}},
    response_class=Response,
)
async def proof(context: Reading, call: Call[None]) -> Response:
    """The C2SP tlog-proof of the receipt's leaf, which is its extra data. What opens the commitments is not in it."""
    found = await _issued(context, call)
    return Response(replace(found.proof, extra=found.leaf).to_bytes(), media_type=TEXT)


@router.get(
    "/v1/decisions/{id}/receipt/cose",
    "getReceiptCose",
    "The receipt of a decision in COSE alone",
    *_KINDS,
    parameters=[DECISION_ID],
    writes=True,
    answers={
        200: {
            "description": "COSE_Sign1",
            "content": {"application/cose": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
    response_class=Response,
)
async def cose(context: Reading, call: Call[None]) -> Response:
    """The RFC 9942 receipt of the receipt's leaf. Whoever verifies it needs the leaf too."""
    return Response((await _issued(context, call)).cose.to_bytes(), media_type=COSE)


async def _issued(context: Reading, call: Call[None]) -> Receipt:
    return await ReceiptIssuer(call.service, call.shared(Replayer)).receipt(context, call.path["id"])
