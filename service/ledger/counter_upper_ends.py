"""
The upper end of a counter: from what the ledger adds up, what the caller states, and a record of how many different people there are.

Tallies of what counts beside an exchange go in, a range comes out. What the ledger adds up is the least that the upper end can be. Source:
semantics 2.8.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import engine
from service.ledger.counter_sums import NOTHING, CounterQuery
from service.policies.live import Live


@dataclass(frozen=True, slots=True)
class CountRecord:
    """How many different people a key has at most in a window, as a document shows it that was written on a day."""

    day: date
    people: int

    @classmethod
    def of(cls, wanted: CounterQuery, exchange: engine.Exchange, day: date) -> "CountRecord | None":
        """
        The record that an exchange presents for a counter on a day; None where there is none that counts.

        One that is limited to some recipients, purposes or data sets does not say how many people the key has.
        """
        kind = wanted.counter.record
        document = exchange.value(f"evidence.{kind}") if kind else None
        if not isinstance(document, engine.Document) or document.state != "shown":
            return None
        fields = document.fields
        dated, people, expires = fields.get("dated"), fields.get("people"), fields.get("expires", date.max)
        if not isinstance(dated, date) or not isinstance(expires, date) or not isinstance(people, engine.Range):
            return None
        stands = fields.get("covers") is True and wanted.first <= dated <= day <= expires
        if not stands or people.high is None or not {"for", "purposes", "data"}.isdisjoint(fields):
            return None
        return cls(dated, int(people.high))

    @classmethod
    def each(
        cls, exchange: engine.Exchange, wanted: Sequence[CounterQuery], day: Callable[[engine.Counter], date]
    ) -> "dict[str, CountRecord]":
        """The records that an exchange presents, by the counter; each counter has a day of its own."""
        found = {each.counter.name: cls.of(each, exchange, day(each.counter)) for each in wanted}
        return {name: record for name, record in found.items() if record is not None}

    def replacing(
        self, sums: Mapping[str, engine.Tally], since: Mapping[str, engine.Tally], told: Mapping[str, engine.Range]
    ) -> dict[str, engine.Tally]:
        """
        The sums of a counter's facts with the record in the place of what was counted before its day.

        `since` are those from its day on, since nobody knows what of that day is in it. A record of more people than the ledger and the
        caller know of leaves open of which kind they are.
        """
        known = 0
        for fact, tally in sums.items():
            most, counted_since = tally.most, since.get(fact, NOTHING).most
            if most is None or counted_since is None:
                return dict(sums)
            stated = told.get(fact)
            known += max(most - counted_since, int(stated.high) if stated and stated.high is not None else 0)
        others = max(0, self.people - known)
        found = {}
        for fact, tally in sums.items():
            most, counted_since = tally.most or 0, since.get(fact, NOTHING).most or 0
            lowered = min(most + others, self.people + counted_since)
            # One below what the ledger has for certain contradicts the ledger: then there is no upper end.
            found[fact] = replace(tally, most=lowered if lowered >= tally.largest else None)
        return found


def recorded_only(
    wanted: Sequence[CounterQuery], records: Mapping[str, CountRecord], brought: Mapping[str, engine.Range]
) -> dict[str, engine.Tally]:
    """What records say of counters of which the ledger counts nothing."""
    found: dict[str, engine.Tally] = {}
    for each in wanted:
        if record := records.get(each.counter.name):
            found |= record.replacing(dict.fromkeys(each.counter.facts, NOTHING), {}, brought)
    return found


@dataclass(frozen=True, slots=True)
class StatedCount:
    """The count that a caller stated, what was committed later than that, None without an end, and whether it is taken as it is."""

    count: engine.Range
    later: int | None
    trusted: bool


def combined(
    kept: engine.Range, least: engine.Range, own: engine.Range, stated: StatedCount | None
) -> tuple[engine.Range, str]:
    """
    The value of a counter, and its source.

    `kept` is what the ledger says, without an upper end where it is not complete; the upper end of `least` is what it adds up so far, the
    exchange with its `own` count included. A stated count can only raise it. What was committed later is added to the stated one.
    """
    if stated is None:
        return kept, "ledger"
    told = stated.count
    low = max(kept.low, told.low, own.low)
    high = None if told.high is None or stated.later is None else told.high + stated.later
    if stated.trusted:
        # The caller knows no upper end, or one that the ledger shows to be wrong.
        high = kept.high if high is None or high < kept.low else high
    elif kept.high is not None:
        high = kept.high if told.high is None else max(kept.high, told.high if high is None else high)
    elif high is not None:
        high = None if least.high is None else max(high, least.high)
    value = engine.Range(low, None if high is not None and high < low else high)
    return value, "caller" if value == told else "both"


def may_count(
    live: Live, exchange: engine.Exchange, as_of: date, wanted: Sequence[CounterQuery], brought: Collection[str]
) -> frozenset[str]:
    """
    The counters for which an exchange counts or may count, of those for which this matters.

    These are the counters that it does not say by whom it counts for, those of which it states a count, and those that a rule asks for only
    where they are kept.
    """
    counting = live.counting
    asked = [
        each.counter
        for each in wanted
        if each.counter.kept or counting.unsaid(each.counter, exchange) or any(fact in brought for fact in each.counter.facts)
    ]
    if not asked:
        return frozenset()
    defined = live.pdp.defined(exchange.as_stated(), as_of, [engine.counter_definition(each) for each in asked])
    return frozenset(each.name for each in asked if counting.may_count(defined, each))


def missing_counted_ids(
    live: Live, exchange: engine.Exchange, counters: Collection[str], brought: Collection[str], trusted: bool
) -> dict[str, tuple[str, ...]]:
    """
    What an exchange does not say of those by whom it counts for some counters, by the counted fact.

    Where a count was stated that is not taken as it is, also what the exchange adds itself and leaves without an end.
    """
    counting, stated = live.counting, exchange.as_stated()
    lacks: dict[str, tuple[str, ...]] = {}
    for counter, fact in counting.counter_facts:
        if counter.name not in counters:
            continue
        facts = counting.unsaid(counter, exchange)
        if not facts and fact in brought and not trusted and not counter.currency:
            facts = tuple(each for each in counting.adds(counter, fact) if _is_endless(stated.value(each)))
        if facts:
            lacks[fact] = facts
    return lacks


def _is_endless(count: engine.Value) -> bool:
    """Whether a count may be any number."""
    return not isinstance(count, engine.Range) or count.high is None
