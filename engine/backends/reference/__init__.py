"""
The meaning of the language, to be read beside the semantics, whose numbers it cites.

An exchange and a day go in, a verdict comes out. Each part takes what the parts before it found, and returns what it finds:

    2  `three_values`      how each test, each condition and each definition reads
    3  `standing_rules`    which rules stand, which requirements are met, which duties are owed
    4  `levels`            what each rule raises, and so the bounds of each jurisdiction

It is slow and plain on purpose. It shares only the checked rules with the other back ends; where they differ, this one is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache

from engine.backends.reference.levels import RuleWeight, by_jurisdiction, certain_review, permits
from engine.backends.reference.standing_rules import NeedStanding, RuleLinks, meet, merge_duties, progress, stand
from engine.backends.reference.three_values import YES, KnownFacts, RuleSetReading, define
from engine.exchange import Exchange
from engine.rules import Condition, RuleSet, Truth, definitions_named
from engine.verdict import NONE_SIGNED, Masks, ReadDefinitions, Verdict


class Reference:
    """The reference back end for one rule set."""

    name = "reference"

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self.links = RuleLinks.of(rules)
        self.conditions = {rule.key: rule.condition for rule in rules.rules}
        # A service asks for the definitions of the same few counters again and again.
        self._with_used = lru_cache(maxsize=64)(self._using)

    def evaluate(self, exchange: Exchange, as_of: date, signed: frozenset[str] = NONE_SIGNED) -> Verdict:
        """The verdict on one exchange under the law of one day, with some provisions signed off."""
        known = KnownFacts(self.rules, exchange, as_of)
        reads = RuleSetReading(self.rules, known.test, define(self.rules.definitions, known.test))
        holds = {key: reads(condition) for key, condition in self.conditions.items()}  # 3.1
        return self.follows(known, reads, holds, signed)

    def defined(self, exchange: Exchange, as_of: date, keys: Iterable[str]) -> dict[str, Truth]:
        """How some definitions read on one exchange, and those that they use."""
        return define(self._with_used(frozenset(keys)), KnownFacts(self.rules, exchange, as_of).test)

    def _using(self, keys: frozenset[str]) -> dict[str, Condition]:
        """Some definitions and those that they use, in order."""
        used = set(keys)
        for key in reversed(self.rules.definitions):  # each uses only earlier ones
            if key in used:
                used.update(definitions_named(self.rules.definitions[key]))
        return {key: condition for key, condition in self.rules.definitions.items() if key in used}

    def follows(
        self, known: KnownFacts, reads: RuleSetReading, holds: Mapping[str, Truth], signed: frozenset[str] = NONE_SIGNED
    ) -> Verdict:
        """The verdict that follows from how conditions read and which rules hold."""
        rules, duties = self.rules.rules, self.links.duties
        standing = stand(rules, self.links, holds, signed)
        requirements = meet(self.rules.requirements, self.links, standing)
        done = {key: progress(duty, known, reads) for key, duty in duties.items()}
        reliance = NeedStanding(self.rules, self.links, known.exchange.relies_on, standing, requirements, done)
        weight = RuleWeight(standing, reliance, duties, done)
        raised = {rule.key: weight.of(rule) for rule in rules}
        owing = merge_duties(each.owing for each in raised.values())
        # 4.3: beneath, a law whose reach is certainly in doubt is read as if it reached.
        reaching = {rule.provision.id for rule in rules if rule.effect == "doubts" and standing[rule.key].stands is YES}
        floors = [(each, permits(each, reads.defined, known.as_of, signed)) for each in self.rules.floors]
        return Verdict(
            rules=rules,
            holds=Masks.of(holds[rule.key] for rule in rules),
            stands=Masks.of(standing[rule.key].stands for rule in rules),
            doubted=Masks.of(standing[rule.key].doubted for rule in rules),
            requirements=requirements,
            owed=owing,
            overdue={key: done[key].overdue for key in owing},
            defined=ReadDefinitions(reads.defined),
            # 4.6: the bounds leave out the certain reviews that a person has signed off, `beneath` leaves out every certain review.
            jurisdictions=by_jurisdiction(
                rules, raised, floors, lambda rule: rule.provision.id in signed and certain_review(rule, standing)
            ),
            beneath=(
                by_jurisdiction(rules, raised, floors, lambda rule: certain_review(rule, standing))
                if reaching <= signed
                else self.follows(known, reads, holds, signed | reaching).beneath
            ),
            truth=reads,
        )
