"""
Which rules are asked together: rules in, groups of jurisdictions out.

To ask a ruleset costs as much as to derive a dozen of its rules. So jurisdictions with few rules share rulesets. So do those that regulate
no territory, such as contracts, because nearly every exchange has to do with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from engine.backends.durable.program import RuleGroup
from engine.rules import Duty, Rule, RuleSet

FEW = 60  # the most rules of jurisdictions that share rulesets


def group_names(rules: RuleSet) -> dict[str, str]:
    """For each jurisdiction, the name of the group that it is in: the names of its jurisdictions."""
    size = Counter(rule.provision.jurisdiction for rule in rules.rules)
    territories = {floor.jurisdiction for floor in rules.floors}
    groups = [sorted(size.keys() - territories)]
    small: list[str] = []
    for name in sorted(size.keys() & territories):
        if size[name] > FEW:
            groups.append([name])
            continue
        if sum(size[other] for other in (*small, name)) > FEW:
            groups.append(small)
            small = []
        small.append(name)
    return {name: "+".join(group) for group in (*groups, small) for name in group}


def group_rules(rules: RuleSet) -> list[RuleGroup]:
    """The rules of each group, asked where one of its policies may apply, with whether their duties are done."""
    members: dict[str, list[int]] = {}
    group = group_names(rules)
    for number, rule in enumerate(rules.rules):
        members.setdefault(group[rule.provision.jurisdiction], []).append(number)
    return [
        RuleGroup(
            name,
            tuple(sorted({rules.rules[n].provision.policy for n in numbers})),
            {n: rules.rules[n].condition for n in numbers},
            {
                f"done {duty.key}": duty.done_when
                for n in numbers
                for duty in _duties(rules, rules.rules[n])
                if duty.done_when is not None
            },
        )
        for name, numbers in sorted(members.items())
    ]


def _duties(rules: RuleSet, rule: Rule) -> Iterator[Duty]:
    """The duties that may be owed where a rule stands: its own, and those of every way to meet what it requires."""
    yield from rule.duties
    for name in rule.need.requirements() if rule.need else ():
        yield from rules.requirements[name].duties
        for ground in rules.rules:
            if name in ground.satisfies:
                yield from ground.duties
