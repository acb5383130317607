"""
What a solver says of mutants that no test notices: that no exchange tells the mutant from the law, or an exchange that does.

Mutants go in. One that no exchange tells from the law, complete or not, lacks no test. Of any other the engines decide an exchange, and it
comes out as a test case in YAML that says what the law says today; whether the law ought to say so is for its author.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

from engine.analysis import Example, FormulaDraft, Proof, Prover, WitnessDecider, WitnessVerdict, formulas
from engine.analysis.exchange_literals import RuleVersion
from engine.authoring.case_departures import departures
from engine.authoring.case_yaml import case_yaml
from engine.authoring.mutation import TRAVELS, Mutant
from engine.authoring.mutation_cases import changed_registers, departs
from engine.authoring.prepared_case import PreparedCase
from engine.authoring.testing import base_of, file_of_tests, flat_document, suite_of
from engine.backends.bitset import Bitset
from engine.backends.lanes.changed_verdicts import ChangedVerdicts, Part, VerdictMove
from engine.bundle import Bundle
from engine.deciding.combine import Combiner
from engine.pdp import PDP
from engine.policy_language.case_text import Expectation
from engine.policy_language.written_exchange import dotted_facts, path_of
from engine.rules import AS_OF, Truth
from engine.values.document_facts import nested
from engine.values.outcome_levels import outcome_word
from engine.verdict import Verdict

# What tests see of a verdict, the plainest first.
SEEN: tuple[frozenset[Part], ...] = (
    frozenset({"bounds"}),
    frozenset({"holds", "stands", "doubted", "requirements", "owed", "overdue"}),
    frozenset({"defined"}),
)
OPEN = "open"
Shown: TypeAlias = Literal["equivalent", "told apart", "not shown"]


@dataclass(frozen=True, slots=True)
class MutantProof:
    """What a solver says of a mutant. `case` is a test that notices it, in YAML to paste into `file`; "" where no case can say it."""

    shown: Shown
    case: str = ""
    file: str = ""


class MutantProver:
    """Asks one formula about some mutants of a bundle: exchanges with one recipient, that nobody signed off."""

    def __init__(self, bundle: Bundle, mutants: Sequence[Mutant]) -> None:
        self._bundle = bundle
        self._renamed = changed_registers(bundle.rules, mutants)
        rules = replace(bundle.rules, registers=dict(bundle.rules.registers) | dict(self._renamed.values()))
        self._lowering = ChangedVerdicts(rules, bundle.vocabulary, bundle.coherence.never, bundle.settings)
        for mutant in mutants:
            self._lowering.expect(mutant.rules, self._renames(mutant))
        lowering = self._lowering
        # The code grows with each mutant, and the formula reads on in it.
        program = replace(lowering.program(), code=lowering.slots.code, inputs=lowering.inputs, tests=lowering.tests)
        version = RuleVersion(rules, bundle.vocabulary, tuple(lowering.tests))
        (self._formula,) = formulas([FormulaDraft(replace(bundle, rules=rules), program, version, public=False)])
        self._prover = Prover(self._formula, WitnessDecider(bundle))

    def proof(self, mutant: Mutant) -> MutantProof:
        """Whether an exchange tells a mutant from the law, and one that does; one of which all that counts is known, where there is one."""
        moved = self._lowering.changed(mutant.rules, self._renames(mutant))
        engine = Bitset(mutant.rules)
        shown: Shown = "equivalent"
        for plain, parts in (*((True, each) for each in SEEN[:2]), *((False, each) for each in SEEN)):
            mine = [each for each in moved if each.part in parts and "!" not in each.key.partition("/")[2]]
            if not mine:
                continue
            differs = VerdictDifference(engine, self._lowering.numbers, mine, plain)
            apart, known = self._apart(mine), [self._formula.exchange.complete] if plain else []
            answer = self._prover.ask([apart, *known], differs)
            if isinstance(answer, Example):
                return self._told(mutant, moved, answer.verdict, differs)
            if not plain and not isinstance(answer, Proof):
                shown = "not shown"
        return MutantProof(shown)

    def _apart(self, moved: Sequence[VerdictMove]) -> int:
        """The literal that holds where something of a verdict is not as before."""
        gates, found = self._formula.gates, list[int]()
        for each in moved:
            for one, other in zip(self._formula.read(each.before), self._formula.read(each.after), strict=True):
                found.append(-gates.same(one, other))
        return gates.either(found)

    def _told(
        self, mutant: Mutant, moved: Sequence[VerdictMove], found: WitnessVerdict, differs: VerdictDifference
    ) -> MutantProof:
        """The case that an exchange makes, once it is certain that it passes, and does not under the mutant."""
        for near in (self._nearest(mutant.policy, found, differs), found):
            exchange, day = near.exchange, near.day
            assert exchange is not None
            verdict = differs.engine.evaluate(exchange, day)
            for policy, expect in self._expectations(mutant, moved, near, verdict):
                file = file_of_tests(self._bundle, policy)
                expected = Expectation.model_validate(expect)
                case = PreparedCase(file, 0, policy, mutant.sentence, expected, exchange, day)
                noticed = departs(case, verdict, self._combiner.outcome(exchange, verdict, day))
                if noticed and not any(departures(self._bundle, self._pdp, case)):
                    text = case_yaml(self._bundle, exchange, day, mutant.sentence, expect, file=file, policy=policy)
                    if text:
                        return MutantProof("told apart", text, file)
        return MutantProof("told apart")

    def _nearest(self, policy: str, found: WitnessVerdict, differs: VerdictDifference) -> WitnessVerdict:
        """An exchange as near as may be to the one that the tests of a policy begin with."""
        file = file_of_tests(self._bundle, policy)
        if not file:
            return found
        facts, day = base_of(self._bundle, file)
        vocabulary = self._bundle.vocabulary
        base = dotted_facts(vocabulary, flat_document(self._bundle, facts)) | {AS_OF: day.isoformat()}
        witness = dotted_facts(vocabulary, found.document)
        best = found
        for own in ({**base, **witness}, witness):
            tried = self._prover.decider.decide(nested({path_of(name): value for name, value in own.items()}))
            if not differs(tried):
                continue
            best = tried
            for name in [name for name in {**own, **base} if own.get(name) != base.get(name)]:
                less = {each: value for each, value in own.items() if each != name}
                less |= {name: base[name]} if name in base else {}
                tried = self._prover.decider.decide(nested({path_of(name): value for name, value in less.items()}))
                if differs(tried):
                    own, best = less, tried
            break
        return best if differs(self._prover.decider.decide(best.document, slowly=True)) else found

    def _expectations(
        self, mutant: Mutant, moved: Sequence[VerdictMove], found: WitnessVerdict, now: Verdict
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """What cases may expect of an exchange which the mutant does not give, each with the policy that it is a test of."""
        before, outcome = found.verdict, found.outcome
        assert before and outcome and found.exchange
        after = self._combiner.outcome(found.exchange, now, found.day)
        places = [name for name, bounds in outcome.jurisdictions.items() if after.jurisdictions.get(name) != bounds]
        words: dict[str, Any] = {"jurisdictions": {name: outcome_word(outcome.jurisdictions[name]) for name in places}}
        words = words if places else {}
        provisions = [self._lowering.by_key[each.key].provision for each in moved if each.part == "stands"]
        for provision in dict.fromkeys(provisions):
            for key, expected in (("because", Truth.YES), ("silent", Truth.NO)):
                if _stands(before, provision.id) is expected is not _stands(now, provision.id):
                    yield provision.policy, {**words, key: [provision.id.partition("/")[2]]}
        if words:
            yield mutant.policy if mutant.policy in self._suites else next(iter(self._suites)), words
        for each in moved:
            name = each.key.partition("!")[0]
            if name.endswith(TRAVELS):
                continue  # read in plans, and in no case
            if each.part == "defined" and before.defined[each.key] is not now.defined[each.key]:
                policy = name.partition("/")[0].partition("#")[0]
                key, short = ("applies", policy) if name.endswith("#applies") else ("define", name)
                expect = {key: {short: before.defined[each.key].name.lower()}}
                yield policy if policy in self._suites else next(iter(self._suites)), expect

    def _renames(self, mutant: Mutant) -> Mapping[str, str]:
        entries = ((name, self._renamed.get(id(each))) for name, each in mutant.rules.registers.items())
        return {name: renamed[0] for name, renamed in entries if renamed}

    @cached_property
    def _suites(self) -> frozenset[str]:
        return frozenset(suite_of(node) for _, node in self._bundle.tests)

    @cached_property
    def _combiner(self) -> Combiner:
        return Combiner(self._bundle)

    @cached_property
    def _pdp(self) -> PDP:
        return PDP(self._bundle, "bitset")


@dataclass(frozen=True, slots=True)
class VerdictDifference:
    """
    Whether an exchange has another verdict under a mutant, in what moved; where it is to be `plain`, by what is certain under both.

    `engine` evaluates the mutant, and `numbers` are those of the rules.
    """

    engine: Bitset
    numbers: Mapping[str, int]
    moved: Sequence[VerdictMove]
    plain: bool

    def __call__(self, found: WitnessVerdict) -> bool:
        """Whether it has."""
        if found.exchange is None or found.verdict is None:
            return False
        now = self.engine.evaluate(found.exchange, found.day)
        return any(self._differ(each, found.verdict, now) for each in self.moved)

    def _differ(self, moved: VerdictMove, before: Verdict, now: Verdict) -> bool:
        one, other = (self._read(moved, verdict) for verdict in (before, now))
        return one != other and not (self.plain and OPEN in (one, other))

    def _read(self, moved: VerdictMove, verdict: Verdict) -> object:
        """What a verdict says of a part; OPEN where it leaves it open."""
        key = moved.key
        match moved.part:
            case "bounds":
                bounds = verdict.jurisdictions.get(key)
                return bounds if not self.plain or bounds is None or bounds.low is bounds.high else OPEN
            case "requirements":
                states = verdict.requirements[key]
                return states if not self.plain or len(states) == 1 else OPEN
            case "owed" | "overdue":
                found = getattr(verdict, moved.part).get(key, Truth.NO)
            case "defined":
                found = verdict.defined[key]
            case "holds" | "stands" | "doubted":
                found = getattr(verdict, moved.part).truth(self.numbers[key])
            case _:
                return None  # seen by what comes of it
        return OPEN if self.plain and found is Truth.UNKNOWN else found


def _stands(verdict: Verdict, provision: str) -> Truth:
    """How surely a provision stands: by the surest of its rules."""
    numbers = (number for number, rule in enumerate(verdict.rules) if rule.provision.id == provision)
    return max((verdict.stands.truth(number) for number in numbers), default=Truth.NO)
