"""
Which rule exempts which: resolve the names, refuse cycles and other jurisdictions, and put each rule after those that exempt it.

An exemption from a rule that raises the outcome lifts. An exemption from a ground, or from an exemption that lifts, raises. Evidence
that is not shown reads differently in the two cases (semantics 2.2), so a provision that does both becomes two exempting rules.
Source: semantics 3.2, 3.3.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from engine.diagnostic import Findings, did_you_mean
from engine.policy_language.model import PolicyText, RequirementText, RuleText, Window
from engine.policy_language.tree import Mapping as MappingNode
from engine.policy_language.tree import Scalar
from engine.policy_language.tree import Sequence as ListNode
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
    lifts: dict[str, tuple[Lift, ...]] = {}
    open_: list[str] = []
    length: dict[str, int] = {}  # the length of the longest chain of exemptions that begins at each rule

    def too_long(name: str) -> tuple[Lift, ...]:
        at = written[name].node.key("exempts") or written[name].node
        said = f"`{name}` is part of a chain of more than {MAX_CHAIN} rules that exempt one another"
        findings.error(at.span, "too-deep", said, help="exempt the rule that you mean directly")
        return ()

    def resolve(name: str) -> tuple[Lift, ...]:
        if name in lifts or name not in victims:
            return lifts.get(name, ())
        if name in open_:
            circle = " → ".join([*open_[open_.index(name) :], name])
            at = written[name].node.key("exempts")
            findings.error(
                at.span if at else written[name].node.span,
                "cycle",
                f"these rules exempt one another: {circle}",
                help="break the circle",
            )
            return ()
        if len(open_) > MAX_CHAIN:
            return too_long(name)
        open_.append(name)
        milder: list[str] = []
        stricter: list[str] = []
        rules, excused = victims[name]
        for victim in rules:
            text = written[victim].text
            if _has_effect(text):
                (stricter if text.satisfies is not None else milder).append(victim)
            for lift in resolve(victim):
                (stricter if lift.lifts else milder).append(lift.key)
        open_.pop()
        length[name] = 1 + max((length.get(victim, 0) for victim in rules), default=0)
        if length[name] == MAX_CHAIN + 1:
            too_long(name)
        found = []
        if milder or excused:
            found.append(Lift(f"{name}~lifts", True, tuple(milder), excused))
        if stricter:
            found.append(Lift(f"{name}~restores", False, tuple(stricter), ()))
        lifts[name] = tuple(found)
        return lifts[name]

    for name in victims:
        resolve(name)
    return lifts


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
