"""
Which facts to find out: lists that settle the overall outcome, shortest first, each verified by evaluating its answers.

A list settles where every combination of answers to it leaves a known outcome. Where no short list does, the facts that can move
the bounds are given together, marked as not settling. Source: semantics 4.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations, product

from engine.bundle import Bundle
from engine.combine import UNDETERMINED, Outcome
from engine.coverage import REVIEWED
from engine.decision import MissingPart, QuestionPart
from engine.exchange import Exchange
from engine.rules import AS_OF, Atom, Condition, Truth, atoms
from engine.values import Document, Duration, Missing, Money, Range, SetOf, Value
from engine.verdict import Verdict
from engine.words import tests

MAX_LISTS = 3
MAX_EVALUATIONS = 40  # for each of: short lists, gathering, verifying
MAX_ANSWERS = 12
MAX_TRIED = 2
MAX_PAIRED = 6


def missing(
    bundle: Bundle,
    exchange: Exchange,
    verdict: Verdict,
    outcome: Outcome,
    as_of: date,
    evaluate: Callable[[Mapping[str, Value]], Outcome],
) -> list[MissingPart]:
    """Lists of facts to ask for. `evaluate` gives the outcome of an exchange with some facts answered."""
    if outcome.word != UNDETERMINED:
        return []
    finder = _Finder(bundle, exchange, verdict, outcome, as_of, evaluate)
    return [
        MissingPart(facts=[_question(bundle, fact) for fact in facts], settles=settles) for facts, settles in finder.lists()
    ]


class _Finder:
    def __init__(
        self,
        bundle: Bundle,
        exchange: Exchange,
        verdict: Verdict,
        outcome: Outcome,
        as_of: date,
        evaluate: Callable[[Mapping[str, Value]], Outcome],
    ) -> None:
        self.bundle = bundle
        self.exchange = exchange
        self.verdict = verdict
        self.outcome = outcome
        self.as_of = as_of
        self.evaluate = evaluate
        self.left = MAX_EVALUATIONS

    def lists(self) -> list[tuple[tuple[str, ...], bool]]:
        gates, others = self.candidates()
        facts = [*gates, *others]
        answers = {fact: self.answers(fact)[:MAX_ANSWERS] for fact in facts}
        for size in (1, 2):
            found: list[tuple[str, ...]] = []
            for chosen in combinations(facts if size == 1 else facts[:MAX_PAIRED], size):
                if len(found) < MAX_LISTS and self.left > 0 and self.settles(chosen, answers):
                    found.append(chosen)
            if found:
                return [(chosen, True) for chosen in found]
        asked = self.gathered(facts, answers)
        self.left = MAX_EVALUATIONS
        return [(tuple(asked), self.settles(tuple(asked), answers))] if asked else []

    def gathered(self, facts: list[str], answers: dict[str, list[Value]]) -> list[str]:
        """Facts that between them can move the bounds: one after another, each answered as leaves most open."""
        self.left = MAX_EVALUATIONS
        told: dict[str, Value] = {}
        bounds = self.outcome.bounds
        for fact in facts:
            tried = [(answer, self.outcome_with({**told, fact: answer}).bounds) for answer in answers[fact][:MAX_TRIED]]
            if any(found != bounds for _, found in tried):
                # The answer that leaves most open shows which further facts would be asked.
                told[fact], bounds = max(tried, key=lambda each: (each[1].high - each[1].low, -each[1].low))
        return list(told) or facts

    def candidates(self) -> tuple[list[str], list[str]]:
        """Unknown facts that undecided rules rest on: those of `applies` and coverage first."""
        gates: dict[str, None] = {}
        others: dict[str, None] = {}
        for key, condition in self.bundle.rules.definitions.items():
            if self.verdict.defined[key] is Truth.UNKNOWN and key in self.weighing():
                gates |= dict.fromkeys(self.unknown(tests(self.bundle, condition)))
        for number, touch in enumerate(self.bundle.vocabulary.touches):
            relevant = touch.as_ in REVIEWED and self.verdict.defined[f"touch/{number}"] is not Truth.NO
            if relevant and isinstance(self.exchange.value(touch.fact), Missing):
                gates[touch.fact] = None
        undecided = [r for r in self.bundle.rules.rules if self.verdict.holds[r.key] is Truth.UNKNOWN and r.effect != "advise"]
        for rule in undecided:
            applies = f"{rule.provision.policy}#applies"
            if self.verdict.defined[applies] is Truth.UNKNOWN:
                gates |= dict.fromkeys(self.unknown(tests(self.bundle, self.bundle.rules.definitions[applies])))
            others |= dict.fromkeys(self.unknown(tests(self.bundle, rule.condition)))
        duties = self.bundle.rules.duties()
        for key, owed in self.verdict.owed.items():
            duty = duties[key]
            if owed is Truth.UNKNOWN and duty.done_when is not None and self.verdict.done[key] is Truth.UNKNOWN:
                others |= dict.fromkeys(self.unknown(atoms(duty.done_when)))
        return list(gates), [fact for fact in others if fact not in gates]

    def weighing(self) -> frozenset[str]:
        """The definitions of coverage that can weigh: touches that are reviewed, subjects that a gap is open on."""
        touches = (f"touch/{n}" for n, touch in enumerate(self.bundle.vocabulary.touches) if touch.as_ in REVIEWED)
        subjects = (f"subject/{gap.subject}" for gap in self.outcome.coverage.gaps if gap.reviewed and gap.subject)
        return frozenset((*touches, *subjects))

    def unknown(self, tested: Iterator[Atom]) -> Iterator[str]:
        """The facts of these tests that have no certain value and can be asked for; a family's total asks for its members."""
        for atom in tested:
            if atom.fact == AS_OF:
                continue
            for fact in self.bundle.rules.families.get(atom.fact, ("", (atom.fact,)))[1]:
                value = self.exchange.value(fact)
                if (
                    isinstance(value, Missing)
                    or (isinstance(value, Range) and value.low != value.high)
                    or (isinstance(value, SetOf) and value.open)
                ):
                    yield fact

    def answers(self, fact: str) -> list[Value]:
        """One answer for each way in which the rules can tell values of a fact apart."""
        tested = [
            a
            for c in self.conditions()
            for a in atoms(c)
            if a.fact == fact or fact in self.bundle.rules.families.get(a.fact, ("", ()))[1]
        ]
        if any(atom.op == "counts" for atom in tested):
            return [Document("none", {}), Document("shown", {"dated": self.as_of, "covers": True})]
        type = self.bundle.vocabulary.type_of(fact)
        assert type is not None
        if type.kind == "yes/no":
            return [True, False]
        if type.kind in ("value", "id"):
            words = {o for a in tested for o in a.operands if isinstance(o, str)}
            words |= {v for a in tested if a.register for v in list(self.bundle.rules.registers[a.register])[:2]}
            known = type.values.values if type.values else ()
            other = (
                [v for v in known if not any(v in type.values.ancestors(w) or w in type.values.ancestors(v) for w in words)][:1]
                if type.values
                else []
            )
            single = [*sorted(words), *other]
            if not type.many:
                return list(single)
            return [SetOf(frozenset()), *(SetOf(frozenset((word,))) for word in single)]
        return self.numbers(fact, type.kind, tested)

    def numbers(self, fact: str, kind: str, tested: list[Atom]) -> list[Value]:
        cuts = [o for a in tested for o in a.operands]
        if kind == "date":
            days = {o for o in cuts if isinstance(o, date)} | {self.as_of}
            days |= {o.before(self.as_of) for o in cuts if isinstance(o, Duration)}
            return sorted({d + timedelta(days=step) for d in days for step in (-1, 0, 1)})  # type: ignore[return-value]
        if kind == "duration":
            return [*(o for o in cuts if isinstance(o, Duration)), Duration(hours=1), Duration(months=1200)]
        if kind == "money":
            return [Money(o.amount + step, o.currency) for o in cuts if isinstance(o, Money) for step in (-1, 0, 1)]
        step = Decimal(1) if kind == "count" else Decimal("0.01")
        points = {p for o in cuts if isinstance(o, Decimal) for p in (o - step, o, o + step) if p >= 0} | {Decimal(0)}
        value = self.exchange.value(fact)
        if isinstance(value, Range):
            points = {p for p in points if value.low <= p and (value.high is None or p <= value.high)} | {value.low}
        return [Range.exact(p) for p in sorted(points)]

    def conditions(self) -> Iterator[Condition]:
        yield from self.bundle.rules.definitions.values()
        yield from (rule.condition for rule in self.bundle.rules.rules)
        yield from (duty.done_when for duty in self.bundle.rules.duties().values() if duty.done_when is not None)

    def settles(self, facts: tuple[str, ...], answers: dict[str, list[Value]]) -> bool:
        """Whether every combination of answers leaves a known outcome; not claimed where there are too many to try."""
        combinations_ = product(*(answers[fact] for fact in facts))
        known = all(self.outcome_with(dict(zip(facts, each, strict=True))).word != UNDETERMINED for each in combinations_)
        return known and self.left > 0 and all(answers[fact] for fact in facts)

    def outcome_with(self, answers: dict[str, Value]) -> Outcome:
        self.left -= 1
        return self.evaluate(answers) if self.left > 0 else self.outcome


def _question(bundle: Bundle, fact: str) -> QuestionPart:
    vocabulary = bundle.vocabulary
    known = vocabulary.facts.get(fact)
    type = vocabulary.type_of(fact)
    if known is not None:
        base = known.ask.en if known.ask else f"What is the {known.title.en}?"
        question = f"{base} ({known.title.en.partition(': ')[2]})" if known.family else base
    else:
        title = vocabulary.title(fact).en
        question = f"Is this shown, with its date and scope: {title}?" if type is None else f"What is the {title}?"
    values = list(type.values.values[:40]) if type and type.values and len(type.values.values) <= 40 else []
    return QuestionPart(fact=fact, question=question, type=type.name if type else "document", values=values)
