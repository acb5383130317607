"""
Other engines, each given our rules in its own words.

Checked rules and a day in, an engine out that takes an exchange as parsed from JSON and names the rules that hold. The texts are
written by code from the lowered conditions, so that all say the same. What a peer need not be asked is settled beforehand: the day's
law, and tests that every value passes. Each peer gets the wording that was fastest for it: where it can skip a policy that does not
apply, it does, and where no fact is ever missing its tests need not guard against one that is.

Peers are two-valued: a test of a fact that is missing says one thing or the other. That cannot change a rule which our engines call
settled, for Kleene's "yes" and "no" hold however the unknown turns out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from importlib import import_module
from itertools import compress, product
from typing import Any, Protocol, TypeAlias

from engine.rules import ALWAYS, AS_OF, All, AnyOf, Atom, Condition, Defined, Not, RuleSet
from engine.values.outcome_levels import Level

NEVER = AnyOf(())
COMPLEMENTS = {"at_least": "less_than", "less_than": "at_least", "at_most": "more_than", "more_than": "at_most"}
SIGNS = {"at_least": ">=", "less_than": "<", "at_most": "<=", "more_than": ">"}
# To a peer, the strictest effect of the rules that hold is the outcome.
LEVELS = {
    "prohibit": Level.PROHIBITED,
    "review": Level.REVIEW,
    "require": Level.REQUIREMENTS_UNMET,  # no made-up rule is a ground
    "oblige": Level.PERMITTED_WITH_OBLIGATIONS,
}

Words: TypeAlias = str | bool | int


class Peer(Protocol):
    """An engine made for some policies. `complete` promises that no fact is missing."""

    name: str

    def __init__(self, policies: Sequence[Policy], complete: bool) -> None: ...

    def matched(self, document: dict[str, Any]) -> list[str]:
        """The keys of the rules that hold, in any order, each once."""
        ...


@dataclass(frozen=True, slots=True)
class Policy:
    """When a policy applies, and when each of its rules holds where it does; negations stand at `is` and `has` only."""

    applies: Condition
    rules: tuple[tuple[str, Condition], ...]

    def whole(self) -> Iterator[tuple[str, Condition]]:
        """Each rule with the policy's own condition in it."""
        return ((key, _joined(All, [self.applies, condition])) for key, condition in self.rules)


def policies(rules: RuleSet, day: date) -> tuple[Policy, ...]:
    """The rules by what they have in common: a rule's condition begins with when its policy applies."""
    found: dict[Condition, list[tuple[str, Condition]]] = {}
    say = partial(_plain, rules=rules, day=day)
    for rule in rules.rules:
        assert isinstance(rule.condition, All)
        applies, *own = rule.condition.parts
        found.setdefault(applies, []).append((rule.key, say(All(tuple(own)))))
    return tuple(Policy(say(applies), tuple(own)) for applies, own in found.items())


def _plain(condition: Condition, rules: RuleSet, day: date, holds: bool = True) -> Condition:
    """The condition, or its negation, with definitions written out and negations pushed down to the tests."""
    say = partial(_plain, rules=rules, day=day)
    match condition:
        case Atom():
            settled = _settled(condition, day)
            if settled is not None:
                return ALWAYS if settled is holds else NEVER
            if holds:
                return condition
            opposite = COMPLEMENTS.get(condition.op)
            return Atom(condition.fact, condition.type, opposite, condition.operands) if opposite else Not(condition)
        case Defined(key=key):
            return say(rules.definitions[key], holds=holds)
        case Not(part=part):
            return say(part, holds=not holds)
        case All(parts=parts) | AnyOf(parts=parts):
            join = All if isinstance(condition, All) is holds else AnyOf
            return _joined(join, [say(part, holds=holds) for part in parts])


def _joined(join: type[All] | type[AnyOf], parts: Sequence[Condition]) -> Condition:
    flat: list[Condition] = []
    for part in parts:
        flat += part.parts if isinstance(part, join) else [part]
    decides = NEVER if join is All else ALWAYS
    return decides if decides in flat else flat[0] if len(flat) == 1 else join(tuple(flat))


def _settled(atom: Atom, day: date) -> bool | None:
    """What is known of a test before any exchange is."""
    if atom.fact == AS_OF:
        (limit,) = atom.operands
        assert isinstance(limit, date)
        assert atom.op in ("at_least", "at_most")
        return day >= limit if atom.op == "at_least" else day <= limit
    if atom.op == "is" and atom.type.values and set(atom.type.values.values) <= set(atom.operands):
        return True
    return None


def _literal(condition: Condition) -> tuple[Atom, bool]:
    test, holds = (condition.part, False) if isinstance(condition, Not) else (condition, True)
    assert isinstance(test, Atom)
    assert not test.register
    assert test.op in SIGNS or test.op in ("is", "has")
    return test, holds


def _wanted(atom: Atom) -> list[Words]:
    values: list[Words] = []
    for value in atom.operands:
        assert isinstance(value, str | bool | Decimal)
        values.append(int(value) if isinstance(value, Decimal) else value)
    return values


def _terms(condition: Condition) -> Iterator[tuple[Condition, ...]]:
    """The condition as alternatives, each of tests that must all pass."""
    match condition:
        case All(parts=parts):
            for choice in product(*(tuple(_terms(part)) for part in parts)):
                yield tuple(test for term in choice for test in term)
        case AnyOf(parts=parts):
            for part in parts:
                yield from _terms(part)
        case _:
            yield (condition,)


def _written(condition: Condition, test: Callable[[Atom, bool], str], both: str, either: str) -> str:
    """The condition in a language of expressions."""
    match condition:
        case All(parts=()):
            return "true"
        case All(parts=parts) | AnyOf(parts=parts):
            joint = both if isinstance(condition, All) else either
            return "(" + joint.join(_written(part, test, both, either) for part in parts) + ")"
    return test(*_literal(condition))


class Datalogic:
    """JSONLogic in Rust: one rule whose value is the keys. Takes the parsed exchange."""

    name = "datalogic-py"

    def __init__(self, policies: Sequence[Policy], complete: bool) -> None:
        engine = import_module("datalogic_py").Engine()
        keys = [
            {"if": [self._logic(policy.applies), [{"if": [self._logic(when), key]} for key, when in policy.rules]]}
            for policy in policies
        ]
        self._rule = engine.compile({"filter": [{"merge": keys}, {"var": ""}]})
        self._session = engine.session()

    def matched(self, document: dict[str, Any]) -> list[str]:
        found: list[str] = self._session.evaluate(self._rule, document)
        return found

    def _logic(self, condition: Condition) -> Any:
        match condition:
            case All(parts=()):
                return True
            case All(parts=parts) | AnyOf(parts=parts):
                return {"and" if isinstance(condition, All) else "or": [self._logic(part) for part in parts]}
            case Not(part=part):
                return {"!": [self._logic(part)]}
        atom, _ = _literal(condition)
        fact, wanted = {"var": atom.fact}, _wanted(atom)
        if atom.op in SIGNS:
            return {SIGNS[atom.op]: [fact, wanted[0]]}
        if atom.op == "has":
            return {"in": [wanted[0], fact]} if len(wanted) == 1 else {"some": [fact, {"in": [{"var": ""}, wanted]}]}
        return {"===": [fact, wanted[0]]} if len(wanted) == 1 else {"in": [fact, wanted]}


class ZenExpression:
    """Zen's expression language in Rust: one expression of a list of booleans a policy. Takes the parsed exchange."""

    name = "zen-engine, expression"

    def __init__(self, policies: Sequence[Policy], complete: bool) -> None:
        self._keys = [[key for key, _ in policy.rules] for policy in policies]
        say = partial(_written, test=partial(self._test, complete), both=" and ", either=" or ")
        lists = [f"{say(policy.applies)} ? [{', '.join(say(when) for _, when in policy.rules)}] : null" for policy in policies]
        self._expression = import_module("zen").compile_expression(f"[{', '.join(lists)}]")

    def matched(self, document: dict[str, Any]) -> list[str]:
        answers = self._expression.evaluate(document)
        return [key for keys, holds in zip(self._keys, answers, strict=True) if holds for key in compress(keys, holds)]

    @staticmethod
    def _test(complete: bool, atom: Atom, holds: bool) -> str:
        # A comparison or a search of null is an error.
        fact, wanted = atom.fact, list(map(json.dumps, _wanted(atom)))
        if atom.op in SIGNS:
            told = "" if complete else f"{fact} != null and "
            return f"({told}{fact} {SIGNS[atom.op]} {wanted[0]})"
        if atom.op == "has":
            members = fact if complete else f"({fact} ?? [])"
            found = "(" + " or ".join(f"contains({members}, {value})" for value in wanted) + ")"
            return found if holds else f"not {found}"
        if len(wanted) == 1:
            return f"({fact} {'==' if holds else '!='} {wanted[0]})"
        return f"({fact} {'in' if holds else 'not in'} [{', '.join(wanted)}])"


class ZenTable:
    """Zen's decision table: a row for each alternative of each rule, all hits collected. Takes the parsed exchange."""

    name = "zen-engine, table"

    def __init__(self, policies: Sequence[Policy], complete: bool) -> None:
        rules = [(key, tuple(_terms(when))) for policy in policies for key, when in policy.whole()]
        facts = sorted({_literal(test)[0].fact for _, terms in rules for term in terms for test in term})
        columns = {fact: f"column-{number}" for number, fact in enumerate(facts)}
        rows = [self._row(columns, key, term) for key, terms in rules for term in terms]
        table = {
            "hitPolicy": "collect",
            "inputs": [{"id": id, "name": fact, "type": "expression", "field": fact} for fact, id in columns.items()],
            "outputs": [{"id": "key", "name": "key", "type": "expression", "field": "key"}],
            "rules": [{"_id": f"row-{number}", **row} for number, row in enumerate(rows)],
        }
        nodes = [
            {"id": id, "name": id, "type": type, "position": {"x": 0, "y": 0}, "content": content}
            for id, type, content in (("in", "inputNode", {}), ("table", "decisionTableNode", table), ("out", "outputNode", {}))
        ]
        edges = [
            {"id": f"{start}-{end}", "sourceId": start, "targetId": end, "type": "edge"}
            for start, end in (("in", "table"), ("table", "out"))
        ]
        self._decision = import_module("zen").ZenEngine().create_decision(json.dumps({"nodes": nodes, "edges": edges}))

    def matched(self, document: dict[str, Any]) -> list[str]:
        return list({row["key"] for row in self._decision.evaluate(document)["result"]})

    def _row(self, columns: dict[str, str], key: str, term: Sequence[Condition]) -> dict[str, str]:
        row = {"key": json.dumps(key)}
        for atom, holds in map(_literal, term):
            column, cell = columns[atom.fact], self._cell(atom, holds)
            row[column] = f"{row[column]} and {cell}" if column in row else cell
        return row

    @staticmethod
    def _cell(atom: Atom, holds: bool) -> str:
        wanted = list(map(json.dumps, _wanted(atom)))
        if atom.op in SIGNS:
            return f"{SIGNS[atom.op]} {wanted[0]}"
        if atom.op == "has":
            return f"{'some' if holds else 'none'}($, # in [{', '.join(wanted)}])"
        return f"$ {'in' if holds else 'not in'} [{', '.join(wanted)}]"


class Cedar:
    """Cedar in Rust: a `permit` a rule, of which a decision names all that hold. The binding writes the request as JSON."""

    name = "cedarpy"

    def __init__(self, policies: Sequence[Policy], complete: bool) -> None:
        cedar = import_module("cedarpy")
        rules = [rule for policy in policies for rule in policy.whole()]
        say = partial(_written, test=partial(self._test, complete), both=" && ", either=" || ")
        texts = [f"permit(principal, action, resource) when {{ {say(when)} }};" for _, when in rules]
        self._ask = cedar.is_authorized
        self._policies = cedar.PolicySet.from_str("\n".join(texts))
        self._entities = cedar.Entities.from_json_str("[]")
        self._keys = {f"policy{number}": key for number, (key, _) in enumerate(rules)}

    def matched(self, document: dict[str, Any]) -> list[str]:
        request = {"principal": 'Party::"from"', "action": 'Act::"exchange"', "resource": 'Data::"set"', "context": document}
        found = self._ask(request, self._policies, self._entities).diagnostics
        if found.errors:
            raise RuntimeError(found.errors[0])
        return [self._keys[id] for id in found.reasons]

    @staticmethod
    def _test(complete: bool, atom: Atom, holds: bool) -> str:
        fact, wanted = f"context.{atom.fact}", list(map(json.dumps, _wanted(atom)))
        if atom.op in SIGNS:
            test = f"{fact} {SIGNS[atom.op]} {wanted[0]}"
        elif atom.op == "has":
            test = f"{fact}.contains({wanted[0]})" if len(wanted) == 1 else f"{fact}.containsAny([{', '.join(wanted)}])"
        else:
            test = f"{fact} == {wanted[0]}" if len(wanted) == 1 else f"[{', '.join(wanted)}].contains({fact})"
        test = test if holds else f"!({test})"
        # Reading what is not there is an error, and a policy with an error does not count.
        group, _, last = atom.fact.partition(".")
        return test if complete else f"(context has {group} && context.{group} has {last} && {test})"


class Opa:
    """OPA's Rego as a Go library in the process: a partial set of keys. The binding writes the input as JSON and reads JSON."""

    name = "OPA in process"

    def __init__(self, policies: Sequence[Policy], complete: bool) -> None:
        lines = ["package peers"]
        for number, policy in enumerate(policies):
            members = "matched" if policy.applies == ALWAYS else f"policy_{number}"
            for key, when in policy.rules:
                lines += [f"{members} contains {json.dumps(key)} if {{ {body} }}" for body in self._bodies(when)]
            if policy.applies != ALWAYS:
                lines += [
                    f"matched contains key if {{ {body}; some key in {members} }}" for body in self._bodies(policy.applies)
                ]
        self._engine = import_module("opa_bindings").OpaEngine()
        self._engine.add_policy("peers.rego", "\n".join(lines))

    def matched(self, document: dict[str, Any]) -> list[str]:
        found: list[str] = self._engine.eval_document("peers.matched", document)
        return found

    def _bodies(self, condition: Condition) -> Iterator[str]:
        return ("; ".join(map(self._test, term)) for term in _terms(_one_by_one(condition)))

    @staticmethod
    def _test(condition: Condition) -> str:
        atom, holds = _literal(condition)
        fact, wanted = f"input.{atom.fact}", list(map(json.dumps, _wanted(atom)))
        if atom.op in SIGNS:
            return f"{fact} {SIGNS[atom.op]} {wanted[0]}"
        if atom.op == "has":
            return f"{wanted[0]} in {fact}" if holds else f"not {wanted[0]} in {fact}"
        if not holds:
            return "; ".join(f"{fact} != {value}" for value in wanted)
        return f"{fact} == {wanted[0]}" if len(wanted) == 1 else f"{fact} in {{{', '.join(wanted)}}}"


def _one_by_one(condition: Condition) -> Condition:
    """`has` of several values as several tests, each of one."""
    match condition:
        case All(parts=parts):
            return All(tuple(map(_one_by_one, parts)))
        case AnyOf(parts=parts):
            return AnyOf(tuple(map(_one_by_one, parts)))
        case Atom(op="has"):
            return AnyOf(tuple(Atom(condition.fact, condition.type, "has", (value,)) for value in condition.operands))
        case Not(part=part):
            inner = _one_by_one(part)
            return All(tuple(map(Not, inner.parts))) if isinstance(inner, AnyOf) else condition
    return condition


PEERS: tuple[type[Peer], ...] = (Datalogic, ZenExpression, ZenTable, Cedar, Opa)
