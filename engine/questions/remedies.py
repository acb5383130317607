"""
Remedies: sets of changes that would let a refused exchange go ahead, each verified by evaluating the changed exchange.

At most five remedies are found. First ways are taken in combination (`combined_ways`); then facts and documents are tried. Where neither
finds anything, ways are combined with the claims that they need, which an exporter may make only if they are so.

The second search follows the certain reasons for the refusal, called causes: every remedy moves a lever of
each cause (`levers`), and of each doubt, which may refuse and is not certain to. It branches on the levers of the cause or doubt that has
fewest, and drops sets that cannot reach all of them. Documents that leave nothing but doubts are tried with each fact that was not stated.
Before it tries the values of a lever, it evaluates once with the lever unknown: an exchange that is refused then is refused with every
value (semantics 4.10). No remedy contradicts the exchange (1.5): a contradiction is one more cause, which another of its facts has to
end, and until then those facts are unknown. Source: semantics 4.9; the branching is that of hitting sets (Reiter, A theory of diagnosis
from first principles, 1987).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import chain

from engine.bundle import Bundle
from engine.deciding.combine import Evaluate, Outcome
from engine.decision import ChangePart, RemediesPart, RemedyPart
from engine.exchange import Exchange
from engine.explaining.phrasebook import Phrasebook, shown
from engine.policy_language.vocabulary import stated_in
from engine.questions.combined_ways import CombinedWays, PermittingChanges
from engine.questions.levers import Levers
from engine.questions.taken_ways import TakenWays
from engine.questions.ways import CLAIMS, Ways
from engine.rules import State, tests
from engine.values import Document, Missing, Value
from engine.values.outcome_levels import Level
from engine.verdict import Verdict, numbers

REFUSALS = tuple(level.word for level in Level if level.refused)
MAX_REMEDIES = 5
MAX_CHANGES = 3
MAX_DOCUMENTS = 6  # of a remedy of documents alone; an export without any document needs four or five
COMBINED = 50  # per cent of the evaluations that may go into combining ways
MAX_EVALUATIONS = 90  # a few milliseconds; to try documents or one fact takes some 20 evaluations, every two changes some 250
UNKNOWN = -1  # instead of the number of a value: the lever is unknown

Moves = tuple[tuple[int, int], ...]  # levers, each with the number of its value, in the order of the levers


class Remedies:
    """Finds remedies under one bundle. Made once; safe for several threads."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.levers = Levers(bundle)
        self._book = Phrasebook(bundle)
        self._duties = bundle.rules.duties()
        self._met_by: dict[str, list[str]] = {}  # kinds of documents, and the requirements that grounds testing them meet
        for rule in bundle.rules.rules:
            for name in dict.fromkeys(
                atom.fact for atom in tests(rule.condition, bundle.rules.definitions) if atom.op == "counts"
            ):
                self._met_by.setdefault(name, []).extend(rule.satisfies)

    @cached_property
    def ways(self) -> Ways:
        """The ways of the bundle."""
        return Ways(self.bundle, self.levers.facts)

    @cached_property
    def taking(self) -> TakenWays:
        """What takes them."""
        return TakenWays(self.ways, self.levers)

    def find(
        self,
        exchange: Exchange,
        as_of: date,
        evaluate: Evaluate,
        max_evaluations: int = MAX_EVALUATIONS,
        book: Phrasebook | None = None,
    ) -> RemediesPart:
        """
        The remedies of an exchange on a day; none where it is not refused, nor where it is undetermined, since questions come first.

        `evaluate` is called at most `max_evaluations` times. The sentences are in the language of `book`, in English without a book.
        """
        search = _RemedySearch(self.levers, exchange, as_of, evaluate, max_evaluations)
        if max_evaluations and search.node(()).outcome.word not in REFUSALS:
            return RemediesPart(searched="all")
        taken = CombinedWays(self.taking, exchange, as_of, evaluate, search.left * COMBINED // 100)
        combined = taken.run(MAX_REMEDIES)
        search.left -= search.left * COMBINED // 100 - taken.left
        searched = search.run() and taken.complete
        found = self._smallest([*search.best(), *combined], exchange)
        if not found:
            claiming = CombinedWays(self.taking, exchange, as_of, evaluate, search.left, claims=True)
            found = self._smallest(claiming.run(MAX_REMEDIES), exchange)
            searched = searched and claiming.complete
        parts = [self._part(search, each, book or self._book) for each in found]
        return RemediesPart(remedies=parts, searched="all" if searched else "partly")

    def _smallest(self, found: Iterable[PermittingChanges], exchange: Exchange) -> list[PermittingChanges]:
        """Those with the fewest changes first, then those whose dearest change is cheapest; of two that are alike the first."""
        kept: dict[frozenset[str], PermittingChanges] = {}
        for each in found:
            names = frozenset(each.changes)
            if not any(other <= names for other in kept):
                kept = {other: one for other, one in kept.items() if not names <= other}
                kept[names] = each
        return sorted(kept.values(), key=lambda each: self._cost(each, exchange))[:MAX_REMEDIES]

    def _cost(self, found: PermittingChanges, exchange: Exchange) -> tuple[int, list[int]]:
        """How many changes it has, and how dear each is, the dearest first; what changes with another fact costs nothing."""
        own = [name for name in found.changes if not self.taking.brings(name, found.changes, exchange)]
        return len(own), sorted(map(self.levers.number, own), reverse=True)

    def _part(self, search: _RemedySearch, found: PermittingChanges, book: Phrasebook) -> RemedyPart:
        dearest = sorted(found.changes.items(), key=lambda each: self.levers.number(each[0]))
        own = [each for each in dearest if not self.taking.brings(each[0], found.changes, search.exchange)]
        brought = [each for each in dearest if each not in own]
        return RemedyPart(
            changes=[self._change(search, name, value, book) for name, value in (*own, *brought)],
            outcome=found.outcome.word,
            duties=list(dict.fromkeys(book.text(self._duties[key].text) for key in found.verdict.owed)),
        )

    def _change(self, search: _RemedySearch, name: str, value: Value, book: Phrasebook) -> ChangePart:
        requirements = search.node(()).verdict.requirements
        unmet = [r for r in self._met_by.get(name, ()) if requirements[r] != frozenset((State.MET,))]
        return ChangePart(
            fact=name,
            from_=shown(self.bundle.vocabulary, search.exchange, name, search.as_of),
            to=shown(self.bundle.vocabulary, search.exchange.with_values({name: value}), name, search.as_of),
            do=self._sentence(name, search.exchange.values.get(name, Missing.LEFT_OUT), value, book),
            how=book.text(self.bundle.rules.requirements[unmet[0]].how) if unmet else "",
        )

    def _sentence(self, name: str, sent: Value, value: Value, book: Phrasebook) -> str:
        title = book.title(name)
        if not isinstance(value, Document):
            type = self.bundle.vocabulary.facts[name].type
            old = "" if isinstance(sent, Missing) else book.value(type, sent)
            alike = isinstance(value, str) and value not in self.levers.named(name)
            return book.language.change(title, old, book.value(type, value), alike)
        if name.startswith(CLAIMS):
            return book.language.claim(title)
        there = sent.fields if isinstance(sent, Document) and sent.state == "shown" else {}
        step = "obtain" if not there else "complete" if there.get("dated") == value.fields.get("dated") else "renew"
        new = [(field, inner) for field, inner in value.fields.items() if there.get(field) != inner]
        return book.language.obtain(
            title, step, [(field, book.value(self.bundle.vocabulary.fields[field], inner)) for field, inner in new]
        )


@dataclass(frozen=True, slots=True)
class _Node:
    """
    An exchange after some moves: its verdict, its outcome, the causes that refuse it for certain, and the doubts that may (sets of levers).

    If the moves contradict what was sent, it is no remedy; `verdict` and `outcome` are then those without what they contradict.
    """

    verdict: Verdict
    outcome: Outcome
    causes: tuple[int, ...]
    doubts: tuple[int, ...] = ()
    contradicted: bool = False

    @property
    def to_end(self) -> tuple[int, ...]:
        """What has to end before the exchange is permitted."""
        return (*self.causes, *self.doubts)

    @property
    def refused(self) -> bool:
        return self.outcome.bounds.low.refused


class _BudgetSpent(Exception):
    """The search has used up its evaluations."""


class _RemedySearch:
    """One search. `found` maps a remedy's set of levers to its moves; no set contains another."""

    def __init__(self, levers: Levers, exchange: Exchange, as_of: date, evaluate: Evaluate, left: int) -> None:
        self.levers = levers
        self.exchange = exchange
        self.as_of = as_of
        self.evaluate = evaluate
        self.left = left
        self.found: dict[int, Moves] = {}
        self._nodes: dict[Moves, _Node] = {}
        self._values: dict[int, list[Value]] = {}
        self._seen: set[Moves] = set()
        self._completing = False
        self._unstated = levers.unstated(exchange)

    def run(self) -> bool:
        """Search, documents first. Returns whether everything was tried or ruled out."""
        every = (1 << len(self.levers.names)) - 1
        stages = [(size, self.levers.documents) for size in range(1, MAX_DOCUMENTS + 1)]
        stages += [(size, every) for size in range(1, MAX_CHANGES + 1)]
        try:
            if self.node(()).outcome.word not in REFUSALS:
                return True
            for size, allowed in stages:
                self._completing = allowed == self.levers.documents
                long = size > MAX_CHANGES and self.found
                if not long and sum(lever.bit_count() <= size for lever in self.found) < MAX_REMEDIES:
                    self._seen.clear()
                    self._extend((), size, allowed)
        except _BudgetSpent:
            return False
        return True

    def best(self) -> Iterator[PermittingChanges]:
        """The remedies that were found."""
        for moves in self.found.values():
            yield PermittingChanges(self.answers(moves), self.node(moves).verdict, self.node(moves).outcome)

    def values(self, lever: int) -> list[Value]:
        if lever not in self._values:
            self._values[lever] = self.levers.values(lever, self.exchange, self.as_of)
        return self._values[lever]

    def node(self, moves: Moves) -> _Node:
        """The exchange after these moves, evaluated once."""
        if moves not in self._nodes:
            self._nodes[moves] = self._tried(moves)
        return self._nodes[moves]

    def answers(self, moves: Moves) -> dict[str, Value]:
        """What some moves state: the value of each lever, and what changes with it."""
        found: dict[str, Value] = {}
        for lever, number in moves:
            value = Missing.UNKNOWN if number == UNKNOWN else self.values(lever)[number]
            found[self.levers.names[lever]] = value
            found |= self.levers.brought(lever, value, self.exchange)
        return found

    def _tried(self, moves: Moves) -> _Node:
        answers = self.answers(moves)
        changed = self.exchange.with_values(answers)
        whole = all(value != UNKNOWN for _, value in moves)
        contradicted = [
            [name for fact in each.facts if (name := stated_in(fact)) not in answers]
            for each in self.levers.bundle.coherence.contradictions(changed, whole)
        ]
        ending = tuple(self.levers.moving(names) for names in contradicted)
        if not all(ending):
            return replace(
                self.node(()), causes=(0,), doubts=(), contradicted=True
            )  # no lever can end it, so nothing has to be evaluated
        if not self.left:
            raise _BudgetSpent
        self.left -= 1
        verdict, outcome = self.evaluate(changed.with_values(dict.fromkeys(chain(*contradicted), Missing.UNKNOWN)), self.as_of)
        causes = (*ending, *self.levers.causes(verdict, outcome))
        # What is unknown here only because a lever is, or because of a contradiction, may end with neither.
        doubts = self.levers.doubts(verdict, outcome) if whole and not contradicted else ()
        return _Node(verdict, outcome, causes, tuple(doubts), bool(contradicted))

    def _extend(self, moves: Moves, left: int, allowed: int) -> None:
        """Try every set of at most `left` further moves of the `allowed` levers."""
        node = self.node(moves)
        moved = sum(1 << lever for lever, _ in moves)
        if node.outcome.permits and not node.contradicted:
            self._keep(moves)
            return
        if self._completing and moves and not node.causes and not node.contradicted:
            self._complete(moves, node, self._unstated & ~moved)
        free = allowed & ~moved
        for lever in sorted(numbers(_branches(node.to_end, free, left)), key=self._idle):
            taken = moved | 1 << lever
            if self._holds_one(taken) or not _reachable(node.to_end, free, 1 << lever, left - 1):
                continue
            if len(self.values(lever)) > 2:
                unknown = self.node(_with(moves, lever, UNKNOWN))
                if (unknown.refused and left == 1) or not _reachable(unknown.causes, free, 1 << lever, left - 1):
                    continue
            for value in range(len(self.values(lever))):
                then = _with(moves, lever, value)
                if then in self._seen or self._holds_one(taken) or self._enough():
                    continue
                self._seen.add(then)
                if not self._ruled_out(then, free & ~(1 << lever), left - 1):
                    self._extend(then, left - 1, allowed)

    def _complete(self, moves: Moves, node: _Node, unstated: int) -> None:
        """Try each fact that is not stated yet, beside documents that leave nothing but doubts."""
        for lever in numbers(_branches(node.doubts, unstated, 1)):
            taken = 1 << lever | sum(1 << each for each, _ in moves)
            for value in range(len(self.values(lever))):
                if self._holds_one(taken) or self._enough():
                    break
                if self._permits(then := _with(moves, lever, value)):
                    self._keep(self._needed(then))

    def _permits(self, moves: Moves) -> bool:
        node = self.node(moves)
        return node.outcome.permits and not node.contradicted

    def _needed(self, moves: Moves) -> Moves:
        """The moves without those that are not needed: the fact alone may end what a document was tried for."""
        for move in moves:
            fewer = tuple(each for each in moves if each != move)
            if self._permits(fewer):
                return self._needed(fewer)
        return moves

    def _keep(self, moves: Moves) -> None:
        """A remedy, in the place of those that contain it."""
        levers = sum(1 << lever for lever, _ in moves)
        self.found = {taken: those for taken, those in self.found.items() if taken & levers != levers}
        self.found[levers] = moves

    def _idle(self, lever: int) -> bool:
        """Whether a lever alone ends no cause, whatever its value. It may end one together with others, so it comes last."""
        return len(self.values(lever)) > 2 and self.node(((lever, UNKNOWN),)).causes == self.node(()).causes

    def _ruled_out(self, moves: Moves, free: int, left: int) -> bool:
        """Whether a part of the moves leaves causes that the other moves and `left` further moves cannot reach."""
        if len(moves) < 2:
            return False
        for part in (*((move,) for move in moves), *(moves[:n] + moves[n + 1 :] for n in range(len(moves)))):
            # A single move belongs to many sets, so it is evaluated; a longer part is used only if it was evaluated already.
            node = self.node(part) if len(part) == 1 else self._nodes.get(part)
            if node is not None:
                others = sum(1 << move[0] for move in moves if move not in part)
                if not _reachable(node.to_end, free, others, left):
                    return True
        return False

    def _holds_one(self, levers: int) -> bool:
        return any(found & levers == found for found in self.found)

    def _enough(self) -> bool:
        return len(self.found) >= MAX_REMEDIES


def _branches(causes: Sequence[int], free: int, left: int) -> int:
    """The levers to try next: with one move left those that reach every cause, otherwise those of the cause that has fewest."""
    if left == 1:
        for cause in causes:
            free &= cause
        return free
    return min((cause & free for cause in causes), key=int.bit_count, default=free) if left else 0


def _reachable(causes: Sequence[int], free: int, moving: int, left: int) -> bool:
    """Whether `left` further levers can reach the causes that the levers of `moving` do not."""
    causes = [cause for cause in causes if not cause & moving]
    return not causes or bool(left and _branches(causes, free & ~moving, left))


def _with(moves: Moves, lever: int, value: int) -> Moves:
    return tuple(sorted((*moves, (lever, value))))
