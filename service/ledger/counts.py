"""
The counters of an exchange: from the ledger, and from the caller if the settings allow it.

An exchange goes in. It comes out with its counters filled in, each with its source. A record shows the counters exactly as they entered
the decision. No counter is lower than what the ledger has for certain.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

import engine
from service.ledger.book import ALWAYS, NOT_FOUND, NOTHING, Book, FoundCounts, Wanted
from service.ledger.promise_book import Promises
from service.policies.live import Live
from service.problems import ProblemPlace, RequestRefused
from service.settings import Settings, time_zone
from service.store.database import Database

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

    def day(self, counter: engine.Counter) -> date:
        """The day on a counter's calendar."""
        zone = counter.window.zone
        return self.now.astimezone(_zone(zone)).date() if self.now and zone else self.as_of


@dataclass(frozen=True, slots=True)
class Filled:
    """
    An exchange with its counters. `marks` has the source of each counter that was filled in, as a record shows it. `others` has what the
    ledger counts without this exchange.
    """

    exchange: engine.Exchange
    marks: Mapping[str, Mapping[str, Any]]
    others: Mapping[str, engine.Tally]


class Counts:
    """Fills the counters of exchanges, by the settings of one service."""

    def __init__(self, settings: Settings, book: Book) -> None:
        self.book = book
        self.promises = Promises(book, settings.callers_counts)
        self._callers = settings.callers_counts
        self._since = settings.ledger_since if isinstance(settings.ledger_since, date) else date.max

    def unused(self, database: Database, live: Live) -> bool:
        """
        Whether the ledger counts nothing: then the counters of an exchange hold what the caller sent, or what it adds itself.

        Raises sqlalchemy.exc.SQLAlchemyError.
        """
        return not (live.counting.facts or live.counting.promises) or (self._since == date.max and not self.book.used(database))

    def sent(self, live: Live, document: Mapping[str, Any]) -> bool:
        """Whether the caller may have sent a count, or what a number of promises is filled in beside."""
        counting = live.counting
        beside = (fact for each in counting.promises for fact in (each.fills, each.beside))
        return not {fact.partition(".")[0] for fact in (*counting.facts, *beside)}.isdisjoint(document)

    def fill(
        self,
        connection: sa.Connection | None,
        live: Live,
        exchange: engine.Exchange,
        moment: Moment,
        *,
        after: int | None = None,
        without: str | None = None,
    ) -> Filled:
        """
        The exchange with its counters filled in; a ledger that counts nothing (`unused`) needs no connection.

        `after` is the number of the record with the counts that the caller sent: what was committed later is added to them. `without` is
        the commitment of this exchange, if it has one: what it adds is the exchange's own count. Raises RequestRefused if the caller sent
        a count and the settings do not allow it.
        """
        counting = live.counting
        # What an exchange adds is counted for what is stated: the engine compares its counters with what is registered, too.
        stated = exchange.as_stated()
        wanted = [self.wanted(connection, counter, counting.key(counter, exchange), moment) for counter in counting.counters]
        brought = {
            fact: told
            for each in counting.counters
            for fact in each.facts
            if (told := counting.brought(each, fact, stated)) is not None
        }
        if brought and self._callers == "refuse":
            detail = "the service keeps this counter; leave it out"
            places = (
                ProblemPlace(pointer="/" + fact.replace(".", "/"), code="counter-brought", detail=detail) for fact in brought
            )
            raise RequestRefused("exchange-refused", "the service keeps the counters; leave them out", errors=tuple(places))
        given = [each for each in wanted if any(fact in brought for fact in each.counter.facts)]
        found = {} if connection is None else self.book.find(connection, wanted, given, after=after, without=without)
        counts: dict[str, engine.Range] = {}
        marks: dict[str, dict[str, Any]] = {}
        others: dict[str, engine.Tally] = {}
        for each in wanted:
            counter = each.counter
            here = found.get(counter.name, NOT_FOUND)
            beside = self.others(each, here)
            for fact in counter.facts:
                told = brought.get(fact)
                others[fact] = beside[fact]
                if told is None and beside[fact] == ANY_NUMBER:
                    continue  # the engine counts what the exchange itself adds
                kept = counting.value(counter, fact, stated, beside[fact])
                value, source = self._combined(kept, told, here.later.get(fact, NOTHING).most)
                if source != "ledger" or value.high is not None or value.low > counting.own(counter, fact, stated).low:
                    counts[fact] = value
                    marks[fact] = {"from": source, **ends(value)} | ({} if told is None else {"brought": ends(told)})
        if counting.promises:
            promised = self.promises.overdue(connection, live, exchange, moment.as_of, without)
            counts.update(promised.counts)
            marks.update({fact: dict(mark) for fact, mark in promised.marks.items()})
        counted = [fact for fact, mark in marks.items() if mark["from"] == "ledger"]
        return Filled(counting.filled(exchange, counts, counted) if counts else exchange, marks, others)

    def wanted(self, connection: sa.Connection | None, counter: engine.Counter, key: engine.Key, moment: Moment) -> Wanted:
        """A counter for a key, in its window at a moment; without a connection for no key."""
        day = moment.day(counter)
        # The window of today has no last day: another process, whose clock is a little ahead, may already count on tomorrow.
        last = ALWAYS if moment.now else day.isoformat()
        keys = self.book.covering(connection, counter, key) if connection is not None else ()
        return Wanted(counter, keys, counter.window.first(day), last)

    def complete(self, wanted: Wanted, found: FoundCounts) -> bool:
        """Whether the ledger has every exchange of a window: from its first day on, or from an opening count on."""
        begun = found.opening is not None or self._since <= wanted.first
        return bool(wanted.keys) and begun and not found.foreign

    def others(self, wanted: Wanted, found: FoundCounts) -> dict[str, engine.Tally]:
        """The count without the exchange, for each fact of a counter. It has no upper end if the ledger is not complete."""
        counter, begun = wanted.counter, found.opening
        tallies = {}
        for fact in counter.facts:
            tally = found.window.get(fact, NOTHING)
            if begun is not None and begun.day > wanted.first:
                whole = begun.counts[fact] + found.since.get(fact, NOTHING)
                # If the opening count reaches back to before the window, nobody knows how much of it lies in the window.
                lasts = counter.window.first(begun.day) >= wanted.first
                # An upper end below what the ledger has for certain is a contradiction: then there is no upper end.
                certain = tally.largest if counter.distinct else tally.least
                tally = engine.Tally(
                    max(tally.largest, whole.largest) if lasts else tally.largest,
                    max(tally.least, whole.least) if lasts else tally.least,
                    whole.most if whole.most is not None and whole.most >= certain else None,
                )
            tallies[fact] = tally if self.complete(wanted, found) else engine.Tally(tally.largest, tally.least, None)
        return tallies

    def _combined(self, kept: engine.Range, told: engine.Range | None, later: int | None) -> tuple[engine.Range, str]:
        """One range from the ledger's and the caller's, and its source. What was committed later is added to the caller's."""
        if told is None:
            return kept, "ledger"
        low = max(kept.low, told.low)
        high = None if told.high is None or later is None else told.high + later
        if high is None or high < kept.low:
            # The caller knows no upper end, or one that the ledger shows to be wrong.
            high = kept.high
        elif self._callers == "combine" and kept.high is not None:
            high = max(high, kept.high)
        value = engine.Range(low, None if high is not None and high < low else high)
        return value, "caller" if value == told else "both"


def ends(count: engine.Range) -> dict[str, int]:
    """A range as JSON."""
    return {"at_least": int(count.low)} | ({} if count.high is None else {"at_most": int(count.high)})


def bare(request: Mapping[str, Any], marks: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The request of a record as its caller sent it: with the counts that the caller sent, without those that were filled in."""
    for fact, mark in marks.items():
        request = engine.put(request, fact, mark.get("brought"))
    return request
