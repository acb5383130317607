"""
Which words an author means first: what may stand at a place goes in, the same comes out in the order in which it is proposed.

What the file uses comes before what its jurisdiction uses, and that before what any policy uses. What the file itself defines comes first
of all. A requirement or rule of the file's own jurisdiction comes before those of others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property

from engine.authoring.name_uses import OF_POLICY, names_defined, policy_of
from engine.authoring.schema_places import OpenPlace, Proposal, words_of
from engine.bundle import Bundle
from engine.policy_language import tree
from engine.rules import atoms

JURISDICTIONS = ("requirement", "rule", "definition", "policy")  # kinds of name that belong to one


class Relevance:
    """How often the policies of a bundle use each fact."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    @cached_property
    def jurisdictions(self) -> dict[str, str]:
        """The jurisdiction of each policy."""
        return {rule.provision.policy: rule.provision.jurisdiction for rule in self.bundle.rules.rules}

    @cached_property
    def used(self) -> dict[str, Counter[str]]:
        """By jurisdiction, how many conditions test each fact, document and claim; those of all under the empty name."""
        found: dict[str, Counter[str]] = {"": Counter()}
        rules = self.bundle.rules
        conditions = [(key.partition("/")[0], condition) for key, condition in rules.definitions.items()]
        conditions += [(rule.provision.policy, rule.condition) for rule in rules.rules]
        for policy, condition in conditions:
            names = {name for atom in atoms(condition) for name in _names(atom.fact, atom.operands)}
            for place in ("", self.jurisdictions.get(policy, "")):
                found.setdefault(place, Counter()).update(names)
        return found

    def ordered(self, place: OpenPlace) -> list[Proposal]:
        """What may stand at a place, with the names that the file itself defines, what is meant first before what is not."""
        policy = policy_of(place.root)
        jurisdiction = self._jurisdiction(place.root, policy)
        own = list(self._own(place, policy, jurisdiction))
        here = Counter(word.scalar.text for word in words_of(place.root))
        near, all_ = self.used.get(jurisdiction, Counter()), self.used[""]
        known = {each.word for each in own}
        rest = [each for each in place.proposals if each.word not in known]

        def rank(each: Proposal) -> tuple[int, ...]:
            name = each.word if each.is_key else next((f"{kind}.{each.word}" for kind in each.names), each.word)
            foreign = self._foreign(each, policy, jurisdiction)
            return (foreign, -here[each.word], -near[name], -all_[name])

        return own + sorted(rest, key=rank)

    def _foreign(self, each: Proposal, policy: str, jurisdiction: str) -> int:
        """How far away the name belongs: 0 where it is of the same policy or of none, 1 of the same jurisdiction, 2 of another one."""
        if not any(kind in JURISDICTIONS for kind in each.names):
            return 0
        requirement = self.bundle.vocabulary.requirements.get(each.word)
        owner = each.word.partition("/")[0]
        if requirement is not None:
            return 1 if requirement.jurisdiction == jurisdiction else 2
        return 0 if owner == policy else 1 if self.jurisdictions.get(owner) == jurisdiction else 2

    def _own(self, place: OpenPlace, policy: str, jurisdiction: str) -> Iterator[Proposal]:
        """The names that fit and that the policy of the file or its jurisdiction defines, as the file writes them."""
        defined = {(name.kind, name.last) for name in names_defined(place.root) if name.kind in OF_POLICY}
        if isinstance(place.root, tree.Mapping) and place.root.get("test") is not None:
            ids = {rule.provision.id for rule in self.bundle.rules.rules if rule.provision.policy == policy}
            defined |= {("rule", id.rpartition("/")[2]) for id in ids}
        elif policy:
            defined |= {("definition", name) for name in self.bundle.forms.shared.get(jurisdiction, ())}
        titles = {rule.provision.id: rule.provision.title.en for rule in self.bundle.rules.rules}
        for kind, last in sorted(defined):
            if kind in place.names:
                yield Proposal(last, False, titles.get(f"{policy}/{last}", ""), "", (kind,))

    def _jurisdiction(self, root: tree.Node, policy: str) -> str:
        named = root.get("jurisdiction") if isinstance(root, tree.Mapping) else None
        return named.text if isinstance(named, tree.Scalar) else self.jurisdictions.get(policy, "")


def _names(fact: str, operands: Iterable[object]) -> Iterator[str]:
    """A fact; of `evidence: {has: KIND}` the documents too."""
    yield fact
    if fact in ("evidence", "claims"):
        yield from (f"{fact}.{each}" for each in operands)
