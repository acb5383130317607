"""
The upper strata of the durable back end: requirements, duties, outcome.

Goes from the truths that durable-rules inferred to a verdict. Written apart from the reference, over sets of possible worlds where
the reference walks intervals, so that an error in one shows as a disagreement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from engine.backends.durable.encode import days_over
from engine.exchange import Exchange
from engine.rules import AS_OF, Due, Duty, Earliest, Level, Need, OnDate, OnDay, Rule, RuleSet, State, Truth
from engine.verdict import Bounds

NOTHING = Bounds(Level.NOT_APPLICABLE, Level.NOT_APPLICABLE)
MILD = (Level.NOT_APPLICABLE, Level.PERMITTED, Level.PERMITTED_WITH_OBLIGATIONS)
POSSIBLE = {Truth.YES: (True,), Truth.NO: (False,), Truth.UNKNOWN: (True, False)}


@dataclass(slots=True)
class Strata:
    """One exchange's upper strata. `truths` holds `sure`, `doubt`, `stands`, `doubted`, `done` and floors by name."""

    rules: RuleSet
    duties: Mapping[str, Duty]
    exchange: Exchange
    as_of: date
    truths: Mapping[str, Truth]
    overdue: dict[str, Truth] = field(default_factory=dict)
    owed: dict[str, Truth] = field(default_factory=dict)
    states: dict[str, frozenset[State]] = field(default_factory=dict)
    beneath: dict[str, Bounds] = field(default_factory=dict)

    def jurisdictions(self) -> dict[str, Bounds]:
        """Run the strata in order; fills `states`, `overdue` and `owed` on the way."""
        for name in self.rules.requirements:
            self.states[name] = frozenset(
                State.MET if sure else State.DOUBTFUL if doubt else State.UNMET
                for sure in POSSIBLE[self.truths[f"sure {name}"]]
                for doubt in POSSIBLE[self.truths[f"doubt {name}"]]
            )
        for key, duty in self.duties.items():
            late = self._late(duty.due)
            self.overdue[key] = Truth.NO if Truth.NO in (late, ~self._done(key)) else min(late, ~self._done(key))
        bounds: dict[str, Bounds] = {}
        for rule in self.rules.rules:
            weight = self._weight(rule)
            self._raise(bounds, rule.provision.jurisdiction, weight)
            # What is beneath the reviews that a person may sign off (semantics 4.6).
            self._raise(self.beneath, rule.provision.jurisdiction, NOTHING if rule.effect == "review" else weight)
        for floor in self.rules.floors:
            applies = POSSIBLE[self.truths[f"floor {floor.policy}"]]
            levels = [Level.PERMITTED if yes else Level.NOT_APPLICABLE for yes in applies]
            for each in (bounds, self.beneath):
                self._raise(each, floor.jurisdiction, Bounds(min(levels), max(levels)))
        return bounds

    def _raise(self, bounds: dict[str, Bounds], jurisdiction: str, by: Bounds) -> None:
        old = bounds.get(jurisdiction, NOTHING)
        bounds[jurisdiction] = Bounds(max(old.low, by.low), max(old.high, by.high))

    def _done(self, key: str) -> Truth:
        return self.truths.get(f"done {key}", Truth.NO)

    def _late(self, due: Due | None) -> Truth:
        if due is None:
            return Truth.NO
        if isinstance(due, Earliest):
            parts = {self._late(part) for part in due.parts}
            return Truth.YES if Truth.YES in parts else Truth.UNKNOWN if Truth.UNKNOWN in parts else Truth.NO
        if isinstance(due, OnDate):
            return Truth.YES if due.day < self.as_of else Truth.NO
        start = self.as_of if due.after == AS_OF else self.exchange.value(due.after)
        if not isinstance(start, date):
            return Truth.UNKNOWN
        if isinstance(due, OnDay):
            return Truth.YES if self._passed(due, start) else Truth.NO
        if due.within.working_days:
            over = days_over(self.rules.calendars[due.within.calendar], due.within.working_days, start, self.as_of)
            return Truth(over)
        if due.within.hours % 24:
            days = (self.as_of - start).days
            late = [(days + step) * 24 >= due.within.hours for step in (-1, 1)]
            return Truth.YES if all(late) else Truth.UNKNOWN if any(late) else Truth.NO
        return Truth.YES if due.within.after(start) < self.as_of else Truth.NO

    def _passed(self, due: OnDay, start: date) -> bool:
        """Whether such a day of a year lies between `start` and as_of, neither of them counted."""
        years = (self.as_of.year - 1, self.as_of.year)
        days = (_in_year(year, due) for year in years if year >= date.min.year)
        return any(start < day < self.as_of for day in days)

    def _weight(self, rule: Rule) -> Bounds:
        """The levels a rule may raise, over every way its standing and its doubt may turn out."""
        standing, doubted = self.truths[f"stands {rule.key}"], self.truths[f"doubted {rule.key}"]
        if standing is Truth.NO or (own := self._own(rule, standing)) == NOTHING:
            return NOTHING
        found: list[Bounds] = []
        for stands in POSSIBLE[standing]:
            if not stands:
                found.append(NOTHING)
                continue
            for doubt in POSSIBLE[doubted]:
                found.append(self._doubtful(own) if doubt else own)
        return Bounds(min(b.low for b in found), max(b.high for b in found))

    def _doubtful(self, own: Bounds) -> Bounds:
        """A doubtful lift turns what is short of a review into one, and stands beside what is stricter."""
        if own.high in MILD:
            return own
        low = own.low if own.low in MILD else Level.REVIEW
        return Bounds(low, max(own.high, Level.REVIEW))

    def _own(self, rule: Rule, standing: Truth) -> Bounds:
        if rule.effect in ("prohibit", "review"):
            level = Level[{"prohibit": "PROHIBITED", "review": "REVIEW"}[rule.effect]]
            return Bounds(level, level)
        if rule.effect == "oblige":
            keys = {duty.key for duty in rule.duties if duty.arises == "exchange"}
            return self._owing(keys, keys, standing) if keys else NOTHING
        if rule.effect != "require" or rule.need is None:
            return NOTHING
        worlds = self._worlds(rule.need)
        lows, highs = [], []
        if State.MET in worlds:
            certain, possible = self._owes(rule.need)
            met = self._owing(certain if worlds == {State.MET} else set(), possible, standing)
            lows.append(met.low)
            highs.append(met.high)
        for state, level in ((State.UNMET, Level.REQUIREMENTS_UNMET), (State.DOUBTFUL, Level.REVIEW)):
            if state in worlds:
                lows.append(level)
                highs.append(level)
        return Bounds(min(lows), max(highs))

    def _worlds(self, need: Need) -> set[State]:
        if need.op == "one":
            return set(self.states[need.requirement])
        parts = [self._worlds(part) for part in need.parts]
        if not parts:
            return {State.UNMET if need.op == "any_of" else State.MET}
        best = max if need.op == "any_of" else min
        worlds = parts[0]
        for part in parts[1:]:
            worlds = {best(mine, theirs) for mine in worlds for theirs in part}
        return worlds

    def _owes(self, need: Need) -> tuple[set[str], set[str]]:
        """The duties of the way relied on: those certainly owed, and all that may be (semantics 3.5)."""
        if need.op == "all_of":
            certain: set[str] = set()
            possible: set[str] = set()
            for part in need.parts:
                c, p = self._owes(part)
                certain |= c
                possible |= p
            return certain, possible
        ways = self._options(need)
        open_ways = [way for way in ways if way.met is not Truth.NO]
        union = set().union(*(way.possible for way in open_ways))
        named = [way for way in open_ways if way.named]
        if named:
            sure = next((way for way in named if way.met is Truth.YES), None)
            return (sure.certain, sure.possible) if sure else (set(), union)
        settled = []
        for way in open_ways:
            late = {self.overdue[key] for key in way.certain}
            if any(self.overdue[key] is not Truth.NO for key in way.possible - way.certain):
                late.add(Truth.UNKNOWN)
            if way.met is Truth.UNKNOWN or (Truth.UNKNOWN in late and Truth.YES not in late):
                return set(), union
            if not late - {Truth.NO}:
                return way.certain, way.possible
            settled.append(way)
        return (settled[0].certain, settled[0].possible) if settled else (set(), set())

    def _options(self, need: Need) -> list[_Option]:
        if need.op == "any_of":
            options = []
            for part in need.parts:
                worlds = self._worlds(part)
                met = Truth.YES if worlds == {State.MET} else Truth.UNKNOWN if State.MET in worlds else Truth.NO
                options.append(_Option(met, self._named(part.requirements()), *self._owes(part)))
            return options
        name = need.requirement
        own = {duty.key for duty in self.rules.requirements[name].duties}
        options = [_Option(self.truths[f"excused {name}"], False, set(), set())]
        grounds = sorted(
            (r for r in self.rules.rules if name in r.satisfies), key=lambda r: (r.provision.policy, r.provision.line)
        )
        for rule in grounds:
            duties = own | {duty.key for duty in rule.duties}
            named = rule.key in self.exchange.relies_on or name in self.exchange.relies_on
            options.append(_Option(self.truths[f"surely {rule.key}"], named, duties, duties))
        return options

    def _named(self, requirements: Iterable[str]) -> bool:
        wanted = set(requirements)
        ways = wanted | {rule.key for rule in self.rules.rules if wanted & set(rule.satisfies)}
        return bool(ways & set(self.exchange.relies_on))

    def _owing(self, certain: set[str], possible: set[str], standing: Truth) -> Bounds:
        """Note what is owed, and what owing it may raise."""
        low, high = Level.PERMITTED, Level.PERMITTED
        for key in possible:
            duty = self.duties[key]
            if duty.arises != "exchange":
                continue
            levels = set()
            for done in POSSIBLE[self._done(key)]:
                for late in POSSIBLE[self.overdue[key]]:
                    if done and late:
                        continue  # what is done is not overdue
                    levels.add(Level.PERMITTED if done else duty.overdue if late else Level.PERMITTED_WITH_OBLIGATIONS)
            if self._done(key) is not Truth.YES and standing is not Truth.NO:
                sure = key in certain and standing is Truth.YES and self._done(key) is Truth.NO
                self.owed[key] = max(self.owed.get(key, Truth.NO), Truth.YES if sure else Truth.UNKNOWN)
            high = max(high, *levels)
            if key in certain:
                low = max(low, min(levels))
        return Bounds(low, high)


@dataclass(frozen=True, slots=True)
class _Option:
    """One way of meeting a need: whether it is met, whether the sender named it, what it owes."""

    met: Truth
    named: bool
    certain: set[str]
    possible: set[str]


def _in_year(year: int, due: OnDay) -> date:
    try:
        return date(year, due.month, due.day)
    except ValueError:
        return date(year, 2, 28)  # a year without a 29 February
