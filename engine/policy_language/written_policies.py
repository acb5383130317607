"""
The policies of a bundle as their authors wrote them, with what the checked rules leave out, such as who read a provision and when.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from engine.policy_language.diagnostic import Findings, Span
from engine.policy_language.policy_text import PolicyText
from engine.policy_language.read_document import read_model
from engine.policy_language.tree import Node, locate
from engine.rules import RuleSet


class WrittenBundle(Protocol):
    """What is read of a bundle: its checked rules, and the tree of each policy."""

    @property
    def rules(self) -> RuleSet: ...

    def written(self, policy: str, file: str) -> Node | None: ...


@dataclass(frozen=True, slots=True)
class Instrument:
    """One policy: its text, and the tree in which everything keeps its place."""

    file: str
    text: PolicyText
    root: Node

    def at(self, *path: str | int) -> Span:
        """The place of the node at a path: that of its key, where it has one."""
        return locate(self.root, path)[1]


def instruments(bundle: WrittenBundle) -> list[Instrument]:
    """The policies of a bundle, by jurisdiction and then by name."""
    policies = {rule.provision.policy: rule.provision.file for rule in bundle.rules.rules}
    read = (_read(bundle, policy, file) for policy, file in policies.items())
    return sorted(read, key=lambda each: (each.text.jurisdiction, each.text.policy))


def instrument(bundle: WrittenBundle, policy: str) -> Instrument | None:
    """One policy of a bundle by its name, None where it has no such policy. No other file is read."""
    file = next((rule.provision.file for rule in bundle.rules.rules if rule.provision.policy == policy), None)
    return None if file is None else _read(bundle, policy, file)


def _read(bundle: WrittenBundle, policy: str, file: str) -> Instrument:
    root = bundle.written(policy, file)
    text = read_model(PolicyText, root, Findings()) if root is not None else None
    assert root is not None and text is not None, "a bundle holds only policies that could be read"
    return Instrument(file, text, root)
