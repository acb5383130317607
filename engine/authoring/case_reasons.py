"""
Why a case comes out as it does: a judged exchange and one thing that a case expects go in; the conditions on which it turns come out.

Each condition stands with its place in the file, with how it reads, and with what the exchange says of it. They are those that explanations
of decisions name (`rules.bearing`). What decides stands first: numbers that the exchange is near to, then what the case itself changed,
and what the provision says of its own; that its policy applies comes last.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from engine.authoring.prepared_case import full_name
from engine.deciding.judgement import Judgement
from engine.explaining.phrasebook import Phrasebook
from engine.pdp import PDP
from engine.policy_language.case_text import Expectation
from engine.policy_language.written_exchange import LEFT_OUT, written_value
from engine.rules import AS_OF, All, Atom, Condition, Defined, Rule, State, Truth, atoms, bearing, definitions_named
from engine.values import Amount, AmountRange, Missing, Range, to_json
from engine.values.outcome_levels import Level

LEVELS = {
    "oblige": Level.PERMITTED_WITH_OBLIGATIONS,
    "review": Level.REVIEW,
    "require": Level.REQUIREMENTS_UNMET,
    "prohibit": Level.PROHIBITED,
}  # what a rule of each effect raises an outcome to
MOST = 3  # provisions that would make an outcome stricter; those that lack least come first
NEAR = 0.01  # of a number: a case so near to it is about it
_MET = frozenset((State.MET,))


class ExpectationLine(NamedTuple):
    """One thing that a case expects: the key under `expect`, what is named there, "" where nothing is, and what is wanted of it."""

    key: str
    name: str = ""
    wanted: str = ""


class Departure(NamedTuple):
    """A difference between what a case expects and what comes out, in words, with what was expected."""

    says: str
    expected: ExpectationLine = ExpectationLine("")

    def __str__(self) -> str:
        return self.says


def expected_of(expect: Expectation) -> Iterator[ExpectationLine]:
    """Everything that a case expects, thing by thing."""
    for key, value in expect:
        match value:
            case str():
                yield ExpectationLine(key, "", value)
            case dict():
                yield from (ExpectationLine(key, name, str(wanted)) for name, wanted in value.items())
            case list():
                yield from (ExpectationLine(key, each if isinstance(each, str) else each.duty) for each in value)


class ReadTest(NamedTuple):
    """
    A test as it read where it stands: `truth` is yes, no or unknown; `at` is its place; `value` is what the exchange says of it, in an
    author's YAML; `define` is the definition that it stands in, "" where it stands in none.
    """

    truth: str
    at: str
    test: str
    value: str
    define: str = ""


class Reason(NamedTuple):
    """What `tests` are about, with its place; "" where they are about what was expected itself."""

    says: str
    at: str
    tests: tuple[ReadTest, ...]


class CaseReasons:
    """The reasons of one judged exchange. `suite` is the policy under test, `changed` are the facts that its case itself states."""

    def __init__(self, pdp: PDP, suite: str, judgement: Judgement, changed: Collection[str] = ()) -> None:
        judging = pdp.of_everyone if judgement.exchange.everyone else pdp
        self._rules = judging.bundle.rules
        self._book = Phrasebook(judging.bundle)
        self._registers = judging.bundle.vocabulary.spans
        self._suite = suite
        self._changed = changed
        self._judgement = judgement
        self._verdict = judgement.verdict
        self._numbers = {rule.key: number for number, rule in enumerate(self._rules.rules)}

    def of(self, expected: ExpectationLine) -> tuple[Reason, ...]:
        """Why what is expected is so, or is not so; nothing where no condition says it."""
        key, name = expected.key, expected.name
        match key:
            case "because" | "silent":
                return tuple(self._standing(self._of_provision(name)[:1]))
            case "beaten":
                rules = self._of_provision(name)
                exempting = [rule for rule in self._rules.rules if not {each.key for each in rules}.isdisjoint(rule.exempts)]
                held = [rule for rule in rules if self._holds(rule) is Truth.YES]
                return tuple(self._named(exempting) if held else self._standing(rules[:1]))
            case "applies":
                return self._condition(f"{name}#applies")
            case "define":
                return self._condition(name if name in self._rules.definitions else f"{name}!raise")
            case "requirements":
                asking = [rule for rule in self._rules.rules if rule.need and name in rule.need.requirements()]
                lifting = [rule for rule in self._rules.rules if name in (*rule.satisfies, *rule.excuses)]
                asked = any(self._stands(rule) is not Truth.NO for rule in asking)
                return tuple(self._named(lifting if asked else asking))
            case "duties":
                return tuple(self._named(rule for rule in self._rules.rules if name in {duty.text.en for duty in rule.duties}))
            case "lanes":
                lanes = (rule for rule in self._rules.rules if name in (rule.lane, rule.provision.id))
                return tuple(self._named(lanes))
            case "outcome" | "proceed" | "jurisdictions" | "instruments":
                return tuple(self._raising(expected))
        return ()

    def _condition(self, key: str) -> tuple[Reason, ...]:
        return (Reason("", "", self._tests(Defined(key))),) if key in self._rules.definitions else ()

    def _of_provision(self, name: str) -> list[Rule]:
        """The rules of a provision, those that stand most certainly first."""
        full = full_name(self._suite, name)
        rules = (rule for rule in self._rules.rules if rule.provision.id == full)
        return sorted(rules, key=lambda rule: (-self._stands(rule), -self._holds(rule)))

    def _standing(self, rules: Iterable[Rule]) -> Iterator[Reason]:
        """Why rules stand or do not: the tests of their conditions, or what exempts from them."""
        for rule in rules:
            if self._holds(rule) is not Truth.YES or self._stands(rule) is Truth.YES:
                yield Reason("", _place(rule), self._tests(rule.condition))
                continue
            for each in self._rules.rules:
                lifts, instead = rule.key in each.exempts, each.key in rule.otherwise
                if (lifts or instead) and self._stands(each) is not Truth.NO:
                    does = ("exempts", "stands") if self._stands(each) is Truth.YES else ("may exempt", "may stand")
                    says = f"`{each.provision.id}` {does[0]} from it" if lifts else f"`{each.provision.id}` {does[1]} instead"
                    yield Reason(says, _place(each), self._tests(each.condition))

    def _named(self, rules: Iterable[Rule]) -> Iterator[Reason]:
        """The same of several rules, those of the policy under test first, each with its name and whether it stands."""
        words = {Truth.YES: "stands", Truth.UNKNOWN: "may stand", Truth.NO: "does not stand"}
        for rule in sorted(dict.fromkeys(rules), key=lambda rule: rule.provision.policy != self._suite):
            says, found = f"`{rule.provision.id}` {words[self._stands(rule)]}", list(self._standing([rule]))
            own = [each.tests for each in found if not each.says]
            yield Reason(says, _place(rule), own[0] if own else ())
            yield from (each for each in found if each.says)

    def _raising(self, expected: ExpectationLine) -> Iterator[Reason]:
        """
        What raises an outcome. Where a stricter one is expected: the provisions of the policy under test that would raise it so high, those
        that lack least first.
        """
        name = expected.name
        scope = {"jurisdictions": lambda rule: rule.provision.jurisdiction, "instruments": lambda rule: rule.provision.policy}
        within: Callable[[Rule], str] | None = scope.get(expected.key)
        rules = [rule for rule in self._rules.rules if rule.effect in LEVELS and (within is None or within(rule) == name)]
        raising = [rule for rule in rules if self._stands(rule) is not Truth.NO and not (rule.need and not self._unmet(rule))]
        top = max((LEVELS[rule.effect] for rule in raising), default=Level.NOT_APPLICABLE)
        wanted = next((level for level in Level if level.word == expected.wanted), None)
        if wanted is not None and wanted in LEVELS.values() and wanted > top:
            silent = [rule for rule in rules if LEVELS[rule.effect] is wanted and rule.provision.policy == self._suite]
            yield from sorted(self._named(silent), key=lambda reason: len(reason.tests))[:MOST]
        else:
            for rule in raising:
                if LEVELS[rule.effect] is top:
                    certain = self._stands(rule) is Truth.YES
                    needs = " or ".join(self._unmet(rule))
                    asks = f" and requires {needs}" if needs else ""
                    says = f"`{rule.provision.id}` {'stands' if certain else 'may stand'}{asks}"
                    # What stands is as its author wrote it; what only may stand lacks an answer.
                    yield Reason(says, _place(rule), () if certain else self._tests(rule.condition))

    def _unmet(self, rule: Rule) -> list[str]:
        """What a rule requires that is not certainly met."""
        states = self._verdict.requirements
        return [name for name in rule.need.requirements() if states[name] != _MET] if rule.need else []

    def _stands(self, rule: Rule) -> Truth:
        return self._verdict.stands.truth(self._numbers[rule.key])

    def _holds(self, rule: Rule) -> Truth:
        return self._verdict.holds.truth(self._numbers[rule.key])

    def _tests(self, condition: Condition) -> tuple[ReadTest, ...]:
        """
        The tests that give a condition its truth value, each once; what stands under `unless` or `none_of` is told as its opposite. What
        decides stands first.
        """
        reading = self._judgement.reading
        truth = reading(condition)
        own, defined = {atom.at for atom in atoms(condition)}, self._defined(condition)
        head = {atom.at for atom in bearing(self._head(condition), self._rules.definitions, reading)}
        found: dict[ReadTest, tuple[bool, bool, bool, bool, float]] = {}
        for atom in bearing(condition, self._rules.definitions, reading):
            denied = reading(atom) is not truth  # INVARIANT (bearing): it reads like the condition, or just the other way
            said = self._said(atom)
            read = ReadTest(
                truth.name.lower(), atom.at, self._book.phrase(atom, negated=denied), said, defined.get(atom.at, "")
            )
            distance = self._distance(atom)
            order = (distance > NEAR, not self._is_changed(atom), atom.at in head, atom.at not in own, distance)
            found.setdefault(read, order)
        return tuple(sorted(found, key=found.__getitem__))

    def _head(self, condition: Condition) -> Condition:
        """Of the condition of a rule, that its policy applies; nothing of any other condition."""
        parts = condition.parts if isinstance(condition, All) else ()
        return next((each for each in parts if isinstance(each, Defined) and each.key.endswith("#applies")), All(()))

    def _defined(self, condition: Condition) -> dict[str, str]:
        """The name of the definition in which each test stands, by its place; one of the policy under test has its short name."""
        waiting, found = list(definitions_named(condition)), dict[str, str]()
        seen = set(waiting)
        while waiting:
            key = waiting.pop()
            name = "" if "#" in key or "!" in key else key.removeprefix(f"{self._suite}/")
            found.update({atom.at: name for atom in atoms(self._rules.definitions[key]) if name})
            more = set(definitions_named(self._rules.definitions[key])) - seen
            seen |= more
            waiting += more
        return found

    def _is_changed(self, atom: Atom) -> bool:
        """Whether a test is about what the case itself states."""
        _, members = self._rules.families.get(atom.fact, ("", (atom.fact,)))
        facts = (*members, *([atom.other] if atom.other else ()))
        return any(fact == each or fact.startswith(f"{each}.") for fact in facts for each in self._changed)

    def _distance(self, atom: Atom) -> float:
        """How far a number is from the one that it is compared with, as a part of that one; 1 where there are no two numbers."""
        if len(atom.operands) != 1:
            return 1
        value, operand = self._judgement.exchange.value(atom.fact), atom.operands[0]
        one = value.amount if isinstance(value, Amount) else value.low if isinstance(value, Range | AmountRange) else None
        other = operand.amount if isinstance(operand, Amount) else operand
        if one is None or not isinstance(other, Decimal):
            return 1
        return float(abs(Fraction(one) - Fraction(other)) / max(abs(Fraction(other)), Fraction(1)))

    def _said(self, atom: Atom) -> str:
        """
        What the exchange says of a fact, and of the one that it is compared with; of a family's total, what it says of each member. Where a
        register is asked, its name and where it stands.
        """
        if atom.fact == AS_OF:
            return f"as_of: {self._judgement.as_of}"
        _, members = self._rules.families.get(atom.fact, ("", (atom.fact,)))
        said = [f"{name}: {self._value(name)}" for name in (*members, *([atom.other] if atom.other else ()))]
        if place := self._registers.get(("registers", atom.register)):
            said.append(f"{atom.register} {place.file}:{place.line}")
        return ", ".join(said)

    def _value(self, name: str) -> str:
        value = self._judgement.exchange.value(name)
        return LEFT_OUT if value is Missing.LEFT_OUT else written_value(to_json(value))


def _place(rule: Rule) -> str:
    return f"{rule.provision.file}:{rule.provision.line}"
