"""
The lanes back end: one program of and, or, not for every day, over as many exchanges or variants of one at a time as one likes.

See README.md beside this module for what goes in and out, and how to call it. Source: semantics 5.1.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from engine.backends.lanes.fact_classes import Coder
from engine.backends.lanes.integers import function
from engine.backends.lanes.lane_cases import alone
from engine.backends.lanes.lane_program import LaneProgram, lower
from engine.backends.lanes.slots import Pair
from engine.backends.lanes.thresholds import Ends
from engine.exchange import Exchange
from engine.rules import All, AnyOf, Atom, Condition, Defined, Not, RuleSet, State, Truth, tests
from engine.values.outcome_levels import BOUNDS, Bounds, Level
from engine.verdict import NONE_SIGNED, TRUTHS, Definitions, Masks, Verdict

__all__ = ["Lanes"]


class Lanes:
    """The lanes back end for one rule set: verdicts on one exchange, a lane."""

    name = "lanes"

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self.program = lower(rules, None)
        self._coder = Coder(rules, self.program)
        verdict = self.program.verdict
        pairs = (*verdict.holds, *verdict.stands, *verdict.doubted, *verdict.owed.values(), *verdict.overdue.values())
        pairs += tuple(verdict.defined.values())
        ends = (*verdict.jurisdictions.values(), *verdict.beneath.values())
        wanted = [slot for pair in pairs for slot in pair]
        wanted += [slot for each in verdict.requirements.values() for slot in each]
        wanted += [slot for each in ends for row in each for slot in row]
        places = {slot: ("given", place) for slot, place in self._coder.place.items()}
        order = {slot: number for number, slot in enumerate(dict.fromkeys(wanted))}
        self._place = order
        self._function = function(self.program.code, list(order), places, ("given",))

    def evaluate(self, exchange: Exchange, as_of: date, signed: frozenset[str] = NONE_SIGNED) -> Verdict:
        """The verdict on one exchange under the law of one day, with some provisions signed off."""
        given = self._coder.code(alone(exchange, as_of, signed))
        found = self._function(1, given)
        place, slots = self._place, self.program.verdict

        def truth(pair: Pair) -> Truth:
            return TRUTHS[found[place[pair.must]] + found[place[pair.may]]]

        def masks(pairs: Sequence[Pair]) -> Masks:
            certain, possible = (
                int("".join(["1" if found[place[pair[side]]] else "0" for pair in reversed(pairs)]) or "0", 2)
                for side in (0, 1)
            )
            return Masks(possible, certain)

        def bounds(ends: Ends) -> Bounds:
            low, high = (Level(sum(found[place[slot]] for slot in row)) for row in ends)
            return BOUNDS[low][high]

        owed = {key: each for key, pair in slots.owed.items() if (each := truth(pair)) is not Truth.NO}
        defined = {key: truth(pair) for key, pair in slots.defined.items()}
        return Verdict(
            rules=self.rules.rules,
            holds=masks(slots.holds),
            stands=masks(slots.stands),
            doubted=masks(slots.doubted),
            requirements={
                name: frozenset(state for state, slot in zip(State, states[:3], strict=True) if found[place[slot]])
                for name, states in slots.requirements.items()
            },
            owed=owed,
            overdue={key: truth(slots.overdue[key]) for key in owed},
            defined=LaneDefinitions(defined),
            jurisdictions={name: bounds(ends) for name, ends in slots.jurisdictions.items()},
            beneath={name: bounds(ends) for name, ends in slots.beneath.items()},
            truth=LaneReading(self.rules, self.program, self._coder, given, defined),
        )


class LaneDefinitions(Definitions):
    """How each definition reads in one lane."""

    def __init__(self, read: Mapping[str, Truth]) -> None:
        self._read = read

    def __getitem__(self, key: str) -> Truth:
        return self._read[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)


@dataclass(frozen=True, slots=True)
class LaneReading:
    """How any condition of a rule set reads in one lane."""

    rules: RuleSet
    program: LaneProgram
    coder: Coder
    given: Sequence[int]
    defined: Mapping[str, Truth]

    def __call__(self, condition: Condition) -> Truth:
        match condition:
            case Atom():
                return self.test(condition)
            case Defined(key=key):
                return self.defined[key]
            case Not(part=part):
                return ~self(part)
            case All(parts=parts):
                return min(map(self, parts), default=Truth.YES)
            case AnyOf(parts=parts):
                return max(map(self, parts), default=Truth.NO)

    def test(self, atom: Atom) -> Truth:
        """How one test reads."""
        if atom.op == "open":
            return Truth.UNKNOWN
        must, may = (self.coder.place[slot] for slot in self.program.tests[atom])
        return TRUTHS[self.given[must] + self.given[may]]

    def reader(self, atoms: Sequence[Atom]) -> Callable[[int], Truth]:
        """How some tests read, by their numbers."""
        return lambda number: self.test(atoms[number])

    def seen(self, *rules: int) -> Hashable:
        """A key that two readings share where every test that these rules rest on reads the same in both."""
        conditions = (self.rules.rules[number].condition for number in rules)
        return tuple(self.test(atom) for condition in conditions for atom in tests(condition, self.rules.definitions))
