"""
An evaluation as a compliance report: JSON-LD, and the same statements in Turtle.

The report uses the vocabulary of the suite, or for a request of the draft on formal semantics the draft's. Neither has a word for an
undefined constraint, so this one is ours, and a comment says why. Names of reports come from their content: the same evaluation gives the
same report.
"""

import json
from collections.abc import Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from service.doors.graphs import GraphTerm
from service.doors.odrl.contract_policy import ODRL, XSD, Constraint, LogicalConstraint
from service.doors.odrl.evaluation.evaluator import ConstraintEvaluation, PolicyEvaluation, RuleEvaluation
from service.doors.odrl.evaluation.operand_comparison import UNDEFINED, Satisfaction
from service.doors.odrl.evaluation.world import REPORT, RequestVocabulary

NAMESPACES = {RequestVocabulary.SUITE: REPORT, RequestVocabulary.DRAFT: "http://example.com/report/temp/"}
UNDEFINED_STATE = "urn:fifthfactor:odrl:Undefined"
DRAFT_NAMES = {  # where the draft has another word
    "PolicyReport": "ComplianceReport",
    "policyRequest": "evaluationRequest",
    "PermissionReport": "ruleReport",
    "ProhibitionReport": "ruleReport",
    "Unsatisfied": "Not-Satisfied",
    "NonSet": "Not-set",
    "Unknown": "Unperformed",
}
STATES = {"Satisfied", "Unsatisfied", "Active", "Inactive", "Attempted", "Permit", "Deny", "Fulfilled", "Violated", "NonSet"}
STATES |= {"Performed", "Unperformed", "Unknown", *DRAFT_NAMES.values()}
_KINDS = {"permission": "PermissionReport", "prohibition": "ProhibitionReport"}

Node = dict[str, Any]


def document(evaluation: PolicyEvaluation) -> Node:
    """The report as a JSON-LD document."""
    return _Writer(evaluation).report()


class _Writer:
    def __init__(self, evaluation: PolicyEvaluation) -> None:
        self.of = evaluation
        self.draft = evaluation.request.vocabulary is RequestVocabulary.DRAFT

    def report(self) -> Node:
        of = self.of
        context = {"report": NAMESPACES[of.request.vocabulary], "odrl": ODRL, "dct": "http://purl.org/dc/terms/", "xsd": XSD}
        node: Node = {"@context": context | {"rdfs": "http://www.w3.org/2000/01/rdf-schema#"}}
        node |= self._named("PolicyReport", of.policy.uid, of.request.rule, of.world.uid, of.created)
        if of.created:
            node["dct:created"] = {"@value": of.created, "@type": "xsd:dateTime"}
        node["report:policy"] = _reference(of.policy.uid, of.policy.pointer)
        node[self._term("policyRequest")] = _reference(of.request.uid)
        if of.world.uid:
            node["report:state"] = _reference(of.world.uid)
        node["report:ruleReport"] = [self._rule(each) for each in of.rules]
        return node

    def _term(self, name: str) -> str:
        return "report:" + (DRAFT_NAMES.get(name, name) if self.draft else name)

    def _state(self, name: str) -> Node:
        return {"@id": NAMESPACES[self.of.request.vocabulary] + self._term(name).removeprefix("report:")}

    def _named(self, kind: str, *path: str) -> Node:
        name = uuid5(NAMESPACE_URL, json.dumps([self.of.policy.uid, self.of.request.rule, self.of.world.uid, kind, *path]))
        return {"@id": f"urn:uuid:{name}", "@type": self._term(kind)}

    def _rule(self, rule: RuleEvaluation) -> Node:
        at, named = rule.rule.uid or rule.rule.pointer, _reference(rule.rule.uid, rule.rule.pointer)
        node = self._named(_KINDS.get(rule.rule.kind, "DutyReport"), at, rule.rule.action)
        node["report:rule"] = named
        if not self.draft and rule.request:
            node |= {"report:attemptState": self._state("Attempted"), "report:ruleRequest": _reference(rule.request)}
        node["report:activationState"] = self._state("Active" if rule.active else "Inactive")
        if self.draft and rule.rule.kind == "permission":
            node["report:controlState"] = self._state("Permit" if rule.applies else "Deny")
        if rule.rule.kind != "permission":
            node["report:performanceState"] = self._state(rule.performance.value)
            node["report:deonticState"] = self._state(rule.deontic_state)
        if self.draft and rule.rule.action_uid and rule.rule.kind == "duty":
            action = self._named("ActionReport", at) | {"report:action": {"@id": rule.rule.action_uid}}
            node["report:actionReport"] = action | {"report:performanceState": self._state(rule.performance.value)}
        premises = [
            self._named(f"{kind}Report", at, rule.rule.action) | self._satisfaction(state)
            for kind, state in rule.premises.items()
        ]
        premises += [self._constraint(each, at) for each in (*rule.constraints, *rule.refinements)]
        if premises:
            node["report:premiseReport"] = premises
        if rule.duties:
            node["report:conditionReport"] = [self._rule(each) for each in rule.duties]
        return node

    def _satisfaction(self, state: Satisfaction) -> Node:
        undefined = state is UNDEFINED
        return {"report:satisfactionState": {"@id": UNDEFINED_STATE} if undefined else self._state(state.value)}

    def _constraint(self, evaluated: ConstraintEvaluation, rule: str) -> Node:
        of = evaluated.constraint
        at = of.uid or of.pointer
        node = self._named("ConstraintReport", rule, at) | {"report:constraint": _reference(of.uid, of.pointer)}
        if evaluated.left:
            node["report:constraintLeftOperand"] = _value(evaluated.left.value)
        if isinstance(of, Constraint):
            node["report:constraintOperator"] = {"@id": of.operator}
            node["report:constraintRightOperand"] = [_value(each) for each in of.right]
        if isinstance(of, LogicalConstraint):
            node["report:constraintLogicalOperand"] = {"@id": ODRL + of.kind}
            node["report:premiseReport"] = [self._constraint(each, rule) for each in evaluated.parts]
        node |= self._satisfaction(evaluated.state)
        return node | ({"rdfs:comment": evaluated.why} if evaluated.why else {})


def _reference(uid: str, pointer: str = "") -> Node:
    """What has a name by its name; what has none by its place in the document, as a text."""
    return {"@id": uid} if ":" in uid and not uid.startswith("_:") else {"@value": uid or pointer}


def _value(term: GraphTerm) -> Node:
    if term.kind != "literal":
        return _reference(term.text)
    extra = {"@language": term.language} if term.language else {"@type": term.data_type} if term.data_type else {}
    return {"@value": term.text} | extra


def turtle(node: Node) -> str:
    """The statements of a report in Turtle, one subject after another."""
    context = node["@context"]
    prefixes = [f"@prefix {prefix}: <{namespace}> ." for prefix, namespace in context.items()]
    within = {key: value for key, value in node.items() if key != "@context"}
    return "\n".join([*prefixes, "", *_subjects(within, context.get("report", ""))])


def _subjects(node: Node, states: str) -> Iterator[str]:
    """A subject with what is said of it, then those that it refers to. `states` is the namespace of the states."""
    within: list[Node] = []
    lines = []
    for predicate, value in node.items():
        values = value if isinstance(value, list) else [value]
        within += [each for each in values if isinstance(each, dict) and "@type" in each and "@id" in each]
        if predicate == "@type":
            lines.append(f"    a {value}")
        elif predicate != "@id":
            lines.append(f"    {predicate} {', '.join(_object(each, states) for each in values)}")
    yield f"{_iri(node['@id'])}\n" + " ;\n".join(lines) + " .\n"
    for each in within:
        yield from _subjects(each, states)


def _object(value: Any, states: str) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if "@id" in value:
        state = value["@id"].removeprefix(states)
        return f"report:{state}" if state in STATES else _iri(value["@id"])
    text = json.dumps(value["@value"], ensure_ascii=False)
    if "@language" in value:
        return f"{text}@{value['@language']}"
    kind = value.get("@type", "")
    return f"{text}^^{kind if kind == 'xsd:dateTime' else _iri(kind)}" if kind else text


def _iri(text: str) -> str:
    """An IRI between its brackets; a character that may not stand there is written as its percent code."""
    return "<" + "".join(f"%{ord(each):02X}" if each <= " " or each in '<>"{}|^`\\' else each for each in text) + ">"
