"""
Lists of facts that settle the overall outcome, shortest first, each verified by evaluating its answers.

A list settles the outcome where every combination of its answers leaves a decided one. Where no short list settles, one list holds
all facts that can move the bounds; it settles only if that is verified too. Source: semantics 4.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations, product
from typing import TYPE_CHECKING

from engine.deciding.combine import Outcome
from engine.deciding.judgement import Judgement
from engine.deciding.search_pauses import pause
from engine.questions.open_facts import OpenFacts
from engine.questions.possible_answers import PossibleAnswers
from engine.values import Value

if TYPE_CHECKING:
    from engine.questions.next_questions import Questions

MAX_LISTS = 3
MAX_EVALUATIONS = 40  # for each of: short lists, gathering, verifying
MAX_TRIED = 3
MAX_PAIRED = 6


class SettlingLists(OpenFacts):
    """The search for such lists. `evaluate` gives the outcome of the exchange with some facts answered."""

    def __init__(self, questions: Questions, judgement: Judgement, evaluate: Callable[[Mapping[str, Value]], Outcome]) -> None:
        super().__init__(questions, judgement)
        self.evaluate = evaluate
        self.left = MAX_EVALUATIONS

    def lists(self) -> list[tuple[tuple[str, ...], bool]]:
        gates, others = self.candidates()
        facts = [*gates, *others]
        answers = {fact: self.answers(fact) for fact in facts}
        for size in (1, 2):
            found: list[tuple[str, ...]] = []
            for chosen in combinations(facts if size == 1 else facts[:MAX_PAIRED], size):
                if len(found) < MAX_LISTS and self.left > 0 and self.decided(chosen, answers):
                    found.append(chosen)
            if found:
                return [(chosen, self.whole(chosen, answers)) for chosen in found]
        asked = self.gathered(facts, answers)
        self.left = MAX_EVALUATIONS
        return [(tuple(asked), self.whole(tuple(asked), answers) and self.decided(tuple(asked), answers))] if asked else []

    def answers(self, fact: str) -> PossibleAnswers:
        """The answers to a fact that the rules distinguish."""
        pause()
        return self.book.of(fact, self.wide.get(fact, ()))

    def gathered(self, facts: list[str], answers: dict[str, PossibleAnswers]) -> list[str]:
        """
        The facts that can move the bounds, found one after another; each is answered so that most stays open.

        Where no single answer moves them, because several jurisdictions hold them, those that by themselves move the bounds of one:
        what matters only then is asked once they are answered.
        """
        self.left = MAX_EVALUATIONS
        told: dict[str, Value] = {}
        bounds = self.outcome.bounds
        for fact in facts:
            tried = [(answer, found.bounds) for answer, found in self.tried(fact, answers, told)]
            if any(found != bounds for _, found in tried):
                # The answer that leaves most open shows which further facts matter.
                told[fact], bounds = max(tried, key=lambda each: (each[1].high - each[1].low, -each[1].low))
        return list(told) or self.moving_one(facts, answers) or facts

    def moving_one(self, facts: list[str], answers: dict[str, PossibleAnswers]) -> list[str]:
        """The facts of which an answer by itself moves the bounds of some jurisdiction."""
        self.left = MAX_EVALUATIONS
        before = self.outcome.jurisdictions
        return [fact for fact in facts if any(found.jurisdictions != before for _, found in self.tried(fact, answers, {}))]

    def tried(self, fact: str, answers: dict[str, PossibleAnswers], told: dict[str, Value]) -> Iterator[tuple[Value, Outcome]]:
        """What comes of a few of the answers to a fact, beside others that are told."""
        pause()
        for answer in _spread([each for each in answers[fact].values if self.coherent({**told, fact: each})]):
            yield answer, self.outcome_with({**told, fact: answer})

    def decided(self, facts: tuple[str, ...], answers: dict[str, PossibleAnswers]) -> bool:
        """Whether the outcome is decided for every combination of the answers that are tried and can be true together."""
        found = False
        for each in product(*(answers[fact].values for fact in facts)):
            told = dict(zip(facts, each, strict=True))
            if self.coherent(told):
                found = True
                if self.outcome_with(told).open:
                    return False
        return found and self.left > 0

    def coherent(self, answers: dict[str, Value]) -> bool:
        """Whether answers can be true together with what was sent; other facts may still come."""
        return not self.bundle.coherence.contradictions(self.exchange.with_values(answers), whole=False)

    def whole(self, facts: tuple[str, ...], answers: dict[str, PossibleAnswers]) -> bool:
        """Whether the answers tried stand for all possible answers; only then may a list be marked as settling."""
        return all(answers[fact].whole for fact in facts)

    def outcome_with(self, answers: dict[str, Value]) -> Outcome:
        self.left -= 1
        return self.evaluate(answers) if self.left > 0 else self.outcome


def _spread(answers: list[Value]) -> list[Value]:
    """A few of the answers: the first, a middle one and the last."""
    return answers if len(answers) <= MAX_TRIED else [answers[0], answers[len(answers) // 2], answers[-1]]
