"""
How far documents reach: an exchange goes in, and comes out with documents that cover it, do not cover it, or may (semantics 2.3).

A document that states what it covers, or must, keeps all its fields but `covers`, which then says whether this exchange lies within it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from engine.exchange import Exchange
from engine.rules import Measure, RuleSet
from engine.values import Disputed, Document, Missing, Number, Range, SetOf, Value, either

OUTSIDE, PERHAPS, INSIDE = 0, 1, 2
COVERS = {OUTSIDE: False, PERHAPS: Missing.UNKNOWN, INSIDE: True}


class DocumentReach:
    """What the documents of one rule set may state that they cover."""

    def __init__(self, rules: RuleSet) -> None:
        self._measures = {name: measures for name, measures in rules.measures.items() if measures}
        self._families = rules.families

    def measured(self, exchange: Exchange) -> Exchange:
        """The exchange with its documents measured; itself where none of them states anything."""
        changed: dict[str, Value] = {}
        for name, value in exchange.values.items():
            measures = self._measures.get(name)
            if measures is None:
                continue
            sides = [self._document(each, measures, exchange) for each in either(value)]
            if any(side is not each for side, each in zip(sides, either(value), strict=True)):
                changed[name] = sides[0] if len(sides) == 1 else Disputed(*sides)
        return replace(exchange, values={**exchange.values, **changed}) if changed else exchange

    def _document(self, value: Value, measures: Iterable[Measure], exchange: Exchange) -> Value:
        if not isinstance(value, Document) or value.state != "shown":
            return value
        reach = min((self._measure(each, value, exchange) for each in measures), default=INSIDE)
        if reach == INSIDE:
            return value
        stated = value.fields.get("covers")
        covers: Value = False if reach == OUTSIDE or stated is False else Missing.UNKNOWN
        return Document(value.state, {**value.fields, "covers": covers})

    def _measure(self, measure: Measure, document: Document, exchange: Exchange) -> int:
        limit = document.fields.get(measure.name, Missing.LEFT_OUT)
        if limit is Missing.LEFT_OUT:
            return PERHAPS if measure.must else INSIDE
        if measure.fact in self._families:
            return _people(limit, self._most_people(measure.fact, exchange))
        answers = {_lies(measure, limit, each) for each in either(exchange.value(measure.fact))}
        return answers.pop() if len(answers) == 1 else PERHAPS

    def _most_people(self, fact: str, exchange: Exchange) -> Range:
        """The people of a family, from the least to the most; those of a disputed member lie between all that is said of it."""
        least: Number = Decimal(0)
        most: Number = Decimal(0)
        closed = True
        for member in self._families[fact][1]:
            said = [each for each in either(exchange.value(member)) if isinstance(each, Range)]
            if len(said) < len(either(exchange.value(member))):
                said = []
            highs = [each.high for each in said if each.high is not None]
            closed = closed and bool(said) and len(highs) == len(said)
            least = max(least, min((each.low for each in said), default=Decimal(0)))
            most += max(highs, default=Decimal(0))
        return Range(least, most if closed else None)


def _lies(measure: Measure, limit: Value, told: Value) -> int:
    """Whether a value lies within what a document states."""
    if isinstance(told, Range):
        return _people(limit, told)
    if isinstance(told, str):
        told = SetOf(frozenset((told,)))
    if not isinstance(limit, SetOf) or not isinstance(told, SetOf):
        return PERHAPS
    answers = [PERHAPS if told.open else INSIDE]
    for word in told.members:
        inside = {not limit.members.isdisjoint(line) for line in _lines(measure, word)}
        answer = PERHAPS if len(inside) > 1 else INSIDE if True in inside else OUTSIDE
        answers.append(PERHAPS if answer == OUTSIDE and limit.open else answer)
    return min(answers)


def _lines(measure: Measure, word: str) -> Iterable[frozenset[str]]:
    """For each value that a word may mean, itself and, unless it is exact, each below it: the values that it lies under."""
    if measure.values is None:
        return [frozenset((word,))]
    lines = measure.values.lineage
    return [lines[word]] if word in measure.values.exact else [line for line in lines.values() if word in line]


def _people(limit: Value, told: Range) -> int:
    if not isinstance(limit, Range):
        return PERHAPS
    if told.high is not None and told.high <= limit.low:
        return INSIDE
    return OUTSIDE if limit.high is not None and limit.high < told.low else PERHAPS
