"""The evaluator of ODRL: policies small enough to read, what is asked, what is so, and what becomes of each rule."""

import json
from pathlib import Path

import pytest

from service.doors.graphs import GraphTerm
from service.doors.odrl import contract_graph, json_ld, turtle
from service.doors.odrl.contract_policy import ODRL, XSD
from service.doors.odrl.evaluation import compliance_report
from service.doors.odrl.evaluation.evaluator import PolicyEvaluation, evaluate, including
from service.doors.odrl.evaluation.operand_comparison import Satisfaction, compare
from service.doors.odrl.evaluation.suite import evaluate_files
from service.doors.odrl.evaluation.world import EvaluationRefused, read_request, read_world

FIXTURES = Path(__file__).parent.parent / "fixtures"
DRAFT = FIXTURES / "formal-semantics" / "examples" / "C Evaluation of Conditions (Duties)"
PREFIXES = """
@prefix odrl: <http://www.w3.org/ns/odrl/2/> . @prefix ex: <http://example.org/> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix temp: <http://example.com/request/> . @prefix dct: <http://purl.org/dc/terms/> .
@prefix report: <https://w3id.org/force/compliance-report#> .
"""
NOON = 'temp:currentTime dct:issued "2024-02-12T12:00:00Z"^^xsd:dateTime .'
BEFORE_2025 = '[ odrl:leftOperand odrl:dateTime ; odrl:operator odrl:lt ; odrl:rightOperand "2025-01-01"^^xsd:date ]'
DUTY = "odrl:duty ex:payment . ex:payment odrl:action odrl:compensate"


def read(text: str, action: str = "read", state: str = NOON, kind: str = "permission", type: str = "Set") -> PolicyEvaluation:
    """The evaluation of a policy with one rule, for Alice who asks to do something with x."""
    rule = f"ex:policy a odrl:{type} ; odrl:{kind} ex:rule . ex:rule odrl:target ex:x ; odrl:action odrl:read ; {text} ."
    asked = (
        f"ex:request a odrl:Request ; odrl:permission ex:asked . ex:asked odrl:assignee ex:alice ; odrl:action odrl:{action} ;"
    )
    policy, request, world = (
        turtle.document((PREFIXES + each).encode()) for each in (rule, asked + "odrl:target ex:x .", state)
    )
    (one,) = read_request(request, contract_graph.policy)
    return evaluate(contract_graph.policy(policy), one, read_world(world))


def active(*arguments: str, **named: str) -> bool:
    """Whether the one rule of a policy is active."""
    return read(*arguments, **named).rules[0].active


def said(lexical: str, data_type: str = "dateTime") -> GraphTerm:
    """A typed literal."""
    return GraphTerm(lexical, "literal", XSD + data_type)


def test_a_rule_without_limits_is_active_for_its_action_and_for_what_the_vocabulary_includes_in_it():
    """Reading is a use; selling is a transfer and no use; writing is the old name of modifying."""
    assert active("odrl:assignee ex:alice")
    assert not active("odrl:assignee ex:bob")
    assert not active("odrl:assignee ex:alice", action="use")
    assert {ODRL + "use", ODRL + "play"} < including(ODRL + "display")
    assert ODRL + "use" in including(ODRL + "write")
    assert ODRL + "write" in including(ODRL + "modify")
    assert ODRL + "use" not in including(ODRL + "sell")


def test_what_is_undefined_makes_no_permission_active_and_no_prohibition_inactive():
    """Nobody says what time it is, or two sources say different times; the report says why."""
    later = NOON.replace("2024", "2026")
    for state in ("", NOON + later):
        permission = read(f"odrl:constraint {BEFORE_2025}", state=state)
        assert not permission.rules[0].active
        assert not permission.permitted
        (constraint,) = permission.rules[0].constraints
        assert (constraint.state, bool(constraint.why)) == (Satisfaction.UNDEFINED, True)
        assert active(f"odrl:constraint {BEFORE_2025}", state=state, kind="prohibition")
    assert active(f"odrl:constraint {BEFORE_2025}")
    assert not active(f"odrl:constraint {BEFORE_2025}", state=later)
    assert not active(f"odrl:constraint {BEFORE_2025}", state=later, kind="prohibition")


@pytest.mark.parametrize(
    "constraint",
    [
        "[ odrl:leftOperand odrl:spatial ; odrl:operator odrl:eq ; odrl:rightOperand ex:here ]",
        '[ odrl:leftOperand odrl:dateTime ; odrl:operator ex:before ; odrl:rightOperand "2025-01-01"^^xsd:date ]',
        '[ odrl:leftOperand odrl:dateTime ; odrl:operator odrl:lt ; odrl:rightOperand "2025-13-01"^^xsd:date ]',
        '[ odrl:leftOperand odrl:dateTime ; odrl:operator odrl:lt ; odrl:rightOperand "25"^^xsd:integer ]',
        '[ odrl:leftOperand odrl:dateTime ; odrl:operator odrl:lt ; odrl:rightOperand "2025-01-01"^^xsd:date, "2030-01-01"^^xsd:date ]',
        '[ odrl:leftOperand odrl:dateTime ; odrl:rightOperand "2025-01-01"^^xsd:date ]',
        f"[ odrl:andSequence {BEFORE_2025} ]",
        f"[ odrl:xone {BEFORE_2025} , [ odrl:leftOperand odrl:spatial ; odrl:operator odrl:eq ; odrl:rightOperand ex:here ] ]",
        "ex:nowhere",
    ],
)
def test_a_constraint_that_cannot_be_evaluated_is_undefined(constraint):
    """An operand without a value, an operator or a value that is none, a sequence, a constraint that is not there."""
    evaluation = read(f"odrl:constraint {constraint}")
    assert evaluation.rules[0].constraints[0].state is Satisfaction.UNDEFINED
    assert not evaluation.rules[0].active


@pytest.mark.parametrize(
    ("left", "operator", "right", "expected"),
    [
        (said("2024-12-31T23:59:59.999Z"), "lt", said("2025-01-01Z", "date"), "Satisfied"),
        (said("2025-01-01T00:00:00Z"), "lt", said("2025-01-01Z", "date"), "Unsatisfied"),
        (said("2025-01-01T23:59:59Z"), "lteq", said("2025-01-01Z", "date"), "Satisfied"),
        (said("2025-01-01T23:59:59Z"), "eq", said("2025-01-01Z", "date"), "Satisfied"),
        (said("2025-01-02T00:00:00Z"), "gt", said("2025-01-01Z", "date"), "Satisfied"),
        (said("2025-01-01T01:00:00+01:00"), "eq", said("2025-01-01T00:00:00Z"), "Satisfied"),
        (said("2025-01-01T00:00:00.0000001Z"), "gt", said("2025-01-01T00:00:00Z"), "Satisfied"),
        (said("2025-01-01T13:00:00"), "lt", said("2025-01-02T00:00:00Z"), "Undefined"),
        (said("2025-01-01T09:59:59"), "lt", said("2025-01-02T00:00:00Z"), "Satisfied"),
        (said("2025-01-02T14:00:01"), "lt", said("2025-01-02T00:00:00Z"), "Unsatisfied"),
        (said("2025-01-01T00:00:00Z"), "lt", said("2025-06-01", "string"), "Satisfied"),
        (said("2025-02-29", "date"), "lt", said("2030-01-01", "date"), "Undefined"),
        (said("5.00", "decimal"), "eq", said("5", "integer"), "Satisfied"),
        (said("0.1", "decimal"), "lt", said("1e-1", "double"), "Unsatisfied"),
        (said("2025-01-01"), "lt", said("2030-01-01T00:00:00"), "Undefined"),
        (said("2025-01-01T00:00:00", "date"), "lt", said("2030-01-01", "date"), "Undefined"),
        (said("NaN", "double"), "neq", said("5", "integer"), "Undefined"),
        (said("٥", "integer"), "eq", said("5", "integer"), "Undefined"),
        (said("Sunday", "string"), "lt", said("Tuesday", "string"), "Undefined"),
        (said("Sunday", "string"), "neq", said("Tuesday", "string"), "Satisfied"),
        (GraphTerm("http://example.org/a"), "eq", said("http://example.org/a", "string"), "Undefined"),
        (GraphTerm("http://example.org/a"), "isPartOf", GraphTerm("http://example.org/all"), "Satisfied"),
        (GraphTerm("http://example.org/b"), "isPartOf", GraphTerm("http://example.org/all"), "Undefined"),
    ],
)
def test_values_are_ordered_as_xml_schema_orders_them(left, operator, right, expected):
    """Days with an end, zones, fractions of seconds; what has no certain order is undefined."""
    assert compare(operator, left, (right,), lambda one, all: one[-1] + all[-3:] == "aall").value == expected


def test_one_of_several_values_is_enough_or_too_much_by_the_operator():
    """`isAnyOf`, `isNoneOf` and `isAllOf`."""
    right = (said("5", "integer"), said("6", "integer"))
    states = [compare(each, right[0], right, lambda *_: False).value for each in ("isAnyOf", "isNoneOf", "isAllOf", "eq")]
    assert states == ["Satisfied", "Unsatisfied", "Unsatisfied", "Undefined"]


@pytest.mark.parametrize(
    ("reported", "is_active", "permitted"),
    [("", True, False), ("Unknown", True, False), ("Unperformed", False, False), ("Performed", True, True)],
)
def test_by_the_suite_only_a_violated_duty_makes_a_permission_inactive(reported, is_active, permitted):
    """Nothing is permitted all the same while a duty is owed: the command ends with 1."""
    state = f"{NOON} ex:report report:rule ex:payment ; report:performanceState report:{reported} ." if reported else NOON
    evaluation = read(DUTY, state=state)
    assert (evaluation.rules[0].active, evaluation.permitted) == (is_active, permitted)


def test_of_reports_that_contradict_each_other_the_gravest_counts():
    """Whatever their order."""
    for states in (("Performed", "Unperformed"), ("Unperformed", "Performed")):
        reports = " ".join(f"ex:{each} report:rule ex:payment ; report:performanceState report:{each} ." for each in states)
        assert not active(DUTY, state=NOON + reports)


def test_a_report_that_names_no_rule_counts_for_none():
    """Not for a duty without a name either."""
    state = f"{NOON} ex:report report:performanceState report:Performed ."
    assert not read("odrl:duty [ odrl:action odrl:compensate ]", state=state).permitted


def test_collections_that_contain_each_other_come_to_an_end():
    """And membership goes through several."""
    circle = "ex:alice odrl:partOf ex:b . ex:b odrl:partOf ex:c . ex:c odrl:partOf ex:b ."
    assert active("odrl:assignee ex:c", state=circle)
    assert not active("odrl:assignee ex:d", state=circle)


@pytest.mark.parametrize(
    ("text", "type", "sentence"),
    [
        ("dct:description 'a'", "Offer", "a policy of type Offer"),
        ("dct:description 'a'", "Request", "a policy of type Request"),
        (
            "dct:description 'a' . ex:policy odrl:inheritFrom ex:parent",
            "Set",
            "inherits the rules of http://example.org/parent",
        ),
        ("odrl:constraint 'always'", "Set", "`constraint` at http://example.org/rule is no term"),
        ("a odrl:Prohibition", "Set", "`type` at http://example.org/rule is no term"),
        ("ex:onlyWhere ex:here", "Set", "`onlyWhere` at http://example.org/rule is no term that is evaluated here"),
    ],
)
def test_what_an_evaluator_must_not_consider_is_refused_with_a_sentence(text, type, sentence):
    """A proposal, a request, half of a policy, and a limit in words of somebody else."""
    with pytest.raises(EvaluationRefused, match=sentence):
        read(text, type=type)


@pytest.mark.parametrize(
    ("was", "becomes", "fulfilled"),
    [
        ("5.00", "5.0", True),
        ("5.00", "4.99", False),
        ("resource/Euro", "resource/Yen", False),
        ("party/sony", "party/other", False),
        ("2025-07-23 00", "2025-07-26 00", False),
        ("2025-07-23 00", "2025-7-23 00", False),
        ("condition/1", "condition/2", False),
    ],
)
def test_a_payment_fulfils_a_duty_by_its_amount_currency_payee_and_time(was, becomes, fulfilled, tmp_path):
    """The draft's case C12, with one thing changed; its JSON-LD and its Turtle say the same."""
    policy = next(DRAFT.glob("C1*/policyC1.json"))
    request = next(DRAFT.glob("C1*/C12/evaluationrequestC12.json"))
    for suffix in ("json", "ttl"):
        state = tmp_path / f"state.{suffix}"
        state.write_text(next(DRAFT.glob(f"C1*/C12/stateC12.{suffix}")).read_text().replace(was, becomes))
        (evaluation,) = evaluate_files(policy, request, state)
        assert evaluation.rules[0].active is fulfilled
        assert evaluation.rules[0].duties[0].deontic_state == ("Fulfilled" if fulfilled else "NonSet")


def test_the_report_says_the_same_in_turtle_and_in_json_ld():
    """Also with names and comments that a Turtle file cannot hold as they are."""
    evaluation = read(f"odrl:constraint {BEFORE_2025} , [ odrl:or {BEFORE_2025} ] ; {DUTY}", state="")
    report = compliance_report.document(evaluation)
    report["rdfs:comment"] = 'a "quoted" \\ line\nand another'
    by_turtle = {
        (each.subject, each.predicate, each.object) for each in turtle.triples(compliance_report.turtle(report).encode())
    }
    by_json = {(each.subject, each.predicate, each.object) for each in json_ld.triples(json.dumps(report).encode())}
    assert by_turtle == by_json
    assert "urn:fifthfactor:odrl:Undefined" in {each.text for _, _, each in by_turtle}
    assert compliance_report.turtle({"@context": {}, "@id": "urn:a> . <urn:b", "@type": "report:X"}).count("<") == 1
