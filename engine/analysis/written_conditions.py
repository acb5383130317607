"""
The conditions of policies as their authors wrote them, each with its place and with what it means: trees of tests and groups.

What a definition says stands below its name, wherever it is used. The checked rules know no places; so each written condition is read
once more by itself, as `check` reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from engine.bundle import Bundle
from engine.languages import in_each
from engine.policy_language.conditions import Conditions
from engine.policy_language.diagnostic import Findings, Span
from engine.policy_language.operators import Use
from engine.policy_language.tree import Mapping as MappingNode
from engine.policy_language.tree import Node, Scalar, Sequence, locate
from engine.policy_language.written_policies import Instrument
from engine.rules import Condition, Rule
from engine.values.multilingual import Words

ConditionKind: TypeAlias = Literal["test", "all", "any", "none"]


@dataclass(frozen=True, slots=True, eq=False)
class WrittenCondition:
    """A test, or a group of conditions. `definition` is the name of one that stands here, of which the part below is what it says."""

    at: Span
    kind: ConditionKind
    means: Condition
    parts: tuple[WrittenCondition, ...] = ()
    definition: str = ""
    name: str = ""

    @property
    def words(self) -> Words:
        """What it is called in a sentence."""
        what = "definition" if self.definition else "test" if self.kind == "test" else "group"
        return called(what, self.name)


class WrittenDefinitions(dict[str, tuple[str, Node]]):
    """The definitions of policies by `policy/name`, each with its policy and its tree; each is read when it is first wanted."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        super().__init__()
        self._instruments = instruments

    def __contains__(self, name: object) -> bool:
        policy, _, own = str(name).partition("/")
        return super().__contains__(name) or (policy in self._instruments and own in self._instruments[policy].text.define)

    def __missing__(self, name: str) -> tuple[str, Node]:
        policy, _, own = name.partition("/")
        self[name] = policy, locate(self._instruments[policy].root, ("define", own))[0]
        return self[name]


class WrittenConditions:
    """The written conditions of the policies of a bundle."""

    def __init__(self, bundle: Bundle, instruments: Mapping[str, Instrument]) -> None:
        self.defined = WrittenDefinitions(instruments)
        self._conditions = Conditions(bundle.vocabulary, self.defined, Findings())
        self._known: dict[tuple[str, Use], WrittenCondition] = {}

    def when(self, node: Node | None, policy: str, use: Use) -> WrittenCondition | None:
        """What is written under `applies` or `when`."""
        return None if node is None else self._read(node, policy, use)

    def unless(self, node: Node | None, policy: str, use: Use) -> WrittenCondition | None:
        """What is written under `unless`, as a group none of which may hold."""
        return self._group("none", node, policy, use) if isinstance(node, Sequence) else None

    def _read(self, node: Node, policy: str, use: Use) -> WrittenCondition:
        means = self._conditions.lower(node, policy, use)
        match node:
            case Scalar(text=text, span=span):
                name = text if "/" in text else f"{policy}/{text}"
                key = name, use
                if key not in self._known:
                    owner, inner = self.defined[name]
                    self._known[key] = self._read(inner, owner, use)
                return WrittenCondition(span, "all", means, (self._known[key],), name, text)
            case Sequence(items=items) if len(items) == 1:
                return self._read(items[0], policy, use)
            case Sequence(items=items, span=span):
                return WrittenCondition(span, "all", means, tuple(self._read(each, policy, use) for each in items))
            case MappingNode(entries=((key_, value),)):
                return self._entry(key_, value, means, policy, use)
        assert isinstance(node, MappingNode)
        parts = (self._read(MappingNode((each,), each[0].span), policy, use) for each in node.entries)
        return WrittenCondition(node.span, "all", means, tuple(parts))

    def _entry(self, key: Scalar, value: Node, means: Condition, policy: str, use: Use) -> WrittenCondition:
        if key.text in ("all_of", "any_of", "none_of") and isinstance(value, Sequence):
            kind: ConditionKind = {"all_of": "all", "any_of": "any", "none_of": "none"}[key.text]  # type: ignore[assignment]
            inner = use.negated if kind == "none" else use
            parts = tuple(self._read(each, policy, inner) for each in value.items)
            return WrittenCondition(key.span, kind, means, parts, name=key.text)
        return WrittenCondition(key.span, "test", means, name=key.text)

    def _group(self, kind: ConditionKind, node: Sequence, policy: str, use: Use) -> WrittenCondition:
        parts = tuple(self._read(each, policy, use.negated) for each in node.items)
        means = self._conditions.lower(MappingNode(((Scalar("none_of", node.span), node),), node.span), policy, use)
        return WrittenCondition(node.span, kind, means, parts, name="unless")


def below(condition: WrittenCondition) -> Iterator[WrittenCondition]:
    """A condition and all that stands below it."""
    yield condition
    for part in condition.parts:
        yield from below(part)


def flat(condition: WrittenCondition | None) -> Iterator[WrittenCondition]:
    """The conditions that must all hold where a group of them does; those that are written under a name stay together."""
    if condition is not None and condition.kind == "all" and not condition.definition:
        for part in condition.parts:
            yield from flat(part)
    elif condition is not None:
        yield condition


def called(what: str, name: str) -> Words:
    """What something written is called in a sentence: a `test` of a fact, a `group` of conditions, or a `definition`."""
    return in_each(lambda language: language.written(what, name))


def use_of(rule: Rule) -> Use:
    """How the conditions of a rule read what is not shown (2.2)."""
    if rule.effect == "exempts":
        return Use.LIFTS if rule.key.endswith("~lifts") else Use.RESTORES
    return {"satisfies": Use.LIFTS, "allows": Use.LIFTS, "advise": Use.ADVISES}.get(rule.effect, Use.RAISES)
