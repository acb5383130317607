"""
Whether an exchange lies within what its documents state that they cover: people, recipients, purposes, data sets (semantics 2.3).

An exchange goes in. It comes out with the answer in the place of what each such document says of `covers`, so that every later look at
the document, by a mask or in a comparison, finds it there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.backends.bitset.value_tests import NO, UNKNOWN, YES, ValuesBelow, ends, order, same, total
from engine.exchange import Exchange
from engine.rules import Measure, RuleSet, Truth
from engine.values import Disputed, Document, Missing, Range, SetOf, Value

_ANSWER: dict[Truth, Value] = {NO: False, UNKNOWN: Missing.UNKNOWN, YES: True}


class DocumentExtents:
    """What the documents of one rule set may state."""

    def __init__(self, rules: RuleSet) -> None:
        self._families = rules.families
        self._of = {name: measures for name, measures in rules.measures.items() if measures}
        sets = {id(each.values): each.values for measures in self._of.values() for each in measures if each.values is not None}
        self._below = {key: ValuesBelow(values) for key, values in sets.items()}

    def held(self, exchange: Exchange) -> Exchange:
        """The exchange held against its documents."""
        values: dict[str, Value] | None = None
        for name, value in exchange.values.items():
            measures = self._of.get(name)
            if measures:
                answered = self._answered(value, measures, exchange)
                if answered is not value:
                    values = values or dict(exchange.values)
                    values[name] = answered
        return exchange if values is None else replace(exchange, values=values)

    def _answered(self, value: Value, measures: Sequence[Measure], exchange: Exchange) -> Value:
        if isinstance(value, Disputed):
            stated, registered = (self._answered(each, measures, exchange) for each in (value.stated, value.registered))
            alike = stated is value.stated and registered is value.registered
            return value if alike else Disputed(stated, registered)
        if not isinstance(value, Document) or value.state != "shown":
            return value
        said = value.fields.get("covers")
        covers = (YES if said else NO) if isinstance(said, bool) else UNKNOWN
        for each in measures:
            if each.name in value.fields:
                covers = min(covers, self._within(each, value.fields[each.name], exchange))
            elif each.must:
                covers = min(covers, UNKNOWN)
        answer = _ANSWER[covers]
        unchanged = answer is said or (covers is UNKNOWN and not isinstance(said, bool))
        return value if unchanged else Document(value.state, {**value.fields, "covers": answer})

    def _within(self, measure: Measure, limit: Value, exchange: Exchange) -> Truth:
        if measure.fact in self._families:
            how, members = self._families[measure.fact]
            return self._read(measure, limit, total([exchange.value(member) for member in members], how))
        told = exchange.value(measure.fact)
        if isinstance(told, Disputed):
            return same(self._read(measure, limit, told.stated), self._read(measure, limit, told.registered))
        return self._read(measure, limit, told)

    def _read(self, measure: Measure, limit: Value, told: Value) -> Truth:
        match limit, told:
            case Range(), Range():
                return order("at_most", *ends(told, limit))
            case SetOf(), str():
                return self._each(measure, limit, told)
            case SetOf(), SetOf():
                answers = {self._each(measure, limit, member) for member in told.members}
                return NO if NO in answers else UNKNOWN if UNKNOWN in answers or told.open else YES
        return UNKNOWN

    def _each(self, measure: Measure, limit: SetOf, word: str) -> Truth:
        """Whether one value is among those that a document states, or lies below one of them."""
        kin = self._below.get(id(measure.values))
        if (kin.values.ancestors(word) if kin else frozenset((word,))) & limit.members:
            return YES
        may = kin is not None and kin.may_be(word) & limit.members
        return UNKNOWN if limit.open or may else NO
