"""
Turn a written condition into one for the back ends: resolve its names, and join the tests of its facts.

A condition is a mapping (all must hold), a list (all must hold), or the name of a definition. `any_of`, `all_of` and `none_of`
nest. Source: semantics 2.2 (shown by place), 7.1, 7.2.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.policy_language.claim_needs import claims_in_need, with_needs
from engine.policy_language.diagnostic import Findings, Span, did_you_mean
from engine.policy_language.operators import Use, WrittenTests, all_hold, scalars
from engine.policy_language.phrases import GROUPS, meant
from engine.policy_language.tree import Mapping, Node, Scalar, Sequence, locate, repeated
from engine.policy_language.vocabulary import DOCUMENT_FIELDS, DOCUMENT_GROUPS, Vocabulary
from engine.rules import (
    ALWAYS,
    MAX_CHAIN,
    AnyOf,
    Atom,
    Condition,
    Defined,
    Not,
    atoms,
    definitions_named,
)
from engine.values import Type

MADE = "made"  # beside `has` and `has_all` of documents: the date that such a document bears


class Conditions:
    """
    Lowers conditions against one vocabulary and one table of definitions.

    `defined` maps `policy/name` to the policy and the node of a definition. Lowered definitions are collected in `definitions`, each
    after those that it uses. `single` says that a set may be compared with a fact that has one value, as with a set of that value:
    only the reference reads this.
    """

    def __init__(
        self, vocabulary: Vocabulary, defined: dict[str, tuple[str, Node]], findings: Findings, *, single: bool = False
    ) -> None:
        self.vocabulary = vocabulary
        self.tests = WrittenTests(vocabulary, findings, single=single)
        self.defined = defined
        self.findings = findings
        self.definitions: dict[str, Condition] = {}
        self.unread: set[str] = set()  # policies refused as a whole; their definitions are not reported as missing
        self.used: set[str] = set()  # definitions that a condition names
        self._open: list[str] = []
        self._shown: dict[str, bool] = {}
        self._in_need: dict[str, bool] = {}  # definitions that read a claim which needs something
        self._length: dict[str, int] = {}  # the length of the longest chain of definitions that each one uses

    def lower(self, node: Node | None, policy: str, use: Use) -> Condition:
        """Lower `node` as written inside `policy`. Errors become findings; the result is then of no use."""
        match node:
            case None:
                return ALWAYS
            case Scalar():
                return self._name(node, policy, use)
            case Sequence(items=items):
                if not items:
                    self.findings.error(node.span, "empty-condition", "this condition is empty", help="say what must hold")
                self._once(items)
                return all_hold(self.lower(item, policy, use) for item in items)
        assert isinstance(node, Mapping)
        if not node.entries:
            self.findings.error(node.span, "empty-condition", "this condition is empty", help="say what must hold")
        return all_hold(self._entry(key, value, policy, use) for key, value in node.entries)

    def _once(self, items: Iterable[Node]) -> None:
        """Warn of a condition that stands twice in one list."""
        for again in repeated(items):
            self.findings.warn(again, "twice", "this condition is written twice in one list", help="drop one of the two")

    def define(self, name: str) -> None:
        """Lower a definition by itself, so that it is checked even if nothing uses it."""
        self._definition(name, Use.RAISES, self.defined[name][1].span)

    def _name(self, scalar: Scalar, policy: str, use: Use) -> Condition:
        known = scalar.text if "/" in scalar.text else f"{policy}/{scalar.text}"
        if known in self.defined:
            self.used.add(known)
            return self._definition(known, use, scalar.span)
        if known.partition("/")[0] in self.unread:
            return ALWAYS
        near = [name.removeprefix(f"{policy}/") for name in self.defined]
        help = did_you_mean(scalar.text, near) or "define it under `define:`, or test a fact with `fact: value`"
        self.findings.error(scalar.span, "unknown-definition", f"there is no definition `{scalar.text}`", "not defined", help)
        return ALWAYS

    def _definition(self, name: str, use: Use, span: Span) -> Condition:
        if name in self._open:
            round_trip = " → ".join([*self._open[self._open.index(name) :], name])
            self.findings.error(span, "cycle", f"the definition `{name}` uses itself: {round_trip}", help="break the circle")
            return ALWAYS
        if name in self._shown:
            key = self._key(name, use)
            if key in self.definitions:
                return Defined(key)
        policy, node = self.defined[name]
        if len(self._open) > MAX_CHAIN:
            return self._too_long(name, span)
        self._open.append(name)
        condition = self.lower(node, policy, use)
        self._open.pop()
        self._length[name] = 1 + max(
            (self._length.get(key.partition("!")[0], 0) for key in definitions_named(condition)), default=0
        )
        if self._length[name] == MAX_CHAIN + 1:
            self._too_long(name, span)
        needing = any(self._in_need.get(key.partition("!")[0]) for key in definitions_named(condition))
        self._in_need[name] = needing or bool(claims_in_need(condition, self.vocabulary))
        documents = any(atom.not_shown is not None for atom in atoms(condition))
        self._shown[name] = self._in_need[name] or documents or any("!" in key for key in definitions_named(condition))
        key = self._key(name, use)
        self.definitions[key] = condition
        return Defined(key)

    def _key(self, name: str, use: Use) -> str:
        """The key of a definition: one for all uses, or one for each in which it may read otherwise."""
        use = Use.RAISES if use is Use.RESTORES and not self._in_need[name] else use
        return f"{name}!{use.value}" if self._shown[name] else name

    def _too_long(self, name: str, span: Span) -> Condition:
        said = f"`{name}` is part of a chain of more than {MAX_CHAIN} definitions that use one another"
        self.findings.error(span, "too-deep", said, help="join some of them into one")
        return ALWAYS

    def _entry(self, key: Scalar, value: Node, policy: str, use: Use) -> Condition:
        if key.text in GROUPS:
            return self._group(key, value, policy, use)
        if key.text in DOCUMENT_GROUPS:
            return self._documents(key, value, use)
        if key.text in self.vocabulary.phrases:
            return self._phrase(key, value, policy, use)
        type = self.vocabulary.type_of(key.text)
        if type is not None:
            self.tests.at = key.span.place
            return with_needs(self.tests.lower(key.text, type, value, use, key.span), use.value, self.vocabulary)
        if key.text in self.vocabulary.families:
            members = ", ".join(f"`{m}`" for m in self.vocabulary.families[key.text][:4])
            self.findings.error(
                key.span,
                "unknown-fact",
                f"`{key.text}` is a family",
                "name a member or the total",
                f"write {members} or `{key.text}.total`",
            )
        elif key.text in self.defined or f"{policy}/{key.text}" in self.defined:
            self.findings.error(
                key.span,
                "unknown-fact",
                f"`{key.text}` is a definition",
                "a definition takes no value",
                f"write `- {key.text}` in a list",
            )
        else:
            help = did_you_mean(key.text, [*self.vocabulary.names(), *self.vocabulary.phrases])
            self.findings.error(
                key.span, "unknown-fact", f"an exchange has no fact `{key.text}`", "not in the vocabulary", help
            )
        return ALWAYS

    def _phrase(self, key: Scalar, value: Node, policy: str, use: Use) -> Condition:
        """What a phrase means of the value behind it (semantics 7.2)."""
        if isinstance(value, Mapping) and [each.text for each, _ in value.entries] != ["in"]:
            said = f"behind `{key.text}` stands a value, a list of values, or `in: REGISTER`"
            self.findings.error(
                value.span, "wrong-shape", said, help=f"write what is not meant under `none_of: [{key.text}: …]`"
            )
            return ALWAYS
        means = locate(self.vocabulary.nodes["phrases", key.text], ("means",))[0]
        return self.lower(meant(means, value, key.span), policy, use)

    def _group(self, key: Scalar, value: Node, policy: str, use: Use) -> Condition:
        if not isinstance(value, Sequence) or not value.items:
            self.findings.error(
                value.span,
                "wrong-shape",
                f"`{key.text}` needs a list of conditions",
                help="write one condition a line, each after `- `",
            )
            return ALWAYS
        inner = use.negated if key.text == "none_of" else use
        self._once(value.items)
        parts = tuple(self.lower(item, policy, inner) for item in value.items)
        if key.text == "all_of":
            return all_hold(parts)
        return AnyOf(parts) if key.text == "any_of" else Not(AnyOf(parts))

    def _documents(self, key: Scalar, value: Node, use: Use) -> Condition:
        """`evidence: {has: KIND}`: a document of the kind counts (semantics 2.3)."""
        kinds = self.vocabulary.kinds[key.text]
        if not isinstance(value, Mapping) or not value.entries:
            self.findings.error(
                value.span,
                "wrong-shape",
                f"`{key.text}` is tested with `has: KIND`",
                help=f"write `{key.text}: {{has: {next(iter(kinds), 'kind')}}}`",
            )
            return ALWAYS
        parts: list[Condition] = []
        made = value.get(MADE)
        if made is not None and not any(operator.text in ("has", "has_all") for operator, _ in value.entries):
            self.findings.error(
                made.span, "wrong-shape", f"`{MADE}` stands beside `has`", help=f"write `has: KIND` before `{MADE}`"
            )
        for operator, operand in value.entries:
            if operator.text == MADE:
                continue
            if operator.text == "not":
                parts.append(Not(self._documents(key, operand, use.negated)))
                continue
            if operator.text not in ("has", "has_all"):
                self.findings.error(
                    operator.span,
                    "unknown-operator",
                    f"`{key.text}` has no operator `{operator.text}`",
                    help=f"use `has`, `has_all`, `{MADE}` or `not`",
                )
                continue
            found: list[Condition] = []
            for scalar in scalars(operand, self.findings):
                if scalar.text not in kinds:
                    self.findings.error(
                        scalar.span,
                        "unknown-kind",
                        f"there is no kind of {'document' if key.text == 'evidence' else 'claim'} `{scalar.text}`",
                        "not in the vocabulary",
                        did_you_mean(scalar.text, kinds),
                    )
                name = f"{key.text}.{scalar.text}"
                counts = Atom(name, Type("document"), "counts", not_shown=use.not_shown, at=scalar.span.place)
                found.append(with_needs(counts, use.value, self.vocabulary))
                if made is not None and scalar.text in kinds:
                    dated = f"{counts.fact}.dated"
                    self.tests.at = scalar.span.place
                    found[-1] = all_hold((found[-1], self.tests.lower(dated, DOCUMENT_FIELDS["dated"], made, use, scalar.span)))
            parts.append(AnyOf(tuple(found)) if operator.text == "has" and len(found) > 1 else all_hold(found))
        return all_hold(parts)
