"""
Counters summed over the rows of a table in their order: each row is taken to have happened, and the table to be all that counts.

An exchange goes in with its day, and comes out with the counters that the rows before it and its own count add up to; what a row states
can only raise them. Source: semantics 2.8. An exchange that does not say by whom it counts has no upper end, and that fact is asked. People
whom two rows have in common count twice, since no row says for certain that they are the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

from engine.deciding.contributions import BundleCounters, Counter, Key, covering
from engine.deciding.judgement import Judgement
from engine.deciding.money_counts import in_currency
from engine.deciding.tally import NOTHING, UNBOUNDED, Tally
from engine.exchange import Exchange
from engine.pdp import PDP
from engine.values import Number, Range, Value


class CounterSums:
    """The sums of the rows so far, by the counted fact (of money, in its currency), the key and the day."""

    def __init__(self, pdp: PDP) -> None:
        self._pdp = pdp
        self._counting: BundleCounters = pdp.counting
        self._sums: dict[tuple[str, Key], dict[date, Tally]] = defaultdict(dict)
        self._currencies: dict[str, set[str]] = defaultdict(set)  # of each fact of a counter of money

    def fill(self, exchange: Exchange, day: date) -> Exchange:
        """The exchange with its counters. What the register says differs in is counted as it is stated."""
        counting, stated = self._counting, exchange.as_stated()
        defined = self._pdp.defined(stated, day, counting.definitions)
        counts: dict[str, Value] = {}
        asks: dict[str, tuple[str, ...]] = {}
        raised = []
        for counter, fact in counting.counter_facts:
            if not counting.may_count(defined, counter):
                continue
            currency = counting.currency(counter, stated)
            if counter.currency and not currency:
                continue  # nobody knows in which currency the sum would be
            own = counting.own(counter, fact, stated, currency)
            unsaid = counting.unsaid(counter, exchange)
            value = counting.value(counter, own, UNBOUNDED if unsaid else self._others(counter, fact, exchange, day, currency))
            told = counting.brought(counter, fact, stated, currency)
            if told is not None:
                value = _raised(value, told)
                raised.append(fact)
            if unsaid:
                asks[fact] = unsaid
            counts[fact] = in_currency(value, currency) if currency else value
        summed = tuple(fact for fact in counts if fact not in raised)
        return counting.filled(exchange, counts, summed, raised, (), asks) if counts else exchange

    def add(self, judgement: Judgement) -> None:
        """Count an exchange that was judged."""
        counting, day = self._counting, judgement.as_of
        defined: Mapping[str, object] = self._pdp.defined(judgement.exchange, day, counting.definitions)
        for each in counting.contributions(judgement.exchange, judgement.verdict, defined):  # type: ignore[arg-type]
            counter = next(one for one in counting.counters if one.name == each.counter)
            by_day = self._sums[each.place, counter.folded(each.key)]
            by_day[day] = by_day.get(day, NOTHING) + each.tally
            if counter.currency:
                self._currencies[each.fact].add(each.currency)

    def _others(self, counter: Counter, fact: str, exchange: Exchange, day: date, currency: str) -> Tally:
        """What the rows before add up to in the window of a day; rows that may have the same key count as far as they may."""
        own = counter.folded(self._counting.key(counter, exchange))
        first = counter.window.first(day)
        found = NOTHING
        for key in covering(own):
            for other in self._currencies[fact] if counter.currency else {""}:
                by_day = self._sums.get((f"{fact} {other}" if other else fact, key), {})
                for when, tally in by_day.items():
                    if when >= first:
                        sure = key == own and other == currency
                        found += tally if sure else Tally(0, 0, tally.most if other == currency else None)
        return found


def _raised(value: Range, told: Range) -> Range:
    """A sum with what was stated, which only raises it; without an upper end where nobody states one."""
    low = max(value.low, told.low)
    high: Number | None = None
    if value.high is not None:
        high = value.high if told.high is None else max(value.high, told.high)
    return Range(low, high)
