"""
Questions to a formula: literals that are to hold together go in; a proof that no exchange has them, or an exchange that has, comes out.

A model is no answer until the engines decide its exchange as the question has it. One that they refuse is blocked over the facts on which
the question rests, and searched again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeAlias

from engine.analysis.formula import Formula
from engine.analysis.model_reader import Holds, ModelReader
from engine.analysis.solver import ClauseSolver
from engine.backends.bitset import Bitset
from engine.backends.durable import Durable
from engine.backends.reference.three_values import KnownFacts, define, truth
from engine.bundle import Bundle
from engine.deciding.combine import Combiner, Outcome
from engine.exchange import Exchange
from engine.exchange_input.exchange_problems import ExchangeRefused
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, Vocabulary
from engine.rules import Condition, RuleSet, State, Truth
from engine.values.document_facts import nested
from engine.values.outcome_levels import BOUNDS, Bounds, Level, outcome_word
from engine.verdict import Engine, Verdict

MOST_SEARCHES = 20
REFUSED = "refused"  # at the door: there is no outcome


@dataclass(frozen=True)
class WitnessVerdict:
    """
    What an engine makes of an exchange on its day. `exchange`, `verdict` and `outcome` are None where the door refuses it.

    Of an exchange that is refused nothing holds, and every answer is no.
    """

    document: Mapping[str, Any]
    day: date
    rules: RuleSet = field(repr=False)
    exchange: Exchange | None = field(default=None, repr=False)
    verdict: Verdict | None = field(default=None, repr=False)
    outcome: Outcome | None = field(default=None, repr=False)
    second: bool = False  # by the second engine, to which a witness comes last

    @property
    def word(self) -> str:
        """The word for the outcome; `refused` where the door refuses the exchange."""
        return REFUSED if self.outcome is None else outcome_word(self.outcome.bounds)

    @property
    def permits(self) -> bool:
        """Whether the exchange is permitted, whatever is not known."""
        return self.outcome is not None and self.outcome.permits

    def stands(self, rule: str) -> Truth:
        """Whether a rule stands, by its key."""
        number = next(number for number, each in enumerate(self.rules.rules) if each.key == rule)
        return Truth.NO if self.verdict is None else self.verdict.stands.truth(number)

    def holds(self, rule: str) -> Truth:
        """Whether the condition of a rule holds."""
        number = next(number for number, each in enumerate(self.rules.rules) if each.key == rule)
        return Truth.NO if self.verdict is None else self.verdict.holds.truth(number)

    def states(self, requirement: str) -> frozenset[State]:
        """The states in which a requirement may be."""
        return frozenset() if self.verdict is None else self.verdict.requirements[requirement]

    def reads(self, condition: Condition) -> Truth:
        """How a condition reads."""
        if self.exchange is None:
            return Truth.NO
        known = KnownFacts(self.rules, self.exchange, self.day)
        return truth(condition, known.test, define(self.rules.definitions, known.test))

    def level(self, jurisdiction: str | None = None) -> Bounds | None:
        """The bounds over all, or of one jurisdiction; None where the exchange is refused."""
        if self.outcome is None:
            return None
        nothing = BOUNDS[Level.NOT_APPLICABLE][Level.NOT_APPLICABLE]
        return self.outcome.bounds if jurisdiction is None else self.outcome.jurisdictions.get(jurisdiction, nothing)


Confirm: TypeAlias = Callable[[WitnessVerdict], bool]


@dataclass(frozen=True, slots=True)
class Proof:
    """No exchange has what was asked. `because` are those of the literals that rule each other out already."""

    because: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """
    An exchange that has what was asked, as the JSON that goes into `evaluate`; the engines confirmed it. So many were tried before it, and
    `refused`: the engines did not confirm them.
    """

    exchange: Mapping[str, Any]
    verdict: WitnessVerdict
    refused: int = 0


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """Neither: the clauses allow it, and the engines confirmed none of the exchanges that were tried."""

    tried: int


ProofAnswer: TypeAlias = Proof | Example | OpenQuestion


class WitnessDecider:
    """
    The engines of one bundle, for the exchanges that the solver proposes: a quick one for searches, and the other one at the end.

    Words that an organisation adds, `more`, are left out of an exchange, or read as what they lie under.
    """

    def __init__(self, bundle: Bundle, more: Vocabulary | None = None) -> None:
        self.bundle = bundle
        self.more = more
        self._of: dict[bool, tuple[Engine, Combiner, Bundle]] = {}
        self._second: dict[bool, Engine] = {}

    def decide(self, document: Mapping[str, Any], slowly: bool = False) -> WitnessVerdict:
        """The verdict on an exchange; with `slowly` by the second engine of the mode `checked`."""
        day = date.fromisoformat(document["as_of"])
        try:
            known = document if self.more is None else without_added(document, self.bundle, self.more)
            exchange = self.bundle.reader.accept(known)
        except ExchangeRefused:
            return WitnessVerdict(document, day, self.bundle.rules, second=slowly)
        public = bool(exchange.everyone)
        if public not in self._of:
            bundle = self.bundle.of_everyone() if public else self.bundle
            self._of[public] = Bitset(bundle.rules), Combiner(bundle), bundle
        engine, combiner, bundle = self._of[public]
        if slowly:
            engine = self._second.setdefault(public, self._second.get(public) or Durable(bundle.rules))
        verdict = engine.evaluate(exchange, day)
        outcome = combiner.outcome(exchange, verdict, day)
        return WitnessVerdict(document, day, bundle.rules, exchange, verdict, outcome, slowly)


class Prover:
    """Asks one formula. One solver, in a stable order; formulas over the same exchanges may share it."""

    def __init__(self, formula: Formula, decider: WitnessDecider, solver: ClauseSolver | None = None) -> None:
        self.formula = formula
        self.decider = decider
        self.witnesses = ModelReader(formula)
        self.solver = solver or ClauseSolver()
        self.asked = 0

    def possible(self, literals: Sequence[int]) -> bool:
        """Whether the clauses allow some literals together, for any exchange that the door may accept."""
        return self._model((self.formula.accepted, *literals)) is not None

    def allows(self, literals: Sequence[int]) -> bool:
        """Whether the clauses allow some literals together, whether or not the door accepts such an exchange."""
        return self._model(literals) is not None

    def ask(self, literals: Sequence[int], confirm: Confirm) -> ProofAnswer:
        """
        Whether some exchange has all of some literals. `confirm` says of an exchange and its verdict whether it has.

        An exchange that a sender can send is looked for first; where there is none, one with whatever else an exchange may have.
        """
        formula, gates = self.formula, self.formula.gates
        asked = (formula.accepted, *literals)
        if self._model(asked) is None:
            because = self.solver.core()
            return Proof(tuple(each for each in literals if each in because))
        gates.size += 1
        trying = gates.size
        tried = 0
        while tried < MOST_SEARCHES:
            holds = self._model((formula.plain, trying, *asked))
            if holds is None:
                break
            tried += 1
            cone = self._cone(literals, holds)
            found = self._confirmed(cone, holds, confirm)
            if found is not None:
                return replace(found, refused=tried - 1)
            self.solver.add((-trying, *(-each for each in cone)))
        return OpenQuestion(tried)

    def _model(self, assumptions: Sequence[int]) -> Holds | None:
        formula = self.formula
        formula.exchange.finish_new()
        self.solver.add_new(formula.gates.clauses)
        self.asked += 1
        return self.solver.model(assumptions)

    def _cone(self, literals: Iterable[int], holds: Holds) -> list[int]:
        """The literals of facts by which a model has what is asked: of a disjunction, one that holds."""
        parts, inputs = self.formula.gates.parts, self.formula.gates.inputs
        found: dict[int, None] = {}
        seen: set[int] = set()
        waiting = list(literals)
        while waiting:
            literal = waiting.pop()
            if literal in seen:
                continue
            seen.add(literal)
            gate = parts.get(abs(literal))
            if gate is None:
                if abs(literal) in inputs:
                    found[literal] = None
            elif literal > 0:
                waiting += gate
            else:
                false = [-each for each in gate if not holds(each)]
                waiting.append(
                    next((each for each in false if each in seen), None) or min(false, key=lambda e: (abs(e) in parts, abs(e)))
                )
        return list(found)

    def _confirmed(self, cone: Sequence[int], holds: Holds, confirm: Confirm) -> Example | None:
        """The exchange of a model that the engines confirm: of the facts of the cone, else of all; without what it can lose."""
        names = {name for each in cone for name in self.formula.exchange.named_by(each)}
        for whole in (False, True):
            document = self.witnesses.document(holds, names, whole)
            if confirm(self.decider.decide(document)):
                smallest = shrunk(document, lambda each: confirm(self.decider.decide(each)))
                found = self.decider.decide(smallest, slowly=True)
                return Example(smallest, self.decider.decide(smallest)) if confirm(found) else None
        return None


def without_added(document: Mapping[str, Any], bundle: Bundle, more: Vocabulary) -> dict[str, Any]:
    """An exchange without the facts, documents and ways that a bundle does not know, and with what added values lie under."""
    own, found = bundle.vocabulary, dict[tuple[str, ...], Any]()

    def known(name: str, word: Any) -> Any:
        mine, all_ = own.facts[name].type.values, more.facts[name].type.values
        if mine is None or all_ is None or not isinstance(word, str) or word in mine.lineage:
            return word
        return next((each for each in mine.values if each in all_.ancestors(word)), word)

    for path, value in _flat(document):
        name = ".".join(path)
        if path[0] in DOCUMENT_GROUPS:
            if len(path) < 2 or path[1] in own.kinds[path[0]]:
                found[path] = value
        elif path == ("relies_on",):
            ways = own.requirements.keys() | {rule.key for rule in bundle.rules.rules}
            found[path] = [each for each in value if each in ways]
        elif name in own.facts:
            each = [known(name, one) for one in value] if isinstance(value, list) else known(name, value)
            found[path] = [*dict.fromkeys(each)] if isinstance(each, list) else each
        elif name not in more.facts:
            found[path] = value
    return nested(found)


def shrunk(document: Mapping[str, Any], stays: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
    """A document without all that it can lose while something stays so: halves first, then one by one, then members of lists."""
    flat = dict(_flat(document))
    size = max(len(flat) // 2, 1)
    while True:
        names = [name for name in flat if name != ("as_of",)]
        for start in range(0, len(names), size):
            less = {name: value for name, value in flat.items() if name not in names[start : start + size]}
            if len(less) < len(flat) and stays(nested(less)):
                flat = less
        if size == 1:
            break
        size //= 2
    for name, value in flat.items():
        for member in value if isinstance(value, list) else ():
            fewer = [each for each in flat[name] if each != member]
            if len(flat[name]) > 1 and stays(nested(flat | {name: fewer})):
                flat[name] = fewer
    return nested(flat)


def _flat(document: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The values of a document by their paths; a range of numbers is one value, and so is a document without fields."""
    for name, value in document.items():
        if isinstance(value, Mapping) and value and not value.keys() & {"at_least", "at_most"}:
            yield from _flat(value, (*path, name))
        else:
            yield (*path, name), value
