"""
What the ledger says of an exchange that is decided: an exchange goes in, and comes out with its counters, its books and its shares.

The ledger is read as it is now; a commitment reads it again. Where it counts nothing and the books are silent, it is not asked.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

import engine
from service.callers.caller import Caller
from service.ledger import repeated_people
from service.ledger.counter_book import Book
from service.ledger.counter_totals import ANY_NUMBER, Moment
from service.ledger.exchange_counters import CounterFiller, FilledExchange
from service.policies.live import Live
from service.problems import not_readable
from service.service import Service
from service.store import kept_reads


class LedgerCounts:
    """Asks the ledger of one service."""

    def __init__(self, service: Service) -> None:
        self._settings = service.settings
        self._database = service.store.database
        self._filler = CounterFiller(service.settings, Book())

    def nothing(self, live: Live, document: Mapping[str, Any]) -> bool:
        """Whether the ledger counts nothing, and the books are silent on an exchange. Raises sqlalchemy.exc.SQLAlchemyError."""
        with kept_reads.of_ledger():
            return self._filler.unused(self._database, live) and self._filler.silent(self._database, live, document)

    def apart(self, live: Live, exchange: engine.Exchange) -> bool:
        """Whether the ledger can say nothing of an exchange except its shares, whatever will be written there."""
        return self._filler.apart(live, exchange)

    def fill(self, live: Live, exchange: engine.Exchange, now: datetime) -> FilledExchange:
        """The exchange with its counters and what the books say, as they are now. Raises RequestRefused."""
        try:
            if self.nothing(live, exchange.document):
                return self.without(live, exchange, now)
            with kept_reads.of_ledger(), self._database.reading.connect() as connection:
                return self._filler.fill(connection, live, exchange, self._moment(exchange, now))
        except sa.exc.SQLAlchemyError:
            raise not_readable("ledger") from None

    def without(self, live: Live, exchange: engine.Exchange, now: datetime) -> FilledExchange:
        """The exchange with its counters where the ledger counts nothing and the books are silent. Raises RequestRefused."""
        if not self._filler.sent(live, exchange.document):
            return FilledExchange(exchange, {}, dict.fromkeys(live.counting.facts, ANY_NUMBER))
        return self._filler.fill(None, live, exchange, self._moment(exchange, now))

    def check_same_people(self, live: Live, exchange: engine.Exchange, now: datetime, caller: Caller) -> None:
        """The earlier data set that an exchange names must count wherever the exchange does. Raises RequestRefused."""
        if not any(repeated_people.says_so(each, exchange) for each in live.counting.counters):
            return
        try:
            with self._database.reading.connect() as connection:
                self._filler.check_again(connection, live, exchange, self._moment(exchange, now), caller)
        except sa.exc.SQLAlchemyError:
            raise not_readable("ledger") from None

    def _moment(self, exchange: engine.Exchange, now: datetime) -> Moment:
        return Moment.of(exchange.as_of, now, self._settings.day_of(now))
