"""
Counters: what an exchange adds to each counter, and the value of a counter for the next exchange.

From a bundle, an exchange and a verdict come contributions: for every counted fact, a key (per whom it is counted) and a range of people,
or of ten-thousandths of a currency where money is counted. From contributions comes a range: the value of the counter. The caller keeps
the contributions by day and key; this module stores nothing. Every range contains the true number, whatever is unknown: how exchanges
overlap, whether one counts, to which key it belongs. Source: semantics 2.1, 2.7, 2.8, 5.1.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import TypeAlias

from engine.bundle import Bundle
from engine.deciding.counting_window import CountingWindow
from engine.deciding.money_counts import NO_SUM, currency_of, parts, parts_in
from engine.deciding.promises import promises_of
from engine.deciding.tally import ENOUGH, ENOUGH_MONEY, Tally, span
from engine.exchange import Exchange
from engine.policy_language.share_facts import shares_of
from engine.policy_language.vocabulary_text import CounterText
from engine.rules import Condition, Defined, Rule, RuleSet, Truth, atoms, definitions_named, tests
from engine.values import Disputed, Missing, Range, SetOf, Value, either, to_json
from engine.values.document_facts import with_facts_set
from engine.values.id_spellings import folded_id
from engine.verdict import Verdict

EXCHANGES = "exchanges"  # the word of a counter that counts exchanges, not a fact

# The values of the facts by which a counter is kept (`per:`), in their order, each as JSON; None for an unknown value.
Key: TypeAlias = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Counter:
    """
    One counter of the vocabulary.

    `facts` are the facts whose values it gives: one fact, or those of a family. `meaning` is a digest of all that decides what counts,
    and per whom. Contributions to two counters of the same name but different meanings must not be added up. A counter of money has the
    fact in whose `currency` its sum is. `same` is the fact by which an exchange says that it has the people of an earlier data set,
    `record` the kind of evidence that shows how many different people there are, `kept` the fact that says that a ledger keeps the counter;
    each is "" where there is none. `ids` are the places in a key that hold ids.
    """

    name: str
    facts: tuple[str, ...]
    distinct: bool
    per: tuple[str, ...]
    window: CountingWindow
    meaning: str
    currency: str = ""
    same: str = ""
    record: str = ""
    kept: str = ""
    ids: tuple[int, ...] = ()

    def folded(self, key: Key) -> Key:
        """A key with its ids folded: ids that look alike count as one (semantics 1.9)."""
        return tuple(folded_part(part) if place in self.ids and part is not None else part for place, part in enumerate(key))


@dataclass(frozen=True, slots=True)
class Contribution:
    """
    What one exchange adds to one counted fact, once it happens. With a `people.low` of 0 the exchange may not count at all.

    Of money, `people` are ten-thousandths of the `currency`; "" is a currency that is not known.
    """

    counter: str
    fact: str
    key: Key
    people: Range
    currency: str = ""

    @property
    def place(self) -> str:
        """What is added up by itself: the fact, and of money each currency of it (`terms.income CNY`)."""
        return f"{self.fact} {self.currency}" if self.currency else self.fact

    @property
    def tally(self) -> Tally:
        """The contribution as a sum of its own."""
        return Tally.of(self.people, enough=ENOUGH_MONEY if self.currency else ENOUGH)


class BundleCounters:
    """The counters, promises and shares of one bundle, and a digest of the meaning of all of them. Made once for a bundle."""

    def __init__(self, bundle: Bundle) -> None:
        words = bundle.vocabulary
        self._facts = words.facts
        self._families = words.families
        self._own_counts = bundle.reader.own_counts
        self._left_out = {name: frozenset(text.leaves_out) for name, text in words.counters.items()}
        self.counters = tuple(
            Counter(
                name,
                words.families.get(name, (name,)),
                text.counts.startswith("distinct "),
                tuple(text.per),
                CountingWindow.read(text.window),
                _meaning(name, self._written(name, text), self._left_out[name], bundle.rules),
                text.currency or "",
                text.same or "",
                text.record or "",
                text.kept or "",
                tuple(
                    place for place, fact in enumerate(text.per) if fact in words.facts and words.facts[fact].type.kind == "id"
                ),
            )
            for name, text in sorted(words.counters.items())
        )
        self.promises = promises_of(bundle)
        self.shares = shares_of(words)
        by_meaning = [each.meaning for each in self.counters] + [each.meaning for each in self.promises]
        self.meanings = tuple(dict.fromkeys((*by_meaning, *(each.meaning for each in self.shares))))
        self.counter_facts = tuple((counter, fact) for counter in self.counters for fact in counter.facts)
        self.facts = tuple(fact for _, fact in self.counter_facts)
        self._adds = {fact: words.families.get(each := words.facts[fact].counts, (each,)) for fact in self.facts}
        self.definitions = tuple(map(definition, self.counters))
        self.meaning = hashlib.sha256("".join(self.meanings).encode()).hexdigest()

    def _written(self, name: str, text: CounterText) -> str:
        """A counter's text, printed with the members of its family and of the family it counts: a new member was not counted before."""
        counted = text.counts.removeprefix("distinct ")
        money = (text.currency,) if text.currency else ()
        return repr((text.counts, text.per, text.window, *money, *(self._families.get(each, ()) for each in (name, counted))))

    def key(self, counter: Counter, exchange: Exchange) -> Key:
        """The key under which an exchange counts."""
        return tuple(self.part(fact, exchange) for fact in counter.per)

    def unsaid(self, counter: Counter, exchange: Exchange) -> tuple[str, ...]:
        """The facts by which a counter is kept and that an exchange does not say for certain."""
        return tuple(fact for fact in counter.per if self.part(fact, exchange) is None)

    def part(self, fact: str, exchange: Exchange) -> str | None:
        """
        A fact as a part of a key.

        None where it is not known for certain: it is disputed, or a narrower value may be the true one (semantics 1.8, 2.5).
        """
        value = exchange.value(fact)
        if isinstance(value, Disputed) and isinstance(value.registered, str) and self._looks_alike(fact, value):
            value = value.registered
        if fact not in self._facts or isinstance(value, Missing | Disputed) or (isinstance(value, SetOf) and value.open):
            return None
        values = self._facts[fact].type.values
        if values and isinstance(value, str) and value in values.narrower:
            return None
        return json.dumps(to_json(value), ensure_ascii=False, sort_keys=True)

    def _looks_alike(self, fact: str, value: Disputed) -> bool:
        """Whether an id is open only between two that look alike: whichever it is, it counts as the same."""
        of_ids = fact in self._facts and self._facts[fact].type.kind == "id"
        return of_ids and len({folded_id(each) if isinstance(each, str) else "" for each in either(value)}) == 1

    def currency(self, counter: Counter, exchange: Exchange) -> str:
        """
        The currency of a counter's sum for an exchange: that of the fact which the counter names, otherwise that of what it counts.

        "" where neither is known, and for what is no counter of money.
        """
        if not counter.currency:
            return ""
        return currency_of(exchange.value(counter.currency)) or currency_of(exchange.value(self._facts[counter.name].counts))

    def own(self, counter: Counter, fact: str, exchange: Exchange, currency: str = "") -> Range:
        """How many people, or how much of a currency, the exchange adds to a counted fact; of what is disputed, the least to the most."""
        adds = self._adds[fact]
        if counter.currency:
            return parts_in(exchange.value(adds[0]), currency)
        if adds == (EXCHANGES,):
            return Range.exact(1)
        value = exchange.value(adds[0])
        if len(adds) == 1 and isinstance(value, Range) and (value.low if value.high is None else value.high) <= ENOUGH:
            return value  # as almost always, and not cut
        return Tally.over([span(exchange.value(each)) for each in adds]).range(counter.distinct)

    def contributions(self, exchange: Exchange, verdict: Verdict, defined: Mapping[str, Truth]) -> tuple[Contribution, ...]:
        """
        What an exchange adds to each counter; nothing where it certainly does not count.

        `verdict` is any engine's, without sign-offs: a doubtful lift that a person accepts does not settle whether the exchange counts.
        `defined` is how the `definitions` read by the reference, since engines are not compared in them.
        """
        found = []
        for counter in self.counters:
            counts = min(defined[definition(counter)], ~_left_out(verdict, self._left_out[counter.name]))
            if counts is Truth.NO:
                continue
            key = self.key(counter, exchange)
            for fact in counter.facts:
                value = exchange.value(self._facts[fact].counts) if counter.currency else None
                currency = "" if value is None else currency_of(value)
                own = self.own(counter, fact, exchange) if value is None else parts(value) if currency else NO_SUM
                people = own if counts is Truth.YES else Range(Decimal(0), own.high)
                if people.high != 0:
                    found.append(Contribution(counter.name, fact, key, people, currency))
        return tuple(found)

    def value(self, counter: Counter, own: Range, others: Tally, again: bool = False) -> Range:
        """
        The value of a counter for an exchange: the sum of the `others` that count and of its `own` (semantics 2.8).

        Of money, in ten-thousandths of a currency. `again`: its own people are among the others.
        """
        if counter.currency:
            return (others + Tally.of(own, enough=ENOUGH_MONEY)).sum()
        adds = Tally.of(own)
        return (others + (replace(adds, most=0) if again else adds)).range(counter.distinct)

    def adds(self, counter: Counter, fact: str) -> tuple[str, ...]:
        """The facts of an exchange that are added to a counted fact."""
        return () if self._adds[fact] == (EXCHANGES,) else self._adds[fact]

    def may_count(self, defined: Mapping[str, Truth], counter: Counter) -> bool:
        """Whether an exchange counts or may count, by how the `definitions` read; a provision may leave it out all the same."""
        return defined[definition(counter)] is not Truth.NO

    def brought(self, counter: Counter, fact: str, exchange: Exchange, currency: str = "") -> Range | None:
        """The count that the sender sent; None where it says no more than what the exchange itself adds."""
        value = exchange.values.get(fact, Missing.LEFT_OUT)
        if isinstance(value, Disputed):
            value = value.stated
        if counter.currency:
            return None if isinstance(value, Missing) else parts_in(value, currency)
        if not isinstance(value, Range) or (value.high is None and value.low <= self.own(counter, fact, exchange).low):
            return None
        return value

    def filled(
        self,
        exchange: Exchange,
        counts: Mapping[str, Value],
        counted: Collection[str] = (),
        raised: Collection[str] = (),
        stated: Collection[str] = (),
        asks: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    ) -> Exchange:
        """
        The same exchange with these counts, in its document too. `counted` are those that are from the ledger alone, `raised` those that
        were stated and that the ledger raised, `stated` those that stand as they were stated; `asks` has what the ledger lacks to add up a
        counter.
        """
        document = with_facts_set(exchange.document, {fact: to_json(count) for fact, count in counts.items()})
        personal = {"/" + fact.replace(".", "/") for fact in counts if self._facts[fact].personal}
        values = {**exchange.values, **counts}
        if exchange.disputed:
            self._own_counts.count(values)
        # What is filled in no longer follows from what was sent, as whoever decides again from the document finds it.
        follows = {name: sent for name, sent in exchange.follows.items() if name not in counts}
        all_personal = tuple(sorted(personal.union(exchange.personal)))
        filled = replace(exchange, document=document, values=values, personal=all_personal, follows=follows)
        return self._own_counts.counted(filled, counted, raised, stated, asks)


def folded_part(part: str) -> str:
    """A part of a key with its id folded, or with each of a set of ids."""
    value = json.loads(part)
    folded = folded_id(value) if isinstance(value, str) else sorted(set(map(folded_id, value)))
    return json.dumps(folded, ensure_ascii=False, sort_keys=True)


def covering(key: Key) -> Iterator[Key]:
    """Every key that may be the same as this one: the key itself first, then those with an unknown part."""
    return itertools.product(*((part, None) if part is not None else (None,) for part in key))


def definition(counter: Counter) -> str:
    """The key of the definition that says whether an exchange counts."""
    return f"counter/{counter.name}"


def _left_out(verdict: Verdict, provisions: frozenset[str]) -> Truth:
    """Whether one of the provisions leaves the exchange out of a counter; it is certain only where nothing about it is doubtful."""
    found = Truth.NO
    for number, rule in enumerate(verdict.rules):
        if rule.provision.id in provisions:
            stands = verdict.stands.truth(number)
            doubtful = rule.doubtful or verdict.doubted.truth(number) is not Truth.NO
            found = max(found, min(stands, Truth.UNKNOWN) if doubtful else stands)
    return found


def _meaning(name: str, written: str, provisions: frozenset[str], rules: RuleSet) -> str:
    """
    A digest of all that decides what a counter counts.

    That is its condition, the provisions that leave exchanges out, the rules that exempt from those, and the values that they test.
    """
    printed = [written]
    conditions: list[Condition] = [Defined(f"counter/{name}")]
    leaving = {rule.key for rule in rules.rules if rule.provision.id in provisions}
    for rule in _with_exempters(leaving, rules):
        printed.append(repr((rule.key, rule.doubtful, sorted(rule.exempts))))
        conditions.append(rule.condition)
    seen: set[str] = set()
    for condition in conditions:
        printed += _printed(condition, rules, seen)
    words = {atom.type.values for condition in conditions for atom in tests(condition, rules.definitions) if atom.type.values}
    printed += sorted(repr((each.name, sorted((v, sorted(line)) for v, line in each.lineage.items()))) for each in words)
    return hashlib.sha256("\n".join(printed).encode()).hexdigest()


def _with_exempters(keys: set[str], rules: RuleSet) -> Iterable[Rule]:
    """These rules and all rules that exempt from them, in the order of the rules (exempters come first)."""
    found = []
    wanted = set(keys)
    for rule in reversed(rules.rules):
        if rule.key in wanted or wanted & set(rule.exempts):
            wanted.add(rule.key)
            found.append(rule)
    return reversed(found)


def _printed(condition: Condition, rules: RuleSet, seen: set[str]) -> Iterator[str]:
    """A condition and the definitions and registers it rests on, each once."""
    yield repr(condition)
    for atom in atoms(condition):
        if atom.register and atom.register not in seen:
            seen.add(atom.register)
            yield repr((atom.register, sorted(rules.registers[atom.register].items())))
    for key in definitions_named(condition):
        if key not in seen:
            seen.add(key)
            yield key
            yield from _printed(rules.definitions[key], rules, seen)
