"""
Counters: what an exchange adds to each, and what each comes to.

A bundle, an exchange and a verdict in, contributions out: for every fact that is counted the key (per whom) and a range of people.
Contributions in, a range out: what the counter of the next exchange is. Whoever keeps contributions, for days and keys, is the
caller's; nothing here remembers. Every range holds the truth whatever is unknown: how exchanges overlap, whether one counts at all,
whose it is. Source: semantics 2.1, 2.7, 2.8, 5.1.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Self, TypeAlias

from engine.bundle import Bundle
from engine.exchange import Exchange
from engine.policy_language.model import CounterText
from engine.rules import Condition, Defined, Rule, RuleSet, Truth, atoms, named, tests
from engine.values import MAX_COUNT, Duration, Missing, Range, SetOf, read_duration, to_json
from engine.verdict import Verdict

EXCHANGES = "exchanges"  # what a counter counts that counts no fact
# Beyond this many people a range has no upper end, and a lower end says no more: sums of millions of them stay whole numbers.
ENOUGH = 10**12
_CALENDAR = re.compile(r"calendar year( and the one before)?(?: in (.+))?")

# The values of the facts that a counter is kept per, in their order; None where one is not known.
Key: TypeAlias = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class CountingWindow:
    """
    The days that count. `zone` names the time zone whose days they are, "" where any will do.

    `years` is how many calendar years, the running one included, or 0; then `length` is how long a day counts. A day counts while it is
    `within` that length (semantics 2.9): the day itself is the first, and month ends fall on the last day.
    """

    zone: str
    years: int
    length: Duration

    @classmethod
    def read(cls, text: str) -> Self:
        """The window of a checked counter."""
        if match := _CALENDAR.fullmatch(text):
            return cls(match[2] or "", 2 if match[1] else 1, Duration())
        return cls("", 0, read_duration(text.removeprefix("preceding ")))

    def first(self, day: date) -> date:
        """The first day that counts on a day; `day` is the last."""
        if self.years:
            return date(max(day.year - self.years + 1, 1), 1, 1)
        first = self.length.before(day)
        # The day that lies so long before no longer counts, nor do days whose time ends with it at the end of a month.
        while first <= day and self.length.after(first) <= day:
            first += timedelta(days=1)
        return first


@dataclass(frozen=True, slots=True)
class Counter:
    """
    One counter of the vocabulary.

    `facts` are those it answers, one or a family's. `meaning` is a digest of all that decides what counts, and per whom: contributions
    to counters of one name and another meaning are not comparable.
    """

    name: str
    facts: tuple[str, ...]
    distinct: bool
    per: tuple[str, ...]
    window: CountingWindow
    meaning: str


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one exchange adds to one counted fact, once it happens. A `people.low` of 0 may be an exchange that does not count."""

    counter: str
    fact: str
    key: Key
    people: Range


@dataclass(frozen=True, slots=True)
class Tally:
    """
    What contributions come to, in whatever order: the most people certain in one of them (`largest`), in all together (`least`), and
    the most there can be (`most`, None without an end).
    """

    largest: int = 0
    least: int = 0
    most: int | None = 0

    @classmethod
    def of(cls, people: Range, certain: bool = True) -> Self:
        """One contribution; it may be another key's where it is not `certain`."""
        low = min(int(people.low), ENOUGH) if certain else 0
        return cls(low, low, None if people.high is None or people.high > ENOUGH else int(people.high))

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            max(self.largest, other.largest),
            self.least + other.least,
            None if self.most is None or other.most is None else self.most + other.most,
        )

    def range(self, distinct: bool) -> Range:
        """The count. Of different people whose overlap is not known at least those of the largest part, and at most the sum."""
        low = min(self.largest if distinct else self.least, MAX_COUNT)
        most = None if self.most is None or self.most > MAX_COUNT else Decimal(self.most)
        return Range(Decimal(low), most)


NOTHING = Tally()
UNBOUNDED = Tally(most=None)


class Counting:
    """The counters of one bundle, and a digest of what they all mean. Made once a bundle."""

    def __init__(self, bundle: Bundle) -> None:
        words = bundle.vocabulary
        self._facts = words.facts
        self._families = words.families
        self._left_out = {name: frozenset(text.leaves_out) for name, text in words.counters.items()}
        self.counters = tuple(
            Counter(
                name,
                words.families.get(name, (name,)),
                text.counts.startswith("distinct "),
                tuple(text.per),
                CountingWindow.read(text.window),
                _meaning(name, self._written(name, text), self._left_out[name], bundle.rules),
            )
            for name, text in sorted(words.counters.items())
        )
        self.meaning = hashlib.sha256("".join(each.meaning for each in self.counters).encode()).hexdigest()

    def _written(self, name: str, text: CounterText) -> str:
        """What a counter says, printed; with the members of its family and of what it counts, for a new one was not counted."""
        counted = text.counts.removeprefix("distinct ")
        return repr((text.counts, text.per, text.window, *(self._families.get(each, ()) for each in (name, counted))))

    def key(self, counter: Counter, exchange: Exchange) -> Key:
        """Per whom an exchange counts."""
        return tuple(self.part(fact, exchange) for fact in counter.per)

    def part(self, fact: str, exchange: Exchange) -> str | None:
        """A fact as a part of a key; None where it is not known for certain, or may be told more closely (semantics 2.5)."""
        value = exchange.value(fact)
        if fact not in self._facts or isinstance(value, Missing) or (isinstance(value, SetOf) and value.open):
            return None
        values = self._facts[fact].type.values
        inexact = values.values if values and isinstance(value, str) and value not in values.exact else ()
        if values and any(other != value and value in values.ancestors(other) for other in inexact):
            return None
        return json.dumps(to_json(value), ensure_ascii=False, sort_keys=True)

    def own(self, counter: Counter, fact: str, exchange: Exchange) -> Range:
        """How many people the exchange itself brings to a counted fact."""
        counted = self._facts[fact].counts
        if counted == EXCHANGES:
            return Range.exact(1)
        parts = [exchange.value(each) for each in self._families.get(counted, (counted,))]
        tally = sum((Tally.of(each) if isinstance(each, Range) else UNBOUNDED for each in parts), NOTHING)
        return tally.range(counter.distinct)

    def contributions(self, exchange: Exchange, verdict: Verdict) -> tuple[Contribution, ...]:
        """
        What an exchange adds to each counter, by what any engine says to it; nothing where it certainly does not count.

        `verdict` is one without sign-offs: that a doubtful lift was accepted for one exchange does not settle whether it counts.
        """
        found = []
        for counter in self.counters:
            counts = min(_reads(verdict, f"counter/{counter.name}"), ~_left_out(verdict, self._left_out[counter.name]))
            if counts is Truth.NO:
                continue
            key = self.key(counter, exchange)
            for fact in counter.facts:
                own = self.own(counter, fact, exchange)
                people = own if counts is Truth.YES else Range(Decimal(0), own.high)
                if people.high != 0:
                    found.append(Contribution(counter.name, fact, key, people))
        return tuple(found)

    def value(self, counter: Counter, fact: str, exchange: Exchange, others: Tally) -> Range:
        """The counter of an exchange beside `others` that count: it includes the exchange itself (semantics 2.8)."""
        return (others + Tally.of(self.own(counter, fact, exchange))).range(counter.distinct)

    def brought(self, counter: Counter, fact: str, exchange: Exchange) -> Range | None:
        """The count that came with the exchange, where it says more than that the exchange itself counts."""
        value = exchange.values.get(fact)
        if not isinstance(value, Range) or (value.high is None and value.low <= self.own(counter, fact, exchange).low):
            return None
        return value

    def filled(self, exchange: Exchange, counts: Mapping[str, Range]) -> Exchange:
        """The same exchange with these counts, in its document too."""
        document: Any = exchange.document
        personal = set(exchange.personal)
        for fact, count in counts.items():
            document = put(document, fact, to_json(count))
            if self._facts[fact].personal:
                personal.add("/" + fact.replace(".", "/"))
        values = {**exchange.values, **counts}
        return replace(exchange, document=document, values=values, personal=tuple(sorted(personal)))


def covering(key: Key) -> Iterator[Key]:
    """Every key that may be this one: the key itself first, then those in which some part is not known."""
    return itertools.product(*((part, None) if part is not None else (None,) for part in key))


def put(document: Mapping[str, Any], fact: str, value: Any) -> dict[str, Any]:
    """A document with a fact set, or left out where the value is None; nothing is changed in place."""
    head, _, rest = fact.partition(".")
    if rest:
        inner = document.get(head, {})
        return {**document, head: put(inner if isinstance(inner, Mapping) else {}, rest, value)}
    if value is None:
        return {key: each for key, each in document.items() if key != head}
    return {**document, head: value}


def _reads(verdict: Verdict, key: str) -> Truth:
    """How a definition reads; that of a counter no rule uses, and a back end may be slower to find it than to read it as a test."""
    return verdict.truth(Defined(key)) if verdict.truth else verdict.defined[key]


def _left_out(verdict: Verdict, provisions: frozenset[str]) -> Truth:
    """Whether one of some provisions leaves the exchange out: for certain only where nothing about it is doubtful."""
    found = Truth.NO
    for number, rule in enumerate(verdict.rules):
        if rule.provision.id in provisions:
            stands = verdict.stands.truth(number)
            doubtful = rule.doubtful or verdict.doubted.truth(number) is not Truth.NO
            found = max(found, min(stands, Truth.UNKNOWN) if doubtful else stands)
    return found


def _meaning(name: str, written: str, provisions: frozenset[str], rules: RuleSet) -> str:
    """Over all that decides what a counter counts: its condition, what leaves out, what exempts from that, and the words in them."""
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
    """These rules and whatever exempts from them, in the order of the rules (exempters come first)."""
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
    for key in named(condition):
        if key not in seen:
            seen.add(key)
            yield key
            yield from _printed(rules.definitions[key], rules, seen)
