"""
An exchange, as it was read, as assumptions on the literals of its facts: what the clauses leave free beside them stays free.

It is written apart from the encoding and from its tests of facts: only values and thresholds are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from engine.analysis import Formula
from engine.analysis.dated_facts import DatedFact
from engine.analysis.number_lines import NumberLine, NumberRange
from engine.analysis.word_choices import OneWord
from engine.exchange import Exchange
from engine.values import Amount, AmountRange, Document, Missing, Range, SetOf
from engine.values.exact_ratio import Number


def literals(formula: Formula, exchange: Exchange, day: date) -> list[int]:
    """What an exchange says on a day, as assumptions."""
    return list(_all(formula, exchange, day))


def _all(formula: Formula, exchange: Exchange, day: date) -> Iterator[int]:
    said, literals_of = exchange.values, formula.exchange
    yield from _day(literals_of.day.line, day)
    for name, fact in literals_of.words.items():
        value = said.get(name, Missing.LEFT_OUT)
        if isinstance(fact, OneWord):
            known = not isinstance(value, Missing)
            yield from _either(fact.unknown, not known)
            for words, has in zip(fact.words, fact.has, strict=True):
                yield from _either(has, known and value in words)
        else:
            members = value.members if isinstance(value, SetOf) else frozenset()
            yield from _either(fact.stated, isinstance(value, SetOf))
            yield from _either(fact.open, not isinstance(value, SetOf) or value.open)
            for words, has in zip(fact.words, fact.has, strict=True):
                yield from _either(has, not members.isdisjoint(words))
    for (name, unit), number in literals_of.numbers.items():
        if name not in formula.bundle.vocabulary.facts:
            continue  # the total of a family is what its members are
        match said.get(name, Missing.LEFT_OUT):
            case Range(low=low, high=high) if not unit:
                yield from _number(number, low, high)
            case Amount(amount=amount, unit=own) if own == unit:
                yield from _number(number, amount, amount)
            case AmountRange(low=low, high=high, unit=own) if own == unit:
                yield from _number(number, low, high)
            case _:
                yield -number.stated
    for name, dated in literals_of.dates.items():
        yield from _date(dated, said.get(name, Missing.LEFT_OUT), day)
    for name, document in literals_of.documents.items():
        value = said.get(name, Missing.LEFT_OUT)
        shown = isinstance(value, Document) and value.state == "shown"
        yield from _either(document.shown, shown)
        yield from _either(document.unknown, value is Missing.UNKNOWN)
        if not isinstance(value, Document) or not shown:
            continue
        for field, dated in document.dates.items():
            yield from _date(dated, value.fields.get(field, Missing.LEFT_OUT), day)
        covers = value.fields.get("covers", Missing.UNKNOWN)
        yield from _either(document.covers.must, covers is True)
        yield from _either(document.covers.may, covers is not False)
        expires = value.fields.get("expires")
        yield from _either(document.expires, expires is not None)
        if expires is not None:
            yield from _either(document.expiry_known, isinstance(expires, date))
        if isinstance(expires, date):
            yield from _either(document.ended, expires < day)
            yield from _day(document.last, expires)
    for (of, name), literal in literals_of.named.items():
        named = exchange.relies_on if of == "relies_on" else [provision for provision, _ in exchange.carried]
        yield from _either(literal, name in named)


def _either(literal: int, holds: bool) -> Iterator[int]:
    yield literal if holds else -literal


def _day(line: NumberLine, day: date) -> Iterator[int]:
    for (number, _), literal in line.at.items():
        yield from _either(literal, day.toordinal() >= number)


def _number(number: NumberRange, low: Number, high: Number | None) -> Iterator[int]:
    yield number.stated
    for line, end in ((number.low, low), (number.high, high)):
        for (at, beyond), literal in line.at.items():
            yield from _either(literal, end is None or end > at or (end == at and not beyond))


def _date(fact: DatedFact, value: object, day: date) -> Iterator[int]:
    yield from _either(fact.known, isinstance(value, date))
    if isinstance(value, date):
        yield from _either(fact.later, value > day)
        yield from _either(fact.today, value == day)
        yield from _day(fact.line, value)
        for (length, late), over in fact.over.items():
            yield from _either(over, day > length.after(value) if late else day >= length.after(value))
