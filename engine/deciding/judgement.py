"""
A judgement: each engine's verdict on an exchange, and the outcome that they give, before any sentence is written.

A judgement is made once for an exchange and a day (`pdp.PDP.judge`). Everything else is read from it: whether the exchange may proceed,
which provisions may be signed off, what the exchange adds to counters, and what the decision says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from engine.deciding.carried_conditions import Carried
from engine.deciding.combine import Outcome
from engine.deciding.sign_off_scope import Approval, Unsignable, needed_for_certainty, why_not
from engine.decision import EnginePart, SignedOffPart
from engine.exchange import Exchange
from engine.rules import Rule, RuleSet, Truth
from engine.values import Missing
from engine.values.outcome_levels import Bounds, Level
from engine.verdict import ConditionReading, Verdict, numbers

WEIGHING = frozenset({"prohibit", "require", "oblige", "review", "compels"})
LIFTING = frozenset({"satisfies", "exempts", "allows", "doubts"})
BEARING = WEIGHING | LIFTING


class Laws:
    """
    The policies of some rules: their names, whose law each is, the definitions that say whether each applies, and the rules of each as
    bits.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        of_policy: dict[str, int] = {}
        for number, rule in enumerate(rules):
            of_policy[rule.provision.policy] = of_policy.get(rule.provision.policy, 0) | 1 << number
        self.places = {rule.provision.policy: rule.provision.jurisdiction for rule in rules}
        self.names = tuple(self.places)
        self.applying = tuple(f"{policy}#applies" for policy in self.names)
        self.rules = tuple(of_policy[policy] for policy in self.names)


@dataclass(frozen=True, kw_only=True)  # without slots: cached properties need the instance's dictionary
class Judgement:
    """
    An exchange, judged under the law of one day.

    `signed` are the approvals that were given and have not ended by `as_of`; `signed_off` are those that the verdict rests on. `verdicts`
    has the engines' names as keys, in the order of the mode; an engine that failed has no verdict, and `engine` says so. `own` is the
    outcome without the conditions that came with the data, `outcome` is the outcome with them. `came` are the conditions from earlier
    legs of a plan; `carried` are these and then those that the sender stated. `beneath` are the bounds without the reviews that a person
    may sign off (semantics 4.6). `signable` are the provisions that a person may sign off, those signed off included; it is empty where
    the engines disagree. `laws` are the policies that decided. `open` is the outcome with the facts open that the register disputes, None
    where it disputes none. `open_facts` are the facts to find out where `asked_on` is open, the best to ask for first, each with the
    values that say too little; `asked_elsewhere` is the one that tells of most law elsewhere, "" where none does.
    """

    exchange: Exchange
    as_of: date
    signed: tuple[Approval, ...]
    verdicts: Mapping[str, Verdict]
    engine: EnginePart
    own: Outcome
    outcome: Outcome
    beneath: Bounds
    came: tuple[Carried, ...]
    carried: tuple[Carried, ...]
    signed_off: tuple[SignedOffPart, ...]
    signable: tuple[str, ...]
    laws: Laws
    open: Outcome | None = None
    open_facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    asked_elsewhere: str = ""

    def asking(self, facts: Mapping[str, tuple[str, ...]], elsewhere: str) -> Judgement:
        """The same judgement with the facts to find out; what was worked out from it stays."""
        found = copy(self)
        found.__dict__.update(open_facts=facts, asked_elsewhere=elsewhere)
        return found

    @cached_property
    def verdict(self) -> Verdict:
        """The first engine's verdict; everything that needs one verdict is read from this one."""
        return next(iter(self.verdicts.values()))

    @cached_property
    def may_stand(self) -> tuple[int, ...]:
        """The numbers of the rules that stand or may stand; numbers in rising order, as in `stand`."""
        return tuple(numbers(self.verdict.stands.possible))

    @cached_property
    def stand(self) -> tuple[int, ...]:
        """The numbers of the rules that stand for certain."""
        possible, certain = self.verdict.stands
        return self.may_stand if possible == certain else tuple(numbers(certain))

    @cached_property
    def applies(self) -> Sequence[Truth]:
        """Whether each policy applies, in the order of `laws`."""
        return self.verdict.defined.several(self.laws.applying)

    @cached_property
    def concerned(self) -> tuple[str, ...]:
        """
        The jurisdictions whose law is told first (semantics 4.8): those of the places that the exchange names, by their roles, then those
        of which a policy certainly applies.
        """
        found, stands = self.outcome.jurisdictions, self.verdict.stands.possible
        named = (name for name in self.outcome.coverage.named if name in found)
        weighing = (name for name, bounds in found.items() if bounds.low is not Level.NOT_APPLICABLE)
        policies = zip(self.applies, self.laws.rules, self.laws.places.values(), strict=True)
        applying = (name for truth, rules, name in policies if truth is Truth.YES and rules & stands and name in found)
        others = sorted({*weighing, *applying}, key=lambda name: (-found[name].high, name))
        return tuple(dict.fromkeys((*named, *others)))

    @cached_property
    def elsewhere(self) -> frozenset[str]:
        """The jurisdictions that only facts which are not given could bring in."""
        return frozenset(self.outcome.jurisdictions).difference(self.concerned)

    @property
    def reading(self) -> ConditionReading:
        """The truth values of tests on the exchange."""
        reading = self.verdict.truth
        assert reading is not None
        return reading

    @property
    def by_dispute(self) -> bool:
        """Whether the outcome is decided only because the register says something else than the sender (semantics 1.8)."""
        return self.open is not None and self.open.open and not self.outcome.open

    @property
    def asked_on(self) -> Bounds:
        """The bounds that questions are to move: those beneath, where nothing but reviews that a person may sign off stands above them."""
        bounds, beneath = self.outcome.bounds, self.beneath
        return beneath if bounds.low is Level.REVIEW and beneath.low < Level.REVIEW else bounds

    @property
    def may_review(self) -> tuple[str, ...]:
        """Beside an outcome that is stricter than a review: what only may ask for one, by provision, and law that may not speak."""
        if self.outcome.bounds.low <= Level.REVIEW:
            return ()
        possible, certain = self.verdict.stands
        rules = (self.verdict.rules[number] for number in numbers(possible & ~certain))
        silent = (each for each in self.outcome.coverage.silences if not each.certain)
        names = (f"{each.place}/{each.subject}" for each in silent)
        return (*dict.fromkeys(rule.provision.id for rule in rules if rule.effect == "review"), *names)

    @property
    def waits(self) -> bool:
        """
        Whether the exchange waits for a person: what she may sign off keeps it from going ahead, and no fact is left to be asked first.

        A fact of which the sender says that it is unknown is asked no more (semantics 4.5).
        """
        if self.outcome.word != Level.REVIEW.word:
            return False
        return all(self.exchange.value(fact) is Missing.UNKNOWN for fact in self.open_facts)

    @property
    def agreed(self) -> bool:
        """Whether every engine answered, and all gave the same answer."""
        return self.engine.agreed

    @property
    def provisions(self) -> tuple[str, ...]:
        """The ids of the provisions that stand for certain and weigh or lift, in the order of the rules."""
        rules = self.verdict.rules
        standing = map(rules.__getitem__, self.stand)
        return tuple(dict.fromkeys([rule.provision.id for rule in standing if rule.effect in BEARING]))

    @property
    def requirements(self) -> dict[str, str]:
        """The states of what the rules that stand for certain ask for, such as `met` or `met or unmet`, by requirement."""
        verdict = self.verdict
        standing = (verdict.rules[number] for number in self.stand)
        names = dict.fromkeys(name for rule in standing if rule.need for name in rule.need.requirements())
        return {name: " or ".join(sorted(state.name.lower() for state in verdict.requirements[name])) for name in names}

    def proceeds(self, today: date) -> bool:
        """Whether the exchange may proceed: it is permitted, and it was judged under the law of `today`."""
        return self.outcome.permits and self.as_of == today

    def unsignable(self, provision: str) -> Unsignable | None:
        """The reason why nobody may sign off a provision; None where a person may."""
        if not self.agreed:
            return "disagreement"
        return None if provision in self.signable else why_not(self.verdict, self.own.coverage, provision)

    def awaited(self, rules: RuleSet, provision: str) -> tuple[str, ...]:
        """The facts and documents still needed before the provision certainly applies; `rules` are those that judged."""
        return needed_for_certainty(rules, self.verdict, self.reading, self.exchange, provision)
