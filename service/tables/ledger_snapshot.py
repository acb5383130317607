"""
What the register and the ledger of a database say at one moment, for rows: one state is read, whatever is written meanwhile.

The JSON of a row goes in, and the same with what the register says comes out; so does an exchange with its counters. Nothing is written.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

import engine
from service.audit.deep_verification import snapshot
from service.ledger.counter_book import Book
from service.ledger.counter_totals import Moment
from service.ledger.exchange_counters import CounterFiller
from service.policies.live import Live
from service.problems import RequestRefused
from service.register import named_exchanges
from service.settings import Settings
from service.store.database import Database


class LedgerSnapshot:
    """One state of a database. `now` is the moment of it, `today` its day."""

    def __init__(self, connection: sa.Connection, live: Live, settings: Settings, now: datetime, today: date) -> None:
        self._connection = connection
        self._live = live
        self._counts = CounterFiller(settings, Book())
        self._now, self._today = now, today

    def register(self, document: Mapping[str, Any], day: date) -> Mapping[str, Any]:
        """The same exchange with what the register says of the ids in it. Raises engine.ExchangeRefused."""
        raw = json.dumps(dict(document), ensure_ascii=False).encode()
        body = named_exchanges.read(self._live, raw, self._connection, day, reader=True)
        if not body.sound:
            body.accept()
        return body.document

    def counters(self, exchange: engine.Exchange, day: date) -> engine.Exchange:
        """The same exchange with its counters and with what the books say. Raises engine.ExchangeRefused."""
        moment = Moment.of(day, self._now, self._today)
        try:
            return self._counts.fill(self._connection, self._live, exchange, moment).exchange
        except RequestRefused as refused:
            raise engine.ExchangeRefused((engine.ExchangeProblem("", "counts", refused.detail),)) from None


@contextmanager
def ledger_snapshot(database: Database, live: Live, settings: Settings, now: datetime, today: date) -> Iterator[LedgerSnapshot]:
    """The state of a database as it is now."""
    with snapshot(database) as connection:
        yield LedgerSnapshot(connection, live, settings, now, today)
