"""`POST /v1/recipients`: which of these recipients may take it, in brief for each. Nothing is recorded."""

from functools import partial
from typing import Literal

from fastapi import Response
from pydantic import Field

from service.api.operations import Shown, json_body
from service.api.request_bodies import LANG, body, language
from service.api.router import Call, Router
from service.callers.context import EvaluatingAll
from service.decisions.answer_options import AnswerOptions
from service.decisions.recipients import RecipientDecided, Recipients
from service.limits import RECIPIENTS
from service.log.record import PolicyDigests
from service.problems import Problem, RequestRefused

_BODY = {
    "type": "object",
    "properties": {
        "exchange": {"$ref": "#/components/schemas/Exchange", "description": "the exchange, without its recipient"},
        "recipients": {
            "type": "array",
            "description": "the recipients to choose from; each has its result in the same place of the answer",
            "minItems": 1,
            "maxItems": RECIPIENTS,
            "items": {
                "anyOf": [
                    {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": 256,
                        "description": "an id in the register; `the public` or `worldwide` is every party and every country",
                    },
                    {"type": "object", "description": "the facts of a recipient, as an exchange has them under `recipient`"},
                ]
            },
        },
    },
    "required": ["exchange", "recipients"],
    "additionalProperties": False,
}

router = Router("decisions")


class Choosing(EvaluatingAll, scope="evaluate", of_party=False, also=("read",)):
    """Asks which of several recipients may take something; the answer says what the register told."""


class RecipientBounds(Shown):
    """The mildest and the strictest outcome that the unknown facts leave possible."""

    lowest: str
    highest: str


class ProhibitingProvision(Shown):
    """A provision that certainly prohibits the exchange, by its id."""

    provision: str
    citation: str = Field(description="where it stands in its law")


class NextFact(Shown):
    """The next fact to find out."""

    fact: str
    question: str = Field(description="the question that asks for it")


class RecipientBrief(Shown):
    """
    What comes of one recipient, in brief. `proceed` is true only where the exchange with this recipient, evaluated now, may go ahead.

    `unmet` are titles of what is required and not shown, `prohibited_by` the provisions that certainly prohibit it, and `question` is the
    next fact to find out.
    """

    outcome: str
    proceed: bool
    bounds: RecipientBounds
    unmet: tuple[str, ...] = Field(description="the titles of what is required and not shown")
    prohibited_by: tuple[ProhibitingProvision, ...] = Field(description="the provisions that certainly prohibit the exchange")
    question: NextFact | None = Field(default=None, description="the next fact to find out, where one is missing")


class RecipientDecision(Shown):
    """A recipient on which was decided."""

    decision: RecipientBrief


class RecipientProblem(Shown):
    """A recipient that was refused. The pointers of its errors start at the body."""

    problem: Problem


class RecipientResults(Shown):
    """One result for each recipient, in the order in which they were sent. Nothing is recorded, and nothing of it can be committed."""

    bundle: PolicyDigests
    as_of: str
    hypothetical: bool
    recorded: Literal[False] = Field(default=False, description="always false: evaluate the exchange before it happens")
    results: tuple[RecipientDecision | RecipientProblem, ...]


@router.post(
    "/v1/recipients",
    "decideRecipients",
    "Decide which recipients may take it",
    "exchange-refused",
    "batch-too-large",
    parameters=[LANG],
    body=json_body(_BODY),
    repeatable=False,
)
async def decide_recipients(context: Choosing, call: Call[None]) -> RecipientResults | Response:
    """
    Decides an exchange with each of the recipients, by the register and the ledger as they are, in one pass of the policies.

    Nothing is recorded and nothing can be committed: evaluate the exchange with the recipient that is chosen.

    The caller needs the scope `read` too.
    """
    service, request, caller = call.service, call.request, context.caller
    lang = language(call.query.get("lang", AnswerOptions().lang))
    raw = await body(request, service.settings.body_limit)
    work = partial(call.shared(Recipients).decide, raw, caller, context.request_id, lang)
    found = await service.turns.run(caller.id, work, long=True)
    results = tuple(
        RecipientProblem(problem=each.problem(request.scope["path"], context.request_id, f"/recipients/{number}"))
        if isinstance(each, RequestRefused)
        else RecipientDecision(decision=_shown(each))
        for number, each in enumerate(found.each)
    )
    call.note(recipients=len(results))
    return RecipientResults(
        bundle=found.live.digests, as_of=found.as_of.isoformat(), hypothetical=found.hypothetical, results=results
    )


def _shown(found: RecipientDecided) -> RecipientBrief:
    low, high = found.brief.bounds.low, found.brief.bounds.high
    return RecipientBrief(
        outcome=found.brief.outcome,
        proceed=found.proceed,
        bounds=RecipientBounds(lowest=low.word, highest=high.word),
        unmet=tuple(found.unmet),
        prohibited_by=tuple(ProhibitingProvision(provision=name, citation=cited) for name, cited in found.prohibited_by),
        question=None if found.question is None else NextFact(fact=found.question.fact, question=found.question.question),
    )
