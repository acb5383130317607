"""
The order of two values of a constraint, and what an operator makes of it.

In go two terms; out comes satisfied, unsatisfied, or undefined where the two have no order that is certain. A day lasts from its beginning
to its end. A time without a zone may be fourteen hours away from one with a zone, so their order is certain only beyond that
(XML Schema 1.1, part 2, 3.3.7).
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import Enum

from service.doors.graphs import GraphTerm
from service.doors.odrl.contract_policy import XSD

TIMES = {XSD + each for each in ("date", "dateTime", "dateTimeStamp")}
NUMBERS = {
    XSD + each
    for each in (
        *("integer", "decimal", "double", "float", "long", "int", "short", "byte"),
        *("nonNegativeInteger", "positiveInteger", "nonPositiveInteger", "negativeInteger"),
        *("unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte"),
    )
}
STRINGS = {"", XSD + "string"}
DAY = 86_400
ZONES = 14 * 3600  # no time zone is further from UTC, in seconds
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d(?:\.\d{1,12})?))?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)?", re.ASCII
)
_NUMBER = re.compile(r"[+-]?(\d{1,60}(\.\d{0,60})?|\.\d{1,60})([eE][+-]?\d{1,3})?", re.ASCII)


class Satisfaction(Enum):
    """Whether a constraint, or another premise of a rule, is met. What is undefined is neither met nor not met."""

    SATISFIED = "Satisfied"
    UNSATISFIED = "Unsatisfied"
    UNDEFINED = "Undefined"


SATISFIED, UNSATISFIED, UNDEFINED = Satisfaction


def all_of(parts: Iterable[Satisfaction]) -> Satisfaction:
    """Unsatisfied where one is, else undefined where one is. Nothing to satisfy is satisfied."""
    seen = set(parts)
    return next((each for each in (UNSATISFIED, UNDEFINED) if each in seen), SATISFIED)


def any_of(parts: Iterable[Satisfaction]) -> Satisfaction:
    """Satisfied where one is, else undefined where one is."""
    seen = set(parts)
    return next((each for each in (SATISFIED, UNDEFINED) if each in seen), UNSATISFIED)


def one_of(parts: Iterable[Satisfaction]) -> Satisfaction:
    """Satisfied where exactly one is and none is undefined."""
    listed = list(parts)
    if listed.count(SATISFIED) > 1:
        return UNSATISFIED
    return UNDEFINED if UNDEFINED in listed else any_of(listed)


def opposite(state: Satisfaction) -> Satisfaction:
    """What is not satisfied where this is, and satisfied where this is not."""
    return {SATISFIED: UNSATISFIED, UNSATISFIED: SATISFIED, UNDEFINED: UNDEFINED}[state]


@dataclass(frozen=True, slots=True)
class ComparedMoment:
    """A moment or, with a length, a day: seconds on the clock of its zone, or on a clock of no stated zone."""

    start: Decimal
    length: int
    zoned: bool
    day: date


def moment(text: str) -> ComparedMoment | None:
    """The moment or day that a text writes, also with a space for the T as RFC 3339 allows. None for any other text."""
    if not (found := _TIME.fullmatch(text)):
        return None
    written, hours, minutes, seconds, zone = found.groups()
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return None
    start = Decimal(day.toordinal()) * DAY
    if hours is not None:
        start += int(hours) * 3600 + int(minutes) * 60 + Decimal(seconds)
    if zone and zone != "Z":
        start -= (1 if zone[0] == "+" else -1) * (int(zone[1:3]) * 3600 + int(zone[4:]) * 60)
    return ComparedMoment(start, 0 if hours is not None else DAY, zone is not None, day)


class Order(Enum):
    """How a value stands to another one; names that differ have no order."""

    BEFORE = "before"
    SAME = "same"
    AFTER = "after"
    DIFFERENT = "different"


def order(left: GraphTerm, right: GraphTerm) -> Order | None:
    """How the left value stands to the right one, or None where that is not certain."""
    one, other = _value(left), _value(right)
    if isinstance(one, ComparedMoment) and isinstance(other, str) and right.kind == "literal":
        other = moment(other)  # JSON-LD often leaves out the type of a time
    if isinstance(one, ComparedMoment) and isinstance(other, ComparedMoment):
        return _in_time(one, other)
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return Order.SAME if one == other else Order.BEFORE if one < other else Order.AFTER
    if isinstance(one, str) and isinstance(other, str) and left.kind == right.kind:
        return Order.SAME if one == other else Order.DIFFERENT
    return None


def _value(term: GraphTerm) -> ComparedMoment | Decimal | str | None:
    if term.kind != "literal":
        return term.text if term.kind == "iri" else None
    if term.data_type in TIMES:
        read = moment(term.text)
        return read if read and bool(read.length) == (term.data_type == XSD + "date") else None
    if term.data_type in NUMBERS:
        try:
            return Decimal(term.text) if _NUMBER.fullmatch(term.text) else None
        except InvalidOperation:
            return None
    return term.text if term.data_type in STRINGS and not term.language else None


def _in_time(one: ComparedMoment, other: ComparedMoment) -> Order | None:
    if one.zoned == other.zoned:
        return _placed(one.start, one.length, other.start, other.length)
    earliest, latest = (
        _placed(one.start + shift, one.length, other.start, other.length) for shift in (Decimal(-ZONES), Decimal(ZONES))
    )
    return earliest if earliest == latest else None


def _placed(one: Decimal, length: int, other: Decimal, other_length: int) -> Order:
    """A moment is the same as a day that it lies in; two days are ordered by their beginnings."""
    if other_length > length and other <= one < other + other_length:
        return Order.SAME
    if length > other_length and one <= other < one + length:
        return Order.SAME
    return Order.SAME if one == other else Order.BEFORE if one < other else Order.AFTER


_ORDERED = {
    "eq": {Order.SAME},
    "neq": {Order.BEFORE, Order.AFTER, Order.DIFFERENT},
    "lt": {Order.BEFORE},
    "lteq": {Order.BEFORE, Order.SAME},
    "gt": {Order.AFTER},
    "gteq": {Order.AFTER, Order.SAME},
}


def compare(operator: str, left: GraphTerm, right: tuple[GraphTerm, ...], part_of: Callable[[str, str], bool]) -> Satisfaction:
    """Whether the left value stands in the relation that an operator of ODRL names to the values on the right."""
    same = (_holds("eq", left, each) for each in right)
    match operator:
        case "isAnyOf":
            return any_of(same)
        case "isNoneOf":
            return opposite(any_of(same))
        case "isAllOf":
            return all_of(same)
        case "isPartOf" | "isA" | "hasPart":
            # What the state of the world does not say is undefined: it may be so all the same.
            within = operator == "isPartOf" and any(part_of(left.text, each.text) for each in right)
            contains = operator == "hasPart" and any(part_of(each.text, left.text) for each in right)
            return SATISFIED if within or contains or any_of(same) is SATISFIED else UNDEFINED
        case _:
            return _holds(operator, left, right[0]) if len(right) == 1 else UNDEFINED


def _holds(operator: str, left: GraphTerm, right: GraphTerm) -> Satisfaction:
    found = order(left, right)
    if found is None or operator not in _ORDERED or (found is Order.DIFFERENT and operator not in ("eq", "neq")):
        return UNDEFINED
    return SATISFIED if found in _ORDERED[operator] else UNSATISFIED
