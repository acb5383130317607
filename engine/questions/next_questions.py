"""
What to find out next, and the lists of facts that settle the outcome: questions in the words of a bundle.

The next questions are one to three, the best first: until it is known whether the exchange may proceed at all, those that decide that;
then those that close the bounds. Source: semantics 4.5.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property, reduce
from itertools import islice
from operator import or_

from engine.bundle import Bundle
from engine.deciding.combine import Outcome
from engine.deciding.judgement import Judgement, Laws
from engine.decision import MissingPart, QuestionPart
from engine.exchange import Exchange
from engine.explaining.phrasebook import Phrasebook
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, Fact
from engine.questions.applying_tests import ALWAYS, ApplyingTests, Runs, by_fact
from engine.questions.condition_graph import ConditionGraph
from engine.questions.open_facts import WeighedDefinitions, choices, is_open
from engine.questions.possible_answers import AnswerBook
from engine.questions.question_groups import Groups, QuestionFacts
from engine.questions.question_order import QuestionOrder
from engine.questions.rule_needs import NeedsOfRules
from engine.questions.settling_lists import SettlingLists
from engine.register_facts import IN_REGISTER
from engine.rules import Atom, Condition, Rule, Truth, exempted, tests
from engine.values import Missing, SetOf, Value
from engine.values.outcome_levels import Level

ABOUT_DATA = ("touch/", "subject/", "not-reached/", "free/")  # definitions of coverage that rest on no policy's `applies`
MAX_CHOICES = 60  # values that a question lists
KNOWN = 2  # how many times as much as a document or a count weighs what the sender knows
GROUP = "group"  # the type of a question that stands for several facts
MAX_NEXT = 3  # questions that an answer asks
# The highest level that a rule of an effect can raise the outcome to, or lift it from, beside its duties.
MOST = {
    "advise": Level.NOT_APPLICABLE,
    "allows": Level.NOT_APPLICABLE,
    "oblige": Level.PERMITTED_WITH_OBLIGATIONS,
    "compels": Level.NOT_APPLICABLE,
    "review": Level.REVIEW,
    "require": Level.REQUIREMENTS_UNMET,
    "satisfies": Level.REQUIREMENTS_UNMET,
    "prohibit": Level.PROHIBITED,
}


class Questions:
    """Asks for facts under one bundle. Made once."""

    def __init__(self, bundle: Bundle, laws: Laws) -> None:
        self.bundle, self.laws = bundle, laws
        self.book = AnswerBook(bundle, Exchange({}, {}), date.min)
        self._tests: dict[Condition, tuple[Atom, ...]] = {}
        self._most: dict[str, Level] = {}
        for rule in reversed(bundle.rules.rules):  # a rule is exempted only by rules before it
            own = MOST.get(rule.effect, MOST["require"] if rule.excuses else Level.NOT_APPLICABLE)
            late = (duty.overdue for duty in rule.duties if duty.due is not None)
            lifted = (self._most[victim] for victim in rule.exempts)
            self._most[rule.key] = max(own, *late, *lifted, own)
        rules = self.rules = bundle.rules.rules
        self.weighed = WeighedDefinitions(bundle)
        # Of each rule by its number, and then of each definition of coverage.
        self.levels = (*(self._most[rule.key] for rule in rules), *(Level.REVIEW for _ in self.weighed.keys))
        self.above = {level: sum(1 << n for n, most in enumerate(self.levels) if most > level) for level in Level}
        self.lifts = frozenset(n for n, rule in enumerate(rules) if rule.exempts or rule.excuses or rule.satisfies)
        self.lifted = {n: frozenset((*rules[n].excuses, *rules[n].satisfies)) for n in self.lifts}
        self.lifting = sum(1 << number for number in self.lifts)
        self._asked_of: dict[int, tuple[str, ...]] = {}
        self.graph = ConditionGraph(bundle.rules, {fact.name: fact.lies_in for fact in bundle.vocabulary.placed})
        self.nodes = (
            *(self.graph.node(rule.condition) for rule in rules),
            *(self.graph.defined[key] for key in self.weighed.keys),
        )
        placed = {name for each in bundle.vocabulary.placed for name in (each.name, each.lies_in)}
        self._tied = placed | bundle.coherence.mentioned
        words = bundle.vocabulary
        self.counted = frozenset(name for name, fact in words.facts.items() if fact.family in words.counters)
        self._entities = tuple(f"{kind}.id" for kind in words.entities)
        self._ids: dict[str, list[str]] = {}  # of each fact the ids of the entities that state it, or under which it is counted
        for id, text in zip(self._entities, words.entities.values(), strict=True):
            counted = (name for name, counter in words.counters.items() if id in counter.per)
            for fact in dict.fromkeys((*counted, *text.states)):
                self._ids.setdefault(fact, []).append(id)
        self.exempted = exempted(rules)
        self.needs = {n: tuple(rule.need.requirements()) for n, rule in enumerate(rules) if rule.need is not None}
        self.requiring = sum(1 << n for n in self.needs)
        speaking = (laws.places.get(key.removeprefix("speaks/"), "") for key in self.weighed.keys)
        self.owner = (*(rule.provision.jurisdiction for rule in rules), *speaking)
        self.of_place: dict[str, int] = {}  # the rules of each place, as bits
        for n, place in enumerate(self.owner):
            self.of_place[place] = self.of_place.get(place, 0) | 1 << n
        self.owners = bundle.rules.owners()
        # Of each policy whose law it is, and the node that says whether it applies.
        self.gates = tuple((place, self.graph.defined[f"{policy}#applies"]) for policy, place in laws.places.items())
        self.needs_of_rules = NeedsOfRules(
            self.graph, self.nodes, self.levels, frozenset(node for _, node in self.gates), self.of_place.values()
        )
        self.naming = reduce(or_, (self.graph.bit(touch.fact) for touch in words.touches), 0)  # the facts that name countries
        self._ease: dict[str, int] = {}
        self.groups = Groups(words)
        self.territories = frozenset(name for name, text in words.jurisdictions.items() if text.countries)

    def ease(self, fact: str) -> int:
        """How much a fact weighs by where it is found."""
        found = self._ease.get(fact)
        if found is None:
            looked_up = fact in self.counted or fact.partition(".")[0] in DOCUMENT_GROUPS
            found = self._ease[fact] = 1 if looked_up else KNOWN
        return found

    def most(self, rule: Rule) -> Level:
        """The highest level that a rule can raise the outcome to, or that it can exempt from."""
        return self._most[rule.key]

    def tested(self, applies: Sequence[Truth]) -> ApplyingTests:
        """
        The tests that can still matter, by fact: all but those of policies that certainly do not apply, by how each `applies` reads.

        INVARIANT: a policy whose `applies` is "no" does not come to apply, since a missing fact never makes it "no" (semantics 2.2).
        """
        reads = zip(self.laws.names, applies, strict=True)
        return ApplyingTests(self._runs, {policy for policy, truth in reads if truth is not Truth.NO})

    def set_up(self) -> None:
        """Make now what the first open exchange would have to wait for."""
        _ = self._runs

    @cached_property
    def _runs(self) -> dict[str, Runs]:
        rules = self.bundle.rules
        conditions = [(rule.provision.policy, rule.condition) for rule in rules.rules]
        conditions += [(ALWAYS, condition) for key, condition in rules.definitions.items() if key.startswith(ABOUT_DATA)]
        conditions += [(ALWAYS, duty.done_when) for duty in self.bundle.duties.values() if duty.done_when is not None]
        return by_fact(((policy, self.tests(condition)) for policy, condition in conditions), self.book.facts)

    def lists(
        self, judgement: Judgement, evaluate: Callable[[Mapping[str, Value]], Outcome], book: Phrasebook
    ) -> list[MissingPart]:
        """
        Lists of facts to ask for, with questions in the language of `book`.

        `evaluate` gives the outcome of the exchange with some facts answered.
        """
        if not judgement.outcome.open:
            return []
        finder = SettlingLists(self, judgement, evaluate)
        return [
            MissingPart(
                facts=[
                    _together(book, each)
                    if each.group
                    else _question(book, judgement.exchange, fact, finder.wide.get(fact, ()))
                    for each in self.groups.of(judgement.exchange, facts)
                    for fact in each.facts[:1]
                ],
                settles=settles,
            )
            for facts, settles in finder.lists()
        ]

    def open(self, judgement: Judgement) -> tuple[dict[str, tuple[str, ...]], str]:
        """
        The facts that are open and may move the outcome, the best to ask for first; those that no answer fits are left out. What only
        one answer fits was said already by other facts, and comes last.

        Each has the values that were sent for it, and say too little. Nothing is evaluated for it. With them the fact that tells of most
        law which only facts that are not given could bring in, "" where none does.
        """
        ranking = QuestionOrder(self, judgement)
        facts = [*dict.fromkeys(self._entities_first(judgement.exchange, ranking.best_first()))]
        first: dict[str, list[str]] = {}  # of the next questions, by the group
        implied: list[str] = []
        for fact in filter(ranking.answerable, facts):
            if ranking.implied(fact) is not None:
                implied.append(fact)
                continue
            if len(first) == MAX_NEXT and self.groups.name(fact) not in first:
                break
            first.setdefault(self.groups.name(fact), []).append(fact)
        asked = [fact for fact in facts if fact in first.get(self.groups.name(fact), ())]
        rest = facts[facts.index(asked[-1]) + 1 :] if len(first) == MAX_NEXT else []
        found = (*asked, *(fact for fact in rest if fact not in implied), *implied)
        return {fact: tuple(ranking.wide.get(fact, ())) for fact in found}, ranking.tells_elsewhere

    def implied(self, judgement: Judgement) -> dict[str, Value]:
        """The open facts that only one answer fits, with it: whoever states the facts that say so need not be asked."""
        ranking = QuestionOrder(self, judgement)
        found = ((fact, ranking.implied(fact)) for fact in judgement.open_facts)
        return {fact: value for fact, value in found if value is not None}

    def _entities_first(self, exchange: Exchange, facts: Iterable[str]) -> Iterator[str]:
        """The facts, each after the id of an entity that states it, or under which it is counted, where no such entity is named."""
        unnamed = {id for id in self._entities if exchange.value(id) is Missing.LEFT_OUT}
        for fact in facts:
            yield from (id for id in self._ids.get(fact, ()) if id in unnamed)
            yield fact

    def next(self, judgement: Judgement, book: Phrasebook) -> tuple[list[QuestionPart], int]:
        """The next questions, and how many facts are open besides."""
        asked = [*islice(self.asking(judgement, book), MAX_NEXT)]
        return asked, len(judgement.open_facts) - sum(len(each.facts) or 1 for each in asked)

    def asking(
        self, judgement: Judgement, book: Phrasebook, apart: Collection[str] = (), listed: bool = True
    ) -> Iterator[QuestionPart]:
        """The questions on the open facts, the best first; what belongs together is one, but for facts that stand `apart`."""
        for each in self.groups.of(judgement.exchange, judgement.open_facts, apart):
            yield _together(book, each) if each.group else self.question(judgement, each.facts[0], book, listed)

    def question(self, judgement: Judgement, fact: str, book: Phrasebook, listed: bool = True) -> QuestionPart:
        """The question for an open fact."""
        return _question(book, judgement.exchange, fact, judgement.open_facts.get(fact, ()), listed)

    def of_any(self, judgement: Judgement, provisions: Iterable[str], book: Phrasebook) -> QuestionPart | None:
        """The question on the first of some provisions that only may stand; None if no fact that can be asked for is open."""
        for name in provisions:
            for fact in judgement.awaited(self.bundle.rules, name):
                if fact in self.bundle.vocabulary.facts and choices(self.bundle, judgement.exchange, fact) != ():
                    return _question(book, judgement.exchange, fact, ())
        return None

    def free(self, fact: str) -> bool:
        """Whether any answer to a question can be true, whatever else was sent: nothing that cannot be true mentions the fact."""
        type = self.bundle.vocabulary.type_of(fact)
        return type is not None and type.kind in ("yes/no", "value") and fact not in self._tied

    def asked_of(self, atom: Atom) -> tuple[str, ...] | None:
        """The facts that a test asks for, if their values are all that is asked: no field of a document, and no day."""
        found = self._asked_of.get(id(atom))
        if found is None:
            facts = self.bundle.vocabulary.facts
            named = [name.removesuffix(IN_REGISTER) for name in (atom.fact, atom.other) if name]
            members = tuple(fact for name in named for fact in self.bundle.rules.families.get(name, ("", (name,)))[1])
            found = self._asked_of[id(atom)] = members if all(fact in facts for fact in members) else ()
        return found or None

    def tests(self, condition: Condition) -> tuple[Atom, ...]:
        """The tests that a condition rests on, each once."""
        found = self._tests.get(condition)
        if found is None:
            found = self._tests[condition] = tuple(dict.fromkeys(tests(condition, self.bundle.rules.definitions)))
        return found


def _together(book: Phrasebook, asked: QuestionFacts) -> QuestionPart:
    """The question for facts that belong together."""
    assert asked.group is not None
    ask, none = book.text(asked.group.ask), dict(asked.group.none)
    return QuestionPart(fact=asked.facts[0], question=ask, type=GROUP, facts=list(asked.facts), none=none)


def _question(book: Phrasebook, exchange: Exchange, fact: str, wide: Collection[str], listed: bool = True) -> QuestionPart:
    """
    The question for a fact or a document: the author's, or else one made from its title.

    Where `wide` values were sent, the question is which of the narrower ones are meant. An open set is asked for as a whole too: for what
    is in it besides what was said already. The sentence names the narrower values if they are to be `listed` in it.
    """
    vocabulary, say = book.bundle.vocabulary, book.language
    group, _, kind = fact.partition(".")
    document, _, field = kind.rpartition(".")
    known = vocabulary.facts.get(fact) or vocabulary.kinds.get(group, {}).get(kind)
    type = vocabulary.type_of(fact)
    member = known if isinstance(known, Fact) and known.family else None
    if known is not None and known.ask:
        question = book.text(known.ask)
    elif known is None and document in vocabulary.kinds.get(group, {}):
        question = say.ask_field(book.title(f"{group}.{document}"), field)
    else:
        title = book.text(vocabulary.family_titles[member.family]) if member else book.title(fact)
        question = say.ask(title, type.kind if type else "document")
    if member:
        question = say.about_member(question, book.text(member.member))
    values = list(choices(book.bundle, exchange, fact) or ())
    values = values if len(values) <= MAX_CHOICES else []
    said = _said(exchange, fact) if type and not (isinstance(known, Fact) and known.personal) else []
    values = [each for each in values if each not in said]
    if type and (enough := [each for each in said if each not in wide]):
        question = say.ask_besides([book.value(type, each) for each in enough], question)
    if type and type.values and wide:
        narrower = [value for value in type.values.values if any(value in type.values.narrower[each] for each in wide)]
        meant, offered = ([book.value(type, each) for each in words] for words in (wide, narrower))
        which = say.ask_narrower(book.title(fact), meant, offered if listed else (), type.many)
        both = say.one_after_another([question, which]), values
        question, values = both if is_open(exchange.value(fact)) else (which, narrower)
    return QuestionPart(fact=fact, question=question, type=type.name if type else "document", values=values, narrows=[*wide])


def _said(exchange: Exchange, fact: str) -> list[str]:
    """What was said of a set that is open all the same."""
    value = exchange.value(fact)
    return sorted(value.members) if isinstance(value, SetOf) and value.open else []
