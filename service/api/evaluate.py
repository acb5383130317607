"""
`POST /v1/evaluate`: an exchange in, a decision out, its record on the disk before the answer leaves.

The body is read once, as bytes, up to a limit; the engine validates these bytes and nothing else does.
"""

import asyncio
from datetime import UTC
from time import perf_counter

from fastapi import FastAPI, Request, Response
from pydantic_core import to_json
from uuid_utils import uuid7

import engine
from service.api import schemas
from service.gate import note
from service.log.canonical import NotCanonical
from service.log.leaf import seal
from service.log.record import Digests, EngineVersion, Record
from service.log.store import LogBusy, NotRecorded
from service.problems import PLACES_SHOWN, Place, Refused
from service.service import Service
from service.settings import time_zone

SLICE_SECONDS = 0.05


class Turns:
    """
    Lets the event loop turn after every 50 ms of deciding, so that answers leave and probes are heard in between.

    Deciding holds the loop: a thread of its own would cost more than most decisions do. Used as `async with turns:`.
    """

    def __init__(self) -> None:
        self._spent = 0.0
        self._began = 0.0
        self._next = asyncio.Lock()

    async def __aenter__(self) -> None:
        async with self._next:
            if self._spent > SLICE_SECONDS:
                await asyncio.sleep(0)
                self._spent = 0.0
        self._began = perf_counter()

    async def __aexit__(self, *_: object) -> None:
        self._spent += perf_counter() - self._began


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""
    turns = Turns()
    limit = service.settings.body_limit
    zone = time_zone(service.settings.zone)
    digests = Digests(meaning=service.bundle.digests.meaning, source=service.bundle.digests.source)
    version = EngineVersion(version=engine.__version__)

    @app.post(
        "/v1/evaluate",
        summary="Decide an exchange",
        response_model=engine.Decision,
        responses=schemas.problems(400, 413, 415, 503),
        openapi_extra=schemas.EXCHANGE_BODY,
    )
    async def evaluate(request: Request) -> Response:
        """Decides the exchange in the body, records the decision, and answers with it."""
        exchange = _parsed(service.bundle, await _body(request, limit))
        now = service.clock()
        today = now.astimezone(zone).date()
        async with turns:
            decision = service.pdp.decide(exchange, as_of=exchange.as_of or today, today=today, id=str(uuid7()))
        note(request.scope, decision_id=decision.id, outcome=decision.outcome, proceed=decision.proceed)
        if not decision.engine.agreed:
            service.say.error(
                "incident",
                request_id=request.scope["request_id"],
                decision_id=decision.id,
                disagreement=decision.engine.disagreement,
            )
        record = Record(
            id=decision.id,
            recorded_at=now.astimezone(UTC),
            asked_by=None,
            as_of=decision.as_of,
            request=exchange.document,
            decision=decision,
            bundle=digests,
            engine=version,
        ).document()
        try:
            entry = seal(record, exchange.personal)
        except NotCanonical:
            raise Refused("exchange-refused", "the body holds a number or a text that JSON cannot carry safely") from None
        answer = to_json(record["decision"])
        try:
            await service.store.append(entry)
        except LogBusy:
            raise Refused("busy", "try again in a moment", headers={"Retry-After": "1"}) from None
        except NotRecorded:
            raise Refused("not-recorded", "try again in a moment", headers={"Retry-After": "1"}) from None
        return Response(answer, media_type="application/json")


async def _body(request: Request, limit: int) -> bytes:
    """The whole body, of at most `limit` bytes, sent as plain JSON."""
    content_type, _, parameters = request.headers.get("content-type", "").partition(";")
    if content_type.strip().lower() != "application/json":
        raise Refused("unsupported-media-type", "send the exchange as `Content-Type: application/json`")
    if parameters.strip().lower().replace('"', "") not in ("", "charset=utf-8"):
        raise Refused("unsupported-media-type", "JSON is UTF-8; leave other parameters out of the content type")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Refused("unsupported-media-type", "send the body without a content encoding")
    too_large = Refused("body-too-large", f"a body has at most {limit} bytes")
    declared = request.headers.get("content-length", "0")
    # The length of the number goes first: Python refuses to read one of 5,000 digits.
    if len(declared) > 15 or (declared.isdecimal() and int(declared) > limit):
        raise too_large
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise too_large
    return bytes(body)


def _parsed(bundle: engine.Bundle, raw: bytes) -> engine.Exchange:
    try:
        return engine.parse_exchange(bundle, raw)
    except engine.ExchangeRefused as refused:
        problems = refused.problems
    places = tuple(Place(pointer=each.pointer, code=each.code, detail=each.detail) for each in problems[:PLACES_SHOWN])
    match len(problems):
        case 1:
            detail = "1 place in the body is wrong"
        case count if count < PLACES_SHOWN:
            detail = f"{count} places in the body are wrong"
        case _:
            detail = f"at least {PLACES_SHOWN} places in the body are wrong; {PLACES_SHOWN} are listed"
    raise Refused("exchange-refused", detail, errors=places)
