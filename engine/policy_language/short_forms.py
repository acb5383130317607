"""
Short forms of all files: what groups, shared definitions and reach stand for, gathered from the trees that authors write.

A policy may name a list (`groups`), and other files use the name. A jurisdiction may hold definitions that several of its policies use, and
say in one entry how far its law reaches. `policy_in_full` writes a policy without them. Source: semantics 7.1, 7.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from engine.policy_language.diagnostic import Findings
from engine.policy_language.jurisdiction_reach import reach_policies
from engine.policy_language.rule_tables import rules_of
from engine.policy_language.tree import Mapping as MappingNode
from engine.policy_language.tree import Node, Scalar, Sequence, locate, plain

EXPECTED = ("because", "silent", "beaten")  # what a case expects of rules
Pair = tuple[Scalar, Node]


@dataclass(frozen=True, slots=True)
class NamedList:
    """A list that a policy names. `rules` and `defined` are the names of its policy that other files write with its id before them."""

    policy: str
    key: Scalar
    items: tuple[Node, ...]
    rules: frozenset[str]
    defined: frozenset[str]


@dataclass(frozen=True, slots=True)
class ShortForms:
    """
    What short forms stand for: groups by `policy/name`, the definitions of each jurisdiction, the titles of documents by kind.

    `reach` are the policies that the reach of jurisdictions becomes, by id. `named` has by policy the definitions that other policies name
    as its own. `used` collects what somebody uses: groups, and shared definitions as `JURISDICTION/name`.
    """

    groups: Mapping[str, NamedList]
    shared: Mapping[str, Mapping[str, Pair]]
    documents: Mapping[str, Node]
    reach: Mapping[str, MappingNode]
    named: dict[str, set[str]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def group(self, node: Node, local: str) -> NamedList | None:
        """The group that a name stands for in a policy."""
        if not self.groups or not isinstance(node, Scalar):
            return None
        name = node.text if "/" in node.text else f"{local}/{node.text}"
        if name in self.groups:
            self.used.add(name)
        return self.groups.get(name)

    def rules(self, node: Node, local: str) -> Node:
        """A list of rules with those that its groups stand for. Rules of another policy than `local` have its id before them."""
        if not isinstance(node, Sequence):
            return node
        items: list[Node] = []
        for item in node.items:
            group = self.group(item, local)
            items += [_in_full(each, group.policy, group.rules, local) for each in group.items] if group else [item]
        return Sequence(tuple(items), node.span) if items != list(node.items) else node

    def test(self, tree: Node) -> Node:
        """A test file with the rules that groups stand for."""
        cases = locate(tree, ("cases",))[0]
        if not self.groups or not isinstance(tree, MappingNode) or not isinstance(cases, Sequence):
            return tree
        suite = plain(tree.get("test"))
        local = suite if isinstance(suite, str) else ""

        def expectation(node: Node) -> Node:
            return changed(node, {key: lambda listed: self.rules(listed, local) for key in EXPECTED})

        items = tuple(changed(case, {"expect": expectation}) for case in cases.items)
        return changed(tree, {"cases": lambda node: Sequence(items, node.span)})

    def check_used(self, findings: Findings) -> None:
        """Warn of each group and shared definition that nobody uses."""
        for name, group in self.groups.items():
            if name not in self.used:
                said = f"nothing uses the group `{group.key.text}`"
                findings.warn(group.key.span, "unused-group", said, help="use its name where its list stands, or drop it")
        for jurisdiction, definitions in self.shared.items():
            for name, (key, _) in definitions.items():
                if f"{jurisdiction}/{name}" not in self.used:
                    said = f"no policy of `{jurisdiction}` uses `{name}`"
                    findings.warn(key.span, "unused-definition", said, help="use it in a condition, or drop it")


def short_forms(policies: list[Node], vocabularies: list[Node], findings: Findings) -> ShortForms:
    """What the short forms of some files stand for."""
    return ShortForms(
        groups=dict(_groups(policies, vocabularies, findings)),
        shared={
            key.text: {name.text: (name, value) for name, value in entries(locate(node, ("define",))[0])}
            for tree in vocabularies
            for key, node in entries(_under(tree, "jurisdictions"))
            if isinstance(node, MappingNode) and node.get("define")
        },
        documents={
            key.text: title
            for tree in vocabularies
            for key, node in entries(_under(tree, "evidence"))
            if (title := _under(node, "title")) is not None
        },
        reach=dict(reach_policies(vocabularies, findings)),
    )


def cells_in_full(vocabulary: Node) -> Node:
    """A vocabulary file in which each cell of coverage that tells what was read says when, as its jurisdiction's `defaults` do."""

    def jurisdiction(node: Node) -> Node:
        defaults = entries(_under(node, "defaults"))

        def cell(each: Node) -> Node:
            if not isinstance(each, MappingNode) or each.get("read") is None:
                return each
            return MappingNode((*each.entries, *(pair for pair in defaults if each.get(pair[0].text) is None)), each.span)

        return changed(node, {"covers": lambda cells: _each(cells, cell)}) if defaults else node

    return changed(vocabulary, {"jurisdictions": lambda each: _each(each, jurisdiction)})


def entries(node: Node | None) -> tuple[Pair, ...]:
    """The entries of a mapping; none of anything else."""
    return node.entries if isinstance(node, MappingNode) else ()


def changed(node: Node, changes: Mapping[str, Callable[[Node], Node]]) -> Node:
    """A mapping in which the values of some keys are changed; anything else as it is."""
    if not isinstance(node, MappingNode) or not any(key.text in changes for key, _ in node.entries):
        return node
    pairs = ((key, changes[key.text](value) if key.text in changes else value) for key, value in node.entries)
    return MappingNode(tuple(pairs), node.span)


def _under(node: Node, key: str) -> Node | None:
    return node.get(key) if isinstance(node, MappingNode) else None


def _each(node: Node, change: Callable[[Node], Node]) -> Node:
    """A mapping in which every value is changed; anything else as it is."""
    return MappingNode(tuple((key, change(value)) for key, value in entries(node)), node.span) if entries(node) else node


def _in_full(node: Node, policy: str, names: frozenset[str], local: str) -> Node:
    """A name of a policy as another one writes it."""
    mine = isinstance(node, Scalar) and node.text in names and policy != local
    return Scalar(f"{policy}/{node.text}", node.span) if mine and isinstance(node, Scalar) else node


def _groups(policies: list[Node], vocabularies: list[Node], findings: Findings) -> Iterator[tuple[str, NamedList]]:
    values: frozenset[str] | None = None
    for tree in policies:
        policy = plain(_under(tree, "policy"))
        listed = entries(_under(tree, "groups"))
        if not listed or not isinstance(policy, str):
            continue
        if values is None:
            values = frozenset(_values(vocabularies))
        ids = frozenset(id.text for rule in rules_of(tree) if isinstance(id := _under(rule, "id"), Scalar))
        defined = frozenset(key.text for key, _ in entries(_under(tree, "define")))
        for key, node in listed:
            if key.text in ids or key.text in values:
                said = f"`{key.text}` is {'a rule of this policy' if key.text in ids else 'a value'}, so no group can have its name"
                findings.error(key.span, "bad-id", said, help="choose another name")
            if isinstance(node, Sequence):
                yield f"{policy}/{key.text}", NamedList(policy, key, node.items, ids, defined)


def _values(vocabularies: Iterable[Node]) -> Iterator[str]:
    """The words of all value sets."""
    for tree in vocabularies:
        for _, node in entries(_under(tree, "values")):
            values = _under(node, "values")
            yield from (key.text for key, _ in entries(values))
            yield from (
                each.text for each in (values.items if isinstance(values, Sequence) else ()) if isinstance(each, Scalar)
            )
        for _, node in entries(_under(tree, "more_values")):
            yield from (key.text for key, _ in entries(node))
