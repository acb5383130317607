"""
The counters of an exchange: from the ledger, and from the caller if the settings allow it; the pages of the books of rights; the shares.

An exchange goes in. It comes out with its counters filled in, each with its source, and with what the books and the shares of the ledger
say. A record shows all exactly as they entered the decision. No counter is lower than what the ledger has for certain.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Self

import sqlalchemy as sa

import engine
from service.callers.caller import Caller
from service.ledger import money_sums, party_view, repeated_people
from service.ledger.benefit_reading import BenefitsBook, FoundBenefits
from service.ledger.counter_book import Book
from service.ledger.counter_sums import ALWAYS, NOT_FOUND, NOTHING, CounterQuery, FoundCounts, ends
from service.ledger.counter_upper_ends import CountRecord, StatedCount, combined, may_count, missing_counted_ids, recorded_only
from service.ledger.promise_book import Promises
from service.ledger.rights_book import EarlierCommitment, RightsBook
from service.ledger.share_book import Shares
from service.policies.live import Live
from service.problems import ProblemPlace, RequestRefused
from service.register import periods
from service.setting_values import time_zone
from service.settings import Settings
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


@dataclass(frozen=True, slots=True)
class FilledExchange:
    """
    An exchange with its counters and with what the books say.

    `marks` has the source of each counter that was filled in, as a record shows it. `others` has what the ledger counts without this
    exchange; of money in one of the `currencies`. `overdue` names the commitments whose overdue promises were counted, by the fact.
    `again` are the counters in which its people are among those of an earlier one. `benefits` is what the book of benefits says.
    """

    exchange: engine.Exchange
    marks: Mapping[str, Mapping[str, Any]]
    others: Mapping[str, engine.Tally]
    currencies: Mapping[str, str] = field(default_factory=dict)
    overdue: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    again: frozenset[str] = frozenset()
    benefits: FoundBenefits | None = None


@dataclass(frozen=True, slots=True)
class _Beside:
    """
    What is counted beside an exchange, by fact: without it, and later than the record with the counts that its caller sent.

    `known` are the facts of which the ledger can give a value, whatever the caller sent. `sums` is what the ledger adds up, whether or not
    it is complete. `again` are the counters in which the people of the exchange are among those of an earlier one.
    """

    others: Mapping[str, engine.Tally]
    later: Mapping[str, int | None] = field(default_factory=dict)
    known: Collection[str] = ()
    sums: Mapping[str, engine.Tally] = field(default_factory=dict)
    again: frozenset[str] = frozenset()


class CounterFiller:
    """Fills the counters of exchanges, by the settings of one service."""

    def __init__(self, settings: Settings, book: Book) -> None:
        self.book = book
        self.rights = RightsBook(book)
        self.benefits = BenefitsBook(book, self.rights, settings.tzinfo)
        self.promises = Promises(book, settings.callers_counts)
        self.shares = Shares(book)
        self._callers = settings.callers_counts
        self._since = settings.ledger_since if isinstance(settings.ledger_since, date) else date.max

    def unused(self, database: Database, live: Live) -> bool:
        """
        Whether the ledger counts nothing: then the counters of an exchange hold what the caller sent, or what it adds itself.

        Raises sqlalchemy.exc.SQLAlchemyError.
        """
        counts = live.counting.facts or live.counting.promises or live.counting.shares
        return not counts or (self._since == date.max and not self.book.used(database))

    def silent(self, database: Database, live: Live, document: Mapping[str, Any]) -> bool:
        """Whether no book says anything of an exchange. Raises sqlalchemy.exc.SQLAlchemyError."""
        return self.rights.silent(database, live, document) and self.benefits.silent(database, live, document)

    def sent(self, live: Live, document: Mapping[str, Any]) -> bool:
        """Whether the caller may have sent a count, or what a number is filled in beside: of promises, or by whom it is counted."""
        counting = live.counting
        beside = {fact.partition(".")[0] for each in counting.promises for fact in (each.fills, each.beside)}
        if not beside.isdisjoint(document) or any(_stated(document, each.name) is not None for each in counting.counters):
            return True
        kept = (each.per for each in counting.counters if each.kept)
        return any(all(_stated(document, fact) is not None for fact in per) for per in kept)

    def apart(self, live: Live, exchange: engine.Exchange) -> bool:
        """
        Whether the ledger and the books can say nothing of an exchange except its shares, whatever will be written there.

        It states nobody whose exchanges or promises are counted, no asset, no agreement and no price, and no count.
        """
        counting, benefits = live.counting, live.bundle.reader.benefits
        document, values = exchange.document, exchange.values
        counts = {fact for each in counting.counters for fact in (each.name, *each.facts)}
        counts |= {fact for each in counting.promises for fact in (each.fills, each.disputed)}
        if any(_stated(document, fact) is not None for fact in counts - {""}):
            return False  # not by its values: among them is what follows from what it states
        if any(all(fact in values for fact in each.per) for each in counting.counters):
            return False
        named = {each.same for each in counting.counters}
        named |= {fact for each in counting.promises for fact in (each.by, each.beside)}
        named |= {reader.book.of for reader in live.bundle.reader.books}
        if benefits is not None:
            named |= {benefits.book.agreement, benefits.book.made_from, benefits.book.price}
        return not any(fact in values or _stated(document, fact) is not None for fact in named - {""})

    def fill(
        self,
        connection: sa.Connection | None,
        live: Live,
        exchange: engine.Exchange,
        moment: Moment,
        *,
        after: int | None = None,
        made: EarlierCommitment | None = None,
    ) -> FilledExchange:
        """
        The exchange with its counters and with what the books say.

        Where the ledger is `unused` and the books are silent, no connection is needed.

        `after` is the number of the record with the counts that the caller sent: what was committed later is added to them. `made` is
        the commitment of this exchange, if it has one: what it adds is the exchange's own count. Raises RequestRefused if the caller sent
        a count and the settings do not allow it.
        """
        counting = live.counting
        # What an exchange adds is counted for what is stated: the engine compares its counters with what is registered, too.
        stated = exchange.as_stated()
        wanted = [
            self.wanted(
                connection, live, counter, counting.key(counter, exchange), moment, counting.currency(counter, exchange)
            )
            for counter in counting.counters
        ]
        currencies = {each.counter.name: each.currency for each in wanted}
        brought = self._brought(live, stated, currencies)
        records = CountRecord.each(exchange, wanted, moment.day)
        if connection is None:
            beside = _Beside(dict.fromkeys(counting.facts, ANY_NUMBER), sums=recorded_only(wanted, records, brought))
        else:
            own = {fact: counting.own(counter, fact, stated, "") for counter, fact in counting.counter_facts if counter.same}
            again = self._again(connection, live, exchange, wanted, own, made)
            beside = self._beside(connection, live, wanted, brought, after, made, again, records)
        counting_here = may_count(live, exchange, moment.as_of, wanted, brought)
        lacks = (
            {} if not counting_here else missing_counted_ids(live, exchange, counting_here, brought, self._callers == "trust")
        )
        counts: dict[str, engine.Value] = {}
        marks: dict[str, dict[str, Any]] = {}
        for counter, fact in counting.counter_facts:
            told = brought.get(fact)
            asks, kept = lacks.get(fact, ()), bool(counter.kept) and counter.name in counting_here
            if told is None and fact not in beside.known and not asks and not kept:
                continue  # the engine counts what the exchange itself adds; of money, nobody knows for whom the sum would be
            currency = currencies[counter.name] or (money_sums.currency_of(stated, fact) if asks else "")
            if counter.currency and not currency:
                continue  # nobody knows in which currency the sum would be
            own_count = counting.own(counter, fact, stated, currency)
            value, source = self._value(counting, counter, fact, own_count, beside, told)
            if asks:
                value, source = engine.Range(value.low, None), source if told is None else "both"
            if source != "ledger" or value.high is not None or value.low > own_count.low or currency or asks or kept:
                sent = stated.value(fact)
                counts[fact] = _counted(value, currency) if source != "caller" or not currency else sent
                marks[fact] = {"from": source, **shown(value, currency)}
                if told is not None and (currency or source == "both"):
                    marks[fact]["brought"] = engine.to_json(sent) if currency else ends(told)
                if asks:
                    marks[fact]["lacks"] = list(asks)
        overdue: Mapping[str, tuple[str, ...]] = {}
        if counting.promises:
            promised = self.promises.counted(connection, live, exchange, moment.as_of, made.id if made else None)
            counts.update(promised.counts)
            overdue = promised.commitments
            marks.update({fact: dict(mark) for fact, mark in promised.marks.items()})
        filled = counting.filled(exchange, counts, **sources(marks)) if counts else exchange
        benefits = None
        if connection is not None and live.bundle.reader.books:
            rights = self.rights.pages(connection, live, filled, moment.as_of, made)
            benefits = self.benefits.found(connection, live, filled, moment.as_of, made)
            filled = engine.with_books(live.bundle, filled, {**rights, **({} if benefits is None else benefits.by_book(live))})
        if connection is not None and made is None:  # what was committed before keeps the shares of its record
            filled = self.shares.filled(connection, live, filled, moment.as_of, moment.last(moment.as_of))
        of_money = {fact: currencies[each.name] for each, fact in counting.counter_facts if currencies[each.name]}
        return FilledExchange(filled, marks, beside.others, of_money, overdue, beside.again, benefits)

    def _value(
        self,
        counting: engine.BundleCounters,
        counter: engine.Counter,
        fact: str,
        own: engine.Range,
        beside: "_Beside",
        told: engine.Range | None,
    ) -> tuple[engine.Range, str]:
        """The value of a counter for an exchange, and its source."""
        again = counter.name in beside.again
        kept = counting.value(counter, own, beside.others[fact], again)
        if told is None:
            return kept, "ledger"
        least = counting.value(counter, own, beside.sums.get(fact, NOTHING), again)
        stated = StatedCount(told, beside.later.get(fact, 0), self._callers == "trust")
        return combined(kept, least, own, stated)

    def _again(
        self,
        connection: sa.Connection,
        live: Live,
        exchange: engine.Exchange,
        wanted: Sequence[CounterQuery],
        own: Mapping[str, engine.Range],
        made: EarlierCommitment | None,
    ) -> frozenset[str]:
        """The counters in which the people of an exchange are among those of an earlier data set that counts."""
        named = [each for each in wanted if repeated_people.says_so(each.counter, exchange)]
        if not named:
            return frozenset()
        data = repeated_people.data_set(connection, self.book, live, exchange)
        before = None if made is None else repeated_people.number(connection, made.id)
        return frozenset(
            each.counter.name
            for each in named
            if repeated_people.counts(connection, each, data, {fact: own[fact] for fact in each.counter.facts}, before)
        )

    def check_again(
        self, connection: sa.Connection, live: Live, exchange: engine.Exchange, moment: Moment, caller: Caller
    ) -> None:
        """
        The earlier data set that an exchange names must count for each of its counters, and the caller may read it. Raises RequestRefused.

        Of those for which it only may count, it need count for none if it does for another. Where the exchange does not say by whom it
        counts there is nothing to compare; nothing is committed then.
        """
        counting = live.counting
        named = [each for each in counting.counters if repeated_people.says_so(each, exchange)]
        defined = live.pdp.defined(exchange.as_stated(), moment.as_of, [engine.counter_definition(each) for each in named])
        data = repeated_people.data_set(connection, self.book, live, exchange)
        party = None if caller.party is None else party_view.hashed(connection, self.book, caller.party)
        held: dict[bool, list[bool]] = {True: [], False: []}
        for counter in named:
            key, counts = counting.key(counter, exchange), defined[engine.counter_definition(counter)]
            if None not in key and counts is not engine.Truth.NO:
                wanted = self.wanted(connection, live, counter, key, moment)
                own = {fact: counting.own(counter, fact, exchange) for fact in counter.facts}
                holds = "read" in caller.scopes and repeated_people.counts(connection, wanted, data, own, party=party)
                held[counts is engine.Truth.YES].append(holds)
        if not all(held[True]) or (held[False] and not any(held[True] + held[False])):
            raise repeated_people.refused(named[0].same)

    def _brought(self, live: Live, stated: engine.Exchange, currencies: Mapping[str, str]) -> dict[str, engine.Range]:
        """The counts that the caller sent; of a counter of money, in its currency. Raises RequestRefused if the settings allow none."""
        counting = live.counting
        brought = {
            fact: told
            for counter, fact in counting.counter_facts
            if fact in stated.values and (told := counting.brought(counter, fact, stated, currencies[counter.name])) is not None
        }
        if brought and self._callers == "refuse":
            detail = "the service keeps this counter; leave it out"
            places = (
                ProblemPlace(pointer="/" + fact.replace(".", "/"), code="counter-brought", detail=detail) for fact in brought
            )
            raise RequestRefused("exchange-refused", "the service keeps the counters; leave them out", errors=tuple(places))
        return brought

    def _beside(
        self,
        connection: sa.Connection,
        live: Live,
        wanted: Sequence[CounterQuery],
        brought: Mapping[str, engine.Range],
        after: int | None,
        made: EarlierCommitment | None,
        again: frozenset[str],
        records: Mapping[str, CountRecord],
    ) -> "_Beside":
        """What the ledger counts beside an exchange."""
        given = [each for each in wanted if any(fact in brought for fact in each.counter.facts)]
        found, before = self._found(connection, wanted, given, after, made.id if made else None)
        recorded = [each for each in wanted if each.counter.name in records]
        from_record = [replace(each, first=records[each.counter.name].day) for each in recorded]
        since = self.book.find(connection, from_record, without=made.id if made else None) if recorded else {}
        sums: dict[str, engine.Tally] = {}
        others: dict[str, engine.Tally] = {}
        later: dict[str, int | None] = {}
        known: set[str] = set()
        for each in wanted:
            counter = each.counter
            here = found.get(counter.name, NOT_FOUND)
            added_up = self.sums(each, here)
            if record := records.get(counter.name):
                added_up = record.replacing(added_up, since[counter.name].window, brought)
            sums |= added_up
            counted = self.as_far_as_complete(each, here, added_up)
            if each.earlier:
                counted = self.with_carried(live, each, here, counted, before[counter.name])
            others |= counted
            for fact in counter.facts:
                later[fact] = money_sums.sum_in(here.later, fact, each.currency).most
                if each.keys if counter.currency else counted[fact] != ANY_NUMBER:
                    known.add(fact)
        return _Beside(others, later, known, sums, again)

    def _found(
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
        found = self.book.find_each(connection, every, given, after=after, without=without)
        before: dict[str, list[FoundCounts]] = {each.counter.name: [] for each in wanted}
        for (each, _), sums in zip(earlier, found[len(wanted) :], strict=True):
            before[each.counter.name].append(sums)
        return {each.counter.name: sums for each, sums in zip(wanted, found, strict=False)}, before

    def read(self, connection: sa.Connection, wanted: CounterQuery) -> tuple[FoundCounts, list[FoundCounts]]:
        """The sums of a counter, and those of the periods before."""
        found, before = self._found(connection, [wanted], (), None, None)
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
        own, keys = self.book.keys(connection, counter, key) if connection is not None else ((), ())
        if not counter.window.of or connection is None or not keys:
            return CounterQuery(counter, own, keys, counter.window.first(day), last, currency)
        recorded = periods.periods(connection, counter.window.of, json.loads(str(key[0])))
        present = periods.on(recorded, day)
        if present is None:
            return CounterQuery(counter, (), (), counter.window.first(day), last, currency)
        ends_on = present.last.isoformat() if moment.now else min(present.last, day).isoformat()
        earlier = tuple(each for each in recorded if each.first < present.first)
        highest = money_sums.registered(live.bundle, present.stated(counter.currency), counter.currency)
        currency = currency or (highest.currency if highest else "")
        return CounterQuery(counter, own, keys, present.first, ends_on, currency, present, earlier)

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
            tallies[fact] = replace(tally, most=None) if found.foreign else tally
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


def bare(request: Mapping[str, Any], marks: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The request of a record as its caller sent it: with the counts that the caller sent, without what the service filled in."""
    if not request.keys().isdisjoint((engine.BOOKS, engine.SHARES)):
        request = {name: value for name, value in request.items() if name not in (engine.BOOKS, engine.SHARES)}
    for fact, mark in marks.items():
        sent = mark.get("brought")
        if sent is None and mark.get("from") == "caller":
            sent = {end: mark[end] for end in ("at_least", "at_most") if end in mark}
        request = engine.with_fact_set(request, fact, sent)
    return request


def sources(marks: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What a decision knows of the sources of counters, from their marks."""
    return {
        "counted": [fact for fact, mark in marks.items() if mark["from"] == "ledger"],
        "raised": [fact for fact, mark in marks.items() if mark["from"] == "both"],
        "stated": [fact for fact, mark in marks.items() if mark["from"] == "caller"],
        "asks": {fact: tuple(mark["lacks"]) for fact, mark in marks.items() if mark.get("lacks")},
    }


def shown(count: engine.Range, currency: str) -> dict[str, Any]:
    """A count as JSON: of money with its currency."""
    return money_sums.sums(count, currency) if currency else ends(count)


def _counted(count: engine.Range, currency: str) -> engine.Value:
    """A count as the value of its fact."""
    return engine.in_currency(count, currency) if currency else count


def _opens(wanted: CounterQuery, day: date) -> bool:
    """Whether an opening on a day says what was counted in a period so far."""
    return bool(wanted.counter.window.of) and day >= wanted.first


def _stated(document: Mapping[str, Any], fact: str) -> Any:
    """What a document holds of a fact or a family; None where it holds nothing."""
    here: Any = document
    for step in fact.split("."):
        here = here.get(step) if isinstance(here, Mapping) else None
    return here
