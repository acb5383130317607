"""
The counters of an exchange: from the ledger, and from the caller if the settings allow it; the pages of the books of rights; the shares.

An exchange goes in. It comes out with its counters filled in, each with its source, and with what the books and the shares of the ledger
say. A record shows all exactly as they entered the decision. No counter is lower than what the ledger has for certain.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

import engine
from service.callers.caller import Caller
from service.ledger import money_sums, party_view, repeated_people
from service.ledger.benefit_reading import BenefitsBook, FoundBenefits
from service.ledger.counter_book import Book
from service.ledger.counter_marks import in_currency, shown, sources
from service.ledger.counter_sums import NOT_FOUND, NOTHING, CounterQuery, ends
from service.ledger.counter_totals import ANY_NUMBER, CounterTotals, Moment
from service.ledger.counter_upper_ends import CountRecord, StatedCount, combined, may_count, missing_counted_ids, recorded_only
from service.ledger.promise_book import Promises
from service.ledger.rights_book import EarlierCommitment, RightsBook
from service.ledger.share_book import Shares
from service.policies.live import Live
from service.problems import ProblemPlace, RequestRefused
from service.settings import Settings
from service.store.database import Database


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
        self.totals = CounterTotals(settings, book)

    def unused(self, database: Database, live: Live) -> bool:
        """
        Whether the ledger counts nothing: then the counters of an exchange hold what the caller sent, or what it adds itself.

        Raises sqlalchemy.exc.SQLAlchemyError.
        """
        counts = live.counting.facts or live.counting.promises or live.counting.shares
        return not counts or (self.totals.never_complete and not self.book.used(database))

    def silent(self, database: Database, live: Live, document: Mapping[str, Any]) -> bool:
        """Whether no book says anything of an exchange. Raises sqlalchemy.exc.SQLAlchemyError."""
        return self.rights.silent(database, live, document) and self.benefits.silent(database, live, document)

    def sent(self, live: Live, document: Mapping[str, Any]) -> bool:
        """Whether the caller may have sent a count, or what a number is filled in beside: of promises, or by whom it is counted."""
        counting = live.counting
        beside = {fact.partition(".")[0] for each in counting.promises for fact in (each.fills, each.beside)}
        if not beside.isdisjoint(document) or any(
            engine.fact_at(document, each.name) is not None for each in counting.counters
        ):
            return True
        kept = (each.per for each in counting.counters if each.kept)
        return any(all(engine.fact_at(document, fact) is not None for fact in per) for per in kept)

    def apart(self, live: Live, exchange: engine.Exchange) -> bool:
        """
        Whether the ledger and the books can say nothing of an exchange except its shares, whatever will be written there.

        It states nobody whose exchanges or promises are counted, no asset, no agreement and no price, and no count.
        """
        counting, benefits = live.counting, live.bundle.reader.benefits
        document, values = exchange.document, exchange.values
        counts = {fact for each in counting.counters for fact in (each.name, *each.facts)}
        counts |= {fact for each in counting.promises for fact in (each.fills, each.disputed)}
        if any(engine.fact_at(document, fact) is not None for fact in counts - {""}):
            return False  # not by its values: among them is what follows from what it states
        if any(all(fact in values for fact in each.per) for each in counting.counters):
            return False
        named = {each.same for each in counting.counters}
        named |= {fact for each in counting.promises for fact in (each.by, each.beside)}
        named |= {reader.book.of for reader in live.bundle.reader.books}
        if benefits is not None:
            named |= {benefits.book.agreement, benefits.book.made_from, benefits.book.price}
        return not any(fact in values or engine.fact_at(document, fact) is not None for fact in named - {""})

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
            self.totals.wanted(
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
                counts[fact] = in_currency(value, currency) if source != "caller" or not currency else sent
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
                wanted = self.totals.wanted(connection, live, counter, key, moment)
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
        found, before = self.totals.read_each(connection, wanted, given, after, made.id if made else None)
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
            added_up = self.totals.sums(each, here)
            if record := records.get(counter.name):
                added_up = record.replacing(added_up, since[counter.name].window, brought)
            sums |= added_up
            counted = self.totals.as_far_as_complete(each, here, added_up)
            if each.earlier:
                counted = self.totals.with_carried(live, each, here, counted, before[counter.name])
            others |= counted
            for fact in counter.facts:
                later[fact] = money_sums.sum_in(here.later, fact, each.currency).most
                if each.keys if counter.currency else counted[fact] != ANY_NUMBER:
                    known.add(fact)
        return _Beside(others, later, known, sums, again)
