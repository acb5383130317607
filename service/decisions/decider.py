"""
From the bytes of an exchange to a decision that is ready to be recorded and sent.

What the endpoints share. Nothing here waits: whoever calls it takes a turn first, and sends nothing before the record is
durable.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from time import perf_counter
from types import MappingProxyType
from typing import Any, TypeVar

import sqlalchemy as sa
from uuid_utils import uuid7

import engine
from service.callers.caller import Caller
from service.ledger.book import Book
from service.ledger.counts import Counts, Filled, Moment
from service.log.canonical import NotCanonical
from service.log.leaf import Entry, seal
from service.log.summary import Summary
from service.policies.live import Live
from service.policies.shadow import Given
from service.problems import PLACES_SHOWN, Place, Refused
from service.register import named_exchanges
from service.register.named_exchanges import Named
from service.reviews import sign_offs
from service.service import Service
from service.settings import time_zone
from service.store.writer import LogBusy, NotRecorded
from service.telemetry import tracing

Recorded = TypeVar("Recorded")

_NOBODY: Mapping[str, Any] = MappingProxyType({})


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
        self._counts = Counts(service.settings, Book())

    def read(self, live: Live, raw: bytes, now: datetime) -> Named:
        """The exchange in these bytes, which may name parties and data of the register as it is `now`. Raises Refused."""
        try:
            if named_exchanges.might_name(raw):
                return named_exchanges.read(live, raw, self._service.store.database.reading, self._today(now))
            return Named(engine.parse_exchange(live.bundle, raw), _NOBODY)
        except engine.ExchangeRefused as refused:
            problems = refused.problems
        except sa.exc.SQLAlchemyError:
            raise Refused("not-ready", "the register cannot be read", headers={"Retry-After": "1"}) from None
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
        self,
        live: Live,
        exchange: engine.Exchange,
        asked: Asked,
        now: datetime,
        request_id: str,
        caller: Caller,
        register: Mapping[str, Any] = _NOBODY,
        filled: Filled | None = None,
        denied: Callable[[engine.Written], str] = lambda written: "",
    ) -> Decided:
        """
        The decision on an exchange; `now` is the moment of the record, and its day is today. Raises Refused.

        `live` is what the exchange was read by, `caller` who asked, `register` which versions of the register are in it; `filled` the
        exchange with its counters, where somebody looked already; `denied` says why
        whoever asked hears no although it may proceed, "" where they do not.

        Engines that disagree are an incident, and so are engines that all fail; neither is a permit.
        """
        today = self._today(now)
        as_of = exchange.as_of or today
        id = str(uuid7())
        filled = filled or self._filled(live, exchange, Moment(as_of, now if as_of == today else None))
        exchange = filled.exchange
        began = perf_counter()
        try:
            written, unsigned = self._written(live, exchange, asked, as_of, today, id)
        except engine.EnginesFailed as failed:
            self._service.incidents.failure(live.pdp, request_id, id, as_of, failed)
            raise Refused("internal", "no engine could decide; the log has the details under this request id") from None
        if not written.engine.agreed:
            self._service.incidents.disagreement(live.pdp, request_id, written)
        try:
            no = denied(written)
            more = {"counted": filled.marks, "denied": no, "register": register}
            answer, members = live.records.write(written, now, caller.id, more)
            summary = Summary.of(written, now, caller.id, live.digests.source, denied=bool(no))
            entry = seal({"id": id, "request": exchange.document}, exchange.personal, written=members, summary=summary)
        except NotCanonical:
            raise Refused("exchange-refused", "the body holds a number or a text that JSON cannot carry safely") from None
        took = perf_counter() - began
        self._service.metrics.decided(written.outcome, took)
        revision = live.digests.source
        tracing.done("decide", took, decision_id=id, decision_outcome=written.outcome, policy_revision=revision)
        # A shadow knows of no sign-offs, so it is held against what was decided without them.
        return Decided(written, answer, entry, Given.of(unsigned, exchange, today))

    def look(self, live: Live, exchange: engine.Exchange, now: datetime) -> engine.Written:
        """What `decide` would say, for searches: it is recorded nowhere. Raises Refused, engine.EnginesFailed."""
        today = self._today(now)
        as_of = exchange.as_of or today
        filled = self._filled(live, exchange, Moment(as_of, now if as_of == today else None))
        return self._written(live, filled.exchange, Asked(), as_of, today, "")[0]

    def _written(
        self, live: Live, exchange: engine.Exchange, asked: Asked, as_of: date, today: date, id: str
    ) -> tuple[engine.Written, engine.Written]:
        """The decision, and what it is without sign-offs. Raises engine.EnginesFailed."""
        write = partial(live.pdp.write, exchange, as_of=as_of, today=today, id=id, include=asked.include, lang=asked.lang)
        unsigned = write()
        # Sign-offs are looked for only where one could tell, and that is known once it is decided without them.
        if unsigned.signable and unsigned.outcome in sign_offs.OPEN:
            signed = self._signed(live, exchange, max(as_of, today))
            return write(signed=signed) if signed else unsigned, unsigned
        return unsigned, unsigned

    def _signed(self, live: Live, exchange: engine.Exchange, day: date) -> list[engine.SignOff]:
        """The approvals that stand for an exchange; none where the log cannot be read, for then nobody knows."""
        try:
            with self._service.store.database.reading.connect() as connection:
                return sign_offs.standing(connection, live, exchange, day)
        except sa.exc.SQLAlchemyError:
            return []

    def _today(self, now: datetime) -> date:
        return now.astimezone(self._zone).date()

    def _filled(self, live: Live, exchange: engine.Exchange, moment: Moment) -> Filled:
        """The exchange with its counters as they are now; whoever commits it looks again."""
        if not live.counting.counters:
            return Filled(exchange, {}, {})
        try:
            with self._service.store.database.reading.connect() as connection:
                return self._counts.fill(connection, live, exchange, moment)
        except sa.exc.SQLAlchemyError:
            raise Refused("not-ready", "the ledger cannot be read", headers={"Retry-After": "1"}) from None


async def durable(recording: Awaitable[Recorded]) -> Recorded:
    """Wait until the log has what it was given. Raises Refused where it does not, for then nothing may be answered."""
    began = perf_counter()
    failed = ""
    try:
        return await recording
    except LogBusy:
        failed = "busy"
        raise Refused("busy", "try again in a moment", headers={"Retry-After": "1"}) from None
    except NotRecorded:
        failed = "not-recorded"
        raise Refused("not-recorded", "try again in a moment", headers={"Retry-After": "1"}) from None
    finally:
        tracing.done("record", perf_counter() - began, failed)
