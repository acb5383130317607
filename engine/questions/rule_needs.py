"""
What facts count for because rules need them: rules that are open go in, and what each fact counts for comes out.

What rules need are sets of facts. They are added up in planes: the first has the facts that were counted an odd number of times, and so
on. Amounts are whole numbers: in whatever order they are added, equals stay equal.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from functools import cache
from typing import NamedTuple, TypeAlias

from engine.exchange import Exchange
from engine.questions.condition_graph import DAYS, FIRST, OPEN, ConditionGraph, Read
from engine.values.outcome_levels import Level
from engine.verdict import numbers

# Of a rule by the highest level that it may raise; 1 for any other.
WEIGHT = {Level.PROHIBITED: 4, Level.REQUIREMENTS_UNMET: 2, Level.REVIEW: 2}
FEW = 3  # rules of one place; what fewer need is read for each exchange
UNIT = 27_720**2  # so that what a rule gives to each of up to twelve facts is whole
REMEMBERED = 1_024  # what so many sets of rules of one day give is kept

LAST = 1 << 30  # after the numbers of all rules


@cache
def amount(level: Level, facts: int) -> int:
    """What a rule that may raise the outcome to a level, and needs so many facts, gives to each of them."""
    return WEIGHT.get(level, 1) * UNIT // facts**2


class Score(NamedTuple):
    """
    What a fact counts for: by the law of the places concerned, and by all law; and the number of the first rule that asks for it.
    """

    near: int
    every: int
    asked: int


class Scores:
    """What facts count for, by the places of their bits."""

    def __init__(self) -> None:
        self._planes: dict[tuple[int, bool], list[Read]] = {}
        self._seen: list[tuple[int, Read]] = []  # by the number of a rule, what no rule before it asked for
        self._all = 0
        self._given: dict[int, Score] = {}

    def add(self, number: int, level: Level, facts: Read, near: bool, times: int = 1) -> None:
        """Add a rule by its number, so many times: what leaves it open, and to which level it may raise the outcome. The numbers rise."""
        if facts <= OPEN:
            return
        if fresh := facts & ~self._all:
            self._seen.append((number, fresh))
            self._all |= facts
        key = amount(level, facts.bit_count() - 1) * times, near
        planes = self._planes.get(key)
        if planes is None:
            planes = self._planes[key] = []
        for place, plane in enumerate(planes):
            planes[place] = plane ^ facts
            facts &= plane
            if not facts:
                return
        planes.append(facts)

    def give(self, place: int, near: int, every: int, asked: int) -> None:
        """Give so much to one fact."""
        before = self._given.get(place)
        if before is not None:
            near, every, asked = near + before[0], every + before[1], min(asked, before[2])
        self._given[place] = Score(near, every, asked)

    def added_up(self) -> dict[int, Score]:
        """What was added, of each fact that has any."""
        near: dict[int, int] = {}
        every: dict[int, int] = {}
        for (each, close), planes in self._planes.items():
            for power, plane in enumerate(planes):
                given = each << power
                for place in numbers(plane >> FIRST):
                    every[place] = every.get(place, 0) + given
                    if close:
                        near[place] = near.get(place, 0) + given
        for asked, fresh in self._seen:
            for place in numbers(fresh >> FIRST):
                self.give(place, near.get(place, 0), every[place], asked)
        return self._given


Gives: TypeAlias = Sequence[tuple[int, Score]]
"""Facts by the places of their bits, each with what it is given."""


class NeedsOfRules:
    """
    The rules of one bundle, by their numbers: at which level each weighs, its node in the graph of conditions, and whose law it is.

    A rule holds only where its gate does, the condition under which its policy applies. If an exchange has none of the other facts of
    some rules, they need the same as on every exchange of the day on which the same facts leave their gates open. So what the law of one
    place needs is most often known already.
    """

    def __init__(
        self,
        graph: ConditionGraph,
        nodes: Sequence[int],
        levels: Sequence[Level],
        gates: Collection[int],
        of_place: Iterable[int],
    ) -> None:
        self._nodes, self._levels = nodes, levels
        self._gates, self._others = zip(*(graph.split(node, gates) for node in nodes), strict=True)
        self._reading = graph.reading(self._others)
        gated = sum(1 << number for number, gate in enumerate(self._gates) if gate is not None)
        # Of each place the rules that have a gate, and their gates.
        self._of_place = [(rules & gated, tuple({self._gates[n]: None for n in numbers(rules & gated)})) for rules in of_place]
        self._days: dict[date, dict[tuple[int, ...], Gives]] = {}

    def add_to(self, scores: Scores, rules: int, near: int, exchange: Exchange, day: date, read: Callable[[int], Read]) -> None:
        """Add what some open rules give to the facts that they need; those among `near` are of the places concerned."""
        touched = 0
        for key in exchange.values:
            touched |= self._reading.get(key, 0)
        known, alike = self._of_day(day), rules & ~touched
        for mine, gates in self._of_place:
            these = mine & alike
            if these.bit_count() < FEW:
                continue
            rules ^= these
            needs = (these, *map(read, gates))
            gives = known.get(needs)
            if gives is None:
                if len(known) >= REMEMBERED:
                    known.clear()
                gives = known[needs] = self._gives(these, read)
            close = bool(these & near)
            for place, (_, each, asked) in gives:
                scores.give(place, each if close else 0, each, asked)
        self._add(scores, rules, near, read)

    def _add(self, scores: Scores, rules: int, near: int, read: Callable[[int], Read]) -> None:
        levels, nodes = self._levels, self._nodes
        for number in numbers(rules):
            scores.add(number, levels[number], read(nodes[number]), bool(near >> number & 1))

    def _gives(self, rules: int, read: Callable[[int], Read]) -> Gives:
        found = Scores()
        self._add(found, rules, 0, read)
        return tuple(found.added_up().items())

    def _of_day(self, day: date) -> dict[tuple[int, ...], Gives]:
        found = self._days.get(day)
        if found is None:
            while len(self._days) >= DAYS:
                del self._days[next(iter(self._days))]
            found = self._days[day] = {}
        return found
