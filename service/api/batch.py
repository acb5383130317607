"""
`POST /v1/evaluate/batch`: many exchanges in, a decision or a problem for each out, in the same order.

The body is split into the bytes of each exchange. Each exchange is then read and decided like a single one. One commit records
all decisions, and the answer leaves after it: either every decision of a batch is in the log, or none. Each exchange has a turn of its
own, and the turns go round among the callers.
"""

import json
import re
from collections.abc import Sequence
from functools import partial

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

from service.api.operations import json_body, operation
from service.api.request_bodies import PARAMETERS, Plain, asked, body
from service.callers.caller import Caller, caller_of
from service.decisions.answer_options import AnswerOptions
from service.decisions.batch_limits import LargeRequests, RequestMemory
from service.decisions.decider import Decider
from service.decisions.kept_permits import KeepableAnswer, with_keep_until
from service.decisions.recording import Outgoing, record_and_answer
from service.log.leaf import SealedRecord
from service.policies.shadow import GivenToShadow
from service.problems import Problem, RequestRefused
from service.service import Service

_OPENING = re.compile(r'[ \t\n\r]*\{[ \t\n\r]*"exchanges"[ \t\n\r]*:[ \t\n\r]*\[[ \t\n\r]*')
_COMMA = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")
_CLOSING = re.compile(r"[ \t\n\r]*\][ \t\n\r]*\}[ \t\n\r]*\Z")
_SHAPE = 'the body must be {"exchanges": [ … ]} and nothing else'
_skip_value = json.JSONDecoder().raw_decode


class DecisionResult(BaseModel, frozen=True):
    """An exchange that was decided; its record is in the log."""

    decision: KeepableAnswer


class ProblemResult(BaseModel, frozen=True):
    """An exchange that was refused; nothing of it is recorded. The pointers of its errors start at the exchange."""

    problem: Problem


class BatchResults(BaseModel, frozen=True):
    """One result for each exchange, in the order in which they were sent."""

    results: tuple[DecisionResult | ProblemResult, ...]


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""
    decider = Decider(service)
    settings = service.settings
    batches = LargeRequests(service.load, "batches")

    async def evaluate_batch(request: Request) -> Response:
        """Decides each exchange of the body, records all decisions in one commit, and answers with them."""
        caller = caller_of(request.scope, "evaluate", of_party=True)
        wanted = asked(request)
        with batches.place(caller):
            raw = await body(request, settings.batch_body_limit)
            with batches.holding(request) as holding:

                async def decide() -> Outgoing:
                    return await decided(request, await taken_apart(raw, caller), wanted, caller, holding)

                return await record_and_answer(service, request, caller, raw, decide)

    async def taken_apart(raw: bytes, caller: Caller) -> list[bytes]:
        """The bytes of each exchange. Raises RequestRefused."""
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise RequestRefused("batch-refused", "the body is not UTF-8") from None
        opening = _OPENING.match(text)
        if not opening:
            raise RequestRefused("batch-refused", _SHAPE)
        at = opening.end()
        found: list[bytes] = []
        if text[at : at + 1] == "]" and not _CLOSING.match(text, at):
            raise RequestRefused("batch-refused", _SHAPE)  # the body has another member
        more = not _CLOSING.match(text, at)
        while more:
            if len(found) == settings.batch_limit:
                raise RequestRefused("batch-too-large", f"a batch has at most {settings.batch_limit} exchanges")
            async with service.turns.of(caller.id):
                end = _end_of_value(text, at)
                found.append(text[at:end].encode())
                comma = _COMMA.match(text, end)
                if not comma and not _CLOSING.match(text, end):
                    raise RequestRefused(
                        "batch-refused", f"exchange {len(found)} is followed by neither a comma nor the end; {_SHAPE}"
                    )
                at = comma.end() if comma else end
                more = comma is not None
        return found

    async def decided(
        request: Request, exchanges: Sequence[bytes], wanted: AnswerOptions, caller: Caller, holding: RequestMemory
    ) -> Outgoing:
        """The decisions, and the result for each exchange. Raises RequestRefused, ClientDisconnect."""
        now = service.clock()
        live = service.live  # one bundle for the whole batch
        request_id: str = request.scope["request_id"]
        entries: list[SealedRecord] = []
        given: list[GivenToShadow | None] = []
        pieces = [b'{"results":[']
        for number, exchange in enumerate(exchanges):
            if number:
                pieces.append(b",")
            await holding.room()
            await service.turns.let_in()
            work = partial(decider.answer, live, exchange, wanted, now, request_id, caller)
            try:
                each = await service.turns.run(caller.id, work, long=wanted.long)
            except RequestRefused as refused:
                if refused.kind in ("not-ready", "seal-broken"):  # the exchange is not at fault
                    raise
                problem = refused.problem(request.scope["path"], request_id, f"/exchanges/{number}")
                pieces.append(b'{"problem":%b}' % problem.model_dump_json(exclude_none=True).encode())
                continue
            pieces.append(b'{"decision":%b}' % with_keep_until(each.answer, each.keep_until))
            entries.append(each.entry)
            given.append(each.given)
            holding.add(each.entry, len(each.answer))
        noted = {"decisions": len(entries), "problems": len(exchanges) - len(entries)}
        return Outgoing(entries, given, [*pieces, b"]}"], noted)

    app.router.add_api_route(
        "/v1/evaluate/batch",
        evaluate_batch,
        methods=["POST"],
        response_model=BatchResults,
        route_class_override=Plain,
        **operation(
            "evaluateBatch",
            "decisions",
            "Decide many exchanges",
            "batch-refused",
            "batch-too-large",
            needs="evaluate",
            parameters=PARAMETERS,
            body=json_body(_body_schema(settings.batch_limit)),
            repeatable=True,
        ),
    )


def _end_of_value(text: str, at: int) -> int:
    """The end of the JSON value that begins at `at`. The engine checks the value later. Raises RequestRefused."""
    try:
        return _skip_value(text, at)[1]
    except (ValueError, RecursionError):
        raise RequestRefused("batch-refused", f"the body is not JSON from character {at + 1} on") from None


def _body_schema(limit: int) -> dict[str, object]:
    anything = {"description": "an item that is not an exchange gets a problem in its place"}
    item = {"anyOf": [{"$ref": "#/components/schemas/Exchange"}, anything]}
    about = "the exchanges; each has its result in the same place of the answer"
    exchanges = {"type": "array", "description": about, "maxItems": limit, "items": item}
    return {
        "type": "object",
        "properties": {"exchanges": exchanges},
        "required": ["exchanges"],
        "additionalProperties": False,
    }
