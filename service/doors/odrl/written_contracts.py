"""
`GET /v1/decisions/{id}/odrl` and `GET /v1/commitments/{id}/odrl`: what was decided, as an ODRL policy in JSON-LD.

A permit is a `Set`, a committed exchange an `Agreement`, and what may not proceed a report. Nothing is an `Offer`.
"""

import json
from functools import partial
from typing import Any, get_args

from fastapi import Response

from service.api.commitments import named
from service.api.operations import DECISION_ID, in_path
from service.api.parameters import word
from service.api.router import Call, Router
from service.callers.context import Reading
from service.decisions.receipt_issuer import ReceiptIssuer
from service.decisions.replay import Replayer
from service.decisions.standing_permits import PermitReader, RefusedExchange, StandingPermit
from service.doors.odrl import contract_writing
from service.doors.odrl.refusal_report import OdrlReport, report
from service.problems import RequestRefused

MEDIA_TYPE = "application/ld+json"
_POLICY: dict[str, Any] = {
    "description": "an ODRL 2.2 policy in JSON-LD; in JSON the report of what may not proceed",
    "content": {MEDIA_TYPE: {"schema": {"type": "object", "description": "the policy, in JSON-LD"}}},
}
FORM = word(
    "form",
    "the form of the policy: `odrl` as ODRL 2.2 writes it, `dsp` as the Dataspace Protocol 2025-1 writes an agreement",
    get_args(contract_writing.Form),
)
FORM_UNNAMED: contract_writing.Form = "odrl"
_COMMITMENT_ID = in_path("id", "the id of the commitment")

router = Router("log")


@router.get(
    "/v1/decisions/{id}/odrl",
    "getDecisionPolicy",
    "A decision as an ODRL policy",
    "not-found",
    "no-contract",
    "commitment-ended",
    "no-receipt",
    "cannot-replay",
    parameters=[DECISION_ID, FORM],
    writes=True,
    answers={200: _POLICY},
)
async def of_decision(context: Reading, call: Call[None]) -> OdrlReport | Response:
    """
    A permit as a `Set`, which holds until the decision may no longer be committed; once it is committed, as the `Agreement`.

    An exchange that may not proceed gets a report of what would let it, and no policy.
    """
    id, form = call.path["id"], FORM.of(call.query) or FORM_UNNAMED
    reader = PermitReader(call.service, call.shared(Replayer))
    found = await call.service.turns.run(context.caller.id, partial(reader.of_decision, context, id), long=True)
    if isinstance(found, RefusedExchange):
        return Response(json.dumps(report(found), ensure_ascii=False), media_type="application/json")
    return await _written(context, call, found, form)


@router.get(
    "/v1/commitments/{id}/odrl",
    "getCommitmentPolicy",
    "A commitment as an ODRL agreement",
    "not-found",
    "no-contract",
    "commitment-ended",
    "no-receipt",
    "cannot-replay",
    parameters=[_COMMITMENT_ID, FORM],
    writes=True,
    answers={200: _POLICY},
    response_class=Response,
)
async def of_commitment(context: Reading, call: Call[None]) -> Response:
    """The `Agreement` of an exchange that is committed, with its duties, its last day, what it rests on, and its receipt."""
    id, form = named(call.path["id"]), FORM.of(call.query) or FORM_UNNAMED
    reader = PermitReader(call.service, call.shared(Replayer))
    found = await call.service.turns.run(context.caller.id, partial(reader.of_commitment, context, id), long=True)
    return await _written(context, call, found, form)


async def _written(context: Reading, call: Call[None], permit: StandingPermit, form: contract_writing.Form) -> Response:
    """The policy; of a committed exchange with its receipt, which may add a leaf to the log. Raises RequestRefused."""
    service, receipt = call.service, None
    if permit.commitment is not None:
        issued = await ReceiptIssuer(service, call.shared(Replayer)).receipt(context, permit.decision)
        receipt = issued.to_bytes()
        if (json.loads(issued.leaf)["committed"] or {}).get("id") != permit.commitment.id:
            raise RequestRefused("commitment-ended", f"the commitment {permit.commitment.id} ended meanwhile")
    log = await service.turns.run(context.caller.id, partial(service.read_tree, lambda tree: str(tree.key.origin)), long=True)
    policy = contract_writing.policy(permit, log, receipt, form)
    return Response(json.dumps(policy, ensure_ascii=False), media_type=MEDIA_TYPE)
