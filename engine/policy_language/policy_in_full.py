"""
A policy in full: the tree that its author wrote goes in, the tree that it stands for comes out.

Rules get what the policy's `defaults` say for them and what its groups list; `document`, `claim` and a required document become the tests,
requirements and grounds that they stand for; definitions of the jurisdiction become the policy's own where it uses them. Nothing of this
is left when the policy is checked, and every node keeps the place where it was written. Source: semantics 7.1, 7.2.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from collections.abc import Mapping as Table
from dataclasses import replace
from types import MappingProxyType

from engine.languages import in_each
from engine.policy_language.diagnostic import Findings, Span, did_you_mean
from engine.policy_language.document_text import Text
from engine.policy_language.phrases import GROUPS
from engine.policy_language.policy_text import DefaultsText
from engine.policy_language.read_document import read_model
from engine.policy_language.rule_tables import CELLS, EMPTY, shared_out
from engine.policy_language.short_forms import Pair, ShortForms, cells_in_full, changed, entries
from engine.policy_language.tree import Mapping, Node, Scalar, locate, plain
from engine.policy_language.tree import Sequence as ListNode
from engine.values.multilingual import LANGUAGE_CODES

NO_VALUES = ("in", "fact", "registered")  # operators of a test that name no value
SHOWN = {"document": "evidence", "claim": "claims"}  # the keys of a rule that stand for a test of what is shown
SHARED = tuple(DefaultsText.model_fields)  # the keys of a rule that its policy may say for it
OF_A_GROUND = ("cite", "says", *SHARED, "in_force")  # what the ground of a required document says as its rule does
Change = Callable[[Node], Node]
REQUIRED = "required-documents"  # the name of the vocabulary that required documents make


def in_full(
    policies: Sequence[Node], vocabularies: Sequence[Node], forms: ShortForms, findings: Findings
) -> tuple[list[Node], list[Node]]:
    """
    Policies and vocabulary files in full, with the policies that the reach of jurisdictions becomes.

    Required documents become requirements, in a vocabulary of their own.
    """
    read = [_Policy(tree, forms, findings) for tree in (*policies, *forms.reach.values()) if isinstance(tree, Mapping)]
    for each in read:
        for policy, name in each.foreign:
            forms.named.setdefault(policy, set()).add(name)
    written: list[Node] = [each.in_full() for each in read]
    written += [tree for tree in policies if not isinstance(tree, Mapping)]
    required = {name: node for each in read for name, node in each.required.items()}
    words = [cells_in_full(tree) for tree in vocabularies]
    if not required:
        return written, words
    at = next(iter(required.values())).span
    listed = Mapping(tuple((Scalar(name, node.span), node) for name, node in required.items()), at)
    head = (Scalar("vocabulary", at), Scalar(REQUIRED, at))
    return written, [*words, Mapping((head, (Scalar("requirements", at), listed)), at)]


def again(tree: Node, forms: ShortForms) -> Node:
    """One policy in full again, of a bundle that was loaded with these short forms."""
    return _Policy(tree, forms, Findings()).in_full() if isinstance(tree, Mapping) else tree


class _Policy:
    """
    One policy. `foreign` are the definitions of other policies that it names, `required` the requirements that its documents become.

    What its conditions say is rewritten at once; which shared definitions it needs is known only when every policy is read.
    """

    def __init__(self, tree: Mapping, forms: ShortForms, findings: Findings) -> None:
        self.tree = tree
        self.forms = forms
        self.findings = findings
        self.name = str(plain(tree.get("policy")))
        self.jurisdiction = str(plain(tree.get("jurisdiction")))
        self.foreign: set[tuple[str, str]] = set()
        self.required: dict[str, Mapping] = {}
        self.grounds: list[Node] = []
        self.needed: dict[str, None] = {}  # names of definitions, in the order of their use
        defaults = tree.get("defaults")
        self.defaults = {key.text: (key, value) for key, value in entries(defaults) if key.text in SHARED}
        condition = self._condition
        clause = {"when": condition}
        self.written = changed(
            tree,
            {
                "applies": condition,
                "define": lambda node: _each(node, condition),
                "not_reached": lambda node: _items(node, lambda item: changed(item, clause)),
                "reach_in_doubt": lambda node: changed(node, clause),
                "rules": lambda node: self._with_grounds(_items(node, self._rule)),
            },
        )

    def in_full(self) -> Node:
        """The policy, with those definitions of its jurisdiction that it uses."""
        shared = self.forms.shared.get(self.jurisdiction, {})
        if not shared:
            return self.written
        assert isinstance(self.written, Mapping)
        own = {key.text: key for key, _ in entries(self.tree.get("define"))}
        for name in own.keys() & shared.keys():
            said = f"`{name}` is a definition of `{self.jurisdiction}` already"
            at = shared[name][0].span
            self.findings.error(own[name].span, "duplicate-id", said, f"first at {at}", "drop it, or give it another name")
        for name in sorted(self.forms.named.get(self.name, ())):
            self.needed.setdefault(name)
        found: dict[str, Pair] = {}
        todo = list(self.needed)
        while todo:
            name = todo.pop(0)
            if name not in shared or name in own or name in found:
                continue
            before = set(self.needed)
            found[name] = shared[name][0], self._condition(shared[name][1])
            todo += [each for each in self.needed if each not in before]
            self.forms.used.add(f"{self.jurisdiction}/{name}")
        if not found:
            return self.written
        define = self.written.get("define")
        pairs = (*found.values(), *entries(define))
        if define is not None:
            return changed(self.written, {"define": lambda node: Mapping(pairs, node.span)})
        at = self.tree.span
        return Mapping((*self.written.entries, (Scalar("define", at), Mapping(pairs, at))), at)

    # Conditions

    def _condition(self, node: Node) -> Node:
        match node:
            case Scalar(text=text):
                policy, slash, name = text.rpartition("/")
                if slash:
                    self.foreign.add((policy, name))
                else:
                    self.needed.setdefault(text)
                return node
            case ListNode():
                return _items(node, self._condition)
        return _each(node, self._test, dict.fromkeys(GROUPS, self._condition))

    def _test(self, node: Node) -> Node:
        """A test of a fact, with the values that its groups stand for."""
        if not self.forms.groups:
            return node
        match node:
            case Scalar():
                group = self.forms.group(node, self.name)
                return ListNode(group.items, node.span) if group else node
            case ListNode(items=items, span=span):
                return ListNode(tuple(each for item in items for each in self._values(item)), span)
        return _each(node, self._test, dict.fromkeys(NO_VALUES, lambda operand: operand))

    def _values(self, node: Node) -> Iterable[Node]:
        group = self.forms.group(node, self.name)
        return group.items if group else (node,)

    # Rules

    def _rule(self, node: Node) -> Node:
        """A rule in full, or a table whose cells are; a cell that is empty is none."""
        if not isinstance(node, Mapping) or node.get(EMPTY) is not None:
            return node
        if node.get(CELLS) is not None:
            return changed(shared_out(node), {CELLS: lambda cells: _items(cells, self._rule)})
        said = {key.text for key, _ in node.entries}
        condition = self._condition
        duty = {"done_when": condition}
        written = changed(
            Mapping((*node.entries, *(pair for key, pair in self.defaults.items() if key not in said)), node.span),
            {
                "when": condition,
                "unless": lambda listed: condition(self._unless(listed)),
                "oblige": lambda each: changed(each, duty),
                "travels": lambda each: changed(each, {"when": condition}),
                "exempts": lambda listed: self.forms.rules(listed, self.name),
                "duties": self._duties,
            },
        )
        assert isinstance(written, Mapping)
        written = self._shown(written)
        return changed(written, {"require": lambda need: self._need(need, written)})

    def _unless(self, node: Node) -> Node:
        """`unless` as a list; one test may stand alone."""
        if not isinstance(node, Mapping):
            return node
        if len(node.entries) != 1:
            said = "`unless` with several tests does not say whether one of them is enough"
            self.findings.error(node.span, "wrong-shape", said, help="write a list of conditions: none of them may hold")
        return ListNode((node,), node.span)

    def _shown(self, rule: Mapping) -> Mapping:
        """`document` and `claim` become tests beside `when`."""
        tests: list[Node] = []
        kept = []
        when = rule.get("when")
        for key, value in rule.entries:
            if key.text in SHOWN and _is_words(value):
                has = Mapping(((Scalar("has", key.span), value),), value.span)
                tests.append(Mapping(((Scalar(SHOWN[key.text], key.span), self._test(has)),), key.span))
            elif key.text != "when" or when is None:
                kept.append((key, value))
        if not tests:
            return rule
        own = () if when is None else when.items if isinstance(when, ListNode) else (when,)
        key = rule.key("when") or Scalar("when", tests[0].span)
        return Mapping((*kept, (key, ListNode((*own, *tests), when.span if when else tests[0].span))), rule.span)

    def _duties(self, node: Node) -> Node:
        """The duties of a ground, with those that groups stand for."""
        if not isinstance(node, ListNode):
            return node
        found: list[Node] = []
        for item in node.items:
            if not isinstance(item, Scalar):
                found.append(changed(item, {"done_when": self._condition}))
            elif group := self.forms.group(item, self.name):
                names = group.defined if group.policy != self.name else frozenset[str]()
                done = {"done_when": lambda when, group=group, names=names: self._condition(_from(when, group.policy, names))}
                found += [changed(each, done) for each in group.items]
            else:
                help = did_you_mean(item.text, [name.removeprefix(f"{self.name}/") for name in self.forms.groups])
                said = f"there is no group `{item.text}`"
                self.findings.error(item.span, "unknown-group", said, help=help or "name one under `groups:`")
        return ListNode(tuple(found), node.span)

    # Required documents

    def _need(self, node: Node, rule: Mapping) -> Node:
        if not isinstance(node, Mapping):
            return node
        kind = node.get("document")
        if len(node.entries) != 1 or not isinstance(kind, Scalar):
            return _each(node, lambda parts: _items(parts, lambda part: self._need(part, rule)))
        at = kind.span
        title = self.forms.documents.get(kind.text, kind)  # its ground reports a kind that there is not
        words = read_model(Text, title, Findings())
        house = self.jurisdiction.lower()
        name = Scalar(f"{house}.{kind.text.removeprefix(f'{house}-')}", at)
        how = in_each(lambda language: language.how_to_show(words.in_(language.code) if words else ""))
        self.required[name.text] = _mapping(
            at,
            title=title,
            how=_mapping(at, **{code: Scalar(how.in_(code), at) for code in LANGUAGE_CODES}),
            jurisdiction=locate(self.tree, ("jurisdiction",))[0],
        )
        said = ((key, value) for key, value in rule.entries if key.text in OF_A_GROUND)
        id = Scalar(f"{plain(rule.get('id'))}-{kind.text}", at)
        shown = _mapping(at, evidence=_mapping(at, has=kind))
        ground = _mapping(at, id=id, title=title, when=ListNode((shown,), at), satisfies=name)
        self.grounds.append(replace(ground, entries=(*ground.entries, *said)))
        return name

    def _with_grounds(self, rules: Node) -> Node:
        return ListNode((*rules.items, *self.grounds), rules.span) if isinstance(rules, ListNode) else rules


def _mapping(at: Span, **pairs: Node) -> Mapping:
    return Mapping(tuple((Scalar(key, at), value) for key, value in pairs.items()), at)


def _is_words(node: Node) -> bool:
    return isinstance(node, Scalar) or (isinstance(node, ListNode) and all(isinstance(each, Scalar) for each in node.items))


def _each(node: Node, change: Change, special: Table[str, Change] = MappingProxyType({})) -> Node:
    """A mapping in which every value is changed, the values of some keys in a way of their own; anything else as it is."""
    if not isinstance(node, Mapping):
        return node
    return Mapping(tuple((key, special.get(key.text, change)(value)) for key, value in node.entries), node.span)


def _items(node: Node, change: Change) -> Node:
    """A list in which every item is changed; anything else as it is."""
    return ListNode(tuple(map(change, node.items)), node.span) if isinstance(node, ListNode) else node


def _from(condition: Node, policy: str, names: Collection[str]) -> Node:
    """A condition of a policy as another one writes it: the policy's definitions have its id before them."""

    def change(node: Node) -> Node:
        match node:
            case Scalar(text=text, span=span) if text in names:
                return Scalar(f"{policy}/{text}", span)
            case Mapping():
                return changed(node, dict.fromkeys(GROUPS, change))
        return _items(node, change)

    return change(condition)
