"""
The upper strata of the durable back end: requirements, duties, outcome.

What durable-rules inferred goes in, what a verdict needs comes out. Only what may stand is looked at. It is written apart from the
reference: it works on sets of possible worlds where the reference works on intervals, so that an error in one shows as a disagreement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from engine.backends.durable.standing import StandingRules
from engine.backends.durable.strata_tables import DOUBTFUL, MET, MILD, NOTHING, RIGID, STATES, UNMET, StrataTables
from engine.backends.durable.value_answers import days_over
from engine.exchange import Exchange
from engine.rules import AS_OF, Due, Earliest, Need, OnDate, OnDay, Period, State, Truth
from engine.values import Disputed, Value
from engine.values.outcome_levels import BOUNDS, Bounds, Level
from engine.verdict import NONE_SIGNED, numbers

POSSIBLE = {Truth.YES: (True,), Truth.NO: (False,), Truth.UNKNOWN: (True, False)}
# Looked up by number, because making bounds or calling an enumeration is slow.
TRUTHS = tuple(Truth)
# What a duty raises, by the level that it raises where it is overdue, whether it is done and whether it is overdue. What is done is not
# overdue.
OWED = {
    (overdue, done, late): Bounds(min(levels), max(levels))
    for overdue in Level
    for done in Truth
    for late in Truth
    if (
        levels := [
            Level.PERMITTED if is_done else overdue if is_late else Level.PERMITTED_WITH_OBLIGATIONS
            for is_done in POSSIBLE[done]
            for is_late in POSSIBLE[late]
            if not (is_done and is_late)
        ]
    )
}
OF_A_STATE = ((UNMET, Level.REQUIREMENTS_UNMET), (DOUBTFUL, Level.REVIEW))


class _Way(NamedTuple):
    """A way in which a need may be met: whether it surely is, whether the exchange names the way, and the duties of the way."""

    sure: bool
    named: bool
    certain: frozenset[str]
    possible: frozenset[str]


@dataclass(slots=True)
class DurableStrata:
    """
    One exchange's upper strata. `certain` and `possible` are the conditions derived, `signed` the rules signed off, `given` all names that
    were.
    """

    tables: StrataTables
    exchange: Exchange
    as_of: date
    stood: StandingRules
    certain: int
    possible: int
    signed: int = 0
    given: frozenset[str] = NONE_SIGNED
    overdue: dict[str, Truth] = field(default_factory=dict)
    owed: dict[str, Truth] = field(default_factory=dict)
    states: dict[str, frozenset[State]] = field(default_factory=dict)
    beneath: dict[str, Bounds] = field(default_factory=dict)
    worlds: dict[str, int] = field(default_factory=dict)
    relied_on: dict[str, tuple[frozenset[str], frozenset[str]]] = field(default_factory=dict)

    def jurisdictions(self) -> dict[str, Bounds]:
        """Run the strata in order; fills `states`, `owed`, `overdue` and `beneath` on the way."""
        tables = self.tables
        self._meet()
        bounds, beneath = tables.nothing.copy(), tables.nothing.copy()
        stands, doubted = self.stood.stands, self.stood.doubted.possible
        settled = tables.reviews & stands.certain  # the reviews that a person may sign off (semantics 4.6)
        possible = stands.possible & ~(settled & self.signed)
        # A requirement that no lift touches is unmet; a duty that nothing makes done or late is owed.
        touched = tables.others | doubted
        for name in self.worlds:
            touched |= tables.requiring.get(name, 0)
        untouched = possible & tables.alike & ~touched
        while untouched:
            alike, jurisdiction, level = tables.alike_to[untouched.bit_length() - 1]
            alike &= untouched
            untouched ^= alike
            for into, left in ((bounds, alike), (beneath, alike & ~settled)):
                if left:
                    _raise(into, jurisdiction, BOUNDS[level if left & stands.certain else Level.NOT_APPLICABLE][level])
        for number in numbers(stands.possible & tables.plainly & ~touched):
            sure = stands.certain >> number & 1
            for key in tables.own_duties[number]:
                self._owe_plainly(key, bool(sure))
        for number in numbers(possible & tables.weighing & touched):
            jurisdiction, weight = tables.jurisdiction[number], self._weight(number)
            if weight is not NOTHING:
                _raise(bounds, jurisdiction, weight)
                if not settled >> number & 1:
                    _raise(beneath, jurisdiction, weight)
        for floor in tables.floors:
            name = floor.jurisdiction
            if self.possible & floor.by or bounds[name] is not NOTHING or not self.given.isdisjoint(floor.signed):
                worlds = floor.worlds(self.certain, self.possible, self.as_of, self.given)
                bounds[name] = floor.under(bounds[name], worlds)
                beneath[name] = floor.under(beneath[name], worlds)
        self.beneath = beneath
        return bounds

    def _meet(self) -> None:
        """The worlds in which each requirement may be. A requirement for which no lift derived anything is unmet."""
        tables, derived = self.tables, self.stood.derived
        met, doubt = tables.standing.met, tables.standing.doubtful
        self.states = tables.unmet.copy()
        everyone = (1 << len(tables.names)) - 1
        for number in numbers((derived.possible >> met | derived.possible >> doubt) & everyone):
            worlds = 0
            for sure in POSSIBLE[self._derived(met + number)]:
                for doubtful in POSSIBLE[self._derived(doubt + number)]:
                    worlds |= MET if sure else DOUBTFUL if doubtful else UNMET
            name = tables.names[number]
            self.worlds[name], self.states[name] = worlds, STATES[worlds]

    def _derived(self, bit: int) -> Truth:
        """Whether the lifts derive something."""
        derived = self.stood.derived
        return TRUTHS[(derived.possible >> bit & 1) + (derived.certain >> bit & 1)]

    def _done(self, key: str) -> Truth:
        bit = self.tables.done.get(key)
        return Truth.NO if bit is None else TRUTHS[bool(self.possible & bit) + bool(self.certain & bit)]

    def _is_overdue(self, key: str) -> Truth:
        late = self.overdue.get(key)
        if late is None:
            late, open_ = self._late(self.tables.duties[key].due), ~self._done(key)
            late = self.overdue[key] = Truth.NO if late is Truth.NO or open_ is Truth.NO else min(late, open_)
        return late

    def _late(self, due: Due | None) -> Truth:
        if due is None:
            return Truth.NO
        if isinstance(due, Earliest):
            parts = {self._late(part) for part in due.parts}
            return Truth.YES if Truth.YES in parts else Truth.UNKNOWN if Truth.UNKNOWN in parts else Truth.NO
        if isinstance(due, OnDate):
            return Truth.YES if due.day < self.as_of else Truth.NO
        start = self.as_of if due.after == AS_OF else self.exchange.value(due.after)
        if isinstance(start, Disputed):
            answers = {self._late_after(due, each) for each in (start.stated, start.registered)}
            return answers.pop() if len(answers) == 1 else Truth.UNKNOWN
        return self._late_after(due, start)

    def _late_after(self, due: Period | OnDay, start: Value) -> Truth:
        if not isinstance(start, date):
            return Truth.UNKNOWN
        if isinstance(due, OnDay):
            return Truth.YES if self._passed(due, start) else Truth.NO
        if due.within.working_days:
            over = days_over(self.tables.rules.calendars[due.within.calendar], due.within.working_days, start, self.as_of)
            return Truth(over)
        if due.within.hours % 24:
            days = (self.as_of - start).days
            late = [(days + step) * 24 >= due.within.hours for step in (-1, 1)]
            return Truth.YES if all(late) else Truth.UNKNOWN if any(late) else Truth.NO
        return Truth.YES if due.within.after(start) < self.as_of else Truth.NO

    def _passed(self, due: OnDay, start: date) -> bool:
        """Whether the day of the year lies after `start` and before as_of."""
        years = (self.as_of.year - 1, self.as_of.year)
        days = (_in_year(year, due) for year in years if year >= date.min.year)
        return any(start < day < self.as_of for day in days)

    def _weight(self, number: int) -> Bounds:
        """The levels that a rule may raise, over every way in which its standing and its doubt may turn out."""
        stood = self.stood
        standing = Truth.YES if stood.stands.certain >> number & 1 else Truth.UNKNOWN
        doubted = stood.doubted.truth(number) if stood.doubted.possible else Truth.NO
        own = self._own(number, standing)
        if own is NOTHING:
            return NOTHING
        weights, key = self.tables.weights, (own.low * 6 + own.high) * 9 + standing * 3 + doubted
        if key not in weights:
            found = [NOTHING] if standing is Truth.UNKNOWN else []
            found += [self._doubtful(own) if doubt else own for doubt in POSSIBLE[doubted]]
            weights[key] = BOUNDS[min(b.low for b in found)][max(b.high for b in found)]
        return weights[key]

    def _doubtful(self, own: Bounds) -> Bounds:
        """A doubtful lift turns unmet requirements into a review, and adds a review to a prohibition."""
        if own.high in MILD:
            return own
        low = own.low if own.low in MILD else Level.REVIEW
        return BOUNDS[low][Level.PROHIBITED if own.high is Level.PROHIBITED else Level.REVIEW]

    def _own(self, number: int, standing: Truth) -> Bounds:
        rule = self.tables.rules.rules[number]
        if rule.effect in RIGID:
            return RIGID[rule.effect]
        if rule.need is None:
            keys = self.tables.own_duties[number]
            return self._owing(keys, keys, standing) if keys else NOTHING
        worlds = self._worlds(rule.need)
        if worlds == UNMET:
            return BOUNDS[Level.REQUIREMENTS_UNMET][Level.REQUIREMENTS_UNMET]
        low, high = Level.PROHIBITED, Level.NOT_APPLICABLE
        if worlds & MET:
            certain, possible = self._owes(rule.need)
            met = self._owing(certain if worlds == MET else frozenset(), possible, standing)
            low, high = met.low, met.high
        for state, level in OF_A_STATE:
            if worlds & state:
                low, high = min(low, level), max(high, level)
        return BOUNDS[low][high]

    def _worlds(self, need: Need) -> int:
        if need.op == "one":
            return self.worlds.get(need.requirement, UNMET)
        worlds = UNMET if need.op == "any_of" else MET
        for part in need.parts:
            key = (need.op, worlds, self._worlds(part))
            if key not in self.tables.combined:
                self.tables.combined[key] = _combined(*key)
            worlds = self.tables.combined[key]
        return worlds

    def _owes(self, need: Need) -> tuple[frozenset[str], frozenset[str]]:
        """The duties of the way relied on: those certainly owed, and all that may be owed (semantics 3.5)."""
        if need.op == "one":
            if need.requirement not in self.relied_on:
                self.relied_on[need.requirement] = self._relied_on(self._ways(need))
            return self.relied_on[need.requirement]
        if need.op == "all_of":
            both = [self._owes(part) for part in need.parts]
            return frozenset().union(*(c for c, _ in both)), frozenset().union(*(p for _, p in both))
        return self._relied_on(self._ways(need))

    def _relied_on(self, ways: Sequence[_Way]) -> tuple[frozenset[str], frozenset[str]]:
        """The duties of the way that is named, else of the first met with no duty overdue, else of the first met."""
        named = [way for way in ways if way.named]
        if named:
            return (named[0].certain, named[0].possible) if named[0].sure else _any(ways)
        for way in ways:
            late = self._is_late(way)
            if not way.sure or late is Truth.UNKNOWN:
                return _any(ways)
            if late is Truth.NO:
                return way.certain, way.possible
        return (ways[0].certain, ways[0].possible) if ways else (frozenset(), frozenset())

    def _is_late(self, way: _Way) -> Truth:
        """Whether a duty of a way is overdue; unknown where one only may be overdue, or is overdue and only may be owed."""
        late = Truth.NO
        for key in way.possible:
            overdue = self._is_overdue(key)
            if overdue is Truth.YES and key in way.certain:
                return Truth.YES
            if overdue is not Truth.NO:
                late = Truth.UNKNOWN
        return late

    def _ways(self, need: Need) -> list[_Way]:
        """The ways in which a need may be met, in their order."""
        relied_on = self.exchange.relies_on
        if need.op == "any_of":
            ways = []
            for part in need.parts:
                worlds = self._worlds(part)
                if worlds & MET:
                    ways.append(_Way(worlds == MET, bool(relied_on) and self._named(part.requirements()), *self._owes(part)))
            return ways
        name, standing = need.requirement, self.tables.standing
        possible, certain = self.stood.derived.possible, self.stood.derived.certain
        ways = []
        excused = standing.excused + self.tables.requirements[name]
        if possible >> excused & 1:
            ways.append(_Way(bool(certain >> excused & 1), False, frozenset(), frozenset()))
        grounds, lifting = self.tables.grounds[name], possible >> standing.surely & self.tables.ground_rules[name]
        for _, number, key, duties in sorted(grounds[number] for number in numbers(lifting)):
            sure = bool(certain >> standing.surely + number & 1)
            ways.append(_Way(sure, key in relied_on or name in relied_on, duties, duties))
        return ways

    def _named(self, requirements: Iterable[str]) -> bool:
        wanted = set(requirements)
        ways = wanted | {ground.key for name in wanted for ground in self.tables.grounds[name].values()}
        return bool(ways & set(self.exchange.relies_on))

    def _owe_plainly(self, key: str, sure: bool) -> None:
        """Note a duty that is neither done nor overdue, as most are."""
        self.overdue[key] = Truth.NO
        if sure:
            self.owed[key] = Truth.YES
        else:
            self.owed.setdefault(key, Truth.UNKNOWN)

    def _owing(self, certain: frozenset[str], possible: frozenset[str], standing: Truth) -> Bounds:
        """Note which duties are owed, and give the levels that they may raise."""
        low, high = Level.PERMITTED, Level.PERMITTED
        tables = self.tables
        for key in sorted(possible):  # in an order that every process shares
            if key in tables.plain:
                sure = key in certain
                self._owe_plainly(key, sure and standing is Truth.YES)
                high = max(high, Level.PERMITTED_WITH_OBLIGATIONS)
                low = max(low, Level.PERMITTED_WITH_OBLIGATIONS) if sure else low
                continue
            if key not in tables.owing:
                continue
            done = self._done(key)
            raised = OWED[tables.duties[key].overdue, done, self._is_overdue(key)]
            if done is not Truth.YES:
                sure = key in certain and standing is Truth.YES and done is Truth.NO
                self.owed[key] = max(self.owed.get(key, Truth.NO), Truth.YES if sure else Truth.UNKNOWN)
            high = max(high, raised.high)
            if key in certain:
                low = max(low, raised.low)
        return BOUNDS[low][high]


def _any(ways: Iterable[_Way]) -> tuple[frozenset[str], frozenset[str]]:
    """The duties of several ways while it is not known which is relied on: all are possible, none is certain."""
    return frozenset(), frozenset().union(*(way.possible for way in ways))


def _raise(bounds: dict[str, Bounds], jurisdiction: str, by: Bounds) -> None:
    old = bounds[jurisdiction]
    if by is old:
        return
    if by.low > old.low or by.high > old.high:
        bounds[jurisdiction] = BOUNDS[max(old.low, by.low)][max(old.high, by.high)]


def _combined(op: str, mine: int, theirs: int) -> int:
    """The worlds of two needs together, where `op` says whether any or all of them must be met."""
    best = max if op == "any_of" else min
    worlds = 0
    for a in State:
        for b in State:
            if mine >> a & 1 and theirs >> b & 1:
                worlds |= 1 << best(a, b)
    return worlds


def _in_year(year: int, due: OnDay) -> date:
    try:
        return date(year, due.month, due.day)
    except ValueError:
        return date(year, 2, 28)  # a year without a 29 February
