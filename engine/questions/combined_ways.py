"""
Ways in combination: the smallest changes with which a refused exchange is a permit, hundreds of them tried in one pass of the program.

What is left of a refusal are reasons, each with the alternatives that end it (`refusal_ends`, `taken_ways`). Whatever makes a permit holds
an alternative of every reason. So the least sets that hold one of each are tried, the smallest first; of those that are refused still, the
reasons that are left give further sets. Where no set is left, no combination of ways makes a permit. Before that, one lane shows what all
changes have in common: with all that can change unknown, a refusal stands whatever is changed (semantics 4.10).

What passes is decided again by the ordinary engine, and is found only if that permits it. Source: semantics 4.9, 4.13.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from heapq import heappop, heappush
from typing import TypeAlias

from engine.backends.lanes.lane_cases import LaneSet, variants
from engine.backends.lanes.lane_outcomes import LaneOutcomes
from engine.backends.lanes.lane_runner import LaneRunner
from engine.deciding.combine import Evaluate, Outcome
from engine.deciding.disputed_facts import choices
from engine.deciding.search_pauses import pause
from engine.exchange import Exchange
from engine.policy_language.vocabulary import stated_in
from engine.questions.refusal_ends import Reason
from engine.questions.taken_ways import Dearness, Moves, TakenWays
from engine.questions.ways import Way
from engine.values import Missing, Value
from engine.values.outcome_levels import Level
from engine.verdict import Verdict, numbers

AT_ONCE = 512  # lanes of a pass
MAX_SETS = 1_024  # that are tried
MAX_CHANGES = 10
MOST = 32  # alternatives of one way that are tried
MANY = 256  # sets that one refused set leads to; what they leave is ended afterwards

_Refused: TypeAlias = tuple[Moves, Sequence[Reason]]
_Waiting: TypeAlias = tuple[Dearness, Moves]


@dataclass(frozen=True, slots=True)
class PermittingChanges:
    """Changes with which an exchange is permitted, and how it is then decided."""

    changes: Mapping[str, Value]
    verdict: Verdict
    outcome: Outcome


class VariantLanes:
    """Decides one exchange with other values, by the program of its bundle."""

    def __init__(self, runner: LaneRunner, exchange: Exchange, as_of: date) -> None:
        self.exchange = exchange
        self._runner = runner
        self._as_of = as_of
        self._chosen = list(choices(exchange)) if exchange.disputed else []

    def decide(self, changes: Sequence[Mapping[str, Value]]) -> LaneOutcomes:
        """The outcomes of the exchange, in lane 0, and with each of some changes."""
        return self.of(self.exchange, changes)

    def permitted(self, outcomes: LaneOutcomes, changes: Sequence[Mapping[str, Value]]) -> LaneSet:
        """The lanes that are permitted, also under each value that is disputed."""
        found = outcomes.every if self._chosen else outcomes.permitted
        for each in self._chosen:
            found &= self.of(each, changes).permitted
        return found

    def of(self, exchange: Exchange, changes: Sequence[Mapping[str, Value]]) -> LaneOutcomes:
        """The same of another exchange."""
        pause()
        whole = [_whole(exchange, each) for each in changes] if exchange.books else changes
        return self._runner.decide(variants(exchange, self._as_of, whole), exchange.everyone)


def _whole(exchange: Exchange, changes: Mapping[str, Value]) -> Mapping[str, Value]:
    """Some changes with what the books of an exchange then fill in otherwise."""
    if not any(book.reads(changes.keys(), exchange.values) for book in exchange.books):
        return changes
    values = exchange.with_values(changes).values
    names = exchange.values.keys() | values.keys()
    new = {name: values.get(name, Missing.LEFT_OUT) for name in names}
    return {name: value for name, value in new.items() if value is not exchange.values.get(name, Missing.LEFT_OUT)}


class CombinedWays:
    """
    One search. `complete` says whether all combinations were tried or ruled out, unless enough were found; `hopeless` that the exchange
    stays refused whatever is changed or claimed.
    """

    def __init__(self, taken: TakenWays, lanes: VariantLanes, evaluate: Evaluate) -> None:
        self.taken = taken
        self.lanes = lanes
        self.exchange = taken.exchange
        self.complete = True
        self.hopeless = False
        self._evaluate = evaluate
        self._ends = taken.ends

    def run(self, most: int) -> list[PermittingChanges]:
        """At most so many sets of changes, the smallest first; none contains another."""
        found: dict[Moves, PermittingChanges] = {}
        seen = {0}
        waiting: list[_Waiting] = [(self.taken.dearness(0), 0)]
        moving: list[_Refused] = []  # parties or data, where something is left
        while waiting or (moving and not found):
            if waiting:
                batch = [heappop(waiting)[1] for _ in range(min(AT_ONCE, len(waiting)))]
                refused = self._decided(batch, found, most)
                moving += [each for each in refused if self._moves_a_place(each[0])]
                refused = [each for each in refused if not self._moves_a_place(each[0])]
            else:
                refused, moving = moving, []
            for moves, reasons in self._hopeful(refused) if len(seen) > 1 and not found else refused:
                if len(seen) > MAX_SETS:
                    self.complete = False
                    break
                for more in self._further(moves, reasons):
                    if more not in seen:
                        seen.add(more)
                        heappush(waiting, (self.taken.dearness(more), more))
            if len(found) >= most and waiting and waiting[0][1].bit_count() >= self._largest(found, most):
                break
        return [found[moves] for moves in sorted(found, key=self.taken.dearness)[:most]]

    @staticmethod
    def _largest(found: Collection[Moves], most: int) -> int:
        """The size of the last of those that are told; of larger sets none is wanted."""
        return sorted(moves.bit_count() for moves in found)[most - 1] if len(found) >= most else MAX_CHANGES + 1

    def _hopeful(self, refused: Sequence[_Refused]) -> list[_Refused]:
        """
        Those of some refused sets that more moves may make a permit.

        With all else that can change unknown, the others are refused, and so with whatever it is changed to.
        """
        unknown: dict[str, Value] = dict.fromkeys(self.taken.all_names(), Missing.UNKNOWN)
        outcomes = self.lanes.of(self.exchange.with_values(unknown), [self.taken.changes(moves) for moves, _ in refused])
        if outcomes.refused & 1:
            claims = dict.fromkeys(self.taken.all_claims(), Missing.UNKNOWN)
            self.hopeless = self.taken.claims or bool(self.lanes.of(self.exchange.with_values(unknown | claims), []).refused)
            return []
        return [each for lane, each in enumerate(refused, 1) if not outcomes.refused >> lane & 1]

    def _moves_a_place(self, moves: Moves) -> bool:
        return not self.taken.names(moves).isdisjoint(self.taken.places)

    def _decided(self, batch: Sequence[Moves], found: dict[Moves, PermittingChanges], most: int) -> list[_Refused]:
        """
        Some sets of moves, decided in one pass: those that are permitted are added to what is found, as far as they are wanted.

        Those that are refused are returned with what they are refused for. Where a place is moved, only as long as nothing is found.
        """
        changes = [self.taken.changes(each) for each in batch]
        outcomes = self.lanes.decide(changes)
        permitted = self.lanes.permitted(outcomes, changes)
        incoherent = 0
        for lanes in outcomes.incoherent.values() if permitted else ():
            incoherent |= lanes
        refused: list[_Refused] = []
        for lane in numbers(permitted & ~1):
            moves = batch[lane - 1]
            if moves.bit_count() < self._largest(found, most) and not self._holds_one(moves, found):
                contradicted = self._permits(moves, bool(incoherent >> lane & 1), found)
                refused += [(moves, contradicted)] if contradicted else []
        left = 0
        for lane, moves in enumerate(batch, 1):
            wanted = moves.bit_count() + 1 < self._largest(found, most) and not (found and self._moves_a_place(moves))
            if wanted and not permitted >> lane & 1 and not self._holds_one(moves, found):
                left |= 1 << lane
        reasons = self._ends.left(outcomes, left)
        open_ = left & outcomes.overall.at_least(Level.PERMITTED)[1]
        if not all(reasons[lane] for lane in numbers(open_)):
            self.complete = False  # a law may speak, and no way is told by which it surely does
        return refused + [(batch[lane - 1], reasons[lane]) for lane in numbers(left)]

    def _holds_one(self, moves: Moves, found: Collection[Moves]) -> bool:
        names = self.taken.names
        return any(names(less) <= names(moves) for less in found)

    def _permits(self, moves: Moves, incoherent: bool, found: dict[Moves, PermittingChanges]) -> list[Reason]:
        """Decide some moves again by the ordinary engine; or the facts of each thing that cannot be true together, where there is such."""
        changes = self.taken.changes(moves)
        exchange, coherence = self.exchange.with_values(changes), self._ends.ways.bundle.coherence
        wrong = coherence.contradictions(exchange) if incoherent else coherence.misplaced(exchange)
        if not wrong:
            verdict, outcome = self._evaluate(exchange, self.taken.as_of)
            if outcome.permits:
                for more in [each for each in found if self.taken.names(moves) <= self.taken.names(each)]:
                    del found[more]
                found[moves] = PermittingChanges(changes, verdict, outcome)
            self.complete = self.complete and outcome.permits
        return [tuple(dict.fromkeys(map(stated_in, each.facts))) for each in wrong]

    def _further(self, moves: Moves, reasons: Sequence[Reason]) -> Iterator[Moves]:
        """What is tried next: the least sets of moves that end the reasons which are left, as many reasons as give not too many sets."""
        menus = sorted((self._ending(each, moves) for each in reasons), key=len)
        if not menus or not menus[0]:
            return  # nothing ends what is left, or no law applies any more, and no way leads on from there
        further: Sequence[Moves] = (0,)
        for each in menus:
            if len(further) * len(each) > MANY and further != (0,):
                break
            further = self.taken.together(further, each, MANY)
        excluded = self.taken.excluded(moves)
        for more in further:
            if more & excluded:
                continue
            if len(self.taken.names(moves | more)) > MAX_CHANGES:
                self.complete = False
            else:
                yield moves | more

    def _ending(self, reason: Reason, moves: Moves) -> Sequence[Moves]:
        """The alternatives that end a reason. The empty one does not: what it ends was decided, and is left."""
        if isinstance(reason, int):
            found = self.taken.alternatives(reason, moves)
            self.complete = self.complete and 0 not in found
            return [each for each in found if each]
        changed = self.taken.names(moves)
        return [1 << move for name in reason if name not in changed for move in numbers(self.taken.of(name))]


class WaysToPermit:
    """Which ways lead to a permit: all of them are tried in one pass, and one of each that passes is decided again."""

    def __init__(self, taken: TakenWays, lanes: VariantLanes, evaluate: Evaluate) -> None:
        self._taken = taken
        self._lanes = lanes
        self._evaluate = evaluate

    def among(self, ways: Iterable[Way]) -> frozenset[int]:
        """The nodes of those ways of some with which the whole exchange is permitted."""
        tried = [(node, each) for node in {way.node: None for way in ways} for each in self._taken.holding(node)[:MOST]]
        changes = [self._taken.changes(each) for _, each in tried]
        permitted = self._lanes.permitted(self._lanes.decide(changes), changes)
        found: set[int] = set()
        for lane in numbers(permitted >> 1):
            node, _ = tried[lane]
            if node not in found and self._permits(changes[lane]):
                found.add(node)
        return frozenset(found)

    def _permits(self, changes: Mapping[str, Value]) -> bool:
        changed = self._taken.exchange.with_values(changes)
        if self._taken.ends.ways.bundle.coherence.contradictions(changed, True):
            return False
        return self._evaluate(changed, self._taken.as_of)[1].permits
