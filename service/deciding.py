"""
From the bytes of an exchange to a decision that is ready to be recorded and sent.

What the endpoints share. Nothing here waits: whoever calls it takes a turn first, and sends nothing before the record is
durable.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from uuid_utils import uuid7

import engine
from service.callers import Caller
from service.live import Live
from service.log.canonical import NotCanonical
from service.log.leaf import Entry, seal
from service.log.summary import Summary
from service.problems import PLACES_SHOWN, Place, Refused
from service.service import Service
from service.settings import time_zone
from service.shadow import Given
from service.store.writer import LogBusy, NotRecorded

Recorded = TypeVar("Recorded")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller asks for beside the exchange: more to be told, of engine.INCLUDES, in one of engine.LANGUAGES."""

    include: frozenset[str] = frozenset()
    lang: str = "en"


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision: as it is answered, and as it is recorded."""

    written: engine.Written
    answer: bytes
    entry: Entry
    given: Given  # for a shadow, once the record is durable


class Decider:
    """Reads and decides exchanges for the endpoints of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._zone = time_zone(service.settings.zone)

    def read(self, live: Live, raw: bytes) -> engine.Exchange:
        """The exchange in these bytes. Raises Refused."""
        try:
            return engine.parse_exchange(live.bundle, raw)
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

    def decide(
        self, live: Live, exchange: engine.Exchange, asked: Asked, now: datetime, request_id: str, caller: Caller
    ) -> Decided:
        """
        The decision on an exchange; `now` is the moment of the record, and its day is today. Raises Refused.

        `live` is what the exchange was read by, `caller` who asked.

        Engines that disagree are an incident, and so are engines that all fail; neither is a permit.
        """
        today = now.astimezone(self._zone).date()
        as_of = exchange.as_of or today
        id = str(uuid7())
        try:
            written = live.pdp.write(exchange, as_of=as_of, today=today, id=id, include=asked.include, lang=asked.lang)
        except engine.EnginesFailed as failed:
            self._service.incidents.failure(live, request_id, id, as_of, failed)
            raise Refused("internal", "no engine could decide; the log has the details under this request id") from None
        if not written.engine.agreed:
            self._service.incidents.disagreement(live, request_id, written)
        try:
            answer, members = live.records.write(written, now, caller.id)
            summary = Summary.of(written, now, caller.id, live.digests.source)
            entry = seal({"id": id, "request": exchange.document}, exchange.personal, written=members, summary=summary)
        except NotCanonical:
            raise Refused("exchange-refused", "the body holds a number or a text that JSON cannot carry safely") from None
        return Decided(written, answer, entry, Given.of(written, exchange, today))


async def durable(recording: Awaitable[Recorded]) -> Recorded:
    """Wait until the log has what it was given. Raises Refused where it does not, for then nothing may be answered."""
    try:
        return await recording
    except LogBusy:
        raise Refused("busy", "try again in a moment", headers={"Retry-After": "1"}) from None
    except NotRecorded:
        raise Refused("not-recorded", "try again in a moment", headers={"Retry-After": "1"}) from None
