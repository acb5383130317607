"""
`POST /v1/odrl/decide`: an exchange under a contract in, a decision out, in one call.

The contract is read into facts, and the request adds what it leaves out. The decision is made, recorded and answered as any other. Its
record names the digest of the contract, so that whoever has the contract can show that it is the one; a replay needs only the record.

- INVARIANT (nothing unread is a yes): what was not understood of the contract is a condition that nobody knows to be met, and is asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from hashlib import sha256
from typing import Any, Literal

from fastapi import Response
from pydantic import Field

import engine
from service.api.operations import EXCHANGE_BODY
from service.api.request_bodies import PARAMETERS, asked, body
from service.api.router import Call, Router
from service.callers.context import Evaluating
from service.decisions.decider import DecidedExchange, Decider
from service.decisions.kept_permits import KeepableAnswer, with_keep_until
from service.decisions.recording import Outgoing, record_and_answer
from service.doors.odrl import contract_merge, contract_reading, json_ld, turtle
from service.doors.odrl.contract_policy import ContractPolicy
from service.doors.odrl.contract_reading import ContractReading
from service.doors.odrl.read_contracts import ContractFact, ContractName, ContractTerm, reading_document
from service.log.canonical_json import NotCanonical, canonical
from service.problems import ProblemPlace, RequestRefused, no_such

CONTRACT, EXCHANGE = "contract", "exchange"
PERSONAL = "personal"  # in place of a value of a fact that is marked personal, as in every answer

_BODY: dict[str, Any] = {
    "application/json": {
        "schema": {
            "type": "object",
            "required": [CONTRACT],
            "additionalProperties": False,
            "properties": {
                CONTRACT: {
                    "description": "an ODRL 2.2 policy, or a message with one: JSON-LD as an object, Turtle as a text",
                    "anyOf": [{"type": "object"}, {"type": "string", "minLength": 1}],
                },
                EXCHANGE: {
                    "description": "what the contract leaves out of the exchange",
                    **EXCHANGE_BODY["application/json"]["schema"],
                },
            },
        }
    }
}

router = Router("decisions")


class ContractDecided(ContractName):
    """What was read of the contract."""

    digest: str = Field(description="the SHA-256 of the contract, as the record has it")
    form: Literal["json-ld", "turtle"] = Field(description="the form in which it was sent")
    facts: tuple[ContractFact, ...] = Field(
        description="the facts that it states, each with its place; `personal` is in the place of a value that may be personal"
    )
    not_understood: tuple[ContractTerm, ...] = Field(
        description="what was not understood: it counts neither as met nor as not met, and is asked by `terms.rest_met`"
    )
    no_condition: tuple[ContractTerm, ...] = Field(description="what is known, and is no condition of an exchange")
    never_met: tuple[ContractTerm, ...] = Field(description="what can never be met; a permission with it permits nothing")


class DecidedUnderContract(KeepableAnswer):
    """The answer to an exchange under a contract, and what was read of the contract."""

    contract: ContractDecided = Field(description="what was read of the contract")


@dataclass(frozen=True, slots=True)
class SentContract:
    """A contract as it was sent: the policy in it, and its digest."""

    policy: ContractPolicy
    digest: str
    form: Literal["json-ld", "turtle"]

    @classmethod
    def of(cls, sent: Any) -> SentContract:
        """From JSON-LD as an object, or from Turtle as a text. Raises RequestRefused."""
        if isinstance(sent, str):
            raw = sent.encode()
            return cls(turtle.read(raw), sha256(raw).hexdigest(), "turtle")
        if not isinstance(sent, dict):
            raise RequestRefused("bad-request", f"`{CONTRACT}` is JSON-LD as an object, or Turtle as a text")
        try:
            raw = canonical(sent)
        except NotCanonical:
            raise RequestRefused("bad-request", "the contract holds a number or a text that JSON cannot carry safely") from None
        return cls(json_ld.read(raw), sha256(raw).hexdigest(), "json-ld")

    @property
    def recorded(self) -> Mapping[str, str]:
        """The contract as a record has it."""
        return {"digest": self.digest, "form": self.form, "id": self.policy.uid}


@router.post(
    "/v1/odrl/decide",
    "decideContract",
    "Decide an exchange under a contract in ODRL",
    "exchange-refused",
    "contract-refused",
    "not-found",
    "not-installed",
    parameters=PARAMETERS,
    body=_BODY,
)
async def decide(context: Evaluating, call: Call[None]) -> DecidedUnderContract | Response:
    """
    Reads a contract in ODRL 2.2 into the facts of an exchange, adds those that the request states, decides, and records the decision.

    What the request states otherwise than the contract is refused, with both places. What was not understood of the contract is unknown:
    it is asked, and listed in the answer. No context is fetched.
    """
    service, caller, request = call.service, context.caller, call.request
    wanted = asked(request)
    raw = await body(request, service.settings.body_limit + json_ld.MOST_BYTES)
    decider = Decider(service)

    async def decided() -> Outgoing:
        live = service.live
        sent, exchange = _parts(raw)
        contract, reading, document = await service.turns.run(
            caller.id, partial(_merged, sent, exchange, live.bundle, service.settings.tzinfo), long=True
        )
        whole = json.dumps(document, ensure_ascii=False).encode()

        def work() -> DecidedExchange:
            now, request_id = service.clock(), context.request_id
            try:
                return decider.answer(live, whole, wanted, now, request_id, caller, contract.recorded)
            except RequestRefused as refused:
                raise _at_its_place(refused, reading) from None

        made = await service.turns.run(caller.id, work, long=wanted.long)
        noted = {"decision_id": made.id, "outcome": made.outcome, "proceed": made.proceed}
        told = json.dumps(_told(contract, reading, live.bundle), ensure_ascii=False).encode()
        answer = with_keep_until(made.answer, made.keep_until)
        return Outgoing.of(made, b'%b,"contract":%b}' % (answer.removesuffix(b"}"), told), noted)

    return await record_and_answer(service, request, caller, raw, decided)


def _parts(raw: bytes) -> tuple[Any, dict[str, Any]]:
    """The contract and the exchange in a body. Raises RequestRefused."""
    try:
        sent = engine.read_object(raw, len(raw), "body")
    except engine.ExchangeRefused as why:
        raise RequestRefused("bad-request", why.problems[0].detail) from None
    for name in sent:
        if name not in (CONTRACT, EXCHANGE):
            raise RequestRefused("bad-request", no_such("member", name, (CONTRACT, EXCHANGE)))
    if CONTRACT not in sent:
        raise RequestRefused("bad-request", f"send the contract as `{CONTRACT}`, and what it leaves out as `{EXCHANGE}`")
    exchange = sent.get(EXCHANGE, {})
    if not isinstance(exchange, dict):
        raise RequestRefused("bad-request", f"`{EXCHANGE}` is a JSON object")
    return sent[CONTRACT], exchange


def _merged(
    sent: Any, exchange: dict[str, Any], bundle: engine.Bundle, zone: tzinfo
) -> tuple[SentContract, ContractReading, dict[str, Any]]:
    """The contract, what was read of it, and the exchange under it. Raises RequestRefused."""
    contract = SentContract.of(sent)
    reading = contract_reading.read(contract.policy, bundle, zone)
    return contract, reading, contract_merge.merged(reading, exchange, f"/{EXCHANGE}", f"/{CONTRACT}")


def _at_its_place(refused: RequestRefused, reading: ContractReading) -> RequestRefused:
    """A refusal of the exchange whose places lead into the body: to the contract for what it states, otherwise to the exchange."""
    if not refused.errors:
        return refused
    stated = {"/" + each.fact.replace(".", "/"): each.pointer for each in reading.stated}

    def at(place: ProblemPlace) -> ProblemPlace:
        found = next((at for fact, at in stated.items() if place.pointer == fact or place.pointer.startswith(f"{fact}/")), None)
        pointer = (
            f"/{EXCHANGE}{place.pointer}"
            if found is None
            else f"/{CONTRACT}{found}"
            if found.startswith("/")
            else f"/{CONTRACT}"
        )
        return place.model_copy(update={"pointer": pointer})

    refused.errors = tuple(at(each) for each in refused.errors)
    return refused


def _told(contract: SentContract, reading: ContractReading, bundle: engine.Bundle) -> dict[str, Any]:
    """What was read of a contract, as an answer has it."""
    whole = reading_document(reading, bundle).model_dump(mode="json")
    facts = [{**each, "value": PERSONAL if bundle.facts[each["fact"]].personal else each["value"]} for each in whole["facts"]]
    lists = {name: whole[name] for name in ("not_understood", "no_condition", "never_met")}
    return {**whole["contract"], "digest": contract.digest, "form": contract.form, "facts": facts, **lists}
