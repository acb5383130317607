"""
What the ledger counts for a counter and a key in its window: a query goes in, the tallies of its facts come out.

The ledger may be incomplete: then a tally has no upper end. What earlier periods carry into the present one is added. The counters of
exchanges are filled from here, and the counters that a person asks for are read from here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Self

import sqlalchemy as sa

import engine
from service.ledger import money_sums
from service.ledger.counter_book import Book
from service.ledger.counter_sums import ALWAYS, CounterQuery, FoundCounts
from service.policies.live import Live
from service.register import periods
from service.settings import Settings
from service.settings.setting_values import time_zone

ANY_NUMBER = engine.Tally(most=None)  # nothing for certain, and no upper end
_zone = lru_cache(maxsize=64)(time_zone)


@dataclass(frozen=True, slots=True)
class Moment:
    """
    When an exchange is decided: the day whose law decides, and the moment, None if that day is not today.

    A counter may have a time zone of its own; its days are then the days of that zone.
    """

    as_of: date
    now: datetime | None = None

    @classmethod
    def of(cls, as_of: date | None, now: datetime, today: date) -> Self:
        """The day, if there is one, or else today."""
        return cls(as_of or today, now if as_of in (None, today) else None)

    def day(self, counter: engine.Counter) -> date:
        """The day on a counter's calendar."""
        zone = counter.window.zone
        return self.now.astimezone(_zone(zone)).date() if self.now and zone else self.as_of

    def last(self, day: date) -> str:
        """The last day of a window that ends on a day: today none, since another process, whose clock is ahead, may count on tomorrow."""
        return ALWAYS if self.now else day.isoformat()


class CounterTotals:
    """Adds up the counters of a book, by the settings of one service."""

    def __init__(self, settings: Settings, book: Book) -> None:
        self._book = book
        self._since = settings.ledger_since if isinstance(settings.ledger_since, date) else date.max

    @property
    def never_complete(self) -> bool:
        """Whether the ledger has every exchange of no window, unless an opening count says what came before."""
        return self._since == date.max

    def read_each(
        self,
        connection: sa.Connection,
        wanted: Sequence[CounterQuery],
        given: Sequence[CounterQuery],
        after: int | None,
        without: str | None,
    ) -> tuple[dict[str, FoundCounts], dict[str, list[FoundCounts]]]:
        """The sums of some counters, by their names, and those of the periods before, all by the same few statements."""
        earlier = [(each, then) for each in wanted for then in each.before()]
        every = [*wanted, *(then for _, then in earlier)]
        found = self._book.find_each(connection, every, given, after=after, without=without)
        before: dict[str, list[FoundCounts]] = {each.counter.name: [] for each in wanted}
        for (each, _), sums in zip(earlier, found[len(wanted) :], strict=True):
            before[each.counter.name].append(sums)
        return {each.counter.name: sums for each, sums in zip(wanted, found, strict=False)}, before

    def read(self, connection: sa.Connection, wanted: CounterQuery) -> tuple[FoundCounts, list[FoundCounts]]:
        """The sums of a counter, and those of the periods before."""
        found, before = self.read_each(connection, [wanted], (), None, None)
        return found[wanted.counter.name], before[wanted.counter.name]

    def wanted(
        self,
        connection: sa.Connection | None,
        live: Live,
        counter: engine.Counter,
        key: engine.Key,
        moment: Moment,
        currency: str = "",
    ) -> CounterQuery:
        """
        A counter for a key, in its window at a moment; without a connection for no key.

        So it is for an entity without a period on the day. Of a counter of money, the `currency` is that of the sum; the register says it
        where it is not given.
        """
        day = moment.day(counter)
        last = moment.last(day)
        own, keys = self._book.keys(connection, counter, key) if connection is not None else ((), ())
        if not counter.window.of or connection is None or not keys:
            return CounterQuery(counter, own, keys, counter.window.first(day), last, currency, day=day)
        recorded = periods.periods(connection, counter.window.of, json.loads(str(key[0])))
        present = periods.on(recorded, day)
        if present is None:
            return CounterQuery(counter, (), (), counter.window.first(day), last, currency, day=day)
        ends_on = present.last.isoformat() if moment.now else min(present.last, day).isoformat()
        earlier = tuple(each for each in recorded if each.first < present.first)
        highest = money_sums.registered(live.bundle, present.stated(counter.currency), counter.currency)
        currency = currency or (highest.currency if highest else "")
        return CounterQuery(counter, own, keys, present.first, ends_on, currency, present, earlier, day)

    def complete(self, wanted: CounterQuery, found: FoundCounts) -> bool:
        """Whether the ledger has every exchange of a window: from its first day on, or from an opening count on."""
        begun = found.opening is not None or self._since <= wanted.first
        return bool(wanted.keys) and begun and not found.foreign

    def others(self, wanted: CounterQuery, found: FoundCounts) -> dict[str, engine.Tally]:
        """The count without the exchange, for each fact of a counter. It has no upper end if the ledger is not complete."""
        return self.as_far_as_complete(wanted, found, self.sums(wanted, found))

    def as_far_as_complete(
        self, wanted: CounterQuery, found: FoundCounts, sums: Mapping[str, engine.Tally]
    ) -> dict[str, engine.Tally]:
        """Sums of a counter, without an upper end if the ledger is not complete."""
        whole = self.complete(wanted, found)
        return {fact: tally if whole else replace(tally, most=None) for fact, tally in sums.items()}

    def sums(self, wanted: CounterQuery, found: FoundCounts) -> dict[str, engine.Tally]:
        """What the ledger adds up without the exchange, for each fact of a counter; what was counted otherwise may be any number."""
        counter, begun = wanted.counter, found.opening
        if counter.currency and not wanted.currency:
            return dict.fromkeys(counter.facts, ANY_NUMBER)
        tallies = {}
        for fact in counter.facts:
            tally = money_sums.sum_in(found.window, fact, wanted.currency)
            if begun is not None and (begun.day > wanted.first or _opens(wanted, begun.day)):
                whole = money_sums.sum_in(begun.counts, fact, wanted.currency)
                whole += money_sums.sum_in(found.since, fact, wanted.currency)
                # If the opening count reaches back to before the window, nobody knows how much of it lies in the window.
                lasts = counter.window.first(begun.day) >= wanted.first or _opens(wanted, begun.day)
                # An upper end below what the ledger has for certain is a contradiction: then there is no upper end.
                certain = tally.largest if counter.distinct else tally.least
                tally = engine.Tally(
                    max(tally.largest, whole.largest) if lasts else tally.largest,
                    max(tally.least, whole.least) if lasts else tally.least,
                    whole.most if whole.most is not None and whole.most >= certain else None,
                )
            # A clock that was ahead opened it: what is counted until its day has begun is in no sum since that day.
            ahead = begun is not None and begun.day > wanted.day
            tallies[fact] = replace(tally, most=None) if found.foreign or ahead else tally
        return tallies

    def with_carried(
        self,
        live: Live,
        wanted: CounterQuery,
        found: FoundCounts,
        beside: Mapping[str, engine.Tally],
        before: Sequence[FoundCounts],
    ) -> dict[str, engine.Tally]:
        """
        The count without the exchange, with what the periods `before` carry into the present one.

        An opening within the present period says what was carried into it, too.
        """
        if found.opening is not None and _opens(wanted, found.opening.day):
            return dict(beside)
        return {fact: tally + self.carried(live, wanted, before, fact) for fact, tally in beside.items()}

    def carried(self, live: Live, wanted: CounterQuery, before: Sequence[FoundCounts], fact: str) -> engine.Tally:
        """What earlier periods carry into the present one: see `money_sums.carried`."""
        counter = wanted.counter
        taken_in = []
        for then, found in zip(wanted.before(), before, strict=True):
            whole = found.opening is not None and _opens(then, found.opening.day)
            taken_in.append((self.others(then, found)[fact], whole))
        highest = (
            money_sums.registered(live.bundle, each.stated(counter.currency), counter.currency) for each in wanted.earlier
        )
        maxima = [engine.money_parts(each) if each and each.currency == wanted.currency else None for each in highest]
        return money_sums.carried(taken_in, maxima)

    def maximum(self, live: Live, wanted: CounterQuery) -> engine.Money | None:
        """What the register states, for the period of a counter, of the fact that the counter names under `currency`."""
        stated = wanted.period and wanted.period.stated(wanted.counter.currency)
        return money_sums.registered(live.bundle, stated, wanted.counter.currency)


def _opens(wanted: CounterQuery, day: date) -> bool:
    """Whether an opening on a day says what was counted in a period so far."""
    return bool(wanted.counter.window.of) and day >= wanted.first
