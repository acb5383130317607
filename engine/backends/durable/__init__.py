"""
The durable back end: durable-rules infers, over interned codes.

Facts go in as codes and places among cuts (`encode`), atoms, definitions, rules and standing exempters chain as derived facts
through layered rulesets (`program`, `network`), and requirements, duties and the outcome follow from what was inferred
(`outcome`). It shares nothing with the reference but the checked rules. Source: semantics 5.1, 5.3.
"""

from __future__ import annotations

from datetime import date

from engine.backends.durable.network import EngineUnavailable, NetworkError
from engine.backends.durable.outcome import Strata
from engine.backends.durable.program import Program
from engine.exchange import Exchange
from engine.rules import All, AnyOf, Condition, Defined, Not, Rule, RuleSet, Truth
from engine.verdict import Masks, Verdict

__all__ = ["Durable", "EngineUnavailable", "NetworkError"]


class Durable:
    """The durable back end for one rule set."""

    name = "durable"

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self._duties = rules.duties()
        self._program = Program(rules, _named(rules))

    def evaluate(self, exchange: Exchange, as_of: date) -> Verdict:
        """The verdict on one exchange under the law of one day. Raises NetworkError where durable-rules fails."""
        truths = self._program.run(exchange, as_of)
        strata = Strata(self.rules, self._duties, exchange, as_of, truths)
        jurisdictions = strata.jurisdictions()
        return Verdict(
            rules=self.rules.rules,
            holds=self._about("holds", truths),
            stands=self._about("stands", truths),
            doubted=self._about("doubted", truths),
            requirements=strata.states,
            owed=strata.owed,
            overdue={key: strata.overdue[key] for key in strata.owed},
            defined={key: truths[key] for key in self.rules.definitions},
            jurisdictions=jurisdictions,
            beneath=strata.beneath,
        )

    def _about(self, what: str, truths: dict[str, Truth]) -> Masks:
        return Masks.of(truths[f"{what} {rule.key}"] for rule in self.rules.rules)

    def rulesets(self) -> list[dict[str, object]]:
        """The rulesets as they are given to durable-rules, by layer."""
        return list(self._program.definition())


def _named(rules: RuleSet) -> dict[str, Condition]:
    """
    Every condition durable-rules infers, in an order in which each uses only earlier ones.

    A rule `stands` where it `holds` and no exempter `surely` lifts it; an exempter lifts `surely` where it stands, is not
    doubtful and is not itself lifted in doubt; `unsurely` is the rest of its standing (semantics 3.3, 3.7).
    """
    named: dict[str, Condition] = dict(rules.definitions)
    named |= {f"holds {rule.key}": rule.condition for rule in rules.rules}
    exempters: dict[str, list[Rule]] = {}
    for rule in rules.rules:
        for victim in rule.exempts:
            exempters.setdefault(victim, []).append(rule)
    for rule in rules.rules:
        by = exempters.get(rule.key, [])
        stands = All((Defined(f"holds {rule.key}"), *(Not(Defined(f"surely {e.key}")) for e in by)))
        named[f"stands {rule.key}"] = stands
        doubted = All((Defined(f"stands {rule.key}"), AnyOf(tuple(Defined(f"unsurely {e.key}") for e in by))))
        named[f"doubted {rule.key}"] = doubted
        if rule.doubtful:
            named[f"surely {rule.key}"] = AnyOf(())
            named[f"unsurely {rule.key}"] = Defined(f"stands {rule.key}")
        else:
            named[f"surely {rule.key}"] = All((Defined(f"stands {rule.key}"), Not(Defined(f"doubted {rule.key}"))))
            named[f"unsurely {rule.key}"] = Defined(f"doubted {rule.key}")
    for name in rules.requirements:
        lifters = [r for r in rules.rules if name in r.satisfies or name in r.excuses]
        named[f"sure {name}"] = AnyOf(tuple(Defined(f"surely {r.key}") for r in lifters))
        named[f"doubt {name}"] = AnyOf(tuple(Defined(f"unsurely {r.key}") for r in lifters))
        named[f"excused {name}"] = AnyOf(tuple(Defined(f"surely {r.key}") for r in lifters if name in r.excuses))
    named |= {f"floor {floor.policy}": floor.condition for floor in rules.floors}
    named |= {f"done {duty.key}": duty.done_when for duty in rules.duties().values() if duty.done_when is not None}
    return named
