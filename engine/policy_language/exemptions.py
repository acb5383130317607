"""
Which rule exempts which: resolve the names, refuse cycles and other jurisdictions, and put each rule after those that exempt it.

An exemption from a rule that raises the outcome lifts. An exemption from a ground, or from an exemption that lifts, raises. Evidence
that is not shown reads differently in the two cases (semantics 2.2), so a provision that does both becomes two exempting rules.
Source: semantics 3.2, 3.3.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from engine.policy_language.diagnostic import Findings, did_you_mean
from engine.policy_language.document_text import Window
from engine.policy_language.policy_text import PolicyText, RuleText
from engine.policy_language.tree import Mapping as MappingNode
from engine.policy_language.tree import Scalar
from engine.policy_language.tree import Sequence as ListNode
from engine.policy_language.vocabulary_text import RequirementText
from engine.rules import MAX_CHAIN, Rule

Period: TypeAlias = tuple[date, date]  # first and last day


@dataclass(frozen=True, slots=True)
class WrittenRule:
    """A rule as written, with its policy and tree. `order` is policy id, then position."""

    id: str
    policy: PolicyText
    text: RuleText
    node: MappingNode
    order: tuple[str, int]


@dataclass(frozen=True, slots=True)
class Lift:
    """One way in which a provision exempts: `lifts` says whether it makes the outcome milder."""

    key: str
    lifts: bool
    rules: tuple[str, ...]
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LoweredRule:
    """A lowered rule that has no number yet."""

    rule: Rule
    order: tuple[str, int]
    provision: str


def resolve_exemptions(
    written: Mapping[str, WrittenRule], requirements: Mapping[str, RequirementText], unread: Collection[str], findings: Findings
) -> dict[str, tuple[Lift, ...]]:
    """The exempting rules of each provision, keyed by provision id. `unread` are policies that could not be read."""
    victims = {
        name: _victims(rule, written, requirements, unread, findings) for name, rule in written.items() if rule.text.exempts
    }
    resolving = _Resolving(written, victims, findings)
    for name in victims:
        resolving.resolve(name)
    return resolving.lifts


@dataclass(slots=True)
class _Resolving:
    """
    Finds the exempting rules of provisions, those of their victims first. `lifts` has what was found.

    `length` is the length of the longest chain of exemptions that begins at each rule.
    """

    written: Mapping[str, WrittenRule]
    victims: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]
    findings: Findings
    lifts: dict[str, tuple[Lift, ...]] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    length: dict[str, int] = field(default_factory=dict)

    def too_long(self, name: str) -> tuple[Lift, ...]:
        at = self.written[name].node.key("exempts") or self.written[name].node
        said = f"`{name}` is part of a chain of more than {MAX_CHAIN} rules that exempt one another"
        self.findings.error(at.span, "too-deep", said, help="exempt the rule that you mean directly")
        return ()

    def resolve(self, name: str) -> tuple[Lift, ...]:
        """The exempting rules of a provision."""
        if name in self.lifts or name not in self.victims:
            return self.lifts.get(name, ())
        if name in self.open:
            circle = " → ".join([*self.open[self.open.index(name) :], name])
            at = self.written[name].node.key("exempts")
            self.findings.error(
                at.span if at else self.written[name].node.span,
                "cycle",
                f"these rules exempt one another: {circle}",
                help="break the circle",
            )
            return ()
        if len(self.open) > MAX_CHAIN:
            return self.too_long(name)
        self.open.append(name)
        milder: list[str] = []
        stricter: list[str] = []
        rules, excused = self.victims[name]
        for victim in rules:
            text = self.written[victim].text
            if _has_effect(text):
                (stricter if text.satisfies is not None else milder).append(victim)
            for lift in self.resolve(victim):
                (stricter if lift.lifts else milder).append(lift.key)
        self.open.pop()
        self.length[name] = 1 + max((self.length.get(victim, 0) for victim in rules), default=0)
        if self.length[name] == MAX_CHAIN + 1:
            self.too_long(name)
        found = []
        if milder or excused:
            found.append(Lift(f"{name}~lifts", True, tuple(milder), excused))
        if stricter:
            found.append(Lift(f"{name}~restores", False, tuple(stricter), ()))
        self.lifts[name] = tuple(found)
        return self.lifts[name]


def _has_effect(text: RuleText) -> bool:
    return any(
        getattr(text, e) is not None
        for e in ("prohibit", "require", "satisfies", "oblige", "review", "advise", "compels", "allows")
    )


def _victims(
    rule: WrittenRule,
    written: Mapping[str, WrittenRule],
    requirements: Mapping[str, RequirementText],
    unread: Collection[str],
    findings: Findings,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Rule ids and requirement ids that `exempts` names."""
    node = rule.node.get("exempts")
    rules: list[str] = []
    excused: list[str] = []
    for scalar in node.items if isinstance(node, ListNode) else ():
        if not isinstance(scalar, Scalar):
            continue
        name = scalar.text if "/" in scalar.text else f"{rule.policy.policy}/{scalar.text}"
        if name in written:
            rules.append(name)
            owner = written[name].policy.jurisdiction
            if (mine := periods(rule)) and (theirs := periods(written[name])) and not _meet(mine, theirs):
                findings.error(
                    scalar.span,
                    "never-together",
                    f"`{scalar.text}` is in force {_spelt(theirs)}, but `{rule.text.id}` {_spelt(mine)}",
                    "never in force together",
                    "both must be in force on some day; correct `in_force`, or drop the exemption",
                )
        elif scalar.text in requirements:
            excused.append(scalar.text)
            owner = requirements[scalar.text].jurisdiction
        else:
            if name.partition("/")[0] not in unread:
                local = [known.removeprefix(f"{rule.policy.policy}/") for known in written]
                message = f"`{scalar.text}` is neither a rule nor a requirement"
                help = did_you_mean(scalar.text, [*local, *requirements])
                findings.error(scalar.span, "unknown-rule", message, "nothing to exempt", help)
            continue
        if owner != rule.policy.jurisdiction:
            findings.error(
                scalar.span,
                "other-jurisdiction",
                f"`{scalar.text}` belongs to {owner}",
                help="exempt only from what belongs to the same jurisdiction",
            )
    return tuple(rules), tuple(excused)


def periods(written: WrittenRule) -> tuple[Period, ...]:
    """The periods in which a rule and its policy are both in force, both ends inclusive."""
    own = _listed(written.text.in_force)
    return tuple((max(a, c), min(b, d)) for a, b in _listed(written.policy.in_force) for c, d in own if max(a, c) <= min(b, d))


def _listed(windows: Window | list[Window] | None) -> list[Period]:
    if windows is None:
        return [(date.min, date.max)]
    listed = windows if isinstance(windows, list) else [windows]
    return [(window.from_ or date.min, window.until or date.max) for window in listed]


def _meet(some: tuple[Period, ...], others: tuple[Period, ...]) -> bool:
    return any(max(a, c) <= min(b, d) for a, b in some for c, d in others)


def _spelt(some: tuple[Period, ...]) -> str:
    """`until 2024-03-21`, `from 2024-03-22`, `from … until …`."""
    return " and ".join(
        " ".join(
            [*([f"from {first}"] if first > date.min else []), *([f"until {last}"] if last < date.max else [])] or ["always"]
        )
        for first, last in some
    )


def in_strata(parts: Sequence[LoweredRule]) -> tuple[Rule, ...]:
    """The rules in order: each after those that exempt it; within a stratum by policy id, then position."""
    exempters: dict[str, list[str]] = {}
    for part in parts:
        for victim in part.rule.exempts:
            exempters.setdefault(victim, []).append(part.rule.key)
    depth: dict[str, int] = {}

    def depth_of(key: str, seen: frozenset[str] = frozenset()) -> int:
        # Circles and long chains are already findings; `seen` only stops endless recursion in a bundle that is then refused.
        if key not in depth and key not in seen and len(seen) <= 2 * MAX_CHAIN:
            depth[key] = 1 + max((depth_of(e, seen | {key}) for e in exempters.get(key, ())), default=-1)
        return depth.get(key, 0)

    return tuple(p.rule for p in sorted(parts, key=lambda p: (depth_of(p.rule.key), p.order, p.rule.key)))
