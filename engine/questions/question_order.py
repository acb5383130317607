"""
The order of questions: the open facts of a judgement go in, and come out with the one to ask for first at the front.

Each rule that is open, and may raise the outcome, needs some facts; so does each open test of coverage. A fact counts for more the fewer
others such a rule needs, the stricter the level that it may raise, and the more of them need it. What the sender knows comes before the
documents and counts that she must look up. Nothing is evaluated: how the tests read is known already. Source: semantics 4.5.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

from engine.deciding.judgement import Judgement
from engine.policy_language.vocabulary import DOCUMENT_GROUPS
from engine.questions.condition_graph import Read
from engine.questions.open_facts import OpenFacts, choices, is_open
from engine.rules import AS_OF, Atom, Condition, Defined, State, Truth, anchors
from engine.values import Missing, Value
from engine.values.outcome_levels import Level
from engine.verdict import numbers

if TYPE_CHECKING:
    from engine.questions.next_questions import Questions

# Of a rule by the highest level that it may raise; 1 for any other.
WEIGHT = {Level.PROHIBITED: 4.0, Level.REQUIREMENTS_UNMET: 2.0, Level.REVIEW: 2.0}
LOOKED_UP = 0.5  # how much a document or a count weighs beside what the sender knows
PROCEEDS = Level.PERMITTED_WITH_OBLIGATIONS
MET = frozenset((State.MET,))


class Term(NamedTuple):
    """What may raise the outcome: the level, the facts that leave it open, and whose law it is, "" of what is no jurisdiction's."""

    level: Level
    facts: Collection[str]
    place: str = ""


class QuestionOrder(OpenFacts):
    """The open facts of one exchange, the best to ask for first."""

    def __init__(self, questions: Questions, judgement: Judgement) -> None:
        super().__init__(questions, judgement)
        self._read: Callable[[int], Read]
        self._askable: dict[str, bool] = {}
        self.elsewhere = judgement.elsewhere & questions.territories  # what belongs to no country is asked of everybody
        self.tells_elsewhere = ""  # the fact that tells of most law elsewhere, once the facts are ranked

    def best_first(self) -> list[str]:
        """
        First the facts that decide whether the exchange may proceed at all, as long as this is open; then those that close the bounds. Of
        either kind those first that the law of the places concerned needs.

        Where no rule that counts is open, all facts that are open: an open outcome always asks something.
        """
        low, high = self.bounds.low, self.bounds.high
        first: list[str] = []
        with self.questions.graph.reader(self.exchange, self.judgement.as_of, self.reading, self._asked_of) as self._read:
            terms = list(self.terms(low))
            beyond = self.beyond()
        del self._read  # what it read is let go now, and not by the next search for cycles
        self.tells_elsewhere = next(filter(self.answerable, beyond), "")
        if low <= PROCEEDS < high:
            first = self.ranked([term for term in terms if term.level > PROCEEDS])
            terms = [term for term in terms if term.level <= PROCEEDS]  # all terms of every fact that is not among the first
        found = list(dict.fromkeys([*first, *self.ranked(terms)]))
        if not found:
            gates, others = self.candidates()
            found = [*gates, *others]
        return found

    def ranked(self, terms: Iterable[Term]) -> list[str]:
        """The facts of what may raise the outcome: those that the places concerned need first, the weightiest first."""
        scores: dict[str, float] = defaultdict(float)
        near: dict[str, float] = defaultdict(float)
        for level, facts, place in terms:
            if facts:
                each = WEIGHT.get(level, 1.0) / len(facts) ** 2
                for fact in facts:
                    scores[fact] += each
                    if place not in self.elsewhere:
                        near[fact] += each
        # Of equals first what a rule asks first.
        return sorted(scores, key=lambda fact: (-near.get(fact, 0.0) * self.ease(fact), -scores[fact] * self.ease(fact)))

    def ease(self, fact: str) -> float:
        """How much a fact weighs by where it is found."""
        looked_up = fact in self.questions.counted or fact.partition(".")[0] in DOCUMENT_GROUPS
        return LOOKED_UP if looked_up else 1.0

    def beyond(self) -> list[str]:
        """
        The facts for want of which it is not known whether law elsewhere applies: of the more places first, and first those that name
        countries.
        """
        places: dict[str, set[str]] = defaultdict(set)
        for policy, place in self.questions.places.items() if self.elsewhere else ():
            applies = f"{policy}#applies"
            if place in self.elsewhere and self.verdict.defined[applies] is Truth.UNKNOWN:
                for fact in self.facts(self.questions.graph.defined[applies]):
                    places[fact].add(place)
        naming = {touch.fact for touch in self.bundle.vocabulary.touches}
        return sorted(places, key=lambda fact: (fact not in naming, -len(places[fact]), fact))

    def answerable(self, fact: str) -> bool:
        """Whether an answer to the question can be true together with what was sent."""
        if self.questions.free(fact):
            return True
        contradictions = self.bundle.coherence.contradictions
        return any(not contradictions(self.exchange.with_values({fact: each}), whole=False) for each in self.answers(fact))

    def implied(self, fact: str) -> Value | None:
        """The only answer that can be true together with what was sent; None where several can, or the answer is no word."""
        type = self.bundle.vocabulary.type_of(fact)
        if self.questions.free(fact) or type is None or type.many or self.exchange.value(fact) is not Missing.LEFT_OUT:
            return None
        words = (True, False) if type.kind == "yes/no" else (choices(self.bundle, self.exchange, fact) or ())
        contradictions = self.bundle.coherence.contradictions
        # Each word is tried until a second one can be true.
        coherent = (word for word in words if not contradictions(self.exchange.with_values({fact: word}), whole=False))
        found = [*islice(coherent, 2)]
        return found[0] if len(found) == 1 else None

    def answers(self, fact: str) -> Iterator[Value]:
        """Values that an answer may give: of a word each that may be chosen, otherwise one for each class that the rules distinguish."""
        type, wide = self.bundle.vocabulary.type_of(fact), self.wide.get(fact, ())
        if type is not None and type.kind == "value" and not type.many and not wide:
            yield from choices(self.bundle, self.exchange, fact) or ()
            return
        if not wide:
            yield from self.book.simple(fact)  # most often it can be true, and the classes need not be worked out
        yield from self.book.of(fact, wide).values

    def terms(self, above: Level) -> Iterator[Term]:
        """What may raise the outcome above a level."""
        for each in self.judgement.carried:
            if each.truth is Truth.UNKNOWN and each.rule.travels and each.rule.travels.when:
                yield Term(each.rule.travels.otherwise, self.needed(Defined(each.rule.travels.when)))
        holds, questions = self.verdict.holds, self.questions
        open_ = holds.possible & ~holds.certain & questions.above[above]
        levels, nodes, lifts, read = questions.levels, questions.nodes, questions.lifts, self._read
        for number in numbers(open_ & (self.verdict.stands.possible | questions.lifting)):
            if number not in lifts or self.matters(number):
                facts = read(nodes[number])
                if not isinstance(facts, bool):
                    yield Term(levels[number], facts, self.verdict.rules[number].provision.jurisdiction)
        weighing = list(self.weighing())
        for key, truth in zip(weighing, self.verdict.defined.several(weighing), strict=True):
            if truth is Truth.UNKNOWN:
                place = questions.places.get(key.removeprefix("speaks/"), "")
                yield Term(Level.REVIEW, self.facts(self.questions.graph.defined[key]), place)
        for number, touch in enumerate(self.bundle.vocabulary.touches):
            touches = touch.as_ in self.located and self.verdict.defined[f"touch/{number}"] is not Truth.NO
            if touches and is_open(self.exchange.value(touch.fact)):
                yield Term(Level.REVIEW, self.exchange.asked_for(touch.fact))
        for key, owed in self.verdict.owed.items():
            duty = self.bundle.duties[key]
            if owed is Truth.NO or duty.overdue <= above or self.verdict.overdue[key] is not Truth.UNKNOWN:
                continue
            place = questions.owners[key]
            if duty.done_when is not None and self.reading(duty.done_when) is Truth.UNKNOWN:
                yield Term(duty.overdue, self.needed(duty.done_when), place)
            for start in (due.after for due in anchors(duty.due)):
                if start != AS_OF and isinstance(self.exchange.value(start), Missing):
                    yield Term(duty.overdue, [*self.undisputed(self.exchange.asked_for(start))], place)

    def matters(self, number: int) -> bool:
        """Whether it matters if a rule that lifts stands: whether there is anything open that it may lift."""
        rule = self.verdict.rules[number]
        if rule.effect not in ("exempts", "satisfies", "doubts"):
            return True
        if self.verdict.holds.possible & self.questions.exempted.get(number, 0):
            return True
        return not self.unmet.isdisjoint(self.questions.lifted[number])

    @cached_property
    def unmet(self) -> frozenset[str]:
        """The requirements that rules ask for which stand, or may stand, but for those that are met."""
        needs, states = self.questions.needs, self.verdict.requirements
        asked = chain.from_iterable(needs[n] for n in numbers(self.verdict.stands.possible & self.questions.requiring))
        return frozenset(name for name in set(asked) if states[name] != MET)

    def needed(self, condition: Condition) -> Collection[str]:
        """The facts that leave a condition open; for a family's total, its members."""
        return self.facts(self.questions.graph.node(condition))

    def facts(self, node: int) -> Collection[str]:
        """The facts that leave a node of the graph open."""
        read = self._read(node)
        return () if isinstance(read, bool) else read

    def _asked_of(self, atom: Atom) -> tuple[str, ...]:
        """The facts to ask for because of an open test; most of what a test asks for was not sent at all."""
        names = self.questions.asked_of(atom)
        if names is None or not self.exchange.values.keys().isdisjoint(names):
            return tuple(self.open(atom))
        return tuple(fact for fact in names if self.askable(fact))

    def askable(self, fact: str) -> bool:
        """Whether a fact that was not sent can be asked for: a place only where its country has some."""
        found = self._askable.get(fact)
        if found is None:
            found = self._askable[fact] = choices(self.bundle, self.exchange, fact) != () and fact not in self.exchange.disputed
        return found
