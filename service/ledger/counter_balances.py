"""
Reading counters, and opening them.

A reading takes the name of a counter and the facts that it is kept per. It gives the counter's range in the window of today, and says
whether the ledger is complete for this window. An opening is a count for the beginning of a day, which a caller attests; from that day
on the ledger is complete.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from pydantic import Field
from uuid_utils import uuid7

import engine
from service.callers.caller import Caller
from service.callers.context import Administering, Reading
from service.callers.sending import Reason, Sending
from service.ledger import money_sums, party_view
from service.ledger.commitment_list import CountPart, LedgerPart, SumPart, counted_part
from service.ledger.counter_book import Book
from service.ledger.counter_sums import CounterQuery, FoundCounts, ends
from service.ledger.counter_totals import CounterTotals, Moment
from service.log.canonical_json import NotCanonical, canonical
from service.policies.live import Live
from service.problems import ProblemPlace, RequestRefused, wrong_value
from service.settings import Settings
from service.store.moments import moment_text


class WindowPart(LedgerPart):
    first: date
    last: date


class OpeningPart(LedgerPart):
    """The attested count that a counter was opened with."""

    id: str
    on: date
    counts: dict[str, CountPart | SumPart]


class PeriodPart(LedgerPart):
    """
    Of a counter of money that is kept by periods: the maximum that the register states for the present one, and what earlier periods
    carried into it, which is among the counts.
    """

    maximum: str | None = None
    carried: SumPart | None = None


class CounterPart(LedgerPart):
    """
    A counter, today. `complete`: the ledger has every exchange of the window, or the counter was opened with a count within it.

    `recount`: some commitments were not counted under the present meaning of the counter. `other_currencies` has what was taken in in
    other currencies than that of the sum, which is therefore open above.
    """

    counter: str
    window: WindowPart
    counts: dict[str, CountPart | SumPart]
    complete: bool
    recount: bool
    opening: OpeningPart | None = None
    period: PeriodPart | None = None
    other_currencies: list[SumPart] | None = None


class CounterOpening(LedgerPart):
    """A counter that was opened."""

    id: str
    counter: str
    on: date
    counts: dict[str, CountPart | SumPart] = Field(description="the counts that were sent; the others are unknown")


class OpeningSent(Sending):
    counter: str = Field(max_length=160, examples=["counts.cn"])
    per: dict[str, Any] = Field(max_length=16, description="the facts that the counter is kept per, with their values")
    on: date = Field(description="the counts are those at the beginning of this day")
    counts: dict[str, Any] = Field(max_length=64, description="the counted facts, written as in an exchange")
    reason: Reason = Field(description="where the counts come from")


def counter(context: Reading, name: str, per: Mapping[str, Any], connection: sa.Connection) -> CounterPart:
    """
    A counter as it is today; `per` has the values of the facts that it is kept per. Raises RequestRefused.

    A caller who belongs to a party gets a counter that is kept for this party.
    """
    party_view.check_counter(context.live, name, per, context.caller)
    return Counters(context.live, context.settings, context.now).read(connection, name, per)


def open_counter(context: Administering, sent: OpeningSent, transaction: sa.Connection) -> CounterOpening:
    """Open a counter: record its count at the beginning of a day. Raises RequestRefused."""
    return Counters(context.live, context.settings, context.now).begin(transaction, sent, context.caller)


class Counters:
    """The counters by some policies, at a moment."""

    def __init__(self, live: Live, settings: Settings, now: datetime) -> None:
        self._live, self._now = live, now
        self._moment = Moment(settings.day_of(now), now)
        self._book = Book()
        self._totals = CounterTotals(settings, self._book)

    def read(self, connection: sa.Connection, name: str, per: Mapping[str, Any]) -> CounterPart:
        """A counter as it is today; `per` has the values of the facts that it is kept per. Raises RequestRefused."""
        live = self._live
        counter = self._counter(live, name)
        _, key = self._of(live, counter, per, {})
        moment = self._moment
        wanted = self._totals.wanted(connection, live, counter, key, moment)
        found, before = self._totals.read(connection, wanted)
        return self._part(live, wanted, found, before, moment)

    def several(
        self, connection: sa.Connection, asked: Sequence[tuple[engine.Counter, engine.Key]]
    ) -> list[tuple[CounterPart | None, FoundCounts]]:
        """
        Some counters as they are today, each with its sums, by few statements however many there are.

        None stands for a counter of an entity that has no period today. Of money each counter is read by itself.
        """
        live, moment = self._live, self._moment
        wanted = [self._totals.wanted(connection, live, counter, key, moment) for counter, key in asked]
        plain = [each for each in wanted if not each.counter.currency]
        sums = dict(zip(map(id, plain), self._book.find_each(connection, plain), strict=True)) if plain else {}
        told: list[tuple[CounterPart | None, FoundCounts]] = []
        for each in wanted:
            found, before = (sums[id(each)], []) if id(each) in sums else self._totals.read(connection, each)
            try:
                told.append((self._part(live, each, found, before, moment), found))
            except RequestRefused:
                told.append((None, found))
        return told

    def key(self, name: str, per: Mapping[str, Any]) -> tuple[engine.Counter, engine.Key]:
        """A counter by its name, and the key that the values of its facts make. Raises RequestRefused."""
        live = self._live
        counter = self._counter(live, name)
        return counter, self._of(live, counter, per, {})[1]

    def _part(
        self, live: Live, wanted: CounterQuery, found: FoundCounts, before: Sequence[FoundCounts], moment: Moment
    ) -> CounterPart:
        """A counter as it is answered. Raises RequestRefused where it has no period."""
        counter = wanted.counter
        if counter.currency:
            return self._money(live, wanted, found, before, moment)
        tallies = self._totals.others(wanted, found)
        begun = found.opening
        return CounterPart(
            counter=counter.name,
            window=WindowPart(first=wanted.first, last=moment.day(counter)),
            counts={fact: counted_part(counter, tally, "") for fact, tally in tallies.items()},
            complete=self._totals.complete(wanted, found),
            recount=found.foreign,
            opening=None
            if begun is None
            else OpeningPart(id=begun.id, on=begun.day, counts={f: _count(t.range(True)) for f, t in begun.counts.items()}),
        )

    def _money(
        self, live: Live, wanted: CounterQuery, found: FoundCounts, before: Sequence[FoundCounts], moment: Moment
    ) -> CounterPart:
        """A counter of money. Where nothing says in which currency its sum is, each currency is told by itself."""
        counter, fact = wanted.counter, wanted.counter.name
        if counter.window.of and not wanted.keys:
            raise RequestRefused("not-found", f"the register has no period of this {counter.window.of} today")
        sums = dict(found.window)
        if not wanted.currency and len(sums) == 1:
            wanted = replace(wanted, currency=next(iter(sums)).partition(" ")[2])
        beside = self._totals.others(wanted, found)
        with_carried = self._totals.with_carried(live, wanted, found, beside, before)[fact]
        carried = None
        if wanted.earlier and wanted.currency and with_carried != beside[fact]:
            over = self._totals.carried(live, wanted, before, fact)
            carried = SumPart.model_validate(money_sums.sums(over.sum(), wanted.currency))
        highest = self._totals.maximum(live, wanted)
        begun = found.opening
        return CounterPart(
            counter=fact,
            window=WindowPart(first=wanted.first, last=moment.day(counter)),
            counts={fact: counted_part(counter, with_carried, wanted.currency)} if wanted.currency else {},
            complete=self._totals.complete(wanted, found),
            recount=found.foreign,
            opening=None if begun is None else OpeningPart(id=begun.id, on=begun.day, counts=_opened(begun.counts)),
            period=PeriodPart(maximum=None if highest is None else str(highest), carried=carried)
            if counter.window.of
            else None,
            other_currencies=[
                SumPart.model_validate(money_sums.sums(sums[place].sum(), currency))
                for place in sorted(sums)
                if (currency := place.partition(" ")[2]) and currency != wanted.currency
            ],
        )

    def begin(self, transaction: sa.Connection, sent: OpeningSent, caller: Caller) -> CounterOpening:
        """See `open_counter`."""
        live = self._live
        counter = self._counter(live, sent.counter)
        strange = [fact for fact in sent.counts if fact not in counter.facts]
        if strange or not sent.counts:
            raise wrong_value("/counts", f"`{sent.counter}` counts {', '.join(f'`{fact}`' for fact in counter.facts)}")
        told, key = self._of(live, counter, sent.per, sent.counts)
        if sent.on > self._moment.day(counter):
            raise wrong_value("/on", "the day has not begun")
        id = str(uuid7())
        at = moment_text(self._now)
        tallies: dict[str, engine.Tally] = {}
        for fact in counter.facts:
            place, tally = _place(fact, told.get(fact))
            tallies[place] = tally
        self._book.begin(transaction, id, counter, key, sent.on, tallies, at=at, by=caller.id, reason=sent.reason)
        self._book.note(transaction, live.counting, sent.on)
        return CounterOpening(id=id, counter=sent.counter, on=sent.on, counts=_opened(dict(map(_place, told, told.values()))))

    def _counter(self, live: Live, name: str) -> engine.Counter:
        for counter in live.counting.counters:
            if counter.name == name:
                return counter
        names = ", ".join(f"`{each.name}`" for each in live.counting.counters) or "none"
        raise RequestRefused("not-found", f"there is no such counter; the counters are: {names}"[:400])

    def _of(
        self, live: Live, counter: engine.Counter, per: Mapping[str, Any], counts: Mapping[str, Any]
    ) -> tuple[dict[str, engine.Value], engine.Key]:
        """The counts and the key, read as facts of an exchange. Raises RequestRefused."""
        if set(per) != set(counter.per):
            others = "".join(f", not per `{fact[:40]}`" for fact in sorted(set(per) - set(counter.per))[:1])
            raise wrong_value("/per", f"`{counter.name}` is kept per {', '.join(f'`{fact}`' for fact in counter.per)}{others}")
        document: dict[str, Any] = {}
        for fact, value in {**per, **counts}.items():
            document = engine.with_fact_set(document, fact, value)
        try:
            exchange = engine.parse_exchange(live.bundle, canonical(document))
        except NotCanonical:
            raise wrong_value("", "the body holds a number or a text that JSON cannot carry safely") from None
        except engine.ExchangeRefused as refused:
            places = tuple(ProblemPlace(pointer=each.pointer, code=each.code, detail=each.detail) for each in refused.problems)
            raise RequestRefused("bad-request", "a fact cannot have the value that was sent", errors=places) from None
        key = live.counting.key(counter, exchange)
        if None in key:
            raise wrong_value("/per", "each value must be known, and as exact as possible")
        told: dict[str, engine.Value] = {
            fact: value
            for fact in counts
            if isinstance(value := exchange.value(fact), engine.Range | engine.Money | engine.MoneyRange)
        }
        if len(told) < len(counts):
            raise wrong_value(
                "/counts",
                'a count is a number, or {"at_least": a, "at_most": b}, of money each like `1200.00 CNY`; leave out one that is not known',
            )
        return told, key


def _place(fact: str, count: engine.Value | None) -> tuple[str, engine.Tally]:
    """Under what a count is kept, and as what; one that is not known may be any."""
    match count:
        case engine.Money() | engine.MoneyRange():
            return f"{fact} {count.currency}", engine.Tally.of_money(count)
        case engine.Range():
            return fact, engine.Tally.of(count)
    return fact, engine.Tally(most=None)


def _opened(counts: Mapping[str, engine.Tally]) -> dict[str, CountPart | SumPart]:
    """The counts of an opening as they are answered."""
    told: dict[str, CountPart | SumPart] = {}
    for place, tally in counts.items():
        fact, _, currency = place.partition(" ")
        told[fact] = SumPart.model_validate(money_sums.sums(tally.sum(), currency)) if currency else _count(tally.range(True))
    return told


def _count(count: engine.Range) -> CountPart:
    return CountPart.model_validate(ends(count))
