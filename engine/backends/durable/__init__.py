"""
The durable back end: durable-rules infers, over interned codes.

Facts go in as codes and places among cuts (`exchange_encoding`, `messages`). Conditions over them become rulesets (`condition_lowering`,
`program`, `network`). Definitions chain as derived facts, and so do standing exempters (`standing`). Requirements, duties and the outcome
follow from what was inferred (`outcome`). It shares only the checked rules with the reference. Source: semantics 5.1, 5.3.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from datetime import date

from engine.backends.durable.network import EngineUnavailable, NetworkError, load_engine
from engine.backends.durable.outcome import DurableStrata
from engine.backends.durable.program import Program
from engine.backends.durable.rule_groups import group_rules
from engine.backends.durable.ruleset_listing import ListedRuleset
from engine.backends.durable.standing import ExemptionStrata
from engine.backends.durable.strata_tables import StrataTables
from engine.exchange import Exchange
from engine.rules import Condition, Defined, RuleSet, Truth
from engine.verdict import NONE_SIGNED, Definitions, Masks, Verdict

__all__ = ["Durable", "EngineUnavailable", "NetworkError", "load_engine"]

try:
    load_engine()
except EngineUnavailable as _unavailable:  # the mode `bitset` decides without it
    warnings.warn(str(_unavailable), RuntimeWarning, stacklevel=2)

ASKED = (
    "touch/",
    "subject/",
    "speaks/",
    "not-reached/",
    "accepted/",
    "free/",
    "under/",
)  # definitions that every decision reads


class Durable:
    """The durable back end for one rule set."""

    name = "durable"

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self._all = (1 << len(rules.rules)) - 1
        # What a condition that came with the data tests is asked as well: else a plan would need the networks of every definition.
        asked = {key for key in rules.definitions if key.startswith(ASKED)}
        asked |= {rule.travels.when for rule in rules.rules if rule.travels and rule.travels.when}
        named: dict[str, Condition] = {key: Defined(key) for key in rules.definitions if key in asked}
        named |= {key: Defined(key) for floor in rules.floors for each in floor.spoken for key in each.by}
        self._program = Program(rules, named, group_rules(rules))
        self._standing = ExemptionStrata(rules)
        bits = self._program.bits
        self.asked = {key: bits[key] for key in rules.definitions if key in asked}
        done = {name.removeprefix("done "): bit for name, bit in bits.items() if name.startswith("done ")}
        self._tables = StrataTables(rules, self._standing, done, bits)
        self._definitions: Program | None = None
        self._numbers: dict[str, int] = {}  # the rules of each provision, as bits
        for number, rule in enumerate(rules.rules):
            self._numbers[rule.provision.id] = self._numbers.get(rule.provision.id, 0) | 1 << number

    def evaluate(self, exchange: Exchange, as_of: date, signed: frozenset[str] = NONE_SIGNED) -> Verdict:
        """The verdict on one exchange under the law of one day. Raises NetworkError where durable-rules fails."""
        certain, possible = self._program.run(exchange, as_of)
        holds = Masks(possible & self._all, certain & self._all)
        accepted = sum(self._numbers.get(provision, 0) for provision in signed)
        stood = self._standing.run(holds.certain, holds.possible, accepted)
        strata = DurableStrata(self._tables, exchange, as_of, stood, certain, possible, accepted, signed)
        jurisdictions = strata.jurisdictions()
        beneath = strata.beneath
        if reaching := stood.stands.certain & self._standing.doubting & ~accepted:  # beneath, the law reaches (4.3)
            other = self._standing.run(holds.certain, holds.possible, accepted | reaching)
            beneath_it = DurableStrata(self._tables, exchange, as_of, other, certain, possible, accepted | reaching, signed)
            beneath_it.jurisdictions()
            beneath = beneath_it.beneath
        return Verdict(
            rules=self.rules.rules,
            holds=holds,
            stands=stood.stands,
            doubted=stood.doubted,
            requirements=strata.states,
            owed=strata.owed,
            overdue={key: strata.overdue[key] for key in strata.owed},
            defined=DurableDefinitions(self, exchange, as_of, certain, possible),
            jurisdictions=jurisdictions,
            beneath=beneath,
        )

    def set_up(self) -> None:
        """Make what durable-rules would make with the first message to each ruleset."""
        for network in (*self._program.networks, *self._standing.networks):
            network.set_up()

    def forget(self) -> None:
        """Forget what earlier exchanges made the networks derive; for measurements."""
        self._program.forget()
        for network in self._standing.networks:
            network.forget()

    def rulesets(self) -> list[ListedRuleset]:
        """Every ruleset of durable-rules as a person reads it, in the order in which they are asked."""
        return [*self._program.listed([rule.key for rule in self.rules.rules]), *self._standing.listed()]

    def definitions(self, exchange: Exchange, as_of: date) -> dict[str, Truth]:
        """
        How every definition reads on one exchange.

        Most definitions are needed only for explanations and tests, and many belong to a group of policies that is not always asked. So
        their networks are made when they are first needed.
        """
        if self._definitions is None:
            self._definitions = Program(self.rules, {key: Defined(key) for key in self.rules.definitions})
        certain, possible = self._definitions.run(exchange, as_of)
        return {key: _truth(bit, certain, possible) for key, bit in self._definitions.bits.items()}


class DurableDefinitions(Definitions):
    """How definitions read on one exchange: some are always known, the others are worked out when one of them is first read."""

    def __init__(self, engine: Durable, exchange: Exchange, as_of: date, certain: int, possible: int) -> None:
        self._engine = engine
        self._exchange, self._as_of = exchange, as_of
        self._derived = certain, possible
        self._found: dict[str, Truth] | None = None

    def __getitem__(self, key: str) -> Truth:
        if self._found is None:
            if bit := self._engine.asked.get(key):
                return _truth(bit, *self._derived)
            self._found = self._engine.definitions(self._exchange, self._as_of)
        return self._found[key]

    def several(self, keys: Sequence[str]) -> list[Truth]:
        bits, (certain, possible) = self._engine.asked, self._derived
        if self._found is None and all(key in bits for key in keys):
            return [_truth(bits[key], certain, possible) for key in keys]
        return super().several(keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._engine.rules.definitions)

    def __len__(self) -> int:
        return len(self._engine.rules.definitions)


def _truth(bit: int, certain: int, possible: int) -> Truth:
    return Truth.YES if certain & bit else Truth.UNKNOWN if possible & bit else Truth.NO
