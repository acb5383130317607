"""
Which rules stand: the rules that hold go in; the rules that stand, in doubt or not, and what their lifts do come out.

Exemptions form strata, exempters first. A stratum's lifts that may stand are asserted as facts, and durable-rules derives what each
lift does: it beats a rule or puts it in doubt, it meets a requirement or excuses from it. A stratum of which no lift may stand is not
asked. Of a doubtful lift that a person has signed off, the fact is another one, so that it lifts surely. Sets of rules are integers: bit n
is rule n. Source: semantics 3.3, 3.4, 3.7, 4.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.backends.durable.network import Head, Message, Network, PropertyTest, Ruleset, Term, Written, written
from engine.backends.durable.rule_groups import group_names
from engine.backends.durable.ruleset_listing import ListedRuleset, list_rulesets
from engine.backends.durable.value_answers import FALSE, MAYBE, TRUE
from engine.rules import RuleSet
from engine.verdict import Masks, numbers

# What is sent for FALSE, MAYBE and TRUE, and the tests that hold of it but not certainly.
_Codes = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class StandingRules:
    """Which rules stand, and which of these are doubted. `derived` is what the lifts derive, as `ExemptionStrata` numbers it."""

    stands: Masks
    doubted: Masks
    derived: Masks


@dataclass(frozen=True, slots=True)
class _Stratum:
    """
    The lifts of one depth.

    `said` has for each lift what it says to which ruleset, by how it stands and how it is doubted, and last where it is signed off.
    """

    lifts: int
    policies: tuple[str, ...]
    network: Network
    said: dict[int, list[tuple[int, _Codes, _Codes, str]]]


class ExemptionStrata:
    """
    The exemption strata of one rule set.

    What is derived has a bit for each rule, in this order: it is beaten, it is in doubt, it surely lifts; then a bit for each
    requirement: it is surely met, it is met in doubt, it is surely excused.
    """

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        size = len(rules.rules)
        self._all = (1 << size) - 1
        self._numbers = {rule.key: number for number, rule in enumerate(rules.rules)}
        self._requirements = {name: number for number, name in enumerate(rules.requirements)}
        self._in_doubt, self.surely, self.met = size, 2 * size, 3 * size
        self.doubtful = self.met + len(rules.requirements)
        self.excused = self.doubtful + len(rules.requirements)
        exempters: dict[int, list[int]] = {}
        for number, rule in enumerate(rules.rules):
            for victim in rule.exempts:
                exempters.setdefault(self._numbers[victim], []).append(number)
        # Exempters come first, so each is known before its victims.
        depth: dict[int, int] = {}
        self._doubtable = 0
        self._doubtful = sum(1 << number for number, rule in enumerate(rules.rules) if rule.doubtful)
        self.doubting = sum(1 << number for number, rule in enumerate(rules.rules) if rule.effect == "doubts")
        for number in range(size):
            by = exempters.get(number, [])
            depth[number] = 1 + max((depth[other] for other in by), default=-1)
            if any(rules.rules[other].doubtful or self._doubtable >> other & 1 for other in by):
                self._doubtable |= 1 << number
        self._speaking = [
            (number, sum(1 << self._numbers[key] for key in rule.otherwise))
            for number, rule in enumerate(rules.rules)
            if rule.otherwise
        ]
        self._strata: list[_Stratum] = []
        lifts = {n for n, rule in enumerate(rules.rules) if rule.exempts or rule.excuses or rule.satisfies}
        # An exemption stays inside its jurisdiction, so each group of jurisdictions has strata of its own.
        group = group_names(rules)
        place = {lift: (depth[lift], group[rules.rules[lift].provision.jurisdiction]) for lift in lifts}
        for level, name in sorted(set(place.values())):
            members = sorted(lift for lift in lifts if place[lift] == (level, name))
            self._strata.append(self._stratum(f"{name}-stratum-{level}", members))

    @property
    def networks(self) -> list[Network]:
        return [stratum.network for stratum in self._strata]

    def listed(self) -> list[ListedRuleset]:
        """The rulesets as a person reads them, in the order in which they are asked."""
        rules, requirements = [rule.key for rule in self._rules.rules], list(self._requirements)
        names = [
            *(f"{key} is beaten" for key in rules),
            *(f"{key} is in doubt" for key in rules),
            *(f"{key} surely lifts" for key in rules),
            *(f"{name} is met" for name in requirements),
            *(f"{name} is met in doubt" for name in requirements),
            *(f"{name} is not owed" for name in requirements),
        ]

        def about(test: PropertyTest) -> str:
            key = rules[int(test.prop[1:])]
            if test.prop.startswith("a"):
                return f"{key} is signed off"
            return f"{key} stands" if test.prop.startswith("s") else f"{key} is {'not ' if test.value == TRUE else ''}in doubt"

        return [
            ruleset
            for stratum in self._strata
            for ruleset in list_rulesets(stratum.network, stratum.policies, lambda head: [names[head]], about)
        ]

    def run(self, certain: int, possible: int, signed: int = 0) -> StandingRules:
        """How rules stand, where `certain` certainly hold, `possible` possibly do, and `signed` are signed off."""
        sure = may = 0
        stands, doubted = self._stand(certain, possible, sure, may)
        for stratum in self._strata:
            # A signature counts only where the lift certainly stands, itself free of doubt (4.6).
            accepted = signed & self._doubtful & stands.certain & ~doubted.possible
            lifts = stands.possible & stratum.lifts & ~(accepted & self.doubting)
            if lifts:
                surely, maybe = stratum.network.fire(_messages(stratum, lifts, stands, doubted, accepted))
                sure |= surely
                may |= maybe
                stands, doubted = self._stand(certain, possible, sure, may)
        return StandingRules(self._otherwise(stands), doubted, Masks(may, sure))

    def _otherwise(self, stands: Masks) -> Masks:
        """What a policy says otherwise stands only in the worlds in which no rule of the policy stands (semantics 4.2)."""
        possible, certain = stands
        for number, others in self._speaking:
            if possible >> number & 1:
                if others & stands.certain:
                    possible ^= 1 << number
                    certain &= possible
                elif others & stands.possible:
                    certain &= ~(1 << number)
        return Masks(possible, certain)

    def _stand(self, certain: int, possible: int, sure: int, may: int) -> tuple[Masks, Masks]:
        """What stands, and what of it is in doubt: a rule that holds stands unless it is beaten, and may stand unless it surely is."""
        stands = Masks(possible & ~(sure & self._all), certain & ~(may & self._all))
        return stands, Masks(stands.possible & may >> self._in_doubt, stands.certain & sure >> self._in_doubt)

    def _stratum(self, name: str, lifts: list[int]) -> _Stratum:
        heads = [Head(bit, (term,)) for lift in lifts for bit, term in self._does(lift)]
        network = Network(name, heads)
        said: dict[int, list[tuple[int, _Codes, _Codes, str]]] = {lift: [] for lift in lifts}
        for number, ruleset in enumerate(network.rulesets):
            for lift in lifts:
                standing, doubt, accepted = (_codes(ruleset, test(lift).prop) for test in (_stands, _doubted, _accepted))
                if any(text for text, _ in (*standing, *doubt, *accepted)):
                    said[lift].append((number, standing, doubt, accepted[TRUE][0]))
        policies = sorted({self._rules.rules[lift].provision.policy for lift in lifts})
        return _Stratum(sum(1 << lift for lift in lifts), tuple(policies), network, said)

    def _does(self, lift: int) -> Iterator[tuple[int, Term]]:
        """
        What a lift derives, and from which tests.

        It lifts surely where it stands, is not doubtful and is not in doubt itself, or where it is accepted. Where it stands otherwise,
        it lifts in doubt.
        """
        rule = self._rules.rules[lift]
        victims = [self._numbers[key] for key in rule.exempts]
        lifted = [self._requirements[name] for name in dict.fromkeys((*rule.satisfies, *rule.excuses))]
        doubts = [self._in_doubt + v for v in victims] + [self.doubtful + r for r in lifted]
        surely = [*victims, self.surely + lift, *(self.met + r for r in lifted)]
        surely += [self.excused + self._requirements[name] for name in rule.excuses]
        if rule.doubtful:
            yield from ((bit, (_accepted(lift),)) for bit in surely)
            yield from ((bit, (_stands(lift),)) for bit in doubts)
        elif self._doubtable >> lift & 1:
            clear = PropertyTest(_doubted(lift).prop, "!=", TRUE)
            yield from ((bit, (_stands(lift), clear)) for bit in surely)
            yield from ((bit, (_doubted(lift),)) for bit in doubts)
        else:
            yield from ((bit, (_stands(lift),)) for bit in surely)


def _stands(lift: int) -> PropertyTest:
    return PropertyTest(f"s{lift}", "!=", FALSE)


def _doubted(lift: int) -> PropertyTest:
    return PropertyTest(f"d{lift}", "!=", FALSE)


def _accepted(lift: int) -> PropertyTest:
    return PropertyTest(f"a{lift}", "!=", FALSE)


def _messages(stratum: _Stratum, lifts: int, stands: Masks, doubted: Masks, signed: int) -> list[Message]:
    """What the lifts that may stand say to each ruleset. Of a lift that is signed off, nothing else is said."""
    texts, unsure = [""] * len(stratum.network.rulesets), [0] * len(stratum.network.rulesets)
    certain, in_doubt, surely_in_doubt = stands.certain, doubted.possible, doubted.certain
    for lift in numbers(lifts):
        for ruleset, standing, doubt, accepted in stratum.said[lift]:
            if signed >> lift & 1:
                texts[ruleset] += accepted
                continue
            text, bits = standing[1 + (certain >> lift & 1)]
            more, other = doubt[(in_doubt >> lift & 1) + (surely_in_doubt >> lift & 1)]
            texts[ruleset] += text + more
            unsure[ruleset] |= bits | other
    return [(Written(text), bits) for text, bits in zip(texts, unsure, strict=True)]


def _codes(ruleset: Ruleset, prop: str) -> _Codes:
    tests = {test: 1 << number for test, number in ruleset.tests.items() if test.prop == prop}
    return tuple(
        (written(prop, code) if any(test.holds(code) for test in tests) else "", sum(tests.values()) if code == MAYBE else 0)
        for code in (FALSE, MAYBE, TRUE)
    )
