"""
Lists of facts that settle the overall outcome, shortest first, each verified by deciding the exchange with its answers.

A list settles the outcome where every combination of its answers leaves a decided one. Where no short list settles, one list holds
all facts that can move the bounds; it settles only if that is verified too. Many answers are decided at once. Source: semantics 4.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, islice, product
from math import prod
from typing import TYPE_CHECKING, TypeAlias

from engine.deciding.changed_exchanges import AnswerEffect
from engine.deciding.judgement import Judgement
from engine.deciding.search_pauses import pause
from engine.questions.open_facts import OpenFacts
from engine.questions.possible_answers import PossibleAnswers
from engine.values import Value
from engine.values.outcome_levels import Bounds, closed

if TYPE_CHECKING:
    from engine.questions.next_questions import Questions

MAX_LISTS = 3
MAX_TRIED = 4  # answers to one fact that are tried to see whether it moves anything
MAX_PAIRED = 6  # facts of which two together are tried
MAX_TOGETHER = 1_000  # combinations of answers that are decided at once
MAX_PASSES = 8  # to find one after another the facts that can move the bounds

Answers: TypeAlias = Mapping[str, Value]
Answered: TypeAlias = Callable[[Sequence[Answers]], Sequence[AnswerEffect]]
"""What comes of an exchange with each of some answers."""


class SettlingLists(OpenFacts):
    """The search for such lists."""

    def __init__(self, questions: Questions, judgement: Judgement, answered: Answered) -> None:
        super().__init__(questions, judgement)
        self._answered = answered
        self._possible: dict[str, PossibleAnswers] = {}

    def lists(self) -> list[tuple[tuple[str, ...], bool]]:
        """The lists, each with whether it settles the outcome."""
        gates, others = self.candidates()
        facts = [*gates, *others]
        for chosen in ([(fact,) for fact in facts], list(combinations(facts[:MAX_PAIRED], 2))):
            if found := self.settling(chosen):
                return [(each, self.whole(each)) for each in found]
        asked = tuple(self.gathered(facts))
        return [(asked, self.whole(asked) and bool(self.settling([asked])))] if asked else []

    def answers(self, fact: str) -> PossibleAnswers:
        """The answers to a fact that the rules distinguish, and that can be true together with what was sent."""
        found = self._possible.get(fact)
        if found is None:
            pause()
            book = self.book.of(fact, self.wide.get(fact, ()))
            found = PossibleAnswers([each for each in book.values if self.coherent({fact: each})], book.whole)
            self._possible[fact] = found
        return found

    def settling(self, lists: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
        """The first of some lists that leave a decided outcome, whichever of their answers that can be true together are given."""
        found: list[tuple[str, ...]] = []
        for some in self.together(lists):
            told = [(chosen, answers) for chosen in some for answers in self.combined(chosen)]
            outcomes = self._answered([answers for _, answers in told]) if told else ()
            open_ = {chosen for (chosen, _), moved in zip(told, outcomes, strict=True) if not closed(moved.bounds)}
            found += [chosen for chosen in dict.fromkeys(chosen for chosen, _ in told) if chosen not in open_]
            if len(found) >= MAX_LISTS:
                break
        return found[:MAX_LISTS]

    def together(self, lists: Iterable[tuple[str, ...]]) -> Iterator[list[tuple[str, ...]]]:
        """Some lists, so many at once as have few enough combinations of answers. Lists that alone have too many are left out."""
        some: list[tuple[str, ...]] = []
        room = MAX_TOGETHER
        for chosen in lists:
            size = prod(len(self.answers(fact).values) for fact in chosen)
            if size > MAX_TOGETHER:
                continue
            if size > room and some:
                yield some
                some, room = [], MAX_TOGETHER
            some.append(chosen)
            room -= size
        if some:
            yield some

    def combined(self, facts: tuple[str, ...]) -> Iterator[Answers]:
        """Each combination of answers to some facts that can be true together."""
        for values in product(*(self.answers(fact).values for fact in facts)):
            answers = dict(zip(facts, values, strict=True))
            if len(facts) == 1 or self.coherent(answers):
                yield answers

    def gathered(self, facts: list[str]) -> list[str]:
        """
        The facts that can move the bounds, found one after another; each is answered so that most stays open.

        Where they stay open, because several jurisdictions hold them, also those that by themselves move the bounds of one: what matters
        only then is asked once they are answered.
        """
        told: dict[str, Value] = {}
        bounds, left = self.outcome.bounds, facts
        moving: list[str] = []  # the bounds of one jurisdiction, before anything is told
        for turn in range(MAX_PASSES):
            tried = [(fact, answer) for fact in left for answer in self.tried(fact, told)]
            pause()
            whole, *outcomes = self._answered([told, *({**told, fact: answer} for fact, answer in tried)])
            bounds = whole.bounds
            by_fact: dict[str, list[tuple[Value, Bounds]]] = {}
            for (fact, answer), moved in zip(tried, outcomes, strict=True):
                by_fact.setdefault(fact, []).append((answer, moved.bounds))
                if not turn and moved.somewhere and fact not in moving:
                    moving.append(fact)
            # The answer that leaves most open shows which further facts matter.
            most = {
                fact: max(of, key=lambda each: (each[1].high - each[1].low, -each[1].low))
                for fact, of in by_fact.items()
                if any(left_open != bounds for _, left_open in of)
            }
            found = {fact: answer for fact, (answer, left_open) in most.items() if left_open == bounds}
            told |= found or {fact: answer for fact, (answer, _) in islice(most.items(), 1)}
            left = [fact for fact in left if fact not in told]
            if not most:
                break
        return (list(told) if closed(bounds) else list(dict.fromkeys((*told, *moving)))) or facts

    def tried(self, fact: str, told: Answers) -> Iterator[Value]:
        """A few of the answers to a fact that can be true beside others."""
        some = _spread(self.answers(fact).values)
        return (each for each in some if not told or self.coherent({**told, fact: each}))

    def coherent(self, answers: Answers) -> bool:
        """Whether answers can be true together with what was sent; other facts may still come."""
        return all(map(self.questions.free, answers)) or self.bundle.coherence.fits(self.exchange, answers)

    def whole(self, facts: tuple[str, ...]) -> bool:
        """Whether the answers tried stand for all possible answers; only then may a list be marked as settling."""
        return all(self.answers(fact).whole for fact in facts)


def _spread(answers: list[Value]) -> list[Value]:
    """A few of the answers, evenly chosen, the first and the last among them."""
    last = len(answers) - 1
    return answers if last < MAX_TRIED else [answers[last * number // (MAX_TRIED - 1)] for number in range(MAX_TRIED)]
