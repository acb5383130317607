"""
From triples to the one policy in them.

A document in JSON-LD or Turtle says the same in many shapes; as triples they are one. What is not of a shape that ODRL knows becomes a
broken constraint or another statement, with its place: nothing is passed over. Parts may be shared and refer to one another, so what is
built is bounded and a part that contains itself is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar, get_args

from service.doors.graphs import GraphTerm
from service.doors.odrl import contexts
from service.doors.odrl.contract_policy import (
    ODRL,
    RDF,
    RDF_TYPE,
    AnyConstraint,
    BrokenConstraint,
    Constraint,
    ContractPolicy,
    ContractRule,
    LinkedDocument,
    LogicalConstraint,
    LogicalKind,
    OtherStatement,
    RuleKind,
    local_name,
)
from service.doors.odrl.contract_refusals import refused, shown

MOST_PARTS = 5_000  # rules and constraints of one policy, each as often as it is used
TYPES = ("Set", "Offer", "Agreement", "Assertion", "Policy", "Privacy", "Request", "Ticket")

_RULES: Mapping[str, RuleKind] = {ODRL + name: name for name in ("permission", "prohibition", "obligation")}
_CONNECTIVES = tuple(ODRL + name for name in get_args(LogicalKind))
_UID = ODRL + "uid"
_VALUE = RDF + "value"
# The W3C's own context misspells two names.
_MISSPELT = {ODRL + "neg": ODRL + "neq", ODRL + "industry:": ODRL + "industry"}

_OF_POLICY = frozenset(
    {
        RDF_TYPE,
        _UID,
        *_RULES,
        *(ODRL + each for each in ("profile", "inheritFrom", "conflict", "assigner", "assignee", "target", "action")),
    }
)
_OF_RULE = frozenset(
    {
        RDF_TYPE,
        _UID,
        *(ODRL + each for each in ("action", "target", "assigner", "assignee", "constraint", "duty", "remedy", "consequence")),
    }
)
_OF_ACTION = frozenset({RDF_TYPE, _UID, _VALUE, ODRL + "refinement"})
_OF_THING = frozenset({RDF_TYPE, _UID})
_OF_CONSTRAINT = frozenset(
    {RDF_TYPE, _UID, *(ODRL + each for each in ("leftOperand", "operator", "rightOperand", "unit", "dataType", "datatype"))}
)

_PARTS = frozenset(ODRL + each for each in ("Rule", "Permission", "Prohibition", "Duty", "Constraint", "LogicalConstraint"))
_STRAY = (_OF_RULE | _OF_CONSTRAINT | {*_CONNECTIVES, ODRL + "refinement"}) - {RDF_TYPE, _UID}

_Part = TypeVar("_Part")


def canonical(name: str) -> str:
    """The one IRI of a name of ODRL or of a profile known here, however it is written: bare, with a prefix, or whole."""
    if name.startswith("odrl:"):
        name = ODRL + name.removeprefix("odrl:")
    elif ":" not in name:
        meanings = contexts.known_names().get(name, frozenset())
        name = next(iter(meanings)) if len(meanings) == 1 else name
    return _MISSPELT.get(name, name)


def policy(document: LinkedDocument) -> ContractPolicy:
    """The one policy in a document. Raises RequestRefused where there is none, or more than one."""
    said: dict[str, dict[str, list[GraphTerm]]] = {}
    for triple in document.triples:
        values = said.setdefault(triple.subject, {}).setdefault(
            canonical(triple.predicate) if triple.predicate.startswith("odrl:") else triple.predicate, []
        )
        if triple.object not in values:
            values.append(triple.object)
    found = [subject for subject in said if _is_policy(said[subject])]
    if not found:
        raise refused(
            "no-policy",
            "there is no ODRL policy in the document: a policy is a `Set`, an `Offer` or an `Agreement`, by a context such as"
            " `http://www.w3.org/ns/odrl.jsonld`",
        )
    if len(found) > 1:
        places = " and ".join(shown(document.pointer(subject)) for subject in found[:3])
        raise refused(
            "several-policies",
            f"there are {len(found)} policies in the document, at {places}: send one",
            document.pointer(found[1]),
        )
    return _Builder(document, said).policy(found[0])


def _is_policy(said: Mapping[str, list[GraphTerm]]) -> bool:
    return bool(_types(said)) or any(predicate in said for predicate in _RULES)


def _types(said: Mapping[str, list[GraphTerm]]) -> list[str]:
    """Which types of policy a subject is of."""
    names = [
        each.text.removeprefix(ODRL).removeprefix("odrl:")
        for each in said.get(RDF_TYPE, ())
        if each.text.startswith((ODRL, "odrl:"))
    ]
    return [each for each in names if each in TYPES]


@dataclass(slots=True)
class _Builder:
    """Builds one policy. `path` are the subjects that a part is within."""

    document: LinkedDocument
    said: Mapping[str, Mapping[str, list[GraphTerm]]]
    others: list[OtherStatement] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    seen: dict[str, str] = field(default_factory=dict)  # each subject that was built, and what it is
    parts: int = 0

    def policy(self, subject: str) -> ContractPolicy:
        said = self.said[subject]
        at = self.document.pointer(subject)
        types = [each for each in _types(said) if each != "Policy"] or ["Set"]
        if len(types) > 1:
            raise refused("several-types", f"the policy is {' and '.join(types)}; it is one of them", at)
        for each in said.get(RDF_TYPE, ()):
            if canonical(each.text) not in (ODRL + types[0], ODRL + "Policy"):
                self.other(subject, RDF_TYPE, each)
        self.path.append(subject)
        self.seen[subject] = "policy"
        parties = {role: self.things(subject, ODRL + role) for role in ("assigner", "assignee", "target")}
        rules = [
            replace(rule, kind=kind)
            for predicate, kind in _RULES.items()
            for value in said.get(predicate, ())
            for rule in self.rules(value, kind, subject, predicate)
        ]
        if ODRL + "action" in said:  # the action of every rule that has none
            actions = [action for value in said[ODRL + "action"] for action in [self.action(value, subject)]]
            rules = [
                replace(rule, action=name, refinements=refinements, action_uid=uid, action_pointer=pointer)
                for rule in rules
                for name, refinements, uid, pointer in (
                    actions if not rule.action else [(rule.action, rule.refinements, rule.action_uid, rule.action_pointer)]
                )
            ]
        self.rest(subject, _OF_POLICY)
        uid = next((each.text for each in said.get(_UID, ())), "" if subject.startswith("_:") else subject)
        for predicate in (_UID, ODRL + "conflict"):
            for each in said.get(predicate, [])[1:]:
                self.other(subject, predicate, each)
        self.strays()
        named = {role: self.document.pointer(subject, ODRL + role) for role, values in parties.items() if values}
        return ContractPolicy(
            uid=uid,
            type=types[0],
            profiles=self.names(subject, ODRL + "profile"),
            assigners=parties["assigner"],
            assignees=parties["assignee"],
            targets=parties["target"],
            rules=tuple(rules),
            inherits=self.names(subject, ODRL + "inheritFrom"),
            conflict=next(iter(self.names(subject, ODRL + "conflict")), ""),
            others=tuple(dict.fromkeys(self.others)),
            pointer=at,
            named_at=named,
        )

    # Rules

    def rules(self, value: GraphTerm, kind: RuleKind, parent: str, predicate: str) -> tuple[ContractRule, ...]:
        """A rule, once for each of its actions."""
        return self.within(value, parent, predicate, lambda at: self._rules(value, kind, at)) or ()

    def _rules(self, value: GraphTerm, kind: RuleKind, at: str) -> tuple[ContractRule, ...]:
        said = self.said.get(value.text, {})
        parts = {
            name: tuple(rule for each in said.get(ODRL + name, ()) for rule in self.rules(each, name, value.text, ODRL + name))
            for name in ("duty", "remedy", "consequence")
        }
        rule = ContractRule(
            kind=kind,
            action="",
            refinements=(),
            targets=self.things(value.text, ODRL + "target"),
            assigners=self.things(value.text, ODRL + "assigner"),
            assignees=self.things(value.text, ODRL + "assignee"),
            constraints=self.constraints(value.text, ODRL + "constraint"),
            duties=parts["duty"],
            remedies=parts["remedy"],
            consequences=parts["consequence"],
            pointer=at,
            uid=self.uid(value),
        )
        self.rest(value.text, _OF_RULE)
        self.typed(value.text, ("Rule", kind.capitalize() if kind in ("permission", "prohibition") else "Duty"))
        actions = [self.action(each, value.text) for each in said.get(ODRL + "action", ())]
        return tuple(
            replace(rule, action=name, refinements=refinements, action_uid=uid, action_pointer=pointer)
            for name, refinements, uid, pointer in actions
        ) or (rule,)

    def action(self, value: GraphTerm, rule: str) -> tuple[str, tuple[AnyConstraint, ...], str, str]:
        """An action: its IRI, its refinements, its own id and its place."""
        at = self.place(value, rule, ODRL + "action")
        said = self.said.get(value.text, {}) if value.kind != "literal" else {}
        if not said:
            return ("" if value.kind == "blank" else canonical(value.text)), (), "", at
        names = [*said.get(_VALUE, ()), *said.get("rdf:value", ())]
        refinements = (
            self.within(value, rule, ODRL + "action", lambda _: self.constraints(value.text, ODRL + "refinement")) or ()
        )
        self.rest(value.text, _OF_ACTION | {"rdf:value"})
        if not names and refinements and value.kind == "iri":  # it would refine the action wherever the document names it
            refinements = (
                BrokenConstraint(f"{shown(value.text)} is refined wherever it is named: refine it by `rdf:value`", at),
            )
        if len(names) > 1:
            refinements = (*refinements, BrokenConstraint("the action has more than one `rdf:value`", at))
        name = names[0].text if names else "" if value.kind == "blank" else value.text
        return canonical(name), refinements, self.uid(value), at

    # Constraints

    def constraints(self, subject: str, predicate: str) -> tuple[AnyConstraint, ...]:
        return tuple(self.constraint(each, subject, predicate) for each in self.said.get(subject, {}).get(predicate, ()))

    def constraint(self, value: GraphTerm, parent: str, predicate: str) -> AnyConstraint:
        built = self.within(value, parent, predicate, lambda at: self._constraint(value, at))
        return built or BrokenConstraint("a constraint is an object", self.place(value, parent, predicate))

    def _constraint(self, value: GraphTerm, at: str) -> AnyConstraint:
        said, uid = self.said.get(value.text, {}), self.uid(value)
        self.typed(value.text, ("Constraint", "AtomicConstraint", "LogicalConstraint"))
        connectives = [each for each in _CONNECTIVES if each in said]
        operands = [ODRL + each for each in ("leftOperand", "operator", "rightOperand")]
        if not said:
            return BrokenConstraint(f"{shown(value.text)} is not described in the document", at, uid)
        if connectives:
            self.rest(value.text, {RDF_TYPE, _UID, *connectives, *operands})
            if len(connectives) > 1 or any(each in said for each in operands):
                return BrokenConstraint("a constraint has one connective, or else an operand on each side", at, uid)
            kind: LogicalKind = connectives[0].removeprefix(ODRL)
            return LogicalConstraint(kind, self.constraints(value.text, connectives[0]), at, uid)
        self.rest(value.text, _OF_CONSTRAINT)
        left, operator, right = (said.get(each, []) for each in operands)
        for name, values in (("leftOperand", left), ("operator", operator)):
            if len(values) != 1 or values[0].kind == "blank" or values[0].text in self.said:
                return BrokenConstraint(f"a constraint has one `{name}`", at, uid)
        if not right or any(each.kind == "blank" or (each.text in self.said and each.kind == "iri") for each in right):
            return BrokenConstraint("a constraint has a `rightOperand` that is a value or several", at, uid)
        units = said.get(ODRL + "unit", [])
        types = [*said.get(ODRL + "dataType", ()), *said.get(ODRL + "datatype", ())]
        if len(units) > 1 or len(types) > 1:
            return BrokenConstraint("a constraint has one `unit` and one `dataType`", at, uid)
        unit = units[0].text if units else ""
        data_type = types[0].text if types else ""
        return Constraint(canonical(left[0].text), canonical(operator[0].text), tuple(right), unit, data_type, at, uid)

    # Shared

    def within(self, value: GraphTerm, parent: str, predicate: str, build: Callable[[str], _Part]) -> _Part | None:
        """What `build` makes of a node; None where there is none. Raises RequestRefused where it contains itself, or there are too many."""
        at = self.place(value, parent, predicate)
        if value.kind == "literal":
            self.other(parent, predicate, value)
            return None
        if value.text in self.path:
            raise refused("contains-itself", f"{shown(value.text)} contains itself", at)
        self.parts += 1
        if self.parts > MOST_PARTS:
            raise refused("too-large", f"a policy has at most {MOST_PARTS:,} rules and constraints", at)
        if len(self.path) > 40:
            raise refused("too-deep", "the policy is nested too deeply", at)
        self.path.append(value.text)
        self.seen.setdefault(value.text, predicate.removeprefix(ODRL))
        built = build(at)
        self.path.pop()
        return built

    def things(self, subject: str, predicate: str) -> tuple[str, ...]:
        """The ids of parties or assets. One that is described by more than its id is another statement too."""
        found = []
        for each in self.said.get(subject, {}).get(predicate, ()):
            said = self.said.get(each.text, {}) if each.kind != "literal" else {}
            if said and each.text not in self.path:
                for type_ in said.get(RDF_TYPE, ()):
                    if local_name(type_.text).endswith("Collection"):
                        self.other(each.text, RDF_TYPE, type_)
                self.rest(each.text, _OF_THING)
            names = [name.text for name in said.get(_UID, ())] or ([] if each.kind == "blank" else [each.text])
            if not names:
                self.other(subject, predicate, each)
            found += names
        return tuple(dict.fromkeys(found))

    def names(self, subject: str, predicate: str) -> tuple[str, ...]:
        return tuple(each.text for each in self.said[subject].get(predicate, ()))

    def uid(self, value: GraphTerm) -> str:
        own = [each.text for each in self.said.get(value.text, {}).get(_UID, ())]
        return own[0] if own else "" if value.kind == "blank" else value.text

    def place(self, value: GraphTerm, parent: str, predicate: str) -> str:
        """Where a node is; where it is only named, the place that names it."""
        there = self.document.pointers.get(value.text) if value.kind != "literal" else None
        return self.document.pointer(parent, predicate) if there is None else there

    def rest(self, subject: str, known: Iterable[str]) -> None:
        """What a node says by other terms than these."""
        for predicate, values in self.said.get(subject, {}).items():
            if predicate not in known:
                for each in values:
                    self.other(subject, predicate, each)

    def strays(self) -> None:
        """What stands in the document as a rule or a constraint, and belongs to nothing."""
        for subject, said in self.said.items():
            if subject in self.seen:
                continue
            types = [each for each in said.get(RDF_TYPE, ()) if canonical(each.text) in _PARTS]
            for predicate in (RDF_TYPE,) if types else [each for each in said if each in _STRAY]:
                self.other(subject, predicate, said[predicate][0])

    def typed(self, subject: str, names: Sequence[str]) -> None:
        """What a node says that it is, where it is none of these."""
        for each in self.said.get(subject, {}).get(RDF_TYPE, ()):
            if local_name(each.text) not in names:
                self.other(subject, RDF_TYPE, each)

    def other(self, subject: str, predicate: str, value: GraphTerm) -> None:
        text = "" if value.kind == "blank" else value.text
        self.others.append(
            OtherStatement(predicate, text, self.document.pointer(subject, predicate), self.seen.get(subject, ""))
        )
