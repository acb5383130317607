"""
The order of questions: the open facts of a judgement go in, and come out with the one to ask for first at the front.

Each rule that is open, and may raise the outcome, needs some facts; so does each open test of coverage. A fact counts for more the fewer
others such a rule needs, the stricter the level that it may raise, and the more of them need it. What the sender knows comes before the
documents and counts that she must look up. Nothing is evaluated: how the tests read is known already. Source: semantics 4.5.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property, reduce
from itertools import chain, islice
from operator import or_
from typing import TYPE_CHECKING, NamedTuple

from engine.deciding.judgement import Judgement
from engine.questions.condition_graph import OPEN, Read
from engine.questions.open_facts import OpenFacts, choices, is_open
from engine.questions.rule_needs import LAST, Scores
from engine.rules import AS_OF, Atom, Condition, Defined, State, Truth, anchors
from engine.values import Missing, Value
from engine.values.outcome_levels import Level
from engine.verdict import numbers

if TYPE_CHECKING:
    from engine.questions.next_questions import Questions

PROCEEDS = Level.PERMITTED_WITH_OBLIGATIONS
IN_ORDER = 12  # facts of which those that count for the same stand in the order of their rule; of others by name
MET = frozenset((State.MET,))


class Term(NamedTuple):
    """What may raise the outcome: the level, what leaves it open, and whose law it is, "" of what is no jurisdiction's."""

    level: Level
    facts: Read
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
        apart = low <= PROCEEDS < high
        questions, near, day = self.questions, self.near, self.judgement.as_of
        open_ = self.open_rules(low) | self.unread << len(questions.rules)
        first, then = questions.above[PROCEEDS] if apart else -1, Scores()
        scores = Scores() if apart else then
        with questions.graph.reader(self.exchange, day, self.reading, self._asked_of) as self._read:
            for each, rules in ((scores, open_ & first), (then, open_ & ~first)):
                questions.needs_of_rules.add_to(each, rules, near, self.exchange, day, self._read)
            for place_, times in self.times.items():  # a subject matter counts for each law that may not speak of it
                number = len(questions.rules) + place_
                if times > 1 and self.unread >> place_ & 1:
                    facts = self._read(questions.nodes[number])
                    scores.add(number, Level.REVIEW, facts, bool(near >> number & 1), times - 1)
            for level, facts, place in self.terms(low):
                (scores if level > PROCEEDS else then).add(LAST, level, facts, place not in self.elsewhere)
            self.tells_elsewhere = next(filter(self.answerable, self.beyond()), "")
            found = list(dict.fromkeys([*self.ranked(scores), *(self.ranked(then) if apart else ())]))
        del self._read  # what it read is let go now, and not by the next search for cycles
        if not found:
            gates, others = self.candidates()
            found = [*gates, *others]
        return found

    def ranked(self, scores: Scores) -> list[str]:
        """The facts with a score: those that the places concerned need first, the weightiest first; of equals what a rule asks first."""
        asked, ease = self.questions.graph.asked, self.questions.ease
        equals: dict[tuple[int, int, int], list[str]] = {}
        for place, (near, every, number) in scores.added_up().items():
            fact = asked[place]
            easy = ease(fact)
            equals.setdefault((-near * easy, -every * easy, number), []).append(fact)
        found: list[str] = []
        for (_, _, number), facts in sorted(equals.items()):
            found += self.in_order(number, facts) if len(facts) > 1 and len(found) < IN_ORDER else sorted(facts)
        return found

    def in_order(self, number: int, facts: Collection[str]) -> list[str]:
        """Some facts in the order in which a rule, or a definition of coverage, asks for them; then by name."""
        graph, nodes = self.questions.graph, self.questions.nodes
        named = graph.in_order(nodes[number], self._read, self._asked_of) if number < len(nodes) else ()
        places = {fact: place for place, fact in enumerate(dict.fromkeys(named))}
        return sorted(facts, key=lambda fact: (places.get(fact, len(places)), fact))

    @cached_property
    def near(self) -> int:
        """The rules of the places that are not elsewhere."""
        of_place, elsewhere = self.questions.of_place, 0
        for place in self.elsewhere:
            elsewhere |= of_place.get(place, 0)
        return ~elsewhere

    def beyond(self) -> Iterator[str]:
        """
        The facts for want of which it is not known whether law elsewhere applies: of the more places first, and first those that name
        countries.
        """
        reads: dict[str, Read] = {}
        for truth, (place, node) in zip(self.judgement.applies, self.questions.gates, strict=True) if self.elsewhere else ():
            if truth is Truth.UNKNOWN and place in self.elsewhere:
                reads[place] = reads.get(place, 0) | self._read(node)
        every = reduce(or_, reads.values(), 0)
        graph, naming = self.questions.graph, self.questions.naming
        for chosen in (every & naming, every & ~naming):
            facts = [
                (-sum(bit & read != 0 for read in reads.values()), fact)
                for fact in graph.facts(chosen)
                for bit in (graph.bit(fact),)
            ]
            yield from (fact for _, fact in sorted(facts))

    def answerable(self, fact: str) -> bool:
        """Whether an answer to the question can be true together with what was sent."""
        if self.questions.free(fact):
            return True
        fits = self.bundle.coherence.fits
        return any(fits(self.exchange, {fact: each}) for each in self.answers(fact))

    def implied(self, fact: str) -> Value | None:
        """The only answer that can be true together with what was sent; None where several can, or the answer is no word."""
        type = self.bundle.vocabulary.type_of(fact)
        if self.questions.free(fact) or type is None or type.many or self.exchange.value(fact) is not Missing.LEFT_OUT:
            return None
        words = (True, False) if type.kind == "yes/no" else (choices(self.bundle, self.exchange, fact) or ())
        fits = self.bundle.coherence.fits
        found = [*islice((word for word in words if fits(self.exchange, {fact: word})), 2)]  # until a second one can be true
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

    def open_rules(self, above: Level) -> int:
        """The rules that are open and may raise the outcome above a level, as bits; those that lift where there is something to lift."""
        holds, questions = self.verdict.holds, self.questions
        open_ = holds.possible & ~holds.certain & questions.above[above]
        lifts = open_ & questions.lifting
        found = open_ & self.verdict.stands.possible & ~lifts
        for number in numbers(lifts):
            if self.matters(number):
                found |= 1 << number
        return found

    def terms(self, above: Level) -> Iterator[Term]:
        """What beside rules may raise the outcome above a level."""
        questions = self.questions
        for each in self.judgement.carried:
            if each.truth is Truth.UNKNOWN and each.rule.travels and each.rule.travels.when:
                yield Term(each.rule.travels.otherwise, self.needed(Defined(each.rule.travels.when)))
        for number, touch in enumerate(self.bundle.vocabulary.touches):
            touches = touch.as_ in self.located and self.verdict.defined[f"touch/{number}"] is not Truth.NO
            if touches and is_open(self.exchange.value(touch.fact)):
                yield Term(Level.REVIEW, self.bits(self.exchange.asked_for(touch.fact)))
        for key, owed in self.verdict.owed.items():
            duty = self.bundle.duties[key]
            if owed is Truth.NO or duty.overdue <= above or self.verdict.overdue[key] is not Truth.UNKNOWN:
                continue
            place = questions.owners[key]
            if duty.done_when is not None and self.reading(duty.done_when) is Truth.UNKNOWN:
                yield Term(duty.overdue, self.needed(duty.done_when), place)
            for start in (due.after for due in anchors(duty.due)):
                if start != AS_OF and isinstance(self.exchange.value(start), Missing):
                    yield Term(duty.overdue, self.bits(self.undisputed(self.exchange.asked_for(start))), place)

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

    def needed(self, condition: Condition) -> Read:
        """What leaves a condition open; for a family's total, its members."""
        return self._read(self.questions.graph.node(condition))

    def bits(self, facts: Iterable[str]) -> Read:
        """Facts that leave something open."""
        return reduce(or_, map(self.questions.graph.bit, facts), OPEN)

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
