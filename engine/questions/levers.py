"""
What an exporter can change about a refused exchange, and which changes can affect the reasons for the refusal.

A lever is a fact that the vocabulary marks as changeable, or a kind of document that can be obtained. This module finds the levers of
a bundle, and the set of levers on which each rule rests: if a rule refuses for certain, every remedy moves one of its levers. A claim
is not a lever, because an exporter cannot make it true. A count is not one either: to leave out people whom the purpose needs, or to
split a flow, is no remedy (semantics 4.9). Of an ordered fact that changes only upwards, such as how far data are anonymised, no lower
value is a remedy. A set of levers is an integer: bit n is lever n, cheapest first.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from datetime import date
from decimal import Decimal

from engine.bundle import Bundle
from engine.exchange import Exchange
from engine.policy_language.vocabulary import DOCUMENT_FIELDS, Fact, stated_in
from engine.questions.possible_answers import AnswerBook
from engine.rules import All, AnyOf, Atom, Condition, Defined, Not, Truth
from engine.values import Disputed, Document, Missing, Range, SetOf, Value, ValueSet
from engine.verdict import numbers

DOCUMENTS = "evidence"
CENT = Decimal("0.01")
REMEMBERED = 1_024  # facts and days


class Levers:
    """
    The levers of one bundle.

    `names` are facts and `evidence.KIND`: documents first, then facts, then facts that name a country, each in the vocabulary's order.
    Documents are the cheapest, because an exporter can obtain them; a change of country is the dearest, because it changes the recipient.
    `documents` is the set of the levers that are documents, `facts` are the names of the others.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        vocabulary = bundle.vocabulary
        places = {touch.fact for touch in vocabulary.touches}
        kinds = [f"{DOCUMENTS}.{kind}" for kind in vocabulary.kinds[DOCUMENTS]]
        facts = [
            f.name for f in vocabulary.facts.values() if f.change and not f.personal and f.type.kind not in ("count", "id")
        ]
        self.names = (*kinds, *sorted(facts, key=lambda fact: fact in places))
        self.facts = frozenset(facts)
        self.documents = (1 << len(kinds)) - 1
        self._number = {name: number for number, name in enumerate(self.names)}
        self._book = AnswerBook(bundle, Exchange({}, {}), date.min)
        measures = bundle.rules.measures.values()
        self._measured = frozenset(name for each in measures for measure in each for name in measure.stated)
        self._remembered: dict[Hashable, list[Value]] = {}
        self._defined: dict[str, int] = {}
        self._gaps = self._coverage()

    def number(self, name: str) -> int:
        """The place of a lever, the cheapest first; what is no lever comes last."""
        return self._number.get(name, len(self.names))

    def of(self, condition: Condition) -> int:
        """The levers that a condition rests on, those of the definitions it names included."""
        match condition:
            case Atom(fact=fact, other=other):
                # Whether a document counts rests on what must lie within it too (semantics 2.3).
                measures = self.bundle.rules.measures.get(fact.removesuffix(".covers"), ())
                return self._fact(fact) | self._fact(other) | _union(self._fact(each.fact) for each in measures)
            case Not(part=part):
                return self.of(part)
            case Defined(key=key):
                if key not in self._defined:
                    self._defined[key] = self.of(self.bundle.rules.definitions[key])
                return self._defined[key]
            case All(parts=parts) | AnyOf(parts=parts):
                return _union(self.of(part) for part in parts)

    def silencing(self, place: str) -> tuple[str, ...]:
        """The facts by which the law of a jurisdiction or a country is silent, or its reach in doubt."""
        return tuple(self.names[number] for number in numbers(self._gaps | self._reach(place)))

    def values(self, number: int, exchange: Exchange, as_of: date) -> list[Value]:
        """
        The values that a lever can take, the smallest change first; no document obtained is dated before `as_of`.

        What the register disputes has none: to state it otherwise changes nothing that the register says (semantics 1.8).
        """
        name = self.names[number]
        if isinstance(exchange.values.get(name), Disputed):
            return []
        if self.documents >> number & 1:
            if name in exchange.values or name in self.bundle.rules.measures:
                return self._presented(name, exchange, as_of)
            return self._kept((name, as_of), lambda: self._presented(name, exchange, as_of))
        fact = self.bundle.vocabulary.facts[name]
        sent = exchange.value(name)
        found = self._sets(name, sent, exchange) if fact.type.many else self.answers(name, exchange, as_of)
        return [value for value in found if value != sent and _possible(fact, sent, value, as_of)]

    def brought(self, number: int, value: Value, exchange: Exchange) -> dict[str, Value]:
        """The facts that were stated otherwise and change with a lever, since they cannot be so at its new value."""
        fact = self.bundle.vocabulary.facts.get(self.names[number])
        brought = fact.brings.get(value, {}) if fact and isinstance(value, str) else {}
        return {name: new for name, new in brought.items() if exchange.values.get(name, new) != new}

    def named(self, name: str) -> list[str]:
        """The words of a fact that the rules name; any other word stands for all that the rules treat alike."""
        return sorted({word for atom in self._book.tested.get(name, ()) for word in atom.operands if isinstance(word, str)})

    def _fact(self, fact: str) -> int:
        members = self.bundle.rules.families.get(fact, ("", (stated_in(fact),)))[1]
        return _union(1 << self._number[member] for member in members if member in self._number)

    def _coverage(self) -> int:
        """The levers that gaps in coverage rest on."""
        keys = [f"touch/{number}" for number in range(len(self.bundle.vocabulary.touches))]
        keys += [f"subject/{name}" for name in self.bundle.vocabulary.subjects]
        facts = _union(self._fact(touch.fact) for touch in self.bundle.vocabulary.touches)
        return facts | _union(self.of(Defined(key)) for key in keys)

    def _reach(self, jurisdiction: str) -> int:
        """The levers that the reach of a jurisdiction's law rests on."""
        rules = self.bundle.rules
        floors = (floor for floor in rules.floors if floor.jurisdiction == jurisdiction)
        keys = [key for floor in floors for spoken in floor.spoken for key in spoken.by]
        keys += [each.key for each in rules.not_reached if each.jurisdiction == jurisdiction]
        return self._gaps | _union(self.of(Defined(key)) for key in keys)

    def answers(self, name: str, exchange: Exchange, as_of: date) -> list[Value]:
        """One value of a fact for each class of values that the rules distinguish; words are kept by fact, day and what limits them."""
        book = self._book.about(exchange, as_of)
        type = self.bundle.vocabulary.facts[name].type
        if type.values is None or name in self._measured:
            values = book.of(name).values
            if type.kind != "ratio":
                return values
            # Sent as a decimal, also where it is whole.
            return [
                Range.exact(each.low.quantize(CENT))
                for each in values
                if isinstance(each, Range) and isinstance(each.low, Decimal)
            ]
        others = dict.fromkeys(
            atom.other if atom.fact == name else atom.fact for atom in book.tested.get(name, ()) if atom.other
        )
        compared = (exchange.value(other) for other in others)
        key = (name, as_of, exchange.value(name), book.bound(name), *compared)
        return self._kept(key, lambda: book.of(name).values)

    def _kept(self, key: Hashable, find: Callable[[], list[Value]]) -> list[Value]:
        found = self._remembered.get(key)
        if found is None:
            found = find()
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = found
        return found

    def _presented(self, name: str, exchange: Exchange, as_of: date) -> list[Value]:
        """The document that is shown, completed; a document of today; a document of today with every field that a rule tests."""
        book = self._book.about(exchange, as_of)
        asked: dict[str, Value] = {}
        for field, type in DOCUMENT_FIELDS.items():
            fact = f"{name}.{field}"
            if fact in book.tested and field not in ("dated", "covers") and type.kind != "id":
                asked[field] = as_of if field == "filed" else book.of(fact).values[-1]
        there = exchange.values.get(name)
        before = there.fields if isinstance(there, Document) and there.state == "shown" else {}
        # What the kind must say, or the document said, is said so that it covers this exchange.
        covering: dict[str, Value] = {}
        beyond = False
        for measure in self.bundle.rules.measures.get(name, ()):
            told = measure.told(exchange.values)
            around = measure.around(told)
            beyond = beyond or measure.within(before, told) is Truth.NO
            if around is not None and (measure.must or measure.name in before):
                covering[measure.name] = around
        fresh: dict[str, Value] = {"dated": as_of, "covers": True, **covering}
        found = [fresh, {**asked, **fresh}] if asked else [fresh]
        stated = {field: value for field, value in before.items() if not isinstance(value, Missing)}
        if "dated" in stated and not beyond:
            found = [{**asked, **covering, **stated}, *found]
        return [document for fields in found if (document := Document("shown", fields)) != there]

    def _sets(self, name: str, sent: Value, exchange: Exchange) -> list[Value]:
        """
        The set without one member, with one more that the rules name, or with that one alone; never the empty set.

        Of a set that is compared with another, also all that both hold, and all that either holds.
        """
        members = sent.members if isinstance(sent, SetOf) else frozenset()
        words = self.named(name)
        sets = [members - {member} for member in sorted(members)]
        sets += [members | {word} for word in words]
        sets += [frozenset((word,)) for word in words]
        for atom in self._book.tested.get(name, ()):
            other = exchange.value(atom.other if atom.fact == name else atom.fact) if atom.other else None
            if isinstance(other, SetOf):
                sets += [members & other.members, members | other.members]
        return [SetOf(each) for each in dict.fromkeys(sets) if each]


def _possible(fact: Fact, sent: Value, value: Value, as_of: date) -> bool:
    """Whether a fact can be changed to a value: a sender may state it, it is no day that has passed, and no step down."""
    values = fact.type.values
    words = value.members if isinstance(value, SetOf) else (value,) if isinstance(value, str) else ()
    known = values is None or all(word in values.lineage for word in words)
    down = fact.upwards and values is not None and isinstance(value, str) and not _rises(values, sent, value)
    return known and not down and fact.can_be(value) and not (isinstance(value, date) and value < as_of)


def _rises(values: ValueSet, sent: Value, value: str) -> bool:
    """Whether a value is above what was sent; where that is not known, only the highest certainly is not below it."""
    if isinstance(sent, str) and sent in values.rank:
        return values.rank[value] > values.rank[sent]
    return value == values.values[-1]


def _union(masks: Iterable[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union
