"""
`POST /v1/odrl/read`: what a contract in ODRL states, and what of it was not understood. Nothing is decided or recorded.

The same document is what `fifthfactor odrl read` writes.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

import engine
from service.api.request_bodies import body
from service.api.router import Call, Router
from service.callers.context import EvaluatingAll
from service.doors.odrl import contract_reading, json_ld, turtle
from service.doors.odrl.contract_limits import Unread
from service.doors.odrl.contract_policy import ContractPolicy
from service.doors.odrl.contract_reading import ContractReading
from service.log.record import PolicyDigests
from service.problems import RequestRefused

JSON_LD = ("application/ld+json", "application/json")
TYPES = (*JSON_LD, turtle.MEDIA_TYPE)
_POLICY: dict[str, Any] = {"type": "object", "description": "an ODRL 2.2 policy, or a message with one, in JSON-LD"}
_EXAMPLE: dict[str, Any] = {
    "@context": "http://www.w3.org/ns/odrl.jsonld",
    "@type": "Offer",
    "@id": "urn:uuid:6bcea82e-c509-443d-ba8c-8eef25984c07",
    "assigner": "clinic-7",
    "target": "visits-2026",
    "permission": [
        {"action": "use", "constraint": [{"leftOperand": "spatial", "operator": "eq", "rightOperand": "SG"}]},
    ],
}
BODY: dict[str, Any] = {
    **{each: {"schema": {**_POLICY, "examples": [_EXAMPLE]}} for each in JSON_LD},
    turtle.MEDIA_TYPE: {"schema": {"type": "string", "description": "a policy in Turtle"}},
}

router = Router("facts")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class ContractFact(_Frozen):
    """A fact that a contract states."""

    fact: str = Field(description="the name of the fact")
    value: Any = Field(description="its value, as an exchange states it")
    pointer: str = Field(description="where the contract says so: a JSON Pointer into it; in Turtle the name of the subject")
    term: str = Field(description="the term by which it says so")


class ContractTerm(_Frozen):
    """A term of a contract that states no fact, and why."""

    pointer: str = Field(description="where it stands: a JSON Pointer into the contract; in Turtle the name of the subject")
    term: str = Field(description="the term")
    why: str = Field(description="why it states no fact")


class ContractQuestion(_Frozen):
    """A fact that the contract's conditions read, and that it leaves open."""

    fact: str = Field(description="the name of the fact")
    title: str = Field(description="what it is called")
    question: str = Field(description="the question that asks for it; empty where nobody is asked")


class ContractName(_Frozen):
    """Which contract was read."""

    id: str = Field(description="the id of the policy; empty where it has none")
    type: Literal["Set", "Offer", "Agreement"] = Field(description="the type of the policy")
    profiles: tuple[str, ...] = Field(description="the profiles that it names")
    pointer: str = Field(description="where in the document the policy stands")


class MappingUsed(_Frozen):
    """A mapping by which the contract was read."""

    name: str = Field(description="the name of the mapping")
    digest: str = Field(description="the SHA-256 of what the mapping says, in hex")


class ContractRead(_Frozen):
    """What was read of a contract."""

    bundle: PolicyDigests = Field(description="the policies by whose mappings it was read")
    mappings: tuple[MappingUsed, ...] = Field(description="the mappings by which it was read")
    contract: ContractName = Field(description="which contract was read")
    facts: tuple[ContractFact, ...] = Field(description="the facts that it states, each with its place")
    not_understood: tuple[ContractTerm, ...] = Field(
        description="what was not understood: it counts neither as met nor as not met, and is asked by `terms.rest_met`"
    )
    no_condition: tuple[ContractTerm, ...] = Field(description="what is known, and is no condition of an exchange")
    never_met: tuple[ContractTerm, ...] = Field(description="what can never be met; a permission with it permits nothing")
    asked: tuple[ContractQuestion, ...] = Field(description="what the contract's conditions read, and what it leaves open")
    exchange: dict[str, Any] = Field(
        description="the beginning of an exchange: the facts, and under `carried` the conditions that the contract lays on it"
    )


def policy_in(raw: bytes, turtle_text: bool) -> ContractPolicy:
    """The one policy in a document. Raises RequestRefused."""
    return turtle.read(raw) if turtle_text else json_ld.read(raw)


def reading_document(reading: ContractReading, bundle: engine.Bundle, lang: str = "en") -> ContractRead:
    """A reading as it is written."""
    policy = reading.policy
    return ContractRead(
        bundle=PolicyDigests(meaning=bundle.digests.meaning, source=bundle.digests.source),
        mappings=tuple(
            MappingUsed(name=each.name, digest=each.digest) for each in bundle.mappings.values() if each.door == "odrl"
        ),
        contract=ContractName(id=policy.uid, type=policy.type, profiles=policy.profiles, pointer=policy.pointer),
        facts=tuple(
            ContractFact(fact=each.fact, value=each.value, pointer=each.pointer, term=each.term) for each in reading.stated
        ),
        not_understood=_terms(reading.not_understood),
        no_condition=_terms(reading.no_condition),
        never_met=_terms(reading.never_met),
        asked=tuple(_asked(reading, bundle, lang)),
        exchange=reading.exchange,
    )


def _terms(found: tuple[Unread, ...]) -> tuple[ContractTerm, ...]:
    return tuple(ContractTerm(pointer=each.pointer, term=each.term, why=each.why) for each in found)


def _asked(reading: ContractReading, bundle: engine.Bundle, lang: str) -> list[ContractQuestion]:
    """The facts that the conditions read, without those that the contract closes."""
    closed = {each.fact for each in reading.stated if not (isinstance(each.value, list) and "unknown" in each.value)}
    read = [fact for each in reading.exchange["carried"] for fact in engine.condition_facts(bundle, each["provision"])]
    found = []
    for name in dict.fromkeys(read):
        entry = bundle.facts.get(name)
        if name not in closed and entry is not None:
            found.append(
                ContractQuestion(fact=name, title=entry.title.in_(lang), question=entry.ask.in_(lang) if entry.ask else "")
            )
    return found


@router.post(
    "/v1/odrl/read",
    "readContract",
    "Read a contract in ODRL",
    "contract-refused",
    "not-found",
    "not-installed",
    "unsupported-media-type",
    body=BODY,
    repeatable=False,
)
async def read(context: EvaluatingAll, call: Call[None]) -> ContractRead:
    """
    The facts that an offer or an agreement in ODRL 2.2 states, the place of each, what was not understood, and what is asked.

    The body is a policy, or a message with one, in JSON-LD; with the content type `text/turtle` it is Turtle. No context is fetched.
    Nothing is decided and nothing is recorded.
    """
    kind = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in TYPES:
        raise RequestRefused("unsupported-media-type", f"send the contract as {', '.join(f'`{each}`' for each in TYPES)}")
    raw = await body(call.request, json_ld.MOST_BYTES, kind)
    bundle, zone = context.live.bundle, call.service.settings.tzinfo

    def reading() -> ContractRead:
        return reading_document(contract_reading.read(policy_in(raw, kind == turtle.MEDIA_TYPE), bundle, zone), bundle)

    return await call.service.turns.run(context.caller.id, partial(reading), long=True)
