"""
Which facts to find out: lists that settle the overall outcome, shortest first, each verified by evaluating its answers.

A list settles the outcome where every combination of its answers leaves a decided one. Where no short list settles, one list holds
all facts that can move the bounds; it settles only if that is verified too. Source: semantics 4.5.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date
from functools import cached_property
from itertools import combinations, product

from engine.bundle import Bundle
from engine.deciding.combine import UNDETERMINED, Outcome
from engine.deciding.coverage import REACHING, REVIEWED
from engine.decision import MissingPart, QuestionPart
from engine.exchange import Exchange
from engine.explaining.phrasebook import Phrasebook
from engine.policy_language.vocabulary import Fact
from engine.questions.possible_answers import AnswerBook, PossibleAnswers
from engine.registered import IN_REGISTER
from engine.rules import AS_OF, Atom, Condition, Level, Rule, Truth, anchors, tests
from engine.values import Document, Missing, Range, SetOf, Value
from engine.verdict import Reading, Verdict, numbers

ABOUT_DATA = ("touch/", "subject/", "not-reached/")  # definitions of coverage that rest on no policy's `applies`
MAX_LISTS = 3
MAX_EVALUATIONS = 40  # for each of: short lists, gathering, verifying
MAX_TRIED = 3
MAX_CHOICES = 60  # values that a question lists
MAX_PAIRED = 6
MAX_REMEMBERED = 256  # sets of policies that may apply
# The highest level that a rule of an effect can raise the outcome to; for other effects it is not known beforehand.
MOST = {"advise": Level.NOT_APPLICABLE, "allows": Level.NOT_APPLICABLE, "review": Level.REVIEW}


class Questions:
    """Asks for facts under one bundle. Made once."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.book = AnswerBook(bundle, Exchange({}, {}), date.min)
        self._tests: dict[Condition, tuple[Atom, ...]] = {}
        self._most: dict[str, Level] = {}
        for rule in reversed(bundle.rules.rules):  # a rule is exempted only by rules before it
            only_exempts = rule.effect == "exempts" and not rule.excuses
            self._most[rule.key] = (
                max((self._most[victim] for victim in rule.exempts), default=Level.NOT_APPLICABLE)
                if only_exempts
                else MOST.get(rule.effect, Level.PROHIBITED)
            )
        self._tested: dict[frozenset[str], dict[str, list[Atom]]] = {}

    def most(self, rule: Rule) -> Level:
        """The highest level that a rule can raise the outcome to, or that it can exempt from."""
        return self._most[rule.key]

    def tested(self, verdict: Verdict) -> dict[str, list[Atom]]:
        """
        The tests that can still matter, by fact: all but those of policies that certainly do not apply.

        INVARIANT: a policy whose `applies` is "no" does not come to apply, since a missing fact never makes it "no" (semantics 2.2).
        """
        rules = self.bundle.rules
        applying = frozenset(policy for policy in self.policies if verdict.defined[f"{policy}#applies"] is not Truth.NO)
        found = self._tested.get(applying)
        if found is None:
            if len(self._tested) >= MAX_REMEMBERED:
                self._tested.clear()
            conditions = [rule.condition for rule in rules.rules if rule.provision.policy in applying]
            conditions += [condition for key, condition in rules.definitions.items() if key.startswith(ABOUT_DATA)]
            conditions += [duty.done_when for duty in self.bundle.duties.values() if duty.done_when is not None]
            tests = dict.fromkeys(atom for condition in conditions for atom in self.tests(condition))
            found = self._tested[applying] = self.book.by_fact(tests)
        return found

    @cached_property
    def policies(self) -> tuple[str, ...]:
        return tuple({rule.provision.policy: None for rule in self.bundle.rules.rules})

    def lists(
        self,
        exchange: Exchange,
        verdict: Verdict,
        reading: Reading,
        outcome: Outcome,
        as_of: date,
        evaluate: Callable[[Mapping[str, Value]], Outcome],
        book: Phrasebook,
    ) -> list[MissingPart]:
        """
        Lists of facts to ask for, with questions in the language of `book`.

        `evaluate` gives the outcome of the exchange with some facts answered.
        """
        if outcome.word != UNDETERMINED:
            return []
        finder = _Finder(self, exchange, verdict, reading, outcome, as_of, evaluate)
        return [
            MissingPart(
                facts=[_question(book, exchange, fact, finder.wide.get(fact, ())) for fact in facts],
                settles=settles,
            )
            for facts, settles in finder.lists()
        ]

    def tests(self, condition: Condition) -> tuple[Atom, ...]:
        """The tests that a condition rests on, each once."""
        found = self._tests.get(condition)
        if found is None:
            found = self._tests[condition] = tuple(dict.fromkeys(tests(condition, self.bundle.rules.definitions)))
        return found


class _Finder:
    def __init__(
        self,
        questions: Questions,
        exchange: Exchange,
        verdict: Verdict,
        reading: Reading,
        outcome: Outcome,
        as_of: date,
        evaluate: Callable[[Mapping[str, Value]], Outcome],
    ) -> None:
        self.questions = questions
        self.bundle = questions.bundle
        self.exchange = exchange
        self.verdict = verdict
        self.reading = reading
        self.outcome = outcome
        self.as_of = as_of
        self.evaluate = evaluate
        self.book = questions.book.about(exchange, as_of, questions.tested(verdict))
        self.wide: dict[str, dict[str, None]] = {}  # by fact the values that were sent, and are too wide for an open test
        self.left = MAX_EVALUATIONS
        self.definitions = self.bundle.rules.definitions

    def lists(self) -> list[tuple[tuple[str, ...], bool]]:
        gates, others = self.candidates()
        facts = [*gates, *others]
        answers = {fact: self.book.of(fact, self.wide.get(fact, ())) for fact in facts}
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
        for answer in _spread([each for each in answers[fact].values if self.coherent({**told, fact: each})]):
            yield answer, self.outcome_with({**told, fact: answer})

    def candidates(self) -> tuple[list[str], list[str]]:
        """The facts of open tests in open rules; first those of `applies` and of coverage."""
        gates: dict[str, None] = {}
        others: dict[str, None] = {}
        for key in self.weighing():
            if self.verdict.defined[key] is Truth.UNKNOWN:
                gates |= dict.fromkeys(self.open(self.definitions[key]))
        for number, touch in enumerate(self.bundle.vocabulary.touches):
            relevant = touch.as_ in self.located and self.verdict.defined[f"touch/{number}"] is not Truth.NO
            value = self.exchange.value(touch.fact)
            if relevant and (isinstance(value, Missing) or (isinstance(value, SetOf) and value.open)):
                gates[touch.fact] = None
        holds = self.verdict.holds
        for number in numbers(holds.possible & ~holds.certain):
            rule = self.verdict.rules[number]
            if self.questions.most(rule) <= self.outcome.bounds.low:
                continue  # the outcome is at least as high already
            applies = f"{rule.provision.policy}#applies"
            if self.verdict.defined[applies] is Truth.UNKNOWN:
                gates |= dict.fromkeys(self.open(self.definitions[applies]))
            others |= dict.fromkeys(self.open(rule.condition))
        for key, owed in self.verdict.owed.items():
            duty = self.bundle.duties[key]
            if owed is not Truth.NO and duty.done_when is not None and self.reading(duty.done_when) is Truth.UNKNOWN:
                others |= dict.fromkeys(self.open(duty.done_when))
            for start in (due.after for due in anchors(duty.due)) if self.verdict.overdue[key] is Truth.UNKNOWN else ():
                asked = self.exchange.asked_for(start)
                if start != AS_OF and isinstance(self.exchange.value(start), Missing) and asked not in self.exchange.disputed:
                    others[asked] = None
        return list(gates), [fact for fact in others if fact not in gates]

    @cached_property
    def located(self) -> frozenset[str]:
        """The roles of countries that can move the outcome: those that are reviewed, and every role that a reach rests on."""
        return REACHING if self.outcome.coverage.reaches else REVIEWED

    def weighing(self) -> Iterator[str]:
        """The definitions of coverage that can move the outcome: of countries and subject matters, and of law that may speak."""
        coverage = self.outcome.coverage
        yield from (f"touch/{n}" for n, touch in enumerate(self.bundle.vocabulary.touches) if touch.as_ in self.located)
        yield from (f"subject/{gap.subject}" for gap in coverage.gaps if gap.reviewed and gap.subject)
        reached = {reach.jurisdiction for reach in coverage.reaches}
        for floor in self.bundle.rules.floors:
            bounds = self.outcome.jurisdictions.get(floor.jurisdiction)
            # Not known whether law speaks: of a jurisdiction that may permit, or whose reach is open.
            if floor.covered and bounds is not None and (bounds.low is not bounds.high or floor.jurisdiction in reached):
                for spoken in floor.spoken:
                    if spoken.subject:
                        yield spoken.subject
                        yield from spoken.by
        yield from (each.key for each in self.bundle.rules.not_reached if each.jurisdiction in reached)

    def open(self, condition: Condition) -> Iterator[str]:
        """The facts to ask for because they leave tests of a condition open; for a family's total, its members."""
        for atom in self.questions.tests(condition):
            if self.reading(atom) is Truth.UNKNOWN:
                for name in (atom.fact, atom.other):
                    # Whether an id is in the register cannot be asked, but the id can.
                    for fact in self.bundle.rules.families.get(name, ("", (name.removesuffix(IN_REGISTER),)))[1]:
                        if _choices(self.bundle, self.exchange, fact) == ():
                            continue  # a place, where the country has none, or is not known
                        if wide := self.book.wide(fact, atom):
                            self.wide.setdefault(fact, {}).update(dict.fromkeys(wide))
                        if fact not in ("", AS_OF) and (wide or _open(self.exchange.value(fact))):
                            yield from self.undisputed(self.exchange.asked_for(fact))
                if atom.op == "counts":
                    yield from self.fields(atom.fact)

    def undisputed(self, fact: str) -> Iterator[str]:
        """A fact to ask for, unless the register disputes it: no answer can settle that (semantics 1.8)."""
        if fact not in self.exchange.disputed:
            yield fact

    def fields(self, kind: str) -> Iterator[str]:
        """The fields that a document which is presented lacks to count, or not to count (semantics 2.3)."""
        document = self.exchange.value(kind)
        if isinstance(document, Document) and document.state == "shown":
            for name, left_out in (("dated", Missing.UNKNOWN), ("expires", None), ("covers", Missing.UNKNOWN)):
                if isinstance(document.fields.get(name, left_out), Missing):
                    yield f"{kind}.{name}"

    def decided(self, facts: tuple[str, ...], answers: dict[str, PossibleAnswers]) -> bool:
        """Whether the outcome is decided for every combination of the answers that are tried and can be true together."""
        found = False
        for each in product(*(answers[fact].values for fact in facts)):
            told = dict(zip(facts, each, strict=True))
            if self.coherent(told):
                found = True
                if self.outcome_with(told).word == UNDETERMINED:
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


def _open(value: Value) -> bool:
    """Whether a value leaves something to find out."""
    match value:
        case Range(low=low, high=high):
            return low != high
        case SetOf(open=open_):
            return open_
    return isinstance(value, Missing)


def _spread(answers: list[Value]) -> list[Value]:
    """A few of the answers: the first, a middle one and the last."""
    return answers if len(answers) <= MAX_TRIED else [answers[0], answers[len(answers) // 2], answers[-1]]


def _choices(bundle: Bundle, exchange: Exchange, fact: str) -> tuple[str, ...] | None:
    """The values to choose from, those of a place only where its country is known; None where the type is no value set."""
    vocabulary = bundle.vocabulary
    type, known = vocabulary.type_of(fact), vocabulary.facts.get(fact)
    if type is None or type.values is None:
        return None
    if known is None or not known.lies_in:
        return type.values.values
    country = exchange.value(known.lies_in)
    return type.values.of_country(country) if isinstance(country, str) else ()


def _question(book: Phrasebook, exchange: Exchange, fact: str, wide: Collection[str]) -> QuestionPart:
    """
    The question for a fact or a document: the author's, or else one made from its title.

    Where `wide` values were sent, the question is which of the narrower ones are meant. An open set is asked for as a whole too.
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
    values = list(_choices(book.bundle, exchange, fact) or ())
    values = values if len(values) <= MAX_CHOICES else []
    if type and type.values and wide:
        narrower = [value for value in type.values.values if any(value in type.values.narrower[each] for each in wide)]
        meant, choices = ([book.value(type, each) for each in words] for words in (wide, narrower))
        which = say.ask_narrower(book.title(fact), meant, choices, type.many)
        both = say.one_after_another([question, which]), values
        question, values = both if _open(exchange.value(fact)) else (which, narrower)
    return QuestionPart(fact=fact, question=question, type=type.name if type else "document", values=values, narrows=[*wide])
