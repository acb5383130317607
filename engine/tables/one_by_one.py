"""
Deciding the distinct exchanges of a table by the ordinary engines, one after the other.

`RowDecider` is what a table asks of whoever decides: exchanges as JSON go in, each with its day, their outcomes come out in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Protocol, TypeAlias

from engine.bundle import Bundle, accept_exchange
from engine.deciding.judgement import Judgement
from engine.exchange import Exchange
from engine.exchange_input.exchange_problems import ExchangeRefused
from engine.pdp import PDP
from engine.tables.outcomes import OutcomeReader, RowOutcome, refused

# What a ledger said at a moment: an exchange and its day to the same with its counters. Raises ExchangeRefused.
CounterSource: TypeAlias = Callable[[Exchange, date], Exchange]


class RowDecider(Protocol):
    """What decides the distinct exchanges of a table. `name` is the program that a manifest names."""

    name: str

    def decide(self, documents: Sequence[Mapping[str, Any]], days: Sequence[date], today: date | None) -> list[RowOutcome]:
        """The outcome of each exchange under the law of its day; of one that the door refuses, its problems."""


class OneByOne:
    """The ordinary engines of a mode."""

    def __init__(self, bundle: Bundle, mode: str = "bitset") -> None:
        self.name = f"one by one, {mode}"
        self.pdp = PDP(bundle, mode)
        self._bundle = bundle
        self.readers = {False: OutcomeReader(bundle)}

    def decide(
        self,
        documents: Sequence[Mapping[str, Any]],
        days: Sequence[date],
        today: date | None,
        fill: CounterSource | None = None,
        judged: Callable[[Judgement], None] = lambda _: None,
    ) -> list[RowOutcome]:
        """See RowDecider. `fill` gives exchanges their counters, and `judged` is told of each judgement before the next is made."""
        return [self._decide(each, day, today, fill, judged) for each, day in zip(documents, days, strict=True)]

    def _decide(
        self,
        document: Mapping[str, Any],
        day: date,
        today: date | None,
        fill: CounterSource | None,
        judged: Callable[[Judgement], None],
    ) -> RowOutcome:
        try:
            exchange = accept_exchange(self._bundle, document)
            exchange = fill(exchange, day) if fill else exchange
        except ExchangeRefused as refusal:
            return refused(refusal.problems, day)
        judgement = self.pdp.judge(exchange, as_of=day)
        judged(judgement)
        return self._reader(exchange).read(judgement, today)

    def _reader(self, exchange: Exchange) -> OutcomeReader:
        """What reads the judgements: of an exchange with the public, by the rules as they read then."""
        everyone = bool(exchange.everyone)
        if everyone not in self.readers:
            self.readers[everyone] = OutcomeReader(self.pdp.of_everyone.bundle)
        return self.readers[everyone]
