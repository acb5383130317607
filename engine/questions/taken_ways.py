"""
Ways taken: what an exchange would state otherwise so that a tree of tests holds.

A move is a fact, a document or a claim with a value that it could have instead: a document obtained on the day that covers the exchange, a
claim made on the day, a fact with another value that the rules tell apart. A set of moves is an integer: bit n is move n. A tree holds with
the moves of one of its alternatives; of these those are found that contain no other. Each test is read on the changed exchange. What was
moved stays as it is. Source: semantics 4.9, 4.13.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import TypeAlias

from engine.backends.reference.three_values import KnownFacts
from engine.exchange import Exchange
from engine.questions.levers import Levers
from engine.questions.refusal_ends import RefusalEnds
from engine.questions.ways import ALL, CLAIMS, LEAF
from engine.rules import Truth
from engine.values import Disputed, Document, Missing, Value
from engine.verdict import ConditionReading, numbers

MAX_ALTERNATIVES = 128  # of one tree

Moves: TypeAlias = int
"""A set of moves."""
Dearness: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Move:
    """
    One move: its name, its place among the values of that name, what it changes, and the bits of what it changes. Of two moves the dearer
    one has the larger `weight`, which is a power of two.
    """

    name: str
    place: int
    changes: Mapping[str, Value]
    touches: int
    weight: int


class TakenWays:
    """
    What one exchange would state otherwise; without `claims` no claim is made.

    `complete` says whether all alternatives were told of every tree that was read so far. `places` are where the parties and the data are.
    """

    def __init__(
        self,
        ends: RefusalEnds,
        levers: Levers,
        exchange: Exchange,
        as_of: date,
        reading: ConditionReading | None,
        claims: bool = False,
    ) -> None:
        self.ends = ends
        self.levers = levers
        self.exchange = exchange
        self.as_of = as_of
        self.claims = claims
        self.complete = True
        self.places = frozenset(name for name in ends.ways.places if not isinstance(exchange.value(name), Missing))
        self.moves: list[Move] = []
        self._of: dict[str, Moves] = {}
        self._base = reading.reader(ends.ways.atoms) if reading is not None else None
        self._known: dict[Moves, KnownFacts] = {}
        self._truths: dict[tuple[int, Moves], Truth] = {}
        self._excluded: dict[Moves, Moves] = {}
        self._names: dict[Moves, frozenset[str]] = {}
        self._dearness: dict[Moves, Dearness] = {}
        self._open: dict[tuple[int, Moves], bool] = {}
        self._alternatives: dict[tuple[int, Moves], Sequence[Moves]] = {}

    def alternatives(self, node: int, moved: Moves = 0) -> Sequence[Moves]:
        """The least sets of further moves with which a tree holds, the smallest first; what is moved already stays."""
        mine = self._read(moved, self.ends.reads(node))
        found = self._alternatives.get((node, mine))
        if found is None:
            found = self._alternatives[node, mine] = self._found(node, mine)
        return found

    def holding(self, node: int) -> list[Moves]:
        """Those alternatives with which a tree holds at once: no move changes what holds already of it."""
        return [each for each in self.alternatives(node) if self._holds(node, each)]

    def _holds(self, node: int, moved: Moves) -> bool:
        kind, parts = self.ends.ways.kind(node), self.ends.ways.parts(node)
        if kind == LEAF:
            return self._truth(parts[0], self._read(moved, self.ends.reads(node))) is self._wanted(parts[0])
        return (all if kind == ALL else any)(self._holds(part, moved) for part in parts)

    def of(self, name: str) -> Moves:
        """The moves of a fact, a document or a claim."""
        found = self._of.get(name)
        if found is None:
            found = 0
            for place, value in enumerate(self._values(name)):
                changes = {name: value, **self.brought(name, value)}
                touches = 0
                for each in changes:
                    touches |= self.ends.bit(each)
                found |= 1 << len(self.moves)
                self.moves.append(Move(name, place, changes, touches, 1 << self._dear(name)))
            self._of[name] = found
        return found

    def all_names(self) -> Iterator[str]:
        """All that can change, and what changes with it; what is disputed does not."""
        words = self.ends.ways.bundle.vocabulary
        brought = (words.facts[name].brings.values() for name in self.levers.facts)
        for name in (*self.levers.names, *chain(*chain(*brought)), *(self.all_claims() if self.claims else ())):
            if not isinstance(self.exchange.values.get(name), Disputed):
                yield name

    def all_claims(self) -> Iterator[str]:
        """The claims that nobody denied."""
        for kind in self.ends.ways.bundle.vocabulary.kinds[CLAIMS[:-1]]:
            sent = self.exchange.values.get(CLAIMS + kind)
            if not isinstance(sent, Disputed) and not (isinstance(sent, Document) and sent.state == "none"):
                yield CLAIMS + kind

    def changes(self, moves: Moves) -> dict[str, Value]:
        """What some moves state."""
        found: dict[str, Value] = {}
        for number in numbers(moves):
            found |= self.moves[number].changes
        return found

    def names(self, moves: Moves) -> frozenset[str]:
        """What some moves change, without what changes with it."""
        found = self._names.get(moves)
        if found is None:
            found = self._names[moves] = frozenset(self.moves[number].name for number in numbers(moves))
        return found

    def together(self, one: Iterable[Moves], other: Sequence[Moves], most: int) -> list[Moves]:
        """The least sets that hold one of each of two lists, the smallest first."""
        found = set()
        for each in one:
            barred = self.excluded(each)
            found |= {each | another for another in other if not another & barred}
        return self._least(found, most)

    def brought(self, name: str, value: Value) -> dict[str, Value]:
        """The facts that change with a fact."""
        number = self.levers.number(name)
        return self.levers.brought(number, value, self.exchange) if number < len(self.levers.names) else {}

    def _found(self, node: int, moved: Moves) -> Sequence[Moves]:
        ways = self.ends.ways
        kind, parts = ways.kind(node), ways.parts(node)
        if kind == LEAF:
            return self._satisfying(parts[0], moved)
        if not self._may_hold(node, moved):
            return ()
        if kind == ALL:
            found: Sequence[Moves] = (0,)
            for each in sorted((self.alternatives(part, moved) for part in parts), key=len):
                if not each:
                    return ()
                if each[0]:
                    found = self.together(found, each, MAX_ALTERNATIVES)
            return found
        any_: set[Moves] = set()
        for part in parts:
            each = self.alternatives(part, moved)
            if each and not each[0]:
                return (0,)
            any_.update(each)
        return self._least(any_, MAX_ALTERNATIVES)

    def _may_hold(self, node: int, moved: Moves) -> bool:
        """Whether a tree holds, or might with further moves: before their values are tried."""
        mine = self._read(moved, self.ends.reads(node)) if moved else 0
        found = self._open.get((node, mine))
        if found is None:
            ways = self.ends.ways
            kind, parts = ways.kind(node), ways.parts(node)
            if kind == LEAF:
                names = self.ends.read_by(parts[0])
                found = self._truth(parts[0], mine) is self._wanted(parts[0]) or any(
                    self._movable(name) and name not in self.names(mine) for name in names
                )
            else:
                found = (all if kind == ALL else any)(self._may_hold(part, moved) for part in parts)
            self._open[node, mine] = found
        return found

    def _wanted(self, test: int) -> Truth:
        return Truth.YES if self.ends.ways.wanted[test] else Truth.NO

    def _satisfying(self, test: int, moved: Moves) -> Sequence[Moves]:
        """The single moves with which a test reads as it is wanted; none where it does already."""
        wanted = self._wanted(test)
        if self._truth(test, moved) is wanted:
            return (0,)
        changed = self.names(moved)
        found = []
        for name in self.ends.read_by(test):
            if name not in changed:
                found += [1 << move for move in numbers(self.of(name)) if self._truth(test, moved | 1 << move) is wanted]
        return found

    def _truth(self, test: int, moved: Moves) -> Truth:
        if not moved and self._base is not None:
            return self._base(test)
        found = self._truths.get((test, moved))
        if found is None:
            found = self._truths[test, moved] = self._read_anew(test, moved)
        return found

    def _read_anew(self, test: int, moved: Moves) -> Truth:
        move = self.moves[moved.bit_length() - 1] if moved.bit_count() == 1 else None
        if move is not None and self.ends.read_by(test) == [move.name]:
            return self.ends.alone(test, move.name, move.changes[move.name], self.as_of)
        known = self._known.get(moved)
        if known is None:
            changed = self.exchange.with_values(self.changes(moved))
            known = self._known[moved] = KnownFacts(self.ends.ways.bundle.rules, changed, self.as_of)
        return known.test(self.ends.ways.atoms[test])

    def _read(self, moved: Moves, reads: int) -> Moves:
        """Those of some moves that change what is read."""
        found = 0
        for number in numbers(moved):
            if self.moves[number].touches & reads:
                found |= 1 << number
        return found

    def excluded(self, moves: Moves) -> Moves:
        """What some moves exclude: other values of what they move, and a second place, since one that is moved is much."""
        found = self._excluded.get(moves)
        if found is None:
            found = 0
            names = self.names(moves)
            for name in names if names.isdisjoint(self.places) else names | self.places:
                found |= self.of(name)
            found = self._excluded[moves] = found & ~moves
        return found

    def _least(self, found: Collection[Moves], most: int) -> list[Moves]:
        """Those that contain no other, the smallest first, at most so many."""
        kept: list[Moves] = []
        singles, several, size = 0, [], 0
        for each in sorted(found, key=self.dearness):
            count = each.bit_count()
            if count > size:  # none contains another of its size
                size, several = count, [less for less in kept if less.bit_count() > 1]
            if each & singles or any(less & each == less for less in several):
                continue
            if len(kept) == most:
                self.complete = False
                break
            kept.append(each)
            singles |= each if count == 1 else 0
        return kept

    def dearness(self, moves: Moves) -> Dearness:
        """How many moves, how dear they are, the dearest first, and how far their values are from the nearest."""
        found = self._dearness.get(moves)
        if found is None:
            weight = place = 0
            for number in numbers(moves):
                each = self.moves[number]
                weight, place = weight + each.weight, place + each.place
            found = self._dearness[moves] = moves.bit_count(), weight, place
        return found

    def _dear(self, name: str) -> int:
        """The place of a fact, a document or a claim among all: documents are cheapest, and dearest is what was stated otherwise."""
        number, stated = self.levers.number(name), not isinstance(self.exchange.value(name), Missing)
        return number if self.levers.documents >> number & 1 else number + len(self.levers.names) * (1 + stated)

    def _movable(self, name: str) -> bool:
        """Whether a fact, a document or a claim may have another value: it can be changed, or made, or is not stated yet."""
        sent = self.exchange.value(name)
        if isinstance(sent, Disputed) or self.exchange.is_of_everyone(name):
            return False
        if name.startswith(CLAIMS):
            return self.claims and not (isinstance(sent, Document) and sent.state == "none")
        fact = self.ends.ways.bundle.vocabulary.facts.get(name)
        unstated = fact is not None and not fact.family and isinstance(sent, Missing)
        return unstated or self.levers.number(name) < len(self.levers.names)

    def _values(self, name: str) -> Iterable[Value]:
        if not self._movable(name):
            return ()
        if name.startswith(CLAIMS):
            return (self._claimed(name),)
        number = self.levers.number(name)
        if number < len(self.levers.names):
            return self.levers.values(number, self.exchange, self.as_of)
        return self.levers.answers(name, self.exchange, self.as_of)

    def _claimed(self, name: str) -> Document:
        """A claim that is made on the day for this exchange."""
        fields: dict[str, Value] = {"dated": self.as_of, "covers": True}
        for measure in self.ends.ways.bundle.rules.measures.get(name, ()):
            around = measure.around(measure.told(self.exchange.values))
            if measure.must and around is not None:
                fields[measure.name] = around
        return Document("shown", fields)
