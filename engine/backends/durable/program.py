"""
Named conditions become networks; for an exchange, these give what is certain and what is possible of each name.

First come the conditions that all others wait for: whether a policy applies, and what is always asked. Then comes each group of which
a policy may apply: the definitions that only this group uses, then its rules. A rule of a policy that certainly does not apply does
not hold, for `applies` is a part of its condition. So a group is not asked where none of its policies may apply, and neither is a named
condition that holds only where one of them does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from engine.backends.durable.condition_lowering import APPLIES, ROOMY, Lowering, Terms, derived_head
from engine.backends.durable.covering_documents import DocumentReach
from engine.backends.durable.exchange_encoding import TestMeaning
from engine.backends.durable.messages import Messages, Telling, remember
from engine.backends.durable.network import Head, Network, PropertyTest
from engine.backends.durable.ruleset_listing import ListedRuleset, list_rulesets
from engine.backends.durable.value_answers import FALSE, TRUE
from engine.exchange import Exchange
from engine.rules import AS_OF, Condition, Defined, RuleSet

# The most terms of a group's first layer that is derived for all groups, because a ruleset of its own costs more.
FEW_TERMS = 10
DERIVED = 512  # messages of which a network keeps what it derived


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """
    Rules, by number, that are asked together where one of their policies may apply.

    `named` are conditions that nobody reads where the group is not asked.
    """

    name: str
    policies: tuple[str, ...]
    rules: Mapping[int, Condition]
    named: Mapping[str, Condition]

    def gates(self) -> list[Condition]:
        return [Defined(policy + APPLIES) for policy in self.policies]


@dataclass(slots=True)
class _Step:
    """A network with its number, the numbers of its rulesets, and what it derived from messages, by their digests."""

    network: Network
    number: int
    rulesets: range
    derived: dict[bytes, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Gated:
    policies: tuple[str, ...]
    gates: int
    steps: tuple[_Step, ...]


class Program:
    """
    The networks of some conditions. A set of conditions is an integer: bit n is rule n, and `bits` has the bit of each name.

    After `run`, how each of the `named` conditions reads is always known. The rules of a group that was not asked do not hold.
    """

    def __init__(self, rules: RuleSet, named: Mapping[str, Condition], groups: Sequence[RuleGroup] = ()) -> None:
        every = {**named, **{name: condition for group in groups for name, condition in group.named.items()}}
        conditions = [*every.values(), *(c for group in groups for c in group.rules.values())]
        self._lowering = lowering = Lowering(rules, conditions)
        numbers = {name: lowering.head(condition, ROOMY) for name, condition in every.items()}
        self.bits = {name: 1 << number for name, number in numbers.items()}
        gates = {group.name: {lowering.head(gate, ROOMY) for gate in group.gates()} for group in groups}
        terms = {group.name: {n: lowering.terms(c) for n, c in group.rules.items()} for group in groups}
        self._gates = frozenset().union(*gates.values())

        asked = {numbers[name] for name in named}
        waits = {name: {head for head in asked if self._waits(head, heads)} - self._gates for name, heads in gates.items()}
        # What a group names may also be asked of every exchange, under another name; then it waits for no group.
        always = self._below({*asked.difference(*waits.values()), *self._gates})
        waiting = {group.name: {numbers[name] for name in group.named} | waits[group.name] for group in groups}
        used = {name: self._below(_heads(terms[name].values()) | waiting[name]) - always for name in terms}
        shared = {head for heads in used.values() for head in heads if sum(head in other for other in used.values()) > 1}
        always |= self._below(shared)
        for name, heads in used.items():
            first = next(self._layers(self._tested(heads - always, terms[name])), {})
            if sum(map(len, first.values())) <= FEW_TERMS:
                always |= first.keys()
        # A condition that always holds is not asked.
        self._constant = sum(1 << head for head, alternatives in lowering.heads.items() if () in alternatives)
        self.networks: list[Network] = []
        self._always = self._steps("first", self._layers(always), {})
        self._groups = tuple(
            _Gated(
                group.policies,
                sum(1 << gate for gate in gates[group.name]),
                self._group(group.name, used[group.name] - always, terms[group.name]),
            )
            for group in groups
        )
        self._reach = DocumentReach(rules)
        self._messages = Messages(lowering.encoder, [network.rulesets for network in self.networks])

    def run(self, exchange: Exchange, as_of: date) -> tuple[int, int]:
        """The conditions that are certain and those that are possible, as bits."""
        telling = self._messages.read(self._reach.measured(exchange), as_of)
        certain = possible = self._constant
        for step in self._always:
            certain, possible = self._ask(step, telling, certain, possible)
        for group in self._groups:
            if possible & group.gates:
                for step in group.steps:
                    certain, possible = self._ask(step, telling, certain, possible)
        return certain, possible

    def listed(self, rules: Sequence[str]) -> list[ListedRuleset]:
        """The rulesets as a person reads them, in the order in which they are asked. `rules` are the keys of the rules by number."""
        names: dict[int, list[str]] = {number: [key] for number, key in enumerate(rules)}
        for number, keys in self._lowering.names().items():
            names.setdefault(number, []).extend(keys)
        for name, bit in self.bits.items():
            number = bit.bit_length() - 1
            if name not in names.setdefault(number, []):
                names[number].append(name)

        def named(head: int) -> list[str]:
            return names.get(head) or [f"p{head}"]

        def about(test: PropertyTest) -> TestMeaning | str:
            head = derived_head(test)
            if head is None:
                return self._lowering.encoder.meaning[test]
            return f"{'not ' if test.value == TRUE else ''}{named(head)[0]}"

        steps: list[tuple[tuple[str, ...], _Step]] = [((), step) for step in self._always]
        for group in self._groups:
            steps += [(group.policies, step) for step in group.steps]
        return [ruleset for policies, step in steps for ruleset in list_rulesets(step.network, policies, named, about)]

    def _ask(self, step: _Step, telling: Telling, certain: int, possible: int) -> tuple[int, int]:
        # What a network derives is a function of the codes that it is sent, so it is derived once.
        digest = self._messages.digest(step.number, telling, certain, possible)
        found = step.derived.get(digest)
        if found is None:
            messages = [self._messages.message(ruleset, telling, certain, possible) for ruleset in step.rulesets]
            found = remember(step.derived, digest, step.network.fire(messages), DERIVED)
        return certain | found[0], possible | found[1]

    def forget(self) -> None:
        """Forget what networks derived."""
        for step in self._all_steps():
            step.derived.clear()
            step.network.forget()

    def _all_steps(self) -> Iterator[_Step]:
        yield from self._always
        for group in self._groups:
            yield from group.steps

    def _below(self, heads: Iterable[int]) -> set[int]:
        """These heads and all heads that they rest on."""
        found: set[int] = set()
        todo = list(heads)
        while todo:
            head = todo.pop()
            if head not in found:
                found.add(head)
                todo += _heads([self._lowering.heads[head]])
        return found

    def _layers(self, heads: set[int]) -> Iterator[dict[int, Terms]]:
        """Heads in layers: each head rests only on earlier layers."""
        left = {head: self._lowering.heads[head] for head in sorted(heads) if () not in self._lowering.heads[head]}
        while left:
            layer = {head: terms for head, terms in left.items() if not _heads([terms]) & left.keys()}
            yield layer
            left = {head: terms for head, terms in left.items() if head not in layer}

    def _waits(self, head: int, gates: set[int]) -> bool:
        """Whether a head holds only where one of the gates does."""
        positive = [{derived_head(test) for test in term if test.value == FALSE} for term in self._lowering.heads[head]]
        return all(heads & gates for heads in positive)

    def _group(self, name: str, heads: set[int], rules: dict[int, Terms]) -> tuple[_Step, ...]:
        """The steps of a group. Heads on which nothing else rests are derived with the rules."""
        tested = self._tested(heads, rules)
        last = {head: self._lowering.heads[head] for head in sorted(heads - tested)}
        return self._steps(name, self._layers(tested), {**rules, **last})

    def _tested(self, heads: set[int], rules: Mapping[int, Terms]) -> set[int]:
        """Those of a group's heads on which another one or a rule rests."""
        return heads & _heads([*rules.values(), *(self._lowering.heads[head] for head in heads)])

    def _steps(self, name: str, layers: Iterable[dict[int, Terms]], last: Mapping[int, Terms]) -> tuple[_Step, ...]:
        steps = []
        for number, layer in enumerate([*layers, last]):
            if layer:
                heads = [Head(head, terms) for head, terms in layer.items()]
                first = sum(len(network.rulesets) for network in self.networks)
                self.networks.append(Network(f"{name}-{number}", heads, odds=self._odds))
                rulesets = range(first, first + len(self.networks[-1].rulesets))
                steps.append(_Step(self.networks[-1], len(self.networks) - 1, rulesets))
        return tuple(steps)

    def _odds(self, test: PropertyTest) -> float:
        """A guess how often a test holds: most policies do not apply, most denials hold, and the law is in force."""
        head = derived_head(test)
        if head in self._gates:
            return 0.05
        if head is None and self._lowering.encoder.meaning[test].atom.fact == AS_OF:
            return 0.95
        if test.op != "!=":
            return 0.5
        return 0.7 if test.value == TRUE else 0.3


def _heads(all_: Iterable[Terms]) -> set[int]:
    """The heads that some terms test."""
    return {head for terms in all_ for term in terms for test in term if (head := derived_head(test)) is not None}
