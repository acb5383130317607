"""
From the bytes of an exchange to the exchange with what the register says of its parties and data, or to the reasons why it is refused.

Everything that takes an exchange from a caller reads it here, so what a caller may state, name and count is checked once for all.
"""

from datetime import datetime

import sqlalchemy as sa

import engine
from service.callers.caller import Caller
from service.decisions.answer_options import AnswerOptions
from service.decisions.ledger_counts import LedgerCounts
from service.ledger import party_view
from service.policies.live import Live
from service.problems import PLACES_SHOWN, ProblemPlace, RequestRefused, not_readable, wrong_places
from service.register import named_exchanges
from service.service import Service


class ExchangeBodies:
    """Reads exchanges for one service. What the vocabulary says of a contradiction is told in `lang`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._ledger = LedgerCounts(service)

    def read(self, live: Live, raw: bytes, now: datetime, caller: Caller, lang: str = AnswerOptions().lang) -> engine.Exchange:
        """The exchange in these bytes, with what the register says of its parties and data `now`. Raises RequestRefused."""
        return self.accept(self.body(live, raw, now, caller, lang), now, caller, lang)

    def body(self, live: Live, raw: bytes, now: datetime, caller: Caller, lang: str) -> named_exchanges.Body:
        """The body of an exchange with what the register says, not yet accepted. Raises RequestRefused."""
        service = self._service
        try:
            today = service.settings.day_of(now)
            body = named_exchanges.read(live, raw, service.store.database.reading, today, caller.reads)
        except engine.ExchangeRefused as refused:
            raise refusal(refused, lang) from None
        except sa.exc.SQLAlchemyError:
            raise not_readable("register") from None
        party_view.check_sent(body.document, caller)
        return body

    def accept(self, body: named_exchanges.Body, now: datetime, caller: Caller, lang: str) -> engine.Exchange:
        """The exchange in a body. Raises RequestRefused."""
        try:
            exchange = body.accept()
        except engine.ExchangeRefused as refused:
            raise refusal(refused, lang) from None
        party_view.check_counted(body.live, exchange, caller)
        self._ledger.check_same_people(body.live, exchange, now, caller)
        return exchange


def refusal(refused: engine.ExchangeRefused, lang: str) -> RequestRefused:
    """The answer to an exchange that cannot be read. What the vocabulary says of a contradiction is told in a language."""
    problems = refused.problems
    places = tuple(
        ProblemPlace(pointer=each.pointer, code=each.code, detail=each.told(lang)) for each in problems[:PLACES_SHOWN]
    )
    return RequestRefused("exchange-refused", wrong_places(len(problems)), errors=places)
