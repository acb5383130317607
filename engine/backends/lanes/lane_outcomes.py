"""
Run a program over lanes of integers: exchanges, or variants of one, go in; the outcome of each lane comes out.

The countries that lanes touch are found here, since a program has its code for a country once; all that is done with them is and, or, not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TypeAlias

from engine.backends.lanes.fact_classes import Cases, Coder, Lanes
from engine.backends.lanes.integers import Function, function, needed
from engine.backends.lanes.program import LOCAL, Program
from engine.backends.lanes.silent_law import WEIGHINGS, Raise
from engine.backends.lanes.thresholds import LEVELS, Ends
from engine.exchange import Exchange
from engine.policy_language.vocabulary import Vocabulary
from engine.policy_language.vocabulary_text import ROLES
from engine.rules import Level, RuleSet, signed_floor
from engine.values import Disputed, Missing, SetOf, Value
from engine.verdict import BOUNDS, NONE_SIGNED, Bounds

Both: TypeAlias = tuple[Lanes, Lanes]  # the lanes where something must be so, and where it may be

GAP, REACH = "gap/", "reach/"  # what the names of gaps and reaches begin with, where they are signed off


@dataclass(frozen=True, slots=True)
class Levels:
    """Bounds in every lane: of each level above `not_applicable`, the lanes in which the lowest, and the highest, is at least that."""

    low: tuple[Lanes, ...]
    high: tuple[Lanes, ...]

    def of(self, lane: int) -> Bounds:
        """The bounds of one lane."""
        low, high = (Level(sum(each >> lane & 1 for each in levels)) for levels in (self.low, self.high))
        return BOUNDS[low][high]


@dataclass(frozen=True)
class LaneOutcomes:
    """
    What comes of some cases. `overall`, `beneath` and each of `jurisdictions` are bounds in every lane. `incoherent` has the lanes that
    cannot be true, by the entry of the vocabulary that says so.
    """

    count: int
    overall: Levels
    beneath: Levels
    jurisdictions: Mapping[str, Levels]
    incoherent: Mapping[str, Lanes]
    stands: Callable[[], Sequence[Both]]

    @property
    def permitted(self) -> Lanes:
        """The lanes that are permitted, whatever is not known."""
        return self.overall.low[Level.PERMITTED - 1] & ~self.overall.high[Level.REVIEW - 1]

    @cached_property
    def standing(self) -> Sequence[Both]:
        """Of each rule, by its number, the lanes in which it stands, and in which it may."""
        return self.stands()


class LaneRunner:
    """Runs the program of one bundle over lanes of integers. Functions are written when they are first wanted."""

    def __init__(self, rules: RuleSet, vocabulary: Vocabulary, program: Program) -> None:
        self.rules = rules
        self.program = program
        self.coder = Coder(rules, program)
        self._vocabulary = vocabulary
        self._touches = tuple((touch.fact, touch.as_) for touch in vocabulary.touches)
        self._covering: dict[date, Mapping[str, str]] = {}
        code, inputs = program.code, program.inputs
        self._local = {name: slot for name, slot in inputs.items() if isinstance(name, tuple) and _is_local(name)}
        given = {slot: f"given[{self.coder.place[slot]}]" for name, slot in inputs.items() if name not in self._local}
        local = {slot: f"local[{number}]" for number, slot in enumerate(self._local.values())}
        self._at = {name: number for number, name in enumerate(self._local)}
        whole = program.whole
        self._names = tuple(whole.jurisdictions)
        ends = (whole.overall, whole.beneath, *whole.jurisdictions.values())
        self._last = [slot for each in ends for slot in (*each.low, *each.high)]
        # What the verdict works out in any case; the code of countries begins with it.
        late = _resting_on(code, set(local))
        early = [slot for slot in needed(code, self._last) if slot not in late]
        first = set(early)
        self._countries = {name: _slots_of(country) for name, country in program.countries.items()}
        later = [self._last, *self._countries.values(), [program.nowhere]]
        frontier: dict[int, None] = dict.fromkeys(slot for pair in program.touching for slot in pair)
        for wanted in later:
            for slot in needed(code, wanted, first):
                if slot in first and slot not in given and code[slot][0] not in ("no", "yes"):
                    frontier[slot] = None
        self._first_slots = tuple(frontier)
        before = {slot: f"before[{number}]" for number, slot in enumerate(self._first_slots)}
        self._touching = [tuple(_reader(slot, before, given) for slot in pair) for pair in program.touching]
        self._places = given
        self._later_places = given | local | before
        self._first = function(code, self._first_slots, given, "given")
        self._finish = function(code, self._last, self._later_places, "given, before, local")
        self._nowhere = function(code, [program.nowhere], self._later_places, "given, before, local")
        self._of_country: dict[str, Function] = {}
        self._incoherent: Function | None = None
        self._standing: Function | None = None

    def run(self, cases: Cases, signed: Mapping[str, Lanes] | None = None, public: str = "") -> LaneOutcomes:
        """
        The outcomes of some cases. `signed` has the lanes in which each gap or reach is signed off, by its name; provisions that are signed
        off are among what cases name. `public` is the group of facts in whose place the recipient is the public.
        """
        every, given = cases.every, self.coder.code(cases)
        before = self._first(every, given)
        local = [0] * len(self._local)
        touched = self._touched(cases, given, before, every, public)
        uncovered = self._silence(cases, given, before, local, touched, signed or {})
        found = self._finish(every, given, before, local)
        rows = len(LEVELS)
        levels = [
            Levels(found[n : n + rows], found[n + rows : n + 2 * rows]) for n in range(0, len(found), 2 * rows)
        ]
        overall, beneath, *rest = levels
        jurisdictions = dict(zip(self._names, rest, strict=True))
        for country, raised in uncovered.items():
            # A country that no jurisdiction covers is a place of its own, even where one of the same name covers it on other days.
            jurisdictions[country] = _raised_to(jurisdictions.get(country), raised)
        return LaneOutcomes(
            cases.count,
            overall,
            beneath,
            jurisdictions,
            self._incoherence(every, given),
            lambda: self._stands(every, given),
        )

    # Countries

    def _touched(
        self, cases: Cases, given: Sequence[int], before: Sequence[int], every: Lanes, public: str
    ) -> dict[str, dict[str, Both]]:
        """How surely each country is touched in each role; country "" is an unknown one."""
        countries: dict[str, dict[str, Both]] = {}
        for (fact, role), readers in zip(self._touches, self._touching, strict=True):
            if public and fact.startswith(f"{public}."):
                continue  # of the public no country is named, and none is unknown
            must, may = (read(given, before, every) for read in readers)
            if not may:
                continue
            for value, lanes in _values(cases, fact):
                for country, certain in _named(value).items():
                    roles = countries.setdefault(country, {})
                    low, high = roles.get(role, (0, 0))
                    roles[role] = (low | (lanes & must if certain else 0), high | (lanes & may))
        return countries

    def _silence(
        self,
        cases: Cases,
        given: Sequence[int],
        before: Sequence[int],
        local: list[int],
        touched: Mapping[str, Mapping[str, Both]],
        signed: Mapping[str, Lanes],
    ) -> dict[str, Raise]:
        """Run the code of each country that is touched, and put together what it raises. Gives what those raise that nothing covers."""
        every, at = cases.every, self._at
        unknown = touched.get("", {})
        self._fill(local, "unknown", unknown)
        if unknown:
            (nowhere,) = self._nowhere(every, given, before, local)
            local[at["nowhere",]] = nowhere
        signed_for: dict[tuple[str, int], list[Lanes]] = {}
        uncovered: dict[str, Raise] = {}
        for country, roles in touched.items():
            if not country or not any(may for _, may in roles.values()):
                continue
            others = {
                role: tuple(map(_any, zip(*(each[role] for name, each in touched.items() if name not in ("", country) and role in each))))
                for role in ("recipient", "access")
            }
            for jurisdiction, lanes in self._jurisdictions(country, cases).items():
                self._fill(local, "role", {role: (must & lanes, may & lanes) for role, (must, may) in roles.items()})
                self._fill(local, "other", {role: pair or (0, 0) for role, pair in others.items()})
                for subject in self._vocabulary.subjects:
                    for kind in ("gap", "reach"):
                        place = at.get(("signed here", kind, subject))
                        if place is not None:
                            local[place] = signed.get(f"{kind}/{country}/{subject}", 0)
                    place = at.get(("accepted here", subject))
                    if place is not None:
                        local[place] = self._accepted(country, subject, cases)
                found = self._function_of(jurisdiction)(every, given, before, local)
                self._gather(jurisdiction, found, local, signed_for)
                if not jurisdiction:
                    uncovered[country] = Raise(*found[: len(Raise._fields)])
        for (name, weighing), (mine, left) in signed_for.items():
            place = at.get(("signed for", name, weighing))
            if place is not None:
                local[place] = mine & ~left
        return uncovered

    def _gather(
        self, jurisdiction: str, found: Sequence[int], local: list[int], signed_for: dict[tuple[str, int], list[Lanes]]
    ) -> None:
        at, fields = self._at, Raise._fields
        numbers = iter(found)
        for weighing in range(len(WEIGHINGS)):
            for field in fields:
                place = at.get(("raised", jurisdiction, weighing, field))
                lanes = next(numbers)
                if place is not None:
                    local[place] |= lanes
        country = self.program.countries[jurisdiction]
        for subject in country.signed:
            for weighing in range(len(WEIGHINGS)):
                entry = signed_for.setdefault((signed_floor(jurisdiction, subject), weighing), [0, 0])
                entry[0] |= next(numbers)
                entry[1] |= next(numbers)

    def _fill(self, local: list[int], of: str, roles: Mapping[str, Both]) -> None:
        for role in ROLES:
            must, may = roles.get(role, (0, 0))
            for side, lanes in (("must", must), ("may", may)):
                place = self._at.get((side, (of, role)))
                if place is not None:
                    local[place] = lanes

    def _function_of(self, jurisdiction: str) -> Function:
        found = self._of_country.get(jurisdiction)
        if found is None:
            found = self._of_country[jurisdiction] = function(
                self.program.code, self._countries[jurisdiction], self._later_places, "given, before, local"
            )
        return found

    def _jurisdictions(self, country: str, cases: Cases) -> dict[str, Lanes]:
        """The jurisdictions that cover a country, "" for none, each with the lanes on whose day it does."""
        found: dict[str, Lanes] = {}
        for day, lanes in cases.days.items():
            name = self._on(day).get(country, "")
            found[name] = found.get(name, 0) | lanes
        return found

    def _on(self, day: date) -> Mapping[str, str]:
        """The jurisdiction that covers each country on a day."""
        found = self._covering.get(day)
        if found is None:
            covering: dict[str, str] = {}
            for name, text in self._vocabulary.jurisdictions.items():
                for country in self._vocabulary.countries(text, day):
                    covering.setdefault(country, name)
            if len(self._covering) >= 64:
                self._covering.clear()
            found = self._covering[day] = covering
        return found

    def _accepted(self, country: str, subject: str, cases: Cases) -> Lanes:
        mine = [each for each in self._vocabulary.accepts if country in each.countries and subject in each.subjects]
        return _any(lanes for day, lanes in cases.days.items() if any(each.on(day) for each in mine))

    # What else is read

    def _incoherence(self, every: Lanes, given: Sequence[int]) -> dict[str, Lanes]:
        entries = self.program.whole.incoherent
        if self._incoherent is None:
            self._incoherent = function(self.program.code, list(entries.values()), self._places, "given")
        found = zip(entries, self._incoherent(every, given), strict=True)
        return {name: lanes for name, lanes in found if lanes}

    def _stands(self, every: Lanes, given: Sequence[int]) -> list[Both]:
        pairs = self.program.verdict.stands
        if self._standing is None:
            self._standing = function(self.program.code, [slot for pair in pairs for slot in pair], self._places, "given")
        found = iter(self._standing(every, given))
        return [(must, next(found)) for must in found]


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
    other: dict[str, dict[int, Value]] = {}
    for lane, change in enumerate(changes, 1):
        for name, value in change.items():
            other.setdefault(name, {})[lane] = value
    count = len(changes) + 1
    every = (1 << count) - 1
    named = {("signed", name): every for name in signed}
    named |= {("relies", name): every for name in exchange.relies_on}
    named |= {("carried", provision): every for provision, _ in exchange.carried}
    return Cases(count, exchange.values, other, {day: every}, named)


def side_by_side(exchanges: Sequence[tuple[Exchange, date]], signed: Mapping[str, Lanes] | None = None) -> Cases:
    """Several exchanges, each under the law of its day. `signed` has the lanes in which each provision is signed off."""
    other: dict[str, dict[int, Value]] = {}
    days: dict[date, Lanes] = {}
    named: dict[tuple[str, str], Lanes] = {("signed", name): lanes for name, lanes in (signed or {}).items()}
    for lane, (exchange, day) in enumerate(exchanges):
        bit = 1 << lane
        days[day] = days.get(day, 0) | bit
        for name, value in exchange.values.items():
            other.setdefault(name, {})[lane] = value
        for key in (*(("relies", way) for way in exchange.relies_on), *(("carried", each) for each, _ in exchange.carried)):
            named[key] = named.get(key, 0) | bit
    return Cases(len(exchanges), {}, other, days, named)


def _values(cases: Cases, fact: str) -> Iterable[tuple[Value, Lanes]]:
    """The values of a fact, each with lanes that have it."""
    rest = cases.every
    for lane, value in cases.other.get(fact, {}).items():
        rest ^= 1 << lane
        yield value, 1 << lane
    if rest:
        yield cases.base.get(fact, Missing.LEFT_OUT), rest


def _named(value: Value) -> dict[str, bool]:
    """The countries that a fact names, each with whether it certainly does; country "" is an unknown one."""
    match value:
        case Disputed(stated=stated, registered=registered):
            one, other = _named(stated), _named(registered)
            return {country: bool(one.get(country) and other.get(country)) for country in one | other}
        case str():
            return {value: True}
        case SetOf(members=members, open=open_):
            return dict.fromkeys(members, True) | ({"": False} if open_ else {})
        case Missing():
            return {"": False}
    return {}


def _raised_to(levels: Levels | None, by: Raise) -> Levels:
    low, high = (levels.low, levels.high) if levels is not None else ((0,) * len(LEVELS), (0,) * len(LEVELS))
    ends = ((low, by.permit_low, by.review_low), (high, by.permit_high, by.review_high))
    return Levels(
        *(
            tuple(
                each | (permit if level <= Level.PERMITTED else 0) | (review if level <= Level.REVIEW else 0)
                for level, each in zip(LEVELS, row, strict=True)
            )
            for row, permit, review in ends
        )
    )


def _any(lanes: Iterable[Lanes]) -> Lanes:
    found = 0
    for each in lanes:
        found |= each
    return found


def _is_local(name: tuple[object, ...]) -> bool:
    inner = name[1] if name[0] in ("must", "may") and len(name) == 2 else name
    return isinstance(inner, tuple) and bool(inner) and inner[0] in LOCAL


def _resting_on(code: Sequence[tuple[str, int, int]], given: set[int]) -> set[int]:
    """The slots that rest on some that are given."""
    found = set(given)
    for slot, (kind, one, other) in enumerate(code):
        if kind == "not":
            if one in found:
                found.add(slot)
        elif kind in ("and", "or") and (one in found or other in found):
            found.add(slot)
    return found


def _slots_of(country: object) -> list[int]:
    from engine.backends.lanes.silent_law import Country

    assert isinstance(country, Country)
    found = [slot for each in country.raises for slot in each]
    for subject, signed in country.signed.items():
        left = country.left[subject]
        found += [signed[0], left[0], signed[1], left[1]]
    return found


def _reader(slot: int, before: Mapping[int, str], given: Mapping[int, str]) -> Callable[[Sequence[int], Sequence[int], Lanes], Lanes]:
    if slot in (0, 1):
        return lambda _given, _before, every: every if slot else 0
    if slot in before:
        place = list(before).index(slot)
        return lambda _given, before, _every: before[place]
    place = int(given[slot].removeprefix("given[").removesuffix("]"))
    return lambda given, _before, _every: given[place]
