"""
What the terms of a contract are called here: a term's entry in the mappings, and the value of a constraint as a value of its fact.

The mappings of this door say which term states which fact (`policies/mappings/odrl.yaml`; an organisation's own add to it). A value that is
not certainly one of ours is None. Times of day never enter a decision (semantics 1.4): of an end within a day, the day before is the last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any, Final

import engine
from service.doors.graphs import GraphTerm
from service.doors.odrl import policy_names
from service.doors.odrl.contract_graph import canonical
from service.doors.odrl.contract_policy import ODRL, XSD, Constraint, local_name
from service.problems import RequestRefused

UNKNOWN: Final = "unknown"

# The data types whose values are read by their text alone; "" is none.
PLAIN: Final = frozenset(
    {
        "",
        *(
            prefix + each
            for prefix in (XSD, "xsd:")
            for each in (
                "string", "token", "anyURI", "date", "dateTime", "dateTimeStamp", "duration", "dayTimeDuration", "yearMonthDuration",
                "integer", "nonNegativeInteger", "positiveInteger", "int", "long", "decimal", "double", "boolean",
            )
        ),
    }
)  # fmt: skip

_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?")
_DURATION = re.compile(r"P(?:(\d{1,5})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,6})D)?(?:T(\d{1,6})H)?")
_NUMBER = re.compile(r"\d{1,18}(?:\.\d{1,12})?")
_UNITS = {"day": "days", "month": "months", "year": "years"}
_EARLIEST = timezone(timedelta(hours=14))  # where a time without a zone may be soonest


@dataclass(frozen=True, slots=True)
class FactType:
    """Of the type of a fact what limits need: its kind, whether it is a set, and the line of each value (itself and what it lies under)."""

    kind: str
    many: bool
    lines: Mapping[str, frozenset[str]]
    everything: str = ""

    def covers(self, wide: str, narrow: str) -> bool:
        """Whether a value certainly lies within another."""
        return wide in (narrow, self.everything) or wide in self.lines.get(narrow, ())


class TermReader:
    """The terms of the loaded policies' mappings for contracts. A day is one of `zone`, as that of an exchange is."""

    def __init__(self, bundle: engine.Bundle, zone: tzinfo = UTC) -> None:
        self.bundle = bundle
        self._zone = zone
        texts = [
            each.text
            for each in bundle.mappings.values()
            if each.door == "odrl" and isinstance(each.text, engine.TermMappingText)
        ]
        if not texts:
            raise RequestRefused("not-found", "the loaded policies have no mapping of contracts (`door: odrl`)")
        texts.sort(key=lambda text: (text.mapping != "odrl", text.mapping))
        self._terms: dict[str, engine.TermText] = {}
        self._namespaces: dict[str, str] = {}
        for text in texts:  # what one says already, the next does not say otherwise
            self._terms = {**text.terms, **self._terms}
            self._namespaces = {**text.namespaces, **self._namespaces}
        self._types: dict[str, FactType] = {}
        last: dict[str, list[str]] = {}
        for name in self._terms:
            last.setdefault(local_name(name), []).append(name)
        self._bare = {name: names[0] for name, names in last.items() if len(names) == 1}

    def name(self, text: str) -> str:
        """A name of a term as the mappings have it."""
        for old, new in self._namespaces.items():
            if text.startswith(old) and len(text) > len(old):
                return self._named(canonical(new + text.removeprefix(old)))
        return self._named(canonical(text))

    def _named(self, name: str) -> str:
        """A bare name that no context defines is the one term of the mappings that ends with it."""
        return name if ":" in name else self._bare.get(name, name)

    def term(self, name: str) -> engine.TermText | None:
        return self._terms.get(name)

    def of(self, word: str) -> engine.TermText | None:
        """A term of ODRL itself."""
        return self._terms.get(ODRL + word)

    @property
    def written(self) -> tuple[tuple[str, str], ...]:
        """The limits that contracts of ours have: each by the name of its term, and the fact of an exchange that sets it."""
        return tuple((name, fact) for name, term in self._terms.items() for fact in term.written)

    def type(self, fact: str) -> FactType:
        if fact not in self._types:
            known = self.bundle.vocabulary.facts[fact].type
            values = known.values
            lines = {each: frozenset(values.ancestors(each)) for each in values.values} if values else {}
            self._types[fact] = FactType(known.kind, known.many, lines, values.everything if values else "")
        return self._types[fact]

    def action(self, name: str) -> frozenset[str] | None:
        """The values that an action stands for; None for an action that is not known."""
        term = self.of("action")
        found = term.values.get(name) if term else None
        return None if found is None else frozenset(_listed(found))

    def value(self, term: engine.TermText, constraint: Constraint) -> Any:
        """
        The value to which a constraint limits the fact of its term: a set of values, a date, a length of time, yes or no, a sum of
        money. None where it is not certain.
        """
        assert term.fact
        fact_type = self.type(term.fact)
        if not {constraint.data_type, *(each.data_type for each in constraint.right)} <= PLAIN:
            return None
        if fact_type.many:
            if constraint.unit:
                return None
            if len(constraint.right) > 1 and local(constraint.operator) in ("eq", "isA", "isPartOf"):
                return None
            found = [self._values(term, fact_type, each) for each in constraint.right]
            return None if None in found else frozenset[str]().union(*(each for each in found if each))
        if len(constraint.right) != 1 or (constraint.unit and not term.units):
            return None
        right = constraint.right[0]
        if right.text in term.values:
            return self._told(fact_type, term.values[right.text])
        match fact_type.kind:
            case "date":
                return last_day(right.text, local(constraint.operator) == "lt", self._zone)
            case "duration":
                return _length(right.text, term.units.get(constraint.unit, "") if constraint.unit or "" in term.units else "")
            case "money":
                return _money(right.text, term.units.get(constraint.unit, ""))
        return None

    def by_mapping(self, constraint: Constraint) -> bool:
        """Whether the mappings say which of our values one in a constraint is read as: those are as narrow, or narrower."""
        term = self.term(self.name(constraint.left))
        return term is not None and any(
            text in term.values for right in constraint.right for text in (right.text, self.name(right.text))
        )

    def single(self, term: engine.TermText, right: GraphTerm) -> Any:
        """The value that one of several right operands stands for by the mapping; None where it is not named there."""
        assert term.fact
        return self._told(self.type(term.fact), term.values[right.text]) if right.text in term.values else None

    def _values(self, term: engine.TermText, fact_type: FactType, right: GraphTerm) -> frozenset[str] | None:
        for text in (right.text, self.name(right.text)):
            if text in term.values:
                return frozenset(_listed(term.values[text]))
        own = policy_names.value_of(right.text)
        text = own[1] if own else right.text
        return frozenset({text}) if text in fact_type.lines else None

    def _told(self, fact_type: FactType, said: Any) -> Any:
        if fact_type.kind == "yes/no":
            return said in (True, "yes")
        if fact_type.kind == "duration":
            return engine.read_duration(str(said))
        return said


def local(operator: str) -> str:
    """An operator without the namespace of ODRL."""
    return operator.removeprefix(ODRL)


def last_day(text: str, strictly: bool, zone: tzinfo) -> date | None:
    """The last day of a zone that lies wholly before an end; `strictly`: the end itself no longer belongs to it."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, own_zone = match.groups()
    try:
        if hour is None:
            return date(int(year), int(month), int(day)) - timedelta(days=1 if strictly else 0)
        there = _EARLIEST if own_zone is None else _offset(own_zone)
        when = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), tzinfo=there)
        when = when.astimezone(zone)
        ends = not strictly and (when.hour, when.minute, when.second) == (23, 59, 59)
        return when.date() if ends else when.date() - timedelta(days=1)
    except (OverflowError, ValueError):
        return None


def _offset(text: str) -> timezone:
    if text == "Z":
        return timezone(timedelta(0))
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 14 or minutes > 59:
        raise ValueError(text)
    length = timedelta(hours=hours, minutes=minutes)
    return timezone(-length if text[0] == "-" else length)


def _length(text: str, unit: str) -> engine.Duration | None:
    """A length of time: a duration of XML Schema in one kind of unit, or a whole number of a unit of ours."""
    if unit:
        return (
            engine.read_duration(f"{int(text)} {_UNITS[unit]}") if unit in _UNITS and re.fullmatch(r"\d{1,6}", text) else None
        )
    match = _DURATION.fullmatch(text)
    if match is None or text.endswith(("P", "T")):
        return None
    years, months, weeks, days, hours = (int(each or 0) for each in match.groups())
    months += 12 * years
    hours += 24 * (days + 7 * weeks)
    return None if months and hours else engine.Duration(months=months, hours=hours)


def _money(text: str, currency: str) -> str | None:
    return f"{Decimal(text)} {currency}" if currency and _NUMBER.fullmatch(text) else None


def _listed(said: Any) -> list[str]:
    return [str(each) for each in said] if isinstance(said, list) else [str(said)]
