"""
What a program runs over: exchanges, or variants of one, a lane each.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from math import prod
from typing import ClassVar, TypeAlias, TypeVar

from engine.exchange import Exchange
from engine.values import Disputed, Document, Missing, Range, SetOf, Value
from engine.verdict import NONE_SIGNED

FEW = 16  # lanes of a set that are found one by one

LaneSet: TypeAlias = int
"""
A set of lanes: bit n is lane n. Wide runs bring sets of their own (`engine.tables.lane_words`), which pass for integers: nothing else is
asked of a set than `&`, `|`, `^`, whether it is empty, and `>>` to one lane. 0 is no lane for them too.
"""
NO_DAY = date.max
Class = TypeVar("Class", bound=Hashable)
Parts: TypeAlias = Sequence[tuple[LaneSet, Value]]
"""The values of a fact or a document, each with the lanes that have it; no lane twice."""


@dataclass(frozen=True, slots=True)
class Cases:
    """
    So many lanes as `count`. `base` has the values of every lane for which `other` has none: by the name of a fact or a document, what it
    is in some lanes instead. `days` has the lanes of each day. `named` has lanes by what they are given beside values: `signed`, `relies`
    or `carried`, and the id. `every` are all lanes. `coded` is what `base` alone is coded as in all lanes, where that is known.
    """

    count: int
    base: Mapping[str, Value]
    other: Mapping[str, Parts]
    days: Mapping[date, LaneSet]
    named: Mapping[tuple[str, str], LaneSet] = field(default_factory=dict)
    every: LaneSet = 0
    coded: Sequence[LaneSet] | None = None
    by_rows: ClassVar[bool] = False
    """Whether a row may have a value of its own in each of many columns, so that combinations are told apart row by row."""

    def __post_init__(self) -> None:
        if not self.every:  # lanes of integers
            object.__setattr__(self, "every", (1 << self.count) - 1)

    def names(self) -> Iterable[str]:
        """The facts and documents of which some lane may have a value."""
        return self.base if self.other.keys() <= self.base.keys() else dict.fromkeys((*self.base, *self.other))

    def parts(self, name: str) -> Parts:
        """The values of a fact or a document, each with the lanes that have it; those of no lane are left out."""
        base = self.base.get(name, Missing.LEFT_OUT)
        found = self.other.get(name)
        if found is None:
            return ((self.every, base),)
        rest = self.every
        for lanes, _ in found:
            rest ^= lanes
        return (*found, (rest, base)) if rest else found

    def with_days(self, alike: Callable[[date], Hashable]) -> Cases:
        """The same cases with one day in the place of all that are alike."""
        found: dict[Hashable, tuple[date, LaneSet]] = {}
        for day, lanes in self.days.items():
            first, others = found.get(key := alike(day), (day, 0))
            found[key] = first, others | lanes
        return replace(self, days=dict(found.values()))

    def together(self, names: Sequence[str], within: LaneSet) -> Sequence[tuple[LaneSet, tuple[Value, ...]]]:
        """Some lanes by the values of several facts: each kind of lanes once, with its values."""
        each = [self.parts(name) for name in names]
        if isinstance(within, int) and prod(map(len, each)) > 4 * self.count + 16:
            return self._one_by_one(each, within)
        found: list[tuple[LaneSet, tuple[Value, ...]]] = [(within, ())]
        for parts in each:
            found = [(both, (*values, value)) for lanes, values in found for mine, value in parts if (both := lanes & mine)]
        return found

    def changed(
        self, names: Sequence[str], own: tuple[Value, ...], within: LaneSet
    ) -> Sequence[tuple[LaneSet, tuple[Value, ...]]]:
        """The same, where `own` are the values of `base`; lanes that have these may be left out."""
        found, seen = [], 0
        for place, name in enumerate(names):
            for lanes, value in self.other.get(name, ()):
                if seen & lanes:  # several values are not the own ones at once
                    return self.together(names, within)
                seen |= lanes
                found.append((lanes, (*own[:place], value, *own[place + 1 :])))
        return found

    def by_class(
        self, names: Sequence[str], within: LaneSet, dated: bool, read: Callable[[tuple[Value, ...], date], Class]
    ) -> Iterable[tuple[LaneSet, Class]]:
        """Some lanes, each with what is read of the values of several facts in it, and of its day where that is read too."""
        for lanes, values in self.together(names, within):
            if not dated:
                yield lanes, read(values, NO_DAY)
                continue
            for day, there in self.days.items():
                if here := lanes & there:
                    yield here, read(values, day)

    def _one_by_one(self, each: Sequence[Parts], within: int) -> Sequence[tuple[LaneSet, tuple[Value, ...]]]:
        """The same where there are more combinations of values than lanes."""
        columns: list[list[int]] = []
        for parts in each:
            column = [0] * self.count
            for number, (lanes, _) in enumerate(parts):
                for lane in members(lanes):
                    column[lane] = number
            columns.append(column)
        found: dict[tuple[int, ...], int] = {}
        for lane in members(within):
            key = tuple(column[lane] for column in columns)
            found[key] = found.get(key, 0) | 1 << lane
        return [
            (lanes, tuple(parts[number][1] for parts, number in zip(each, key, strict=True))) for key, lanes in found.items()
        ]


def members(lanes: int) -> list[int]:
    """The numbers of the lanes in a set."""
    if lanes.bit_count() <= FEW:
        found = []
        while lanes:
            found.append((lanes & -lanes).bit_length() - 1)
            lanes &= lanes - 1
        return found
    return [lane for lane, bit in enumerate(reversed(f"{lanes:b}")) if bit == "1"]


def alone(exchange: Exchange, day: date, signed: Iterable[str] = NONE_SIGNED) -> Cases:
    """One exchange under the law of one day."""
    return variants(exchange, day, (), signed)


def variants(
    exchange: Exchange, day: date, changes: Sequence[Mapping[str, Value]], signed: Iterable[str] = NONE_SIGNED
) -> Cases:
    """
    One exchange, and what it would be with other values: lane 0 is the exchange, and each of `changes` is a lane after it.

    A value may be `Missing.LEFT_OUT`. What follows from a changed fact is for the caller to change too.
    """
    other: dict[str, dict[int, tuple[int, Value]]] = {}
    for lane, change in enumerate(changes, 1):
        for name, value in change.items():
            parts = other.setdefault(name, {})
            before = parts.get(id(value))
            parts[id(value)] = (1 << lane if before is None else before[0] | 1 << lane), value
    count = len(changes) + 1
    every = (1 << count) - 1
    named = {("signed", name): every for name in signed}
    named |= {("relies", name): every for name in exchange.relies_on}
    named |= {("carried", provision): every for provision, _ in exchange.carried}
    return Cases(count, exchange.values, {name: tuple(parts.values()) for name, parts in other.items()}, {day: every}, named)


def side_by_side(exchanges: Sequence[tuple[Exchange, date]], signed: Mapping[str, int] | None = None) -> Cases:
    """Several exchanges, each under the law of its day. `signed` has the lanes in which each provision is signed off."""
    values: dict[str, dict[Hashable, Value]] = {}
    lanes_of: dict[str, dict[Hashable, int]] = {}
    days: dict[date, LaneSet] = {}
    named: dict[tuple[str, str], int] = {("signed", name): lanes for name, lanes in (signed or {}).items()}
    same: dict[int, tuple[Exchange, int]] = {}  # one exchange on many days is read once
    for lane, (exchange, day) in enumerate(exchanges):
        bit = 1 << lane
        days[day] = days.get(day, 0) | bit
        same[id(exchange)] = exchange, bit | (same[id(exchange)][1] if id(exchange) in same else 0)
    for exchange, mine in same.values():
        for name, value in exchange.values.items():
            key, lanes = value_key(value), lanes_of.setdefault(name, {})
            if key in lanes:
                lanes[key] |= mine
            else:
                lanes[key] = mine
                values.setdefault(name, {})[key] = value
        for given in (*(("relies", way) for way in exchange.relies_on), *(("carried", each) for each, _ in exchange.carried)):
            named[given] = named.get(given, 0) | mine
    other = {name: [(each, values[name][key]) for key, each in lanes.items()] for name, lanes in lanes_of.items()}
    return Cases(len(exchanges), {}, other, days, named)


def value_key(value: Value) -> Hashable:
    """A key that two values of one fact share only if they are equal."""
    kind = type(value)
    if kind is SetOf:
        assert isinstance(value, SetOf)
        return value if value.open else value.members  # a frozen set remembers its hash
    if kind is Range:
        assert isinstance(value, Range)
        return value.low if value.high is value.low else (value.low, value.high)
    if kind is Document:
        assert isinstance(value, Document)
        return (value.state, *((name, value_key(each)) for name, each in value.fields.items()))
    if kind is Disputed:
        assert isinstance(value, Disputed)
        return ("disputed", value_key(value.stated), value_key(value.registered))
    return value
