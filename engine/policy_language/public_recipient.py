"""
The rules for an exchange whose recipient is the public: every party and every country (semantics 1.2).

Checked rules go in, and the same rules come out with their tests of the recipient answered: a test that raises is yes, since it is yes of
some recipient, and one that lifts is no, since it is not yes of all. Below this line no engine knows of the public. Facts that stay open
keep their tests, and nobody states such a fact.

A rule stands only where its policy applies. So a rule that lifts nothing but what its own policy raises reads `applies` as the others do:
whoever the recipient is of whom it would not hold, of her there is nothing to lift. What would read one way where a rule stands and another
way where it does not (`otherwise:`, the duties of a ground) stays open.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from enum import Enum

from engine.rules import ALWAYS, All, AnyOf, Atom, Condition, Defined, Duty, Not, Rule, RuleSet
from engine.values.multilingual import Words

TITLES = {
    "the public": Words("the public: any party, anywhere", "公众：任何地方的任何主体"),
    "worldwide": Words("worldwide: any party, anywhere", "全球：任何地方的任何主体"),
}
EVERYONE = tuple(TITLES)  # what an exchange may state in place of the facts of a recipient
NEVER = AnyOf(())
LIFTING = frozenset({"satisfies", "allows", "advise", "doubts"})
OF_ALL = "!all"


class RecipientUse(Enum):
    """How a test of the recipient reads; the value is what the key of a definition that reads so ends in."""

    ANY = ""  # it raises
    ALL = OF_ALL  # it lifts
    EITHER = "!either"

    @property
    def negated(self) -> RecipientUse:
        return {RecipientUse.ANY: RecipientUse.ALL, RecipientUse.ALL: RecipientUse.ANY}.get(self, self)


def for_everyone(rules: RuleSet, recipient: str, left_open: Collection[str]) -> RuleSet:
    """
    The rules with their tests of the recipient answered, but for those of facts that are `left_open`.

    `recipient` is the group of her facts.

    Rules keep their numbers and definitions their keys. A definition that reads otherwise where it lifts has another one beside it, whose
    key ends in `!all`.
    """
    return _Answered(rules, f"{recipient}.", left_open).rule_set()


class _Answered:
    def __init__(self, rules: RuleSet, about: str, left_open: Collection[str]) -> None:
        self.rules = rules
        self.about = about
        self.left_open = left_open
        self.definitions: dict[str, Condition] = {}
        self.known: dict[tuple[str, RecipientUse], Condition] = {}
        self.silencing = {key for rule in rules.rules for key in rule.otherwise}
        self.policy_of = {rule.key: rule.provision.policy for rule in rules.rules}
        self.asking: dict[str, set[str]] = {}  # the policies that require something, by requirement
        for rule in rules.rules:
            for name in rule.need.requirements() if rule.need else ():
                self.asking.setdefault(name, set()).add(rule.provision.policy)

    def rule_set(self) -> RuleSet:
        for key in self.rules.definitions:
            self.define(key, RecipientUse.ANY)
        for key in dict.fromkeys(key for floor in self.rules.floors for spoken in floor.spoken for key in spoken.by):
            self.define(key, RecipientUse.ALL)  # read where it counts that law is silent on nobody
        answered = tuple(self.rule(rule) for rule in self.rules.rules)
        requirements = {name: replace(each, duties=self.duties(each.duties)) for name, each in self.rules.requirements.items()}
        return replace(self.rules, definitions=self.definitions, rules=answered, requirements=requirements)

    def rule(self, rule: Rule) -> Rule:
        use = RecipientUse.ALL if rule.effect in LIFTING or rule.lifts else RecipientUse.ANY
        late = rule.effect == "satisfies" and any(duty.due for duty in rule.duties)
        if rule.key in self.silencing or late:
            use = RecipientUse.EITHER
        applies = Defined(f"{rule.provision.policy}#applies")
        own = use is RecipientUse.ALL and (rule.effect == "advise" or self.lifts_its_own(rule))
        parts = rule.condition.parts if isinstance(rule.condition, All) else (rule.condition,)
        condition = _all(self.condition(part, RecipientUse.ANY if own and part == applies else use) for part in parts)
        return replace(rule, condition=condition, duties=self.duties(rule.duties))

    def lifts_its_own(self, rule: Rule) -> bool:
        """Whether all that a rule can lift is raised by its own policy."""
        policies = {self.policy_of[key] for key in rule.exempts}
        for name in (*rule.excuses, *rule.satisfies):
            policies |= self.asking.get(name, set())
        return policies <= {rule.provision.policy}

    def duties(self, duties: Iterable[Duty]) -> tuple[Duty, ...]:
        return tuple(
            replace(each, done_when=self.condition(each.done_when, RecipientUse.ALL)) if each.done_when is not None else each
            for each in duties
        )

    def condition(self, condition: Condition, use: RecipientUse) -> Condition:
        match condition:
            case Atom():
                return self.test(condition, use)
            case Defined(key=key):
                return self.define(key, use)
            case Not(part=part):
                inner = self.condition(part, use.negated)
                return NEVER if inner == ALWAYS else ALWAYS if inner == NEVER else Not(inner)
            case All(parts=parts):
                return _all(self.condition(part, use) for part in parts)
            case AnyOf(parts=parts):
                return _any(self.condition(part, use) for part in parts)

    def test(self, atom: Atom, use: RecipientUse) -> Condition:
        about = [fact for fact in (atom.fact, atom.other) if fact.startswith(self.about)]
        if not about or use is RecipientUse.EITHER or any(fact in self.left_open for fact in about):
            return atom
        return ALWAYS if use is RecipientUse.ANY else NEVER

    def define(self, key: str, use: RecipientUse) -> Condition:
        """A definition as it reads in a use; what is certain of it whatever the facts are stands in its place."""
        if key.startswith(("accepted/", "not-reached/")) or key.endswith("#travels"):
            use = RecipientUse.ALL  # these only lift
        if (key, use) not in self.known:
            found = self.condition(self.rules.definitions[key], use)
            name = key if key not in self.definitions else f"{key}{use.value}"
            if name != key and found == self.definitions[key]:
                name = key  # it reads alike in both uses
            self.definitions[name] = found
            self.known[key, use] = found if found in (ALWAYS, NEVER) else Defined(name)
        return self.known[key, use]


def _all(parts: Iterable[Condition]) -> Condition:
    kept = tuple(part for part in parts if part != ALWAYS)
    return NEVER if NEVER in kept else kept[0] if len(kept) == 1 else All(kept)


def _any(parts: Iterable[Condition]) -> Condition:
    kept = tuple(part for part in parts if part != NEVER)
    return ALWAYS if ALWAYS in kept else kept[0] if len(kept) == 1 else AnyOf(kept)
