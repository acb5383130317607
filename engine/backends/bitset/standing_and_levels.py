"""
The upper strata of the bitset back end: exemptions, requirements, duties, outcome.

The masks of what holds go in, what a verdict needs comes out. Only rules that may stand are looked at. Exempters have lower numbers
than the rules they exempt, so one pass over the exempters from the lowest bit settles which rules stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations
from typing import NamedTuple

from engine.backends.bitset.rule_table import UNMET, RuleTable, without
from engine.backends.bitset.value_tests import NO, UNKNOWN, YES
from engine.exchange import Exchange
from engine.rules import Duty, Need, State, Truth
from engine.values.outcome_levels import BOUNDS, Bounds, Level
from engine.verdict import Masks

NOTHING, PERMITTED, OWING, REVIEW = Level.NOT_APPLICABLE, Level.PERMITTED, Level.PERMITTED_WITH_OBLIGATIONS, Level.REVIEW
# The states of a requirement by how surely, and how doubtfully, something lifts it (semantics 3.4, 3.7).
STATES = tuple(
    tuple(
        frozenset(
            ([State.MET] if sure is not NO else [])
            + ([] if sure is YES else {NO: [State.UNMET], UNKNOWN: [State.UNMET, State.DOUBTFUL], YES: [State.DOUBTFUL]}[doubt])
        )
        for doubt in Truth
    )
    for sure in Truth
)
MET = frozenset((State.MET,))
SURELY, POSSIBLY = (YES, NO), (UNKNOWN, NO)  # how surely, and how doubtfully, a rule lifts
# What a requirement raises in each state, without the duties that come with it, and between which ends it lies in several.
RAISED = {State.UNMET: Level.REQUIREMENTS_UNMET, State.DOUBTFUL: REVIEW, State.MET: PERMITTED}
STATE_SETS = [frozenset(states) for size in range(1, len(State) + 1) for states in combinations(State, size)]
ENDS = {states: (min(map(RAISED.__getitem__, states)), max(map(RAISED.__getitem__, states))) for states in STATE_SETS}
# Two sets of states as one: of any of two needs the best of each pair, of both needs the worst.
BEST, WORST = (
    {
        (mine, theirs): frozenset(of(one, other) for one in mine for other in theirs)
        for mine in STATE_SETS
        for theirs in STATE_SETS
    }
    for of in (max, min)
)


class NeedWay(NamedTuple):
    """One way of meeting a need: its states, whether the exchange names it, and its duties, those certainly and those possibly owed."""

    states: frozenset[State]
    named: bool
    certain: frozenset[str]
    possible: frozenset[str]


NO_DUTIES: frozenset[str] = frozenset()
NONE = Masks(0, 0)


@dataclass(slots=True)
class BitsetStrata:
    """One exchange's upper strata. `done` gives how a duty's `done_when` reads; `signed` are the rules signed off, as bits."""

    table: RuleTable
    exchange: Exchange
    day: date
    done: Callable[[str], Truth]
    signed: int = 0
    stands: Masks = NONE
    doubted: Masks = NONE
    requirements: dict[str, frozenset[State]] = field(default_factory=dict)
    unmet: int = 0  # rules that require what nothing lifts
    owed: dict[str, Truth] = field(default_factory=dict)
    _lifts: dict[int, tuple[Truth, Truth]] = field(default_factory=dict)
    _excused: dict[str, Truth] = field(default_factory=dict)
    _overdue: dict[str, Truth] = field(default_factory=dict)
    _duties: dict[str, tuple[frozenset[str], frozenset[str]]] = field(default_factory=dict)

    def stand(self, possible: int, certain: int) -> None:
        """From what holds to what stands: a standing exempter removes its victims (3.3); a doubtful one only marks them (3.7)."""
        table = self.table
        may_doubt = does_doubt = 0
        waiting = possible & table.exempters
        while waiting:
            low = waiting & -waiting
            waiting ^= low
            if not possible & low:
                continue  # it is exempted itself
            victims = table.victims[low.bit_length() - 1]
            # A lift that is signed off counts where it certainly stands, itself free of doubt (4.6). A law that may not reach the exchange
            # then does (4.3).
            accepted = self.signed & certain & ~may_doubt & low
            if accepted & table.doubting:
                continue
            if table.doubtful & low and not accepted:
                may_doubt |= victims
                if certain & low:
                    does_doubt |= victims
                continue
            doubted = bool(does_doubt & certain & low)
            if may_doubt & low:
                may_doubt |= victims
                if doubted:
                    does_doubt |= victims
            elif certain & low:
                possible &= ~victims
            if not doubted:
                certain &= ~victims
        waiting = possible & table.otherwise
        while waiting:
            low = waiting & -waiting
            waiting ^= low
            others = table.speaking[low.bit_length() - 1]
            if certain & others:
                possible &= ~low
            if possible & others:
                certain &= ~low
        self.stands = Masks(possible, certain)
        self.doubted = Masks(may_doubt & possible, does_doubt & certain)

    def meet(self) -> dict[str, frozenset[State]]:
        """The states of every requirement, from the rules that lift it."""
        table, certain = self.table, self.stands.certain
        self.requirements = states = dict(table.unmet)
        doubtful = table.doubtful | self.doubted.possible
        found: dict[str, tuple[Truth, Truth]] = {}
        waiting = self.stands.possible & table.lifters
        while waiting:
            low = waiting & -waiting
            waiting ^= low
            number = low.bit_length() - 1
            lift = self._lift(number) if doubtful & low else SURELY if certain & low else POSSIBLY
            self._lifts[number] = lift
            for name in table.lifts[number]:
                before = found.get(name)
                found[name] = lift if before is None else (max(before[0], lift[0]), max(before[1], lift[1]))
            for name in table.rules[number].excuses:
                self._excused[name] = max(self._excused.get(name, NO), lift[0])
        met = 0
        for name, lifted in found.items():
            states[name] = STATES[lifted[0]][lifted[1]]
            met |= table.requiring.get(name, 0)
        self.unmet = without(table.needing, met)
        return states

    def _lift(self, number: int) -> tuple[Truth, Truth]:
        """How surely, and how doubtfully, a rule lifts."""
        stands = self.stands.truth(number)
        accepted = self.signed & self.stands.certain & ~self.doubted.possible
        if self.table.doubtful & ~accepted & 1 << number:
            return NO, stands
        doubt = self.doubted.truth(number)
        return min(stands, ~doubt), doubt

    def weigh(self, permitting: Mapping[str, Truth]) -> tuple[dict[str, Bounds], dict[str, Bounds]]:
        """
        Each jurisdiction's bounds, and its bounds without the reviews that a person may sign off: those that certainly stand (4.6).

        `permitting` are the jurisdictions whose floor may permit, each with whether it does.
        """
        table, certain = self.table, self.stands.certain
        may_doubt, does_doubt = self.doubted.possible, self.doubted.certain
        low = dict.fromkeys(table.everywhere, NOTHING)
        high = low.copy()
        certain_reviews = table.reviewing & certain
        # Without such a review the two are the same.
        low_beneath, high_beneath = (low.copy(), low.copy()) if certain_reviews else (low, high)
        for place, permits in permitting.items():
            if permits is not NO:
                high[place] = high_beneath[place] = PERMITTED
                if permits is YES:
                    low[place] = low_beneath[place] = PERMITTED
        possible = self.stands.possible & ~(self.signed & certain_reviews)
        waiting = possible & table.plainly
        plain, owed, overdue = table.plain, self.owed, self._overdue
        while waiting:
            bit = waiting & -waiting
            waiting ^= bit
            key = plain[bit.bit_length() - 1]
            owed[key] = YES if certain & bit else UNKNOWN
            overdue[key] = NO
        # Rules that bar, only oblige, or require what nothing lifts raise one level where nothing doubts them, however many they are.
        unmet = without(possible & self.unmet, may_doubt)
        undoubted = without(possible & table.levelled, may_doubt & table.barring) | unmet
        sure = certain & undoubted
        ends = [(undoubted, high), (sure, low)]
        if certain_reviews:
            ends += [(without(undoubted, certain_reviews), high_beneath), (without(sure, certain_reviews), low_beneath)]
        waiting = undoubted
        while waiting:
            place = table.places[waiting.bit_length() - 1]
            mask, levels = table.bars[place]
            waiting = without(waiting, mask)
            for raising, found in ends:
                for level, bars in levels:
                    if raising & bars:
                        if level > found[place]:
                            found[place] = level
                        break
        waiting = without(possible & (table.raising | table.barring & may_doubt), unmet)
        while waiting:
            bit = waiting & -waiting
            number = bit.bit_length() - 1
            if not may_doubt & bit:
                bit = without(table.alike[number] & possible, may_doubt)
            waiting = without(waiting, bit)
            place = table.places[number]
            if number in table.single_need:
                least, most = ENDS[self.requirements[table.single_need[number]]]
            elif number in table.undated:
                least, most = self._owing_one(table.undated[number], YES if certain & bit else UNKNOWN)
            else:
                bar = table.level[number]
                least, most = self._raised(number, YES if certain & bit else UNKNOWN) if bar is None else (bar, bar)
            if may_doubt & bit and most > OWING:
                # A doubtful lift makes a review of a requirement, and adds one to a prohibition (3.7).
                least = min(least, REVIEW)
                most = REVIEW if does_doubt & bit and most is not Level.PROHIBITED else max(most, REVIEW)
            if most > high[place]:
                high[place] = most
            if not certain_reviews & bit and most > high_beneath[place]:
                high_beneath[place] = most
            if certain & bit:
                if least > low[place]:
                    low[place] = least
                if not certain_reviews & bit and least > low_beneath[place]:
                    low_beneath[place] = least
        for place in table.covered:
            # Where its law is modelled and does not speak for certain, what only obliges does not permit (4.2).
            if not high[place] or (permits := permitting.get(place, NO)) is YES:
                continue
            for least_of, most_of in ((low, high), (low_beneath, high_beneath)):
                if NOTHING < least_of[place] <= OWING:
                    least_of[place] = NOTHING
                if permits is NO and NOTHING < most_of[place] <= OWING:
                    most_of[place] = NOTHING
        bounds = _bounds(low, high)
        return bounds, _bounds(low_beneath, high_beneath) if certain_reviews else bounds

    def overdue(self, key: str) -> Truth:
        """Whether a duty's last day has passed and it is not done."""
        found = self._overdue.get(key)
        if found is None:
            past = self.table.reader.late(self.table.duties[key].due, self.exchange, self.day)
            found = self._overdue[key] = min(past, ~self.done(key))
        return found

    def _raised(self, number: int, stands: Truth) -> tuple[Level, Level]:
        """What a rule that obliges or requires raises while it stands."""
        rule = self.table.rules[number]
        if rule.need is None:
            duties = self.table.obliged[number]
            return self._owing(duties, duties, stands) if duties else (NOTHING, NOTHING)
        states = self._need(rule.need)
        if State.MET not in states or not self.table.requiring_dutiful >> number & 1:
            return ENDS[states]
        certain, possible = self._owed_for(rule.need)
        least, most = self._owing(certain if states == MET else NO_DUTIES, possible, stands)
        if states == MET:
            return least, most
        low, high = ENDS[states - MET]
        return min(least, low), max(most, high)

    def _need(self, need: Need) -> frozenset[State]:
        """Kleene over met and unmet, with doubt between them (3.4)."""
        if need.op == "one":
            return self.requirements[need.requirement]
        together, states = (BEST, UNMET) if need.op == "any_of" else (WORST, MET)
        for part in need.parts:
            states = together[states, self._need(part)]
        return states

    def _owed_for(self, need: Need) -> tuple[frozenset[str], frozenset[str]]:
        """The duties certainly and possibly owed for what meets a need (3.5)."""
        if need.op == "all_of":
            parts = [self._owed_for(part) for part in need.parts]
            return NO_DUTIES.union(*(c for c, _ in parts)), NO_DUTIES.union(*(p for _, p in parts))
        if need.op == "any_of":
            return self._relied_on(NeedWay(self._need(part), self._named(part), *self._owed_for(part)) for part in need.parts)
        name = need.requirement
        if name not in self.table.dutiful:
            return NO_DUTIES, NO_DUTIES
        if name not in self._duties:
            self._duties[name] = self._relied_on(self._ways(name))
        return self._duties[name]

    def _ways(self, name: str) -> Iterable[NeedWay]:
        """
        First that the requirement is not owed, then its grounds by policy id and position.

        What certainly does not meet it is left out.
        """
        excused = self._excused.get(name, NO)
        if excused is not NO:
            yield NeedWay(STATES[excused][NO], False, NO_DUTIES, NO_DUTIES)
        relied_on, lifts = self.exchange.relies_on, self._lifts
        for number in self.table.grounds[name]:
            lift = lifts.get(number)
            if lift is not None and lift[0] is not NO:
                duties = self.table.ways[name, number]
                named = bool(relied_on) and (self.table.rules[number].key in relied_on or name in relied_on)
                yield NeedWay(STATES[lift[0]][NO], named, duties, duties)

    def _named(self, need: Need) -> bool:
        relied_on = self.exchange.relies_on
        if not relied_on:
            return False
        names = set(need.requirements())
        return any(
            way in names or any(self.table.rules[n].key == way for name in names for n in self.table.grounds[name])
            for way in relied_on
        )

    def _relied_on(self, ways: Iterable[NeedWay]) -> tuple[frozenset[str], frozenset[str]]:
        """
        The duties, certain and possible, of the way named, else of the first met with no duty overdue, else of the first met.

        While an earlier way is unknown, no duty is certain (3.5).
        """
        met: Iterator[NeedWay] = (way for way in ways if State.MET in way.states)
        if self.exchange.relies_on:
            met = iter(sorted(met, key=lambda way: not way.named))
        passed: list[NeedWay] = []  # they are overdue
        for way in met:
            overdue = NO if way.named else self._late(way)
            if way.states != MET or overdue is UNKNOWN:
                return NO_DUTIES, NO_DUTIES.union(*(each.possible for each in (*passed, way, *met)))
            if overdue is NO:
                return way.certain, way.possible
            passed.append(way)
        return (passed[0].certain, passed[0].possible) if passed else (NO_DUTIES, NO_DUTIES)

    def _late(self, way: NeedWay) -> Truth:
        """Whether a duty of a way is overdue."""
        overdue = NO
        for key in way.certain:
            overdue = max(overdue, self.overdue(key))
        if overdue is not YES and way.possible is not way.certain and any(self.overdue(key) is not NO for key in way.possible):
            return UNKNOWN
        return overdue

    def _owing(self, certain: frozenset[str], possible: frozenset[str], stands: Truth) -> tuple[Level, Level]:
        """Note which duties are owed, and give the lowest and highest level that they raise. A done duty raises nothing (3.5)."""
        low = high = PERMITTED
        for key in sorted(possible):  # in an order that every process shares
            duty = self.table.duties[key]
            if duty.arises == "refusal":
                continue
            done = self.done(key)
            if done is YES:
                continue
            sure = key in certain
            owed = YES if sure and stands is YES and done is NO else UNKNOWN
            self.owed[key] = max(self.owed.get(key, NO), owed)
            least, most = self._weight(duty, done)
            if sure:
                low = max(low, least)
            high = max(high, most)
        return low, high

    def _owing_one(self, key: str, stands: Truth) -> tuple[Level, Level]:
        """The same for one duty that has no last day."""
        done = self.done(key)
        if done is YES:
            return PERMITTED, PERMITTED
        self._overdue[key] = NO
        self.owed[key] = max(self.owed.get(key, NO), stands if done is NO else UNKNOWN)
        return OWING if done is NO else PERMITTED, OWING

    def _weight(self, duty: Duty, done: Truth) -> tuple[Level, Level]:
        overdue = self.overdue(duty.key)
        levels = [PERMITTED] if done is UNKNOWN else []
        if overdue is not YES:
            levels.append(OWING)
        if overdue is not NO:
            levels.append(duty.overdue)
        return min(levels), max(levels)

    def overdue_of_owed(self) -> Mapping[str, Truth]:
        known = self._overdue
        return {key: known[key] if key in known else self.overdue(key) for key in self.owed}


def _bounds(low: Mapping[str, Level], high: Mapping[str, Level]) -> dict[str, Bounds]:
    """The bounds of each jurisdiction. Most do not apply."""
    nothing = BOUNDS[NOTHING][NOTHING]
    return {place: BOUNDS[low[place]][most] if most else nothing for place, most in high.items()}
