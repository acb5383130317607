"""
`POST /v1/evaluate/batch`: many exchanges in, as many decisions or problems out, in the same order.

The body is taken apart into the bytes of each exchange, and each is then read and decided like one that comes alone. All
decisions are recorded by one commit, and nothing is answered before it: either every decision of a batch is in the log, or
none. Between decisions the event loop turns, and one batch is decided at a time, so that a few large ones cannot fill the
memory.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse

import engine
from service.api import schemas
from service.api.sent import PARAMETERS, Plain, asked, body
from service.callers.caller import Caller, caller_of
from service.decisions.decider import Asked, Decider, durable
from service.decisions.idempotency import Answer, Work, key_of, once_prepared
from service.log.leaf import Entry
from service.policies.shadow import Given
from service.problems import Problem, Refused
from service.service import Service
from service.telemetry.log_lines import note

# What the records of one batch may take in memory, as much as their answers do.
MOST_BYTES = 64 * 1024 * 1024

# Batches that are sent or wait for their turn; each holds its body.
MOST_BATCHES = 8

_OPENING = re.compile(r'[ \t\n\r]*\{[ \t\n\r]*"exchanges"[ \t\n\r]*:[ \t\n\r]*\[[ \t\n\r]*')
_COMMA = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")
_CLOSING = re.compile(r"[ \t\n\r]*\][ \t\n\r]*\}[ \t\n\r]*\Z")
_SHAPE = 'the body is {"exchanges": [ … ]} and nothing else'
_skip_value = json.JSONDecoder().raw_decode


class DecisionResult(BaseModel):
    """An exchange that was decided; its record is in the log."""

    model_config = ConfigDict(frozen=True)

    decision: engine.Decision


class ProblemResult(BaseModel):
    """An exchange that was refused; nothing was recorded of it. The pointers of its errors lead into the exchange."""

    model_config = ConfigDict(frozen=True)

    problem: Problem


class Results(BaseModel):
    """One result for each exchange, in the order in which they were sent."""

    model_config = ConfigDict(frozen=True)

    results: tuple[DecisionResult | ProblemResult, ...]


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""
    decider = Decider(service)
    settings = service.settings
    one_at_a_time = asyncio.Lock()
    places = asyncio.Semaphore(MOST_BATCHES)

    async def evaluate_batch(request: Request) -> Response:
        """Decides each exchange of the body, records all decisions in one commit, and answers with them."""
        caller = caller_of(request.scope, "evaluate")
        wanted = asked(request.scope["query_string"])
        if places.locked():
            raise service.load.turn_away(f"{MOST_BATCHES} batches are under way")
        async with places:
            return await answered(request, caller, wanted)

    async def answered(request: Request, caller: Caller, wanted: Asked) -> Response:
        repeatable = key_of(request) is not None
        raw = await body(request, settings.batch_body_limit)
        leaving = asyncio.ensure_future(request.receive())  # nothing more comes but the word that the caller has left

        def tell(answers: list[bytes], entries: list[Entry], given: list[Given], records: range) -> None:
            note(request.scope, decisions=len(entries), problems=len(answers) - len(entries))
            for sequence, each in zip(records, given, strict=True):
                service.compare(sequence, each)

        async def prepare() -> Work:
            answers, entries, given = await decide(request, await taken_apart(raw), wanted, caller, leaving)
            whole = b'{"results":[%b]}' % b",".join(answers)

            def work(transaction: sa.Connection) -> Answer:
                records = service.store.record(transaction, entries)
                return Answer(whole, records=records, after=lambda: tell(answers, entries, given, records))

            return work

        try:
            async with one_at_a_time:
                if repeatable:
                    return await once_prepared(service, request, caller, raw, prepare)
                answers, entries, given = await decide(request, await taken_apart(raw), wanted, caller, leaving)
                tell(answers, entries, given, await durable(service.store.append_many(entries)))
        finally:
            leaving.cancel()
        length = sum(map(len, answers)) + max(len(answers) - 1, 0) + len(b'{"results":[]}')
        headers = {"Content-Length": str(length)}
        return StreamingResponse(_written(answers), headers=headers, media_type="application/json")

    async def taken_apart(raw: bytes) -> list[bytes]:
        """The bytes of each exchange. Raises Refused."""
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("batch-refused", "the body is not UTF-8") from None
        opening = _OPENING.match(text)
        if not opening:
            raise Refused("batch-refused", _SHAPE)
        at = opening.end()
        found: list[bytes] = []
        if text[at : at + 1] == "]" and not _CLOSING.match(text, at):
            raise Refused("batch-refused", _SHAPE)  # there is more beside the exchanges
        more = not _CLOSING.match(text, at)
        while more:
            if len(found) == settings.batch_limit:
                raise Refused("batch-too-large", f"a batch has at most {settings.batch_limit} exchanges")
            async with service.turns:
                end = _end_of_value(text, at)
                found.append(text[at:end].encode())
                comma = _COMMA.match(text, end)
                if not comma and not _CLOSING.match(text, end):
                    raise Refused(
                        "batch-refused", f"after exchange {len(found)} there is neither a comma nor the end; {_SHAPE}"
                    )
                at = comma.end() if comma else end
                more = comma is not None
        return found

    async def decide(
        request: Request, exchanges: Sequence[bytes], wanted: Asked, caller: Caller, leaving: asyncio.Future[Any]
    ) -> tuple[list[bytes], list[Entry], list[Given]]:
        """What to answer to each exchange, what to record, and what was decided. Raises Refused, ClientDisconnect."""
        now = service.clock()
        live = service.live  # one bundle for the whole batch
        request_id: str = request.scope["request_id"]
        answers: list[bytes] = []
        entries: list[Entry] = []
        given: list[Given] = []
        held = 0
        for number, exchange in enumerate(exchanges):
            async with service.turns:
                if leaving.done():
                    raise ClientDisconnect
                try:
                    sent = decider.read(live, exchange, now)
                    decided = decider.decide(live, sent.exchange, wanted, now, request_id, caller, register=sent.register)
                except Refused as refused:
                    if refused.kind == "not-ready":  # it is not this exchange's fault, and may be tried again
                        raise
                    problem = refused.problem(request.scope["path"], request_id, f"/exchanges/{number}")
                    answers.append(b'{"problem":%b}' % problem.model_dump_json(exclude_none=True).encode())
                    continue
            answers.append(b'{"decision":%b}' % decided.answer)
            entries.append(decided.entry)
            given.append(decided.given)
            held += len(decided.entry.leaf)
            if held > MOST_BYTES:
                raise Refused("batch-too-large", f"the decisions take more than {MOST_BYTES} bytes; send it in parts")
        return answers, entries, given

    app.router.add_api_route(
        "/v1/evaluate/batch",
        evaluate_batch,
        methods=["POST"],
        summary="Decide many exchanges",
        response_model=Results,
        responses=schemas.problems(400, 403, 408, 413, 415, 503),
        openapi_extra={
            **schemas.needs("evaluate"),
            "requestBody": _body_schema(settings.batch_limit),
            "parameters": [*PARAMETERS, schemas.IDEMPOTENCY_KEY],
        },
        route_class_override=Plain,
    )


def _end_of_value(text: str, at: int) -> int:
    """Where the JSON value that begins here ends; what it is worth is for the engine to say. Raises Refused."""
    try:
        return _skip_value(text, at)[1]
    except (ValueError, RecursionError):
        raise Refused("batch-refused", f"the body is no JSON from its character {at + 1} on") from None


async def _written(answers: list[bytes]) -> AsyncIterator[bytes]:
    lead = b'{"results":['
    for answer in answers:
        yield lead
        yield answer
        lead = b","
    yield b"]}" if answers else lead + b"]}"


def _body_schema(limit: int) -> dict[str, object]:
    anything = {"description": "what is no exchange is answered by a problem in its place"}
    item = {"anyOf": [{"$ref": "#/components/schemas/Exchange"}, anything]}
    exchanges = {"type": "array", "maxItems": limit, "items": item}
    schema = {
        "type": "object",
        "properties": {"exchanges": exchanges},
        "required": ["exchanges"],
        "additionalProperties": False,
    }
    return {"required": True, "content": {"application/json": {"schema": schema}}}
